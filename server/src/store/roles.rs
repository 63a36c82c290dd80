//! Roles: named sets of permissions, as data.

use super::sql::fetch_all;
use super::{Conn, StoreError};

/// Roles there can be.
const ROLE_LIMIT: i64 = 200;

/// A role as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of roles")]
pub struct RoleRow {
    pub code: String,
    pub name_zh: String,
    pub name_en: String,
}

/// All roles, in the order of lists.
pub async fn list(conn: &mut Conn<'_>) -> Result<Vec<RoleRow>, StoreError> {
    fetch_all!(conn, RoleRow, "SELECT code, name_zh, name_en FROM roles ORDER BY position, code LIMIT $1", ROLE_LIMIT)
}

/// Role and permission, of all roles.
pub async fn permissions(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(conn, (String, String), "SELECT role, permission FROM role_permissions ORDER BY role, permission")
}
