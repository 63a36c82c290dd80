//! Logins as people see them in a list.

use super::sql::{execute, fetch_all};
use super::{Conn, StoreError, Tx};

/// Logins that a list shows.
const LIST_LIMIT: i64 = 100;

/// A login that has not ended.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of sessions")]
pub struct OpenRow {
    pub id: String,
    pub client: String,
    pub agent: Option<String>,
    pub ip: Option<String>,
    pub created_at: i64,
    pub last_used_at: i64,
}

/// The open logins of a person, the last used first. One that was used before `since` can no longer be renewed.
pub async fn open_of(conn: &mut Conn<'_>, user_id: &str, since: i64) -> Result<Vec<OpenRow>, StoreError> {
    fetch_all!(
        conn,
        OpenRow,
        "SELECT id, client, agent, ip, created_at, last_used_at FROM sessions \
         WHERE user_id = $1 AND ended_at IS NULL AND last_used_at > $2 ORDER BY last_used_at DESC, id DESC LIMIT $3",
        user_id,
        since,
        LIST_LIMIT,
    )
}

/// Notes that a login was used.
pub async fn used(tx: &mut Tx<'_>, id: &str, at: i64, ip: Option<&str>) -> Result<(), StoreError> {
    execute!(tx, "UPDATE sessions SET last_used_at = $2, ip = COALESCE($3, ip) WHERE id = $1 AND last_used_at < $2", id, at, ip)?;
    Ok(())
}

/// Notes that a login was renewed, and by what.
pub async fn renewed(tx: &mut Tx<'_>, id: &str, at: i64, client: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE sessions SET last_used_at = $2, client = $3 WHERE id = $1", id, at, client)?;
    Ok(())
}

/// Ends one login of a person; `false` where they have none of this id that is open.
pub async fn end_own(tx: &mut Tx<'_>, user_id: &str, id: &str, at: i64, reason: &str) -> Result<bool, StoreError> {
    let ended = execute!(
        tx,
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE user_id = $1 AND id = $2 AND ended_at IS NULL",
        user_id,
        id,
        at,
        reason
    )?;
    Ok(ended == 1)
}
