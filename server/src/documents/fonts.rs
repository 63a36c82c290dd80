//! Fonts of papers: those of the system's packages (Debian's `fonts-noto-cjk`), loaded when the first paper is set.
//!
//! The package's files are collections of all of East Asia; only the faces for simplified Chinese are used, so that a
//! layout cannot by mistake print another region's form of a character. A hash over the files says later which fonts a
//! paper was set with.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// Where packages put them; the first folder that has some is used.
pub const FONT_FOLDERS: &[&str] = &[
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto-serif-cjk-fonts",
    "/usr/share/fonts/truetype/noto",
];
/// The files: 宋体 for text and 黑体 for titles. Each is some 20 MB in memory while papers are being set.
const FILES: [&str; 2] = ["NotoSerifCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"];
/// Faces that are used.
const REGION: &str = " CJK SC";

/// Loaded fonts.
pub(super) struct Fonts {
    fonts: Vec<Font>,
    book: LazyHash<FontBook>,
    /// Of the files, hex.
    pub(super) sha256: String,
}

impl Fonts {
    /// Reads them; `None` where no folder has any. Takes a moment and is done off the async threads.
    pub(super) fn load() -> Option<Self> {
        FONT_FOLDERS.iter().find_map(|folder| Self::load_from(Path::new(folder)))
    }

    fn load_from(folder: &Path) -> Option<Self> {
        let mut fonts = Vec::new();
        let mut hash = Sha256::new();
        for path in FILES.map(|file| -> PathBuf { folder.join(file) }) {
            let Ok(content) = std::fs::read(&path) else { continue };
            hash.update(&content);
            let faces = Font::iter(Bytes::new(content));
            fonts.extend(faces.filter(|face| face.info().family.ends_with(REGION)));
        }
        if fonts.is_empty() {
            return None;
        }
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        Some(Self { fonts, book, sha256: hex::encode(hash.finalize()) })
    }

    pub(super) fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(super) fn get(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }
}
