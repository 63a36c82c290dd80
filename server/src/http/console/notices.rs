//! `/notices`: what a person was told.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::Moment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::notices::{self, NoticeRow};
use crate::store::{StoreError, alerts};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(seen);
}

/// Something the caller was told.
#[derive(Debug, Serialize, ToSchema)]
struct Notice {
    id: String,
    /// alert_raised, dispatched, rectified, half_time, overdue, sent_back, closed or assigned
    #[schema(example = "alert_raised")]
    kind: String,
    /// The alert or assignment it is about.
    work_id: Option<String>,
    /// What its text is filled from.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    at: Moment,
    read_at: Option<Moment>,
}

impl From<NoticeRow> for Notice {
    fn from(row: NoticeRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            work_id: row.work_id,
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
            at: Moment(row.show_at),
            read_at: row.read_at.map(Moment),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Only those not read yet, or only the others.
    unread: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The caller's notices, newest first.
#[utoipa::path(tag = "notices", params(ListArgs), responses((status = 200, body = Listed<Notice>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/notices")]
async fn list(app: web::Data<App>, caller: Caller<can::SignedIn>, args: Args<ListArgs>) -> Result<web::Json<Listed<Notice>>, Problem> {
    let (page, now_ms, user_id) = (page(args.limit, args.cursor.as_deref())?, app.clock.wall_ms(), caller.user_id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = notices::list(conn, &user_id, args.unread, &page, now_ms).await?;
    let counted = notices::count(conn, &user_id, args.unread, now_ms).await?;
    let next = page.cut(&mut rows, |row| (row.show_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Notice::from).collect(), next, counted)))
}

/// Marks one of the caller's notices as read.
#[utoipa::path(tag = "notices", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/notices/{id}/read")]
async fn read(app: web::Data<App>, caller: Caller<can::SignedIn>, id: Id) -> Result<HttpResponse, Problem> {
    let (user_id, id, at) = (caller.user_id.to_string(), id.to_string(), app.clock.wall_ms());
    let found = app.db.write(move |tx| Box::pin(async move { notices::read(tx, &user_id, &id, at).await })).await?;
    if found { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

/// Marks what the caller was told of an alert as read: whoever looks at it knows.
#[utoipa::path(tag = "alerts", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/alerts/{id}/seen")]
async fn seen(app: web::Data<App>, caller: Caller<can::AlertsRead>, id: Id) -> Result<HttpResponse, Problem> {
    let (user_id, id, at) = (caller.user_id.to_string(), id.to_string(), app.clock.wall_ms());
    let mut reader = app.db.read().await?;
    alerts::get(&mut reader.conn(), &caller.scope(), &id).await?.ok_or_else(Problem::not_found)?;
    let unread = notices::unread_of_work(&mut reader.conn(), &user_id, &id, at).await?;
    drop(reader);
    if !unread.is_empty() {
        app.db
            .write_apart(move |tx| {
                Box::pin(async move {
                    for notice in &unread {
                        notices::read(tx, &user_id, notice, at).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
