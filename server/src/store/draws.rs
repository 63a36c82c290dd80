//! Double random draws: what was frozen, published, entered and drawn. A row is changed by the steps only and never deleted.

use super::journal::{Change, Entity};
use super::sql::{Select, execute};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// A draw as stored, with the names of what it points to.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of draws and what they name")]
pub struct DrawRow {
    pub id: String,
    pub organization_id: String,
    pub organization_name: String,
    pub path: String,
    pub title: String,
    pub plan_id: Option<String>,
    pub state: String,
    pub asked: String,
    pub template_id: String,
    pub template_name: String,
    pub kind: String,
    pub due_on: String,
    pub input: String,
    pub input_sha256: String,
    pub commitment: String,
    pub server_sealed: String,
    pub witness_name: Option<String>,
    pub record: Option<String>,
    pub outcome: Option<String>,
    pub drawn_by_name: Option<String>,
    pub drawn_at: Option<i64>,
    pub approval_number: Option<String>,
    pub approved_by_name: Option<String>,
    pub approved_at: Option<i64>,
    pub redraw_of: Option<String>,
    pub redrawn_as: Option<String>,
    pub redraw_reason: Option<String>,
    pub withdrawn_reason: Option<String>,
    pub redraw_by_name: Option<String>,
    pub created_by_name: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

const HEAD: &str = "SELECT d.id, d.organization_id, o.name AS organization_name, d.path, d.title, d.plan_id, d.state, d.asked, d.template_id, t.name AS template_name, \
    d.kind, d.due_on, d.input, d.input_sha256, d.commitment, d.server_sealed, d.witness_name, d.record, d.outcome, ud.display_name AS drawn_by_name, d.drawn_at, \
    d.approval_number, ua.display_name AS approved_by_name, d.approved_at, d.redraw_of, (SELECT n.id FROM draws n WHERE n.redraw_of = d.id) AS redrawn_as, d.redraw_reason, d.withdrawn_reason, \
    ur.display_name AS redraw_by_name, uc.display_name AS created_by_name, d.version, d.created_at, d.updated_at \
    FROM draws d JOIN organizations o ON o.id = d.organization_id JOIN checklist_templates t ON t.id = d.template_id JOIN users uc ON uc.id = d.created_by \
    LEFT JOIN users ud ON ud.id = d.drawn_by LEFT JOIN users ua ON ua.id = d.approved_by LEFT JOIN users ur ON ur.id = d.redraw_by";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct DrawFilter {
    pub state: Option<String>,
    pub plan_id: Option<String>,
}

fn narrowed(select: Select, scope: &Scope, filter: &DrawFilter) -> Select {
    scope.restrict(select, "d.path LIKE ?").and_if("d.state = ?", filter.state.clone()).and_if("d.plan_id = ?", filter.plan_id.clone())
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &DrawFilter, page: &Page) -> Result<Vec<DrawRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("d.created_at < ? OR (d.created_at = ? AND d.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY d.created_at DESC, d.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &DrawFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM draws d"), scope, filter);
    select.tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One draw, where the scope covers its authority.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<DrawRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("d.id = ?", [id.into()]), "d.path LIKE ?").fetch_optional(conn).await
}

/// What everybody may know of the newest draws: id, commitment, input hash, when published, state.
pub async fn published(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<(String, String, String, i64, String)>, StoreError> {
    Select::new("SELECT d.id, d.commitment, d.input_sha256, d.created_at, d.state FROM draws d")
        .tail("ORDER BY d.created_at DESC, d.id DESC LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// Whether a plan has a draw that goes on or has been approved.
pub async fn of_plan(conn: &mut Conn<'_>, plan_id: &str) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = Select::new("SELECT d.id FROM draws d")
        .and("d.plan_id = ?", [plan_id.into()])
        .and("d.state IN ('committed', 'drawn', 'approved')", [])
        .tail("ORDER BY d.id LIMIT 1", [])
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| row.0))
}

/// A draw to begin.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of draws")]
pub struct NewDraw {
    pub id: String,
    pub organization_id: String,
    pub path: String,
    pub title: String,
    pub plan_id: Option<String>,
    pub asked: String,
    pub template_id: String,
    pub kind: &'static str,
    pub due_on: String,
    pub input: String,
    pub input_sha256: String,
    pub commitment: String,
    pub server_sealed: String,
    /// The draw before it, why, and who approved that.
    pub redraw: Option<(String, String, String)>,
    pub created_by: String,
}

/// Publishes a commitment. `Conflict` where the draw before it has been drawn again already.
pub async fn insert(tx: &mut Tx<'_>, new: &NewDraw, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO draws (id, organization_id, path, title, plan_id, state, asked, template_id, kind, due_on, input, input_sha256, commitment, server_sealed, \
           redraw_of, redraw_reason, redraw_by, created_by, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 'committed', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18, $18)",
        new.id.as_str(),
        new.organization_id.as_str(),
        new.path.as_str(),
        new.title.as_str(),
        new.plan_id.as_deref(),
        new.asked.as_str(),
        new.template_id.as_str(),
        new.kind,
        new.due_on.as_str(),
        new.input.as_str(),
        new.input_sha256.as_str(),
        new.commitment.as_str(),
        new.server_sealed.as_str(),
        new.redraw.as_ref().map(|redraw| redraw.0.as_str()),
        new.redraw.as_ref().map(|redraw| redraw.1.as_str()),
        new.redraw.as_ref().map(|redraw| redraw.2.as_str()),
        new.created_by.as_str(),
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Draw, &new.id, &new.path)).await
}

/// What a draw came to.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of draws")]
pub struct Made {
    pub witness_name: String,
    pub record: String,
    pub outcome: &'static str,
    pub drawn_by: String,
}

/// Keeps what was drawn; `false` where it was drawn or withdrawn meanwhile, or the version is stale.
pub async fn set_drawn(tx: &mut Tx<'_>, row: &DrawRow, made: &Made, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE draws SET state = $3, witness_name = $4, record = $5, outcome = $6, drawn_by = $7, drawn_at = $8, version = version + 1, updated_at = $8 \
         WHERE id = $1 AND version = $2 AND state = 'committed'",
        row.id.as_str(),
        version,
        if made.outcome == "drawn" { "drawn" } else { "failed" },
        made.witness_name.as_str(),
        made.record.as_str(),
        made.outcome,
        made.drawn_by.as_str(),
        at,
    )?;
    told(tx, row, done, at).await
}

/// Notes the approval; `false` where it is not there to approve.
pub async fn set_approved(tx: &mut Tx<'_>, row: &DrawRow, number: &str, by: &str, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE draws SET state = 'approved', approval_number = $3, approved_by = $4, approved_at = $5, version = version + 1, updated_at = $5 \
         WHERE id = $1 AND version = $2 AND state = 'drawn'",
        row.id.as_str(),
        version,
        number,
        by,
        at,
    )?;
    told(tx, row, done, at).await
}

/// Takes a draw back before it is approved; `false` where it is too late.
pub async fn set_withdrawn(tx: &mut Tx<'_>, row: &DrawRow, reason: &str, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE draws SET state = 'withdrawn', withdrawn_reason = $3, version = version + 1, updated_at = $4 \
         WHERE id = $1 AND version = $2 AND state IN ('committed', 'drawn')",
        row.id.as_str(),
        version,
        reason,
        at,
    )?;
    told(tx, row, done, at).await
}

async fn told(tx: &mut Tx<'_>, row: &DrawRow, done: u64, at: i64) -> Result<bool, StoreError> {
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Draw, &row.id, &row.path)).await?;
    }
    Ok(done == 1)
}

/// A premises that can be drawn or planned.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub organization_id: String,
    pub path: String,
    pub kind: String,
    pub risk_grade: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// Which premises a draw chooses from.
#[derive(Debug, Clone, Default)]
pub struct PlaceFilter {
    /// Kinds of premises; none: all.
    pub kinds: Vec<String>,
    /// Risk grades; none: all.
    pub grades: Vec<String>,
    /// Those that the plan chose and for which nobody is named.
    pub plan_id: Option<String>,
}

/// Supervised premises below an authority that the scope covers, without an open check, in order of id.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, path: &str, filter: &PlaceFilter, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    let head = "SELECT p.id, p.name, p.organization_id, p.path, p.kind, p.risk_grade, p.latitude, p.longitude FROM premises p";
    let select = scope
        .restrict(Select::new(head).and("p.disabled_at IS NULL", []), "p.path LIKE ?")
        .and("p.path LIKE ?", [format!("{path}%").into()])
        .and("NOT EXISTS (SELECT 1 FROM work_items w WHERE w.premises_id = p.id AND w.kind = 'assignment' AND w.open)", [])
        .and_if(
            "EXISTS (SELECT 1 FROM inspection_plan_items i WHERE i.premises_id = p.id AND i.plan_id = ? AND i.chosen AND i.officers = '[]')",
            filter.plan_id.clone(),
        );
    let select =
        if filter.kinds.is_empty() { select } else { select.and_any("p.kind = ?", filter.kinds.iter().map(|kind| kind.as_str().into())) };
    let select = if filter.grades.is_empty() {
        select
    } else {
        select.and_any("p.risk_grade = ?", filter.grades.iter().map(|grade| grade.as_str().into()))
    };
    select.tail("ORDER BY p.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// All supervised premises below an authority that the scope covers, in order of id.
pub async fn supervised(conn: &mut Conn<'_>, scope: &Scope, path: &str, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    let head = "SELECT p.id, p.name, p.organization_id, p.path, p.kind, p.risk_grade, p.latitude, p.longitude FROM premises p";
    let select = scope.restrict(Select::new(head).and("p.disabled_at IS NULL", []), "p.path LIKE ?");
    select.and("p.path LIKE ?", [format!("{path}%").into()]).tail("ORDER BY p.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Who was at, or is sent to, premises below a path since a moment: premises, officer.
pub async fn visits(conn: &mut Conn<'_>, path: &str, since_ms: i64, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    Select::new(
        "SELECT DISTINCT v.premises_id, v.user_id FROM ( \
           SELECT i.premises_id, io.user_id, i.happened_at AS at FROM inspections i JOIN inspection_officers io ON io.inspection_id = i.id WHERE i.submitted_at IS NOT NULL \
           UNION ALL \
           SELECT w.premises_id, ao.user_id, CAST(9000000000000 AS BIGINT) AS at FROM work_items w JOIN assignment_officers ao ON ao.assignment_id = w.id WHERE w.open \
         ) v JOIN premises p ON p.id = v.premises_id",
    )
    .and("v.at >= ?", [since_ms.into()])
    .and("p.path LIKE ?", [format!("{path}%").into()])
    .tail("ORDER BY v.premises_id, v.user_id LIMIT ?", [limit.into()])
    .fetch_all(conn)
    .await
}

/// The middle of each office's premises below a path: office, latitude, longitude.
pub async fn middles(conn: &mut Conn<'_>, path: &str) -> Result<Vec<(String, f64, f64)>, StoreError> {
    Select::new("SELECT p.organization_id, AVG(p.latitude) AS latitude, AVG(p.longitude) AS longitude FROM premises p")
        .and("p.disabled_at IS NULL AND p.latitude IS NOT NULL AND p.longitude IS NOT NULL", [])
        .and("p.path LIKE ?", [format!("{path}%").into()])
        .tail("GROUP BY p.organization_id ORDER BY p.organization_id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// Premises that operators run, themselves or by contract: operator, premises.
pub async fn premises_of_operators(conn: &mut Conn<'_>, operators: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    Select::new("SELECT po.operator_id, po.premises_id FROM premises_operators po")
        .and_any("po.operator_id = ?", operators.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY po.operator_id, po.premises_id LIMIT 20000", [])
        .fetch_all(conn)
        .await
}
