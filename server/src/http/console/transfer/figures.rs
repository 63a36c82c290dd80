//! Figures as tables.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::exports::{deliver, format_of};
use super::{Column, column};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::alert::kind_of;
use crate::http::console::alert_figures::{self as figures_list, AlertOutcomes, Share};
use crate::http::console::closings::{self, ClosedBy};
use crate::http::console::rates::{self, RatesRow};
use crate::http::{Args, Problem, ProblemBody};
use crate::sheet::Cell;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(export_alert_figures).service(export_rates).service(export_closing);
}

const FIGURE_COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("name", "名称"),
    column("place", "所属"),
    column("threshold", "阈值"),
    column("raised", "预警数"),
    column("undecided", "待研判"),
    column("cleared", "自行恢复"),
    column("confirmed", "确认"),
    column("false_alarms", "误报"),
    column("other_dismissals", "其他排除"),
    column("precision", "准确率"),
    column("acted_on", "已响应"),
    column("response_median_s", "响应中位秒数"),
    column("response_p90_s", "响应90分位秒数"),
    column("response_working_median_s", "工作时间响应中位秒数"),
    column("response_working_p90_s", "工作时间响应90分位秒数"),
    column("dispatched", "派发"),
    column("rectified", "整改"),
    column("rectified_rate", "整改率"),
    column("on_time", "按期整改"),
    column("on_time_rate", "按期整改率"),
    column("closed", "办结"),
    column("recurred", "复发"),
    column("recurrence", "复发率"),
];

fn figure_cells(row: AlertOutcomes) -> Vec<Cell> {
    let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
    let count = |value: Option<i64>| value.map_or(Cell::Empty, Cell::from);
    let kind = row.kind.as_deref().and_then(kind_of).map(|kind| kind.zh.to_owned());
    vec![
        row.id.into(),
        kind.unwrap_or(row.name).into(),
        row.place.unwrap_or_default().into(),
        number(row.threshold),
        row.raised.into(),
        row.undecided.into(),
        row.cleared.into(),
        row.confirmed.into(),
        row.false_alarms.into(),
        row.other_dismissals.into(),
        number(row.precision.value),
        row.response.count.into(),
        count(row.response.median_s),
        count(row.response.p90_s),
        count(row.response_working.median_s),
        count(row.response_working.p90_s),
        row.rectified.whole.into(),
        row.rectified.part.into(),
        number(row.rectified.value),
        row.on_time.part.into(),
        number(row.on_time.value),
        row.recurrence.whole.into(),
        row.recurrence.part.into(),
        number(row.recurrence.value),
    ]
}

/// Figures of alerts as the list shows them, each share with its counts.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), figures_list::FigureArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/alert-figures.{format}")]
async fn export_alert_figures(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<figures_list::FigureArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let question = args.question(app.clock.wall_ms())?;
    let rows = {
        let mut reader = app.db.read().await?;
        figures_list::figures(&mut reader.conn(), &caller.scope(), &question).await?
    };
    deliver(&app, &caller, &request, "alert-figures", FIGURE_COLUMNS, rows.into_iter().map(figure_cells).collect()).await
}

const RATE_COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("name", "名称"),
    column("first_on", "起始日"),
    column("coverage", "覆盖率"),
    column("coverage_part", "有效场所"),
    column("coverage_whole", "应接场所"),
    column("connection", "接入率"),
    column("connection_part", "接入摄像机"),
    column("connection_whole", "登记摄像机"),
    column("online", "在线率"),
    column("online_part", "在线秒数"),
    column("online_whole", "应在线秒数"),
    column("completeness", "录像完整率"),
    column("completeness_part", "录像秒数"),
    column("completeness_whole", "应录像秒数"),
    column("patrol", "巡查率"),
    column("patrol_part", "已巡"),
    column("patrol_whole", "应巡"),
    column("rectified", "整改率"),
    column("rectified_part", "已整改"),
    column("rectified_whole", "已派发"),
    column("precision", "AI 准确率"),
    column("precision_part", "确认"),
    column("precision_whole", "确认加误报"),
];

fn rate_cells(row: RatesRow) -> Vec<Cell> {
    let mut cells = vec![row.id.into(), row.name.into(), row.first_on.unwrap_or_default().into()];
    let rates = row.rates;
    for Share { value, part, whole } in
        [rates.coverage, rates.connection, rates.online, rates.completeness, rates.patrol, rates.rectified, rates.precision]
    {
        cells.extend([value.map_or(Cell::Empty, Cell::Number), part.into(), whole.into()]);
    }
    cells
}

/// The seven figures as the list shows them, each with part and whole.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), rates::RatesArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/rates.{format}")]
async fn export_rates(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<rates::RatesArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (rows, _, _) = {
        let mut reader = app.db.read().await?;
        rates::figures(&mut reader.conn(), &caller.scope(), &args, app.clock.wall_ms()).await?
    };
    deliver(&app, &caller, &request, "rates", RATE_COLUMNS, rows.into_iter().map(rate_cells).collect()).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClosingArgs {
    #[param(example = "01928f6e-0000-7000-8000-000000000063")]
    closing_id: Uuid,
    #[param(example = "office", inline)]
    by: ClosedBy,
}

/// The figures of a closed month, as they were when it was closed.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), ClosingArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/closings.{format}")]
async fn export_closing(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<ClosingArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (_, rows) = {
        let mut reader = app.db.read().await?;
        closings::of_closing(&mut reader.conn(), &caller, &args.closing_id.to_string(), args.by).await?
    };
    deliver(&app, &caller, &request, "closings", RATE_COLUMNS, rows.into_iter().map(rate_cells).collect()).await
}
