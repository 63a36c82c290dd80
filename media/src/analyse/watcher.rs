//! The watcher: takes sizes and key frames from the feed and decides which key frames are worth a look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use super::feed::FeedBatch;
use super::queue::LookJob;
use crate::camera::{ArmedHours, CameraId};
use crate::clock::Clock;
use crate::diagnosis::reference::Remembered;
use crate::diagnosis::settings::DiagnosisSettings;
use crate::diagnosis::{At, CameraWatch};

/// What was learned is kept this often beside when a reference is completed.
const KEEP_INTERVAL: Duration = Duration::from_secs(3_600);

/// The feed is taken from at most this often: each time walks over all cameras, and each camera wakes the watcher, so
/// without it the cost would grow with the square of their number.
const TAKE_INTERVAL: Duration = Duration::from_millis(20);

/// The watches of all cameras.
#[derive(Debug, Default)]
pub(super) struct Watched {
    cameras: Mutex<BTreeMap<CameraId, CameraWatch>>,
}

impl Watched {
    /// Changes the settings of a camera that is there; whether it is.
    pub(super) fn configure(&self, camera: CameraId, settings: &DiagnosisSettings, armed_hours: Option<&ArmedHours>) -> bool {
        self.with(camera, |watch| watch.configure(settings.clone(), armed_hours.cloned())).is_some()
    }

    /// Adds a camera.
    pub(super) fn add(&self, camera: CameraId, settings: DiagnosisSettings, armed_hours: Option<ArmedHours>, kept: Option<Remembered>) {
        self.cameras().insert(camera, CameraWatch::new(settings, armed_hours, kept));
    }

    /// Takes a camera away; what was learned of it.
    pub(super) fn remove(&self, camera: CameraId) -> Option<Remembered> {
        self.cameras().remove(&camera).map(|watch| watch.remembered().clone())
    }

    /// Does something with a camera's watch, if it is there.
    pub(super) fn with<T>(&self, camera: CameraId, act: impl FnOnce(&mut CameraWatch) -> T) -> Option<T> {
        self.cameras().get_mut(&camera).map(act)
    }

    fn all_remembered(&self) -> Vec<(CameraId, Remembered)> {
        self.cameras().iter().map(|(camera, watch)| (*camera, watch.remembered().clone())).collect()
    }

    fn cameras(&self) -> MutexGuard<'_, BTreeMap<CameraId, CameraWatch>> {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the program stops; keeps what was learned then.
pub(super) async fn run(shared: Arc<Shared>) {
    let soft = shared.supervisor.soft();
    let mut keep_at = Instant::now() + KEEP_INTERVAL;
    let mut take_at = Instant::now();
    loop {
        let taking = async {
            tokio::time::sleep_until(take_at.into()).await;
            shared.feed.take().await
        };
        tokio::select! {
            batches = taking => {
                take_at = Instant::now() + TAKE_INTERVAL;
                batches.into_iter().for_each(|batch| shared.note(batch));
            }
            () = tokio::time::sleep_until(keep_at.into()) => {
                keep_at = Instant::now() + KEEP_INTERVAL;
                shared.save_all().await;
            }
            () = soft.cancelled() => break,
        }
    }
    shared.save_all().await;
}

impl Shared {
    fn note(&self, batch: FeedBatch) {
        let at = now(self.clock.as_ref());
        let wanted = self.watched.with(batch.camera, |watch| {
            if batch.discontinuity {
                watch.restarted(at.mono_ms);
            }
            watch.note_sizes(&batch.sizes, at.mono_ms);
            batch.key_frame.as_ref().and_then(|_| watch.wants_look(at.mono_ms))
        });
        if let (Some(Some((urgency, because))), Some(key)) = (wanted, batch.key_frame)
            && !self.processes.is_empty()
        {
            let at = At { wall_ms: key.wall_ms, ..at };
            self.queue.look(LookJob { key, at, urgency, because, queued: Instant::now() });
        }
    }

    async fn save_all(&self) {
        for (camera, kept) in self.watched.all_remembered() {
            if kept != Remembered::default() {
                self.save(camera, kept).await;
            }
        }
    }
}

/// The present on both clocks.
fn now(clock: &dyn Clock) -> At {
    At { mono_ms: u64::try_from(clock.monotonic().as_millis()).unwrap_or(u64::MAX), wall_ms: clock.wall_ms() }
}
