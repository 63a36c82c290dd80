//! Exports: the rows of a list, as a table. Paged by key, so that no transaction stays open; every export is audited.

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Column, Kind, cameras as camera_table, column, people, premises as premises_table};
use crate::App;
use crate::auth::{Caller, Scope, Session, can};
use crate::domain::statistics::rate;
use crate::http::console::{
    alerts as alert_list, audit as audit_list, cameras as camera_list, premises as premises_list, statistics as statistics_list,
    users as user_list,
};
use crate::http::{Args, Problem, ProblemBody, REQUEST, page};
use crate::sheet::{self, Cell, Format};
use crate::store::alerts::{AlertList, AlertRow};
use crate::store::cameras::{self, CameraFilter, CameraSort};
use crate::store::journal::{self, Act, AuditRow};
use crate::store::premises::{self, PremisesFilter, PremisesSort};
use crate::store::statistics::SumRow;
use crate::store::users::{self, UserFilter, UserSort};
use crate::store::{Conn, Db, PAGE_LIMIT, Page, StoreError};

/// Rows of an export at most: a narrower list gives the rest.
pub(super) const ROWS_MAX: usize = 50_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(export_premises)
        .service(export_users)
        .service(export_cameras)
        .service(export_alerts)
        .service(export_statistics)
        .service(export_offline)
        .service(export_audit);
}

/// What an export of the things that are also imported is narrowed to.
#[derive(Debug, Clone)]
pub(crate) enum ExportFilter {
    /// As the list of premises.
    Premises(PremisesFilter),
    /// As the list of people.
    Users(UserFilter),
    /// As the list of cameras.
    Cameras(CameraFilter),
}

/// Reads pages until there are no more; `read` gives the page's rows and the next cursor.
macro_rules! every_page {
    ($conn:expr, |$page:ident| $list:expr, $key:expr, |$rows:ident| $cells:expr) => {{
        let mut all: Vec<Vec<Cell>> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let $page = Page::parse(Some(PAGE_LIMIT), cursor.as_deref()).ok_or_else(Problem::not_found)?;
            let mut $rows = $list;
            cursor = $page.cut(&mut $rows, $key);
            all.extend($cells);
            if cursor.is_none() {
                break all;
            }
            if all.len() >= ROWS_MAX {
                return Err(Problem::of(ProblemType::TooLarge).because(format!("more than {ROWS_MAX} rows: narrow the list")));
            }
        }
    }};
}

pub(super) use every_page;

/// The table of premises, people or cameras.
pub(crate) async fn export(db: &Db, scope: &Scope, filter: &ExportFilter) -> Result<(Kind, Vec<Vec<Cell>>), Problem> {
    let mut reader = db.read().await?;
    let conn = &mut reader.conn();
    Ok(match filter {
        ExportFilter::Premises(filter) => {
            let sort = PremisesSort::Name;
            (
                Kind::Premises,
                every_page!(
                    conn,
                    |page| premises::list(conn, scope, filter, sort, &page).await?,
                    |row| premises::sort_key(row, sort),
                    |rows| rows.into_iter().map(premises_table::cells)
                ),
            )
        }
        ExportFilter::Cameras(filter) => {
            let sort = CameraSort::Name;
            (
                Kind::Cameras,
                every_page!(
                    conn,
                    |page| cameras::list(conn, scope, filter, sort, &page).await?,
                    |row| cameras::sort_key(row, sort),
                    |rows| rows.into_iter().map(camera_table::cells)
                ),
            )
        }
        ExportFilter::Users(filter) => {
            let rows = every_page!(
                conn,
                |page| users::list(conn, scope, filter, UserSort::Name, &page).await?,
                |row| users::sort_key(row, UserSort::Name),
                |rows| {
                    let grants: Vec<_> = users::grants_of(conn, rows.iter().map(|row| &row.id))
                        .await?
                        .into_iter()
                        .filter(|grant| scope.covers(&grant.node_path))
                        .collect();
                    rows.into_iter().map(|row| people::cells(row, &grants)).collect::<Vec<_>>()
                }
            );
            (Kind::Users, rows)
        }
    })
}

/// Writes the table, notes the export, and answers.
pub(super) async fn deliver(
    app: &App,
    session: &Session,
    request: &HttpRequest,
    name: &'static str,
    columns: &[Column],
    rows: Vec<Vec<Cell>>,
) -> Result<HttpResponse, Problem> {
    let format = format_of(request)?;
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let header: Vec<&'static str> = columns.iter().map(|column| if english { column.code } else { column.zh }).collect();
    let (actor, at, count) = (session.actor.clone(), app.clock.wall_ms(), rows.len());
    let narrowed = request.query_string().to_owned();
    let written = web::block(move || sheet::write(format, &header, &rows)).await.map_err(|_| Problem::of(ProblemType::Unavailable))?;
    let body = written.map_err(|error| Problem::from(StoreError::damaged(error)))?;
    // The act is noted before anybody has the rows.
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let detail = json!({"of": name, "rows": count, "query": narrowed});
                tx.audit(at, Act { actor: &actor, action: "export", entity: None, path: "/", detail }).await
            })
        })
        .await?;
    let ending = if format == Format::Csv { "csv" } else { "xlsx" };
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header(("cache-control", "no-store"))
        .insert_header(("content-disposition", format!("attachment; filename=\"{name}.{ending}\"")))
        .body(body))
}

/// The parameters of a list that say which page of it.
#[derive(Debug, Deserialize)]
struct PageArgs {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The format of the path. An export is of every page; which one was asked for must be right all the same, as for the list.
pub(super) fn format_of(request: &HttpRequest) -> Result<Format, Problem> {
    let args = web::Query::<PageArgs>::from_query(request.query_string());
    let args = args.map_err(|error| Problem::of(ProblemType::Malformed).because(error.to_string()))?;
    page(args.limit, args.cursor.as_deref())?;
    request.match_info().get("format").and_then(Format::parse).ok_or_else(Problem::not_found)
}

/// Premises as the list shows them; can be imported again.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), premises_list::ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/premises.{format}")]
async fn export_premises(
    app: web::Data<App>,
    caller: Caller<can::PremisesRead>,
    args: Args<premises_list::ListArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (kind, rows) = export(&app.db, &caller.scope(), &ExportFilter::Premises(args.filter())).await?;
    deliver(&app, &caller, &request, "premises", kind.columns(), rows).await
}

/// People as the list shows them; can be imported again.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), user_list::ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/users.{format}")]
async fn export_users(
    app: web::Data<App>,
    caller: Caller<can::UsersRead>,
    args: Args<user_list::ListArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (kind, rows) = export(&app.db, &caller.scope(), &ExportFilter::Users(args.filter())).await?;
    deliver(&app, &caller, &request, "users", kind.columns(), rows).await
}

/// Cameras as the list shows them, without passwords; can be imported again.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), camera_list::ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/cameras.{format}")]
async fn export_cameras(
    app: web::Data<App>,
    caller: Caller<can::CamerasRead>,
    args: Args<camera_list::ListArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (kind, rows) = export(&app.db, &caller.scope(), &ExportFilter::Cameras(args.filter())).await?;
    deliver(&app, &caller, &request, "cameras", kind.columns(), rows).await
}

const ALERT_COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("kind", "类型"),
    column("class", "等级"),
    column("state", "状态"),
    column("level", "逾期"),
    column("premises", "场所"),
    column("organization", "监管所"),
    column("camera", "摄像机"),
    column("raised_at", "发生时间"),
    column("ended_at", "结束时间"),
    column("count", "次数"),
    column("due_at", "期限"),
];

fn alert_cells(row: AlertRow) -> Vec<Cell> {
    vec![
        row.id.into(),
        row.kind.into(),
        row.class.into(),
        row.state.into(),
        row.level.into(),
        row.premises_name.into(),
        row.organization_name.into(),
        row.camera_name.into(),
        moment(Some(row.raised_at)),
        moment(row.ended_at),
        row.count.into(),
        moment(row.due_at),
    ]
}

/// Alerts as the list shows them.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), alert_list::ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/alerts.{format}")]
async fn export_alerts(
    app: web::Data<App>,
    caller: Caller<can::AlertsRead>,
    args: Args<alert_list::ListArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (filter, scope) = (args.filter(&caller)?, caller.scope());
    let rows = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let list = AlertList::of(conn, &scope, &filter).await?;
        every_page!(conn, |page| list.page(conn, &page).await?, |row| list.sort_key(row), |rows| rows.into_iter().map(alert_cells))
    };
    deliver(&app, &caller, &request, "alerts", ALERT_COLUMNS, rows).await
}

const STATISTICS_COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("name", "名称"),
    column("place", "所属"),
    column("day", "日期"),
    column("cameras", "摄像机数"),
    column("online_rate", "在线率"),
    column("online_s", "在线秒数"),
    column("counted_s", "应在线秒数"),
    column("completeness", "录像完整率"),
    column("recorded_s", "录像秒数"),
    column("due_s", "应录像秒数"),
    column("device_health", "设备完好率"),
    column("healthy_s", "完好秒数"),
];

fn statistics_cells(row: SumRow) -> Vec<Cell> {
    let share = |part, whole| rate(part, whole).map_or(Cell::Empty, Cell::Number);
    vec![
        row.id.into(),
        row.name.into(),
        row.place.into(),
        row.day.into(),
        row.cameras.into(),
        share(row.online_ms, row.counted_ms),
        (row.online_ms / 1_000).into(),
        (row.counted_ms / 1_000).into(),
        share(row.recorded_ms, row.due_ms),
        (row.recorded_ms / 1_000).into(),
        (row.due_ms / 1_000).into(),
        share(row.healthy_ms, row.online_ms),
        (row.healthy_ms / 1_000).into(),
    ]
}

/// Figures as the list shows them, each share with its seconds.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), statistics_list::StatisticsArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/statistics.{format}")]
async fn export_statistics(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<statistics_list::StatisticsArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (question, scope) = (args.question(app.clock.wall_ms())?, caller.scope());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut all: Vec<Vec<Cell>> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = Page::parse(Some(PAGE_LIMIT), cursor.as_deref()).ok_or_else(Problem::not_found)?;
        let (rows, next, _) = statistics_list::rows(conn, &scope, &question, &page).await?;
        all.extend(rows.into_iter().map(statistics_cells));
        cursor = next;
        if cursor.is_none() {
            break;
        }
        if all.len() >= ROWS_MAX {
            return Err(Problem::of(ProblemType::TooLarge).because(format!("more than {ROWS_MAX} rows: narrow the list")));
        }
    }
    drop(reader);
    deliver(&app, &caller, &request, "statistics", STATISTICS_COLUMNS, all).await
}

const OFFLINE_COLUMNS: &[Column] = &[
    column("id", "编号"),
    column("camera", "摄像机"),
    column("premises", "场所"),
    column("organization", "监管所"),
    column("state", "状态"),
    column("reason", "原因代码"),
    column("since", "离线时间"),
    column("last_picture_at", "最后画面"),
    column("likely_cause", "可能原因"),
];

/// Cameras that give no picture, as the list shows them.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), statistics_list::OfflineArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/offline.{format}")]
async fn export_offline(
    app: web::Data<App>,
    caller: Caller<can::CamerasRead>,
    args: Args<statistics_list::OfflineArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (asked, scope, now_ms) = (args.asked(), caller.scope(), app.clock.wall_ms());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut all: Vec<Vec<Cell>> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = Page::parse(Some(PAGE_LIMIT), cursor.as_deref()).ok_or_else(Problem::not_found)?;
        let (rows, next, _, everywhere) = statistics_list::offline_rows(conn, &scope, &asked, now_ms, &page).await?;
        all.extend(rows.into_iter().map(|row| {
            let cause = statistics_list::cause(&row, everywhere).text;
            vec![
                row.id.into(),
                row.name.into(),
                row.premises_name.into(),
                row.organization_name.into(),
                row.state.into(),
                row.state_reason.into(),
                moment(Some(row.state_since)),
                moment(row.last_picture_at),
                cause.into(),
            ]
        }));
        cursor = next;
        if cursor.is_none() || all.len() >= ROWS_MAX {
            break;
        }
    }
    drop(reader);
    deliver(&app, &caller, &request, "offline", OFFLINE_COLUMNS, all).await
}

const AUDIT_COLUMNS: &[Column] = &[
    column("seq", "序号"),
    column("at", "时间"),
    column("actor", "人员"),
    column("action", "操作"),
    column("entity", "对象"),
    column("entity_id", "对象编号"),
    column("detail", "内容"),
    column("ip", "地址"),
    column("hash", "散列"),
];

fn audit_cells(row: AuditRow) -> Vec<Cell> {
    vec![
        row.seq.into(),
        moment(Some(row.at)),
        row.actor_name.into(),
        row.action.into(),
        row.entity.into(),
        row.entity_id.into(),
        row.detail.into(),
        row.ip.into(),
        row.hash.into(),
    ]
}

/// Acts as the audit list shows them.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv or xlsx", example = "csv"), audit_list::ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/audit.{format}")]
async fn export_audit(
    app: web::Data<App>,
    caller: Caller<can::AuditRead>,
    args: Args<audit_list::ListArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    format_of(&request)?;
    let (filter, scope) = (args.filter()?, caller.scope());
    let rows = audit_rows(&mut app.db.read().await?.conn(), &scope, &filter).await?;
    deliver(&app, &caller, &request, "audit", AUDIT_COLUMNS, rows).await
}

async fn audit_rows(conn: &mut Conn<'_>, scope: &Scope, filter: &journal::AuditFilter) -> Result<Vec<Vec<Cell>>, Problem> {
    Ok(every_page!(
        conn,
        |page| journal::list_audit(conn, scope, filter, &page).await?,
        |row| (row.seq.unwrap_or_default().to_string(), row.id.clone()),
        |rows| rows.into_iter().map(audit_cells)
    ))
}

fn moment(at: Option<i64>) -> Cell {
    at.map(|at| Moment(at).to_string()).into()
}
