//! What is recorded of a stretch and can be decoded.

use bytes::Bytes;

use super::PlaybackError;
use crate::camera::{CameraId, Codec};
use crate::event::SegmentInfo;
use crate::segment::sample::{VideoHeader, video_header};
use crate::segment::{FragmentEntry, SegmentError, SegmentFile, SegmentIndex};

/// Frames that seem to end by less than this after the next one begins end where it begins.
const JITTER_MS: i64 = 1_000;

/// A stretch that can be one file: codec, picture size and parameter sets stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// First instant, milliseconds UTC.
    pub start_ms: i64,
    /// End of its last frame, milliseconds UTC.
    pub end_ms: i64,
    /// Codec.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One recorded file and those of its fragments that are wanted. Open, so that retention cannot take it away meanwhile.
#[derive(Debug)]
pub struct Recorded {
    /// The segment.
    pub info: SegmentInfo,
    /// Its opened file.
    pub file: SegmentFile,
    /// What its header says.
    pub video: VideoHeader,
    /// The wanted fragments, each with its number in the file.
    pub wanted: Vec<(usize, FragmentEntry)>,
}

impl Recorded {
    /// First instant that is wanted, milliseconds UTC.
    #[must_use]
    pub fn start_ms(&self) -> i64 {
        self.wanted.first().map_or(self.info.start_ms, |(_, entry)| entry.mark.wall_ms)
    }

    /// End of the last wanted frame, milliseconds UTC.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.wanted.last().map_or(self.info.end_ms, |(_, entry)| entry.mark.end_ms())
    }

    fn piece(&self) -> Piece {
        let VideoHeader { codec, width, height, .. } = self.video;
        Piece { start_ms: self.start_ms(), end_ms: self.end_ms(), codec, width, height }
    }
}

/// Finds the fragments of a stretch: from the sync fragment whose pictures are shown at `start_ms`, or the first one
/// after it, up to the last that begins before `end_ms`. Never empty. Blocks on the disk.
///
/// # Errors
/// [`PlaybackError::Nothing`], [`PlaybackError::Backwards`], [`PlaybackError::TooLong`].
pub(crate) fn select(
    index: &SegmentIndex,
    camera: CameraId,
    (start_ms, end_ms): (i64, i64),
    max_ms: i64,
) -> Result<Vec<Recorded>, PlaybackError> {
    if end_ms <= start_ms {
        return Err(PlaybackError::Backwards);
    }
    if end_ms.saturating_sub(start_ms) > max_ms {
        return Err(PlaybackError::TooLong { max_ms });
    }
    let mut found: Vec<Recorded> = Vec::new();
    let mut header: Option<Bytes> = None;
    // Whether what comes next follows a key frame that is among the found.
    let mut decodable = false;
    // End of the last frame before.
    let mut before_ms = None;
    let infos = index.overlapping(camera, start_ms, end_ms);
    let mut next_starts = infos.iter().skip(1).map(|info| Some(info.start_ms)).chain([None]).collect::<Vec<_>>().into_iter();
    for info in infos {
        let next_start_ms = next_starts.next().flatten();
        let Some(file) = open(index, camera, &info)? else { continue };
        let Some(video) = video_header(&file.init) else {
            tracing::warn!(path = info.path, "a recorded file without a video header is left out");
            continue;
        };
        // Another run of the muxer, another stream: what it has before its key frame cannot be decoded.
        decodable &= header.as_ref() == Some(&file.init);
        header = Some(file.init.clone());
        let wanted = wanted(&file.fragments, (start_ms, end_ms), (before_ms, next_start_ms), &mut decodable);
        before_ms = file.fragments.last().map(|last| last.mark.end_ms());
        if !wanted.is_empty() {
            found.push(Recorded { info, file, video, wanted });
        }
    }
    if found.is_empty() { Err(PlaybackError::Nothing) } else { Ok(found) }
}

fn wanted(
    fragments: &[FragmentEntry],
    (start_ms, end_ms): (i64, i64),
    (mut before_ms, next_start_ms): (Option<i64>, Option<i64>),
    decodable: &mut bool,
) -> Vec<(usize, FragmentEntry)> {
    let mut taken = Vec::new();
    let mut number = 0;
    // A stream that never has a key frame is shown as it is, or never: decoders make of it what they can.
    *decodable |= fragments.iter().all(|fragment| !fragment.mark.sync);
    while number < fragments.len() {
        // A sync fragment with what continues it is shown or left out together, as far as its end.
        let group_end = (number + 1..fragments.len()).find(|&next| fragments[next].mark.sync).unwrap_or(fragments.len());
        let group = &fragments[number..group_end];
        // Arrival times jitter: a group counts as over when the next one begins, even if its frames last a little longer.
        let next_ms = fragments.get(group_end).map(|next| next.mark.wall_ms).or(next_start_ms);
        let next_ms = next_ms.filter(|next_ms| *next_ms > group[0].mark.wall_ms);
        let ends_ms = group.last().map_or(i64::MIN, |last| last.mark.end_ms());
        let shown_until_ms = next_ms.map_or(ends_ms, |next_ms| ends_ms.min(next_ms));
        *decodable |= group[0].mark.sync;
        if *decodable && shown_until_ms > start_ms {
            let befores = std::iter::once(before_ms).chain(group.iter().map(|entry| Some(entry.mark.end_ms())));
            let inside = group.iter().enumerate().zip(befores).take_while(|((_, entry), before_ms)| begins_ms(entry, *before_ms) < end_ms);
            taken.extend(inside.map(|((at, entry), _)| (number + at, entry.clone())));
        } else if shown_until_ms <= start_ms {
            *decodable = false;
        }
        before_ms = group.last().map(|last| last.mark.end_ms());
        number = group_end;
    }
    taken
}

/// When a fragment begins: not before the frames end that precede it, if only jitter says so. What has been told as the end of
/// a recording stays its end when the next fragment comes.
fn begins_ms(entry: &FragmentEntry, before_ms: Option<i64>) -> i64 {
    let wall_ms = entry.mark.wall_ms;
    before_ms.filter(|before_ms| (wall_ms..wall_ms + JITTER_MS).contains(before_ms)).unwrap_or(wall_ms)
}

fn open(index: &SegmentIndex, camera: CameraId, info: &SegmentInfo) -> Result<Option<SegmentFile>, SegmentError> {
    match index.open(camera, info) {
        Ok(file) => Ok(Some(file)),
        // Retention was quicker.
        Err(SegmentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(SegmentError::Damaged { offset, what }) => {
            tracing::warn!(path = info.path, offset, what, "a damaged recording is left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The parts of a selection that can each be one file, in order.
#[must_use]
pub(super) fn pieces(found: &[Recorded]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last: Option<&VideoHeader> = None;
    for recorded in found {
        match pieces.last_mut() {
            Some(piece) if last == Some(&recorded.video) => piece.end_ms = recorded.end_ms(),
            last => {
                let next = recorded.piece();
                // Arrival times jitter: a piece is over when the next one begins, so that each can be asked for alone.
                if let Some(last) = last.filter(|last| last.start_ms < next.start_ms) {
                    last.end_ms = last.end_ms.min(next.start_ms);
                }
                pieces.push(next);
            }
        }
        last = Some(&recorded.video);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::FragmentMark;

    /// Two seconds from `start_s` on.
    fn entry(start_s: i64, sync: bool) -> FragmentEntry {
        let wall_ms = start_s * 1000;
        let mark = FragmentMark { sequence: 0, epoch: 0, wall_ms, duration_ms: 2000, sync, discontinuity: false, damaged: false };
        FragmentEntry { offset: 0, len: 1, mark }
    }

    fn numbers(fragments: &[FragmentEntry], start_ms: i64, end_ms: i64, mut decodable: bool) -> Vec<usize> {
        wanted(fragments, (start_ms, end_ms), (None, None), &mut decodable).into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn a_stretch_begins_at_the_key_frame_that_shows_its_first_instant() {
        let fragments = [entry(0, true), entry(2, true), entry(4, false), entry(6, false), entry(8, true)];
        assert_eq!(numbers(&fragments, 2000, 4000, false), [1]);
        assert_eq!(numbers(&fragments, 5000, 5001, false), [1, 2], "from the key frame before");
        assert_eq!(numbers(&fragments, 7000, 9000, false), [1, 2, 3, 4]);
        assert_eq!(numbers(&fragments, 20_000, 30_000, false), Vec::<usize>::new());
    }

    #[test]
    fn a_group_is_over_when_the_next_one_begins() {
        let mut fragments = [entry(0, true), entry(2, true)];
        fragments[1].mark.wall_ms -= 3;
        assert_eq!(numbers(&fragments, 1997, 3000, false), [1]);
        assert_eq!(numbers(&fragments, 1996, 3000, false), [0, 1]);
        assert_eq!(numbers(&fragments, 0, 2000, false), [0], "what ended at its end before the next began");
        assert_eq!(numbers(&fragments, 0, 2001, false), [0, 1]);
        let before_the_next_file = wanted(&fragments, (3990, 9000), (None, Some(3990)), &mut true);
        assert!(before_the_next_file.is_empty());
        let clock_set_back = wanted(&fragments, (3990, 9000), (None, Some(10)), &mut true);
        assert_eq!(clock_set_back.len(), 1);
    }

    #[test]
    fn what_no_key_frame_precedes_is_left_out_unless_the_file_before_has_it() {
        let fragments = [entry(0, false), entry(2, true), entry(10, true)];
        assert_eq!(numbers(&fragments, 0, 20_000, false), [1, 2]);
        assert_eq!(numbers(&fragments, 0, 20_000, true), [0, 1, 2]);
        assert_eq!(numbers(&fragments, 5000, 20_000, false), [2], "from within a gap to what comes after");
        let never = [entry(0, false), entry(2, false), entry(4, false)];
        assert_eq!(numbers(&never, 3000, 20_000, false), [0, 1, 2], "no key frame at all: from the beginning");
    }
}
