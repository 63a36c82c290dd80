//! Whether a template can be used: everything wrong with it is told at once.

use std::collections::HashSet;

use super::{Bilingual, Grade, Item, NumberField, Rule, TemplateBody, TemplateFile};
use crate::field::{Faults, FieldFault};
use crate::limits::{CODE_BYTES_MAX, ITEMS_MAX, MIN_PHOTOS_MAX, NAME_CHARS_MAX, SECTIONS_MAX, TEXT_CHARS_MAX};

impl TemplateFile {
    /// Checks the whole file.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if self.code.is_empty() || self.code.len() > CODE_BYTES_MAX || !self.code.bytes().all(plain) {
            faults.note_at("code", "format", "lower-case letters, digits and _, at most 64");
        }
        faults.within("name", |faults| bilingual(faults, &self.name, NAME_CHARS_MAX));
        faults.within("source", |faults| bilingual(faults, &self.source, TEXT_CHARS_MAX));
        if self.premises_kinds.is_empty() {
            faults.note_at("premises_kinds", "required", "at least one kind of premises");
        }
        faults.count("premises_kinds", self.premises_kinds.len(), 20);
        faults.within("body", |faults| self.body.check_into(faults));
        faults.finish()
    }
}

impl TemplateBody {
    /// Checks rule, sections and items.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        self.check_into(&mut faults);
        faults.finish()
    }

    fn check_into(&self, faults: &mut Faults) {
        faults.within("rule", |faults| rule(faults, &self.rule));
        faults.count("sections", self.sections.len(), SECTIONS_MAX);
        if self.sections.is_empty() {
            faults.note_at("sections", "required", "at least one section");
        }
        let items = self.items().count();
        if items > ITEMS_MAX {
            faults.note_at("sections", "too_many", format!("at most {ITEMS_MAX} items in all sections"));
        }
        let mut section_codes = HashSet::new();
        let mut item_codes = HashSet::new();
        for (index, section) in self.sections.iter().enumerate() {
            faults.within("sections", |faults| {
                faults.within(index, |faults| {
                    code(faults, &section.code, &mut section_codes);
                    faults.within("name", |faults| bilingual(faults, &section.name, NAME_CHARS_MAX));
                    if section.items.is_empty() {
                        faults.note_at("items", "required", "at least one item");
                    }
                    for (index, one) in section.items.iter().enumerate() {
                        faults.within("items", |faults| {
                            faults.within(index, |faults| item(faults, one, &mut item_codes));
                        });
                    }
                });
            });
        }
    }
}

fn rule(faults: &mut Faults, rule: &Rule) {
    for (field, points) in [("points_key", rule.points_key), ("points_general", rule.points_general)] {
        if !(1..=100).contains(&points) {
            faults.note_at(field, "out_of_range", "1 to 100 points");
        }
    }
    faults.count("grades", rule.grades.len(), 3);
    for (index, step) in rule.grades.iter().enumerate() {
        faults.within("grades", |faults| {
            faults.within(index, |faults| {
                if step.min > 100 {
                    faults.note_at("min", "out_of_range", "0 to 100");
                }
                if step.grade == Grade::None {
                    faults.note_at("grade", "out_of_range", "a step gives excellent, good or fair");
                }
                let earlier = &rule.grades[..index];
                if earlier.last().is_some_and(|before| before.min <= step.min) {
                    faults.note_at("min", "out_of_range", "steps go from the highest score to the lowest");
                }
                if earlier.iter().any(|before| before.grade == step.grade) {
                    faults.note_at("grade", "duplicate", "each grade once");
                }
            });
        });
    }
}

fn item<'a>(faults: &mut Faults, item: &'a Item, codes: &mut HashSet<&'a str>) {
    code(faults, &item.code, codes);
    faults.within("text", |faults| bilingual(faults, &item.text, TEXT_CHARS_MAX));
    faults.text("basis", &item.basis, NAME_CHARS_MAX);
    if item.min_photos > MIN_PHOTOS_MAX {
        faults.note_at("min_photos", "out_of_range", format!("at most {MIN_PHOTOS_MAX}"));
    }
    if let Some(field) = &item.number {
        faults.within("number", |faults| number(faults, field));
    }
}

fn number(faults: &mut Faults, field: &NumberField) {
    faults.text("unit", &field.unit, 20);
    faults.within("label", |faults| bilingual(faults, &field.label, NAME_CHARS_MAX));
    let finite = |bound: Option<f64>| bound.is_none_or(|value| value.is_finite() && value.abs() <= 1e9);
    for (name, bound) in [("min", field.min), ("max", field.max)] {
        if !finite(bound) {
            faults.note_at(name, "out_of_range", "within a thousand million");
        }
    }
    if let (Some(min), Some(max)) = (field.min, field.max)
        && min > max
    {
        faults.note_at("max", "out_of_range", "not under the lowest value");
    }
}

fn code<'a>(faults: &mut Faults, code: &'a str, seen: &mut HashSet<&'a str>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if code.is_empty() || code.len() > CODE_BYTES_MAX || !code.bytes().all(plain) {
        faults.note_at("code", "format", "ASCII letters, digits, '.', '_' and '-', at most 64");
    }
    if !seen.insert(code) {
        faults.note_at("code", "duplicate", "used before in this template");
    }
}

fn bilingual(faults: &mut Faults, text: &Bilingual, chars_max: usize) {
    faults.text("zh", &text.zh, chars_max);
    faults.text("en", &text.en, chars_max);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(value: serde_json::Value) -> TemplateBody {
        serde_json::from_value(value).expect("the form of a body")
    }

    #[test]
    fn tells_everything_wrong_at_once() {
        let text = json!({"zh": "字", "en": "words"});
        let bad = body(json!({
            "rule": {"general_limit": 8, "points_key": 0, "points_general": 1,
                "grades": [{"min": 60, "grade": "fair"}, {"min": 90, "grade": "excellent"}, {"min": 101, "grade": "none"}]},
            "sections": [
                {"code": "1", "name": text, "items": [
                    {"code": "1.1", "key": true, "text": text, "basis": "x"},
                    {"code": "1.1", "key": true, "text": {"zh": "", "en": "w"}, "basis": "x", "min_photos": 11,
                        "number": {"unit": "g", "min": 5.0, "max": 1.0, "label": text}}]},
                {"code": "1", "name": text, "items": []}]}));
        let found: Vec<(String, String)> = bad.check().expect_err("faults").into_iter().map(|fault| (fault.pointer, fault.code)).collect();
        let expected = [
            ("/rule/points_key", "out_of_range"),
            ("/rule/grades/1/min", "out_of_range"),
            ("/rule/grades/2/min", "out_of_range"),
            ("/rule/grades/2/grade", "out_of_range"),
            ("/rule/grades/2/min", "out_of_range"),
            ("/sections/0/items/1/code", "duplicate"),
            ("/sections/0/items/1/text/zh", "required"),
            ("/sections/0/items/1/min_photos", "out_of_range"),
            ("/sections/0/items/1/number/max", "out_of_range"),
            ("/sections/1/code", "duplicate"),
            ("/sections/1/items", "required"),
        ];
        let expected: Vec<(String, String)> = expected.into_iter().map(|(pointer, code)| (pointer.to_owned(), code.to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let extra = json!({"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": [], "weight": 1}, "sections": []});
        assert!(serde_json::from_value::<TemplateBody>(extra).is_err());
    }
}
