//! The canteen's own papers: which are due when, and which answers say that something is wrong.
//!
//! The rules are data (`data/self_checks.json`, or what the bureau set): how often a paper is due, by what time of the day, for
//! which meals. A paper of a week or a month is due on the last day of it on which the canteen serves; where it serves on none,
//! nothing is due. Days are those of Asia/Shanghai.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};
use mobile_api::field::Faults;
use mobile_api::inspection::Answer;
use mobile_api::template::{FieldKind, FieldValue, TemplateBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::calendar::{Calendar, start_of};
use super::premises::{PremisesKind, ServiceHours};

/// The setting's name.
pub const SETTING: &str = "self_checks";
/// Hours that a sample is kept at least (Order 45 of 2019, art. 40).
pub const SAMPLE_HOURS: i64 = 48;
/// Dishes of one paper that become samples.
pub const SAMPLES_MAX: usize = 60;
/// The paper that reports samples, and its fields.
pub const SAMPLES_CODE: &str = "self_retained_samples";
const MINUTE_MS: i64 = 60_000;
const RULES_MAX: usize = 50;
const SLOTS_MAX: usize = 6;
const BREAKS_MAX: usize = 200;
/// Districts, offices and premises that one break names.
const NODES_MAX: usize = 200;
/// Meals, as the templates name them.
pub const MEALS: [&str; 4] = ["breakfast", "lunch", "dinner", "snack"];

static SHIPPED: LazyLock<Duties> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/self_checks.json")).unwrap_or_else(|_| Duties::default()));

/// How often a paper is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// On each day that the canteen serves.
    ServingDay,
    /// Once a week.
    Week,
    /// Once a month.
    Month,
    /// When something happens, such as goods that arrive: never late.
    AsNeeded,
}

/// A meal that has a paper of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// breakfast, lunch, dinner or snack
    #[schema(example = "lunch")]
    pub code: String,
    /// `HH:MM`, Asia/Shanghai
    #[schema(example = "14:00")]
    pub by: String,
}

/// When one paper is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyRule {
    /// Of the template.
    #[schema(example = "self_daily_control")]
    pub code: String,
    /// How often.
    pub every: Every,
    /// `HH:MM`, Asia/Shanghai: late afterwards.
    #[schema(example = "18:00")]
    pub by: String,
    /// Meals that each have one; none: one a day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// One that the head of the school or firm may answer and sign too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub head: bool,
    /// Choices that say that something is wrong, by the code of the field.
    #[serde(default)]
    pub problems: BTreeMap<String, Vec<String>>,
    /// Fields (`item.field`) that a new paper begins with as the last one had them: names and the like, never what is looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["9.name"]))]
    pub carry: Vec<String>,
    /// What one tap says where all is well (零风险报告): choices by the code of the field. None: each is answered by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub all_well: BTreeMap<String, String>,
}

/// Days on which nothing is served, such as school holidays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// The first day, ISO date.
    #[schema(value_type = String, example = "2026-07-06")]
    pub from: Date,
    /// The last day, ISO date.
    #[schema(value_type = String, example = "2026-08-31")]
    pub to: Date,
    /// Kinds of premises; none: all.
    #[serde(default)]
    pub kinds: Vec<PremisesKind>,
    /// Districts, offices or premises whose terms these are, by id; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    pub nodes: Vec<Uuid>,
}

impl Break {
    fn closes(&self, canteen: &Canteen<'_>, date: Date) -> bool {
        (self.from..=self.to).contains(&date)
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.as_str() == canteen.kind))
            && (self.nodes.is_empty() || canteen.path.split('/').any(|id| self.nodes.iter().any(|node| node.to_string() == id)))
    }
}

/// A canteen as far as its duties go.
#[derive(Debug, Clone, Copy)]
pub struct Canteen<'a> {
    /// Kind of the premises.
    pub kind: &'a str,
    /// Its path: the ids of city, district, office and itself.
    pub path: &'a str,
    /// When it serves.
    pub hours: &'a [ServiceHours],
}

/// Which papers are due when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Duties {
    /// Of these rules, as the bureau counts them.
    #[schema(example = 1)]
    pub version: i64,
    /// What they stand on.
    #[schema(example = "市场监管总局令第98号第16至18条")]
    pub source: String,
    /// Minutes before a paper is due at which the canteen is reminded.
    #[schema(example = 60)]
    pub remind_before_min: i64,
    /// One a template.
    pub rules: Vec<DutyRule>,
    /// Days on which nothing is served.
    pub breaks: Vec<Break>,
}

/// One paper that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Of the template.
    pub code: String,
    /// The day it speaks of: of a week its Monday, of a month its first.
    pub day: Date,
    /// The meal, or empty.
    pub slot: String,
    /// ms UTC
    pub due_at_ms: i64,
    /// May be answered by the head.
    pub head: bool,
}

impl Duties {
    /// Those that ship.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The rule of one paper.
    pub fn rule(&self, code: &str) -> Option<&DutyRule> {
        self.rules.iter().find(|rule| rule.code == code)
    }

    /// What serde cannot say.
    pub fn check(&self, faults: &mut Faults) {
        faults.text("source", &self.source, 1_000);
        if !(0..=24 * 60).contains(&self.remind_before_min) {
            faults.note_at("remind_before_min", "out_of_range", "0 to 1440 minutes");
        }
        if self.version < 1 {
            faults.note_at("version", "out_of_range", "from 1");
        }
        faults.count("rules", self.rules.len(), RULES_MAX);
        faults.count("breaks", self.breaks.len(), BREAKS_MAX);
        let mut seen = HashSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            faults.within("rules", |faults| faults.within(index, |faults| rule.check(faults, seen.insert(rule.code.as_str()))));
        }
        for (index, one) in self.breaks.iter().enumerate() {
            faults.within("breaks", |faults| {
                faults.within(index, |faults| {
                    if one.to < one.from {
                        faults.note_at("to", "out_of_range", "not before from");
                    }
                    faults.count("nodes", one.nodes.len(), NODES_MAX);
                });
            });
        }
    }

    /// Whether a canteen serves on a day: by its terms, its hours and the calendar; without hours on working days.
    pub fn serves(&self, canteen: &Canteen<'_>, date: Date) -> bool {
        if self.breaks.iter().any(|one| one.closes(canteen, date)) {
            return false;
        }
        let hours = canteen.hours;
        let working = Calendar::in_force().is_working_day(date);
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !hours.iter().any(ServiceHours::is_valid) {
            return working;
        }
        let day = u8::try_from(date.weekday().to_monday_one_offset()).unwrap_or_default();
        let said = hours.iter().any(|hours| hours.is_valid() && hours.days.contains(&day));
        // A weekday that is a holiday is not served; a weekend that is worked is.
        if weekend { said || working } else { said && working }
    }

    /// What a canteen has to report of the days `from` to `to`, in order of time. `codes` are the papers of its kind.
    pub fn due(&self, canteen: &Canteen<'_>, codes: &HashSet<String>, from: Date, to: Date) -> Vec<Duty> {
        let mut found = Vec::new();
        for rule in self.rules.iter().filter(|rule| codes.contains(&rule.code)) {
            match rule.every {
                Every::AsNeeded => {}
                Every::ServingDay => {
                    for date in days(from, to).filter(|date| self.serves(canteen, *date)) {
                        found.extend(rule.on(date, date));
                    }
                }
                Every::Week => self.spans(rule, canteen, monday(from), to, 7.days(), &mut found),
                Every::Month => self.spans(rule, canteen, from.first_of_month(), to, 1.month(), &mut found),
            }
        }
        found.sort_by(|one, other| (one.due_at_ms, &one.code, &one.slot).cmp(&(other.due_at_ms, &other.code, &other.slot)));
        found
    }

    fn spans(&self, rule: &DutyRule, canteen: &Canteen<'_>, first: Date, to: Date, step: Span, found: &mut Vec<Duty>) {
        let mut begin = first;
        while begin <= to {
            let end = begin.saturating_add(step);
            let last = days(begin, end.saturating_sub(1.day())).filter(|date| self.serves(canteen, *date)).last();
            found.extend(last.map(|date| rule.on(begin, date)).into_iter().flatten());
            if end <= begin {
                return;
            }
            begin = end;
        }
    }

    /// Answers that say that something is wrong: a choice that the rule names, a figure out of its range.
    pub fn problems(&self, code: &str, template: &TemplateBody, answers: &[Answer]) -> Vec<String> {
        let named = self.rule(code).map(|rule| &rule.problems);
        let mut found = Vec::new();
        for (item, asked) in template.items().zip(mobile_api::asked::asked(template, answers)) {
            let Some(answer) = answers.iter().find(|answer| answer.item_code == item.code).filter(|_| asked.shown) else { continue };
            let wrong = item.fields.iter().zip(&asked.fields).any(|(field, asked)| {
                asked.shown
                    && match (&field.kind, answer.values.get(&field.code)) {
                        (FieldKind::One { .. }, Some(FieldValue::Text(choice))) => {
                            named.and_then(|named| named.get(&field.code)).is_some_and(|bad| bad.contains(choice))
                        }
                        (FieldKind::Number { min, max, .. }, Some(FieldValue::Number(value))) => {
                            min.is_some_and(|min| *value < min) || max.is_some_and(|max| *value > max)
                        }
                        _ => false,
                    }
            });
            if wrong {
                found.push(item.code.clone());
            }
        }
        found
    }
}

impl DutyRule {
    fn check(&self, faults: &mut Faults, first: bool) {
        faults.text("code", &self.code, mobile_api::limits::CODE_BYTES_MAX);
        if !first {
            faults.note_at("code", "duplicate", "one rule a paper");
        }
        let time = |faults: &mut Faults, by: &str| {
            if minutes(by).is_none() {
                faults.note_at("by", "format", "HH:MM");
            }
        };
        time(faults, &self.by);
        faults.count("slots", self.slots.len(), SLOTS_MAX);
        faults.count("problems", self.problems.len(), mobile_api::limits::FIELDS_MAX);
        faults.count("carry", self.carry.len(), mobile_api::limits::FIELDS_PER_ITEM_MAX);
        faults.count("all_well", self.all_well.len(), mobile_api::limits::FIELDS_PER_ITEM_MAX);
        let mut seen = HashSet::new();
        for (index, slot) in self.slots.iter().enumerate() {
            faults.within("slots", |faults| {
                faults.within(index, |faults| {
                    if !MEALS.contains(&slot.code.as_str()) {
                        faults.note_at("code", "unknown", format!("one of {}", MEALS.join(", ")));
                    } else if !seen.insert(slot.code.as_str()) {
                        faults.note_at("code", "duplicate", "named before");
                    }
                    time(faults, &slot.by);
                });
            });
        }
    }

    /// Due on `date` for the span that begins on `day`.
    fn on(&self, day: Date, date: Date) -> Vec<Duty> {
        let duty = |slot: &str, by: &str| {
            let due_at_ms = start_of(date) + minutes(by).unwrap_or(24 * 60) * MINUTE_MS;
            Duty { code: self.code.clone(), day, slot: slot.to_owned(), due_at_ms, head: self.head }
        };
        if self.slots.is_empty() {
            return vec![duty("", &self.by)];
        }
        self.slots.iter().map(|slot| duty(&slot.code, &slot.by)).collect()
    }
}

/// The day that a paper of this kind speaks of, where it is made on `date`.
pub fn day_of(every: Every, date: Date) -> Date {
    match every {
        Every::ServingDay | Every::AsNeeded => date,
        Every::Week => monday(date),
        Every::Month => date.first_of_month(),
    }
}

fn monday(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}

fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    std::iter::successors((from <= to).then_some(from), move |date| date.tomorrow().ok().filter(|next| *next <= to))
}

fn minutes(by: &str) -> Option<i64> {
    let (hours, minutes) = by.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..60).contains(&minutes) && (0..=24 * 60).contains(&(hours * 60 + minutes))).then_some(hours * 60 + minutes)
}

/// The dishes of a paper: one a line, or with commas between.
pub fn dishes(text: &str) -> Vec<String> {
    let parts = text.split(['\n', '\r', '、', '，', ',', '；', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.take(SAMPLES_MAX).map(|part| part.chars().take(100).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> HashSet<String> {
        Duties::shipped().rules.iter().map(|rule| rule.code.clone()).collect()
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn weekdays() -> Vec<ServiceHours> {
        vec![ServiceHours { days: vec![1, 2, 3, 4, 5], from: "06:30".to_owned(), to: "18:30".to_owned() }]
    }

    fn canteen<'a>(kind: &'a str, hours: &'a [ServiceHours]) -> Canteen<'a> {
        Canteen { kind, path: "/01928f6e-0000-7000-8000-0000000000c1/01928f6e-0000-7000-8000-0000000000d1/", hours }
    }

    #[test]
    fn what_ships_is_right_and_names_the_templates_that_ship() {
        let duties = Duties::shipped();
        let mut faults = Faults::new();
        duties.check(&mut faults);
        assert_eq!(faults.finish(), Ok(()));
        let shipped: HashSet<String> = mobile_api::shipped::templates()
            .expect("templates")
            .into_iter()
            .filter(|file| file.audience == mobile_api::template::Audience::Canteen)
            .map(|file| file.code)
            .collect();
        assert_eq!(codes(), shipped);
        assert_eq!(shipped.len(), 8);
        // What is carried over and what one tap says are fields that are there.
        for file in mobile_api::shipped::templates().expect("templates") {
            let Some(rule) = duties.rule(&file.code) else { continue };
            let field = |path: &str| {
                let (item, field) = path.split_once('.').expect("item.field");
                file.body.items().any(|one| one.code == item && one.field(field).is_some())
            };
            assert!(rule.carry.iter().all(|path| field(path)), "{}", file.code);
            for code in rule.all_well.keys().chain(rule.problems.keys()) {
                assert!(file.body.items().any(|item| item.field(code).is_some()), "{}: {code}", file.code);
            }
        }
    }

    #[test]
    fn daily_papers_are_due_on_serving_days_only() {
        let duties = Duties::shipped();
        // Friday to Monday: nothing on the weekend.
        let due = duties.due(&canteen("school_canteen", &weekdays()), &codes(), date("2026-11-27"), date("2026-11-30"));
        let daily: Vec<String> = due.iter().filter(|duty| duty.code == "self_daily_control").map(|duty| duty.day.to_string()).collect();
        assert_eq!(daily, ["2026-11-27", "2026-11-30"]);
        // 18:00 in Shanghai.
        assert_eq!(due.iter().find(|duty| duty.code == "self_daily_control").expect("a duty").due_at_ms, 1_795_773_600_000);
        // A holiday on a weekday, and a Sunday that is worked.
        assert!(!duties.serves(&canteen("school_canteen", &weekdays()), date("2026-10-01")));
        assert!(duties.serves(&canteen("school_canteen", &weekdays()), date("2026-02-14")));
        assert!(!due.iter().any(|duty| duty.code == "self_goods_received"), "goods are reported when they come");
        assert_eq!(
            due.iter().find(|duty| duty.code == "self_accompanying_meal").map(|duty| (duty.slot.as_str(), duty.head)),
            Some(("lunch", true))
        );
    }

    #[test]
    fn a_week_and_a_month_are_due_on_their_last_serving_day() {
        let duties = Duties::shipped();
        let due = duties.due(&canteen("school_canteen", &weekdays()), &codes(), date("2026-11-25"), date("2026-11-25"));
        let of = |code: &str| due.iter().find(|duty| duty.code == code).map(|duty| (duty.day.to_string(), duty.due_at_ms));
        assert_eq!(of("self_weekly_check"), Some(("2026-11-23".to_owned(), 1_795_773_600_000)));
        assert_eq!(of("self_monthly_review"), Some(("2026-11-01".to_owned(), 1_796_032_800_000)));
        // A week of holidays owes nothing.
        let rest = duties.due(&canteen("school_canteen", &weekdays()), &codes(), date("2026-02-18"), date("2026-02-18"));
        assert!(!rest.iter().any(|duty| duty.code == "self_weekly_check"), "{rest:?}");
    }

    #[test]
    fn school_holidays_are_data() {
        let closed =
            Break { from: date("2026-07-06"), to: date("2026-08-31"), kinds: vec![PremisesKind::SchoolCanteen], nodes: Vec::new() };
        let duties = Duties { breaks: vec![closed], ..Duties::shipped().clone() };
        assert!(!duties.serves(&canteen("school_canteen", &weekdays()), date("2026-07-06")));
        assert!(duties.serves(&canteen("central_kitchen", &weekdays()), date("2026-07-06")));
        let due = duties.due(&canteen("school_canteen", &weekdays()), &codes(), date("2026-08-01"), date("2026-08-30"));
        assert_eq!(due, []);
        // The week in which school begins again owes its check.
        let due = duties.due(&canteen("school_canteen", &weekdays()), &codes(), date("2026-08-31"), date("2026-08-31"));
        assert_eq!(due.iter().map(|duty| duty.code.as_str()).collect::<Vec<_>>(), ["self_weekly_check"]);
    }

    #[test]
    fn terms_are_those_of_an_office_or_a_school() {
        let day = date("2026-07-06");
        let closed = |node: &str| {
            let nodes = vec![node.parse().expect("an id")];
            let one = Break { from: day, to: day, kinds: Vec::new(), nodes };
            let duties = Duties { breaks: vec![one], ..Duties::shipped().clone() };
            !duties.serves(&canteen("school_canteen", &weekdays()), day)
        };
        assert!(closed("01928f6e-0000-7000-8000-0000000000c1"), "its district");
        assert!(closed("01928f6e-0000-7000-8000-0000000000d1"), "itself");
        assert!(!closed("01928f6e-0000-7000-8000-0000000000d2"), "another");
    }

    #[test]
    fn faults_are_named() {
        let mut duties = Duties::shipped().clone();
        duties.rules[0].by = "8:30".to_owned();
        duties.rules[2].slots[0].code = "tea".to_owned();
        let again = duties.rules[1].clone();
        duties.rules.push(again);
        let mut faults = Faults::new();
        duties.check(&mut faults);
        let found: Vec<String> = faults.finish().expect_err("faults").into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(found, ["/rules/0/by", "/rules/2/slots/0/code", "/rules/8/code"]);
    }

    #[test]
    fn dishes_are_split_as_cooks_write_them() {
        assert_eq!(dishes("红烧肉、青菜，米饭\n番茄蛋汤;"), ["红烧肉", "青菜", "米饭", "番茄蛋汤"]);
        assert_eq!(dishes(" \n "), Vec::<String>::new());
    }

    #[test]
    fn answers_that_say_something_is_wrong_are_counted() {
        let file =
            mobile_api::shipped::templates().expect("templates").into_iter().find(|file| file.code == SAMPLES_CODE).expect("samples");
        let answer = |code: &str, values: serde_json::Value| -> Answer {
            serde_json::from_value(
                serde_json::json!({"item_code": code, "values": values, "answered_at": "2026-11-23T06:05:00.000Z", "evidence_ids": []}),
            )
            .expect("an answer")
        };
        let good = [answer("2", serde_json::json!({"weight": 130})), answer("3", serde_json::json!({"temperature": 4, "own": "yes"}))];
        assert_eq!(Duties::shipped().problems(SAMPLES_CODE, &file.body, &good), Vec::<String>::new());
        let bad = [answer("2", serde_json::json!({"weight": 100})), answer("3", serde_json::json!({"temperature": 4, "own": "no"}))];
        assert_eq!(Duties::shipped().problems(SAMPLES_CODE, &file.body, &bad), ["2", "3"]);
    }
}
