//! What an inspection takes and measures: samples (抽样) for a laboratory, and quick tests (快检) on site with their readings.
//!
//! Both are parts of what one device gathered: sealed with its hash, sent with it, and on the paper that is signed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::PartContent;
use crate::Moment;
use crate::field::Faults;
use crate::limits::{EVIDENCE_PER_ANSWER_MAX, NAME_CHARS_MAX, QUICK_TESTS_PER_PART_MAX, SAMPLES_PER_PART_MAX};

/// A sample that is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleTaken {
    /// Made on the phone.
    pub id: Uuid,
    /// As written on it.
    pub number: String,
    /// What it is.
    pub name: String,
    /// Lot, or day of making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// How much, with its unit.
    pub quantity: String,
    /// Where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Sealed before both.
    pub sealed: bool,
    /// By the phone's clock.
    pub taken_at: Moment,
    /// Photos, among the part's evidence.
    #[serde(default)]
    pub evidence_ids: Vec<Uuid>,
    /// Who signed for the premises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<SampleSigned>,
}

/// The signature of the premises' representative to a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleSigned {
    /// In print.
    pub name: String,
    /// The drawing, among the part's evidence.
    pub evidence_id: Uuid,
}

/// What a quick test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuickTestResult {
    /// 合格
    Passes,
    /// 不合格
    Fails,
    /// 需复测: neither
    Unclear,
}

/// A quick test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuickTest {
    /// Made on the phone.
    pub id: Uuid,
    /// What is looked for: 农药残留
    pub item: String,
    /// In what.
    pub food: String,
    /// How: 胶体金法
    pub method: String,
    /// The kit or instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<String>,
    /// Its lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit_lot: Option<String>,
    /// What was read, in `unit`; none where the test only says yes or no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<f64>,
    /// Of the reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What is allowed, as written: ≤50 %
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What it says.
    pub result: QuickTestResult,
    /// By the phone's clock.
    pub tested_at: Moment,
    /// Photos of the reading, among the part's evidence.
    #[serde(default)]
    pub evidence_ids: Vec<Uuid>,
}

pub(super) fn check(faults: &mut Faults, content: &PartContent, evidence: &HashSet<Uuid>) {
    faults.count("samples", content.samples.len(), SAMPLES_PER_PART_MAX);
    faults.count("quick_tests", content.quick_tests.len(), QUICK_TESTS_PER_PART_MAX);
    faults.within("samples", |faults| {
        for (at, one) in content.samples.iter().enumerate().take(SAMPLES_PER_PART_MAX) {
            faults.within(at, |faults| sample(faults, one, evidence));
        }
    });
    faults.within("quick_tests", |faults| {
        for (at, one) in content.quick_tests.iter().enumerate().take(QUICK_TESTS_PER_PART_MAX) {
            faults.within(at, |faults| test(faults, one, evidence));
        }
    });
}

fn sample(faults: &mut Faults, one: &SampleTaken, evidence: &HashSet<Uuid>) {
    for (field, text) in [("number", &one.number), ("name", &one.name), ("quantity", &one.quantity)] {
        faults.text(field, text, NAME_CHARS_MAX);
    }
    for (field, text) in [("batch", &one.batch), ("place", &one.place)] {
        faults.optional_text(field, text.as_deref(), NAME_CHARS_MAX);
    }
    named(faults, &one.evidence_ids, evidence);
    if let Some(signed) = &one.representative {
        faults.within("representative", |faults| {
            faults.text("name", &signed.name, NAME_CHARS_MAX);
            if !evidence.contains(&signed.evidence_id) {
                faults.note_at("evidence_id", "unknown", "not among the evidence of this part");
            }
        });
    }
}

fn test(faults: &mut Faults, one: &QuickTest, evidence: &HashSet<Uuid>) {
    for (field, text) in [("item", &one.item), ("food", &one.food), ("method", &one.method)] {
        faults.text(field, text, NAME_CHARS_MAX);
    }
    for (field, text) in [("kit", &one.kit), ("kit_lot", &one.kit_lot), ("unit", &one.unit), ("limit", &one.limit)] {
        faults.optional_text(field, text.as_deref(), NAME_CHARS_MAX);
    }
    if one.reading.is_some_and(|reading| !(-1e9..=1e9).contains(&reading)) {
        faults.note_at("reading", "out_of_range", "within a thousand million");
    }
    named(faults, &one.evidence_ids, evidence);
}

fn named(faults: &mut Faults, ids: &[Uuid], evidence: &HashSet<Uuid>) {
    faults.count("evidence_ids", ids.len(), EVIDENCE_PER_ANSWER_MAX);
    if !ids.iter().all(|id| evidence.contains(id)) {
        faults.note_at("evidence_ids", "unknown", "not among the evidence of this part");
    }
}
