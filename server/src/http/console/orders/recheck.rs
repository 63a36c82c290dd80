//! Sending officers to re-check an order's items on site (复查): an assignment with the order on it.

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::assignment::NewAssignment;
use mobile_api::inspection::InspectionKind;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view::{self, OrderDetail};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::http::mobile::assignments::{known, new_row, plan};
use crate::http::{Answer, Body, Id, Problem, ProblemBody, Repeatable};
use crate::store::{StoreError, inspections, orders};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(recheck);
}

/// A re-check to plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRecheck, example = json!({"officer_ids": ["01928f6e-0000-7000-8000-000000000003"], "due_on": "2026-11-30"}))]
struct RecheckRequest {
    /// The lead first.
    #[schema(min_items = 1, max_items = 20)]
    officer_ids: Vec<Uuid>,
    /// Last day, in Asia/Shanghai.
    #[schema(example = "2026-11-30", max_length = 10)]
    due_on: String,
}

/// Sends officers to look at the items again. They answer those items of the first inspection's checklist; a re-inspection may
/// leave the others out. What they find is shown on the order, which is then judged.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = RecheckRequest, responses((status = 200, body = OrderDetail),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/orders/{id}/recheck")]
async fn recheck(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<RecheckRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let body = body.into_inner();
    let (at, order_id) = (app.clock.wall_ms(), id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = orders::get(conn, &caller.access.scope(Permission::OrdersRead), &order_id).await?.ok_or_else(Problem::not_found)?;
    if !caller.access.may_at(Permission::AssignmentsManage, &row.premises_path) {
        return Err(Problem::forbidden());
    }
    if !row.open {
        return Err(Problem::of(ProblemType::InvalidTransition).because("the order is closed"));
    }
    let first = match &row.inspection_id {
        Some(id) => inspections::template_of(conn, id).await?,
        None => None,
    };
    let template_id = first.ok_or_else(|| Problem::of(ProblemType::Conflict).because("the order has no inspection"))?;
    let order = NewAssignment {
        premises_id: row.premises_id.parse().map_err(StoreError::damaged)?,
        template_id: template_id.parse().map_err(StoreError::damaged)?,
        kind: InspectionKind::Reinspection,
        due_on: body.due_on,
        officer_ids: body.officer_ids,
        approval_number: None,
        source: Some("recheck".to_owned()),
        source_number: None,
        merged: Vec::new(),
    };
    order.check().map_err(Problem::fields)?;
    known(conn, &caller.access.scope(Permission::AssignmentsManage), &order).await?;
    drop(reader);
    let assignment = new_row(&order, caller.user_id, "recheck", None);
    let (session, premises_id) = (Session::clone(&caller), row.premises_id);
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                plan(tx, &session, &assignment, &premises_id, at).await?;
                orders::tie_recheck(tx, &assignment.id.to_string(), &order_id).await?;
                Answer::json(200, &view::detail(tx, &session, &order_id).await?)
            })
        })
        .await
}
