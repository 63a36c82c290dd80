//! The session description (RFC 8866) that `DESCRIBE` answers.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::camera::Codec;
use crate::virtual_camera::footage::Footage;

/// Payload type of the video.
pub(crate) const PAYLOAD_TYPE: u8 = 96;

/// Path element of the only track.
pub(crate) const TRACK: &str = "track1";

/// Describes footage, with its parameter sets or without.
pub(crate) fn video(name: &str, footage: &Footage, with_parameter_sets: bool) -> String {
    let sets = if with_parameter_sets { footage.parameter_sets() } else { Vec::new() };
    let encoded: Vec<String> = sets.iter().map(|set| BASE64_STANDARD.encode(set)).collect();
    let (encoding, parameters) = match footage.codec {
        Codec::H264 => {
            let profile = sets.first().and_then(|sps| sps.get(1..4)).map(hex::encode_upper).unwrap_or_default();
            let described = format!(";profile-level-id={profile};sprop-parameter-sets={}", encoded.join(","));
            ("H264", format!("packetization-mode=1{}", if encoded.is_empty() { String::new() } else { described }))
        }
        Codec::H265 => {
            let named = ["sprop-vps", "sprop-sps", "sprop-pps"].iter().zip(&encoded);
            ("H265", named.map(|(name, set)| format!("{name}={set}")).collect::<Vec<_>>().join(";"))
        }
    };
    let fps = footage.rate.fps();
    let parameters = if parameters.is_empty() { parameters } else { format!("a=fmtp:{PAYLOAD_TYPE} {parameters}\r\n") };
    let media = format!(
        "m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\n\
         a=rtpmap:{PAYLOAD_TYPE} {encoding}/90000\r\n\
         {parameters}\
         a=framerate:{fps}\r\n"
    );
    session(name, &media)
}

/// Describes a device that has sound but no picture.
pub(crate) fn audio_only(name: &str) -> String {
    session(name, "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
}

/// Describes a picture in a codec that nobody here can take.
pub(crate) fn foreign_codec(name: &str) -> String {
    session(name, "m=video 0 RTP/AVP 97\r\na=rtpmap:97 MP4V-ES/90000\r\na=fmtp:97 profile-level-id=1\r\n")
}

fn session(name: &str, media: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={name}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
         {media}a=control:{TRACK}\r\n"
    )
}
