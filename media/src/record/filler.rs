//! Filler: bytes that cameras set to a constant bit rate send to keep it, and that mean nothing.
//!
//! A stored stream holds none (ISO/IEC 14496-15: filler data NAL units "shall not be present"), and they would hide what
//! the sizes of pictures say: a dark picture weighs as much as any when the rest is filled up.

use bytes::Bytes;

use crate::camera::Codec;

/// An access unit, NAL units behind their lengths in four bytes, without its filler data NAL units. Nearly always there
/// are none, and nothing is copied. What is not well formed stays as it is, for whoever reads it next to refuse.
#[must_use]
pub fn without_filler(codec: Codec, data: Bytes) -> Bytes {
    if !has_filler(codec, &data) {
        return data;
    }
    // Costs no copy where nobody else holds the bytes.
    let mut data = Vec::from(data);
    remove(codec, &mut data);
    data.into()
}

fn has_filler(codec: Codec, data: &[u8]) -> bool {
    let mut at = 0;
    while let Some(end) = end_of_nal(data, at) {
        if is_filler(codec, data[at + 4..end].first()) {
            return true;
        }
        at = end;
    }
    false
}

fn remove(codec: Codec, data: &mut Vec<u8>) {
    let mut kept = 0;
    let mut at = 0;
    while let Some(end) = end_of_nal(data, at) {
        if !is_filler(codec, data[at + 4..end].first()) {
            if kept != at {
                data.copy_within(at..end, kept);
            }
            kept += end - at;
        }
        at = end;
    }
    if kept != at {
        let rest = data.len() - at;
        data.copy_within(at.., kept);
        data.truncate(kept + rest);
    }
}

fn end_of_nal(data: &[u8], at: usize) -> Option<usize> {
    let len = data.get(at..at.checked_add(4)?)?;
    let len = usize::try_from(u32::from_be_bytes([len[0], len[1], len[2], len[3]])).ok()?;
    (at + 4).checked_add(len).filter(|end| *end <= data.len())
}

/// By the NAL unit's type: 12 in H.264, 38 (FD_NUT) in H.265.
fn is_filler(codec: Codec, head: Option<&u8>) -> bool {
    match (codec, head) {
        (Codec::H264, Some(head)) => head & 0x1f == 12,
        (Codec::H265, Some(head)) => head >> 1 & 0x3f == 38,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(nals: &[&[u8]]) -> Bytes {
        let with_len = |nal: &&[u8]| [&u32::try_from(nal.len()).expect("short").to_be_bytes()[..], nal].concat();
        nals.iter().flat_map(with_len).collect::<Vec<u8>>().into()
    }

    #[test]
    fn filler_goes_wherever_it_stands_and_the_rest_stays() {
        let (slice, filler): (&[u8], &[u8]) = (&[0x65, 1, 2, 3], &[12, 0xff, 0xff, 0x80]);
        let data = unit(&[filler, slice, filler, slice, filler]);
        assert_eq!(without_filler(Codec::H264, data), unit(&[slice, slice]));
        let (slice, filler): (&[u8], &[u8]) = (&[19 << 1, 1, 7], &[38 << 1, 1, 0xff, 0x80]);
        assert_eq!(without_filler(Codec::H265, unit(&[slice, filler])), unit(&[slice]));
    }

    #[test]
    fn a_unit_without_filler_is_not_copied() {
        let data = unit(&[&[0x67, 1], &[0x65, 2, 3]]);
        let start = data.as_ptr();
        assert_eq!(without_filler(Codec::H264, data).as_ptr(), start);
    }

    proptest! {
        #[test]
        fn nonsense_goes_through(data in prop::collection::vec(0_u8..16, 0..200)) {
            let data = Bytes::from(data);
            let after = without_filler(Codec::H264, data.clone());
            prop_assert!(after.len() <= data.len());
            prop_assert!(data.contains(&12) || after == data);
        }
    }
}
