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

/// Fragments that have left memory and are still named in playlists, at most: players that are late find them on disk.
pub const PAST_MAX: usize = 16;

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

/// A fragment that is on disk only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastFragment {
    /// The camera's count of fragments.
    pub sequence: u64,
    /// Arrival of its first frame, milliseconds UTC.
    pub wall_ms: i64,
    /// Duration, milliseconds.
    pub duration_ms: u64,
    /// Whether something is missing before it, or the header changed.
    pub discontinuity: bool,
    /// The header its chunks belong to.
    pub init: Arc<LiveInit>,
}

/// Everything a playlist names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveView {
    /// Discontinuities before the first of them, since the camera was added.
    pub discontinuities_before: u64,
    /// On disk, oldest first.
    pub past: Vec<PastFragment>,
    /// In memory, oldest first; the last may be incomplete.
    pub fragments: Vec<LiveFragment>,
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
    /// Whole fragments in memory beside the one that grows.
    kept: usize,
    /// Fragments that are named after they have left memory.
    named: usize,
    fragments: Mutex<VecDeque<LiveFragment>>,
    /// Locked after `fragments` where both are.
    past: Mutex<Past>,
    position: watch::Sender<Option<LivePosition>>,
    /// The newest playlist, and how far the stream had come then: however many watch, it is written once a chunk.
    playlist: Mutex<Option<(LivePosition, Bytes)>>,
}

#[derive(Debug, Default)]
struct Past {
    discontinuities_before: u64,
    fragments: VecDeque<PastFragment>,
}

impl Past {
    fn push(&mut self, fragment: &LiveFragment, named: usize) {
        let LiveFragment { sequence, wall_ms, discontinuity, .. } = *fragment;
        let (duration_ms, init) = (fragment.duration_ms(), fragment.init.clone());
        self.fragments.push_back(PastFragment { sequence, wall_ms, duration_ms, discontinuity, init });
        while self.fragments.len() > named {
            self.discontinuities_before += self.fragments.pop_front().map_or(0, |gone| u64::from(gone.discontinuity));
        }
    }

    fn clear(&mut self) {
        let gone = self.fragments.drain(..).filter(|fragment| fragment.discontinuity).count();
        self.discontinuities_before += u64::try_from(gone).unwrap_or(0);
    }
}

impl Default for LiveRing {
    fn default() -> Self {
        Self::keeping(FRAGMENTS_KEPT, PAST_MAX)
    }
}

impl LiveRing {
    /// A ring that keeps `kept` whole fragments in memory and names `named` more, which are found elsewhere.
    pub(crate) fn keeping(kept: usize, named: usize) -> Self {
        let (fragments, past, playlist) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { kept, named, fragments, past, position: watch::Sender::new(None), playlist }
    }

    /// The fragments in memory, oldest first; the last may be incomplete. Cheap: bytes are shared.
    #[must_use]
    pub fn snapshot(&self) -> Vec<LiveFragment> {
        self.fragments().iter().cloned().collect()
    }

    /// What a playlist names: the fragments in memory and those before them.
    #[must_use]
    pub fn view(&self) -> LiveView {
        let fragments = self.fragments();
        let past = self.past();
        LiveView {
            discontinuities_before: past.discontinuities_before,
            past: past.fragments.iter().cloned().collect(),
            fragments: fragments.iter().cloned().collect(),
        }
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

    /// The playlist as `render` writes it, kept until the next chunk.
    pub(crate) fn playlist(&self, render: impl FnOnce(&LiveView) -> Option<String>) -> Option<Bytes> {
        let mut kept = self.playlist.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the view: what is kept is never older than it says.
        let position = (*self.position.borrow())?;
        if let Some((_, text)) = kept.as_ref().filter(|(at, _)| *at == position) {
            return Some(text.clone());
        }
        let text = Bytes::from(render(&self.view())?);
        *kept = Some((position, text.clone()));
        Some(text)
    }

    /// A fragment begins.
    pub(crate) fn begin(&self, fragment: LiveFragment) {
        let mut fragments = self.fragments();
        while fragments.len() > self.kept {
            if let Some(gone) = fragments.pop_front() {
                self.past().push(&gone, self.named);
            }
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
        let mut fragments = self.fragments();
        for gone in fragments.drain(..) {
            self.past().push(&gone, self.named);
        }
        drop(fragments);
        self.past().clear();
        self.position.send_replace(None);
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fragments(&self) -> MutexGuard<'_, VecDeque<LiveFragment>> {
        self.fragments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
