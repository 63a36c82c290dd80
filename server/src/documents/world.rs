//! What a layout can see: its own source, the data, the pictures, the fonts. Nothing else exists for it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};

use super::fonts::Fonts;

/// The standard library, built once: it is the same for all papers.
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// Name of the layout's own file.
pub(super) const MAIN: &str = "layout.typ";
/// What all layouts that ship share.
const COMMON: (&str, &str) = ("common.typ", include_str!("layouts/common.typ"));

/// One paper's world.
pub(super) struct PaperWorld {
    main: FileId,
    sources: HashMap<FileId, Source>,
    files: HashMap<FileId, Bytes>,
    fonts: Arc<Fonts>,
    today: Option<Datetime>,
}

impl PaperWorld {
    /// `None` only where the names of our own files were no names.
    pub(super) fn new(
        source: &str,
        data: Vec<u8>,
        pictures: Vec<(String, Vec<u8>)>,
        fonts: Arc<Fonts>,
        today: jiff::civil::Date,
    ) -> Option<Self> {
        let main = id(MAIN)?;
        let sources = [(Some(main), source), (id(COMMON.0), COMMON.1)];
        let sources = sources.into_iter().filter_map(|(id, text)| Some((id?, Source::new(id?, text.to_owned())))).collect();
        let mut files: HashMap<FileId, Bytes> =
            pictures.into_iter().filter_map(|(name, content)| Some((id(&name)?, Bytes::new(content)))).collect();
        files.extend(id("data.json").map(|id| (id, Bytes::new(data))));
        let day = |number: i8| u8::try_from(number).unwrap_or(1);
        let today = Datetime::from_ymd(i32::from(today.year()), day(today.month()), day(today.day()));
        Some(Self { main, sources, files, fonts, today })
    }
}

/// The id of a file beside the layout; `None` for a name that leads outside. Names are ours: none does.
fn id(name: &str) -> Option<FileId> {
    Some(FileId::new(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?)))
}

/// The name of a file in messages.
pub(super) fn name_of(file: FileId) -> String {
    match file.vpath().get_without_slash() {
        MAIN => "layout".to_owned(),
        other => other.to_owned(),
    }
}

impl World for PaperWorld {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.sources.get(&id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index)
    }

    /// The day of issue: a paper has no other clock.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        self.today
    }
}
