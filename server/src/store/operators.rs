//! Operators (经营主体) and the part they have at premises.

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, contains, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::text::name_key;

/// An operator of a premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises_operators and operators")]
pub struct PremisesOperatorRow {
    pub operator_id: String,
    pub name: String,
    pub part: String,
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
}

/// Who operates a premises that the caller has already been allowed to see.
pub async fn of_premises(conn: &mut Conn<'_>, premises_id: &str) -> Result<Vec<PremisesOperatorRow>, StoreError> {
    fetch_all!(
        conn,
        PremisesOperatorRow,
        "SELECT po.operator_id, o.name, po.part, po.valid_from, po.valid_until FROM premises_operators po \
         JOIN operators o ON o.id = po.operator_id WHERE po.premises_id = $1 ORDER BY po.part, o.name_key LIMIT 50",
        premises_id,
    )
}

/// Whether there is an operator of this id.
pub async fn exists(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT id FROM operators WHERE id = $1", id)?.is_some())
}

/// An operator as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of operators")]
pub struct OperatorRow {
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub credit_code: Option<String>,
    pub contact_name: Option<String>,
    pub contact_phone: Option<String>,
    pub licence_number: Option<String>,
    pub licence_scope: Option<String>,
    pub licence_expires_on: Option<String>,
    pub checks_cap: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

const COLUMNS: &str = "SELECT o.id, o.name, o.name_key, o.credit_code, o.contact_name, o.contact_phone, o.licence_number, o.licence_scope, \
    o.licence_expires_on, o.checks_cap, o.version, o.created_at, o.updated_at FROM operators o";

/// An operator belongs where its premises are.
const BELONGS: &str =
    "EXISTS (SELECT 1 FROM premises_operators po JOIN premises p ON p.id = po.premises_id WHERE po.operator_id = o.id AND p.path LIKE ?)";
/// One that has no premises yet belongs to everybody who keeps operators.
const BELONGS_OR_UNLINKED: &str = "EXISTS (SELECT 1 FROM operators x LEFT JOIN premises_operators po ON po.operator_id = x.id \
    LEFT JOIN premises p ON p.id = po.premises_id WHERE x.id = o.id AND (po.premises_id IS NULL OR p.path LIKE ?))";

/// Whose operators, and whether also those without premises.
#[derive(Debug, Clone)]
pub struct OperatorScope {
    /// Where their premises are.
    pub scope: Scope,
    /// For those who keep operators.
    pub unlinked: bool,
}

impl OperatorScope {
    fn restrict(&self, select: Select) -> Select {
        self.scope.restrict(select, if self.unlinked { BELONGS_OR_UNLINKED } else { BELONGS })
    }
}

fn narrowed(select: Select, text: Option<&str>) -> Select {
    match text.map(contains) {
        Some(text) => select.and(
            "o.name_key LIKE ? ESCAPE '!' OR lower(COALESCE(o.credit_code, '')) LIKE ? ESCAPE '!' OR lower(COALESCE(o.licence_number, '')) LIKE ? ESCAPE '!'",
            [text.clone().into(), text.clone().into(), text.into()],
        ),
        None => select,
    }
}

/// A page of operators, by name.
pub async fn list(conn: &mut Conn<'_>, scope: &OperatorScope, text: Option<&str>, page: &Page) -> Result<Vec<OperatorRow>, StoreError> {
    let select = scope.restrict(narrowed(Select::new(COLUMNS), text));
    let select = match page.after() {
        Some((key, id)) => select.and("o.name_key > ? OR (o.name_key = ? AND o.id > ?)", [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY o.name_key, o.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &OperatorScope, text: Option<&str>) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM operators o"), text);
    scope.restrict(select).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One operator, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &OperatorScope, id: &str) -> Result<Option<OperatorRow>, StoreError> {
    scope.restrict(Select::new(COLUMNS).and("o.id = ?", [id.into()])).fetch_optional(conn).await
}

/// What people may change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of operators")]
pub struct OperatorData {
    pub name: String,
    pub credit_code: Option<String>,
    pub contact_name: Option<String>,
    pub contact_phone: Option<String>,
    pub licence_number: Option<String>,
    pub licence_scope: Option<String>,
    pub licence_expires_on: Option<String>,
    pub checks_cap: Option<i64>,
}

/// Adds an operator. `Conflict` where the credit code is taken.
pub async fn insert(tx: &mut Tx<'_>, data: &OperatorData, at: i64) -> Result<String, StoreError> {
    let id = Uuid::now_v7().to_string();
    execute!(
        tx,
        "INSERT INTO operators (id, name, name_key, credit_code, contact_name, contact_phone, licence_number, licence_scope, licence_expires_on, checks_cap, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11)",
        id.as_str(),
        data.name.as_str(),
        name_key(&data.name),
        data.credit_code.as_deref(),
        data.contact_name.as_deref(),
        data.contact_phone.as_deref(),
        data.licence_number.as_deref(),
        data.licence_scope.as_deref(),
        data.licence_expires_on.as_deref(),
        data.checks_cap,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Operator, &id, "/")).await?;
    Ok(id)
}

/// Changes an operator; `false` where `version` is stale.
pub async fn update(tx: &mut Tx<'_>, id: &str, data: &OperatorData, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE operators SET name = $3, name_key = $4, credit_code = $5, contact_name = $6, contact_phone = $7, licence_number = $8, licence_scope = $9, \
           licence_expires_on = $10, checks_cap = $11, version = version + 1, updated_at = $12 WHERE id = $1 AND version = $2",
        id,
        version,
        data.name.as_str(),
        name_key(&data.name),
        data.credit_code.as_deref(),
        data.contact_name.as_deref(),
        data.contact_phone.as_deref(),
        data.licence_number.as_deref(),
        data.licence_scope.as_deref(),
        data.licence_expires_on.as_deref(),
        data.checks_cap,
        at,
    )?;
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Operator, id, "/")).await?;
    }
    Ok(done == 1)
}

/// Says which part an operator has at a premises, and when.
pub async fn link(
    tx: &mut Tx<'_>,
    premises: (&str, &str),
    operator_id: &str,
    part: &str,
    days: (Option<&str>, Option<&str>),
    at: i64,
) -> Result<(), StoreError> {
    let (premises_id, path) = premises;
    execute!(
        tx,
        "INSERT INTO premises_operators (premises_id, operator_id, part, valid_from, valid_until) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (premises_id, operator_id) DO UPDATE SET part = excluded.part, valid_from = excluded.valid_from, valid_until = excluded.valid_until",
        premises_id,
        operator_id,
        part,
        days.0,
        days.1,
    )?;
    tx.changed(at, Change::upsert(Entity::Premises, premises_id, path).at(premises_id)).await
}

/// Takes the part back; `false` where there was none.
pub async fn unlink(tx: &mut Tx<'_>, premises: (&str, &str), operator_id: &str, at: i64) -> Result<bool, StoreError> {
    let (premises_id, path) = premises;
    let done = execute!(tx, "DELETE FROM premises_operators WHERE premises_id = $1 AND operator_id = $2", premises_id, operator_id)?;
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Premises, premises_id, path).at(premises_id)).await?;
    }
    Ok(done == 1)
}
