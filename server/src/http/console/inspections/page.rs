//! The page of one inspection: what was sent, what counts, what both results say, what happened.

use std::collections::BTreeMap;

use mobile_api::Moment;
use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{Answer, Clock, Header, ItemResult, Location, Making, PartContent, QuickTest, SampleTaken, Signature, Visit};
use mobile_api::judge::{Judgement, judge};
use mobile_api::template::{Bilingual, Field, NumberField, TemplateBody};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::complete::Lack;
use super::item::{InspectionItem, judgement};
use super::visit::{Door, VisitSeen};
use crate::domain::geo::distance_m;
use crate::http::arrived::previewed;
use crate::inspected::Sent;
use crate::store::StoreError;
use crate::store::amendments::{AmendmentRow, lay_over};
use crate::store::evidence::{self, EvidenceRow};
use crate::store::inspections::{InspectionRow, PartRow, PartVersionRow};
use crate::store::lacks::LackRow;

/// Metres from its premises beyond which a photo's own position is pointed out: school grounds, and what a phone is wrong by indoors.
const FAR_M: f64 = 1_000.0;

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
    /// Of all parts: the first coming, the last going, certificates, recusal. What is null was not recorded.
    visit: VisitSeen,
    /// Samples that were taken, of all parts.
    samples: Vec<SampleTaken>,
    /// Quick tests with their readings, of all parts.
    quick_tests: Vec<QuickTest>,
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
    /// The paper that the phone drew and had signed.
    drawn: Option<DrawnSeen>,
    /// What the phone was told that this server received, signed: `bright-kitchen verify` proves it.
    #[schema(value_type = Option<Object>)]
    receipt: Option<serde_json::Value>,
    history: Vec<Event>,
    /// Corrections since the submission, oldest first. `answers`, `sections`, `result` and `outcome` read with all of them.
    amendments: Vec<Amendment>,
    /// As judged when it was submitted, where it was amended since.
    submitted_result: Option<Judgement>,
    /// The inspection before this one at the premises; its answers stand beside the items.
    previous: Option<Previous>,
    /// What it lacks before it is whole, and what was lacking and was made good.
    lacks: Vec<Lack>,
}

/// A paper that a phone drew and had signed, drawn again here.
#[derive(Debug, Serialize, ToSchema)]
struct DrawnSeen {
    /// Hex, of the canonical document.
    sha256: String,
    /// What somebody signed was not that paper.
    differs: bool,
    number: Option<String>,
}

/// A correction after submission. What was sent stays as sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Amendment {
    /// 1, 2, …; 0 is what was submitted.
    version: i64,
    reason: String,
    amended_by_name: String,
    amended_at: Moment,
    /// The outcome with it.
    outcome: String,
    /// How these items read from then on.
    answers: Vec<Answer>,
}

/// The inspection before.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PreviousInspection)]
pub(super) struct Previous {
    pub(super) id: String,
    pub(super) happened_at: Moment,
    pub(super) outcome: Option<String>,
    pub(super) score: Option<f64>,
    /// Items that fail now and failed then.
    pub(super) again: Vec<String>,
    /// Items that failed then and conform now.
    pub(super) put_right: Vec<String>,
    /// Items that fail now and did not then.
    pub(super) new: Vec<String>,
}

/// What a page is put together from, beside the row.
pub(super) struct Parts<'a> {
    pub(super) sent: Sent,
    /// What they said before, the newest first.
    pub(super) versions: &'a [PartVersionRow],
    pub(super) files: &'a [EvidenceRow],
    pub(super) template: &'a TemplateBody,
    pub(super) amendments: &'a [AmendmentRow],
    /// What the code at the door carries.
    pub(super) door_mark: &'a str,
    /// The inspection before, with the answers that count in it.
    pub(super) before: Option<(Previous, Vec<Answer>)>,
    pub(super) lacks: Vec<LackRow>,
    /// Where the premises is, degrees WGS-84.
    pub(super) place: Option<(f64, f64)>,
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
    /// What this phone recorded at the door.
    visit: Option<VisitSeen>,
    /// What the phone's clocks said; compare with `received_at`.
    clock: Clock,
    /// What it said before a higher revision took its place, the newest first.
    versions: Vec<PartVersion>,
}

/// What a part said before: sent from the same phone, or from another one of the same account.
#[derive(Debug, Serialize, ToSchema)]
struct PartVersion {
    revision: i64,
    content_sha256: String,
    received_at: Moment,
    replaced_at: Moment,
    answers: Vec<Answer>,
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
    /// The canteen's own papers that prove it, by the codes of their templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    papers: Vec<String>,
    /// Whether the answers given ask for it.
    asked: bool,
    /// The answer that counts.
    answer: Option<Answer>,
    /// Answers of other parts that were not chosen.
    others: Vec<OtherAnswer>,
    /// What was found the last time.
    previous: Option<PreviousAnswer>,
}

/// What was found at an item the last time.
#[derive(Debug, Serialize, ToSchema)]
struct PreviousAnswer {
    result: Option<ItemResult>,
    remark: Option<String>,
    number: Option<f64>,
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
    /// photo, signature, video or audio
    kind: Option<String>,
    item_code: Option<String>,
    sha256: String,
    filetype: String,
    bytes: Option<i64>,
    /// Of videos and sound recordings, as the phone says, ms.
    duration_ms: Option<u64>,
    /// pixels
    width: Option<i64>,
    /// pixels
    height: Option<i64>,
    /// By the phone's clock.
    taken_at: Option<Moment>,
    /// It is here.
    received: bool,
    received_at: Option<Moment>,
    /// A smaller picture of it can be had by `width`: from itself, or from its reduced copy while it is not here or cannot be opened here.
    preview: bool,
    /// How the inspection stands to it: needed; to come (complete with its reduced copy); withheld, as the template says.
    standing: Standing,
    /// Of a derivative: the file as taken.
    derived_from: Option<String>,
    /// Of a derivative: how it was made.
    made_by: Vec<Making>,
    /// Where the file itself says that it was taken.
    position: Option<EvidencePosition>,
}

/// Where a photo says that it was taken. Anybody can write anything there: it is shown, and refuses nothing.
#[derive(Debug, Serialize, ToSchema)]
struct EvidencePosition {
    /// degrees, WGS-84
    latitude: f64,
    /// degrees, WGS-84
    longitude: f64,
    /// metres from the premises, where its place is known
    distance_m: Option<f64>,
    /// farther than the premises' grounds and a phone's error
    far: bool,
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
    pub(super) fn of(row: &InspectionRow, item: InspectionItem, given: Parts<'_>) -> Result<Self, StoreError> {
        let Parts { sent, versions, files, template, amendments, door_mark, before, lacks, place } = given;
        let (choices, mut answers) = (sent.choices(), sent.answers());
        let Sent { parts, contents, submission } = sent;
        let mut changes = Vec::new();
        for row in amendments {
            let changed: Vec<Answer> = row.changed()?.into_values().collect();
            lay_over(&mut answers, changed.iter().cloned());
            changes.push(Amendment {
                version: row.version,
                reason: row.reason.clone(),
                amended_by_name: row.amended_by_name.clone(),
                amended_at: Moment(row.amended_at),
                outcome: row.outcome.clone(),
                answers: changed,
            });
        }
        let last = before.as_ref().map(|(_, answers)| answers.as_slice()).unwrap_or_default();
        let mut asked = mobile_api::asked::asked(template, &answers).into_iter().map(|asked| asked.shown);
        let sections =
            template.sections.iter().map(|section| section_view(section, &mut asked, &answers, &parts, &contents, last)).collect();
        let submitted = judgement(row.server_result.as_deref())?;
        let amended = amendments.last().map(|row| judgement(Some(&row.result))).transpose()?.flatten();
        let submitted_result = amended.is_some().then(|| submitted.clone()).flatten();
        let result = amended.or(submitted).unwrap_or_else(|| judge(template, &answers));
        let door = Door { premises_id: &row.premises_id, mark: door_mark };
        let previous = before.map(|(previous, last)| compared(previous, &answers, &last));
        let named = contents.iter().flat_map(|(_, content)| &content.evidence);
        let durations = named.filter_map(|one| Some((one.id.to_string(), one.duration_ms?))).collect();
        let history = history(row, &item, &parts, files);
        Ok(Self {
            header: row.parsed_header()?,
            header_sha256: row.header_sha256.clone(),
            received_at: Moment(row.received_at),
            sections,
            answers,
            evidence: files.iter().map(|file| evidence_view(file, files, place, &durations)).collect::<Result<_, _>>()?,
            result,
            phone_result: judgement(row.phone_result.as_deref())?,
            choices,
            submitted_on_phone_at: submission.map(|submission| submission.submitted_at),
            drawn: row.drawn_sha256.clone().map(|sha256| DrawnSeen {
                sha256,
                differs: row.drawn_differs,
                number: row.drawn_number.clone(),
            }),
            receipt: row.receipt.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?,
            history,
            amendments: changes,
            submitted_result,
            previous,
            lacks: lacks.into_iter().map(Lack::of).collect::<Result<_, _>>()?,
            samples: contents.iter().flat_map(|(_, content)| content.samples.clone()).collect(),
            quick_tests: contents.iter().flat_map(|(_, content)| content.quick_tests.clone()).collect(),
            visit: door.seen(Visit::joined(contents.iter().filter_map(|(_, content)| content.visit.as_ref()))),
            parts: parts
                .into_iter()
                .zip(contents)
                .map(|(row, (_, content))| part_view(row, content, versions, &door))
                .collect::<Result<_, _>>()?,
            item,
        })
    }
}

/// What changed since the last time, item by item.
fn compared(previous: Previous, now: &[Answer], last: &[Answer]) -> Previous {
    let failed =
        |answers: &[Answer], code: &str| answers.iter().any(|answer| answer.item_code == code && answer.result == Some(ItemResult::Fails));
    let of = |answers: &[Answer], wanted: &dyn Fn(&Answer) -> bool| -> Vec<String> {
        answers.iter().filter(|answer| wanted(answer)).map(|answer| answer.item_code.clone()).collect()
    };
    Previous {
        again: of(now, &|answer| answer.result == Some(ItemResult::Fails) && failed(last, &answer.item_code)),
        put_right: of(now, &|answer| answer.result == Some(ItemResult::Conforms) && failed(last, &answer.item_code)),
        new: of(now, &|answer| answer.result == Some(ItemResult::Fails) && !failed(last, &answer.item_code)),
        ..previous
    }
}

fn part_view(row: PartRow, content: PartContent, versions: &[PartVersionRow], door: &Door<'_>) -> Result<Part, StoreError> {
    let versions = versions
        .iter()
        .filter(|version| version.part_id == row.id)
        .map(|version| {
            let content: PartContent = serde_json::from_str(&version.content).map_err(StoreError::damaged)?;
            Ok(PartVersion {
                revision: version.revision,
                content_sha256: version.content_sha256.clone(),
                received_at: Moment(version.received_at),
                replaced_at: Moment(version.replaced_at),
                answers: content.answers,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Part {
        versions,
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
        visit: content.visit.map(|visit| door.seen(visit)),
        clock: content.clock,
    })
}

fn section_view(
    section: &mobile_api::template::Section,
    asked: &mut impl Iterator<Item = bool>,
    answers: &[Answer],
    parts: &[PartRow],
    contents: &[(Uuid, PartContent)],
    last: &[Answer],
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
            papers: item.papers.clone(),
            fields: item.fields.clone(),
            asked: asked.next().unwrap_or(true),
            answer,
            others,
            previous: last.iter().find(|answer| answer.item_code == item.code).map(|answer| PreviousAnswer {
                result: answer.result,
                remark: answer.remark.clone(),
                number: answer.number,
            }),
        }
    });
    Section { code: section.code.clone(), name: section.name.clone(), items: items.collect() }
}

fn evidence_view(
    row: &EvidenceRow,
    files: &[EvidenceRow],
    place: Option<(f64, f64)>,
    durations: &BTreeMap<String, u64>,
) -> Result<Evidence, StoreError> {
    let position = row.gps_latitude.zip(row.gps_longitude).map(|(latitude, longitude)| {
        let distance_m = place.map(|place| distance_m(place, (latitude, longitude)));
        EvidencePosition { latitude, longitude, distance_m, far: distance_m.is_some_and(|distance| distance > FAR_M) }
    });
    Ok(Evidence {
        id: row.id.clone(),
        kind: row.kind.clone(),
        item_code: row.item_code.clone(),
        sha256: row.sha256.clone(),
        filetype: row.stored_filetype.clone().unwrap_or_else(|| row.filetype.clone()),
        bytes: row.bytes,
        duration_ms: durations.get(&row.id).copied(),
        width: row.width,
        height: row.height,
        taken_at: row.taken_at.map(Moment),
        received: row.file_id.is_some(),
        received_at: row.arrived_at.map(Moment),
        preview: previewed(row) || evidence::reduced(files, &row.id).is_some(),
        standing: Standing::parse(&row.standing).ok_or_else(|| StoreError::damaged(format!("evidence that is {}", row.standing)))?,
        derived_from: row.derived_from.clone(),
        made_by: row.makings()?,
        position,
    })
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
