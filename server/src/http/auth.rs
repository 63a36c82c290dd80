//! Signing in and out, and who one is.

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieDuration};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Body, CLIENT, Problem, ProblemBody, checked, origin, second_factor, sessions};
use crate::App;
use crate::auth::{
    ACCESS_TOKEN_S, COOKIE, Device, LoginError, PasswordError, Session, SignedIn, Tokens, check_policy, hash_password, in_turn,
};
use crate::store::journal::Act;
use crate::store::users;

/// Characters of a device's name.
const DEVICE_CHARS_MAX: usize = 128;
/// Characters that are kept of what a browser calls itself.
const AGENT_CHARS_MAX: usize = 256;
/// Characters of a challenge.
const CHALLENGE_CHARS_MAX: usize = 128;
/// Characters of a code, as people type it.
pub(super) const CODE_CHARS_MAX: usize = 32;
/// Seconds that somebody may have done nothing.
const IDLE_S_MAX: i64 = 31 * 24 * 3_600;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(login).service(login_code).service(refresh).service(logout).service(change_password).service(me);
    second_factor::configure(config);
    sessions::configure(config);
}

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "supervisor", "password": "correct-horse-battery"}))]
struct LoginRequest {
    /// Not case-sensitive.
    #[schema(max_length = 64)]
    username: String,
    #[schema(max_length = 128)]
    password: String,
    /// Names this installation of a client; the grace of a spent refresh token is for the same device.
    #[schema(max_length = 128)]
    device_id: Option<String>,
}

/// What a client signs its requests with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// EdDSA JWT; `Authorization: Bearer`.
    access_token: String,
    /// Spent once.
    refresh_token: String,
    /// Life of the access token, s.
    #[schema(example = 900)]
    expires_in: i64,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Only `/me` and `/auth/*` answer until the password is changed.
    password_change_required: bool,
}

/// Signs in. Who has a second factor gets `code_required` with a `challenge` for [`/auth/login/code`](#/auth/post_auth_login_code).
#[utoipa::path(tag = "auth", security(()), request_body = LoginRequest,
    responses((status = 200, body = TokenAnswer), (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "`invalid_credentials`, or `code_required` with `challenge`"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/login")]
async fn login(request: HttpRequest, app: web::Data<App>, body: Body<LoginRequest>) -> Result<HttpResponse, Problem> {
    bounded(&[&body.username, &body.password])?;
    device(body.device_id.as_deref())?;
    let origin = origin(&request);
    app.login_rate.take(origin.ip.as_deref().unwrap_or("unknown"), app.clock.wall_ms())?;
    let body = body.into_inner();
    let device = device_of(&request, body.device_id);
    match app.logins.sign_in(&body.username, &body.password, device, &origin, app.clock.wall_ms()).await? {
        SignedIn::In(tokens) => Ok(answer(&request, &tokens)),
        SignedIn::Challenge(challenge) => Err(Problem::of(ProblemType::CodeRequired).with("challenge", challenge)),
    }
}

/// A code for a sign-in whose password was right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"challenge": "the-challenge-of-the-last-answer", "code": "k7mnp-4xqrt"}))]
struct CodeRequest {
    /// Good for five minutes.
    #[schema(max_length = 128)]
    challenge: String,
    /// Of the authenticator app, or a recovery code. Each is taken once.
    #[schema(max_length = 32)]
    code: String,
    #[schema(max_length = 128)]
    device_id: Option<String>,
}

/// The second step of signing in. Wrong codes lock the name as wrong passwords do.
#[utoipa::path(tag = "auth", security(()), request_body = CodeRequest,
    responses((status = 200, body = TokenAnswer), (status = 401, body = ProblemBody, content_type = "application/problem+json", description = "`wrong_code`, or `unauthenticated` where the challenge is over: sign in anew"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/login/code")]
async fn login_code(request: HttpRequest, app: web::Data<App>, body: Body<CodeRequest>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::new();
    faults.text("challenge", &body.challenge, CHALLENGE_CHARS_MAX);
    faults.text("code", &body.code, CODE_CHARS_MAX);
    faults.optional_text("device_id", body.device_id.as_deref(), DEVICE_CHARS_MAX);
    checked(faults)?;
    let origin = origin(&request);
    app.login_rate.take(origin.ip.as_deref().unwrap_or("unknown"), app.clock.wall_ms())?;
    let body = body.into_inner();
    let device = device_of(&request, body.device_id);
    let tokens = app.logins.sign_in_code(&body.challenge, &body.code, device, &origin, app.clock.wall_ms()).await?;
    Ok(answer(&request, &tokens))
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "the-refresh-token-of-the-last-answer"}))]
struct RefreshRequest {
    #[schema(max_length = 128)]
    refresh_token: String,
    #[schema(max_length = 128)]
    device_id: Option<String>,
    /// How long the person has done nothing, s, where the client knows: pages that stand open ask by themselves.
    #[schema(minimum = 0, maximum = 2_678_400)]
    idle_s: Option<i64>,
}

/// Spends a refresh token for the next pair. Spending one twice ends the login; so does having done nothing for longer than
/// `/settings/sign_in` allows, except on phones.
#[utoipa::path(tag = "auth", security(()), request_body = RefreshRequest,
    responses((status = 200, body = TokenAnswer), (status = 401, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/refresh")]
async fn refresh(request: HttpRequest, app: web::Data<App>, body: Body<RefreshRequest>) -> Result<HttpResponse, Problem> {
    bounded(&[&body.refresh_token])?;
    device(body.device_id.as_deref())?;
    let idle_s = body.idle_s.unwrap_or_default();
    if !(0..=IDLE_S_MAX).contains(&idle_s) {
        return Err(Problem::field("/idle_s", "out_of_range", "0 to 2678400"));
    }
    let body = body.into_inner();
    let tokens = app.logins.refresh(&body.refresh_token, device_of(&request, body.device_id), idle_s, app.clock.wall_ms()).await?;
    Ok(answer(&request, &tokens))
}

/// Ends this login and the streams that are open under it.
#[utoipa::path(tag = "auth", responses((status = 204), (status = 401, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/logout")]
async fn logout(app: web::Data<App>, session: Session) -> Result<HttpResponse, Problem> {
    app.logins.sign_out(session.session_id, session.actor, app.clock.wall_ms()).await?;
    let mut gone = Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Strict).finish();
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

/// The present password and the one to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "correct-horse-battery", "new_password": "spring-river-lantern"}))]
struct PasswordRequest {
    current_password: String,
    /// 10 to 128 characters, not easy to guess.
    #[schema(min_length = 10, max_length = 128)]
    new_password: String,
}

/// Changes one's own password; other logins of the same person end. Wrong present passwords lock the name as failed sign-ins do.
#[utoipa::path(tag = "auth", request_body = PasswordRequest,
    responses((status = 200, body = TokenAnswer), (status = 401, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "locked after too many failures; `retry_after_s`"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/password")]
async fn change_password(
    request: HttpRequest,
    app: web::Data<App>,
    session: Session,
    body: Body<PasswordRequest>,
) -> Result<HttpResponse, Problem> {
    bounded(&[&body.current_password, &body.new_password])?;
    let now_ms = app.clock.wall_ms();
    let body = body.into_inner();
    let user_id = session.user_id.to_string();
    let user = own(&app, &session).await?;
    check_policy(&user.username, &body.new_password).map_err(password_problem)?;
    let same = body.current_password == body.new_password;
    if !app.logins.is_own_password(&user, body.current_password, &session.actor, now_ms).await? {
        return Err(Problem::field("/current_password", "wrong", "not the present password"));
    }
    if same {
        return Err(Problem::field("/new_password", "same", "the new password is the present one"));
    }
    let new = body.new_password;
    let hash = in_turn(move || hash_password(&new)).await.ok_or_else(|| Problem::of(ProblemType::Unavailable).with("retry_after_s", 2))?;
    let actor = session.actor.clone();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                users::set_password(tx, &user_id, &hash, false, now_ms).await?;
                crate::store::logins::end_sessions_of(tx, &user_id, None, now_ms, "password_changed").await?;
                tx.audit(
                    now_ms,
                    Act {
                        actor: &actor,
                        action: "password_change",
                        entity: Some(("user", &user_id)),
                        path: "/",
                        detail: serde_json::json!({}),
                    },
                )
                .await
            })
        })
        .await?;
    app.streams.end_user(session.user_id);
    let user =
        users::credentials_by_id(&mut app.db.read().await?.conn(), &session.user_id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let tokens = app.logins.open(user, device_of(&request, None), origin(&request), now_ms).await?;
    Ok(answer(&request, &tokens))
}

/// A password that the policy refuses.
pub fn password_problem(error: PasswordError) -> Problem {
    let code = match error {
        PasswordError::Length => "length",
        PasswordError::Guessable => "guessable",
    };
    Problem::field("/new_password", code, &error.to_string())
}

/// A role of the caller at a node.
#[derive(Debug, Serialize, ToSchema)]
struct GrantView {
    role: String,
    node_id: String,
    node_name: String,
    /// city, district, office or premises
    node_level: String,
    valid_until: Option<Moment>,
}

/// Who one is and what one may do.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    id: String,
    username: String,
    display_name: String,
    password_change_required: bool,
    /// A role asks for a second factor, and there is none yet: only `/me` and `/auth/*` answer.
    second_factor_required: bool,
    grants: Vec<GrantView>,
    permissions: Vec<&'static str>,
    server_time: Moment,
    #[schema(example = "zh-CN")]
    locale: &'static str,
}

/// Who one is and what one may do.
#[utoipa::path(tag = "auth", responses((status = 200, body = Me), (status = 401, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/me")]
async fn me(app: web::Data<App>, session: Session) -> Result<web::Json<Me>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let user = users::credentials_by_id(conn, &session.user_id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let grants = users::grants(conn, &user.id).await?;
    Ok(web::Json(Me {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
        password_change_required: session.must_change_password,
        second_factor_required: session.must_set_up_second_factor,
        permissions: session.access.permissions().into_iter().collect(),
        grants: grants
            .into_iter()
            .map(|row| GrantView {
                role: row.role,
                node_id: row.node_id,
                node_name: row.node_name,
                node_level: row.node_level,
                valid_until: row.valid_until.map(Moment),
            })
            .collect(),
        server_time: Moment(app.clock.wall_ms()),
        locale: "zh-CN",
    }))
}

/// The account behind a login.
pub(super) async fn own(app: &App, session: &Session) -> Result<users::Credentials, Problem> {
    let user = users::credentials_by_id(&mut app.db.read().await?.conn(), &session.user_id.to_string()).await?;
    user.ok_or_else(|| Problem::of(ProblemType::Unauthenticated))
}

/// What a request comes from.
pub(super) fn device_of(request: &HttpRequest, id: Option<String>) -> Device {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    Device {
        id,
        agent: header("user-agent").map(|agent| agent.chars().take(AGENT_CHARS_MAX).collect()),
        is_phone: header(CLIENT).is_some_and(|client| client.starts_with("phone/")),
    }
}

/// Far longer than any name or password: not worth hashing.
fn bounded(texts: &[&str]) -> Result<(), Problem> {
    if texts.iter().any(|text| text.len() > 1_024) {
        return Err(LoginError::Invalid.into());
    }
    Ok(())
}

/// The name of a device is kept, so it has an end.
fn device(id: Option<&str>) -> Result<(), Problem> {
    let mut faults = Faults::new();
    faults.optional_text("device_id", id, DEVICE_CHARS_MAX);
    checked(faults)
}

/// The tokens, and the cookie that GETs of a browser use.
pub(super) fn answer(request: &HttpRequest, tokens: &Tokens) -> HttpResponse {
    let cookie = Cookie::build(COOKIE, tokens.access.clone())
        .path("/")
        .http_only(true)
        .secure(request.connection_info().scheme() == "https")
        .same_site(SameSite::Strict)
        .max_age(CookieDuration::seconds(ACCESS_TOKEN_S))
        .finish();
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).cookie(cookie).json(TokenAnswer {
        access_token: tokens.access.clone(),
        refresh_token: tokens.refresh.clone(),
        expires_in: ACCESS_TOKEN_S,
        token_type: "Bearer",
        password_change_required: tokens.must_change_password,
    })
}
