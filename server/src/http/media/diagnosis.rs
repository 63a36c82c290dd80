//! Settings of the diagnosis: for the system, a premises or a camera; and what holds for one camera.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, get, put, web};
use media::{DiagnosisKind, DiagnosisSettings};
use mobile_api::field::Faults;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::camera;
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::camera::{RuleChange, RuleChanges, merged};
use crate::domain::permission::Permission;
use crate::domain::settings::Origin;
use crate::http::console::settings::{self, At, ScopeArgs, Sourced, place, stored};
use crate::http::{Args, Body, Id, Problem, ProblemBody, checked};
use crate::ingest::apply::{SETTING, layers};
use crate::store::StoreError;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(effective).service(effective_at).service(read).service(write).service(inherit);
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

/// What holds at a place, each member with where it comes from.
#[derive(Debug, Serialize, ToSchema)]
struct EffectiveDiagnosis {
    /// Whether the caller may change it here.
    may_change: bool,
    /// By kind.
    rules: BTreeMap<&'static str, SourcedRule>,
}

/// One kind's settings, each with the nearest place that says so.
#[derive(Debug, Serialize, ToSchema)]
struct SourcedRule {
    enabled: Sourced<bool>,
    /// In the kind's own unit.
    threshold: Sourced<f64>,
    /// s
    duration_s: Sourced<f64>,
    /// s
    clear_s: Sourced<f64>,
    /// s
    repeat_interval_s: Sourced<f64>,
}

/// What holds at the system, a premises or a camera, and where each value comes from. Who may watch cameras may read it.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), responses((status = 200, body = EffectiveDiagnosis), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/diagnosis/effective")]
async fn effective_at(
    app: web::Data<App>,
    caller: Caller<can::CamerasRead>,
    args: Args<ScopeArgs>,
) -> Result<web::Json<EffectiveDiagnosis>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()).await?;
    let mut layers = Vec::new();
    for (from, json) in stored(conn, &place, SETTING).await? {
        let changes: RuleChanges = serde_json::from_str(&json).map_err(StoreError::damaged)?;
        layers.push((from, changes));
    }
    let settings = crate::ingest::apply::diagnosis(&merged(layers.iter().map(|(_, changes)| changes)));
    let rules = DiagnosisKind::ALL.iter().map(|kind| (kind.as_str(), sourced(*kind, &settings, &layers))).collect();
    let managed = caller.access.scope(Permission::SettingsManage);
    Ok(web::Json(EffectiveDiagnosis { may_change: place.may_change(&managed), rules }))
}

fn sourced(kind: DiagnosisKind, settings: &DiagnosisSettings, layers: &[(Origin, RuleChanges)]) -> SourcedRule {
    let rule = settings.rule(kind);
    let from = |says: &dyn Fn(&RuleChange) -> bool| {
        let nearest = layers.iter().rev().find(|(_, changes)| changes.get(kind.as_str()).is_some_and(says));
        nearest.map_or(Origin::Default, |(from, _)| *from)
    };
    let seconds = |ms: u64| ms as f64 / 1_000.0;
    let duration_ms = if kind == DiagnosisKind::SignalLost { settings.no_packet_ms } else { rule.duration_ms };
    SourcedRule {
        enabled: Sourced { value: rule.enabled, from: from(&|change| change.enabled.is_some()) },
        threshold: Sourced { value: rule.threshold, from: from(&|change| change.threshold.is_some()) },
        duration_s: Sourced { value: seconds(duration_ms), from: from(&|change| change.duration_s.is_some()) },
        clear_s: Sourced { value: seconds(rule.clear_ms), from: from(&|change| change.clear_s.is_some()) },
        repeat_interval_s: Sourced { value: seconds(rule.repeat_interval_ms), from: from(&|change| change.repeat_interval_s.is_some()) },
    }
}

/// What is set at one place; kinds and members that are absent are inherited.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), responses((status = 200, body = std::collections::BTreeMap<String, RuleChange>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/diagnosis")]
async fn read(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<web::Json<RuleChanges>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let place = place(conn, &caller.scope(), args.at()).await?;
    let own = stored(conn, &place, SETTING).await?.into_iter().find(|(from, _)| *from == place.scope);
    Ok(web::Json(own.map(|(_, json)| serde_json::from_str(&json).map_err(StoreError::damaged)).transpose()?.unwrap_or_default()))
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
    change(&app, &caller, args.at(), Some(value)).await?;
    Ok(web::Json(changes))
}

/// Takes one place back to what it inherits.
#[utoipa::path(tag = "diagnosis", params(ScopeArgs), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/settings/diagnosis")]
async fn inherit(app: web::Data<App>, caller: Caller<can::SettingsManage>, args: Args<ScopeArgs>) -> Result<HttpResponse, Problem> {
    change(&app, &caller, args.at(), None).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn change(app: &App, caller: &Caller<can::SettingsManage>, place: At, value: Option<String>) -> Result<(), Problem> {
    settings::change(app, caller, place, SETTING, value).await?;
    app.cameras_changed.notify_one();
    Ok(())
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
