//! Premises (场所).

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Arg, Select, contains, execute};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, settings, tallies};
use crate::auth::Scope;
use crate::domain::text::name_key;

/// A premises as stored, with what lists show beside it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises, and counts over what belongs to it")]
pub struct PremisesRow {
    pub id: String,
    pub organization_id: String,
    pub organization_name: String,
    pub path: String,
    pub kind: String,
    pub name: String,
    pub name_key: String,
    pub address: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub source_datum: Option<String>,
    pub school: Option<String>,
    pub diners: Option<i64>,
    pub risk_grade: Option<String>,
    pub grid: Option<String>,
    pub code: Option<String>,
    pub service_hours: String,
    pub disabled_at: Option<i64>,
    pub merged_into: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub cameras_total: i64,
    pub cameras_online: i64,
    pub open_alerts: i64,
    pub last_inspection_id: Option<String>,
    pub last_inspection_outcome: Option<String>,
    pub last_inspection_happened_at: Option<i64>,
    pub last_inspection_submitted_at: Option<i64>,
}

const HEAD: &str = "SELECT p.id, p.organization_id, o.name AS organization_name, p.path, p.kind, p.name, p.name_key, p.address, p.latitude, p.longitude, \
    p.source_datum, p.school, p.diners, p.risk_grade, p.grid, p.code, p.service_hours, p.disabled_at, p.merged_into, p.version, p.created_at, p.updated_at, \
    (SELECT COUNT(*) FROM cameras c WHERE c.premises_id = p.id AND c.enabled) AS cameras_total, \
    (SELECT COUNT(*) FROM cameras c WHERE c.premises_id = p.id AND c.enabled AND c.state IN ('recording', 'degraded')) AS cameras_online, \
    (SELECT COUNT(*) FROM work_items w WHERE w.premises_id = p.id AND w.kind = 'alert' AND w.open) AS open_alerts, \
    li.id AS last_inspection_id, li.outcome AS last_inspection_outcome, li.happened_at AS last_inspection_happened_at, li.submitted_at AS last_inspection_submitted_at \
    FROM premises p JOIN organizations o ON o.id = p.organization_id \
    LEFT JOIN inspections li ON li.id = (SELECT i.id FROM inspections i WHERE i.premises_id = p.id AND i.submitted_at IS NOT NULL ORDER BY i.happened_at DESC, i.id DESC LIMIT 1)";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct PremisesFilter {
    pub text: Option<String>,
    pub kind: Option<String>,
    pub organization_id: Option<String>,
    pub disabled: Option<bool>,
    pub risk_grade: Option<String>,
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PremisesSort {
    /// By pinyin.
    #[default]
    Name,
    /// By pinyin, from the end.
    NameDescending,
    /// Newest change first.
    Updated,
}

fn narrowed(select: Select, filter: &PremisesFilter) -> Select {
    let select = select
        .and_if("p.kind = ?", filter.kind.clone())
        .and_if("p.path LIKE ?", filter.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("p.risk_grade = ?", filter.risk_grade.clone());
    let select = match filter.text.as_deref().map(contains) {
        Some(text) => select.and(
            "p.name_key LIKE ? ESCAPE '!' OR lower(COALESCE(p.address, '')) LIKE ? ESCAPE '!' OR lower(COALESCE(p.code, '')) LIKE ? ESCAPE '!'",
            [text.clone().into(), text.clone().into(), text.into()],
        ),
        None => select,
    };
    match filter.disabled {
        Some(true) => select.and("p.disabled_at IS NOT NULL", []),
        Some(false) => select.and("p.disabled_at IS NULL", []),
        None => select,
    }
}

/// A page of premises.
pub async fn list(
    conn: &mut Conn<'_>,
    scope: &Scope,
    filter: &PremisesFilter,
    sort: PremisesSort,
    page: &Page,
) -> Result<Vec<PremisesRow>, StoreError> {
    let select = scope.restrict(narrowed(Select::new(HEAD), filter), "p.path LIKE ?");
    let (fragment, order) = match sort {
        PremisesSort::Name => ("p.name_key > ? OR (p.name_key = ? AND p.id > ?)", "ORDER BY p.name_key, p.id LIMIT ?"),
        PremisesSort::NameDescending => ("p.name_key < ? OR (p.name_key = ? AND p.id < ?)", "ORDER BY p.name_key DESC, p.id DESC LIMIT ?"),
        PremisesSort::Updated => ("p.updated_at < ? OR (p.updated_at = ? AND p.id < ?)", "ORDER BY p.updated_at DESC, p.id DESC LIMIT ?"),
    };
    let select = match page.after() {
        Some((key, id)) => {
            let key: Arg = if sort == PremisesSort::Updated { page.after_number().unwrap_or_default().into() } else { key.into() };
            select.and(fragment, [key.clone(), key, id.into()])
        }
        None => select,
    };
    select.tail(order, [page.fetch().into()]).fetch_all(conn).await
}

/// The cursor key of a row under a sort.
pub fn sort_key(row: &PremisesRow, sort: PremisesSort) -> (String, String) {
    let key = if sort == PremisesSort::Updated { row.updated_at.to_string() } else { row.name_key.clone() };
    (key, row.id.clone())
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &PremisesFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM premises p"), filter);
    scope.restrict(select, "p.path LIKE ?").tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One premises, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<PremisesRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("p.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// What people may change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PremisesData {
    pub organization_id: String,
    /// The organization's path.
    pub organization_path: String,
    pub kind: String,
    pub name: String,
    pub address: Option<String>,
    /// WGS-84 latitude and longitude, degrees.
    pub point: Option<(f64, f64)>,
    pub source_datum: Option<String>,
    pub school: Option<String>,
    pub diners: Option<i64>,
    pub risk_grade: Option<String>,
    pub grid: Option<String>,
    pub code: Option<String>,
    /// JSON
    pub service_hours: String,
    pub disabled: bool,
}

/// Where everything of a premises is: itself, or the one that it was merged into. For what phones bring that were away meanwhile.
pub async fn living(conn: &mut Conn<'_>, id: &str) -> Result<String, StoreError> {
    let row = super::sql::fetch_optional!(conn, (Option<String>,), "SELECT merged_into FROM premises WHERE id = $1", id)?;
    Ok(row.and_then(|row| row.0).unwrap_or_else(|| id.to_owned()))
}

/// The same where it is in `scope`: its id, its office and its node.
pub async fn living_place(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<(String, String, String)>, StoreError> {
    let select = Select::new("SELECT p.id, p.organization_id, p.path FROM premises p")
        .and("p.id = COALESCE((SELECT m.merged_into FROM premises m WHERE m.id = ?), ?)", [id.into(), id.into()]);
    scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await
}

/// Of these premises those that were merged: the id, the id and the name of the one that has everything.
pub async fn merged(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    Select::new("SELECT p.id, l.id, l.name FROM premises p JOIN premises l ON l.id = p.merged_into")
        .and_any("p.id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY p.id", [])
        .fetch_all(conn)
        .await
}

/// What is bound to a premises and moves as it is.
const BOUND: [&str; 9] = [
    "UPDATE cameras SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE camera_days SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE work_items SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE inspections SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE documents SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE officer_interests SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE late_inspections SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE self_checks SET premises_id = $2 WHERE premises_id = $1",
    "UPDATE retained_samples SET premises_id = $2 WHERE premises_id = $1",
];
/// What the living one may have already: its own stays.
const SHARED: [&str; 6] = [
    "INSERT INTO premises_operators (premises_id, operator_id, part, valid_from, valid_until) SELECT $2, operator_id, part, valid_from, valid_until \
       FROM premises_operators WHERE premises_id = $1 ON CONFLICT DO NOTHING",
    "UPDATE disclosures SET premises_id = $2 WHERE premises_id = $1 AND NOT EXISTS (SELECT 1 FROM disclosures x WHERE x.premises_id = $2)",
    "UPDATE inspection_plan_items SET premises_id = $2 WHERE premises_id = $1 \
       AND NOT EXISTS (SELECT 1 FROM inspection_plan_items x WHERE x.plan_id = inspection_plan_items.plan_id AND x.premises_id = $2)",
    "UPDATE premises SET merged_into = $2 WHERE merged_into = $1",
    "UPDATE settings SET scope_id = $2 WHERE scope = 'premises' AND scope_id = $1 \
       AND NOT EXISTS (SELECT 1 FROM settings x WHERE x.scope = 'premises' AND x.scope_id = $2 AND x.name = settings.name)",
    "INSERT INTO self_check_reminders (premises_id, code, day, slot, kind, told_at) SELECT $2, code, day, slot, kind, told_at \
       FROM self_check_reminders WHERE premises_id = $1 ON CONFLICT DO NOTHING",
];

/// Merges a double into `into`: everything belongs to that one from here on, and the double stays as a stone that names it. Papers,
/// audit rows and what phones sent keep the words and ids they had. `false` where the double was changed meanwhile.
pub async fn merge(tx: &mut Tx<'_>, double: &PremisesRow, into: &PremisesRow, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE premises SET merged_into = $3, merged_at = $4, disabled_at = COALESCE(disabled_at, $4), code = NULL, version = version + 1, updated_at = $4 \
         WHERE id = $1 AND version = $2 AND merged_into IS NULL",
        double.id.as_str(),
        version,
        into.id.as_str(),
        at,
    )?;
    if done == 0 {
        return Ok(false);
    }
    let cameras: Vec<(String,)> = Select::new("SELECT c.id FROM cameras c")
        .and("c.premises_id = ?", [double.id.as_str().into()])
        .tail("ORDER BY c.id LIMIT 10000", [])
        .fetch_all(tx)
        .await?;
    for statement in BOUND.into_iter().chain(SHARED) {
        execute!(tx, statement, double.id.as_str(), into.id.as_str())?;
    }
    execute!(tx, "DELETE FROM premises_operators WHERE premises_id = $1", double.id.as_str())?;
    execute!(tx, "DELETE FROM self_check_reminders WHERE premises_id = $1", double.id.as_str())?;
    execute!(tx, "UPDATE late_inspections SET path = $2 WHERE premises_id = $1", into.id.as_str(), into.path.as_str())?;
    tallies::merged(tx, &double.id, &into.id).await?;
    settings::merged(tx, double, into, at).await?;
    // The code at the double's door is the living one's, where that has none.
    execute!(
        tx,
        "UPDATE premises SET code = COALESCE(code, $2), version = version + 1, updated_at = $3 WHERE id = $1",
        into.id.as_str(),
        double.code.as_deref(),
        at,
    )?;
    // Who answered for the double answers for the living one.
    execute!(
        tx,
        "UPDATE grants SET node_id = $2, node_path = $3 WHERE node_id = $1 \
           AND NOT EXISTS (SELECT 1 FROM grants x WHERE x.user_id = grants.user_id AND x.role = grants.role AND x.node_id = $2)",
        double.id.as_str(),
        into.id.as_str(),
        into.path.as_str(),
    )?;
    execute!(
        tx,
        "UPDATE users SET scope_version = scope_version + 1 WHERE id IN (SELECT user_id FROM grants WHERE node_id = $1 OR node_id = $2)",
        double.id.as_str(),
        into.id.as_str(),
    )?;
    execute!(tx, "DELETE FROM grants WHERE node_id = $1", double.id.as_str())?;
    tx.changed(at, Change::upsert(Entity::Premises, &double.id, &double.path).at(&double.id).deleted()).await?;
    tx.changed(at, Change::upsert(Entity::Premises, &into.id, &into.path).at(&into.id)).await?;
    for (camera,) in cameras {
        tx.changed(at, Change::upsert(Entity::Camera, &camera, &into.path).at(&into.id)).await?;
    }
    noted(tx, into, at).await?;
    Ok(true)
}

/// What phones hold of the living one names it by its new place: they are told of what is open, and of the last month's.
async fn noted(tx: &mut Tx<'_>, into: &PremisesRow, at: i64) -> Result<(), StoreError> {
    let open: Vec<(String, String)> = Select::new("SELECT w.id, w.kind FROM work_items w")
        .and("w.premises_id = ? AND w.open", [into.id.as_str().into()])
        .tail("ORDER BY w.id LIMIT 2000", [])
        .fetch_all(tx)
        .await?;
    for (id, kind) in open {
        match kind.as_str() {
            "assignment" => {
                if let Some(row) = super::assignments::for_work(tx, &id).await? {
                    super::assignments::note_change(tx, &row, at).await?;
                }
            }
            "alert" => tx.changed(at, Change::upsert(Entity::Alert, &id, &into.path).at(&into.id)).await?,
            "incident" => tx.changed(at, Change::upsert(Entity::Incident, &id, &into.path).at(&into.id)).await?,
            _ => tx.changed(at, Change::upsert(Entity::Order, &id, &into.path).at(&into.id)).await?,
        }
    }
    let recent: Vec<(String,)> = Select::new("SELECT i.id FROM inspections i")
        .and("i.premises_id = ? AND i.happened_at >= ?", [into.id.as_str().into(), (at - 30 * 24 * 3_600_000).into()])
        .tail("ORDER BY i.id LIMIT 1000", [])
        .fetch_all(tx)
        .await?;
    for (id,) in recent {
        if let Some(row) = super::inspections::of_upload(tx, &id).await? {
            super::inspections::note_change(tx, &row, row.state != "draft", at).await?;
        }
    }
    let papers: Vec<(String,)> = Select::new("SELECT s.id FROM self_checks s")
        .and("s.premises_id = ? AND s.received_at >= ?", [into.id.as_str().into(), (at - 35 * 24 * 3_600_000).into()])
        .tail("ORDER BY s.id LIMIT 2000", [])
        .fetch_all(tx)
        .await?;
    for (id,) in papers {
        tx.changed(at, Change::upsert(Entity::SelfCheck, &id, &into.path).at(&into.id)).await?;
    }
    Ok(())
}

/// Adds a premises; gives its id.
pub async fn insert(tx: &mut Tx<'_>, id: Uuid, data: &PremisesData, at: i64) -> Result<String, StoreError> {
    let id = id.to_string();
    let path = format!("{}{id}/", data.organization_path);
    execute!(
        tx,
        "INSERT INTO premises (id, organization_id, path, kind, name, name_key, address, latitude, longitude, source_datum, school, diners, risk_grade, grid, code, \
           service_hours, disabled_at, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18, $18)",
        id.as_str(),
        data.organization_id.as_str(),
        path.as_str(),
        data.kind.as_str(),
        data.name.as_str(),
        name_key(&data.name),
        data.address.as_deref(),
        data.point.map(|point| point.0),
        data.point.map(|point| point.1),
        data.source_datum.as_deref(),
        data.school.as_deref(),
        data.diners,
        data.risk_grade.as_deref(),
        data.grid.as_deref(),
        data.code.as_deref(),
        data.service_hours.as_str(),
        data.disabled.then_some(at),
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Premises, &id, &path).at(&id)).await?;
    Ok(id)
}

/// Changes a premises; `false` where `version` is stale. Moving it to another office moves its path and the grants at it.
pub async fn update(tx: &mut Tx<'_>, row: &PremisesRow, data: &PremisesData, version: i64, at: i64) -> Result<bool, StoreError> {
    let path = format!("{}{}/", data.organization_path, row.id);
    let disabled_at = data.disabled.then(|| row.disabled_at.unwrap_or(at));
    let done = execute!(
        tx,
        "UPDATE premises SET organization_id = $3, path = $4, kind = $5, name = $6, name_key = $7, address = $8, latitude = $9, longitude = $10, source_datum = $11, \
           school = $12, diners = $13, risk_grade = $14, grid = $15, code = $16, service_hours = $17, disabled_at = $18, version = version + 1, updated_at = $19 \
         WHERE id = $1 AND version = $2",
        row.id.as_str(),
        version,
        data.organization_id.as_str(),
        path.as_str(),
        data.kind.as_str(),
        data.name.as_str(),
        name_key(&data.name),
        data.address.as_deref(),
        data.point.map(|point| point.0),
        data.point.map(|point| point.1),
        data.source_datum.as_deref(),
        data.school.as_deref(),
        data.diners,
        data.risk_grade.as_deref(),
        data.grid.as_deref(),
        data.code.as_deref(),
        data.service_hours.as_str(),
        disabled_at,
        at,
    )?;
    if done == 0 {
        return Ok(false);
    }
    if path != row.path {
        execute!(tx, "UPDATE grants SET node_path = $2 WHERE node_id = $1", row.id.as_str(), path.as_str())?;
        // Those who lose it hear that it is gone; those who gain it hear of it below.
        tx.changed(at, Change::upsert(Entity::Premises, &row.id, &row.path).at(&row.id).deleted()).await?;
    }
    tx.changed(at, Change::upsert(Entity::Premises, &row.id, &path).at(&row.id)).await?;
    Ok(true)
}
