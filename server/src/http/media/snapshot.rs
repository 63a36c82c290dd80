//! `/cameras/{id}/snapshot.jpg`: the newest picture, or the one at an instant.

use actix_web::{HttpResponse, get, web};
use media::StillError;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::parents::watchable;
use super::{camera, engine, note_view};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::permission::Permission;
use crate::http::{Args, Id, Problem, ProblemBody, moment_ms};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(snapshot);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SnapshotArgs {
    /// RFC 3339; the newest picture where absent. Needs `video.recorded`.
    at: Option<String>,
    /// Not wider than this, pixels.
    #[param(minimum = 16, maximum = 3840)]
    width: Option<u32>,
}

/// One picture as JPEG; `X-Picture-At` says when it was taken. Parents get the newest one, in the hours of the premises.
#[utoipa::path(tag = "video", params(("id" = String, Path), SnapshotArgs),
    responses((status = 200, content_type = "image/jpeg"), (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "also `outside_hours`, for parents"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/snapshot.jpg")]
async fn snapshot(app: web::Data<App>, caller: Caller<can::Watch>, id: Id, args: Args<SnapshotArgs>) -> Result<HttpResponse, Problem> {
    if args.width.is_some_and(|width| !(16..=3_840).contains(&width)) {
        return Err(Problem::of(ProblemType::Malformed).because("width is 16 to 3840 pixels"));
    }
    let at = moment_ms("at", args.at.as_deref())?;
    if at.is_some() && !caller.access.may(Permission::VideoRecorded) {
        return Err(Problem::forbidden());
    }
    let row = match at {
        Some(_) => camera(&app, &caller.access.scope(Permission::VideoRecorded), *id).await?,
        None => watchable(&app, &caller.access, *id).await?.row,
    };
    let engine = engine(&app)?;
    let still = match at {
        None => engine.still(*id, args.width).await,
        Some(at) => engine.still_at(*id, at, args.width).await,
    };
    let still = still.map_err(still_problem)?;
    let action = if at.is_some() { "view_recording" } else { "view_live" };
    note_view(&app, &caller, &row, action, json!({"picture": true})).await?;
    Ok(HttpResponse::Ok()
        .content_type("image/jpeg")
        .insert_header(("cache-control", "no-store"))
        .insert_header(("x-picture-at", Moment(still.at_ms).to_string()))
        .body(still.jpeg))
}

fn still_problem(error: StillError) -> Problem {
    match error {
        StillError::UnknownCamera | StillError::NoPicture => Problem::not_found().because("there is no picture"),
        StillError::Busy => {
            Problem::of(ProblemType::Unavailable).because("too many pictures are asked for at once").with("retry_after_s", 1)
        }
        other => Problem::of(ProblemType::Unavailable).because(other.to_string()),
    }
}
