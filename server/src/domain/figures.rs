//! Figures of alerts by the field's formulas, and times as histograms of fixed buckets, which add up over any grouping.

use crate::domain::calendar::{self, Calendar};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Upper ends of the buckets, ms, each excluded; what is longer is in a last one that has no end.
pub const BUCKETS_MS: [i64; 16] = [
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    3 * DAY_MS,
    7 * DAY_MS,
    30 * DAY_MS,
];

/// How often a time fell into each bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram([i64; BUCKETS_MS.len() + 1]);

impl Histogram {
    /// One that was stored.
    pub fn of(counts: [i64; BUCKETS_MS.len() + 1]) -> Self {
        Self(counts)
    }

    /// How many times each bucket has.
    pub fn counts(&self) -> &[i64] {
        &self.0
    }

    /// Adds `count` times that lie in bucket `at`; one beyond the last is in the last.
    pub fn add(&mut self, at: usize, count: i64) {
        self.0[at.min(BUCKETS_MS.len())] += count;
    }

    /// Adds all times of another.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// How many times there are.
    pub fn count(&self) -> i64 {
        self.0.iter().sum()
    }

    /// The time that `share` (0 to 1) of all do not exceed, ms: evenly spread within its bucket, so good to the bucket's width.
    /// `None` where there are none.
    pub fn quantile(&self, share: f64) -> Option<i64> {
        let count = self.count();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place among counts")]
        let place = ((count as f64 * share).ceil() as i64).clamp(1, count.max(1));
        let mut before = 0;
        for (at, in_bucket) in self.0.iter().enumerate() {
            if before + in_bucket >= place {
                let from_ms = at.checked_sub(1).map_or(0, |before| BUCKETS_MS[before]);
                let to_ms = BUCKETS_MS.get(at).copied().unwrap_or(from_ms);
                return Some(from_ms + (to_ms - from_ms) * (place - before) / in_bucket);
            }
            before += in_bucket;
        }
        None
    }
}

/// What an alert counts as, in bits: its state and its verdict.
pub mod fate {
    #![expect(missing_docs, reason = "named as the counts of [`super::Outcomes`]")]
    pub const UNDECIDED: i64 = 1;
    pub const CLEARED: i64 = 2;
    pub const CONFIRMED: i64 = 4;
    pub const FALSE_ALARM: i64 = 8;
    pub const OTHER_DISMISSAL: i64 = 16;
    pub const DISPATCHED: i64 = 32;
    pub const RECTIFIED: i64 = 64;
    pub const ON_TIME: i64 = 128;
    pub const CLOSED: i64 = 256;
    pub const RECURRED: i64 = 512;
    /// The bucket of the time until a person's first act stands above the states, that within office hours above it.
    pub const WAITED: i64 = 1_024;
    pub const WORKING: i64 = 32_768;
    /// In place of a bucket: nobody has acted.
    pub const NOBODY: i64 = 31;
}

/// What became of a group of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Alerts.
    pub raised: i64,
    /// Nobody has decided yet.
    pub undecided: i64,
    /// Over by themselves before anybody acted.
    pub cleared: i64,
    /// By a person, or by a rule that a bureau switched on.
    pub confirmed: i64,
    /// Dismissed as such.
    pub false_alarms: i64,
    /// Duplicates, what is permitted, tests and other reasons.
    pub other_dismissals: i64,
    /// Sent to the premises.
    pub dispatched: i64,
    /// Of those, those whose answer stands.
    pub rectified: i64,
    /// Of those, within the deadline.
    pub on_time: i64,
    /// The answer was accepted.
    pub closed: i64,
    /// Of those, back within 30 days.
    pub recurred: i64,
    /// From being raised to a person's first act.
    pub waited: Histogram,
    /// The same within office hours.
    pub working: Histogram,
}

impl Outcomes {
    /// Adds `times` alerts of a fate; takes them away where that is below nothing.
    pub fn add(&mut self, fate: i64, times: i64) {
        let count = |bit: i64| if fate & bit == 0 { 0 } else { times };
        self.raised += times;
        self.undecided += count(fate::UNDECIDED);
        self.cleared += count(fate::CLEARED);
        self.confirmed += count(fate::CONFIRMED);
        self.false_alarms += count(fate::FALSE_ALARM);
        self.other_dismissals += count(fate::OTHER_DISMISSAL);
        self.dispatched += count(fate::DISPATCHED);
        self.rectified += count(fate::RECTIFIED);
        self.on_time += count(fate::ON_TIME);
        self.closed += count(fate::CLOSED);
        self.recurred += count(fate::RECURRED);
        for (histogram, unit) in [(&mut self.waited, fate::WAITED), (&mut self.working, fate::WORKING)] {
            let bucket = fate / unit % 32;
            if bucket != fate::NOBODY {
                histogram.add(usize::try_from(bucket).unwrap_or_default(), times);
            }
        }
    }

    /// Adds all alerts of another group.
    pub fn join(&mut self, other: &Self) {
        self.raised += other.raised;
        self.undecided += other.undecided;
        self.cleared += other.cleared;
        self.confirmed += other.confirmed;
        self.false_alarms += other.false_alarms;
        self.other_dismissals += other.other_dismissals;
        self.dispatched += other.dispatched;
        self.rectified += other.rectified;
        self.on_time += other.on_time;
        self.closed += other.closed;
        self.recurred += other.recurred;
        self.waited.join(&other.waited);
        self.working.join(&other.working);
    }
}

/// Office hours of the bureau, minutes of the day [ours]: what is raised in the evening is not answered late because of the night.
const OFFICE_HOURS: (i64, i64) = (8 * 60 + 30, 17 * 60 + 30);
/// Days that are looked through: nobody's first act is later and still a figure.
const DAYS_MAX: i64 = 400;

/// Time between two moments that lies within office hours of working days, ms.
pub fn working_ms(calendar: &Calendar, from_ms: i64, to_ms: i64) -> i64 {
    let (mut date, mut sum_ms) = (calendar::date_of(from_ms), 0);
    for _ in 0..DAYS_MAX {
        let midnight = calendar::start_of(date);
        if midnight >= to_ms {
            break;
        }
        if calendar.is_working_day(date) {
            let (opens, closes) = (midnight + OFFICE_HOURS.0 * MINUTE_MS, midnight + OFFICE_HOURS.1 * MINUTE_MS);
            sum_ms += (closes.min(to_ms) - opens.max(from_ms)).max(0);
        }
        date = calendar::date_of(calendar::end_of(date));
    }
    sum_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_lie_in_the_bucket_of_the_time_they_name() {
        let mut times = Histogram::default();
        assert_eq!(times.quantile(0.5), None);
        times.add(0, 4);
        times.add(6, 4);
        times.add(99, 2);
        assert_eq!(times.count(), 10);
        assert_eq!(times.quantile(0.1), Some(15_000), "the first of four within a minute");
        assert_eq!(times.quantile(0.5), Some(30 * MINUTE_MS + 30 * MINUTE_MS / 4));
        assert_eq!(times.quantile(0.8), Some(HOUR_MS));
        assert_eq!(times.quantile(0.95), Some(30 * DAY_MS), "longer than all buckets: at least that");
    }

    #[test]
    fn what_an_alert_counted_as_can_be_taken_away_again() {
        let first = fate::CONFIRMED | fate::DISPATCHED | (3 * fate::WAITED) | (fate::NOBODY * fate::WORKING);
        let then =
            fate::CONFIRMED | fate::DISPATCHED | fate::RECTIFIED | fate::ON_TIME | fate::CLOSED | (3 * fate::WAITED) | (2 * fate::WORKING);
        let (mut group, mut only_then) = (Outcomes::default(), Outcomes::default());
        for (fate, times) in [(first, 1), (then, 1), (first, -1)] {
            group.add(fate, times);
        }
        only_then.add(then, 1);
        assert_eq!(group, only_then);
        assert_eq!((group.raised, group.closed, group.undecided, group.waited.count(), group.working.counts()[2]), (1, 1, 0, 1, 1));
    }

    #[test]
    fn only_office_hours_of_working_days_count() {
        let calendar = Calendar::shipped();
        let at = |text: &str| {
            let local: jiff::civil::DateTime = text.parse().expect("a local time");
            local.in_tz("Asia/Shanghai").expect("a moment").timestamp().as_millisecond()
        };
        let hours = |from, to| working_ms(&calendar, at(from), at(to)) as f64 / HOUR_MS as f64;
        assert!((hours("2026-11-24T09:00", "2026-11-24T10:30") - 1.5).abs() < 1e-9, "within a morning");
        assert!((hours("2026-11-24T20:00", "2026-11-25T08:00")).abs() < 1e-9, "a night");
        assert!((hours("2026-11-27T17:00", "2026-11-30T09:00") - 1.0).abs() < 1e-9, "over a weekend");
        assert!((hours("2026-10-01T09:00", "2026-10-07T18:00")).abs() < 1e-9, "the national holiday");
        assert!((hours("2026-11-24T10:00", "2026-11-24T10:00")).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn histograms_never_lose_a_time(times in prop::collection::vec((0_usize..20, 0_i64..50), 0..40), share in 0.0_f64..=1.0) {
            let mut histogram = Histogram::default();
            times.iter().for_each(|(at, count)| histogram.add(*at, *count));
            prop_assert_eq!(histogram.count(), times.iter().map(|(_, count)| count).sum::<i64>());
            let found = histogram.quantile(share);
            prop_assert_eq!(found.is_some(), histogram.count() > 0);
            prop_assert!(found.is_none_or(|ms| ms <= 30 * DAY_MS));
        }

        #[test]
        fn working_time_is_never_longer_than_the_time(from in 1_780_000_000_000_i64..1_800_000_000_000, length in 0_i64..60 * DAY_MS) {
            let working = working_ms(&Calendar::shipped(), from, from + length);
            prop_assert!((0..=length).contains(&working));
        }
    }
}
