//! Layouts of papers that a bureau changed, as versions. The newest holds; none is ever changed.

use uuid::Uuid;

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// Versions of one kind that a list shows.
const LIST_LIMIT: i64 = 200;

/// A version as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of document_layouts, and the name of who made it")]
pub struct LayoutRow {
    pub id: String,
    pub kind: String,
    pub version: i64,
    pub source: String,
    pub sha256: String,
    pub note: String,
    pub created_by_name: String,
    pub created_at: i64,
}

/// The version that holds; `None` where the one that ships does.
pub async fn newest(conn: &mut Conn<'_>, kind: &str) -> Result<Option<LayoutRow>, StoreError> {
    fetch_optional!(
        conn,
        LayoutRow,
        "SELECT l.id, l.kind, l.version, l.source, l.sha256, l.note, u.display_name AS created_by_name, l.created_at \
         FROM document_layouts l JOIN users u ON u.id = l.created_by WHERE l.kind = $1 ORDER BY l.version DESC LIMIT 1",
        kind,
    )
}

/// All versions of a kind, newest first.
pub async fn versions(conn: &mut Conn<'_>, kind: &str) -> Result<Vec<LayoutRow>, StoreError> {
    fetch_all!(
        conn,
        LayoutRow,
        "SELECT l.id, l.kind, l.version, l.source, l.sha256, l.note, u.display_name AS created_by_name, l.created_at \
         FROM document_layouts l JOIN users u ON u.id = l.created_by WHERE l.kind = $1 ORDER BY l.version DESC LIMIT $2",
        kind,
        LIST_LIMIT,
    )
}

/// A version to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of document_layouts")]
pub struct NewLayout {
    pub kind: &'static str,
    pub source: String,
    pub sha256: String,
    pub note: String,
    pub created_by: String,
}

/// Adds a version after `before`; `None` where another one came first.
pub async fn insert(tx: &mut Tx<'_>, new: &NewLayout, before: i64, at: i64) -> Result<Option<i64>, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO document_layouts (id, kind, version, source, sha256, note, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (kind, version) DO NOTHING",
        Uuid::now_v7().to_string(),
        new.kind,
        before + 1,
        new.source.as_str(),
        new.sha256.as_str(),
        new.note.as_str(),
        new.created_by.as_str(),
        at,
    )?;
    Ok((added == 1).then_some(before + 1))
}
