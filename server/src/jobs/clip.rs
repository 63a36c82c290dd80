//! Copies an alert's clip from the recordings to the file store when its end has passed, fixes its hash, and lets the
//! recordings go.
//!
//! The stretch is on hold from the alert on, so retention cannot take it before. A fragment is on disk only when it has ended,
//! which takes as long as the camera waits with its next key frame; the job has the one that holds the clip's end ended as
//! soon as it reaches that far, so that a clip can be played within three seconds of its end. A camera that hangs gives no
//! more pictures to end it with: what it sent last comes to disk when its connection is given up, and the job waits for that.

use futures::StreamExt as _;
use media::playback::{Export, PlaybackError};
use media::segment::HoldId;
use uuid::Uuid;

use super::JobError;
use crate::App;
use crate::auth::Scope;
use crate::evidence::{Evidence, Named, Purpose};
use crate::files::FilesError;
use crate::ingest::keep_still;
use crate::store::alerts::{self, AlertRow};
use crate::store::files::{self, FileRow};
use crate::store::jobs::JobRow;
use crate::store::journal::Actor;
use crate::store::{StoreError, alert_acts, alert_stills};

/// How long the job waits for the end of the clip where nothing of it is under way, ms.
const PATIENCE_MS: i64 = 2_000;
/// How long it waits while pictures of the clip are gathered in memory, ms: until a silent connection is given up, and more.
const PATIENCE_OPEN_MS: i64 = 20_000;
/// How often it looks meanwhile, ms.
const LOOK_MS: i64 = 200;
/// A clip is 30 s long; this is far more than a camera sends in that time, bytes.
const CLIP_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// As wide as the pictures that the diagnosis tells, pixels.
const STILL_WIDTH_MAX: u32 = 1280;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let row = alerts::get(&mut app.db.read().await?.conn(), &Scope::system(), &job.subject).await?;
    let Some(row) = row.filter(|row| row.clip_state == "pending") else {
        return release(&app, &job).await;
    };
    let engine = app.engine.clone().ok_or_else(|| JobError::Retry("no recordings here".to_owned()))?;
    let (Some(start_ms), Some(end_ms)) = (row.clip_start, row.clip_end) else {
        return Err(JobError::GiveUp("the clip has no stretch".to_owned()));
    };
    let camera: Uuid = row.camera_id.parse().map_err(|_| JobError::GiveUp("the camera has no id".to_owned()))?;
    let now_ms = app.clock.wall_ms();
    let whole = engine.timeline(camera, start_ms, end_ms).last().is_some_and(|span| span.end_ms >= end_ms);
    if !whole {
        let open = engine.hurry(camera, end_ms);
        let patience_ms = if open { PATIENCE_OPEN_MS } else { PATIENCE_MS };
        // The job may begin long after the end: a camera that went silent is found so seconds later.
        if now_ms < end_ms.max(job.created_at) + patience_ms {
            return Err(JobError::NotYet(LOOK_MS));
        }
    }
    match engine.export(camera, start_ms, end_ms).await {
        Ok(export) => keep(&app, &row, export).await?,
        Err(PlaybackError::Nothing) => nothing(&app, &row).await?,
        // The longest part that can be one file shows more than none.
        Err(PlaybackError::CodecChange { pieces }) => match pieces.iter().max_by_key(|piece| piece.end_ms - piece.start_ms) {
            Some(piece) => {
                let export = engine
                    .export(camera, piece.start_ms.max(start_ms), piece.end_ms.min(end_ms))
                    .await
                    .map_err(|error| JobError::Retry(error.to_string()))?;
                keep(&app, &row, export).await?;
            }
            None => nothing(&app, &row).await?,
        },
        Err(error) => return Err(JobError::Retry(error.to_string())),
    }
    release(&app, &job).await
}

/// Into the file store first, then the rows: a row never points to nothing.
async fn keep(app: &App, row: &AlertRow, export: Export) -> Result<(), JobError> {
    let (start_ms, end_ms) = (export.start_ms(), export.end_ms());
    let purpose = Purpose {
        camera: Named { id: Some(row.camera_id.clone()), name: row.camera_name.clone() },
        premises: Named { id: Some(row.premises_id.clone()), name: row.premises_name.clone() },
        by: Named { id: None, name: Actor::system().name },
        reason: format!("alert: {}", row.kind),
        alert_id: Some(row.id.clone()),
        at_ms: app.clock.wall_ms(),
    };
    let retry = |error: FilesError| JobError::Retry(error.to_string());
    let content = Evidence::new(export, &purpose, &app.keys).file().map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
    let spooled = app.files.spool(content, CLIP_BYTES_MAX).await.map_err(retry)?;
    app.files.put(&spooled).await.map_err(retry)?;
    let file = FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: spooled.sha256.clone(),
        filetype: "video/mp4".to_owned(),
        bytes: i64::try_from(spooled.bytes).unwrap_or(i64::MAX),
        width: None,
        height: None,
        user_id: None,
        created_at: app.clock.wall_ms(),
    };
    let (id, at) = (row.id.clone(), app.clock.wall_ms());
    let last_known = if row.still_file_id.is_none() { last_known(app, row, end_ms).await } else { None };
    app.db
        .write(move |tx| {
            Box::pin(async move {
                files::insert(tx, &file).await?;
                alerts::set_clip(tx, &id, &file.id, start_ms, end_ms).await?;
                if let Some(still) = &last_known {
                    files::insert(tx, still).await?;
                    alert_stills::set_last_known(tx, &id, &still.id).await?;
                }
                alert_acts::changed(tx, &id, at).await
            })
        })
        .await?;
    Ok(())
}

/// How long before a clip's end its last picture is asked for, milliseconds: its end is a sum of lengths of pictures, and the
/// rounded lengths of fragments, by which a picture is found, may stop a millisecond before it.
const BEFORE_END_MS: i64 = 100;

/// The last picture of the clip, for an alert that came without one: where the signal was lost, nothing showed it. An alert is not
/// kept waiting for it, and one that cannot be had is left out.
async fn last_known(app: &App, row: &AlertRow, end_ms: i64) -> Option<FileRow> {
    let engine = app.engine.as_ref()?;
    let camera = row.camera_id.parse().ok()?;
    match engine.still_at(camera, end_ms - BEFORE_END_MS, Some(STILL_WIDTH_MAX)).await {
        Ok(still) => keep_still(app, camera, &still.jpeg).await,
        Err(error) => {
            tracing::info!(alert = row.id, %error, "no last picture of a camera");
            None
        }
    }
}

async fn nothing(app: &App, row: &AlertRow) -> Result<(), StoreError> {
    let (id, at) = (row.id.clone(), app.clock.wall_ms());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                alerts::no_clip(tx, &id).await?;
                alert_acts::changed(tx, &id, at).await
            })
        })
        .await
}

async fn release(app: &App, job: &JobRow) -> Result<(), JobError> {
    let hold = serde_json::from_str::<serde_json::Value>(&job.payload)
        .ok()
        .and_then(|payload| payload["hold"].as_str().and_then(|id| id.parse().ok()));
    if let (Some(engine), Some(hold)) = (&app.engine, hold) {
        engine.release(HoldId(hold)).await.map_err(|error| JobError::Retry(error.to_string()))?;
    }
    Ok(())
}
