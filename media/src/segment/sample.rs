//! The one sample that stills need: the key frame at the start of a stored fragment.

use bytes::Bytes;

use super::boxes::{be_u16, be_u32, children, find};
use crate::camera::Codec;

const TFHD_BASE_DATA_OFFSET: u32 = 0x01;
const TFHD_DESCRIPTION: u32 = 0x02;
const TFHD_DEFAULT_DURATION: u32 = 0x08;
const TFHD_DEFAULT_SIZE: u32 = 0x10;
const TRUN_DATA_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;

/// What a file's header says about its video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoHeader {
    /// Codec.
    pub codec: Codec,
    /// Body of the `avcC` or `hvcC` box.
    pub config: Bytes,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Reads the video track's description out of `ftyp` and `moov`.
#[must_use]
pub fn video_header(init: &Bytes) -> Option<VideoHeader> {
    let stsd = find(init, &[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl", *b"stsd"])?;
    // Version, flags and entry count stand before the first entry.
    let (_, entry) = children(stsd.get(8..)?).next()?;
    let (width, height) = (be_u16(entry, 24)?, be_u16(entry, 26)?);
    // 78 bytes of a visual sample entry stand before its boxes.
    let (codec, config) = children(entry.get(78..)?).find_map(|(kind, body)| match &kind {
        b"avcC" => Some((Codec::H264, body)),
        b"hvcC" => Some((Codec::H265, body)),
        _ => None,
    })?;
    Some(VideoHeader { codec, config: init.slice_ref(config), width: width.into(), height: height.into() })
}

/// The first sample of a fragment's media (its chunks as stored); of a sync fragment, the key frame.
#[must_use]
pub fn first_sample(media: &Bytes) -> Option<Bytes> {
    let traf = find(media, &[*b"moof", *b"traf"])?;
    let tfhd = find(traf, &[*b"tfhd"])?;
    let trun = find(traf, &[*b"trun"])?;
    let trun_flags = be_u32(trun, 0)? & 0x00ff_ffff;
    if trun_flags & TRUN_DATA_OFFSET == 0 {
        return None;
    }
    // Offsets count from the start of the moof, which is where the media starts.
    let start = usize::try_from(be_u32(trun, 8)?).ok()?;
    let mut at = 12 + if trun_flags & TRUN_FIRST_FLAGS == 0 { 0 } else { 4 };
    at += if trun_flags & TRUN_DURATION == 0 { 0 } else { 4 };
    let len = if trun_flags & TRUN_SIZE == 0 { default_size(tfhd)? } else { be_u32(trun, at)? };
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    (end <= media.len()).then(|| media.slice(start..end))
}

fn default_size(tfhd: &[u8]) -> Option<u32> {
    let flags = be_u32(tfhd, 0)? & 0x00ff_ffff;
    if flags & TFHD_DEFAULT_SIZE == 0 {
        return None;
    }
    let before = [(TFHD_BASE_DATA_OFFSET, 8), (TFHD_DESCRIPTION, 4), (TFHD_DEFAULT_DURATION, 4)];
    let skipped: usize = before.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, len)| len).sum();
    be_u32(tfhd, 8 + skipped)
}
