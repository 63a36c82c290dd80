//! Suspected food poisoning (疑似食物中毒), reported in one action: one request, made on the phone, sent when there is a network.
//!
//! The report goes first and counts at once; its photos follow by tus, with the report's id as `inspection_id`. The same again
//! changes nothing. What is learnt later is added on line, never written over.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::field::{Faults, FieldFault};
use crate::inspection::{Clock, Evidence, EvidenceKind, Location, MissingEvidence, check};
use crate::limits::{DAY_BYTES, INCIDENT_EVIDENCE_MAX, INCIDENT_GOODS_MAX, INCIDENT_PEOPLE_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX};
use crate::{Moment, Verbatim};

/// How the bureau came to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentSource {
    /// The canteen or its school.
    School,
    /// A hospital.
    Hospital,
    /// A parent or another consumer; never named here.
    Consumer,
    /// Health or another authority.
    Authority,
    /// The officer found it.
    Officer,
}

/// What the sick have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// 恶心、呕吐
    Vomiting,
    /// 腹泻
    Diarrhoea,
    /// 腹痛
    AbdominalPain,
    /// 发热
    Fever,
    /// 头晕、头痛
    Dizziness,
    /// 其他, in words
    Other,
}

/// What must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// 停止供餐
    Serving,
    /// 停止加工制作
    Making,
    /// 停止使用可疑食品、原料、餐用具
    SuspectedFood,
    /// 保护现场: nothing is cleaned or moved
    Scene,
}

/// A meal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meal {
    /// 早餐
    Breakfast,
    /// 午餐
    Lunch,
    /// 晚餐
    Dinner,
    /// 点心
    Snack,
}

/// The meal that is suspected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspectedMeal {
    /// ISO date, Asia/Shanghai.
    #[schema(example = "2026-11-23")]
    pub day: String,
    /// Which.
    pub meal: Meal,
    /// What was eaten, as said.
    #[serde(default)]
    pub foods: String,
}

/// By what power food is taken out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// 查封、扣押
    Seal,
    /// 先行登记保存
    Keep,
}

impl Measure {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Keep => "keep",
        }
    }
}

/// Food that is sealed or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedFood {
    /// By what power.
    pub measure: Measure,
    /// What.
    pub name: String,
    /// How much, with its unit.
    pub quantity: String,
    /// Where it stands.
    pub place: String,
    /// The number on the seal.
    #[serde(default)]
    pub seal_number: Option<String>,
    /// Photos of it, among the report's evidence.
    #[serde(default)]
    pub evidence_ids: Vec<Uuid>,
}

impl SealedFood {
    /// Notes what is wrong with it.
    pub fn check(&self, faults: &mut Faults) {
        for (field, text) in [("name", &self.name), ("quantity", &self.quantity), ("place", &self.place)] {
            faults.text(field, text, NAME_CHARS_MAX);
        }
        faults.optional_text("seal_number", self.seal_number.as_deref(), NAME_CHARS_MAX);
    }
}

/// A report as it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentContent {
    /// Where the food came from.
    pub premises_id: Uuid,
    /// How it became known.
    pub source: IncidentSource,
    /// Whoever reports is on site; otherwise somebody has to go.
    pub on_site: bool,
    /// Persons with symptoms, as known.
    pub people: u32,
    /// Of them in hospital; none where that is not known.
    #[serde(default)]
    pub in_hospital: Option<u32>,
    /// When the first fell ill.
    #[serde(default)]
    pub onset_at: Option<Moment>,
    /// What they have, each once.
    pub symptoms: Vec<Symptom>,
    /// The meal that is suspected.
    #[serde(default)]
    pub meal: Option<SuspectedMeal>,
    /// What must stop, at least one, each once.
    pub stops: Vec<Stop>,
    /// What is sealed or kept.
    #[serde(default)]
    pub sealed: Vec<SealedFood>,
    /// Anything else.
    #[serde(default)]
    pub note: Option<String>,
    /// Photos, which go up by tus.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Where the phone was.
    #[serde(default)]
    pub location: Option<Location>,
    /// What the device's clocks said.
    pub clock: Clock,
}

/// Body of `PUT /incidents/{id}`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutIncident {
    /// As made; kept as sent.
    #[schema(value_type = IncidentContent)]
    pub content: Verbatim<IncidentContent>,
    /// Canonical hash of `content`.
    pub content_sha256: String,
}

/// What the server has of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentStored {
    /// As sent.
    pub id: Uuid,
    /// Of the content.
    pub content_sha256: String,
    /// By the server's clock.
    pub received_at: Moment,
    /// Cameras whose recordings are on hold.
    pub cameras_held: i64,
    /// Retained samples that may not be thrown away.
    pub samples_held: i64,
    /// Files that it names and that have not arrived.
    pub missing_evidence: Vec<MissingEvidence>,
}

impl PutIncident {
    /// Checks content and hash.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        faults.within("content", |faults| self.content.value.check(faults));
        check::hash(&mut faults, &self.content_sha256, || self.content.sha256());
        faults.finish()
    }
}

impl IncidentContent {
    fn check(&self, faults: &mut Faults) {
        if !(1..=INCIDENT_PEOPLE_MAX).contains(&self.people) {
            faults.note_at("people", "out_of_range", format!("1 to {INCIDENT_PEOPLE_MAX} persons"));
        }
        if self.in_hospital.is_some_and(|number| number > self.people) {
            faults.note_at("in_hospital", "out_of_range", "no more than those who are ill");
        }
        once(faults, "symptoms", &self.symptoms, "at least one");
        once(faults, "stops", &self.stops, "say what must stop");
        if let Some(meal) = &self.meal {
            faults.within("meal", |faults| {
                if meal.day.len() != DAY_BYTES || meal.day.parse::<jiff::civil::Date>().is_err() {
                    faults.note_at("day", "format", "a day such as 2026-11-23");
                }
                faults.optional_text("foods", Some(&meal.foods), TEXT_CHARS_MAX);
            });
        }
        faults.optional_text("note", self.note.as_deref(), TEXT_CHARS_MAX);
        faults.count("evidence", self.evidence.len(), INCIDENT_EVIDENCE_MAX);
        let mut ids = HashSet::new();
        faults.within("evidence", |faults| {
            for (at, one) in self.evidence.iter().enumerate().take(INCIDENT_EVIDENCE_MAX) {
                faults.within(at, |faults| {
                    check::evidence(faults, one, &mut ids);
                    if one.kind != EvidenceKind::Photo {
                        faults.note_at("kind", "unknown", "a report has photos");
                    }
                    if one.derived.is_some() {
                        faults.note_at("derived", "unknown", "a report has files as taken");
                    }
                });
            }
        });
        faults.count("sealed", self.sealed.len(), INCIDENT_GOODS_MAX);
        faults.within("sealed", |faults| {
            for (at, food) in self.sealed.iter().enumerate().take(INCIDENT_GOODS_MAX) {
                faults.within(at, |faults| {
                    food.check(faults);
                    faults.count("evidence_ids", food.evidence_ids.len(), INCIDENT_EVIDENCE_MAX);
                    if !food.evidence_ids.iter().all(|id| ids.contains(id)) {
                        faults.note_at("evidence_ids", "unknown", "not among the evidence of this report");
                    }
                });
            }
        });
        faults.within("clock", |faults| check::clock(faults, &self.clock));
        if let Some(location) = &self.location {
            faults.within("location", |faults| check::location(faults, location));
        }
    }
}

/// At least one, and each once: so there are never more than there are kinds.
fn once<T: Ord + Copy>(faults: &mut Faults, field: &str, given: &[T], none: &str) {
    let different: BTreeSet<T> = given.iter().copied().collect();
    if given.is_empty() {
        faults.note_at(field, "required", none);
    } else if different.len() < given.len() {
        faults.note_at(field, "duplicate", "each once");
    }
}
