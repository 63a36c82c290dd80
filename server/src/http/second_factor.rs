//! `/auth/second-factor`: one's own second factor. Whatever changes it asks for the password: a login that was left open is not enough.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::auth::{CODE_CHARS_MAX, own};
use super::trust::qr_svg;
use super::{Body, Problem, ProblemBody, checked};
use crate::App;
use crate::auth::{LoginError, Session};
use crate::store::users::Credentials;
use crate::store::{logins, second_factors, settings};

/// Characters of a password.
const PASSWORD_CHARS_MAX: usize = 128;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(begin).service(confirm).service(renew_codes).service(turn_off);
}

/// One's own second factor.
#[derive(Debug, Serialize, ToSchema)]
struct SecondFactor {
    on: bool,
    /// Since when.
    since: Option<Moment>,
    /// Recovery codes that are not spent.
    #[schema(example = 10)]
    recovery_codes_left: i64,
    /// A role of the caller asks for one.
    required: bool,
}

/// Whether one has a second factor.
#[utoipa::path(tag = "auth", responses((status = 200, body = SecondFactor)))]
#[get("/auth/second-factor")]
async fn read(app: web::Data<App>, session: Session) -> Result<web::Json<SecondFactor>, Problem> {
    let mut reader = app.db.read().await?;
    let (conn, user) = (&mut reader.conn(), session.user_id.to_string());
    let since = second_factors::get(conn, &user).await?.and_then(|factor| factor.confirmed_at);
    let roles = logins::roles(conn, &user, app.clock.wall_ms()).await?;
    Ok(web::Json(SecondFactor {
        on: since.is_some(),
        since: since.map(Moment),
        recovery_codes_left: second_factors::recovery_left(conn, &user).await?,
        required: settings::sign_in(conn).await?.asks_for_second_factor(&roles),
    }))
}

/// The present password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "correct-horse-battery"}))]
struct OwnPassword {
    #[schema(max_length = 128)]
    current_password: String,
}

/// Whoever calls, where this is their password. Wrong ones lock the name as failed sign-ins do.
async fn proven(app: &App, session: &Session, body: OwnPassword) -> Result<Credentials, Problem> {
    let mut faults = Faults::new();
    faults.text("current_password", &body.current_password, PASSWORD_CHARS_MAX);
    checked(faults)?;
    let user = own(app, session).await?;
    if !app.logins.is_own_password(&user, body.current_password, &session.actor, app.clock.wall_ms()).await? {
        return Err(Problem::field("/current_password", "wrong", "not the present password"));
    }
    Ok(user)
}

/// A secret that is shown once. It holds when its first code has come.
#[derive(Debug, Serialize, ToSchema)]
struct SecondFactorBegun {
    /// For typing into the app: base32.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// What the QR code says, for an app on the same phone.
    #[schema(example = "otpauth://totp/Bright%20Kitchen:wang?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bright%20Kitchen")]
    address: String,
    /// The QR code as SVG.
    qr_svg: String,
}

/// Makes a new secret for an authenticator app. One that is on stays on until the new one is confirmed.
#[utoipa::path(tag = "auth", request_body = OwnPassword,
    responses((status = 200, body = SecondFactorBegun), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/second-factor")]
async fn begin(app: web::Data<App>, session: Session, body: Body<OwnPassword>) -> Result<HttpResponse, Problem> {
    let user = proven(&app, &session, body.into_inner()).await?;
    let begun = app.logins.begin_second_factor(&user).await?;
    let qr_svg = qr_svg(&begun.address).unwrap_or_default();
    Ok(once(SecondFactorBegun { secret: begun.secret, address: begun.address, qr_svg }))
}

/// A code of the app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
struct FirstCode {
    #[schema(max_length = 32)]
    code: String,
}

/// Codes for whoever has lost the phone, each good once. They are shown only here.
#[derive(Debug, Serialize, ToSchema)]
struct RecoveryCodes {
    #[schema(example = json!(["k7mnp-4xqrt"]))]
    recovery_codes: Vec<String>,
}

/// Turns the second factor on by the first code of the new secret.
#[utoipa::path(tag = "auth", request_body = FirstCode,
    responses((status = 200, body = RecoveryCodes), (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "no secret was made"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/second-factor/confirm")]
async fn confirm(app: web::Data<App>, session: Session, body: Body<FirstCode>) -> Result<HttpResponse, Problem> {
    let mut faults = Faults::new();
    faults.text("code", &body.code, CODE_CHARS_MAX);
    checked(faults)?;
    let confirmed = app.logins.confirm_second_factor(session.user_id, &body.code, session.actor, app.clock.wall_ms()).await;
    let codes = confirmed.map_err(|error| match error {
        LoginError::Ended => Problem::of(ProblemType::InvalidTransition).because("make a secret first"),
        error => error.into(),
    })?;
    let recovery_codes = codes.ok_or_else(|| Problem::field("/code", "wrong", "not the code that stands now"))?;
    Ok(once(RecoveryCodes { recovery_codes }))
}

/// Makes new recovery codes; those before are good for nothing then.
#[utoipa::path(tag = "auth", request_body = OwnPassword,
    responses((status = 200, body = RecoveryCodes), (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "no second factor is on"), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/second-factor/recovery-codes")]
async fn renew_codes(app: web::Data<App>, session: Session, body: Body<OwnPassword>) -> Result<HttpResponse, Problem> {
    proven(&app, &session, body.into_inner()).await?;
    let codes = app.logins.renew_recovery_codes(session.user_id, session.actor, app.clock.wall_ms()).await?;
    let recovery_codes = codes.ok_or_else(|| Problem::of(ProblemType::InvalidTransition).because("no second factor is on"))?;
    Ok(once(RecoveryCodes { recovery_codes }))
}

/// Turns the second factor off. Who has a role that asks for one sets up another before anything else.
#[utoipa::path(tag = "auth", request_body = OwnPassword,
    responses((status = 204), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/auth/second-factor/off")]
async fn turn_off(app: web::Data<App>, session: Session, body: Body<OwnPassword>) -> Result<HttpResponse, Problem> {
    proven(&app, &session, body.into_inner()).await?;
    app.logins.end_second_factor(session.user_id, session.actor, app.clock.wall_ms()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An answer that no cache keeps.
fn once(answer: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer)
}
