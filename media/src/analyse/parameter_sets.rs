//! From stored form to decoder's form: parameter sets out of `avcC`/`hvcC`, lengths into start codes.
//!
//! Decoders are shared by cameras of one codec and size, so nothing of a camera may sit in the decoder's caps: each key
//! frame is pushed as a byte stream with its own parameter sets in front. All input comes from cameras and is not
//! trusted: every length is checked, and an access unit that does not add up is refused.

use bytes::Bytes;

use crate::camera::Codec;

/// Most parameter sets that are taken from a configuration; streams have two to four.
const SETS_MAX: usize = 64;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Why a key frame cannot be given to a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKeyFrame {
    /// The codec configuration is cut short or of another version.
    #[error("the codec configuration cannot be read")]
    Config,
    /// The lengths in the access unit do not add up, or it is empty.
    #[error("the access unit is cut short")]
    AccessUnit,
}

/// The key frame as a byte stream that can be decoded by itself.
///
/// # Errors
/// [`BadKeyFrame`] when configuration or access unit are malformed.
pub(crate) fn byte_stream(codec: Codec, config: &[u8], access_unit: &[u8]) -> Result<Vec<u8>, BadKeyFrame> {
    let sets = match codec {
        // Some streams bring their parameter sets with each key frame and have no configuration.
        _ if config.is_empty() => Some(Vec::new()),
        Codec::H264 => h264_sets(config),
        Codec::H265 => h265_sets(config),
    }
    .ok_or(BadKeyFrame::Config)?;
    let mut stream = Vec::with_capacity(config.len() + access_unit.len() + 64);
    for set in sets {
        stream.extend_from_slice(&START_CODE);
        stream.extend_from_slice(set);
    }
    let mut rest = access_unit;
    while !rest.is_empty() {
        let unit;
        (unit, rest) = take_prefixed::<4>(rest).ok_or(BadKeyFrame::AccessUnit)?;
        stream.extend_from_slice(&START_CODE);
        stream.extend_from_slice(unit);
    }
    if access_unit.is_empty() { Err(BadKeyFrame::AccessUnit) } else { Ok(stream) }
}

/// SPS and PPS of an `avcC` body (ISO/IEC 14496-15, 5.3.3.1).
fn h264_sets(config: &[u8]) -> Option<Vec<&[u8]>> {
    let (&[version, _, _, _, _, sps_count], mut rest) = config.split_first_chunk::<6>()?;
    if version != 1 {
        return None;
    }
    let mut sets = Vec::new();
    for _ in 0..sps_count & 0x1f {
        let set;
        (set, rest) = take_prefixed::<2>(rest)?;
        sets.push(set);
    }
    let (&pps_count, mut rest) = rest.split_first()?;
    for _ in 0..pps_count {
        let set;
        (set, rest) = take_prefixed::<2>(rest)?;
        sets.push(set);
    }
    (sets.len() <= SETS_MAX).then_some(sets)
}

/// VPS, SPS and PPS of an `hvcC` body (ISO/IEC 14496-15, 8.3.3.1).
fn h265_sets(config: &[u8]) -> Option<Vec<&[u8]>> {
    let (head, mut rest) = config.split_first_chunk::<23>()?;
    if head[0] != 1 {
        return None;
    }
    let mut sets = Vec::new();
    for _ in 0..head[22] {
        let (_unit_type, after) = rest.split_first()?;
        let (count, after) = after.split_first_chunk::<2>()?;
        rest = after;
        for _ in 0..u16::from_be_bytes(*count) {
            let set;
            (set, rest) = take_prefixed::<2>(rest)?;
            sets.push(set);
            if sets.len() > SETS_MAX {
                return None;
            }
        }
    }
    Some(sets)
}

/// Takes what stands behind a big-endian length of `N` bytes.
fn take_prefixed<const N: usize>(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<N>()?;
    let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// Splits a byte stream (Annex B) into an access unit with lengths, and an `avcC` body made of its parameter sets.
/// For tests and tools that read elementary streams.
#[must_use]
pub fn from_h264_byte_stream(stream: &[u8]) -> Option<(Bytes, Bytes)> {
    let (mut access_unit, mut sps, mut pps) = (Vec::new(), None, None);
    for unit in units_of(stream) {
        match unit.first()? & 0x1f {
            7 => sps = Some(unit),
            8 => pps = Some(unit),
            9 => {}
            _ => {
                access_unit.extend_from_slice(&u32::try_from(unit.len()).ok()?.to_be_bytes());
                access_unit.extend_from_slice(unit);
            }
        }
    }
    let (sps, pps) = (sps?, pps?);
    let mut config = vec![1, *sps.get(1)?, *sps.get(2)?, *sps.get(3)?, 0xff, 0xe1];
    config.extend_from_slice(&u16::try_from(sps.len()).ok()?.to_be_bytes());
    config.extend_from_slice(sps);
    config.push(1);
    config.extend_from_slice(&u16::try_from(pps.len()).ok()?.to_be_bytes());
    config.extend_from_slice(pps);
    Some((config.into(), access_unit.into()))
}

/// NAL units between start codes.
fn units_of(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = stream.windows(3).enumerate().filter(|(_, window)| *window == [0, 0, 1]).map(|(index, _)| index).collect();
    starts
        .iter()
        .enumerate()
        .map(|(n, start)| {
            let mut unit = &stream[start + 3..starts.get(n + 1).copied().unwrap_or(stream.len())];
            while let [head @ .., 0] = unit {
                unit = head;
            }
            unit
        })
        .filter(|unit| !unit.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameter_sets_come_first_and_lengths_become_start_codes() {
        let config = [1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 1, 0x68];
        let unit = [0, 0, 0, 3, 0x65, 7, 8];
        let stream = byte_stream(Codec::H264, &config, &unit).expect("well formed");
        assert_eq!(stream, [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 7, 8]);
        let (again_config, again_unit) = from_h264_byte_stream(&[&stream[..4], &[0x67, 66, 0, 30], &stream[6..]].concat()).expect("H.264");
        assert_eq!(again_unit.as_ref(), unit);
        assert_eq!(h264_sets(&again_config), Some(vec![&[0x67, 66, 0, 30][..], &[0x68][..]]));
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let config = [1, 66, 0, 30, 0xff, 0xe0, 0];
        assert_eq!(byte_stream(Codec::H264, &config, &[0, 0, 0, 9, 1]), Err(BadKeyFrame::AccessUnit));
        assert_eq!(byte_stream(Codec::H264, &config, &[]), Err(BadKeyFrame::AccessUnit));
        assert_eq!(byte_stream(Codec::H264, &[2; 7], &[0, 0, 0, 1, 1]), Err(BadKeyFrame::Config));
        assert_eq!(byte_stream(Codec::H265, &config, &[0, 0, 0, 1, 1]), Err(BadKeyFrame::Config));
    }

    proptest! {
        #[test]
        fn no_input_panics(config in proptest::collection::vec(any::<u8>(), 0..200), unit in proptest::collection::vec(any::<u8>(), 0..200)) {
            for codec in [Codec::H264, Codec::H265] {
                let mut valid_version = config.clone();
                if let Some(version) = valid_version.first_mut() { *version = 1; }
                let _either_way = byte_stream(codec, &valid_version, &unit);
            }
            let _either_way = from_h264_byte_stream(&unit);
        }
    }
}
