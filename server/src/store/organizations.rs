//! The tree of authorities.

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, contains, execute, fetch_all};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::organization::Level;
use crate::domain::text::name_key;

/// A node as stored, with how many premises lie below it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of organizations")]
pub struct OrganizationRow {
    pub id: String,
    pub parent_id: Option<String>,
    pub level: String,
    pub name: String,
    pub name_key: String,
    pub path: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub premises_count: i64,
}

const HEAD: &str = "SELECT o.id, o.parent_id, o.level, o.name, o.name_key, o.path, o.version, o.created_at, o.updated_at, \
    (SELECT COUNT(*) FROM premises p WHERE p.path LIKE o.path || '%' AND p.disabled_at IS NULL) AS premises_count FROM organizations o";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct OrganizationFilter {
    pub level: Option<String>,
    pub parent_id: Option<String>,
    pub text: Option<String>,
}

fn narrowed(select: Select, filter: &OrganizationFilter) -> Select {
    select
        .and_if("o.level = ?", filter.level.clone())
        .and_if("o.parent_id = ?", filter.parent_id.clone())
        .and_if("o.name_key LIKE ? ESCAPE '!'", filter.text.as_deref().map(contains))
}

/// A page of the tree, by path: a parent comes before what is below it only by level, so callers build the tree from `parent_id`.
pub async fn list(
    conn: &mut Conn<'_>,
    scope: &Scope,
    filter: &OrganizationFilter,
    page: &Page,
) -> Result<Vec<OrganizationRow>, StoreError> {
    let select = scope.restrict(narrowed(Select::new(HEAD), filter), "o.path LIKE ?");
    let select = match page.after() {
        Some((key, id)) => select.and("o.name_key > ? OR (o.name_key = ? AND o.id > ?)", [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY o.name_key, o.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &OrganizationFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM organizations o"), filter);
    scope.restrict(select, "o.path LIKE ?").tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One node, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<OrganizationRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("o.id = ?", [id.into()]), "o.path LIKE ?").fetch_optional(conn).await
}

/// Id and path of each top there is, oldest first.
pub async fn tops(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(conn, (String, String), "SELECT id, path FROM organizations WHERE parent_id IS NULL ORDER BY id LIMIT 100")
}

/// Adds a node below `parent` (id, path), or at the top; gives its id and path.
pub async fn insert(
    tx: &mut Tx<'_>,
    name: &str,
    level: Level,
    parent: Option<(&str, &str)>,
    at: i64,
) -> Result<(String, String), StoreError> {
    let id = Uuid::now_v7().to_string();
    let path = format!("{}{id}/", parent.map_or("/", |parent| parent.1));
    execute!(
        tx,
        "INSERT INTO organizations (id, parent_id, level, name, name_key, path, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)",
        id.as_str(),
        parent.map(|parent| parent.0),
        level.as_str(),
        name,
        name_key(name),
        path.as_str(),
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Organization, &id, &path)).await?;
    Ok((id, path))
}

/// Renames a node; `false` where `version` is stale.
pub async fn rename(tx: &mut Tx<'_>, row: &OrganizationRow, name: &str, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE organizations SET name = $3, name_key = $4, version = version + 1, updated_at = $5 WHERE id = $1 AND version = $2",
        row.id.as_str(),
        version,
        name,
        name_key(name),
        at,
    )?;
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Organization, &row.id, &row.path)).await?;
    }
    Ok(done == 1)
}
