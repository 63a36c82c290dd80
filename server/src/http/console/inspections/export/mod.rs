//! The list of inspections as a file: CSV, XLSX with a second sheet of answers, or ZIP with answers, photos and papers; and the
//! answers alone as CSV.
//!
//! Rows are read a page at a time and sent on at once, so that ten thousand take no more memory than a few hundred: CSV and ZIP
//! leave as they are made, XLSX goes through a temporary file. No transaction stays open meanwhile. An export that breaks off
//! ends its connection: half a file is never taken for a whole one.

mod answers;
mod pack;

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mobile_api::Moment;
use mobile_api::judge::Judgement;
use mobile_api::problem::ProblemType;
use mobile_api::template::Bilingual;
use serde_json::json;
use tokio::sync::mpsc;
use utoipa_actix_web::service_config::ServiceConfig;

use self::answers::Bodies;
use super::{ListArgs, sight};
use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::permission::Permission;
use crate::http::{Args, Problem, ProblemBody, REQUEST, page};
use crate::sheet::{self, Cell, SheetHead};
use crate::store::inspections::{self, ExportRow, InspectionFilter, Sight};
use crate::store::journal::Act;
use crate::store::{PAGE_LIMIT, Page, StoreError};

/// Pieces that wait to be sent; the one that makes them waits for a place.
const PIECES_MAX: usize = 8;
/// Bytes of a piece of a ZIP.
const PIECE_BYTES: usize = 256 * 1024;

/// Column code and Chinese name.
const COLUMNS: [(&str, &str); 16] = [
    ("id", "编号"),
    ("premises", "场所"),
    ("organization", "监管所"),
    ("template", "检查表"),
    ("kind", "检查类型"),
    ("officers", "检查人员"),
    ("state", "状态"),
    ("result", "检查结果"),
    ("score", "得分"),
    ("grade", "等级"),
    ("key_failed", "重点项不符合"),
    ("general_failed", "一般项不符合"),
    ("started_at", "开始时间"),
    ("submitted_at", "提交时间"),
    ("missing_evidence", "缺少的证据"),
    ("amendments", "更正次数"),
];

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(export).service(export_answers);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Xlsx,
    Zip,
}

impl Format {
    fn parse(ending: &str) -> Option<Self> {
        Some(match ending {
            "csv" => Self::Csv,
            "xlsx" => Self::Xlsx,
            "zip" => Self::Zip,
            _ => return None,
        })
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => sheet::Format::Csv.content_type(),
            Self::Xlsx => sheet::Format::Xlsx.content_type(),
            Self::Zip => "application/zip",
        }
    }
}

/// Inspections as the list shows them. XLSX has a second sheet with a row an answer (item, result, remark, clause); the ZIP
/// holds both tables as CSV, every photo as it was taken, and the PDF of each paper in force that the caller may read.
#[utoipa::path(tag = "transfer", params(("format" = String, Path, description = "csv, xlsx or zip", example = "csv"), ListArgs),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/exports/inspections.{format}")]
async fn export(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::InspectionsRead>,
    args: Args<ListArgs>,
) -> Result<HttpResponse, Problem> {
    page(args.limit, args.cursor.as_deref())?;
    let ending = request.match_info().get("format").unwrap_or_default();
    let format = Format::parse(ending).ok_or_else(Problem::not_found)?;
    let source = begin(&request, &app, &caller, &args, "inspections", ending).await?;
    let body = match format {
        Format::Csv => csv(source, Table::Inspections)?,
        Format::Xlsx => xlsx(source).await?,
        Format::Zip => pack::zipped(source),
    };
    Ok(sent(format, &format!("inspections.{ending}"), body))
}

/// The answers of the inspections that the list shows, a row an answer: item, result, remark, whether it failed, clause. Only of
/// submitted inspections, with every amendment laid over what was sent.
#[utoipa::path(tag = "transfer", params(ListArgs), responses((status = 200, content_type = "text/csv", body = String)))]
#[get("/exports/inspection-answers.csv")]
async fn export_answers(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::InspectionsRead>,
    args: Args<ListArgs>,
) -> Result<HttpResponse, Problem> {
    page(args.limit, args.cursor.as_deref())?;
    let source = begin(&request, &app, &caller, &args, "inspection_answers", "csv").await?;
    Ok(sent(Format::Csv, "inspection-answers.csv", csv(source, Table::Answers)?))
}

/// Where the rows come from; that they were asked for is noted before anybody has them.
async fn begin(
    request: &HttpRequest,
    app: &App,
    caller: &Caller<can::InspectionsRead>,
    args: &ListArgs,
    of: &'static str,
    format: &str,
) -> Result<Source, Problem> {
    let filter = args.filter(app.clock.wall_ms())?;
    let (actor, at) = (caller.actor.clone(), app.clock.wall_ms());
    let detail = json!({"of": of, "format": format, "query": request.query_string()});
    app.db
        .write(move |tx| {
            Box::pin(async move { tx.audit(at, Act { actor: &actor, action: "export", entity: None, path: "/", detail }).await })
        })
        .await?;
    let bureau = caller.access.scope(Permission::InspectionsOriginals);
    Ok(Source {
        app: app.clone(),
        sight: sight(caller),
        originals: Sight { read: bureau.clone(), drafts: bureau },
        papers: caller.access.scope(Permission::DocumentsRead),
        filter,
        english: REQUEST.try_with(|facts| facts.english).unwrap_or_default(),
    })
}

fn sent(format: Format, name: &str, body: Pieces) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(format.content_type()).insert_header(("cache-control", "no-store"));
    response.insert_header(("content-disposition", format!("attachment; filename=\"{name}\"")));
    if format != Format::Csv {
        // Packed already.
        response.insert_header(("content-encoding", "identity"));
    }
    // Half sent, a problem cannot be told any more: the connection ends.
    response.streaming(body.map(|piece| piece.map_err(|problem| std::io::Error::other(problem.to_string()))))
}

type Pieces = BoxStream<'static, Result<Bytes, Problem>>;

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Inspections,
    Answers,
}

impl Table {
    fn header(self, english: bool) -> Vec<&'static str> {
        let named = |columns: &[(&'static str, &'static str)]| -> Vec<&'static str> {
            columns.iter().map(|(code, zh)| if english { *code } else { *zh }).collect()
        };
        match self {
            Self::Inspections => named(&COLUMNS),
            Self::Answers => named(&answers::COLUMNS),
        }
    }

    fn name(self, english: bool) -> &'static str {
        match (self, english) {
            (Self::Inspections, false) => "检查",
            (Self::Inspections, true) => "inspections",
            (Self::Answers, false) => "检查项",
            (Self::Answers, true) => "answers",
        }
    }
}

/// Where rows come from.
#[derive(Clone)]
struct Source {
    app: App,
    sight: Sight,
    /// Where photos are given as taken though places in them were made unreadable.
    originals: Sight,
    /// Whose papers may be read.
    papers: Scope,
    filter: InspectionFilter,
    english: bool,
}

impl Source {
    /// The inspections after a cursor, with the cursor of the next ones.
    async fn page(&self, cursor: Option<&str>) -> Result<(Vec<ExportRow>, Option<String>), Problem> {
        let page = Page::parse(Some(PAGE_LIMIT), cursor).ok_or_else(|| Problem::of(ProblemType::Internal))?;
        let mut reader = self.app.db.read().await?;
        let mut rows = inspections::export_page(&mut reader.conn(), &self.sight, &self.filter, &page).await?;
        let next = page.cut(&mut rows, |row| (row.happened_at.to_string(), row.id.clone()));
        Ok((rows, next))
    }

    /// Those inspections as rows of a table.
    async fn table(&self, table: Table, rows: &[ExportRow], bodies: &mut Bodies) -> Result<Vec<Vec<Cell>>, Problem> {
        let mut reader = self.app.db.read().await?;
        let conn = &mut reader.conn();
        if table == Table::Answers {
            return Ok(answers::cells(conn, rows, bodies, self.english).await?);
        }
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut officers: HashMap<String, Vec<String>> = HashMap::new();
        for (inspection, _, name, _) in inspections::officers(conn, &ids).await? {
            officers.entry(inspection).or_default().push(name);
        }
        Ok(rows.iter().map(|row| cells(row, &officers)).collect::<Result<_, StoreError>>()?)
    }
}

fn cells(row: &ExportRow, officers: &HashMap<String, Vec<String>>) -> Result<Vec<Cell>, StoreError> {
    let judged: Option<Judgement> = row.result.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let template: Bilingual = serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?;
    let grade = judged.as_ref().map(|judged| serde_json::to_value(judged.grade)).transpose().map_err(StoreError::damaged)?;
    Ok(vec![
        row.id.as_str().into(),
        row.premises_name.as_str().into(),
        row.organization_name.as_str().into(),
        template.zh.into(),
        row.kind.as_str().into(),
        officers.get(&row.id).map(|names| names.join("、")).into(),
        row.state.as_str().into(),
        row.outcome.clone().into(),
        judged.as_ref().and_then(|judged| judged.score).into(),
        grade.and_then(|grade| grade.as_str().map(str::to_owned)).into(),
        judged.as_ref().map(|judged| judged.key_failed.join("、")).into(),
        judged.as_ref().map(|judged| judged.general_failed.join("、")).into(),
        Moment(row.happened_at).to_string().into(),
        row.submitted_at.map(|at| Moment(at).to_string()).into(),
        row.missing_count.into(),
        row.amendments.into(),
    ])
}

fn csv(source: Source, table: Table) -> Result<Pieces, Problem> {
    let head = sheet::csv_head(&table.header(source.english)).map_err(StoreError::damaged)?;
    let first = futures::stream::iter([Ok(Bytes::from(head))]);
    let rest = futures::stream::unfold(Some((source, Bodies::default(), None::<String>)), move |state| async move {
        let (source, mut bodies, cursor) = state?;
        let made = async {
            let (rows, next) = source.page(cursor.as_deref()).await?;
            let cells = source.table(table, &rows, &mut bodies).await?;
            Ok::<_, Problem>((Bytes::from(sheet::csv_rows(&cells).map_err(StoreError::damaged)?), next))
        };
        match made.await {
            Err(problem) => Some((Err(problem), None)),
            Ok((piece, next)) => Some((Ok(piece), next.map(|next| (source, bodies, Some(next))))),
        }
    });
    Ok(first.chain(rest).boxed())
}

/// Through a temporary file: a spreadsheet is not known to its beginning before its end.
async fn xlsx(source: Source) -> Result<Pieces, Problem> {
    let unavailable = |error: String| {
        tracing::error!(error, "an export could not be written");
        Problem::of(ProblemType::Unavailable).because("the export could not be written").with("retry_after_s", 10)
    };
    let folder = tempfile::tempdir().map_err(|error| unavailable(error.to_string()))?;
    let path = folder.path().join("inspections.xlsx");
    let sheets = [Table::Inspections, Table::Answers]
        .map(|table| SheetHead { name: table.name(source.english), header: table.header(source.english) });
    // A page of answers is some megabytes: one waits while another is written.
    let (sender, mut receiver) = mpsc::channel::<(usize, Vec<Vec<Cell>>)>(1);
    let target = path.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let pieces = std::iter::from_fn(move || receiver.blocking_recv());
        let rows = pieces.flat_map(|(sheet, rows)| rows.into_iter().map(move |row| (sheet, row)));
        sheet::write_xlsx_file(&target, &sheets, rows)
    });
    let (mut cursor, mut bodies) = (None::<String>, Bodies::default());
    'pages: loop {
        let (rows, next) = source.page(cursor.as_deref()).await?;
        for (sheet, table) in [Table::Inspections, Table::Answers].into_iter().enumerate() {
            let cells = source.table(table, &rows, &mut bodies).await?;
            if sender.send((sheet, cells)).await.is_err() {
                break 'pages;
            }
        }
        if next.is_none() {
            break;
        }
        cursor = next;
    }
    drop(sender);
    writing.await.map_err(|error| unavailable(error.to_string()))?.map_err(unavailable)?;
    let file = tokio::fs::File::open(&path).await.map_err(|error| unavailable(error.to_string()))?;
    let pieces = tokio_util::io::ReaderStream::with_capacity(file, PIECE_BYTES);
    // The folder goes when the last piece has gone.
    Ok(pieces
        .map(move |piece| {
            let _kept = &folder;
            piece.map_err(|error| Problem::of(ProblemType::Unavailable).because(error.to_string()))
        })
        .boxed())
}
