//! What a checklist still lacks: the rule the phone asks for before anybody signs, and the server again at submission.
//!
//! All but unannounced checks and re-inspections cover every item of the template (SAMR Order 49 of 2021, article 27). An item
//! that does not apply says why; a failed one says what was seen and whether it affects safety, because that decides between
//! case and rectification (articles 31 to 33). Fields say themselves whether they must be given. What is not asked (see
//! [`crate::asked`]) lacks nothing. Photos are not part of it: the phone asks for them, and they arrive by their own
//! way, before or after.

use std::collections::HashMap;

use crate::asked::{AskedItem, asked, is_given};
use crate::field::{Faults, FieldFault};
use crate::inspection::{Answer, InspectionKind, ItemResult};
use crate::signing::lacks_safety_reason;
use crate::template::{Item, TemplateBody};

/// Something an item still needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It is not answered.
    Answer,
    /// Why it does not apply, or what was seen.
    Reason,
    /// Whether the failure affects safety.
    AffectsSafety,
    /// Why it does, or does not.
    SafetyReason,
    /// A field that must be given, by its code.
    Field(String),
}

impl Lack {
    /// As the phone names it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Reason => "reason",
            Self::AffectsSafety => "affects_safety",
            Self::SafetyReason => "safety_reason",
            Self::Field(_) => "field",
        }
    }

    const fn words(&self) -> &'static str {
        match self {
            Self::Answer => "not answered",
            Self::Reason => "needs words",
            Self::AffectsSafety => "say whether it affects safety",
            Self::SafetyReason => "say why it does, or does not",
            Self::Field(_) => "must be given",
        }
    }
}

/// What one item lacks, as it is asked; empty when it is done, or not asked.
pub fn lacks(item: &Item, answer: Option<&Answer>, asked: &AskedItem, kind: InspectionKind) -> Vec<Lack> {
    if !asked.shown {
        return Vec::new();
    }
    let wanted = asked.required || (!item.question && kind.covers_all_items());
    let Some(answer) = answer.filter(|answer| if item.question { touched(answer) } else { answer.result.is_some() || touched(answer) })
    else {
        return if wanted { vec![Lack::Answer] } else { Vec::new() };
    };
    let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let unsaid = match answer.result {
        None if item.question => Vec::new(),
        // Something is noted, and no result: half done.
        None => return vec![Lack::Answer],
        Some(ItemResult::Conforms) => Vec::new(),
        Some(ItemResult::NotApplicable) => vec![(!said(&answer.reason), Lack::Reason)],
        Some(ItemResult::Fails) => vec![
            (answer.affects_safety.is_none(), Lack::AffectsSafety),
            (answer.affects_safety.is_some() && lacks_safety_reason(answer), Lack::SafetyReason),
            (!said(&answer.remark), Lack::Reason),
        ],
    };
    let ungiven = item.fields.iter().zip(&asked.fields).map(|(field, asked)| {
        let given = answer.values.get(&field.code).is_some_and(is_given);
        (asked.required && !given, Lack::Field(field.code.clone()))
    });
    unsaid.into_iter().chain(ungiven).filter(|(missing, _)| *missing).map(|(_, lack)| lack).collect()
}

/// Whether anything is noted beside the result.
fn touched(answer: &Answer) -> bool {
    answer.number.is_some()
        || answer.values.values().any(is_given)
        || !answer.evidence_ids.is_empty()
        || answer.remark.as_deref().is_some_and(|remark| !remark.trim().is_empty())
}

/// Every lack that a checklist is refused for: at `/answers/CODE`, that of a field at `/answers/CODE/values/FIELD`.
///
/// Why a failure does or does not affect safety is asked by phones since version 4; what older ones send without it is taken and marked
/// as to be completed (see [`crate::signing`]).
///
/// # Errors
/// All of them, in the order of the template.
pub fn check(template: &TemplateBody, answers: &[Answer], kind: InspectionKind) -> Result<(), Vec<FieldFault>> {
    let given: HashMap<&str, &Answer> = answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
    let mut faults = Faults::new();
    for (item, asked) in template.items().zip(asked(template, answers)) {
        let wanting = lacks(item, given.get(item.code.as_str()).copied(), &asked, kind);
        for lack in wanting.into_iter().filter(|lack| *lack != Lack::SafetyReason) {
            faults.within("answers", |faults| match &lack {
                Lack::Field(code) => faults.within(&item.code, |faults| {
                    faults.within("values", |faults| faults.note_at(code, lack.code(), lack.words()));
                }),
                _ => faults.note_at(&item.code, lack.code(), lack.words()),
            });
        }
    }
    faults.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shipped;

    fn answer(more: serde_json::Value) -> Answer {
        let mut answer = json!({"item_code": "1.1", "answered_at": "2026-11-23T06:05:00.000Z", "evidence_ids": []});
        answer.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        serde_json::from_value(answer).expect("an answer")
    }

    #[test]
    fn an_answer_says_what_its_result_asks_for() {
        let text = json!({"zh": "字", "en": "words"});
        let item: Item = serde_json::from_value(json!({"code": "1.1", "key": false, "text": text, "basis": "x"})).expect("an item");
        let asked = AskedItem { shown: true, ..AskedItem::default() };
        let of = |answer: Option<&Answer>| lacks(&item, answer, &asked, InspectionKind::Routine);
        assert_eq!(of(None), [Lack::Answer]);
        assert_eq!(of(Some(&answer(json!({"result": "conforms"})))), []);
        assert_eq!(of(Some(&answer(json!({"result": "not_applicable", "reason": " "})))), [Lack::Reason]);
        assert_eq!(of(Some(&answer(json!({"result": "fails"})))), [Lack::AffectsSafety, Lack::Reason]);
        let unreasoned = json!({"result": "fails", "affects_safety": false, "remark": "离墙不足 10 厘米"});
        assert_eq!(of(Some(&answer(unreasoned))), [Lack::SafetyReason]);
        let whole = json!({"result": "fails", "affects_safety": false, "reason": "不直接接触食品", "remark": "离墙不足 10 厘米"});
        assert_eq!(of(Some(&answer(whole))), []);
        assert_eq!(lacks(&item, None, &AskedItem::default(), InspectionKind::Routine), []);
    }

    #[test]
    fn an_unannounced_check_may_leave_items_out() {
        let template = shipped::templates().expect("templates").remove(0).body;
        assert_eq!(check(&template, &[], InspectionKind::Unannounced), Ok(()));
        let faults = check(&template, &[answer(json!({"result": "conforms"}))], InspectionKind::Routine).expect_err("incomplete");
        assert_eq!((faults.len(), faults[0].code.as_str()), (template.items().count() - 1, "answer"));
        assert!(faults.iter().all(|fault| fault.pointer.starts_with("/answers/") && fault.pointer != "/answers/1.1"));
    }
}
