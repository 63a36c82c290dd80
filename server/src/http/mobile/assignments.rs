//! `/assignments`: who looks at which premises with what checklist, by when.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use mobile_api::assignment::{Assignment, AssignmentState, NewAssignment};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::domain::plan::Month;
use crate::domain::workflow::{self, Act};
use crate::http::{Answer, Args, Body, Chars, Id, Listed, Problem, ProblemBody, Repeatable, checked, listed, page};
use crate::store::assignments::{self, AssignmentFilter, AssignmentRow, NewRow};
use crate::store::work::{self, Beginning, By};
use crate::store::{Conn, StoreError, Tx, alert_acts, notices, premises, templates, users};

/// Officers that the law asks for (SAMR Order 49 of 2021, art. 23).
pub(super) const OFFICERS_MIN: usize = 2;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    // Before one: `month` is no id.
    config.service(list).service(create).service(month).service(read).service(change);
}

/// An assignment, with what the law would have otherwise.
#[derive(Debug, Serialize, ToSchema)]
struct AssignmentView {
    #[serde(flatten)]
    assignment: Assignment,
    /// `fewer_than_two_officers`: an inspection needs at least two (Order 49, art. 23).
    #[schema(example = json!([]))]
    warnings: Vec<&'static str>,
}

impl From<Assignment> for AssignmentView {
    fn from(assignment: Assignment) -> Self {
        let warnings = warnings(assignment.officers.len());
        Self { assignment, warnings }
    }
}

/// What the law would have otherwise, of work for so many officers.
pub(super) fn warnings(officers: usize) -> Vec<&'static str> {
    if officers < OFFICERS_MIN { vec!["fewer_than_two_officers"] } else { Vec::new() }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Only those given to the caller, wherever they are.
    mine: Option<bool>,
    state: Option<AssignmentState>,
    /// Due on this day or before.
    #[param(example = "2026-11-30", value_type = Option<String>, max_length = 10)]
    due_until: Option<Chars<10>>,
    premises_id: Option<Uuid>,
    /// Due on this day or later.
    #[param(example = "2026-11-01", value_type = Option<String>, max_length = 10)]
    due_from: Option<Chars<10>>,
    /// Only those that are open and late.
    overdue: Option<bool>,
    /// `random_draw`, `complaint`, …
    #[param(value_type = Option<String>, max_length = 100)]
    source: Option<Chars<100>>,
    /// Made by this draw.
    draw_id: Option<Uuid>,
    /// Made by this plan.
    plan_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Assignments, what is due first before what is due later.
#[utoipa::path(tag = "assignments", params(ListArgs), responses((status = 200, body = Listed<AssignmentView>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/assignments")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<AssignmentView>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = AssignmentFilter {
        officer_id: args.mine.unwrap_or(false).then(|| caller.user_id.to_string()),
        state: args.state.map(assignments::stored_state),
        due_until: args.due_until.clone().map(String::from),
        premises_id: args.premises_id.map(|id| id.to_string()),
        due_from: args.due_from.clone().map(String::from),
        overdue_on: args.overdue.unwrap_or(false).then(|| date_of(app.clock.wall_ms()).to_string()),
        source: args.source.clone().map(String::from),
        draw_id: args.draw_id.map(|id| id.to_string()),
        plan_id: args.plan_id.map(|id| id.to_string()),
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = assignments::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = assignments::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.due_on.clone(), row.id.clone()));
    let items = assignments::on_wire(conn, &rows).await?;
    Ok(web::Json(listed(items.into_iter().map(AssignmentView::from).collect(), next, counted)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MonthArgs {
    #[param(example = "2026-11", value_type = String, max_length = 7)]
    month: Chars<7>,
    /// Only those given to the caller, wherever they are.
    mine: Option<bool>,
}

/// A month: how many are due on each day, and where.
#[derive(Debug, Serialize, ToSchema)]
struct AssignmentMonth {
    /// The day it is, in Asia/Shanghai.
    today: String,
    /// Days on which something is due.
    days: Vec<MonthDay>,
    /// Open and due before this month.
    overdue_before: i64,
    /// Premises with something due in the month, or late from before; what is due first comes first, 2,000 at most.
    places: Vec<MonthPlace>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MonthDay {
    day: String,
    open: i64,
    done: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct MonthPlace {
    premises_id: String,
    premises_name: String,
    /// WGS-84 degrees
    latitude: Option<f64>,
    /// WGS-84 degrees
    longitude: Option<f64>,
    open: i64,
    done: i64,
    /// The earliest day of what is open.
    due_on: Option<String>,
    /// That day has passed.
    overdue: bool,
}

/// Premises on the map of a month.
const PLACES_MAX: i64 = 2_000;

/// A month's assignments by day and by premises, for a calendar and a map.
#[utoipa::path(tag = "assignments", params(MonthArgs), responses((status = 200, body = AssignmentMonth), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/assignments/month")]
async fn month(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsRead>,
    args: Args<MonthArgs>,
) -> Result<web::Json<AssignmentMonth>, Problem> {
    let month = Month::parse(&args.month).ok_or_else(|| Problem::of(ProblemType::Malformed).because("month is one such as 2026-11"))?;
    let (first, last) = month.days();
    let today = date_of(app.clock.wall_ms()).to_string();
    let officer_id = args.mine.unwrap_or(false).then(|| caller.user_id.to_string());
    let within = AssignmentFilter {
        officer_id,
        due_from: Some(first.to_string()),
        due_until: Some(last.to_string()),
        ..AssignmentFilter::default()
    };
    let late = first.to_string().min(today.clone());
    let before = AssignmentFilter { due_from: None, due_until: None, overdue_on: Some(late), ..within.clone() };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let days = assignments::days(conn, &scope, &within).await?;
    let overdue_before = assignments::count(conn, &scope, &before).await?;
    let mut places = assignments::places(conn, &scope, &before, PLACES_MAX).await?;
    let late: HashMap<String, usize> = places.iter().enumerate().map(|(at, place)| (place.id.clone(), at)).collect();
    for place in assignments::places(conn, &scope, &within, PLACES_MAX).await? {
        match late.get(&place.id).and_then(|at| places.get_mut(*at)) {
            Some(known) => {
                known.open += place.open;
                known.done += place.done;
            }
            None => places.push(place),
        }
    }
    places.truncate(usize::try_from(PLACES_MAX).unwrap_or(usize::MAX));
    let overdue = |due: &Option<String>| due.as_deref().is_some_and(|due| due < today.as_str());
    Ok(web::Json(AssignmentMonth {
        days: days.into_iter().map(|row| MonthDay { day: row.due_on, open: row.open, done: row.done }).collect(),
        overdue_before,
        places: places
            .into_iter()
            .map(|row| MonthPlace {
                overdue: overdue(&row.due_on),
                premises_id: row.id,
                premises_name: row.name,
                latitude: row.latitude,
                longitude: row.longitude,
                open: row.open,
                done: row.done,
                due_on: row.due_on,
            })
            .collect(),
        today,
    }))
}

/// Gives an inspection to officers, the lead first. Until it is closed it opens the premises to them.
#[utoipa::path(tag = "assignments", params(("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body(content = NewAssignment, example = json!({"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000002", "kind": "routine", "due_on": "2026-11-30", "officer_ids": ["01928f6e-0000-7000-8000-000000000003"]})),
    responses((status = 201, body = AssignmentView), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/assignments")]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    body: Body<NewAssignment>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    body.check().map_err(Problem::fields)?;
    known(&mut app.db.read().await?.conn(), &caller.scope(), &body).await?;
    let row = new_row(&body, caller.user_id, "by_hand", None);
    let (at, premises_id) = (app.clock.wall_ms(), body.premises_id.to_string());
    let session = Session::clone(&caller);
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                plan(tx, &session, &row, &premises_id, at).await?;
                Answer::json(201, &view(tx, &session, &row.id.to_string()).await?)
            })
        })
        .await
}

/// Looks up what a new assignment names: the premises in the caller's scope, the template, the officers.
pub(crate) async fn known(conn: &mut Conn<'_>, scope: &Scope, body: &NewAssignment) -> Result<(), Problem> {
    let mut faults = Faults::new();
    let premises = premises::get(conn, scope, &body.premises_id.to_string()).await?;
    if premises.is_none_or(|row| row.disabled_at.is_some()) {
        faults.note_at("premises_id", "unknown", "no such premises, or it is disabled");
    }
    if templates::get(conn, &body.template_id.to_string()).await?.is_none() {
        faults.note_at("template_id", "unknown", "no such template");
    }
    for (index, officer) in body.officer_ids.iter().enumerate() {
        let user = users::credentials_by_id(conn, &officer.to_string()).await?;
        if user.is_none_or(|user| user.disabled_at.is_some()) {
            faults.within("officer_ids", |faults| faults.note_at(index, "unknown", "no such person, or disabled"));
        }
    }
    checked(faults)
}

/// A new assignment as it is stored.
pub(crate) fn new_row(body: &NewAssignment, created_by: Uuid, source: &str, alert_id: Option<Uuid>) -> NewRow {
    NewRow {
        id: Uuid::now_v7(),
        template_id: body.template_id,
        kind: body.kind,
        due_on: body.due_on.clone(),
        approval_number: body.approval_number.clone(),
        source: body.source.clone().unwrap_or_else(|| source.to_owned()),
        created_by,
        officers: body.officer_ids.clone(),
        alert_id,
        source_number: body.source_number.as_deref().map(str::trim).filter(|number| !number.is_empty()).map(str::to_owned),
        merged: body.merged.iter().map(|name| name.trim().to_owned()).collect(),
        plan_id: None,
        draw_id: None,
    }
}

/// Stores a new assignment and tells its officers.
pub(crate) async fn plan(tx: &mut Tx<'_>, session: &Session, row: &NewRow, premises_id: &str, at: i64) -> Result<(), Problem> {
    let id = row.id.to_string();
    let by = By::User(&session.actor, &session.access);
    work::begin(tx, &Beginning { table: &workflow::assignment::TABLE, id: &id, premises_id, by, action: "plan", text: None }, at).await?;
    assignments::insert(tx, row).await?;
    let kept = find(tx, session, &id).await?.ok_or_else(Problem::not_found)?;
    assignments::note_change(tx, &kept, at).await?;
    let officers: Vec<String> = row.officers.iter().map(Uuid::to_string).collect();
    let detail = json!({"assignment_id": id, "premises_id": premises_id, "premises_name": kept.premises_name, "due_on": kept.due_on, "alert_id": row.alert_id});
    notices::insert(tx, Some(&id), &officers, "assigned", &detail, at).await?;
    Ok(())
}

/// One assignment.
#[utoipa::path(tag = "assignments", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000040")), responses((status = 200, body = AssignmentView), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/assignments/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsRead>, id: Id) -> Result<web::Json<AssignmentView>, Problem> {
    Ok(web::Json(view(&mut app.db.read().await?.conn(), &caller, &id.to_string()).await?))
}

/// What may be asked of an assignment: to be taken back.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Cancelled,
}

/// Takes an assignment back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "cancelled", "reason": "学校停课", "version": 1}))]
struct AssignmentChange {
    #[expect(dead_code, reason = "there is one state to ask for; its parsing is what counts")]
    state: Wanted,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// The version that was read; without it, whatever there is.
    version: Option<i64>,
}

/// Takes an assignment back, with a reason. An inspection that its officers have begun is still accepted.
#[utoipa::path(tag = "assignments", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000040")), request_body(content = AssignmentChange, example = json!({"state": "cancelled", "reason": "学校停课", "version": 1})),
    responses((status = 200, body = AssignmentView), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/assignments/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<AssignmentChange>,
) -> Result<web::Json<AssignmentView>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("reason", &body.reason, workflow::REASON_CHARS_MAX);
    checked(faults)?;
    let (at, id, scope, session) = (app.clock.wall_ms(), id.to_string(), caller.scope(), Session::clone(&caller));
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = assignments::get(tx, &scope, &wanted).await?.ok_or_else(Problem::not_found)?;
                let act = Act { action: "cancel".to_owned(), reason: Some(body.reason), ..Act::default() };
                work::step(tx, &scope, &wanted, body.version, By::User(&session.actor, &session.access), &act, &[], at).await?;
                assignments::note_change(tx, &row, at).await?;
                if let Some(alert_id) = &row.alert_id {
                    let text = act.reason.clone().unwrap_or_default();
                    alert_acts::by_inspection(tx, alert_id, "withdraw", "inspection_cancelled@1", text, at).await?;
                }
                Ok::<_, Problem>(())
            })
        })
        .await;
    let view = view(&mut app.db.read().await?.conn(), &caller, &id).await?;
    match done {
        Err(problem) if problem.kind() == ProblemType::StaleVersion => Err(Problem::stale(view)),
        Err(problem) => Err(problem),
        Ok(()) => Ok(web::Json(view)),
    }
}

/// In the caller's scope, or the caller's own.
async fn view(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<AssignmentView, Problem> {
    let row = find(conn, session, id).await?.ok_or_else(Problem::not_found)?;
    let item = assignments::on_wire(conn, &[row]).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(item.into())
}

/// An assignment that the caller may know of.
pub(super) async fn find(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<Option<AssignmentRow>, StoreError> {
    match assignments::get(conn, &session.access.scope(Permission::AssignmentsRead), id).await? {
        Some(row) => Ok(Some(row)),
        None => assignments::get_own(conn, &session.user_id.to_string(), id).await,
    }
}
