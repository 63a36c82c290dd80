//! `PUT /late/..`: the door for what an officer gathered before they were let go. Their login has ended, so the refresh token
//! that the phone still has says whose it is; it opens nothing else. What comes is kept in quarantine until a supervisor
//! accepts or rejects it, and after that too.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, put, web};
use mobile_api::canonical;
use mobile_api::field::Faults;
use mobile_api::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_FILETYPES};
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::refresh_hash;
use crate::http::{Args, Body, Id, Problem, ProblemBody, checked, origin};
use crate::store::files::{self, FileRow};
use crate::store::journal::{Act, Actor};
use crate::store::late::{self, LateFileRow, NewLate};
use crate::store::{StoreError, logins};

/// Inspections a person may leave here.
const INSPECTIONS_MAX: i64 = 200;
/// Files a person may leave here.
const FILES_MAX: i64 = 4_000;
/// Bytes a person may leave here.
const BYTES_MAX: i64 = 2 * 1024 * 1024 * 1024;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(bring).service(bring_file);
}

/// Why it comes this way.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// The account was ended or disabled.
    AccountEnded,
    /// The officer may not inspect there any more.
    NotPermitted,
    /// The server refused it for another reason, and the officer hands it over.
    Refused,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::AccountEnded => "account_ended",
            Self::NotPermitted => "not_permitted",
            Self::Refused => "refused",
        }
    }
}

/// An inspection as the phone would have sent it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "the-refresh-token-of-the-last-answer", "reason": "account_ended", "put": {"header": {"premises_id": "01928f6e-0000-7000-8000-000000000001"}}}))]
struct LateInspection {
    /// A refresh token of the officer's, also of a login that has ended.
    #[schema(max_length = 128)]
    token: String,
    #[schema(inline)]
    reason: Reason,
    /// Body of `PUT /inspections/{id}`.
    #[schema(value_type = Object)]
    put: Value,
    /// Body of `POST /inspections/{id}/submit`, where the officer had submitted it.
    #[schema(value_type = Option<Object>)]
    submit: Option<Value>,
}

/// What is kept.
#[derive(Debug, Serialize, ToSchema)]
struct LateKept {
    /// Of the content that was sent.
    sha256: String,
    /// waiting, until a supervisor decides
    #[schema(example = "waiting")]
    state: &'static str,
}

/// Leaves an inspection for a supervisor to look at. The same again is answered 200 and changes nothing.
#[utoipa::path(tag = "late", security(()), params(("id" = Uuid, Path, description = "the inspection", example = "01928f6e-0000-7000-8000-000000000095")),
    request_body = LateInspection,
    responses((status = 201, body = LateKept), (status = 200, body = LateKept, description = "the same is here"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "a token that was never given, or too long ago"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/late/{id}")]
async fn bring(request: HttpRequest, app: web::Data<App>, id: Id, body: Body<LateInspection>) -> Result<HttpResponse, Problem> {
    let LateInspection { token, reason, put, submit } = body.into_inner();
    let mut faults = Faults::new();
    if !put.is_object() {
        faults.note_at("put", "type", "an object");
    }
    if submit.as_ref().is_some_and(|submit| !submit.is_object()) {
        faults.note_at("submit", "type", "an object");
    }
    checked(faults)?;
    let owner = Owner::of(&app, &request, &token).await?;
    let content = json!({"put": put, "submit": submit});
    let premises_id = put["header"]["premises_id"].as_str().and_then(|text| text.parse::<Uuid>().ok()).map(|id| id.to_string());
    let new = NewLate {
        id: Uuid::now_v7().to_string(),
        inspection_id: id.to_string(),
        user_id: owner.id.clone(),
        sha256: canonical::sha256_hex(&content),
        content: serde_json::to_string(&content).map_err(StoreError::damaged)?,
        reason: reason.code().to_owned(),
        premises_id,
    };
    owner.has_room(&app, i64::try_from(new.content.len()).unwrap_or(i64::MAX)).await?;
    let at = app.clock.wall_ms();
    let sha256 = new.sha256.clone();
    let created = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let created = late::insert(tx, &new, at).await?;
                if created {
                    let entity = Some(("late_inspection", new.id.as_str()));
                    let detail = json!({"inspection_id": new.inspection_id, "reason": new.reason, "sha256": new.sha256});
                    tx.audit(at, Act { actor: &owner.actor, action: "late_receive", entity, path: "/", detail }).await?;
                }
                Ok::<_, StoreError>(created)
            })
        })
        .await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(LateKept { sha256, state: "waiting" }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileArgs {
    /// Of the file as taken, hex.
    #[param(example = "8b209804013314857700e6cb601f63de72e12b2480c25c86973a0bdf53fdc7d0", max_length = 64)]
    sha256: String,
    #[param(example = "image/png")]
    filetype: String,
}

/// Leaves a file of such an inspection. The same again is answered 200.
#[utoipa::path(tag = "late", security(()), params(("id" = Uuid, Path, description = "the inspection", example = "01928f6e-0000-7000-8000-000000000095"), ("evidence_id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000096"),
        FileArgs, ("X-Late-Token" = String, Header, description = "a refresh token of the officer's", example = "the-refresh-token-of-the-last-answer")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file as taken; the example is in base64.", example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPQ6w4HAAH7ARF0JhTpAAAAAElFTkSuQmCC"),
    responses((status = 201, description = "kept"), (status = 200, description = "the same is here"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"), (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 460, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/late/{id}/files/{evidence_id}")]
async fn bring_file(
    request: HttpRequest,
    app: web::Data<App>,
    id: Id,
    args: Args<FileArgs>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let evidence_id: Uuid = request.match_info().get("evidence_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let mut faults = Faults::new();
    faults.sha256("sha256", &args.sha256);
    if !EVIDENCE_FILETYPES.contains(&args.filetype.as_str()) {
        faults.note_at("filetype", "unknown", format!("one of {}", EVIDENCE_FILETYPES.join(", ")));
    }
    let token = request.headers().get("x-late-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if token.is_empty() {
        faults.note_at("X-Late-Token", "required", "a refresh token of the officer's");
    }
    checked(faults)?;
    let owner = Owner::of(&app, &request, token).await?;
    let (inspection_id, evidence_id) = (id.to_string(), evidence_id.to_string());
    if late::has_file(&mut app.db.read().await?.conn(), &evidence_id, &owner.id, &args.sha256).await? {
        return Ok(HttpResponse::Ok().finish());
    }
    let spooled = app.files.spool(payload, EVIDENCE_BYTES_MAX).await?;
    if spooled.sha256 != args.sha256 {
        return Err(Problem::of(ProblemType::ChecksumMismatch));
    }
    let bytes = i64::try_from(spooled.bytes).unwrap_or(i64::MAX);
    owner.has_room(&app, bytes).await?;
    // Kept as it came: whether it is a good picture is looked at when somebody accepts it.
    app.files.put(&spooled).await?;
    let at = app.clock.wall_ms();
    let file = FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: spooled.sha256.clone(),
        filetype: args.filetype.clone(),
        bytes,
        width: None,
        height: None,
        user_id: Some(owner.id.clone()),
        created_at: at,
    };
    let row = LateFileRow {
        evidence_id,
        user_id: owner.id,
        sha256: spooled.sha256.clone(),
        inspection_id,
        filetype: args.filetype.clone(),
        bytes,
        file_id: file.id.clone(),
    };
    let kept = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                files::insert(tx, &file).await?;
                late::insert_file(tx, &row, at).await
            })
        })
        .await;
    let kept: bool = kept.map_err(|error: StoreError| Problem::from(error))?;
    Ok(HttpResponse::build(if kept { StatusCode::CREATED } else { StatusCode::OK }).finish())
}

/// Whose refresh token it is.
struct Owner {
    id: String,
    actor: Actor,
}

impl Owner {
    async fn of(app: &App, request: &HttpRequest, token: &str) -> Result<Self, Problem> {
        let row = logins::refresh_token(&mut app.db.read().await?.conn(), &refresh_hash(token)).await?;
        let row = row.ok_or_else(|| Problem::of(ProblemType::Unauthenticated).because("no login of ours had this token"))?;
        let actor = Actor { id: row.user_id.parse().ok(), name: row.display_name, ..origin(request) };
        Ok(Self { id: row.user_id, actor })
    }

    async fn has_room(&self, app: &App, more_bytes: i64) -> Result<(), Problem> {
        has_room(app, &self.id, more_bytes).await
    }
}

/// Refuses what is more than a person may leave in quarantine, by whatever door it comes.
pub(crate) async fn has_room(app: &App, user_id: &str, more_bytes: i64) -> Result<(), Problem> {
    let (inspections, files, bytes) = late::used(&mut app.db.read().await?.conn(), user_id).await?;
    if inspections < INSPECTIONS_MAX && files < FILES_MAX && bytes.saturating_add(more_bytes) <= BYTES_MAX {
        return Ok(());
    }
    Err(Problem::of(ProblemType::TooLarge)
        .because(format!("at most {INSPECTIONS_MAX} inspections, {FILES_MAX} files and {BYTES_MAX} bytes a person wait here")))
}
