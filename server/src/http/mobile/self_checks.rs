//! `PUT /self-checks/{id}`: a paper of the canteen's own, and what becomes of the samples it reports.
//!
//! The same again is answered 200 and changes nothing; another content under the same id is 409 with both named. Its files come
//! by tus like an inspection's, before or after.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, post, put, web};
use mobile_api::field::Faults;
use mobile_api::inspection::originals::{Originals, Standing};
use mobile_api::inspection::{ContentNamed, InspectionKind, MissingEvidence, fit};
use mobile_api::limits::{SELF_CHECK_DAYS_AHEAD, SELF_CHECK_DAYS_BACK};
use mobile_api::problem::ProblemType;
use mobile_api::self_check::{DiscardSample, PutSelfCheck, SelfCheckContent, SelfCheckStored};
use mobile_api::template::{Audience, FieldValue, TemplateBody};
use mobile_api::{Moment, complete};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::calendar::date_of;
use crate::domain::happened::happened;
use crate::domain::permission::Permission;
use crate::domain::self_check::{Duties, DutyRule, MEALS, SAMPLE_HOURS, SAMPLES_CODE, SETTING, day_of, dishes};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::journal::Act;
use crate::store::premises::PremisesRow;
use crate::store::self_checks::{self, NewSamples, NewSelfCheck, SampleRow, SelfCheckRow};
use crate::store::{Conn, StoreError, Tx, evidence, premises, settings, templates};

const DAY_MS: i64 = 24 * 3_600_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put).service(discard);
}

/// The rules in force: the bureau's, or those that ship.
pub(crate) async fn duties(conn: &mut Conn<'_>) -> Result<Duties, StoreError> {
    Ok(settings::of_system(conn, SETTING).await?.map_or_else(|| Duties::shipped().clone(), |(duties, _)| duties))
}

/// Where a caller answers papers: all of them, or those of the head only.
fn may_answer(session: &Session, rule: Option<&DutyRule>, path: &str) -> bool {
    session.access.may_at(Permission::SelfChecksAnswer, path)
        || (rule.is_some_and(|rule| rule.head) && session.access.may_at(Permission::SelfChecksSign, path))
}

/// Stores a paper of the canteen's own. The same again answers 200; another content under this id 409 with both hashes. Food-safety
/// officers and directors answer all, the head of the place those that are the head's.
#[utoipa::path(tag = "self-checks", params(("id" = Uuid, Path, description = "made on the phone, UUIDv7", example = "01928f6e-0000-7000-8000-000000000110")),
    request_body(content = PutSelfCheck, example = json!({
        "content": {"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000112", "day": "2026-11-23",
            "part": {"device_id": "phone-2", "answers": [{"item_code": "1", "values": {"ok": "yes"}, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}],
                "evidence": [], "locations": [], "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1500000}}},
        "content_sha256": "b50fedb3633f52766dfd4e31d3b220db761bc5fc466271739eaabb90c8d7b1f7"})),
    responses((status = 201, body = SelfCheckStored), (status = 200, body = SelfCheckStored, description = "the same was here before"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/self-checks/{id}")]
async fn put(app: web::Data<App>, caller: Caller<can::SelfChecksMake>, id: Id, body: Body<PutSelfCheck>) -> Result<HttpResponse, Problem> {
    let (created, stored) = put_self_check(&app, &caller, *id, body.into_inner()).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(stored))
}

async fn put_self_check(app: &App, session: &Session, id: Uuid, body: PutSelfCheck) -> Result<(bool, SelfCheckStored), Problem> {
    body.check().map_err(Problem::fields)?;
    let at = app.clock.wall_ms();
    let content = body.content.value;
    let scope = session.access.scope(Permission::SelfChecksRead);
    let (new, samples, problems, standings) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        if let Some(present) = self_checks::get(conn, &scope, &id.to_string()).await? {
            return Ok((false, stored(conn, same(&present, &body.content_sha256)?).await?));
        }
        let (premises, code, template, duties) = check(conn, session, &content, at).await?;
        let problems = duties.problems(&code, &template, &content.part.answers);
        let samples = (code == SAMPLES_CODE).then(|| samples(&content, &premises.id, at)).flatten();
        let new = NewSelfCheck {
            id: id.to_string(),
            premises_id: premises.id,
            office_id: premises.organization_id,
            template_id: content.template_id.to_string(),
            code,
            day: content.day.clone(),
            slot: content.slot.clone().unwrap_or_default(),
            made_by: session.user_id.to_string(),
            content: serde_json::to_string(&body.content.raw).map_err(StoreError::damaged)?,
            content_sha256: body.content_sha256.clone(),
            problems: i64::try_from(problems.len()).unwrap_or(i64::MAX),
            answered_at: happened(content.part.clock.device_time.0, at, &[]).at_ms,
        };
        let originals = Originals::of(&template, &content.part.evidence);
        let standings: Vec<Standing> = content.part.evidence.iter().map(|one| originals.standing(one)).collect();
        (new, samples, problems, standings)
    };
    let (session, named) = (session.clone(), content.part.evidence);
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let created = self_checks::insert(tx, &new, at).await?;
                if created {
                    for (one, standing) in named.iter().zip(standings) {
                        if let Err(present) = evidence::promise(tx, &new.id, session.user_id, one, standing).await? {
                            let problem = Problem::of(ProblemType::Conflict).because(format!("evidence {} stands for another file", one.id));
                            let problem = if present.inspection_id == new.id { problem.with("present", json!({"sha256": present.sha256})) } else { problem };
                            return Err(problem.with("offered", json!({"evidence_id": one.id, "sha256": one.sha256})));
                        }
                    }
                    if let Some(samples) = &samples {
                        self_checks::insert_samples(tx, &new.id, samples).await?;
                    }
                    self_checks::settle(tx, &new.id, at).await?;
                }
                // Somebody else's id: nothing of it is told.
                let row = self_checks::get(tx, &session.access.scope(Permission::SelfChecksRead), &new.id).await?;
                let row = row.ok_or_else(|| Problem::of(ProblemType::Conflict).because("this id is taken"))?;
                same(&row, &new.content_sha256)?;
                if created {
                    self_checks::note_change(tx, &row, at).await?;
                    let detail = json!({"code": row.code, "day": row.day, "slot": row.slot, "problems": problems, "content_sha256": row.content_sha256});
                    let act = Act { actor: &session.actor, action: "self_check_receive", entity: Some(("self_check", &row.id)), path: &row.premises_path, detail };
                    tx.audit(at, act).await?;
                }
                Ok::<_, Problem>((created, stored(tx, &row).await?))
            })
        })
        .await
}

/// The paper that is stored, where it is the one that was offered.
fn same<'a>(present: &'a SelfCheckRow, offered: &str) -> Result<&'a SelfCheckRow, Problem> {
    if present.content_sha256 == offered {
        return Ok(present);
    }
    let named = |sha256: &str| ContentNamed { content_sha256: sha256.to_owned(), revision: None };
    Err(Problem::of(ProblemType::Conflict)
        .because("another paper is stored under this id")
        .with("present", named(&present.content_sha256))
        .with("offered", named(offered)))
}

async fn stored(conn: &mut Conn<'_>, row: &SelfCheckRow) -> Result<SelfCheckStored, Problem> {
    let missing = evidence::missing(conn, &row.id).await?;
    let missing_evidence = missing
        .iter()
        .map(|one| {
            let kind = evidence::kind_of(one.kind.as_deref().unwrap_or_default())?;
            Ok(MissingEvidence { id: one.id.parse().map_err(StoreError::damaged)?, sha256: one.sha256.clone(), kind })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(SelfCheckStored {
        id: row.id.parse().map_err(StoreError::damaged)?,
        content_sha256: row.content_sha256.clone(),
        received_at: Moment(row.received_at),
        problems: problems_of(conn, row).await?,
        missing_evidence,
    })
}

/// Items of a stored paper whose answers say that something is wrong, by the rules of now.
pub(crate) async fn problems_of(conn: &mut Conn<'_>, row: &SelfCheckRow) -> Result<Vec<String>, StoreError> {
    let template = templates::get(conn, &row.template_id).await?.ok_or_else(|| StoreError::damaged("a paper without its template"))?;
    let content: SelfCheckContent = serde_json::from_str(&row.content).map_err(StoreError::damaged)?;
    Ok(duties(conn).await?.problems(&row.code, &template.body()?, &content.part.answers))
}

/// Everything a new paper points to, and that it is whole: gives the premises (the living one, where the paper's was merged), the
/// code, what was asked, and the rules.
async fn check(
    conn: &mut Conn<'_>,
    session: &Session,
    content: &SelfCheckContent,
    now_ms: i64,
) -> Result<(PremisesRow, String, TemplateBody, Duties), Problem> {
    let duties = duties(conn).await?;
    let scope = session.access.scope(Permission::SelfChecksRead);
    let premises_id = premises::living(conn, &content.premises_id.to_string()).await?;
    let premises = premises::get(conn, &scope, &premises_id).await?;
    let template = templates::get(conn, &content.template_id.to_string()).await?.filter(|row| row.audience() == Audience::Canteen);
    let mut faults = Faults::new();
    faults.within("content", |faults| {
        if premises.is_none() {
            faults.note_at("premises_id", "unknown", "no such premises, or not yours");
        }
        if template.is_none() {
            faults.note_at("template_id", "unknown", "no such paper of the canteen's");
        }
    });
    checked(faults)?;
    let (Some(premises), Some(template)) = (premises, template) else { return Err(Problem::not_found()) };
    let rule = duties.rule(&template.code);
    if !may_answer(session, rule, &premises.path) {
        return Err(Problem::forbidden().because("this paper is not yours to answer"));
    }
    let body = template.body()?;
    let mut faults = Faults::new();
    faults.within("content", |faults| {
        day(faults, &content.day, rule, now_ms);
        slot(faults, content.slot.as_deref(), rule);
        faults.within("part", |faults| part(faults, content, &body));
    });
    checked(faults)?;
    complete::check(&body, &content.part.answers, InspectionKind::Routine).map_err(Problem::fields)?;
    Ok((premises, template.code, body, duties))
}

fn part(faults: &mut Faults, content: &SelfCheckContent, body: &TemplateBody) {
    fit::check_here(faults, &content.part, body);
    if content.part.visit.is_some() {
        faults.note_at("visit", "unknown", "a paper of the canteen's own is no visit");
    }
    for (field, given) in [("samples", !content.part.samples.is_empty()), ("quick_tests", !content.part.quick_tests.is_empty())] {
        if given {
            faults.note_at(field, "unknown", "samples and quick tests are of an inspection");
        }
    }
}

fn day(faults: &mut Faults, day: &str, rule: Option<&DutyRule>, now_ms: i64) {
    let Ok(date) = day.parse::<jiff::civil::Date>() else {
        return faults.note_at("day", "format", "a day such as 2026-11-23");
    };
    let (oldest, newest) = (date_of(now_ms - SELF_CHECK_DAYS_BACK * DAY_MS), date_of(now_ms + SELF_CHECK_DAYS_AHEAD * DAY_MS));
    if !(oldest..=newest).contains(&date) {
        faults.note_at("day", "out_of_range", format!("from {oldest} to {newest}"));
    }
    if rule.is_some_and(|rule| day_of(rule.every, date) != date) {
        faults.note_at("day", "format", "of a week its Monday, of a month its first day");
    }
}

fn slot(faults: &mut Faults, slot: Option<&str>, rule: Option<&DutyRule>) {
    let by_meal = rule.is_some_and(|rule| !rule.slots.is_empty());
    match slot.filter(|slot| !slot.is_empty()) {
        Some(slot) if by_meal && MEALS.contains(&slot) => {}
        Some(_) if by_meal => faults.note_at("slot", "unknown", format!("one of {}", MEALS.join(", "))),
        Some(_) => faults.note_at("slot", "unknown", "this paper is not made for each meal"),
        None if by_meal => faults.note_at("slot", "required", "which meal"),
        None => {}
    }
}

/// The samples that a paper of retained samples reports.
fn samples(content: &SelfCheckContent, premises_id: &str, now_ms: i64) -> Option<NewSamples> {
    let value = |field: &str| content.part.answers.iter().find_map(|answer| answer.values.get(field));
    let words = |field: &str| match value(field) {
        Some(FieldValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    // A clock that is ahead must not keep the canteen from throwing away, nor one that is years behind let it at once.
    let kept_at = happened(content.part.clock.device_time.0, now_ms, &[]).at_ms;
    Some(NewSamples {
        premises_id: premises_id.to_owned(),
        dishes: dishes(words("dishes")?),
        meal: words("meal").or(content.slot.as_deref())?.to_owned(),
        kept_by: words("name").unwrap_or_default().chars().take(200).collect(),
        weight_g: match value("weight") {
            Some(FieldValue::Number(weight)) => Some(*weight),
            _ => None,
        },
        kept_at,
        due_at: kept_at + SAMPLE_HOURS * 3_600_000,
    })
}

/// A dish that is kept cold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RetainedSample {
    /// Of the paper that reports it.
    pub(crate) self_check_id: String,
    /// On the paper, from 0.
    pub(crate) position: i64,
    #[schema(example = "番茄炒蛋")]
    pub(crate) dish: String,
    /// breakfast, lunch, dinner or snack
    #[schema(example = "lunch")]
    pub(crate) meal: String,
    /// As written on the paper.
    pub(crate) kept_by: String,
    /// Of the smallest box of the meal, g.
    pub(crate) weight_g: Option<f64>,
    /// By the phone's clock.
    pub(crate) kept_at: Moment,
    /// Kept at least until then: 48 h.
    pub(crate) due_at: Moment,
    /// By the phone's clock.
    pub(crate) discarded_at: Option<Moment>,
    pub(crate) discarded_by_name: Option<String>,
    /// It may not be thrown away: a report of suspected food poisoning stands.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) held: bool,
}

impl From<&SampleRow> for RetainedSample {
    fn from(row: &SampleRow) -> Self {
        Self {
            self_check_id: row.self_check_id.clone(),
            position: row.position,
            dish: row.dish.clone(),
            meal: row.meal.clone(),
            kept_by: row.kept_by.clone(),
            weight_g: row.weight_g,
            kept_at: Moment(row.kept_at),
            due_at: Moment(row.due_at),
            discarded_at: row.discarded_at.map(Moment),
            discarded_by_name: row.discarded_by_name.clone(),
            held: row.held_by.is_some(),
        }
    }
}

/// A paper as a phone keeps it: what it says, without the drawings and clocks.
pub(super) fn on_phone(row: SelfCheckRow, samples: &[SampleRow]) -> Result<Value, StoreError> {
    let content: SelfCheckContent = serde_json::from_str(&row.content).map_err(StoreError::damaged)?;
    let answers: serde_json::Map<String, Value> = content
        .part
        .answers
        .iter()
        .map(|answer| {
            let mut value = serde_json::Map::new();
            if !answer.values.is_empty() {
                value.insert("values".to_owned(), json!(answer.values));
            }
            for (name, given) in [("number", answer.number.map(Value::from)), ("remark", answer.remark.clone().map(Value::from))] {
                if let Some(given) = given {
                    value.insert(name.to_owned(), given);
                }
            }
            (answer.item_code.clone(), Value::Object(value))
        })
        .collect();
    let samples: Vec<RetainedSample> = samples.iter().filter(|sample| sample.self_check_id == row.id).map(RetainedSample::from).collect();
    let mut value = json!({
        "id": row.id, "premises_id": row.premises_id, "template_id": row.template_id, "code": row.code, "day": row.day, "slot": row.slot,
        "made_by_name": row.made_by_name, "answered_at": Moment(row.answered_at), "received_at": Moment(row.received_at), "problems": row.problems,
        "photos": content.part.evidence.iter().filter(|one| one.kind == mobile_api::inspection::EvidenceKind::Photo).count(), "answers": answers,
    });
    if !samples.is_empty() {
        value["samples"] = serde_json::to_value(samples).map_err(StoreError::damaged)?;
    }
    Ok(value)
}

/// Notes that a sample was thrown away, which it may be 48 h after it was taken. The same again changes nothing.
#[utoipa::path(tag = "self-checks",
    params(("id" = Uuid, Path, description = "the paper that reports it", example = "01928f6e-0000-7000-8000-000000000111"), ("position" = i64, Path, description = "on the paper, from 0", example = 0)),
    request_body(content = DiscardSample, example = json!({"discarded_at": "2026-11-23T06:10:00.000Z"})),
    responses((status = 200, body = RetainedSample), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "the 48 hours are not over, or the sample is on hold: suspected food poisoning was reported"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/self-checks/{id}/samples/{position}/discard")]
async fn discard(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SelfChecksAnswer>,
    id: Id,
    body: Body<DiscardSample>,
) -> Result<web::Json<RetainedSample>, Problem> {
    let position: i64 = request.match_info().get("position").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let (at, scope, session, paper) = (app.clock.wall_ms(), caller.scope(), Session::clone(&caller), id.to_string());
    let discarded_at = body.into_inner().discarded_at.0;
    let row =
        app.db.write(move |tx| Box::pin(async move { throw_away(tx, &session, &scope, (&paper, position), discarded_at, at).await })).await;
    if let Err(problem) = &row
        && problem.says("incident_id")
    {
        attempted(&app, &caller, &id.to_string(), position, discarded_at, at).await?;
    }
    Ok(web::Json(RetainedSample::from(&row?)))
}

/// That somebody says that a sample on hold was thrown away is worth knowing, though it is refused.
async fn attempted(app: &App, caller: &Session, paper: &str, position: i64, discarded_at: i64, at: i64) -> Result<(), Problem> {
    let (session, paper) = (caller.clone(), paper.to_owned());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::SelfChecksAnswer);
                let Some(row) = self_checks::sample(tx, &scope, &paper, position).await? else { return Ok(()) };
                let detail =
                    json!({"dish": row.dish, "position": position, "incident_id": row.held_by, "discarded_at": Moment(discarded_at)});
                let entity = Some(("self_check", row.self_check_id.as_str()));
                let act = Act { actor: &session.actor, action: "sample_discard_refused", entity, path: &row.premises_path, detail };
                Ok::<_, Problem>(tx.audit(at, act).await?)
            })
        })
        .await
}

async fn throw_away(
    tx: &mut Tx<'_>,
    session: &Session,
    scope: &Scope,
    (paper, position): (&str, i64),
    discarded_at: i64,
    at: i64,
) -> Result<SampleRow, Problem> {
    let row = self_checks::sample(tx, scope, paper, position).await?.ok_or_else(Problem::not_found)?;
    if row.discarded_at.is_some() {
        return Ok(row);
    }
    // It may be gone already: that somebody says so is in the audit log, and the sample counts as there until it is let go.
    if let Some(incident) = &row.held_by {
        return Err(Problem::of(ProblemType::Conflict)
            .because("this sample is evidence: suspected food poisoning was reported, and it may not be thrown away until that is ended")
            .with("incident_id", incident));
    }
    // The phone's clock says when; neither it nor ours may make it shorter than the rule.
    if discarded_at < row.due_at || at < row.due_at {
        return Err(Problem::of(ProblemType::Conflict).because("a sample is kept 48 hours").with("due_at", Moment(row.due_at)));
    }
    self_checks::discard(tx, paper, position, &session.user_id.to_string(), discarded_at, at).await?;
    let paper = self_checks::get(tx, scope, paper).await?.ok_or_else(Problem::not_found)?;
    self_checks::note_change(tx, &paper, at).await?;
    let detail = json!({"dish": row.dish, "position": position, "kept_at": Moment(row.kept_at), "discarded_at": Moment(discarded_at)});
    tx.audit(
        at,
        Act {
            actor: &session.actor,
            action: "sample_discard",
            entity: Some(("self_check", &paper.id)),
            path: &paper.premises_path,
            detail,
        },
    )
    .await?;
    self_checks::sample(tx, scope, &paper.id, position).await?.ok_or_else(Problem::not_found)
}
