//! The facts that scores are made of: one statement a kind of fact for a page of premises.

use super::sql::{Select, fetch_all};
use super::{Conn, StoreError};
use crate::auth::Scope;

/// Rows of facts of one page of premises: days, not single things, so that this is far more than there are.
const FACTS_LIMIT: i64 = 500_000;

/// A premises that is scored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub created_at: i64,
}

/// Premises in use within a scope, in order of id from a key on.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, after: &str, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    scope
        .restrict(Select::new("SELECT p.id, p.name, p.created_at FROM premises p"), "p.path LIKE ?")
        .and("p.disabled_at IS NULL AND p.id > ?", [after.into()])
        .tail("ORDER BY p.id LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// What happened at a premises on a day, or lasts from it on.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FactRow {
    /// Where.
    pub premises_id: String,
    /// A code of [`crate::domain::risk::RiskFact`], or `inspection` for one that says nothing against the premises.
    pub fact: String,
    /// Number of the day.
    pub day: i64,
    /// Of what lasts: the day on which it ended.
    pub until_day: Option<i64>,
    /// How many.
    pub amount: i64,
}

/// A day of all cameras of a premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "sums of the columns of camera_days")]
pub struct CameraDayRow {
    pub premises_id: String,
    pub day: String,
    pub counted_ms: i64,
    pub online_ms: i64,
    pub healthy_ms: i64,
}

/// The number of the day in Asia/Shanghai, which has no summer time.
macro_rules! day {
    ($time:literal) => {
        concat!("(", $time, " + 28800000) / 86400000")
    };
}

/// Which premises and since when: ids after `after` up to `last`, and what happened since `since_ms`.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "said above")]
pub struct Stretch<'a> {
    pub after: &'a str,
    pub last: &'a str,
    pub since_ms: i64,
    pub now_ms: i64,
}

/// What happened on days since `$3`, one statement a kind: premises after `$1` up to `$2`, at most `$4` rows.
const SINCE: [&str; 8] = [
    concat!(
        "SELECT i.premises_id, CASE WHEN i.outcome = 'does_not_conform' THEN 'inspection_failed' \
           WHEN i.outcome = 'basically_conforms' THEN 'inspection_basic' ELSE 'inspection' END AS fact, ",
        day!("i.happened_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM inspections i \
         WHERE i.premises_id > $1 AND i.premises_id <= $2 AND i.happened_at >= $3 AND i.submitted_at IS NOT NULL \
         GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    concat!(
        "SELECT i.premises_id, CASE WHEN f.corrected_on_spot THEN 'finding_corrected' WHEN f.affects_safety THEN 'finding_safety' \
           WHEN f.key_item THEN 'finding_key' ELSE 'finding_other' END AS fact, ",
        day!("i.happened_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount \
         FROM inspections i JOIN inspection_findings f ON f.inspection_id = i.id \
         WHERE i.premises_id > $1 AND i.premises_id <= $2 AND i.happened_at >= $3 AND i.submitted_at IS NOT NULL \
         GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    // Confirmed alerts: dismissed ones count for nothing.
    concat!(
        "SELECT w.premises_id, CASE a.class WHEN 1 THEN 'alert_class_1' WHEN 2 THEN 'alert_class_2' ELSE 'alert_class_3' END AS fact, ",
        day!("a.raised_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM work_items w JOIN alerts a ON a.id = w.id \
         WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'alert' AND a.raised_at >= $3 AND a.verdict = 'confirmed' \
           AND a.class IN (1, 2, 3) GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    // What came back after it was closed.
    concat!(
        "SELECT w.premises_id, 'recurrence' AS fact, ",
        day!("b.raised_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM work_items w JOIN alerts a ON a.id = w.id \
         JOIN alerts b ON b.id = a.recurred_as \
         WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'alert' AND w.state = 'closed' AND b.raised_at >= $3 \
         GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    concat!(
        "SELECT late.premises_id, 'answer_late' AS fact, ",
        day!("late.at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM ( \
           SELECT w.premises_id, a.rectified_at AS at FROM work_items w JOIN alerts a ON a.id = w.id WHERE w.kind = 'alert' AND a.rectified_late \
           UNION ALL SELECT w.premises_id, COALESCE(c.paused_at, c.stopped_at) AS at FROM work_items w JOIN work_clocks c ON c.work_id = w.id \
             WHERE w.kind = 'rectification' AND w.state <> 'withdrawn' AND c.name = 'rectify' AND c.yellow_at IS NOT NULL) late \
         WHERE late.premises_id > $1 AND late.premises_id <= $2 AND late.at >= $3 GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    // Orders from their issue to their end.
    concat!(
        "SELECT w.premises_id, 'order_open' AS fact, ",
        day!("w.created_at"),
        " AS day, ",
        day!("w.closed_at"),
        " AS until_day, COUNT(*) AS amount FROM work_items w \
         WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'rectification' AND (w.open OR w.closed_at >= $3) \
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 3 LIMIT $4"
    ),
    // Papers that canteens were told of as late and never sent.
    concat!(
        "SELECT r.premises_id, 'self_check_missed' AS fact, ",
        day!("r.told_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM self_check_reminders r \
         WHERE r.premises_id > $1 AND r.premises_id <= $2 AND r.kind = 'late' AND r.told_at >= $3 AND NOT EXISTS (SELECT 1 FROM self_checks s \
           WHERE s.premises_id = r.premises_id AND s.day = r.day AND s.code = r.code AND s.slot = r.slot) \
         GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
    concat!(
        "SELECT w.premises_id, 'food_incident' AS fact, ",
        day!("f.happened_at"),
        " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM food_incidents f JOIN work_items w ON w.id = f.id \
         WHERE w.premises_id > $1 AND w.premises_id <= $2 AND f.happened_at >= $3 GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
    ),
];

/// All facts of a stretch of premises but those of cameras. Whoever asks has found the premises by their scope.
pub async fn facts(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    let mut rows = overdue(conn, of).await?;
    for kind in SINCE {
        rows.extend(fetch_all!(conn, FactRow, kind, of.after, of.last, of.since_ms, FACTS_LIMIT)?);
    }
    Ok(rows)
}

/// What is overdue or was. A clock that stands is only known to have been late where it was marked so: it also stands while an answer is
/// judged.
async fn overdue(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, CASE w.kind WHEN 'alert' THEN 'rectification_overdue' ELSE 'order_overdue' END AS fact, ",
            day!("c.due_at"),
            " AS day, ",
            day!("COALESCE(c.paused_at, c.stopped_at)"),
            " AS until_day, COUNT(*) AS amount FROM work_items w JOIN work_clocks c ON c.work_id = w.id \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind IN ('alert', 'rectification') AND w.state NOT IN ('withdrawn', 'dismissed') \
               AND c.name = 'rectify' AND c.due_at < $4 AND COALESCE(c.paused_at, c.stopped_at, $4) >= $3 \
               AND (c.yellow_at IS NOT NULL OR (c.paused_at IS NULL AND c.stopped_at IS NULL)) GROUP BY 1, 2, 3, 4 ORDER BY 1, 3 LIMIT $5"
        ),
        of.after,
        of.last,
        of.since_ms,
        of.now_ms,
        FACTS_LIMIT,
    )
}

/// Days of cameras of a stretch of premises since a day (ISO date).
pub async fn camera_days(conn: &mut Conn<'_>, of: Stretch<'_>, since_day: &str) -> Result<Vec<CameraDayRow>, StoreError> {
    fetch_all!(
        conn,
        CameraDayRow,
        "SELECT d.premises_id, d.day, CAST(SUM(d.counted_ms) AS BIGINT) AS counted_ms, CAST(SUM(d.online_ms) AS BIGINT) AS online_ms, \
           CAST(SUM(d.healthy_ms) AS BIGINT) AS healthy_ms FROM camera_days d \
         WHERE d.premises_id > $1 AND d.premises_id <= $2 AND d.day >= $3 GROUP BY d.premises_id, d.day ORDER BY d.premises_id, d.day LIMIT $4",
        of.after,
        of.last,
        since_day,
        FACTS_LIMIT,
    )
}
