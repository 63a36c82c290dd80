//! What was expected of the recordings' disk: a row a day, the newest is what holds.

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// A forecast as stored.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of disk_forecasts")]
pub struct ForecastRow {
    pub day: String,
    pub at: i64,
    pub bytes_a_day: i64,
    pub free_bytes: i64,
    pub total_bytes: i64,
    pub reserve_bytes: i64,
    pub full_at: Option<i64>,
    pub days_held: f64,
    pub days_wanted: f64,
    pub warned: bool,
}

const COLUMNS: &str = "SELECT day, at, bytes_a_day, free_bytes, total_bytes, reserve_bytes, full_at, days_held, days_wanted, warned FROM disk_forecasts ORDER BY day DESC LIMIT 1";

/// The newest.
pub async fn newest(conn: &mut Conn<'_>) -> Result<Option<ForecastRow>, StoreError> {
    fetch_optional!(conn, ForecastRow, COLUMNS)
}

/// When people were warned last, ms UTC.
pub async fn warned_at(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(conn, (Option<i64>,), "SELECT MAX(at) FROM disk_forecasts WHERE warned")?;
    Ok(row.and_then(|row| row.0))
}

/// Keeps today's; a warning of the day stays one.
pub async fn put(tx: &mut Tx<'_>, row: &ForecastRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO disk_forecasts (day, at, bytes_a_day, free_bytes, total_bytes, reserve_bytes, full_at, days_held, days_wanted, warned) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (day) DO UPDATE SET at = excluded.at, bytes_a_day = excluded.bytes_a_day, free_bytes = excluded.free_bytes, total_bytes = excluded.total_bytes, \
           reserve_bytes = excluded.reserve_bytes, full_at = excluded.full_at, days_held = excluded.days_held, days_wanted = excluded.days_wanted, \
           warned = CASE WHEN disk_forecasts.warned THEN TRUE ELSE excluded.warned END",
        row.day.as_str(),
        row.at,
        row.bytes_a_day,
        row.free_bytes,
        row.total_bytes,
        row.reserve_bytes,
        row.full_at,
        row.days_held,
        row.days_wanted,
        row.warned,
    )?;
    Ok(())
}

/// Those who look after the system: who may read how it is, and are there now.
pub async fn keepers(conn: &mut Conn<'_>, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT g.user_id FROM grants g JOIN role_permissions rp ON rp.role = g.role JOIN users u ON u.id = g.user_id \
         WHERE rp.permission = 'system.read' AND u.disabled_at IS NULL AND (g.valid_until IS NULL OR g.valid_until > $1) ORDER BY g.user_id LIMIT 100",
        now_ms,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
