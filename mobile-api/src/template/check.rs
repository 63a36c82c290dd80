//! Whether a template can be used: everything wrong with it is told at once.

use std::collections::HashSet;

use super::links::Links;
use super::{Bilingual, Choice, Field, FieldKind, Grade, Item, NumberField, Rule, TemplateBody, TemplateFile};
use crate::field::{Faults, FieldFault};
use crate::limits::{
    CHOICES_MAX, CODE_BYTES_MAX, FIELDS_MAX, FIELDS_PER_ITEM_MAX, ITEMS_MAX, MIN_PHOTOS_MAX, NAME_CHARS_MAX, PAPERS_PER_ITEM_MAX,
    PREMISES_KINDS_MAX, REMARKS_MAX, SECTIONS_MAX, TEXT_CHARS_MAX, UNIT_CHARS_MAX,
};

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
        faults.count("premises_kinds", self.premises_kinds.len(), PREMISES_KINDS_MAX);
        let mut kinds = HashSet::new();
        for (index, kind) in self.premises_kinds.iter().enumerate() {
            faults.within("premises_kinds", |faults| {
                if kind.is_empty() || kind.len() > CODE_BYTES_MAX || !kind.bytes().all(plain) {
                    faults.note_at(index, "format", "lower-case letters, digits and _, at most 64");
                }
                if !kinds.insert(kind) {
                    faults.note_at(index, "duplicate", "each kind once");
                }
            });
        }
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
        if self.items().map(|item| item.fields.len()).sum::<usize>() > FIELDS_MAX {
            faults.note_at("sections", "too_many", format!("at most {FIELDS_MAX} fields in all items"));
        }
        let mut links = Links::of(self);
        let mut place = 0;
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
                            faults.within(index, |faults| {
                                item(faults, one, &mut item_codes);
                                links.item(faults, place);
                            });
                        });
                        place += 1;
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
    if item.question {
        faults.optional_text("basis", Some(&item.basis), NAME_CHARS_MAX);
        question(faults, item);
    } else {
        faults.text("basis", &item.basis, NAME_CHARS_MAX);
    }
    if item.min_photos > MIN_PHOTOS_MAX {
        faults.note_at("min_photos", "out_of_range", format!("at most {MIN_PHOTOS_MAX}"));
    }
    if let Some(field) = &item.number {
        faults.within("number", |faults| number(faults, field));
    }
    faults.count("fields", item.fields.len(), FIELDS_PER_ITEM_MAX);
    let mut codes = HashSet::new();
    for (index, one) in item.fields.iter().enumerate() {
        faults.within("fields", |faults| faults.within(index, |faults| self::field(faults, one, &mut codes)));
    }
    faults.count("papers", item.papers.len(), PAPERS_PER_ITEM_MAX);
    for (index, code) in item.papers.iter().enumerate() {
        faults.within("papers", |faults| faults.within(index, |faults| faults.text_here(code, CODE_BYTES_MAX)));
    }
    faults.count("remarks", item.remarks.len(), REMARKS_MAX);
    for (index, remark) in item.remarks.iter().enumerate() {
        faults.within("remarks", |faults| faults.within(index, |faults| bilingual(faults, remark, NAME_CHARS_MAX)));
    }
}

/// A plain question asks for something, and nothing of it belongs to a judgement.
fn question(faults: &mut Faults, item: &Item) {
    if item.fields.is_empty() && item.number.is_none() && item.min_photos == 0 {
        faults.note_at("fields", "required", "a plain question asks for a field, a number or a photo");
    }
    if item.key {
        faults.note_at("key", "kind", "a plain question is not judged, so it is no key item");
    }
    if item.photo_on_fail {
        faults.note_at("photo_on_fail", "kind", "a plain question does not fail");
    }
}

fn field<'a>(faults: &mut Faults, field: &'a Field, codes: &mut HashSet<&'a str>) {
    code(faults, &field.code, codes);
    faults.within("label", |faults| bilingual(faults, &field.label, NAME_CHARS_MAX));
    faults.within("kind", |faults| match &field.kind {
        FieldKind::Number { unit, min, max } => {
            faults.optional_text("unit", Some(unit), UNIT_CHARS_MAX);
            range(faults, *min, *max);
        }
        FieldKind::One { choices } | FieldKind::Many { choices } => self::choices(faults, choices),
        FieldKind::Text { .. } | FieldKind::Signature {} => {}
    });
}

fn choices(faults: &mut Faults, choices: &[Choice]) {
    if choices.is_empty() {
        faults.note_at("choices", "required", "at least one choice");
    }
    faults.count("choices", choices.len(), CHOICES_MAX);
    let mut codes = HashSet::new();
    for (index, choice) in choices.iter().enumerate() {
        faults.within("choices", |faults| {
            faults.within(index, |faults| {
                code(faults, &choice.code, &mut codes);
                faults.within("label", |faults| bilingual(faults, &choice.label, NAME_CHARS_MAX));
            });
        });
    }
}

fn number(faults: &mut Faults, field: &NumberField) {
    faults.text("unit", &field.unit, UNIT_CHARS_MAX);
    faults.within("label", |faults| bilingual(faults, &field.label, NAME_CHARS_MAX));
    range(faults, field.min, field.max);
}

fn range(faults: &mut Faults, min: Option<f64>, max: Option<f64>) {
    let finite = |bound: Option<f64>| bound.is_none_or(|value| value.is_finite() && value.abs() <= 1e9);
    for (name, bound) in [("min", min), ("max", max)] {
        if !finite(bound) {
            faults.note_at(name, "out_of_range", "within a thousand million");
        }
    }
    if let (Some(min), Some(max)) = (min, max)
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
        faults.note_at("code", "duplicate", "used before");
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

    fn found(items: serde_json::Value) -> Vec<String> {
        let text = json!({"zh": "字", "en": "words"});
        let mut items = items;
        for item in items.as_array_mut().expect("a list") {
            let whole = item.as_object_mut().expect("an item");
            for (name, value) in [("key", json!(false)), ("text", text.clone()), ("basis", json!("x"))] {
                whole.entry(name).or_insert(value);
            }
        }
        let rule = json!({"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []});
        let found = body(json!({"rule": rule, "sections": [{"code": "1", "name": text, "items": items}]})).check();
        found.err().unwrap_or_default().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
    }

    fn shown_when(code: &str, other: &str) -> serde_json::Value {
        json!({"code": code, "show_when": {"result": {"item": other, "one_of": ["fails"]}}})
    }

    #[test]
    fn what_would_be_shown_because_of_itself_is_refused() {
        assert_eq!(found(json!([{"code": "a"}, shown_when("b", "a"), shown_when("c", "b")])), Vec::<String>::new());
        let at = |index: usize| format!("/sections/0/items/{index}/show_when cycle");
        assert_eq!(found(json!([shown_when("a", "a")])), [at(0)]);
        assert_eq!(
            found(json!([shown_when("a", "c"), shown_when("b", "a"), shown_when("c", "b"), shown_when("d", "b")])),
            [at(0), at(1), at(2), at(3)]
        );
        // Through a field: the item is shown because of its own field, which is shown because the item is.
        let text = json!({"zh": "字", "en": "words"});
        let field = json!({"code": "f", "label": text, "kind": {"type": "text"}});
        let own = json!([{"code": "a", "fields": [field], "show_when": {"value": {"item": "a", "field": "f", "is": "given"}}}]);
        assert_eq!(found(own), [at(0)]);
        // What is required because of its own result is no cycle.
        assert_eq!(found(json!([{"code": "a", "require_when": {"result": {"item": "a", "one_of": ["fails"]}}}])), Vec::<String>::new());
    }

    #[test]
    fn a_long_chain_is_refused() {
        let mut items = vec![json!({"code": "i0"})];
        items.extend((1..40).map(|number| shown_when(&format!("i{number}"), &format!("i{}", number - 1))));
        let found = found(json!(items));
        assert_eq!((found.len(), found[0].as_str()), (9, "/sections/0/items/31/show_when too_many"));
    }

    #[test]
    fn conditions_compare_like_with_like_and_name_what_there_is() {
        let text = json!({"zh": "字", "en": "words"});
        let fields = json!([
            {"code": "n", "label": text, "kind": {"type": "number", "unit": "g", "min": 2, "max": 1}},
            {"code": "o", "label": text, "kind": {"type": "one", "choices": [{"code": "x", "label": text}, {"code": "x", "label": text}]}},
            {"code": "o", "label": text, "kind": {"type": "many", "choices": []}}]);
        let wrong = json!({"all": [
            {"value": {"item": "a", "is": "given"}},
            {"value": {"item": "a", "field": "n", "is": "includes", "to": 1}},
            {"value": {"item": "a", "field": "n", "is": "less", "to": "x"}},
            {"value": {"item": "a", "field": "o", "is": "equals", "to": "y"}},
            {"not": {"value": {"item": "a", "field": "z", "is": "given"}}},
            {"any": []},
            {"result": {"item": "q", "one_of": ["fails"]}}, {"result": {"item": "gone", "one_of": []}}]});
        let items = json!([{"code": "a", "fields": fields}, {"code": "b", "show_when": wrong},
            {"code": "q", "question": true, "key": true, "basis": ""}]);
        assert_eq!(
            found(items),
            [
                "/sections/0/items/0/fields/0/kind/max out_of_range",
                "/sections/0/items/0/fields/1/kind/choices/1/code duplicate",
                "/sections/0/items/0/fields/2/code duplicate",
                "/sections/0/items/0/fields/2/kind/choices required",
                "/sections/0/items/1/show_when/all/0/value/field required",
                "/sections/0/items/1/show_when/all/1/value/is kind",
                "/sections/0/items/1/show_when/all/2/value/to kind",
                "/sections/0/items/1/show_when/all/3/value/to unknown",
                "/sections/0/items/1/show_when/all/4/not/value/field unknown",
                "/sections/0/items/1/show_when/all/5/any required",
                "/sections/0/items/1/show_when/all/6/result/item kind",
                "/sections/0/items/1/show_when/all/7/result/item unknown",
                "/sections/0/items/1/show_when/all/7/result/one_of required",
                "/sections/0/items/2/fields required",
                "/sections/0/items/2/key kind",
            ]
        );
    }

    #[test]
    fn conditions_have_a_depth_and_a_number_of_parts() {
        let leaf = json!({"result": {"item": "a", "one_of": ["fails"]}});
        let deep = (0..7).fold(leaf.clone(), |inner, _| json!({"not": inner}));
        let place = "/sections/0/items/1/show_when";
        assert_eq!(found(json!([{"code": "a"}, {"code": "b", "show_when": deep}])), [format!("{place}/not/not/not/not/not/not too_deep")]);
        let wide = json!({"any": vec![leaf; 40]});
        assert_eq!(found(json!([{"code": "a"}, {"code": "b", "show_when": wide}])), [format!("{place} too_many")]);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let extra = json!({"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": [], "weight": 1}, "sections": []});
        assert!(serde_json::from_value::<TemplateBody>(extra).is_err());
    }
}
