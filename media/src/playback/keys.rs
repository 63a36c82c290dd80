//! The key frames of a file that [`super::Export`] made, by its own index.

use bytes::Bytes;

use super::header::timescale;
use crate::analyse::KeyFrame;
use crate::camera::CameraId;
use crate::segment::boxes::{BoxHeader, be_u16, be_u32};
use crate::segment::sample::{first_sample, video_header};

/// The longest stretch whose key frames are read at once, milliseconds.
pub const KEYS_MS_MAX: i64 = 120_000;

/// Of an entry of the index: it begins with a key frame.
const STARTS_WITH_SAP: u32 = 0x8000_0000;
/// Bytes of an index before its entries, and of an entry.
const INDEX_HEAD: usize = 40;
const INDEX_ENTRY: usize = 12;

/// The key frames of an exported file whose first picture was taken at `start_ms`, `gap_ms_min` apart or more; `None` where it is
/// no such file.
#[must_use]
pub fn key_frames_of_file(camera: CameraId, file: &Bytes, start_ms: i64, gap_ms_min: i64) -> Option<Vec<KeyFrame>> {
    let index_at = index_at(file)?;
    let header = file.slice(..index_at);
    let video = video_header(&header)?;
    let ticks_per_second = i64::from(timescale(&header)?).max(1);
    let entries = usize::from(be_u16(file, index_at + INDEX_HEAD - 2)?);
    let mut at = index_at.checked_add(usize::try_from(be_u32(file, index_at)?).ok()?)?;
    let (mut ticks, mut next_ms, mut keys) = (0_i64, start_ms, Vec::new());
    for number in 0..entries {
        let entry = index_at + INDEX_HEAD + number * INDEX_ENTRY;
        let (len, duration, sap) = (be_u32(file, entry)?, be_u32(file, entry + 4)?, be_u32(file, entry + 8)?);
        let end = at.checked_add(usize::try_from(len & 0x7fff_ffff).ok()?).filter(|end| *end <= file.len())?;
        let wall_ms = start_ms + ticks * 1_000 / ticks_per_second;
        if sap & STARTS_WITH_SAP != 0 && wall_ms >= next_ms {
            let data = first_sample(&file.slice(at..end))?;
            keys.push(KeyFrame {
                camera,
                codec: video.codec,
                config: video.config.clone(),
                width: video.width,
                height: video.height,
                wall_ms,
                data,
            });
            next_ms = wall_ms.saturating_add(gap_ms_min);
        }
        (at, ticks) = (end, ticks + i64::from(duration));
    }
    Some(keys)
}

/// Where the index begins: behind the header, before the first picture.
fn index_at(file: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let header = BoxHeader::parse(file.get(at..)?)?;
        match &header.box_type {
            b"sidx" => return Some(at),
            b"ftyp" | b"moov" => at = at.checked_add(usize::try_from(header.len).ok()?)?,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn noise_is_refused_without_a_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = b"\0\0\0\x10ftypiso6\0\0\0\0".to_vec();
            file.extend(noise);
            let _either_way = key_frames_of_file(Uuid::nil(), &file.into(), 0, 0);
        }
    }
}
