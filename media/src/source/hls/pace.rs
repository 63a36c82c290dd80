//! Pictures that come in bursts of seconds, given at the pace at which they were taken.

use std::time::Duration;

use crate::source::AccessUnit;

/// Later than this, the pace begins anew: the server was slow.
const LATE: Duration = Duration::from_millis(500);
/// Where one demuxer ends and the next begins, the step between pictures, nanoseconds, until one is known.
const STEP_NS: i64 = 40_000_000;
/// A picture that waits longer than this has a time of its own making.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// One line of time over all demuxers, and when on it each picture is due.
#[derive(Debug)]
pub(super) struct Pace {
    /// What the present demuxer's times are shifted by; unknown until its first picture.
    shift_ns: Option<i64>,
    last_ns: Option<i64>,
    step_ns: i64,
    lost: bool,
    /// A moment, and the picture's time that was due then.
    anchor: Option<(Duration, i64)>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { shift_ns: None, last_ns: None, step_ns: STEP_NS, lost: false, anchor: None }
    }

    /// A new demuxer begins.
    pub(super) fn begin(&mut self, lost: bool) {
        self.shift_ns = None;
        self.lost |= lost;
    }

    /// Puts a picture on the line.
    pub(super) fn place(&mut self, unit: &mut AccessUnit) {
        let shift_ns = *self.shift_ns.get_or_insert_with(|| self.last_ns.map_or(0, |last| last + self.step_ns) - unit.pts_ns);
        unit.pts_ns = unit.pts_ns.saturating_add(shift_ns);
        unit.lost |= u32::from(std::mem::take(&mut self.lost));
        let last_ns = self.last_ns.unwrap_or(unit.pts_ns);
        if unit.pts_ns > last_ns {
            self.step_ns = (unit.pts_ns - last_ns).min(1_000_000_000);
        }
        self.last_ns = Some(last_ns.max(unit.pts_ns));
    }

    /// How long until a picture of this time is due. With a full queue the pace is a little faster, so that a camera's
    /// fast clock never makes it fall back.
    pub(super) fn pause(&mut self, pts_ns: i64, now: Duration, full: bool) -> Duration {
        let (since, from_ns) = *self.anchor.get_or_insert((now, pts_ns));
        let step = Duration::from_nanos(u64::try_from(pts_ns - from_ns).unwrap_or(0));
        let due = since + if full { step.mul_f64(0.98) } else { step };
        if now > due + LATE || due > now + PAUSE_MAX {
            self.anchor = Some((now, pts_ns));
            return Duration::ZERO;
        }
        if due <= now {
            // From here on, so that a faster pace is one for this picture only.
            if full {
                self.anchor = Some((now, pts_ns));
            }
            return Duration::ZERO;
        }
        due - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const MS: i64 = 1_000_000;

    fn unit(pts_ns: i64) -> AccessUnit {
        AccessUnit { data: Bytes::new(), pts_ns, is_key: true, lost: 0, wall_ms: 0, monotonic: Duration::ZERO }
    }

    fn place(pace: &mut Pace, pts_ms: i64) -> (i64, u32) {
        let mut unit = unit(pts_ms * MS);
        pace.place(&mut unit);
        (unit.pts_ns / MS, unit.lost)
    }

    #[test]
    fn a_new_demuxer_goes_on_behind_the_last_picture() {
        let mut pace = Pace::new();
        pace.begin(false);
        assert_eq!([place(&mut pace, 5_000), place(&mut pace, 5_080)], [(0, 0), (80, 0)]);
        pace.begin(true);
        assert_eq!([place(&mut pace, 90), place(&mut pace, 130)], [(160, 1), (200, 0)]);
    }

    #[test]
    fn pictures_are_due_in_their_own_time_and_a_slow_server_begins_anew() {
        let (mut pace, at) = (Pace::new(), Duration::from_millis);
        assert_eq!(pace.pause(0, at(100), false), Duration::ZERO);
        assert_eq!(pace.pause(80 * MS, at(110), false), at(70));
        assert_eq!(pace.pause(80 * MS, at(180), false), Duration::ZERO);
        assert_eq!(pace.pause(160 * MS, at(5_000), false), Duration::ZERO, "late");
        assert_eq!(pace.pause(240 * MS, at(5_000), false), at(80), "counted from the late one");
        assert!(pace.pause(1_240 * MS, at(5_000), true) < at(1_080), "a little faster");
    }
}
