//! tus uploads under way. The bytes lie below the data folder; a row says how many of them are safe.

use super::sql::{Script, Select, execute, fetch_all};
use super::{Conn, StoreError, Tx};

/// An upload as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of uploads")]
pub struct UploadRow {
    pub id: String,
    pub user_id: String,
    pub inspection_id: String,
    pub evidence_id: String,
    pub sha256: String,
    pub filetype: String,
    pub length: i64,
    pub received: i64,
    pub created_at: i64,
    pub expires_at: i64,
    pub done_at: Option<i64>,
}

const HEAD: &str = "SELECT u.id, u.user_id, u.inspection_id, u.evidence_id, u.sha256, u.filetype, u.length, u.received, u.created_at, u.expires_at, u.done_at FROM uploads u";

/// Adds an upload.
pub async fn insert(tx: &mut Tx<'_>, row: &UploadRow) -> Result<(), StoreError> {
    row.noted(Script::default()).run(tx).await.map(|_| ())
}

impl UploadRow {
    /// Adds it to what is written.
    pub(super) fn noted(&self, script: Script) -> Script {
        script.add(
            "INSERT INTO uploads (id, user_id, inspection_id, evidence_id, sha256, filetype, length, received, created_at, expires_at, done_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            [
                self.id.as_str().into(),
                self.user_id.as_str().into(),
                self.inspection_id.as_str().into(),
                self.evidence_id.as_str().into(),
                self.sha256.as_str().into(),
                self.filetype.as_str().into(),
                self.length.into(),
                self.received.into(),
                self.created_at.into(),
                self.expires_at.into(),
                self.done_at.into(),
            ],
        )
    }
}

/// An upload of this user.
pub async fn get(conn: &mut Conn<'_>, user_id: &str, id: &str) -> Result<Option<UploadRow>, StoreError> {
    Select::new(HEAD).and("u.id = ?", [id.into()]).and("u.user_id = ?", [user_id.into()]).fetch_optional(conn).await
}

/// An upload of the same file that this user has begun: a phone that lost the address goes on there.
pub async fn unfinished(
    conn: &mut Conn<'_>,
    user_id: &str,
    evidence_id: &str,
    sha256: &str,
    length: i64,
    now_ms: i64,
) -> Result<Option<UploadRow>, StoreError> {
    Select::new(HEAD)
        .and("u.user_id = ?", [user_id.into()])
        .and("u.evidence_id = ? AND u.sha256 = ? AND u.length = ?", [evidence_id.into(), sha256.into(), length.into()])
        .and("u.done_at IS NULL AND u.expires_at > ?", [now_ms.into()])
        .tail("ORDER BY u.received DESC, u.id LIMIT 1", [])
        .fetch_optional(conn)
        .await
}

/// How many uploads of a user are under way.
pub async fn count_open(conn: &mut Conn<'_>, user_id: &str) -> Result<i64, StoreError> {
    Select::new("SELECT COUNT(*) FROM uploads u").and("u.user_id = ? AND u.done_at IS NULL", [user_id.into()]).fetch_number(conn).await
}

/// So many bytes are safe on disk.
pub async fn advance(tx: &mut Tx<'_>, id: &str, received: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE uploads SET received = $2 WHERE id = $1 AND done_at IS NULL", id, received)?;
    Ok(())
}

/// The file is whole, checked and in the object store.
pub async fn finish(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE uploads SET received = length, done_at = $2 WHERE id = $1 AND done_at IS NULL", id, at)?;
    Ok(())
}

/// Forgets an upload.
pub async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM uploads WHERE id = $1", id)?;
    Ok(())
}

/// Uploads that were not finished in time, and those finished so long ago that nobody asks any more.
pub async fn expired(conn: &mut Conn<'_>, now_ms: i64, limit: i64) -> Result<Vec<UploadRow>, StoreError> {
    fetch_all!(
        conn,
        UploadRow,
        "SELECT id, user_id, inspection_id, evidence_id, sha256, filetype, length, received, created_at, expires_at, done_at FROM uploads \
         WHERE expires_at < $1 ORDER BY expires_at LIMIT $2",
        now_ms,
        limit,
    )
}
