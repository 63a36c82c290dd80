//! When a camera is looked at: as its next chunk should be whole, and once between, not each time it has sent something.
//!
//! Nearly all that recording costs is threads that wake (design: two thirds of it in the kernel). A camera sends 25 pictures
//! a second, two hundred of them wake a thread every fifth of a millisecond. The kernel keeps what comes meanwhile, and nothing
//! is written or shown before a chunk of half a second is whole.
//!
//! Cameras keep time, so the moment of a chunk is known beforehand. It is rounded up to a turn that all cameras share
//! (`source/reactor.rs`), so that one waking serves those that are due together; what is not there yet is looked for again at each turn, for a while. A
//! camera whose rhythm is not known is looked at in the turns of its group: nobody waits for two hundred others.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use crate::camera::CameraId;
use crate::source::reactor::{BEGAN, TURN};
use crate::source::{Source, SourceError, SourceItem};

/// The longest between two looks at a source that keeps what comes meanwhile, milliseconds.
pub const PACE_MS: i64 = 300;
const PACE: Duration = Duration::from_millis(PACE_MS.unsigned_abs());
/// Groups of cameras without a rhythm that are looked at together.
const GROUPS: u32 = 12;
const _: () = assert!(TURN.as_millis() * GROUPS as u128 == PACE.as_millis(), "each group has a turn within the pace");

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

    /// The next item of a source. `due` says in how many nanoseconds something becomes whole, negative where it is late; dropping
    /// the future loses nothing.
    ///
    /// # Errors
    /// Those of the source.
    pub async fn next_item(self, source: &mut dyn Source, due: impl Fn() -> Option<i64>) -> Result<SourceItem, SourceError> {
        if !source.keeps_what_comes() {
            return source.next().await;
        }
        loop {
            // Asked without a waker: what comes later wakes nobody.
            if let Some(item) = source.next().now_or_never() {
                return item;
            }
            tokio::time::sleep_until(self.after(Instant::now(), due())).await;
        }
    }

    /// The first turn after `now` at which to look.
    fn after(self, now: Instant, due_ns: Option<i64>) -> Instant {
        let began = Instant::from_std(*BEGAN);
        let passed = now.saturating_duration_since(began);
        let next = turns(passed).saturating_add(1);
        let turn = match due_ns {
            Some(due_ns) if due_ns > -PACE_MS * 1_000_000 => {
                let wait = Duration::from_nanos(u64::try_from(due_ns).unwrap_or(0));
                // In equal steps, none longer than the pace.
                let steps = u32::try_from(wait.as_nanos().div_ceil(PACE.as_nanos())).unwrap_or(u32::MAX).max(1);
                next.max(turns(passed + wait / steps + TURN - Duration::from_nanos(1)))
            }
            _ => next.saturating_add((self.group + GROUPS - next % GROUPS) % GROUPS),
        };
        began + TURN * turn
    }
}

/// Turns that are over after this time.
fn turns(passed: Duration) -> u32 {
    u32::try_from(passed.as_nanos() / TURN.as_nanos()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(ms: u64) -> Instant {
        Instant::from_std(*BEGAN) + Duration::from_millis(ms)
    }

    fn due(ms: i64) -> Option<i64> {
        Some(ms * 1_000_000)
    }

    #[test]
    fn without_a_rhythm_a_group_looks_at_the_same_moments() {
        let pace = Pace { group: 1 };
        assert_eq!(pace.after(at(601), None), at(625));
        assert_eq!(pace.after(at(624), None), at(625));
        assert_eq!(pace.after(at(625), None), at(925), "a moment that has come is over");
        assert_eq!(pace.after(at(649), None), at(925));
        assert_eq!((0..GROUPS).map(|group| Pace { group }.after(at(600), None)).max(), Some(at(900)), "each within the pace");
    }

    #[test]
    fn what_is_due_is_looked_for_at_the_turn_that_follows() {
        let pace = Pace { group: 3 };
        assert_eq!(pace.after(at(601), due(130)), at(750));
        assert_eq!(pace.after(at(600), due(150)), at(750), "not a turn later than it is due");
        assert_eq!(pace.after(at(600), due(300)), at(900));
        assert_eq!(pace.after(at(600), due(520)), at(875), "once between");
        assert_eq!(pace.after(at(600), due(0)), at(625));
        assert_eq!(pace.after(at(600), due(-200)), at(625), "what is late may come at any moment");
        assert_eq!(pace.after(at(600), due(-300)), at(675), "but not for ever: its group's turn");
    }

    #[test]
    fn cameras_are_spread_over_the_groups() {
        let mut members = [0; GROUPS as usize];
        (0..200_u128).for_each(|n| members[Pace::of(Uuid::from_u128(n << 70 | 7)).group as usize] += 1);
        assert!(members.iter().all(|members| (8..30).contains(members)), "{members:?}");
    }
}
