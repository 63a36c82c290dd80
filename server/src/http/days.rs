//! Days and stretches of days in a query.

use jiff::ToSpan as _;
use jiff::civil::Date;
use mobile_api::problem::ProblemType;

use super::Problem;
use crate::domain::calendar::date_of;

/// Days that one question may span.
const DAYS_MAX: i64 = 366;
/// Days that are shown unless asked otherwise.
const DAYS_DEFAULT: i64 = 30;

/// A day in Asia/Shanghai; unless given, today.
pub(crate) fn day(name: &str, text: Option<&str>, now_ms: i64) -> Result<Date, Problem> {
    let malformed = || Problem::of(ProblemType::Malformed).because(format!("{name} is a day such as 2026-11-23"));
    text.map_or_else(|| Ok(date_of(now_ms)), |text| text.parse().map_err(|_| malformed()))
}

/// Both ends of a stretch, where they are in order and at most a year apart.
pub(crate) fn stretch(from: Date, to: Date) -> Result<(Date, Date), Problem> {
    if from > to || from < to.saturating_sub((DAYS_MAX - 1).days()) {
        return Err(Problem::of(ProblemType::Malformed).because(format!("from comes before to, at most {DAYS_MAX} days apart")));
    }
    Ok((from, to))
}

/// First and last day of a stretch: unless given, the 30 days up to the last, which is today unless given.
pub(crate) fn days(from: Option<&str>, to: Option<&str>, now_ms: i64) -> Result<(Date, Date), Problem> {
    let to = day("to", to, now_ms)?;
    let from = match from {
        Some(_) => day("from", from, now_ms)?,
        None => to.saturating_sub((DAYS_DEFAULT - 1).days()),
    };
    stretch(from, to)
}
