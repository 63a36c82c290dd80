//! What the seven figures are made of: premises, cameras with what was recorded of them, patrols and alerts, over stretches of days.
//!
//! Whole months are read from the sums that are kept with the writes ([`super::tallies`]), single days from days.

use super::sql::{Arg, Select};
use super::{Conn, StoreError};
use crate::auth::Scope;
use crate::domain::periods::Cover;

/// Rows that one answer is made of, of each kind: beyond it the question is too wide.
pub const ROWS_LIMIT: i64 = 400_000;

/// Which premises.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Below this node.
    pub organization_id: Option<String>,
    /// This premises.
    pub premises_id: Option<String>,
    /// Of this kind.
    pub premises_kind: Option<String>,
    /// In this grid; empty: in none.
    pub grid: Option<String>,
}

impl Asked {
    fn narrow(&self, select: Select, scope: &Scope) -> Select {
        scope
            .restrict(select, "p.path LIKE ?")
            .and_if("p.path LIKE ?", self.organization_id.as_ref().map(|id| format!("%/{id}/%")))
            .and_if("p.id = ?", self.premises_id.clone())
            .and_if("p.kind = ?", self.premises_kind.clone())
            .and_if("COALESCE(p.grid, '') = ?", self.grid.clone())
    }
}

/// A premises, as it is now.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises and organizations")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub kind: String,
    pub grid: Option<String>,
    pub office_id: String,
    pub office_name: String,
    pub district_id: Option<String>,
    pub district_name: Option<String>,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub merged_into: Option<String>,
}

impl PlaceRow {
    /// Whether it was supervised at some time of a stretch.
    pub fn supervised(&self, start_ms: i64, end_ms: i64) -> bool {
        self.merged_into.is_none() && self.created_at < end_ms && self.disabled_at.is_none_or(|at| at >= start_ms)
    }
}

/// Premises, also those that are no longer supervised.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked) -> Result<Vec<PlaceRow>, StoreError> {
    let select = Select::new(
        "SELECT p.id, p.name, p.name_key, p.kind, p.grid, p.organization_id AS office_id, o.name AS office_name, d.id AS district_id, d.name AS district_name, \
         p.created_at, p.disabled_at, p.merged_into FROM premises p JOIN organizations o ON o.id = p.organization_id LEFT JOIN organizations d ON d.id = o.parent_id",
    );
    asked.narrow(select, scope).tail("ORDER BY p.name_key, p.id LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await
}

/// A camera that is registered.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of cameras")]
pub struct CameraRow {
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub premises_id: String,
    pub enabled: bool,
    pub state: String,
    pub created_at: i64,
    pub last_picture_at: Option<i64>,
}

/// Cameras, also those that are switched off.
pub async fn cameras(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked) -> Result<Vec<CameraRow>, StoreError> {
    let select = Select::new(
        "SELECT c.id, c.name, c.name_key, c.premises_id, c.enabled, c.state, c.created_at, c.last_picture_at FROM cameras c JOIN premises p ON p.id = c.premises_id",
    );
    asked.narrow(select, scope).tail("ORDER BY c.name_key, c.id LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await
}

/// A day or a month of a camera.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of camera_days")]
pub struct CameraPiece {
    /// ISO date of its first day.
    pub first_on: String,
    pub camera_id: String,
    pub premises_id: String,
    pub counted_ms: i64,
    pub online_ms: i64,
    pub due_ms: i64,
    pub recorded_ms: i64,
}

impl CameraPiece {
    /// Whether a picture came.
    pub fn delivered(&self) -> bool {
        self.online_ms > 0 || self.recorded_ms > 0
    }
}

fn on_days(select: Select, days: Cover) -> Select {
    let day = |date: jiff::civil::Date| Arg::from(date.to_string());
    let Cover { from, months_from, months_to, to } = days;
    if months_from == months_to {
        return select.and("d.day >= ? AND d.day <= ?", [day(from), day(to)]);
    }
    select.and("(d.day >= ? AND d.day < ?) OR (d.day >= ? AND d.day <= ?)", [day(from), day(months_from), day(months_to), day(to)])
}

/// Without whole months: only days.
fn by_days(days: Cover) -> Cover {
    Cover { months_from: days.from, months_to: days.from, ..days }
}

/// What cameras delivered: by month where the stretch has whole months and they are asked for, by day otherwise.
pub async fn camera_pieces(
    conn: &mut Conn<'_>,
    scope: &Scope,
    asked: &Asked,
    days: Cover,
    months: bool,
) -> Result<Vec<CameraPiece>, StoreError> {
    let days = if months { days } else { by_days(days) };
    let single = Select::new(
        "SELECT d.day AS first_on, d.camera_id, d.premises_id, d.counted_ms, d.online_ms, d.due_ms, d.recorded_ms \
         FROM camera_days d JOIN premises p ON p.id = d.premises_id",
    );
    let single = on_days(asked.narrow(single, scope), days);
    let mut pieces: Vec<CameraPiece> = single.tail("LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await?;
    if days.months_from < days.months_to {
        let whole = Select::new(
            "SELECT m.first_on, m.camera_id, m.premises_id, m.counted_ms, m.online_ms, m.due_ms, m.recorded_ms \
             FROM camera_months m JOIN premises p ON p.id = m.premises_id",
        );
        let whole = asked
            .narrow(whole, scope)
            .and("m.first_on >= ? AND m.first_on < ?", [days.months_from.to_string().into(), days.months_to.to_string().into()]);
        pieces.append(&mut whole.tail("LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await?);
    }
    Ok(pieces)
}

/// A part and a whole of a premises, on a day or in a month.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SharePiece {
    /// ISO date of its first day.
    pub first_on: String,
    /// Where it was then.
    pub premises_id: String,
    /// Whose it was then.
    pub office_id: String,
    /// Looked at.
    pub part: i64,
    /// Planned.
    pub whole: i64,
}

/// What was looked at in patrols.
pub async fn patrol_pieces(
    conn: &mut Conn<'_>,
    scope: &Scope,
    asked: &Asked,
    days: Cover,
    months: bool,
) -> Result<Vec<SharePiece>, StoreError> {
    let days = if months { days } else { by_days(days) };
    let single = Select::new(
        "SELECT d.day AS first_on, d.premises_id, d.office_id, COUNT(d.result) AS part, COUNT(*) AS whole \
         FROM patrol_looks d JOIN premises p ON p.id = d.premises_id",
    );
    let single = on_days(asked.narrow(single, scope), days);
    let mut pieces: Vec<SharePiece> =
        single.tail("GROUP BY d.day, d.premises_id, d.office_id LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await?;
    if days.months_from < days.months_to {
        let whole = Select::new(
            "SELECT m.first_on, m.premises_id, m.office_id, m.looked AS part, m.planned AS whole \
             FROM patrol_months m JOIN premises p ON p.id = m.premises_id",
        );
        let whole = asked
            .narrow(whole, scope)
            .and("m.first_on >= ? AND m.first_on < ?", [days.months_from.to_string().into(), days.months_to.to_string().into()]);
        pieces.append(&mut whole.tail("LIMIT ?", [ROWS_LIMIT.into()]).fetch_all(conn).await?);
    }
    Ok(pieces)
}

/// Looks of a camera.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of patrol_looks")]
pub struct LooksRow {
    pub camera_id: String,
    pub premises_id: String,
    pub office_id: String,
    pub looked: i64,
    pub planned: i64,
}

/// Looks by camera, and by where it was.
pub async fn looks_by_camera(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, days: Cover) -> Result<Vec<LooksRow>, StoreError> {
    let select = Select::new(
        "SELECT d.camera_id, d.premises_id, d.office_id, COUNT(d.result) AS looked, COUNT(*) AS planned \
         FROM patrol_looks d JOIN premises p ON p.id = d.premises_id",
    );
    on_days(asked.narrow(select, scope), by_days(days))
        .tail("GROUP BY d.camera_id, d.premises_id, d.office_id LIMIT ?", [ROWS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// Alerts of a premises, on a day or in a month.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alert_tallies")]
pub struct AlertPiece {
    pub first_on: String,
    pub premises_id: String,
    /// When they were raised.
    pub office_id: String,
    pub dispatched: i64,
    pub rectified: i64,
    pub confirmed: i64,
    pub false_alarms: i64,
}

/// What became of alerts, of one kind where it is given.
pub async fn alert_pieces(
    conn: &mut Conn<'_>,
    scope: &Scope,
    asked: &Asked,
    kind: Option<&str>,
    days: Cover,
    months: bool,
) -> Result<Vec<AlertPiece>, StoreError> {
    let select = Select::new(
        "SELECT t.first_on, t.premises_id, t.office_id, CAST(SUM(t.dispatched) AS BIGINT) AS dispatched, CAST(SUM(t.rectified) AS BIGINT) AS rectified, \
         CAST(SUM(t.confirmed) AS BIGINT) AS confirmed, CAST(SUM(t.false_alarms) AS BIGINT) AS false_alarms \
         FROM alert_tallies t JOIN premises p ON p.id = t.premises_id",
    );
    super::alert_figures::within(asked.narrow(select, scope), days, !months)
        .and_if("t.kind = ?", kind)
        .tail("GROUP BY t.first_on, t.premises_id, t.office_id LIMIT ?", [ROWS_LIMIT.into()])
        .fetch_all(conn)
        .await
}
