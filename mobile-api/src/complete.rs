//! What a checklist still lacks: the rule the phone asks for before anybody signs, and the server again at submission.
//!
//! All but unannounced checks and re-inspections cover every item of the template (SAMR Order 49 of 2021, article 27). An item
//! that does not apply says why; a failed one says what was seen and whether it affects safety, because that decides between
//! case and rectification (articles 31 to 33). Photos are not part of it: the phone asks for them, and they arrive by their own
//! way, before or after.

use std::collections::HashMap;

use crate::field::{Faults, FieldFault};
use crate::inspection::{Answer, InspectionKind, ItemResult};
use crate::template::TemplateBody;

/// Something an item still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// It is not answered.
    Answer,
    /// Why it does not apply, or what was seen.
    Reason,
    /// Whether the failure affects safety.
    AffectsSafety,
}

impl Lack {
    /// As the phone names it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Reason => "reason",
            Self::AffectsSafety => "affects_safety",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Answer => "not answered",
            Self::Reason => "needs words",
            Self::AffectsSafety => "say whether it affects safety",
        }
    }
}

/// What one item lacks; empty when it is done.
pub fn lacks(answer: Option<&Answer>, kind: InspectionKind) -> Vec<Lack> {
    let Some(answer) = answer else {
        return if kind.covers_all_items() { vec![Lack::Answer] } else { Vec::new() };
    };
    let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    match answer.result {
        ItemResult::Conforms => Vec::new(),
        ItemResult::NotApplicable if said(&answer.reason) => Vec::new(),
        ItemResult::NotApplicable => vec![Lack::Reason],
        ItemResult::Fails => {
            let unsaid = [(answer.affects_safety.is_none(), Lack::AffectsSafety), (!said(&answer.remark), Lack::Reason)];
            unsaid.into_iter().filter(|(missing, _)| *missing).map(|(_, lack)| lack).collect()
        }
    }
}

/// Every lack of a checklist, at `/answers/CODE`.
///
/// # Errors
/// All of them, in the order of the template.
pub fn check(template: &TemplateBody, answers: &[Answer], kind: InspectionKind) -> Result<(), Vec<FieldFault>> {
    let given: HashMap<&str, &Answer> = answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
    let mut faults = Faults::new();
    for item in template.items() {
        for lack in lacks(given.get(item.code.as_str()).copied(), kind) {
            faults.within("answers", |faults| faults.note_at(&item.code, lack.code(), lack.words()));
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
        let kind = InspectionKind::Routine;
        assert_eq!(lacks(None, kind), [Lack::Answer]);
        assert_eq!(lacks(Some(&answer(json!({"result": "conforms"}))), kind), []);
        assert_eq!(lacks(Some(&answer(json!({"result": "not_applicable", "reason": " "}))), kind), [Lack::Reason]);
        assert_eq!(lacks(Some(&answer(json!({"result": "fails"}))), kind), [Lack::AffectsSafety, Lack::Reason]);
        let whole = json!({"result": "fails", "affects_safety": false, "remark": "离墙不足 10 厘米"});
        assert_eq!(lacks(Some(&answer(whole)), kind), []);
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
