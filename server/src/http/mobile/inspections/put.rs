//! `PUT /inspections/{id}`: the header, and in the common case of one phone its part and its submission.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, put, web};
use mobile_api::field::Faults;
use mobile_api::inspection::{ContentNamed, Header, PutInspection, Submitted};
use mobile_api::problem::ProblemType;
use mobile_api::signing::Named;
use mobile_api::template::TemplateBody;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::parts::{IncomingPart, PartStored, another_inspections, promise, put_part};
use super::submit::{Judged, Sent, follow_new, judged, named, not_the_lead, submit_inspection};
use super::{Undone, find, move_assignment};
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::permission::Permission;
use crate::http::mobile::assignments::{find as find_assignment, warnings};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::assignments::kind_code;
use crate::store::inspections::{Added, Beginning, NewHeader};
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, Tx, inspections, premises, users};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put);
}

/// What the server has of an inspection.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionStored {
    /// As sent.
    pub id: Uuid,
    /// draft, submitted (evidence is missing) or complete
    #[schema(example = "draft")]
    pub state: String,
    /// Of the header.
    pub content_sha256: String,
    /// The part that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<PartStored>,
    /// The submission that came with it, as `POST /inspections/{id}/submit` answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Submitted>,
    /// `fewer_than_two_officers`: an inspection needs at least two (Order 49, art. 23).
    #[schema(example = json!([]))]
    pub warnings: Vec<&'static str>,
}

/// Stores a header, a part with it, and its submission (what is refused of it is refused as by `POST /inspections/{id}/submit`; of a
/// new inspection nothing is kept then). The same again answers 200; another header under this id 409 with both hashes.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, description = "made on the phone, UUIDv7", example = "01928f6e-0000-7000-8000-000000000010")),
    request_body(content = PutInspection, example = json!({
        "header": {"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000002",
            "kind": "unannounced", "started_at": "2026-11-23T06:05:00.000Z", "officers": ["01928f6e-0000-7000-8000-000000000003"], "device": {"id": "phone-1"}},
        "content_sha256": "be1c3b0e6d2485734e095173bf7f3e9f82b443bab0e405d10b83165ad424bb51",
        "part": {"id": "01928f6e-0000-7000-8000-000000000011", "revision": 1, "content_sha256": "a3982d844cdd458de131252f1a1f6ff85fbdd79dd64fd3315e931dff1ed4db25",
            "content": {"device_id": "phone-1",
            "answers": [{"item_code": "6.1", "result": "conforms", "number": 130, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}],
            "evidence": [], "locations": [], "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1500000}}}})),
    responses((status = 201, body = InspectionStored), (status = 200, body = InspectionStored, description = "the same was here before, or the part is a newer revision"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/inspections/{id}")]
async fn put(
    app: web::Data<App>,
    caller: Caller<can::InspectionsConduct>,
    id: Id,
    body: Body<PutInspection>,
) -> Result<HttpResponse, Problem> {
    let (created, stored) = put_inspection(&app, &caller, *id, body.into_inner()).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(stored))
}

/// Stores a header, its part and its submission; whether the header is new.
pub async fn put_inspection(app: &App, session: &Session, id: Uuid, body: PutInspection) -> Result<(bool, InspectionStored), Problem> {
    body.check().map_err(Problem::fields)?;
    let header = body.header.value;
    if body.submission.is_some() && header.officers.first() != Some(&session.user_id) {
        return Err(not_the_lead());
    }
    let mut part = match body.part {
        Some(first) => Some(IncomingPart::of(first.id, &first.content, first.content_sha256, first.revision, &["part", "content"])?),
        None => None,
    };
    let (place, template, officers) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (place, template, officers) = match check_references(app, conn, session, &header).await {
            Ok(found) => found,
            // What was accepted once stays accepted: a scope or an assignment may have ended since.
            Err(problem) => {
                let known =
                    if inspections::exists(conn, &id.to_string()).await? { find(conn, session, &id.to_string()).await? } else { None };
                let row = known.ok_or(problem)?;
                let template = app.checklists.get(conn, &row.template_id).await?;
                ((row.premises_id, row.office_id, row.premises_path), template, named(conn, &id.to_string()).await?)
            }
        };
        if let (Some(part), Some(template)) = (&mut part, &template) {
            let mut faults = Faults::new();
            faults.within("part", |faults| part.weigh(faults, template));
            checked(faults)?;
        }
        (place, template, officers)
    };
    let (premises_id, office_id, premises_path) = place;
    let at = app.clock.wall_ms();
    let judged = match (&body.submission, &part, &template) {
        (Some(submission), Some(part), Some(template)) => {
            let sent = Sent {
                id,
                premises_id: &premises_id,
                header: &header,
                header_sha256: &body.content_sha256,
                received_at: at,
                template,
                parts: vec![(part.id, &part.content)],
                // No drawing has come yet: one that nothing is drawn on is refused when it comes.
                signed: vec![&part.content],
                officers: &officers,
            };
            Some(judged(app, &sent, submission, at)?)
        }
        _ => None,
    };
    let raw = serde_json::to_string(&body.header.raw).map_err(StoreError::damaged)?;
    let warnings = warnings(header.officers.len());
    let new = NewHeader { id, header, raw, sha256: body.content_sha256.clone(), office_id, premises_id, premises_path };
    let sent = Arc::new((session.clone(), new, part, judged));
    let first = sent.clone();
    let stored = match app
        .db
        .write(move |tx| Box::pin(async move { store(tx, &first.0, &first.1, first.2.as_ref(), first.3.as_ref(), at).await }))
        .await
    {
        Ok(stored) => stored,
        Err(Undone::Taken) => {
            app.db.write_apart(move |tx| Box::pin(async move { store_again(tx, &sent.0, &sent.1, sent.2.as_ref(), at).await })).await?
        }
        Err(Undone::Refused(problem)) => return Err(problem),
    };
    let submitted = match (stored.submitted, body.submission) {
        (Some(submitted), _) => Some(submitted),
        // The inspection was here: it is submitted as it is now.
        (None, Some(submission)) => Some(submit_inspection(app, session, id, submission).await?),
        (_, None) => None,
    };
    let state = submitted.as_ref().map_or(stored.state, |submitted| submitted.state.as_str().to_owned());
    Ok((stored.created, InspectionStored { id, state, content_sha256: body.content_sha256, part: stored.part, warnings, submitted }))
}

/// What came of storing.
struct Kept {
    created: bool,
    state: String,
    part: Option<PartStored>,
    /// Where the submission went with a new header.
    submitted: Option<Submitted>,
}

/// Stores an inspection that is new. Everything about it is known here, so nothing is asked for.
async fn store(
    tx: &mut Tx<'_>,
    session: &Session,
    new: &NewHeader,
    part: Option<&IncomingPart>,
    judged: Option<&Judged>,
    at: i64,
) -> Result<Kept, Undone> {
    let id = new.id.to_string();
    if new.header.assignment_id.is_none() {
        tx.leaves_access_alone();
    }
    let row = part.map(|part| part.row(session, &id, at));
    let promised = part.map(IncomingPart::promised).unwrap_or_default();
    let submission = judged.map(|judged| (&judged.submission, judged.findings.as_slice()));
    let around = match inspections::insert(tx, new, &Beginning { part: row.as_ref(), evidence: &promised, submission }, at).await? {
        Added::Whole(around) => around,
        Added::Taken => return Err(Undone::Taken),
        Added::PartTaken => return Err(another_inspections().into()),
    };
    if let Some(part) = part.filter(|_| around.files) {
        promise(tx, session, &id, part).await?;
    }
    let detail = json!({"premises_id": new.premises_id, "kind": kind_code(new.header.kind), "header_sha256": new.sha256});
    let entity = Some(("inspection", id.as_str()));
    tx.audit(at, Act { actor: &session.actor, action: "inspection_receive", entity, path: &new.premises_path, detail }).await?;
    if let Some(assignment_id) = new.header.assignment_id {
        move_assignment(tx, session, &assignment_id.to_string(), "start", at).await?;
    }
    let submitted = match judged {
        Some(judged) => Some(follow_new(tx, session, new, &promised, judged, around, at).await?),
        None => {
            let about = (id.as_str(), new.premises_id.as_str(), new.premises_path.as_str());
            inspections::note_change_of(tx, about, &new.header.officers, false, at).await?;
            None
        }
    };
    Ok(Kept { created: true, state: "draft".to_owned(), part: part.map(IncomingPart::stored), submitted })
}

/// Stores what comes under the id of an inspection that is there.
async fn store_again(tx: &mut Tx<'_>, session: &Session, new: &NewHeader, part: Option<&IncomingPart>, at: i64) -> Result<Kept, Problem> {
    // Somebody else's id: nothing of it is told.
    let row =
        find(tx, session, &new.id.to_string()).await?.ok_or_else(|| Problem::of(ProblemType::Conflict).because("this id is taken"))?;
    if row.header_sha256 != new.sha256 {
        return Err(conflict(&row.header_sha256, &new.sha256));
    }
    let stored = match part {
        Some(part) => Some(put_part(tx, session, &row, part, at).await?.1),
        None => None,
    };
    Ok(Kept { created: false, state: row.state, part: stored, submitted: None })
}

fn conflict(present: &str, offered: &str) -> Problem {
    let named = |sha256: &str| ContentNamed { content_sha256: sha256.to_owned(), revision: None };
    Problem::of(ProblemType::Conflict)
        .because("another header is stored under this id")
        .with("present", named(present))
        .with("offered", named(offered))
}

/// Premises, office and node.
type Place = (String, String, String);

/// Everything a new header points to: gives the premises (the living one, where the header's was merged meanwhile) with its office and
/// node, the template, and the officers as their names stand in print.
async fn check_references(
    app: &App,
    conn: &mut Conn<'_>,
    session: &Session,
    header: &Header,
) -> Result<(Place, Option<Arc<TemplateBody>>, Vec<Named>), Problem> {
    let mut faults = Faults::new();
    let premises_id = header.premises_id.to_string();
    let assignment = match header.assignment_id {
        Some(id) => {
            let living = premises::living(conn, &premises_id).await?;
            find_assignment(conn, session, &id.to_string()).await?.filter(|row| row.premises_id == living)
        }
        None => None,
    };
    // An assignment of one's own opens the premises even where it was closed while the phone was off line.
    let own = match &assignment {
        Some(row) => crate::store::assignments::get_own(conn, &session.user_id.to_string(), &row.id).await?.is_some(),
        None => false,
    };
    let scope = if own { Scope::system() } else { session.access.scope(Permission::InspectionsConduct) };
    let place = premises::living_place(conn, &scope, &premises_id).await?;
    let template = app.checklists.get(conn, &header.template_id.to_string()).await?;
    faults.within("header", |faults| {
        if place.is_none() {
            faults.note_at("premises_id", "unknown", "no such premises, or not in your area");
        }
        if template.is_none() {
            faults.note_at("template_id", "unknown", "no such template");
        }
        if header.assignment_id.is_some() && assignment.is_none() {
            faults.note_at("assignment_id", "unknown", "no such assignment at this premises");
        }
        if !header.officers.contains(&session.user_id) {
            faults.note_at("officers", "required", "whoever sends the inspection is one of its officers");
        }
    });
    let mut names = users::names(conn, &header.officers).await?;
    let mut officers = Vec::with_capacity(header.officers.len());
    for (index, officer) in header.officers.iter().enumerate() {
        match names.remove(&officer.to_string()) {
            Some(name) => officers.push(Named { id: *officer, name }),
            None => {
                faults.within("header", |faults| faults.within("officers", |faults| faults.note_at(index, "unknown", "no such person")))
            }
        }
    }
    checked(faults)?;
    Ok((place.ok_or_else(Problem::not_found)?, template, officers))
}
