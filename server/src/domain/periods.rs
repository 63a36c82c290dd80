//! Stretches of days that figures are told by: days, weeks, months and school terms.
//!
//! Terms are whole months, so that figures of them are sums of months: autumn (秋季学期) is September to January, spring (春季学期)
//! February to August with the summer holidays that follow it [ours: provinces set the first day of lessons each year].

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stretch {
    /// In Asia/Shanghai.
    Day,
    /// From Monday on.
    Week,
    /// Of the calendar.
    Month,
    /// 学期
    Term,
}

impl Stretch {
    /// The first day of the one that a day lies in.
    pub fn first_day(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days()),
            Self::Month => day.first_of_month(),
            Self::Term => match day.month() {
                9..=12 => date(day.year(), 9, 1),
                1 => date(day.year().saturating_sub(1), 9, 1),
                _ => date(day.year(), 2, 1),
            },
        }
    }

    /// The last day of the one that begins on this day.
    pub fn last_day(self, first: Date) -> Date {
        let next = match self {
            Self::Day => first.saturating_add(1.day()),
            Self::Week => first.saturating_add(1.week()),
            Self::Month => first.saturating_add(1.month()),
            Self::Term => first.saturating_add(if first.month() == 9 { 5.months() } else { 7.months() }),
        };
        next.saturating_sub(1.day())
    }

    /// Whether it is made of whole months.
    pub fn of_months(self) -> bool {
        matches!(self, Self::Month | Self::Term)
    }
}

/// Whole months in the middle of a stretch of days, and the days before and after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// First day of the days before.
    pub from: Date,
    /// First day of the first whole month; of the days, where there is none.
    pub months_from: Date,
    /// First day after the last whole month.
    pub months_to: Date,
    /// Last day of the days after.
    pub to: Date,
}

impl Cover {
    /// Of the days from one to another, as far as there are any: a month that goes on is whole up to today.
    pub fn until_today(from: Date, to: Date, today: Date) -> Self {
        Self::of(from, if to >= today { Stretch::Month.last_day(to.first_of_month()) } else { to })
    }

    /// Of the days from one to another, both included.
    pub fn of(from: Date, to: Date) -> Self {
        let first = from.first_of_month();
        let months_from = if first == from { first } else { first.saturating_add(1.month()) };
        let months_to = to.saturating_add(1.day()).first_of_month();
        if months_from < months_to {
            Self { from, months_from, months_to, to }
        } else {
            Self { from, months_from: from, months_to: from, to }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stretches_begin_and_end_where_people_say() {
        let day = date(2026, 11, 26);
        let both = |stretch: Stretch| (stretch.first_day(day), stretch.last_day(stretch.first_day(day)));
        assert_eq!(both(Stretch::Week), (date(2026, 11, 23), date(2026, 11, 29)));
        assert_eq!(both(Stretch::Month), (date(2026, 11, 1), date(2026, 11, 30)));
        assert_eq!(both(Stretch::Term), (date(2026, 9, 1), date(2027, 1, 31)));
        assert_eq!(Stretch::Term.first_day(date(2027, 1, 31)), date(2026, 9, 1));
        assert_eq!(
            (Stretch::Term.first_day(date(2027, 2, 1)), Stretch::Term.last_day(date(2027, 2, 1))),
            (date(2027, 2, 1), date(2027, 8, 31))
        );
    }

    #[test]
    fn a_stretch_is_whole_months_and_the_days_around_them() {
        let cover = |from, to| Cover::of(from, to);
        let whole = cover(date(2026, 1, 1), date(2026, 12, 31));
        assert_eq!((whole.months_from, whole.months_to), (date(2026, 1, 1), date(2027, 1, 1)));
        let around = cover(date(2026, 1, 31), date(2026, 4, 1));
        assert_eq!((around.months_from, around.months_to), (date(2026, 2, 1), date(2026, 4, 1)));
        let going_on = Cover::until_today(date(2026, 1, 1), date(2026, 4, 10), date(2026, 4, 10));
        assert_eq!((going_on.months_to, going_on.to), (date(2026, 5, 1), date(2026, 4, 30)));
        assert_eq!(Cover::until_today(date(2026, 1, 1), date(2026, 4, 10), date(2026, 4, 11)), cover(date(2026, 1, 1), date(2026, 4, 10)));
        let none = cover(date(2026, 1, 5), date(2026, 2, 27));
        assert_eq!((none.months_from, none.months_to), (date(2026, 1, 5), date(2026, 1, 5)));
    }

    proptest! {
        #[test]
        fn every_day_is_covered_once(start in 0_i64..800, length in 0_i64..366) {
            let from = date(2025, 1, 1).saturating_add(start.days());
            let to = from.saturating_add(length.days());
            let Cover { months_from, months_to, .. } = Cover::of(from, to);
            let days = |a: Date, b: Date| i64::from((b - a).get_days());
            prop_assert!(from <= months_from && months_from <= months_to && months_to <= to.saturating_add(1.day()));
            prop_assert_eq!(days(from, months_from) + days(months_from, months_to) + days(months_to, to) + 1, length + 1);
            prop_assert!(months_from == months_to || (months_from.day() == 1 && months_to.day() == 1));
        }
    }
}
