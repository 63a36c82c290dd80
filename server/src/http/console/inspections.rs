//! `/inspections`, as desks read them: the list, the page of one with its answers by section, its evidence.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::inspection::{Answer, Clock, Header, InspectionKind, Location, PartContent, Signature, Submit};
use mobile_api::judge::{Judgement, Outcome, judge};
use mobile_api::merge::merge;
use mobile_api::template::{Bilingual, NumberField};
use mobile_api::{Moment, problem::ProblemType};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::files::Reduced;
use crate::http::content::{Content, serve};
use crate::http::mobile::inspections::outcome_code;
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, moment_ms, page};
use crate::store::evidence::EvidenceRow;
use crate::store::inspections::{InspectionFilter, InspectionRow, PartRow, Sight};
use crate::store::{Conn, StoreError, assignments, evidence, inspections, templates};

/// Hours from UTC of the days that "today" means (Asia/Shanghai has no summer time).
const DAY_OFFSET_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(evidence_file);
}

/// An officer of an inspection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Officer {
    id: String,
    display_name: String,
    certificate_number: Option<String>,
}

/// An inspection as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct InspectionItem {
    pub(crate) id: String,
    assignment_id: Option<String>,
    premises_id: String,
    premises_name: String,
    /// The office it belonged to then.
    organization_id: String,
    organization_name: String,
    template_id: String,
    template_name: Bilingual,
    kind: InspectionKind,
    /// draft (under way), submitted (evidence is missing) or complete
    #[schema(example = "complete")]
    state: String,
    /// By the phone's clock.
    started_at: Moment,
    /// By the server's clock.
    submitted_at: Option<Moment>,
    complete_at: Option<Moment>,
    /// The lead first.
    officers: Vec<Officer>,
    outcome: Option<String>,
    score: Option<f64>,
    grade: Option<String>,
    /// The phone's result and the server's are not the same.
    differs: bool,
    /// Files that have not arrived.
    missing_evidence: i64,
    version: i64,
    updated_at: Moment,
}

/// Rows as lists show them.
pub(crate) async fn items(conn: &mut Conn<'_>, rows: &[InspectionRow]) -> Result<Vec<InspectionItem>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut officers: HashMap<String, Vec<Officer>> = HashMap::new();
    for (inspection, id, display_name, certificate_number) in inspections::officers(conn, &ids).await? {
        officers.entry(inspection).or_default().push(Officer { id, display_name, certificate_number });
    }
    rows.iter().map(|row| item(row, officers.remove(&row.id).unwrap_or_default())).collect()
}

fn item(row: &InspectionRow, officers: Vec<Officer>) -> Result<InspectionItem, StoreError> {
    let result = judgement(row.server_result.as_deref())?;
    let grade = result.as_ref().map(|result| serde_json::to_value(result.grade)).transpose().map_err(StoreError::damaged)?;
    Ok(InspectionItem {
        id: row.id.clone(),
        assignment_id: row.assignment_id.clone(),
        premises_id: row.premises_id.clone(),
        premises_name: row.premises_name.clone(),
        organization_id: row.office_id.clone(),
        organization_name: row.organization_name.clone(),
        template_id: row.template_id.clone(),
        template_name: serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?,
        kind: assignments::kind_of(&row.kind)?,
        state: row.state.clone(),
        started_at: Moment(row.started_at),
        submitted_at: row.submitted_at.map(Moment),
        complete_at: row.complete_at.map(Moment),
        officers,
        outcome: row.outcome.clone(),
        score: result.as_ref().and_then(|result| result.score),
        grade: grade.and_then(|grade| grade.as_str().map(str::to_owned)),
        differs: row.differs,
        missing_evidence: row.missing_count,
        version: row.version,
        updated_at: Moment(row.updated_at),
    })
}

fn judgement(stored: Option<&str>) -> Result<Option<Judgement>, StoreError> {
    stored.map(serde_json::from_str).transpose().map_err(StoreError::damaged)
}

/// Whose inspections a caller sees: those of their area; those under way only where they may see assignments too.
fn sight(session: &Session) -> Sight {
    Sight { read: session.access.scope(Permission::InspectionsRead), drafts: session.access.scope(Permission::AssignmentsRead) }
}

/// One that the caller may see: of their area, or their own.
async fn find(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    match inspections::get(conn, &sight(session), id).await? {
        Some(row) => Ok(Some(row)),
        None => inspections::get_own(conn, &session.user_id.to_string(), id).await,
    }
}

/// Where an inspection stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Draft,
    Submitted,
    Complete,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Complete => "complete",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(max_length = 36)]
    premises_id: Option<String>,
    state: Option<State>,
    /// The outcome.
    result: Option<Outcome>,
    /// Begun at this time or later.
    #[param(example = "2026-11-01T00:00:00.000Z", max_length = 40)]
    since: Option<String>,
    /// Begun before this time.
    #[param(max_length = 40)]
    until: Option<String>,
    #[param(max_length = 36)]
    officer_id: Option<String>,
    /// Begun today, Asia/Shanghai.
    today: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Inspections, newest first.
#[utoipa::path(tag = "inspections", params(ListArgs), responses((status = 200, body = Listed<InspectionItem>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections")]
async fn list(app: web::Data<App>, caller: Caller<can::InspectionsRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<InspectionItem>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut filter = InspectionFilter {
        premises_id: args.premises_id.clone(),
        state: args.state.map(|state| state.as_str().to_owned()),
        outcome: args.result.map(|outcome| outcome_code(outcome).to_owned()),
        since_ms: moment_ms("since", args.since.as_deref())?,
        until_ms: moment_ms("until", args.until.as_deref())?,
        officer_id: args.officer_id.clone(),
    };
    if args.today.unwrap_or(false) {
        let now_ms = app.clock.wall_ms();
        let midnight = now_ms - (now_ms + DAY_OFFSET_MS).rem_euclid(DAY_MS);
        filter.since_ms = Some(filter.since_ms.map_or(midnight, |since| since.max(midnight)));
    }
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let sight = sight(&caller);
    let mut rows = inspections::list(conn, &sight, &filter, &page).await?;
    let counted = inspections::count(conn, &sight, &filter).await?;
    let next = page.cut(&mut rows, |row| (row.started_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(items(conn, &rows).await?, next, counted)))
}

/// An inspection with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
struct Inspection {
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

/// One inspection: its answers by section, evidence, both results, and what happened.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000020")), responses((status = 200, body = Inspection), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::InspectionsRead>, id: Id) -> Result<web::Json<Inspection>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = find(conn, &caller, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let item = items(conn, std::slice::from_ref(&row)).await?.pop().ok_or_else(Problem::not_found)?;
    let parts = inspections::parts(conn, &row.id).await?;
    let files = evidence::of_inspection(conn, &row.id).await?;
    let template = templates::get(conn, &row.template_id).await?.ok_or_else(|| StoreError::damaged("an inspection without its template"))?.body()?;
    drop(reader);
    let submission: Option<Submit> = row.submission.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let choices = submission.as_ref().map(|submission| submission.choices.clone()).unwrap_or_default();
    let contents = parts.iter().map(|part| Ok((part.id.parse::<Uuid>().map_err(StoreError::damaged)?, part.parsed()?))).collect::<Result<Vec<_>, StoreError>>()?;
    let borrowed: Vec<(Uuid, &PartContent)> = contents.iter().map(|(id, content)| (*id, content)).collect();
    let answers = merge(&borrowed, &choices).answers;
    let sections = template.sections.iter().map(|section| section_view(section, &answers, &parts, &contents)).collect();
    let result = match judgement(row.server_result.as_deref())? {
        Some(result) => result,
        None => judge(&template, &answers),
    };
    let history = history(&row, &item, &parts, &files);
    Ok(web::Json(Inspection {
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
    }))
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

fn section_view(section: &mobile_api::template::Section, answers: &[Answer], parts: &[PartRow], contents: &[(Uuid, PartContent)]) -> Section {
    let items = section.items.iter().map(|item| {
        let answer = answers.iter().find(|answer| answer.item_code == item.code).cloned();
        let given = parts.iter().zip(contents).flat_map(|(part, (_, content))| content.answers.iter().map(move |answer| (part, answer)));
        let others = given
            .filter(|(_, given)| given.item_code == item.code && Some(*given) != answer.as_ref())
            .map(|(part, given)| OtherAnswer { part_id: part.id.clone(), owner_name: part.owner_name.clone(), answer: given.clone() })
            .collect();
        Answered { code: item.code.clone(), key: item.key, text: item.text.clone(), basis: item.basis.clone(), number: item.number.clone(), answer, others }
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

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileArgs {
    /// A reduced copy at least so wide, pixels; the evidence itself is the file as taken.
    #[param(minimum = 16, maximum = 4096, example = 640)]
    width: Option<u32>,
}

/// A file of an inspection, as taken or reduced.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000020"), ("evidence_id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000022"), FileArgs),
    responses((status = 200, description = "the file", content_type = "image/jpeg"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections/{id}/evidence/{evidence_id}")]
async fn evidence_file(request: HttpRequest, app: web::Data<App>, caller: Caller<can::InspectionsRead>, id: Id, args: Args<FileArgs>) -> Result<HttpResponse, Problem> {
    if args.width.is_some_and(|width| !(16..=4_096).contains(&width)) {
        return Err(Problem::of(ProblemType::Malformed).because("width is 16 to 4096 pixels"));
    }
    let evidence_id: Uuid = request.match_info().get("evidence_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let found = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = find(conn, &caller, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        evidence::get(conn, &evidence_id.to_string()).await?.filter(|found| found.inspection_id == row.id)
    };
    let found = found.ok_or_else(Problem::not_found)?;
    let (Some(filetype), Some(bytes)) = (found.stored_filetype, found.bytes) else {
        return Err(Problem::not_found().because("it has not arrived yet"));
    };
    if let Some(width) = args.width
        && let Reduced::Copy { filetype, content } = app.files.reduced(&found.sha256, &filetype, width).await?
    {
        let caching = ("cache-control", "private, max-age=3600, immutable");
        return Ok(HttpResponse::Ok().content_type(filetype).insert_header(caching).body(content));
    }
    let bytes = u64::try_from(bytes).unwrap_or(0);
    serve(&request, &app.files, &Content { sha256: &found.sha256, filetype: &filetype, bytes, download: None }).await
}
