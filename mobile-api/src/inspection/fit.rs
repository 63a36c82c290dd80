//! Whether what was answered fits the template: its items, its fields, their types and choices.
//!
//! What is not asked may be answered all the same (an older phone, a condition that turned): it is kept and counts nowhere.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Answer, EvidenceKind, PartContent};
use crate::field::Faults;
use crate::template::{Choice, Field, FieldKind, FieldValue, Item, TemplateBody};

/// Notes everything of a part that the template has no place for, under `content`.
pub fn check(faults: &mut Faults, content: &PartContent, template: &TemplateBody) {
    faults.within("content", |faults| check_here(faults, content, template));
}

/// As [`check`], where the walk stands at the part's content.
pub fn check_here(faults: &mut Faults, content: &PartContent, template: &TemplateBody) {
    let items: HashMap<&str, &Item> = template.items().map(|item| (item.code.as_str(), item)).collect();
    let drawings: Vec<Uuid> = content.evidence.iter().filter(|one| one.kind == EvidenceKind::Signature).map(|one| one.id).collect();
    for (index, one) in content.answers.iter().enumerate() {
        faults.within("answers", |faults| {
            faults.within(index, |faults| match items.get(one.item_code.as_str()) {
                Some(item) => answer(faults, one, item, &drawings),
                None => faults.note_at("item_code", "unknown", "no such item in this template"),
            });
        });
    }
    for (index, one) in content.evidence.iter().enumerate() {
        if one.item_code.as_deref().is_some_and(|code| !items.contains_key(code)) {
            faults.within("evidence", |faults| {
                faults.within(index, |faults| faults.note_at("item_code", "unknown", "no such item in this template"));
            });
        }
    }
}

/// Notes everything of one answer that its item has no place for; `drawings` are the signatures it may name.
pub fn answer(faults: &mut Faults, answer: &Answer, item: &Item, drawings: &[Uuid]) {
    if item.question && answer.result.is_some() {
        faults.note_at("result", "kind", "a plain question is not judged");
    }
    for (code, value) in &answer.values {
        faults.within("values", |faults| match item.field(code) {
            None => faults.note_at(code, "unknown", "no such field at this item"),
            Some(field) => faults.within(code, |faults| self::value(faults, field, value, drawings)),
        });
    }
}

fn value(faults: &mut Faults, field: &Field, value: &FieldValue, drawings: &[Uuid]) {
    let known = |choices: &[Choice], code: &str| choices.iter().any(|choice| choice.code == code);
    match (&field.kind, value) {
        (FieldKind::Number { .. }, FieldValue::Number(_)) | (FieldKind::Text { .. }, FieldValue::Text(_)) => {}
        (FieldKind::One { choices }, FieldValue::Text(code)) if known(choices, code) => {}
        (FieldKind::One { .. }, FieldValue::Text(_)) => faults.note("unknown", "no such choice"),
        (FieldKind::Many { choices }, FieldValue::Many(codes)) => {
            for (index, code) in codes.iter().enumerate() {
                if !known(choices, code) {
                    faults.note_at(index, "unknown", "no such choice");
                }
                if codes[..index].contains(code) {
                    faults.note_at(index, "duplicate", "chosen before");
                }
            }
        }
        (FieldKind::Signature {}, FieldValue::Text(id)) => {
            if !id.parse::<Uuid>().is_ok_and(|id| drawings.contains(&id)) {
                faults.note("unknown", "not a signature among the evidence of this part");
            }
        }
        (FieldKind::Number { .. }, _) => faults.note("kind", "a number is wanted"),
        (FieldKind::Text { .. } | FieldKind::One { .. } | FieldKind::Signature {}, _) => faults.note("kind", "a text is wanted"),
        (FieldKind::Many { .. }, _) => faults.note("kind", "a list is wanted"),
    }
}
