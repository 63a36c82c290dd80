//! Roles that wait for a second administrator's agreement.

use uuid::Uuid;

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Requests of one person that may be pending at once.
pub const PENDING_MAX: i64 = 64;
/// Links that are followed from who decides to who chose their password.
const HANDS_MAX: usize = 64;

/// A request as stored, with the names that lists show.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of role_requests, users and of the node")]
pub struct RequestRow {
    pub id: String,
    pub user_id: String,
    pub user_name: String,
    pub role: String,
    pub node_id: String,
    pub node_path: String,
    pub node_name: String,
    pub node_level: String,
    pub valid_until: Option<i64>,
    pub asked_by: String,
    pub asked_by_name: String,
    pub asked_at: i64,
    pub state: String,
    pub decided_by_name: Option<String>,
    pub decided_at: Option<i64>,
    pub reason: Option<String>,
}

const HEAD: &str = "SELECT r.id, r.user_id, u.display_name AS user_name, r.role, r.node_id, r.node_path, COALESCE(o.name, p.name, '') AS node_name, \
    COALESCE(o.level, 'premises') AS node_level, r.valid_until, r.asked_by, a.display_name AS asked_by_name, r.asked_at, r.state, \
    d.display_name AS decided_by_name, r.decided_at, r.reason \
    FROM role_requests r JOIN users u ON u.id = r.user_id JOIN users a ON a.id = r.asked_by LEFT JOIN users d ON d.id = r.decided_by \
    LEFT JOIN organizations o ON o.id = r.node_id LEFT JOIN premises p ON p.id = r.node_id";

/// A page of requests, the newest first; `state` narrows it.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, state: Option<&str>, page: &Page) -> Result<Vec<RequestRow>, StoreError> {
    let select = scope.restrict(Select::new(HEAD).and_if("r.state = ?", state.map(str::to_owned)), "r.node_path LIKE ?");
    let select = match page.after() {
        Some((_, id)) => {
            let at = page.after_number().unwrap_or_default();
            select.and("r.asked_at < ? OR (r.asked_at = ? AND r.id < ?)", [at.into(), at.into(), id.into()])
        }
        None => select,
    };
    select.tail("ORDER BY r.asked_at DESC, r.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, state: Option<&str>) -> Result<i64, StoreError> {
    let select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM role_requests r").and_if("r.state = ?", state.map(str::to_owned));
    scope.restrict(select, "r.node_path LIKE ?").tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One request, where the scope covers its node.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<RequestRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("r.id = ?", [id.into()]), "r.node_path LIKE ?").fetch_optional(conn).await
}

/// The pending requests of several people.
pub async fn pending_of(conn: &mut Conn<'_>, user_ids: impl IntoIterator<Item = &String>) -> Result<Vec<RequestRow>, StoreError> {
    Select::new(HEAD)
        .and("r.state = ?", ["pending".into()])
        .and_any("r.user_id = ?", user_ids.into_iter().map(|id| id.as_str().into()))
        .tail("ORDER BY r.user_id, r.role, r.node_path", [])
        .fetch_all(conn)
        .await
}

/// A role that is asked for.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of role_requests")]
pub struct NewRequest {
    pub id: String,
    pub user_id: String,
    pub role: String,
    pub node_id: String,
    pub node_path: String,
    pub valid_until: Option<i64>,
    pub asked_by: String,
}

/// Asks; `false` where the same is pending already, or too much is.
pub async fn insert(tx: &mut Tx<'_>, new: &NewRequest, at: i64) -> Result<bool, StoreError> {
    let pending =
        fetch_optional!(tx, (i64,), "SELECT COUNT(*) FROM role_requests WHERE user_id = $1 AND state = 'pending'", new.user_id.as_str())?;
    if pending.is_some_and(|row| row.0 >= PENDING_MAX) {
        return Ok(false);
    }
    let done = execute!(
        tx,
        "INSERT INTO role_requests (id, user_id, role, node_id, node_path, valid_until, asked_by, asked_at, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending') ON CONFLICT DO NOTHING",
        new.id.as_str(),
        new.user_id.as_str(),
        new.role.as_str(),
        new.node_id.as_str(),
        new.node_path.as_str(),
        new.valid_until,
        new.asked_by.as_str(),
        at,
    )?;
    Ok(done == 1)
}

/// Decides a pending request; `false` where somebody was faster.
pub async fn decide(tx: &mut Tx<'_>, id: &str, state: &str, by: &str, reason: Option<&str>, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE role_requests SET state = $2, decided_by = $3, decided_at = $4, reason = $5 WHERE id = $1 AND state = 'pending'",
        id,
        state,
        by,
        at,
        reason
    )?;
    Ok(done == 1)
}

/// Notes who chose this person's password in their stead; `None`: nobody who could be asked for an agreement.
pub async fn password_chosen(tx: &mut Tx<'_>, user_id: &str, by: Option<Uuid>) -> Result<(), StoreError> {
    execute!(tx, "UPDATE users SET password_by = $2 WHERE id = $1", user_id, by.map(|id| id.to_string()))?;
    Ok(())
}

/// Everybody whose hands this person's account was in: who chose their password, who chose that one's, and so on.
pub async fn hands(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<String>, StoreError> {
    let mut found: Vec<String> = Vec::new();
    let mut next = user_id.to_owned();
    while found.len() < HANDS_MAX {
        let row = fetch_optional!(conn, (Option<String>,), "SELECT password_by FROM users WHERE id = $1", next.as_str())?;
        let Some(by) = row.and_then(|row| row.0).filter(|by| !found.contains(by)) else { break };
        next.clone_from(&by);
        found.push(by);
    }
    Ok(found)
}

/// People who hold `permission` at a node of this path or above it, but for `but`.
pub async fn holders(conn: &mut Conn<'_>, permission: &str, path: &str, but: &[&str], now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT u.id FROM users u JOIN grants g ON g.user_id = u.id JOIN role_permissions rp ON rp.role = g.role \
         WHERE rp.permission = $1 AND u.disabled_at IS NULL AND (g.valid_until IS NULL OR g.valid_until > $2) \
           AND substr($3, 1, length(g.node_path)) = g.node_path ORDER BY u.id LIMIT 50",
        permission,
        now_ms,
        path,
    )?;
    Ok(rows.into_iter().map(|row| row.0).filter(|id| !but.contains(&id.as_str())).collect())
}
