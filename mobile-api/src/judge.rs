//! The rule that judges an inspection: one function over a template and its answers.
//!
//! It runs on the phone (in TypeScript) and again on the server; `vectors/judgement.json` holds both to the same results. It
//! stands on SAMR Order 49 of 2021, articles 31 to 33; the numbers are data of the template's version. The rule, as a table:
//!
//! | failed | outcome |
//! |---|---|
//! | a key item, or more general items than `general_limit` | `does_not_conform` |
//! | 1 to `general_limit` general items | `basically_conforms` |
//! | none | `conforms` |
//!
//! | failed item | affects safety | corrected on the spot | consequence |
//! |---|---|---|---|
//! | any | yes | either | `investigation` |
//! | key | no | either | `supervisor_decides` |
//! | general | no | yes | `correct_on_spot` |
//! | general | no | no | `order` |
//!
//! Points: those of conforming items over those of all that apply, x 100, one decimal, half up; whole numbers throughout, so
//! that both languages round alike. Items that do not apply or are unanswered count in neither; where none counts there is no
//! score and no grade. `affects_safety` and `corrected_on_spot` count as "no" where they are not said. Of two answers to one
//! item the last counts (choosing between officers is [`crate::merge`]'s); answers to unknown items count nowhere.
//!
//! Plain questions count nowhere. An item that is not asked (see [`crate::asked`]) counts nowhere either, whatever was
//! answered before it went out of sight: it is neither judged nor unanswered.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inspection::{Answer, ItemResult};
use crate::template::{Grade, Rule, TemplateBody};

/// 检查结果: the judgement over all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 符合
    Conforms,
    /// 基本符合
    BasicallyConforms,
    /// 不符合
    DoesNotConform,
}

/// What follows from a failed item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// 立案调查: food safety is affected.
    Investigation,
    /// A key item without effect on safety: a supervisor decides.
    SupervisorDecides,
    /// 当场改正: put right at once, recorded.
    CorrectOnSpot,
    /// 责令改正: ordered in writing, with a date.
    Order,
}

/// A failed item and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemConsequence {
    /// The item.
    pub item_code: String,
    /// What follows from it.
    pub consequence: Consequence,
}

/// A judged inspection. Codes are in the order of the template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "basically_conforms", "checked": 40, "key_checked": 14, "general_checked": 26, "key_failed": [],
    "general_failed": ["8.1"], "not_applicable": ["10.1"], "score": 98.5, "grade": "excellent",
    "consequences": [{"item_code": "8.1", "consequence": "correct_on_spot"}], "unanswered": []}))]
pub struct Judgement {
    /// The result.
    pub outcome: Outcome,
    /// Items that conform or fail.
    pub checked: u32,
    /// Key items among them.
    pub key_checked: u32,
    /// General items among them.
    pub general_checked: u32,
    /// Key items that fail.
    pub key_failed: Vec<String>,
    /// General items that fail.
    pub general_failed: Vec<String>,
    /// Items that do not apply (合理缺项).
    pub not_applicable: Vec<String>,
    /// Points obtained / points that apply x 100, one decimal; none where nothing applies.
    pub score: Option<f64>,
    /// By score.
    pub grade: Grade,
    /// What follows from each failed item.
    pub consequences: Vec<ItemConsequence>,
    /// Items without an answer: the result stands for the others only.
    pub unanswered: Vec<String>,
}

/// Judges answers by a template. Never fails: what is missing is in `unanswered`.
pub fn judge(template: &TemplateBody, answers: &[Answer]) -> Judgement {
    let by_code: HashMap<&str, &Answer> = answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
    let mut judged = Judgement {
        outcome: Outcome::Conforms,
        checked: 0,
        key_checked: 0,
        general_checked: 0,
        key_failed: Vec::new(),
        general_failed: Vec::new(),
        not_applicable: Vec::new(),
        score: None,
        grade: Grade::None,
        consequences: Vec::new(),
        unanswered: Vec::new(),
    };
    let (mut obtained, mut applicable) = (0_u64, 0_u64);
    let asked = crate::asked::asked(template, answers);
    for (item, asked) in template.items().zip(asked) {
        if item.question || !asked.shown {
            continue;
        }
        let answer = by_code.get(item.code.as_str()).and_then(|answer| answer.result.map(|result| (*answer, result)));
        let Some((answer, result)) = answer else {
            judged.unanswered.push(item.code.clone());
            continue;
        };
        if result == ItemResult::NotApplicable {
            judged.not_applicable.push(item.code.clone());
            continue;
        }
        let points = u64::from(if item.key { template.rule.points_key } else { template.rule.points_general });
        applicable += points;
        judged.checked += 1;
        *(if item.key { &mut judged.key_checked } else { &mut judged.general_checked }) += 1;
        if result == ItemResult::Conforms {
            obtained += points;
            continue;
        }
        (if item.key { &mut judged.key_failed } else { &mut judged.general_failed }).push(item.code.clone());
        let consequence = consequence(item.key, answer.affects_safety.unwrap_or(false), answer.corrected_on_spot.unwrap_or(false));
        judged.consequences.push(ItemConsequence { item_code: item.code.clone(), consequence });
    }
    judged.outcome = outcome(judged.key_failed.len(), judged.general_failed.len(), &template.rule);
    if let Some(tenths) = score_tenths(obtained, applicable) {
        judged.score = Some(f64::from(tenths) / 10.0);
        judged.grade = grade(tenths, &template.rule);
    }
    judged
}

fn outcome(key_failed: usize, general_failed: usize, rule: &Rule) -> Outcome {
    match (key_failed, general_failed) {
        (0, 0) => Outcome::Conforms,
        (0, general) if general <= usize::from(rule.general_limit) => Outcome::BasicallyConforms,
        _ => Outcome::DoesNotConform,
    }
}

/// What follows from one failed item; see the table above.
pub fn consequence(key: bool, affects_safety: bool, corrected_on_spot: bool) -> Consequence {
    match (key, affects_safety, corrected_on_spot) {
        (_, true, _) => Consequence::Investigation,
        (true, false, _) => Consequence::SupervisorDecides,
        (false, false, true) => Consequence::CorrectOnSpot,
        (false, false, false) => Consequence::Order,
    }
}

/// Tenths of a point of 100, half up. At most 500 items of 100 points, so nothing here overflows.
fn score_tenths(obtained: u64, applicable: u64) -> Option<u32> {
    let tenths = (2_000 * obtained + applicable).checked_div(2 * applicable)?;
    u32::try_from(tenths).ok()
}

fn grade(tenths: u32, rule: &Rule) -> Grade {
    let step = rule.grades.iter().find(|step| tenths >= u32::from(step.min) * 10);
    step.map_or(Grade::None, |step| step.grade)
}
