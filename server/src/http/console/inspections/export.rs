//! The list of inspections as a file: CSV, XLSX, or ZIP with the photos.
//!
//! Rows are read a page at a time and sent on at once, so that ten thousand take no more memory than a few hundred: CSV and ZIP
//! leave as they are made, XLSX goes through a temporary file. No transaction stays open meanwhile. An export that breaks off
//! ends its connection: half a file is never taken for a whole one.

use std::collections::HashMap;
use std::io::Write;

use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mobile_api::Moment;
use mobile_api::inspection::EvidenceKind;
use mobile_api::judge::Judgement;
use mobile_api::problem::ProblemType;
use mobile_api::template::Bilingual;
use serde_json::json;
use tokio::sync::mpsc;
use utoipa_actix_web::service_config::ServiceConfig;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{ListArgs, sight};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::permission::Permission;
use crate::http::{Args, Problem, ProblemBody, REQUEST, page};
use crate::sheet::{self, Cell};
use crate::store::evidence::EvidenceRow;
use crate::store::inspections::{self, ExportRow, InspectionFilter, Sight};
use crate::store::journal::Act;
use crate::store::{PAGE_LIMIT, Page, StoreError, evidence};

/// Pieces that wait to be sent; the one that makes them waits for a place.
const PIECES_MAX: usize = 8;
/// Bytes of a piece of a ZIP.
const PIECE_BYTES: usize = 256 * 1024;
/// The largest photo that is packed, bytes.
const PHOTO_BYTES_MAX: u64 = 32 * 1024 * 1024;

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
    config.service(export);
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

/// Inspections as the list shows them; the ZIP holds the CSV and every photo as it was taken.
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
    let ending = request.match_info().get("format").unwrap_or_default().to_owned();
    let format = Format::parse(&ending).ok_or_else(Problem::not_found)?;
    let filter = args.filter(app.clock.wall_ms())?;
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let header = COLUMNS.map(|(code, zh)| if english { code } else { zh });
    let (actor, at, narrowed, named) = (caller.actor.clone(), app.clock.wall_ms(), request.query_string().to_owned(), ending.clone());
    // The act is noted before anybody has the rows.
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let detail = json!({"of": "inspections", "format": named, "query": narrowed});
                tx.audit(at, Act { actor: &actor, action: "export", entity: None, path: "/", detail }).await
            })
        })
        .await?;
    let bureau = caller.access.scope(Permission::InspectionsOriginals);
    let originals = Sight { read: bureau.clone(), drafts: bureau };
    let source = Source { app: App::clone(&app), sight: sight(&caller), originals, filter };
    let body = match format {
        Format::Csv => csv(source, &header)?,
        Format::Xlsx => xlsx(source, header).await?,
        Format::Zip => zipped(source, header),
    };
    let mut response = HttpResponse::Ok();
    response.content_type(format.content_type()).insert_header(("cache-control", "no-store"));
    response.insert_header(("content-disposition", format!("attachment; filename=\"inspections.{ending}\"")));
    if format != Format::Csv {
        // Packed already.
        response.insert_header(("content-encoding", "identity"));
    }
    // Half sent, a problem cannot be told any more: the connection ends.
    Ok(response.streaming(body.map(|piece| piece.map_err(|problem| std::io::Error::other(problem.to_string())))))
}

type Pieces = BoxStream<'static, Result<Bytes, Problem>>;

/// Where rows come from.
#[derive(Clone)]
struct Source {
    app: App,
    sight: Sight,
    /// Where photos are given as taken though places in them were made unreadable.
    originals: Sight,
    filter: InspectionFilter,
}

impl Source {
    /// The rows after a cursor, with the cursor of the next ones.
    async fn rows(&self, cursor: Option<&str>) -> Result<(Vec<ExportRow>, Vec<Vec<Cell>>, Option<String>), Problem> {
        let page = Page::parse(Some(PAGE_LIMIT), cursor).ok_or_else(|| Problem::of(ProblemType::Internal))?;
        let mut reader = self.app.db.read().await?;
        let conn = &mut reader.conn();
        let mut rows = inspections::export_page(conn, &self.sight, &self.filter, &page).await?;
        let next = page.cut(&mut rows, |row| (row.happened_at.to_string(), row.id.clone()));
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut officers: HashMap<String, Vec<String>> = HashMap::new();
        for (inspection, _, name, _) in inspections::officers(conn, &ids).await? {
            officers.entry(inspection).or_default().push(name);
        }
        let cells = rows.iter().map(|row| cells(row, &officers)).collect::<Result<_, StoreError>>()?;
        Ok((rows, cells, next))
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

fn csv(source: Source, header: &[&str]) -> Result<Pieces, Problem> {
    let head = sheet::csv_head(header).map_err(StoreError::damaged)?;
    let first = futures::stream::iter([Ok(Bytes::from(head))]);
    let rest = futures::stream::unfold(Some((source, None::<String>)), |state| async move {
        let (source, cursor) = state?;
        match source.rows(cursor.as_deref()).await {
            Err(problem) => Some((Err(problem), None)),
            Ok((_, cells, next)) => {
                let piece = sheet::csv_rows(&cells).map(Bytes::from).map_err(|error| Problem::from(StoreError::damaged(error)));
                Some((piece, next.map(|next| (source, Some(next)))))
            }
        }
    });
    Ok(first.chain(rest).boxed())
}

/// Through a temporary file: a spreadsheet is not known to its beginning before its end.
async fn xlsx(source: Source, header: [&'static str; 16]) -> Result<Pieces, Problem> {
    let unavailable = |error: String| {
        tracing::error!(error, "an export could not be written");
        Problem::of(ProblemType::Unavailable).because("the export could not be written").with("retry_after_s", 10)
    };
    let folder = tempfile::tempdir().map_err(|error| unavailable(error.to_string()))?;
    let path = folder.path().join("inspections.xlsx");
    let (sender, mut receiver) = mpsc::channel::<Vec<Vec<Cell>>>(PIECES_MAX);
    let target = path.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let rows = std::iter::from_fn(move || receiver.blocking_recv()).flatten();
        sheet::write_xlsx_file(&target, &header, rows)
    });
    let mut cursor: Option<String> = None;
    loop {
        let (_, cells, next) = source.rows(cursor.as_deref()).await?;
        if sender.send(cells).await.is_err() || next.is_none() {
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

/// Packs in a thread of its own, which waits for whoever takes the pieces.
fn zipped(source: Source, header: [&'static str; 16]) -> Pieces {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Problem>>(PIECES_MAX);
    let runtime = tokio::runtime::Handle::current();
    drop(tokio::task::spawn_blocking(move || {
        let pieces = PieceWriter { sender: sender.clone(), held: Vec::with_capacity(PIECE_BYTES) };
        if let Err(problem) = pack(&runtime, &source, &header, pieces) {
            let _ = sender.blocking_send(Err(problem));
        }
    }));
    futures::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) }).boxed()
}

fn pack(runtime: &tokio::runtime::Handle, source: &Source, header: &[&str], pieces: PieceWriter) -> Result<(), Problem> {
    let broken = |error: std::io::Error| Problem::of(ProblemType::Unavailable).because(error.to_string());
    let mut archive = ZipWriter::new_stream(pieces);
    let packed = SimpleFileOptions::default();
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let begin = |error: zip::result::ZipError| Problem::of(ProblemType::Unavailable).because(error.to_string());
    archive.start_file("inspections.csv", packed).map_err(begin)?;
    archive.write_all(&sheet::csv_head(header).map_err(StoreError::damaged)?).map_err(broken)?;
    let mut cursor: Option<String> = None;
    loop {
        let (_, cells, next) = runtime.block_on(source.rows(cursor.as_deref()))?;
        archive.write_all(&sheet::csv_rows(&cells).map_err(StoreError::damaged)?).map_err(broken)?;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    loop {
        let (rows, _, next) = runtime.block_on(source.rows(cursor.as_deref()))?;
        for row in rows {
            for (name, content) in runtime.block_on(photos(source, &row))? {
                archive.start_file(name, stored).map_err(begin)?;
                archive.write_all(&content).map_err(broken)?;
            }
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    let mut pieces = archive.finish().map_err(begin)?.into_inner();
    pieces.flush().map_err(broken)
}

/// The photos of one inspection that have arrived, with their places in the archive.
async fn photos(source: &Source, row: &ExportRow) -> Result<Vec<(String, Bytes)>, Problem> {
    let files = evidence::of_inspection(&mut source.app.db.read().await?.conn(), &row.id).await?;
    let hides = files.iter().any(|file| file.was_made_by(evidence::REDACTION));
    let originals = !hides || inspections::get(&mut source.app.db.read().await?.conn(), &source.originals, &row.id).await?.is_some();
    let mut found = Vec::new();
    for (taken, file, what) in exported(&files, originals) {
        let filetype = file.stored_filetype.as_deref().unwrap_or(&file.filetype);
        let ending = filetype.rsplit('/').next().unwrap_or("bin");
        let item = taken.item_code.as_deref().unwrap_or("0");
        let item: String = item.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')).collect();
        let content = source.app.files.read_all(&file.sha256, PHOTO_BYTES_MAX).await?;
        found.push((format!("{}/{item}-{}{what}.{ending}", row.id, taken.id), content));
    }
    Ok(found)
}

/// What of an inspection's photos goes into the archive: each as taken (its reduced copy until that has come) with what was made from
/// it; to who may not see originals only the picture with places made unreadable, where there is one.
fn exported(files: &[EvidenceRow], originals: bool) -> Vec<(&EvidenceRow, &EvidenceRow, String)> {
    let photo = evidence::kind_code(EvidenceKind::Photo);
    let mut found = Vec::new();
    let clips = [EvidenceKind::Video, EvidenceKind::Audio].map(evidence::kind_code);
    let clip = |file: &&EvidenceRow| file.kind.as_deref().is_some_and(|kind| clips.contains(&kind));
    found.extend(files.iter().filter(clip).map(|file| (file, file, String::new())));
    for taken in files.iter().filter(|file| file.kind.as_deref() == Some(photo) && file.derived_from.is_none()) {
        if let Some(redacted) = evidence::redacted(files, &taken.id).filter(|_| !originals) {
            found.push((taken, redacted, "-redacted".to_owned()));
            continue;
        }
        match evidence::reduced(files, &taken.id) {
            Some(copy) if taken.file_id.is_none() => found.push((taken, copy, "-reduced".to_owned())),
            _ => found.push((taken, taken, String::new())),
        }
        let made = files.iter().filter(|one| one.derived_from.as_deref() == Some(taken.id.as_str()) && !one.is_reduced());
        found.extend(made.map(|one| (taken, one, format!("-{}", one.id))));
    }
    found.retain(|(_, file, _)| file.file_id.is_some());
    found
}

/// Gives what is written away in pieces, and waits until they are taken.
struct PieceWriter {
    sender: mpsc::Sender<Result<Bytes, Problem>>,
    held: Vec<u8>,
}

impl Write for PieceWriter {
    fn write(&mut self, content: &[u8]) -> std::io::Result<usize> {
        self.held.extend_from_slice(content);
        if self.held.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(content.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE_BYTES));
        // Whoever asked has gone: the archive ends here.
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }
}
