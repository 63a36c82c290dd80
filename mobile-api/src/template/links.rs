//! Conditions of a template: that each is well formed, names what there is, compares like with like, and that nothing is
//! shown because of itself.

use std::collections::HashMap;

use super::{Comparison, Condition, Field, FieldKind, FieldValue, Item, TemplateBody, ValueIs};
use crate::field::Faults;
use crate::limits::{CONDITION_CHAIN_MAX, CONDITION_DEPTH_MAX, CONDITION_PARTS_MAX, TEXT_CHARS_MAX};

/// Something that is shown or not: an item, or a field of it.
type Node = (usize, Option<usize>);

pub(super) struct Links<'a> {
    items: Vec<&'a Item>,
    places: HashMap<&'a str, usize>,
    /// How long the chain behind a node is; `None` while it is being followed.
    chains: HashMap<Node, Option<usize>>,
}

impl<'a> Links<'a> {
    pub(super) fn of(body: &'a TemplateBody) -> Self {
        let items: Vec<&Item> = body.items().collect();
        let places = items.iter().enumerate().rev().map(|(index, item)| (item.code.as_str(), index)).collect();
        Self { items, places, chains: HashMap::new() }
    }

    /// Checks the conditions of one item and its fields; `index` is its place among all items.
    pub(super) fn item(&mut self, faults: &mut Faults, index: usize) {
        let item = self.items[index];
        self.pair(faults, (index, None), item.show_when.as_ref(), item.require_when.as_ref());
        for (number, field) in item.fields.iter().enumerate() {
            faults.within("fields", |faults| {
                faults.within(number, |faults| {
                    self.pair(faults, (index, Some(number)), field.show_when.as_ref(), field.require_when.as_ref());
                });
            });
        }
    }

    fn pair(&mut self, faults: &mut Faults, node: Node, show: Option<&'a Condition>, require: Option<&'a Condition>) {
        for (name, condition) in [("show_when", show), ("require_when", require)] {
            let Some(condition) = condition else { continue };
            faults.within(name, |faults| {
                let mut parts = 0;
                self.condition(faults, condition, 1, &mut parts);
                if parts > CONDITION_PARTS_MAX {
                    faults.note("too_many", format!("at most {CONDITION_PARTS_MAX} parts in a condition"));
                }
            });
        }
        if show.is_none() {
            return;
        }
        match self.chain(node, 0) {
            Some(length) if length > CONDITION_CHAIN_MAX => {
                faults.note_at("show_when", "too_many", format!("at most {CONDITION_CHAIN_MAX} conditions one behind the other"));
            }
            Some(_) => {}
            None => faults.note_at("show_when", "cycle", "what it depends on leads back to itself"),
        }
    }

    fn condition(&self, faults: &mut Faults, condition: &Condition, depth: usize, parts: &mut usize) {
        *parts += 1;
        if depth > CONDITION_DEPTH_MAX {
            return faults.note("too_deep", format!("at most {CONDITION_DEPTH_MAX} levels"));
        }
        let several = |faults: &mut Faults, name: &str, all: &[Condition], parts: &mut usize| {
            if all.is_empty() {
                faults.note_at(name, "required", "at least one");
            }
            for (index, one) in all.iter().enumerate() {
                faults.within(name, |faults| faults.within(index, |faults| self.condition(faults, one, depth + 1, parts)));
            }
        };
        match condition {
            Condition::All(all) => several(faults, "all", all, parts),
            Condition::Any(any) => several(faults, "any", any, parts),
            Condition::Not(one) => faults.within("not", |faults| self.condition(faults, one, depth + 1, parts)),
            Condition::Result(result) => faults.within("result", |faults| {
                match self.places.get(result.item.as_str()).map(|index| self.items[*index]) {
                    None => faults.note_at("item", "unknown", "no such item in this template"),
                    Some(item) if item.question => faults.note_at("item", "kind", "a plain question has no result"),
                    Some(_) => {}
                }
                if result.one_of.is_empty() {
                    faults.note_at("one_of", "required", "at least one result");
                }
            }),
            Condition::Value(value) => faults.within("value", |faults| self.value(faults, value)),
        }
    }

    fn value(&self, faults: &mut Faults, value: &ValueIs) {
        let Some(item) = self.places.get(value.item.as_str()).map(|index| self.items[*index]) else {
            return faults.note_at("item", "unknown", "no such item in this template");
        };
        match &value.field {
            None if item.number.is_none() => faults.note_at("field", "required", "this item has no number of its own: name a field"),
            None => like(faults, value, None),
            Some(code) => match item.field(code) {
                None => faults.note_at("field", "unknown", "no such field at this item"),
                Some(field) => like(faults, value, Some(field)),
            },
        }
    }

    /// Conditions that stand behind a node, the longest way; `None` where the way leads back to it.
    fn chain(&mut self, node: Node, depth: usize) -> Option<usize> {
        if depth > 2 * CONDITION_CHAIN_MAX {
            // Too long in any case; how long does not matter, and a cycle is found from one of its own.
            return Some(depth);
        }
        match self.chains.get(&node) {
            Some(Some(length)) => return Some(*length),
            Some(None) => return None,
            None => {}
        }
        self.chains.insert(node, None);
        let found = self.follow(node, depth);
        match found {
            Some(length) => self.chains.insert(node, Some(length)),
            None => self.chains.remove(&node),
        };
        found
    }

    fn follow(&mut self, (index, field): Node, depth: usize) -> Option<usize> {
        let item = self.items[index];
        let condition = match field {
            Some(field) => item.fields[field].show_when.as_ref(),
            None => item.show_when.as_ref(),
        };
        let mut longest = 0;
        if field.is_some() {
            longest = self.chain((index, None), depth + 1)?;
        }
        let Some(condition) = condition else { return Some(longest) };
        for looked in condition.looks_at() {
            let Some(&other) = self.places.get(looked.item) else { continue };
            let field = looked.field.and_then(|code| self.items[other].fields.iter().position(|field| field.code == code));
            longest = longest.max(1 + self.chain((other, field), depth + 1)?);
        }
        Some(longest)
    }
}

/// That a comparison fits the kind of field; without one, an item's own number.
fn like(faults: &mut Faults, value: &ValueIs, field: Option<&Field>) {
    use Comparison as C;
    let number = FieldKind::Number { unit: String::new(), min: None, max: None };
    let kind = field.map_or(&number, |field| &field.kind);
    let fits = match kind {
        FieldKind::Number { .. } => value.is != C::Includes,
        FieldKind::Text { .. } | FieldKind::One { .. } => matches!(value.is, C::Equals | C::NotEquals | C::Given),
        FieldKind::Many { .. } => matches!(value.is, C::Includes | C::Given),
        FieldKind::Signature {} => value.is == C::Given,
    };
    if !fits {
        return faults.note_at("is", "kind", "this kind of field is not compared so");
    }
    match (value.is, kind, &value.to) {
        (C::Given, _, None) => {}
        (C::Given, _, Some(_)) => faults.note_at("to", "kind", "nothing to compare with"),
        (_, _, None) => faults.note_at("to", "required", "what to compare with"),
        (_, FieldKind::Number { .. }, Some(FieldValue::Number(to))) if to.is_finite() && to.abs() <= 1e9 => {}
        (_, FieldKind::Text { .. }, Some(FieldValue::Text(to))) => faults.text("to", to, TEXT_CHARS_MAX),
        (_, FieldKind::One { choices } | FieldKind::Many { choices }, Some(FieldValue::Text(to))) => {
            if !choices.iter().any(|choice| choice.code == *to) {
                faults.note_at("to", "unknown", "no such choice");
            }
        }
        _ => faults.note_at("to", "kind", "of another type than the field"),
    }
}
