//! Who is on duty where and when, and what happened meanwhile.

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};
use crate::auth::Scope;

/// Shifts that one answer shows.
const SHIFTS_LIMIT: i64 = 2_000;
/// People on duty at once above one premises.
const ON_DUTY_LIMIT: i64 = 200;
/// Claimed alerts that one person hands over at once.
const CLAIMED_LIMIT: i64 = 1_000;

/// A shift as stored, with the names of its node and its person.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of duty_shifts and what they point to")]
pub struct ShiftRow {
    pub id: String,
    pub node_id: String,
    pub node_name: String,
    pub node_path: String,
    pub user_id: String,
    pub display_name: String,
    pub start_at: i64,
    pub end_at: i64,
}

const HEAD: &str = "SELECT d.id, d.node_id, o.name AS node_name, o.path AS node_path, d.user_id, u.display_name, d.start_at, d.end_at \
    FROM duty_shifts d JOIN organizations o ON o.id = d.node_id JOIN users u ON u.id = d.user_id";

/// Shifts of the scope's nodes that touch a stretch of time, the first to begin first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, from_ms: i64, to_ms: i64) -> Result<Vec<ShiftRow>, StoreError> {
    scope
        .restrict(Select::new(HEAD), "o.path LIKE ?")
        .and("d.end_at > ? AND d.start_at < ?", [from_ms.into(), to_ms.into()])
        .tail("ORDER BY d.start_at, d.id LIMIT ?", [SHIFTS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// One shift, where the scope covers its node.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<ShiftRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("d.id = ?", [id.into()]), "o.path LIKE ?").fetch_optional(conn).await
}

/// When a person's present shift began, ms UTC.
pub async fn began(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(
        conn,
        (Option<i64>,),
        "SELECT MIN(start_at) FROM duty_shifts WHERE user_id = $1 AND start_at <= $2 AND end_at > $2",
        user_id,
        now_ms
    )?;
    Ok(row.and_then(|row| row.0))
}

/// Whether a person has a shift that touches this stretch.
pub async fn overlaps(conn: &mut Conn<'_>, user_id: &str, start_at: i64, end_at: i64) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT id FROM duty_shifts WHERE user_id = $1 AND end_at > $2 AND start_at < $3 LIMIT 1",
        user_id,
        start_at,
        end_at
    )?;
    Ok(row.is_some())
}

/// Adds a shift; gives its id.
pub async fn insert(tx: &mut Tx<'_>, node: (&str, &str), user_id: &str, start_at: i64, end_at: i64, at: i64) -> Result<String, StoreError> {
    let id = Uuid::now_v7().to_string();
    execute!(
        tx,
        "INSERT INTO duty_shifts (id, node_id, user_id, start_at, end_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id.as_str(),
        node.0,
        user_id,
        start_at,
        end_at,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Duty, &id, node.1)).await?;
    Ok(id)
}

/// Takes a shift away.
pub async fn delete(tx: &mut Tx<'_>, row: &ShiftRow, at: i64) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM duty_shifts WHERE id = $1", row.id.as_str())?;
    tx.changed(at, Change::upsert(Entity::Duty, &row.id, &row.node_path).deleted()).await
}

/// Who is on duty for a premises now.
pub async fn on_duty(conn: &mut Conn<'_>, premises_path: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT d.user_id FROM duty_shifts d JOIN organizations o ON o.id = d.node_id \
         WHERE d.end_at > $1 AND d.start_at <= $1 AND $2 LIKE o.path || '%' ORDER BY d.user_id LIMIT $3",
        now_ms,
        premises_path,
        ON_DUTY_LIMIT,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// What happened to alerts since a moment.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of alerts, named as what they count")]
pub struct Happened {
    pub raised: i64,
    pub confirmed: i64,
    pub false_alarms: i64,
    pub other_dismissals: i64,
    pub dispatched: i64,
    pub rectified: i64,
    pub closed: i64,
    /// Decided by the person who asks.
    pub decided_by_me: i64,
}

/// What happened to the scope's alerts since `since_ms`.
pub async fn happened(conn: &mut Conn<'_>, scope: &Scope, user_id: &str, since_ms: i64) -> Result<Happened, StoreError> {
    let head = "SELECT CAST(COALESCE(SUM(CASE WHEN a.raised_at >= ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS raised, \
        CAST(COALESCE(SUM(CASE WHEN a.decided_at >= ? AND a.verdict = 'confirmed' THEN 1 ELSE 0 END), 0) AS BIGINT) AS confirmed, \
        CAST(COALESCE(SUM(CASE WHEN a.decided_at >= ? AND a.verdict = 'false_alarm' THEN 1 ELSE 0 END), 0) AS BIGINT) AS false_alarms, \
        CAST(COALESCE(SUM(CASE WHEN a.decided_at >= ? AND a.verdict NOT IN ('confirmed', 'false_alarm') THEN 1 ELSE 0 END), 0) AS BIGINT) AS other_dismissals, \
        CAST(COALESCE(SUM(CASE WHEN a.dispatched_at >= ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS dispatched, \
        CAST(COALESCE(SUM(CASE WHEN a.rectified_at >= ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS rectified, \
        CAST(COALESCE(SUM(CASE WHEN w.state = 'closed' AND w.closed_at >= ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS closed, \
        CAST(COALESCE(SUM(CASE WHEN a.decided_at >= ? AND a.decided_by = ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS decided_by_me \
        FROM alerts a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id";
    let mut args: Vec<Arg> = vec![since_ms.into(); 8];
    args.push(user_id.into());
    // Whatever happens to an alert moves its work.
    let select = Select::with_args(head, args).and("w.kind = 'alert' AND w.updated_at >= ?", [since_ms.into()]);
    Ok(scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await?.unwrap_or_default())
}

/// How the alerts stand that somebody still has to act on.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of alerts, named as what they count")]
pub struct Standing {
    pub undecided: i64,
    pub confirmed: i64,
    pub to_review: i64,
    /// Past a limit.
    pub late: i64,
    /// Claimed by the person who asks.
    pub mine: i64,
}

/// How the scope's open alerts stand now.
pub async fn standing(conn: &mut Conn<'_>, scope: &Scope, user_id: &str) -> Result<Standing, StoreError> {
    let head = "SELECT CAST(COALESCE(SUM(CASE WHEN w.state = 'raised' THEN 1 ELSE 0 END), 0) AS BIGINT) AS undecided, \
        CAST(COALESCE(SUM(CASE WHEN w.state = 'confirmed' THEN 1 ELSE 0 END), 0) AS BIGINT) AS confirmed, \
        CAST(COALESCE(SUM(CASE WHEN w.state = 'rectified' THEN 1 ELSE 0 END), 0) AS BIGINT) AS to_review, \
        CAST(COALESCE(SUM(CASE WHEN w.level <> 'none' THEN 1 ELSE 0 END), 0) AS BIGINT) AS late, \
        CAST(COALESCE(SUM(CASE WHEN w.owner_id = ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS mine \
        FROM work_items w JOIN premises p ON p.id = w.premises_id";
    let select = Select::with_args(head, [user_id.into()]).and("w.kind = 'alert' AND w.open", []);
    Ok(scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await?.unwrap_or_default())
}

/// Alerts that a person has claimed: id and version, the first claimed first.
pub async fn claimed(conn: &mut Conn<'_>, scope: &Scope, user_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let head = "SELECT w.id, w.version FROM work_items w JOIN premises p ON p.id = w.premises_id";
    scope
        .restrict(Select::new(head), "p.path LIKE ?")
        .and("w.kind = 'alert' AND w.owner_id = ?", [user_id.into()])
        .tail("ORDER BY w.owner_since, w.id LIMIT ?", [CLAIMED_LIMIT.into()])
        .fetch_all(conn)
        .await
}
