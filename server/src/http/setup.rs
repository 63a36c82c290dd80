//! `/setup`: the first account, by the one-time link that the first start prints.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::auth::{TokenAnswer, answer, device_of};
use super::{Body, Problem, ProblemBody, checked, origin};
use crate::App;
use crate::accounts::{self, AccountError, NewAccount};
use crate::store::users;
use mobile_api::problem::ProblemType;

const NAME_LIMIT: usize = 100;
const TOKEN_CHARS_MAX: usize = 128;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(needed).service(create);
}

/// Whether there is nobody yet.
#[derive(Debug, Serialize, ToSchema)]
struct SetupState {
    needed: bool,
}

/// Whether the first account is still to be made.
#[utoipa::path(tag = "auth", security(()), responses((status = 200, body = SetupState)))]
#[get("/setup")]
async fn needed(app: web::Data<App>) -> Result<web::Json<SetupState>, Problem> {
    Ok(web::Json(SetupState { needed: !users::any(&mut app.db.read().await?.conn()).await? }))
}

/// The first account and the tree it stands at the top of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "from the link on the terminal", "username": "wang", "display_name": "王局", "password": "correct-horse-battery", "city": "汕头市", "district": "澄海区"}))]
struct SetupRequest {
    #[schema(max_length = 128)]
    token: String,
    #[schema(min_length = 2, max_length = 64)]
    username: String,
    #[schema(min_length = 1, max_length = 100)]
    display_name: String,
    #[schema(min_length = 10, max_length = 128)]
    password: String,
    #[schema(min_length = 1, max_length = 100)]
    city: String,
    #[schema(min_length = 1, max_length = 100)]
    district: String,
}

/// Makes the first account, an administrator and supervisor, and signs it in. The link is then spent.
#[utoipa::path(tag = "auth", security(()), request_body = SetupRequest,
    responses((status = 200, body = TokenAnswer), (status = 410, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/setup")]
async fn create(request: HttpRequest, app: web::Data<App>, body: Body<SetupRequest>) -> Result<HttpResponse, Problem> {
    let origin = origin(&request);
    let now_ms = app.clock.wall_ms();
    app.login_rate.take(origin.ip.as_deref().unwrap_or("unknown"), now_ms)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    for (field, text) in [("display_name", &body.display_name), ("city", &body.city), ("district", &body.district)] {
        faults.text(field, text, NAME_LIMIT);
    }
    faults.text("token", &body.token, TOKEN_CHARS_MAX);
    checked(faults)?;
    let token = body.token.clone();
    let account = web::block(move || {
        let roles = vec!["administrator".to_owned(), "supervisor".to_owned()];
        NewAccount::parse(&body.username, &body.display_name, &body.password, roles)?.at(Some(&body.city), Some(&body.district))
    });
    let account = account.await.map_err(|_| Problem::of(ProblemType::Unavailable).with("retry_after_s", 2))??;
    let id = accounts::create_by_link(&app.db, &token, account, origin.clone(), now_ms).await?;
    let user = users::credentials_by_id(&mut app.db.read().await?.conn(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let tokens = app.logins.open(user, device_of(&request, None), origin, now_ms).await?;
    Ok(answer(&request, &tokens))
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let said = error.to_string();
        match error {
            AccountError::Username => Self::field("/username", "format", &said),
            AccountError::DisplayName => Self::field("/display_name", "format", &said),
            AccountError::AuthorityName => Self::field("/city", "format", &said),
            AccountError::Password(_) => Self::field("/password", "guessable", &said),
            AccountError::Role { .. } => Self::field("/roles", "unknown", &said),
            AccountError::Exists(_) => Self::field("/username", "taken", &said),
            AccountError::Unknown(_) => Self::not_found(),
            AccountError::Link => Self::of(ProblemType::Gone).because(said),
            AccountError::Store(error) => error.into(),
        }
    }
}
