//! `/settings/retention`: how many days recordings are kept, for the system, a kind of premises, a premises or a camera.
//! The nearest place that says something holds. Evidence on hold is kept longer, whatever is set here.

use actix_web::{HttpResponse, delete, get, put, web};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{At, kind_named, place, stored};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::settings::{Origin, RETENTION, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, Retention};
use crate::http::{Args, Body, Problem, ProblemBody, checked};
use crate::store::StoreError;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(effective).service(read).service(write).service(inherit);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RetentionScope {
    System,
    Kind,
    Premises,
    Camera,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RetentionArgs {
    #[param(example = "system")]
    #[param(inline)]
    scope: RetentionScope,
    /// Of the premises or the camera.
    id: Option<Uuid>,
    /// Of premises, for the scope `kind`: school_canteen, kindergarten_canteen, central_kitchen, …
    #[param(max_length = 40)]
    kind: Option<String>,
}

impl RetentionArgs {
    fn at(&self) -> Result<At, Problem> {
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        Ok(match self.scope {
            RetentionScope::System => At::System,
            RetentionScope::Kind => At::Kind(kind_named(self.kind.as_deref())?),
            RetentionScope::Premises => At::Premises(id),
            RetentionScope::Camera => At::Camera(id),
        })
    }
}

/// What one place says.
#[derive(Debug, Serialize, ToSchema)]
struct SaidAt {
    scope: Origin,
    /// Days.
    days: u32,
}

/// How long recordings are kept at a place, and who says so.
#[derive(Debug, Serialize, ToSchema)]
struct EffectiveRetention {
    /// Days.
    #[schema(example = 30)]
    days: u32,
    /// The nearest place that says so.
    from: Origin,
    /// Every place that says something, the widest first.
    said: Vec<SaidAt>,
    /// Whether the caller may change it here.
    may_change: bool,
}

/// How long recordings are kept at a place, and who says so.
#[utoipa::path(tag = "settings", params(RetentionArgs), responses((status = 200, body = EffectiveRetention), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/retention/effective")]
async fn effective(
    app: web::Data<App>,
    caller: Caller<can::CamerasRead>,
    args: Args<RetentionArgs>,
) -> Result<web::Json<EffectiveRetention>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()?).await?;
    let mut said = vec![SaidAt { scope: Origin::Default, days: app.about.retention_days() }];
    for (scope, json) in stored(conn, &place, RETENTION).await? {
        let Retention { days } = serde_json::from_str(&json).map_err(StoreError::damaged)?;
        said.push(SaidAt { scope, days });
    }
    let (days, from) = said.last().map_or((app.about.retention_days(), Origin::Default), |last| (last.days, last.scope));
    let managed = caller.access.scope(crate::domain::permission::Permission::SettingsManage);
    Ok(web::Json(EffectiveRetention { days, from, said, may_change: place.may_change(&managed) }))
}

/// What is said at one place; `null` where it is inherited.
#[utoipa::path(tag = "settings", params(RetentionArgs), responses((status = 200, body = Option<Retention>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/retention")]
async fn read(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<RetentionArgs>,
) -> Result<web::Json<Option<Retention>>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()?).await?;
    let own = stored(conn, &place, RETENTION).await?.into_iter().find(|(from, _)| *from == place.scope);
    Ok(web::Json(own.map(|(_, json)| serde_json::from_str(&json).map_err(StoreError::damaged)).transpose()?))
}

/// Says at one place how long recordings are kept; takes effect within a minute. Fewer days delete what is older then.
#[utoipa::path(tag = "settings", params(RetentionArgs), request_body(content = Retention, example = json!({"days": 30})),
    responses((status = 200, body = Retention), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/retention")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<RetentionArgs>,
    body: Body<Retention>,
) -> Result<web::Json<Retention>, Problem> {
    let retention = body.into_inner();
    let mut faults = Faults::new();
    if !retention.is_allowed() {
        faults.note_at("days", "out_of_range", format!("{RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX} days"));
    }
    checked(faults)?;
    let value = serde_json::to_string(&retention).map_err(StoreError::damaged)?;
    change(&app, &caller, args.at()?, Some(value)).await?;
    Ok(web::Json(retention))
}

/// Takes one place back to what it inherits.
#[utoipa::path(tag = "settings", params(RetentionArgs), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/settings/retention")]
async fn inherit(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<RetentionArgs>) -> Result<HttpResponse, Problem> {
    change(&app, &caller, args.at()?, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn change(app: &App, caller: &Caller<can::SettingsManage>, place: At, value: Option<String>) -> Result<(), Problem> {
    super::change(app, caller, place, RETENTION, value).await?;
    app.cameras_changed.notify_one();
    Ok(())
}
