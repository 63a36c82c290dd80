//! `/assignments`: who looks at which premises with what checklist, by when.

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
use crate::domain::permission::Permission;
use crate::domain::workflow::{self, Act};
use crate::http::{Answer, Args, Body, Chars, Id, Listed, Problem, ProblemBody, Repeatable, checked, listed, page};
use crate::store::assignments::{self, AssignmentFilter, AssignmentRow, NewRow};
use crate::store::work::{self, Beginning, By};
use crate::store::{Conn, StoreError, Tx, alert_acts, notices, premises, templates, users};

/// Officers that the law asks for (SAMR Order 49 of 2021, art. 23).
pub(super) const OFFICERS_MIN: usize = 2;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change);
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
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = assignments::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = assignments::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.due_on.clone(), row.id.clone()));
    let items = assignments::on_wire(conn, &rows).await?;
    Ok(web::Json(listed(items.into_iter().map(AssignmentView::from).collect(), next, counted)))
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
    let answer = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if let Some(answer) = repeat.answered(tx, at).await? {
                    return Ok(answer);
                }
                plan(tx, &session, &row, &premises_id, at).await?;
                let answer = Answer::json(201, &view(tx, &session, &row.id.to_string()).await?)?;
                repeat.keep(tx, &answer).await?;
                Ok::<_, Problem>(answer)
            })
        })
        .await?;
    Ok(answer.into())
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
    }
}

/// Stores a new assignment and tells its officers.
pub(crate) async fn plan(tx: &mut Tx<'_>, session: &Session, row: &NewRow, premises_id: &str, at: i64) -> Result<(), Problem> {
    let id = row.id.to_string();
    let by = By::User(&session.actor, &session.access);
    work::begin(tx, &Beginning { table: &workflow::assignment::TABLE, id: &id, premises_id, by, action: "plan" }, at).await?;
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
