//! The newest fragments of each camera in memory, chunk by chunk, for whoever watches live.
//!
//! The recorder's muxer puts every chunk here the moment it exists, before the disk has it. Readers wait on a watch
//! channel; a slow reader holds nobody up and finds older fragments on disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::camera::Codec;

/// Whole fragments that stay in memory beside the one that grows.
pub const FRAGMENTS_KEPT: usize = 2;

/// One part of a live stream: `moof` and `mdat` of about half a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChunk {
    /// The bytes as they are stored.
    pub data: Bytes,
    /// Duration, milliseconds.
    pub duration_ms: u32,
    /// Whether it begins with a key frame.
    pub independent: bool,
}

/// A fragment in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFragment {
    /// The camera's count of fragments; the media sequence number of a playlist.
    pub sequence: u64,
    /// Arrival of its first frame, milliseconds UTC.
    pub wall_ms: i64,
    /// Whether it begins with a key frame.
    pub sync: bool,
    /// Whether its times start anew and its header may be another: the first of a connection or of new parameters.
    pub discontinuity: bool,
    /// Whether its last chunk is there.
    pub complete: bool,
    /// Its chunks so far.
    pub chunks: Vec<LiveChunk>,
    /// The header (`ftyp`, `moov`) its chunks belong to.
    pub init: Arc<LiveInit>,
}

impl LiveFragment {
    /// Duration of its chunks so far, milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.duration_ms)).sum()
    }
}

/// The header of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct LiveInit {
    /// Grows with every new header of the camera.
    pub generation: u64,
    /// Codec of the video.
    pub codec: Codec,
    /// `ftyp` and `moov`.
    pub data: Bytes,
}

/// How far a live stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LivePosition {
    /// Sequence of the newest fragment.
    pub sequence: u64,
    /// Chunks of it that are there.
    pub chunks: usize,
    /// Whether it is complete.
    pub complete: bool,
}

/// One camera's live stream. Shared by its recorder, who writes, and its viewers.
#[derive(Debug)]
pub struct LiveRing {
    fragments: Mutex<VecDeque<LiveFragment>>,
    position: watch::Sender<Option<LivePosition>>,
}

impl Default for LiveRing {
    fn default() -> Self {
        Self { fragments: Mutex::default(), position: watch::Sender::new(None) }
    }
}

impl LiveRing {
    /// The fragments in memory, oldest first; the last may be incomplete. Cheap: bytes are shared.
    #[must_use]
    pub fn snapshot(&self) -> Vec<LiveFragment> {
        self.fragments().iter().cloned().collect()
    }

    /// A fragment, if it is still in memory.
    #[must_use]
    pub fn fragment(&self, sequence: u64) -> Option<LiveFragment> {
        self.fragments().iter().find(|fragment| fragment.sequence == sequence).cloned()
    }

    /// A chunk, if it is in memory.
    #[must_use]
    pub fn chunk(&self, sequence: u64, chunk: usize) -> Option<LiveChunk> {
        let fragments = self.fragments();
        fragments.iter().find(|fragment| fragment.sequence == sequence)?.chunks.get(chunk).cloned()
    }

    /// Tells of each new chunk: `None` while the camera does not record.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<LivePosition>> {
        self.position.subscribe()
    }

    /// A fragment begins.
    pub(crate) fn begin(&self, fragment: LiveFragment) {
        let mut fragments = self.fragments();
        while fragments.len() > FRAGMENTS_KEPT {
            fragments.pop_front();
        }
        fragments.push_back(fragment);
    }

    /// A chunk of the newest fragment is there; `last` completes the fragment.
    pub(crate) fn push(&self, chunk: LiveChunk, last: bool) {
        let mut fragments = self.fragments();
        let Some(newest) = fragments.back_mut() else { return };
        newest.chunks.push(chunk);
        newest.complete = last;
        let (sequence, chunks, complete) = (newest.sequence, newest.chunks.len(), newest.complete);
        // Modify, then notify: the other way round a viewer could look too early and sleep for a chunk.
        drop(fragments);
        self.position.send_replace(Some(LivePosition { sequence, chunks, complete }));
    }

    /// The stream has ended: what is in memory is no longer live.
    pub(crate) fn end(&self) {
        self.fragments().clear();
        self.position.send_replace(None);
    }

    fn fragments(&self) -> MutexGuard<'_, VecDeque<LiveFragment>> {
        self.fragments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
