//! What phones leave with us of drafts: sealed keys, and encrypted copies. All of it belongs to one user; nobody else reads it.

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// An officer's keys, sealed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of draft_keys")]
pub struct KeysRow {
    pub sealed: String,
    pub sha256: String,
}

/// The keys a user left.
pub async fn keys(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<KeysRow>, StoreError> {
    fetch_optional!(conn, KeysRow, "SELECT sealed, sha256 FROM draft_keys WHERE user_id = $1", user_id)
}

/// Keeps keys where there are none, or in the place of those named by `replaces`; whether it did.
pub async fn keep_keys(tx: &mut Tx<'_>, user_id: &str, row: &KeysRow, replaces: Option<&str>, at: i64) -> Result<bool, StoreError> {
    let done = match replaces {
        None => execute!(
            tx,
            "INSERT INTO draft_keys (user_id, sealed, sha256, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING",
            user_id,
            row.sealed.as_str(),
            row.sha256.as_str(),
            at,
        )?,
        Some(replaces) => execute!(
            tx,
            "UPDATE draft_keys SET sealed = $2, sha256 = $3, updated_at = $4 WHERE user_id = $1 AND sha256 = $5",
            user_id,
            row.sealed.as_str(),
            row.sha256.as_str(),
            at,
            replaces,
        )?,
    };
    Ok(done == 1)
}

/// When a login began, ms UTC.
pub async fn login_began(conn: &mut Conn<'_>, session_id: &str) -> Result<Option<i64>, StoreError> {
    Ok(fetch_optional!(conn, (i64,), "SELECT created_at FROM sessions WHERE id = $1", session_id)?.map(|row| row.0))
}

/// An encrypted copy of a draft, or of a file of one.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of draft_backups")]
pub struct BackupRow {
    pub user_id: String,
    pub id: String,
    pub draft_id: String,
    pub revision: i64,
    pub device_id: String,
    pub sha256: String,
    pub bytes: i64,
    pub updated_at: i64,
}

/// A user's copies, drafts before their files.
pub async fn backups(conn: &mut Conn<'_>, user_id: &str, limit: i64) -> Result<Vec<BackupRow>, StoreError> {
    fetch_all!(
        conn,
        BackupRow,
        "SELECT user_id, id, draft_id, revision, device_id, sha256, bytes, updated_at FROM draft_backups WHERE user_id = $1 \
         ORDER BY draft_id, CASE WHEN id = draft_id THEN 0 ELSE 1 END, id LIMIT $2",
        user_id,
        limit,
    )
}

/// One of a user's copies.
pub async fn backup(conn: &mut Conn<'_>, user_id: &str, id: &str) -> Result<Option<BackupRow>, StoreError> {
    fetch_optional!(
        conn,
        BackupRow,
        "SELECT user_id, id, draft_id, revision, device_id, sha256, bytes, updated_at FROM draft_backups WHERE user_id = $1 AND id = $2",
        user_id,
        id,
    )
}

/// How many copies a user has, and how many bytes, without the one with this id.
pub async fn used(conn: &mut Conn<'_>, user_id: &str, but: &str) -> Result<(i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM draft_backups WHERE user_id = $1 AND id <> $2",
        user_id,
        but,
    )?;
    Ok(row.unwrap_or_default())
}

/// Keeps a copy, or a higher revision in its place; whether it did.
pub async fn keep(tx: &mut Tx<'_>, row: &BackupRow) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "INSERT INTO draft_backups (user_id, id, draft_id, revision, device_id, sha256, bytes, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (user_id, id) DO UPDATE SET revision = excluded.revision, device_id = excluded.device_id, sha256 = excluded.sha256, \
           bytes = excluded.bytes, updated_at = excluded.updated_at WHERE draft_backups.revision < excluded.revision",
        row.user_id.as_str(),
        row.id.as_str(),
        row.draft_id.as_str(),
        row.revision,
        row.device_id.as_str(),
        row.sha256.as_str(),
        row.bytes,
        row.updated_at,
    )?;
    Ok(done == 1)
}

/// Forgets a draft with its files, or one file of it; gives what was there.
pub async fn forget(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        tx,
        (String, String),
        "DELETE FROM draft_backups WHERE user_id = $1 AND (draft_id = $2 OR id = $2) RETURNING id, sha256",
        user_id,
        id
    )
}

/// Forgets what nobody touched since; gives user, id and hash.
pub async fn forget_before(tx: &mut Tx<'_>, before_ms: i64) -> Result<Vec<(String, String, String)>, StoreError> {
    fetch_all!(tx, (String, String, String), "DELETE FROM draft_backups WHERE updated_at < $1 RETURNING user_id, id, sha256", before_ms)
}
