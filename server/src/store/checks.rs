//! What was checked where and how often: by premises, by operator, and by a higher level.

use super::sql::{Select, fetch_all};
use super::{Conn, StoreError};

/// Rows of one answer: more premises than a district has.
const ROWS_LIMIT: i64 = 50_000;

/// The last checks of premises below a path: premises, last, last of all items, ms UTC. A re-check is neither, and what is
/// unannounced need not ask all items.
pub async fn last(conn: &mut Conn<'_>, path: &str) -> Result<Vec<(String, Option<i64>, Option<i64>)>, StoreError> {
    fetch_all!(
        conn,
        (String, Option<i64>, Option<i64>),
        "SELECT i.premises_id, MAX(i.happened_at) AS last, MAX(CASE WHEN i.kind IN ('routine', 'system') THEN i.happened_at END) AS last_all \
         FROM inspections i JOIN premises p ON p.id = i.premises_id \
         WHERE i.submitted_at IS NOT NULL AND i.kind <> 'reinspection' AND p.path LIKE $1 || '%' GROUP BY i.premises_id ORDER BY i.premises_id LIMIT $2",
        path,
        ROWS_LIMIT,
    )
}

/// Who runs premises below a path on a day, themselves or by contract: premises, operator, name, cap of its own.
pub async fn operators(conn: &mut Conn<'_>, path: &str, day: &str) -> Result<Vec<(String, String, String, Option<i64>)>, StoreError> {
    fetch_all!(
        conn,
        (String, String, String, Option<i64>),
        "SELECT po.premises_id, o.id, o.name, o.checks_cap FROM premises_operators po JOIN operators o ON o.id = po.operator_id \
         JOIN premises p ON p.id = po.premises_id WHERE po.part IN ('own', 'contractor') AND p.path LIKE $1 || '%' \
         AND COALESCE(po.valid_from, '') <= $2 AND COALESCE(po.valid_until, '9999') >= $2 ORDER BY po.premises_id, o.name_key, o.id LIMIT $3",
        path,
        day,
        ROWS_LIMIT,
    )
}

/// Checks of operators in a year, made or still open, wherever their premises are: operator, number. The year is given as
/// moments (ms UTC, the end excluded) and as the first and last day. What an alert, a complaint or an order asked for does not
/// count; merged checks are one visit and count once.
pub async fn counts(
    conn: &mut Conn<'_>,
    operators: &[String],
    (since_ms, until_ms): (i64, i64),
    (first, last): (&str, &str),
) -> Result<Vec<(String, i64)>, StoreError> {
    Select::new(
        "SELECT po.operator_id, COUNT(*) AS checks FROM ( \
           SELECT i.premises_id, i.kind, COALESCE(a.source, 'by_hand') AS source, i.happened_at AS at, CAST(NULL AS TEXT) AS due_on \
             FROM inspections i LEFT JOIN assignments a ON a.id = i.assignment_id WHERE i.submitted_at IS NOT NULL \
           UNION ALL \
           SELECT w.premises_id, a.kind, a.source, CAST(NULL AS BIGINT) AS at, a.due_on FROM assignments a JOIN work_items w ON w.id = a.id WHERE w.open \
             AND NOT EXISTS (SELECT 1 FROM inspections i WHERE i.assignment_id = a.id AND i.submitted_at IS NOT NULL) \
         ) c JOIN premises_operators po ON po.premises_id = c.premises_id AND po.part IN ('own', 'contractor')",
    )
    .and("c.kind <> 'reinspection' AND c.source NOT IN ('alert', 'complaint', 'recheck')", [])
    .and("(c.at >= ? AND c.at < ?) OR (c.due_on >= ? AND c.due_on <= ?)", [since_ms.into(), until_ms.into(), first.into(), last.into()])
    .and_any("po.operator_id = ?", operators.iter().map(|id| id.as_str().into()))
    .tail("GROUP BY po.operator_id ORDER BY po.operator_id LIMIT ?", [ROWS_LIMIT.into()])
    .fetch_all(conn)
    .await
}

/// A check by somebody of a higher level than the premises' office.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of inspections and what they name")]
pub struct HigherRow {
    pub premises_id: String,
    pub template_code: String,
    pub at: i64,
    pub lead_name: String,
}

/// Checks of premises below a path since a moment, led by somebody who conducts inspections above the premises' office and not
/// in it, newest first.
pub async fn by_higher(conn: &mut Conn<'_>, path: &str, since_ms: i64) -> Result<Vec<HigherRow>, StoreError> {
    fetch_all!(
        conn,
        HigherRow,
        "SELECT i.premises_id, t.code AS template_code, i.happened_at AS at, u.display_name AS lead_name FROM inspections i \
         JOIN premises p ON p.id = i.premises_id JOIN organizations o ON o.id = i.office_id JOIN checklist_templates t ON t.id = i.template_id JOIN users u ON u.id = i.lead_id \
         WHERE i.submitted_at IS NOT NULL AND i.happened_at >= $2 AND p.path LIKE $1 || '%' \
         AND EXISTS (SELECT 1 FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'inspections.conduct' \
           WHERE g.user_id = i.lead_id AND o.path LIKE g.node_path || '%' AND g.node_path <> o.path) \
         AND NOT EXISTS (SELECT 1 FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'inspections.conduct' \
           WHERE g.user_id = i.lead_id AND g.node_path LIKE o.path || '%') \
         ORDER BY i.happened_at DESC, i.id DESC LIMIT $3",
        path,
        since_ms,
        ROWS_LIMIT,
    )
}

/// Open checks below a path: premises, assignment, due day; the earliest first.
pub async fn open(conn: &mut Conn<'_>, path: &str) -> Result<Vec<(String, String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String, String),
        "SELECT w.premises_id, a.id, a.due_on FROM assignments a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id \
         WHERE w.open AND p.path LIKE $1 || '%' ORDER BY a.due_on, a.id LIMIT $2",
        path,
        ROWS_LIMIT,
    )
}
