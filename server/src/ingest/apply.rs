//! What is stored of cameras, told to the engine: at start, and whenever a camera, its premises or its settings change.

use std::collections::HashMap;
use std::time::Duration;

use media::{ArmedHours, ArmedWindow, CameraSpec, DiagnosisKind, DiagnosisSettings, RuleSettings, Secret, SourceSpec, Transport};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

use crate::App;
use crate::auth::Sealer;
use crate::domain::camera::{RuleChange, RuleChanges, merged};
use crate::domain::premises::ServiceHours;
use crate::domain::settings::{RETENTION, Retention};
use crate::store::cameras::{self, CameraRow};
use crate::store::{Conn, StoreError, recordings, settings};

/// The name of the setting.
pub const SETTING: &str = "diagnosis";
/// Cameras read at a time.
const PAGE: i64 = 500;
/// Changes that come close together are applied together.
const SETTLE: Duration = Duration::from_millis(100);
/// Looked at again even when nothing was told: another node may have changed something.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// China has one time, without daylight saving.
const CHINA_OFFSET_MINUTES: i32 = 8 * 60;

/// Keeps the engine's cameras as the store has them, until `soft` is cancelled.
pub async fn run(app: App, soft: CancellationToken) {
    let mut applied: HashMap<Uuid, CameraSpec> = HashMap::new();
    loop {
        if let Err(error) = apply_all(&app, &mut applied).await {
            error!(%error, "cameras could not be read");
        }
        tokio::select! {
            () = app.cameras_changed.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = soft.cancelled() => return,
        }
    }
}

async fn apply_all(app: &App, applied: &mut HashMap<Uuid, CameraSpec>) -> Result<(), StoreError> {
    let Some(engine) = &app.engine else { return Ok(()) };
    let away = engine.disks_away();
    let mut wanted = HashMap::new();
    let mut after = String::new();
    loop {
        let mut reader = app.db.read().await?;
        let rows = cameras::after(&mut reader.conn(), &after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        for row in rows {
            let layers = layers(&mut reader.conn(), &row.premises_id, &row.id).await?;
            let days = retention_days(&mut reader.conn(), &row).await?;
            if let (false, false, Ok(id)) = (away.is_empty(), applied.contains_key(&id_of(&row)), row.id.parse()) {
                // What lies on a disk that is away is no gap.
                engine.recorded_until(id, recordings::newest_end(&mut reader.conn(), &row.id).await?);
            }
            match spec(&row, &layers, days, &app.sealer) {
                Ok(spec) => drop(wanted.insert(spec.id, spec)),
                Err(problem) => warn!(camera = row.id, problem, "a stored camera cannot be opened"),
            }
        }
    }
    for (id, spec) in &wanted {
        if applied.get(id) != Some(spec) {
            engine.apply(spec.clone()).await;
        }
    }
    for id in applied.keys().filter(|id| !wanted.contains_key(id)) {
        engine.remove(*id).await;
    }
    *applied = wanted;
    engine.all_applied();
    Ok(())
}

fn id_of(row: &CameraRow) -> Uuid {
    row.id.parse().unwrap_or_default()
}

/// Changes of the diagnosis for a camera: system, premises, camera.
pub async fn layers(conn: &mut Conn<'_>, premises_id: &str, camera_id: &str) -> Result<[RuleChanges; 3], StoreError> {
    let mut layers = [RuleChanges::new(), RuleChanges::new(), RuleChanges::new()];
    for (layer, (scope, id)) in layers.iter_mut().zip([("system", ""), ("premises", premises_id), ("camera", camera_id)]) {
        if let Some((json, _)) = settings::get(conn, scope, id, SETTING).await? {
            *layer = serde_json::from_str(&json).map_err(StoreError::damaged)?;
        }
    }
    Ok(layers)
}

/// Days that a camera's recordings are kept, by the nearest place that says so; `None` where nobody does.
pub async fn retention_days(conn: &mut Conn<'_>, row: &CameraRow) -> Result<Option<u32>, StoreError> {
    let places = [("camera", row.id.as_str()), ("premises", &row.premises_id), ("kind", &row.premises_kind), ("system", "")];
    for (scope, id) in places {
        if let Some((json, _)) = settings::get(conn, scope, id, RETENTION).await? {
            let retention: Retention = serde_json::from_str(&json).map_err(StoreError::damaged)?;
            return Ok(Some(retention.days));
        }
    }
    Ok(None)
}

/// The engine's settings with a bureau's changes.
pub fn diagnosis(changes: &RuleChanges) -> DiagnosisSettings {
    let mut settings = DiagnosisSettings::default();
    for kind in DiagnosisKind::ALL {
        let Some(change) = changes.get(kind.as_str()) else { continue };
        if *kind == DiagnosisKind::SignalLost {
            // The recorder's own clock of silence is its duration.
            settings.no_packet_ms = change.duration_s.map_or(settings.no_packet_ms, millis);
        }
        change_rule(settings.rule_mut(*kind), change, *kind == DiagnosisKind::SignalLost);
    }
    settings
}

fn change_rule(rule: &mut RuleSettings, change: &RuleChange, silence: bool) {
    rule.enabled = change.enabled.unwrap_or(rule.enabled);
    rule.threshold = change.threshold.unwrap_or(rule.threshold);
    if !silence {
        rule.duration_ms = change.duration_s.map_or(rule.duration_ms, millis);
    }
    rule.clear_ms = change.clear_s.map_or(rule.clear_ms, millis);
    rule.repeat_interval_ms = change.repeat_interval_s.map_or(rule.repeat_interval_ms, millis);
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie between 0 and a day when it was set")]
pub(crate) fn millis(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

fn spec(row: &CameraRow, layers: &[RuleChanges; 3], retention_days: Option<u32>, sealer: &Sealer) -> Result<CameraSpec, &'static str> {
    let password = match &row.password_sealed {
        None => None,
        Some(sealed) => {
            let opened = sealer
                .open_sealed(&crate::http::camera_secret_purpose(&row.id), sealed)
                .map_err(|_| "its password cannot be opened with this key file")?;
            Some(Secret::new(String::from_utf8(opened).map_err(|_| "its password is damaged")?))
        }
    };
    let source = SourceSpec {
        url: row.source_url.parse().map_err(|_| "its address is damaged")?,
        username: row.username.clone(),
        password,
        transport: match row.transport.as_str() {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            "multicast" => Transport::Multicast,
            _ => Transport::Auto,
        },
    };
    let sub = match &row.sub_source_url {
        Some(url) => Some(SourceSpec { url: url.parse().map_err(|_| "the address of its sub-stream is damaged")?, ..source.clone() }),
        None => None,
    };
    Ok(CameraSpec {
        id: row.id.parse().map_err(|_| "its id is damaged")?,
        name: format!("{} {}", row.premises_name, row.name),
        source,
        sub,
        enabled: row.enabled && row.premises_disabled_at.is_none(),
        armed_hours: armed_hours(&row.service_hours),
        diagnosis: diagnosis(&merged(layers)),
        retention_days,
    })
}

/// Service hours as the engine takes them; none given: always armed.
pub(crate) fn armed_hours(json: &str) -> Option<ArmedHours> {
    let hours: Vec<ServiceHours> = serde_json::from_str(json).ok()?;
    let windows: Vec<ArmedWindow> = hours
        .iter()
        .filter_map(|span| {
            let (start_minute, end_minute) = span.minutes()?;
            let weekdays = std::array::from_fn(|day| u8::try_from(day + 1).is_ok_and(|day| span.days.contains(&day)));
            Some(ArmedWindow { weekdays, start_minute, end_minute })
        })
        .collect();
    (!windows.is_empty()).then_some(ArmedHours { utc_offset_minutes: CHINA_OFFSET_MINUTES, windows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_reach_the_engine_in_its_own_units() {
        let changes = RuleChanges::from([
            ("black".to_owned(), RuleChange { threshold: Some(12.0), duration_s: Some(2.5), ..RuleChange::default() }),
            ("signal_lost".to_owned(), RuleChange { duration_s: Some(3.0), ..RuleChange::default() }),
            ("frozen".to_owned(), RuleChange { enabled: Some(false), ..RuleChange::default() }),
        ]);
        let settings = diagnosis(&changes);
        assert_eq!((settings.black.threshold, settings.black.duration_ms), (12.0, 2_500));
        assert_eq!(settings.no_packet_ms, 3_000);
        assert!(!settings.frozen.enabled && settings.moved.enabled);
    }

    #[test]
    fn service_hours_arm_the_diagnosis() {
        assert_eq!(armed_hours("[]"), None);
        let hours = armed_hours(r#"[{"days":[1,7],"from":"06:30","to":"18:30"}]"#).unwrap();
        assert_eq!((hours.windows[0].start_minute, hours.windows[0].weekdays), (390, [true, false, false, false, false, false, true]));
    }
}
