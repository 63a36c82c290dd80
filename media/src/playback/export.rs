//! Any stretch of a recording as one MP4 file.
//!
//! The file is laid out before its first byte is sent: header, index, then the stored fragments without our own boxes.
//! So its length is known, any range of it can be read alone, and reading it costs reading the disk. Times begin at
//! zero; where recording was interrupted the pictures follow each other at once and the gap is listed. `mdat` is as it
//! was recorded, to the byte.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};

use super::header::{SIDX_ENTRIES_MAX, SidxEntry, sidx, sidx_len, timescale, with_duration};
use super::moof::{MoofTime, retime};
use super::select::{Recorded, pieces};
use super::{Piece, PlaybackError};
use crate::event::Span;
use crate::segment::boxes::BoxHeader;
use crate::segment::index::add_damaged;
use crate::segment::{FragmentEntry, FragmentHeader, SegmentError, SegmentFile};
use crate::supervise::Supervisor;

/// The longest export, milliseconds. Decoding times of that length fit in 32 bits at 90 kHz.
pub const EXPORT_MS_MAX: i64 = 12 * 3_600_000;

/// A pause in decoding time up to this is lost packets and stays as it is, milliseconds.
const PAUSE_KEPT_MS: u64 = 1_000;

/// An interruption on the wall clock from this on is listed, milliseconds.
const GAP_LISTED_MS: i64 = 1_000;

/// A `moof` of more than this is none of ours.
const MOOF_LEN_MAX: u64 = 1024 * 1024;

/// A file that is made while it is read. Clones share what is open.
#[derive(Debug, Clone)]
pub struct Export {
    inner: Arc<Inner>,
    supervisor: Supervisor,
}

#[derive(Debug)]
struct Inner {
    piece: Piece,
    gaps: Vec<Span>,
    duration_ms: u64,
    frames: u64,
    header: Bytes,
    files: Vec<Mutex<SegmentFile>>,
    parts: Vec<Part>,
    len: u64,
}

/// A stored fragment and its place in the export.
#[derive(Debug)]
struct Part {
    file: usize,
    entry: FragmentEntry,
    header: FragmentHeader,
    /// First byte in the export.
    position: u64,
    /// Number of its first `moof`.
    sequence: u32,
    /// Ticks to take off its decoding times.
    shift: i64,
}

impl Export {
    /// Lays out the file of a selection. Blocks on the disk.
    ///
    /// # Errors
    /// [`PlaybackError::CodecChange`], [`PlaybackError::Segment`], [`PlaybackError::Nothing`].
    pub fn lay_out(found: Vec<Recorded>, supervisor: Supervisor) -> Result<Self, PlaybackError> {
        let pieces = pieces(&found);
        let [piece] = pieces[..] else {
            return Err(if pieces.is_empty() { PlaybackError::Nothing } else { PlaybackError::CodecChange { pieces } });
        };
        Ok(Self { inner: Arc::new(lay_out(found, piece)?), supervisor })
    }

    /// First instant that is really in it, milliseconds UTC.
    #[must_use]
    pub fn start_ms(&self) -> i64 {
        self.inner.piece.start_ms
    }

    /// End of the last frame in it, milliseconds UTC.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.inner.piece.end_ms
    }

    /// Codec and picture size.
    #[must_use]
    pub fn piece(&self) -> Piece {
        self.inner.piece
    }

    /// Interruptions inside, which the file closes up.
    #[must_use]
    pub fn gaps(&self) -> &[Span] {
        &self.inner.gaps
    }

    /// Stretches inside whose pictures follow a loss, up to the next whole key frame.
    #[must_use]
    pub fn damaged(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        add_damaged(&mut spans, self.fragment_headers().map(FragmentHeader::mark), (i64::MIN, i64::MAX));
        spans
    }

    /// Playing time, milliseconds: end minus start minus gaps, as the frames count it.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.inner.duration_ms
    }

    /// Frames in it.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.inner.frames
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.inner.len
    }

    /// Whether it has no bytes, which no export has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.len == 0
    }

    /// What is known of the fragments in it, in order.
    pub(super) fn fragment_headers(&self) -> impl Iterator<Item = &FragmentHeader> {
        self.inner.parts.iter().map(|part| &part.header)
    }

    /// Bytes from `at` to the end of the header or fragment it lies in. Blocks on the disk.
    pub(super) fn read_at(&self, at: u64) -> Result<Bytes, PlaybackError> {
        self.inner.read_at(at, self.inner.len)
    }

    /// Where what blocks is done.
    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// The bytes of a range, cut to the file, in pieces of at most one fragment. Reads only what is taken.
    #[must_use]
    pub fn read(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, PlaybackError>> {
        let export = self.clone();
        let end = range.end.min(export.inner.len);
        stream::try_unfold(range.start, move |at| {
            let export = export.clone();
            async move {
                if at >= end {
                    return Ok(None);
                }
                let inner = export.inner.clone();
                let read = export.supervisor.blocking("export", move || inner.read_at(at, end)).await??;
                let next = at + read.len() as u64;
                Ok(Some((read, next)))
            }
        })
        .boxed()
    }
}

impl Inner {
    /// Bytes from `at` to the end of the header or fragment it lies in, or to `end`. Never empty.
    fn read_at(&self, at: u64, end: u64) -> Result<Bytes, PlaybackError> {
        let header_len = self.header.len() as u64;
        if at < header_len {
            return Ok(self.header.slice(to_usize(at)..to_usize(end.min(header_len))));
        }
        let number = self.parts.partition_point(|part| part.position <= at).saturating_sub(1);
        let part = self.parts.get(number).ok_or_else(|| damaged(0, "an export without parts"))?;
        let media = {
            let mut file = self.files[part.file].lock().unwrap_or_else(PoisonError::into_inner);
            file.media(&part.entry)?
        };
        let mut media = Vec::from(media);
        retime(&mut media, part.sequence, part.shift).ok_or_else(|| damaged(part.entry.offset, "a fragment's boxes"))?;
        let from = to_usize(at - part.position);
        let to = media.len().min(to_usize(end - part.position));
        Ok(Bytes::from(media).slice(from..to))
    }
}

fn lay_out(found: Vec<Recorded>, piece: Piece) -> Result<Inner, PlaybackError> {
    let init = found.first().map(|recorded| recorded.file.init.clone()).ok_or(PlaybackError::Nothing)?;
    let unreadable = || damaged(0, "its header");
    let ticks_per_second = timescale(&init).ok_or_else(unreadable)?;
    let mut layout = Layout::new(u64::from(ticks_per_second));
    let mut files = Vec::with_capacity(found.len());
    for recorded in found {
        let Recorded { mut file, wanted, .. } = recorded;
        for (_, entry) in wanted {
            let header = file.header(&entry)?;
            let time = fragment_time(&mut file, &entry, &header)?;
            layout.add((files.len(), &file.init), entry, header, time);
        }
        files.push(Mutex::new(file));
    }
    let header = with_duration(&init, layout.duration).ok_or_else(unreadable)?;
    let entries = layout.sidx_entries();
    let header_len = header.len() + sidx_len(entries.len());
    let header = [header, sidx(ticks_per_second, layout.first_presentation, &entries)].concat();
    let Layout { mut parts, duration, gaps, media_len, frames, .. } = layout;
    for part in &mut parts {
        part.position += header_len as u64;
    }
    Ok(Inner {
        piece,
        gaps,
        duration_ms: (u128::from(duration) * 1000 / u128::from(ticks_per_second)) as u64,
        frames,
        len: header.len() as u64 + media_len,
        header: header.into(),
        files,
        parts,
    })
}

/// The export as it grows, fragment by fragment. Positions count from the end of the header.
struct Layout {
    ticks_per_second: u64,
    parts: Vec<Part>,
    durations: Vec<u64>,
    gaps: Vec<Span>,
    /// Ticks so far.
    duration: u64,
    first_presentation: u64,
    media_len: u64,
    frames: u64,
    moofs: u32,
    last: Option<Last>,
}

/// Where the fragment before ended.
struct Last {
    init: Bytes,
    stored_end: u64,
    wall_end_ms: i64,
}

impl Layout {
    fn new(ticks_per_second: u64) -> Self {
        Self {
            ticks_per_second,
            parts: Vec::new(),
            durations: Vec::new(),
            gaps: Vec::new(),
            duration: 0,
            first_presentation: 0,
            media_len: 0,
            frames: 0,
            moofs: 0,
            last: None,
        }
    }

    fn add(&mut self, (file, init): (usize, &Bytes), entry: FragmentEntry, header: FragmentHeader, time: MoofTime) {
        let mut pause = 0;
        match &self.last {
            None => self.first_presentation = u64::try_from(time.first_composition).unwrap_or(0),
            Some(last) => {
                let kept_max = self.ticks_per_second * PAUSE_KEPT_MS / 1000;
                let stored_pause = time.start.checked_sub(last.stored_end).filter(|pause| *pause <= kept_max);
                pause = stored_pause.filter(|_| last.init == *init).unwrap_or(0);
                if header.wall_ms - last.wall_end_ms >= GAP_LISTED_MS {
                    self.gaps.push(Span { start_ms: last.wall_end_ms, end_ms: header.wall_ms });
                }
            }
        }
        // A pause belongs to the fragment before it, so that the index adds up.
        self.duration += pause;
        if let Some(before) = self.durations.last_mut() {
            *before += pause;
        }
        let new_start = self.duration;
        self.last = Some(Last { init: init.clone(), stored_end: time.start + time.duration, wall_end_ms: header.end_ms() });
        self.duration += time.duration;
        self.durations.push(time.duration);
        let (len, chunks, frames) = (header.media_len(), header.chunks.len(), header.frames());
        let shift = i64::try_from(time.start).unwrap_or(i64::MAX) - i64::try_from(new_start).unwrap_or(i64::MAX);
        self.parts.push(Part { file, entry, header, position: self.media_len, sequence: self.moofs + 1, shift });
        self.media_len += len;
        self.moofs += u32::try_from(chunks).unwrap_or(u32::MAX);
        self.frames += frames;
    }

    /// One entry a fragment, or a few together where there would be too many for an index.
    fn sidx_entries(&self) -> Vec<SidxEntry> {
        let together = self.parts.len().div_ceil(SIDX_ENTRIES_MAX).max(1);
        let groups = self.parts.chunks(together).zip(self.durations.chunks(together));
        groups
            .map(|(parts, durations)| SidxEntry {
                len: u32::try_from(parts.iter().map(|part| part.header.media_len()).sum::<u64>()).unwrap_or(u32::MAX),
                duration: u32::try_from(durations.iter().sum::<u64>()).unwrap_or(u32::MAX),
                sync: parts[0].header.sync,
            })
            .collect()
    }
}

/// Decoding time and exact length of a stored fragment, from its first and last `moof`.
fn fragment_time(file: &mut SegmentFile, entry: &FragmentEntry, header: &FragmentHeader) -> Result<MoofTime, PlaybackError> {
    let first_at = entry.offset + header.len() as u64;
    let first = moof_time(file, first_at)?;
    let last_len = header.chunks.last().map_or(0, |chunk| u64::from(chunk.len));
    let last_at = entry.end_offset() - last_len;
    let last = if last_at == first_at { first } else { moof_time(file, last_at)? };
    let duration = (last.start + last.duration).checked_sub(first.start);
    let duration = duration.ok_or_else(|| damaged(last_at, "a fragment's times go back"))?;
    // A last frame without a duration would share its time with the first one after the gap: it gets the usual one.
    let usual = duration / header.frames().saturating_sub(1).max(1);
    let missing = if last.last_duration == 0 { usual } else { 0 };
    Ok(MoofTime { duration: duration + missing, ..first })
}

fn moof_time(file: &mut SegmentFile, offset: u64) -> Result<MoofTime, PlaybackError> {
    let not_ours = || damaged(offset, "no movie fragment");
    let start = file.read(offset, 8)?;
    let header = BoxHeader::parse(&start).filter(|header| &header.box_type == b"moof" && header.len <= MOOF_LEN_MAX);
    let moof = file.read(offset, header.ok_or_else(not_ours)?.len)?;
    MoofTime::read(&moof).ok_or_else(not_ours)
}

fn damaged(offset: u64, what: &'static str) -> PlaybackError {
    SegmentError::Damaged { offset, what }.into()
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
