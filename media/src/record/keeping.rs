//! How long each camera's recordings are kept, and how much room the next two hours need.
//!
//! The engine writes it when cameras are applied, retention reads it. Until the server has applied all its cameras, a
//! camera that is not known yet is left alone: its own days may be more than the default.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::space::Space;
use crate::camera::CameraId;

/// A day, milliseconds.
const DAY_MS: i64 = 86_400_000;
/// The reserve holds what all cameras send in this time, seconds.
const RESERVE_S: u64 = 2 * 3_600;
/// The reserve is never more than this share of the disk, percent: a disk that is too small still has to hold something.
const RESERVE_PERCENT_MAX: u64 = 50;

/// What is known of all cameras for keeping their recordings.
#[derive(Debug)]
pub struct Keeping {
    default_days: u32,
    days: Mutex<HashMap<CameraId, Option<u32>>>,
    /// Bits a second of all cameras together, as measured last.
    bit_rate: AtomicU64,
    all_known: AtomicBool,
}

impl Keeping {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(default_days: u32) -> Self {
        Self { default_days, days: Mutex::default(), bit_rate: AtomicU64::new(0), all_known: AtomicBool::new(false) }
    }

    /// A camera is there; `None` for the default.
    pub fn set(&self, camera: CameraId, days: Option<u32>) {
        self.days().insert(camera, days);
    }

    /// A camera was removed: what is left of it is kept for the default.
    pub fn forget(&self, camera: CameraId) {
        self.days().insert(camera, None);
    }

    /// Every camera there is has been told.
    pub fn all_known(&self) {
        self.all_known.store(true, Ordering::Release);
    }

    /// Recordings of `camera` that end before this moment are too old; `None` while nothing is known of it.
    #[must_use]
    pub fn expires_before_ms(&self, camera: CameraId, now_ms: i64) -> Option<i64> {
        let days = match self.days().get(&camera) {
            Some(days) => days.unwrap_or(self.default_days),
            None if self.all_known.load(Ordering::Acquire) => self.default_days,
            None => return None,
        };
        Some(now_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS)))
    }

    /// Days that recordings of `camera` are kept.
    #[must_use]
    pub fn days_of(&self, camera: CameraId) -> u32 {
        self.days().get(&camera).copied().flatten().unwrap_or(self.default_days)
    }

    /// What all cameras send now, bits a second.
    pub fn set_bit_rate(&self, bit_rate: u64) {
        self.bit_rate.store(bit_rate, Ordering::Relaxed);
    }

    /// What all cameras send now, bits a second.
    #[must_use]
    pub fn bit_rate(&self) -> u64 {
        self.bit_rate.load(Ordering::Relaxed)
    }

    /// The reserve of a disk that holds never use: a share of the disk, at least its part of two hours of all cameras. All
    /// disks together have `all_bytes`: each takes of the cameras as much as it has of those.
    #[must_use]
    pub fn reserve_bytes(&self, space: Space, percent: f64, all_bytes: u64) -> u64 {
        let two_hours = u128::from(self.bit_rate() / 8) * u128::from(RESERVE_S) * u128::from(space.total_bytes);
        let two_hours = u64::try_from(two_hours / u128::from(all_bytes.max(space.total_bytes).max(1))).unwrap_or(u64::MAX);
        share_of(space.total_bytes, percent).max(two_hours.min(space.total_bytes / 100 * RESERVE_PERCENT_MAX))
    }

    fn days(&self) -> MutexGuard<'_, HashMap<CameraId, Option<u32>>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a disk; the clamp keeps it in range and nobody misses the last bits"
)]
pub(crate) fn share_of(total_bytes: u64, percent: f64) -> u64 {
    (total_bytes as f64 * percent.clamp(0.0, 100.0) / 100.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn each_camera_has_its_own_days_and_nothing_unknown_is_old() {
        let keeping = Keeping::new(30);
        let (own, plain, unknown) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        keeping.set(own, Some(90));
        keeping.set(plain, None);
        let now_ms = 100 * DAY_MS;
        assert_eq!(keeping.expires_before_ms(own, now_ms), Some(10 * DAY_MS));
        assert_eq!(keeping.expires_before_ms(plain, now_ms), Some(70 * DAY_MS));
        assert_eq!(keeping.expires_before_ms(unknown, now_ms), None, "it may have days of its own");
        keeping.all_known();
        assert_eq!(keeping.expires_before_ms(unknown, now_ms), Some(70 * DAY_MS), "nobody's any more");
        keeping.forget(own);
        assert_eq!((keeping.expires_before_ms(own, now_ms), keeping.days_of(own)), (Some(70 * DAY_MS), 30));
    }

    #[test]
    fn the_reserve_is_a_share_or_two_hours_of_all_cameras() {
        let keeping = Keeping::new(30);
        let space = Space { free_bytes: 0, total_bytes: 1_000_000_000_000 };
        let all = space.total_bytes;
        assert_eq!(keeping.reserve_bytes(space, 5.0, all), 50_000_000_000);
        // 200 cameras of 2 Mbit/s: 50 MB/s, 360 GB in two hours.
        keeping.set_bit_rate(400_000_000);
        assert_eq!(keeping.reserve_bytes(space, 5.0, all), 360_000_000_000);
        assert_eq!(keeping.reserve_bytes(space, 5.0, 3 * all), 120_000_000_000, "a third of what three disks keep");
        keeping.set_bit_rate(4_000_000_000);
        assert_eq!(keeping.reserve_bytes(space, 5.0, all), 500_000_000_000, "half the disk at most");
    }
}
