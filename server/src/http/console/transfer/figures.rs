//! Figures of alerts as a table.

use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::exports::{deliver, format_of};
use super::{Column, column};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::alert::kind_of;
use crate::http::console::alert_figures::{self as figures_list, AlertOutcomes};
use crate::http::{Args, Problem, ProblemBody};
use crate::sheet::Cell;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(export_alert_figures);
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
