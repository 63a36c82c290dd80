//! Recorded files: how they are laid out, written, read and repaired.
//!
//! `{camera}/{yyyymmdd}/{start_ms}_{segment}.mp4` is `ftyp` and `moov`, then fragments, each a [`FragmentHeader`] box of
//! ours followed by its chunks (`moof` and `mdat`), written by one write; a closed file ends with the
//! [fragment table](table). Players skip boxes they do not know, so every file plays as it stands, and everything the
//! index knows can be read from the files again. Which of several [disks] a file lies on is no part of its name.

pub mod boxes;
pub mod disks;
pub mod fragment;
pub mod holds;
pub mod index;
pub mod moving;
pub mod path;
pub mod reader;
pub mod recover;
pub mod sample;
pub mod table;
#[cfg(test)]
pub(crate) mod tests;
mod varint;
pub mod writer;

pub use disks::{Disks, DisksError};
pub use fragment::{ChunkInfo, FragmentHeader, FragmentMark};
pub use holds::{HoldError, HoldId};
pub use index::SegmentIndex;
pub use reader::{FragmentEntry, SegmentFile};
pub use writer::SegmentWriter;

/// A recorded file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The disk or the file system failed; `ErrorKind::StorageFull` means what it says.
    #[error("recorded file: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not one of ours, or is damaged.
    #[error("recorded file is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
}
