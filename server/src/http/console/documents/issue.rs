//! Issuing a paper, and looking at it before.

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::Document;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{self, FILETYPE, Kind, Subject};
use crate::domain::permission::Permission;
use crate::domain::workflow::REASON_CHARS_MAX;
use crate::http::console::inspections::find;
use crate::http::console::orders::begun;
use crate::http::{Answer, Body, Problem, ProblemBody, Repeatable, checked};
use crate::store::inspections::{self, InspectionRow, PartRow};
use crate::store::orders::{self, NewOrder};
use crate::store::work::By;
use crate::store::{Conn, StoreError, Tx, incidents, premises, users};

/// How often a paper is set again because another node took its number.
const TRIES_MAX: usize = 5;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(issue).service(preview);
}

/// A paper to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "warning", "premises_id": "01928f6e-0000-7000-8000-000000000001", "text": "近一个月三次出现排水沟积水，请立即自查整改。"}))]
struct NewPaper {
    kind: Kind,
    /// Of which inspection; all its evidence must have arrived.
    inspection_id: Option<Uuid>,
    /// For whom, where there is no inspection.
    premises_id: Option<Uuid>,
    /// Of which report of suspected food poisoning, of an `incident_record`.
    incident_id: Option<Uuid>,
    /// What the officer adds in words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    text: String,
    /// A number that was reserved for the caller; the next one otherwise.
    #[schema(minimum = 1)]
    number: Option<i64>,
}

/// Issues a paper: takes its number, sets it, and keeps it as evidence, never to be set again.
///
/// Orders are issued by `POST /orders`, with their items and their deadline.
#[utoipa::path(tag = "documents", params(("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = NewPaper, responses((status = 201, body = Document),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "the inspection is not complete, or the number is not the caller's"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/documents")]
async fn issue(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::DocumentsIssue>,
    body: Body<NewPaper>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    if body.kind == Kind::RectificationOrder {
        return Err(Problem::field("/kind", "unexpected", "an order is issued with its items by POST /orders"));
    }
    let subject = subject(&app, &caller, &body).await?;
    fit(&app, &subject).await?;
    let issuing = Issuing { subject, number: body.number, order: None, repeat };
    issue_paper(&app, &caller, issuing).await
}

/// The paper as it would be issued, marked as a preview and without a number; nothing is kept.
#[utoipa::path(tag = "documents", request_body = NewPaper,
    responses((status = 200, description = "the paper", content_type = "application/pdf"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/documents/preview")]
async fn preview(app: web::Data<App>, caller: Caller<can::DocumentsIssue>, body: Body<NewPaper>) -> Result<HttpResponse, Problem> {
    let subject = subject(&app, &caller, &body.into_inner()).await?;
    let rendered = documents::preview(&app, &subject, None, app.clock.wall_ms()).await?;
    Ok(pdf(rendered.pdf))
}

/// A file that nobody keeps.
pub(crate) fn pdf(content: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type(FILETYPE).insert_header(("cache-control", "no-store")).body(content)
}

async fn subject(app: &App, session: &Session, body: &NewPaper) -> Result<Subject, Problem> {
    let mut faults = Faults::new();
    faults.optional_text("text", Some(&body.text), REASON_CHARS_MAX);
    if body.number.is_some_and(|number| number < 1) {
        faults.note_at("number", "out_of_range", "1 or more");
    }
    if (body.kind == Kind::IncidentRecord) != body.incident_id.is_some() {
        faults.note_at("incident_id", "required", "an incident_record is of a report, and no other paper is");
    }
    match (body.inspection_id, body.premises_id) {
        (None, None) if body.incident_id.is_some() => {}
        _ if body.incident_id.is_some() => faults.note_at("premises_id", "unexpected", "the report says it"),
        (Some(_), Some(_)) => faults.note_at("premises_id", "unexpected", "the inspection says it"),
        (None, None) => faults.note_at("inspection_id", "required", "of an inspection, or for a premises"),
        (None, Some(_)) if body.kind != Kind::Warning => faults.note_at("inspection_id", "required", "this paper is of an inspection"),
        _ => {}
    }
    checked(faults)?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let incident = match body.incident_id {
        Some(id) => {
            let scope = session.access.scope(Permission::IncidentsRead);
            Some(incidents::get(conn, &scope, &id.to_string()).await?.ok_or_else(Problem::not_found)?)
        }
        None => None,
    };
    let premises_id = match &incident {
        Some(row) => Some(row.premises_id.parse().map_err(StoreError::damaged)?),
        None => body.premises_id,
    };
    let subject = subject_of(conn, session, body.kind, body.inspection_id, premises_id, body.text.trim().to_owned()).await?;
    Ok(Subject { incident, ..subject })
}

/// What a paper is about, where the caller may issue papers there.
pub(crate) async fn subject_of(
    conn: &mut Conn<'_>,
    session: &Session,
    kind: Kind,
    inspection_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    text: String,
) -> Result<Subject, Problem> {
    let inspection: Option<InspectionRow> = match inspection_id {
        Some(id) => Some(find(conn, session, &id.to_string()).await?.ok_or_else(Problem::not_found)?),
        None => None,
    };
    if inspection.as_ref().is_some_and(|row| row.state == "draft") {
        return Err(Problem::of(ProblemType::Conflict).because("the inspection is not submitted yet"));
    }
    let premises_id = inspection.as_ref().map(|row| row.premises_id.clone()).or(premises_id.map(|id| id.to_string())).unwrap_or_default();
    let scope = session.access.scope(Permission::DocumentsIssue);
    let premises = premises::get(conn, &scope, &premises_id).await?.ok_or_else(Problem::not_found)?;
    let certificate = users::certificate(conn, &session.user_id.to_string()).await?.unwrap_or_default();
    Ok(Subject {
        kind,
        premises,
        inspection,
        incident: None,
        text,
        requirements: Vec::new(),
        order: None,
        issuer: (session.actor.name.clone(), certificate),
    })
}

/// Whether the law lets it be issued: all evidence is here, and at least two officers made the check (SAMR Order 49, art. 23).
pub(crate) async fn fit(app: &App, subject: &Subject) -> Result<(), Problem> {
    let Some(row) = &subject.inspection else { return Ok(()) };
    if row.state != "complete" {
        return Err(Problem::of(ProblemType::Conflict)
            .because("evidence of the inspection has not arrived")
            .with("missing_evidence", row.missing_count));
    }
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    if subject.kind == Kind::SamplingSheet {
        let parts = inspections::parts(conn, &row.id).await?.iter().map(PartRow::parsed).collect::<Result<Vec<_>, _>>()?;
        if parts.iter().all(|content| content.samples.is_empty()) {
            return Err(Problem::of(ProblemType::Conflict).because("no sample was taken at this inspection"));
        }
    }
    let officers = inspections::officers(conn, std::slice::from_ref(&row.id)).await?;
    if officers.len() < 2 && subject.kind != Kind::Disclosure {
        return Err(Problem::of(ProblemType::Conflict).because("a check is made by at least two officers; this one names fewer"));
    }
    Ok(())
}

/// What one issuing carries.
pub(crate) struct Issuing {
    /// About what.
    pub(crate) subject: Subject,
    /// A reserved number.
    pub(crate) number: Option<i64>,
    /// The order that it begins.
    pub(crate) order: Option<NewOrder>,
    /// For requests that come twice.
    pub(crate) repeat: Repeatable,
}

/// Why a transaction that issues was given up.
enum GivenUp {
    /// The number is somebody else's by now.
    Taken,
    /// For the caller.
    Problem(Box<Problem>),
}

impl<T: Into<Problem>> From<T> for GivenUp {
    fn from(problem: T) -> Self {
        Self::Problem(Box::new(problem.into()))
    }
}

/// Sets and issues; once more where another node took the number meanwhile.
pub(crate) async fn issue_paper(app: &App, session: &Session, issuing: Issuing) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let register = documents::register(&issuing.subject, at);
    let _turn = app.documents.turn(&register).await;
    for _ in 0..TRIES_MAX {
        let of_incident = issuing.subject.incident.as_ref().map(|row| row.id.clone());
        let work_id = issuing.order.as_ref().map(|order| order.id.clone()).or(of_incident);
        let user_id = session.user_id.to_string();
        let ready = documents::ready(app, &issuing.subject, issuing.number, work_id, &user_id, at).await?;
        let (session, order, repeat) = (session.clone(), issuing.order.clone(), issuing.repeat.clone());
        let done = app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = repeat.answered(tx, at).await? {
                        return Ok(answer);
                    }
                    let answer = write(tx, &session, order.as_ref(), &ready).await?;
                    repeat.keep(tx, &answer).await?;
                    Ok::<_, GivenUp>(answer)
                })
            })
            .await;
        match done {
            Ok(answer) => return Ok(answer.into()),
            Err(GivenUp::Problem(problem)) => return Err(*problem),
            Err(GivenUp::Taken) if issuing.number.is_some() => {
                return Err(Problem::of(ProblemType::Conflict).because("this number is not reserved for you"));
            }
            Err(GivenUp::Taken) => {}
        }
    }
    Err(Problem::of(ProblemType::Unavailable).because("too many papers are being issued").with("retry_after_s", 2))
}

async fn write(tx: &mut Tx<'_>, session: &Session, order: Option<&NewOrder>, ready: &documents::Ready) -> Result<Answer, GivenUp> {
    let at = ready.at_ms;
    if let Some(order) = order {
        orders::begin(tx, order, By::User(&session.actor, &session.access), at).await?;
    }
    if !documents::write(tx, ready, &session.actor).await? {
        return Err(GivenUp::Taken);
    }
    if let Some(order) = order {
        orders::issued(tx, &order.id, &ready.document.id, &session.user_id.to_string(), at).await?;
        return Ok(begun(tx, session, &order.id).await?);
    }
    let scope = session.access.scope(Permission::DocumentsIssue);
    let row = crate::store::documents::get(tx, &scope, &ready.document.id).await?.ok_or_else(Problem::not_found)?;
    Ok(Answer::json(201, &Document::from(row))?)
}
