//! Joins the answers of several officers' parts.
//!
//! Two answers to one item are both kept; the lead chooses. Where nobody chose and the parts do not say the same, the item is
//! named as undecided. Order of the parts is the order in which the lead names them.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::inspection::{Answer, ItemResult, PartContent};
use crate::template::FieldValues;

/// The answers that count, and the items nobody decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// One an item, by code.
    pub answers: Vec<Answer>,
    /// Items that several parts answer, with results that differ, and no (or a wrong) choice.
    pub undecided: Vec<String>,
}

/// Joins parts by the lead's choices. An undecided item counts with the first part's answer, so that a result can be shown.
pub fn merge(parts: &[(Uuid, &PartContent)], choices: &BTreeMap<String, Uuid>) -> Merged {
    let mut by_item: BTreeMap<&str, Vec<(Uuid, &Answer)>> = BTreeMap::new();
    for (part_id, content) in parts {
        for answer in &content.answers {
            by_item.entry(&answer.item_code).or_default().push((*part_id, answer));
        }
    }
    let mut merged = Merged::default();
    for (code, answers) in by_item {
        let chosen = choices.get(code).and_then(|part| answers.iter().find(|(id, _)| id == part));
        let Some((_, first)) = answers.first() else { continue };
        let differ = answers.iter().any(|(_, other)| judged_as(other) != judged_as(first));
        if chosen.is_none() && differ {
            merged.undecided.push(code.to_owned());
        }
        merged.answers.push(chosen.map_or_else(|| (*first).clone(), |(_, answer)| (*answer).clone()));
    }
    merged
}

/// What two answers must share to be one.
#[derive(PartialEq)]
struct JudgedAs<'a> {
    result: Option<ItemResult>,
    affects_safety: bool,
    corrected_on_spot: bool,
    /// Of a plain question: what it says. The figures of a judged item may differ, as two thermometers do.
    said: Option<(&'a FieldValues, Option<f64>)>,
}

fn judged_as(answer: &Answer) -> JudgedAs<'_> {
    JudgedAs {
        result: answer.result,
        affects_safety: answer.affects_safety.unwrap_or(false),
        corrected_on_spot: answer.corrected_on_spot.unwrap_or(false),
        said: answer.result.is_none().then_some((&answer.values, answer.number)),
    }
}
