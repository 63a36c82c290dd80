//! People: their credentials and their grants.

use uuid::Uuid;

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// What signing in needs to know of a user.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of users")]
pub struct Credentials {
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub password_hash: String,
    pub must_change_password: bool,
    pub disabled_at: Option<i64>,
}

impl Credentials {
    /// The id.
    pub fn user_id(&self) -> Result<Uuid, StoreError> {
        self.id.parse().map_err(StoreError::damaged)
    }
}

/// By name, which is stored in lower case.
pub async fn credentials(conn: &mut Conn<'_>, username: &str) -> Result<Option<Credentials>, StoreError> {
    fetch_optional!(
        conn,
        Credentials,
        "SELECT id, username, display_name, password_hash, must_change_password, disabled_at FROM users WHERE username = $1",
        username,
    )
}

/// By id.
pub async fn credentials_by_id(conn: &mut Conn<'_>, id: &str) -> Result<Option<Credentials>, StoreError> {
    fetch_optional!(
        conn,
        Credentials,
        "SELECT id, username, display_name, password_hash, must_change_password, disabled_at FROM users WHERE id = $1",
        id,
    )
}

/// Whether there is anybody at all.
pub async fn any(conn: &mut Conn<'_>) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT id FROM users LIMIT 1")?.is_some())
}

/// A person to add.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of users")]
pub struct NewUser {
    pub id: Uuid,
    pub username: String,
    pub display_name: String,
    pub phone: Option<String>,
    pub certificate_number: Option<String>,
    pub password_hash: String,
    pub must_change_password: bool,
}

/// Adds a person. `Conflict` where the name is taken.
pub async fn insert(tx: &mut Tx<'_>, user: &NewUser, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO users (id, username, display_name, name_key, phone, certificate_number, password_hash, must_change_password, scope_version, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 1, $9, $9)",
        user.id.to_string(),
        user.username.to_lowercase(),
        user.display_name.as_str(),
        crate::domain::text::name_key(&user.display_name),
        user.phone.as_deref(),
        user.certificate_number.as_deref(),
        user.password_hash.as_str(),
        user.must_change_password,
        at,
    )?;
    Ok(())
}

/// Sets a password; `must_change` where somebody else chose it.
pub async fn set_password(tx: &mut Tx<'_>, id: &str, hash: &str, must_change: bool, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE users SET password_hash = $2, must_change_password = $3, version = version + 1, updated_at = $4 WHERE id = $1",
        id,
        hash,
        must_change,
        at,
    )?;
    Ok(())
}

/// A grant with the name of its node.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of grants")]
pub struct GrantRow {
    pub role: String,
    pub node_id: String,
    pub node_path: String,
    pub node_name: String,
    pub node_level: String,
    pub valid_until: Option<i64>,
}

/// The grants of a person.
pub async fn grants(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<GrantRow>, StoreError> {
    fetch_all!(
        conn,
        GrantRow,
        "SELECT g.role, g.node_id, g.node_path, COALESCE(o.name, p.name, '') AS node_name, COALESCE(o.level, 'premises') AS node_level, g.valid_until \
         FROM grants g LEFT JOIN organizations o ON o.id = g.node_id LEFT JOIN premises p ON p.id = g.node_id \
         WHERE g.user_id = $1 ORDER BY g.role, g.node_path LIMIT 64",
        user_id,
    )
}

/// Adds a grant; giving it again changes only until when.
pub async fn grant(tx: &mut Tx<'_>, user_id: &str, role: &str, node_id: &str, node_path: &str, valid_until: Option<i64>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO grants (id, user_id, role, node_id, node_path, valid_until) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (user_id, role, node_id) DO UPDATE SET valid_until = excluded.valid_until, node_path = excluded.node_path",
        Uuid::now_v7().to_string(),
        user_id,
        role,
        node_id,
        node_path,
        valid_until,
    )?;
    Ok(())
}
