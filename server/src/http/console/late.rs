//! `/late`, as desks see it: what officers brought when they might not any more. A supervisor looks, and accepts or rejects;
//! nothing is deleted either way.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::inspection::{EvidenceKind, PutInspection, Submit};
use mobile_api::limits::TEXT_CHARS_MAX;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::http::content::{Content, serve};
use crate::http::mobile::inspections::{put_inspection, submit_inspection};
use crate::http::viewed;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page, parse_json};
use crate::store::evidence::Arrival;
use crate::store::journal::Act;
use crate::store::late::{self, LateFileRow, LateRow};
use crate::store::{StoreError, evidence, inspections};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(late_file).service(accept).service(reject);
}

/// Where one stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Waiting,
    Accepted,
    Rejected,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(inline)]
    state: Option<State>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// An inspection in quarantine.
#[derive(Debug, Serialize, ToSchema)]
struct LateItem {
    id: String,
    /// As the phone made it.
    inspection_id: String,
    user_id: String,
    user_name: String,
    /// The account is disabled.
    user_disabled: bool,
    /// account_ended, not_permitted or refused
    #[schema(example = "account_ended")]
    reason: String,
    premises_id: Option<String>,
    premises_name: Option<String>,
    /// The officer had submitted it.
    submitted: bool,
    /// By the phone's clock.
    started_at: Option<String>,
    /// Answers in its part.
    answers: usize,
    /// Files that it names.
    evidence: usize,
    /// Files that are here.
    files: i64,
    bytes: i64,
    /// waiting, accepted or rejected
    #[schema(example = "waiting")]
    state: String,
    decided_by_name: Option<String>,
    decided_at: Option<Moment>,
    /// Why, in words.
    decision: Option<String>,
    version: i64,
    received_at: Moment,
}

fn item(row: &LateRow, content: &Value) -> LateItem {
    let part = &content["put"]["part"]["content"];
    let length = |name: &str| part[name].as_array().map_or(0, Vec::len);
    LateItem {
        id: row.id.clone(),
        inspection_id: row.inspection_id.clone(),
        user_id: row.user_id.clone(),
        user_name: row.user_name.clone(),
        user_disabled: row.user_disabled_at.is_some(),
        reason: row.reason.clone(),
        premises_id: row.premises_id.clone(),
        premises_name: row.premises_name.clone(),
        submitted: content["submit"].is_object(),
        started_at: content["put"]["header"]["started_at"].as_str().map(|text| text.chars().take(40).collect()),
        answers: length("answers"),
        evidence: length("evidence"),
        files: row.files,
        bytes: row.bytes,
        state: row.state.clone(),
        decided_by_name: row.decided_by_name.clone(),
        decided_at: row.decided_at.map(Moment),
        decision: row.decision.clone(),
        version: row.version,
        received_at: Moment(row.received_at),
    }
}

fn content(row: &LateRow) -> Result<Value, StoreError> {
    serde_json::from_str(&row.content).map_err(StoreError::damaged)
}

/// Inspections in quarantine, newest first.
#[utoipa::path(tag = "late", params(ListArgs), responses((status = 200, body = Listed<LateItem>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/late")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<LateItem>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let state = args.state.map(|state| state.code().to_owned());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = late::list(conn, &caller.scope(), state.clone(), &page).await?;
    let counted = late::count(conn, &caller.scope(), state).await?;
    let next = page.cut(&mut rows, |row| (row.received_at.to_string(), row.id.clone()));
    let items = rows.iter().map(|row| Ok(item(row, &content(row)?))).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// A file of one in quarantine.
#[derive(Debug, Serialize, ToSchema)]
struct LateFile {
    evidence_id: String,
    sha256: String,
    filetype: String,
    bytes: i64,
}

/// One in quarantine, with all that came.
#[derive(Debug, Serialize, ToSchema)]
struct LateOne {
    #[serde(flatten)]
    item: LateItem,
    /// As the phone would have sent it: `put` and `submit`.
    #[schema(value_type = Object)]
    content: Value,
    /// What is here of its photos and signatures.
    arrived: Vec<LateFile>,
}

/// One inspection in quarantine.
#[utoipa::path(tag = "late", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000097")), responses((status = 200, body = LateOne), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/late/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<LateOne>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = late::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let arrived = late::files(conn, &row).await?.into_iter();
    let arrived =
        arrived.map(|file| LateFile { evidence_id: file.evidence_id, sha256: file.sha256, filetype: file.filetype, bytes: file.bytes });
    let content = content(&row)?;
    Ok(web::Json(LateOne { item: item(&row, &content), arrived: arrived.collect(), content }))
}

/// A photo or signature of one in quarantine.
#[utoipa::path(tag = "late", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000097"), ("evidence_id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000099")),
    responses((status = 200, description = "the file as it came", content_type = "image/*"), (status = 206, description = "a range of it"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/late/{id}/files/{evidence_id}")]
async fn late_file(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
) -> Result<HttpResponse, Problem> {
    let evidence_id = request.match_info().get("evidence_id").and_then(|text| text.parse::<Uuid>().ok()).ok_or_else(Problem::not_found)?;
    let found = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = late::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        late::files(conn, &row).await?.into_iter().find(|file| file.evidence_id == evidence_id.to_string())
    };
    let found = found.ok_or_else(Problem::not_found)?;
    viewed::note(&app, &caller, "view_evidence", ("late_inspection", &id.to_string()), "/", json!({})).await?;
    let bytes = u64::try_from(found.bytes).unwrap_or(0);
    serve(&request, &app.files, &Content { sha256: &found.sha256, filetype: &found.filetype, bytes, download: None }).await
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1, "reason": "经核对，检查属实"}))]
struct Decide {
    /// As it was looked at.
    version: i64,
    /// Why; needed to reject.
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

impl Decide {
    fn checked(&self, needed: bool) -> Result<Option<String>, Problem> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let mut faults = Faults::new();
        if needed && reason.is_none() {
            faults.note_at("reason", "required", "say why");
        }
        if reason.is_some_and(|reason| reason.chars().count() > TEXT_CHARS_MAX || reason.contains('\0')) {
            faults.note_at("reason", "length", format!("at most {TEXT_CHARS_MAX} characters, no NUL"));
        }
        checked(faults)?;
        Ok(reason.map(str::to_owned))
    }
}

/// Accepts one: it becomes an inspection of its officer, as if it had come in time, with the files that are here.
#[utoipa::path(tag = "late", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000097")), request_body = Decide,
    responses((status = 200, body = LateItem), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "decided already, or it contradicts what is stored"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "it cannot become an inspection; it stays here")))]
#[post("/late/{id}/accept")]
async fn accept(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Decide>,
) -> Result<web::Json<LateItem>, Problem> {
    let reason = body.checked(false)?;
    let (row, files) = waiting(&app, &caller, &id.to_string(), body.version).await?;
    let content = content(&row)?;
    let inspection_id: Uuid = row.inspection_id.parse().map_err(StoreError::damaged)?;
    let officer = standing_in(&caller, &row)?;
    let put: PutInspection = parse_json(&serde_json::to_vec(&content["put"]).map_err(StoreError::damaged)?)?;
    put_inspection(&app, &officer, inspection_id, put).await?;
    arrive(&app, &row, files).await?;
    if content["submit"].is_object() {
        let submit: Submit = parse_json(&serde_json::to_vec(&content["submit"]).map_err(StoreError::damaged)?)?;
        submit_inspection(&app, &officer, inspection_id, submit).await?;
    }
    decided(&app, &caller, &row, "accepted", reason).await
}

/// Rejects one with a reason. It stays here.
#[utoipa::path(tag = "late", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000098")), request_body = Decide,
    responses((status = 200, body = LateItem), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/late/{id}/reject")]
async fn reject(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Decide>,
) -> Result<web::Json<LateItem>, Problem> {
    let reason = body.checked(true)?;
    let (row, _) = waiting(&app, &caller, &id.to_string(), body.version).await?;
    decided(&app, &caller, &row, "rejected", reason).await
}

async fn waiting(
    app: &App,
    caller: &Caller<can::AssignmentsManage>,
    id: &str,
    version: i64,
) -> Result<(LateRow, Vec<LateFileRow>), Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = late::get(conn, &caller.scope(), id).await?.ok_or_else(Problem::not_found)?;
    if row.version != version || row.state != "waiting" {
        return Err(stale(&row));
    }
    let files = late::files(conn, &row).await?;
    Ok((row, files))
}

fn stale(row: &LateRow) -> Problem {
    Problem::of(ProblemType::StaleVersion).with("present", json!({"version": row.version, "state": row.state}))
}

/// The officer's own act, done by the supervisor who vouches for it: the log names the supervisor.
fn standing_in(supervisor: &Session, row: &LateRow) -> Result<Session, Problem> {
    Ok(Session {
        user_id: row.user_id.parse().map_err(StoreError::damaged)?,
        access: supervisor.access.with(Permission::InspectionsConduct, &row.path),
        ..supervisor.clone()
    })
}

async fn arrive(app: &App, row: &LateRow, files: Vec<LateFileRow>) -> Result<(), Problem> {
    let (at, inspection_id) = (app.clock.wall_ms(), row.inspection_id.clone());
    let named = evidence::of_inspection(&mut app.db.read().await?.conn(), &inspection_id).await?;
    let mut looked = Vec::new();
    for file in &files {
        let signature =
            named.iter().any(|one| one.id == file.evidence_id && one.kind.as_deref() == Some(evidence::kind_code(EvidenceKind::Signature)));
        looked.push(app.files.look_again(&file.sha256, &file.filetype, signature).await?);
    }
    app.db
        .write(move |tx| {
            Box::pin(async move {
                inspections::hold(tx, &inspection_id).await?;
                for (file, (blank, position)) in files.iter().zip(looked) {
                    let arrival = Arrival {
                        evidence_id: &file.evidence_id,
                        inspection_id: &inspection_id,
                        owner_id: &file.user_id,
                        sha256: &file.sha256,
                        filetype: &file.filetype,
                        file_id: &file.file_id,
                        // Kept, and counted as not signed: nothing is refused after the fact.
                        blank,
                        position,
                    };
                    // Another file under this id is what is missing, or what was there first: it stays in quarantine.
                    if evidence::arrive(tx, &arrival, at).await?.is_err() {
                        tracing::warn!(evidence = file.evidence_id, "a late file is not the one that was promised");
                    }
                }
                inspections::settle(tx, &inspection_id, at).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

async fn decided(
    app: &App,
    caller: &Caller<can::AssignmentsManage>,
    row: &LateRow,
    state: &'static str,
    reason: Option<String>,
) -> Result<web::Json<LateItem>, Problem> {
    let (at, actor, row_, by) = (app.clock.wall_ms(), caller.actor.clone(), row.clone(), caller.user_id.to_string());
    let action = if state == "accepted" { "late_accept" } else { "late_reject" };
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let done = late::decide(tx, &row_.id, row_.version, state, &by, reason.as_deref(), at).await?;
                if done {
                    let detail =
                        json!({"inspection_id": row_.inspection_id, "officer": row_.user_id, "reason": reason, "sha256": row_.sha256});
                    let entity = Some(("late_inspection", row_.id.as_str()));
                    tx.audit(at, Act { actor: &actor, action, entity, path: &row_.path, detail }).await?;
                }
                Ok::<_, StoreError>(done)
            })
        })
        .await?;
    let present = late::get(&mut app.db.read().await?.conn(), &caller.scope(), &row.id).await?.ok_or_else(Problem::not_found)?;
    if !done {
        return Err(stale(&present));
    }
    Ok(web::Json(item(&present, &content(&present)?)))
}
