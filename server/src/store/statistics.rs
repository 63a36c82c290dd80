//! A camera's days in numbers, computed beforehand, and their sums by camera and premises.

use std::collections::BTreeSet;

use super::sql::{Arg, Select, execute, fetch_all, fetch_optional, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::statistics::{DayFigures, Gap};

/// Gaps of one page of cameras in the days that are computed, at most.
const GAPS_LIMIT: i64 = 1_000_000;

/// Cameras whose days are added up in one statement.
const CAMERAS_ADDED_UP: usize = 200;

/// A camera whose days are counted.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of cameras and premises")]
pub struct Counted {
    pub id: String,
    pub premises_id: String,
    pub service_hours: String,
    pub watched_since: i64,
}

/// Cameras that were ever watched, after `after`, by id.
pub async fn cameras_after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<Counted>, StoreError> {
    fetch_all!(
        conn,
        Counted,
        "SELECT c.id, c.premises_id, p.service_hours, c.watched_since FROM cameras c JOIN premises p ON p.id = c.premises_id \
         WHERE c.id > $1 AND c.watched_since IS NOT NULL ORDER BY c.id LIMIT $2",
        after,
        limit,
    )
}

/// When the first camera was watched, ms UTC.
pub async fn watched_since(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(conn, (Option<i64>,), "SELECT MIN(watched_since) FROM cameras")?;
    Ok(row.and_then(|row| row.0))
}

/// When days were counted last, ms UTC.
pub async fn computed_at(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row =
        fetch_optional!(conn, (Option<i64>,), "SELECT MAX(computed_at) FROM camera_days WHERE day = (SELECT MAX(day) FROM camera_days)")?;
    Ok(row.and_then(|row| row.0))
}

/// Days whose figures were overtaken by what happened to their recordings.
pub async fn stale_days(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(conn, (String,), "SELECT DISTINCT day FROM camera_days WHERE stale ORDER BY day LIMIT $1", limit)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Marks the days of a camera from `first` to `last` to be counted again.
pub async fn mark_stale(tx: &mut Tx<'_>, camera_id: &str, first: &str, last: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE camera_days SET stale = TRUE WHERE camera_id = $1 AND day >= $2 AND day <= $3 AND stale = FALSE",
        camera_id,
        first,
        last
    )?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct GapOf {
    camera_id: String,
    start_ms: i64,
    end_ms: Option<i64>,
    reason: String,
}

fn of_cameras(head: &'static str, fragment: &'static str, ids: &[&str]) -> Select {
    Select::new(head).and_any(fragment, ids.iter().map(|id| Arg::from(*id)))
}

/// Gaps of these cameras that touch a stretch, with the camera.
pub async fn gaps_of(conn: &mut Conn<'_>, ids: &[&str], start_ms: i64, end_ms: i64) -> Result<Vec<(String, Gap)>, StoreError> {
    let rows: Vec<GapOf> = of_cameras("SELECT camera_id, start_ms, end_ms, reason FROM camera_gaps", "camera_id = ?", ids)
        .and("start_ms < ? AND (end_ms IS NULL OR end_ms > ?)", [end_ms.into(), start_ms.into()])
        .tail("ORDER BY camera_id, start_ms LIMIT ?", [GAPS_LIMIT.into()])
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.camera_id, Gap { start_ms: row.start_ms, end_ms: row.end_ms, reason: row.reason })).collect())
}

/// Device alerts of these cameras that touch a stretch: camera, from when to when. Those dismissed were none.
pub async fn faults_of(
    conn: &mut Conn<'_>,
    ids: &[&str],
    start_ms: i64,
    end_ms: i64,
) -> Result<Vec<(String, i64, Option<i64>)>, StoreError> {
    of_cameras("SELECT a.camera_id, a.began_at, a.ended_at FROM alerts a JOIN work_items w ON w.id = a.id", "a.camera_id = ?", ids)
        .and("a.class = 0 AND w.state <> 'dismissed'", [])
        .and("a.began_at < ? AND (a.ended_at IS NULL OR a.ended_at > ?)", [end_ms.into(), start_ms.into()])
        .tail("ORDER BY a.camera_id, a.began_at LIMIT ?", [GAPS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// A camera's day as it is stored.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// Which camera.
    pub camera_id: String,
    /// Where it is.
    pub premises_id: String,
    /// ISO date, Asia/Shanghai.
    pub day: String,
    /// The numbers.
    pub figures: DayFigures,
}

/// Stores days, in place of what was counted before.
pub async fn put_days(tx: &mut Tx<'_>, rows: &[DayRow], at: i64) -> Result<(), StoreError> {
    for row in rows {
        execute!(
            tx,
            "INSERT INTO camera_days (day, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, computed_at, stale) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, FALSE) \
             ON CONFLICT (day, camera_id) DO UPDATE SET counted_ms = excluded.counted_ms, online_ms = excluded.online_ms, healthy_ms = excluded.healthy_ms, \
               due_ms = excluded.due_ms, recorded_ms = excluded.recorded_ms, computed_at = excluded.computed_at, stale = FALSE",
            row.day.as_str(),
            row.camera_id.as_str(),
            row.premises_id.as_str(),
            row.figures.counted_ms,
            row.figures.online_ms,
            row.figures.healthy_ms,
            row.figures.due_ms,
            row.figures.recorded_ms,
            at,
        )?;
    }
    let cameras: BTreeSet<&str> = rows.iter().map(|row| row.camera_id.as_str()).collect();
    let months: BTreeSet<&str> = rows.iter().filter_map(|row| row.day.get(..7)).collect();
    for month in months {
        add_up(tx, month, &cameras).await?;
    }
    Ok(())
}

/// Adds the days of these cameras in a month (`2026-11`) up. Days are counted by one job, so that nobody adds up between.
async fn add_up(tx: &mut Tx<'_>, month: &str, cameras: &BTreeSet<&str>) -> Result<(), StoreError> {
    let cameras: Vec<&str> = cameras.iter().copied().collect();
    for cameras in cameras.chunks(CAMERAS_ADDED_UP) {
        let sums: Vec<MonthRow> = Select::new(
            "SELECT d.camera_id, d.premises_id, CAST(SUM(d.counted_ms) AS BIGINT) AS counted_ms, CAST(SUM(d.online_ms) AS BIGINT) AS online_ms, \
             CAST(SUM(d.healthy_ms) AS BIGINT) AS healthy_ms, CAST(SUM(d.due_ms) AS BIGINT) AS due_ms, CAST(SUM(d.recorded_ms) AS BIGINT) AS recorded_ms, \
             CAST(SUM(CASE WHEN d.online_ms > 0 OR d.recorded_ms > 0 THEN 1 ELSE 0 END) AS BIGINT) AS days FROM camera_days d",
        )
        .and_any("d.camera_id = ?", cameras.iter().map(|id| Arg::from(*id)))
        .and("d.day >= ? AND d.day <= ?", [format!("{month}-01").into(), format!("{month}-31").into()])
        .tail("GROUP BY d.camera_id, d.premises_id", [])
        .fetch_all(tx)
        .await?;
        let row = |sum: &MonthRow| -> Vec<Arg> {
            let MonthRow { camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days } = sum;
            let mut row: Vec<Arg> = vec![format!("{month}-01").into(), camera_id.as_str().into(), premises_id.as_str().into()];
            row.extend([counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days].map(|number| Arg::from(*number)));
            row
        };
        let rows: Vec<Vec<Arg>> = sums.iter().map(row).collect();
        let head =
            "INSERT INTO camera_months (first_on, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days)";
        let instead = " ON CONFLICT (first_on, camera_id, premises_id) DO UPDATE SET counted_ms = excluded.counted_ms, online_ms = excluded.online_ms, \
            healthy_ms = excluded.healthy_ms, due_ms = excluded.due_ms, recorded_ms = excluded.recorded_ms, days = excluded.days";
        with_rows(tx, head, &rows, instead).await?;
    }
    Ok(())
}

/// Sums of a camera's month.
#[derive(Debug, sqlx::FromRow)]
struct MonthRow {
    camera_id: String,
    premises_id: String,
    counted_ms: i64,
    online_ms: i64,
    healthy_ms: i64,
    due_ms: i64,
    recorded_ms: i64,
    days: i64,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// First day, ISO date.
    pub from: String,
    /// Last day, ISO date.
    pub to: String,
    /// Below this node.
    pub organization_id: Option<String>,
    /// At this premises.
    pub premises_id: Option<String>,
    /// Of this camera.
    pub camera_id: Option<String>,
}

/// Sums of a camera or a premises over the days, or on one.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "named as the columns they add up")]
pub struct SumRow {
    pub id: String,
    pub name: String,
    pub name_key: String,
    /// The premises of a camera, the authority of a premises.
    pub place: String,
    /// Of the premises.
    pub path: String,
    /// ISO date; empty for all days together.
    pub day: String,
    pub cameras: i64,
    pub counted_ms: i64,
    pub online_ms: i64,
    pub healthy_ms: i64,
    pub due_ms: i64,
    pub recorded_ms: i64,
}

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each camera.
    Camera,
    /// Each premises.
    Premises,
}

macro_rules! sums {
    ($fields:literal, $day:literal) => {
        concat!(
            "SELECT ", $fields, ", p.path, ", $day, " AS day, COUNT(DISTINCT d.camera_id) AS cameras, CAST(SUM(d.counted_ms) AS BIGINT) AS counted_ms, \
             CAST(SUM(d.online_ms) AS BIGINT) AS online_ms, CAST(SUM(d.healthy_ms) AS BIGINT) AS healthy_ms, CAST(SUM(d.due_ms) AS BIGINT) AS due_ms, \
             CAST(SUM(d.recorded_ms) AS BIGINT) AS recorded_ms \
             FROM camera_days d JOIN cameras c ON c.id = d.camera_id JOIN premises p ON p.id = d.premises_id JOIN organizations o ON o.id = p.organization_id"
        )
    };
}

fn head(by: By, daily: bool) -> &'static str {
    match (by, daily) {
        (By::Camera, false) => sums!("c.id, c.name, c.name_key, p.name AS place", "''"),
        (By::Camera, true) => sums!("c.id, c.name, c.name_key, p.name AS place", "d.day"),
        (By::Premises, false) => sums!("p.id, p.name, p.name_key, o.name AS place", "''"),
        (By::Premises, true) => sums!("p.id, p.name, p.name_key, o.name AS place", "d.day"),
    }
}

fn tail(by: By, daily: bool) -> &'static str {
    match (by, daily) {
        (By::Camera, false) => "GROUP BY c.id, c.name, c.name_key, p.name, p.path ORDER BY c.name_key, c.id LIMIT ?",
        (By::Camera, true) => "GROUP BY d.day, c.id, c.name, c.name_key, p.name, p.path ORDER BY d.day, c.id LIMIT ?",
        (By::Premises, false) => "GROUP BY p.id, p.name, p.name_key, o.name, p.path ORDER BY p.name_key, p.id LIMIT ?",
        (By::Premises, true) => "GROUP BY d.day, p.id, p.name, p.name_key, o.name, p.path ORDER BY d.day, p.id LIMIT ?",
    }
}

fn narrowed(select: Select, scope: &Scope, asked: &Asked) -> Select {
    let select = scope.restrict(select, "p.path LIKE ?");
    select
        .and("d.day >= ? AND d.day <= ?", [asked.from.as_str().into(), asked.to.as_str().into()])
        .and_if("p.path LIKE ?", asked.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("d.premises_id = ?", asked.premises_id.clone())
        .and_if("d.camera_id = ?", asked.camera_id.clone())
}

/// A page of sums. All days together come by name, single days by day.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By, daily: bool, page: &Page) -> Result<Vec<SumRow>, StoreError> {
    let select = narrowed(Select::new(head(by, daily)), scope, asked);
    let fragment = match (by, daily) {
        (By::Camera, false) => "c.name_key > ? OR (c.name_key = ? AND c.id > ?)",
        (By::Premises, false) => "p.name_key > ? OR (p.name_key = ? AND p.id > ?)",
        (By::Camera, true) => "d.day > ? OR (d.day = ? AND c.id > ?)",
        (By::Premises, true) => "d.day > ? OR (d.day = ? AND p.id > ?)",
    };
    let select = match page.after() {
        Some((key, id)) => select.and(fragment, [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail(tail(by, daily), [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By, daily: bool) -> Result<i64, StoreError> {
    let head = match (by, daily) {
        (By::Camera, false) => {
            "SELECT COUNT(*) FROM (SELECT DISTINCT d.camera_id FROM camera_days d JOIN premises p ON p.id = d.premises_id"
        }
        (By::Camera, true) => {
            "SELECT COUNT(*) FROM (SELECT DISTINCT d.day, d.camera_id FROM camera_days d JOIN premises p ON p.id = d.premises_id"
        }
        (By::Premises, false) => {
            "SELECT COUNT(*) FROM (SELECT DISTINCT d.premises_id FROM camera_days d JOIN premises p ON p.id = d.premises_id"
        }
        (By::Premises, true) => {
            "SELECT COUNT(*) FROM (SELECT DISTINCT d.day, d.premises_id FROM camera_days d JOIN premises p ON p.id = d.premises_id"
        }
    };
    narrowed(Select::new(head), scope, asked).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// The cursor key of a row.
pub fn sort_key(row: &SumRow) -> (String, String) {
    (if row.day.is_empty() { row.name_key.clone() } else { row.day.clone() }, row.id.clone())
}

/// Sums of all premises, for what lies above them: a district has hundreds.
pub async fn of_premises(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, daily: bool) -> Result<Vec<SumRow>, StoreError> {
    narrowed(Select::new(head(By::Premises, daily)), scope, asked)
        .tail(tail(By::Premises, daily), [200_000_i64.into()])
        .fetch_all(conn)
        .await
}

/// A node above premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of organizations")]
pub struct NodeRow {
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub path: String,
}

/// All nodes of a level, by name.
pub async fn nodes(conn: &mut Conn<'_>, level: &str) -> Result<Vec<NodeRow>, StoreError> {
    fetch_all!(
        conn,
        NodeRow,
        "SELECT id, name, name_key, path FROM organizations WHERE level = $1 ORDER BY name_key, id LIMIT 10000",
        level
    )
}

/// A camera that gives no picture.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of cameras and premises")]
pub struct OfflineRow {
    pub id: String,
    pub name: String,
    pub premises_id: String,
    pub premises_name: String,
    pub organization_name: String,
    pub state: String,
    pub state_reason: String,
    pub state_detail: String,
    pub state_since: i64,
    pub last_picture_at: Option<i64>,
    /// Cameras of the premises that are off line, and all that shall record there.
    pub offline_here: i64,
    pub all_here: i64,
}

const OFFLINE: &str = "SELECT c.id, c.name, c.premises_id, p.name AS premises_name, o.name AS organization_name, c.state, c.state_reason, c.state_detail, c.state_since, \
    c.last_picture_at, (SELECT COUNT(*) FROM cameras n WHERE n.premises_id = c.premises_id AND n.enabled AND n.state IN ('offline', 'connecting')) AS offline_here, \
    (SELECT COUNT(*) FROM cameras n WHERE n.premises_id = c.premises_id AND n.enabled) AS all_here \
    FROM cameras c JOIN premises p ON p.id = c.premises_id JOIN organizations o ON o.id = p.organization_id";

fn offline_only(select: Select, scope: &Scope, asked: &Asked, before_ms: i64) -> Select {
    let select = scope.restrict(select, "p.path LIKE ?");
    select
        .and("c.enabled AND p.disabled_at IS NULL", [])
        .and("c.state = 'offline' OR (c.state = 'connecting' AND c.state_since < ?)", [before_ms.into()])
        .and_if("p.path LIKE ?", asked.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("c.premises_id = ?", asked.premises_id.clone())
}

/// A page of the cameras that give no picture, the longest first; those still connecting since `before_ms` are among them.
pub async fn offline(
    conn: &mut Conn<'_>,
    scope: &Scope,
    asked: &Asked,
    before_ms: i64,
    page: &Page,
) -> Result<Vec<OfflineRow>, StoreError> {
    let select = offline_only(Select::new(OFFLINE), scope, asked, before_ms);
    let select = match (page.after_number(), page.after()) {
        (Some(since), Some((_, id))) => {
            select.and("c.state_since > ? OR (c.state_since = ? AND c.id > ?)", [since.into(), since.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY c.state_since, c.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are, up to the limit of counts.
pub async fn offline_count(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, before_ms: i64) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM cameras c JOIN premises p ON p.id = c.premises_id";
    offline_only(Select::new(head), scope, asked, before_ms).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// Cameras of the whole system that are off line, and all that shall record.
pub async fn offline_everywhere(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT CAST(COALESCE(SUM(CASE WHEN state IN ('offline', 'connecting') THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) FROM cameras WHERE enabled",
    )?;
    Ok(row.unwrap_or_default())
}
