//! A month's plan of an authority and what stands on it.

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, execute, fetch_all};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Premises that one plan holds.
pub const ITEMS_MAX: i64 = 2_000;

/// A plan as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_plans, and counts of its items")]
pub struct PlanRow {
    pub id: String,
    pub organization_id: String,
    pub organization_name: String,
    pub path: String,
    pub month: String,
    pub state: String,
    pub rules: String,
    pub approval_number: Option<String>,
    pub approved_by_name: Option<String>,
    pub approved_at: Option<i64>,
    pub reason: Option<String>,
    pub created_by_name: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub proposed: i64,
    pub chosen: i64,
    pub assigned: i64,
    pub done: i64,
}

const HEAD: &str = "SELECT l.id, l.organization_id, o.name AS organization_name, l.path, l.month, l.state, l.rules, l.approval_number, ua.display_name AS approved_by_name, \
    l.approved_at, l.reason, uc.display_name AS created_by_name, l.version, l.created_at, l.updated_at, \
    (SELECT COUNT(*) FROM inspection_plan_items i WHERE i.plan_id = l.id) AS proposed, \
    (SELECT COUNT(*) FROM inspection_plan_items i WHERE i.plan_id = l.id AND i.chosen) AS chosen, \
    (SELECT COUNT(*) FROM inspection_plan_items i WHERE i.plan_id = l.id AND i.assignment_id IS NOT NULL) AS assigned, \
    (SELECT COUNT(*) FROM inspection_plan_items i JOIN work_items w ON w.id = i.assignment_id WHERE i.plan_id = l.id AND w.state = 'done') AS done \
    FROM inspection_plans l JOIN organizations o ON o.id = l.organization_id JOIN users uc ON uc.id = l.created_by LEFT JOIN users ua ON ua.id = l.approved_by";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct PlanFilter {
    pub month: Option<String>,
    pub state: Option<String>,
}

fn narrowed(select: Select, scope: &Scope, filter: &PlanFilter) -> Select {
    scope.restrict(select, "l.path LIKE ?").and_if("l.month = ?", filter.month.clone()).and_if("l.state = ?", filter.state.clone())
}

/// A page, the newest month first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &PlanFilter, page: &Page) -> Result<Vec<PlanRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match page.after() {
        Some((key, id)) => select.and("l.month < ? OR (l.month = ? AND l.id < ?)", [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY l.month DESC, l.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &PlanFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM inspection_plans l"), scope, filter);
    select.tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One plan, where the scope covers its authority.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<PlanRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("l.id = ?", [id.into()]), "l.path LIKE ?").fetch_optional(conn).await
}

/// What stands on a plan.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_plan_items and what they name")]
pub struct ItemRow {
    pub id: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_kind: String,
    pub risk_grade: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub why: String,
    pub facts: String,
    pub chosen: bool,
    pub template_id: Option<String>,
    pub kind: String,
    pub due_on: String,
    pub officers: String,
    pub merged: String,
    pub note: Option<String>,
    pub assignment_id: Option<String>,
    pub assignment_state: Option<String>,
}

/// The items of a plan that [`get`] gave, by name of the premises.
pub async fn items(conn: &mut Conn<'_>, plan_id: &str) -> Result<Vec<ItemRow>, StoreError> {
    fetch_all!(
        conn,
        ItemRow,
        "SELECT i.id, i.premises_id, p.name AS premises_name, p.kind AS premises_kind, p.risk_grade, p.latitude, p.longitude, i.why, i.facts, i.chosen, i.template_id, i.kind, \
           i.due_on, i.officers, i.merged, i.note, i.assignment_id, w.state AS assignment_state \
         FROM inspection_plan_items i JOIN premises p ON p.id = i.premises_id LEFT JOIN work_items w ON w.id = i.assignment_id \
         WHERE i.plan_id = $1 ORDER BY p.name_key, p.id LIMIT $2",
        plan_id,
        ITEMS_MAX,
    )
}

/// An item to put on a plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspection_plan_items")]
pub struct ItemData {
    pub premises_id: String,
    pub why: &'static str,
    /// JSON
    pub facts: String,
    pub chosen: bool,
    pub template_id: Option<String>,
    pub kind: String,
    pub due_on: String,
    /// JSON
    pub officers: String,
    /// JSON
    pub merged: String,
    pub note: Option<String>,
}

/// A plan to begin.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspection_plans")]
pub struct NewPlan {
    pub id: String,
    pub organization_id: String,
    pub path: String,
    pub month: String,
    pub rules: String,
    pub created_by: String,
}

/// Adds a plan. `Conflict` where the authority has one for this month.
pub async fn insert(tx: &mut Tx<'_>, new: &NewPlan, items: &[ItemData], at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO inspection_plans (id, organization_id, path, month, state, rules, created_by, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'draft', $5, $6, 1, $7, $7)",
        new.id.as_str(),
        new.organization_id.as_str(),
        new.path.as_str(),
        new.month.as_str(),
        new.rules.as_str(),
        new.created_by.as_str(),
        at,
    )?;
    for item in items {
        put_item(tx, &new.id, item).await?;
    }
    tx.changed(at, Change::upsert(Entity::Plan, &new.id, &new.path)).await
}

/// Adds an item, or changes what the planner decides of it: why and facts stay as proposed.
pub async fn put_item(tx: &mut Tx<'_>, plan_id: &str, item: &ItemData) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO inspection_plan_items (id, plan_id, premises_id, why, facts, chosen, template_id, kind, due_on, officers, merged, note) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (plan_id, premises_id) DO UPDATE SET chosen = excluded.chosen, template_id = excluded.template_id, kind = excluded.kind, \
           due_on = excluded.due_on, officers = excluded.officers, merged = excluded.merged, note = excluded.note",
        Uuid::now_v7().to_string(),
        plan_id,
        item.premises_id.as_str(),
        item.why,
        item.facts.as_str(),
        item.chosen,
        item.template_id.as_deref(),
        item.kind.as_str(),
        item.due_on.as_str(),
        item.officers.as_str(),
        item.merged.as_str(),
        item.note.as_deref(),
    )?;
    Ok(())
}

/// Notes that the items of a draft were changed; `false` where it is no draft or the version is stale.
pub async fn touch(tx: &mut Tx<'_>, row: &PlanRow, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE inspection_plans SET version = version + 1, updated_at = $3 WHERE id = $1 AND version = $2 AND state = 'draft'",
        row.id.as_str(),
        version,
        at,
    )?;
    told(tx, row, done, at).await
}

/// Approves a draft; `false` where it is none or the version is stale.
pub async fn set_approved(tx: &mut Tx<'_>, row: &PlanRow, number: &str, by: &str, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE inspection_plans SET state = 'approved', approval_number = $3, approved_by = $4, approved_at = $5, version = version + 1, updated_at = $5 \
         WHERE id = $1 AND version = $2 AND state = 'draft'",
        row.id.as_str(),
        version,
        number,
        by,
        at,
    )?;
    told(tx, row, done, at).await
}

/// Takes a draft back; `false` where it is none or the version is stale. Another can then be made for the month.
pub async fn set_withdrawn(tx: &mut Tx<'_>, row: &PlanRow, reason: &str, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE inspection_plans SET state = 'withdrawn', reason = $3, version = version + 1, updated_at = $4 \
         WHERE id = $1 AND version = $2 AND state = 'draft'",
        row.id.as_str(),
        version,
        reason,
        at,
    )?;
    told(tx, row, done, at).await
}

/// Notes the assignment that was made of an item.
pub async fn set_assignment(tx: &mut Tx<'_>, plan_id: &str, premises_id: &str, assignment_id: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE inspection_plan_items SET assignment_id = $3 WHERE plan_id = $1 AND premises_id = $2",
        plan_id,
        premises_id,
        assignment_id,
    )?;
    Ok(())
}

async fn told(tx: &mut Tx<'_>, row: &PlanRow, done: u64, at: i64) -> Result<bool, StoreError> {
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Plan, &row.id, &row.path)).await?;
    }
    Ok(done == 1)
}
