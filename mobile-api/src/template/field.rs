//! What an item asks beside its judgement: typed fields, each with a code of its own in the item.
//!
//! The older [`NumberField`](super::NumberField) of an item stays what it is; a field says more (whether it must be given, and
//! when). Values travel in `Answer::values`, by the field's code; which type a field takes is said here and checked by
//! [`crate::inspection::fit`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Bilingual, Condition};

/// A value as answered: a number, a text (or the code of a choice, or the id of a signature's drawing), or codes of choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FieldValue {
    /// Of a number field, in its unit.
    Number(f64),
    /// Of a text; the code of the choice; the id of the evidence that a signature is.
    Text(String),
    /// Codes of the choices, in the order of the template.
    Many(Vec<String>),
}

/// Values by the field's code.
pub type FieldValues = BTreeMap<String, FieldValue>;

/// One of a field's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Unique in the field.
    pub code: String,
    /// As shown.
    pub label: Bilingual,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldKind {
    /// A figure; one outside the range is a hint, not a refusal.
    Number {
        /// Such as `g`, `°C`; empty for a bare number.
        #[serde(default)]
        unit: String,
        /// Lowest value that conforms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// Highest value that conforms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// Words, at most [`crate::limits::TEXT_CHARS_MAX`].
    Text {
        /// More than one line.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        long: bool,
    },
    /// One of several.
    One {
        /// In the order shown.
        choices: Vec<Choice>,
    },
    /// Any of several.
    Many {
        /// In the order shown.
        choices: Vec<Choice>,
    },
    /// Drawn on glass; the value is the id of the evidence.
    Signature {},
}

impl FieldKind {
    /// The choices of one that has any.
    pub fn choices(&self) -> &[Choice] {
        match self {
            Self::One { choices } | Self::Many { choices } => choices,
            _ => &[],
        }
    }
}

/// One thing to note at an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"code": "core", "label": {"zh": "中心温度", "en": "Core temperature"}, "kind": {"type": "number", "unit": "°C", "min": 70.0}, "required": true}))]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Unique in the item.
    pub code: String,
    /// As shown.
    pub label: Bilingual,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be given wherever it is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Asked only where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_when: Option<Condition>,
    /// Must be given where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_when: Option<Condition>,
}
