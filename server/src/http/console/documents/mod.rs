//! Papers: issued, shown, voided; their layouts, their numbers, and what the bureau says of itself on them.

mod bureau;
mod issue;
mod layouts;
mod numbers;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::Moment;
use mobile_api::field::{Faults, FieldFault};
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{DocumentError, FILETYPE, Kind};
use crate::domain::permission::Permission;
use crate::domain::workflow::REASON_CHARS_MAX;
use crate::http::content::{Content, serve};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, moment_ms, page};
use crate::store::documents::{self, DocumentFilter, DocumentRow};
use crate::store::files;
use crate::store::journal::Act;

pub(crate) use issue::{Issuing, fit, issue_paper, pdf, subject_of};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    // Before the papers: `/documents/layouts` is no paper's id.
    layouts::configure(config);
    numbers::configure(config);
    bureau::configure(config);
    issue::configure(config);
    config.service(list).service(read).service(download).service(void);
}

/// A paper.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Document {
    id: String,
    kind: Kind,
    /// As printed.
    #[schema(example = "明市监责改〔2026〕12号")]
    number: String,
    office_id: String,
    office_name: String,
    premises_id: String,
    premises_name: String,
    inspection_id: Option<String>,
    /// The order it was issued with.
    order_id: Option<String>,
    /// issued or void
    #[schema(example = "issued")]
    state: String,
    /// Of the layout; 0 is the one that ships.
    layout_version: i64,
    layout_sha256: String,
    /// Of the fonts it was set with.
    fonts_sha256: String,
    /// Version of the program that set it.
    program: String,
    /// Of what it says, canonical JSON.
    data_sha256: String,
    /// Of the file.
    sha256: String,
    bytes: i64,
    pages: i64,
    issued_by_name: String,
    issued_at: Moment,
    voided_by_name: Option<String>,
    voided_at: Option<Moment>,
    void_reason: Option<String>,
}

impl From<DocumentRow> for Document {
    fn from(row: DocumentRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind.parse().unwrap_or(Kind::InspectionRecord),
            number: row.number,
            office_id: row.office_id,
            office_name: row.office_name,
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            inspection_id: row.inspection_id,
            order_id: row.work_id,
            state: row.state,
            layout_version: row.layout_version,
            layout_sha256: row.layout_sha256,
            fonts_sha256: row.fonts_sha256,
            program: row.program,
            data_sha256: row.data_sha256,
            sha256: row.sha256,
            bytes: row.bytes,
            pages: row.pages,
            issued_by_name: row.issued_by_name,
            issued_at: Moment(row.issued_at),
            voided_by_name: row.voided_by_name,
            voided_at: row.voided_at.map(Moment),
            void_reason: row.void_reason,
        }
    }
}

/// Whether a paper is in force.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PaperState {
    Issued,
    Void,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    kind: Option<Kind>,
    #[param(inline)]
    state: Option<PaperState>,
    premises_id: Option<Uuid>,
    inspection_id: Option<Uuid>,
    order_id: Option<Uuid>,
    /// Issued at this time or later.
    #[param(example = "2026-11-01T00:00:00.000Z", max_length = 40)]
    since: Option<String>,
    /// Issued before this time.
    #[param(max_length = 40)]
    until: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Papers of the caller's part of the tree, newest first.
#[utoipa::path(tag = "documents", params(ListArgs), responses((status = 200, body = Listed<Document>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/documents")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::DocumentsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Document>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let state = args.state.map(|state| match state {
        PaperState::Issued => "issued".to_owned(),
        PaperState::Void => "void".to_owned(),
    });
    let filter = DocumentFilter {
        kind: args.kind.map(|kind| kind.as_str().to_owned()),
        state,
        premises_id: args.premises_id.map(|id| id.to_string()),
        inspection_id: args.inspection_id.map(|id| id.to_string()),
        work_id: args.order_id.map(|id| id.to_string()),
        since_ms: moment_ms("since", args.since.as_deref())?,
        until_ms: moment_ms("until", args.until.as_deref())?,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = documents::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = documents::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.issued_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Document::from).collect(), next, counted)))
}

/// One paper.
#[utoipa::path(tag = "documents", params(("id" = Uuid, Path)), responses((status = 200, body = Document), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/documents/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::DocumentsRead>, id: Id) -> Result<web::Json<Document>, Problem> {
    let row = documents::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(row.into()))
}

/// The file as it was issued. Looking at it is noted.
#[utoipa::path(tag = "documents", params(("id" = Uuid, Path)),
    responses((status = 200, description = "the paper", content_type = "application/pdf"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/documents/{id}/file")]
async fn download(request: HttpRequest, app: web::Data<App>, caller: Caller<can::DocumentsRead>, id: Id) -> Result<HttpResponse, Problem> {
    let row = documents::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let (at, actor) = (app.clock.wall_ms(), caller.actor.clone());
    let (row_id, path, number) = (row.id.clone(), row.premises_path.clone(), row.number.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let act = Act {
                    actor: &actor,
                    action: "document_read",
                    entity: Some(("document", &row_id)),
                    path: &path,
                    detail: json!({"number": number}),
                };
                tx.audit(at, act).await
            })
        })
        .await?;
    let name = format!("{}-{}.pdf", row.kind, row.id);
    let content = Content { sha256: &row.sha256, filetype: FILETYPE, bytes: u64::try_from(row.bytes).unwrap_or(0), download: Some(&name) };
    serve(&request, &app.files, &content).await
}

/// Takes a paper out of force. The file and the number stay, with the reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "当事人名称有误，另行制作"}))]
struct VoidRequest {
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

impl VoidRequest {
    fn checked(self) -> Result<String, Problem> {
        let mut faults = Faults::new();
        faults.text("reason", &self.reason, REASON_CHARS_MAX);
        checked(faults)?;
        Ok(self.reason.trim().to_owned())
    }
}

/// Takes a paper out of force.
#[utoipa::path(tag = "documents", params(("id" = Uuid, Path)), request_body = VoidRequest,
    responses((status = 200, body = Document), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/documents/{id}/void")]
async fn void(
    app: web::Data<App>,
    caller: Caller<can::DocumentsIssue>,
    id: Id,
    body: Body<VoidRequest>,
) -> Result<web::Json<Document>, Problem> {
    let reason = body.into_inner().checked()?;
    let (at, id, session) = (app.clock.wall_ms(), id.to_string(), Session::clone(&caller));
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::DocumentsIssue);
                let row = documents::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                if !documents::void(tx, &row, &session.actor, &reason, at).await? {
                    return Err(Problem::of(ProblemType::InvalidTransition)
                        .because("it is void already")
                        .with("present", Document::from(row)));
                }
                documents::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}

/// The stored file of a seal or another picture that papers use: it is there, and a picture.
async fn picture_file(conn: &mut crate::store::Conn<'_>, id: &str) -> Result<bool, Problem> {
    Ok(files::get(conn, id).await?.is_some_and(|file| file.filetype.starts_with("image/")))
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Layout(faults) => {
                let told = faults.iter().map(|fault| {
                    let place = fault.line.map_or_else(String::new, |line| format!("{} {line}:{} ", fault.file, fault.column.unwrap_or(1)));
                    FieldFault { pointer: "/source".to_owned(), code: "layout".to_owned(), detail: format!("{place}{}", fault.message) }
                });
                Self::fields(told.collect()).with("faults", faults)
            }
            DocumentError::TooSlow(_) | DocumentError::TooLong(_) => Self::field("/source", "too_large", &error.to_string()),
            DocumentError::Picture(_) => Self::field("", "picture", &error.to_string()),
            DocumentError::Unfit(why) => Self::of(ProblemType::Conflict).because(why),
            DocumentError::Busy => Self::of(ProblemType::Unavailable).because(error.to_string()).with("retry_after_s", 10),
            DocumentError::NoFonts(_) => {
                tracing::error!(%error, "papers cannot be set");
                Self::of(ProblemType::Unavailable).because("no Chinese font is installed on the server").with("retry_after_s", 600)
            }
            DocumentError::Files(error) => error.into(),
            DocumentError::Store(error) => error.into(),
        }
    }
}
