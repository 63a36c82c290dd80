//! Layouts: those that ship, and those a bureau made of them.

use sha2::{Digest as _, Sha256};

use super::{DocumentError, Kind, Renderer, sample};
use crate::store::{Conn, StoreError, layouts};

/// Characters of a layout at most.
pub const SOURCE_CHARS_MAX: usize = 100_000;

/// A layout that papers are set by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// 0: the one that ships.
    pub version: i64,
    /// Typst.
    pub source: String,
    /// Of the source, hex.
    pub sha256: String,
}

/// The source that ships for a kind.
pub fn shipped(kind: Kind) -> &'static str {
    match kind {
        Kind::InspectionRecord => include_str!("layouts/inspection_record.typ"),
        Kind::OnSiteRecord => include_str!("layouts/on_site_record.typ"),
        Kind::RectificationOrder => include_str!("layouts/rectification_order.typ"),
        Kind::Warning => include_str!("layouts/warning.typ"),
        Kind::Disclosure => include_str!("layouts/disclosure.typ"),
        Kind::SamplingSheet => include_str!("layouts/sampling_sheet.typ"),
        Kind::IncidentRecord => include_str!("layouts/incident_record.typ"),
    }
}

/// The hash that papers keep of their layout.
pub fn hash(source: &str) -> String {
    hex::encode(Sha256::digest(source.as_bytes()))
}

/// The layout that holds now: the bureau's newest, or the one that ships.
pub async fn in_force(conn: &mut Conn<'_>, kind: Kind) -> Result<Layout, StoreError> {
    let own = layouts::newest(conn, kind.as_str()).await?;
    Ok(own.map_or_else(
        || Layout { version: 0, source: shipped(kind).to_owned(), sha256: hash(shipped(kind)) },
        |row| Layout { version: row.version, source: row.source, sha256: row.sha256 },
    ))
}

/// Sets a sample paper by a layout, so that one that does not compile is never stored.
pub async fn check(renderer: &Renderer, kind: Kind, source: &str, at_ms: i64) -> Result<Vec<u8>, DocumentError> {
    let (paper, pictures) = sample::paper(kind, at_ms);
    renderer.render(source, &paper, pictures, at_ms).await.map(|rendered| rendered.pdf)
}
