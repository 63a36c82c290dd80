//! `/settings/sign_in`: what a bureau asks of those who sign in. One for the whole system; changed at the top.

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{At, change};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::settings::{IDLE_MINUTES_MAX, IDLE_MINUTES_MIN, SIGN_IN, SIGN_IN_ROLES_MAX, SignIn};
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::{StoreError, roles, settings};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write);
}

/// What is asked of those who sign in.
#[derive(Debug, Serialize, ToSchema)]
struct SignInAsked {
    /// Codes of roles that must have a second factor.
    second_factor_roles: Vec<String>,
    /// Minutes without anything done after which a login of the console ends; `null`: never.
    idle_minutes: Option<u32>,
    /// Whether the caller may change it.
    may_change: bool,
}

/// What is asked of those who sign in.
#[utoipa::path(tag = "settings", responses((status = 200, body = SignInAsked)))]
#[get("/settings/sign_in")]
async fn read(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<web::Json<SignInAsked>, Problem> {
    let asked = settings::sign_in(&mut app.db.read().await?.conn()).await?;
    let may_change = caller.scope().reaches_top();
    Ok(web::Json(SignInAsked { second_factor_roles: asked.second_factor_roles, idle_minutes: asked.idle_minutes, may_change }))
}

/// Says which roles must have a second factor, and after how long a console that does nothing is signed out. Holds at once: who has
/// such a role and no second factor sets one up before anything else.
#[utoipa::path(tag = "settings", request_body = SignIn,
    responses((status = 200, body = SignIn), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/sign_in")]
async fn write(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<SignIn>) -> Result<web::Json<SignIn>, Problem> {
    let mut asked = body.into_inner();
    let known = roles::list(&mut app.db.read().await?.conn()).await?;
    let mut faults = Faults::new();
    faults.count("second_factor_roles", asked.second_factor_roles.len(), SIGN_IN_ROLES_MAX);
    faults.within("second_factor_roles", |faults| {
        for (index, code) in asked.second_factor_roles.iter().enumerate().take(SIGN_IN_ROLES_MAX) {
            if !known.iter().any(|role| role.code == *code) {
                faults.note_at(index, "unknown", "no such role");
            }
        }
    });
    if asked.idle_minutes.is_some_and(|minutes| !(IDLE_MINUTES_MIN..=IDLE_MINUTES_MAX).contains(&minutes)) {
        faults.note_at("idle_minutes", "out_of_range", format!("{IDLE_MINUTES_MIN} to {IDLE_MINUTES_MAX} minutes, or null"));
    }
    checked(faults)?;
    asked.second_factor_roles.sort();
    asked.second_factor_roles.dedup();
    let value = serde_json::to_string(&asked).map_err(StoreError::damaged)?;
    change(&app, &caller, At::System, SIGN_IN, Some(value)).await?;
    Ok(web::Json(asked))
}
