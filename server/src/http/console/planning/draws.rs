//! `/draws`: the double random draw from its first step: what is asked is frozen and a commitment published. The steps after it
//! are in [`super::draw_acts`].

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

use super::NAME_LIMIT;
use super::freeze::freeze;
use super::view::{self, DrawDetail, DrawView, Published};
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::draw::input::{PlanVersion, WANTED_MAX};
use crate::domain::draw::seed::commitment;
use crate::domain::draw::{DrawState, Rules};
use crate::domain::operator::is_day;
use crate::domain::premises::{PremisesKind, RiskGrade};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::draws::{self, DrawFilter, DrawRow, NewDraw};
use crate::store::journal::Act;
use crate::store::{StoreError, Tx, organizations, plans, templates};

/// Commitments that everybody may read.
const PUBLISHED_MAX: i64 = 100;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    // Before one: `commitments` is no id.
    config.service(published).service(list).service(commit).service(read);
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
pub(super) async fn begin(
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
pub(super) fn purpose(commitment: &str) -> String {
    format!("draw:{commitment}")
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
    tx.audit(at, Act { actor: &session.actor, action, entity: Some(("draw", id)), path, detail }).await
}

/// One draw: its steps, its rules, and what came out.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), responses((status = 200, body = DrawDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/draws/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<DrawDetail>, Problem> {
    Ok(web::Json(view::detail(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?))
}
