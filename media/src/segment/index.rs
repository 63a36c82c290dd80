//! What is on disk, in memory: built from the files at the start, kept up by the recorder, asked by playback.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::SegmentError;
use super::holds::{Held, HoldError, HoldId, Holds};
use super::path::SegmentName;
use super::recover::Recovered;
use crate::camera::{CameraId, Codec};
use crate::event::{SegmentInfo, Span};

/// Segments that are closer than this are one stretch of the timeline, milliseconds: a rotation costs no picture.
const JOIN_MS: i64 = 1_000;

/// All segments of all cameras, and what is held of them.
#[derive(Debug)]
pub struct SegmentIndex {
    recordings: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    cameras: BTreeMap<CameraId, BTreeMap<Key, Entry>>,
    holds: Holds,
}

/// A segment without what its key and its camera say: there may be millions.
#[derive(Debug, Clone, Copy)]
struct Entry {
    end_ms: i64,
    bytes: u64,
    fragments: u32,
    epoch: u32,
    codec: Codec,
    open: bool,
}

/// First instant and id of a segment.
type Key = (i64, Uuid);

impl Entry {
    fn info(&self, camera: CameraId, (start_ms, id): Key) -> SegmentInfo {
        let Self { end_ms, bytes, fragments, epoch, codec, .. } = *self;
        let path = SegmentName { camera, start_ms, id }.relative();
        SegmentInfo { id, path, start_ms, end_ms, bytes, fragments, codec, epoch }
    }
}

/// A segment that could go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletable {
    /// Which camera.
    pub camera: CameraId,
    /// Which segment.
    pub segment: SegmentInfo,
}

/// Bytes on disk by what may become of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Closed and not held: may be deleted.
    pub deletable_bytes: u64,
    /// Held.
    pub held_bytes: u64,
    /// Still being written.
    pub open_bytes: u64,
}

/// How a camera's recordings grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Which camera.
    pub camera: CameraId,
    /// What was written since the moment asked for.
    pub bytes: u64,
    /// The first instant that is still there, milliseconds UTC.
    pub oldest_ms: i64,
}

impl SegmentIndex {
    /// An index of `segments` below `recordings`, with the holds found there.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the holds cannot be read.
    pub fn new(recordings: &Path, segments: Vec<Recovered>) -> Result<Self, SegmentError> {
        let inner = Inner { cameras: BTreeMap::new(), holds: Holds::load(recordings)? };
        let index = Self { recordings: recordings.to_owned(), inner: Mutex::new(inner) };
        for found in segments {
            index.update(found.camera, found.segment, false);
        }
        Ok(index)
    }

    /// The file of a segment.
    #[must_use]
    pub fn path_of(&self, segment: &SegmentInfo) -> PathBuf {
        self.recordings.join(&segment.path)
    }

    /// A segment is new, has grown, or (`open` false) is closed.
    pub fn update(&self, camera: CameraId, info: SegmentInfo, open: bool) {
        let SegmentInfo { id, start_ms, end_ms, bytes, fragments, codec, epoch, .. } = info;
        let entry = Entry { end_ms, bytes, fragments, epoch, codec, open };
        self.inner().cameras.entry(camera).or_default().insert((start_ms, id), entry);
    }

    /// All segments of a camera in order of time, the open one among them.
    #[must_use]
    pub fn segments(&self, camera: CameraId) -> Vec<SegmentInfo> {
        let inner = self.inner();
        let of_camera = inner.cameras.get(&camera).into_iter().flatten();
        of_camera.map(|(key, entry)| entry.info(camera, *key)).collect()
    }

    /// Whether a segment is still being written.
    #[must_use]
    pub fn is_open(&self, camera: CameraId, info: &SegmentInfo) -> bool {
        let inner = self.inner();
        inner.cameras.get(&camera).and_then(|segments| segments.get(&(info.start_ms, info.id))).is_some_and(|entry| entry.open)
    }

    /// The segments of a camera that overlap a stretch, in order of time.
    #[must_use]
    pub fn overlapping(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Vec<SegmentInfo> {
        let inner = self.inner();
        let Some(of_camera) = inner.cameras.get(&camera) else { return Vec::new() };
        of_camera
            .range(..(end_ms, Uuid::nil()))
            .filter(|(_, entry)| entry.end_ms > start_ms)
            .map(|(key, entry)| entry.info(camera, *key))
            .collect()
    }

    /// What a stretch of a camera's timeline holds: merged spans, cut to the stretch.
    #[must_use]
    pub fn timeline(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for info in self.overlapping(camera, start_ms, end_ms) {
            let span = Span { start_ms: info.start_ms.max(start_ms), end_ms: info.end_ms.min(end_ms) };
            match spans.last_mut() {
                Some(last) if span.start_ms <= last.end_ms + JOIN_MS => last.end_ms = last.end_ms.max(span.end_ms),
                _ => spans.push(span),
            }
        }
        spans
    }

    /// The last instant recorded of a camera, milliseconds UTC.
    #[must_use]
    pub fn last_end_ms(&self, camera: CameraId) -> Option<i64> {
        self.inner().cameras.get(&camera)?.values().map(|entry| entry.end_ms).max()
    }

    /// Cameras of which there are recordings.
    #[must_use]
    pub fn cameras(&self) -> Vec<CameraId> {
        self.inner().cameras.keys().copied().collect()
    }

    /// Closed segments without a hold that end before `end_ms`, the oldest first, at most `limit`.
    #[must_use]
    pub fn deletable(&self, end_ms: i64, limit: usize) -> Vec<Deletable> {
        self.expired(|_| Some(end_ms), limit)
    }

    /// Closed segments without a hold that end before the moment that `before` gives for their camera, the oldest first, at
    /// most `limit`; a camera without one keeps everything.
    #[must_use]
    pub fn expired(&self, before: impl Fn(CameraId) -> Option<i64>, limit: usize) -> Vec<Deletable> {
        let inner = self.inner();
        let mut found: Vec<Deletable> = Vec::new();
        for (camera, segments) in &inner.cameras {
            let Some(end_ms) = before(*camera) else { continue };
            // Each camera's oldest suffice: what is taken of all is the oldest of these.
            let old = segments.range(..(end_ms, Uuid::nil()));
            let free = old.filter(|(key, entry)| inner.is_deletable(*camera, **key, entry, end_ms)).take(limit);
            found.extend(free.map(|(key, entry)| Deletable { camera: *camera, segment: entry.info(*camera, *key) }));
        }
        found.sort_by_key(|deletable| (deletable.segment.start_ms, deletable.segment.id));
        found.truncate(limit);
        found
    }

    /// Deletes a segment's file and forgets it, unless it is held by now; says whether it did.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the file is there and cannot be removed.
    pub fn delete(&self, deletable: &Deletable) -> Result<bool, SegmentError> {
        let (camera, info) = (deletable.camera, &deletable.segment);
        // The lock is kept while the file goes, so that a hold asked for meanwhile comes before or after, never between.
        let mut inner = self.inner();
        if inner.holds.cover(camera, info.start_ms, info.end_ms) {
            return Ok(false);
        }
        let path = self.path_of(info);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // Fails while other files of the day are there, as it should.
        let _not_empty = path.parent().map(std::fs::remove_dir);
        if let Some(segments) = inner.cameras.get_mut(&camera) {
            segments.remove(&(info.start_ms, info.id));
        }
        Ok(true)
    }

    /// A segment whose file is gone.
    pub fn forget(&self, camera: CameraId, info: &SegmentInfo) {
        if let Some(segments) = self.inner().cameras.get_mut(&camera) {
            segments.remove(&(info.start_ms, info.id));
        }
    }

    /// What each camera wrote since a moment, and how far back its recordings go.
    #[must_use]
    pub fn growth(&self, since_ms: i64) -> Vec<Growth> {
        let inner = self.inner();
        let of = |(camera, segments): (&CameraId, &BTreeMap<Key, Entry>)| {
            let oldest_ms = segments.first_key_value()?.0.0;
            let bytes = segments.range((since_ms, Uuid::nil())..).map(|(_, entry)| entry.bytes).sum();
            Some(Growth { camera: *camera, bytes, oldest_ms })
        };
        inner.cameras.iter().filter_map(of).collect()
    }

    /// What the recordings use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let inner = self.inner();
        let mut usage = Usage::default();
        for (camera, segments) in &inner.cameras {
            for ((start_ms, _), entry) in segments {
                let bytes = entry.bytes;
                if inner.holds.cover(*camera, *start_ms, entry.end_ms) {
                    usage.held_bytes += bytes;
                } else if entry.open {
                    usage.open_bytes += bytes;
                } else {
                    usage.deletable_bytes += bytes;
                }
            }
        }
        usage
    }

    /// Holds a stretch: what is recorded of it, now and later, is not deleted. Syncs what is there before it returns.
    ///
    /// `held_bytes_max` is what all holds together may keep.
    ///
    /// # Errors
    /// [`HoldError`]; nothing is held then.
    pub fn hold(&self, held: Held, held_bytes_max: u64) -> Result<(), HoldError> {
        let (camera, start_ms, end_ms) = (held.camera, held.start_ms, held.end_ms);
        let touched = self.overlapping(camera, start_ms, end_ms);
        let usage = self.usage();
        let more: u64 = touched.iter().map(|info| info.bytes).sum();
        if usage.held_bytes.saturating_add(more) > held_bytes_max {
            return Err(HoldError::NoRoom);
        }
        self.inner().holds.add(held)?;
        for info in &touched {
            sync_file(&self.path_of(info))?;
        }
        Ok(())
    }

    /// Ends a hold; `false` when there is none of that id.
    ///
    /// # Errors
    /// [`SegmentError::Io`]; the hold stays then.
    pub fn release(&self, id: HoldId) -> Result<bool, SegmentError> {
        self.inner().holds.release(id)
    }

    /// Whether any hold covers this time of `camera`.
    #[must_use]
    pub fn is_held(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> bool {
        self.inner().holds.cover(camera, start_ms, end_ms)
    }

    /// All holds.
    #[must_use]
    pub fn holds(&self) -> Vec<Held> {
        self.inner().holds.all()
    }

    /// The folder of a camera's recordings.
    #[must_use]
    pub fn folder_of(&self, camera: CameraId) -> PathBuf {
        self.recordings.join(camera.to_string())
    }

    /// The folder of all recordings.
    #[must_use]
    pub fn recordings(&self) -> &Path {
        &self.recordings
    }

    /// Forgets nothing, counts: segments known of all cameras.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner().cameras.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_deletable(&self, camera: CameraId, (start_ms, _): Key, entry: &Entry, end_ms: i64) -> bool {
        !entry.open && entry.end_ms < end_ms && !self.holds.cover(camera, start_ms, entry.end_ms)
    }
}

fn sync_file(path: &Path) -> Result<(), SegmentError> {
    match std::fs::File::open(path) {
        Ok(file) => file.sync_data()?,
        // Deleted by age a moment before the hold: there is nothing left to keep.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
