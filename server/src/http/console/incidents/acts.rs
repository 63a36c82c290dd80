//! What people do about a report. Each act answers with the report as it is afterwards.

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::field::Faults;
use mobile_api::incident::SealedFood;
use mobile_api::limits::{INCIDENT_GOODS_MAX, INCIDENT_PEOPLE_MAX};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view::{self, IncidentPage};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::workflow::incident::{EVIDENCE_MAX, EXTEND_DAYS_MAX, IncidentAction};
use crate::domain::workflow::{Act, REASON_CHARS_MAX, Refusal};
use crate::http::console::brought::{self, worded};
use crate::http::{Answer, Body, Id, Problem, ProblemBody, Repeatable, checked};
use crate::store::Tx;
use crate::store::incidents::{self, GOODS_MAX, Supplement};
use crate::store::work::{By, WorkError};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(act_on);
}

/// An act on a report.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncidentActRequest, example = json!({"version": 1, "action": "supplement", "text": "又有4名学生就诊", "people": 16,
    "sealed": [{"measure": "keep", "name": "四季豆（原料）", "quantity": "5 kg", "place": "冷库", "seal_number": "封0002", "evidence_ids": []}]}))]
struct ActRequest {
    /// The version that was read.
    version: i64,
    /// supplement, arrive and report_up: whoever reports. All others: whoever may release.
    action: IncidentAction,
    /// Why; to end it, to report up (to whom, how), to approve, to settle and to extend there must be one.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// What is added, in words.
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// To extend: calendar days from today.
    #[schema(minimum = 1, maximum = 30)]
    deadline_days: Option<i64>,
    /// To supplement: persons with symptoms, as known now.
    #[schema(minimum = 1, maximum = 100000)]
    people: Option<u32>,
    /// To supplement: of them in hospital.
    #[schema(maximum = 100000)]
    in_hospital: Option<u32>,
    /// To supplement: more that is sealed; photos of it are named by `evidence_ids` of the act.
    #[serde(default)]
    #[schema(max_items = 50)]
    sealed: Vec<SealedFood>,
    /// Files brought before by `POST /files`.
    #[serde(default)]
    #[schema(max_items = 20)]
    evidence_ids: Vec<Uuid>,
}

impl ActRequest {
    fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        faults.optional_text("reason", self.reason.as_deref(), REASON_CHARS_MAX);
        faults.optional_text("text", self.text.as_deref(), REASON_CHARS_MAX);
        if self.deadline_days.is_some_and(|days| !(1..=EXTEND_DAYS_MAX).contains(&days)) {
            faults.note_at("deadline_days", "out_of_range", format!("1 to {EXTEND_DAYS_MAX} days"));
        }
        if self.action != IncidentAction::Supplement {
            for (field, given) in
                [("people", self.people.is_some()), ("in_hospital", self.in_hospital.is_some()), ("sealed", !self.sealed.is_empty())]
            {
                if given {
                    faults.note_at(field, "unexpected", "only to supplement");
                }
            }
        }
        if self.people.is_some_and(|people| !(1..=INCIDENT_PEOPLE_MAX).contains(&people)) {
            faults.note_at("people", "out_of_range", format!("1 to {INCIDENT_PEOPLE_MAX} persons"));
        }
        if self.in_hospital.is_some_and(|people| people > INCIDENT_PEOPLE_MAX) {
            faults.note_at("in_hospital", "out_of_range", format!("at most {INCIDENT_PEOPLE_MAX} persons"));
        }
        faults.count("sealed", self.sealed.len(), INCIDENT_GOODS_MAX);
        faults.count("evidence_ids", self.evidence_ids.len(), EVIDENCE_MAX);
        faults.within("sealed", |faults| {
            for (at, food) in self.sealed.iter().enumerate().take(INCIDENT_GOODS_MAX) {
                faults.within(at, |faults| {
                    food.check(faults);
                    if !food.evidence_ids.is_empty() {
                        faults.note_at("evidence_ids", "unexpected", "photos of what is added are the act's");
                    }
                });
            }
        });
        checked(faults)
    }
}

/// Does something about a report: takes it in hand, reports it up, arrives, adds to it, deals with what is kept, extends a seal, or
/// ends it, which lets go of recordings and samples.
#[utoipa::path(tag = "incidents", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = ActRequest, responses((status = 200, body = IncidentPage),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/incidents/{id}/acts")]
async fn act_on(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::IncidentsAct>,
    id: Id,
    body: Body<ActRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    body.check()?;
    let (at, session, id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                make(tx, &session, &id, body, at).await?;
                Answer::json(200, &view::page(tx, &session, &id).await?)
            })
        })
        .await
}

async fn make(tx: &mut Tx<'_>, session: &Session, id: &str, body: ActRequest, at: i64) -> Result<(), Problem> {
    let scope = session.access.scope(Permission::IncidentsRead);
    let evidence: Vec<String> = body.evidence_ids.iter().map(Uuid::to_string).collect();
    let act = Act {
        action: body.action.as_str().to_owned(),
        reason: worded(body.reason),
        text: worded(body.text),
        deadline_ms: body.deadline_days.map(|days| Calendar::in_force().after_calendar_days(at, days).at_ms),
        evidence: evidence.len(),
        ..Act::default()
    };
    let more = Supplement { people: body.people.map(i64::from), in_hospital: body.in_hospital.map(i64::from), sealed: body.sealed };
    if let Some(row) = incidents::get(tx, &scope, id).await? {
        if row.goods + i64::try_from(more.sealed.len()).unwrap_or(i64::MAX) > GOODS_MAX {
            return Err(Problem::field("/sealed", "too_many", &format!("at most {GOODS_MAX} lines in all")));
        }
        if more.in_hospital.or(row.in_hospital).is_some_and(|number| number > more.people.unwrap_or(row.people)) {
            return Err(Problem::field("/in_hospital", "out_of_range", "no more than those who are ill"));
        }
    }
    let by = By::User(&session.actor, &session.access);
    match incidents::perform(tx, &scope, id, body.version, by, &session.actor, &act, &evidence, &more, at).await {
        Ok(_) => {}
        Err(WorkError::Stale) => return Err(Problem::stale(view::page(tx, session, id).await?)),
        Err(WorkError::Refused(Refusal::NotNow)) => {
            let present = view::page(tx, session, id).await?;
            return Err(Problem::of(ProblemType::InvalidTransition).because("not possible in this state").with("present", present));
        }
        Err(error) => return Err(error.into()),
    }
    own_evidence(tx, &session.user_id.to_string(), &evidence).await
}

/// Evidence is what the caller brought: nobody shows what is somebody else's.
async fn own_evidence(tx: &mut Tx<'_>, user_id: &str, named: &[String]) -> Result<(), Problem> {
    let strange = brought::strange(tx, user_id, named).await?;
    let mut faults = Faults::new();
    faults.within("evidence_ids", |faults| {
        for at in strange {
            faults.note_at(at, "unknown", "no such file of yours");
        }
    });
    checked(faults)?;
    brought::keep(tx, named, "/evidence_ids").await
}
