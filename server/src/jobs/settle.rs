//! Ends what was over while nobody was looking: alerts that still lasted when the program stopped, and that the diagnosis,
//! which starts anew with the program, does not see again.
//!
//! A camera's pictures must have been watched long enough for everything that lasts to be seen again; a camera that gives
//! no pictures settles nothing.

use media::CameraState;

use super::JobError;
use crate::App;
use crate::store::alerts;
use crate::store::jobs::JobRow;
use crate::store::{alert_acts, work::WorkError};

/// How long a camera is watched before what was not seen again is over: three routine looks and the longest rule, ms.
pub(crate) const WATCHED_MS: i64 = 150_000;
/// How soon to look again at a camera that gives no pictures, ms.
const AGAIN_MS: i64 = 60_000;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let camera = job.subject.parse().map_err(|_| JobError::GiveUp("the subject is no camera".to_owned()))?;
    let since_ms = serde_json::from_str::<serde_json::Value>(&job.payload)
        .ok()
        .and_then(|payload| payload["since_ms"].as_i64())
        .unwrap_or(job.created_at);
    let ids = alerts::lasting(&mut app.db.read().await?.conn(), &job.subject, None, Some(since_ms)).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let now_ms = app.clock.wall_ms();
    let watched = app.engine.as_ref().and_then(|engine| engine.status(camera)).is_some_and(|status| {
        matches!(status.state, CameraState::Recording | CameraState::Degraded) && status.since_ms + WATCHED_MS <= now_ms
    });
    if !watched {
        return Err(JobError::NotYet(AGAIN_MS));
    }
    for id in ids {
        let ended = app.db.write(move |tx| Box::pin(async move { alert_acts::over(tx, &id, now_ms).await })).await;
        match ended {
            Ok(()) | Err(WorkError::NotFound) => {}
            Err(WorkError::Store(error)) => return Err(error.into()),
            Err(error) => return Err(JobError::Retry(error.to_string())),
        }
    }
    Ok(())
}
