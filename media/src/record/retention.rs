//! What is deleted, and when: by each camera's own age first, then by free space, the oldest first, held evidence never.
//!
//! Below the low watermark the oldest recordings of all cameras go. When held evidence leaves only the reserve, what is
//! not held becomes a ring in it: half of what is left is kept as recordings, half free for the next ones, and the
//! level says so. Recording itself never stops for want of space while anything may be deleted.
//!
//! Each disk has its own watermark, reserve and level. A pass begins with who is here: a disk that went away is told and left
//! alone; one that is back is looked through, mended and used again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::keeping::{Keeping, share_of};
use super::outbox::EventSink;
use super::space::Space;
use crate::clock::Clock;
use crate::event::{DiskLevel, MediaEvent};
use crate::segment::index::Deletable;
use crate::segment::{SegmentError, SegmentIndex, recover};
use crate::settings::EngineConfig;

/// Segments deleted before space is measured again.
const BATCH: usize = 32;
/// Batches in one pass; what is left goes in the next one.
const BATCHES_MAX: usize = 1_000;
/// Low stays low until this much more than the watermark is free, percent of the disk.
const HYSTERESIS_PERCENT: f64 = 1.0;
/// With less than this free and nothing to delete, the disk is full, bytes.
const FULL_BYTES: u64 = 16 * 1024 * 1024;

/// Keeps the disks for recordings in order.
#[derive(Debug)]
pub struct Retention {
    index: Arc<SegmentIndex>,
    clock: Arc<dyn Clock>,
    events: EventSink,
    keeping: Arc<Keeping>,
    low_percent: f64,
    reserve_percent: f64,
    interval: Duration,
    urgent: Arc<Notify>,
    /// Of each disk, as told last.
    levels: Vec<Option<DiskLevel>>,
}

impl Retention {
    /// Retention over everything in `index`. `urgent` asks for a pass at once.
    #[must_use]
    pub fn new(
        index: Arc<SegmentIndex>,
        clock: Arc<dyn Clock>,
        events: EventSink,
        config: &EngineConfig,
        keeping: Arc<Keeping>,
        urgent: Arc<Notify>,
    ) -> Self {
        let levels = vec![None; index.disks().len()];
        Self {
            index,
            clock,
            events,
            keeping,
            low_percent: config.disk_low_percent,
            reserve_percent: config.reserve_percent,
            interval: Duration::from_millis(config.retention_interval_ms),
            urgent,
            levels,
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

    /// One pass over all disks; gives the worst level of those that are here. Blocks on the disks.
    pub fn pass(&mut self) -> DiskLevel {
        self.index.disks().look();
        for disk in self.index.disks().returned() {
            self.take_back(disk);
        }
        self.delete_old();
        let mut worst = DiskLevel::Ok;
        for disk in 0..self.index.disks().len() {
            let before = self.levels.get(disk).copied().flatten();
            let level = if !self.index.disks().is_here(disk) {
                DiskLevel::Away
            } else {
                match self.index.disks().space(disk) {
                    Ok(space) => self.make_room(disk, space),
                    Err(error) => {
                        let folder = self.index.disks().folder(disk).display();
                        tracing::error!(%folder, %error, "the free space of a disk for recordings is unknown");
                        before.unwrap_or(DiskLevel::Ok)
                    }
                }
            };
            self.tell(disk, level);
            if level != DiskLevel::Away {
                worst = worse(worst, level);
            }
        }
        worst
    }

    /// A disk is there again: its files are looked through and mended as at a start, all but those that somebody still
    /// writes, and told where the disk was not there at the start.
    fn take_back(&self, disk: usize) {
        let index = &self.index;
        let is_written = |name: &crate::segment::path::SegmentName| {
            index.find(name.camera, name.start_ms, name.id).is_some_and(|known| index.is_open(name.camera, &known))
        };
        let folder = index.disks().folder(disk).display();
        let back = recover::scan_disk(index.disks(), disk, true, &is_written).and_then(|found| {
            let mended: Vec<_> = found.segments.iter().filter(|found| found.cut_bytes.is_some()).cloned().collect();
            index.back(disk, found.segments)?;
            Ok::<_, SegmentError>(mended)
        });
        match back {
            Ok(mended) => {
                tracing::info!(%folder, "a disk for recordings is back");
                for found in mended {
                    self.events.tell(MediaEvent::SegmentClosed { camera: found.camera, segment: found.segment });
                }
            }
            Err(error) => tracing::error!(%folder, %error, "a disk for recordings is back and cannot be read"),
        }
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

    fn make_room(&self, disk: usize, space: Space) -> DiskLevel {
        let share = |percent: f64| share_of(space.total_bytes, percent);
        let low = share(self.low_percent);
        let low_until = match self.levels.get(disk).copied().flatten() {
            None | Some(DiskLevel::Ok | DiskLevel::Away) => low,
            Some(_) => low.saturating_add(share(HYSTERESIS_PERCENT)),
        };
        if space.free_bytes >= low_until {
            return DiskLevel::Ok;
        }
        let available = space.free_bytes.saturating_add(self.index.usage_on(disk).deletable_bytes);
        let all_bytes = self.index.disks().space_of_all().total_bytes;
        let in_reserve = available <= self.keeping.reserve_bytes(space, self.reserve_percent, all_bytes);
        // In the reserve half is kept and half is free, so that the ring has somewhere to go.
        let wanted = low.min(available / 2);
        let reason = if in_reserve { "reserve" } else { "disk" };
        let free = self.delete_until(disk, space.free_bytes, wanted, reason);
        if free < FULL_BYTES.min(share(1.0)) {
            DiskLevel::Full
        } else if in_reserve {
            DiskLevel::Reserve
        } else {
            DiskLevel::Low
        }
    }

    /// Deletes the oldest of a disk until `wanted` bytes are free; gives what is free then.
    fn delete_until(&self, disk: usize, mut free: u64, wanted: u64, reason: &'static str) -> u64 {
        for _ in 0..BATCHES_MAX {
            if free >= wanted {
                break;
            }
            let mut missing = wanted - free;
            let mut oldest = self.index.deletable_on(disk, BATCH);
            // No more of the batch than is needed by what the files say; space is measured again afterwards.
            oldest.retain(|deletable| {
                let needed = missing > 0;
                missing = missing.saturating_sub(deletable.segment.bytes);
                needed
            });
            if oldest.is_empty() || !self.delete(&oldest, reason) {
                break;
            }
            match self.index.disks().space(disk) {
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

    fn tell(&mut self, disk: usize, level: DiskLevel) {
        if self.levels.get_mut(disk).is_none_or(|told| told.replace(level) == Some(level)) {
            return;
        }
        let space = self.index.disks().space(disk).ok().filter(|_| level != DiskLevel::Away);
        let Space { free_bytes, total_bytes } = space.unwrap_or(Space { free_bytes: 0, total_bytes: 0 });
        let folder = self.index.disks().folder(disk).to_owned();
        let path = folder.display();
        match level {
            DiskLevel::Ok => tracing::info!(%path, free_bytes, "the recordings' disk has room"),
            DiskLevel::Low => tracing::warn!(%path, free_bytes, "the recordings' disk is low: the oldest recordings go first"),
            DiskLevel::Reserve => tracing::error!(%path, free_bytes, "only the reserve is left: recording runs as a ring in it"),
            DiskLevel::Full => tracing::error!(%path, free_bytes, "the recordings' disk is full"),
            DiskLevel::Away => tracing::error!(%path, "a disk for recordings is away: what lies on it cannot be seen"),
        }
        self.events.tell(MediaEvent::Disk { folder, free_bytes, total_bytes, level });
    }
}

/// The worse of two levels.
fn worse(one: DiskLevel, other: DiskLevel) -> DiskLevel {
    let rank = |level| DiskLevel::ALL.iter().position(|of| *of == level);
    if rank(other) > rank(one) { other } else { one }
}

/// What all holds together may keep of a disk: everything but the reserve.
#[must_use]
pub fn held_bytes_max(space: Space, reserve_bytes: u64) -> u64 {
    space.total_bytes.saturating_sub(reserve_bytes)
}
