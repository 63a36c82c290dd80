//! Playback: the stored fragments sent again, as one file, as a playlist, live, or as a single picture.
//!
//! No sample is touched: what makes other pictures of them is [`crate::transcode`]. An [export](export) puts a new header before the stored fragments and
//! corrects their times; a [playlist](vod) names them one by one; [live](live) view reads them from memory while they
//! come into being. [`Recorded`] is what all of them start from: the fragments of a stretch that can be decoded.

mod engine;
pub mod export;
pub(crate) mod header;
pub mod keys;
pub mod live;
pub(crate) mod moof;
pub(crate) mod select;
pub mod statement;
pub mod vod;

pub use export::Export;
pub use keys::key_frames_of_file;
pub use live::LiveError;
pub use select::{Piece, Recorded};

use crate::segment::SegmentError;
use crate::supervise::Unfinished;

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// Nothing that can be decoded is recorded of this stretch.
    #[error("nothing is recorded of this time")]
    Nothing,
    /// The stretch is longer than one file or playlist may be.
    #[error("the stretch is longer than {max_ms} ms")]
    TooLong {
        /// The longest that is given.
        max_ms: i64,
    },
    /// The stretch begins after it ends.
    #[error("the stretch ends before it begins")]
    Backwards,
    /// Codec, picture size or parameter sets change inside, so it cannot be one file.
    #[error("the recording changes its codec or picture size inside this stretch")]
    CodecChange {
        /// The parts that can each be one file.
        pieces: Vec<Piece>,
    },
    /// A file is damaged or the disk fails.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A copy with other pictures broke off.
    #[error("transcoding: {0}")]
    Transcode(String),
    /// The work panicked, or the program stops.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
}
