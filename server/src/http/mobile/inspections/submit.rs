//! `POST /inspections/{id}/submit`: the lead names the parts by hash, chooses between them, and the server judges again.
//!
//! An incomplete checklist is refused by the rule that the phone asks by. The phone's result is kept beside the server's; where they differ both are shown, neither replaces the other. What is
//! submitted is complete only when every file its parts name has arrived.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::{HttpResponse, post, web};
use mobile_api::Moment;
use mobile_api::canonical;
use mobile_api::complete;
use mobile_api::field::Faults;
use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{
    Evidence, Header, MissingEvidence, OriginalToCome, PartContent, PartNamed, Submit, Submitted, SubmittedState,
};
use mobile_api::judge::{Judgement, Outcome, judge};
use mobile_api::merge::merge;
use mobile_api::paper::FrameNumber;
use mobile_api::problem::ProblemType;
use mobile_api::signing::{self, Named, SigningLack};
use mobile_api::template::TemplateBody;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::drawn::{Redrawn, redraw};
use super::{Undone, find, move_assignment};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::happened::{Fix, happened};
use crate::evidence::{Document, Given, Hashed, Receipt};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::evidence::EvidenceRow;
use crate::store::findings::{self, Finding};
use crate::store::inspections::{Around, InspectionRow, NewHeader, PartRow, Submission};
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, Tx, alert_acts, assignments, evidence, inspections, paper_numbers, webhooks};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(submit);
}

/// Submits an inspection. Only its lead does; the same again gets the same, with what is still missing by now. Every item of the
/// template is answered, but in unannounced checks and re-inspections; what lacks is named at `/answers/CODE`. What the law asks for on site and is not there
/// (`to_complete`) is marked and refuses nothing.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000020")),
    request_body(content = Submit, example = json!({"parts": [{"id": "01928f6e-0000-7000-8000-000000000021", "content_sha256": "a3982d844cdd458de131252f1a1f6ff85fbdd79dd64fd3315e931dff1ed4db25"}], "choices": {},
        "result": {"outcome": "conforms", "checked": 1, "key_checked": 1, "general_checked": 0, "key_failed": [], "general_failed": [], "not_applicable": [],
            "score": 100.0, "grade": "excellent", "consequences": [], "unanswered": []}, "submitted_at": "2026-11-23T06:40:00.000Z"})),
    responses((status = 200, body = Submitted), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/inspections/{id}/submit")]
async fn submit(app: web::Data<App>, caller: Caller<can::InspectionsConduct>, id: Id, body: Body<Submit>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(submit_inspection(&app, &caller, *id, body.into_inner()).await?))
}

/// Submits an inspection.
pub async fn submit_inspection(app: &App, session: &Session, id: Uuid, body: Submit) -> Result<Submitted, Problem> {
    body.check().map_err(Problem::fields)?;
    let (inspection_id, id) = (id, id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = find(conn, session, &id).await?.ok_or_else(Problem::not_found)?;
    if row.lead_id != session.user_id.to_string() {
        return Err(not_the_lead());
    }
    if row.submission_sha256.is_some() {
        return as_it_is(conn, session, &id, true).await?.answer(&body.sameness());
    }
    let parts = inspections::parts(conn, &id).await?;
    named_as_stored(&body.parts, parts.iter().map(|part| (part.id.as_str(), part.content_sha256.as_str())))?;
    let template = app.checklists.get(conn, &row.template_id).await?;
    let template = template.ok_or_else(|| StoreError::damaged("an inspection without its template"))?;
    let contents = in_named_order(&body.parts, &parts)?;
    let mut signed = Vec::with_capacity(contents.len());
    for (_, content) in &contents {
        signed.push(drawn_only(conn, &id, content).await?);
    }
    let header = row.parsed_header()?;
    let officers = named(conn, &id).await?;
    drop(reader);
    let at = app.clock.wall_ms();
    let sent = Sent {
        id: inspection_id,
        premises_id: &row.premises_id,
        header: &header,
        header_sha256: &row.header_sha256,
        received_at: row.received_at,
        template: &template,
        parts: contents.iter().map(|(id, content)| (*id, content)).collect(),
        signed: signed.iter().map(AsRef::as_ref).collect(),
        officers: &officers,
    };
    let judged = judged(app, &sent, &body, at)?;
    let sha256 = judged.submission.sha256.clone();
    let (own, wanted) = (session.clone(), id.clone());
    let stored = match app.db.write(move |tx| Box::pin(async move { store(tx, &own, &wanted, &body.parts, &judged, at).await })).await {
        Ok(stored) => stored,
        // Somebody was faster; whether it was the same is told by the row.
        Err(Undone::Taken) => as_it_is(&mut app.db.read().await?.conn(), session, &id, true).await?,
        Err(Undone::Refused(problem)) => return Err(problem),
    };
    stored.answer(&sha256)
}

pub(super) fn not_the_lead() -> Problem {
    Problem::forbidden().because("the lead officer submits")
}

/// An inspection as it was sent, with what it is judged by.
pub(super) struct Sent<'a> {
    pub(super) id: Uuid,
    /// The living one, where the header's was merged.
    pub(super) premises_id: &'a str,
    pub(super) header: &'a Header,
    pub(super) header_sha256: &'a str,
    /// When the server first heard of it, ms UTC.
    pub(super) received_at: i64,
    pub(super) template: &'a TemplateBody,
    /// In the order in which the lead names them.
    pub(super) parts: Vec<(Uuid, &'a PartContent)>,
    /// The same without what is known to be signed with a blank drawing.
    pub(super) signed: Vec<&'a PartContent>,
    /// As the header names them.
    pub(super) officers: &'a [Named],
}

/// What is written with a submission.
pub(super) struct Judged {
    pub(super) submission: Submission,
    /// What failed.
    pub(super) findings: Vec<Finding>,
    /// The number that the phone drew the record with.
    number: Option<FrameNumber>,
    /// As the header names them.
    officers: Vec<Uuid>,
    /// Whether a part names a file.
    has_evidence: bool,
    /// What is answered where nothing is waited for.
    answer: Submitted,
}

/// Judges what was sent; refused where two parts differ and nobody chose, and where an item is not answered that must be.
pub(super) fn judged(app: &App, sent: &Sent<'_>, body: &Submit, at: i64) -> Result<Judged, Problem> {
    let merged = merge(&sent.parts, &body.choices);
    let mut faults = Faults::new();
    for code in &merged.undecided {
        faults.within("choices", |faults| faults.note_at(code, "required", "two parts say different things; the lead chooses"));
    }
    checked(faults)?;
    complete::check(sent.template, &merged.answers, sent.header.kind).map_err(Problem::fields)?;
    let shown: Vec<&PartContent> = sent.parts.iter().map(|(_, content)| *content).collect();
    let drawn = redraw(sent.id, sent.header, sent.template, &merged.answers, &shown);
    let result = judge(sent.template, &merged.answers);
    let to_complete = signing::lacks(sent.officers, &sent.signed, &merged.answers);
    let sha256 = body.sameness();
    let receipt = receipt(app, sent, body, &sha256, &result, drawn.as_ref(), &to_complete, at)?;
    let fixes: Vec<Fix> = shown.iter().flat_map(|content| fixes(content)).collect();
    let differs = result != body.result;
    let submission = Submission {
        raw: json(body)?,
        sha256,
        phone_result: json(&body.result)?,
        server_result: json(&result)?,
        outcome: outcome_code(result.outcome).to_owned(),
        differs,
        to_complete: json(&to_complete)?,
        drawn_sha256: drawn.as_ref().map(|drawn| drawn.sha256.clone()),
        drawn_differs: drawn.as_ref().is_some_and(|drawn| drawn.differs),
        drawn_number: drawn.as_ref().and_then(|drawn| drawn.number.as_ref()).map(|number| number.text.clone()),
        receipt: json(&receipt)?,
        happened: happened(sent.header.started_at.0, sent.received_at, &fixes),
    };
    let answer = Submitted {
        state: SubmittedState::Complete,
        missing_evidence: Vec::new(),
        originals_to_come: Vec::new(),
        differs,
        to_complete,
        drawn_sha256: submission.drawn_sha256.clone(),
        drawn_differs: submission.drawn_differs,
        receipt: Some(serde_json::to_value(&receipt).map_err(StoreError::damaged)?),
        result,
    };
    Ok(Judged {
        submission,
        findings: findings::of(&answer.result, &merged.answers),
        answer,
        number: drawn.and_then(|drawn| drawn.number),
        officers: sent.header.officers.clone(),
        has_evidence: shown.iter().any(|part| !part.evidence.is_empty()),
    })
}

/// What this server says it received, signed with its key.
#[expect(clippy::too_many_arguments, reason = "all of what a receipt names")]
fn receipt(
    app: &App,
    sent: &Sent<'_>,
    body: &Submit,
    submission_sha256: &str,
    result: &Judgement,
    drawn: Option<&Redrawn>,
    to_complete: &[SigningLack],
    at: i64,
) -> Result<Document, StoreError> {
    let named = sent.parts.iter().flat_map(|(_, part)| &part.evidence);
    let mut evidence: Vec<Hashed> = named.map(|one| Hashed { id: one.id, sha256: one.sha256.clone() }).collect();
    evidence.sort_by_key(|one| one.id);
    let given = Given {
        inspection_id: sent.id,
        premises_id: sent.premises_id.parse().map_err(StoreError::damaged)?,
        lead_id: *sent.header.officers.first().ok_or_else(|| StoreError::damaged("a header without officers"))?,
        header_sha256: sent.header_sha256.to_owned(),
        parts: body.parts.iter().map(|part| Hashed { id: part.id, sha256: part.content_sha256.clone() }).collect(),
        evidence,
        submission_sha256: submission_sha256.to_owned(),
        outcome: outcome_code(result.outcome).to_owned(),
        result_sha256: canonical::sha256_hex(&serde_json::to_value(result).map_err(StoreError::damaged)?),
        drawn_sha256: drawn.map(|drawn| drawn.sha256.clone()),
        drawn_number: drawn.and_then(|drawn| drawn.number.as_ref()).map(|number| number.text.clone()),
        to_complete: to_complete.to_vec(),
        received_at: Moment(at),
    };
    Ok(Receipt::signed(given, &app.keys.signer()))
}

/// What a part says, without what was signed with a drawing on which nothing is drawn: it is kept, and is no signature.
pub(crate) async fn drawn_only<'a>(
    conn: &mut Conn<'_>,
    inspection_id: &str,
    content: &'a PartContent,
) -> Result<Cow<'a, PartContent>, StoreError> {
    if content.evidence.is_empty() {
        return Ok(Cow::Borrowed(content));
    }
    let blank: Vec<String> =
        evidence::of_inspection(conn, inspection_id).await?.into_iter().filter(|row| row.blank).map(|row| row.id).collect();
    if blank.is_empty() {
        return Ok(Cow::Borrowed(content));
    }
    let is_blank = |id: Uuid| blank.contains(&id.to_string());
    let mut content = content.clone();
    content.signatures.retain(|signature| !signature.evidence_id.is_some_and(is_blank));
    if let Some(visit) = &mut content.visit {
        visit.recusal = visit.recusal.take().filter(|recusal| !is_blank(recusal.evidence_id));
    }
    Ok(Cow::Owned(content))
}

/// The officers of an inspection as their names stand in print.
pub(super) async fn named(conn: &mut Conn<'_>, id: &str) -> Result<Vec<Named>, StoreError> {
    let officers = inspections::officers(conn, &[id.to_owned()]).await?;
    officers.into_iter().map(|(_, id, name, _)| Ok(Named { id: id.parse().map_err(StoreError::damaged)?, name })).collect()
}

/// What a part's clocks said together, the phone's and the satellites'.
fn fixes(content: &PartContent) -> impl Iterator<Item = Fix> {
    let clock = content.clock.gps_time.map(|gps| (content.clock.device_time, gps));
    // A position that an app made up has no satellites' time.
    let honest = content.locations.iter().filter(|location| location.mocked != Some(true));
    let places = honest.filter_map(|location| location.gps_time.map(|gps| (location.device_time, gps)));
    clock.into_iter().chain(places).map(|(device, gps)| Fix { device_ms: device.0, gps_ms: gps.0 })
}

async fn store(tx: &mut Tx<'_>, session: &Session, id: &str, named: &[PartNamed], judged: &Judged, at: i64) -> Result<AsItIs, Undone> {
    inspections::hold(tx, id).await?;
    // A part that came while this was being judged is not in the judgement: the lead looks again.
    let present = inspections::part_hashes(tx, id).await?;
    named_as_stored(named, present.iter().map(|(id, sha256)| (id.as_str(), sha256.as_str())))?;
    write(tx, session, id, judged, at).await
}

/// Writes the submission of a draft with all that goes with it.
async fn write(tx: &mut Tx<'_>, session: &Session, id: &str, judged: &Judged, at: i64) -> Result<AsItIs, Undone> {
    let row = inspections::submit(tx, id, &judged.submission, &judged.findings, at).await?.ok_or(Undone::Taken)?;
    let stored = AsItIs::of(tx, row, judged.has_evidence).await?;
    let row = &stored.row;
    publish(tx, row, at).await?;
    let about = (id, row.premises_id.as_str(), row.premises_path.as_str());
    follow(tx, session, about, row.assignment_id.as_deref(), judged, row.missing_count, at).await?;
    Ok(stored)
}

/// What goes with the submission of an inspection that was added with it; gives the answer.
pub(super) async fn follow_new(
    tx: &mut Tx<'_>,
    session: &Session,
    new: &NewHeader,
    promised: &[(&Evidence, Standing)],
    judged: &Judged,
    around: Around,
    at: i64,
) -> Result<Submitted, Undone> {
    let id = new.id.to_string();
    let row = match around {
        Around { files: true, .. } => inspections::settle_quietly(tx, &id, at).await?.map(|settled| settled.row),
        Around { webhooks: true, .. } => inspections::of_upload(tx, &id).await?,
        Around { .. } => None,
    };
    if let Some(row) = row.as_ref().filter(|_| around.webhooks) {
        publish(tx, row, at).await?;
    }
    let answer = match row.filter(|_| around.files) {
        Some(row) => AsItIs::of(tx, row, true).await?.answer(&judged.submission.sha256)?,
        None => judged.without(promised),
    };
    let about = (id.as_str(), new.premises_id.as_str(), new.premises_path.as_str());
    let assignment_id = new.header.assignment_id.map(|id| id.to_string());
    let missing = i64::try_from(answer.missing_evidence.len()).unwrap_or(i64::MAX);
    follow(tx, session, about, assignment_id.as_deref(), judged, missing, at).await?;
    Ok(answer)
}

impl Judged {
    /// The answer while none of the files has come.
    fn without(&self, promised: &[(&Evidence, Standing)]) -> Submitted {
        let of = |wanted: Standing| promised.iter().filter(move |(_, standing)| *standing == wanted).map(|(one, _)| *one);
        let missing_evidence: Vec<MissingEvidence> =
            of(Standing::Needed).map(|one| MissingEvidence { id: one.id, sha256: one.sha256.clone(), kind: one.kind }).collect();
        Submitted {
            state: if missing_evidence.is_empty() { SubmittedState::Complete } else { SubmittedState::Submitted },
            missing_evidence,
            originals_to_come: of(Standing::ToCome).map(|one| OriginalToCome { id: one.id, sha256: one.sha256.clone() }).collect(),
            ..self.answer.clone()
        }
    }
}

/// Tells webhooks of a submission, and that it is complete where it is.
async fn publish(tx: &mut Tx<'_>, row: &InspectionRow, at: i64) -> Result<(), StoreError> {
    let waiting = InspectionRow { state: "submitted".to_owned(), complete_at: None, ..row.clone() };
    let events = [("inspection.submitted", &waiting), ("inspection.completed", row)];
    webhooks::publish_inspection(tx, if row.state == "complete" { &events } else { &events[..1] }, at).await
}

/// What follows a submission of an inspection (its id, its premises and their node): the number of its record, those who synchronise, the
/// audit log, and the assignment it came of.
async fn follow(
    tx: &mut Tx<'_>,
    session: &Session,
    about: (&str, &str, &str),
    assignment_id: Option<&str>,
    judged: &Judged,
    missing: i64,
    at: i64,
) -> Result<(), Undone> {
    let (id, _, path) = about;
    let submission = &judged.submission;
    // A number that is not the officer's, or was used before, stays what it is: the paper keeps its text, and desks see that it has no row.
    let number_taken = match &judged.number {
        Some(number) => paper_numbers::take_over(tx, number, &session.user_id.to_string(), id, at).await?,
        None => false,
    };
    inspections::note_change_of(tx, about, &judged.officers, true, at).await?;
    let detail = json!({"outcome": submission.outcome, "differs": submission.differs, "submission_sha256": submission.sha256, "missing_evidence": missing,
        "drawn_sha256": submission.drawn_sha256, "drawn_differs": submission.drawn_differs, "drawn_number": submission.drawn_number, "number_taken": number_taken});
    tx.audit(at, Act { actor: &session.actor, action: "inspection_submit", entity: Some(("inspection", id)), path, detail }).await?;
    match assignment_id {
        Some(assignment_id) => {
            move_assignment(tx, session, assignment_id, "complete", at).await?;
            answer_alert(tx, assignment_id, &submission.outcome, at).await?;
        }
        None => tx.leaves_access_alone(),
    }
    Ok(())
}

/// An inspection with the evidence that has not come: what it waits for, and what follows when a phone's network allows.
struct AsItIs {
    row: InspectionRow,
    missing: Vec<EvidenceRow>,
    to_come: Vec<EvidenceRow>,
}

async fn as_it_is(conn: &mut Conn<'_>, session: &Session, id: &str, has_evidence: bool) -> Result<AsItIs, Problem> {
    let row = find(conn, session, id).await?.ok_or_else(Problem::not_found)?;
    Ok(AsItIs::of(conn, row, has_evidence).await?)
}

/// The alert that asked for this inspection is answered by it: who decides reviews it beside the result.
async fn answer_alert(tx: &mut Tx<'_>, assignment_id: &str, outcome: &str, at: i64) -> Result<(), StoreError> {
    let assignment = assignments::for_work(tx, assignment_id).await?;
    let Some(alert_id) = assignment.and_then(|row| row.alert_id) else { return Ok(()) };
    alert_acts::by_inspection(tx, &alert_id, "rectify", "inspection_submitted@1", format!("inspection: {outcome}"), at).await
}

impl AsItIs {
    async fn of(conn: &mut Conn<'_>, row: InspectionRow, has_evidence: bool) -> Result<Self, StoreError> {
        let missing = if row.missing_count == 0 { Vec::new() } else { evidence::missing(conn, &row.id).await? };
        let to_come = if has_evidence { evidence::to_come(conn, &row.id).await? } else { Vec::new() };
        Ok(Self { row, missing, to_come })
    }

    /// The answer for a submitted inspection, or both versions where another submission is stored.
    fn answer(self, sha256: &str) -> Result<Submitted, Problem> {
        let Self { row, missing, to_come } = self;
        if row.submission_sha256.as_deref() != Some(sha256) {
            let problem = Problem::of(ProblemType::Conflict).because("the inspection was submitted with another content");
            let named = |sha256: Option<&str>| json!({"submission_sha256": sha256});
            return Err(problem.with("present", named(row.submission_sha256.as_deref())).with("offered", named(Some(sha256))));
        }
        let result: Judgement = serde_json::from_str(row.server_result.as_deref().unwrap_or_default()).map_err(StoreError::damaged)?;
        let missing_evidence = missing
            .into_iter()
            .map(|one| {
                Ok(MissingEvidence {
                    id: one.id.parse().map_err(StoreError::damaged)?,
                    kind: evidence::kind_of(one.kind.as_deref().unwrap_or_default())?,
                    sha256: one.sha256,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let originals_to_come = to_come
            .into_iter()
            .map(|one| Ok(OriginalToCome { id: one.id.parse().map_err(StoreError::damaged)?, sha256: one.sha256 }))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let state = if row.state == "complete" { SubmittedState::Complete } else { SubmittedState::Submitted };
        Ok(Submitted {
            state,
            missing_evidence,
            originals_to_come,
            result,
            differs: row.differs,
            to_complete: row.to_complete()?.unwrap_or_default(),
            drawn_sha256: row.drawn_sha256.clone(),
            drawn_differs: row.drawn_differs,
            receipt: row.receipt.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?,
        })
    }
}

/// The lead names exactly the parts that are stored, each by its hash.
fn named_as_stored<'a>(named: &[PartNamed], stored: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Problem> {
    let stored: BTreeMap<&str, &str> = stored.collect();
    let offered: BTreeMap<String, &str> = named.iter().map(|part| (part.id.to_string(), part.content_sha256.as_str())).collect();
    if stored.len() == offered.len() && offered.iter().all(|(id, sha256)| stored.get(id.as_str()) == Some(sha256)) {
        return Ok(());
    }
    let list = |parts: Vec<Value>| json!({"parts": parts});
    let present = list(stored.iter().map(|(id, sha256)| json!({"id": id, "content_sha256": sha256})).collect());
    let offered = list(offered.iter().map(|(id, sha256)| json!({"id": id, "content_sha256": sha256})).collect());
    Err(Problem::of(ProblemType::Conflict)
        .because("the parts named are not the parts stored")
        .with("present", present)
        .with("offered", offered))
}

fn in_named_order(named: &[PartNamed], parts: &[PartRow]) -> Result<Vec<(Uuid, PartContent)>, StoreError> {
    named
        .iter()
        .filter_map(|name| parts.iter().find(|part| part.id == name.id.to_string()).map(|part| Ok((name.id, part.parsed()?))))
        .collect()
}

/// As stored and filtered by.
pub(crate) fn outcome_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Conforms => "conforms",
        Outcome::BasicallyConforms => "basically_conforms",
        Outcome::DoesNotConform => "does_not_conform",
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::damaged)
}
