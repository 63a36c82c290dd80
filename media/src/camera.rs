//! What a camera is to this crate: where its stream comes from, what state it is in and why.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::diagnosis::settings::DiagnosisSettings;

/// A camera's id, given by the server.
pub type CameraId = Uuid;

/// Everything the engine needs to record and watch one camera. A changed specification restarts the camera.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraSpec {
    /// The camera's id; the folder of its recordings.
    pub id: CameraId,
    /// A name for logs.
    pub name: String,
    /// Where the stream comes from.
    pub source: SourceSpec,
    /// A smaller stream of the same view for the analysis; the main stream is the record, and steps in where this fails.
    pub sub: Option<SourceSpec>,
    /// Whether it shall be recorded; a disabled camera's time is a gap with that reason.
    pub enabled: bool,
    /// When pictures are judged fully; `None` means always.
    pub armed_hours: Option<ArmedHours>,
    /// Thresholds and durations of the diagnosis.
    pub diagnosis: DiagnosisSettings,
    /// Days that its recordings are kept; `None` for the engine's default. Changing it touches no connection.
    pub retention_days: Option<u32>,
}

/// Where a stream comes from and how to sign in there.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// `rtsp`, `rtsps`, `rtsph`, `rtspsh`, `rtmp`, `http(s)` (HLS), `srt`, `file`, `v4l2` or `test`.
    pub url: Url,
    /// User name for Basic or Digest authentication.
    pub username: Option<String>,
    /// Password that goes with it.
    pub password: Option<Secret>,
    /// How RTSP carries its packets.
    pub transport: Transport,
}

impl SourceSpec {
    /// A source without credentials, transport chosen by the engine.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self { url, username: None, password: None, transport: Transport::Auto }
    }

    /// Whether the other side calls and this program waits for it: SRT or RTMP in the mode `listener`.
    #[must_use]
    pub fn listens(&self) -> bool {
        matches!(self.url.scheme(), "srt" | "rtmp") && self.url.query_pairs().any(|(name, value)| name == "mode" && value == "listener")
    }

    /// The address without user name, password and query, fit for logs and messages.
    #[must_use]
    pub fn address(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Fails only for addresses that cannot carry credentials, which then have none to hide.
        let _no_host = url.set_password(None).and_then(|()| url.set_username(""));
        url.into()
    }
}

/// Shows no credentials, not even those inside the address.
impl fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSpec")
            .field("address", &self.address())
            .field("signs_in", &self.username.is_some())
            .field("transport", &self.transport)
            .finish()
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; for the one place that signs in with it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// How RTSP carries its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    #[default]
    Auto,
    /// Interleaved in the RTSP connection.
    Tcp,
    /// Datagrams, through GStreamer.
    Udp,
    /// Datagrams to a group of the network, through GStreamer.
    Multicast,
}

/// Hours of the week in which pictures are judged fully, in the premises' local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedHours {
    /// Local time minus UTC, in minutes (China: 480).
    pub utc_offset_minutes: i32,
    /// The camera is armed when any window holds the moment.
    pub windows: Vec<ArmedWindow>,
}

/// One daily window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedWindow {
    /// Days on which the window starts, Monday first.
    pub weekdays: [bool; 7],
    /// First minute of the day, 0..1440.
    pub start_minute: u16,
    /// Minute at which it ends, exclusive, up to 1440; at or before the start it ends the next day.
    pub end_minute: u16,
}

impl ArmedHours {
    /// Whether the moment `at_ms` (milliseconds UTC) lies in a window.
    #[must_use]
    pub fn contains(&self, at_ms: i64) -> bool {
        let local_minutes = at_ms.div_euclid(60_000) + i64::from(self.utc_offset_minutes);
        let minute = local_minutes.rem_euclid(1_440);
        // 1970-01-01 was a Thursday, the fourth day counted from Monday.
        let today = (local_minutes.div_euclid(1_440) + 3).rem_euclid(7);
        let yesterday = (today + 6).rem_euclid(7);
        self.windows.iter().any(|window| {
            let (start, end) = (i64::from(window.start_minute), i64::from(window.end_minute));
            let on = |day: i64| usize::try_from(day).ok().and_then(|day| window.weekdays.get(day)) == Some(&true);
            if start < end {
                return on(today) && (start..end).contains(&minute);
            }
            (on(today) && minute >= start) || (on(yesterday) && minute < end)
        })
    }
}

/// A video codec that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
}

impl Codec {
    /// The name used in files, events and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
        }
    }
}

/// Makes `as_str` and `Display` for an enum whose names outsiders rely on.
macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in the store, events and the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value with that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use named;

/// What a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Switched off by a person.
    Disabled,
    /// First attempt, or waiting for a turn to connect.
    Connecting,
    /// Pictures arrive and are written.
    Recording,
    /// Pictures arrive, but something is wrong with them or with writing them.
    Degraded,
    /// No pictures.
    Offline,
}
named!(CameraState {
    Disabled => "disabled", Connecting => "connecting", Recording => "recording", Degraded => "degraded",
    Offline => "offline",
});

/// Why a camera is in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateReason {
    /// Nothing is wrong.
    None,
    /// The port is closed.
    Refused,
    /// No way to the address, or its name is unknown.
    NoRoute,
    /// No answer in time.
    Timeout,
    /// Wrong or missing user name or password (401, 403).
    Unauthorized,
    /// The path does not exist there (404).
    NotFound,
    /// The connection stands but no picture came for the watchdog's time.
    Stalled,
    /// It answers, but there is no video in it.
    NotVideo,
    /// Video in a codec that is not recorded.
    UnsupportedCodec,
    /// The stream breaks the rules of its protocol or codec.
    BadStream,
    /// Pictures without a key frame for a minute.
    NoKeyFrame,
    /// The disk is full or fails.
    Disk,
    /// The address is outside the allowed networks.
    AddressNotAllowed,
    /// Encrypted, but nobody known vouches for the certificate.
    UntrustedCertificate,
    /// The other side ended the stream.
    Closed,
    /// Switched off by a person.
    Disabled,
    /// A fault of our own.
    Internal,
}
named!(StateReason {
    None => "none", Refused => "refused", NoRoute => "no_route", Timeout => "timeout",
    Unauthorized => "unauthorized", NotFound => "not_found", Stalled => "stalled", NotVideo => "not_video",
    UnsupportedCodec => "unsupported_codec", BadStream => "bad_stream", NoKeyFrame => "no_key_frame",
    Disk => "disk", AddressNotAllowed => "address_not_allowed", UntrustedCertificate => "untrusted_certificate", Closed => "closed", Disabled => "disabled",
    Internal => "internal",
});

/// Why there is no recording for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The camera could not be reached, or ended the stream.
    Offline,
    /// The port was closed.
    Refused,
    /// Wrong or missing credentials.
    Unauthorized,
    /// No such path at the camera.
    NotFound,
    /// Connected, but no pictures came.
    Stalled,
    /// The disk was full or failed.
    Disk,
    /// This program was not running.
    Restart,
    /// Switched off by a person.
    Disabled,
    /// What came was not video that can be recorded.
    BadStream,
}
named!(GapReason {
    Offline => "offline", Refused => "refused", Unauthorized => "unauthorized", NotFound => "not_found",
    Stalled => "stalled", Disk => "disk", Restart => "restart", Disabled => "disabled", BadStream => "bad_stream",
});

impl From<StateReason> for GapReason {
    fn from(reason: StateReason) -> Self {
        match reason {
            StateReason::Refused => Self::Refused,
            StateReason::Unauthorized => Self::Unauthorized,
            StateReason::NotFound => Self::NotFound,
            StateReason::Stalled => Self::Stalled,
            StateReason::Disk => Self::Disk,
            StateReason::Disabled => Self::Disabled,
            StateReason::NotVideo | StateReason::UnsupportedCodec | StateReason::BadStream | StateReason::NoKeyFrame => Self::BadStream,
            StateReason::None
            | StateReason::NoRoute
            | StateReason::Timeout
            | StateReason::AddressNotAllowed
            | StateReason::UntrustedCertificate
            | StateReason::Closed
            | StateReason::Internal => Self::Offline,
        }
    }
}

/// A camera as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraStatus {
    /// What it is doing.
    pub state: CameraState,
    /// Why.
    pub reason: StateReason,
    /// The reason in words, without credentials; may be empty.
    pub detail: String,
    /// Since when state and reason are so, milliseconds UTC.
    pub since_ms: i64,
    /// When the newest access unit came, milliseconds UTC.
    pub last_picture_ms: Option<i64>,
    /// What the stream was like when last seen.
    pub stream: Option<StreamInfo>,
    /// Connections that were made again since the camera was applied.
    pub reconnects: u64,
    /// The same in the last hour.
    pub reconnects_last_hour: u64,
    /// Packets (over RTSP) or pictures that were lost on the way since the camera was applied.
    pub lost: u64,
    /// The same in the last hour.
    pub lost_last_hour: u64,
    /// How unevenly pictures arrive: mean deviation from their own times, milliseconds, as RFC 3550 smooths it.
    pub jitter_ms: f64,
    /// The camera's clock minus ours when it last told it, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// What the analysis watches.
    pub analysis_stream: AnalysisStream,
}

/// Which stream of a camera the analysis watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisStream {
    /// The main one; there is no other.
    Main,
    /// The sub-stream.
    Sub,
    /// The main one, because the sub-stream does not come.
    MainInstead,
}
named!(AnalysisStream { Main => "main", Sub => "sub", MainInstead => "main_instead" });

/// What a stream is like, measured where it can be.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamInfo {
    /// Codec of the video.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames a second, measured; 0 until known.
    pub fps: f64,
    /// Time between key frames; 0 until two have come.
    pub key_frame_interval_ms: u64,
    /// Bits a second, measured; 0 until known.
    pub bit_rate: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let mut source = SourceSpec::new("rtsp://joe:hush@10.0.0.1/a?token=hush".parse().expect("a URL"));
        source.password = Some(Secret::new("hush"));
        assert_eq!(source.address(), "rtsp://10.0.0.1/a");
        assert!(!format!("{source:?} {:?}", source.password).contains("hush"));
    }

    #[test]
    fn only_srt_and_rtmp_in_that_mode_wait_to_be_called() {
        let listens = |url: &str| SourceSpec::new(url.parse().expect("a URL")).listens();
        assert!(listens("srt://0.0.0.0:7001?latency=200&mode=listener") && listens("rtmp://0.0.0.0:7002/live?mode=listener"));
        assert!(!listens("srt://10.0.0.5:7001?mode=caller") && !listens("rtsp://10.0.0.5/a?mode=listener"));
    }

    #[test]
    fn names_are_found_again() {
        for reason in StateReason::ALL {
            assert_eq!(StateReason::from_name(reason.as_str()), Some(*reason));
        }
        assert_eq!(GapReason::from_name("bad_stream"), Some(GapReason::BadStream));
        assert_eq!(GapReason::from_name("lunch"), None);
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_starts() {
        let mut weekdays = [false; 7];
        weekdays[4] = true; // Friday 22:00 to Saturday 06:00
        let hours =
            ArmedHours { utc_offset_minutes: 480, windows: vec![ArmedWindow { weekdays, start_minute: 22 * 60, end_minute: 6 * 60 }] };
        let friday_midnight_cst = 1_767_283_200_000; // 2026-01-02 00:00 +08:00, a Friday
        let hour = 3_600_000;
        assert!(!hours.contains(friday_midnight_cst + 5 * hour));
        assert!(!hours.contains(friday_midnight_cst + 21 * hour));
        assert!(hours.contains(friday_midnight_cst + 23 * hour));
        assert!(hours.contains(friday_midnight_cst + 29 * hour));
        assert!(!hours.contains(friday_midnight_cst + 30 * hour));
        assert!(!hours.contains(friday_midnight_cst + 47 * hour));
    }
}
