//! One growing time line out of a stream's own times, and the wall clock watched against the monotonic one.
//!
//! RTP times wrap, jump when a camera sets its clock and start anywhere. The recorder needs a line that starts at zero
//! and only grows. A jump is bridged by the time that really passed between the two arrivals, and is told so that the
//! fragment is marked.
//!
//! Arrivals jitter, and pictures that are read in step are found up to 0.3 s late. The stream's own times do
//! not: a picture came when the least late of its neighbours says it did.

use std::time::Duration;

use super::pace::PACE_MS;

/// A step of the stream's time that differs from the time that passed by more than this is a jump, not jitter.
const JUMP_NS: i64 = 10_000_000_000;
/// Frames may be reordered by at most this; a step back beyond it is a jump.
const REORDER_NS: i64 = 2_000_000_000;
/// A jump between two arrivals that lie this close is bridged by the usual step: how far apart they were read says nothing.
const READ_TOGETHER_NS: i64 = (PACE_MS + 100) * 1_000_000;
/// The least lateness is looked for in this much time, and in as much before it.
const WINDOW_NS: i64 = 5_000_000_000;
/// A picture that seems later than this is not late: the stream stood still meanwhile.
const LATE_MAX_NS: i64 = 2_000_000_000;

/// A frame's place on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Presentation time since the first frame, nanoseconds; the very first pictures of a reordered stream may lie before it.
    pub pts_ns: i64,
    /// How much later than its least late neighbours it was found, milliseconds; what its times of arrival are to be reduced by.
    pub late_ms: i64,
    /// The stream's time jumped just before.
    pub jumped: bool,
    /// The wall clock was stepped just before.
    pub stepped: bool,
}

/// Follows one stream.
#[derive(Debug)]
pub struct StreamClock {
    step_ms: i64,
    offset_ns: i64,
    newest: Option<Newest>,
    usual_step_ns: i64,
    lateness: Lateness,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    stream_ns: i64,
    monotonic: Duration,
    wall_ms: i64,
}

impl StreamClock {
    /// A wall clock that moves against the monotonic one by more than `step_ms` between two frames was stepped.
    #[must_use]
    pub fn new(step_ms: u64) -> Self {
        Self {
            step_ms: i64::try_from(step_ms).unwrap_or(i64::MAX),
            offset_ns: 0,
            newest: None,
            usual_step_ns: 1_000_000,
            lateness: Lateness::default(),
        }
    }

    /// Places a frame with the stream's time `stream_ns` that arrived at `wall_ms` and `monotonic`.
    pub fn place(&mut self, stream_ns: i64, wall_ms: i64, monotonic: Duration) -> Placed {
        let Some(newest) = self.newest else {
            self.offset_ns = stream_ns;
            self.newest = Some(Newest { stream_ns, monotonic, wall_ms });
            self.lateness.of(0, monotonic);
            return Placed { pts_ns: 0, late_ms: 0, jumped: false, stepped: false };
        };
        let passed = monotonic.saturating_sub(newest.monotonic);
        let passed_ns = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        let step_ns = stream_ns.saturating_sub(newest.stream_ns);
        let jumped = step_ns < -REORDER_NS || step_ns.saturating_sub(passed_ns) > JUMP_NS;
        if jumped {
            // Go on from the newest picture by the time that passed.
            let bridge_ns = if passed_ns < READ_TOGETHER_NS { self.usual_step_ns } else { passed_ns };
            self.offset_ns = self.offset_ns.saturating_add(step_ns.saturating_sub(bridge_ns));
        } else if step_ns > 0 {
            self.usual_step_ns = step_ns;
        }
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let stepped = wall_ms.saturating_sub(newest.wall_ms).saturating_sub(passed_ms).saturating_abs() > self.step_ms;
        let stream_newest = if jumped { stream_ns } else { stream_ns.max(newest.stream_ns) };
        self.newest = Some(Newest { stream_ns: stream_newest, monotonic, wall_ms });
        let pts_ns = stream_ns.saturating_sub(self.offset_ns);
        Placed { pts_ns, late_ms: self.lateness.of(pts_ns, monotonic) / 1_000_000, jumped, stepped }
    }
}

/// The least of what arrival and line differ by, of this window and the one before.
#[derive(Debug, Default)]
struct Lateness {
    before_ns: Option<i64>,
    least_ns: Option<i64>,
    window_began_ns: i64,
}

impl Lateness {
    /// How late a picture at `pts_ns` of the line came, nanoseconds, never negative.
    fn of(&mut self, pts_ns: i64, monotonic: Duration) -> i64 {
        let arrived_ns = i64::try_from(monotonic.as_nanos()).unwrap_or(i64::MAX);
        let behind_ns = arrived_ns.saturating_sub(pts_ns);
        if arrived_ns.saturating_sub(self.window_began_ns) > WINDOW_NS {
            *self = Self { before_ns: self.least_ns, least_ns: None, window_began_ns: arrived_ns };
        }
        let least_ns = self.least_ns.map_or(behind_ns, |least_ns| least_ns.min(behind_ns));
        let late_ns = behind_ns.saturating_sub(self.before_ns.map_or(least_ns, |before_ns| before_ns.min(least_ns)));
        if late_ns > LATE_MAX_NS {
            *self = Self { before_ns: None, least_ns: Some(behind_ns), window_began_ns: arrived_ns };
            return 0;
        }
        self.least_ns = Some(least_ns);
        late_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: i64 = 1_000_000_000;

    #[test]
    fn the_line_starts_at_zero_and_goes_on_over_a_jump_by_the_time_that_passed() {
        let mut clock = StreamClock::new(2_000);
        let mut place = |stream_s: i64, at_s: u64| {
            clock.place(stream_s * SECOND_NS, i64::try_from(at_s).expect("small") * 1_000, Duration::from_secs(at_s))
        };
        assert_eq!(place(5_000, 0).pts_ns, 0);
        assert_eq!(place(5_001, 1).pts_ns, SECOND_NS);
        let back = place(7, 3);
        assert_eq!((back.pts_ns, back.jumped, back.stepped), (3 * SECOND_NS, true, false));
        let ahead = place(90_000, 4);
        assert_eq!((ahead.pts_ns, ahead.jumped), (4 * SECOND_NS, true));
        assert_eq!(place(90_001, 5), Placed { pts_ns: 5 * SECOND_NS, late_ms: 0, jumped: false, stepped: false });
    }

    #[test]
    fn a_jump_between_pictures_that_were_read_together_is_bridged_by_the_usual_step() {
        let mut clock = StreamClock::new(2_000);
        let mut place = |stream_ms: i64, at_ms: u64| {
            clock.place(stream_ms * 1_000_000, i64::try_from(at_ms).expect("small"), Duration::from_millis(at_ms)).pts_ns / 1_000_000
        };
        assert_eq!([place(0, 0), place(40, 100), place(80, 100), place(3_600_000, 100), place(3_600_040, 200)], [0, 40, 80, 120, 160]);
    }

    #[test]
    fn what_is_read_in_step_came_when_the_least_late_says() {
        let mut clock = StreamClock::new(2_000);
        let mut late = |stream_ms: i64, at_ms: u64| {
            clock.place(stream_ms * 1_000_000, i64::try_from(at_ms).expect("small"), Duration::from_millis(at_ms)).late_ms
        };
        assert_eq!([late(0, 100), late(40, 100), late(80, 100), late(120, 200)], [0, 0, 0, 60]);
        assert_eq!((0..300).map(|n| late(160 + n * 40, 300 + n.unsigned_abs() * 40)).max(), Some(120), "evenly late, then forgotten");
        assert_eq!(late(12_160, 12_300), 0, "a camera whose clock is slow is followed");
        assert_eq!(late(12_200, 20_000), 0, "one that stood still was not late");
        assert_eq!(late(12_240, 20_040), 0);
    }

    #[test]
    fn a_late_burst_is_no_jump_and_a_set_wall_clock_is_a_step() {
        let mut clock = StreamClock::new(2_000);
        clock.place(0, 1_000, Duration::ZERO);
        let late = clock.place(SECOND_NS, 9_000, Duration::from_secs(8));
        assert_eq!((late.jumped, late.stepped), (false, false));
        let set_back = clock.place(2 * SECOND_NS, 9_000 - 3_600_000, Duration::from_secs(8));
        assert!(set_back.stepped && !set_back.jumped);
        let after = clock.place(3 * SECOND_NS, 9_000 - 3_600_000 + 1_000, Duration::from_secs(9));
        assert!(!after.stepped);
    }
}
