//! Looks ahead on the recordings' disk, and warns those who look after the system days before it is full.

use media::Engine;
use serde_json::json;
use tracing::{info, warn};

use crate::App;
use crate::domain::calendar;
use crate::domain::forecast::{Forecast, Growing, forecast};
use crate::store::forecasts::{self, ForecastRow};
use crate::store::{StoreError, notices};

/// What is looked back on, ms.
const BACK_MS: i64 = 24 * 3_600_000;
/// A camera that has recorded for less says nothing about a day, ms.
const SHORTEST_MS: i64 = 10 * 60_000;
/// So many days before the disk is full people are told.
const WARN_DAYS: f64 = 7.0;
/// And again after this time, while it stays so, ms.
const AGAIN_MS: i64 = 3 * 24 * 3_600_000;
const DAY_MS: f64 = 86_400_000.0;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let Some(engine) = app.engine.clone() else { return Ok(()) };
    let now_ms = app.clock.wall_ms();
    // The index is walked, and the disk is asked.
    let seen = app.supervisor.blocking("disk forecast", move || ahead(&engine, now_ms)).await;
    match seen {
        Ok(Some(row)) => keep(&app, row).await,
        Ok(None) => Ok(()),
        Err(error) => {
            warn!(%error, "the disk could not be looked at");
            Ok(())
        }
    }
}

/// What is to be expected now; `None` while too little was recorded to say.
fn ahead(engine: &Engine, now_ms: i64) -> Option<ForecastRow> {
    let disk = engine.disk().inspect_err(|error| warn!(%error, "the disk does not say how much is free")).ok()?;
    let cameras: Vec<Growing> = engine
        .index()
        .growth(now_ms - BACK_MS)
        .into_iter()
        .filter_map(|growth| {
            let recorded_ms = (now_ms - growth.oldest_ms).min(BACK_MS);
            let wanted_days = f64::from(engine.keeping().days_of(growth.camera));
            (recorded_ms >= SHORTEST_MS).then(|| Growing {
                bytes_a_day: number(growth.bytes) * DAY_MS / ms(recorded_ms),
                kept_days: ms(now_ms - growth.oldest_ms) / DAY_MS,
                wanted_days,
            })
        })
        .collect();
    if cameras.is_empty() {
        return None;
    }
    let kept = number(disk.usage.deletable_bytes) + number(disk.usage.open_bytes);
    let seen = forecast(&cameras, number(disk.space.free_bytes) - number(disk.low_bytes), kept);
    Some(row(&seen, &disk, now_ms))
}

fn row(seen: &Forecast, disk: &media::engine::DiskState, now_ms: i64) -> ForecastRow {
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    ForecastRow {
        day: calendar::date_of(now_ms).to_string(),
        at: now_ms,
        bytes_a_day: rounded(seen.bytes_a_day),
        free_bytes: whole(disk.space.free_bytes),
        total_bytes: whole(disk.space.total_bytes),
        reserve_bytes: whole(disk.reserve_bytes),
        full_at: seen.full_in_days.map(|days| now_ms.saturating_add(rounded(days * DAY_MS))),
        days_held: (seen.days_held * 10.0).round() / 10.0,
        days_wanted: seen.days_wanted,
        warned: false,
    }
}

async fn keep(app: &App, mut row: ForecastRow) -> Result<(), StoreError> {
    let soon = row.full_at.is_some_and(|full_at| ms(full_at - row.at) <= WARN_DAYS * DAY_MS);
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let warned_at = forecasts::warned_at(tx).await?;
                if soon && warned_at.is_none_or(|warned_at| row.at - warned_at >= AGAIN_MS) {
                    row.warned = true;
                    info!(
                        days_held = row.days_held,
                        days_wanted = row.days_wanted,
                        "the disk will be full within days: those who look after it are told"
                    );
                    let detail = json!({
                        "full_at": row.full_at.map(mobile_api::Moment), "days_held": row.days_held, "days_wanted": row.days_wanted,
                        "bytes_a_day": row.bytes_a_day, "free_bytes": row.free_bytes,
                    });
                    let keepers = forecasts::keepers(tx, row.at).await?;
                    notices::insert(tx, None, &keepers, "disk_forecast", &detail, row.at).await?;
                }
                forecasts::put(tx, &row).await
            })
        })
        .await
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a disk; nobody misses the last ones")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of years are exact in a double")]
fn ms(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "casts of doubles saturate, and these are times and sizes")]
fn rounded(value: f64) -> i64 {
    value.round() as i64
}
