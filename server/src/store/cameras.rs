//! Cameras: what people say of them, and the state the engine tells.

use super::journal::{Change, Entity};
use super::sql::{Arg, Select, contains, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::text::name_key;

/// A camera as stored, with what lists show beside it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of cameras and of its premises")]
pub struct CameraRow {
    pub id: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_kind: String,
    pub organization_id: String,
    pub path: String,
    pub premises_disabled_at: Option<i64>,
    pub service_hours: String,
    pub name: String,
    pub name_key: String,
    pub source_url: String,
    pub sub_source_url: Option<String>,
    pub username: Option<String>,
    pub password_sealed: Option<String>,
    pub transport: String,
    pub zone: Option<String>,
    pub enabled: bool,
    pub state: String,
    pub state_reason: String,
    pub state_detail: String,
    pub state_since: i64,
    pub codec: Option<String>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub fps: Option<f64>,
    pub key_frame_interval_ms: Option<i64>,
    pub bit_rate: Option<i64>,
    pub last_picture_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub open_alerts: i64,
}

const HEAD: &str = "SELECT c.id, c.premises_id, p.name AS premises_name, p.kind AS premises_kind, p.organization_id, p.path, p.disabled_at AS premises_disabled_at, p.service_hours, \
    c.name, c.name_key, c.source_url, c.sub_source_url, c.username, c.password_sealed, c.transport, c.zone, c.enabled, c.state, c.state_reason, c.state_detail, c.state_since, \
    c.codec, c.width, c.height, c.fps, c.key_frame_interval_ms, c.bit_rate, c.last_picture_at, c.version, c.created_at, c.updated_at, \
    (SELECT COUNT(*) FROM alerts a JOIN work_items w ON w.id = a.id WHERE a.camera_id = c.id AND w.open) AS open_alerts \
    FROM cameras c JOIN premises p ON p.id = c.premises_id";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct CameraFilter {
    pub text: Option<String>,
    pub premises_id: Option<String>,
    pub organization_id: Option<String>,
    pub state: Option<String>,
    pub zone: Option<String>,
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CameraSort {
    /// By pinyin.
    #[default]
    Name,
    /// By pinyin, from the end.
    NameDescending,
    /// Longest in its present state first.
    StateSince,
}

fn narrowed(select: Select, filter: &CameraFilter) -> Select {
    let select = select
        .and_if("c.premises_id = ?", filter.premises_id.clone())
        .and_if("p.path LIKE ?", filter.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("c.state = ?", filter.state.clone())
        .and_if("c.zone = ?", filter.zone.clone());
    match filter.text.as_deref().map(contains) {
        Some(text) => select.and("c.name_key LIKE ? ESCAPE '!' OR p.name_key LIKE ? ESCAPE '!'", [text.clone().into(), text.into()]),
        None => select,
    }
}

/// A page of cameras.
pub async fn list(
    conn: &mut Conn<'_>,
    scope: &Scope,
    filter: &CameraFilter,
    sort: CameraSort,
    page: &Page,
) -> Result<Vec<CameraRow>, StoreError> {
    let select = scope.restrict(narrowed(Select::new(HEAD), filter), "p.path LIKE ?");
    let (fragment, order) = match sort {
        CameraSort::Name => ("c.name_key > ? OR (c.name_key = ? AND c.id > ?)", "ORDER BY c.name_key, c.id LIMIT ?"),
        CameraSort::NameDescending => ("c.name_key < ? OR (c.name_key = ? AND c.id < ?)", "ORDER BY c.name_key DESC, c.id DESC LIMIT ?"),
        CameraSort::StateSince => ("c.state_since > ? OR (c.state_since = ? AND c.id > ?)", "ORDER BY c.state_since, c.id LIMIT ?"),
    };
    let select = match page.after() {
        Some((key, id)) => {
            let key: Arg = if sort == CameraSort::StateSince { page.after_number().unwrap_or_default().into() } else { key.into() };
            select.and(fragment, [key.clone(), key, id.into()])
        }
        None => select,
    };
    select.tail(order, [page.fetch().into()]).fetch_all(conn).await
}

/// The cursor key of a row under a sort.
pub fn sort_key(row: &CameraRow, sort: CameraSort) -> (String, String) {
    let key = if sort == CameraSort::StateSince { row.state_since.to_string() } else { row.name_key.clone() };
    (key, row.id.clone())
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &CameraFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM cameras c JOIN premises p ON p.id = c.premises_id"), filter);
    scope.restrict(select, "p.path LIKE ?").tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One camera, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<CameraRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("c.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// Cameras after `after`, by id, for the program's own work.
pub async fn after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<CameraRow>, StoreError> {
    Select::new(HEAD).and("c.id > ?", [after.into()]).tail("ORDER BY c.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// The ids of a premises' cameras, for the program's own work.
pub async fn ids_of_premises(conn: &mut Conn<'_>, premises_id: &str) -> Result<Vec<(String,)>, StoreError> {
    fetch_all!(conn, (String,), "SELECT id FROM cameras WHERE premises_id = $1 ORDER BY id LIMIT 1000", premises_id)
}

/// What people may change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of cameras")]
pub struct CameraData {
    pub id: String,
    pub premises_id: String,
    /// The premises' path.
    pub path: String,
    pub name: String,
    pub source_url: String,
    pub sub_source_url: Option<String>,
    pub username: Option<String>,
    pub password_sealed: Option<String>,
    pub transport: String,
    pub zone: Option<String>,
    pub enabled: bool,
}

/// Adds a camera.
pub async fn insert(tx: &mut Tx<'_>, data: &CameraData, at: i64) -> Result<(), StoreError> {
    let state = if data.enabled { "connecting" } else { "disabled" };
    execute!(
        tx,
        "INSERT INTO cameras (id, premises_id, name, name_key, source_url, username, password_sealed, transport, zone, enabled, audio, state, state_reason, state_detail, \
           state_since, version, created_at, updated_at, sub_source_url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE, $11, 'none', '', $12, 1, $12, $12, $13)",
        data.id.as_str(),
        data.premises_id.as_str(),
        data.name.as_str(),
        name_key(&data.name),
        data.source_url.as_str(),
        data.username.as_deref(),
        data.password_sealed.as_deref(),
        data.transport.as_str(),
        data.zone.as_deref(),
        data.enabled,
        state,
        at,
        data.sub_source_url.as_deref(),
    )?;
    tx.changed(at, Change::upsert(Entity::Camera, &data.id, &data.path).at(&data.premises_id)).await
}

/// Changes a camera; `false` where `version` is stale.
pub async fn update(tx: &mut Tx<'_>, data: &CameraData, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE cameras SET premises_id = $3, name = $4, name_key = $5, source_url = $6, username = $7, password_sealed = $8, transport = $9, zone = $10, enabled = $11, \
           version = version + 1, updated_at = $12, sub_source_url = $13 WHERE id = $1 AND version = $2",
        data.id.as_str(),
        version,
        data.premises_id.as_str(),
        data.name.as_str(),
        name_key(&data.name),
        data.source_url.as_str(),
        data.username.as_deref(),
        data.password_sealed.as_deref(),
        data.transport.as_str(),
        data.zone.as_deref(),
        data.enabled,
        at,
        data.sub_source_url.as_deref(),
    )?;
    if done == 1 {
        tx.changed(at, Change::upsert(Entity::Camera, &data.id, &data.path).at(&data.premises_id)).await?;
    }
    Ok(done == 1)
}

/// Where a camera is, for changes that the engine tells.
async fn place(conn: &mut Conn<'_>, id: &str) -> Result<Option<(String, String)>, StoreError> {
    fetch_optional!(
        conn,
        (String, String),
        "SELECT p.path, p.id FROM cameras c JOIN premises p ON p.id = c.premises_id WHERE c.id = $1",
        id
    )
}

/// The state the engine tells. A camera that was removed meanwhile is no error.
pub async fn set_state(tx: &mut Tx<'_>, id: &str, state: &str, reason: &str, detail: &str, since: i64) -> Result<(), StoreError> {
    let Some((path, premises_id)) = place(tx, id).await? else { return Ok(()) };
    execute!(
        tx,
        "UPDATE cameras SET state_since = CASE WHEN state = $2 THEN state_since ELSE $5 END, state = $2, state_reason = $3, state_detail = $4, \
           watched_since = COALESCE(watched_since, $5), last_picture_at = CASE WHEN $2 = 'recording' THEN $5 ELSE last_picture_at END WHERE id = $1",
        id,
        state,
        reason,
        detail,
        since,
    )?;
    tx.changed(since, Change::upsert(Entity::Camera, id, &path).at(&premises_id)).await
}

/// What the engine measured of a stream.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of cameras")]
pub struct StreamFacts {
    pub codec: &'static str,
    pub width: i64,
    pub height: i64,
    pub fps: f64,
    pub key_frame_interval_ms: i64,
    pub bit_rate: i64,
}

/// Keeps what the engine measured.
pub async fn set_stream(tx: &mut Tx<'_>, id: &str, facts: &StreamFacts, at: i64) -> Result<(), StoreError> {
    let Some((path, premises_id)) = place(tx, id).await? else { return Ok(()) };
    execute!(
        tx,
        "UPDATE cameras SET codec = $2, width = $3, height = $4, fps = $5, key_frame_interval_ms = $6, bit_rate = $7, last_picture_at = $8 WHERE id = $1",
        id,
        facts.codec,
        facts.width,
        facts.height,
        facts.fps,
        facts.key_frame_interval_ms,
        facts.bit_rate,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Camera, id, &path).at(&premises_id)).await
}

/// Says that cameras were watched since an earlier moment than the engine told.
pub async fn watched_since(tx: &mut Tx<'_>, ids: &[String], since: i64) -> Result<(), StoreError> {
    for id in ids {
        execute!(
            tx,
            "UPDATE cameras SET watched_since = $2 WHERE id = $1 AND COALESCE(watched_since, $3) > $2",
            id.as_str(),
            since,
            i64::MAX
        )?;
    }
    Ok(())
}

/// When a picture last came, from the growth of a recording.
pub async fn touch_picture(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE cameras SET last_picture_at = $2 WHERE id = $1 AND COALESCE(last_picture_at, 0) < $2", id, at)?;
    Ok(())
}
