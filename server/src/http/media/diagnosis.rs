//! Settings of the diagnosis: for the system, a premises or a camera; and what holds for one camera.

use actix_web::{HttpResponse, delete, get, put, web};
use media::DiagnosisKind;
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::camera;
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::camera::{RuleChange, RuleChanges, merged};
use crate::http::{Args, Body, Id, Problem, ProblemBody, checked};
use crate::ingest::apply::{SETTING, layers};
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, cameras, premises, settings};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(effective).service(read).service(write).service(inherit);
}

/// One kind's settings and where each comes from.
#[derive(Debug, Serialize, ToSchema)]
struct EffectiveRule {
    enabled: bool,
    threshold: f64,
    /// s
    duration_s: f64,
    /// s
    clear_s: f64,
    /// s
    repeat_interval_s: f64,
    /// The nearest place that changes it: default, system, premises or camera.
    from: &'static str,
}

/// What holds for a camera, by kind.
#[utoipa::path(tag = "diagnosis", params(("id" = String, Path)), responses((status = 200, body = std::collections::BTreeMap<String, EffectiveRule>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/diagnosis")]
async fn effective(app: web::Data<App>, caller: Caller<can::CamerasRead>, id: Id) -> Result<HttpResponse, Problem> {
    let row = camera(&app, &caller.scope(), *id).await?;
    let layers = layers(&mut app.db.read().await?.conn(), &row.premises_id, &row.id).await?;
    let settings = crate::ingest::apply::diagnosis(&merged(&layers));
    let rules: std::collections::BTreeMap<&str, EffectiveRule> = DiagnosisKind::ALL
        .iter()
        .map(|kind| {
            let rule = settings.rule(*kind);
            let from = ["camera", "premises", "system"]
                .into_iter()
                .zip(layers.iter().rev())
                .find(|(_, layer)| layer.contains_key(kind.as_str()))
                .map_or("default", |(from, _)| from);
            let seconds = |ms: u64| ms as f64 / 1_000.0;
            let view = EffectiveRule {
                enabled: rule.enabled,
                threshold: rule.threshold,
                duration_s: seconds(if *kind == DiagnosisKind::SignalLost { settings.no_packet_ms } else { rule.duration_ms }),
                clear_s: seconds(rule.clear_ms),
                repeat_interval_s: seconds(rule.repeat_interval_ms),
                from,
            };
            (kind.as_str(), view)
        })
        .collect();
    Ok(HttpResponse::Ok().json(rules))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SettingScope {
    System,
    Premises,
    Camera,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScopeArgs {
    #[param(example = "system")]
    #[param(inline)]
    scope: SettingScope,
    /// Of the premises or the camera.
    id: Option<Uuid>,
}

/// A place settings can be at, that the caller may change.
struct Place {
    scope: &'static str,
    id: String,
    path: String,
}

async fn place(conn: &mut Conn<'_>, caller: &Caller<can::SettingsManage>, args: &ScopeArgs) -> Result<Place, Problem> {
    let scope = caller.scope();
    let id = args.id.map(|id| id.to_string()).unwrap_or_default();
    match args.scope {
        SettingScope::System if !scope.reaches_top() => Err(Problem::forbidden()),
        SettingScope::System => Ok(Place { scope: "system", id: String::new(), path: "/".to_owned() }),
        SettingScope::Premises => {
            let row = premises::get(conn, &scope, &id).await?.ok_or_else(Problem::not_found)?;
            Ok(Place { scope: "premises", id: row.id, path: row.path })
        }
        SettingScope::Camera => {
            let row = cameras::get(conn, &scope, &id).await?.ok_or_else(Problem::not_found)?;
            Ok(Place { scope: "camera", id: row.id, path: row.path })
        }
    }
}

/// What is set at one place; kinds and members that are absent are inherited.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), responses((status = 200, body = std::collections::BTreeMap<String, RuleChange>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/diagnosis")]
async fn read(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<web::Json<RuleChanges>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller, &args).await?;
    let stored = settings::get(conn, place.scope, &place.id, SETTING).await?;
    Ok(web::Json(stored.map(|(json, _)| serde_json::from_str(&json).map_err(StoreError::damaged)).transpose()?.unwrap_or_default()))
}

/// Sets what differs at one place; takes effect within seconds.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), request_body(content = std::collections::BTreeMap<String, RuleChange>, example = json!({"black": {"threshold": 25.0, "duration_s": 5.0}})),
    responses((status = 200, body = std::collections::BTreeMap<String, RuleChange>), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/diagnosis")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<ScopeArgs>,
    body: Body<RuleChanges>,
) -> Result<web::Json<RuleChanges>, Problem> {
    let changes = body.into_inner();
    let mut faults = Faults::new();
    for (kind, change) in &changes {
        if DiagnosisKind::from_name(kind).is_none() {
            let known: Vec<&str> = DiagnosisKind::ALL.iter().map(|kind| kind.as_str()).collect();
            faults.note_at(kind, "unknown", format!("one of {}", known.join(", ")));
        } else if let Some((field, detail)) = change.fault() {
            faults.within(kind, |faults| faults.note_at(field, "out_of_range", detail));
        }
    }
    checked(faults)?;
    let value = serde_json::to_string(&changes).map_err(StoreError::damaged)?;
    let (actor, at, args, session) = (caller.actor.clone(), app.clock.wall_ms(), args.0, caller.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let place = place(tx, &session, &args).await?;
                settings::put(tx, place.scope, &place.id, SETTING, &value, &place.path, at).await?;
                let detail = json!({"setting": SETTING, "scope": place.scope, "value": value});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("setting", &place.id)), path: &place.path, detail })
                    .await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    app.cameras_changed.notify_one();
    Ok(web::Json(changes))
}

/// Takes one place back to what it inherits.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/settings/diagnosis")]
async fn inherit(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<HttpResponse, Problem> {
    let (actor, at, args, session) = (caller.actor.clone(), app.clock.wall_ms(), args.0, caller.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let place = place(tx, &session, &args).await?;
                settings::delete(tx, place.scope, &place.id, SETTING, &place.path, at).await?;
                let detail = json!({"setting": SETTING, "scope": place.scope});
                tx.audit(at, Act { actor: &actor, action: "delete", entity: Some(("setting", &place.id)), path: &place.path, detail })
                    .await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    app.cameras_changed.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use media::{DiagnosisKind, DiagnosisSettings};

    #[test]
    fn every_kind_of_the_engine_can_be_set() {
        let defaults = DiagnosisSettings::default();
        for kind in DiagnosisKind::ALL {
            assert!(defaults.rule(*kind).enabled, "{kind:?}");
        }
    }
}
