//! Scores of premises as a table.

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::problem::ProblemType;
use utoipa_actix_web::service_config::ServiceConfig;

use super::exports::{ROWS_MAX, deliver, every_page, format_of};
use super::{Column, column};
use crate::App;
use crate::auth::{Caller, can};
use crate::http::console::risk::{self as risk_list, RiskScore};
use crate::http::{Args, Problem, ProblemBody};
use crate::sheet::Cell;
use crate::store::risk::{self, ScoreRow};
use crate::store::{PAGE_LIMIT, Page, StoreError};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(export_risk);
}

const COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("name", "场所"),
    column("kind", "类型"),
    column("organization", "机构"),
    column("risk_grade", "风险等级"),
    column("day", "日期"),
    column("score", "评分"),
    column("band", "档位"),
    column("rise", "30天变化"),
    column("rising", "建议检查"),
    column("leading", "主要得分项"),
    column("last_inspection_at", "上次检查"),
];

fn cells(row: ScoreRow) -> Result<Vec<Cell>, StoreError> {
    let row = RiskScore::try_from(row)?;
    let leading: Vec<String> = row.leading.iter().map(|term| format!("{} {}", term.name.zh, term.points)).collect();
    Ok(vec![
        row.id.into(),
        row.name.into(),
        row.kind.into(),
        row.organization_name.into(),
        row.risk_grade.unwrap_or_default().into(),
        row.day.into(),
        Cell::Number(row.score),
        row.band.as_str().into(),
        Cell::Number(row.rise),
        row.rising.into(),
        leading.join("；").into(),
        row.last_inspection_at.map(|at| at.to_string()).into(),
    ])
}

/// Scores of premises as the list shows them, the highest first.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), risk_list::RiskArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/risk.{format}")]
async fn export_risk(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsRead>,
    args: Args<risk_list::RiskArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (filter, scope) = (args.filter(), caller.scope());
    let rows = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        every_page!(
            conn,
            |page| risk::list(conn, &scope, &filter, &page).await?,
            |row| (row.score.to_string(), row.premises_id.clone()),
            |rows| rows.into_iter().map(cells).collect::<Result<Vec<_>, StoreError>>()?
        )
    };
    deliver(&app, &caller, &request, "risk", COLUMNS, rows).await
}
