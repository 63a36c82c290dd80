//! People: their credentials and their grants.

use std::collections::HashMap;

use uuid::Uuid;

use super::sql::{Arg, Select, contains, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

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

/// The names of those of these that there are, by id.
pub async fn names(conn: &mut Conn<'_>, ids: &[Uuid]) -> Result<HashMap<String, String>, StoreError> {
    let select = Select::new("SELECT id, display_name FROM users").and_any("id = ?", ids.iter().map(|id| (*id).into()));
    let found: Vec<(String, String)> = select.tail("ORDER BY id LIMIT 100", []).fetch_all(conn).await?;
    Ok(found.into_iter().collect())
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
pub async fn grant(
    tx: &mut Tx<'_>,
    user_id: &str,
    role: &str,
    node_id: &str,
    node_path: &str,
    valid_until: Option<i64>,
) -> Result<(), StoreError> {
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

/// A person as lists show them.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of users, login_failures and second_factors")]
pub struct UserRow {
    pub id: String,
    pub username: String,
    pub display_name: String,
    pub name_key: String,
    pub phone: Option<String>,
    pub certificate_number: Option<String>,
    pub must_change_password: bool,
    pub disabled_at: Option<i64>,
    pub last_login_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub locked_until: Option<i64>,
    pub second_factor_at: Option<i64>,
}

const HEAD: &str = "SELECT u.id, u.username, u.display_name, u.name_key, u.phone, u.certificate_number, u.must_change_password, u.disabled_at, u.last_login_at, \
    u.version, u.created_at, u.updated_at, f.locked_until, s.confirmed_at AS second_factor_at \
    FROM users u LEFT JOIN login_failures f ON f.username = u.username LEFT JOIN second_factors s ON s.user_id = u.id";

/// A person belongs where one of their roles is; somebody without a role belongs to the top.
const BELONGS: &str =
    "EXISTS (SELECT 1 FROM users x LEFT JOIN grants g ON g.user_id = x.id WHERE x.id = u.id AND COALESCE(g.node_path, '/') LIKE ?)";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as what they narrow")]
pub struct UserFilter {
    pub text: Option<String>,
    pub role: Option<String>,
    pub disabled: Option<bool>,
    /// At this node or below.
    pub node_id: Option<String>,
}

fn narrowed(select: Select, filter: &UserFilter) -> Select {
    let select = match filter.text.as_deref().map(contains) {
        Some(text) => select.and(
            "u.name_key LIKE ? ESCAPE '!' OR u.username LIKE ? ESCAPE '!' OR COALESCE(u.phone, '') LIKE ? ESCAPE '!'",
            [text.clone().into(), text.clone().into(), text.into()],
        ),
        None => select,
    };
    let select = select.and_if("EXISTS (SELECT 1 FROM grants g WHERE g.user_id = u.id AND g.role = ?)", filter.role.clone()).and_if(
        "EXISTS (SELECT 1 FROM grants g WHERE g.user_id = u.id AND g.node_path LIKE ?)",
        filter.node_id.as_ref().map(|id| format!("%/{id}/%")),
    );
    match filter.disabled {
        Some(true) => select.and("u.disabled_at IS NOT NULL", []),
        Some(false) => select.and("u.disabled_at IS NULL", []),
        None => select,
    }
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserSort {
    /// By pinyin.
    #[default]
    Name,
    /// By pinyin, from the end.
    NameDescending,
    /// By user name.
    Username,
    /// By user name, from the end.
    UsernameDescending,
    /// Who has not signed in for longest comes first; who never did, before them.
    LastLogin,
    /// Who signed in last comes first.
    LastLoginDescending,
}

/// A page of people.
pub async fn list(
    conn: &mut Conn<'_>,
    scope: &Scope,
    filter: &UserFilter,
    sort: UserSort,
    page: &Page,
) -> Result<Vec<UserRow>, StoreError> {
    let select = scope.restrict(narrowed(Select::new(HEAD), filter), BELONGS);
    let (fragment, order) = match sort {
        UserSort::Name => ("u.name_key > ? OR (u.name_key = ? AND u.id > ?)", "ORDER BY u.name_key, u.id LIMIT ?"),
        UserSort::NameDescending => ("u.name_key < ? OR (u.name_key = ? AND u.id < ?)", "ORDER BY u.name_key DESC, u.id DESC LIMIT ?"),
        UserSort::Username => ("u.username > ? OR (u.username = ? AND u.id > ?)", "ORDER BY u.username, u.id LIMIT ?"),
        UserSort::UsernameDescending => ("u.username < ? OR (u.username = ? AND u.id < ?)", "ORDER BY u.username DESC, u.id DESC LIMIT ?"),
        UserSort::LastLogin => (
            "COALESCE(u.last_login_at, 0) > ? OR (COALESCE(u.last_login_at, 0) = ? AND u.id > ?)",
            "ORDER BY COALESCE(u.last_login_at, 0), u.id LIMIT ?",
        ),
        UserSort::LastLoginDescending => (
            "COALESCE(u.last_login_at, 0) < ? OR (COALESCE(u.last_login_at, 0) = ? AND u.id < ?)",
            "ORDER BY COALESCE(u.last_login_at, 0) DESC, u.id DESC LIMIT ?",
        ),
    };
    let select = match page.after() {
        Some((key, id)) => {
            let key: Arg = if matches!(sort, UserSort::LastLogin | UserSort::LastLoginDescending) {
                page.after_number().unwrap_or_default().into()
            } else {
                key.into()
            };
            select.and(fragment, [key.clone(), key, id.into()])
        }
        None => select,
    };
    select.tail(order, [page.fetch().into()]).fetch_all(conn).await
}

/// The cursor key of a row under a sort.
pub fn sort_key(row: &UserRow, sort: UserSort) -> (String, String) {
    let key = match sort {
        UserSort::Name | UserSort::NameDescending => row.name_key.clone(),
        UserSort::Username | UserSort::UsernameDescending => row.username.clone(),
        UserSort::LastLogin | UserSort::LastLoginDescending => row.last_login_at.unwrap_or_default().to_string(),
    };
    (key, row.id.clone())
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &UserFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM users u"), filter);
    scope.restrict(select, BELONGS).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One person, where the scope covers one of their roles.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<UserRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("u.id = ?", [id.into()]), BELONGS).fetch_optional(conn).await
}

/// One person by name, where the scope covers one of their roles.
pub async fn get_by_name(conn: &mut Conn<'_>, scope: &Scope, username: &str) -> Result<Option<UserRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("u.username = ?", [username.into()]), BELONGS).fetch_optional(conn).await
}

/// The grants of several people, each with its user.
pub async fn grants_of(conn: &mut Conn<'_>, user_ids: impl IntoIterator<Item = &String>) -> Result<Vec<UserGrantRow>, StoreError> {
    Select::new(
        "SELECT g.user_id, g.role, g.node_id, g.node_path, COALESCE(o.name, p.name, '') AS node_name, COALESCE(o.level, 'premises') AS node_level, g.valid_until \
         FROM grants g LEFT JOIN organizations o ON o.id = g.node_id LEFT JOIN premises p ON p.id = g.node_id",
    )
    .and_any("g.user_id = ?", user_ids.into_iter().map(|id| id.as_str().into()))
    .tail("ORDER BY g.user_id, g.role, g.node_path", [])
    .fetch_all(conn)
    .await
}

/// A grant and whose it is.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of grants")]
pub struct UserGrantRow {
    pub user_id: String,
    pub role: String,
    pub node_id: String,
    pub node_path: String,
    pub node_name: String,
    pub node_level: String,
    pub valid_until: Option<i64>,
}

/// What people may change of a person.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of users")]
pub struct UserData {
    pub display_name: String,
    pub phone: Option<String>,
    pub certificate_number: Option<String>,
    pub disabled: bool,
}

/// Changes a person; `false` where `version` is stale.
pub async fn update(tx: &mut Tx<'_>, row: &UserRow, data: &UserData, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE users SET display_name = $3, name_key = $4, phone = $5, certificate_number = $6, disabled_at = $7, version = version + 1, updated_at = $8 \
         WHERE id = $1 AND version = $2",
        row.id.as_str(),
        version,
        data.display_name.as_str(),
        crate::domain::text::name_key(&data.display_name),
        data.phone.as_deref(),
        data.certificate_number.as_deref(),
        data.disabled.then(|| row.disabled_at.unwrap_or(at)),
        at,
    )?;
    Ok(done == 1)
}

/// Takes a grant back.
pub async fn revoke(tx: &mut Tx<'_>, user_id: &str, role: &str, node_id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM grants WHERE user_id = $1 AND role = $2 AND node_id = $3", user_id, role, node_id)?;
    Ok(())
}

/// Notes that a person's grants changed: cursors and streams are bound to this number.
pub async fn grants_changed(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE users SET scope_version = scope_version + 1 WHERE id = $1", user_id)?;
    Ok(())
}

/// How many can manage people at the top of a tree now. The rule that somebody always can is checked with it: who changes
/// this waits here for others who do (PostgreSQL), so that two do not each leave the other as the last.
pub async fn top_managers(tx: &mut Tx<'_>, now_ms: i64) -> Result<i64, StoreError> {
    execute!(tx, "UPDATE roles SET position = position WHERE code = 'administrator'")?;
    let row = fetch_optional!(
        tx,
        (i64,),
        "SELECT COUNT(DISTINCT u.id) FROM users u JOIN grants g ON g.user_id = u.id AND (g.valid_until IS NULL OR g.valid_until > $1) \
         JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'users.manage' \
         JOIN organizations o ON o.id = g.node_id AND o.parent_id IS NULL WHERE u.disabled_at IS NULL",
        now_ms,
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// The path of an organization or a premises.
pub async fn node_path(conn: &mut Conn<'_>, id: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT path FROM organizations WHERE id = $1 UNION ALL SELECT path FROM premises WHERE id = $1",
        id
    )?;
    Ok(row.map(|row| row.0))
}

/// The law-enforcement certificate of a person, where one is noted.
pub async fn certificate(conn: &mut Conn<'_>, id: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(conn, (Option<String>,), "SELECT certificate_number FROM users WHERE id = $1", id)?;
    Ok(row.and_then(|row| row.0))
}
