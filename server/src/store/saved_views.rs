//! Filters of lists that people keep under a name, each their own.

use uuid::Uuid;

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// Views that one person may keep, of all lists.
pub const VIEWS_MAX: i64 = 100;

/// A view as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of saved_views")]
pub struct ViewRow {
    pub id: String,
    pub page: String,
    pub name: String,
    pub query: String,
}

/// A person's views of a list, by name.
pub async fn list(conn: &mut Conn<'_>, user_id: &str, page: &str) -> Result<Vec<ViewRow>, StoreError> {
    fetch_all!(
        conn,
        ViewRow,
        "SELECT id, page, name, query FROM saved_views WHERE user_id = $1 AND page = $2 ORDER BY name, id LIMIT $3",
        user_id,
        page,
        VIEWS_MAX,
    )
}

/// Keeps a view, in the place of one of the same name; `None` where the person keeps too many.
pub async fn put(tx: &mut Tx<'_>, user_id: &str, page: &str, name: &str, query: &str, at: i64) -> Result<Option<ViewRow>, StoreError> {
    fetch_optional!(
        tx,
        ViewRow,
        "INSERT INTO saved_views (id, user_id, page, name, query, created_at) SELECT $1, $2, $3, $4, $5, $6 \
         WHERE (SELECT COUNT(*) FROM saved_views WHERE user_id = $2 AND NOT (page = $3 AND name = $4)) < $7 \
         ON CONFLICT (user_id, page, name) DO UPDATE SET query = excluded.query RETURNING id, page, name, query",
        Uuid::now_v7().to_string(),
        user_id,
        page,
        name,
        query,
        at,
        VIEWS_MAX,
    )
}

/// Lets go of a person's own view; `false` where it is not there.
pub async fn delete(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<bool, StoreError> {
    Ok(execute!(tx, "DELETE FROM saved_views WHERE id = $1 AND user_id = $2", id, user_id)? == 1)
}
