//! States, streams, segments and gaps of cameras.

use media::MediaEvent;

use crate::App;
use crate::domain::calendar;
use crate::store::{StoreError, Tx, cameras, recordings, statistics};

/// Cameras read at a time.
const CAMERAS_PAGE: i64 = 200;
/// Segments that ended this long before the newest stored one are looked at again, ms.
const OVERLAP_MS: i64 = 3_600_000;

/// Keeps a batch in one transaction.
pub(super) async fn keep(app: &App, events: Vec<MediaEvent>) -> Result<(), StoreError> {
    let now = app.clock.wall_ms();
    app.db
        .write_apart(move |tx| {
            Box::pin(async move {
                for event in &events {
                    keep_one(tx, event, now).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn keep_one(tx: &mut Tx<'_>, event: &MediaEvent, now: i64) -> Result<(), StoreError> {
    match event {
        MediaEvent::State { camera, state, reason, detail, at_ms } => {
            cameras::set_state(tx, &camera.to_string(), state.as_str(), reason.as_str(), detail, *at_ms).await
        }
        MediaEvent::Stream { camera, codec, width, height, fps, key_frame_interval_ms, bit_rate } => {
            let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
            let facts = cameras::StreamFacts {
                codec: codec.as_str(),
                width: i64::from(*width),
                height: i64::from(*height),
                fps: *fps,
                key_frame_interval_ms: number(*key_frame_interval_ms),
                bit_rate: number(*bit_rate),
            };
            cameras::set_stream(tx, &camera.to_string(), &facts, now).await
        }
        MediaEvent::SegmentOpened { camera, segment } | MediaEvent::SegmentGrew { camera, segment } => {
            recordings::put_segment(tx, &camera.to_string(), segment, false).await?;
            cameras::touch_picture(tx, &camera.to_string(), segment.end_ms).await
        }
        MediaEvent::SegmentClosed { camera, segment } => recordings::put_segment(tx, &camera.to_string(), segment, true).await,
        MediaEvent::SegmentDeleted { camera, segment, start_ms, end_ms, reason } => {
            recordings::delete_segment(tx, *segment).await?;
            if matches!(*reason, "disk" | "reserve") {
                lost_room(tx, &camera.to_string(), *start_ms, *end_ms).await?;
            }
            Ok(())
        }
        MediaEvent::GapOpened { camera, start_ms, reason } => {
            recordings::open_gap(tx, &camera.to_string(), *start_ms, reason.as_str()).await
        }
        MediaEvent::GapClosed { camera, start_ms, end_ms, reason } => {
            recordings::close_gap(tx, &camera.to_string(), *start_ms, *end_ms, reason.as_str()).await
        }
        // Said in the log by the engine, and by the health page as it stands.
        MediaEvent::Disk { .. } => Ok(()),
        // Alerts are an act of their own, see `diagnosis`.
        MediaEvent::Diagnosis { .. } => Ok(()),
    }
}

/// What went before its time counts against the completeness of its days.
async fn lost_room(tx: &mut Tx<'_>, camera_id: &str, start_ms: i64, end_ms: i64) -> Result<(), StoreError> {
    recordings::lost_room(tx, camera_id, start_ms, end_ms).await?;
    let day = |at_ms| calendar::date_of(at_ms).to_string();
    statistics::mark_stale(tx, camera_id, &day(start_ms), &day(end_ms)).await
}

/// What the engine's index says of every camera beyond what is stored, as events: after events were lost, and at start,
/// for segments whose last event the program did not live to keep.
pub(super) async fn from_index(app: &App) -> Result<Vec<MediaEvent>, StoreError> {
    let Some(engine) = &app.engine else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let mut reader = app.db.read().await?;
        let rows = cameras::after(&mut reader.conn(), &after, CAMERAS_PAGE).await?;
        let Some(last) = rows.last() else { return Ok(events) };
        after.clone_from(&last.id);
        for row in rows {
            let Ok(camera) = row.id.parse() else { continue };
            let stored_ms = recordings::newest_end(&mut reader.conn(), &row.id).await?;
            let mut segments = engine.segments(camera);
            segments.retain(|segment| segment.end_ms > stored_ms - OVERLAP_MS);
            let index = engine.index();
            // The newest need not be open: after an orderly end none is.
            events.extend(segments.into_iter().map(|segment| match index.is_open(camera, &segment) {
                true => MediaEvent::SegmentGrew { camera, segment },
                false => MediaEvent::SegmentClosed { camera, segment },
            }));
        }
    }
}
