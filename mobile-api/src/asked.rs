//! What a checklist asks, given what has been answered so far: which items and fields are shown, and which must be given.
//!
//! One specification, two programs (`server/web/shared/asked.ts` is the other), one file of vectors (`vectors/asked.json`):
//!
//! 1. An item is asked where its `show_when` holds, or where it has none.
//! 2. A field is asked where its item is, the item's result is not "not applicable", and its own `show_when` holds.
//! 3. A condition sees only what is asked: of an item or a field that is not, it sees no result and no value, whatever was
//!    answered before it went out of sight. So the order in which things are looked at is that of their dependence, not of
//!    the paper; what would depend on itself cannot be published, and would count as not asked.
//! 4. A comparison with a value that is not there, or is of another type, does not hold. Texts compare letter by letter.
//! 5. An item must be answered where it is asked and (it is judged and the check covers all items, or it is `required`, or its
//!    `require_when` holds). A field must be given where it is asked and (it is `required`, or its `require_when` holds), once
//!    its item is answered.
//! 6. What is not asked is not judged, not missing, and not sent by the phone; a server that gets it keeps it and counts it nowhere.

use std::collections::HashMap;

use crate::inspection::{Answer, ItemResult};
use crate::template::{Comparison, Condition, Field, FieldValue, Item, TemplateBody, ValueIs};

/// What is asked of one item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AskedItem {
    /// Whether it is asked.
    pub shown: bool,
    /// Whether it must be answered even where a check does not cover all items.
    pub required: bool,
    /// Of its fields, in their order.
    pub fields: Vec<AskedField>,
}

/// What is asked of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskedField {
    /// Whether it is asked.
    pub shown: bool,
    /// Whether it must be given.
    pub required: bool,
}

/// What is asked, item by item in the order of the paper.
pub fn asked(template: &TemplateBody, answers: &[Answer]) -> Vec<AskedItem> {
    let mut look = Look::new(template, answers);
    (0..look.items.len()).map(|index| look.item(index)).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Not,
    Under,
    Shown(bool),
}

struct Look<'a> {
    items: Vec<&'a Item>,
    places: HashMap<&'a str, usize>,
    answers: HashMap<&'a str, &'a Answer>,
    seen: Vec<Seen>,
    seen_fields: Vec<Vec<Seen>>,
}

impl<'a> Look<'a> {
    fn new(template: &'a TemplateBody, answers: &'a [Answer]) -> Self {
        let items: Vec<&Item> = template.items().collect();
        Self {
            places: items.iter().enumerate().map(|(index, item)| (item.code.as_str(), index)).collect(),
            answers: answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect(),
            seen: vec![Seen::Not; items.len()],
            seen_fields: items.iter().map(|item| vec![Seen::Not; item.fields.len()]).collect(),
            items,
        }
    }

    fn item(&mut self, index: usize) -> AskedItem {
        let item = self.items[index];
        let shown = self.shown(index);
        let required = shown && (item.required || self.holds_if(item.require_when.as_ref()));
        let fields = item.fields.iter().enumerate().map(|(field, one)| self.field(index, field, one)).collect();
        AskedItem { shown, required, fields }
    }

    fn field(&mut self, index: usize, field: usize, one: &'a Field) -> AskedField {
        let shown = self.field_shown(index, field);
        AskedField { shown, required: shown && (one.required || self.holds_if(one.require_when.as_ref())) }
    }

    fn holds_if(&mut self, condition: Option<&'a Condition>) -> bool {
        condition.is_some_and(|condition| self.holds(condition))
    }

    fn shown(&mut self, index: usize) -> bool {
        match self.seen[index] {
            Seen::Shown(shown) => shown,
            Seen::Under => false,
            Seen::Not => {
                self.seen[index] = Seen::Under;
                let shown = self.items[index].show_when.as_ref().is_none_or(|condition| self.holds(condition));
                self.seen[index] = Seen::Shown(shown);
                shown
            }
        }
    }

    fn field_shown(&mut self, index: usize, field: usize) -> bool {
        match self.seen_fields[index][field] {
            Seen::Shown(shown) => shown,
            Seen::Under => false,
            Seen::Not => {
                self.seen_fields[index][field] = Seen::Under;
                let condition = self.items[index].fields[field].show_when.as_ref();
                let shown = self.applies(index) && condition.is_none_or(|condition| self.holds(condition));
                self.seen_fields[index][field] = Seen::Shown(shown);
                shown
            }
        }
    }

    /// Whether an item is asked and not put aside as not applicable.
    fn applies(&mut self, index: usize) -> bool {
        self.shown(index) && self.result(index) != Some(ItemResult::NotApplicable)
    }

    fn result(&self, index: usize) -> Option<ItemResult> {
        self.answers.get(self.items[index].code.as_str()).and_then(|answer| answer.result)
    }

    fn holds(&mut self, condition: &'a Condition) -> bool {
        match condition {
            Condition::All(all) => all.iter().all(|one| self.holds(one)),
            Condition::Any(any) => any.iter().any(|one| self.holds(one)),
            Condition::Not(one) => !self.holds(one),
            Condition::Result(wanted) => {
                let Some(&index) = self.places.get(wanted.item.as_str()) else { return false };
                self.shown(index) && self.result(index).is_some_and(|result| wanted.one_of.contains(&result))
            }
            Condition::Value(wanted) => self.value(wanted).is_some_and(|value| compares(&value, wanted)),
        }
    }

    /// The value that a condition sees.
    fn value(&mut self, wanted: &ValueIs) -> Option<FieldValue> {
        let index = *self.places.get(wanted.item.as_str())?;
        let item = self.items[index];
        let answer = *self.answers.get(item.code.as_str())?;
        let Some(code) = &wanted.field else {
            return self.applies(index).then_some(answer.number?).map(FieldValue::Number);
        };
        let field = item.fields.iter().position(|field| field.code == *code)?;
        self.field_shown(index, field).then(|| answer.values.get(code).cloned())?
    }
}

/// Whether a value is one: an empty text or list is none.
pub fn is_given(value: &FieldValue) -> bool {
    match value {
        FieldValue::Number(_) => true,
        FieldValue::Text(text) => !text.is_empty(),
        FieldValue::Many(many) => !many.is_empty(),
    }
}

fn compares(value: &FieldValue, wanted: &ValueIs) -> bool {
    use Comparison as C;
    if !is_given(value) {
        return false;
    }
    match (wanted.is, value, &wanted.to) {
        (C::Given, ..) => true,
        (C::Equals, FieldValue::Number(value), Some(FieldValue::Number(to))) => value == to,
        (C::NotEquals, FieldValue::Number(value), Some(FieldValue::Number(to))) => value != to,
        (C::Less, FieldValue::Number(value), Some(FieldValue::Number(to))) => value < to,
        (C::AtMost, FieldValue::Number(value), Some(FieldValue::Number(to))) => value <= to,
        (C::More, FieldValue::Number(value), Some(FieldValue::Number(to))) => value > to,
        (C::AtLeast, FieldValue::Number(value), Some(FieldValue::Number(to))) => value >= to,
        (C::Equals, FieldValue::Text(value), Some(FieldValue::Text(to))) => value == to,
        (C::NotEquals, FieldValue::Text(value), Some(FieldValue::Text(to))) => value != to,
        (C::Includes, FieldValue::Many(many), Some(FieldValue::Text(to))) => many.contains(to),
        _ => false,
    }
}
