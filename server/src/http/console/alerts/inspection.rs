//! `POST /alerts/{id}/request_inspection`: officers look on site, with the alert on their assignment.
//!
//! The premises learns nothing of it before (SAMR Order 49, art. 46): to those who may not read assignments the alert
//! looks as it did before, see [`super::view`].

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::assignment::NewAssignment;
use mobile_api::inspection::InspectionKind;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::acts::make;
use super::view::{self, AlertDetail};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::domain::workflow::Act;
use crate::http::console::brought::worded;
use crate::http::mobile::assignments::{known, new_row, plan};
use crate::http::{Answer, Body, Id, Problem, ProblemBody, Repeatable};
use crate::store::alerts;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(request_inspection);
}

/// An inspection to ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InspectionRequest {
    /// The version of the alert that was read.
    version: i64,
    /// The version of the checklist.
    template_id: Uuid,
    /// The lead first.
    #[schema(min_items = 1, max_items = 20)]
    officer_ids: Vec<Uuid>,
    /// Last day, in Asia/Shanghai.
    #[schema(example = "2026-11-30", max_length = 10)]
    due_on: String,
    /// Unannounced unless said otherwise.
    kind: Option<InspectionKind>,
    /// Of the approval.
    #[schema(max_length = 100)]
    approval_number: Option<String>,
    /// Why, or what to look at.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// Sends officers to look: an assignment is made with the alert on it. Its submission answers the alert.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body(content = InspectionRequest, example = json!({"version": 2, "template_id": "01928f6e-0000-7000-8000-000000000002", "officer_ids": ["01928f6e-0000-7000-8000-000000000003"], "due_on": "2026-11-30", "text": "查看后厨鼠患"})),
    responses((status = 200, body = AlertDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version`, `claimed` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/alerts/{id}/request_inspection")]
async fn request_inspection(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<InspectionRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let (at, alert_id) = (app.clock.wall_ms(), *id);
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let scope = caller.access.scope(Permission::AlertsRead);
    let row = alerts::get(conn, &scope, &alert_id.to_string()).await?.ok_or_else(Problem::not_found)?;
    if !caller.access.may_at(Permission::AssignmentsManage, &row.premises_path) {
        return Err(Problem::forbidden());
    }
    let order = NewAssignment {
        premises_id: row.premises_id.parse().map_err(crate::store::StoreError::damaged)?,
        template_id: body.template_id,
        kind: body.kind.unwrap_or(InspectionKind::Unannounced),
        due_on: body.due_on,
        officer_ids: body.officer_ids,
        approval_number: worded(body.approval_number),
        source: None,
        source_number: None,
        merged: Vec::new(),
    };
    order.check().map_err(Problem::fields)?;
    known(conn, &caller.access.scope(Permission::AssignmentsManage), &order).await?;
    drop(reader);
    let assignment = new_row(&order, caller.user_id, "alert", Some(alert_id));
    let act = Act { action: "request_inspection".to_owned(), text: worded(body.text), ..Act::default() };
    let (session, id, premises_id, version) = (Session::clone(&caller), alert_id.to_string(), row.premises_id, body.version);
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                make(tx, &session, &id, version, &act, &[], false, at).await?;
                plan(tx, &session, &assignment, &premises_id, at).await?;
                let scope = session.access.scope(Permission::AlertsRead);
                Answer::json(200, &view::detail(tx, &session, &scope, &id, at).await?)
            })
        })
        .await
}
