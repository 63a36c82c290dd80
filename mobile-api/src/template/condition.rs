//! Conditions over answers, as data: a small expression that both programs evaluate alike (see [`crate::asked`]).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FieldValue;
use crate::inspection::ItemResult;

/// Something that holds or does not, by what has been answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(no_recursion, example = json!({"result": {"item": "6.1", "one_of": ["fails"]}}))]
pub enum Condition {
    /// Each of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// An item's result.
    Result(ResultIs),
    /// A field's value.
    Value(ValueIs),
}

/// Holds where the item is asked and its result is one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultIs {
    /// The item.
    pub item: String,
    /// Results that do.
    pub one_of: Vec<ItemResult>,
}

/// Holds where the field is asked, has a value, and the value compares so. Nothing compares with a value that is not there:
/// "not equal" does not hold either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueIs {
    /// The item.
    pub item: String,
    /// Its field; without one the item's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How.
    pub is: Comparison,
    /// With what; nothing where `is` is `given`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<FieldValue>,
}

/// How a value compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same number, text or choice.
    Equals,
    /// Another.
    NotEquals,
    /// A number under it.
    Less,
    /// A number under it, or it.
    AtMost,
    /// A number over it.
    More,
    /// A number over it, or it.
    AtLeast,
    /// Of several choices: this is among them.
    Includes,
    /// There is a value at all.
    Given,
}

impl Condition {
    /// Every item and field that it looks at: item, and the field where it looks at a value.
    pub fn looks_at(&self) -> Vec<Looked<'_>> {
        let mut found = Vec::new();
        self.gather(&mut found);
        found
    }

    fn gather<'a>(&'a self, found: &mut Vec<Looked<'a>>) {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().for_each(|one| one.gather(found)),
            Self::Not(one) => one.gather(found),
            Self::Result(result) => found.push(Looked { item: &result.item, field: None }),
            Self::Value(value) => found.push(Looked { item: &value.item, field: value.field.as_deref() }),
        }
    }
}

/// What a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked<'a> {
    /// The item.
    pub item: &'a str,
    /// Its field.
    pub field: Option<&'a str>,
}
