//! Importing a table: everything or nothing.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use futures::StreamExt as _;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::record::{CellFault, CellFaults, Record, records};
use super::{Kind, cameras, people, premises};
use crate::App;
use crate::auth::{Caller, Needs, Scope, Sealer, can, hash_password, in_turn, random_password};
use crate::http::{Args, Problem, ProblemBody, REQUEST};
use crate::sheet::{self, BYTES_MAX, Format, SheetError, Table};
use crate::store::journal::{Act, Actor};
use crate::store::{Db, StoreError, Tx, users};

/// New people in one import: each password is hashed, which is slow on purpose.
const NEW_PEOPLE_MAX: usize = 1_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(import_premises).service(import_users).service(import_cameras).service(template);
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Created,
    Updated,
    Refused,
}

/// Who imports what, and how.
#[derive(Clone)]
pub(crate) struct Import {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) actor: Actor,
    pub(crate) sealer: Sealer,
    /// ms UTC
    pub(crate) at: i64,
    /// Look, and change nothing.
    pub(crate) dry_run: bool,
}

/// A password that was made for somebody.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GivenPassword)]
pub(crate) struct NewPassword {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = ImportOutcome)]
pub(crate) struct Outcome {
    /// Rows with something in them.
    pub(crate) rows: usize,
    pub(crate) creates: usize,
    pub(crate) updates: usize,
    /// Every cell that is wrong, up to 1,000.
    pub(crate) errors: Vec<CellFault>,
    /// Whether anything was changed.
    pub(crate) applied: bool,
    /// Passwords of people who are new; told this once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) passwords: Vec<NewPassword>,
}

/// Why the transaction is taken back.
enum Halt {
    Outcome(Outcome),
    Problem(Problem),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}
impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Imports a table, or says what is wrong with it.
pub(crate) async fn run(db: &Db, import: Import, table: Table) -> Result<Outcome, Problem> {
    let mut faults = CellFaults::default();
    let records = records(table, import.kind.columns(), &mut faults);
    let mut outcome = Outcome { rows: records.len(), ..Outcome::default() };
    if !faults.0.is_empty() {
        outcome.errors = faults.0;
        return Ok(outcome);
    }
    let passwords = if import.kind == Kind::Users { new_passwords(db, &records, import.dry_run).await? } else { Vec::new() };
    let done = db.write(move |tx| Box::pin(async move { all(tx, &import, &records, passwords, outcome).await })).await;
    match done {
        Ok(outcome) | Err(Halt::Outcome(outcome)) => Ok(outcome),
        Err(Halt::Problem(problem)) => Err(problem),
    }
}

/// User name, password and its hash of everybody who is new. Hashing is no work for a transaction.
async fn new_passwords(db: &Db, records: &[Record], dry_run: bool) -> Result<Vec<(String, String, String)>, Problem> {
    let mut new = Vec::new();
    let mut reader = db.read().await?;
    for record in records {
        let name = record.text("username").unwrap_or_default().to_lowercase();
        if !new.contains(&name) && users::credentials(&mut reader.conn(), &name).await?.is_none() {
            new.push(name);
        }
    }
    drop(reader);
    if new.len() > NEW_PEOPLE_MAX {
        return Err(Problem::of(ProblemType::TooLarge).because(format!("at most {NEW_PEOPLE_MAX} new people at once")));
    }
    if dry_run {
        return Ok(Vec::new());
    }
    let hashed = in_turn(move || {
        new.into_iter()
            .map(|name| {
                let password = random_password();
                let hash = hash_password(&password);
                (name, password, hash)
            })
            .collect()
    });
    hashed.await.ok_or_else(|| Problem::of(ProblemType::Unavailable))
}

async fn all(
    tx: &mut Tx<'_>,
    import: &Import,
    records: &[Record],
    passwords: Vec<(String, String, String)>,
    mut outcome: Outcome,
) -> Result<Outcome, Halt> {
    let mut faults = CellFaults::default();
    for record in records {
        let done = match import.kind {
            Kind::Premises => premises::one(tx, import, record, &mut faults).await,
            Kind::Cameras => cameras::one(tx, import, record, &mut faults).await,
            Kind::Users => {
                let name = record.text("username").unwrap_or_default().to_lowercase();
                let hash = passwords.iter().find(|new| new.0 == name).map(|new| new.2.as_str());
                people::one(tx, import, record, hash, &mut faults).await
            }
        };
        match done {
            Ok(Done::Created) => outcome.creates += 1,
            Ok(Done::Updated) => outcome.updates += 1,
            Ok(Done::Refused) => {}
            // The database refused the row; PostgreSQL then takes no further statement, so this is the last that is told.
            Err(problem) if problem.kind() == ProblemType::Conflict => {
                faults.note(record.row, "", "conflict", "something else is stored under the same code or name");
                break;
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    outcome.errors = faults.0;
    if import.dry_run || !outcome.errors.is_empty() {
        return Err(Halt::Outcome(outcome));
    }
    let detail = json!({"kind": import.kind.as_str(), "creates": outcome.creates, "updates": outcome.updates});
    tx.audit(import.at, Act { actor: &import.actor, action: "import", entity: None, path: "/", detail }).await?;
    outcome.applied = true;
    outcome.passwords = passwords.into_iter().map(|(username, password, _)| NewPassword { username, password }).collect();
    Ok(outcome)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportArgs {
    /// Look, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

async fn handle<P: Needs>(
    app: web::Data<App>,
    caller: Caller<P>,
    args: ImportArgs,
    request: &HttpRequest,
    payload: web::Payload,
    kind: Kind,
) -> Result<HttpResponse, Problem> {
    let table = sheet_of(request, payload).await?;
    let import = Import {
        kind,
        scope: caller.scope(),
        actor: caller.actor.clone(),
        sealer: app.sealer.clone(),
        at: app.clock.wall_ms(),
        dry_run: args.dry_run,
    };
    let outcome = run(&app.db, import, table).await?;
    if outcome.applied && kind == Kind::Cameras {
        app.cameras_changed.notify_one();
    }
    if args.dry_run || outcome.errors.is_empty() {
        return Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(outcome));
    }
    let field = |fault: &CellFault| mobile_api::field::FieldFault {
        pointer: format!("/{}/{}", fault.row, fault.column),
        code: fault.code.clone(),
        detail: fault.detail.clone(),
    };
    Err(Problem::fields(outcome.errors.iter().map(field).collect()).because("nothing was changed").with("import", &outcome))
}

/// The body as a table.
async fn sheet_of(request: &HttpRequest, mut payload: web::Payload) -> Result<Table, Problem> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["text/csv", "application/octet-stream", Format::Xlsx.content_type()].contains(&essence.as_str()) {
        return Err(Problem::of(ProblemType::UnsupportedMediaType).because("the body is text/csv or an XLSX file"));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::of(ProblemType::Malformed).because("the body could not be read"))?;
        if bytes.len() + chunk.len() > BYTES_MAX {
            return Err(Problem::of(ProblemType::TooLarge).because("a file has at most 5 MB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let read = web::block(move || sheet::read(&bytes)).await.map_err(|_| Problem::of(ProblemType::Unavailable))?;
    read.map_err(|error| match error {
        SheetError::TooLarge(detail) => Problem::of(ProblemType::TooLarge).because(detail),
        SheetError::Format(detail) => Problem::of(ProblemType::Malformed).because(detail),
    })
}

/// Imports premises from CSV or XLSX. A row whose code, or name and organization, are known changes that premises.
#[utoipa::path(tag = "transfer", params(ImportArgs), request_body(content = String, content_type = "text/csv", example = "name,kind,organization\r\n"),
    responses((status = 200, body = Outcome), (status = 413, body = ProblemBody, content_type = "application/problem+json"), (status = 415, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/imports/premises")]
async fn import_premises(
    app: web::Data<App>,
    caller: Caller<can::PremisesManage>,
    args: Args<ImportArgs>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    handle(app, caller, args.0, &request, payload, Kind::Premises).await
}

/// Imports people. New ones get a password each, told once in the answer.
#[utoipa::path(tag = "transfer", params(ImportArgs), request_body(content = String, content_type = "text/csv", example = "username,display_name,roles\r\n"),
    responses((status = 200, body = Outcome), (status = 413, body = ProblemBody, content_type = "application/problem+json"), (status = 415, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/imports/users")]
async fn import_users(
    app: web::Data<App>,
    caller: Caller<can::UsersManage>,
    args: Args<ImportArgs>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    handle(app, caller, args.0, &request, payload, Kind::Users).await
}

/// Imports cameras. A row whose name and premises are known changes that camera.
#[utoipa::path(tag = "transfer", params(ImportArgs), request_body(content = String, content_type = "text/csv", example = "name,premises,source_url\r\n"),
    responses((status = 200, body = Outcome), (status = 413, body = ProblemBody, content_type = "application/problem+json"), (status = 415, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/imports/cameras")]
async fn import_cameras(
    app: web::Data<App>,
    caller: Caller<can::CamerasManage>,
    args: Args<ImportArgs>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    handle(app, caller, args.0, &request, payload, Kind::Cameras).await
}

/// An empty table with the names of the columns, in the caller's language.
#[utoipa::path(tag = "transfer", params(("kind" = String, Path, description = "premises, users or cameras")),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/imports/{kind}/template.csv")]
async fn template(request: HttpRequest, _caller: Caller<can::SignedIn>) -> Result<HttpResponse, Problem> {
    let kind = match request.match_info().get("kind") {
        Some("premises") => Kind::Premises,
        Some("users") => Kind::Users,
        Some("cameras") => Kind::Cameras,
        _ => return Err(Problem::not_found()),
    };
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let header: Vec<&str> = kind.columns().iter().map(|column| if english { column.code } else { column.zh }).collect();
    let body = sheet::write(Format::Csv, &header, &[]).map_err(|error| Problem::from(StoreError::damaged(error)))?;
    Ok(HttpResponse::Ok()
        .content_type(Format::Csv.content_type())
        .insert_header(("content-disposition", format!("attachment; filename=\"{}.csv\"", kind.as_str())))
        .body(body))
}
