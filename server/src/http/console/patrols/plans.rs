//! `/patrol/plans`: how many of an office's or a district's cameras are looked at each day. The nearest plan above a camera holds.

use actix_web::{HttpResponse, delete, get, put, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::patrol::PatrolPlan;
use crate::http::{Body, Id, Listed, Problem, ProblemBody, checked, listed};
use crate::store::journal::Act;
use crate::store::organizations;
use crate::store::patrols::{self, PlanRow};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(put_plan).service(delete_plan);
}

/// An organization's plan.
#[derive(Debug, Serialize, ToSchema)]
struct PatrolPlanOf {
    /// Of the organization.
    id: String,
    name: String,
    #[serde(flatten)]
    plan: PatrolPlan,
    updated_at: Moment,
}

impl From<PlanRow> for PatrolPlanOf {
    fn from(row: PlanRow) -> Self {
        Self { plan: row.plan(), id: row.node_id, name: row.node_name, updated_at: Moment(row.updated_at) }
    }
}

/// The plans of the caller's part of the tree.
#[utoipa::path(tag = "patrols", responses((status = 200, body = Listed<PatrolPlanOf>)))]
#[get("/patrol/plans")]
async fn list(app: web::Data<App>, caller: Caller<can::PatrolsWalk>) -> Result<web::Json<Listed<PatrolPlanOf>>, Problem> {
    let rows = patrols::plans(&mut app.db.read().await?.conn(), &caller.scope()).await?;
    let counted = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(web::Json(listed(rows.into_iter().map(PatrolPlanOf::from).collect(), None, counted)))
}

/// Sets an organization's plan. Where none was, today's cameras are drawn within half a minute; otherwise it holds from tomorrow.
#[utoipa::path(tag = "patrols", params(("id" = String, Path, description = "of the organization")), request_body = PatrolPlan,
    responses((status = 200, body = PatrolPlan), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/patrol/plans/{id}")]
async fn put_plan(
    app: web::Data<App>,
    caller: Caller<can::PatrolsManage>,
    id: Id,
    body: Body<PatrolPlan>,
) -> Result<web::Json<PatrolPlan>, Problem> {
    let plan = body.into_inner();
    let mut faults = Faults::new();
    if !plan.is_allowed() {
        faults.note_at("share", "out_of_range", "1 to 100 percent".to_owned());
    }
    checked(faults)?;
    let (at, scope, actor, id) = (app.clock.wall_ms(), caller.scope(), caller.actor.clone(), id.to_string());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let path = organizations::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?.path;
                patrols::put_plan(tx, &id, &path, plan, at).await?;
                let detail = json!({"share": plan.share, "by_risk": plan.by_risk});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("patrol_plan", &id)), path: &path, detail }).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(web::Json(plan))
}

/// Takes an organization's plan away; what was drawn for today stays.
#[utoipa::path(tag = "patrols", params(("id" = String, Path, description = "of the organization")), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/patrol/plans/{id}")]
async fn delete_plan(app: web::Data<App>, caller: Caller<can::PatrolsManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (at, scope, actor, id) = (app.clock.wall_ms(), caller.scope(), caller.actor.clone(), id.to_string());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let path = organizations::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?.path;
                if !patrols::delete_plan(tx, &id, &path, at).await? {
                    return Err(Problem::not_found());
                }
                let act = Act { actor: &actor, action: "delete", entity: Some(("patrol_plan", &id)), path: &path, detail: json!({}) };
                tx.audit(at, act).await?;
                Ok(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
