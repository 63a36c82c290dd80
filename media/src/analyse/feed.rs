//! The tap: what every access unit weighs, and the newest key frame of each camera.
//!
//! The recorder writes here and never waits: each camera has one slot that keeps a bounded run of frame sizes and
//! **one** key frame, the newest; what the analysis was too slow to take is overwritten and counted. So memory is
//! bounded by the number of cameras, and an analysis that comes back after a crash starts with fresh pictures.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::camera::{CameraId, Codec};

/// Sizes kept a camera while nobody takes them: 20 s at 25 frames a second.
const SIZES_KEPT_MAX: usize = 500;
/// The reader is woken for sizes alone only this often, milliseconds of the stream's arrival time.
const WAKE_INTERVAL_MS: i64 = 500;

/// What one access unit weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSize {
    /// Arrival, milliseconds UTC.
    pub wall_ms: i64,
    /// Size in bytes, without transport.
    pub bytes: u32,
    /// Whether it is a key frame.
    pub is_key: bool,
}

/// A picture that can be decoded by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFrame {
    /// Which camera.
    pub camera: CameraId,
    /// Codec of `data`.
    pub codec: Codec,
    /// Codec configuration: the body of an `avcC` or `hvcC` box (parameter sets).
    pub config: Bytes,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Arrival, milliseconds UTC.
    pub wall_ms: i64,
    /// The access unit as NAL units, each behind its length in four bytes, big-endian (AVCC/HVCC).
    pub data: Bytes,
}

/// What one camera brought since it was last taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedBatch {
    /// Which camera.
    pub camera: CameraId,
    /// The stream began anew (connection, codec, clock step): what was learned about sizes may not hold.
    pub discontinuity: bool,
    /// Sizes of all frames in order, the key frames among them.
    pub sizes: Vec<FrameSize>,
    /// The newest key frame, if one came.
    pub key_frame: Option<KeyFrame>,
}

#[derive(Debug, Default)]
struct Slot {
    discontinuity: bool,
    sizes: VecDeque<FrameSize>,
    key_frame: Option<KeyFrame>,
}

#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<BTreeMap<CameraId, Slot>>,
    arrived: Notify,
    sizes_dropped: AtomicU64,
    key_frames_replaced: AtomicU64,
}

/// Both ends of the tap; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct AnalysisFeed {
    shared: Arc<Shared>,
}

/// What the feed has had to let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLosses {
    /// Frame sizes that were overwritten before they were taken.
    pub sizes: u64,
    /// Key frames that a newer one replaced before they were taken.
    pub key_frames: u64,
}

impl AnalysisFeed {
    /// A tap without cameras.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The stream of `camera` begins anew.
    pub fn restarted(&self, camera: CameraId) {
        let mut slots = self.slots();
        let slot = slots.entry(camera).or_default();
        *slot = Slot { discontinuity: true, ..Slot::default() };
    }

    /// A frame that is not a key frame came.
    pub fn frame(&self, camera: CameraId, wall_ms: i64, bytes: u32) {
        self.add(camera, FrameSize { wall_ms, bytes, is_key: false }, None);
    }

    /// A key frame came.
    pub fn key_frame(&self, key_frame: KeyFrame) {
        let bytes = u32::try_from(key_frame.data.len()).unwrap_or(u32::MAX);
        let size = FrameSize { wall_ms: key_frame.wall_ms, bytes, is_key: true };
        self.add(key_frame.camera, size, Some(key_frame));
    }

    /// Forgets `camera`.
    pub fn remove(&self, camera: CameraId) {
        self.slots().remove(&camera);
    }

    /// Waits until there is something, then takes all of it.
    ///
    /// For one reader. Cancel-safe: what was not returned stays.
    pub async fn take(&self) -> Vec<FeedBatch> {
        loop {
            let arrived = self.shared.arrived.notified();
            let batches = self.take_now();
            if !batches.is_empty() {
                return batches;
            }
            arrived.await;
        }
    }

    /// Takes what is there, which may be nothing.
    #[must_use]
    pub fn take_now(&self) -> Vec<FeedBatch> {
        let mut slots = self.slots();
        slots
            .iter_mut()
            .filter(|(_, slot)| !slot.sizes.is_empty())
            .map(|(camera, slot)| FeedBatch {
                camera: *camera,
                discontinuity: std::mem::take(&mut slot.discontinuity),
                sizes: std::mem::take(&mut slot.sizes).into(),
                key_frame: slot.key_frame.take(),
            })
            .collect()
    }

    /// Cameras that brought something which was not taken yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.slots().values().filter(|slot| !slot.sizes.is_empty()).count()
    }

    /// What has been overwritten since the start.
    #[must_use]
    pub fn losses(&self) -> FeedLosses {
        FeedLosses {
            sizes: self.shared.sizes_dropped.load(Ordering::Relaxed),
            key_frames: self.shared.key_frames_replaced.load(Ordering::Relaxed),
        }
    }

    fn add(&self, camera: CameraId, size: FrameSize, key_frame: Option<KeyFrame>) {
        let mut slots = self.slots();
        let slot = slots.entry(camera).or_default();
        if slot.sizes.len() >= SIZES_KEPT_MAX {
            slot.sizes.pop_front();
            self.shared.sizes_dropped.fetch_add(1, Ordering::Relaxed);
        }
        slot.sizes.push_back(size);
        let oldest_ms = slot.sizes.front().map_or(size.wall_ms, |oldest| oldest.wall_ms);
        let wake = size.is_key || size.wall_ms - oldest_ms >= WAKE_INTERVAL_MS;
        if let Some(key_frame) = key_frame
            && slot.key_frame.replace(key_frame).is_some()
        {
            self.shared.key_frames_replaced.fetch_add(1, Ordering::Relaxed);
        }
        drop(slots);
        if wake {
            self.shared.arrived.notify_one();
        }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<CameraId, Slot>> {
        self.shared.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use uuid::Uuid;

    fn key(camera: CameraId, wall_ms: i64) -> KeyFrame {
        let data = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
        KeyFrame { camera, codec: Codec::H264, config: Bytes::new(), width: 16, height: 16, wall_ms, data }
    }

    #[test]
    fn a_slow_reader_costs_old_frames_and_never_the_writer() {
        let (feed, camera) = (AnalysisFeed::new(), Uuid::from_u128(1));
        feed.restarted(camera);
        for n in 0..2_000 {
            if n % 500 == 0 { feed.key_frame(key(camera, n)) } else { feed.frame(camera, n, 10) }
        }
        let [batch] = feed.take_now().try_into().expect("one camera");
        assert!(batch.discontinuity);
        assert_eq!(batch.sizes.len(), SIZES_KEPT_MAX);
        assert_eq!(batch.sizes[0].wall_ms, 1_500);
        assert_eq!(batch.key_frame.expect("the newest").wall_ms, 1_500);
        assert_eq!(feed.losses(), FeedLosses { sizes: 1_500, key_frames: 3 });
        assert!(feed.take_now().is_empty());
    }

    #[tokio::test]
    async fn the_reader_wakes_for_a_key_frame_and_for_half_a_second_of_sizes() {
        let (feed, camera) = (AnalysisFeed::new(), Uuid::from_u128(2));
        assert!(feed.take().now_or_never().is_none());
        feed.key_frame(key(camera, 0));
        assert_eq!(feed.take().await.len(), 1);
        let mut waiting = Box::pin(feed.take());
        assert!((&mut waiting).now_or_never().is_none());
        feed.frame(camera, 1_000, 10);
        assert!((&mut waiting).now_or_never().is_none());
        feed.frame(camera, 1_500, 10);
        assert_eq!(waiting.now_or_never().expect("woken")[0].sizes.len(), 2);
    }
}
