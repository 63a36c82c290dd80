//! `/cameras/{id}/holds`: recordings that somebody keeps from retention, and lets go again.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::camera;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::hold::{HoldOrder, reason_of};
use crate::domain::permission::Permission;
use crate::http::{Answer, Args, Body, Id, Listed, Problem, ProblemBody, Repeatable, checked, listed, page};
use crate::jobs::hold::place;
use crate::store::StoreError;
use crate::store::holds::{self, Hold, HoldRow};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(begin).service(release);
}

/// A stretch of a camera's recordings that is kept from retention.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordingHold {
    id: String,
    camera_id: String,
    premises_id: String,
    start: Moment,
    /// May lie ahead: what is recorded until then is held too.
    end: Moment,
    reason: String,
    /// The work that it is for; none where somebody holds it as such.
    work_kind: Option<String>,
    work_id: Option<String>,
    /// held; waiting: the recorder could not take it yet, see `trouble`; released
    state: &'static str,
    /// no_room: held recordings would use the reserve of the disk; too_many; disk: the disk failed. It is tried again every minute.
    trouble: Option<String>,
    /// As it was then.
    held_by: String,
    held_at: Moment,
    /// Let go by itself then; none: until somebody lets it go.
    until: Option<Moment>,
    released_at: Option<Moment>,
    released_by: Option<String>,
    /// `until` where its time was over.
    release_reason: Option<String>,
}

impl From<HoldRow> for RecordingHold {
    fn from(row: HoldRow) -> Self {
        Self {
            state: row.state(),
            id: row.id,
            camera_id: row.camera_id,
            premises_id: row.premises_id,
            start: Moment(row.start_ms),
            end: Moment(row.end_ms),
            reason: row.reason,
            work_kind: row.work_kind,
            work_id: row.work_id,
            trouble: row.trouble,
            held_by: row.held_by_name,
            held_at: Moment(row.created_at),
            until: row.until_at.map(Moment),
            released_at: row.released_at.map(Moment),
            released_by: row.released_by_name,
            release_reason: row.release_reason,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HoldsArgs {
    /// true: only those that stand; false: only those that were let go; all where it is not given.
    standing: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Holds of a camera's recordings, the newest first.
#[utoipa::path(tag = "video", params(("id" = String, Path), HoldsArgs), responses((status = 200, body = Listed<RecordingHold>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/holds")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::VideoRecorded>,
    id: Id,
    args: Args<HoldsArgs>,
) -> Result<web::Json<Listed<RecordingHold>>, Problem> {
    let (page, scope) = (page(args.limit, args.cursor.as_deref())?, caller.scope());
    let row = camera(&app, &scope, *id).await?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = holds::list(conn, &scope, &row.id, args.standing, &page).await?;
    let counted = holds::count(conn, &scope, &row.id, args.standing).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(RecordingHold::from).collect(), next, counted)))
}

/// What is to be held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"start": "2026-11-23T06:00:00Z", "end": "2026-11-23T06:05:00Z", "reason": "家长反映饭菜有异味，待核查", "until": "2026-12-23T06:00:00Z"}))]
struct NewHold {
    start: Moment,
    /// At most 31 days after `start`, at most 7 days ahead.
    end: Moment,
    #[schema(max_length = 500)]
    reason: String,
    /// When it is let go by itself, at most ten years ahead; none: when somebody lets it go.
    until: Option<Moment>,
}

/// Keeps a stretch of a camera's recordings from retention, what is recorded of it now and later.
///
/// `held` in the answer: it is safe. `waiting`: the recorder could not take it, because held recordings would use the reserve of
/// the disk or the disk failed (`trouble`); it is tried again every minute, and until then retention may delete.
#[utoipa::path(tag = "video", params(("id" = String, Path)), request_body = NewHold,
    responses((status = 201, body = RecordingHold), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/{id}/holds")]
async fn begin(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller<can::VideoHold>,
    id: Id,
    body: Body<NewHold>,
) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let order = HoldOrder::parse(body.start.0, body.end.0, &body.reason, body.until.map(|until| until.0), at).map_err(Problem::fields)?;
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let (session, camera_id, scope) = (Session::clone(&caller), id.to_string(), caller.scope());
    let (held, again) = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if let Some(answer) = repeat.answered(tx, at).await? {
                    return Ok::<_, Problem>((answer.body, true));
                }
                let hold = Hold { order: &order, work: None, actor: &session.actor };
                let held = holds::hold_camera(tx, &scope, &camera_id, hold, at).await.map_err(refused)?.ok_or_else(Problem::not_found)?;
                // The answer shows how it stands when it is given; what is kept is which hold it was.
                repeat.keep(tx, &Answer { status: 201, body: held.clone() }).await?;
                Ok((held, false))
            })
        })
        .await?;
    if !again && let Err(error) = place(&app, &held).await {
        warn!(hold = held, %error, "a hold is placed by its job");
    }
    let row = holds::get(&mut app.db.read().await?.conn(), &caller.scope(), &held).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Created().json(RecordingHold::from(row)))
}

fn refused(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict(why) => Problem::of(ProblemType::Conflict).because(why),
        other => other.into(),
    }
}

/// Why a hold is let go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "已核查，与食堂无关"}))]
struct Release {
    #[schema(max_length = 500)]
    reason: String,
}

/// Lets a hold go: retention may delete what no other hold keeps. One that was let go before is answered as it is; one that
/// stands for a report of food poisoning goes with the report (409).
#[utoipa::path(tag = "video", params(("id" = String, Path), ("hold_id" = String, Path)), request_body = Release,
    responses((status = 200, body = RecordingHold), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/{id}/holds/{hold_id}/release")]
async fn release(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller<can::VideoHold>,
    id: Id,
    body: Body<Release>,
) -> Result<web::Json<RecordingHold>, Problem> {
    let mut faults = Faults::new();
    let reason = reason_of(&body.reason, &mut faults);
    checked(faults)?;
    let hold_id: Uuid = request.match_info().get("hold_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let (at, session, camera_id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let (scope, id) = (session.access.scope(Permission::VideoHold), hold_id.to_string());
                let present = holds::get(tx, &scope, &id).await?.filter(|row| row.camera_id == camera_id).ok_or_else(Problem::not_found)?;
                if let (Some(kind), Some(work_id), None) = (present.work_kind, present.work_id, present.released_at) {
                    let problem = Problem::of(ProblemType::Conflict).because("it stands for a piece of work, and goes with it");
                    return Err(problem.with("work_kind", kind).with("work_id", work_id));
                }
                holds::release(tx, &scope, &id, &session.actor, &reason, at).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}
