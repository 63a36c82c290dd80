//! Named clocks: how long work may take, in which unit, and how late it is.
//!
//! Several clocks may run at once. Each reminds at half-time and at its end; late by its end is yellow, late again by as
//! much is red, and once more is 督办 (supervised). The level stands beside the state and never moves it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar::{self, Calendar, Due};
use crate::domain::premises::{ServiceHours, coded};

/// Days ahead that a deadline may lie.
pub const DEADLINE_DAYS_MAX: i64 = 90;
const MINUTE_MS: i64 = 60_000;

coded! {
    /// What a clock counts.
    Unit {
        /// every minute
        Minutes = "minutes",
        /// minutes within the service hours of the premises
        ServiceHours = "service_hours",
        /// days; the first is not counted, an end on a day of rest moves on
        CalendarDays = "calendar_days",
        /// working days; the first is not counted
        WorkingDays = "working_days",
        /// a moment that a person named
        Until = "until",
    }
}

/// How late work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Lateness)]
pub enum Level {
    /// In time.
    None,
    /// 黄牌: past its deadline.
    Yellow,
    /// 红牌: past it by as much again; on the district's list.
    Red,
    /// 督办: past it by as much once more.
    Supervised,
}

impl Level {
    /// All of them, the least late first.
    pub const ALL: &'static [Self] = &[Self::None, Self::Yellow, Self::Red, Self::Supervised];

    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Supervised => "supervised",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|level| level.as_str() == text).ok_or(())
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What is counted.
    pub unit: Unit,
    /// How many: minutes for `minutes` and `service_hours`, days for the units of days.
    pub amount: i64,
}

/// What a clock's counting depends on.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Working days.
    pub calendar: &'a Calendar,
    /// Hours of the premises.
    pub hours: &'a [ServiceHours],
}

impl Limit {
    /// When it is over.
    pub fn due(self, start_ms: i64, context: Context<'_>) -> Due {
        let exactly = |at_ms| Due { at_ms, assumed: false };
        match self.unit {
            Unit::Minutes | Unit::Until => exactly(start_ms.saturating_add(self.amount.saturating_mul(MINUTE_MS))),
            Unit::ServiceHours => exactly(calendar::after_service_minutes(start_ms, self.amount, context.hours)),
            Unit::CalendarDays => context.calendar.after_calendar_days(start_ms, self.amount),
            Unit::WorkingDays => context.calendar.after_working_days(start_ms, self.amount),
        }
    }
}

/// What a clock has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Half of the time is over.
    HalfTime,
    /// It became late by this level.
    Late(Level),
}

/// One clock of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// answer | rectify | ...
    pub name: String,
    /// What it counts; 0 minutes where a person set the moment.
    pub limit: Limit,
    /// ms UTC
    pub started_ms: i64,
    /// ms UTC
    pub due_ms: i64,
    /// ms UTC; it stands still.
    pub paused_ms: Option<i64>,
    /// ms UTC; it is over.
    pub stopped_ms: Option<i64>,
    /// ms UTC, reminded at half-time.
    pub half_ms: Option<i64>,
    /// ms UTC, became late.
    pub yellow_ms: Option<i64>,
    /// ms UTC, late again by as much.
    pub red_ms: Option<i64>,
}

impl Clock {
    /// Starts to count.
    pub fn start(name: &str, limit: Limit, now_ms: i64, context: Context<'_>) -> Self {
        Self::new(name, limit, now_ms, limit.due(now_ms, context).at_ms)
    }

    /// Starts and runs until a moment that a person named.
    pub fn until(name: &str, now_ms: i64, due_ms: i64) -> Self {
        Self::new(name, Limit { unit: Unit::Until, amount: 0 }, now_ms, due_ms)
    }

    fn new(name: &str, limit: Limit, started_ms: i64, due_ms: i64) -> Self {
        Self {
            name: name.to_owned(),
            limit,
            started_ms,
            due_ms,
            paused_ms: None,
            stopped_ms: None,
            half_ms: None,
            yellow_ms: None,
            red_ms: None,
        }
    }

    /// Whether it counts now.
    pub fn runs(&self) -> bool {
        self.stopped_ms.is_none() && self.paused_ms.is_none()
    }

    /// Stands still from now on.
    pub fn pause(&mut self, now_ms: i64) {
        if self.runs() {
            self.paused_ms = Some(now_ms);
        }
    }

    /// Goes on; the time it stood still is left out.
    pub fn resume(&mut self, now_ms: i64) {
        if let Some(paused_ms) = self.paused_ms.take() {
            self.due_ms = self.due_ms.saturating_add((now_ms - paused_ms).max(0));
        }
    }

    /// Ends.
    pub fn stop(&mut self, now_ms: i64) {
        self.paused_ms = None;
        self.stopped_ms.get_or_insert(now_ms);
    }

    /// Goes on after it had ended: what ended it was taken back. The time since is left out.
    pub fn reopen(&mut self, now_ms: i64) {
        if let Some(stopped_ms) = self.stopped_ms.take() {
            self.due_ms = self.due_ms.saturating_add((now_ms - stopped_ms).max(0));
        }
    }

    /// Runs until a later or earlier moment instead; what it has said already is said anew when that passes.
    pub fn extend(&mut self, due_ms: i64) {
        self.paused_ms = None;
        self.due_ms = due_ms;
        (self.half_ms, self.yellow_ms, self.red_ms) = (None, None, None);
    }

    /// Half of its time, ms UTC.
    pub fn half_time_ms(&self) -> i64 {
        self.started_ms + (self.due_ms - self.started_ms).max(0) / 2
    }

    /// When it is late by `level`, ms UTC. "As much again" is counted in the clock's own unit, after its end.
    pub fn late_at_ms(&self, level: Level, context: Context<'_>) -> i64 {
        let again = |after_ms: i64| match self.limit.unit {
            Unit::Until => after_ms.saturating_add((self.due_ms - self.started_ms).max(MINUTE_MS)),
            _ => self.limit.due(after_ms, context).at_ms.max(after_ms.saturating_add(MINUTE_MS)),
        };
        match level {
            Level::None => self.started_ms,
            Level::Yellow => self.due_ms,
            Level::Red => again(self.due_ms),
            Level::Supervised => again(again(self.due_ms)),
        }
    }

    /// How late it is.
    pub fn level(&self, now_ms: i64, context: Context<'_>) -> Level {
        if !self.runs() {
            return if self.red_ms.is_some() {
                Level::Red
            } else if self.yellow_ms.is_some() {
                Level::Yellow
            } else {
                Level::None
            };
        }
        let late = Level::ALL.iter().copied().filter(|level| *level != Level::None && self.late_at_ms(*level, context) <= now_ms);
        late.max().unwrap_or(Level::None)
    }

    /// What it has to say at `now_ms` and has not said; said once each. Half-time is not told once it is late.
    pub fn signals(&mut self, now_ms: i64, known: Level, context: Context<'_>) -> Vec<Signal> {
        if !self.runs() {
            return Vec::new();
        }
        let level = self.level(now_ms, context);
        let mut signals = Vec::new();
        if self.half_ms.is_none() && now_ms >= self.half_time_ms() {
            self.half_ms = Some(now_ms);
            if level == Level::None {
                signals.push(Signal::HalfTime);
            }
        }
        if level >= Level::Yellow && self.yellow_ms.is_none() {
            self.yellow_ms = Some(now_ms);
            signals.push(Signal::Late(Level::Yellow));
        }
        if level >= Level::Red && self.red_ms.is_none() {
            self.red_ms = Some(now_ms);
            signals.push(Signal::Late(Level::Red));
        }
        if level == Level::Supervised && known < Level::Supervised {
            signals.push(Signal::Late(Level::Supervised));
        }
        signals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const HOUR_MS: i64 = 60 * MINUTE_MS;

    static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::shipped);

    fn context() -> Context<'static> {
        Context { calendar: &CALENDAR, hours: &[] }
    }

    #[test]
    fn a_clock_reminds_at_half_time_and_grows_later_by_its_own_length() {
        let mut clock = Clock::start("answer", Limit { unit: Unit::Minutes, amount: 60 }, 0, context());
        let said = |clock: &mut Clock, minutes: i64, known| clock.signals(minutes * MINUTE_MS, known, context());
        assert_eq!(said(&mut clock, 29, Level::None), []);
        assert_eq!(said(&mut clock, 30, Level::None), [Signal::HalfTime]);
        assert_eq!(said(&mut clock, 59, Level::None), [], "once");
        assert_eq!(said(&mut clock, 60, Level::None), [Signal::Late(Level::Yellow)]);
        assert_eq!(said(&mut clock, 119, Level::Yellow), []);
        assert_eq!(said(&mut clock, 120, Level::Yellow), [Signal::Late(Level::Red)]);
        assert_eq!(said(&mut clock, 180, Level::Red), [Signal::Late(Level::Supervised)]);
        assert_eq!(said(&mut clock, 500, Level::Supervised), []);
    }

    #[test]
    fn a_program_that_was_off_tells_all_that_it_missed_but_no_half_time() {
        let mut clock = Clock::until("rectify", 0, 24 * HOUR_MS);
        let signals = clock.signals(50 * HOUR_MS, Level::None, context());
        assert_eq!(signals, [Signal::Late(Level::Yellow), Signal::Late(Level::Red)]);
    }

    #[test]
    fn time_that_a_clock_stands_still_is_left_out() {
        let mut clock = Clock::until("rectify", 0, 10 * HOUR_MS);
        clock.pause(4 * HOUR_MS);
        assert_eq!(clock.signals(20 * HOUR_MS, Level::None, context()), [], "it stands still");
        clock.resume(20 * HOUR_MS);
        assert_eq!(clock.due_ms, 26 * HOUR_MS);
        clock.stop(21 * HOUR_MS);
        clock.stop(22 * HOUR_MS);
        assert_eq!(clock.stopped_ms, Some(21 * HOUR_MS), "the first end stands");
        assert_eq!(clock.signals(90 * HOUR_MS, Level::None, context()), []);
    }

    #[test]
    fn a_clock_whose_end_was_taken_back_goes_on_where_it_stood() {
        let mut clock = Clock::until("answer", 0, 10 * HOUR_MS);
        clock.stop(4 * HOUR_MS);
        clock.reopen(5 * HOUR_MS);
        assert_eq!((clock.due_ms, clock.stopped_ms), (11 * HOUR_MS, None));
        clock.reopen(6 * HOUR_MS);
        assert_eq!(clock.due_ms, 11 * HOUR_MS, "one that runs stays as it is");
    }

    #[test]
    fn an_extension_speaks_again_when_its_own_time_comes() {
        let mut clock = Clock::until("rectify", 0, HOUR_MS);
        assert_eq!(clock.signals(HOUR_MS, Level::None, context()), [Signal::Late(Level::Yellow)]);
        clock.extend(10 * HOUR_MS);
        assert_eq!(clock.level(2 * HOUR_MS, context()), Level::None);
        assert_eq!(clock.signals(6 * HOUR_MS, Level::None, context()), [Signal::HalfTime]);
    }

    #[test]
    fn working_days_are_late_again_in_working_days() {
        // Monday 23 November 2026, 10:00 in Shanghai.
        let monday = 1_795_399_200_000;
        let clock = Clock::start("answer", Limit { unit: Unit::WorkingDays, amount: 3 }, monday, context());
        let day = |ms: i64| calendar::date_of(ms - 1).to_string();
        assert_eq!(day(clock.due_ms), "2026-11-26");
        // The end is midnight: the next day is its day one and is not counted.
        assert_eq!(day(clock.late_at_ms(Level::Red, context())), "2026-12-02");
    }

    proptest! {
        #[test]
        fn levels_come_in_order_and_each_signal_once(
            unit in prop::sample::select(Unit::ALL), amount in 1_i64..500, start in 0_i64..4_000_000_000_000, steps in prop::collection::vec(0_i64..400, 1..40),
        ) {
            let mut clock = Clock::start("any", Limit { unit, amount }, start, context());
            prop_assert!(clock.half_time_ms() <= clock.due_ms);
            for pair in Level::ALL.windows(2) {
                prop_assert!(clock.late_at_ms(pair[0], context()) < clock.late_at_ms(pair[1], context()));
            }
            let (mut now, mut known, mut heard) = (start, Level::None, Vec::new());
            for step in steps {
                now += step * HOUR_MS;
                for signal in clock.signals(now, known, context()) {
                    prop_assert!(!heard.contains(&signal), "{signal:?} twice");
                    if let Signal::Late(level) = signal {
                        prop_assert!(level > known);
                        known = level;
                    }
                    heard.push(signal);
                }
                prop_assert_eq!(known, clock.level(now, context()));
            }
        }
    }
}
