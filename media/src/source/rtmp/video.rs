//! The bodies of FLV video tags as access units: H.264 as Adobe defined it, H.265 as cameras send it (codec 12) and as
//! "Enhanced RTMP" does (`hvc1`). Both carry what a muxer wants: parameter sets as in an MP4, NAL units behind their lengths.

use bytes::{Buf as _, Bytes};
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal as _, RefNal};

use crate::camera::{Codec, StateReason};
use crate::record::reorder::h265_size;
use crate::source::{SourceError, StreamParameters};

/// Codec numbers of a video tag.
const H264: u8 = 7;
const H265: u8 = 12;
/// NAL units stand behind lengths of four bytes: what an MP4's "length size minus one" says of that.
const FOUR_BYTES: u8 = 3;

/// What a tag holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Parameter sets; pictures in them follow.
    Parameters(StreamParameters),
    /// A picture.
    Picture {
        /// NAL units behind their lengths.
        data: Bytes,
        is_key: bool,
        /// By how much it is shown after its time, milliseconds.
        shown_after_ms: i32,
    },
    /// Nothing to record.
    Other,
}

/// Reads the body of a video tag.
///
/// # Errors
/// [`StateReason::UnsupportedCodec`], or [`StateReason::BadStream`] for damage.
pub(super) fn read(mut body: Bytes) -> Result<Tag, SourceError> {
    let damaged = || SourceError::new(StateReason::BadStream, "a video tag that cannot be read");
    let first = *body.first().ok_or_else(damaged)?;
    // 1: a key frame, 5: a command to the player.
    let (is_key, is_command) = ((first >> 4) & 7 == 1, (first >> 4) & 7 == 5);
    if is_command {
        return Ok(Tag::Other);
    }
    let (codec, packet, timed) = if first & 0x80 != 0 {
        let codec = match body.get(1..5).ok_or_else(damaged)? {
            b"hvc1" => Codec::H265,
            b"avc1" => Codec::H264,
            other => return Err(unsupported(&String::from_utf8_lossy(other))),
        };
        body.advance(5);
        // 1: with a shift of time, 3: without.
        let packet = first & 0x0f;
        (codec, if packet == 3 { 1 } else { packet }, packet == 1)
    } else {
        let codec = match first & 0x0f {
            H264 => Codec::H264,
            H265 => Codec::H265,
            other => return Err(unsupported(&format!("FLV codec {other}"))),
        };
        let packet = *body.get(1).ok_or_else(damaged)?;
        body.advance(2);
        (codec, packet, true)
    };
    // The older tags have the three bytes before parameter sets as well, the newer ones have not.
    let shift = match (timed, packet, body.get(..3)) {
        (true, 0 | 1, Some(three)) => {
            let shift = i32::from_be_bytes([three[0], three[1], three[2], 0]) >> 8;
            body.advance(3);
            shift
        }
        (true, 0 | 1, None) => return Err(damaged()),
        _ => 0,
    };
    match packet {
        0 => parameters(codec, body).map(Tag::Parameters).ok_or_else(damaged),
        1 if body.is_empty() => Ok(Tag::Other),
        1 if !whole(&body) => Err(damaged()),
        1 => Ok(Tag::Picture { data: body, is_key, shown_after_ms: shift }),
        _ => Ok(Tag::Other),
    }
}

/// Whether NAL units fill a picture to its end.
fn whole(picture: &[u8]) -> bool {
    let mut rest = picture;
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        match after.split_at_checked(len) {
            Some((nal, after)) if !nal.is_empty() => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

fn parameters(codec: Codec, config: Bytes) -> Option<StreamParameters> {
    let ((width, height), length_size) = match codec {
        Codec::H264 => (h264_size(&config)?, config.get(4)? & 3),
        Codec::H265 => (h265_size(&config)?, config.get(21)? & 3),
    };
    (length_size == FOUR_BYTES && width > 0 && height > 0).then_some(StreamParameters { codec, config, width, height })
}

fn h264_size(config: &[u8]) -> Option<(u32, u32)> {
    let record = AvcDecoderConfigurationRecord::try_from(config).ok()?;
    let sps = record.sequence_parameter_sets().next()?.ok()?;
    SeqParameterSet::from_bits(RefNal::new(sps, &[], true).rbsp_bits()).ok()?.pixel_dimensions().ok()
}

fn unsupported(codec: &str) -> SourceError {
    SourceError::new(StateReason::UnsupportedCodec, format!("video in {codec} is not recorded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(bytes: &[u8]) -> Result<Tag, StateReason> {
        read(Bytes::copy_from_slice(bytes)).map_err(|error| error.reason)
    }

    #[test]
    fn pictures_of_all_three_writings_are_read() {
        let nal = b"\x00\x00\x00\x03nal";
        let picture = |is_key, shown_after_ms| Ok(Tag::Picture { data: Bytes::from_static(nal), is_key, shown_after_ms });
        let of = |head: &[u8]| tag(&[head, nal].concat());
        assert_eq!(of(b"\x17\x01\x00\x00\x28"), picture(true, 40));
        assert_eq!(of(b"\x27\x01\xff\xff\xd8"), picture(false, -40));
        assert_eq!(of(b"\x1c\x01\x00\x00\x00"), picture(true, 0));
        assert_eq!(of(b"\x91hvc1\x00\x00\x28"), picture(true, 40));
        assert_eq!(of(b"\xa3hvc1"), picture(false, 0));
    }

    #[test]
    fn what_is_no_picture_is_passed_over_or_refused() {
        assert_eq!(tag(b"\x57\x00"), Ok(Tag::Other), "a command");
        assert_eq!(tag(b"\x17\x02\x00\x00\x00"), Ok(Tag::Other), "the end of the sequence");
        assert_eq!(tag(b"\x12\x00\x00"), Err(StateReason::UnsupportedCodec));
        assert_eq!(tag(b"\x90av01abc"), Err(StateReason::UnsupportedCodec));
        for damaged in
            [&b""[..], b"\x17", b"\x17\x01\x00", b"\x91hv", b"\x17\x00\x00\x00\x00junk", b"\x17\x01\x00\x00\x00\x00\x00\x00\x09nal"]
        {
            assert_eq!(tag(damaged), Err(StateReason::BadStream), "{damaged:?}");
        }
    }
}
