//! `/statistics`: 在线率, 录像完整率, 设备完好率 by camera, premises, office and district, by day or over days; and the cameras
//! that are off line, since when and likely why.

use std::collections::HashMap;

use actix_web::{get, web};
use mobile_api::Moment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::statistics::{likely_cause, rate};
use crate::http::{Args, Listed, Problem, ProblemBody, REQUEST, days, listed, page};
use crate::store::statistics::{self, Asked, By, OfflineRow, SumRow};
use crate::store::{COUNT_LIMIT, Conn, Page, StoreError};

/// A camera that has been connecting for so long is off line, ms.
const CONNECTING_MS: i64 = 60_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(offline);
}

/// What figures are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Camera,
    Premises,
    Office,
    District,
    City,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatisticsArgs {
    #[param(example = "premises")]
    #[param(inline)]
    by: Level,
    /// First day, Asia/Shanghai; unless given, 30 days up to `to`.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-23", max_length = 10)]
    to: Option<String>,
    /// Each day by itself, the first first; else all days together, by name.
    daily: Option<bool>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    camera_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A share, with what it is a share of; `null` where there is nothing to be a share of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Rate {
    /// 0 to 1, five places.
    #[schema(example = 0.987)]
    value: Option<f64>,
    /// s
    part_s: i64,
    /// s
    whole_s: i64,
}

impl Rate {
    fn of(part_ms: i64, whole_ms: i64) -> Self {
        Self { value: rate(part_ms, whole_ms), part_s: part_ms / 1_000, whole_s: whole_ms / 1_000 }
    }
}

/// Figures of a camera, a premises or an authority.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Statistics {
    id: String,
    name: String,
    /// The premises of a camera, the authority of a premises.
    place: Option<String>,
    /// ISO date, Asia/Shanghai; `null` for all days together.
    day: Option<String>,
    /// Cameras that were counted.
    cameras: i64,
    /// 在线率: time with pictures / service hours, planned switching-off and our own restarts left out.
    online: Rate,
    /// 录像完整率: time recorded / time that should be.
    completeness: Rate,
    /// 设备完好率: time on line without a device alert / time on line.
    device_health: Rate,
}

impl From<SumRow> for Statistics {
    fn from(row: SumRow) -> Self {
        Self {
            online: Rate::of(row.online_ms, row.counted_ms),
            completeness: Rate::of(row.recorded_ms, row.due_ms),
            device_health: Rate::of(row.healthy_ms, row.online_ms),
            id: row.id,
            name: row.name,
            place: Some(row.place).filter(|place| !place.is_empty()),
            day: Some(row.day).filter(|day| !day.is_empty()),
            cameras: row.cameras,
        }
    }
}

/// A page of figures, with the sum of all that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct StatisticsPage {
    #[serde(flatten)]
    list: Listed<Statistics>,
    /// First day.
    #[schema(example = "2026-11-01")]
    from: String,
    /// Last day.
    #[schema(example = "2026-11-23")]
    to: String,
    /// When the figures of today were counted; they are a few minutes old.
    computed_at: Option<Moment>,
}

/// A question, checked.
pub(crate) struct Question {
    by: Level,
    daily: bool,
    asked: Asked,
}

impl StatisticsArgs {
    pub(crate) fn question(&self, now_ms: i64) -> Result<Question, Problem> {
        let (from, to) = days(self.from.as_deref(), self.to.as_deref(), now_ms)?;
        let asked = Asked {
            from: from.to_string(),
            to: to.to_string(),
            organization_id: self.organization_id.map(|id| id.to_string()),
            premises_id: self.premises_id.map(|id| id.to_string()),
            camera_id: self.camera_id.map(|id| id.to_string()),
        };
        Ok(Question { by: self.by, daily: self.daily.unwrap_or(false), asked })
    }
}

/// Figures of the caller's part of the tree.
#[utoipa::path(tag = "statistics", params(StatisticsArgs), responses((status = 200, body = StatisticsPage), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<StatisticsArgs>,
) -> Result<web::Json<StatisticsPage>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let question = args.question(app.clock.wall_ms())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (rows, next, counted) = rows(conn, &caller.scope(), &question, &page).await?;
    Ok(web::Json(StatisticsPage {
        list: listed(rows.into_iter().map(Statistics::from).collect(), next, counted),
        from: question.asked.from,
        to: question.asked.to,
        computed_at: statistics::computed_at(conn).await?.map(Moment),
    }))
}

/// A page of rows, the next cursor, and how many there are.
pub(crate) async fn rows(
    conn: &mut Conn<'_>,
    scope: &Scope,
    question: &Question,
    page: &Page,
) -> Result<(Vec<SumRow>, Option<String>, i64), Problem> {
    let Question { by, daily, asked } = question;
    let by = match by {
        Level::Camera => By::Camera,
        Level::Premises => By::Premises,
        Level::Office => return above(conn, scope, question, "office", page).await,
        Level::District => return above(conn, scope, question, "district", page).await,
        Level::City => return above(conn, scope, question, "city", page).await,
    };
    let mut rows = statistics::list(conn, scope, asked, by, *daily, page).await?;
    let counted = statistics::count(conn, scope, asked, by, *daily).await?;
    let next = page.cut(&mut rows, statistics::sort_key);
    Ok((rows, next, counted))
}

/// Sums of authorities: those of their premises. A caller sees the sum of what lies within the own scope.
async fn above(
    conn: &mut Conn<'_>,
    scope: &Scope,
    question: &Question,
    level: &str,
    page: &Page,
) -> Result<(Vec<SumRow>, Option<String>, i64), Problem> {
    let nodes = statistics::nodes(conn, level).await?;
    let mut sums: HashMap<(usize, String), SumRow> = HashMap::new();
    for row in statistics::of_premises(conn, scope, &question.asked, question.daily).await? {
        let Some(at) = nodes.iter().position(|node| row.path.starts_with(&node.path)) else { continue };
        let node = &nodes[at];
        let sum = sums.entry((at, row.day.clone())).or_insert_with(|| SumRow {
            id: node.id.clone(),
            name: node.name.clone(),
            name_key: node.name_key.clone(),
            place: String::new(),
            path: node.path.clone(),
            day: row.day.clone(),
            cameras: 0,
            counted_ms: 0,
            online_ms: 0,
            healthy_ms: 0,
            due_ms: 0,
            recorded_ms: 0,
        });
        sum.cameras += row.cameras;
        sum.counted_ms += row.counted_ms;
        sum.online_ms += row.online_ms;
        sum.healthy_ms += row.healthy_ms;
        sum.due_ms += row.due_ms;
        sum.recorded_ms += row.recorded_ms;
    }
    let mut rows: Vec<SumRow> = sums.into_values().collect();
    rows.sort_by_key(statistics::sort_key);
    let counted = i64::try_from(rows.len()).unwrap_or(COUNT_LIMIT).min(COUNT_LIMIT);
    if let Some((key, id)) = page.after() {
        let after = (key.to_owned(), id.to_owned());
        rows.retain(|row| statistics::sort_key(row) > after);
    }
    let next = page.cut(&mut rows, statistics::sort_key);
    Ok((rows, next, counted))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfflineArgs {
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

impl OfflineArgs {
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            organization_id: self.organization_id.map(|id| id.to_string()),
            premises_id: self.premises_id.map(|id| id.to_string()),
            ..Asked::default()
        }
    }
}

/// Why a camera is likely off line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CauseView {
    /// server_network, premises_network, camera, credentials, path, service, stream, format, address, disk or unknown
    #[schema(example = "premises_network")]
    code: &'static str,
    /// In the language that was asked for.
    pub(crate) text: &'static str,
}

/// A camera that gives no picture.
#[derive(Debug, Serialize, ToSchema)]
struct OfflineCamera {
    camera_id: String,
    camera_name: String,
    premises_id: String,
    premises_name: String,
    organization_name: String,
    /// offline or connecting
    state: String,
    /// As on the camera itself.
    state_reason: String,
    /// In words, as the engine says it.
    state_detail: String,
    since: Moment,
    last_picture_at: Option<Moment>,
    cause: CauseView,
    /// Cameras of the same premises that give no picture, this one among them.
    offline_here: i64,
    /// Cameras of the same premises that shall.
    all_here: i64,
}

/// The likely cause of one row.
pub(crate) fn cause(row: &OfflineRow, everywhere: (i64, i64)) -> CauseView {
    let cause = likely_cause(&row.state_reason, (row.offline_here, row.all_here), everywhere);
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    CauseView { code: cause.code, text: if english { cause.en } else { cause.zh } }
}

/// Cameras that give no picture: a page, the next cursor, how many, and how it stands everywhere.
pub(crate) async fn offline_rows(
    conn: &mut Conn<'_>,
    scope: &Scope,
    asked: &Asked,
    now_ms: i64,
    page: &Page,
) -> Result<(Vec<OfflineRow>, Option<String>, i64, (i64, i64)), StoreError> {
    let before_ms = now_ms - CONNECTING_MS;
    let mut rows = statistics::offline(conn, scope, asked, before_ms, page).await?;
    let counted = statistics::offline_count(conn, scope, asked, before_ms).await?;
    let everywhere = statistics::offline_everywhere(conn).await?;
    let next = page.cut(&mut rows, |row| (row.state_since.to_string(), row.id.clone()));
    Ok((rows, next, counted, everywhere))
}

/// Cameras that shall record and give no picture, the longest first, with the likely cause.
#[utoipa::path(tag = "statistics", params(OfflineArgs), responses((status = 200, body = Listed<OfflineCamera>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/offline")]
async fn offline(
    app: web::Data<App>,
    caller: Caller<can::CamerasRead>,
    args: Args<OfflineArgs>,
) -> Result<web::Json<Listed<OfflineCamera>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (rows, next, counted, everywhere) = offline_rows(conn, &caller.scope(), &args.asked(), app.clock.wall_ms(), &page).await?;
    let view = |row: OfflineRow| OfflineCamera {
        cause: cause(&row, everywhere),
        camera_id: row.id,
        camera_name: row.name,
        premises_id: row.premises_id,
        premises_name: row.premises_name,
        organization_name: row.organization_name,
        state: row.state,
        state_reason: row.state_reason,
        state_detail: row.state_detail,
        since: Moment(row.state_since),
        last_picture_at: row.last_picture_at.map(Moment),
        offline_here: row.offline_here,
        all_here: row.all_here,
    };
    Ok(web::Json(listed(rows.into_iter().map(view).collect(), next, counted)))
}
