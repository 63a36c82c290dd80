//! What people do about an order. Each answers with the order as it is afterwards.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view::{self, OrderDetail};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::workflow::rectification::{DAYS_MAX, ITEM_EVIDENCE_MAX, ITEMS_MAX};
use crate::domain::workflow::{Act, Decision, REASON_CHARS_MAX, Refusal};
use crate::http::console::brought::{self, worded};
use crate::http::{Answer, Body, Id, Problem, ProblemBody, Repeatable, checked};
use crate::store::orders::{self, ItemAnswer, ItemVerdict};
use crate::store::work::{By, WorkError};
use crate::store::{Tx, documents};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(answer_order).service(review).service(extend).service(withdraw);
}

/// The premises' answer, item by item.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderAnswer, example = json!({"version": 1, "items": [{"item_id": "01928f6e-0000-7000-8000-000000000092", "text": "已补装盖板并清理积水"}]}))]
struct AnswerRequest {
    /// The version that was read.
    version: i64,
    /// Every item that is not accepted yet, each once.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<AnsweredItem>,
    /// Over all, in words.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// An answer to one item: a text, pictures, or both.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnsweredItem {
    item_id: Uuid,
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// Files brought before by `POST /files`.
    #[serde(default)]
    #[schema(max_items = 10)]
    evidence_ids: Vec<Uuid>,
}

/// What the officer says to the answers, item by item (复查).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderReview, example = json!({"version": 2, "items": [{"item_id": "01928f6e-0000-7000-8000-000000000094", "accepted": true}]}))]
struct ReviewRequest {
    /// The version that was read.
    version: i64,
    /// Every item that is not accepted yet, each once. All accepted closes the order; otherwise it goes back.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<JudgedItem>,
    /// Why it goes back; the items' notes where there is none.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Working days for what goes back; what is left of the first deadline otherwise.
    #[schema(minimum = 1, maximum = 60)]
    deadline_days: Option<i64>,
}

/// What is said to one answer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JudgedItem {
    item_id: Uuid,
    accepted: bool,
    /// Must say why where it is not accepted.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// More time.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderExtension, example = json!({"version": 1, "deadline_days": 5, "reason": "配件到货需要时间"}))]
struct ExtendRequest {
    version: i64,
    /// Working days from today.
    #[schema(minimum = 1, maximum = 60)]
    deadline_days: i64,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Takes an order back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderWithdrawal, example = json!({"version": 1, "reason": "认定有误"}))]
struct WithdrawRequest {
    version: i64,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// What one act carries beside what the table judges.
#[derive(Debug, Clone)]
enum Carries {
    Answers(Vec<ItemAnswer>),
    Verdicts(Vec<ItemVerdict>),
    Nothing,
    /// The paper goes out of force with the order.
    VoidPaper,
}

/// Answers an order, item by item, in words, with pictures, or both.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = AnswerRequest, responses((status = 200, body = OrderDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/{id}/answer")]
async fn answer_order(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::OrdersAnswer>,
    id: Id,
    body: Body<AnswerRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.count("items", body.items.len(), ITEMS_MAX);
    faults.optional_text("text", body.text.as_deref(), REASON_CHARS_MAX);
    faults.within("items", |faults| {
        for (at, item) in body.items.iter().enumerate().take(ITEMS_MAX) {
            faults.within(at, |faults| {
                faults.optional_text("text", item.text.as_deref(), REASON_CHARS_MAX);
                faults.count("evidence_ids", item.evidence_ids.len(), ITEM_EVIDENCE_MAX);
                if item.evidence_ids.is_empty() && item.text.as_deref().is_none_or(|text| text.trim().is_empty()) {
                    faults.note_at("text", "required", "say what was done, or show it");
                }
            });
        }
    });
    checked(faults)?;
    let answers: Vec<ItemAnswer> = body
        .items
        .iter()
        .map(|item| ItemAnswer {
            item_id: item.item_id.to_string(),
            text: worded(item.text.clone()),
            evidence: item.evidence_ids.iter().map(Uuid::to_string).collect(),
        })
        .collect();
    let text = worded(body.text)
        .or_else(|| Some(shortened(answers.iter().filter_map(|answer| answer.text.clone()))).filter(|text| !text.is_empty()));
    let evidence: Vec<String> = answers.iter().flat_map(|answer| answer.evidence.clone()).collect();
    let act = Act { action: "answer".to_owned(), text, evidence: evidence.len(), ..Act::default() };
    perform(&app, &caller, *id, body.version, act, evidence, Carries::Answers(answers), repeat).await
}

/// Judges the answers, item by item. All accepted closes the order; otherwise it goes back with the reasons.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = ReviewRequest, responses((status = 200, body = OrderDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/{id}/review")]
async fn review(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::OrdersIssue>,
    id: Id,
    body: Body<ReviewRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.count("items", body.items.len(), ITEMS_MAX);
    faults.optional_text("reason", body.reason.as_deref(), REASON_CHARS_MAX);
    faults.within("items", |faults| {
        for (at, item) in body.items.iter().enumerate().take(ITEMS_MAX) {
            faults.within(at, |faults| {
                faults.optional_text("note", item.note.as_deref(), REASON_CHARS_MAX);
                if !item.accepted && item.note.as_deref().is_none_or(|note| note.trim().is_empty()) {
                    faults.note_at("note", "required", "say what is still missing");
                }
            });
        }
    });
    let accepted = body.items.iter().all(|item| item.accepted);
    if accepted && body.deadline_days.is_some() {
        faults.note_at("deadline_days", "unexpected", "nothing goes back");
    }
    days(body.deadline_days, &mut faults);
    checked(faults)?;
    let verdicts: Vec<ItemVerdict> = body
        .items
        .iter()
        .map(|item| ItemVerdict { item_id: item.item_id.to_string(), accepted: item.accepted, note: worded(item.note.clone()) })
        .collect();
    let notes = shortened(verdicts.iter().filter(|verdict| !verdict.accepted).filter_map(|verdict| verdict.note.clone()));
    let reason = worded(body.reason).or(Some(notes)).filter(|reason| !reason.is_empty());
    let act = Act {
        action: "review".to_owned(),
        decision: Some(if accepted { Decision::Accept } else { Decision::SendBack }),
        reason,
        deadline_ms: body.deadline_days.map(|days| deadline(&app, days)),
        ..Act::default()
    };
    perform(&app, &caller, *id, body.version, act, Vec::new(), Carries::Verdicts(verdicts), repeat).await
}

/// Gives more time, with a reason.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = ExtendRequest, responses((status = 200, body = OrderDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/{id}/extend")]
async fn extend(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::OrdersIssue>,
    id: Id,
    body: Body<ExtendRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("reason", &body.reason, REASON_CHARS_MAX);
    days(Some(body.deadline_days), &mut faults);
    checked(faults)?;
    let deadline_ms = Some(deadline(&app, body.deadline_days));
    let act = Act { action: "extend".to_owned(), reason: worded(Some(body.reason)), deadline_ms, ..Act::default() };
    perform(&app, &caller, *id, body.version, act, Vec::new(), Carries::Nothing, repeat).await
}

/// Takes an order back, with a reason; its paper goes out of force with it.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = WithdrawRequest, responses((status = 200, body = OrderDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/{id}/withdraw")]
async fn withdraw(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::OrdersIssue>,
    id: Id,
    body: Body<WithdrawRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("reason", &body.reason, REASON_CHARS_MAX);
    checked(faults)?;
    let act = Act { action: "withdraw".to_owned(), reason: worded(Some(body.reason)), ..Act::default() };
    perform(&app, &caller, *id, body.version, act, Vec::new(), Carries::VoidPaper, repeat).await
}

fn days(days: Option<i64>, faults: &mut Faults) {
    if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        faults.note_at("deadline_days", "out_of_range", format!("1 to {DAYS_MAX} working days"));
    }
}

fn deadline(app: &App, days: i64) -> i64 {
    Calendar::in_force().after_working_days(app.clock.wall_ms(), days).at_ms
}

#[expect(clippy::too_many_arguments, reason = "who, what, on which version, with what")]
async fn perform(
    app: &App,
    session: &Session,
    id: Uuid,
    version: i64,
    act: Act,
    evidence: Vec<String>,
    carries: Carries,
    repeat: Repeatable,
) -> Result<HttpResponse, Problem> {
    let (at, session, id) = (app.clock.wall_ms(), session.clone(), id.to_string());
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                make(tx, &session, &id, version, &act, &evidence, &carries, at).await?;
                Answer::json(200, &view::detail(tx, &session, &id).await?)
            })
        })
        .await
}

#[expect(clippy::too_many_arguments, reason = "who, what, on which version, with what, when")]
async fn make(
    tx: &mut Tx<'_>,
    session: &Session,
    id: &str,
    version: i64,
    act: &Act,
    evidence: &[String],
    carries: &Carries,
    at: i64,
) -> Result<(), Problem> {
    let scope = session.access.scope(Permission::OrdersRead);
    let made = orders::perform(tx, &scope, id, version, By::User(&session.actor, &session.access), act, evidence, at).await;
    match made {
        Ok(_) => {}
        Err(WorkError::Stale) => return Err(Problem::stale(view::detail(tx, session, id).await?)),
        Err(WorkError::Refused(Refusal::NotNow)) => {
            let present = view::detail(tx, session, id).await?;
            return Err(Problem::of(ProblemType::InvalidTransition).because("not possible in this state").with("present", present));
        }
        Err(error) => return Err(error.into()),
    }
    let user_id = session.user_id.to_string();
    match carries {
        Carries::Nothing => {}
        Carries::Answers(answers) => {
            covers(tx, id, answers.iter().map(|answer| answer.item_id.as_str()).collect()).await?;
            own_evidence(tx, &user_id, answers).await?;
            orders::keep_answers(tx, id, &user_id, answers, at).await?;
        }
        Carries::Verdicts(verdicts) => {
            covers(tx, id, verdicts.iter().map(|verdict| verdict.item_id.as_str()).collect()).await?;
            orders::keep_verdicts(tx, &user_id, verdicts, at).await?;
        }
        Carries::VoidPaper => {
            let row = orders::get(tx, &scope, id).await?.ok_or_else(Problem::not_found)?;
            if let Some(document_id) = row.document_id
                && let Some(document) = documents::get(tx, &scope, &document_id).await?
            {
                let reason = act.reason.as_deref().unwrap_or_default();
                documents::void(tx, &document, &session.actor, reason, at).await?;
            }
        }
    }
    Ok(())
}

/// An answer and a verdict speak of every item that is not accepted yet, and of no other.
async fn covers(tx: &mut Tx<'_>, id: &str, named: Vec<&str>) -> Result<(), Problem> {
    let open: BTreeSet<String> = orders::unsettled(tx, id).await?.into_iter().collect();
    let mut faults = Faults::new();
    let mut seen = BTreeSet::new();
    faults.within("items", |faults| {
        for (at, item) in named.iter().enumerate() {
            if !open.contains(*item) {
                faults.within(at, |faults| faults.note_at("item_id", "unknown", "no open item of this order"));
            } else if !seen.insert(*item) {
                faults.within(at, |faults| faults.note_at("item_id", "duplicate", "each item once"));
            }
        }
    });
    if let Some(missing) = open.iter().find(|item| !named.contains(&item.as_str())) {
        faults.note_at("items", "incomplete", format!("every open item is named; {missing} is not"));
    }
    checked(faults)
}

/// Evidence is what the caller brought: nobody shows what is somebody else's.
async fn own_evidence(tx: &mut Tx<'_>, user_id: &str, answers: &[ItemAnswer]) -> Result<(), Problem> {
    let named: Vec<String> = answers.iter().flat_map(|answer| answer.evidence.clone()).collect();
    let places: Vec<(usize, usize)> =
        answers.iter().enumerate().flat_map(|(item, answer)| (0..answer.evidence.len()).map(move |at| (item, at))).collect();
    let mut faults = Faults::new();
    for strange in brought::strange(tx, user_id, &named).await? {
        let (item, at) = places[strange];
        faults.within("items", |faults| {
            faults.within(item, |faults| {
                faults.within("evidence_ids", |faults| faults.note_at(at, "unknown", "no such file of yours"));
            });
        });
    }
    checked(faults)?;
    brought::keep(tx, &named, "/items").await
}

/// What several items say, for the history, no longer than a text may be.
fn shortened(texts: impl Iterator<Item = String>) -> String {
    let joined = texts.collect::<Vec<_>>().join("；");
    if joined.chars().count() <= REASON_CHARS_MAX {
        return joined;
    }
    joined.chars().take(REASON_CHARS_MAX - 1).chain(['…']).collect()
}
