//! Who has an alert: claiming it, letting go of it, handing it to a colleague. Beside its state; each answers with the alert.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::acts::refused;
use super::view::{self, AlertDetail};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::domain::workflow::Handing;
use crate::http::console::brought::remark;
use crate::http::{Answer, Body, Id, Listed, Problem, ProblemBody, Repeatable, listed};
use crate::store::{alert_acts, alerts, work};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(claim).service(release).service(hand_over).service(colleagues);
}

/// To claim an alert, or to let go of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
struct ClaimRequest {
    /// The version that was read; another one by now is a 409 `stale_version` with `present`.
    version: i64,
    /// Why, where it is taken from somebody.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// To hand an alert to a colleague.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1, "user_id": "01928f6e-0000-7000-8000-000000000006", "text": "下班交接"}))]
struct HandOverRequest {
    /// As for claiming.
    version: i64,
    /// Who gets it; one of `/alerts/{id}/colleagues`.
    user_id: Uuid,
    /// What that person should know.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// Takes an alert on: from now on only the caller decides it. One that somebody else has is taken over, of which that person
/// is told.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = ClaimRequest, responses((status = 200, body = AlertDetail), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/alerts/{id}/claim")]
async fn claim(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<ClaimRequest>,
) -> Result<HttpResponse, Problem> {
    claimed(&request, &app, &caller, *id, body, To::Caller).await
}

/// Lets go of an alert that the caller has.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body(content = ClaimRequest, example = json!({"version": 2})), responses((status = 200, body = AlertDetail), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version`, `claimed` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/alerts/{id}/release")]
async fn release(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<ClaimRequest>,
) -> Result<HttpResponse, Problem> {
    claimed(&request, &app, &caller, *id, body, To::Nobody).await
}

/// Hands an alert that is free, or that the caller has, to a colleague, who is told.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
    request_body = HandOverRequest, responses((status = 200, body = AlertDetail), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version`, `claimed` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/alerts/{id}/hand_over")]
async fn hand_over(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<HandOverRequest>,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(&request, &caller, &body.raw)?;
    let HandOverRequest { version, user_id, text } = body.into_inner();
    hand(&app, &caller, repeat, *id, version, To::Colleague(user_id.to_string()), text).await
}

/// Whose it shall be.
enum To {
    Caller,
    Nobody,
    Colleague(String),
}

async fn claimed(
    request: &HttpRequest,
    app: &App,
    session: &Session,
    id: Uuid,
    body: Body<ClaimRequest>,
    to: To,
) -> Result<HttpResponse, Problem> {
    let repeat = Repeatable::of(request, session, &body.raw)?;
    let ClaimRequest { version, text } = body.into_inner();
    hand(app, session, repeat, id, version, to, text).await
}

async fn hand(
    app: &App,
    session: &Session,
    repeat: Repeatable,
    id: Uuid,
    version: i64,
    to: To,
    text: Option<String>,
) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let (session, id, text) = (session.clone(), id.to_string(), remark(text)?);
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::AlertsRead);
                let handing = match &to {
                    To::Caller => Handing::Claim,
                    To::Nobody => Handing::Release,
                    To::Colleague(user) => Handing::To(user),
                };
                let who = (&session.actor, &session.access);
                if let Err(error) = alert_acts::hand(tx, &scope, &id, version, who, handing, text, at).await {
                    return Err(refused(tx, &session, &id, error, at).await?);
                }
                Answer::json(200, &view::detail(tx, &session, &scope, &id, at).await?)
            })
        })
        .await
}

/// Somebody whom an alert may be handed to.
#[derive(Debug, Serialize, ToSchema)]
struct Colleague {
    id: String,
    display_name: String,
}

/// Who may decide this alert, but for the caller, by name; at most 200.
#[utoipa::path(tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = Listed<Colleague>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts/{id}/colleagues")]
async fn colleagues(app: web::Data<App>, caller: Caller<can::AlertsDecide>, id: Id) -> Result<web::Json<Listed<Colleague>>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = alerts::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let people = work::colleagues(conn, Permission::AlertsDecide, &row.premises_path, app.clock.wall_ms()).await?;
    let me = caller.user_id.to_string();
    let others: Vec<_> = people.into_iter().filter(|(id, _)| *id != me).map(|(id, display_name)| Colleague { id, display_name }).collect();
    let counted = i64::try_from(others.len()).unwrap_or(i64::MAX);
    Ok(web::Json(listed(others, None, counted)))
}
