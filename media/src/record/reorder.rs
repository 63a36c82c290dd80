//! How many pictures a stream may reorder, out of its sequence parameter set.
//!
//! Encoders that say nothing nearly always reorder nothing (cameras have no use for the delay), so silence is taken for
//! zero and a stream that proves otherwise is noticed by [`super::decode_time::DecodeTimes`].

use std::num::NonZeroUsize;

use bytes::Bytes;
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};
use h264_reader::rbsp::{BitRead, BitReader, ByteReader};

use crate::camera::Codec;
use crate::segment::boxes::be_u16;

/// NAL unit type of an H.265 sequence parameter set.
const H265_SPS: u8 = 33;

/// Decoders keep no more pictures than this, whatever a stream says (`MaxDpbFrames`, ITU-T H.264, A.3.1, and H.265, A.4.2).
const DEPTH_MAX: usize = 16;

/// The most pictures that are shown before one decoded earlier; `None` when the stream does not say, or says nonsense.
#[must_use]
pub fn reorder_depth(codec: Codec, config: &Bytes) -> Option<usize> {
    let depth = match codec {
        Codec::H264 => h264_depth(config),
        Codec::H265 => h265_depth(h265_sps(config)?),
    };
    depth.filter(|depth| *depth <= DEPTH_MAX)
}

fn h264_depth(config: &[u8]) -> Option<usize> {
    let record = AvcDecoderConfigurationRecord::try_from(config).ok()?;
    let sps = record.sequence_parameter_sets().next()?.ok()?;
    let sps = SeqParameterSet::from_bits(RefNal::new(sps, &[], true).rbsp_bits()).ok()?;
    let restrictions = sps.vui_parameters?.bitstream_restrictions?;
    usize::try_from(restrictions.max_num_reorder_frames).ok()
}

/// The first SPS of an `hvcC` body: 22 bytes, the number of arrays, then arrays of NAL units of one type.
fn h265_sps(config: &[u8]) -> Option<&[u8]> {
    let mut at = 23;
    for _ in 0..*config.get(22)? {
        let nal_type = config.get(at)? & 0x3f;
        let count = be_u16(config, at + 1)?;
        at += 3;
        for _ in 0..count {
            let len = usize::from(be_u16(config, at)?);
            let nal = config.get(at + 2..at + 2 + len)?;
            if nal_type == H265_SPS {
                return Some(nal);
            }
            at += 2 + len;
        }
    }
    None
}

/// `sps_max_num_reorder_pics` of the highest sub-layer (ITU-T H.265, 7.3.2.2).
fn h265_depth(sps: &[u8]) -> Option<usize> {
    let mut bits = BitReader::new(ByteReader::skipping_bytes(sps, NonZeroUsize::new(2)?));
    skip(&mut bits, 4)?;
    let sub_layers: u8 = bits.read(3, "sps_max_sub_layers_minus1").ok()?;
    skip(&mut bits, 1)?;
    skip_profile(&mut bits, sub_layers)?;
    bits.read_ue("sps_seq_parameter_set_id").ok()?;
    if bits.read_ue("chroma_format_idc").ok()? == 3 {
        skip(&mut bits, 1)?;
    }
    bits.read_ue("pic_width_in_luma_samples").ok()?;
    bits.read_ue("pic_height_in_luma_samples").ok()?;
    if bits.read_bool("conformance_window_flag").ok()? {
        for _ in 0..4 {
            bits.read_ue("conf_win_offset").ok()?;
        }
    }
    bits.read_ue("bit_depth_luma_minus8").ok()?;
    bits.read_ue("bit_depth_chroma_minus8").ok()?;
    bits.read_ue("log2_max_pic_order_cnt_lsb_minus4").ok()?;
    let all_layers = bits.read_bool("sps_sub_layer_ordering_info_present_flag").ok()?;
    let mut depth = 0;
    for _ in if all_layers { 0 } else { sub_layers }..=sub_layers {
        bits.read_ue("sps_max_dec_pic_buffering_minus1").ok()?;
        depth = bits.read_ue("sps_max_num_reorder_pics").ok()?;
        bits.read_ue("sps_max_latency_increase_plus1").ok()?;
    }
    usize::try_from(depth).ok()
}

/// Width and height in pixels, cropped, out of an `hvcC` body (7.4.3.2.1).
pub(crate) fn h265_size(config: &[u8]) -> Option<(u32, u32)> {
    let mut bits = BitReader::new(ByteReader::skipping_bytes(h265_sps(config)?, NonZeroUsize::new(2)?));
    skip(&mut bits, 4)?;
    let sub_layers: u8 = bits.read(3, "sps_max_sub_layers_minus1").ok()?;
    skip(&mut bits, 1)?;
    skip_profile(&mut bits, sub_layers)?;
    bits.read_ue("sps_seq_parameter_set_id").ok()?;
    let chroma = bits.read_ue("chroma_format_idc").ok()?;
    if chroma == 3 {
        skip(&mut bits, 1)?;
    }
    let (width, height) = (bits.read_ue("pic_width_in_luma_samples").ok()?, bits.read_ue("pic_height_in_luma_samples").ok()?);
    if !bits.read_bool("conformance_window_flag").ok()? {
        return Some((width, height));
    }
    let mut window = [0; 4];
    for offset in &mut window {
        *offset = bits.read_ue("conf_win_offset").ok()?;
    }
    // Offsets are in units of chroma: half the luma's where it is halved.
    let unit = |halved: bool| if halved { 2 } else { 1 };
    let cut = |whole: u32, unit: u32, from: u32, to: u32| whole.checked_sub(unit.checked_mul(from.checked_add(to)?)?);
    Some((cut(width, unit(matches!(chroma, 1 | 2)), window[0], window[1])?, cut(height, unit(chroma == 1), window[2], window[3])?))
}

/// `profile_tier_level` (7.3.3) with general profile.
fn skip_profile(bits: &mut impl BitRead, sub_layers: u8) -> Option<()> {
    skip(bits, 96)?;
    let mut present = Vec::with_capacity(usize::from(sub_layers));
    for _ in 0..sub_layers {
        present.push((bits.read_bool("sub_layer_profile_present").ok()?, bits.read_bool("sub_layer_level_present").ok()?));
    }
    if sub_layers > 0 {
        skip(bits, 2 * (8 - u32::from(sub_layers)))?;
    }
    for (profile, level) in present {
        skip(bits, if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

fn skip(bits: &mut impl BitRead, count: u32) -> Option<()> {
    bits.skip(count, "skipped").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::virtual_camera::footage::{FootageLibrary, Picture, Scene};

    fn parameter_sets(scene: &Scene) -> Vec<Bytes> {
        FootageLibrary::standard().get(scene, Picture::Normal).expect("footage").parameter_sets()
    }

    fn with_len(set: &Bytes) -> Vec<u8> {
        let len = u16::try_from(set.len()).expect("short").to_be_bytes();
        [&len[..], set].concat()
    }

    fn avcc(scene: &Scene) -> Bytes {
        let sets = parameter_sets(scene);
        let start = [1, sets[0][1], sets[0][2], sets[0][3], 0xff, 0xe1];
        [&start[..], &with_len(&sets[0]), &[1], &with_len(&sets[1])].concat().into()
    }

    #[test]
    fn real_encoders_say_how_much_they_reorder() {
        let plain = Scene::tiny("TEST");
        assert_eq!(reorder_depth(Codec::H264, &avcc(&plain)), Some(0));
        let depth = reorder_depth(Codec::H264, &avcc(&Scene { b_frames: 2, ..plain.clone() }));
        assert!(depth.is_some_and(|depth| (1..=2).contains(&depth)), "{depth:?}");
        let sets = parameter_sets(&Scene { codec: Codec::H265, ..plain });
        let sps = sets.iter().find(|set| set[0] >> 1 & 0x3f == H265_SPS).expect("an SPS");
        let hvcc = [&[0; 22][..], &[1, H265_SPS, 0, 1], &with_len(sps)].concat();
        assert_eq!(reorder_depth(Codec::H265, &hvcc.into()), Some(0));
    }

    #[test]
    fn nonsense_says_nothing() {
        for codec in [Codec::H264, Codec::H265] {
            for len in 0..60 {
                let noise: Bytes = (0..len).map(|n: u8| n.wrapping_mul(37) ^ 0x5a).collect::<Vec<_>>().into();
                let _whatever_but_no_panic = reorder_depth(codec, &noise);
            }
        }
        assert_eq!(reorder_depth(Codec::H265, &Bytes::from_static(&[0; 22])), None);
    }
}
