//! `/orders`: rectification orders (责令改正), from the paper to the last item that is accepted.

mod acts;
mod begin;
mod recheck;
mod view;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::workflow::Level;
use crate::domain::workflow::rectification::OrderState;
use crate::http::content::{Content, serve};
use crate::http::viewed;
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::orders::{self, OrderFilter};
use crate::store::{Conn, StoreError, alerts, work};
pub(crate) use begin::begun;
use view::{Order, OrderDetail};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
    begin::configure(config);
    acts::configure(config);
    recheck::configure(config);
    config.service(read).service(evidence);
}

/// An order as a phone keeps it: its items and every answer, without clocks, history and re-checks.
pub(crate) async fn on_phone(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<serde_json::Value, Problem> {
    let mut value = serde_json::to_value(view::detail(conn, session, id).await?).map_err(StoreError::damaged)?;
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "clocks" | "history" | "rechecks"));
    }
    Ok(value)
}

#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(inline)]
    state: Option<OrderState>,
    /// How late.
    #[param(inline)]
    level: Option<Level>,
    premises_id: Option<Uuid>,
    inspection_id: Option<Uuid>,
    /// Only those that somebody still has to act on, or only the others.
    open: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Orders of the caller's part of the tree, newest first.
#[utoipa::path(tag = "orders", params(ListArgs), responses((status = 200, body = Listed<Order>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/orders")]
async fn list(app: web::Data<App>, caller: Caller<can::OrdersRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<Order>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = OrderFilter {
        premises_id: args.premises_id.map(|id| id.to_string()),
        inspection_id: args.inspection_id.map(|id| id.to_string()),
        state: args.state.map(|state| state.as_str().to_owned()),
        level: args.level.map(|level| level.as_str().to_owned()),
        open: args.open,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = orders::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = orders::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.created_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Order::from).collect(), next, counted)))
}

/// One order with its items, every answer to them, its clocks and its history.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path)), responses((status = 200, body = OrderDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/orders/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::OrdersRead>, id: Id) -> Result<web::Json<OrderDetail>, Problem> {
    Ok(web::Json(view::detail(&mut app.db.read().await?.conn(), &caller, &id.to_string()).await?))
}

/// A picture that an answer shows.
#[utoipa::path(tag = "orders", params(("id" = Uuid, Path), ("file_id" = Uuid, Path)),
    responses((status = 200, description = "the picture", content_type = "image/*"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/orders/{id}/evidence/{file_id}")]
async fn evidence(request: HttpRequest, app: web::Data<App>, caller: Caller<can::OrdersRead>, id: Id) -> Result<HttpResponse, Problem> {
    let wanted = request.match_info().get("file_id").unwrap_or_default().to_owned();
    let (row, file) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = orders::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        let in_history =
            work::history(conn, &row.id).await?.iter().any(|act| orders::ids(&act.evidence).is_ok_and(|ids| ids.contains(&wanted)));
        if !in_history && !orders::shows(conn, &row.id, &wanted).await? {
            return Err(Problem::not_found());
        }
        let file = alerts::evidence_files(conn, &[wanted]).await?.into_iter().next().ok_or_else(Problem::not_found)?;
        (row, file)
    };
    viewed::note(&app, &caller, "view_evidence", ("order", &row.id), &row.premises_path, json!({})).await?;
    let content = Content { sha256: &file.sha256, filetype: &file.filetype, bytes: u64::try_from(file.bytes).unwrap_or(0), download: None };
    serve(&request, &app.files, &content).await
}
