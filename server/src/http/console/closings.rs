//! `/statistics/closings`: months that were closed, the figures as they were then, and what changed since.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpResponse, get, post, web};
use jiff::civil::Date;
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::alert_figures::Share;
use super::rates::{RatesRow, SevenRates, cut, share};
use crate::App;
use crate::auth::{Caller, can};
use crate::closing::{self, Changed, total};
use crate::domain::calendar::date_of;
use crate::domain::periods::Stretch;
use crate::domain::rates::{Rate, Rates};
use crate::http::console::documents::pdf;
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::report;
use crate::store::closings::{self, ClosingFilter, ClosingRow, FactRow, NameRow, NewClosing};
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, organizations};

/// Longest reason, characters.
const REASON_LIMIT: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(close).service(get_one).service(changes).service(report_of_month).service(report_of_closing);
}

/// A month that was closed, or a further revision of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Closing {
    id: String,
    organization_id: String,
    pub(crate) organization_name: String,
    #[schema(example = "2026-10")]
    pub(crate) month: String,
    /// 1 is the closing; a further one takes in what came late, and stands beside it.
    #[schema(minimum = 1)]
    pub(crate) revision: i64,
    /// Version of the formulas.
    formula: i64,
    /// Why there is a further revision.
    pub(crate) reason: Option<String>,
    closed_by: String,
    pub(crate) closed_by_name: String,
    pub(crate) closed_at: Moment,
}

impl From<ClosingRow> for Closing {
    fn from(row: ClosingRow) -> Self {
        Self {
            id: row.id,
            organization_id: row.node_id,
            organization_name: row.node_name,
            month: row.first_on.get(..7).unwrap_or_default().to_owned(),
            revision: row.revision,
            formula: row.formula,
            reason: row.reason,
            closed_by: row.closed_by,
            closed_by_name: row.closed_by_name,
            closed_at: Moment(row.closed_at),
        }
    }
}

/// The first day of a month such as 2026-10.
pub(crate) fn month(text: &str) -> Option<Date> {
    if text.len() == 7 { format!("{text}-01").parse().ok() } else { None }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClosingArgs {
    /// Closed for this node.
    organization_id: Option<Uuid>,
    #[param(value_type = Option<String>, example = "2026-10", max_length = 7)]
    month: Option<Chars<7>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Months that were closed, with their further revisions; the newest first.
#[utoipa::path(tag = "statistics", params(ClosingArgs), responses((status = 200, body = Listed<Closing>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/closings")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<ClosingArgs>,
) -> Result<web::Json<Listed<Closing>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let malformed = || Problem::of(ProblemType::Malformed).because("month is a month such as 2026-10");
    let first = args.month.as_deref().map(|text| month(text).ok_or_else(malformed)).transpose()?;
    let filter =
        ClosingFilter { organization_id: args.organization_id.map(|id| id.to_string()), first_on: first.map(|first| first.to_string()) };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = closings::list(conn, &scope, &filter, &page).await?;
    let next = page.cut(&mut rows, closings::sort_key);
    let counted = closings::count(conn, &scope, &filter).await?;
    Ok(web::Json(listed(rows.into_iter().map(Closing::from).collect(), next, counted)))
}

/// A month to be closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organization_id": "01928f6e-0000-7000-8000-000000000004", "month": "2026-10", "reason": "两条预警改判"}))]
struct CloseRequest {
    /// Whose month: everything below this node.
    organization_id: Uuid,
    #[schema(max_length = 7)]
    month: String,
    /// Why a month that was closed gets a further revision; wanted then.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Closes a month that is over: its figures are kept as they are now, with everything that they count. Of a month that is closed this
/// makes a further revision, where something came late.
#[utoipa::path(tag = "statistics", request_body = CloseRequest, responses((status = 201, body = Closing), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/statistics/closings")]
async fn close(app: web::Data<App>, caller: Caller<can::FiguresClose>, body: Body<CloseRequest>) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, body) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), body.into_inner());
    let user_id = caller.user_id.to_string();
    let mut faults = Faults::new();
    let first = month(&body.month);
    match first {
        None => faults.note_at("month", "malformed", "a month such as 2026-10"),
        Some(first) if Stretch::Month.last_day(first) >= date_of(at) => faults.note_at("month", "out_of_range", "a month that is over"),
        Some(_) => {}
    }
    faults.optional_text("reason", body.reason.as_deref(), REASON_LIMIT);
    checked(faults)?;
    let first = first.unwrap_or_default();
    let first_on = first.to_string();
    // Counted before the write begins: others' writes wait for it.
    let (node, newest, month) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let node = organizations::get(conn, &scope, &body.organization_id.to_string()).await?;
        let node = node.ok_or_else(|| Problem::field("/organization_id", "unknown", "no such node, or not in your area"))?;
        let newest = closings::newest(conn, &node.id, &first_on).await?;
        let month = closing::count(conn, &node.id, first, at).await?;
        if newest > 0 {
            if body.reason.is_none() {
                return Err(Problem::field("/reason", "required", "say why there is a further revision"));
            }
            let before = closings::revision(conn, &node.id, &first_on, newest).await?.ok_or_else(Problem::not_found)?;
            if closing::changes(&closings::facts(conn, &before.id).await?, &month.facts).is_empty() {
                return Err(Problem::of(ProblemType::Conflict).because("nothing has changed since it was closed"));
            }
        }
        (node, newest, month)
    };
    let row = app
        .db
        .write_apart(move |tx| {
            Box::pin(async move {
                let id = Uuid::now_v7().to_string();
                // Where somebody else was faster, this revision is there already: a conflict.
                let new = NewClosing {
                    id: &id,
                    node_id: &node.id,
                    node_path: &node.path,
                    first_on: &first_on,
                    revision: newest + 1,
                    reason: body.reason.as_deref(),
                    closed_by: &user_id,
                };
                closings::insert(tx, &new, &month.facts, &month.names, at).await?;
                let detail = json!({"month": body.month, "revision": newest + 1, "reason": body.reason});
                let entity = Some(("closing", id.as_str()));
                tx.audit(at, Act { actor: &actor, action: "close_month", entity, path: &node.path, detail }).await?;
                closings::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(Closing::from(row)))
}

/// What the figures of a closed month are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClosedBy {
    All,
    District,
    Office,
    Grid,
    PremisesKind,
    Premises,
    /// Kind of alert: 整改率 and AI 准确率.
    Kind,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClosedArgs {
    #[param(example = "office", inline)]
    by: ClosedBy,
}

/// A closed month, its figures as they were then, and as they would be now.
#[derive(Debug, Serialize, ToSchema)]
struct ClosedFigures {
    closing: Closing,
    /// As they were when it was closed.
    all: SevenRates,
    /// The same by what was asked for; at most 5,000.
    #[schema(max_items = 5_000)]
    items: Vec<RatesRow>,
    /// As they are counted now.
    now: SevenRates,
    /// What counts otherwise now than it did then: cameras, premises and alerts, each once a figure.
    late: i64,
}

/// Groups that one answer has.
const GROUPS_LIMIT: usize = 5_000;

/// The figures of facts, grouped.
pub(crate) fn grouped(facts: &[FactRow], names: &[NameRow], by: ClosedBy) -> Result<Vec<RatesRow>, StoreError> {
    let known: HashMap<&str, &NameRow> = names.iter().map(|name| (name.thing_id.as_str(), name)).collect();
    let named = |id: &str| known.get(id).map_or_else(|| (String::new(), id.to_owned()), |name| (name.name.clone(), id.to_owned()));
    let mut groups: BTreeMap<(String, String), Rates> = BTreeMap::new();
    for fact in facts {
        let place = known.get(fact.premises_id.as_str());
        let key = match by {
            ClosedBy::All => Default::default(),
            ClosedBy::District => named(known.get(fact.office_id.as_str()).map_or("", |office| &office.above_id)),
            ClosedBy::Office => named(&fact.office_id),
            ClosedBy::Grid => place.map_or_else(Default::default, |place| (place.grid.clone(), place.grid.clone())),
            ClosedBy::PremisesKind => (String::new(), place.map_or_else(String::new, |place| place.kind.clone())),
            ClosedBy::Premises => named(&fact.premises_id),
            ClosedBy::Kind if fact.kind.is_empty() => continue,
            ClosedBy::Kind => (String::new(), fact.kind.clone()),
        };
        groups.entry(key).or_default().add(fact.rate()?, fact.part, fact.whole);
    }
    let row = |((name, id), rates): ((String, String), Rates)| RatesRow { id, name, first_on: None, rates: SevenRates::from(&rates) };
    Ok(groups.into_iter().take(GROUPS_LIMIT).map(row).collect())
}

fn first_of(row: &ClosingRow) -> Result<Date, StoreError> {
    row.first_on.parse().map_err(StoreError::damaged)
}

/// A closed month: its figures as they were, by every grouping, and beside them how they would be now.
#[utoipa::path(tag = "statistics", params(("id" = Uuid, Path), ClosedArgs), responses((status = 200, body = ClosedFigures), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/closings/{id}")]
async fn get_one(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    id: Id,
    args: Args<ClosedArgs>,
) -> Result<web::Json<ClosedFigures>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = closings::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let facts = closings::facts(conn, &row.id).await?;
    let names = closings::names(conn, &row.id).await?;
    let now = closing::count(conn, &row.node_id, first_of(&row)?, app.clock.wall_ms()).await?;
    let late = closing::changes(&facts, &now.facts).len();
    Ok(web::Json(ClosedFigures {
        all: SevenRates::from(&total(&facts)?),
        items: grouped(&facts, &names, args.by)?,
        now: SevenRates::from(&total(&now.facts)?),
        late: i64::try_from(late).unwrap_or(i64::MAX),
        closing: row.into(),
    }))
}

/// Figures of a closing for an export.
pub(crate) async fn of_closing(
    conn: &mut Conn<'_>,
    caller: &Caller<can::FiguresRead>,
    id: &str,
    by: ClosedBy,
) -> Result<(Closing, Vec<RatesRow>), Problem> {
    let row = closings::get(conn, &caller.scope(), id).await?.ok_or_else(Problem::not_found)?;
    let (sums, names) = (closings::sums(conn, &row.id).await?, closings::names(conn, &row.id).await?);
    Ok((row.into(), grouped(&sums, &names, by)?))
}

/// What a closing is held against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Against {
    /// What counts now: what came late.
    #[default]
    Now,
    /// The revision before: what it took in.
    Before,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangeArgs {
    /// Unless given, against now.
    #[param(inline)]
    against: Option<Against>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Something that counts otherwise for a figure than it did.
#[derive(Debug, Serialize, ToSchema)]
struct LateFact {
    /// Figure and thing.
    id: String,
    /// coverage, connection, online, completeness, patrol, rectified or precision
    #[schema(example = "rectified")]
    figure: String,
    /// A premises (coverage), an alert (rectified, precision), else a camera.
    thing_id: String,
    /// Of a camera or a premises; empty for alerts.
    name: String,
    /// Of an alert.
    kind: Option<String>,
    premises_id: String,
    premises_name: String,
    /// 0 of 0: it did not count.
    was: Share,
    /// 0 of 0: it does not count any more. As before: it is somewhere else now.
    now: Share,
}

/// What came late after a month was closed, or what a further revision took in, thing by thing.
#[utoipa::path(tag = "statistics", params(("id" = Uuid, Path), ChangeArgs), responses((status = 200, body = Listed<LateFact>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/closings/{id}/changes")]
async fn changes(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    id: Id,
    args: Args<ChangeArgs>,
) -> Result<web::Json<Listed<LateFact>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = closings::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let own = closings::facts(conn, &row.id).await?;
    let mut names = closings::names(conn, &row.id).await?;
    let changed = match args.against.unwrap_or_default() {
        Against::Now => {
            let mut now = closing::count(conn, &row.node_id, first_of(&row)?, app.clock.wall_ms()).await?;
            names.append(&mut now.names);
            closing::changes(&own, &now.facts)
        }
        Against::Before => match closings::revision(conn, &row.node_id, &row.first_on, row.revision - 1).await? {
            Some(before) => {
                names.append(&mut closings::names(conn, &before.id).await?);
                closing::changes(&closings::facts(conn, &before.id).await?, &own)
            }
            None => Vec::new(),
        },
    };
    let names: HashMap<&str, &str> = names.iter().rev().map(|name| (name.thing_id.as_str(), name.name.as_str())).collect();
    let (changed, next, counted) = cut(changed, &page, |one| (one.figure.clone(), one.thing_id.clone()));
    let view = |one: Changed| -> LateFact {
        let called = |id: &str| names.get(id).map(|name| (*name).to_owned()).unwrap_or_default();
        let of = |(part, whole): (i64, i64)| {
            let mut rates = Rates::default();
            let rate = Rate::ALL.into_iter().find(|rate| rate.as_str() == one.figure).unwrap_or(Rate::Coverage);
            rates.add(rate, part, whole);
            share(&rates, rate)
        };
        LateFact {
            id: format!("{} {}", one.figure, one.thing_id),
            name: called(&one.thing_id),
            premises_name: called(&one.premises_id),
            was: of(one.was),
            now: of(one.now),
            kind: Some(one.kind).filter(|kind| !kind.is_empty()),
            figure: one.figure,
            thing_id: one.thing_id,
            premises_id: one.premises_id,
        }
    };
    Ok(web::Json(listed(changed.into_iter().map(view).collect(), next, counted)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportArgs {
    /// Of everything below this node.
    #[param(example = "01928f6e-0000-7000-8000-000000000004")]
    organization_id: Uuid,
    #[param(value_type = String, example = "2026-11", max_length = 7)]
    month: Chars<7>,
}

/// The monthly report (月报) of a month as it is counted now. It is set anew each time.
#[utoipa::path(tag = "statistics", params(ReportArgs), responses((status = 200, description = "the report", content_type = "application/pdf"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/report.pdf")]
async fn report_of_month(app: web::Data<App>, caller: Caller<can::FiguresRead>, args: Args<ReportArgs>) -> Result<HttpResponse, Problem> {
    let first = month(&args.month).ok_or_else(|| Problem::of(ProblemType::Malformed).because("month is a month such as 2026-10"))?;
    let node = {
        let mut reader = app.db.read().await?;
        organizations::get(&mut reader.conn(), &caller.scope(), &args.organization_id.to_string()).await?.ok_or_else(Problem::not_found)?
    };
    Ok(pdf(report::set(&app, &node, first, None).await?))
}

/// The monthly report of a closed month, as it was when it was closed.
#[utoipa::path(tag = "statistics", params(("id" = Uuid, Path)), responses((status = 200, description = "the report", content_type = "application/pdf"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/closings/{id}/report.pdf")]
async fn report_of_closing(app: web::Data<App>, caller: Caller<can::FiguresRead>, id: Id) -> Result<HttpResponse, Problem> {
    let (row, node) = {
        let mut reader = app.db.read().await?;
        let (conn, scope) = (&mut reader.conn(), caller.scope());
        let row = closings::get(conn, &scope, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        let node = organizations::get(conn, &scope, &row.node_id).await?.ok_or_else(Problem::not_found)?;
        (row, node)
    };
    let first = first_of(&row)?;
    Ok(pdf(report::set(&app, &node, first, Some(&row)).await?))
}
