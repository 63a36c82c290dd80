//! `/overview`: the first page's figures. Each is counted where the caller may see what it counts.

use std::collections::BTreeMap;

use actix_web::{get, web};
use jiff::ToSpan as _;
use mobile_api::Moment;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar;
use crate::domain::permission::Permission;
use crate::http::{Problem, ProblemBody};
use crate::store::{orders, overview};

/// Days of the trend.
const TREND_DAYS: i64 = 14;
/// The stretch that rectification is counted over, ms.
const RECTIFICATION_MS: i64 = 30 * 24 * 3_600_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read);
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct PremisesFigures {
    total: i64,
    /// With at least one camera that delivers pictures.
    online: i64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct CameraFigures {
    /// Not counting those that are switched off.
    total: i64,
    online: i64,
    /// disabled, connecting, recording, degraded, offline
    by_state: BTreeMap<String, i64>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct AlertFigures {
    open: i64,
    /// Open ones only.
    by_state: BTreeMap<String, i64>,
    /// Open ones only; 0 for the camera itself.
    by_class: BTreeMap<String, i64>,
    /// Past a deadline.
    overdue: i64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct InspectionFigures {
    /// Begun today, Asia/Shanghai.
    today: i64,
    /// Not submitted yet.
    in_progress: i64,
}

/// Of what was dispatched in the last 30 days.
#[derive(Debug, Default, Serialize, ToSchema)]
struct RectificationFigures {
    dispatched: i64,
    /// Answered by the premises.
    rectified: i64,
    /// Answered before the deadline.
    on_time: i64,
}

/// Rectification orders; the rates are of those issued in the last 30 days.
#[derive(Debug, Default, Serialize, ToSchema)]
struct OrderFigures {
    /// Not closed yet.
    open: i64,
    /// Of those, answered and waiting for a re-check.
    to_review: i64,
    /// Of those, past a deadline.
    overdue: i64,
    issued: i64,
    /// Answered by the premises.
    rectified: i64,
    /// Answered before the deadline.
    on_time: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Day {
    /// Asia/Shanghai
    #[schema(example = "2026-11-23")]
    date: String,
    alerts: i64,
    /// Of those, dismissed.
    dismissed: i64,
}

/// The first page's figures.
#[derive(Debug, Serialize, ToSchema)]
struct Overview {
    premises: PremisesFigures,
    cameras: CameraFigures,
    alerts: AlertFigures,
    inspections: InspectionFigures,
    rectification: RectificationFigures,
    orders: OrderFigures,
    /// 14 days, today last.
    trend: Vec<Day>,
    server_time: Moment,
}

/// Figures of the caller's part of the tree.
#[utoipa::path(tag = "overview", responses((status = 200, body = Overview), (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/overview")]
async fn read(app: web::Data<App>, caller: Caller<can::PremisesRead>) -> Result<web::Json<Overview>, Problem> {
    let now_ms = app.clock.wall_ms();
    let today = calendar::date_of(now_ms);
    let within = |permission| caller.access.scope(permission);
    let (alerts_scope, inspections_scope) = (within(Permission::AlertsRead), within(Permission::InspectionsRead));
    let first = today.saturating_sub((TREND_DAYS - 1).days());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (premises_total, premises_online) = overview::premises(conn, &caller.scope()).await?;
    let cameras = overview::cameras(conn, &within(Permission::CamerasRead)).await?;
    let alerts = overview::alerts(conn, &alerts_scope).await?;
    let (inspected_today, in_progress) = overview::inspections(conn, &inspections_scope, calendar::start_of(today)).await?;
    let (dispatched, rectified, on_time) = overview::rectification(conn, &alerts_scope, now_ms - RECTIFICATION_MS).await?;
    let orders_scope = within(Permission::OrdersRead);
    let standings = orders::standings(conn, &orders_scope).await?;
    let ordered = orders::rectified(conn, &orders_scope, now_ms - RECTIFICATION_MS).await?;
    let raised = overview::trend(conn, &alerts_scope, calendar::start_of(first)).await?;
    Ok(web::Json(Overview {
        premises: PremisesFigures { total: premises_total, online: premises_online },
        cameras: camera_figures(cameras),
        alerts: alert_figures(alerts),
        inspections: InspectionFigures { today: inspected_today, in_progress },
        rectification: RectificationFigures { dispatched, rectified, on_time },
        orders: OrderFigures {
            open: standings.open,
            to_review: standings.answered,
            overdue: standings.late,
            issued: ordered.0,
            rectified: ordered.1,
            on_time: ordered.2,
        },
        trend: trend(first, &raised),
        server_time: Moment(now_ms),
    }))
}

fn camera_figures(rows: Vec<(String, i64)>) -> CameraFigures {
    let by_state: BTreeMap<String, i64> = rows.into_iter().collect();
    let of = |state: &str| by_state.get(state).copied().unwrap_or_default();
    CameraFigures { total: by_state.values().sum::<i64>() - of("disabled"), online: of("recording") + of("degraded"), by_state }
}

fn alert_figures(rows: Vec<(String, i64, String, i64)>) -> AlertFigures {
    let mut figures = AlertFigures::default();
    for (state, class, level, count) in rows {
        figures.open += count;
        *figures.by_state.entry(state).or_default() += count;
        *figures.by_class.entry(class.to_string()).or_default() += count;
        if level != "none" {
            figures.overdue += count;
        }
    }
    figures
}

/// Every day of the trend, also those without an alert.
fn trend(first: jiff::civil::Date, rows: &[(i64, i64, i64)]) -> Vec<Day> {
    (0..TREND_DAYS)
        .map(|offset| {
            let date = first.saturating_add(offset.days());
            // Days since 1970 in Asia/Shanghai, as the store counts them.
            let number = (calendar::start_of(date) + 28_800_000) / 86_400_000;
            let (alerts, dismissed) = rows.iter().find(|row| row.0 == number).map_or((0, 0), |row| (row.1, row.2));
            Day { date: date.to_string(), alerts, dismissed }
        })
        .collect()
}
