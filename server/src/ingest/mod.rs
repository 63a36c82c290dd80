//! The only place where media events meet the store.
//!
//! Events come in order over one bounded channel. What they say has already happened on disk or at the camera, so a row
//! that cannot be written now is written later: the batch is tried again until the database is back; recording goes on
//! meanwhile, and what the engine could not keep for us is read from its index again.

pub mod apply;
mod cameras;
pub mod diagnosis;
pub mod holds;

pub(crate) use diagnosis::{hold, keep_still};

use std::time::Duration;

use media::MediaEvent;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::App;
use crate::store::StoreError;

/// Events that share one transaction.
const BATCH_MAX: usize = 128;
/// First pause while the database is away; doubles.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Takes events until the engine has told its last one.
pub async fn run(app: App, mut events: mpsc::Receiver<MediaEvent>, hard: CancellationToken) {
    if let Err(error) = diagnosis::settle(&app).await {
        warn!(%error, "alerts that were over while nobody looked stay open");
    }
    if let Err(error) = holds::set_right(&app).await {
        warn!(%error, "holds are compared at the next start");
    }
    keep_index(&app, &hard).await;
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut dropped = 0;
    while events.recv_many(&mut batch, BATCH_MAX).await > 0 {
        for part in parts(std::mem::take(&mut batch)) {
            keep(&app, part, &hard).await;
        }
        let now_dropped = app.engine.as_ref().map_or(0, media::Engine::events_dropped);
        if now_dropped > dropped {
            warn!(lost = now_dropped - dropped, "events were lost while the database was away; reading the index again");
            dropped = now_dropped;
            keep_index(&app, &hard).await;
        }
    }
}

/// Keeps what was told of recordings at once.
pub(crate) async fn told(app: &App, events: Vec<MediaEvent>) -> Result<(), StoreError> {
    cameras::keep(app, events).await
}

/// Brings the rows of segments up to what lies on disk.
async fn keep_index(app: &App, hard: &CancellationToken) {
    match cameras::from_index(app).await {
        Ok(events) => {
            for batch in events.chunks(BATCH_MAX) {
                keep(app, Part::Recordings(batch.to_vec()), hard).await;
            }
        }
        Err(error) => warn!(%error, "the index of recordings could not be compared"),
    }
}

/// What is written together.
enum Part {
    Recordings(Vec<MediaEvent>),
    Diagnosis(MediaEvent),
}

/// Splits a batch where a diagnosis stands: an alert and its files are an act of their own.
fn parts(batch: Vec<MediaEvent>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut recordings = Vec::new();
    for event in batch {
        if matches!(event, MediaEvent::Diagnosis { .. }) {
            parts.push(Part::Diagnosis(event));
        } else {
            recordings.push(event);
        }
    }
    // Alerts first: people wait for them.
    parts.push(Part::Recordings(recordings));
    parts
}

async fn keep(app: &App, part: Part, hard: &CancellationToken) {
    let mut pause = PAUSE_MIN;
    loop {
        let kept = match &part {
            Part::Recordings(events) if events.is_empty() => Ok(()),
            Part::Recordings(events) => cameras::keep(app, events.clone()).await,
            Part::Diagnosis(event) => diagnosis::keep(app, event).await,
        };
        match kept {
            Ok(()) => return,
            Err(StoreError::Unavailable(cause)) => warn!(%cause, "events wait for the database"),
            // Trying again would not help, and the next events must not wait for it.
            Err(error) => {
                tracing::error!(%error, "events could not be kept");
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = hard.cancelled() => return,
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}
