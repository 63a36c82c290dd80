//! The way events leave: recording never waits for whoever listens.
//!
//! Events are told from camera tasks and muxer threads alike, so telling must not block. They queue here without loss up
//! to a limit, and one task hands them on through the bounded channel the server reads. Beyond the limit, events that
//! only refresh what an earlier one said go first; the server can always ask for the segments again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::event::{MediaEvent, Phase};

/// Beyond this many waiting events, refreshing ones are dropped.
const WAITING_SOFT_MAX: usize = 10_000;
/// Beyond this many, any is.
const WAITING_HARD_MAX: usize = 200_000;

/// Where events are told. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct EventSink {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<VecDeque<MediaEvent>>,
    told: Notify,
    dropped: AtomicU64,
}

impl EventSink {
    /// Tells an event; never waits.
    pub fn tell(&self, event: MediaEvent) {
        let mut waiting = self.waiting();
        let full = waiting.len() >= WAITING_HARD_MAX;
        if full || (waiting.len() >= WAITING_SOFT_MAX && is_refresh(&event)) {
            drop(waiting);
            if self.shared.dropped.fetch_add(1, Ordering::Relaxed).is_power_of_two() {
                tracing::error!("events are not taken fast enough and are lost");
            }
            return;
        }
        waiting.push_back(event);
        drop(waiting);
        self.shared.told.notify_one();
    }

    /// Events lost because nobody took them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Hands events on until the reader is gone, or until `stop` and all are handed on.
    pub(crate) async fn hand_on(&self, to: mpsc::Sender<MediaEvent>, stop: CancellationToken) {
        loop {
            let told = self.shared.told.notified();
            let next = self.waiting().pop_front();
            if let Some(event) = next {
                if to.send(event).await.is_err() {
                    return;
                }
                continue;
            }
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = told => {}
                () = stop.cancelled() => {}
                () = to.closed() => return,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<MediaEvent>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_refresh(event: &MediaEvent) -> bool {
    match event {
        MediaEvent::SegmentGrew { .. } | MediaEvent::Stream { .. } | MediaEvent::Disk { .. } => true,
        MediaEvent::Diagnosis { phase, .. } => *phase == Phase::Repeated,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::DiskLevel;

    fn disk(free_bytes: u64) -> MediaEvent {
        MediaEvent::Disk { folder: "/r".into(), free_bytes, total_bytes: 1, level: DiskLevel::Ok }
    }

    #[tokio::test]
    async fn a_reader_that_is_slow_loses_refreshments_only_and_the_rest_comes_in_order() {
        let sink = EventSink::default();
        let gap = |start_ms| MediaEvent::GapOpened { camera: uuid::Uuid::nil(), start_ms, reason: crate::camera::GapReason::Offline };
        for n in 0..WAITING_SOFT_MAX {
            sink.tell(gap(i64::try_from(n).expect("small")));
        }
        sink.tell(disk(1));
        sink.tell(gap(-1));
        assert_eq!(sink.dropped(), 1);
        let (to, mut from) = mpsc::channel(4);
        let stop = CancellationToken::new();
        stop.cancel();
        let reader = async {
            let mut all = Vec::new();
            while let Some(event) = from.recv().await {
                all.push(event);
            }
            all
        };
        let ((), all) = tokio::join!(sink.hand_on(to, stop), reader);
        assert_eq!(all.len(), WAITING_SOFT_MAX + 1);
        assert_eq!((all[0].clone(), all[WAITING_SOFT_MAX].clone()), (gap(0), gap(-1)));
    }
}
