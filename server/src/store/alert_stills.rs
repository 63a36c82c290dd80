//! The pictures of an alert: one of when it was raised, and some of what joined it (see [`keeps_still`]).

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};
use crate::domain::alert::{STILLS_MAX, StillsKept, keeps_still};

/// Whether the alert keeps the picture of one more occurrence.
pub async fn takes(conn: &mut Conn<'_>, alert_id: &str, raised_at: i64, at: i64) -> Result<bool, StoreError> {
    let kept = fetch_optional!(
        conn,
        (i64, Option<i64>),
        "SELECT COUNT(*), MAX(at) FROM alert_occurrences WHERE alert_id = $1 AND still_file_id IS NOT NULL",
        alert_id
    )?;
    let (count, last_ms) = kept.unwrap_or_default();
    Ok(keeps_still(StillsKept { count, last_ms }, raised_at, at))
}

/// The occurrences of an alert that have a picture, oldest first: id, moment.
pub async fn of_alert(conn: &mut Conn<'_>, alert_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        conn,
        (String, i64),
        "SELECT id, at FROM alert_occurrences WHERE alert_id = $1 AND still_file_id IS NOT NULL ORDER BY at, id LIMIT $2",
        alert_id,
        STILLS_MAX,
    )
}

/// The file of an occurrence's picture.
pub async fn file_of(conn: &mut Conn<'_>, alert_id: &str, occurrence_id: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Option<String>,),
        "SELECT still_file_id FROM alert_occurrences WHERE alert_id = $1 AND id = $2",
        alert_id,
        occurrence_id
    )?;
    Ok(row.and_then(|row| row.0))
}

/// Gives an alert the last picture before it, where it has none of its own.
pub async fn set_last_known(tx: &mut Tx<'_>, alert_id: &str, file_id: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE alerts SET still_file_id = $2 WHERE id = $1 AND still_file_id IS NULL", alert_id, file_id)?;
    Ok(())
}
