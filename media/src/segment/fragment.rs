//! The box of ours that stands before each fragment and says when, whose and how long it is.
//!
//! Layout, big-endian, behind the `uuid` box's 24 bytes: version u8, flags u8, two bytes zero, epoch u32, wall_ms i64,
//! mono_ms i64, camera 16 bytes, sequence u64, duration_ms u32, chunk count u16, two bytes zero, checksum u32, then per
//! chunk: length u32, duration_ms u32, frames u32.

use uuid::Uuid;

use super::boxes::{BoxHeader, be_u16, be_u32, be_u64};
use crate::camera::CameraId;

/// `uuid` type of the fragment box.
pub const FRAGMENT_TYPE: [u8; 16] = *b"BrightKitchenFrg";
/// Version written.
const VERSION: u8 = 1;
/// Length of the box before its chunks.
const FIXED_LEN: usize = 24 + 1 + 1 + 2 + 4 + 8 + 8 + 16 + 8 + 4 + 2 + 2 + 4;
/// Length of one chunk's entry.
const CHUNK_LEN: usize = 12;
/// More chunks than this are no fragment of ours (10 s in chunks of half a second is 20).
pub const CHUNKS_MAX: usize = 1_024;
/// The longest fragment box.
pub const HEADER_LEN_MAX: usize = FIXED_LEN + CHUNKS_MAX * CHUNK_LEN;

const FLAG_SYNC: u8 = 1;
const FLAG_DISCONTINUITY: u8 = 2;
const FLAG_DAMAGED: u8 = 4;

/// One chunk of a fragment: a `moof` and its `mdat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkInfo {
    /// Length in bytes.
    pub len: u32,
    /// Duration of its frames, milliseconds.
    pub duration_ms: u32,
    /// Frames in it.
    pub frames: u32,
}

/// What the box says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentHeader {
    /// Which camera.
    pub camera: CameraId,
    /// Counts the camera's fragments, across segments.
    pub sequence: u64,
    /// Clock epoch: grows when the wall clock is stepped.
    pub epoch: u32,
    /// Arrival of the first frame, milliseconds UTC.
    pub wall_ms: i64,
    /// The same on the recorder's monotonic clock.
    pub mono_ms: i64,
    /// Duration of all frames, milliseconds.
    pub duration_ms: u32,
    /// Whether it starts with a key frame; if not, playback starts at the last one before it that does.
    pub sync: bool,
    /// Whether something is missing, or a clock jumped, since the fragment before began; or its times start anew.
    pub discontinuity: bool,
    /// Pictures in it follow a loss, up to the next whole key frame: they are as they came, and not to be trusted.
    pub damaged: bool,
    /// CRC-32 of its chunks: tells what a file system kept from what it only promised.
    pub checksum: u32,
    /// The chunks that follow.
    pub chunks: Vec<ChunkInfo>,
}

/// What of it the table of a closed file tells: when, and what to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentMark {
    /// Counts the camera's fragments, across segments.
    pub sequence: u64,
    /// Clock epoch: grows when the wall clock is stepped.
    pub epoch: u32,
    /// Arrival of the first frame, milliseconds UTC.
    pub wall_ms: i64,
    /// Duration of all frames, milliseconds.
    pub duration_ms: u32,
    /// Whether it starts with a key frame.
    pub sync: bool,
    /// Whether something is missing, or a clock jumped, since the fragment before began; or its times start anew.
    pub discontinuity: bool,
    /// Pictures in it follow a loss.
    pub damaged: bool,
}

impl FragmentMark {
    /// End of its last frame, milliseconds UTC.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.wall_ms.saturating_add(i64::from(self.duration_ms))
    }
}

impl FragmentHeader {
    /// What the table tells of it.
    #[must_use]
    pub fn mark(&self) -> FragmentMark {
        let Self { sequence, epoch, wall_ms, duration_ms, sync, discontinuity, damaged, .. } = *self;
        FragmentMark { sequence, epoch, wall_ms, duration_ms, sync, discontinuity, damaged }
    }

    /// Length of the box.
    #[must_use]
    pub fn len(&self) -> usize {
        FIXED_LEN + self.chunks.len() * CHUNK_LEN
    }

    /// Whether it has no chunks, which a written fragment never has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Bytes of the chunks that follow the box.
    #[must_use]
    pub fn media_len(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.len)).sum()
    }

    /// Frames in the fragment.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.frames)).sum()
    }

    /// End of its last frame, milliseconds UTC.
    #[must_use]
    pub fn end_ms(&self) -> i64 {
        self.wall_ms.saturating_add(i64::from(self.duration_ms))
    }

    /// The box.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        out.extend(u32::try_from(self.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(b"uuid");
        out.extend(FRAGMENT_TYPE);
        let sync = if self.sync { FLAG_SYNC } else { 0 };
        let discontinuity = if self.discontinuity { FLAG_DISCONTINUITY } else { 0 };
        let damaged = if self.damaged { FLAG_DAMAGED } else { 0 };
        out.extend([VERSION, sync | discontinuity | damaged, 0, 0]);
        out.extend(self.epoch.to_be_bytes());
        out.extend(self.wall_ms.to_be_bytes());
        out.extend(self.mono_ms.to_be_bytes());
        out.extend(self.camera.as_bytes());
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.duration_ms.to_be_bytes());
        out.extend(u16::try_from(self.chunks.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend([0, 0]);
        out.extend(self.checksum.to_be_bytes());
        for chunk in &self.chunks {
            out.extend(chunk.len.to_be_bytes());
            out.extend(chunk.duration_ms.to_be_bytes());
            out.extend(chunk.frames.to_be_bytes());
        }
        out
    }

    /// Reads a whole box at the start of `data`; `None` when it is cut off or not ours.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        let header = BoxHeader::parse(data)?;
        let len = usize::try_from(header.len).ok()?;
        if &header.box_type != b"uuid" || header.header_len != 8 || len < FIXED_LEN || data.len() < len {
            return None;
        }
        if data.get(8..24)? != FRAGMENT_TYPE || data.get(24)? != &VERSION {
            return None;
        }
        let flags = *data.get(25)?;
        let count = usize::from(be_u16(data, 76)?);
        if count == 0 || count > CHUNKS_MAX || len != FIXED_LEN + count * CHUNK_LEN {
            return None;
        }
        let chunk = |n: usize| {
            let at = FIXED_LEN + n * CHUNK_LEN;
            let (len, duration_ms, frames) = (be_u32(data, at)?, be_u32(data, at + 4)?, be_u32(data, at + 8)?);
            Some(ChunkInfo { len, duration_ms, frames })
        };
        Some(Self {
            epoch: be_u32(data, 28)?,
            wall_ms: be_u64(data, 32)?.cast_signed(),
            mono_ms: be_u64(data, 40)?.cast_signed(),
            camera: Uuid::from_slice(data.get(48..64)?).ok()?,
            sequence: be_u64(data, 64)?,
            duration_ms: be_u32(data, 72)?,
            sync: flags & FLAG_SYNC != 0,
            discontinuity: flags & FLAG_DISCONTINUITY != 0,
            damaged: flags & FLAG_DAMAGED != 0,
            checksum: be_u32(data, 80)?,
            chunks: (0..count).map(chunk).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_cut_of_it_is(
            numbers in any::<(u64, u32, i64, i64, u32, u32)>(), flags in any::<(bool, bool, bool)>(), camera in any::<u128>(),
            chunks in prop::collection::vec(any::<(u32, u32, u32)>(), 1..40), cut in 0usize..80,
        ) {
            let chunks = chunks.into_iter()
                .map(|(len, duration_ms, frames)| ChunkInfo { len, duration_ms, frames }).collect();
            let (sequence, epoch, wall_ms, mono_ms, duration_ms, checksum) = numbers;
            let header = FragmentHeader {
                camera: Uuid::from_u128(camera), sequence, epoch, wall_ms, mono_ms, duration_ms,
                sync: flags.0, discontinuity: flags.1, damaged: flags.2, checksum, chunks,
            };
            let bytes = header.encode();
            prop_assert_eq!(bytes.len(), header.len());
            prop_assert_eq!(FragmentHeader::decode(&bytes), Some(header));
            prop_assert_eq!(FragmentHeader::decode(&bytes[..cut.min(bytes.len() - 1)]), None);
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let _nothing_or_something = FragmentHeader::decode(&noise);
        }
    }
}
