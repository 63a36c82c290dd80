//! Quarantine: inspections that came when their officer might not send them any more. Nothing here is ever deleted.

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// An inspection that came too late.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of late_inspections, and names")]
pub struct LateRow {
    pub id: String,
    pub inspection_id: String,
    pub user_id: String,
    pub user_name: String,
    pub user_disabled_at: Option<i64>,
    pub sha256: String,
    pub content: String,
    pub reason: String,
    pub premises_id: Option<String>,
    pub premises_name: Option<String>,
    pub path: String,
    pub bytes: i64,
    pub state: String,
    pub decided_by_name: Option<String>,
    pub decided_at: Option<i64>,
    pub decision: Option<String>,
    pub version: i64,
    pub received_at: i64,
    pub files: i64,
}

const HEAD: &str = "SELECT l.id, l.inspection_id, l.user_id, u.display_name AS user_name, u.disabled_at AS user_disabled_at, l.sha256, l.content, l.reason, \
    l.premises_id, p.name AS premises_name, l.path, l.bytes, l.state, d.display_name AS decided_by_name, l.decided_at, l.decision, l.version, l.received_at, \
    (SELECT COUNT(*) FROM late_files f WHERE f.inspection_id = l.inspection_id AND f.user_id = l.user_id) AS files \
    FROM late_inspections l JOIN users u ON u.id = l.user_id LEFT JOIN premises p ON p.id = l.premises_id LEFT JOIN users d ON d.id = l.decided_by";

/// What came.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of late_inspections")]
pub struct NewLate {
    pub id: String,
    pub inspection_id: String,
    pub user_id: String,
    pub sha256: String,
    pub content: String,
    pub reason: String,
    pub premises_id: Option<String>,
}

/// Keeps what came; `false` where the same is here.
pub async fn insert(tx: &mut Tx<'_>, new: &NewLate, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "INSERT INTO late_inspections (id, inspection_id, user_id, sha256, content, reason, premises_id, path, bytes, state, version, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, (SELECT id FROM premises WHERE id = $7), COALESCE((SELECT path FROM premises WHERE id = $7), '/'), $8, 'waiting', 1, $9) \
         ON CONFLICT (inspection_id, user_id, sha256) DO NOTHING",
        new.id.as_str(),
        new.inspection_id.as_str(),
        new.user_id.as_str(),
        new.sha256.as_str(),
        new.content.as_str(),
        new.reason.as_str(),
        new.premises_id.as_deref().unwrap_or_default(),
        i64::try_from(new.content.len()).unwrap_or(i64::MAX),
        at,
    )?;
    Ok(done == 1)
}

/// Whether this very content is here.
pub async fn exists(conn: &mut Conn<'_>, inspection_id: &str, user_id: &str, sha256: &str) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT id FROM late_inspections WHERE inspection_id = $1 AND user_id = $2 AND sha256 = $3",
        inspection_id,
        user_id,
        sha256
    )?;
    Ok(row.is_some())
}

/// What a person has left here: inspections, files, bytes of both.
pub async fn used(conn: &mut Conn<'_>, user_id: &str) -> Result<(i64, i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64, i64),
        "SELECT (SELECT COUNT(*) FROM late_inspections WHERE user_id = $1), (SELECT COUNT(*) FROM late_files WHERE user_id = $1), \
           CAST((SELECT COALESCE(SUM(bytes), 0) FROM late_inspections WHERE user_id = $1) + (SELECT COALESCE(SUM(bytes), 0) FROM late_files WHERE user_id = $1) AS BIGINT)",
        user_id,
    )?;
    Ok(row.unwrap_or_default())
}

/// A page, newest first, in scope.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, state: Option<String>, page: &Page) -> Result<Vec<LateRow>, StoreError> {
    let select = scope.restrict(Select::new(HEAD).and_if("l.state = ?", state), "l.path LIKE ?");
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("l.received_at < ? OR (l.received_at = ? AND l.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY l.received_at DESC, l.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many wait in scope.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, state: Option<String>) -> Result<i64, StoreError> {
    let select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM late_inspections l").and_if("l.state = ?", state);
    scope.restrict(select, "l.path LIKE ?").tail("LIMIT ?) AS counted", [super::COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One, in scope.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<LateRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("l.id = ?", [id.into()]), "l.path LIKE ?").fetch_optional(conn).await
}

/// Decides about one that waits; `false` where somebody was faster.
pub async fn decide(
    tx: &mut Tx<'_>,
    id: &str,
    version: i64,
    state: &str,
    by: &str,
    decision: Option<&str>,
    at: i64,
) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE late_inspections SET state = $3, decided_by = $4, decided_at = $5, decision = $6, version = version + 1 \
         WHERE id = $1 AND version = $2 AND state = 'waiting'",
        id,
        version,
        state,
        by,
        at,
        decision,
    )?;
    Ok(done == 1)
}

/// A file that came too late.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of late_files")]
pub struct LateFileRow {
    pub evidence_id: String,
    pub user_id: String,
    pub sha256: String,
    pub inspection_id: String,
    pub filetype: String,
    pub bytes: i64,
    pub file_id: String,
}

/// Keeps a file; `false` where it is here.
pub async fn insert_file(tx: &mut Tx<'_>, row: &LateFileRow, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "INSERT INTO late_files (evidence_id, user_id, sha256, inspection_id, filetype, bytes, file_id, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (evidence_id, user_id, sha256) DO NOTHING",
        row.evidence_id.as_str(),
        row.user_id.as_str(),
        row.sha256.as_str(),
        row.inspection_id.as_str(),
        row.filetype.as_str(),
        row.bytes,
        row.file_id.as_str(),
        at,
    )?;
    Ok(done == 1)
}

/// Whether this very file is here.
pub async fn has_file(conn: &mut Conn<'_>, evidence_id: &str, user_id: &str, sha256: &str) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT evidence_id FROM late_files WHERE evidence_id = $1 AND user_id = $2 AND sha256 = $3",
        evidence_id,
        user_id,
        sha256
    )?;
    Ok(row.is_some())
}

/// The files of what came, in order of id.
pub async fn files(conn: &mut Conn<'_>, row: &LateRow) -> Result<Vec<LateFileRow>, StoreError> {
    files_of(conn, &row.inspection_id, &row.user_id).await
}

/// The files that a person left of an inspection, in order of id.
pub async fn files_of(conn: &mut Conn<'_>, inspection_id: &str, user_id: &str) -> Result<Vec<LateFileRow>, StoreError> {
    fetch_all!(
        conn,
        LateFileRow,
        "SELECT evidence_id, user_id, sha256, inspection_id, filetype, bytes, file_id FROM late_files WHERE inspection_id = $1 AND user_id = $2 \
         ORDER BY evidence_id, sha256 LIMIT 1000",
        inspection_id,
        user_id,
    )
}
