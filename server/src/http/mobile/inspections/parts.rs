//! `PUT /inspections/{id}/parts/{part_id}`: what one officer gathered on one device.
//!
//! A part belongs to its owner and device. Until submission a higher revision replaces it; two officers never overwrite
//! each other, because each has a part of their own.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, put, web};
use mobile_api::Verbatim;
use mobile_api::field::Faults;
use mobile_api::inspection::originals::{Originals, Standing};
use mobile_api::inspection::{ContentNamed, Evidence, EvidenceKind, PartContent, PutPart, fit};
use mobile_api::limits::PARTS_PER_INSPECTION_MAX;
use mobile_api::problem::ProblemType;
use mobile_api::template::TemplateBody;
use serde::Serialize;
use serde_json::json;
use std::collections::HashSet;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::find;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::inspections::{InspectionRow, PartRow};
use crate::store::{StoreError, Tx, evidence, inspections};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put);
}

/// What the server has of a part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PartStored {
    /// As sent.
    pub id: Uuid,
    /// Of the content.
    pub content_sha256: String,
    /// The one that is kept.
    pub revision: u32,
}

/// A part on its way into the store: hashed and checked before the transaction begins.
#[derive(Debug, Clone)]
pub(super) struct IncomingPart {
    pub(super) id: Uuid,
    raw: String,
    sha256: String,
    revision: u32,
    pub(super) content: PartContent,
    /// Where it lies in the request, for the pointers of faults that only the store knows.
    within: &'static [&'static str],
    /// Of each piece of evidence, in their order; what is not named is needed.
    standings: Vec<Standing>,
}

impl IncomingPart {
    pub(super) fn of(
        id: Uuid,
        content: &Verbatim<PartContent>,
        sha256: String,
        revision: u32,
        within: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let raw = serde_json::to_string(&content.raw).map_err(StoreError::damaged)?;
        Ok(Self { id, raw, sha256, revision, content: content.value.clone(), within, standings: Vec::new() })
    }

    /// Notes what the template has no place for, and which files the inspection waits for.
    pub(super) fn weigh(&mut self, faults: &mut Faults, template: &TemplateBody) {
        fit::check(faults, &self.content, template);
        let originals = Originals::of(template, &self.content.evidence);
        self.standings = self.content.evidence.iter().map(|one| originals.standing(one)).collect();
    }

    /// As it is kept.
    pub(super) fn row(&self, session: &Session, inspection_id: &str, at: i64) -> PartRow {
        PartRow {
            id: self.id.to_string(),
            inspection_id: inspection_id.to_owned(),
            owner_id: session.user_id.to_string(),
            owner_name: String::new(),
            device_id: self.content.device_id.clone(),
            revision: i64::from(self.revision),
            content: self.raw.clone(),
            content_sha256: self.sha256.clone(),
            received_at: at,
        }
    }

    pub(super) fn stored(&self) -> PartStored {
        PartStored { id: self.id, content_sha256: self.sha256.clone(), revision: self.revision }
    }

    /// The files that it names, and which of them the inspection waits for.
    pub(super) fn promised(&self) -> Vec<(&Evidence, Standing)> {
        let standing = |index: usize| self.standings.get(index).copied().unwrap_or(Standing::Needed);
        self.content.evidence.iter().enumerate().map(|(index, one)| (one, standing(index))).collect()
    }

    fn named(&self) -> ContentNamed {
        ContentNamed { content_sha256: self.sha256.clone(), revision: Some(self.revision) }
    }
}

/// Stores a part. The same again answers 200; a lower revision, another content under the same one, another device, or a
/// part that comes after the submission 409 with both named.
#[utoipa::path(tag = "inspections",
    params(("id" = Uuid, Path, description = "the inspection", example = "01928f6e-0000-7000-8000-000000000010"), ("part_id" = Uuid, Path, description = "made on the phone, UUIDv7", example = "01928f6e-0000-7000-8000-000000000011")),
    request_body(content = PutPart, example = json!({"revision": 1, "content_sha256": "a3982d844cdd458de131252f1a1f6ff85fbdd79dd64fd3315e931dff1ed4db25",
        "content": {"device_id": "phone-1",
            "answers": [{"item_code": "6.1", "result": "conforms", "number": 130, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}],
            "evidence": [], "locations": [], "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1500000}}})),
    responses((status = 201, body = PartStored), (status = 200, body = PartStored, description = "the same was here before, or this revision replaced it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/inspections/{id}/parts/{part_id}")]
async fn put(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::InspectionsConduct>,
    id: Id,
    body: Body<PutPart>,
) -> Result<HttpResponse, Problem> {
    let part_id = request.match_info().get("part_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let (created, stored) = store_part(&app, &caller, *id, part_id, body.into_inner()).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(stored))
}

/// Stores a part; whether it is new.
pub async fn store_part(app: &App, session: &Session, id: Uuid, part_id: Uuid, body: PutPart) -> Result<(bool, PartStored), Problem> {
    body.check().map_err(Problem::fields)?;
    let mut part = IncomingPart::of(part_id, &body.content, body.content_sha256, body.revision, &["content"])?;
    {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = find(conn, session, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        if let Some(template) = app.checklists.get(conn, &row.template_id).await? {
            let mut faults = Faults::new();
            part.weigh(&mut faults, &template);
            checked(faults)?;
        }
    }
    let (at, session) = (app.clock.wall_ms(), session.clone());
    app.db
        .write_apart(move |tx| {
            Box::pin(async move {
                let row = find(tx, &session, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
                put_part(tx, &session, &row, &part, at).await
            })
        })
        .await
}

/// Stores a part of an inspection that was found; whether it is new.
pub(super) async fn put_part(
    tx: &mut Tx<'_>,
    session: &Session,
    inspection: &InspectionRow,
    part: &IncomingPart,
    at: i64,
) -> Result<(bool, PartStored), Problem> {
    let row = part.row(session, &inspection.id, at);
    let stored = part.stored();
    inspections::hold(tx, &inspection.id).await?;
    let draft = inspections::is_draft(tx, &inspection.id).await?;
    let Some(present) = inspections::part(tx, &row.id).await? else {
        may_add(tx, session, inspection, draft).await?;
        if !inspections::insert_part(tx, &row).await? {
            return Err(Problem::of(ProblemType::Conflict).because("this part was stored under another inspection at the same moment"));
        }
        promise(tx, session, &inspection.id, part).await?;
        noted(tx, inspection, at).await?;
        return Ok((true, stored));
    };
    if present.inspection_id != inspection.id {
        return Err(another_inspections());
    }
    let conflict = |why: &str| {
        let revision = u32::try_from(present.revision).ok();
        let named = ContentNamed { content_sha256: present.content_sha256.clone(), revision };
        Problem::of(ProblemType::Conflict).because(why).with("present", named).with("offered", part.named())
    };
    if present.owner_id != row.owner_id || present.device_id != row.device_id {
        return Err(conflict("this part belongs to another officer or device"));
    }
    if present.content_sha256 == row.content_sha256 {
        // The same content: the higher of the two revisions is kept.
        let revision = present.revision.max(row.revision);
        if revision > present.revision && draft {
            inspections::replace_part(tx, &PartRow { received_at: present.received_at, ..row }, at).await?;
        }
        return Ok((false, PartStored { revision: u32::try_from(revision).unwrap_or(part.revision), ..stored }));
    }
    if row.revision <= present.revision {
        return Err(conflict("this revision or a higher one is stored with another content"));
    }
    if !draft {
        return Err(conflict("the inspection is submitted"));
    }
    let before = present.parsed()?;
    inspections::replace_part(tx, &row, at).await?;
    let named: HashSet<Uuid> = part.content.evidence.iter().map(|evidence| evidence.id).collect();
    for dropped in before.evidence.iter().filter(|evidence| !named.contains(&evidence.id)) {
        evidence::release(tx, &dropped.id.to_string()).await?;
    }
    promise(tx, session, &inspection.id, part).await?;
    noted(tx, inspection, at).await?;
    Ok((false, stored))
}

pub(super) fn another_inspections() -> Problem {
    Problem::of(ProblemType::Conflict).because("this part belongs to another inspection")
}

/// Whether this caller may add a part to this inspection now.
async fn may_add(tx: &mut Tx<'_>, session: &Session, inspection: &InspectionRow, draft: bool) -> Result<(), Problem> {
    let known = inspections::part_hashes(tx, &inspection.id).await?;
    if !draft {
        let present: Vec<_> = known.iter().map(|(id, sha256)| json!({"id": id, "content_sha256": sha256})).collect();
        return Err(Problem::of(ProblemType::Conflict).because("the inspection is submitted").with("present", json!({"parts": present})));
    }
    if !inspection.parsed_header()?.officers.contains(&session.user_id) {
        return Err(Problem::forbidden().because("only the officers that the header names add parts"));
    }
    if known.len() >= PARTS_PER_INSPECTION_MAX {
        return Err(Problem::of(ProblemType::Conflict).because(format!("an inspection has at most {PARTS_PER_INSPECTION_MAX} parts")));
    }
    Ok(())
}

/// Notes the files that a part names. A file under the same id that is another file is a conflict: evidence is never replaced.
pub(super) async fn promise(tx: &mut Tx<'_>, session: &Session, inspection_id: &str, part: &IncomingPart) -> Result<(), Problem> {
    let named = &part.content.evidence;
    let blank = match evidence::promise_all(tx, inspection_id, session.user_id, &part.promised()).await? {
        Ok(blank) => blank,
        Err(present) => {
            let mut problem = Problem::of(ProblemType::Conflict).because(format!("evidence {} stands for another file", present.id));
            if present.inspection_id == inspection_id {
                problem = problem.with("present", json!({"evidence_id": present.id, "sha256": present.sha256}));
            }
            let offered = named.iter().find(|one| one.id.to_string() == present.id).map(|one| &one.sha256);
            return Err(problem.with("offered", json!({"evidence_id": present.id, "sha256": offered})));
        }
    };
    let mut faults = Faults::new();
    let unsigned = |one: &Evidence| one.kind == EvidenceKind::Signature && blank.contains(&one.id);
    for index in named.iter().enumerate().filter(|(_, one)| unsigned(one)).map(|(index, _)| index) {
        below(&mut faults, part.within, |faults| {
            faults.within("evidence", |faults| {
                faults.note_at(index, "blank", "nothing is drawn on it: a signature without a stroke is none")
            });
        });
    }
    checked(faults)
}

/// Runs a check below a path.
fn below(faults: &mut Faults, path: &[&str], check: impl FnOnce(&mut Faults)) {
    match path {
        [] => check(faults),
        [first, rest @ ..] => faults.within(first, |faults| below(faults, rest, check)),
    }
}

async fn noted(tx: &mut Tx<'_>, inspection: &InspectionRow, at: i64) -> Result<(), Problem> {
    inspections::touch(tx, &inspection.id, at).await?;
    Ok(inspections::note_change(tx, inspection, false, at).await?)
}
