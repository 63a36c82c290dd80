//! Key frames for walls whose browser decodes them: nothing is decoded here for a page that can.

use bytes::{BufMut as _, Bytes, BytesMut};
use media::{Codec, Engine, KeyFrame};
use serde::Deserialize;
use uuid::Uuid;

use super::wall_pictures::PICTURE_INTERVAL_MS;

/// A longer key frame, bytes, comes as a JPEG: twenty-five of them every two seconds would fill the line.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Where a JPEG has the byte 255.
const KIND_FRAME: u8 = 0;

/// A codec that a page decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decodes {
    H264,
    H265,
}

impl Decodes {
    fn is(self, codec: Codec) -> bool {
        matches!((self, codec), (Self::H264, Codec::H264) | (Self::H265, Codec::H265))
    }
}

/// The newest key frame of a camera, where it is due after `shown_ms` and the page can decode it.
pub(super) fn frame_after(engine: &Engine, camera: Uuid, width: u32, shown_ms: i64, decodes: &[Decodes]) -> Option<KeyFrame> {
    if decodes.is_empty() {
        return None;
    }
    engine.newest_key_frame(camera, Some(width)).filter(|frame| is_sent(frame, shown_ms, decodes))
}

fn is_sent(frame: &KeyFrame, shown_ms: i64, decodes: &[Decodes]) -> bool {
    let due = frame.wall_ms - shown_ms >= PICTURE_INTERVAL_MS || frame.wall_ms < shown_ms;
    let fits = frame.data.len() <= FRAME_BYTES_MAX && u16::try_from(frame.config.len()).is_ok_and(|len| len > 0);
    due && fits && decodes.iter().any(|decodes| decodes.is(frame.codec))
}

/// The message that carries it.
pub(super) fn frame_message(frame: &KeyFrame) -> Bytes {
    let mut message = BytesMut::with_capacity(28 + frame.config.len() + frame.data.len());
    message.put_slice(frame.camera.as_bytes());
    message.put_i64(frame.wall_ms);
    message.put_u8(KIND_FRAME);
    message.put_u8(if frame.codec == Codec::H265 { 2 } else { 1 });
    // Whoever is asked knows that it fits.
    message.put_u16(u16::try_from(frame.config.len()).unwrap_or_default());
    message.put_slice(&frame.config);
    message.put_slice(&frame.data);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(codec: Codec, len: usize) -> KeyFrame {
        let (config, data) = (Bytes::from_static(&[1, 100, 0, 40]), Bytes::from(vec![7; len]));
        KeyFrame { camera: Uuid::from_u128(9), codec, config, width: 640, height: 360, wall_ms: 10_000, data }
    }

    #[test]
    fn a_page_gets_what_it_decodes_when_it_is_due() {
        let both = [Decodes::H264, Decodes::H265];
        assert!(is_sent(&frame(Codec::H264, 5), 0, &both) && is_sent(&frame(Codec::H265, 5), 0, &both));
        assert!(!is_sent(&frame(Codec::H265, 5), 0, &[Decodes::H264]));
        assert!(!is_sent(&frame(Codec::H264, 5), 8_001, &both) && is_sent(&frame(Codec::H264, 5), 8_000, &both));
        assert!(is_sent(&frame(Codec::H264, 5), 20_000, &both), "a clock that was set back");
        assert!(!is_sent(&frame(Codec::H264, FRAME_BYTES_MAX + 1), 0, &both));
    }

    #[test]
    fn the_message_holds_configuration_and_key_frame() {
        let message = frame_message(&frame(Codec::H265, 3));
        assert_eq!(&message[..16], Uuid::from_u128(9).as_bytes());
        assert_eq!(&message[16..24], &10_000_i64.to_be_bytes());
        assert_eq!(&message[24..], &[0, 2, 0, 4, 1, 100, 0, 40, 7, 7, 7]);
    }
}
