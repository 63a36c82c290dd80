//! Working days, calendar days and service hours, all in Asia/Shanghai.
//!
//! Working days follow the State Council's yearly notice. A year is known by what the bureau entered, else by a file that it put
//! beside its data (`DATA/calendar/`), else by one that ships. A year that is not known falls back to Monday to Friday, and every
//! answer that leaned on such a year says so, because a deadline computed from it moves when the notice is out.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::premises::ServiceHours;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Days that are looked at for a day that counts; more than any holiday lasts.
const LOOK_DAYS_MAX: i64 = 4_000;

/// The files that ship, one a year.
const SHIPPED: &[&str] = &[include_str!("data/calendar/2026.json")];

/// Name of the setting: years that the bureau entered.
pub const SETTING: &str = "calendar";
/// Years that a bureau enters.
pub const YEARS_MAX: usize = 20;
/// Stretches of rest, and worked weekends, of a year.
pub const DAYS_LISTED_MAX: usize = 60;

/// By which this process counts: what lies beside the data or ships, and the same with what the bureau entered.
static IN_FORCE: LazyLock<RwLock<[Arc<Calendar>; 2]>> = LazyLock::new(|| {
    let shipped = Arc::new(Calendar::shipped());
    RwLock::new([shipped.clone(), shipped])
});
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8))));

/// How far the clocks of the place are ahead of UTC at a moment, seconds.
pub fn utc_offset_s(at_ms: i64) -> i32 {
    let moment = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    ZONE.to_offset(moment).seconds()
}

/// The end of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// ms UTC
    pub at_ms: i64,
    /// A year without data was crossed: Monday to Friday were taken as working days.
    pub assumed: bool,
}

/// A year's days of rest and work, as the notice has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CalendarYear)]
#[schema(example = json!({"year": 2031, "source": "国务院办公厅关于2031年部分节假日安排的通知", "holidays": [{"name": "元旦", "from": "2031-01-01", "to": "2031-01-03"}], "working_weekends": ["2031-01-11"]}))]
pub struct Year {
    /// 2020 to 2100
    #[schema(minimum = 2020, maximum = 2100)]
    pub year: i16,
    /// The notice that it follows.
    #[schema(max_length = 200)]
    pub source: String,
    /// Days of rest.
    #[schema(max_items = 60)]
    pub holidays: Vec<Holiday>,
    /// Saturdays and Sundays on which people work.
    #[schema(max_items = 60, value_type = Vec<String>)]
    pub working_weekends: Vec<Date>,
}

/// A stretch of rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// For people.
    #[schema(max_length = 50)]
    pub name: String,
    /// Its first day.
    #[schema(value_type = String, example = "2031-01-01")]
    pub from: Date,
    /// Its last day.
    #[schema(value_type = String, example = "2031-01-03")]
    pub to: Date,
}

impl Year {
    /// What serde cannot say: a day of another year, a holiday that ends before it begins, a worked weekend that is none.
    pub fn check(&self, faults: &mut Faults) {
        if !(2020..=2100).contains(&self.year) {
            faults.note_at("year", "out_of_range", "2020 to 2100");
        }
        faults.text("source", &self.source, 200);
        faults.count("holidays", self.holidays.len(), DAYS_LISTED_MAX);
        faults.count("working_weekends", self.working_weekends.len(), DAYS_LISTED_MAX);
        faults.within("holidays", |faults| {
            for (index, holiday) in self.holidays.iter().enumerate().take(DAYS_LISTED_MAX) {
                faults.within(index, |faults| {
                    faults.text("name", &holiday.name, 50);
                    if holiday.from.year() != self.year {
                        faults.note_at("from", "out_of_range", format!("{} is no day of {}", holiday.from, self.year));
                    }
                    if holiday.to.year() != self.year || holiday.to < holiday.from {
                        faults.note_at(
                            "to",
                            "out_of_range",
                            format!("{} does not end a stretch of {} that begins on {}", holiday.to, self.year, holiday.from),
                        );
                    }
                });
            }
        });
        faults.within("working_weekends", |faults| {
            for (index, day) in self.working_weekends.iter().enumerate().take(DAYS_LISTED_MAX) {
                if day.year() != self.year || !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
                    faults.note_at(index, "out_of_range", format!("{day} is no weekend of {}", self.year));
                }
            }
        });
    }
}

/// Which days are working days.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    years: BTreeMap<i16, Year>,
}

/// Why a file of a year was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// No JSON, or not of this form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A day that cannot be: where in the file, and what.
    #[error("{0}")]
    Day(String),
}

impl Calendar {
    /// The calendar by which this process counts.
    pub fn in_force() -> Arc<Self> {
        IN_FORCE.read().unwrap_or_else(PoisonError::into_inner)[1].clone()
    }

    /// Makes it what is counted by where the bureau entered nothing.
    pub fn lay(self) {
        let laid = Arc::new(self);
        *IN_FORCE.write().unwrap_or_else(PoisonError::into_inner) = [laid.clone(), laid];
    }

    /// What is counted by where the bureau entered nothing.
    pub fn laid() -> Arc<Self> {
        IN_FORCE.read().unwrap_or_else(PoisonError::into_inner)[0].clone()
    }

    /// What lies beneath, with these years in the place of its own.
    pub fn with(years: &[Year]) -> Self {
        let mut calendar = Self::clone(&Self::laid());
        calendar.years.extend(years.iter().map(|year| (year.year, year.clone())));
        calendar
    }

    /// Makes it the one that is counted by.
    pub fn take_force(self) {
        IN_FORCE.write().unwrap_or_else(PoisonError::into_inner)[1] = Arc::new(self);
    }

    /// The years it knows.
    pub fn years(&self) -> impl Iterator<Item = &Year> {
        self.years.values()
    }

    /// The years that ship with the program; a test sees that every file is well formed.
    pub fn shipped() -> Self {
        SHIPPED.iter().fold(Self::default(), |mut calendar, file| {
            let _year = calendar.add(file);
            calendar
        })
    }

    /// Adds a year's file, or puts it in the place of the one that is there; gives the year.
    ///
    /// # Errors
    /// Text of another form; days that cannot be ([`Year::check`]).
    pub fn add(&mut self, file: &str) -> Result<i16, CalendarError> {
        let year: Year = serde_json::from_str(file)?;
        let mut faults = Faults::new();
        year.check(&mut faults);
        if let Some(fault) = faults.finish().err().and_then(|faults| faults.into_iter().next()) {
            return Err(CalendarError::Day(format!("{}: {}", fault.pointer, fault.detail)));
        }
        let number = year.year;
        self.years.insert(number, year);
        Ok(number)
    }

    /// Whether the year's notice is known.
    pub fn knows(&self, year: i16) -> bool {
        self.years.contains_key(&year)
    }

    /// Whether people work on this day.
    pub fn is_working_day(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        match self.years.get(&date.year()) {
            Some(year) if year.working_weekends.contains(&date) => true,
            Some(year) if year.holidays.iter().any(|holiday| (holiday.from..=holiday.to).contains(&date)) => false,
            _ => !weekend,
        }
    }

    /// End of the `count`th working day after the day of `start_ms`: day one is not counted.
    pub fn after_working_days(&self, start_ms: i64, count: i64) -> Due {
        let (mut date, mut left, mut assumed) = (date_of(start_ms), count.max(0), false);
        for _ in 0..LOOK_DAYS_MAX {
            if left == 0 {
                break;
            }
            date = next(date);
            assumed |= !self.knows(date.year());
            left -= i64::from(self.is_working_day(date));
        }
        Due { at_ms: end_of(date), assumed }
    }

    /// End of the `count`th day after the day of `start_ms`; an end on a day of rest moves to the next working day.
    pub fn after_calendar_days(&self, start_ms: i64, count: i64) -> Due {
        let mut date = date_of(start_ms.saturating_add(count.clamp(0, LOOK_DAYS_MAX) * DAY_MS));
        let mut assumed = !self.knows(date.year());
        for _ in 0..LOOK_DAYS_MAX {
            if self.is_working_day(date) {
                break;
            }
            date = next(date);
            assumed |= !self.knows(date.year());
        }
        Due { at_ms: end_of(date), assumed }
    }
}

/// The moment when `minutes` of service have passed since `start_ms`. Premises without hours are always in service.
pub fn after_service_minutes(start_ms: i64, minutes: i64, hours: &[ServiceHours]) -> i64 {
    let mut left_ms = minutes.max(0).saturating_mul(MINUTE_MS);
    if !hours.iter().any(ServiceHours::is_valid) {
        return start_ms.saturating_add(left_ms);
    }
    let mut date = date_of(start_ms);
    for _ in 0..LOOK_DAYS_MAX {
        for (from_ms, to_ms) in spans_of(date, hours) {
            let from_ms = from_ms.max(start_ms);
            if to_ms <= from_ms {
                continue;
            }
            if left_ms <= to_ms - from_ms {
                return from_ms + left_ms;
            }
            left_ms -= to_ms - from_ms;
        }
        date = next(date);
    }
    // Longer than anybody plans: every minute of the rest counts.
    start_of(date).saturating_add(left_ms)
}

/// Whether the premises serve at this moment; without hours always.
pub fn in_service(at_ms: i64, hours: &[ServiceHours]) -> bool {
    hours.is_empty() || spans_of(date_of(at_ms), hours).iter().any(|span| (span.0..span.1).contains(&at_ms))
}

/// When a span that holds at this moment ends, ms UTC; `None` outside all of them. Without hours nothing is open.
pub fn open_until(at_ms: i64, hours: &[ServiceHours]) -> Option<i64> {
    spans_of(date_of(at_ms), hours).into_iter().find(|span| (span.0..span.1).contains(&at_ms)).map(|span| span.1)
}

/// When the next span after this moment begins, ms UTC; `None` without hours.
pub fn opens_next(at_ms: i64, hours: &[ServiceHours]) -> Option<i64> {
    let mut date = date_of(at_ms);
    // The same day of next week is the farthest.
    for _ in 0..8 {
        if let Some(span) = spans_of(date, hours).into_iter().find(|span| span.0 > at_ms) {
            return Some(span.0);
        }
        date = next(date);
    }
    None
}

/// Spans of service of a day in order, ms UTC, overlapping ones joined.
fn spans_of(date: Date, hours: &[ServiceHours]) -> Vec<(i64, i64)> {
    let day = u8::try_from(date.weekday().to_monday_one_offset()).unwrap_or_default();
    let midnight = start_of(date);
    let mut spans: Vec<(i64, i64)> = hours
        .iter()
        .filter(|hours| hours.days.contains(&day))
        .filter_map(ServiceHours::minutes)
        .map(|(from, to)| (midnight + i64::from(from) * MINUTE_MS, midnight + i64::from(to) * MINUTE_MS))
        .collect();
    spans.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => joined.push(span),
        }
    }
    joined
}

/// The day of a moment in Asia/Shanghai.
pub fn date_of(at_ms: i64) -> Date {
    Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned_datetime(ZONE.clone()).date()
}

/// Midnight at the beginning of a day, ms UTC.
pub fn start_of(date: Date) -> i64 {
    date.to_zoned_datetime(ZONE.clone()).map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

/// Midnight at the end of a day, ms UTC.
pub fn end_of(date: Date) -> i64 {
    start_of(next(date))
}

/// The next day; the last day there is stays.
fn next(date: Date) -> Date {
    date.saturating_add(1.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        let local: jiff::civil::DateTime = text.parse().expect("a local time");
        local.to_zoned_datetime(ZONE.clone()).expect("in the zone").timestamp().as_millisecond()
    }

    fn hours(days: &[u8], from: &str, to: &str) -> ServiceHours {
        ServiceHours { days: days.to_vec(), from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn every_shipped_year_is_well_formed() {
        let calendar = Calendar::shipped();
        assert_eq!(calendar.years.len(), SHIPPED.len());
        let year = &calendar.years[&2026];
        let rest: usize = year.holidays.iter().map(|h| (h.to - h.from).get_days() as usize + 1).sum();
        assert_eq!((rest, year.working_weekends.len()), (33, 6));
    }

    #[test]
    fn a_bureau_adds_a_year_and_faults_are_named() {
        let mut calendar = Calendar::shipped();
        let year = |holiday: &str, weekend: &str| {
            format!(r#"{{"year": 2027, "source": "test", "holidays": [{{"name": "元旦", {holiday}}}], "working_weekends": [{weekend}]}}"#)
        };
        let good = year(r#""from": "2027-01-01", "to": "2027-01-03""#, r#""2027-01-09""#);
        assert_eq!(calendar.add(&good).unwrap(), 2027);
        let due = calendar.after_working_days(at("2026-12-31T10:00"), 1);
        assert_eq!(due, Due { at_ms: at("2027-01-05T00:00"), assumed: false });
        assert_eq!(calendar.after_working_days(at("2027-01-08T10:00"), 1).at_ms, at("2027-01-10T00:00"), "a Saturday that is worked");
        for (bad, told) in [
            (year(r#""from": "2027-01-03", "to": "2027-01-01""#, ""), "/holidays/0/to: 2027-01-01 does not end a stretch"),
            (year(r#""from": "2026-12-31", "to": "2027-01-01""#, ""), "/holidays/0/from: 2026-12-31 is no day of 2027"),
            (year(r#""from": "2027-01-01", "to": "2027-01-03""#, r#""2027-01-04""#), "no weekend of 2027"),
            (r#"{"year": 2028}"#.to_owned(), "missing field"),
            ("{".to_owned(), "EOF"),
        ] {
            let error = calendar.add(&bad).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(calendar.knows(2027) && !calendar.knows(2028));
    }

    #[test]
    fn working_days_skip_holidays_and_count_swapped_weekends() {
        let table = [
            // Friday: day one is not counted, the weekend does not count.
            ("2026-11-20T09:00", 3, "2026-11-26T00:00"),
            // Saturday 14 February is worked; the Spring Festival is not.
            ("2026-02-12T23:59", 2, "2026-02-15T00:00"),
            ("2026-02-13T10:00", 2, "2026-02-25T00:00"),
            ("2026-09-30T18:00", 1, "2026-10-09T00:00"),
            ("2026-10-08T18:00", 2, "2026-10-11T00:00"),
        ];
        for (start, count, due) in table {
            assert_eq!(
                Calendar::shipped().after_working_days(at(start), count),
                Due { at_ms: at(due), assumed: false },
                "{start} + {count}"
            );
        }
    }

    #[test]
    fn a_year_without_data_is_said_to_be_assumed() {
        let due = Calendar::shipped().after_working_days(at("2026-12-31T10:00"), 1);
        assert_eq!(due, Due { at_ms: at("2027-01-02T00:00"), assumed: true });
        assert!(!Calendar::shipped().after_working_days(at("2026-12-30T10:00"), 1).assumed);
    }

    #[test]
    fn calendar_days_that_end_on_a_day_of_rest_move_on() {
        let calendar = Calendar::shipped();
        assert_eq!(calendar.after_calendar_days(at("2026-11-23T09:00"), 3).at_ms, at("2026-11-27T00:00"));
        assert_eq!(calendar.after_calendar_days(at("2026-09-28T09:00"), 5).at_ms, at("2026-10-09T00:00"));
    }

    #[test]
    fn service_minutes_run_only_in_service() {
        let week = [hours(&[1, 2, 3, 4, 5], "06:30", "18:30"), hours(&[6], "08:00", "12:00")];
        let table = [
            ("2026-11-23T10:00", 30, "2026-11-23T10:30"),
            ("2026-11-23T18:20", 30, "2026-11-24T06:50"),
            ("2026-11-27T18:20", 30, "2026-11-28T08:20"),
            // Saturday noon to Monday morning.
            ("2026-11-28T11:50", 30, "2026-11-30T06:50"),
            ("2026-11-29T03:00", 0, "2026-11-30T06:30"),
        ];
        for (start, minutes, due) in table {
            assert_eq!(after_service_minutes(at(start), minutes, &week), at(due), "{start} + {minutes} min");
        }
        assert_eq!(after_service_minutes(at("2026-11-23T23:50"), 30, &[]), at("2026-11-24T00:20"));
        assert!(in_service(at("2026-11-23T06:30"), &week) && !in_service(at("2026-11-23T18:30"), &week) && in_service(0, &[]));
    }

    #[test]
    fn what_opens_in_set_hours_says_until_when_and_from_when() {
        let week = [hours(&[1], "10:30", "12:30"), hours(&[1], "17:00", "24:00")];
        // A Monday.
        let noon = at("2026-11-23T12:00:00+08:00");
        assert_eq!(open_until(noon, &week), Some(at("2026-11-23T12:30:00+08:00")));
        assert_eq!(opens_next(noon, &week), Some(at("2026-11-23T17:00:00+08:00")));
        let after = at("2026-11-23T12:30:00+08:00");
        assert_eq!((open_until(after, &week), open_until(noon - 90 * 60_000, &week)), (None, Some(at("2026-11-23T12:30:00+08:00"))));
        assert_eq!(open_until(at("2026-11-23T23:59:59+08:00"), &week), Some(at("2026-11-24T00:00:00+08:00")));
        assert_eq!(opens_next(at("2026-11-23T18:00:00+08:00"), &week), Some(at("2026-11-30T10:30:00+08:00")));
        assert_eq!((open_until(noon, &[]), opens_next(noon, &[])), (None, None));
    }

    #[test]
    fn overlapping_hours_count_once() {
        let twice = [hours(&[1], "06:00", "10:00"), hours(&[1], "08:00", "12:00")];
        assert_eq!(after_service_minutes(at("2026-11-23T06:00"), 6 * 60, &twice), at("2026-11-23T12:00"));
    }

    proptest! {
        #[test]
        fn a_due_moment_never_lies_before_its_start_and_grows_with_the_count(start in 0_i64..4_000_000_000_000, count in 0_i64..400) {
            let calendar = Calendar::shipped();
            for due in [Calendar::after_working_days, Calendar::after_calendar_days] {
                let (one, two) = (due(&calendar, start, count).at_ms, due(&calendar, start, count + 1).at_ms);
                prop_assert!(start < one && one <= two);
            }
            let week = [hours(&[1, 3], "06:30", "18:30")];
            prop_assert!(start <= after_service_minutes(start, count, &week));
        }
    }
}
