//! What parents see: the live picture of their own school's kitchen, in hours and of cameras that the bureau set for the
//! premises, and never a recording. Nothing is set at first: the premises is closed to parents.
//!
//! Everything that shows a live picture asks [`watchable`], so that there is one place that decides.

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Access, Caller, Session, can};
use crate::domain::calendar::{open_until, opens_next};
use crate::domain::permission::Permission;
use crate::domain::premises::ServiceHours;
use crate::domain::settings::{Origin, PARENT_CAMERAS_MAX, PARENT_HOURS_MAX, PARENT_VIEWING, ParentViewing};
use crate::http::console::settings::{At, keep, own_place};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::cameras::{self, CameraFilter, CameraRow, CameraSort};
use crate::store::premises::{self, PremisesFilter, PremisesRow, PremisesSort};
use crate::store::{Conn, Page, StoreError, settings};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(mine).service(read).service(write);
}

/// A camera whose live picture somebody may see.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) row: CameraRow,
    /// For parents: when the hours end, ms UTC. For the others it does not end.
    pub(super) until_ms: Option<i64>,
}

/// The camera, where its live picture may be seen now.
pub(super) async fn watchable(app: &App, access: &Access, id: Uuid) -> Result<Watched, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let id_text = id.to_string();
    if let Some(row) = cameras::get(conn, &access.scope(Permission::VideoLive), &id_text).await? {
        return Ok(Watched { row, until_ms: None });
    }
    let row = cameras::get(conn, &access.scope(Permission::VideoParent), &id_text).await?.ok_or_else(Problem::not_found)?;
    let viewing = viewing(conn, &row.premises_id).await?;
    if !viewing.cameras.contains(&id) || row.premises_disabled_at.is_some() {
        return Err(Problem::not_found());
    }
    let now_ms = app.clock.wall_ms();
    match open_until(now_ms, &viewing.hours) {
        Some(until_ms) => Ok(Watched { row, until_ms: Some(until_ms) }),
        None => Err(outside_hours(opens_next(now_ms, &viewing.hours))),
    }
}

/// What a parent is told outside the hours; `opens_ms` where it is known, ms UTC.
pub(super) fn outside_hours(opens_ms: Option<i64>) -> Problem {
    Problem::of(ProblemType::OutsideHours).with("opens_at", opens_ms.map(Moment))
}

async fn viewing(conn: &mut Conn<'_>, premises_id: &str) -> Result<ParentViewing, StoreError> {
    match settings::get(conn, Origin::Premises.as_str(), premises_id, PARENT_VIEWING).await? {
        Some((json, _)) => serde_json::from_str(&json).map_err(StoreError::damaged),
        None => Ok(ParentViewing::default()),
    }
}

/// A camera that parents may see.
#[derive(Debug, Serialize, ToSchema)]
struct ParentCamera {
    id: String,
    name: String,
    /// h264 or h265, once it is known.
    codec: Option<String>,
    /// It sends a picture now.
    live: bool,
}

/// A premises whose kitchen a parent may see in its hours.
#[derive(Debug, Serialize, ToSchema)]
struct ParentPremises {
    id: String,
    name: String,
    /// In Asia/Shanghai; none: the premises is not open to parents.
    hours: Vec<ServiceHours>,
    /// Open at this moment.
    open: bool,
    /// When it closes, where it is open.
    closes_at: Option<Moment>,
    /// When it opens next, where hours are set.
    opens_at: Option<Moment>,
    cameras: Vec<ParentCamera>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MineArgs {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The premises that the caller sees as a parent: hours, whether it is open now, and the cameras that are shown.
#[utoipa::path(tag = "video", params(MineArgs), responses((status = 200, body = Listed<ParentPremises>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/parent/premises")]
async fn mine(
    app: web::Data<App>,
    caller: Caller<can::VideoParent>,
    args: Args<MineArgs>,
) -> Result<web::Json<Listed<ParentPremises>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let (scope, filter) = (caller.scope(), PremisesFilter { disabled: Some(false), ..PremisesFilter::default() });
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = premises::list(conn, &scope, &filter, PremisesSort::Name, &page).await?;
    let counted = premises::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, |row| (row.name_key.clone(), row.id.clone()));
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let viewing = viewing(conn, &row.id).await?;
        items.push(seen(conn, &caller, row, viewing, app.clock.wall_ms()).await?);
    }
    Ok(web::Json(listed(items, next, counted)))
}

async fn seen(
    conn: &mut Conn<'_>,
    caller: &Caller<can::VideoParent>,
    row: PremisesRow,
    viewing: ParentViewing,
    now_ms: i64,
) -> Result<ParentPremises, Problem> {
    let all = if viewing.cameras.is_empty() { Vec::new() } else { cameras_of(conn, caller, &row.id).await? };
    let shown = |camera: &CameraRow| camera.enabled && camera.id.parse().is_ok_and(|id: Uuid| viewing.cameras.contains(&id));
    let closes_ms = open_until(now_ms, &viewing.hours);
    Ok(ParentPremises {
        id: row.id,
        name: row.name,
        open: closes_ms.is_some(),
        closes_at: closes_ms.map(Moment),
        opens_at: opens_next(now_ms, &viewing.hours).map(Moment),
        cameras: all
            .into_iter()
            .filter(shown)
            .map(|camera| ParentCamera {
                live: matches!(camera.state.as_str(), "recording" | "degraded"),
                id: camera.id,
                name: camera.name,
                codec: camera.codec,
            })
            .collect(),
        hours: viewing.hours,
    })
}

async fn cameras_of(conn: &mut Conn<'_>, caller: &Caller<can::VideoParent>, premises_id: &str) -> Result<Vec<CameraRow>, StoreError> {
    let filter = CameraFilter { premises_id: Some(premises_id.to_owned()), ..CameraFilter::default() };
    cameras::list(conn, &caller.scope(), &filter, CameraSort::Name, &Page::first(200)).await
}

/// When parents see which cameras of a premises; without hours it is closed to them.
#[utoipa::path(tag = "settings", params(("id" = Uuid, Path)), responses((status = 200, body = ParentViewing), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/parent-viewing")]
async fn read(app: web::Data<App>, caller: Caller<can::PremisesRead>, id: Id) -> Result<web::Json<ParentViewing>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(viewing(conn, &row.id).await?))
}

/// Says when parents see which cameras of a premises. What they see then and no longer may ends within four seconds.
#[utoipa::path(tag = "settings", params(("id" = Uuid, Path)), request_body = ParentViewing,
    responses((status = 200, body = ParentViewing), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/premises/{id}/parent-viewing")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    id: Id,
    body: Body<ParentViewing>,
) -> Result<web::Json<ParentViewing>, Problem> {
    let wanted = body.into_inner();
    let mut faults = Faults::new();
    faults.count("hours", wanted.hours.len(), PARENT_HOURS_MAX);
    faults.count("cameras", wanted.cameras.len(), PARENT_CAMERAS_MAX);
    for (at, _) in wanted.hours.iter().enumerate().filter(|(_, span)| !span.is_valid()) {
        faults.within("hours", |faults| faults.note_at(at, "format", "days 1 to 7, times as HH:MM, from before to"));
    }
    checked(faults)?;
    let (at, scope, session, id, kept) = (app.clock.wall_ms(), caller.scope(), Session::clone(&caller), id.to_string(), wanted.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let place = own_place(tx, &scope, At::Premises(id)).await?;
                let mut faults = Faults::new();
                for (at, camera) in kept.cameras.iter().enumerate() {
                    let row = cameras::get(tx, &scope, &camera.to_string()).await?;
                    if row.is_none_or(|row| row.premises_id != place.id) {
                        faults.within("cameras", |faults| faults.note_at(at, "unknown", "no such camera at these premises"));
                    }
                }
                checked(faults)?;
                let value = serde_json::to_string(&kept).map_err(StoreError::damaged)?;
                keep(tx, &session.actor, &place, PARENT_VIEWING, Some(&value), at).await
            })
        })
        .await?;
    Ok(web::Json(wanted))
}
