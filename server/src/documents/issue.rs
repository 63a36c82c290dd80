//! Making a paper ready and issuing it.
//!
//! The number is printed, so the paper is set with the number that comes next, and the number is taken in the transaction
//! that writes the paper. Papers of one register take turns; where another node was faster, the paper is set again.

use std::sync::Arc;

use bytes::Bytes;
use mobile_api::canonical;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use super::gather::{Subject, bureau, gather};
use super::pictures::Wanted;
use super::{DocumentError, Kind, Picture, Rendered, Renderer, in_force, number_text, words};
use crate::App;
use crate::files::{Files, Haste, Reduced};
use crate::store::documents::{self, NewDocument};
use crate::store::files::{self as file_rows, FileRow};
use crate::store::journal::Actor;
use crate::store::paper_numbers::{self, Register};
use crate::store::{Conn, StoreError, Tx};

/// Registers take turns by their hash; this many at once.
const TURNS: usize = 16;
/// The largest picture that a paper takes in, bytes.
const PICTURE_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// The type of a paper.
pub(crate) const FILETYPE: &str = "application/pdf";

/// What papers need of the program. Clones share it.
#[derive(Clone)]
pub struct Documents {
    /// Sets them.
    pub renderer: Renderer,
    turns: Arc<Vec<Mutex<()>>>,
}

impl Default for Documents {
    fn default() -> Self {
        Self { renderer: Renderer::default(), turns: Arc::new((0..TURNS).map(|_| Mutex::default()).collect()) }
    }
}

impl Documents {
    /// A turn at a register: held while a paper is set and written.
    pub async fn turn(&self, register: &Register) -> MutexGuard<'_, ()> {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(register);
        let at = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        self.turns[at].lock().await
    }
}

/// A paper that is set and stored, and waits to be issued.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The rows to be.
    pub document: NewDocument,
    file: FileRow,
    /// The moment of issue, ms UTC.
    pub at_ms: i64,
}

/// The register of a paper about `subject` that is issued at this moment.
pub fn register(subject: &Subject, at_ms: i64) -> Register {
    let office_id = match &subject.inspection {
        Some(row) => row.office_id.clone(),
        None => subject.premises.organization_id.clone(),
    };
    Register { office_id, kind: subject.kind.as_str(), year: words::year(at_ms) }
}

/// Sets the paper with the number that comes next, or with one that was reserved, and stores the file.
pub async fn ready(
    app: &App,
    subject: &Subject,
    reserved: Option<i64>,
    work_id: Option<String>,
    user_id: &str,
    at_ms: i64,
) -> Result<Ready, DocumentError> {
    let register = register(subject, at_ms);
    let (reserved, number, text, layout, mut paper, wanted) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        // A record that a phone drew with a number of its block keeps that number.
        let drawn = match (reserved, &subject.inspection) {
            (None, Some(row)) => paper_numbers::of_inspection(conn, &register, &row.id).await?,
            _ => None,
        };
        let reserved = reserved.or(drawn);
        let number = match reserved {
            Some(number) => number,
            None => paper_numbers::next(conn, &register).await?,
        };
        let text = number_text(bureau(conn, &subject.premises.path).await?.word(subject.kind), register.year, number);
        let (paper, wanted) = gather(conn, &app.sealer, subject, at_ms).await?;
        (reserved, number, text, in_force(conn, subject.kind).await?, paper, wanted)
    };
    paper.number.clone_from(&text);
    let pictures = read(&app.files, &wanted).await?;
    let rendered = app.documents.renderer.render(&layout.source, &paper, pictures, at_ms).await?;
    let data = serde_json::to_value(&paper).map_err(StoreError::damaged)?;
    let bytes = i64::try_from(rendered.pdf.len()).unwrap_or(i64::MAX);
    let sha256 = app.files.put_bytes(Bytes::from(rendered.pdf)).await?;
    let file = FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: sha256.clone(),
        filetype: FILETYPE.to_owned(),
        bytes,
        width: None,
        height: None,
        user_id: Some(user_id.to_owned()),
        created_at: at_ms,
    };
    let document = NewDocument {
        id: Uuid::now_v7().to_string(),
        register,
        number,
        reserved: reserved.is_some(),
        number_text: text,
        premises_id: subject.premises.id.clone(),
        premises_path: subject.premises.path.clone(),
        inspection_id: subject.inspection.as_ref().map(|row| row.id.clone()),
        work_id,
        layout_version: layout.version,
        layout_sha256: layout.sha256,
        fonts_sha256: rendered.fonts_sha256,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        data_sha256: canonical::sha256_hex(&data),
        data: data.to_string(),
        file_id: file.id.clone(),
        sha256,
        pages: i64::try_from(rendered.pages).unwrap_or(i64::MAX),
        user_id: user_id.to_owned(),
    };
    Ok(Ready { document, file, at_ms })
}

/// Writes a paper that is ready, with its number. `false` where the number is somebody else's by now: the transaction must
/// then fail, because the paper was written before it was known.
pub async fn write(tx: &mut Tx<'_>, ready: &Ready, actor: &Actor) -> Result<bool, StoreError> {
    file_rows::insert(tx, &ready.file).await?;
    documents::issue(tx, &ready.document, actor, ready.at_ms).await
}

/// The paper as it would be, with a mark across the page and without a number.
pub async fn preview(app: &App, subject: &Subject, source: Option<&str>, at_ms: i64) -> Result<Rendered, DocumentError> {
    let (layout, mut paper, wanted) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (paper, wanted) = gather(conn, &app.sealer, subject, at_ms).await?;
        let word = bureau(conn, &subject.premises.path).await?.word(subject.kind).to_owned();
        let paper = super::Paper { number: format!("{word}〔{}〕　号", words::day(at_ms).year()), ..paper };
        (in_force(conn, subject.kind).await?, paper, wanted)
    };
    paper.preview = true;
    let pictures = read(&app.files, &wanted).await?;
    app.documents.renderer.render(source.unwrap_or(&layout.source), &paper, pictures, at_ms).await
}

/// The word before the year that the bureau has for a kind of paper.
pub async fn word(conn: &mut Conn<'_>, kind: Kind) -> Result<String, StoreError> {
    Ok(bureau(conn, "").await?.word(kind).to_owned())
}

/// Reads the pictures at the size they are printed at.
async fn read(files: &Files, wanted: &[Wanted]) -> Result<Vec<Picture>, DocumentError> {
    let mut pictures = Vec::with_capacity(wanted.len());
    for one in wanted {
        let content = match files.reduced(&one.sha256, &one.filetype, one.width, Haste::Now).await? {
            Reduced::Copy { content, .. } => content,
            Reduced::AsStored => files.read_all(&one.sha256, PICTURE_BYTES_MAX).await?,
        };
        pictures.push(Picture { file: one.file.clone(), content });
    }
    Ok(pictures)
}
