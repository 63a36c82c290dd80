//! `/inspections`, as desks read them: the list, the page of one with its answers by section, its evidence.

mod amend;
mod complete;
mod export;
mod item;
mod page;
mod visit;

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::Moment;
use mobile_api::inspection::{Answer, InspectionKind};
use mobile_api::judge::Outcome;
use mobile_api::problem::ProblemType;
use mobile_api::template::TemplateBody;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::{Caller, Scope, Sealer, Session, can};
use crate::domain::permission::Permission;
use crate::http::arrived::{Arrived, WidthArgs};
use crate::http::mobile::inspections::outcome_code;
use crate::http::viewed;
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, moment_ms, page};
use crate::inspected::Sent;
use crate::store::assignments::kind_code;
use crate::store::inspections::{InspectionFilter, InspectionRow, Sight};
use crate::store::{Conn, StoreError, amendments, evidence, inspections, lacks, premises, templates};
use crate::{App, inspected};

pub(in crate::http) use self::amend::amend_to;
use self::page::{Inspection, Parts, Previous};
pub(crate) use item::{InspectionItem, items};

/// Hours from UTC of the days that "today" means (Asia/Shanghai has no summer time).
const DAY_OFFSET_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// Characters of a code that a list is narrowed by.
const WORD_CHARS_MAX: usize = 64;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(evidence_file);
    amend::configure(config);
    complete::configure(config);
    export::configure(config);
}

/// Whose inspections a caller sees: those of their area; those under way only where they may see assignments too.
pub(super) fn sight(session: &Session) -> Sight {
    Sight { read: session.access.scope(Permission::InspectionsRead), drafts: session.access.scope(Permission::AssignmentsRead) }
}

/// One that the caller may see: of their area, or their own.
pub(in crate::http) async fn find(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    match inspections::get(conn, &sight(session), id).await? {
        Some(row) => Ok(Some(row)),
        None => inspections::get_own(conn, &session.user_id.to_string(), id).await,
    }
}

/// Where an inspection stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Draft,
    Submitted,
    Complete,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Complete => "complete",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    premises_id: Option<Uuid>,
    /// The office it belonged to then.
    organization_id: Option<Uuid>,
    #[param(inline)]
    kind: Option<InspectionKind>,
    /// Code of the template, of whatever version.
    #[param(example = "school_canteen", max_length = 64)]
    template_code: Option<String>,
    /// Code of an item that failed.
    #[param(max_length = 64)]
    failed_item: Option<String>,
    #[param(inline)]
    state: Option<State>,
    /// The outcome.
    result: Option<Outcome>,
    /// Made at this time or later, as far as the phone's clock can be believed.
    #[param(example = "2026-11-01T00:00:00.000Z", max_length = 40)]
    since: Option<String>,
    /// Made before this time.
    #[param(max_length = 40)]
    until: Option<String>,
    officer_id: Option<Uuid>,
    /// Made today, Asia/Shanghai.
    today: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

impl ListArgs {
    pub(super) fn filter(&self, now_ms: i64) -> Result<InspectionFilter, Problem> {
        let mut filter = InspectionFilter {
            premises_id: self.premises_id.map(|id| id.to_string()),
            office_id: self.organization_id.map(|id| id.to_string()),
            kind: self.kind.map(|kind| kind_code(kind).to_owned()),
            template_code: word("template_code", self.template_code.as_deref())?,
            failed_item: word("failed_item", self.failed_item.as_deref())?,
            state: self.state.map(|state| state.as_str().to_owned()),
            outcome: self.result.map(|outcome| outcome_code(outcome).to_owned()),
            since_ms: moment_ms("since", self.since.as_deref())?,
            until_ms: moment_ms("until", self.until.as_deref())?,
            officer_id: self.officer_id.map(|id| id.to_string()),
        };
        if self.today.unwrap_or(false) {
            let midnight = now_ms - (now_ms + DAY_OFFSET_MS).rem_euclid(DAY_MS);
            filter.since_ms = Some(filter.since_ms.map_or(midnight, |since| since.max(midnight)));
        }
        Ok(filter)
    }
}

/// A short word of the query.
fn word(name: &str, text: Option<&str>) -> Result<Option<String>, Problem> {
    if text.is_some_and(|text| text.chars().count() > WORD_CHARS_MAX) {
        return Err(Problem::of(ProblemType::Malformed).because(format!("{name} is at most {WORD_CHARS_MAX} characters")));
    }
    Ok(text.map(str::to_owned))
}

/// Inspections, newest first.
#[utoipa::path(tag = "inspections", params(ListArgs), responses((status = 200, body = Listed<InspectionItem>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::InspectionsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<InspectionItem>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = args.filter(app.clock.wall_ms())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let sight = sight(&caller);
    let mut rows = inspections::list(conn, &sight, &filter, &page).await?;
    let counted = inspections::count(conn, &sight, &filter).await?;
    let next = page.cut(&mut rows, |row| (row.happened_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(items(conn, &rows).await?, next, counted)))
}

/// One inspection: its answers by section, evidence, both results, and what happened.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000020")), responses((status = 200, body = Inspection), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::InspectionsRead>, id: Id) -> Result<web::Json<Inspection>, Problem> {
    Ok(web::Json(page_of(&mut app.db.read().await?.conn(), &app.sealer, &caller, &id.to_string()).await?))
}

/// The page of one inspection that the caller may see.
async fn page_of(conn: &mut Conn<'_>, sealer: &Sealer, session: &Session, id: &str) -> Result<Inspection, Problem> {
    let row = find(conn, session, id).await?.ok_or_else(Problem::not_found)?;
    let item = items(conn, std::slice::from_ref(&row)).await?.pop().ok_or_else(Problem::not_found)?;
    let template = template_of(conn, &row).await?;
    let files = evidence::of_inspection(conn, &row.id).await?;
    let amendments = amendments::of_inspection(conn, &row.id).await?;
    let before = match inspections::before(conn, &sight(session), &row).await? {
        Some(before) => Some(last_time(conn, &before).await?),
        None => None,
    };
    let sent = Sent::of(conn, &row).await?;
    let lacks = lacks::of_inspection(conn, &row.id).await?;
    let door_mark = sealer.door_mark(&row.premises_id);
    let place =
        premises::get(conn, &Scope::system(), &row.premises_id).await?.and_then(|premises| premises.latitude.zip(premises.longitude));
    let versions = inspections::part_versions(conn, &row.id).await?;
    let given = Parts {
        sent,
        versions: &versions,
        files: &files,
        template: &template,
        amendments: &amendments,
        door_mark: &door_mark,
        before,
        lacks,
        place,
    };
    Ok(Inspection::of(&row, item, given)?)
}

async fn template_of(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<TemplateBody, StoreError> {
    templates::get(conn, &row.template_id).await?.ok_or_else(|| StoreError::damaged("an inspection without its template"))?.body()
}

async fn last_time(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<(Previous, Vec<Answer>), StoreError> {
    let judged = item::judgement(row.result.as_deref())?;
    let previous = Previous {
        id: row.id.clone(),
        happened_at: Moment(row.happened_at),
        outcome: row.outcome.clone(),
        score: judged.and_then(|judged| judged.score),
        again: Vec::new(),
        put_right: Vec::new(),
        new: Vec::new(),
    };
    Ok((previous, inspected::answers(conn, row).await?))
}

/// A file of an inspection, as taken or reduced.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000020"), ("evidence_id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000022"), WidthArgs),
    responses((status = 200, description = "the file, of the type it has", content_type = "image/*"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections/{id}/evidence/{evidence_id}")]
async fn evidence_file(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::InspectionsRead>,
    id: Id,
    args: Args<WidthArgs>,
) -> Result<HttpResponse, Problem> {
    let width = args.checked()?;
    let evidence_id: Uuid = request.match_info().get("evidence_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let (row, arrived) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = find(conn, &caller, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        let found = evidence::get(conn, &evidence_id.to_string()).await?.filter(|found| found.inspection_id == row.id);
        // Officers see what they and their colleagues took.
        let originals =
            caller.access.may_at(Permission::InspectionsOriginals, &row.premises_path) || caller.access.may(Permission::InspectionsConduct);
        (row, Arrived::to_show(conn, found, originals, width).await?)
    };
    viewed::note(&app, &caller, "view_evidence", ("inspection", &row.id), &row.premises_path, json!({})).await?;
    arrived.send(&request, &app, width).await
}
