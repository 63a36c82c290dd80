//! `/paper-numbers`: the register, row by row. Every number is issued, reserved for somebody, or void with a reason.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::VoidRequest;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{self, Kind, number_text};
use crate::domain::permission::Permission;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::Act;
use crate::store::organizations;
use crate::store::paper_numbers::{self, NumberFilter, NumberRow, Register};

/// Numbers that a phone asks for at once, and that one person may hold unused of one kind.
const BLOCK_MAX: i64 = 20;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(reserve).service(void);
}

/// A number.
#[derive(Debug, Serialize, ToSchema)]
struct PaperNumber {
    id: String,
    office_id: String,
    office_name: String,
    kind: Kind,
    year: i64,
    number: i64,
    /// issued, reserved or void
    #[schema(example = "issued")]
    state: String,
    document_id: Option<String>,
    premises_name: Option<String>,
    reserved_for: Option<String>,
    reserved_for_name: Option<String>,
    device_id: Option<String>,
    /// Why it is void.
    reason: Option<String>,
    /// The inspection whose paper a phone drew with it.
    inspection_id: Option<String>,
    created_at: Moment,
    updated_at: Moment,
}

impl From<NumberRow> for PaperNumber {
    fn from(row: NumberRow) -> Self {
        Self {
            id: row.id,
            office_id: row.office_id,
            office_name: row.office_name,
            kind: row.kind.parse().unwrap_or(Kind::InspectionRecord),
            year: row.year,
            number: row.number,
            state: row.state,
            document_id: row.document_id,
            premises_name: row.premises_name,
            reserved_for: row.reserved_for,
            reserved_for_name: row.reserved_for_name,
            device_id: row.device_id,
            reason: row.reason,
            inspection_id: row.inspection_id,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        }
    }
}

/// What became of a number.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NumberState {
    Issued,
    Reserved,
    Void,
}

impl NumberState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reserved => "reserved",
            Self::Void => "void",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    office_id: Option<Uuid>,
    kind: Option<Kind>,
    #[param(minimum = 2000, maximum = 2200)]
    year: Option<i64>,
    #[param(inline)]
    state: Option<NumberState>,
    /// Only those that the caller holds.
    mine: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The register, newest first.
#[utoipa::path(tag = "documents", params(ListArgs), responses((status = 200, body = Listed<PaperNumber>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/paper-numbers")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::DocumentsIssue>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<PaperNumber>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    if args.year.is_some_and(|year| !(2_000..=2_200).contains(&year)) {
        return Err(Problem::of(ProblemType::Malformed).because("year is 2000 to 2200"));
    }
    let filter = NumberFilter {
        office_id: args.office_id.map(|id| id.to_string()),
        kind: args.kind.map(|kind| kind.as_str().to_owned()),
        year: args.year,
        state: args.state.map(|state| state.as_str().to_owned()),
        reserved_for: args.mine.unwrap_or(false).then(|| caller.user_id.to_string()),
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = paper_numbers::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = paper_numbers::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.created_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(PaperNumber::from).collect(), next, counted)))
}

/// A block for a phone that will be without network.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"office_id": "01928f6e-0000-7000-8000-000000000004", "kind": "on_site_record", "count": 3, "device_id": "phone-1"}))]
struct Reservation {
    office_id: Uuid,
    kind: Kind,
    #[schema(minimum = 1, maximum = 20)]
    count: i64,
    #[schema(max_length = 100)]
    device_id: Option<String>,
}

/// Numbers that are the caller's from now on.
#[derive(Debug, Serialize, ToSchema)]
struct Reserved {
    kind: Kind,
    year: i64,
    numbers: Vec<i64>,
    /// As they will be printed, where the bureau does not change its word.
    texts: Vec<String>,
}

/// Reserves the next numbers of an office for the caller's phone; a person holds at most 20 unused of a kind.
#[utoipa::path(tag = "documents", request_body = Reservation,
    responses((status = 201, body = Reserved), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/paper-numbers/reserve")]
async fn reserve(app: web::Data<App>, caller: Caller<can::DocumentsIssue>, body: Body<Reservation>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    if !(1..=BLOCK_MAX).contains(&body.count) {
        faults.note_at("count", "out_of_range", format!("1 to {BLOCK_MAX}"));
    }
    if body.device_id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > 100) {
        faults.note_at("device_id", "too_long", "1 to 100 characters");
    }
    checked(faults)?;
    let (at, session) = (app.clock.wall_ms(), Session::clone(&caller));
    let register = Register { office_id: body.office_id.to_string(), kind: body.kind.as_str(), year: documents::year(at) };
    let _turn = app.documents.turn(&register).await;
    let (kind, count, year) = (body.kind, body.count, register.year);
    let first = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::DocumentsIssue);
                let office = organizations::get(tx, &scope, &register.office_id).await?.ok_or_else(Problem::not_found)?;
                let user_id = session.user_id.to_string();
                if paper_numbers::held(tx, &user_id, register.kind).await? + count > BLOCK_MAX {
                    return Err(Problem::of(ProblemType::Conflict)
                        .because(format!("at most {BLOCK_MAX} unused numbers of a kind; use or void some first")));
                }
                let Some(first) = paper_numbers::reserve(tx, &register, count, &user_id, body.device_id.as_deref(), at).await? else {
                    return Err(Problem::of(ProblemType::Unavailable).because("somebody else was faster").with("retry_after_s", 1));
                };
                let detail =
                    json!({"kind": register.kind, "year": register.year, "first": first, "count": count, "device_id": body.device_id});
                let act = Act {
                    actor: &session.actor,
                    action: "numbers_reserve",
                    entity: Some(("organization", &register.office_id)),
                    path: &office.path,
                    detail,
                };
                tx.audit(at, act).await?;
                Ok::<_, Problem>(first)
            })
        })
        .await?;
    let word = documents::word(&mut app.db.read().await?.conn(), kind).await?;
    let numbers: Vec<i64> = (first..first + count).collect();
    let texts = numbers.iter().map(|number| number_text(&word, year, *number)).collect();
    Ok(HttpResponse::Created().json(Reserved { kind, year, numbers, texts }))
}

/// Voids a reserved number that will not be used; by who holds it, or by who keeps the register.
#[utoipa::path(tag = "documents", params(("id" = Uuid, Path)), request_body = VoidRequest,
    responses((status = 200, body = PaperNumber), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/paper-numbers/{id}/void")]
async fn void(
    app: web::Data<App>,
    caller: Caller<can::DocumentsIssue>,
    id: Id,
    body: Body<VoidRequest>,
) -> Result<web::Json<PaperNumber>, Problem> {
    let reason = body.into_inner().checked()?;
    let (at, id, session) = (app.clock.wall_ms(), id.to_string(), Session::clone(&caller));
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::DocumentsIssue);
                let row = paper_numbers::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let own = row.reserved_for.as_deref() == Some(session.user_id.to_string().as_str());
                if !own && !session.access.may_at(Permission::DocumentsManage, &row.office_path) {
                    return Err(Problem::forbidden());
                }
                if !paper_numbers::void_reserved(tx, &id, &reason, at).await? {
                    let why = "only a number that is reserved; the number of a paper is voided with the paper";
                    return Err(Problem::of(ProblemType::InvalidTransition).because(why).with("present", PaperNumber::from(row)));
                }
                let detail = json!({"kind": row.kind, "year": row.year, "number": row.number, "reason": reason});
                let act = Act {
                    actor: &session.actor,
                    action: "number_void",
                    entity: Some(("paper_number", &id)),
                    path: &row.office_path,
                    detail,
                };
                tx.audit(at, act).await?;
                paper_numbers::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}
