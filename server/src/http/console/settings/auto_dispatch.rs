//! `/settings/auto_dispatch`: device kinds that the program itself confirms and dispatches, five minutes after they were
//! raised and with the deadline of their class. Off unless a bureau switches it on; the history says rule and version.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, get, put, web};
use mobile_api::field::Faults;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{ScopeArgs, Sourced, change, place, stored};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::alert::KINDS;
use crate::domain::settings::{AUTO_DISPATCH, AutoDispatch, Origin};
use crate::http::{Args, Body, Problem, ProblemBody, checked};
use crate::store::StoreError;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(effective).service(read).service(write).service(inherit);
}

/// What holds at a place.
#[derive(Debug, Serialize, ToSchema)]
struct EffectiveDispatch {
    /// Whether the caller may change it here.
    may_change: bool,
    /// By device kind.
    kinds: BTreeMap<&'static str, Sourced<bool>>,
}

/// What the program dispatches at a place, and who says so.
#[utoipa::path(tag = "settings", params(ScopeArgs), responses((status = 200, body = EffectiveDispatch), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/auto_dispatch/effective")]
async fn effective(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<ScopeArgs>,
) -> Result<web::Json<EffectiveDispatch>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()).await?;
    let mut kinds: BTreeMap<&'static str, Sourced<bool>> =
        device_kinds().map(|kind| (kind, Sourced { value: false, from: Origin::Default })).collect();
    for (from, json) in stored(conn, &place, AUTO_DISPATCH).await? {
        let said: AutoDispatch = serde_json::from_str(&json).map_err(StoreError::damaged)?;
        for (kind, sourced) in &mut kinds {
            if let Some(value) = said.get(*kind) {
                *sourced = Sourced { value: *value, from };
            }
        }
    }
    Ok(web::Json(EffectiveDispatch { may_change: place.may_change(&caller.scope()), kinds }))
}

fn device_kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| kind.class == 0).map(|kind| kind.code)
}

/// What is said at one place; kinds that are absent are inherited.
#[utoipa::path(tag = "settings", params(ScopeArgs), responses((status = 200, body = BTreeMap<String, bool>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/auto_dispatch")]
async fn read(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<web::Json<AutoDispatch>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()).await?;
    let own = stored(conn, &place, AUTO_DISPATCH).await?.into_iter().find(|(from, _)| *from == place.scope);
    Ok(web::Json(own.map(|(_, json)| serde_json::from_str(&json).map_err(StoreError::damaged)).transpose()?.unwrap_or_default()))
}

/// Says at one place what the program dispatches there.
#[utoipa::path(tag = "settings", params(ScopeArgs), request_body(content = BTreeMap<String, bool>, example = json!({"signal_lost": true})),
    responses((status = 200, body = BTreeMap<String, bool>), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/auto_dispatch")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<ScopeArgs>,
    body: Body<AutoDispatch>,
) -> Result<web::Json<AutoDispatch>, Problem> {
    let kinds = body.into_inner();
    let mut faults = Faults::new();
    for kind in kinds.keys().filter(|kind| !device_kinds().any(|known| known == kind.as_str())) {
        faults.note_at(kind, "unknown", format!("one of {}", device_kinds().collect::<Vec<_>>().join(", ")));
    }
    checked(faults)?;
    let value = serde_json::to_string(&kinds).map_err(StoreError::damaged)?;
    change(&app, &caller, args.at(), AUTO_DISPATCH, Some(value)).await?;
    Ok(web::Json(kinds))
}

/// Takes one place back to what it inherits.
#[utoipa::path(tag = "settings", params(ScopeArgs), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/settings/auto_dispatch")]
async fn inherit(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<HttpResponse, Problem> {
    change(&app, &caller, args.at(), AUTO_DISPATCH, None).await?;
    Ok(HttpResponse::NoContent().finish())
}
