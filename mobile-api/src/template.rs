//! Checklist templates: what an inspection looks at, and the numbers by which its result is judged.
//!
//! A published version never changes; an inspection names the version it was made with. Codes are unique in a template, and
//! the order of items is the order of the paper. The numbers of the rule are data of the version (see [`crate::judge`]).
//! Everything that came later than the first version is left out of the JSON where it says nothing, so that the hash of an
//! older template stays what it was.

mod check;
mod condition;
mod field;
mod links;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Moment;

pub use condition::{Comparison, Condition, Looked, ResultIs, ValueIs};
pub use field::{Choice, Field, FieldKind, FieldValue, FieldValues};

/// Who answers a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Officers, on an inspection.
    #[default]
    Officer,
    /// The canteen itself: its daily papers.
    Canteen,
}

impl Audience {
    /// As stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Canteen => "canteen",
        }
    }
}

/// Whether files as taken are sent where the phone made a reduced copy of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginalPolicy {
    /// All, when the phone's network allows.
    #[default]
    Always,
    /// Those of key items; the others stay on the phone, and papers say so.
    KeyItems,
    /// None; papers say so.
    Never,
}

impl OriginalPolicy {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Always, Self::KeyItems, Self::Never];

    /// As stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::KeyItems => "key_items",
            Self::Never => "never",
        }
    }

    /// By its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == code)
    }

    fn is_always(&self) -> bool {
        *self == Self::Always
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"zh": "食品留样", "en": "Retained samples"}))]
pub struct Bilingual {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A template without its body, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateSummary {
    /// Of this version.
    pub id: Uuid,
    /// Stable over versions.
    #[schema(example = "school_canteen")]
    pub code: String,
    /// Counts up from 1.
    pub version: i64,
    /// As shown.
    pub name: Bilingual,
    /// Kinds of premises it is made for.
    pub premises_kinds: Vec<String>,
    /// Who answers it.
    #[serde(default)]
    pub audience: Audience,
    /// When it came into force.
    pub published_at: Moment,
    /// When it went out of force; what was begun with it is finished with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Moment>,
}

/// A template with its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// What lists show.
    #[serde(flatten)]
    pub summary: TemplateSummary,
    /// What it asks and how it judges.
    pub body: TemplateBody,
}

/// What a template asks, and how the answers are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateBody {
    /// The numbers of the judgement.
    pub rule: Rule,
    /// Whether photos as taken are sent, or their reduced copies only.
    #[serde(default, skip_serializing_if = "OriginalPolicy::is_always")]
    pub originals: OriginalPolicy,
    /// Sections, in the order of the paper.
    pub sections: Vec<Section>,
}

/// The numbers by which a result is judged; data of the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"general_limit": 8, "points_key": 3, "points_general": 1,
    "grades": [{"min": 90, "grade": "excellent"}, {"min": 75, "grade": "good"}, {"min": 60, "grade": "fair"}]}))]
pub struct Rule {
    /// Failed general items up to which a check still "basically conforms".
    pub general_limit: u16,
    /// Points of a key item, 1 to 100.
    pub points_key: u16,
    /// Points of a general item, 1 to 100.
    pub points_general: u16,
    /// Grades by score, highest first; under the last there is none.
    pub grades: Vec<GradeStep>,
}

/// From which score on a grade is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GradeStep {
    /// Lowest score of the grade, 0 to 100.
    pub min: u16,
    /// The grade; `none` is not given by a step.
    pub grade: Grade,
}

/// 量化等级, by score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// 优秀
    Excellent,
    /// 良好
    Good,
    /// 一般
    Fair,
    /// 不定级
    None,
}

/// Items that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Unique among sections.
    pub code: String,
    /// As shown.
    pub name: Bilingual,
    /// In the order of the paper.
    pub items: Vec<Item>,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "6.1", "key": true, "text": {"zh": "每餐每种食品留样不少于125克", "en": "At least 125 g of each dish is kept"},
    "basis": "Order 45 of 2019, art. 40", "number": {"unit": "g", "min": 125.0, "label": {"zh": "留样重量", "en": "Sample weight"}}, "min_photos": 0, "photo_on_fail": true}))]
pub struct Item {
    /// Unique in the template, such as `6.1`.
    pub code: String,
    /// 重点项目: one failed key item decides the result.
    pub key: bool,
    /// What is looked at.
    pub text: Bilingual,
    /// Law, rule or standard it stands on, by article: Chinese, and after " · " English where there is one. A plain question
    /// may have none.
    pub basis: String,
    /// A plain question: it is answered by its fields, number or photos and never judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub question: bool,
    /// A figure to note, with the range that conforms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberField>,
    /// Photos it wants whatever the result (not when it does not apply).
    #[serde(default)]
    pub min_photos: u8,
    /// Whether a failed item wants at least one photo.
    #[serde(default)]
    pub photo_on_fail: bool,
    /// What else is noted, in the order shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// 常用语: remarks that a tap writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Bilingual>,
    /// The canteen's own papers that prove it, by the codes of their templates: they are shown beside the item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<String>,
    /// Must be answered even where a check does not cover all items; of a plain question, whether it must be answered at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Asked only where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_when: Option<Condition>,
    /// As `required`, where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_when: Option<Condition>,
}

impl Item {
    /// One field by its code.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.code == code)
    }
}

/// A figure to note. A value outside the range is a hint to the officer, not a refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberField {
    /// Such as `g`, `°C`, `mg/L`, `mm`.
    pub unit: String,
    /// Lowest value that conforms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Highest value that conforms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// What is measured.
    pub label: Bilingual,
}

/// A template as shipped or imported: a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// Stable over versions: lower-case letters, digits, `_`.
    pub code: String,
    /// As shown.
    pub name: Bilingual,
    /// Kinds of premises it is made for.
    pub premises_kinds: Vec<String>,
    /// Who answers it.
    #[serde(default)]
    pub audience: Audience,
    /// Where it comes from, in words.
    pub source: Bilingual,
    /// What it asks and how it judges.
    pub body: TemplateBody,
}

impl TemplateBody {
    /// All items in the order of the paper.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// One item by its code.
    pub fn item(&self, code: &str) -> Option<&Item> {
        self.items().find(|item| item.code == code)
    }
}
