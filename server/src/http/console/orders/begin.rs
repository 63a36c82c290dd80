//! Issuing an order from the failed items of an inspection: the order, its clock and its paper in one transaction.

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::field::Faults;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{self, Kind, Subject};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::workflow::REASON_CHARS_MAX;
use crate::domain::workflow::rectification::{DAYS_MAX, ITEMS_MAX};
use crate::http::console::documents::{Issuing, fit, issue_paper, pdf, subject_of};
use crate::http::{Answer, Body, Problem, ProblemBody, Repeatable, checked};
use crate::store::Tx;
use crate::store::orders::{NewItem, NewOrder};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(issue).service(preview);
}

/// An order to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder, example = json!({"inspection_id": "01928f6e-0000-7000-8000-000000000090", "deadline_days": 3, "items": [{"item_code": "8.1", "requirement": "补装盖板，清理积水"}]}))]
struct OrderRequest {
    /// Whose failed items it is about; all its evidence must have arrived.
    inspection_id: Uuid,
    /// Failed items, each once.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<RequestedItem>,
    /// Working days to put them right; the day of issue is not counted.
    #[schema(minimum = 1, maximum = 60)]
    deadline_days: i64,
    /// What is asked over all, in words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    text: String,
    /// A number that was reserved for the caller; the next one otherwise.
    #[schema(minimum = 1)]
    number: Option<i64>,
}

/// A failed item, and what is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestedItem {
    #[schema(max_length = 64)]
    item_code: String,
    #[schema(min_length = 1, max_length = 500)]
    requirement: String,
}

impl OrderRequest {
    fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        if !(1..=DAYS_MAX).contains(&self.deadline_days) {
            faults.note_at("deadline_days", "out_of_range", format!("1 to {DAYS_MAX} working days"));
        }
        if self.items.is_empty() {
            faults.note_at("items", "required", "at least one item");
        }
        faults.count("items", self.items.len(), ITEMS_MAX);
        faults.optional_text("text", Some(&self.text), REASON_CHARS_MAX);
        if self.number.is_some_and(|number| number < 1) {
            faults.note_at("number", "out_of_range", "1 or more");
        }
        faults.within("items", |faults| {
            for (at, item) in self.items.iter().enumerate().take(ITEMS_MAX) {
                faults.within(at, |faults| {
                    faults.text("requirement", &item.requirement, 500);
                    if self.items.iter().take(at).any(|other| other.item_code == item.item_code) {
                        faults.note_at("item_code", "duplicate", "each item once");
                    }
                });
            }
        });
        checked(faults)
    }
}

async fn subject(app: &App, session: &Session, body: &OrderRequest, at_ms: i64) -> Result<(Subject, NewOrder), Problem> {
    body.check()?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let text = body.text.trim().to_owned();
    let mut subject = subject_of(conn, session, Kind::RectificationOrder, Some(body.inspection_id), None, text.clone()).await?;
    if !session.access.may_at(Permission::OrdersIssue, &subject.premises.path) {
        return Err(Problem::forbidden());
    }
    let due = Calendar::in_force().after_working_days(at_ms, body.deadline_days);
    subject.order = Some((body.deadline_days, due.at_ms));
    subject.requirements = body.items.iter().map(|item| (item.item_code.clone(), item.requirement.trim().to_owned())).collect();
    let (paper, _) = documents::gather(conn, &app.sealer, &subject, at_ms).await?;
    let mut faults = Faults::new();
    let mut items = Vec::new();
    for (at, wanted) in body.items.iter().enumerate() {
        let Some(found) = paper.items.iter().find(|item| item.code == wanted.item_code) else {
            faults.within("items", |faults| {
                faults.within(at, |faults| faults.note_at("item_code", "unknown", "not a failed item of this inspection"))
            });
            continue;
        };
        items.push(NewItem {
            item_code: found.code.clone(),
            key_item: found.key,
            text: found.text.clone(),
            finding: [found.remark.as_str(), found.number.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("；"),
            basis: found.basis.clone(),
            requirement: found.requirement.clone(),
            evidence: found.photos.iter().map(|photo| photo.evidence_id.clone()).collect(),
        });
    }
    checked(faults)?;
    let order = NewOrder {
        id: Uuid::now_v7().to_string(),
        premises_id: subject.premises.id.clone(),
        inspection_id: Some(body.inspection_id.to_string()),
        deadline_days: body.deadline_days,
        requirement: text,
        user_id: session.user_id.to_string(),
        items,
    };
    Ok((subject, order))
}

/// Issues an order: its items, its deadline, its paper with its number. The premises is told at once.
#[utoipa::path(tag = "orders", params(("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = OrderRequest, responses((status = 201, body = view::OrderDetail),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "the inspection is not complete, or the number is not the caller's"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders")]
async fn issue(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::OrdersIssue>,
    body: Body<OrderRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let (subject, order) = subject(&app, &caller, &body, app.clock.wall_ms()).await?;
    fit(&app, &subject).await?;
    let issuing = Issuing { subject, number: body.number, order: Some(order), repeat };
    issue_paper(&app, &caller, issuing).await
}

/// The paper as it would be issued, marked as a preview and without a number; nothing is kept.
#[utoipa::path(tag = "orders", request_body = OrderRequest,
    responses((status = 200, description = "the paper", content_type = "application/pdf"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/preview")]
async fn preview(app: web::Data<App>, caller: Caller<can::OrdersIssue>, body: Body<OrderRequest>) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let (subject, _) = subject(&app, &caller, &body.into_inner(), at).await?;
    let rendered = documents::preview(&app, &subject, None, at).await?;
    Ok(pdf(rendered.pdf))
}

/// What is answered to who issued an order.
pub(crate) async fn begun(tx: &mut Tx<'_>, session: &Session, id: &str) -> Result<Answer, Problem> {
    Answer::json(201, &view::detail(tx, session, id).await?)
}
