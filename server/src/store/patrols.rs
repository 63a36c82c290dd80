//! Patrols: plans of organizations, the cameras drawn for a day, and what was seen.

use super::journal::{Change, Entity};
use std::collections::BTreeMap;

use super::sql::{Arg, Select, execute, fetch_all, fetch_with_rows, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::patrol::{LookResult, PatrolPlan};

/// Plans that one answer shows: one an organization.
const PLANS_LIMIT: i64 = 1_000;
/// Cameras that a day may be drawn from.
const CAMERAS_LIMIT: i64 = 50_000;
/// What a day adds to the month of a premises.
const MONTH_HEAD: &str = "INSERT INTO patrol_months (first_on, premises_id, office_id, planned, looked)";
const MONTH_ADDED: &str = " ON CONFLICT (first_on, premises_id, office_id) DO UPDATE SET planned = patrol_months.planned + excluded.planned, \
    looked = patrol_months.looked + excluded.looked";
/// Groups that one answer of coverage may have.
const GROUPS_LIMIT: i64 = 5_000;

/// A plan, with the node it is for.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of patrol_plans and organizations")]
pub struct PlanRow {
    pub node_id: String,
    pub node_name: String,
    pub node_path: String,
    pub share: i64,
    pub by_risk: bool,
    pub updated_at: i64,
}

impl PlanRow {
    /// What it asks for.
    pub fn plan(&self) -> PatrolPlan {
        PatrolPlan { share: u32::try_from(self.share).unwrap_or(100), by_risk: self.by_risk }
    }
}

/// All plans that the scope covers, the widest first.
pub async fn plans(conn: &mut Conn<'_>, scope: &Scope) -> Result<Vec<PlanRow>, StoreError> {
    let head = "SELECT pp.node_id, o.name AS node_name, o.path AS node_path, pp.share, pp.by_risk, pp.updated_at \
        FROM patrol_plans pp JOIN organizations o ON o.id = pp.node_id";
    scope.restrict(Select::new(head), "o.path LIKE ?").tail("ORDER BY o.path LIMIT ?", [PLANS_LIMIT.into()]).fetch_all(conn).await
}

/// Sets a node's plan; today's cameras stay as they were drawn.
pub async fn put_plan(tx: &mut Tx<'_>, node_id: &str, path: &str, plan: PatrolPlan, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO patrol_plans (node_id, share, by_risk, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (node_id) DO UPDATE SET share = excluded.share, by_risk = excluded.by_risk, updated_at = excluded.updated_at",
        node_id,
        i64::from(plan.share),
        plan.by_risk,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Patrol, node_id, path)).await
}

/// Takes a node's plan away; `false` where it had none.
pub async fn delete_plan(tx: &mut Tx<'_>, node_id: &str, path: &str, at: i64) -> Result<bool, StoreError> {
    let gone = execute!(tx, "DELETE FROM patrol_plans WHERE node_id = $1", node_id)? == 1;
    if gone {
        tx.changed(at, Change::upsert(Entity::Patrol, node_id, path).deleted()).await?;
    }
    Ok(gone)
}

/// A camera that may be drawn, with where it is.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of cameras and premises")]
pub struct CameraPlace {
    pub camera_id: String,
    pub premises_id: String,
    pub office_id: String,
    pub path: String,
    pub risk_grade: Option<String>,
}

/// Every camera that shall record.
pub async fn cameras(conn: &mut Conn<'_>) -> Result<Vec<CameraPlace>, StoreError> {
    fetch_all!(
        conn,
        CameraPlace,
        "SELECT c.id AS camera_id, c.premises_id, p.organization_id AS office_id, p.path, p.risk_grade FROM cameras c \
         JOIN premises p ON p.id = c.premises_id WHERE c.enabled AND p.disabled_at IS NULL ORDER BY c.id LIMIT $1",
        CAMERAS_LIMIT,
    )
}

/// Nodes whose cameras are drawn for a day already.
pub async fn drawn(conn: &mut Conn<'_>, day: &str) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(conn, (String,), "SELECT DISTINCT node_id FROM patrol_looks WHERE day = $1 LIMIT $2", day, PLANS_LIMIT)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Keeps what was drawn for a day; a camera that another node's plan has already stays there.
pub async fn put_day(
    tx: &mut Tx<'_>,
    day: &str,
    node_id: &str,
    node_path: &str,
    cameras: &[CameraPlace],
    at: i64,
) -> Result<(), StoreError> {
    let row = |(position, camera): (usize, &CameraPlace)| -> Vec<Arg> {
        let CameraPlace { camera_id, premises_id, office_id, .. } = camera;
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        vec![day.into(), camera_id.as_str().into(), premises_id.as_str().into(), office_id.as_str().into(), node_id.into(), position.into()]
    };
    let rows: Vec<Vec<Arg>> = cameras.iter().enumerate().map(row).collect();
    let head = "INSERT INTO patrol_looks (day, camera_id, premises_id, office_id, node_id, position)";
    let placed: Vec<(String, String)> =
        fetch_with_rows(tx, head, &rows, " ON CONFLICT (day, camera_id) DO NOTHING RETURNING premises_id, office_id").await?;
    let mut planned: BTreeMap<(String, String), i64> = BTreeMap::new();
    for place in placed {
        *planned.entry(place).or_default() += 1;
    }
    let month = |((premises, office), count): ((String, String), i64)| -> Vec<Arg> {
        vec![format!("{}-01", day.get(..7).unwrap_or_default()).into(), premises.into(), office.into(), count.into(), 0_i64.into()]
    };
    let months: Vec<Vec<Arg>> = planned.into_iter().map(month).collect();
    with_rows(tx, MONTH_HEAD, &months, MONTH_ADDED).await?;
    tx.changed(at, Change::upsert(Entity::Patrol, node_id, node_path)).await
}

/// A camera of a day's patrol.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of patrol_looks and what they point to")]
pub struct LookRow {
    pub day: String,
    pub camera_id: String,
    pub camera_name: String,
    pub zone: Option<String>,
    pub codec: Option<String>,
    pub state: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub office_id: String,
    pub organization_name: String,
    pub position: i64,
    pub result: Option<String>,
    pub looked_at: Option<i64>,
    pub looked_by: Option<String>,
    pub looked_by_name: Option<String>,
    pub alert_id: Option<String>,
}

const HEAD: &str = "SELECT l.day, l.camera_id, c.name AS camera_name, c.zone, c.codec, c.state, l.premises_id, p.name AS premises_name, p.path AS premises_path, \
    l.office_id, o.name AS organization_name, l.position, l.result, l.looked_at, l.looked_by, u.display_name AS looked_by_name, l.alert_id \
    FROM patrol_looks l JOIN cameras c ON c.id = l.camera_id JOIN premises p ON p.id = l.premises_id JOIN organizations o ON o.id = l.office_id \
    LEFT JOIN users u ON u.id = l.looked_by";

/// Which of a day's cameras.
#[derive(Debug, Clone, Default)]
pub struct LookFilter {
    /// ISO date.
    pub day: String,
    /// Looked at, or not yet.
    pub looked: Option<bool>,
    /// Below this node.
    pub organization_id: Option<String>,
}

fn narrowed(head: &'static str, scope: &Scope, filter: &LookFilter) -> Select {
    let select = scope.restrict(Select::new(head), "p.path LIKE ?").and("l.day = ?", [filter.day.as_str().into()]);
    let select = select.and_if("p.path LIKE ?", filter.organization_id.as_ref().map(|id| format!("%/{id}/%")));
    match filter.looked {
        Some(true) => select.and("l.result IS NOT NULL", []),
        Some(false) => select.and("l.result IS NULL", []),
        None => select,
    }
}

/// A page of a day's cameras, in the order in which they are walked.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &LookFilter, page: &Page) -> Result<Vec<LookRow>, StoreError> {
    let select = narrowed(HEAD, scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(position), Some((_, id))) => {
            select.and("l.position > ? OR (l.position = ? AND l.camera_id > ?)", [position.into(), position.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY l.position, l.camera_id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &LookFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM patrol_looks l JOIN premises p ON p.id = l.premises_id";
    narrowed(head, scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// The cursor key of a row.
pub fn sort_key(row: &LookRow) -> (String, String) {
    (row.position.to_string(), row.camera_id.clone())
}

/// One camera of a day, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, day: &str, camera_id: &str) -> Result<Option<LookRow>, StoreError> {
    let filter = LookFilter { day: day.to_owned(), ..LookFilter::default() };
    narrowed(HEAD, scope, &filter).and("l.camera_id = ?", [camera_id.into()]).fetch_optional(conn).await
}

/// Notes what somebody saw. The first look counts; only a finding stands over one that was fine.
pub async fn looked(
    tx: &mut Tx<'_>,
    row: &LookRow,
    result: LookResult,
    alert_id: Option<&str>,
    user_id: &str,
    at: i64,
) -> Result<bool, StoreError> {
    let (day, camera) = (row.day.as_str(), row.camera_id.as_str());
    let first = execute!(
        tx,
        "UPDATE patrol_looks SET result = $3, looked_at = $4, looked_by = $5, alert_id = $6 WHERE day = $1 AND camera_id = $2 AND result IS NULL",
        day,
        camera,
        result.as_str(),
        at,
        user_id,
        alert_id,
    )? == 1;
    let done = first
        || (result == LookResult::Finding
            && execute!(
                tx,
                "UPDATE patrol_looks SET result = 'finding', looked_at = $3, looked_by = $4, alert_id = $5 \
                 WHERE day = $1 AND camera_id = $2 AND result <> 'finding'",
                day,
                camera,
                at,
                user_id,
                alert_id,
            )? == 1);
    if done {
        if first {
            let first_on = format!("{}-01", row.day.get(..7).unwrap_or_default());
            let month = vec![first_on.into(), row.premises_id.as_str().into(), row.office_id.as_str().into(), 0_i64.into(), 1_i64.into()];
            with_rows(tx, MONTH_HEAD, &[month], MONTH_ADDED).await?;
        }
        tx.changed(at, Change::upsert(Entity::Patrol, &row.camera_id, &row.premises_path).at(&row.premises_id)).await?;
    }
    Ok(done)
}

/// What coverage is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Day.
    Day,
    /// The office it belonged to then.
    Office,
    /// Premises.
    Premises,
    /// Who looked; what nobody looked at is left out.
    Person,
}

/// Coverage of a group.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of cameras a day")]
pub struct CoverageRow {
    pub id: String,
    pub name: String,
    pub planned: i64,
    pub looked: i64,
    pub findings: i64,
    pub no_picture: i64,
}

macro_rules! coverage {
    ($key:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", COUNT(*) AS planned, COUNT(l.result) AS looked, \
             CAST(SUM(CASE WHEN l.result = 'finding' THEN 1 ELSE 0 END) AS BIGINT) AS findings, \
             CAST(SUM(CASE WHEN l.result = 'no_picture' THEN 1 ELSE 0 END) AS BIGINT) AS no_picture \
             FROM patrol_looks l JOIN premises p ON p.id = l.premises_id JOIN organizations o ON o.id = l.office_id LEFT JOIN users u ON u.id = l.looked_by"
        )
    };
}

/// Coverage from one day to another, by group: days in order, others by name.
pub async fn coverage(conn: &mut Conn<'_>, scope: &Scope, from: &str, to: &str, by: By) -> Result<Vec<CoverageRow>, StoreError> {
    let (head, tail) = match by {
        By::Day => (coverage!("l.day AS id, '' AS name"), "GROUP BY l.day ORDER BY l.day LIMIT ?"),
        By::Office => (
            coverage!("l.office_id AS id, o.name AS name"),
            "GROUP BY l.office_id, o.name, o.name_key ORDER BY o.name_key, l.office_id LIMIT ?",
        ),
        By::Premises => (
            coverage!("l.premises_id AS id, p.name AS name"),
            "GROUP BY l.premises_id, p.name, p.name_key ORDER BY p.name_key, l.premises_id LIMIT ?",
        ),
        By::Person => (
            coverage!("COALESCE(l.looked_by, '') AS id, COALESCE(u.display_name, '') AS name"),
            "GROUP BY l.looked_by, u.display_name ORDER BY u.display_name, l.looked_by LIMIT ?",
        ),
    };
    let select = scope.restrict(Select::new(head), "p.path LIKE ?").and("l.day >= ? AND l.day <= ?", [from.into(), to.into()]);
    let select = if by == By::Person { select.and("l.looked_by IS NOT NULL", []) } else { select };
    select.tail(tail, [GROUPS_LIMIT.into()]).fetch_all(conn).await
}
