//! `/draws`: the double random draw in its steps: committed, drawn with a witness's value, approved; drawn again as another.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::field::Faults;
use mobile_api::inspection::InspectionKind;
use mobile_api::problem::ProblemType;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::freeze::freeze;
use super::view::{self, DrawDetail, DrawView, Published};
use super::{NAME_LIMIT, REASON_LIMIT, assign};
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::draw::input::{PlanVersion, WANTED_MAX};
use crate::domain::draw::seed::{WITNESS_CHARS_MAX, commitment};
use crate::domain::draw::{DrawState, Drawn, Outcome, Record, Replayed, Rules};
use crate::domain::operator::is_day;
use crate::domain::permission::Permission;
use crate::domain::premises::{PremisesKind, RiskGrade};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::assignments::{NewRow, kind_of};
use crate::store::draws::{self, DrawFilter, DrawRow, Made, NewDraw};
use crate::store::journal::Act;
use crate::store::{StoreError, Tx, organizations, plans, templates};

/// Commitments that everybody may read.
const PUBLISHED_MAX: i64 = 100;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    // Before one: `commitments` is no id.
    config.service(published).service(list).service(commit).service(read).service(draw).service(approve);
    config.service(withdraw).service(redraw).service(record_file).service(replay);
}

/// A draw to begin: what is drawn from, how many, by which rules.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawAsked)]
pub(super) struct Asked {
    #[schema(min_length = 1, max_length = 100)]
    pub(super) title: String,
    /// The authority whose premises are drawn.
    pub(super) organization_id: Uuid,
    /// The approved plan whose premises without officers are drawn; their checklist and kind are the plan's.
    #[serde(default)]
    pub(super) plan_id: Option<Uuid>,
    /// Kinds of premises; none: all.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub(super) kinds: Vec<PremisesKind>,
    /// Risk grades; none: all.
    #[serde(default)]
    #[schema(max_items = 4)]
    pub(super) grades: Vec<RiskGrade>,
    /// How many premises; all that there are where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    pub(super) wanted: Option<usize>,
    /// The version of the checklist.
    pub(super) template_id: Uuid,
    /// Kind of the checks.
    pub(super) kind: InspectionKind,
    /// First day of the checks; today where absent.
    #[serde(default)]
    #[schema(format = Date)]
    pub(super) starts_on: Option<String>,
    /// Last day of the checks.
    #[schema(format = Date)]
    pub(super) due_on: String,
    #[serde(default)]
    pub(super) rules: Rules,
}

impl Asked {
    fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        faults.text("title", &self.title, NAME_LIMIT);
        faults.count("kinds", self.kinds.len(), 20);
        faults.count("grades", self.grades.len(), 4);
        if self.wanted.is_some_and(|wanted| wanted == 0 || wanted > WANTED_MAX) {
            faults.note_at("wanted", "out_of_range", format!("1 to {WANTED_MAX}"));
        }
        for (field, day) in [("starts_on", self.starts_on.as_deref()), ("due_on", Some(self.due_on.as_str()))] {
            if day.is_some_and(|day| !is_day(day)) {
                faults.note_at(field, "format", "a day such as 2026-12-01");
            }
        }
        faults.within("rules", |faults| self.rules.check(faults));
        checked(faults)
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(inline)]
    state: Option<DrawState>,
    plan_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Draws of the caller's part of the tree, newest first.
#[utoipa::path(tag = "planning", params(ListArgs), responses((status = 200, body = Listed<DrawView>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<DrawView>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = DrawFilter { state: args.state.map(|state| state.as_str().to_owned()), plan_id: args.plan_id.map(|id| id.to_string()) };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = draws::list(conn, &scope, &filter, &page).await?;
    let counted = draws::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, |row| (row.created_at.to_string(), row.id.clone()));
    let items = rows.into_iter().map(DrawView::try_from).collect::<Result<_, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// The newest commitments, for everybody: what was promised before it was drawn. Says nothing of what is drawn.
#[utoipa::path(tag = "planning", security(()), responses((status = 200, body = Vec<Published>)))]
#[get("/draws/commitments")]
async fn published(app: web::Data<App>) -> Result<web::Json<Vec<Published>>, Problem> {
    let rows = draws::published(&mut app.db.read().await?.conn(), PUBLISHED_MAX).await?;
    Ok(web::Json(rows.into_iter().map(Published::from).collect()))
}

/// Begins a draw: freezes its input and publishes the hash of the server's value. Nobody knows the result yet.
#[utoipa::path(tag = "planning",
    request_body(content = Asked, example = json!({"title": "12 月学校食堂双随机抽查", "organization_id": "01928f6e-0000-7000-8000-000000000004", "wanted": 1, "template_id": "01928f6e-0000-7000-8000-000000000002", "kind": "routine", "due_on": "2026-12-31"})),
    responses((status = 201, body = DrawDetail), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/draws")]
async fn commit(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, body: Body<Asked>) -> Result<HttpResponse, Problem> {
    let asked = body.into_inner();
    asked.check()?;
    let (scope, session, at) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms());
    let sealer = app.sealer.clone();
    let made = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let id = begin(tx, &sealer, &session, &scope, &asked, None, at).await?;
                view::detail(tx, &scope, &id).await
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(made))
}

/// Freezes and publishes; `again` is the draw before it and why.
async fn begin(
    tx: &mut Tx<'_>,
    sealer: &crate::auth::Sealer,
    session: &Session,
    scope: &Scope,
    asked: &Asked,
    again: Option<(&DrawRow, &str)>,
    at: i64,
) -> Result<String, Problem> {
    let organization = organizations::get(tx, scope, &asked.organization_id.to_string()).await?;
    let organization = organization.ok_or_else(|| Problem::field("/organization_id", "unknown", "no such organization"))?;
    if templates::get(tx, &asked.template_id.to_string()).await?.is_none() {
        return Err(Problem::field("/template_id", "unknown", "no such template"));
    }
    let plan = match asked.plan_id {
        None => None,
        Some(id) => Some(plan_to_draw(tx, scope, &id.to_string(), &organization.path).await?),
    };
    let input = freeze(tx, scope, &organization.path, asked, plan, at).await?;
    let mut value = [0_u8; 32];
    rand::rng().fill_bytes(&mut value);
    let value = hex::encode(value);
    let id = Uuid::now_v7().to_string();
    let user = session.user_id.to_string();
    let new = NewDraw {
        organization_id: organization.id,
        title: asked.title.trim().to_owned(),
        plan_id: asked.plan_id.map(|id| id.to_string()),
        asked: serde_json::to_string(asked).map_err(StoreError::damaged)?,
        template_id: asked.template_id.to_string(),
        kind: crate::store::assignments::kind_code(asked.kind),
        due_on: asked.due_on.clone(),
        input_sha256: input.sha256(),
        input: serde_json::to_string(&input).map_err(StoreError::damaged)?,
        server_sealed: sealer.seal(&purpose(&commitment(&value)), value.as_bytes()).map_err(|_| Problem::of(ProblemType::Internal))?,
        commitment: commitment(&value),
        redraw: again.map(|(before, reason)| (before.id.clone(), reason.to_owned(), user.clone())),
        created_by: user,
        path: organization.path,
        id: id.clone(),
    };
    draws::insert(tx, &new, at).await?;
    let detail = json!({"commitment": new.commitment, "input_sha256": new.input_sha256, "premises": input.objects.len(), "wanted": input.wanted,
        "officers": input.officers.len(), "redraw_of": again.map(|(before, _)| &before.id), "reason": again.map(|(_, reason)| reason)});
    audit(tx, session, if again.is_some() { "draw_again" } else { "draw_commit" }, &id, &new.path, detail, at).await?;
    Ok(id)
}

/// The plan whose premises are drawn, where it can be.
async fn plan_to_draw(tx: &mut Tx<'_>, scope: &Scope, id: &str, path: &str) -> Result<PlanVersion, Problem> {
    let plan = plans::get(tx, scope, id).await?.filter(|plan| plan.path == path);
    let plan = plan.ok_or_else(|| Problem::field("/plan_id", "unknown", "no such plan of this organization"))?;
    if plan.state != "approved" {
        return Err(Problem::of(ProblemType::InvalidTransition).because("a plan is drawn after it is approved"));
    }
    if let Some(other) = draws::of_plan(tx, id).await? {
        return Err(Problem::of(ProblemType::Conflict).because("the plan has a draw; draw that one again").with("draw_id", other));
    }
    Ok(PlanVersion { id: plan.id, version: plan.version })
}

/// What the server value is sealed for.
fn purpose(commitment: &str) -> String {
    format!("draw:{commitment}")
}

async fn audit(
    tx: &mut Tx<'_>,
    session: &Session,
    action: &str,
    id: &str,
    path: &str,
    detail: serde_json::Value,
    at: i64,
) -> Result<(), StoreError> {
    tx.audit(at, Act { actor: &session.actor, action, entity: Some(("draw", id)), path, detail }).await
}

/// One draw: its steps, its rules, and what came out.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), responses((status = 200, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<DrawDetail>, Problem> {
    Ok(web::Json(view::detail(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?))
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
#[utoipa::path(tag = "planning", params(("id" = String, Path, example = "01928f6e-0000-7000-8000-000000000042")), request_body = Approval,
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
#[utoipa::path(tag = "planning", params(("id" = String, Path, example = "01928f6e-0000-7000-8000-000000000043")), request_body = Reasoned,
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
#[utoipa::path(tag = "planning", params(("id" = String, Path, example = "01928f6e-0000-7000-8000-000000000044")),
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
#[utoipa::path(tag = "planning", params(("id" = String, Path, example = "01928f6e-0000-7000-8000-000000000042")),
    responses((status = 200, body = Record), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}/record.json")]
async fn record_file(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<HttpResponse, Problem> {
    let record = recorded(&app, &caller.scope(), &id.to_string()).await?;
    let name = format!("attachment; filename=\"draw-{}.json\"", *id);
    Ok(HttpResponse::Ok().insert_header(("content-disposition", name)).json(record))
}

/// Makes a draw again from its record and compares.
#[utoipa::path(tag = "planning", params(("id" = String, Path, example = "01928f6e-0000-7000-8000-000000000042")),
    responses((status = 200, body = Replayed), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}/replay")]
async fn replay(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<Replayed>, Problem> {
    let record = recorded(&app, &caller.scope(), &id.to_string()).await?;
    Ok(web::Json(web::block(move || record.replay()).await.map_err(|_| Problem::of(ProblemType::Unavailable))?))
}
