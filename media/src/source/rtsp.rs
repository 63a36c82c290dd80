//! RTSP over TCP, through retina: no GStreamer element, no extra thread a camera.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use retina::client::{Credentials, Demuxed, Described, PlayOptions, Session, SessionGroup, SessionOptions, SetupOptions, Transport};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use url::Url;

use super::ceiling::Ceiling;
use super::reactor::in_turns;
use super::{AccessUnit, Source, SourceError, SourceItem, SourceLimits, StreamParameters};
use crate::camera::{Codec, SourceSpec, StateReason};
use crate::clock::Clock;

/// Port of `rtsp:` addresses that name none.
pub const DEFAULT_PORT: u16 = 554;
/// How long a polite goodbye may take.
const TEARDOWN_PATIENCE: Duration = Duration::from_secs(1);
/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_UNIX_S: i64 = 2_208_988_800;

/// A playing RTSP session with one video stream.
pub struct RtspSource {
    demuxed: Demuxed,
    group: Arc<SessionGroup>,
    stream: usize,
    codec: Codec,
    access_unit_bytes_max: usize,
    clock: Arc<dyn Clock>,
    ceiling: Arc<Ceiling>,
    /// When the newest picture was complete, or the stream began, on the monotonic clock.
    complete_at: Duration,
    parameters: Option<StreamParameters>,
    /// A frame that came with new parameters waits here until these have been given.
    waiting: Option<AccessUnit>,
}

impl std::fmt::Debug for RtspSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtspSource").field("stream", &self.stream).field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// Connects to `url`, whose host has been checked and resolved, signs in as `spec` says and starts the first video stream.
///
/// # Errors
/// [`SourceError`] with the reason in the words of a camera's state; in any case within the limits' time.
pub async fn open(
    spec: &SourceSpec,
    url: Url,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
    ceiling: Arc<Ceiling>,
) -> Result<RtspSource, SourceError> {
    let (began, under) = (clock.monotonic(), ceiling.clone());
    let connecting = under.under(&*clock, began, in_turns(connect(spec, url, limits, clock.clone(), ceiling)));
    match tokio::time::timeout(limits.connect_timeout, connecting).await {
        Ok(opened) => opened?,
        Err(_) => Err(SourceError::new(StateReason::Timeout, "the camera does not answer in time")),
    }
}

async fn connect(
    spec: &SourceSpec,
    mut url: Url,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
    ceiling: Arc<Ceiling>,
) -> Result<RtspSource, SourceError> {
    let credentials = credentials(spec);
    // The client refuses addresses with credentials inside. Cannot fail: an rtsp address has a host.
    let _no_host = url.set_password(None).and_then(|()| url.set_username(""));
    let group = Arc::new(SessionGroup::default());
    let options = SessionOptions::default()
        .creds(credentials)
        .user_agent(format!("bright-kitchen/{}", env!("CARGO_PKG_VERSION")))
        .session_group(group.clone());
    let mut session = Session::describe(url, options).await.map_err(|error| opening(&error))?;
    let (stream, codec) = choose(&session)?;
    let setup = SetupOptions::default().transport(Transport::Tcp(Default::default())).frame_format(FrameFormat::MP4);
    session.setup(stream, setup).await.map_err(|error| opening(&error))?;
    let playing = session.play(PlayOptions::default()).await.map_err(|error| opening(&error))?;
    let demuxed = playing.demuxed().map_err(|error| opening(&error))?;
    Ok(RtspSource {
        demuxed,
        group,
        stream,
        codec,
        access_unit_bytes_max: limits.access_unit_bytes_max,
        complete_at: clock.monotonic(),
        clock,
        ceiling,
        parameters: None,
        waiting: None,
    })
}

/// Those of the specification, else those inside the address.
fn credentials(spec: &SourceSpec) -> Option<Credentials> {
    let url = &spec.url;
    let decoded = |text: &str| percent_decoded(text);
    let (username, password) = match &spec.username {
        Some(username) => (username.clone(), spec.password.as_ref().map(|password| password.expose().to_owned()).unwrap_or_default()),
        None if !url.username().is_empty() => (decoded(url.username()), url.password().map(decoded).unwrap_or_default()),
        None => return None,
    };
    Some(Credentials { username, password })
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match pair.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn choose(session: &Session<Described>) -> Result<(usize, Codec), SourceError> {
    let videos: Vec<_> = session.streams().iter().enumerate().filter(|(_, stream)| stream.media() == "video").collect();
    if videos.is_empty() {
        return Err(SourceError::new(StateReason::NotVideo, "there is no video in the stream"));
    }
    let known = videos.iter().find_map(|(n, stream)| match stream.encoding_name() {
        "h264" => Some((*n, Codec::H264)),
        "h265" => Some((*n, Codec::H265)),
        _ => None,
    });
    known.ok_or_else(|| {
        let names: Vec<_> = videos.iter().map(|(_, stream)| stream.encoding_name()).collect();
        let detail = format!("the video is {}; H.264 and H.265 are recorded", names.join(", "));
        SourceError::new(StateReason::UnsupportedCodec, detail)
    })
}

impl RtspSource {
    async fn next_item(&mut self) -> Result<SourceItem, SourceError> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(SourceItem::AccessUnit(waiting));
        }
        loop {
            let item = self.ceiling.under(&*self.clock, self.complete_at, self.demuxed.next()).await?;
            let Some(item) = item else {
                return Err(SourceError::new(StateReason::Closed, "the camera ended the stream"));
            };
            match item.map_err(|error| reading(&error))? {
                CodecItem::VideoFrame(frame) if frame.stream_id() == self.stream => {
                    self.complete_at = self.clock.monotonic();
                    if let Some(item) = self.take_frame(frame)? {
                        return Ok(item);
                    }
                }
                CodecItem::Rtcp(reports) => {
                    let sent = reports.pkts().find_map(|report| report.as_sender_report().ok().flatten());
                    if let Some(report) = sent {
                        let camera_ms = unix_ms(report.ntp_timestamp().0);
                        return Ok(SourceItem::ClockOffset { offset_ms: camera_ms.saturating_sub(self.clock.wall_ms()) });
                    }
                }
                _ => {}
            }
        }
    }

    /// `None` for a frame that came before anything was known about the stream.
    fn take_frame(&mut self, frame: VideoFrame) -> Result<Option<SourceItem>, SourceError> {
        if frame.data().len() > self.access_unit_bytes_max {
            let detail = format!("a picture of {} bytes is larger than allowed", frame.data().len());
            return Err(SourceError::new(StateReason::BadStream, detail));
        }
        let changed = if self.parameters.is_none() || frame.has_new_parameters() { self.new_parameters() } else { None };
        if self.parameters.is_none() && changed.is_none() {
            return Ok(None);
        }
        let timestamp = frame.timestamp();
        let pts_ns = i128::from(timestamp.elapsed()) * 1_000_000_000 / i128::from(timestamp.clock_rate().get());
        let unit = AccessUnit {
            pts_ns: i64::try_from(pts_ns).unwrap_or(i64::MAX),
            is_key: frame.is_random_access_point(),
            lost: u32::from(frame.loss()),
            wall_ms: self.clock.wall_ms(),
            monotonic: self.clock.monotonic(),
            data: Bytes::from(frame.into_data()),
        };
        let Some(parameters) = changed else { return Ok(Some(SourceItem::AccessUnit(unit))) };
        self.parameters = Some(parameters.clone());
        self.waiting = Some(unit);
        Ok(Some(SourceItem::Parameters(parameters)))
    }

    fn new_parameters(&self) -> Option<StreamParameters> {
        let ParametersRef::Video(video) = self.demuxed.streams().get(self.stream)?.parameters()? else { return None };
        let (width, height) = video.pixel_dimensions();
        let config = Bytes::copy_from_slice(video.extra_data());
        let parameters = StreamParameters { codec: self.codec, config, width, height };
        (self.parameters.as_ref() != Some(&parameters)).then_some(parameters)
    }
}

impl Source for RtspSource {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        self.next_item().boxed()
    }

    fn keeps_what_comes(&self) -> bool {
        true
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        let group = self.group.clone();
        drop(self);
        async move {
            // Whether the camera answers is of no consequence: the connection is closed either way.
            let _unanswered = tokio::time::timeout(TEARDOWN_PATIENCE, group.await_teardown()).await;
        }
        .boxed()
    }
}

/// 64-bit NTP time (seconds and fraction since 1900) as milliseconds since 1970.
fn unix_ms(ntp: u64) -> i64 {
    let seconds = i64::from(u32::try_from(ntp >> 32).unwrap_or(u32::MAX)) - NTP_UNIX_S;
    let fraction_ms = ((ntp & 0xffff_ffff) * 1_000) >> 32;
    seconds * 1_000 + i64::try_from(fraction_ms).unwrap_or(0)
}

/// What a failure before the first packet means. The client's errors tell a status or only words.
fn opening(error: &retina::Error) -> SourceError {
    let reason = match error.status_code() {
        Some(401 | 403) => StateReason::Unauthorized,
        Some(404 | 410) => StateReason::NotFound,
        // Answered well, but with something that cannot be understood.
        Some(200) => StateReason::NotVideo,
        // Nobody has checked the address that it names.
        Some(300..=399) => StateReason::AddressNotAllowed,
        Some(400..=499) => StateReason::BadStream,
        Some(_) => StateReason::Closed,
        None => from_words(&error.to_string(), StateReason::NotVideo),
    };
    let words = match reason {
        StateReason::Unauthorized => "the camera refuses the user name or password",
        StateReason::NotFound => "the camera has no stream at this path",
        StateReason::Refused => "the camera refuses the connection",
        StateReason::NoRoute => "there is no way to the camera",
        StateReason::Timeout => "the camera does not answer in time",
        StateReason::NotVideo => "what answers is not an RTSP video stream",
        StateReason::Closed => "the camera closed the connection",
        StateReason::AddressNotAllowed => "the camera sends to another address; redirects are not followed",
        _ => "the camera answers against the rules of RTSP",
    };
    tracing::debug!(%error, "an RTSP stream could not be opened");
    SourceError::new(reason, words)
}

/// What a failure while playing means.
fn reading(error: &retina::Error) -> SourceError {
    let reason = from_words(&error.to_string(), StateReason::BadStream);
    let words = match reason {
        StateReason::Closed => "the camera closed the connection",
        StateReason::Timeout => "the camera does not answer in time",
        _ => "the camera sends packets against the rules of its codec",
    };
    tracing::debug!(%error, "an RTSP stream has failed");
    SourceError::new(reason, words)
}

/// Finds out what the client's error is about. System errors carry their number in words of their own, "(os error N)".
fn from_words(words: &str, framing: StateReason) -> StateReason {
    let os_error = words.split("(os error ").nth(1).and_then(|rest| rest.split(')').next()?.parse::<i32>().ok());
    match os_error {
        Some(111) => return StateReason::Refused,
        Some(101 | 112 | 113) => return StateReason::NoRoute,
        Some(110) => return StateReason::Timeout,
        Some(_) => return StateReason::Closed,
        None => {}
    }
    if words.starts_with("Timeout") {
        return StateReason::Timeout;
    }
    let closed = ["Error reading from RTSP peer", "Error writing to RTSP peer", "Unable to connect"];
    // The other end went away in the middle of a frame.
    if closed.iter().any(|start| words.starts_with(start)) || words.contains("Incomplete RTSP message at EOF") {
        return StateReason::Closed;
    }
    framing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Secret;

    #[test]
    fn credentials_come_from_the_specification_first_and_are_decoded_from_an_address() {
        let url: Url = "rtsp://joe:p%40ss%zz@10.0.0.1/".parse().expect("a URL");
        let mut spec = SourceSpec::new(url);
        let inside = credentials(&spec).expect("those inside");
        assert_eq!((inside.username.as_str(), inside.password.as_str()), ("joe", "p@ss%zz"));
        spec.username = Some("ann".into());
        spec.password = Some(Secret::new("x"));
        assert_eq!(credentials(&spec).expect("given").username, "ann");
    }

    #[test]
    fn system_errors_are_told_apart() {
        let words = |number| format!("Unable to connect to RTSP server: nope (os error {number})");
        assert_eq!(from_words(&words(111), StateReason::NotVideo), StateReason::Refused);
        assert_eq!(from_words(&words(113), StateReason::NotVideo), StateReason::NoRoute);
        assert_eq!(from_words(&words(104), StateReason::NotVideo), StateReason::Closed);
        assert_eq!(from_words("RTSP framing error: no", StateReason::NotVideo), StateReason::NotVideo);
        let cut = "RTSP framing error: Incomplete RTSP message at EOF (3 more); buffered:";
        assert_eq!(from_words(cut, StateReason::BadStream), StateReason::Closed);
    }

    #[test]
    fn a_cameras_clock_is_read_from_its_reports() {
        assert_eq!(unix_ms(2_208_988_800 << 32), 0);
        assert_eq!(unix_ms((2_208_988_801 << 32) | 0x8000_0000), 1_500);
    }
}
