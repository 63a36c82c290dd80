//! What is deleted, and when: by each camera's own age first, then by free space, the oldest first, held evidence never.
//!
//! Below the low watermark the oldest recordings of all cameras go. When held evidence leaves only the reserve, what is
//! not held becomes a ring in it: half of what is left is kept as recordings, half free for the next ones, and the
//! level says so. Recording itself never stops for want of space while anything may be deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::keeping::{Keeping, share_of};
use super::outbox::EventSink;
use super::space::{DiskSpace, Space};
use crate::clock::Clock;
use crate::event::{DiskLevel, MediaEvent};
use crate::segment::SegmentIndex;
use crate::segment::index::Deletable;
use crate::settings::EngineConfig;

/// Segments deleted before space is measured again.
const BATCH: usize = 32;
/// Batches in one pass; what is left goes in the next one.
const BATCHES_MAX: usize = 1_000;
/// Low stays low until this much more than the watermark is free, percent of the disk.
const HYSTERESIS_PERCENT: f64 = 1.0;
/// With less than this free and nothing to delete, the disk is full, bytes.
const FULL_BYTES: u64 = 16 * 1024 * 1024;

/// Keeps the recordings' disk in order.
#[derive(Debug)]
pub struct Retention {
    index: Arc<SegmentIndex>,
    disk: Arc<dyn DiskSpace>,
    clock: Arc<dyn Clock>,
    events: EventSink,
    keeping: Arc<Keeping>,
    low_percent: f64,
    reserve_percent: f64,
    interval: Duration,
    urgent: Arc<Notify>,
    level: Option<DiskLevel>,
}

impl Retention {
    /// Retention over everything in `index`. `urgent` asks for a pass at once.
    #[must_use]
    pub fn new(
        index: Arc<SegmentIndex>,
        disk: Arc<dyn DiskSpace>,
        clock: Arc<dyn Clock>,
        events: EventSink,
        config: &EngineConfig,
        keeping: Arc<Keeping>,
        urgent: Arc<Notify>,
    ) -> Self {
        Self {
            index,
            disk,
            clock,
            events,
            keeping,
            low_percent: config.disk_low_percent,
            reserve_percent: config.reserve_percent,
            interval: Duration::from_millis(config.retention_interval_ms),
            urgent,
            level: None,
        }
    }

    /// Passes at every interval and when asked, until `stop`.
    pub async fn run(mut self, supervisor: crate::supervise::Supervisor, stop: CancellationToken) {
        loop {
            let pass = supervisor.blocking("retention pass", move || {
                self.pass();
                self
            });
            // A pass that panicked has been logged and counted; without its state there is nothing to go on with.
            let Ok(after) = pass.await else { return };
            self = after;
            tokio::select! {
                () = self.clock.sleep(self.interval) => {}
                () = self.urgent.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One pass. Blocks on the disk.
    pub fn pass(&mut self) -> DiskLevel {
        self.delete_old();
        let level = match self.disk.space(self.index.recordings()) {
            Ok(space) => self.make_room(space),
            Err(error) => {
                tracing::error!(%error, "the free space of the recordings' disk is unknown");
                self.level.unwrap_or(DiskLevel::Ok)
            }
        };
        self.tell(level);
        level
    }

    fn delete_old(&self) {
        let now_ms = self.clock.wall_ms();
        for _ in 0..BATCHES_MAX {
            let old = self.index.expired(|camera| self.keeping.expires_before_ms(camera, now_ms), BATCH);
            if old.is_empty() || !self.delete(&old, "age") {
                return;
            }
        }
    }

    fn make_room(&self, space: Space) -> DiskLevel {
        let share = |percent: f64| share_of(space.total_bytes, percent);
        let low = share(self.low_percent);
        let low_until = match self.level {
            None | Some(DiskLevel::Ok) => low,
            Some(_) => low.saturating_add(share(HYSTERESIS_PERCENT)),
        };
        if space.free_bytes >= low_until {
            return DiskLevel::Ok;
        }
        let available = space.free_bytes.saturating_add(self.index.usage().deletable_bytes);
        let in_reserve = available <= self.keeping.reserve_bytes(space, self.reserve_percent);
        // In the reserve half is kept and half is free, so that the ring has somewhere to go.
        let wanted = low.min(available / 2);
        let reason = if in_reserve { "reserve" } else { "disk" };
        let free = self.delete_until(space.free_bytes, wanted, reason);
        if free < FULL_BYTES.min(share(1.0)) {
            DiskLevel::Full
        } else if in_reserve {
            DiskLevel::Reserve
        } else {
            DiskLevel::Low
        }
    }

    /// Deletes the oldest until `wanted` bytes are free; gives what is free then.
    fn delete_until(&self, mut free: u64, wanted: u64, reason: &'static str) -> u64 {
        for _ in 0..BATCHES_MAX {
            if free >= wanted {
                break;
            }
            let mut missing = wanted - free;
            let mut oldest = self.index.deletable(i64::MAX, BATCH);
            // No more of the batch than is needed by what the files say; space is measured again afterwards.
            oldest.retain(|deletable| {
                let needed = missing > 0;
                missing = missing.saturating_sub(deletable.segment.bytes);
                needed
            });
            if oldest.is_empty() || !self.delete(&oldest, reason) {
                break;
            }
            match self.disk.space(self.index.recordings()) {
                Ok(space) => free = space.free_bytes,
                Err(_) => break,
            }
        }
        free
    }

    /// Whether anything was deleted.
    fn delete(&self, segments: &[Deletable], reason: &'static str) -> bool {
        let mut any = false;
        for deletable in segments {
            match self.index.delete(deletable) {
                Ok(true) => {
                    any = true;
                    let Deletable { camera, segment } = deletable;
                    self.events.tell(MediaEvent::SegmentDeleted {
                        camera: *camera,
                        segment: segment.id,
                        start_ms: segment.start_ms,
                        end_ms: segment.end_ms,
                        reason,
                    });
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(path = deletable.segment.path, %error, "a recording cannot be deleted");
                }
            }
        }
        any
    }

    fn tell(&mut self, level: DiskLevel) {
        if self.level.replace(level) == Some(level) {
            return;
        }
        let Ok(Space { free_bytes, total_bytes }) = self.disk.space(self.index.recordings()) else { return };
        match level {
            DiskLevel::Ok => tracing::info!(free_bytes, "the recordings' disk has room"),
            DiskLevel::Low => tracing::warn!(free_bytes, "the recordings' disk is low: the oldest recordings go first"),
            DiskLevel::Reserve => tracing::error!(free_bytes, "only the reserve is left: recording runs as a ring in it"),
            DiskLevel::Full => tracing::error!(free_bytes, "the recordings' disk is full"),
        }
        self.events.tell(MediaEvent::Disk { free_bytes, total_bytes, level });
    }
}

/// What all holds together may keep: everything but the reserve.
#[must_use]
pub fn held_bytes_max(space: Space, reserve_bytes: u64) -> u64 {
    space.total_bytes.saturating_sub(reserve_bytes)
}
