//! What the diagnosis tells becomes alerts.
//!
//! The hold on the recordings comes before the alert's row, and the still lies in the file store before a row names it. An
//! event that comes again after a failure does no harm: it joins the alert it raised.

use bytes::Bytes;
use media::{DiagnosisKind, LookReason, MediaEvent, Phase};
use serde_json::json;
use tracing::{info, warn};
use uuid::Uuid;

use super::apply;
use crate::App;
use crate::auth::Scope;
use crate::domain::alert::{clip_span, kind_of};
use crate::domain::camera::merged;
use crate::store::alert_acts::{self, Seen, Sighting};
use crate::store::cameras::CameraRow;
use crate::store::files::FileRow;
use crate::store::work::WorkError;
use crate::store::{StoreError, alert_stills, alerts, cameras, files, jobs};

/// Bytes of a still that is kept.
const STILL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Something that was seen, or that is over.
struct Event<'a> {
    camera: Uuid,
    kind: DiagnosisKind,
    at_ms: i64,
    began_ms: i64,
    measure: f64,
    threshold: f64,
    looked: Option<LookReason>,
    still_jpeg: Option<&'a [u8]>,
}

/// Raises, repeats or clears an alert.
pub(crate) async fn keep(app: &App, event: &MediaEvent) -> Result<(), StoreError> {
    let MediaEvent::Diagnosis { camera, kind, phase, at_ms, began_ms, measure, threshold, looked, still_jpeg, .. } = event else {
        return Ok(());
    };
    if *phase == Phase::Cleared {
        return over(app, &camera.to_string(), *kind, *at_ms).await;
    }
    let event = Event {
        camera: *camera,
        kind: *kind,
        at_ms: *at_ms,
        began_ms: *began_ms,
        // A measure that is no number cannot be stored as one.
        measure: if measure.is_finite() { *measure } else { 0.0 },
        threshold: if threshold.is_finite() { *threshold } else { 0.0 },
        looked: *looked,
        still_jpeg: still_jpeg.as_deref(),
    };
    seen(app, &event).await
}

async fn seen(app: &App, event: &Event<'_>) -> Result<(), StoreError> {
    let row = cameras::get(&mut app.db.read().await?.conn(), &Scope::system(), &event.camera.to_string()).await?;
    // A camera that was taken away while its last event was under way.
    let Some(row) = row else { return Ok(()) };
    let (rule, repeat_interval_ms) = rule_of(app, &row, event).await?;
    let kind = event.kind.as_str();
    let since_ms = event.at_ms - repeat_interval_ms;
    // Whether it joins is decided again with the write; looking first spares a hold and a still that nobody needs.
    let mut reader = app.db.read().await?;
    let known = alerts::to_join(&mut reader.conn(), &row.id, kind, since_ms).await?;
    let joins = known.is_some();
    let wanted = match &known {
        Some(known) => alert_stills::takes(&mut reader.conn(), &known.id, known.raised_at, event.at_ms).await?,
        None => true,
    };
    drop(reader);
    let still = match event.still_jpeg {
        Some(jpeg) if wanted => keep_still(app, event.camera, jpeg).await,
        _ => None,
    };
    let clip = clip_span(kind, event.began_ms, event.at_ms);
    let hold = if joins { None } else { hold(app, event.camera, clip).await };
    let sighting = Sighting {
        id: Uuid::now_v7().to_string(),
        kind: kind.to_owned(),
        class: kind_of(kind).map_or(0, |kind| kind.class),
        camera_id: row.id,
        premises_id: row.premises_id,
        began_at: event.began_ms.min(event.at_ms),
        at: event.at_ms,
        measure: event.measure,
        threshold: event.threshold,
        rule,
        repeat_interval_ms,
        still_file_id: still.as_ref().map(|still| still.id.clone()),
        clip: app.engine.is_some().then_some(clip),
        hold: hold.map(|hold| hold.0),
    };
    let now_ms = app.clock.wall_ms();
    let seen = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if let Some(still) = &still {
                    files::insert(tx, still).await?;
                }
                let seen = alert_acts::sighted(tx, &sighting).await?;
                if let (Seen::Joined(_), Some(hold)) = (&seen, sighting.hold) {
                    // The job finds no clip to cut and lets the recordings go.
                    jobs::enqueue(tx, "release", &hold.to_string(), &json!({"hold": hold}), now_ms, now_ms).await?;
                }
                Ok::<_, StoreError>(seen)
            })
        })
        .await?;
    if let Seen::Raised(id) = seen {
        info!(alert = id, camera = %event.camera, kind, "alert raised");
    }
    Ok(())
}

/// The rule as it stands for this camera with what drew attention to it, and how close sightings join.
async fn rule_of(app: &App, row: &CameraRow, event: &Event<'_>) -> Result<(String, i64), StoreError> {
    let layers = apply::layers(&mut app.db.read().await?.conn(), &row.premises_id, &row.id).await?;
    let settings = apply::diagnosis(&merged(&layers));
    let kind = event.kind;
    let rule = settings.rule(kind);
    let duration_ms = if kind == DiagnosisKind::SignalLost { settings.no_packet_ms } else { rule.duration_ms };
    let kept = json!({
        "name": alert_acts::DIAGNOSIS, "kind": kind.as_str(), "threshold": rule.threshold, "duration_ms": duration_ms, "clear_ms": rule.clear_ms,
        "repeat_interval_ms": rule.repeat_interval_ms, "classes_version": crate::domain::alert::classes().version,
        "looked": event.looked.map(LookReason::as_str),
    });
    Ok((kept.to_string(), i64::try_from(rule.repeat_interval_ms).unwrap_or(i64::MAX / 2)))
}

/// Puts the picture into the file store; without it the alert stands all the same.
pub(crate) async fn keep_still(app: &App, camera: Uuid, jpeg: &[u8]) -> Option<FileRow> {
    if jpeg.is_empty() || jpeg.len() > STILL_BYTES_MAX {
        return None;
    }
    let sha256 = match app.files.put_bytes(Bytes::copy_from_slice(jpeg)).await {
        Ok(sha256) => sha256,
        Err(error) => {
            warn!(%camera, %error, "an alert's picture could not be kept");
            return None;
        }
    };
    Some(FileRow {
        id: Uuid::now_v7().to_string(),
        sha256,
        filetype: "image/jpeg".to_owned(),
        bytes: i64::try_from(jpeg.len()).unwrap_or(0),
        width: None,
        height: None,
        user_id: None,
        created_at: app.clock.wall_ms(),
    })
}

/// Keeps the stretch of the clip from retention. A hold that is refused (the reserve) leaves the clip to luck, not the alert.
pub(crate) async fn hold(app: &App, camera: Uuid, clip: (i64, i64)) -> Option<media::segment::HoldId> {
    let engine = app.engine.as_ref()?;
    match engine.hold(camera, clip.0, clip.1).await {
        Ok(hold) => Some(hold),
        Err(error) => {
            warn!(%camera, %error, "an alert's recording is not on hold");
            None
        }
    }
}

async fn over(app: &App, camera_id: &str, kind: DiagnosisKind, at_ms: i64) -> Result<(), StoreError> {
    let ids = alerts::lasting(&mut app.db.read().await?.conn(), camera_id, Some(kind.as_str()), None).await?;
    for id in ids {
        let ended = app.db.write(move |tx| Box::pin(async move { alert_acts::over(tx, &id, at_ms).await })).await;
        match ended {
            Err(WorkError::Store(error)) => return Err(error),
            Err(error) => warn!(camera_id, %error, "an alert that is over stays as it was"),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// At start: asks for a look at the cameras whose alerts still lasted when the program stopped.
pub async fn settle(app: &App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let cameras = alerts::lasting_cameras(&mut app.db.read().await?.conn(), now_ms).await?;
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for camera in &cameras {
                    jobs::enqueue(tx, "settle", camera, &json!({"since_ms": now_ms}), now_ms + crate::jobs::WATCHED_MS, now_ms).await?;
                }
                Ok(())
            })
        })
        .await
}
