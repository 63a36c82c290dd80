//! When an inspection was made, as far as clocks can be believed.
//!
//! The phone's clock is not trusted: it may be years off, and an inspection dated 2036 would be the newest of its premises for
//! ten years. What the satellites said beside it corrects it; what cannot be (after the server first heard of the inspection,
//! or longer before than a draft is kept) is not believed, and the moment of reception stands in its place.

/// A draft is kept this long: nothing that is sent now was begun earlier, ms.
pub const OLDEST_MS: i64 = 90 * 86_400_000;
/// Clocks that are this far apart agree, ms.
pub const AGREE_MS: i64 = 120_000;

/// What the phone's clock and the satellites' said at the same moment, ms UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fix {
    /// The phone's wall clock.
    pub device_ms: i64,
    /// The satellites'.
    pub gps_ms: i64,
}

/// When it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// ms UTC.
    pub at_ms: i64,
    /// How far the phone's clock was ahead of that, ms; `None` where the two agree.
    pub clock_off_ms: Option<i64>,
}

/// The moment of an inspection that the phone says began at `started_ms` and the server first heard of at `received_ms`.
pub fn happened(started_ms: i64, received_ms: i64, fixes: &[Fix]) -> Happened {
    let believable = |at_ms: i64| (received_ms - OLDEST_MS..=received_ms + AGREE_MS).contains(&at_ms).then(|| at_ms.min(received_ms));
    let corrected = middle(fixes).map(|off_ms| started_ms.saturating_sub(off_ms));
    let at_ms = corrected.and_then(believable).or_else(|| believable(started_ms)).unwrap_or(received_ms);
    let off_ms = started_ms.saturating_sub(at_ms);
    Happened { at_ms, clock_off_ms: (off_ms.saturating_abs() > AGREE_MS).then_some(off_ms) }
}

/// How far the phone was ahead in the middle of all fixes: a single wrong one does not count.
fn middle(fixes: &[Fix]) -> Option<i64> {
    let mut offs: Vec<i64> = fixes.iter().map(|fix| fix.device_ms.saturating_sub(fix.gps_ms)).collect();
    offs.sort_unstable();
    offs.get(offs.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    const NOW: i64 = 1_800_000_000_000;

    fn fix(off_ms: i64) -> Fix {
        Fix { device_ms: NOW + off_ms, gps_ms: NOW }
    }

    #[test]
    fn a_clock_that_is_right_is_taken_at_its_word() {
        for ago in [0, 60_000, DAY, 7 * DAY, 89 * DAY] {
            assert_eq!(happened(NOW - ago, NOW, &[]), Happened { at_ms: NOW - ago, clock_off_ms: None });
        }
        // A little ahead is how clocks are; nothing happens after it was heard of.
        assert_eq!(happened(NOW + 30_000, NOW, &[]), Happened { at_ms: NOW, clock_off_ms: None });
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        for off in [DAY, 10 * 365 * DAY, -91 * DAY, -50 * 365 * DAY, i64::MAX - NOW, i64::MIN] {
            let started = NOW.saturating_add(off);
            assert_eq!(happened(started, NOW, &[]), Happened { at_ms: NOW, clock_off_ms: Some(started.saturating_sub(NOW)) }, "{off}");
        }
    }

    #[test]
    fn the_satellites_correct_a_clock_within_the_believable() {
        let off = 3 * 365 * DAY;
        let began = NOW - 5 * DAY;
        let fixes = [fix(-40 * DAY), fix(off), fix(off + 900)];
        assert_eq!(happened(began + off, NOW, &fixes), Happened { at_ms: began, clock_off_ms: Some(off) });
        // A day behind without a fix cannot be told from a phone that was off line for a day.
        assert_eq!(happened(began - DAY, NOW, &[fix(-DAY)]), Happened { at_ms: began, clock_off_ms: Some(-DAY) });
        // Satellites that speak of another age (a week counter that ran over) are not believed either.
        assert_eq!(happened(began, NOW, &[fix(1_024 * 7 * DAY)]), Happened { at_ms: began, clock_off_ms: None });
    }
}
