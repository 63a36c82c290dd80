//! Amending a submitted inspection: never overwriting, each time a version with who, why and what it stands on.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::Moment;
use mobile_api::complete;
use mobile_api::field::Faults;
use mobile_api::inspection::{Answer, EvidenceKind, InspectionKind, ItemResult, fit};
use mobile_api::judge::judge;
use mobile_api::problem::ProblemType;
use mobile_api::template::{FieldValues, TemplateBody};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::page::Inspection;
use super::{find, page_of, template_of};
use crate::auth::{Caller, Sealer, Session, can};
use crate::domain::permission::Permission;
use crate::domain::workflow::REASON_CHARS_MAX;
use crate::http::mobile::inspections::outcome_code;
use crate::http::{Answer as Kept, Body, Id, Problem, ProblemBody, Repeatable, checked};
use crate::store::amendments::{self, NewAmendment, VERSIONS_MAX};
use crate::store::inspections::InspectionRow;
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, Tx, evidence, findings, inspections, webhooks};
use crate::{App, inspected};

/// Items that one amendment changes.
const ITEMS_MAX: usize = 100;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(amend);
}

/// A correction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAmendment, example = json!({"version": 0, "reason": "现场记录笔误", "answers": [{"item_code": "8.1", "result": "fails", "remark": "排水沟盖板缺失两块", "affects_safety": false}]}))]
struct AmendRequest {
    /// The version it stands on: 0 for what was submitted, or the last amendment's.
    version: i64,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// How these items read from now on, each once.
    #[schema(min_items = 1, max_items = 100)]
    answers: Vec<AmendedAnswer>,
}

/// An item as it reads from now on. Its photos stay; so do its values where none are given.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AmendedAnswer {
    #[schema(max_length = 64)]
    item_code: String,
    /// None of a plain question.
    result: Option<ItemResult>,
    #[schema(max_length = 2000)]
    remark: Option<String>,
    #[schema(max_length = 2000)]
    reason: Option<String>,
    number: Option<f64>,
    /// Of the item's fields, by code; all of them, where any changes.
    values: Option<FieldValues>,
    affects_safety: Option<bool>,
    corrected_on_spot: Option<bool>,
}

/// Corrects a submitted inspection. What was sent stays as sent; papers that were issued stay as they are.
#[utoipa::path(tag = "inspections", params(("id" = uuid::Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090"), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = AmendRequest, responses((status = 201, body = Inspection),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` with `present`, or not submitted yet"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/inspections/{id}/amendments")]
async fn amend(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::InspectionsConduct>,
    id: Id,
    body: Body<AmendRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let (at, id, session, sealer) = (app.clock.wall_ms(), id.to_string(), Session::clone(&caller), app.sealer.clone());
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                make(tx, &sealer, &session, &id, body, at).await?;
                Kept::json(201, &page_of(tx, &sealer, &session, &id).await?)
            })
        })
        .await
}

async fn make(tx: &mut Tx<'_>, sealer: &Sealer, session: &Session, id: &str, body: AmendRequest, at: i64) -> Result<(), Problem> {
    inspections::hold(tx, id).await?;
    let row = find(tx, session, id).await?.ok_or_else(Problem::not_found)?;
    if !session.access.may_at(Permission::InspectionsConduct, &row.premises_path) {
        return Err(Problem::forbidden());
    }
    if row.state == "draft" {
        return Err(Problem::of(ProblemType::Conflict).because("it is not submitted yet: change the draft"));
    }
    let template = template_of(tx, &row).await?;
    let mut faults = Faults::new();
    faults.text("reason", &body.reason, REASON_CHARS_MAX);
    if body.answers.is_empty() {
        faults.note_at("answers", "required", "at least one item");
    }
    faults.count("answers", body.answers.len(), ITEMS_MAX);
    faults.within("answers", |faults| {
        for (place, answer) in body.answers.iter().enumerate().take(ITEMS_MAX) {
            faults.within(place, |faults| {
                if template.item(&answer.item_code).is_none() {
                    faults.note_at("item_code", "unknown", "no such item in the checklist");
                } else if body.answers.iter().take(place).any(|other| other.item_code == answer.item_code) {
                    faults.note_at("item_code", "duplicate", "each item once");
                }
                faults.optional_text("remark", answer.remark.as_deref(), REASON_CHARS_MAX);
                faults.optional_text("reason", answer.reason.as_deref(), REASON_CHARS_MAX);
                if answer.number.is_some_and(|number| !number.is_finite()) {
                    faults.note_at("number", "format", "a number");
                }
            });
        }
    });
    checked(faults)?;
    let last = amendments::of_inspection(tx, id).await?.last().map_or(0, |row| row.version);
    if body.version != last {
        return Err(Problem::stale(page_of(tx, sealer, session, id).await?));
    }
    if last >= VERSIONS_MAX {
        return Err(Problem::of(ProblemType::TooLarge).because(format!("at most {VERSIONS_MAX} amendments")));
    }
    let mut answers = inspected::answers(tx, &row).await?;
    let changed: Vec<Answer> = body.answers.into_iter().map(|answer| amended(answer, &answers, at)).collect();
    amendments::lay_over(&mut answers, changed.iter().cloned());
    let drawings: Vec<Uuid> = signatures(tx, id).await?;
    whole(&template, &answers, &changed, row.parsed_header()?.kind, &drawings)?;
    let new = Version { number: last + 1, reason: body.reason.trim(), changed: &changed, answers: &answers, template: &template };
    if !store(tx, session, &row, &new, at).await? {
        return Err(Problem::stale(page_of(tx, sealer, session, id).await?));
    }
    Ok(())
}

/// A version on its way into the store.
struct Version<'a> {
    number: i64,
    reason: &'a str,
    changed: &'a [Answer],
    /// With the changes.
    answers: &'a [Answer],
    template: &'a TemplateBody,
}

/// Writes a version with its result, audit row and change; `false` where somebody was faster.
async fn store(tx: &mut Tx<'_>, session: &Session, row: &InspectionRow, version: &Version<'_>, at: i64) -> Result<bool, Problem> {
    let result = judge(version.template, version.answers);
    let findings = findings::of(&result, version.answers);
    let changes: BTreeMap<&str, &Answer> = version.changed.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
    let new = NewAmendment {
        inspection_id: row.id.clone(),
        version: version.number,
        reason: version.reason.to_owned(),
        changes: serde_json::to_string(&changes).map_err(StoreError::damaged)?,
        result: serde_json::to_string(&result).map_err(StoreError::damaged)?,
        outcome: outcome_code(result.outcome).to_owned(),
        user_id: session.user_id.to_string(),
    };
    if !amendments::insert(tx, &new, at).await? {
        return Ok(false);
    }
    findings::put(tx, &row.id, &findings).await?;
    let amended = find(tx, session, &row.id).await?.ok_or_else(Problem::not_found)?;
    webhooks::publish_inspection(tx, &[("inspection.amended", &amended)], at).await?;
    let items: Vec<&&str> = changes.keys().collect();
    let detail = json!({"version": new.version, "reason": new.reason, "items": items, "outcome": {"from": row.outcome, "to": new.outcome}});
    tx.audit(
        at,
        Act { actor: &session.actor, action: "inspection_amend", entity: Some(("inspection", &row.id)), path: &row.premises_path, detail },
    )
    .await?;
    inspections::note_change(tx, row, true, at).await?;
    Ok(true)
}

/// Amends an inspection of the caller's own to what an edited form says; how many items that changed. Items that the form does
/// not answer stay as they were.
pub(in crate::http) async fn amend_to(
    tx: &mut Tx<'_>,
    session: &Session,
    row: &InspectionRow,
    said: &[Answer],
    reason: &str,
    at: i64,
) -> Result<usize, Problem> {
    inspections::hold(tx, &row.id).await?;
    let template = template_of(tx, row).await?;
    let mut answers = inspected::answers(tx, row).await?;
    let same = |one: &Answer, other: &Answer| Answer { answered_at: other.answered_at, ..one.clone() } == *other;
    let changed: Vec<Answer> =
        said.iter().filter(|one| !answers.iter().any(|before| before.item_code == one.item_code && same(one, before))).cloned().collect();
    if changed.is_empty() {
        return Ok(0);
    }
    let last = amendments::of_inspection(tx, &row.id).await?.last().map_or(0, |row| row.version);
    if last >= VERSIONS_MAX {
        return Err(Problem::of(ProblemType::TooLarge).because(format!("at most {VERSIONS_MAX} amendments")));
    }
    amendments::lay_over(&mut answers, changed.iter().cloned());
    let drawings = signatures(tx, &row.id).await?;
    whole(&template, &answers, &changed, row.parsed_header()?.kind, &drawings)?;
    let new = Version { number: last + 1, reason, changed: &changed, answers: &answers, template: &template };
    if !store(tx, session, row, &new, at).await? {
        return Err(Problem::of(ProblemType::Conflict).because("it was amended at the same moment"));
    }
    Ok(changed.len())
}

/// The drawings that a field may name.
async fn signatures(conn: &mut Conn<'_>, id: &str) -> Result<Vec<Uuid>, StoreError> {
    let kind = evidence::kind_code(EvidenceKind::Signature);
    let files = evidence::of_inspection(conn, id).await?;
    files.iter().filter(|file| file.kind.as_deref() == Some(kind)).map(|file| file.id.parse().map_err(StoreError::damaged)).collect()
}

/// What changes fits the checklist and lacks nothing by the rule of submissions; what other items lack is not this amendment's.
fn whole(template: &TemplateBody, answers: &[Answer], changed: &[Answer], kind: InspectionKind, drawings: &[Uuid]) -> Result<(), Problem> {
    let lacks = complete::check(template, answers, kind).err().unwrap_or_default();
    let mut faults = Faults::new();
    faults.within("answers", |faults| {
        for (place, answer) in changed.iter().enumerate() {
            faults.within(place, |faults| {
                if let Some(item) = template.item(&answer.item_code) {
                    fit::answer(faults, answer, item, drawings);
                }
                let item = format!("/answers/{}", answer.item_code);
                for lack in lacks.iter().filter(|lack| lack.pointer == item) {
                    faults.note_at("result", &lack.code, lack.detail.as_str());
                }
                let fields = format!("{item}/values/");
                for (lack, field) in lacks.iter().filter_map(|lack| Some((lack, lack.pointer.strip_prefix(&fields)?))) {
                    faults.within("values", |faults| faults.note_at(field, &lack.code, lack.detail.as_str()));
                }
            });
        }
    });
    checked(faults)
}

/// The answer as it reads from now on; the photos of the item stay with it.
fn amended(answer: AmendedAnswer, answers: &[Answer], at: i64) -> Answer {
    let before = answers.iter().find(|before| before.item_code == answer.item_code);
    Answer {
        item_code: answer.item_code,
        result: answer.result,
        remark: answer.remark,
        reason: answer.reason,
        number: answer.number,
        values: answer.values.or_else(|| before.map(|before| before.values.clone())).unwrap_or_default(),
        affects_safety: answer.affects_safety,
        corrected_on_spot: answer.corrected_on_spot,
        answered_at: Moment(at),
        evidence_ids: before.map(|before| before.evidence_ids.clone()).unwrap_or_default(),
    }
}
