//! What can go wrong with a paper.

use serde::Serialize;
use utoipa::ToSchema;

use crate::files::FilesError;
use crate::store::StoreError;

/// A place in a layout, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LayoutFault {
    /// `layout` for the layout itself, otherwise the file it uses.
    pub file: String,
    /// Counted from 1; none where the fault has no place.
    pub line: Option<usize>,
    /// Counted from 1, in characters.
    pub column: Option<usize>,
    /// As the compiler says it.
    pub message: String,
    /// What it advises.
    pub hints: Vec<String>,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The layout does not compile with this data.
    #[error("the layout has {} faults, the first: {}", .0.len(), .0.first().map_or("none", |fault| fault.message.as_str()))]
    Layout(Vec<LayoutFault>),
    /// It takes longer than a paper may.
    #[error("setting the paper took longer than {0} s")]
    TooSlow(u64),
    /// More pages than a paper may have.
    #[error("{0} pages are more than a paper may have")]
    TooLong(usize),
    /// A picture cannot be used.
    #[error("a picture cannot be used: {0}")]
    Picture(String),
    /// No Chinese font is installed.
    #[error("no Chinese font was found in {0}")]
    NoFonts(String),
    /// Too many papers are being set.
    #[error("too many papers are being set")]
    Busy,
    /// The paper cannot be made of this.
    #[error("{0}")]
    Unfit(&'static str),
    /// The file store.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
