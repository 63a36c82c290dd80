//! Reading in step: cameras are looked at together ten times a second, not each time one of them has sent something.
//!
//! Nearly all that recording costs is threads that wake (design: two thirds of it in the kernel). A camera sends 25 pictures
//! a second, two hundred of them wake a thread every fifth of a millisecond. The kernel keeps what comes meanwhile, and a tenth
//! of a second is a fifth of the shortest part that anything is written or shown in.
//!
//! They take turns in four groups, so that nobody waits for two hundred others; and a fragment that is complete but for the
//! frame behind its key frame, which the muxer wants to see, is looked for in the other groups' turns as well.

use std::sync::LazyLock;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use crate::camera::CameraId;
use crate::source::{Source, SourceError, SourceItem};

/// Between two looks at a source that keeps what comes meanwhile, milliseconds.
pub const PACE_MS: i64 = 100;
/// Groups of cameras that are looked at together.
const GROUPS: u32 = 4;
/// Between the looks of one group and the next.
const TURN: Duration = Duration::from_millis(PACE_MS.unsigned_abs() / GROUPS as u64);

/// All cameras count from here, so that one waking serves all of a group.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When a camera is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    group: u32,
}

impl Pace {
    /// That of a camera.
    #[must_use]
    pub fn of(camera: CameraId) -> Self {
        // Some bits of the id that differ from camera to camera, whatever made the ids.
        let (high, low) = camera.as_u64_pair();
        let mixed = (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        Self { group: u32::try_from(mixed).unwrap_or(0) % GROUPS }
    }

    /// The next item of a source, `soon` where something waits for it; dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn next_item(self, source: &mut dyn Source, soon: bool) -> Result<SourceItem, SourceError> {
        if !source.keeps_what_comes() {
            return source.next().await;
        }
        loop {
            // Asked without a waker: what comes later wakes nobody.
            if let Some(item) = source.next().now_or_never() {
                return item;
            }
            tokio::time::sleep_until(self.after(Instant::now(), soon)).await;
        }
    }

    /// The first moment after `now` at which the camera's group has its turn, or any group where it is to be soon.
    fn after(self, now: Instant, soon: bool) -> Instant {
        let began = *BEGAN;
        let passed = now.saturating_duration_since(began).as_nanos() / TURN.as_nanos();
        let turn = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
        let until_own = if soon { 0 } else { (self.group + GROUPS - turn % GROUPS) % GROUPS };
        began + TURN * turn.saturating_add(until_own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_group_looks_at_the_same_moments() {
        let pace = Pace { group: 1 };
        let at = |ms| *BEGAN + Duration::from_millis(ms);
        assert_eq!(pace.after(at(301), false), at(325));
        assert_eq!(pace.after(at(324), false), at(325));
        assert_eq!(pace.after(at(325), false), at(425), "a moment that has come is over");
        assert_eq!(pace.after(at(349), false), at(425));
        assert_eq!((0..GROUPS).map(|group| Pace { group }.after(at(400), false)).max(), Some(at(500)), "each within the pace");
    }

    #[test]
    fn who_is_in_a_hurry_takes_the_next_groups_turn() {
        let pace = Pace { group: 3 };
        let at = |ms| *BEGAN + Duration::from_millis(ms);
        assert_eq!(pace.after(at(301), true), at(325));
        assert_eq!(pace.after(at(325), true), at(350));
    }

    #[test]
    fn cameras_are_spread_over_the_groups() {
        let mut members = [0; GROUPS as usize];
        (0..200_u128).for_each(|n| members[Pace::of(Uuid::from_u128(n << 70 | 7)).group as usize] += 1);
        assert!(members.iter().all(|members| (30..70).contains(members)), "{members:?}");
    }
}
