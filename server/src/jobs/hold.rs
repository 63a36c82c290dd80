//! Has the recorder hold what somebody holds, and lets go of what was held until now.
//!
//! The recorder's hold has the id of the row, so doing it twice does it once. What the recorder cannot take, because held
//! recordings would use the reserve of the disk, is asked again every minute; the row says so meanwhile.

use media::AskError;
use media::segment::HoldId;
use media::segment::holds::HoldError;
use tracing::warn;

use super::JobError;
use crate::App;
use crate::auth::Scope;
use crate::store::jobs::JobRow;
use crate::store::{StoreError, holds};

/// How soon the recorder is asked again, ms.
const AGAIN_MS: i64 = 60_000;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    if app.engine.is_none() {
        return Err(JobError::Retry("no recordings here".to_owned()));
    }
    if place(&app, &job.subject).await? { Ok(()) } else { Err(JobError::NotYet(AGAIN_MS)) }
}

/// Has the recorder hold what the row says, where it stands; `false` where the recorder cannot take it now.
pub(crate) async fn place(app: &App, id: &str) -> Result<bool, StoreError> {
    let Some(engine) = &app.engine else { return Ok(false) };
    let row = holds::get(&mut app.db.read().await?.conn(), &Scope::system(), id).await?;
    let Some(row) = row.filter(|row| row.released_at.is_none()) else { return Ok(true) };
    let (Ok(hold), Ok(camera)) = (row.id.parse(), row.camera_id.parse()) else {
        return Err(StoreError::damaged(format!("the ids of hold {id}")));
    };
    let trouble = match engine.hold_as(HoldId(hold), camera, row.start_ms, row.end_ms).await {
        Ok(()) => None,
        Err(AskError::Hold(HoldError::NoRoom)) => Some("no_room"),
        Err(AskError::Hold(HoldError::TooMany)) => Some("too_many"),
        Err(error) => {
            warn!(hold = id, %error, "recordings are not on hold yet");
            Some("disk")
        }
    };
    let (at, changes) = (app.clock.wall_ms(), trouble != row.trouble.as_deref() || (row.placed_at.is_none() && trouble.is_none()));
    let stands = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let stands = match trouble {
                    None => holds::placed(tx, &row.id, at).await?,
                    Some(trouble) => {
                        holds::troubled(tx, &row.id, trouble).await?;
                        true
                    }
                };
                if stands && changes {
                    holds::tell(tx, &row, at).await?;
                }
                Ok::<_, StoreError>(stands)
            })
        })
        .await?;
    if !stands {
        // Let go while it was placed: the job of the release may have come before.
        engine.release(HoldId(hold)).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    }
    Ok(trouble.is_none())
}

/// Lets go of what was held until now.
pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    while app.db.write(move |tx| Box::pin(async move { holds::over(tx, now_ms).await })).await? > 0 {}
    Ok(())
}
