//! `/plans`: a month's plan of an authority: proposed by risk grade and by what rises, adjusted by the planner, approved by the head.

use actix_web::{HttpResponse, get, post, put, web};
use jiff::civil::Date;
use mobile_api::Moment;
use mobile_api::inspection::InspectionKind;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::checks::Facts;
use super::draw_acts::{Approval, Reasoned};
use super::plan_items::{self, ItemInput, PlanItem};
use super::rules;
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::calendar::{Calendar, date_of};
use crate::domain::plan::{Month, PlanRules, PlanState, Why, proposed};
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::draws::PlaceRow;
use crate::store::journal::Act;
use crate::store::plans::{self, ITEMS_MAX, ItemData, NewPlan, PlanFilter, PlanRow};
use crate::store::templates::{self, TemplateRow};
use crate::store::{Conn, StoreError, Tx, draws, organizations};
use mobile_api::template::Audience;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(propose).service(read).service(adjust).service(approve).service(withdraw);
}

/// A plan as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionPlan)]
struct PlanView {
    id: String,
    organization_id: String,
    organization_name: String,
    #[schema(example = "2026-12")]
    month: String,
    state: PlanState,
    approval_number: Option<String>,
    approved_by_name: Option<String>,
    approved_at: Option<Moment>,
    /// Why it was taken back.
    reason: Option<String>,
    created_by_name: String,
    /// Premises on it.
    proposed: i64,
    /// Those that the planner chose.
    chosen: i64,
    /// Those with an assignment.
    assigned: i64,
    /// Those that have been checked.
    done: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl TryFrom<PlanRow> for PlanView {
    type Error = StoreError;

    fn try_from(row: PlanRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: row.state.parse().map_err(|()| StoreError::damaged(format!("plan in state {}", row.state)))?,
            id: row.id,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            month: row.month,
            approval_number: row.approval_number,
            approved_by_name: row.approved_by_name,
            approved_at: row.approved_at.map(Moment),
            reason: row.reason,
            created_by_name: row.created_by_name,
            proposed: row.proposed,
            chosen: row.chosen,
            assigned: row.assigned,
            done: row.done,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        })
    }
}

/// A plan with what stands on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionPlanDetail)]
struct PlanDetail {
    #[serde(flatten)]
    plan: PlanView,
    /// Rates and caps it was proposed with.
    rules: PlanRules,
    /// By name of the premises.
    items: Vec<PlanItem>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(example = "2026-12", value_type = Option<String>, max_length = 7)]
    month: Option<Chars<7>>,
    #[param(inline)]
    state: Option<PlanState>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Plans of the caller's part of the tree, the newest month first.
#[utoipa::path(tag = "planning", params(ListArgs), responses((status = 200, body = Listed<PlanView>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/plans")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<PlanView>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = PlanFilter { month: args.month.clone().map(String::from), state: args.state.map(|state| state.as_str().to_owned()) };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = plans::list(conn, &scope, &filter, &page).await?;
    let counted = plans::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, |row| (row.month.clone(), row.id.clone()));
    let items = rows.into_iter().map(PlanView::try_from).collect::<Result<_, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// A month to plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewInspectionPlan, example = json!({"organization_id": "01928f6e-0000-7000-8000-000000000004", "month": "2026-12"}))]
struct NewMonth {
    organization_id: Uuid,
    #[schema(min_length = 7, max_length = 7, pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
}

/// Proposes a month: what is due by risk grade and for all items, and what rises by its score, with what speaks against each.
#[utoipa::path(tag = "planning", request_body = NewMonth,
    responses((status = 201, body = PlanDetail), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/plans")]
async fn propose(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, body: Body<NewMonth>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let month = Month::parse(&body.month).ok_or_else(|| Problem::field("/month", "format", "a month such as 2026-12"))?;
    let (scope, session, at) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms());
    let made = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let organization = organizations::get(tx, &scope, &body.organization_id.to_string()).await?;
                let organization = organization.ok_or_else(|| Problem::field("/organization_id", "unknown", "no such organization"))?;
                let rules = rules::current(tx).await?;
                let items = proposals(tx, &scope, &organization.path, &rules, month, at).await?;
                let new = NewPlan {
                    id: Uuid::now_v7().to_string(),
                    organization_id: organization.id,
                    path: organization.path,
                    month: body.month,
                    rules: serde_json::to_string(&rules).map_err(StoreError::damaged)?,
                    created_by: session.user_id.to_string(),
                };
                plans::insert(tx, &new, &items, at).await?;
                let said = json!({"month": new.month, "organization_id": new.organization_id, "proposed": items.len()});
                audit(tx, &session, "plan_propose", &new.id, &new.path, said, at).await?;
                detail(tx, &scope, &new.id).await
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(made))
}

pub(super) async fn audit(
    tx: &mut Tx<'_>,
    session: &Session,
    action: &str,
    id: &str,
    path: &str,
    detail: serde_json::Value,
    at: i64,
) -> Result<(), StoreError> {
    tx.audit(at, Act { actor: &session.actor, action, entity: Some(("plan", id)), path, detail }).await
}

/// Every supervised premises below `path`, also those with an open check.
async fn places(conn: &mut Conn<'_>, scope: &Scope, path: &str) -> Result<Vec<PlaceRow>, Problem> {
    let rows = draws::supervised(conn, scope, path, ITEMS_MAX + 1).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > ITEMS_MAX {
        return Err(Problem::field("/organization_id", "too_many", "over 2,000 premises: plan its offices one by one"));
    }
    Ok(rows)
}

async fn proposals(
    conn: &mut Conn<'_>,
    scope: &Scope,
    path: &str,
    rules: &PlanRules,
    month: Month,
    now_ms: i64,
) -> Result<Vec<ItemData>, Problem> {
    let rows = places(conn, scope, path).await?;
    let facts = Facts::gather(conn, path, rules, month.days().1, now_ms).await?;
    let shipped = templates::list(conn, Audience::Officer, false).await?;
    let due_on = last_working_day(month).to_string();
    let mut items = Vec::new();
    for row in rows {
        let (past, rising) = (facts.past(&row.id), facts.rises(&row.id));
        let Some(why) = proposed(rules, &row.id, row.risk_grade.as_deref(), past, rising, month) else { continue };
        items.push(plan_items::proposed(&row, why, &facts, template_for(&shipped, &row.kind)?, due_on.clone())?);
    }
    Ok(items)
}

/// The checklist for a kind of premises: the newest that names it.
fn template_for<'a>(all: &'a [TemplateRow], kind: &str) -> Result<Option<&'a TemplateRow>, StoreError> {
    for row in all {
        let kinds: Vec<String> = serde_json::from_str(&row.premises_kinds).map_err(StoreError::damaged)?;
        if kinds.iter().any(|one| one == kind) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn last_working_day(month: Month) -> Date {
    let (first, last) = month.days();
    let mut day = last;
    while day > first && !Calendar::in_force().is_working_day(day) {
        day = day.yesterday().unwrap_or(first);
    }
    day
}

async fn detail(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<PlanDetail, Problem> {
    let row = plans::get(conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let rules = serde_json::from_str(&row.rules).map_err(StoreError::damaged)?;
    let items = plan_items::of(conn, id).await?;
    Ok(PlanDetail { plan: row.try_into()?, rules, items })
}

/// One plan with what stands on it.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), responses((status = 200, body = PlanDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/plans/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<PlanDetail>, Problem> {
    Ok(web::Json(detail(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?))
}

/// What the planner decides of some premises of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionPlanItems)]
struct Items {
    /// Those that change; what is not on the plan yet is added by hand.
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<ItemInput>,
    version: i64,
}

/// Changes what is on a draft: chosen or not, checklist, kind, day, officers, merged checks, the reason against a warning.
#[utoipa::path(tag = "planning", params(("id" = String, Path)),
    request_body(content = Items, example = json!({"items": [{"premises_id": "01928f6e-0000-7000-8000-000000000001", "chosen": true, "template_id": "01928f6e-0000-7000-8000-000000000002", "kind": "routine", "due_on": "2026-12-18", "officer_ids": ["01928f6e-0000-7000-8000-000000000003", "01928f6e-0000-7000-8000-000000000006"], "merged": ["教育局联合检查"], "note": "单位申请提前检查"}], "version": 1})),
    responses((status = 200, body = PlanDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/plans/{id}/items")]
async fn adjust(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Items>,
) -> Result<web::Json<PlanDetail>, Problem> {
    let body = body.into_inner();
    plan_items::check(&body.items)?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draft(tx, &scope, &wanted, body.version).await?;
                let rules: PlanRules = serde_json::from_str(&row.rules).map_err(StoreError::damaged)?;
                let changed = plan_items::adjusted(tx, &scope, &row, &rules, &body.items, at).await?;
                if !plans::touch(tx, &row, body.version, at).await? {
                    return Ok(None);
                }
                for item in &changed {
                    plans::put_item(tx, &row.id, item).await?;
                }
                audit(tx, &session, "plan_adjust", &row.id, &row.path, json!({"items": body.items}), at).await?;
                detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    answer(&app, &caller.scope(), &id, done).await
}

/// A plan that can still be changed; a stale version is told first, as the cause.
async fn draft(conn: &mut Conn<'_>, scope: &Scope, id: &str, version: i64) -> Result<PlanRow, Problem> {
    let row = plans::get(conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    if row.version == version && row.state != "draft" {
        return Err(Problem::of(ProblemType::InvalidTransition).because("only a draft is changed"));
    }
    Ok(row)
}

async fn answer(app: &App, scope: &Scope, id: &str, done: Option<PlanDetail>) -> Result<web::Json<PlanDetail>, Problem> {
    match done {
        Some(done) => Ok(web::Json(done)),
        None => Err(Problem::stale(detail(&mut app.db.read().await?.conn(), scope, id).await?)),
    }
}

/// Approves a draft: what is chosen and has officers becomes assignments with this number. What has none is drawn afterwards.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), request_body(content = Approval, example = json!({"approval_number": "明市监查〔2026〕30号", "version": 2})),
    responses((status = 200, body = PlanDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/plans/{id}/approve")]
async fn approve(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsApprove>,
    id: Id,
    body: Body<Approval>,
) -> Result<web::Json<PlanDetail>, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draft(tx, &scope, &wanted, body.version).await?;
                let number = body.approval_number.trim().to_owned();
                if !plans::set_approved(tx, &row, &number, &session.user_id.to_string(), body.version, at).await? {
                    return Ok(None);
                }
                let made = plan_items::assign_all(tx, &session, &row, &number, date_of(at), at).await?;
                audit(tx, &session, "plan_approve", &row.id, &row.path, json!({"approval_number": number, "assignments": made}), at)
                    .await?;
                detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    answer(&app, &caller.scope(), &id, done).await
}

/// Takes a draft back; the month can then be proposed anew.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), request_body(content = Reasoned, example = json!({"reason": "重新拟订", "version": 1})),
    responses((status = 200, body = PlanDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/plans/{id}/withdraw")]
async fn withdraw(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<Reasoned>,
) -> Result<web::Json<PlanDetail>, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let wanted = id.clone();
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = draft(tx, &scope, &wanted, body.version).await?;
                if !plans::set_withdrawn(tx, &row, body.reason.trim(), body.version, at).await? {
                    return Ok(None);
                }
                audit(tx, &session, "plan_withdraw", &row.id, &row.path, json!({"reason": body.reason}), at).await?;
                detail(tx, &scope, &row.id).await.map(Some)
            })
        })
        .await?;
    answer(&app, &caller.scope(), &id, done).await
}

/// Why an item stands on a plan, as stored.
pub(super) fn why_of(stored: &str) -> Result<Why, StoreError> {
    stored.parse().map_err(|()| StoreError::damaged(format!("a plan's item for {stored}")))
}

/// Kind of inspection as stored.
pub(super) fn kind_code(kind: InspectionKind) -> String {
    crate::store::assignments::kind_code(kind).to_owned()
}
