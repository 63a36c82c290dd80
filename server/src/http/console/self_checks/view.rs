//! A paper of the canteen's own as it is shown.

use mobile_api::Moment;
use mobile_api::inspection::Answer;
use mobile_api::self_check::SelfCheckContent;
use mobile_api::template::{Bilingual, Field, NumberField, TemplateBody};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::self_check::Duties;
use crate::http::mobile::self_checks::RetainedSample;
use crate::store::StoreError;
use crate::store::evidence::{self, EvidenceRow};
use crate::store::self_checks::{SampleRow, SelfCheckRow};

/// A paper as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct SelfCheck {
    id: String,
    premises_id: String,
    premises_name: String,
    template_id: String,
    #[schema(example = "self_daily_control")]
    code: String,
    name: Bilingual,
    /// ISO date: the day it speaks of; of a week its Monday, of a month its first.
    #[schema(example = "2026-11-23")]
    day: String,
    /// The meal it speaks of, or empty.
    #[schema(example = "lunch")]
    slot: String,
    made_by_name: String,
    /// Answers that say that something is wrong.
    problems: i64,
    /// By the phone's clock.
    answered_at: Moment,
    received_at: Moment,
    /// Files that it names and that have not arrived.
    missing_evidence: i64,
}

impl SelfCheck {
    pub(super) fn of(row: &SelfCheckRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.clone(),
            premises_id: row.premises_id.clone(),
            premises_name: row.premises_name.clone(),
            template_id: row.template_id.clone(),
            code: row.code.clone(),
            name: serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?,
            day: row.day.clone(),
            slot: row.slot.clone(),
            made_by_name: row.made_by_name.clone(),
            problems: row.problems,
            answered_at: Moment(row.answered_at),
            received_at: Moment(row.received_at),
            missing_evidence: row.missing_count,
        })
    }
}

/// A paper with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SelfCheckPage {
    #[serde(flatten)]
    paper: SelfCheck,
    content_sha256: String,
    /// What was asked, in the order of the paper, with what was answered.
    items: Vec<PaperItem>,
    evidence: Vec<PaperFile>,
    samples: Vec<RetainedSample>,
}

/// An item of a paper.
#[derive(Debug, Serialize, ToSchema)]
struct PaperItem {
    code: String,
    text: Bilingual,
    basis: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<NumberField>,
    fields: Vec<Field>,
    answer: Option<Answer>,
    /// Its answer says that something is wrong.
    problem: bool,
}

/// A file that a paper names.
#[derive(Debug, Serialize, ToSchema)]
struct PaperFile {
    id: String,
    /// photo or signature
    kind: Option<String>,
    item_code: Option<String>,
    sha256: String,
    /// By the phone's clock.
    taken_at: Option<Moment>,
    received_at: Option<Moment>,
}

impl SelfCheckPage {
    pub(super) fn of(
        row: &SelfCheckRow,
        template: &TemplateBody,
        files: &[EvidenceRow],
        samples: &[SampleRow],
        duties: &Duties,
    ) -> Result<Self, StoreError> {
        let content: SelfCheckContent = serde_json::from_str(&row.content).map_err(StoreError::damaged)?;
        let answers = &content.part.answers;
        let problems = duties.problems(&row.code, template, answers);
        // What was not asked is not shown, unless it was answered all the same.
        let asked = mobile_api::asked::asked(template, answers);
        let items = template
            .items()
            .zip(asked)
            .filter_map(|(item, asked)| {
                let answer = answers.iter().find(|answer| answer.item_code == item.code).cloned();
                let fields =
                    item.fields.iter().zip(&asked.fields).filter(|(_, asked)| asked.shown).map(|(field, _)| field.clone()).collect();
                (asked.shown || answer.is_some()).then(|| PaperItem {
                    code: item.code.clone(),
                    text: item.text.clone(),
                    basis: item.basis.clone(),
                    number: item.number.clone(),
                    fields,
                    answer,
                    problem: problems.contains(&item.code),
                })
            })
            .collect();
        let evidence = files
            .iter()
            // A reduced copy stands for its photo, under the photo's name.
            .filter(|file| !file.is_reduced())
            .map(|file| PaperFile {
                id: file.id.clone(),
                kind: file.kind.clone(),
                item_code: file.item_code.clone(),
                sha256: file.sha256.clone(),
                taken_at: file.taken_at.map(Moment),
                received_at: file.arrived_at.or_else(|| evidence::reduced(files, &file.id)?.arrived_at).map(Moment),
            })
            .collect();
        Ok(Self {
            paper: SelfCheck::of(row)?,
            content_sha256: row.content_sha256.clone(),
            items,
            evidence,
            samples: samples.iter().map(RetainedSample::from).collect(),
        })
    }
}
