//! `/patrol`: the cameras of the day, one after the other, and what was seen on them.

mod coverage;
mod findings;
mod plans;

use actix_web::{get, put, web};
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar::date_of;
use crate::domain::patrol::LookResult;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, day, listed, page};
use crate::store::StoreError;
use crate::store::journal::Act;
use crate::store::patrols::{self, LookFilter, LookRow};
use findings::{Finding, FindingInput};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(look);
    coverage::configure(config);
    findings::configure(config);
    plans::configure(config);
}

/// A camera of a day's patrol.
#[derive(Debug, Serialize, ToSchema)]
struct PatrolLook {
    /// The camera.
    id: String,
    #[schema(example = "2026-11-30")]
    day: String,
    camera_name: String,
    zone: Option<String>,
    codec: Option<String>,
    /// disabled, connecting, recording, degraded or offline
    #[schema(example = "recording")]
    state: String,
    premises_id: String,
    premises_name: String,
    /// The office it belonged to then.
    organization_name: String,
    /// Null: not looked at.
    result: Option<String>,
    looked_at: Option<Moment>,
    looked_by_name: Option<String>,
    /// What a finding became.
    alert_id: Option<String>,
}

impl From<LookRow> for PatrolLook {
    fn from(row: LookRow) -> Self {
        Self {
            id: row.camera_id,
            day: row.day,
            camera_name: row.camera_name,
            zone: row.zone,
            codec: row.codec,
            state: row.state,
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            organization_name: row.organization_name,
            result: row.result,
            looked_at: row.looked_at.map(Moment),
            looked_by_name: row.looked_by_name,
            alert_id: row.alert_id,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Asia/Shanghai; unless given, today.
    #[param(max_length = 10)]
    day: Option<String>,
    /// Only those that somebody has looked at, or only the others.
    looked: Option<bool>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The cameras of a day's patrol in the caller's part of the tree, in the order in which they are walked.
#[utoipa::path(tag = "patrols", params(ListArgs), responses((status = 200, body = Listed<PatrolLook>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/patrol/looks")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::PatrolsWalk>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<PatrolLook>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let day = day("day", args.day.as_deref(), app.clock.wall_ms())?.to_string();
    let filter = LookFilter { day, looked: args.looked, organization_id: args.organization_id.map(|id| id.to_string()) };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = patrols::list(conn, &scope, &filter, &page).await?;
    let counted = patrols::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, patrols::sort_key);
    Ok(web::Json(listed(rows.into_iter().map(PatrolLook::from).collect(), next, counted)))
}

/// What somebody saw on a camera of today's patrol.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "fine"}))]
struct LookInput {
    result: LookResult,
    /// With `finding`, and only then: it becomes an alert.
    finding: Option<FindingInput>,
}

/// Notes what the caller saw on a camera of today's patrol. The first look counts; a finding stands over one that was fine.
#[utoipa::path(tag = "patrols", params(("id" = String, Path, description = "of the camera")), request_body = LookInput,
    responses((status = 200, body = PatrolLook), (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "not of today's patrol"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "somebody has looked; with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/patrol/looks/{id}")]
async fn look(
    app: web::Data<App>,
    caller: Caller<can::PatrolsWalk>,
    id: Id,
    body: Body<LookInput>,
) -> Result<web::Json<PatrolLook>, Problem> {
    let at = app.clock.wall_ms();
    let (day, id, scope, body) = (date_of(at).to_string(), id.to_string(), caller.scope(), body.into_inner());
    let row = patrols::get(&mut app.db.read().await?.conn(), &scope, &day, &id).await?.ok_or_else(Problem::not_found)?;
    let finding = match (body.result, body.finding) {
        (LookResult::Finding, Some(finding)) => Some(Finding::prepared(&app, &caller, &row.camera_id, finding, at).await?),
        (LookResult::Finding, None) => return Err(Problem::field("/finding", "required", "say what was found")),
        (_, Some(_)) => return Err(Problem::field("/finding", "unexpected", "only with the result finding")),
        (_, None) => None,
    };
    let (session, result) = (caller.clone(), body.result);
    let seen = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let alert_id = finding.as_ref().map(|finding| finding.id().to_owned());
                if let Some(finding) = finding {
                    finding.raise(tx, &session).await?;
                }
                let user_id = session.user_id.to_string();
                if !patrols::looked(tx, &row, result, alert_id.as_deref(), &user_id, at).await? {
                    let present = patrols::get(tx, &scope, &day, &id).await?.ok_or_else(Problem::not_found)?;
                    let same = present.result.as_deref() == Some(result.as_str()) && present.looked_by.as_deref() == Some(&user_id);
                    // The same again, after an answer that was lost, is the same act; an alert of its own would be another.
                    if same && result != LookResult::Finding {
                        return Ok(PatrolLook::from(present));
                    }
                    let present = PatrolLook::from(present);
                    return Err(Problem::of(ProblemType::Conflict).because("somebody has looked at it").with("present", present));
                }
                let detail = serde_json::json!({"day": day, "result": result, "alert_id": alert_id});
                let act =
                    Act { actor: &session.actor, action: "patrol_look", entity: Some(("camera", &id)), path: &row.premises_path, detail };
                tx.audit(at, act).await?;
                let present = patrols::get(tx, &scope, &day, &id).await?;
                Ok(PatrolLook::from(present.ok_or_else(|| StoreError::damaged("a look that was just noted is gone"))?))
            })
        })
        .await?;
    Ok(web::Json(seen))
}
