//! Incidents as data: what befalls a virtual camera, when, and for how long.

use serde::{Deserialize, Serialize};

use super::footage::Picture;

/// Something that befalls a camera. While it lasts, the camera behaves so for every viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Incident {
    /// The picture is black.
    #[serde(alias = "dark")]
    Black,
    /// The picture stands still.
    Frozen,
    /// Something covers the lens.
    Covered,
    /// Too much light.
    OverExposed,
    /// Out of focus.
    Blurred,
    /// The camera looks elsewhere.
    Moved,
    /// Fog or steam.
    LowContrast,
    /// Another picture size, changed within the stream.
    ChangeResolution,
    /// The other codec: viewers are cut off and find it when they connect again.
    ChangeCodec,
    /// A key frame only this often.
    KeyFrameEvery {
        /// Distance of key frames, in seconds.
        seconds: u32,
    },
    /// Viewers are cut off and nobody gets in.
    Drop,
    /// Connections stay open, but nothing comes and nothing is answered.
    Hang,
    /// Whoever asks has the connection reset.
    Refuse,
    /// Every password is wrong.
    Unauthorized,
    /// There is nothing at this path.
    NotFound,
    /// RTP packets with nonsense in them.
    Garbage,
    /// Nonsense instead of RTSP on the connection.
    GarbageBytes,
    /// Sound only.
    NotVideo,
    /// A picture in a codec that nobody knows.
    UnsupportedCodec,
    /// Another frame rate, changed within the stream.
    ChangeFrameRate,
    /// Each picture comes in two slices.
    TwoSlices,
    /// Pictures come, but never a key frame.
    NoKeyFrames,
    /// One RTP packet in so many is lost on the way.
    PacketsLost {
        /// One in this many.
        one_in: u32,
    },
    /// One RTP packet in so many changes places with the next.
    PacketsSwapped {
        /// One in this many.
        one_in: u32,
    },
    /// One RTP packet in so many comes twice.
    PacketsDoubled {
        /// One in this many.
        one_in: u32,
    },
    /// Viewers are cut off in the middle of a frame, and nobody gets in.
    DropMidFrame,
    /// A single picture that does not end before it has this size, in pieces of a NAL unit; then the usual view.
    HugeFrame {
        /// Its size in millions of bytes.
        megabytes: u32,
    },
    /// The description does not end.
    EndlessDescription,
    /// The description is somewhere else: at this port of the same machine.
    Redirect {
        /// That port.
        port: u16,
    },
    /// The stream's RTP time jumps once; lasts no time.
    RtpTimeJump {
        /// Jump in milliseconds, ahead or back.
        ms: i64,
    },
}

impl Incident {
    /// What the camera shows during the incident.
    pub fn picture(self) -> Picture {
        match self {
            Self::Black => Picture::Black,
            Self::Frozen => Picture::Frozen,
            Self::Covered => Picture::Covered,
            Self::OverExposed => Picture::OverExposed,
            Self::Blurred => Picture::Blurred,
            Self::Moved => Picture::Moved,
            Self::LowContrast => Picture::LowContrast,
            Self::ChangeResolution => Picture::OtherSize,
            Self::ChangeCodec => Picture::OtherCodec,
            Self::KeyFrameEvery { seconds } => Picture::KeyFrameEvery { seconds },
            Self::ChangeFrameRate => Picture::OtherRate,
            Self::TwoSlices => Picture::TwoSlices,
            _ => Picture::Normal,
        }
    }

    /// Whether those who watch are cut off when it begins.
    pub(super) fn cuts_viewers_off(self) -> bool {
        matches!(
            self,
            Self::ChangeCodec
                | Self::Drop
                | Self::Refuse
                | Self::Unauthorized
                | Self::NotFound
                | Self::NotVideo
                | Self::UnsupportedCodec
                | Self::EndlessDescription
                | Self::Redirect { .. }
        )
    }
}

/// An incident with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptedIncident {
    /// Begin, in milliseconds after all cameras are on air.
    pub at_ms: u64,
    /// Length in milliseconds; 0 cuts or jumps once and is over.
    #[serde(default)]
    pub for_ms: u64,
    /// What happens.
    #[serde(flatten)]
    pub incident: Incident,
}

/// A step of a camera's script: begin an incident, or end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begin(Incident),
    End,
}

/// Steps of a script in the order of their time. An incident that begins ends the one before it.
pub(super) fn steps(script: &[ScriptedIncident]) -> Vec<(u64, Step)> {
    let mut begins: Vec<ScriptedIncident> = script.to_vec();
    begins.sort_by_key(|scripted| scripted.at_ms);
    let mut steps = Vec::with_capacity(begins.len() * 2);
    for (place, scripted) in begins.iter().enumerate() {
        steps.push((scripted.at_ms, Step::Begin(scripted.incident)));
        let end_ms = scripted.at_ms.saturating_add(scripted.for_ms);
        if begins.get(place + 1).is_none_or(|next| end_ms <= next.at_ms) {
            steps.push((end_ms, Step::End));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_from_json_as_it_is_written() {
        let text = r#"[{"at_ms": 1000, "for_ms": 500, "kind": "dark"}, {"at_ms": 3000, "kind": "key_frame_every", "seconds": 30}]"#;
        let script: Vec<ScriptedIncident> = serde_json::from_str(text).expect("valid");
        assert_eq!(script[0].incident, Incident::Black);
        assert_eq!(script[1], ScriptedIncident { at_ms: 3000, for_ms: 0, incident: Incident::KeyFrameEvery { seconds: 30 } });
        assert!(serde_json::from_str::<ScriptedIncident>(r#"{"at_ms": 1, "kind": "exploded"}"#).is_err());
    }

    #[test]
    fn an_incident_that_begins_ends_the_one_before() {
        let script = [
            ScriptedIncident { at_ms: 50, for_ms: 10, incident: Incident::Drop },
            ScriptedIncident { at_ms: 0, for_ms: 100, incident: Incident::Black },
        ];
        assert_eq!(steps(&script), [(0, Step::Begin(Incident::Black)), (50, Step::Begin(Incident::Drop)), (60, Step::End)]);
    }
}
