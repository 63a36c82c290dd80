//! The list as a ZIP: both tables, the photos as they were taken, and the papers in force.

use std::collections::HashMap;
use std::io::Write;

use bytes::Bytes;
use futures::StreamExt as _;
use mobile_api::inspection::EvidenceKind;
use mobile_api::problem::ProblemType;
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::answers::Bodies;
use super::{PIECE_BYTES, PIECES_MAX, Pieces, Source, Table};
use crate::http::Problem;
use crate::sheet;
use crate::store::documents::IssuedRow;
use crate::store::evidence::EvidenceRow;
use crate::store::inspections::ExportRow;
use crate::store::{StoreError, documents, evidence, inspections};

/// The largest photo or paper that is packed, bytes; one is held at a time.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Packs in a thread of its own, which waits for whoever takes the pieces.
pub(super) fn zipped(source: Source) -> Pieces {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Problem>>(PIECES_MAX);
    let runtime = tokio::runtime::Handle::current();
    drop(tokio::task::spawn_blocking(move || {
        let pieces = PieceWriter { sender: sender.clone(), held: Vec::with_capacity(PIECE_BYTES) };
        if let Err(problem) = pack(&runtime, &source, pieces) {
            let _ = sender.blocking_send(Err(problem));
        }
    }));
    futures::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) }).boxed()
}

fn pack(runtime: &tokio::runtime::Handle, source: &Source, pieces: PieceWriter) -> Result<(), Problem> {
    let broken = |error: std::io::Error| Problem::of(ProblemType::Unavailable).because(error.to_string());
    let begin = |error: zip::result::ZipError| Problem::of(ProblemType::Unavailable).because(error.to_string());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = ZipWriter::new_stream(pieces);
    let mut bodies = Bodies::default();
    for (name, table) in [("inspections.csv", Table::Inspections), ("inspection-answers.csv", Table::Answers)] {
        archive.start_file(name, SimpleFileOptions::default()).map_err(begin)?;
        archive.write_all(&sheet::csv_head(&table.header(source.english)).map_err(StoreError::damaged)?).map_err(broken)?;
        let mut cursor: Option<String> = None;
        loop {
            let (rows, next) = runtime.block_on(source.page(cursor.as_deref()))?;
            let cells = runtime.block_on(source.table(table, &rows, &mut bodies))?;
            archive.write_all(&sheet::csv_rows(&cells).map_err(StoreError::damaged)?).map_err(broken)?;
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
    }
    let mut cursor: Option<String> = None;
    loop {
        let (rows, next) = runtime.block_on(source.page(cursor.as_deref()))?;
        let mut papers = runtime.block_on(papers(source, &rows))?;
        for row in rows {
            let mut files = runtime.block_on(photos(source, &row))?;
            files.extend(papers.remove(&row.id).unwrap_or_default().into_iter().map(|paper| (paper_name(&paper), paper.sha256)));
            for (name, sha256) in files {
                let content = runtime.block_on(source.app.files.read_all(&sha256, FILE_BYTES_MAX))?;
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

/// The photos of one inspection that have arrived: their places in the archive, and their hashes.
async fn photos(source: &Source, row: &ExportRow) -> Result<Vec<(String, String)>, Problem> {
    let files = evidence::of_inspection(&mut source.app.db.read().await?.conn(), &row.id).await?;
    let hides = files.iter().any(|file| file.was_made_by(evidence::REDACTION));
    let originals = !hides || inspections::get(&mut source.app.db.read().await?.conn(), &source.originals, &row.id).await?.is_some();
    let named = exported(&files, originals).into_iter().map(|(taken, file, what)| {
        let filetype = file.stored_filetype.as_deref().unwrap_or(&file.filetype);
        let ending = filetype.rsplit('/').next().unwrap_or("bin");
        let item = plain(taken.item_code.as_deref().unwrap_or("0"));
        (format!("{}/{item}-{}{what}.{ending}", row.id, taken.id), file.sha256.clone())
    });
    Ok(named.collect())
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

/// The papers in force of a page of inspections that the caller may read, by inspection.
async fn papers(source: &Source, rows: &[ExportRow]) -> Result<HashMap<String, Vec<IssuedRow>>, Problem> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut by_inspection: HashMap<String, Vec<IssuedRow>> = HashMap::new();
    for paper in documents::issued(&mut source.app.db.read().await?.conn(), &source.papers, &ids).await? {
        by_inspection.entry(paper.inspection_id.clone()).or_default().push(paper);
    }
    Ok(by_inspection)
}

/// Unique, because a number is given once in an office, kind and year.
fn paper_name(paper: &IssuedRow) -> String {
    format!("{}/{}-{}.pdf", paper.inspection_id, paper.kind, plain(&paper.number))
}

/// Without what a file's name may not have; Chinese stays.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '〔' | '〕')).collect()
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
