//! Rows of files: what lies in the object store, who brought it, and what kind it is.

use super::sql::{Arg, Script, execute, fetch_all, fetch_optional, with_rows};
use super::{Conn, StoreError, Tx};

/// A file as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of files")]
pub struct FileRow {
    pub id: String,
    pub sha256: String,
    pub filetype: String,
    pub bytes: i64,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub user_id: Option<String>,
    pub created_at: i64,
}

/// Adds a row for a file that is already in the object store: a row never points to nothing. It has been opened.
pub async fn insert(tx: &mut Tx<'_>, row: &FileRow) -> Result<(), StoreError> {
    row.noted(Script::default(), Some(row.created_at)).run(tx).await.map(|_| ())
}

impl FileRow {
    /// Adds it to what is written; `opened_at` is `None` of a photo that is opened later.
    pub(super) fn noted(&self, script: Script, opened_at: Option<i64>) -> Script {
        script.add(
            "INSERT INTO files (id, sha256, filetype, bytes, width, height, user_id, created_at, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                self.id.as_str().into(),
                self.sha256.as_str().into(),
                self.filetype.as_str().into(),
                self.bytes.into(),
                self.width.into(),
                self.height.into(),
                self.user_id.as_deref().into(),
                self.created_at.into(),
                opened_at.into(),
            ],
        )
    }
}

/// Photos that wait to be opened, the oldest first: id, hash, type.
pub async fn unopened(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<(String, String, String)>, StoreError> {
    fetch_all!(conn, (String, String, String), "SELECT id, sha256, filetype FROM files WHERE opened_at IS NULL ORDER BY id LIMIT $1", limit)
}

/// Photos were opened, or cannot be: each with why.
pub async fn opened(tx: &mut Tx<'_>, photos: &[(String, Option<String>)], at: i64) -> Result<(), StoreError> {
    let rows: Vec<Vec<Arg>> = photos.iter().map(|(id, damage)| vec![id.as_str().into(), at.into(), damage.clone().into()]).collect();
    // Both engines call the columns of a list of values so.
    let head = "UPDATE files SET opened_at = seen.column2, damage = seen.column3 FROM (";
    with_rows(tx, head, &rows, ") AS seen WHERE files.id = seen.column1").await
}

/// Photos that cannot be shown, the newest first: id and why.
pub async fn damaged(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(conn, (String, String), "SELECT id, damage FROM files WHERE damage IS NOT NULL ORDER BY id DESC LIMIT $1", limit)
}

/// Adds a picture that waits to be named by an act of who brought it.
pub async fn insert_waiting(tx: &mut Tx<'_>, row: &FileRow) -> Result<(), StoreError> {
    insert(tx, row).await?;
    execute!(tx, "UPDATE files SET waits_since = created_at WHERE id = $1", row.id.as_str())?;
    Ok(())
}

/// How many pictures of a person wait to be named, and their bytes.
pub async fn waiting(conn: &mut Conn<'_>, user_id: &str) -> Result<(i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM files WHERE user_id = $1 AND waits_since IS NOT NULL",
        user_id
    )?;
    Ok(row.unwrap_or_default())
}

/// An act names these files: they wait no longer. `false` where one of them was swept away meanwhile.
pub async fn named(tx: &mut Tx<'_>, ids: &[String]) -> Result<bool, StoreError> {
    let mut all = true;
    for id in ids {
        all &= execute!(tx, "UPDATE files SET waits_since = NULL WHERE id = $1", id.as_str())? == 1;
    }
    Ok(all)
}

/// Forgets pictures that waited since before `before_ms`; gives the hashes that no other file has.
pub async fn forget_waiting(tx: &mut Tx<'_>, before_ms: i64) -> Result<Vec<String>, StoreError> {
    let gone = fetch_all!(
        tx,
        (String,),
        "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE waits_since < $1 ORDER BY waits_since LIMIT 1000) AND waits_since < $1 RETURNING sha256",
        before_ms
    )?;
    let mut unused = Vec::new();
    for (sha256,) in gone {
        let kept = fetch_optional!(tx, (String,), "SELECT id FROM files WHERE sha256 = $1 LIMIT 1", sha256.as_str())?;
        if kept.is_none() && !unused.contains(&sha256) {
            unused.push(sha256);
        }
    }
    Ok(unused)
}

/// The file with this id. Who may see it is for the thing it belongs to (alert, inspection) to say.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<FileRow>, StoreError> {
    fetch_optional!(conn, FileRow, "SELECT id, sha256, filetype, bytes, width, height, user_id, created_at FROM files WHERE id = $1", id)
}

/// Files after `after` in order of id, for `check`.
pub async fn after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<FileRow>, StoreError> {
    fetch_all!(
        conn,
        FileRow,
        "SELECT id, sha256, filetype, bytes, width, height, user_id, created_at FROM files WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
}

/// Evidence whose file is not the one that was promised: kind, id, promised hash, stored hash.
pub async fn evidence_mismatches(conn: &mut Conn<'_>) -> Result<Vec<(String, String, String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String, String, String),
        "SELECT COALESCE(e.kind, 'evidence'), e.id, e.sha256, f.sha256 FROM inspection_evidence e JOIN files f ON f.id = e.file_id \
         WHERE f.sha256 <> e.sha256 ORDER BY e.id LIMIT 1000",
    )
}

/// Alerts whose clip is said to be ready and has no file.
pub async fn clips_without_file(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    let rows =
        fetch_all!(conn, (String,), "SELECT id FROM alerts WHERE clip_state = 'ready' AND clip_file_id IS NULL ORDER BY id LIMIT 1000")?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
