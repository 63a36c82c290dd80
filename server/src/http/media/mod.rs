//! Video: live, recorded, stills, what exists and what does not.

mod diagnosis;
mod export;
mod hidden;
mod holds;
mod live;
mod parents;
mod quick;
mod recording;
mod snapshot;
mod timeline;
mod viewer;
mod wall;
mod wall_frames;
mod wall_pictures;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) use quick::quick;
pub(super) use recording::watched;
pub use viewer::Viewings;
pub use wall_pictures::WallPictures;

use super::Problem;
use crate::App;
use crate::auth::Scope;
use crate::store::cameras::{self, CameraRow};

/// Registers the routes of video.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    diagnosis::configure(config);
    live::configure(config);
    recording::configure(config);
    export::configure(config);
    snapshot::configure(config);
    parents::configure(config);
    timeline::configure(config);
    holds::configure(config);
    wall::configure(config);
}

/// The camera, where the scope covers it.
async fn camera(app: &App, scope: &Scope, id: uuid::Uuid) -> Result<CameraRow, Problem> {
    cameras::get(&mut app.db.read().await?.conn(), scope, &id.to_string()).await?.ok_or_else(Problem::not_found)
}

/// The engine of this node.
pub(super) fn engine(app: &App) -> Result<media::Engine, Problem> {
    app.engine.clone().ok_or_else(|| Problem::of(mobile_api::problem::ProblemType::Unavailable).because("this node records no cameras"))
}

/// Why nothing is transcoded, in the words of the contract.
pub(super) fn transcode_problem(error: media::TranscodeError) -> Problem {
    use media::TranscodeError as E;
    match error {
        E::Limit { max } => Problem::of(mobile_api::problem::ProblemType::TranscodeLimit)
            .because(format!("{max} at the same time are allowed"))
            .with("limit", max)
            .with("retry_after_s", 30),
        E::Unavailable(why) => Problem::of(mobile_api::problem::ProblemType::Unavailable).because(why),
        E::Live(error) => live::live_problem(error),
        E::Playback(error) => recording::playback_problem(error),
    }
}

/// A stretch of time from the query: both ends, in order, at most `longest_ms`.
fn stretch(start: &str, end: &str, longest_ms: i64) -> Result<(i64, i64), Problem> {
    let (start, end) = (super::moment_ms("start", Some(start))?, super::moment_ms("end", Some(end))?);
    let (Some(start), Some(end)) = (start, end) else { return Err(Problem::not_found()) };
    if end <= start || end - start > longest_ms {
        let hours = longest_ms / 3_600_000;
        return Err(Problem::of(mobile_api::problem::ProblemType::Malformed)
            .because(format!("start comes before end, at most {hours} hours apart")));
    }
    Ok((start, end))
}

/// Notes in the audit log that somebody looks: once a minute for the same person, camera and act.
async fn note_view(
    app: &App,
    session: &crate::auth::Session,
    camera: &CameraRow,
    action: &'static str,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    super::viewed::note(app, session, action, ("camera", &camera.id), &camera.path, detail).await
}
