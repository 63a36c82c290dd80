//! One growing time line out of a stream's own times, and the wall clock watched against the monotonic one.
//!
//! RTP times wrap, jump when a camera sets its clock and start anywhere. The recorder needs a line that starts at zero
//! and only grows. A jump is bridged by the time that really passed between the two arrivals, and is told so that the
//! fragment is marked.

use std::time::Duration;

/// A step of the stream's time that differs from the time that passed by more than this is a jump, not jitter.
const JUMP_NS: i64 = 10_000_000_000;
/// Frames may be reordered by at most this; a step back beyond it is a jump.
const REORDER_NS: i64 = 2_000_000_000;

/// A frame's place on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Presentation time since the first frame, nanoseconds; the very first pictures of a reordered stream may lie before it.
    pub pts_ns: i64,
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
        Self { step_ms: i64::try_from(step_ms).unwrap_or(i64::MAX), offset_ns: 0, newest: None }
    }

    /// Places a frame with the stream's time `stream_ns` that arrived at `wall_ms` and `monotonic`.
    pub fn place(&mut self, stream_ns: i64, wall_ms: i64, monotonic: Duration) -> Placed {
        let Some(newest) = self.newest else {
            self.offset_ns = stream_ns;
            self.newest = Some(Newest { stream_ns, monotonic, wall_ms });
            return Placed { pts_ns: 0, jumped: false, stepped: false };
        };
        let passed = monotonic.saturating_sub(newest.monotonic);
        let passed_ns = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        let step_ns = stream_ns.saturating_sub(newest.stream_ns);
        let jumped = step_ns < -REORDER_NS || step_ns.saturating_sub(passed_ns) > JUMP_NS;
        if jumped {
            // Go on from the newest picture by the time that passed, at least a millisecond.
            self.offset_ns = self.offset_ns.saturating_add(step_ns.saturating_sub(passed_ns.max(1_000_000)));
        }
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let stepped = wall_ms.saturating_sub(newest.wall_ms).saturating_sub(passed_ms).saturating_abs() > self.step_ms;
        let stream_newest = if jumped { stream_ns } else { stream_ns.max(newest.stream_ns) };
        self.newest = Some(Newest { stream_ns: stream_newest, monotonic, wall_ms });
        Placed { pts_ns: stream_ns.saturating_sub(self.offset_ns), jumped, stepped }
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
        assert_eq!(place(90_001, 5), Placed { pts_ns: 5 * SECOND_NS, jumped: false, stepped: false });
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
