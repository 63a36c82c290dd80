//! What is due in a month: checks by risk grade, all items at least once in two years, and what is said against a check.
//!
//! Rates and caps are data of the bureau ([`PlanRules`]); what ships are the figures of the guide. A proposal is advice: the
//! planner chooses. Against a warning the planner gives a reason; nothing is blocked (SAMR Order 49, art. 42).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calendar::date_of;
use super::premises::coded;

/// Name of the setting that holds [`PlanRules`].
pub const SETTING: &str = "inspection_plan";
/// Sources that do not count against an operator's cap: somebody else asked for the check [ours].
pub const NOT_CAPPED: [&str; 3] = ["alert", "complaint", "recheck"];

/// How often premises are visited, and how often at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"per_year": {"A": 1, "B": 2, "C": 3, "D": 4}, "ungraded_per_year": 2, "all_items_months": 24,
    "key_kinds": ["central_kitchen", "collective_meal_supplier"], "operator_cap": 12, "higher_level_months": 3, "source": "本局 2026 年度检查计划"}))]
pub struct PlanRules {
    /// Checks a year by risk grade A to D, 0 to 12 each.
    pub per_year: BTreeMap<String, i64>,
    /// Checks a year of premises without a grade.
    #[schema(minimum = 0, maximum = 12)]
    pub ungraded_per_year: i64,
    /// Months within which all items are checked at least once.
    #[schema(minimum = 1, maximum = 60)]
    pub all_items_months: i64,
    /// Kinds of premises that are key objects whatever their grade.
    #[schema(max_items = 20)]
    pub key_kinds: Vec<String>,
    /// Checks of one operator a year at most, as published; `null`: none is published. Alerts, complaints and re-checks do
    /// not count.
    #[schema(minimum = 1, maximum = 365)]
    pub operator_cap: Option<i64>,
    /// Months in which items that a higher level checked are in principle not checked again.
    #[schema(minimum = 0, maximum = 24)]
    pub higher_level_months: i64,
    /// Where the figures are from.
    #[schema(max_length = 200)]
    pub source: String,
}

impl Default for PlanRules {
    fn default() -> Self {
        Self {
            per_year: [("A", 1), ("B", 2), ("C", 3), ("D", 4)].map(|(grade, rate)| (grade.to_owned(), rate)).into(),
            ungraded_per_year: 2,
            all_items_months: 24,
            key_kinds: vec!["central_kitchen".to_owned(), "collective_meal_supplier".to_owned()],
            operator_cap: Some(12),
            higher_level_months: 3,
            source: "SAMR Order 49 of 2021, art. 22, 42; rates and cap: the product's defaults".to_owned(),
        }
    }
}

impl PlanRules {
    /// Checks a year of a premises of this grade.
    pub fn rate(&self, grade: Option<&str>) -> i64 {
        grade.and_then(|grade| self.per_year.get(grade).copied()).unwrap_or(self.ungraded_per_year).clamp(0, 12)
    }

    /// Key objects (重点监管对象): grade D, and kinds that are always.
    pub fn is_key(&self, grade: Option<&str>, kind: &str) -> bool {
        grade == Some("D") || self.key_kinds.iter().any(|key| key == kind)
    }
}

coded! {
    /// Why a premises stands on a plan.
    Why {
        /// Its grade's rate.
        Grade = "grade",
        /// All items within two years.
        AllItems = "all_items",
        /// Its score rises, or has entered the top band.
        Risk = "risk",
        /// Added by the planner.
        ByHand = "by_hand",
    }
}

coded! {
    /// Where a plan stands.
    PlanState {
        /// Proposed, to be adjusted.
        Draft = "draft",
        /// Its assignments are made; what has no officers is drawn.
        Approved = "approved",
        /// Taken back.
        Withdrawn = "withdrawn",
    }
}

/// What is known of a premises' checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// The last check of any kind but a re-check, ms UTC.
    pub last_ms: Option<i64>,
    /// The last check of all items, ms UTC.
    pub last_all_items_ms: Option<i64>,
}

/// A calendar month, Asia/Shanghai.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    /// 1 to 12
    month: i8,
}

impl Month {
    /// `2026-12`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-').filter(|_| text.len() == 7 && text.is_ascii())?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        ((2000..=2199).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The month a moment lies in.
    pub fn of(at_ms: i64) -> Self {
        let date = date_of(at_ms);
        Self { year: date.year(), month: date.month() }
    }

    /// Its year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// First and last day.
    pub fn days(self) -> (Date, Date) {
        let first = Date::constant(self.year, self.month, 1);
        (first, first.last_of_month())
    }

    fn number(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    /// Months from one to the other.
    pub fn since(self, other: Self) -> i64 {
        self.number() - other.number()
    }
}

/// Whether a check of a premises is due in a month, and why.
///
/// Due by its rate: the last check lies 12 / rate months back or more. A premises that was never checked is due from a month
/// of its own on, so that a new district is not all due at once; which month follows from its id.
pub fn due(rules: &PlanRules, premises_id: &str, grade: Option<&str>, past: Past, month: Month) -> Option<Why> {
    let rate = rules.rate(grade);
    // A checked place whose full check is as old as the rule allows needs all items, whatever else is due.
    if past.last_ms.is_some() && past.last_all_items_ms.is_none_or(|last| month.since(Month::of(last)) >= rules.all_items_months) {
        return Some(Why::AllItems);
    }
    if rate == 0 {
        return None;
    }
    let interval = (12 / rate).max(1);
    let is_due = match past.last_ms {
        Some(last) => month.since(Month::of(last)) >= interval,
        None => i64::from(month.month) > slot(premises_id, interval),
    };
    is_due.then_some(Why::Grade)
}

/// What a month proposes of a premises: what is due, and what rises where nobody was there in that month yet.
pub fn proposed(rules: &PlanRules, premises_id: &str, grade: Option<&str>, past: Past, rising: bool, month: Month) -> Option<Why> {
    let visited = past.last_ms.is_some_and(|last| month.since(Month::of(last)) <= 0);
    due(rules, premises_id, grade, past, month).or_else(|| (rising && !visited).then_some(Why::Risk))
}

/// 0 to `interval - 1`, spread evenly over premises (FNV-1a over the id).
fn slot(premises_id: &str, interval: i64) -> i64 {
    let hash = premises_id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i64::from(hash) % interval.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::start_of;

    fn at(day: &str) -> Option<i64> {
        Some(start_of(day.parse().expect("a day")))
    }

    fn both(day: &str) -> Past {
        Past { last_ms: at(day), last_all_items_ms: at(day) }
    }

    fn month(text: &str) -> Month {
        Month::parse(text).expect("a month")
    }

    #[test]
    fn each_grade_comes_round_at_its_own_rate() {
        let rules = PlanRules::default();
        let table = [("A", "2026-12", "2027-01"), ("B", "2026-06", "2026-07"), ("C", "2026-04", "2026-05"), ("D", "2026-03", "2026-04")];
        for (grade, not_yet, then) in table {
            let past = both("2026-01-31");
            assert_eq!(due(&rules, "p", Some(grade), past, month(not_yet)), None, "{grade} {not_yet}");
            assert_eq!(due(&rules, "p", Some(grade), past, month(then)), Some(Why::Grade), "{grade} {then}");
        }
    }

    #[test]
    fn all_items_are_due_after_two_years_whatever_was_looked_at_between() {
        let rules = PlanRules::default();
        let past = Past { last_ms: at("2026-11-02"), last_all_items_ms: at("2024-12-30") };
        assert_eq!(due(&rules, "p", Some("A"), past, month("2026-11")), None);
        assert_eq!(due(&rules, "p", Some("A"), past, month("2026-12")), Some(Why::AllItems));
        let never = Past { last_ms: at("2026-11-02"), last_all_items_ms: None };
        assert_eq!(due(&rules, "p", Some("A"), never, month("2026-12")), Some(Why::AllItems));
    }

    #[test]
    fn what_was_never_checked_is_spread_over_the_months_and_all_due_by_the_end() {
        let rules = PlanRules::default();
        let ids: Vec<String> = (0..1_200).map(|number| format!("01928f6e-0000-7000-8000-{number:012}")).collect();
        let count = |text: &str| ids.iter().filter(|id| due(&rules, id, Some("A"), Past::default(), month(text)).is_some()).count();
        assert!((60..150).contains(&count("2026-01")), "{}", count("2026-01"));
        assert_eq!(count("2026-12"), ids.len());
        assert_eq!(due(&rules, "p", None, Past::default(), month("2026-06")), Some(Why::Grade), "no grade: as grade B");
    }

    #[test]
    fn a_rate_of_none_is_never_due_and_key_objects_are_known() {
        let mut rules = PlanRules::default();
        rules.per_year.insert("A".to_owned(), 0);
        assert_eq!(due(&rules, "p", Some("A"), Past::default(), month("2026-12")), None);
        assert!(rules.is_key(Some("D"), "school_canteen") && rules.is_key(None, "central_kitchen") && !rules.is_key(Some("C"), "other"));
    }

    #[test]
    fn what_rises_is_proposed_unless_somebody_was_there_in_that_month() {
        let rules = PlanRules::default();
        let why = |day: &str, rising: bool, text: &str| proposed(&rules, "p", Some("A"), both(day), rising, month(text));
        assert_eq!(why("2026-11-02", false, "2026-12"), None);
        assert_eq!(why("2026-11-02", true, "2026-12"), Some(Why::Risk));
        assert_eq!(why("2026-12-02", true, "2026-12"), None, "looked at already");
        assert_eq!(why("2025-11-02", true, "2026-12"), Some(Why::Grade), "due anyway");
    }

    #[test]
    fn months_are_read_strictly() {
        for bad in ["2026-13", "2026-0", "26-12", "2026-12-01", "２026-1", "1999-12", "2026/12"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
        assert_eq!(month("2026-02").days(), (Date::constant(2026, 2, 1), Date::constant(2026, 2, 28)));
    }
}
