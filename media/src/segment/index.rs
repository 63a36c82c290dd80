//! What is on the disks, in memory: built from the files at the start, kept up by the recorder, asked by playback.
//!
//! What lies on a disk that is away stays known: it is not shown, not deleted, and here again with its disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::SegmentError;
use super::disks::Disks;
use super::fragment::FragmentMark;
use super::holds::{Held, HoldError, HoldId, Holds};
use super::path::SegmentName;
use super::reader::SegmentFile;
use super::recover::Recovered;
use crate::camera::{CameraId, Codec};
use crate::event::{SegmentInfo, Span};
use crate::record::space::SystemDisk;

/// Segments that are closer than this are one stretch of the timeline, milliseconds: a rotation costs no picture.
const JOIN_MS: i64 = 1_000;

/// All segments of all cameras, and what is held of them.
#[derive(Debug)]
pub struct SegmentIndex {
    disks: Arc<Disks>,
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
    /// Number of its disk.
    disk: u16,
    codec: Codec,
    damaged: bool,
    open: bool,
}

/// First instant and id of a segment.
type Key = (i64, Uuid);

impl Entry {
    fn info(&self, disks: &Disks, camera: CameraId, (start_ms, id): Key) -> SegmentInfo {
        let Self { end_ms, bytes, fragments, epoch, codec, damaged, .. } = *self;
        let path = SegmentName { camera, start_ms, id }.relative();
        SegmentInfo { id, disk: disks.id(self.disk()), path, start_ms, end_ms, bytes, fragments, codec, epoch, damaged }
    }

    fn disk(&self) -> usize {
        usize::from(self.disk)
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
    /// An index of `segments` below one folder that is always there, with the holds found there.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the holds cannot be read.
    pub fn new(recordings: &Path, segments: Vec<Recovered>) -> Result<Self, SegmentError> {
        Self::over(Arc::new(Disks::one(recordings, Arc::new(SystemDisk))), segments)
    }

    /// An index of `segments` on `disks`, with the holds found on those that are here.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the holds cannot be read.
    pub fn over(disks: Arc<Disks>, segments: Vec<Recovered>) -> Result<Self, SegmentError> {
        let inner = Inner { cameras: BTreeMap::new(), holds: Holds::load(disks.clone())? };
        let index = Self { disks, inner: Mutex::new(inner) };
        for found in segments {
            index.update(found.camera, found.segment, false);
        }
        Ok(index)
    }

    /// The disks it is about.
    #[must_use]
    pub fn disks(&self) -> &Arc<Disks> {
        &self.disks
    }

    /// A disk is back: its segments as they were found, and its holds. What is being written stays as it is known.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when its holds cannot be read; the disk stays away then.
    pub fn back(&self, disk: usize, segments: Vec<Recovered>) -> Result<(), SegmentError> {
        self.inner().holds.also(self.disks.folder(disk))?;
        for found in segments {
            if !self.is_open(found.camera, &found.segment) {
                self.update(found.camera, found.segment, false);
            }
        }
        self.disks.take_back(disk);
        Ok(())
    }

    /// The file of a segment.
    #[must_use]
    pub fn path_of(&self, segment: &SegmentInfo) -> PathBuf {
        self.disks.folder(self.disks.number(segment.disk).unwrap_or(0)).join(&segment.path)
    }

    /// A segment as it is known now: it may have grown, or lie on another disk.
    #[must_use]
    pub fn find(&self, camera: CameraId, start_ms: i64, id: Uuid) -> Option<SegmentInfo> {
        let key = (start_ms, id);
        self.inner().cameras.get(&camera)?.get(&key).map(|entry| entry.info(&self.disks, camera, key))
    }

    /// Opens the file of a segment, also where it was moved to another disk a moment ago.
    ///
    /// # Errors
    /// As [`SegmentFile::open`].
    pub fn open(&self, camera: CameraId, segment: &SegmentInfo) -> Result<SegmentFile, SegmentError> {
        let gone = match SegmentFile::open(&self.path_of(segment)) {
            Err(SegmentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => error,
            opened => return opened,
        };
        match self.find(camera, segment.start_ms, segment.id).filter(|now| now.disk != segment.disk) {
            Some(now) => SegmentFile::open(&self.path_of(&now)),
            None => Err(gone.into()),
        }
    }

    /// A closed segment has a copy on another disk, which is the one that counts from now on. `false` when it was deleted
    /// meanwhile.
    #[must_use]
    pub fn relocate(&self, camera: CameraId, start_ms: i64, id: Uuid, to: usize) -> bool {
        let mut inner = self.inner();
        let entry = inner.cameras.get_mut(&camera).and_then(|segments| segments.get_mut(&(start_ms, id)));
        let Some(entry) = entry.filter(|entry| !entry.open) else { return false };
        entry.disk = u16::try_from(to).unwrap_or_default();
        true
    }

    /// A segment is new, has grown, or (`open` false) is closed.
    pub fn update(&self, camera: CameraId, info: SegmentInfo, open: bool) {
        let SegmentInfo { id, disk, start_ms, end_ms, bytes, fragments, codec, epoch, damaged, .. } = info;
        let disk = self.disks.number(disk).and_then(|disk| u16::try_from(disk).ok()).unwrap_or_default();
        let entry = Entry { end_ms, bytes, fragments, epoch, disk, codec, damaged, open };
        self.inner().cameras.entry(camera).or_default().insert((start_ms, id), entry);
    }

    /// All segments of a camera in order of time, the open one among them, without those on disks that are away.
    #[must_use]
    pub fn segments(&self, camera: CameraId) -> Vec<SegmentInfo> {
        let inner = self.inner();
        let of_camera = inner.cameras.get(&camera).into_iter().flatten();
        let here = of_camera.filter(|(_, entry)| self.disks.is_here(entry.disk()));
        here.map(|(key, entry)| entry.info(&self.disks, camera, *key)).collect()
    }

    /// Whether a segment is still being written.
    #[must_use]
    pub fn is_open(&self, camera: CameraId, info: &SegmentInfo) -> bool {
        let inner = self.inner();
        inner.cameras.get(&camera).and_then(|segments| segments.get(&(info.start_ms, info.id))).is_some_and(|entry| entry.open)
    }

    /// The segments of a camera that overlap a stretch, in order of time, without those on disks that are away.
    #[must_use]
    pub fn overlapping(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Vec<SegmentInfo> {
        let inner = self.inner();
        let Some(of_camera) = inner.cameras.get(&camera) else { return Vec::new() };
        of_camera
            .range(..(end_ms, Uuid::nil()))
            .filter(|(_, entry)| entry.end_ms > start_ms && self.disks.is_here(entry.disk()))
            .map(|(key, entry)| entry.info(&self.disks, camera, *key))
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

    /// Which stretches of a camera's timeline follow a loss, merged and cut to the stretch. Reads the tables of the files
    /// that have such, so it blocks on the disk; a file that cannot be read says nothing.
    #[must_use]
    pub fn damaged(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for info in self.overlapping(camera, start_ms, end_ms).iter().filter(|info| info.damaged) {
            let Ok(file) = self.open(camera, info) else { continue };
            add_damaged(&mut spans, file.fragments.iter().map(|entry| entry.mark), (start_ms, end_ms));
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

    /// Closed segments of one disk without a hold, the oldest first, at most `limit`.
    #[must_use]
    pub fn deletable_on(&self, disk: usize, limit: usize) -> Vec<Deletable> {
        self.free(|_| Some(i64::MAX), |on| on == disk, limit)
    }

    /// Closed segments without a hold that end before the moment that `before` gives for their camera, the oldest first, at
    /// most `limit`; a camera without one keeps everything.
    #[must_use]
    pub fn expired(&self, before: impl Fn(CameraId) -> Option<i64>, limit: usize) -> Vec<Deletable> {
        self.free(before, |disk| self.disks.is_here(disk), limit)
    }

    fn free(&self, before: impl Fn(CameraId) -> Option<i64>, on: impl Fn(usize) -> bool, limit: usize) -> Vec<Deletable> {
        let inner = self.inner();
        let mut found: Vec<Deletable> = Vec::new();
        for (camera, segments) in &inner.cameras {
            let Some(end_ms) = before(*camera) else { continue };
            // Each camera's oldest suffice: what is taken of all is the oldest of these.
            let old = segments.range(..(end_ms, Uuid::nil()));
            let free = old.filter(|(key, entry)| on(entry.disk()) && inner.is_deletable(*camera, **key, entry, end_ms)).take(limit);
            found.extend(free.map(|(key, entry)| Deletable { camera: *camera, segment: entry.info(&self.disks, *camera, *key) }));
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
        // Where it lies now: it may have been moved since it was found.
        let key = (info.start_ms, info.id);
        let Some(disk) = inner.cameras.get(&camera).and_then(|segments| segments.get(&key)).map(Entry::disk) else { return Ok(false) };
        let path = self.disks.folder(disk).join(&info.path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // Fails while other files of the day are there, as it should.
        let _not_empty = path.parent().map(std::fs::remove_dir);
        if let Some(segments) = inner.cameras.get_mut(&camera) {
            segments.remove(&key);
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

    /// What the recordings use on the disks that are here.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.used(|disk| self.disks.is_here(disk))
    }

    /// What they use on one disk.
    #[must_use]
    pub fn usage_on(&self, disk: usize) -> Usage {
        self.used(|on| on == disk)
    }

    fn used(&self, on: impl Fn(usize) -> bool) -> Usage {
        let inner = self.inner();
        let mut usage = Usage::default();
        for (camera, segments) in &inner.cameras {
            for ((start_ms, _), entry) in segments.iter().filter(|(_, entry)| on(entry.disk())) {
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

    /// Bytes that holds keep on the disks that are here. Looks only at cameras that have holds.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let inner = self.inner();
        let cameras = inner.holds.cameras();
        let segments = cameras.filter_map(|camera| Some((camera, inner.cameras.get(&camera)?)));
        let bytes_of = |(camera, segments): (CameraId, &BTreeMap<Key, Entry>)| {
            let held = segments
                .iter()
                .filter(|((start_ms, _), entry)| self.disks.is_here(entry.disk()) && inner.holds.cover(camera, *start_ms, entry.end_ms));
            held.map(|(_, entry)| entry.bytes).sum::<u64>()
        };
        segments.map(bytes_of).sum()
    }

    /// Holds a stretch: what is recorded of it, now and later, is not deleted. Syncs what is there before it returns.
    ///
    /// `held_bytes_max` is what all holds together may keep of a disk.
    ///
    /// # Errors
    /// [`HoldError`]; nothing is held then.
    pub fn hold(&self, held: Held, held_bytes_max: impl Fn(usize) -> u64) -> Result<(), HoldError> {
        let (camera, start_ms, end_ms) = (held.camera, held.start_ms, held.end_ms);
        if self.inner().holds.knows(&held) {
            return Ok(());
        }
        let touched = self.overlapping(camera, start_ms, end_ms);
        let mut more: BTreeMap<usize, u64> = BTreeMap::new();
        for info in &touched {
            *more.entry(self.disks.number(info.disk).unwrap_or(0)).or_default() += info.bytes;
        }
        if more.iter().any(|(disk, more)| self.usage_on(*disk).held_bytes.saturating_add(*more) > held_bytes_max(*disk)) {
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

/// Adds the stretches of fragments that follow a loss, cut to the stretch; what nearly touches is one.
pub(crate) fn add_damaged(spans: &mut Vec<Span>, marks: impl Iterator<Item = FragmentMark>, (start_ms, end_ms): (i64, i64)) {
    for mark in marks.filter(|mark| mark.damaged) {
        let span = Span { start_ms: mark.wall_ms.max(start_ms), end_ms: mark.end_ms().min(end_ms) };
        match spans.last_mut() {
            _ if span.start_ms >= span.end_ms => {}
            Some(last) if span.start_ms <= last.end_ms + JOIN_MS => last.end_ms = last.end_ms.max(span.end_ms),
            _ => spans.push(span),
        }
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
