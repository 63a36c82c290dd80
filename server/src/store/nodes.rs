//! Finding things by what people write into a table: an id, a code, or a name.

use super::sql::fetch_all;
use super::{Conn, StoreError};
use crate::auth::Scope;
use crate::domain::text::name_key;

/// Candidates that are looked at: one is meant, two are ambiguous.
const CANDIDATES: i64 = 20;

/// Ids and paths inside `scope` of the organizations with this id or name.
pub async fn organizations(conn: &mut Conn<'_>, scope: &Scope, text: &str) -> Result<Vec<(String, String)>, StoreError> {
    let found = fetch_all!(
        conn,
        (String, String),
        "SELECT id, path FROM organizations WHERE id = $1 OR name = $1 ORDER BY id LIMIT $2",
        text,
        CANDIDATES,
    )?;
    Ok(inside(found, scope))
}

/// Ids and paths inside `scope` of the premises with this id, code or name.
pub async fn premises(conn: &mut Conn<'_>, scope: &Scope, text: &str) -> Result<Vec<(String, String)>, StoreError> {
    // The key is indexed, the name is not.
    let found = fetch_all!(
        conn,
        (String, String),
        "SELECT id, path FROM premises WHERE id = $1 OR code = $1 OR (name_key = $2 AND name = $1) ORDER BY id LIMIT $3",
        text,
        name_key(text),
        CANDIDATES,
    )?;
    Ok(inside(found, scope))
}

/// The premises with this name below this organization.
pub async fn premises_of(conn: &mut Conn<'_>, organization_id: &str, name: &str) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT id, path FROM premises WHERE name_key = $1 AND name = $2 AND organization_id = $3 ORDER BY id LIMIT $4",
        name_key(name),
        name,
        organization_id,
        CANDIDATES,
    )
}

/// The camera with this name at this premises.
pub async fn camera_of(conn: &mut Conn<'_>, premises_id: &str, name: &str) -> Result<Option<String>, StoreError> {
    let found =
        fetch_all!(conn, (String,), "SELECT id FROM cameras WHERE premises_id = $1 AND name = $2 ORDER BY id LIMIT 1", premises_id, name)?;
    Ok(found.into_iter().next().map(|row| row.0))
}

fn inside(found: Vec<(String, String)>, scope: &Scope) -> Vec<(String, String)> {
    found.into_iter().filter(|(_, path)| scope.covers(path)).collect()
}
