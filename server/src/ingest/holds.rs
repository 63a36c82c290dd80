//! Sets holds and alerts right after a start.
//!
//! A hold comes before its alert's row, so a crash between the two leaves a hold that nobody will release; a crash at
//! another moment may lose a job or a hold. Every hold is then either adopted by the clip that it was made for or let go, and
//! every clip that is still to be cut has its hold and its job. Runs before new events are heard, so that no new hold is
//! taken for a left one. What people and kinds of work hold has its row before the recorder's hold, under the same id: what
//! stands there and the recorder does not know of is placed again.

use std::collections::HashSet;

use media::segment::HoldId;
use media::segment::holds::Held;
use serde_json::json;
use tracing::{info, warn};
use uuid::Uuid;

use crate::App;
use crate::store::alerts::{self, ClipPending};
use crate::store::{StoreError, holds, jobs};

/// Clips that are looked at; more than a day of a district's alerts.
const CLIPS_LIMIT: i64 = 10_000;

/// What was found and done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetRight {
    /// Holds that nobody knew of, let go.
    pub released: usize,
    /// Clips that got their hold or their job back.
    pub adopted: usize,
    /// Holds of people and of work that the recorder did not know of any more; a job places them again.
    pub missing: usize,
}

/// Compares holds, jobs and clips, and sets them right.
pub async fn set_right(app: &App) -> Result<SetRight, StoreError> {
    let Some(engine) = &app.engine else { return Ok(SetRight::default()) };
    // Read before the rows: one that is placed meanwhile has its row already.
    let mut left: Vec<Held> = engine.index().holds();
    let (pending, waiting, standing) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let waiting = jobs::waiting(conn, &["clip", "release"]).await?;
        (alerts::clips_pending(conn, CLIPS_LIMIT).await?, waiting, holds::standing_ids(conn).await?)
    };
    let mut done = SetRight { missing: place_again(app, &left, &standing).await?, ..SetRight::default() };
    let by_people = standing.iter().filter_map(|id| id.parse().ok());
    let wanted: HashSet<Uuid> = waiting.iter().filter_map(hold_of).chain(by_people).collect();
    for clip in &pending {
        let job = waiting.iter().find(|job| job.kind == "clip" && job.subject == clip.id);
        let known = job.and_then(hold_of);
        if known.is_some_and(|id| left.iter().any(|held| held.id.0 == id)) {
            continue;
        }
        let own = left.iter().position(|held| is_of(held, clip) && !wanted.contains(&held.id.0));
        let hold = match own {
            Some(at) => Some(left.swap_remove(at).id),
            None => again(engine, clip).await,
        };
        if job.is_some() && hold.is_none() {
            continue;
        }
        enqueue(app, clip.clone(), hold).await?;
        done.adopted += 1;
    }
    for held in left.into_iter().filter(|held| !wanted.contains(&held.id.0)) {
        match engine.release(held.id).await {
            Ok(_) => done.released += 1,
            Err(error) => warn!(%error, "a hold that nobody knows of stays until the next start"),
        }
    }
    if done != SetRight::default() {
        info!(released = done.released, adopted = done.adopted, missing = done.missing, "holds were set right");
    }
    Ok(done)
}

/// What stands in the database and is not known to the recorder is held again.
async fn place_again(app: &App, held: &[Held], standing: &[String]) -> Result<usize, StoreError> {
    let known: HashSet<String> = held.iter().map(|held| held.id.0.to_string()).collect();
    let missing: Vec<String> = standing.iter().filter(|id| !known.contains(*id)).cloned().collect();
    let (at, count) = (app.clock.wall_ms(), missing.len());
    if count > 0 {
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    for id in &missing {
                        jobs::enqueue(tx, holds::JOB, id, &json!({}), at, at).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(count)
}

fn hold_of(job: &jobs::WaitingRow) -> Option<Uuid> {
    let payload: serde_json::Value = serde_json::from_str(&job.payload).ok()?;
    payload["hold"].as_str()?.parse().ok()
}

fn is_of(held: &Held, clip: &ClipPending) -> bool {
    held.camera.to_string() == clip.camera_id && held.start_ms == clip.clip_start && held.end_ms == clip.clip_end
}

async fn again(engine: &media::Engine, clip: &ClipPending) -> Option<HoldId> {
    let camera = clip.camera_id.parse().ok()?;
    engine.hold(camera, clip.clip_start, clip.clip_end).await.inspect_err(|error| warn!(%error, "a clip is not on hold")).ok()
}

async fn enqueue(app: &App, clip: ClipPending, hold: Option<HoldId>) -> Result<(), StoreError> {
    let at = app.clock.wall_ms();
    let payload = json!({"hold": hold.map(|hold| hold.0)});
    app.db.write(move |tx| Box::pin(async move { jobs::enqueue(tx, "clip", &clip.id, &payload, clip.clip_end.max(at), at).await })).await
}
