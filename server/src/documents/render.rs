//! Setting a paper: off the async threads, few at a time, within a time.
//!
//! A layout is data that a bureau changes, so it may be wrong in any way. What the compiler says is told with its line. One
//! that does not end (the compiler bounds each loop and the depth of calls, but not their product) is given up after
//! [`TIME_MAX`]; its thread keeps its place until it ends, so that such layouts can take the places of papers but never more
//! of the machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use typst::diag::{Severity, SourceDiagnostic};
use typst::foundations::{Datetime, Smart};
use typst::{World, WorldExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandards, Timestamp};

use super::fonts::Fonts;
use super::world::{PaperWorld, name_of};
use super::{DocumentError, FONT_FOLDERS, LayoutFault, words};

/// Papers that are set at once.
const AT_ONCE_MAX: usize = 2;
/// Longest wait for a place.
const PLACE_WAIT: Duration = Duration::from_secs(30);
/// Longest time for one paper. A paper of three pages takes a fraction of a second, the first one after the start of the
/// program some more for the fonts.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Pages of a paper at most.
pub const PAGES_MAX: usize = 100;
/// Faults that are told.
const FAULTS_MAX: usize = 20;
/// Results of the compiler's own memory that are kept for the next papers.
const KEPT_ROUNDS: usize = 4;

/// A picture that a layout may open.
#[derive(Clone)]
pub struct Picture {
    /// As the data names it.
    pub file: String,
    /// JPEG, PNG or WebP.
    pub content: bytes::Bytes,
}

/// A paper as a file.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The file.
    pub pdf: Vec<u8>,
    /// How many.
    pub pages: usize,
    /// Of the fonts, hex.
    pub fonts_sha256: String,
}

/// Sets papers. Clones share the places and the fonts.
#[derive(Clone)]
pub struct Renderer {
    places: Arc<tokio::sync::Semaphore>,
    fonts: Arc<Mutex<Option<Arc<Fonts>>>>,
}

impl Default for Renderer {
    fn default() -> Self {
        Self { places: Arc::new(tokio::sync::Semaphore::new(AT_ONCE_MAX)), fonts: Arc::default() }
    }
}

impl Renderer {
    /// Sets `data` by the layout `source`. `at_ms` is the moment of issue, the only clock a paper knows.
    pub async fn render(&self, source: &str, data: &impl Serialize, pictures: Vec<Picture>, at_ms: i64) -> Result<Rendered, DocumentError> {
        let data = serde_json_canonicalizer::to_vec(data).map_err(|error| DocumentError::Picture(error.to_string()))?;
        let waiting = tokio::time::timeout(PLACE_WAIT, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = waiting.await else { return Err(DocumentError::Busy) };
        let (fonts, source) = (Arc::clone(&self.fonts), source.to_owned());
        let setting = tokio::task::spawn_blocking(move || {
            let _place = place;
            let fonts = loaded(&fonts)?;
            let pictures = pictures.into_iter().map(|picture| (picture.file, picture.content.to_vec())).collect();
            let world = PaperWorld::new(&source, data, pictures, Arc::clone(&fonts), words::day(at_ms));
            let world = world.ok_or(DocumentError::Unfit("the layout has no name"))?;
            let made = set(&world, at_ms);
            typst::comemo::evict(KEPT_ROUNDS);
            made.map(|(pdf, pages)| Rendered { pdf, pages, fonts_sha256: fonts.sha256.clone() })
        });
        match tokio::time::timeout(TIME_MAX, setting).await {
            Err(_) => Err(DocumentError::TooSlow(TIME_MAX.as_secs())),
            Ok(Ok(made)) => made,
            Ok(Err(panicked)) => Err(DocumentError::Layout(vec![LayoutFault {
                file: "layout".to_owned(),
                line: None,
                column: None,
                message: format!("the compiler stopped: {panicked}"),
                hints: Vec::new(),
            }])),
        }
    }
}

fn loaded(fonts: &Mutex<Option<Arc<Fonts>>>) -> Result<Arc<Fonts>, DocumentError> {
    let mut held = fonts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fonts) = held.as_ref() {
        return Ok(Arc::clone(fonts));
    }
    let fonts = Arc::new(Fonts::load().ok_or_else(|| DocumentError::NoFonts(FONT_FOLDERS.join(", ")))?);
    *held = Some(Arc::clone(&fonts));
    Ok(fonts)
}

fn set(world: &PaperWorld, at_ms: i64) -> Result<(Vec<u8>, usize), DocumentError> {
    let document: PagedDocument = typst::compile(world).output.map_err(|faults| told(world, &faults))?;
    let pages = document.pages().len();
    if pages > PAGES_MAX {
        return Err(DocumentError::TooLong(pages));
    }
    let moment = moment(at_ms);
    let options = PdfOptions { ident: Smart::Auto, timestamp: moment, standards: PdfStandards::default(), ..PdfOptions::default() };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|faults| told(world, &faults))?;
    Ok((pdf, pages))
}

fn moment(at_ms: i64) -> Option<Timestamp> {
    let at = jiff::Timestamp::from_millisecond(at_ms).ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let (year, month, day) = (i32::from(at.year()), part(at.month()), part(at.day()));
    Datetime::from_ymd_hms(year, month, day, part(at.hour()), part(at.minute()), part(at.second())).map(Timestamp::new_utc)
}

/// What the compiler says, with places.
fn told(world: &PaperWorld, faults: &[SourceDiagnostic]) -> DocumentError {
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).take(FAULTS_MAX);
    DocumentError::Layout(errors.map(|fault| place(world, fault)).collect())
}

fn place(world: &PaperWorld, fault: &SourceDiagnostic) -> LayoutFault {
    let file = fault.span.id();
    let at = file.and_then(|file| {
        let range = world.range(fault.span)?;
        let source = world.source(file).ok()?;
        let lines = source.lines();
        Some((lines.byte_to_line(range.start)? + 1, lines.byte_to_column(range.start)? + 1))
    });
    LayoutFault {
        file: file.map_or_else(|| "layout".to_owned(), name_of),
        line: at.map(|at| at.0),
        column: at.map(|at| at.1),
        message: fault.message.to_string(),
        hints: fault.hints.iter().map(|hint| hint.v.to_string()).collect(),
    }
}
