//! What somebody asks to keep from retention: a stretch of a camera's recordings, why, and until when.

use mobile_api::field::{Faults, FieldFault};

use super::text::line;

/// Longest stretch of one hold, ms: 31 days.
pub const STRETCH_MS_MAX: i64 = 31 * DAY_MS;
/// How far ahead a stretch may reach, ms: what is recorded until then is held too.
pub const AHEAD_MS_MAX: i64 = 7 * DAY_MS;
/// How far ahead the end of a hold may lie, ms: ten years.
pub const UNTIL_MS_MAX: i64 = 3_660 * DAY_MS;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;
/// Holds that stand at the same time, of the whole system.
pub const STANDING_MAX: i64 = 20_000;

const DAY_MS: i64 = 24 * 3_600_000;

/// What is to be held. One that exists makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOrder {
    start_ms: i64,
    end_ms: i64,
    reason: String,
    until_ms: Option<i64>,
}

impl HoldOrder {
    /// Checks what was asked for at `now_ms`.
    ///
    /// # Errors
    /// Every fault, by the field of a request that has `start`, `end`, `reason` and `until`.
    pub fn parse(start_ms: i64, end_ms: i64, reason: &str, until_ms: Option<i64>, now_ms: i64) -> Result<Self, Vec<FieldFault>> {
        let mut faults = Faults::new();
        match end_ms.checked_sub(start_ms) {
            None | Some(i64::MIN..=0) => faults.note_at("end", "out_of_range", "must be after start"),
            Some(length_ms) if length_ms > STRETCH_MS_MAX => faults.note_at("end", "out_of_range", "at most 31 days after start"),
            Some(_) => {}
        }
        if end_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
            faults.note_at("end", "out_of_range", "at most 7 days ahead");
        }
        if until_ms.is_some_and(|until_ms| until_ms <= now_ms.max(end_ms)) {
            faults.note_at("until", "out_of_range", "must be ahead, and after end");
        }
        if until_ms.is_some_and(|until_ms| until_ms > now_ms.saturating_add(UNTIL_MS_MAX)) {
            faults.note_at("until", "out_of_range", "at most ten years ahead");
        }
        let reason = reason_of(reason, &mut faults);
        faults.finish()?;
        Ok(Self { start_ms, end_ms, reason, until_ms })
    }

    /// First instant, ms UTC.
    pub fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// First instant after it, ms UTC.
    pub fn end_ms(&self) -> i64 {
        self.end_ms
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it is let go by itself, ms UTC.
    pub fn until_ms(&self) -> Option<i64> {
        self.until_ms
    }
}

/// A reason, for a hold or its release; what is wrong with it is noted at `reason`.
pub fn reason_of(text: &str, faults: &mut Faults) -> String {
    use super::text::TextError;
    match line(text, REASON_CHARS_MAX) {
        Ok(reason) => return reason,
        Err(TextError::Empty) => faults.note_at("reason", "required", "must not be empty"),
        Err(TextError::TooLong(most)) => faults.note_at("reason", "too_long", format!("at most {most} characters")),
        Err(TextError::Control) => faults.note_at("reason", "format", "one line, without control characters"),
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn faults(start_ms: i64, end_ms: i64, reason: &str, until_ms: Option<i64>) -> Vec<String> {
        let told = |fault: FieldFault| format!("{} {}", fault.pointer, fault.code);
        HoldOrder::parse(start_ms, end_ms, reason, until_ms, NOW_MS).err().unwrap_or_default().into_iter().map(told).collect()
    }

    #[test]
    fn what_makes_sense_is_kept_as_asked() {
        let order = HoldOrder::parse(NOW_MS - DAY_MS, NOW_MS + DAY_MS, " 疑似食物中毒 ", Some(NOW_MS + 30 * DAY_MS), NOW_MS).unwrap();
        assert_eq!((order.start_ms(), order.end_ms(), order.reason()), (NOW_MS - DAY_MS, NOW_MS + DAY_MS, "疑似食物中毒"));
        assert_eq!(order.until_ms(), Some(NOW_MS + 30 * DAY_MS));
        assert!(HoldOrder::parse(NOW_MS - STRETCH_MS_MAX, NOW_MS, "x", None, NOW_MS).is_ok());
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        assert_eq!(faults(NOW_MS, NOW_MS, "", Some(NOW_MS)), ["/end out_of_range", "/until out_of_range", "/reason required"]);
        assert_eq!(faults(NOW_MS - STRETCH_MS_MAX - 1, NOW_MS, "x", None), ["/end out_of_range"]);
        assert_eq!(faults(NOW_MS, NOW_MS + AHEAD_MS_MAX + 1, "x", None), ["/end out_of_range"]);
        assert_eq!(faults(NOW_MS - 1, NOW_MS, "x", Some(NOW_MS + UNTIL_MS_MAX + 1)), ["/until out_of_range"]);
        assert_eq!(faults(NOW_MS - 1, NOW_MS + DAY_MS, "x", Some(NOW_MS + 1)), ["/until out_of_range"], "before the stretch is over");
        assert_eq!(faults(i64::MIN, i64::MAX, "a\nb", None), ["/end out_of_range", "/end out_of_range", "/reason format"]);
    }
}
