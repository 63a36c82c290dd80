//! Papers (文书): what an inspection leaves in writing, set with Typst.
//!
//! A layout is a Typst source, shipped here or changed by the bureau; it sees the data it is given, the pictures named in
//! that data, and fonts, and nothing else: no file, no network, no clock, no package. The same data, layout, fonts and program
//! give the same bytes. A paper is rendered once, when it is issued, and kept as evidence; it is never rendered again.
//!
//! Numbers come from a register (office, kind, year). The number is printed on the paper, so it is known before rendering and
//! taken in the transaction that issues the paper; where somebody else was faster the paper is set again with the next one.

mod data;
mod error;
mod fonts;
mod gather;
mod incident;
mod issue;
mod kind;
mod layout;
mod pictures;
mod render;
pub mod sample;
mod words;
mod world;

pub use data::{
    ActFacts, Facts, Goods, IncidentFacts, Officer, Order, Paper, PaperItem, PaperSection, Party, Photo, QuickTestPaper, Recording,
    RecusalFacts, SampleFacts, SamplePaper, Scan, SignatureLine, VisitFacts,
};
pub use error::{DocumentError, LayoutFault};
pub use fonts::FONT_FOLDERS;
pub(crate) use gather::bureau;
pub use gather::{Subject, bureau_name, gather};
pub(crate) use gather::{kind_word, noted};
pub(crate) use issue::FILETYPE;
pub use issue::{Documents, Ready, preview, ready, register, word, write};
pub use kind::PaperKind as Kind;
pub use layout::{Layout, SOURCE_CHARS_MAX, check as check_layout, hash as layout_hash, in_force, shipped};
pub(crate) use mobile_api::words::grade as grade_word;
pub use pictures::Wanted;
pub use render::{PAGES_MAX, Picture, Rendered, Renderer};
/// The layout of the monthly report, which is no paper of a bureau's own.
pub(crate) const MONTHLY_REPORT: &str = include_str!("layouts/monthly_report.typ");

pub use words::{Bureau, OnSiteWording, chinese_date, han_date, number_text, year};
