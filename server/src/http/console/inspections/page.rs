//! The page of one inspection: what was sent, what counts, what both results say, what happened.

use std::collections::BTreeMap;

use mobile_api::Moment;
use mobile_api::inspection::{Answer, Clock, Header, Location, PartContent, Signature, Submit};
use mobile_api::judge::{Judgement, judge};
use mobile_api::merge::merge;
use mobile_api::template::{Bilingual, Field, NumberField, TemplateBody};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::item::{InspectionItem, judgement};
use crate::store::StoreError;
use crate::store::evidence::EvidenceRow;
use crate::store::inspections::{InspectionRow, PartRow};

/// An inspection with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Inspection {
    #[serde(flatten)]
    item: InspectionItem,
    /// As the phone sent it.
    header: Header,
    header_sha256: String,
    received_at: Moment,
    parts: Vec<Part>,
    /// The template with what was answered, in the order of the paper.
    sections: Vec<Section>,
    /// The answers that count, one an item.
    answers: Vec<Answer>,
    evidence: Vec<Evidence>,
    /// As judged by the server; while under way, as it would be judged now.
    result: Judgement,
    /// As judged on the phone.
    phone_result: Option<Judgement>,
    /// The lead's choices between parts: item to part.
    choices: BTreeMap<String, Uuid>,
    /// By the phone's clock.
    submitted_on_phone_at: Option<Moment>,
    history: Vec<Event>,
}

/// What one officer gathered on one device.
#[derive(Debug, Serialize, ToSchema)]
struct Part {
    id: String,
    owner_id: String,
    owner_name: String,
    device_id: String,
    revision: i64,
    content_sha256: String,
    received_at: Moment,
    answers: Vec<Answer>,
    locations: Vec<Location>,
    signatures: Vec<Signature>,
    /// What the phone's clocks said; compare with `received_at`.
    clock: Clock,
}

/// Items that belong together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionSection)]
struct Section {
    code: String,
    name: Bilingual,
    items: Vec<Answered>,
}

/// An item with its answer.
#[derive(Debug, Serialize, ToSchema)]
struct Answered {
    code: String,
    key: bool,
    text: Bilingual,
    basis: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<NumberField>,
    /// A plain question, not judged.
    question: bool,
    /// What else is noted; values are in the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    /// Whether the answers given ask for it.
    asked: bool,
    /// The answer that counts.
    answer: Option<Answer>,
    /// Answers of other parts that were not chosen.
    others: Vec<OtherAnswer>,
}

/// An answer that another officer gave.
#[derive(Debug, Serialize, ToSchema)]
struct OtherAnswer {
    part_id: String,
    owner_name: String,
    answer: Answer,
}

/// A file that a part names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionEvidence)]
struct Evidence {
    id: String,
    /// photo or signature
    kind: Option<String>,
    item_code: Option<String>,
    sha256: String,
    filetype: String,
    bytes: Option<i64>,
    /// pixels
    width: Option<i64>,
    /// pixels
    height: Option<i64>,
    /// By the phone's clock.
    taken_at: Option<Moment>,
    /// It is here.
    received: bool,
    received_at: Option<Moment>,
}

/// Something that happened to an inspection.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    at: Moment,
    /// begun, part_received, evidence_received, submitted, completed
    action: &'static str,
    /// Who, where a person did it.
    actor_name: Option<String>,
    /// The part or the evidence.
    subject_id: Option<String>,
}

impl Inspection {
    /// Puts the page together from what is stored.
    pub(super) fn of(
        row: &InspectionRow,
        item: InspectionItem,
        mut parts: Vec<PartRow>,
        files: &[EvidenceRow],
        template: &TemplateBody,
    ) -> Result<Self, StoreError> {
        let submission: Option<Submit> = row.submission.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
        let choices = submission.as_ref().map(|submission| submission.choices.clone()).unwrap_or_default();
        // The order in which the lead named them is the order in which they were judged.
        let named: Vec<String> = submission.iter().flat_map(|submission| &submission.parts).map(|part| part.id.to_string()).collect();
        parts.sort_by_key(|part| named.iter().position(|id| *id == part.id));
        let contents = parts
            .iter()
            .map(|part| Ok((part.id.parse::<Uuid>().map_err(StoreError::damaged)?, part.parsed()?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let borrowed: Vec<(Uuid, &PartContent)> = contents.iter().map(|(id, content)| (*id, content)).collect();
        let answers = merge(&borrowed, &choices).answers;
        let mut asked = mobile_api::asked::asked(template, &answers).into_iter().map(|asked| asked.shown);
        let sections = template.sections.iter().map(|section| section_view(section, &mut asked, &answers, &parts, &contents)).collect();
        let result = match judgement(row.server_result.as_deref())? {
            Some(result) => result,
            None => judge(template, &answers),
        };
        let history = history(row, &item, &parts, files);
        Ok(Self {
            header: row.parsed_header()?,
            header_sha256: row.header_sha256.clone(),
            received_at: Moment(row.received_at),
            sections,
            answers,
            evidence: files.iter().map(evidence_view).collect(),
            result,
            phone_result: judgement(row.phone_result.as_deref())?,
            choices,
            submitted_on_phone_at: submission.map(|submission| submission.submitted_at),
            history,
            parts: parts.into_iter().zip(contents).map(|(row, (_, content))| part_view(row, content)).collect(),
            item,
        })
    }
}

fn part_view(row: PartRow, content: PartContent) -> Part {
    Part {
        id: row.id,
        owner_id: row.owner_id,
        owner_name: row.owner_name,
        device_id: row.device_id,
        revision: row.revision,
        content_sha256: row.content_sha256,
        received_at: Moment(row.received_at),
        answers: content.answers,
        locations: content.locations,
        signatures: content.signatures,
        clock: content.clock,
    }
}

fn section_view(
    section: &mobile_api::template::Section,
    asked: &mut impl Iterator<Item = bool>,
    answers: &[Answer],
    parts: &[PartRow],
    contents: &[(Uuid, PartContent)],
) -> Section {
    let items = section.items.iter().map(|item| {
        let answer = answers.iter().find(|answer| answer.item_code == item.code).cloned();
        let given = parts.iter().zip(contents).flat_map(|(part, (_, content))| content.answers.iter().map(move |answer| (part, answer)));
        let others = given
            .filter(|(_, given)| given.item_code == item.code && Some(*given) != answer.as_ref())
            .map(|(part, given)| OtherAnswer { part_id: part.id.clone(), owner_name: part.owner_name.clone(), answer: given.clone() })
            .collect();
        Answered {
            code: item.code.clone(),
            key: item.key,
            text: item.text.clone(),
            basis: item.basis.clone(),
            number: item.number.clone(),
            question: item.question,
            fields: item.fields.clone(),
            asked: asked.next().unwrap_or(true),
            answer,
            others,
        }
    });
    Section { code: section.code.clone(), name: section.name.clone(), items: items.collect() }
}

fn evidence_view(row: &EvidenceRow) -> Evidence {
    Evidence {
        id: row.id.clone(),
        kind: row.kind.clone(),
        item_code: row.item_code.clone(),
        sha256: row.sha256.clone(),
        filetype: row.stored_filetype.clone().unwrap_or_else(|| row.filetype.clone()),
        bytes: row.bytes,
        width: row.width,
        height: row.height,
        taken_at: row.taken_at.map(Moment),
        received: row.file_id.is_some(),
        received_at: row.arrived_at.map(Moment),
    }
}

/// What happened, by the server's clock, oldest first.
fn history(row: &InspectionRow, item: &InspectionItem, parts: &[PartRow], files: &[EvidenceRow]) -> Vec<Event> {
    let lead = item.officers.first().map(|officer| officer.display_name.clone());
    let mut events = vec![Event { at: Moment(row.received_at), action: "begun", actor_name: lead.clone(), subject_id: None }];
    events.extend(parts.iter().map(|part| Event {
        at: Moment(part.received_at),
        action: "part_received",
        actor_name: Some(part.owner_name.clone()),
        subject_id: Some(part.id.clone()),
    }));
    events.extend(files.iter().filter_map(|file| {
        file.arrived_at.map(|at| Event { at: Moment(at), action: "evidence_received", actor_name: None, subject_id: Some(file.id.clone()) })
    }));
    if let Some(at) = row.submitted_at {
        events.push(Event { at: Moment(at), action: "submitted", actor_name: lead, subject_id: None });
    }
    if let Some(at) = row.complete_at {
        events.push(Event { at: Moment(at), action: "completed", actor_name: None, subject_id: None });
    }
    // The order in which they are gathered settles what happened within one millisecond.
    events.sort_by_key(|event| event.at);
    events
}
