//! What a premises' score is made of: terms over facts, each with a weight, a cap, a window and a fading, by a formula that the
//! bureau edits.
//!
//! The score stands beside the official risk grade A to D and changes nothing of it: it says where to look next. Points are counted
//! in whole tenths, from figures that are rounded as they are shown, so that the terms explain the score to the last tenth. Days
//! are numbers, counted from 1970-01-01 in Asia/Shanghai.

use std::collections::HashSet;
use std::sync::LazyLock;

use mobile_api::field::Faults;
use mobile_api::template::Bilingual;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::premises::coded;

/// Name of the setting that holds a [`Formula`].
pub const SETTING: &str = "risk";
/// Days over which a rise is counted.
pub const RISE_DAYS: i64 = 30;
/// Days that a term looks back at most.
pub const WINDOW_DAYS_MAX: i64 = 400;
/// Terms of a formula.
const TERMS_MAX: usize = 40;
const CODE_CHARS: usize = 40;
const NAME_CHARS: usize = 40;
const SOURCE_CHARS: usize = 1_000;
/// Points that a cap, a band or a rise may ask for.
const POINTS_MAX: f64 = 1_000.0;
const WEIGHT_MAX: f64 = 100.0;

coded! {
    /// What a term counts.
    RiskFact {
        /// Inspections that do not conform.
        InspectionFailed = "inspection_failed",
        /// Inspections that basically conform.
        InspectionBasic = "inspection_basic",
        /// Failed items that affect food safety.
        FindingSafety = "finding_safety",
        /// Failed key items (重点项目) that do not.
        FindingKey = "finding_key",
        /// Failed items that are neither.
        FindingOther = "finding_other",
        /// Failed items that were put right while the officers were there, whatever they were.
        FindingCorrected = "finding_corrected",
        /// Days since the last inspection, or since the premises was added.
        DaysSinceInspection = "days_since_inspection",
        /// Confirmed alerts of class 1; dismissed ones never count.
        AlertClass1 = "alert_class_1",
        /// Confirmed alerts of class 2.
        AlertClass2 = "alert_class_2",
        /// Confirmed alerts of class 3.
        AlertClass3 = "alert_class_3",
        /// The same kind of alert within 30 days of its closing.
        Recurrence = "recurrence",
        /// Alerts whose answer is overdue now.
        RectificationOverdue = "rectification_overdue",
        /// Answers to alerts and orders that came after their deadline.
        AnswerLate = "answer_late",
        /// Rectification orders (责令改正) that are open now.
        OrderOpen = "order_open",
        /// Rectification orders whose answer is overdue now.
        OrderOverdue = "order_overdue",
        /// Percent of the time that counts in which cameras gave no picture.
        CameraOffline = "camera_offline",
        /// Percent of the time that counts in which cameras gave a picture with something wrong.
        CameraDegraded = "camera_degraded",
        /// Papers of the canteen's own that were due and never came.
        SelfCheckMissed = "self_check_missed",
        /// Reports of suspected food poisoning.
        FoodIncident = "food_incident",
    }
}

coded! {
    /// How a fact is measured.
    RiskMeasure {
        /// Happened on a day: counted within the window, and may fade.
        Count = "count",
        /// Lasts: counted as long as it does, whenever it began.
        Lasting = "lasting",
        /// Days gone by, at most the window.
        Days = "days",
        /// Percent over the window, 0 to 100.
        Percent = "percent",
    }
}

impl RiskFact {
    /// How it is measured.
    pub fn measure(self) -> RiskMeasure {
        match self {
            Self::DaysSinceInspection => RiskMeasure::Days,
            Self::CameraOffline | Self::CameraDegraded => RiskMeasure::Percent,
            Self::RectificationOverdue | Self::OrderOpen | Self::OrderOverdue => RiskMeasure::Lasting,
            _ => RiskMeasure::Count,
        }
    }
}

coded! {
    /// How high a score is.
    RiskBand {
        /// Below all thresholds.
        Low = "low",
        /// From the first.
        Medium = "medium",
        /// From the second.
        High = "high",
        /// From the third.
        Severe = "severe",
    }
}

/// One thing that is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RiskTerm)]
pub struct Term {
    /// Small letters, digits and `_`; once in a formula.
    #[schema(max_length = 40)]
    pub code: String,
    /// As people read it.
    pub name: Bilingual,
    /// What it counts, one of the facts: `inspection_failed`, `alert_class_1`, …
    #[schema(max_length = 40)]
    pub fact: String,
    /// Points for one of them, one day or one percent.
    #[schema(minimum = 0, maximum = 100)]
    pub weight: f64,
    /// Points that it gives at most.
    #[schema(minimum = 0, maximum = 1000)]
    pub cap: f64,
    /// Days that it looks back; `null` for what lasts, and only there.
    #[schema(minimum = 1, maximum = 400)]
    pub window_days: Option<i64>,
    /// Days after which what happened counts half; `null`: it counts whole to the end of the window. Only for what happens on a day.
    #[schema(minimum = 1, maximum = 400)]
    pub half_life_days: Option<i64>,
}

/// From how many points on a score is in a band; below the first it is low.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RiskBands)]
pub struct Bands {
    /// 中
    #[schema(minimum = 0.1, maximum = 1000)]
    pub medium: f64,
    /// 高
    #[schema(minimum = 0.1, maximum = 1000)]
    pub high: f64,
    /// 很高: the top band, in which a premises is proposed for a visit as soon as it is there
    #[schema(minimum = 0.1, maximum = 1000)]
    pub severe: f64,
}

/// How premises are scored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RiskFormula, example = json!({"source": "本局 2026 年风险评分办法", "rise": 15.0, "bands": {"medium": 20.0, "high": 45.0, "severe": 75.0}, "terms": [
    {"code": "failed_inspections", "name": {"zh": "检查不符合", "en": "Inspections failed"}, "fact": "inspection_failed", "weight": 15.0, "cap": 30.0, "window_days": 365, "half_life_days": 120},
    {"code": "since_inspection", "name": {"zh": "距上次检查", "en": "Since the last inspection"}, "fact": "days_since_inspection", "weight": 0.05, "cap": 15.0, "window_days": 365, "half_life_days": null},
    {"code": "open_orders", "name": {"zh": "责令改正未办结", "en": "Orders open"}, "fact": "order_open", "weight": 4.0, "cap": 12.0, "window_days": null, "half_life_days": null}]}))]
pub struct Formula {
    /// Where it is from.
    #[schema(max_length = 1000)]
    pub source: String,
    /// Points by which a score rises within 30 days for the premises to be proposed for a visit.
    #[schema(minimum = 0.1, maximum = 1000)]
    pub rise: f64,
    /// How high is high.
    pub bands: Bands,
    /// In the order in which they are shown.
    #[schema(min_items = 1, max_items = 40)]
    pub terms: Vec<Term>,
}

static SHIPPED: LazyLock<Formula> = LazyLock::new(|| serde_json::from_str(include_str!("data/risk.json")).unwrap_or_default());

/// Something that happened on a day, or began on one and lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub fact: RiskFact,
    /// On which day, or from which on.
    pub day: i64,
    /// Of what lasts: the day on which it ended.
    pub until: Option<i64>,
    /// How many.
    pub amount: i64,
}

/// A day of all cameras of a premises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CameraDay {
    /// Which.
    pub day: i64,
    /// Time that counts, ms.
    pub counted_ms: i64,
    /// Of that, with pictures.
    pub online_ms: i64,
    /// Of that, with nothing wrong.
    pub healthy_ms: i64,
}

/// All that is known of a premises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The day on which it was added.
    pub since_day: i64,
    /// Days with an inspection, whatever its result.
    pub inspected: Vec<i64>,
    /// In any order.
    pub events: Vec<Event>,
    /// In any order.
    pub cameras: Vec<CameraDay>,
}

/// What a term came to, as it is kept and shown: `counted` × `weight` = `points`, to one place, at most `cap`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ShownRiskTerm)]
pub struct ShownTerm {
    /// As in the formula.
    pub code: String,
    /// As in the formula.
    pub name: Bilingual,
    /// What was counted.
    pub fact: RiskFact,
    /// How that is measured.
    pub measure: RiskMeasure,
    /// What was found: a count, days or percent, to one place.
    pub found: f64,
    /// What counts of it: faded by age, at most the window; to two places.
    pub counted: f64,
    /// Points for one.
    pub weight: f64,
    /// Points, to one place.
    pub points: f64,
    /// Points at most.
    pub cap: f64,
    /// It would have been more.
    pub capped: bool,
    /// Days looked back; `null` for what lasts.
    pub window_days: Option<i64>,
    /// Days after which it counts half.
    pub half_life_days: Option<i64>,
}

/// A score with what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Tenths of a point: the sum of the terms' points.
    pub tenths: i64,
    /// How high that is.
    pub band: RiskBand,
    /// In the formula's order.
    pub terms: Vec<ShownTerm>,
}

/// A score beside what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// As things are.
    pub score: Score,
    /// What the same formula gives for the day 30 days before, tenths of a point: nothing where the premises was not there yet.
    pub before_tenths: i64,
    /// In the top band, and it was not.
    pub entered_top: bool,
    /// Proposed for a visit.
    pub rising: bool,
}

/// The number of the day that a moment lies in.
pub fn day_of(at_ms: i64) -> i64 {
    (at_ms + 28_800_000).div_euclid(86_400_000)
}

/// Tenths as points.
pub fn points(tenths: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand points")]
    let tenths = tenths as f64;
    tenths / 10.0
}

/// Points as whole tenths.
fn tenths(points: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "points are bound by their caps")]
    let tenths = (points * 10.0).round() as i64;
    tenths
}

fn rounded(value: f64, places: i32) -> f64 {
    let by = 10_f64.powi(places);
    (value * by).round() / by
}

#[expect(clippy::cast_precision_loss, reason = "counts and days")]
fn number(count: i64) -> f64 {
    count as f64
}

impl Formula {
    /// The one that ships.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Notes all that is wrong with it.
    pub fn check(&self, faults: &mut Faults) {
        faults.optional_text("source", Some(&self.source), SOURCE_CHARS);
        within(faults, "rise", self.rise, 0.1, POINTS_MAX);
        faults.within("bands", |faults| {
            let Bands { medium, high, severe } = self.bands;
            for (name, value) in [("medium", medium), ("high", high), ("severe", severe)] {
                within(faults, name, value, 0.1, POINTS_MAX);
            }
            for (name, below, value) in [("high", medium, high), ("severe", high, severe)] {
                if value <= below {
                    faults.note_at(name, "out_of_range", "more than the band below");
                }
            }
        });
        if self.terms.is_empty() {
            faults.note_at("terms", "too_few", "at least one");
        }
        faults.count("terms", self.terms.len(), TERMS_MAX);
        let mut seen = HashSet::new();
        faults.within("terms", |faults| {
            for (index, term) in self.terms.iter().enumerate().take(TERMS_MAX) {
                let first = seen.insert(term.code.as_str());
                faults.within(index, |faults| term.check(faults, first));
            }
        });
    }

    /// Which band a score is in.
    pub fn band(&self, score: i64) -> RiskBand {
        let Bands { medium, high, severe } = self.bands;
        let from = [(RiskBand::Severe, severe), (RiskBand::High, high), (RiskBand::Medium, medium)];
        from.into_iter().find(|(_, least)| score >= tenths(*least)).map_or(RiskBand::Low, |(band, _)| band)
    }

    /// The longest that a term looks back, days.
    pub fn window_days(&self) -> i64 {
        self.terms.iter().filter_map(|term| term.window_days).max().unwrap_or(1)
    }

    /// Terms as they were kept, which leaves out those that found nothing, with all of the formula's in its order.
    pub fn completed(&self, kept: &[ShownTerm]) -> Vec<ShownTerm> {
        let nothing = Facts::default();
        let all = self.terms.iter().filter_map(|term| {
            let known = kept.iter().find(|one| one.code == term.code).cloned();
            known.or_else(|| term.shown(&nothing, 0))
        });
        all.collect()
    }

    /// The score on a day.
    pub fn score(&self, facts: &Facts, day: i64) -> Score {
        let terms: Vec<ShownTerm> = self.terms.iter().filter_map(|term| term.shown(facts, day)).collect();
        let sum = terms.iter().map(|term| tenths(term.points)).sum();
        Score { tenths: sum, band: self.band(sum), terms }
    }

    /// The score on a day beside what it was.
    pub fn stand(&self, facts: &Facts, day: i64) -> Standing {
        let score = self.score(facts, day);
        let then = self.score(facts, day - RISE_DAYS);
        let entered_top = score.band == RiskBand::Severe && then.band != RiskBand::Severe;
        let rising = entered_top || score.tenths - then.tenths >= tenths(self.rise);
        Standing { before_tenths: then.tenths, score, entered_top, rising }
    }
}

fn within(faults: &mut Faults, field: &str, value: f64, least: f64, most: f64) {
    if !(least..=most).contains(&value) {
        faults.note_at(field, "out_of_range", format!("{least} to {most}"));
    }
}

impl Term {
    fn check(&self, faults: &mut Faults, first: bool) {
        faults.text("code", &self.code, CODE_CHARS);
        if !self.code.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_') {
            faults.note_at("code", "format", "small letters, digits and _");
        }
        if !first {
            faults.note_at("code", "duplicate", "each code once");
        }
        faults.within("name", |faults| {
            faults.text("zh", &self.name.zh, NAME_CHARS);
            faults.text("en", &self.name.en, NAME_CHARS);
        });
        within(faults, "weight", self.weight, 0.0, WEIGHT_MAX);
        within(faults, "cap", self.cap, 0.0, POINTS_MAX);
        let days = |faults: &mut Faults, field: &str, value: Option<i64>| {
            if value.is_some_and(|days| !(1..=WINDOW_DAYS_MAX).contains(&days)) {
                faults.note_at(field, "out_of_range", format!("1 to {WINDOW_DAYS_MAX} days"));
            }
        };
        days(faults, "window_days", self.window_days);
        days(faults, "half_life_days", self.half_life_days);
        let Ok(fact) = self.fact.parse::<RiskFact>() else {
            let all: Vec<&str> = RiskFact::ALL.iter().map(|fact| fact.as_str()).collect();
            faults.note_at("fact", "unknown", format!("one of {}", all.join(", ")));
            return;
        };
        match (fact.measure(), self.window_days) {
            (RiskMeasure::Lasting, Some(_)) => faults.note_at("window_days", "format", "none: it counts as long as it lasts"),
            (RiskMeasure::Count | RiskMeasure::Days | RiskMeasure::Percent, None) => {
                faults.note_at("window_days", "required", "how many days it looks back")
            }
            _ => {}
        }
        if fact.measure() != RiskMeasure::Count && self.half_life_days.is_some() {
            faults.note_at("half_life_days", "format", "none: only what happens on a day fades");
        }
    }

    /// What it comes to on a day; `None` for a fact that this program does not know.
    fn shown(&self, facts: &Facts, day: i64) -> Option<ShownTerm> {
        let fact: RiskFact = self.fact.parse().ok()?;
        let window = self.window_days.unwrap_or(WINDOW_DAYS_MAX);
        let (found, counted) = match fact.measure() {
            RiskMeasure::Count => {
                let events = facts.events.iter().filter(|one| one.fact == fact && one.day <= day && day - one.day < window);
                events.fold((0.0, 0.0), |(found, counted), one| {
                    let fading = self.half_life_days.map_or(1.0, |half| 0.5_f64.powf(number(day - one.day) / number(half.max(1))));
                    (found + number(one.amount), counted + number(one.amount) * fading)
                })
            }
            RiskMeasure::Lasting => {
                let lasts = |one: &&Event| one.fact == fact && one.day <= day && one.until.is_none_or(|until| until > day);
                let found = number(facts.events.iter().filter(lasts).map(|one| one.amount).sum());
                (found, found)
            }
            RiskMeasure::Days => {
                let last = facts.inspected.iter().copied().filter(|one| *one <= day).max().unwrap_or(facts.since_day);
                let days = (day - last).max(0);
                (number(days), number(days.min(window)))
            }
            RiskMeasure::Percent => {
                let share = share(facts, fact, day, window);
                (share, share)
            }
        };
        let counted = rounded(counted, 2);
        let (worth, most) = (tenths(counted * self.weight), tenths(self.cap));
        Some(ShownTerm {
            code: self.code.clone(),
            name: self.name.clone(),
            fact,
            measure: fact.measure(),
            found: rounded(found, 1),
            counted,
            weight: self.weight,
            points: points(worth.clamp(0, most.max(0))),
            cap: self.cap,
            capped: worth > most,
            window_days: self.window_days,
            half_life_days: self.half_life_days,
        })
    }
}

/// Percent of the cameras' time that counts.
fn share(facts: &Facts, fact: RiskFact, day: i64, window: i64) -> f64 {
    let days = facts.cameras.iter().filter(|one| one.day <= day && day - one.day < window);
    let (whole, part) = days.fold((0_i64, 0_i64), |(whole, part), one| {
        let lost = if fact == RiskFact::CameraOffline { one.counted_ms - one.online_ms } else { one.online_ms - one.healthy_ms };
        (whole + one.counted_ms, part + lost.max(0))
    });
    if whole > 0 { (number(part) / number(whole) * 100.0).clamp(0.0, 100.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
