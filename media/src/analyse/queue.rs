//! Whose key frame is decoded next: fair, bounded, and never a reason to wait for the recorder.
//!
//! A camera has at most one look waiting, its newest key frame; so the queue is no longer than there are cameras. People
//! who wait for a picture go first and are few: beyond [`STILLS_MAX`] they are told to come again. Among looks the more
//! urgent goes first, but one that has waited [`PATIENCE`] goes before all: a camera that is always in suspicion cannot
//! starve the others.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::StillError;
use super::feed::KeyFrame;
use crate::camera::CameraId;
use crate::diagnosis::{At, LookReason, Urgency};

/// Stills that may wait.
pub(super) const STILLS_MAX: usize = 32;
/// A look that waited this long goes first.
const PATIENCE: Duration = Duration::from_secs(20);

/// A picture for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// The picture.
    pub jpeg: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// When its key frame came, milliseconds UTC.
    pub at_ms: i64,
}

/// A still that somebody waits for.
#[derive(Debug)]
pub(super) struct StillJob {
    pub(super) key: KeyFrame,
    pub(super) width_max: u32,
    pub(super) answer: oneshot::Sender<Result<Still, StillError>>,
}

/// A look for the diagnosis.
#[derive(Debug)]
pub(super) struct LookJob {
    pub(super) key: KeyFrame,
    pub(super) at: At,
    pub(super) urgency: Urgency,
    pub(super) because: LookReason,
    pub(super) queued: Instant,
}

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Job {
    Still(StillJob),
    Look(LookJob),
}

#[derive(Debug, Default)]
struct Waiting {
    stills: VecDeque<StillJob>,
    looks: VecDeque<LookJob>,
    replaced: u64,
}

/// The queue between the feed and the workers.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Queue {
    /// Adds a look; a look of the same camera that still waits gives way to it and keeps its place.
    pub(super) fn look(&self, mut job: LookJob) {
        let mut waiting = self.waiting();
        if let Some(known) = waiting.looks.iter_mut().find(|known| known.key.camera == job.key.camera) {
            if known.urgency < job.urgency {
                (job.urgency, job.because) = (known.urgency, known.because);
            }
            job.queued = known.queued;
            *known = job;
            waiting.replaced += 1;
        } else {
            waiting.looks.push_back(job);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Adds a still; gives it back when too many wait.
    pub(super) fn still(&self, job: StillJob) -> Result<(), StillJob> {
        let mut waiting = self.waiting();
        // Somebody who went away no longer counts.
        waiting.stills.retain(|job| !job.answer.is_closed());
        if waiting.stills.len() >= STILLS_MAX {
            return Err(job);
        }
        waiting.stills.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Forgets what waits for a camera.
    pub(super) fn forget(&self, camera: CameraId) {
        self.waiting().looks.retain(|job| job.key.camera != camera);
    }

    /// The next job; looks only from `looks_from` on.
    pub(super) async fn next(&self, looks_from: Instant) -> Job {
        loop {
            let arrived = self.arrived.notified();
            let now = Instant::now();
            if let Some(job) = self.take(now, now >= looks_from) {
                return job;
            }
            if now < looks_from && self.looks_waiting() > 0 {
                tokio::select! {
                    () = arrived => {}
                    () = tokio::time::sleep_until(looks_from.into()) => {}
                }
            } else {
                arrived.await;
            }
        }
    }

    /// Looks that wait.
    pub(super) fn looks_waiting(&self) -> usize {
        self.waiting().looks.len()
    }

    /// Looks that a newer key frame replaced before their turn.
    pub(super) fn replaced(&self) -> u64 {
        self.waiting().replaced
    }

    fn take(&self, now: Instant, with_looks: bool) -> Option<Job> {
        let mut waiting = self.waiting();
        if let Some(job) = waiting.stills.pop_front() {
            return Some(Job::Still(job));
        }
        if !with_looks {
            return None;
        }
        // Few hundred at most: a scan is cheaper than keeping an order that ages.
        let (index, _) = waiting.looks.iter().enumerate().min_by_key(|(_, job)| {
            let is_overdue = now.saturating_duration_since(job.queued) >= PATIENCE;
            (!is_overdue, job.urgency, job.queued)
        })?;
        waiting.looks.remove(index).map(Job::Look)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Codec;
    use bytes::Bytes;
    use uuid::Uuid;

    fn key(camera: u128, wall_ms: i64) -> KeyFrame {
        let camera = Uuid::from_u128(camera);
        KeyFrame { camera, codec: Codec::H264, config: Bytes::new(), width: 1, height: 1, wall_ms, data: Bytes::new() }
    }

    fn look(camera: u128, wall_ms: i64, urgency: Urgency, queued: Instant) -> LookJob {
        LookJob { key: key(camera, wall_ms), at: At { mono_ms: 0, wall_ms }, urgency, because: LookReason::Routine, queued }
    }

    fn taken(queue: &Queue, now: Instant) -> Vec<(u128, i64)> {
        std::iter::from_fn(|| queue.take(now, true))
            .map(|job| match job {
                Job::Look(job) => (job.key.camera.as_u128(), job.key.wall_ms),
                Job::Still(job) => (0, job.key.wall_ms),
            })
            .collect()
    }

    #[test]
    fn people_first_then_suspicion_then_routine_and_the_overdue_before_all_looks() {
        let (queue, now) = (Queue::default(), Instant::now());
        let long_ago = now.checked_sub(PATIENCE).expect("the machine runs longer than that");
        queue.look(look(1, 0, Urgency::Routine, now));
        queue.look(look(2, 0, Urgency::Deciding, now));
        queue.look(look(3, 0, Urgency::Routine, long_ago));
        let (answer, _kept) = oneshot::channel();
        queue.still(StillJob { key: key(9, 7), width_max: 1, answer }).expect("room");
        assert_eq!(taken(&queue, now), [(0, 7), (3, 0), (2, 0), (1, 0)]);
    }

    #[test]
    fn a_camera_waits_once_with_its_newest_key_frame_and_keeps_its_place() {
        let (queue, now) = (Queue::default(), Instant::now());
        queue.look(look(1, 10, Urgency::Routine, now));
        queue.look(look(2, 10, Urgency::Routine, now + Duration::from_millis(1)));
        queue.look(look(1, 20, Urgency::Routine, now + Duration::from_millis(2)));
        assert_eq!(queue.replaced(), 1);
        assert_eq!(taken(&queue, now), [(1, 20), (2, 10)]);
    }

    #[test]
    fn too_many_stills_are_refused_and_those_nobody_waits_for_do_not_count() {
        let queue = Queue::default();
        let mut waiting = Vec::new();
        for n in 0..STILLS_MAX {
            let (answer, receiver) = oneshot::channel();
            queue.still(StillJob { key: key(1, i64::try_from(n).expect("small")), width_max: 1, answer }).expect("room");
            waiting.push(receiver);
        }
        let (answer, _kept) = oneshot::channel();
        let refused = queue.still(StillJob { key: key(1, 99), width_max: 1, answer }).expect_err("full");
        waiting.pop();
        queue.still(refused).expect("one went away");
    }

    #[tokio::test]
    async fn looks_wait_for_the_budget_and_stills_do_not() {
        let queue = Queue::default();
        let later = Instant::now() + Duration::from_millis(50);
        queue.look(look(1, 1, Urgency::Deciding, Instant::now()));
        let (answer, _kept) = oneshot::channel();
        queue.still(StillJob { key: key(2, 2), width_max: 1, answer }).expect("room");
        assert!(matches!(queue.next(later).await, Job::Still(_)));
        assert!(matches!(queue.next(later).await, Job::Look(_)));
        assert!(Instant::now() >= later);
    }
}
