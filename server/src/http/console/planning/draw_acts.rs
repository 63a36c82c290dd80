//! The steps of a draw after its commitment: drawn with a witness's value, approved, withdrawn, drawn again, replayed.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::draws::{Asked, audit, begin, purpose};
use super::view::{self, DrawDetail};
use super::{NAME_LIMIT, REASON_LIMIT, assign};
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::draw::seed::WITNESS_CHARS_MAX;
use crate::domain::draw::{Drawn, Outcome, Record, Replayed};
use crate::domain::permission::Permission;
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::assignments::{NewRow, kind_of};
use crate::store::draws::{self, DrawRow, Made};
use crate::store::{StoreError, Tx, plans};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(draw).service(approve).service(withdraw).service(redraw).service(record_file).service(replay);
}

/// A witness's value.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawWitnessed, example = json!({"witness_name": "区纪委 陈晓", "witness_value": "上证指数 3421.56", "version": 1}))]
struct Witnessed {
    #[schema(min_length = 1, max_length = 100)]
    witness_name: String,
    /// Anything that nobody could know when the commitment was published.
    #[schema(min_length = 1, max_length = 200)]
    witness_value: String,
    version: i64,
}

/// Draws with the witness's value. The result stands, or the rule that blocks is named; nothing is relaxed.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), request_body = Witnessed,
    responses((status = 200, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/draws/{id}/draw")]
async fn draw(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Witnessed>,
) -> Result<web::Json<DrawDetail>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("witness_name", &body.witness_name, NAME_LIMIT);
    faults.text("witness_value", &body.witness_value, WITNESS_CHARS_MAX);
    checked(faults)?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let row = draws::get(&mut app.db.read().await?.conn(), &scope, &id).await?.ok_or_else(Problem::not_found)?;
    if row.version != body.version {
        return Err(stale(&app, &scope, &id).await);
    }
    if row.state != "committed" {
        return Err(not_now("it has been drawn or withdrawn"));
    }
    let sealed = app.sealer.open_sealed(&purpose(&row.commitment), &row.server_sealed).map_err(|_| Problem::of(ProblemType::Internal))?;
    let value = String::from_utf8(sealed).map_err(StoreError::damaged)?;
    let input = serde_json::from_str(&row.input).map_err(StoreError::damaged)?;
    let (draw_id, name, said) = (id.clone(), body.witness_name.trim().to_owned(), body.witness_value);
    // A search may look at millions of teams: not on a thread that answers requests.
    let record = web::block(move || Record::make(&draw_id, input, &value, (&name, &said)))
        .await
        .map_err(|_| Problem::of(ProblemType::Unavailable))?;
    let outcome = view::outcome_code(&record.outcome);
    let made = Made {
        witness_name: record.witness_name.clone(),
        record: serde_json::to_string(&record).map_err(StoreError::damaged)?,
        outcome,
        drawn_by: session.user_id.to_string(),
    };
    let detail = json!({"outcome": outcome, "seed": record.seed, "witness": record.witness_name, "witness_value": record.witness_value});
    let version = body.version;
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if !draws::set_drawn(tx, &row, &made, version, at).await? {
                    return Ok(None);
                }
                audit(tx, &session, "draw", &row.id, &row.path, detail, at).await?;
                view::detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    match done {
        Some(done) => Ok(web::Json(done)),
        None => Err(stale(&app, &caller.scope(), &id).await),
    }
}

fn not_now(why: &str) -> Problem {
    Problem::of(ProblemType::InvalidTransition).because(why)
}

/// Somebody was faster.
async fn stale(app: &App, scope: &Scope, id: &str) -> Problem {
    let present = match app.db.read().await {
        Ok(mut reader) => view::detail(&mut reader.conn(), scope, id).await,
        Err(error) => Err(error.into()),
    };
    present.map_or_else(|problem| problem, Problem::stale)
}

/// An approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanningApproval, example = json!({"approval_number": "明市监查〔2026〕31号", "version": 2}))]
pub(super) struct Approval {
    #[schema(min_length = 1, max_length = 100)]
    pub(super) approval_number: String,
    pub(super) version: i64,
}

impl Approval {
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        faults.text("approval_number", &self.approval_number, NAME_LIMIT);
        checked(faults)
    }
}

/// Approves a result: its assignments are made, with this number.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), request_body = Approval,
    responses((status = 200, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/draws/{id}/approve")]
async fn approve(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsApprove>,
    id: Id,
    body: Body<Approval>,
) -> Result<web::Json<DrawDetail>, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draws::get(tx, &scope, &wanted).await?.ok_or_else(Problem::not_found)?;
                if row.version == body.version && row.state != "drawn" {
                    return Err(not_now("only what was drawn and not yet approved can be approved"));
                }
                let number = body.approval_number.trim();
                if !draws::set_approved(tx, &row, number, &session.user_id.to_string(), body.version, at).await? {
                    return Ok(None);
                }
                let made = make_assignments(tx, &session, &row, number, at).await?;
                audit(tx, &session, "draw_approve", &row.id, &row.path, json!({"approval_number": number, "assignments": made}), at)
                    .await?;
                view::detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    match done {
        Some(done) => Ok(web::Json(done)),
        None => Err(stale(&app, &caller.scope(), &id).await),
    }
}

/// The assignments of a result; gives their number.
async fn make_assignments(tx: &mut Tx<'_>, session: &Session, row: &DrawRow, number: &str, at: i64) -> Result<usize, Problem> {
    let record: Record = serde_json::from_str(row.record.as_deref().unwrap_or_default()).map_err(StoreError::damaged)?;
    let Outcome::Drawn(Drawn { teams }) = record.outcome else { return Err(not_now("nothing was drawn")) };
    let items = match &row.plan_id {
        Some(plan) => plans::items(tx, plan).await?,
        None => Vec::new(),
    };
    let id = |text: &str| text.parse::<Uuid>().map_err(StoreError::damaged);
    for team in &teams {
        let item = items.iter().find(|item| item.premises_id == team.premises_id);
        let template = item.and_then(|item| item.template_id.as_deref()).unwrap_or(&row.template_id);
        let assignment = NewRow {
            id: Uuid::now_v7(),
            template_id: id(template)?,
            kind: kind_of(item.map_or(&row.kind, |item| &item.kind))?,
            due_on: row.due_on.clone(),
            approval_number: Some(number.to_owned()),
            source: "random_draw".to_owned(),
            created_by: session.user_id,
            officers: team.officer_ids.iter().map(|officer| id(officer)).collect::<Result<_, _>>()?,
            alert_id: None,
            source_number: None,
            merged: item.map(|item| serde_json::from_str(&item.merged)).transpose().map_err(StoreError::damaged)?.unwrap_or_default(),
            plan_id: row.plan_id.clone(),
            draw_id: Some(row.id.clone()),
        };
        assign(tx, session, &assignment, &team.premises_id, at).await?;
        if let Some(plan) = &row.plan_id {
            plans::set_assignment(tx, plan, &team.premises_id, &assignment.id.to_string()).await?;
        }
    }
    Ok(teams.len())
}

/// A reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanningReason, example = json!({"reason": "抽取范围有误", "version": 1}))]
pub(super) struct Reasoned {
    #[schema(min_length = 1, max_length = 500)]
    pub(super) reason: String,
    pub(super) version: i64,
}

impl Reasoned {
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        faults.text("reason", &self.reason, REASON_LIMIT);
        checked(faults)
    }
}

/// Takes a draw back. Before it is drawn its planner may; a result is taken back by who approves, so that nobody draws until
/// they like what comes out.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), request_body = Reasoned,
    responses((status = 200, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/draws/{id}/withdraw")]
async fn withdraw(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Reasoned>,
) -> Result<web::Json<DrawDetail>, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draws::get(tx, &scope, &wanted).await?.ok_or_else(Problem::not_found)?;
                if row.state == "drawn" && !session.access.may_at(Permission::AssignmentsApprove, &row.path) {
                    return Err(Problem::forbidden());
                }
                if row.version == body.version && !matches!(row.state.as_str(), "committed" | "drawn") {
                    return Err(not_now("it is closed"));
                }
                if !draws::set_withdrawn(tx, &row, body.reason.trim(), body.version, at).await? {
                    return Ok(None);
                }
                audit(tx, &session, "draw_withdraw", &row.id, &row.path, json!({"reason": body.reason}), at).await?;
                view::detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    match done {
        Some(done) => Ok(web::Json(done)),
        None => Err(stale(&app, &caller.scope(), &id).await),
    }
}

/// Draws again: another draw with the same question, frozen anew, with who approved it and why. The one before stays as it is.
#[utoipa::path(tag = "planning", params(("id" = String, Path)),
    request_body(content = Reasoned, example = json!({"reason": "抽取时一名执法人员的证件未登记", "version": 2})),
    responses((status = 201, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/draws/{id}/redraw")]
async fn redraw(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsApprove>,
    id: Id,
    body: Body<Reasoned>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let (sealer, wanted) = (app.sealer.clone(), id.clone());
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draws::get(tx, &scope, &wanted).await?.ok_or_else(Problem::not_found)?;
                if row.version != body.version {
                    return Ok(None);
                }
                if !matches!(row.state.as_str(), "drawn" | "failed" | "withdrawn") || row.redrawn_as.is_some() {
                    return Err(not_now("only a result, a failure or what was withdrawn is drawn again, and once"));
                }
                if row.state == "drawn" && !draws::set_withdrawn(tx, &row, body.reason.trim(), body.version, at).await? {
                    return Ok(None);
                }
                let asked: Asked = serde_json::from_str(&row.asked).map_err(StoreError::damaged)?;
                let new = begin(tx, &sealer, &session, &scope, &asked, Some((&row, body.reason.trim())), at).await?;
                view::detail(tx, &scope, &new).await.map(Some)
            })
        })
        .await?;
    match done {
        Some(done) => Ok(HttpResponse::Created().json(done)),
        None => Err(stale(&app, &caller.scope(), &id).await),
    }
}

async fn recorded(app: &App, scope: &Scope, id: &str) -> Result<Record, Problem> {
    let row = draws::get(&mut app.db.read().await?.conn(), scope, id).await?.ok_or_else(Problem::not_found)?;
    let record = row.record.ok_or_else(|| not_now("it has not been drawn"))?;
    Ok(serde_json::from_str(&record).map_err(StoreError::damaged)?)
}

/// The record of a draw, to be replayed anywhere: `bright-kitchen draw replay FILE`.
#[utoipa::path(tag = "planning", params(("id" = String, Path)),
    responses((status = 200, body = Record), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}/record.json")]
async fn record_file(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<HttpResponse, Problem> {
    let record = recorded(&app, &caller.scope(), &id.to_string()).await?;
    let name = format!("attachment; filename=\"draw-{}.json\"", *id);
    Ok(HttpResponse::Ok().insert_header(("content-disposition", name)).json(record))
}

/// Makes a draw again from its record and compares.
#[utoipa::path(tag = "planning", params(("id" = String, Path)),
    responses((status = 200, body = Replayed), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}/replay")]
async fn replay(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<Replayed>, Problem> {
    let record = recorded(&app, &caller.scope(), &id.to_string()).await?;
    Ok(web::Json(web::block(move || record.replay()).await.map_err(|_| Problem::of(ProblemType::Unavailable))?))
}
