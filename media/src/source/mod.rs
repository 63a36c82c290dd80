//! Where streams come from: one boundary for pulled and pushed sources alike.
//!
//! A source is opened, read item by item, and dropped; it never repairs itself. Whatever goes wrong ends it with a
//! [`SourceError`] that names the reason in the words of the camera's state, and the camera task opens a new one.

pub mod access_unit;
pub mod address;
pub mod ceiling;
pub mod dial;
pub mod digest;
pub mod fetch;
pub mod gst;
pub mod hls;
pub mod http;
pub mod mjpeg;
pub mod onvif;
pub mod open;
pub mod probe;
pub(crate) mod reactor;
pub mod rtmp;
pub mod rtsp;

use futures::future::BoxFuture;

pub use access_unit::{AccessUnit, SourceItem, StreamParameters};

use crate::camera::{SourceSpec, StateReason};

/// An opened stream of video.
///
/// Implementations bound every wait on the network while opening, and refuse an access unit above the size limit as
/// [`StateReason::BadStream`]. Waiting for the next item is bounded by the caller's watchdog, so `next` must be
/// cancel-safe.
pub trait Source: Send {
    /// The next item. After an error the source is spent.
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>>;

    /// Whether what is not asked for at once waits somewhere that has room for it (a socket's buffer in the kernel): then it is
    /// asked for when it is needed (`record/pace.rs`), without a waking for each picture.
    fn keeps_what_comes(&self) -> bool {
        false
    }

    /// Ends the stream politely (TEARDOWN, end of stream), within a short time; dropping ends it too.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Opens sources; a boundary, so that tests can bring a source of their own.
pub trait Opener: Send + Sync + std::fmt::Debug {
    /// Opens the source that `spec` describes, within the connect limit's time.
    fn open(&self, spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>>;
}

/// Why a source could not be opened or has ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct SourceError {
    /// The reason as the camera's state shows it.
    pub reason: StateReason,
    /// The same in words, without credentials.
    pub detail: String,
}

impl SourceError {
    /// An error with words; `detail` must hold no credentials.
    #[must_use]
    pub fn new(reason: StateReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// Limits that a source keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLimits {
    /// Time for name resolution, connecting and signing in together.
    pub connect_timeout: std::time::Duration,
    /// Largest access unit that is taken, bytes.
    pub access_unit_bytes_max: usize,
}
