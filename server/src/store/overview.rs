//! Counts for the first page: each within its own scope.

use super::sql::Select;
use super::{Conn, StoreError};
use crate::auth::Scope;
use crate::domain::workflow::alert;

/// Premises that are not disabled, and those of them with at least one camera that delivers pictures.
pub async fn premises(conn: &mut Conn<'_>, scope: &Scope) -> Result<(i64, i64), StoreError> {
    let select = Select::new(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM cameras c WHERE c.premises_id = p.id AND c.enabled AND c.state IN ('recording', 'degraded')) \
           THEN 1 ELSE 0 END), 0) AS BIGINT) FROM premises p",
    );
    let row: Option<(i64, i64)> = scope.restrict(select.and("p.disabled_at IS NULL", []), "p.path LIKE ?").fetch_optional(conn).await?;
    Ok(row.unwrap_or_default())
}

/// Cameras by state.
pub async fn cameras(conn: &mut Conn<'_>, scope: &Scope) -> Result<Vec<(String, i64)>, StoreError> {
    let select =
        Select::new("SELECT c.state, COUNT(*) FROM cameras c JOIN premises p ON p.id = c.premises_id").and("p.disabled_at IS NULL", []);
    scope.restrict(select, "p.path LIKE ?").tail("GROUP BY c.state ORDER BY c.state", []).fetch_all(conn).await
}

/// Open alerts by state, class and level.
pub async fn alerts(conn: &mut Conn<'_>, scope: &Scope) -> Result<Vec<(String, i64, String, i64)>, StoreError> {
    let select = Select::new(
        "SELECT w.state, a.class, w.level, COUNT(*) FROM alerts a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id",
    )
    // Compared, not only named: SQLite finds a truth value in an index only so.
    .and("w.kind = 'alert' AND w.open = TRUE", []);
    scope.restrict(select, "p.path LIKE ?").tail("GROUP BY w.state, a.class, w.level", []).fetch_all(conn).await
}

/// Inspections made since `today_ms`, and those that are not submitted yet.
pub async fn inspections(conn: &mut Conn<'_>, scope: &Scope, today_ms: i64) -> Result<(i64, i64), StoreError> {
    let head = "SELECT COUNT(*) FROM inspections i JOIN premises p ON p.id = i.premises_id";
    let today = scope.restrict(Select::new(head).and("i.happened_at >= ?", [today_ms.into()]), "p.path LIKE ?").fetch_number(conn).await?;
    let drafts = scope.restrict(Select::new(head).and("i.state = 'draft'", []), "p.path LIKE ?").fetch_number(conn).await?;
    Ok((today, drafts))
}

/// Of what was dispatched since `since_ms`: how much, how much is answered, and how much of that before it was late.
pub async fn rectification(conn: &mut Conn<'_>, scope: &Scope, since_ms: i64) -> Result<(i64, i64, i64), StoreError> {
    let select = Select::new(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN k.paused_at IS NULL AND k.stopped_at IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT), \
           CAST(COALESCE(SUM(CASE WHEN (k.paused_at IS NULL AND k.stopped_at IS NULL) OR k.yellow_at IS NOT NULL THEN 0 ELSE 1 END), 0) AS BIGINT) \
         FROM work_clocks k JOIN work_items w ON w.id = k.work_id JOIN premises p ON p.id = w.premises_id",
    );
    let select = select.and("w.kind = 'alert' AND k.name = ? AND k.started_at >= ?", [alert::RECTIFY.into(), since_ms.into()]);
    let row: Option<(i64, i64, i64)> = scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await?;
    Ok(row.unwrap_or_default())
}

/// Alerts raised since `since_ms` by day (days since 1970 in Asia/Shanghai, which has kept UTC+8 since 1991), and those of
/// them that were dismissed.
pub async fn trend(conn: &mut Conn<'_>, scope: &Scope, since_ms: i64) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    // Work begins when its alert is raised, and has the index, which has all that is asked for.
    let select = Select::new(
        "SELECT (w.created_at + 28800000) / 86400000 AS day, COUNT(*), CAST(COALESCE(SUM(CASE WHEN w.state = 'dismissed' THEN 1 ELSE 0 END), 0) AS BIGINT) \
         FROM work_items w JOIN premises p ON p.id = w.premises_id",
    );
    scope
        .restrict(select.and("w.kind = 'alert' AND w.created_at >= ?", [since_ms.into()]), "p.path LIKE ?")
        .tail("GROUP BY day ORDER BY day", [])
        .fetch_all(conn)
        .await
}
