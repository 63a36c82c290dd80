//! What comes down to phones: changes in commit order, and everything in scope for a phone that starts.
//!
//! A row of the change log only says that something changed; what the phone gets is the thing as it is now and as this
//! caller may see it, or a tombstone. So a row that is told twice does no harm, and one that left the scope is told as gone.

use super::sql::{Arg, Select, execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};
use crate::auth::Scope;

/// What the phone follows, as the change log calls it.
const FOLLOWED: [&str; 10] =
    ["assignment", "premises", "template", "inspection", "alert", "notice", "camera", "self_check", "order", "incident"];
/// Versions of a person's scope that are remembered.
const SCOPES_KEPT: i64 = 8;

/// A change that concerns the phone.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of change_log")]
pub struct ChangeRow {
    pub seq: i64,
    pub entity: String,
    pub entity_id: String,
    pub premises_id: Option<String>,
}

/// Changes after `since` up to `head`, in order, that `scope` covers or that concern `user_id`.
pub async fn changes(
    conn: &mut Conn<'_>,
    scope: &Scope,
    user_id: &str,
    since: i64,
    head: i64,
    limit: i64,
) -> Result<Vec<ChangeRow>, StoreError> {
    let select = Select::new("SELECT seq, entity, entity_id, premises_id FROM change_log")
        .and("seq > ? AND seq <= ?", [since.into(), head.into()])
        .and("user_id IS NULL OR user_id = ?", [user_id.into()])
        .and_any("entity = ?", FOLLOWED.into_iter().map(Arg::from));
    scope.restrict_or_public(select).tail("ORDER BY seq LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// The oldest number that is still in the log; changes before it are forgotten. `None`: nothing was ever noted.
pub async fn oldest(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(conn, (Option<i64>,), "SELECT MIN(seq) FROM change_log")?;
    Ok(row.and_then(|row| row.0))
}

/// Forgets changes before a moment, but for the newest, which holds the numbering. Phones that were away longer start anew.
pub async fn forget_before(tx: &mut Tx<'_>, before_ms: i64) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM change_log WHERE at < $1 AND seq < (SELECT MAX(seq) FROM change_log)", before_ms)
}

/// A premises as the phone gets it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises, and what belongs to it")]
pub struct PremisesRow {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub organization_id: String,
    pub organization_name: String,
    pub address: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub school: Option<String>,
    pub diners: Option<i64>,
    pub risk_grade: Option<String>,
    pub code: Option<String>,
    pub service_hours: String,
    pub version: i64,
    pub updated_at: i64,
    pub open_alerts: i64,
    pub last_inspection_id: Option<String>,
    pub last_inspection_outcome: Option<String>,
    pub last_inspection_happened_at: Option<i64>,
    pub last_inspection_submitted_at: Option<i64>,
}

const PREMISES: &str = "SELECT p.id, p.name, p.kind, p.organization_id, o.name AS organization_name, p.address, p.latitude, p.longitude, p.school, p.diners, \
    p.risk_grade, p.code, p.service_hours, p.version, p.updated_at, \
    (SELECT COUNT(*) FROM work_items w WHERE w.premises_id = p.id AND w.kind = 'alert' AND w.open) AS open_alerts, \
    li.id AS last_inspection_id, li.outcome AS last_inspection_outcome, li.happened_at AS last_inspection_happened_at, li.submitted_at AS last_inspection_submitted_at \
    FROM premises p JOIN organizations o ON o.id = p.organization_id \
    LEFT JOIN inspections li ON li.id = (SELECT i.id FROM inspections i WHERE i.premises_id = p.id AND i.submitted_at IS NOT NULL ORDER BY i.happened_at DESC, i.id DESC LIMIT 1)";

/// Which rows are wanted: these, or those after a key in order of id.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// By id.
    These(&'a [String]),
    /// All, from a key on.
    After(&'a str),
}

impl Wanted<'_> {
    fn narrow(self, select: Select, by_id: &'static str, after: &'static str) -> Select {
        match self {
            Self::These(ids) => select.and_any(by_id, ids.iter().map(|id| id.as_str().into())),
            Self::After(key) => select.and(after, [key.into()]),
        }
    }
}

/// Premises that are not disabled, in order of id.
pub async fn premises(conn: &mut Conn<'_>, scope: &Scope, wanted: Wanted<'_>, limit: i64) -> Result<Vec<PremisesRow>, StoreError> {
    let select = Select::new(PREMISES).and("p.disabled_at IS NULL", []);
    let select = wanted.narrow(scope.restrict(select, "p.path LIKE ?"), "p.id = ?", "p.id > ?");
    select.tail("ORDER BY p.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Ids of templates in force for these audiences, in order of id.
pub async fn templates(
    conn: &mut Conn<'_>,
    audiences: &[&str],
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Vec<super::templates::TemplateRow>, StoreError> {
    let select = Select::new(super::templates::HEAD).and_any("t.audience = ?", audiences.iter().map(|one| Arg::from(*one)));
    // One that an open assignment names is needed too, though a newer one is in force; and of the canteen's papers those that
    // were answered, for who reads them.
    let select = select.and(
        "t.retired_at IS NULL OR EXISTS (SELECT 1 FROM assignments a JOIN work_items w ON w.id = a.id WHERE a.template_id = t.id AND w.open) \
         OR (t.audience = 'canteen' AND EXISTS (SELECT 1 FROM self_checks s WHERE s.template_id = t.id))",
        [],
    );
    wanted.narrow(select, "t.id = ?", "t.id > ?").tail("ORDER BY t.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// An order to put something right: an alert that was dispatched.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts, work_items and what they name")]
pub struct RectificationRow {
    pub id: String,
    pub kind: String,
    pub class: i64,
    pub state: String,
    pub level: String,
    pub premises_id: String,
    pub premises_name: String,
    pub camera_id: String,
    pub camera_name: String,
    pub raised_at: i64,
    pub due_at: Option<i64>,
    pub has_still: bool,
    pub text: Option<String>,
    pub version: i64,
}

const RECTIFICATIONS: &str = "SELECT a.id, a.kind, a.class, w.state, w.level, w.premises_id, p.name AS premises_name, a.camera_id, c.name AS camera_name, a.raised_at, w.due_at, \
    (a.still_file_id IS NOT NULL) AS has_still, \
    (SELECT COALESCE(h.text, h.reason) FROM work_history h WHERE h.work_id = a.id AND h.to_state = 'dispatched' ORDER BY h.version DESC LIMIT 1) AS text, w.version \
    FROM alerts a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id JOIN cameras c ON c.id = a.camera_id";

/// Alerts that wait to be put right, in order of id.
pub async fn rectifications(
    conn: &mut Conn<'_>,
    scope: &Scope,
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Vec<RectificationRow>, StoreError> {
    let select = Select::new(RECTIFICATIONS).and("w.state = 'dispatched'", []);
    let select = wanted.narrow(scope.restrict(select, "p.path LIKE ?"), "a.id = ?", "a.id > ?");
    select.tail("ORDER BY a.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Of these alerts, those that were dispatched at some time: only they can be, or have been, orders on a phone.
pub async fn once_dispatched(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = Select::new("SELECT w.id FROM work_items w")
        .and("w.kind = 'alert' AND w.state IN ('dispatched', 'rectified', 'closed')", [])
        .and_any("w.id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY w.id", [])
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A notice to a person.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of notices")]
pub struct NoticeRow {
    pub id: String,
    pub work_id: Option<String>,
    pub kind: String,
    pub detail: String,
    pub show_at: i64,
    pub read_at: Option<i64>,
}

/// A person's notices since `since_ms`, in order of id. One that is to be shown in a moment comes with that moment: the
/// phone may be off line by then.
pub async fn notices(
    conn: &mut Conn<'_>,
    user_id: &str,
    since_ms: i64,
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Vec<NoticeRow>, StoreError> {
    let select = Select::new("SELECT n.id, n.work_id, n.kind, n.detail, n.show_at, n.read_at FROM notices n")
        .and("n.user_id = ?", [user_id.into()])
        .and("n.show_at >= ?", [since_ms.into()]);
    wanted.narrow(select, "n.id = ?", "n.id > ?").tail("ORDER BY n.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Ids and paths of the premises below nodes that a phone could see before: only to tell it what it lost.
pub async fn premises_below(conn: &mut Conn<'_>, nodes: &[String], limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    Select::new("SELECT p.id, p.path FROM premises p")
        .and_any("p.path LIKE ?", nodes.iter().map(|node| Arg::Text(format!("{node}%"))))
        .tail("ORDER BY p.id LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// Ids of what waits to be put right at these premises: only to tell a phone what it lost.
pub async fn rectifications_at(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = Select::new("SELECT w.id FROM work_items w")
        .and("w.kind = 'alert' AND w.state = 'dispatched'", [])
        .and_any("w.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY w.id LIMIT 5000", [])
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The nodes where a person's grants let them read premises now, in order. Assignments open premises too, but say so one by one.
pub async fn granted_nodes(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT g.node_path FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'premises.read' \
         WHERE g.user_id = $1 AND (g.valid_until IS NULL OR g.valid_until > $2) ORDER BY g.node_path",
        user_id,
        now_ms,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Remembers what a person's scope covers and forgets the oldest; gives its version. Where it `changed` without a version of
/// its own (a grant has run out), the next version begins.
pub async fn remember_scope(tx: &mut Tx<'_>, user_id: &str, version: i64, changed: bool, nodes: &str, at: i64) -> Result<i64, StoreError> {
    if changed {
        // Of two phones that notice at once, one begins the version and the other finds it begun.
        execute!(tx, "UPDATE users SET scope_version = scope_version + 1 WHERE id = $1 AND scope_version = $2", user_id, version)?;
    }
    let row = fetch_optional!(tx, (i64,), "SELECT scope_version FROM users WHERE id = $1", user_id)?;
    let version = row.map_or(version, |row| row.0);
    execute!(
        tx,
        "INSERT INTO sync_scopes (user_id, scope_version, nodes, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, scope_version) DO NOTHING",
        user_id,
        version,
        nodes,
        at,
    )?;
    execute!(tx, "DELETE FROM sync_scopes WHERE user_id = $1 AND scope_version <= $2", user_id, version - SCOPES_KEPT)?;
    Ok(version)
}

/// What a version of a person's scope covered, where that is remembered.
pub async fn remembered_scope(conn: &mut Conn<'_>, user_id: &str, scope_version: i64) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT nodes FROM sync_scopes WHERE user_id = $1 AND scope_version = $2",
        user_id,
        scope_version
    )?;
    Ok(row.map(|row| row.0))
}
