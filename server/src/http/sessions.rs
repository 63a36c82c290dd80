//! `/auth/sessions`: where one is signed in, and signing out there.

use actix_web::{HttpResponse, delete, get, web};
use mobile_api::moment::Moment;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{Id, Problem, ProblemBody};
use crate::App;
use crate::auth::{REFRESH_TOKEN_S, Session};
use crate::store::sessions::{self, OpenRow};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(end_others).service(end);
}

/// A place where somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Login {
    id: String,
    /// console or phone
    #[schema(example = "console")]
    client: String,
    /// As the browser named itself.
    agent: Option<String>,
    /// Where it was last used from.
    ip: Option<String>,
    since: Moment,
    /// To the minute.
    last_used_at: Moment,
    /// The login that asks.
    current: bool,
}

impl Login {
    fn of(row: OpenRow, current: Uuid) -> Self {
        let (since, last_used_at) = (Moment(row.created_at), Moment(row.last_used_at));
        Self { current: row.id == current.to_string(), id: row.id, client: row.client, agent: row.agent, ip: row.ip, since, last_used_at }
    }
}

/// Where somebody is signed in, the last used first; at most a hundred.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginList {
    items: Vec<Login>,
}

/// The open logins of a person, as `asked_by` sees them.
pub(super) async fn logins_of(app: &App, user_id: &str, asked_by: &Session) -> Result<LoginList, Problem> {
    app.logins.last_used().write(&app.db).await?;
    let since = app.clock.wall_ms() - REFRESH_TOKEN_S * 1_000;
    let rows = sessions::open_of(&mut app.db.read().await?.conn(), user_id, since).await?;
    Ok(LoginList { items: rows.into_iter().map(|row| Login::of(row, asked_by.session_id)).collect() })
}

/// Where one is signed in.
#[utoipa::path(tag = "auth", responses((status = 200, body = LoginList)))]
#[get("/auth/sessions")]
async fn list(app: web::Data<App>, session: Session) -> Result<web::Json<LoginList>, Problem> {
    Ok(web::Json(logins_of(&app, &session.user_id.to_string(), &session).await?))
}

/// Signs out everywhere else.
#[utoipa::path(tag = "auth", responses((status = 204)))]
#[delete("/auth/sessions")]
async fn end_others(app: web::Data<App>, session: Session) -> Result<HttpResponse, Problem> {
    app.logins.end_others(session.user_id, session.session_id, session.actor, app.clock.wall_ms()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs out at one place; the streams that are open there end.
#[utoipa::path(tag = "auth", params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/auth/sessions/{id}")]
async fn end(app: web::Data<App>, session: Session, id: Id) -> Result<HttpResponse, Problem> {
    let ended = app.logins.end_own(session.user_id, *id, session.actor, app.clock.wall_ms()).await?;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}
