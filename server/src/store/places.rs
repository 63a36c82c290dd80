//! What a phone knows of a premises beside its own row: who runs it by which licence, its last inspections and what they
//! found, its cameras and what is open. A few queries for a page of premises, none a premises.

use super::sql::{Arg, Select};
use super::{Conn, StoreError};

/// Inspections of a premises that a phone keeps.
const HISTORY_ROWS: i64 = 5;
/// Open alerts of a premises that a phone keeps.
const ALERTS_ROWS: i64 = 10;

fn any(premises: &[String]) -> impl Iterator<Item = Arg> {
    premises.iter().map(|id| Arg::from(id.as_str()))
}

/// Who answers for a premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises_operators and operators")]
pub struct OperatorRow {
    pub premises_id: String,
    pub operator_id: String,
    pub name: String,
    pub part: String,
    pub licence_number: Option<String>,
    pub licence_expires_on: Option<String>,
}

/// Operators of these premises today.
pub async fn operators(conn: &mut Conn<'_>, premises: &[String], today: &str) -> Result<Vec<OperatorRow>, StoreError> {
    Select::new(
        "SELECT po.premises_id, po.operator_id, op.name, po.part, op.licence_number, op.licence_expires_on FROM premises_operators po JOIN operators op ON op.id = po.operator_id",
    )
    .and_any("po.premises_id = ?", any(premises))
    .and("COALESCE(po.valid_from, '') <= ? AND COALESCE(po.valid_until, '9999') >= ?", [today.into(), today.into()])
    .tail("ORDER BY po.premises_id, op.name_key, op.id LIMIT 5000", [])
    .fetch_all(conn)
    .await
}

/// A submitted inspection.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspections")]
pub struct PastRow {
    pub premises_id: String,
    pub id: String,
    pub kind: String,
    pub template_id: String,
    pub outcome: Option<String>,
    pub result: Option<String>,
    pub submission: Option<String>,
    pub submitted_at: i64,
    /// 1 for the last.
    pub place: i64,
}

/// The last inspections of these premises, the newest first.
pub async fn history(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<PastRow>, StoreError> {
    let numbered = Select::new(
        "SELECT h.premises_id, h.id, h.kind, h.template_id, h.outcome, h.result, h.submission, h.submitted_at, h.place FROM (SELECT i.premises_id, i.id, i.kind, i.template_id, \
         i.outcome, i.result, i.submission, i.submitted_at, ROW_NUMBER() OVER (PARTITION BY i.premises_id ORDER BY i.happened_at DESC, i.id DESC) AS place \
         FROM inspections i",
    );
    numbered
        .and("i.submitted_at IS NOT NULL", [])
        .and_any("i.premises_id = ?", any(premises))
        .tail(") h WHERE h.place <= ? ORDER BY h.premises_id, h.place", [HISTORY_ROWS.into()])
        .fetch_all(conn)
        .await
}

/// Contents of the parts of these inspections: inspection, part, content.
pub async fn contents(conn: &mut Conn<'_>, inspections: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    Select::new("SELECT ip.inspection_id, ip.id, ip.content FROM inspection_parts ip")
        .and_any("ip.inspection_id = ?", any(inspections))
        .tail("ORDER BY ip.inspection_id, ip.id LIMIT 2000", [])
        .fetch_all(conn)
        .await
}

/// Cameras of these premises: premises, name, state.
pub async fn cameras(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    Select::new("SELECT c.premises_id, c.name, c.state FROM cameras c")
        .and("c.enabled", [])
        .and_any("c.premises_id = ?", any(premises))
        .tail("ORDER BY c.premises_id, c.name_key, c.id LIMIT 20000", [])
        .fetch_all(conn)
        .await
}

/// An alert that is open.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts and work_items")]
pub struct OpenAlertRow {
    pub premises_id: String,
    pub id: String,
    pub kind: String,
    pub class: i64,
    pub state: String,
    pub level: String,
    pub raised_at: i64,
    pub due_at: Option<i64>,
}

/// The newest open alerts of these premises; those that were dispatched are what has to be put right.
pub async fn open_alerts(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<OpenAlertRow>, StoreError> {
    let numbered = Select::new(
        "SELECT h.premises_id, h.id, h.kind, h.class, h.state, h.level, h.raised_at, h.due_at FROM (SELECT w.premises_id, a.id, a.kind, a.class, w.state, w.level, a.raised_at, w.due_at, \
         ROW_NUMBER() OVER (PARTITION BY w.premises_id ORDER BY a.raised_at DESC, a.id DESC) AS place FROM alerts a JOIN work_items w ON w.id = a.id",
    );
    numbered
        .and("w.open", [])
        .and_any("w.premises_id = ?", any(premises))
        .tail(") h WHERE h.place <= ? ORDER BY h.premises_id, h.place", [ALERTS_ROWS.into()])
        .fetch_all(conn)
        .await
}
