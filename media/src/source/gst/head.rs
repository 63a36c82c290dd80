//! The protocol's side of a pipeline: one element a scheme, told the address that was checked.

use std::net::SocketAddr;
use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use url::Url;

use super::fault::Faults;
use super::srt::Call;
use super::tail::{Outlet, internal, make};
use super::{rtsp, srt};
use crate::camera::{Secret, SourceSpec, StateReason};
use crate::source::address::{AddressPolicy, pinned};
use crate::source::{SourceError, SourceLimits};

/// The beginning of a pipeline.
pub(super) struct Head {
    pub(super) pipeline: gst::Pipeline,
    pub(super) outlet: Outlet,
    pub(super) faults: Arc<Faults>,
    /// Gives pictures as fast as they can be read, so the sink must keep the pace.
    pub(super) paced: bool,
    /// Begins again at its end.
    pub(super) repeats: bool,
    /// Where to connect to find out why the element could not.
    pub(super) tcp_address: Option<SocketAddr>,
    /// Of a head that waits to be called: whether it was.
    pub(super) call: Option<Arc<Call>>,
}

impl Head {
    pub(super) fn live(element: gst::Element) -> Result<Self, SourceError> {
        let pipeline = gst::Pipeline::new();
        pipeline.add(&element).map_err(|_| internal("the source cannot be added"))?;
        Ok(Self {
            pipeline,
            outlet: Outlet::Element(element),
            faults: Arc::default(),
            paced: false,
            repeats: false,
            tcp_address: None,
            call: None,
        })
    }
}

/// Builds the head for a source.
///
/// # Errors
/// Addresses that are not allowed, hosts that cannot be reached, schemes that are unknown.
pub(super) async fn build(spec: &SourceSpec, policy: &AddressPolicy, limits: SourceLimits) -> Result<Head, SourceError> {
    match spec.url.scheme() {
        "rtsp" | "rtsps" | "rtsph" | "rtspsh" => rtsp::head(spec, policy, limits).await,
        "rtmp" => rtmp(spec, policy, limits).await,
        "srt" if spec.listens() => srt::listening(spec, policy),
        "srt" => srt::called(spec, policy, limits).await,
        "file" => file(&policy.file(&spec.url)?),
        "test" => test_pattern(&spec.url),
        "v4l2" => usb(&spec.url),
        other => Err(SourceError::new(StateReason::AddressNotAllowed, format!("sources of the kind {other}: are not known"))),
    }
}

/// User name and password: those of the specification, else those in the address.
pub(in crate::source) fn credentials(spec: &SourceSpec) -> Option<(String, String)> {
    let plain = |text: &str| percent_decoded(text);
    if let Some(username) = &spec.username {
        return Some((username.clone(), spec.password.as_ref().map(Secret::expose).unwrap_or_default().to_owned()));
    }
    let username = plain(spec.url.username());
    (!username.is_empty()).then(|| (username, spec.url.password().map(plain).unwrap_or_default()))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code =
            tail.get(..2).filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn rtmp(spec: &SourceSpec, policy: &AddressPolicy, limits: SourceLimits) -> Result<Head, SourceError> {
    let addresses = policy.resolve(&spec.url, limits.connect_timeout).await?;
    let source = make("rtmp2src")?;
    source.set_property("location", pinned(&spec.url, addresses[0])?.as_str());
    source.set_property("timeout", u32::try_from(limits.connect_timeout.as_secs()).unwrap_or(u32::MAX).max(1));
    if let Some((username, password)) = credentials(spec) {
        source.set_property("username", username);
        source.set_property("password", password);
    }
    let mut head = Head::live(source.clone())?;
    // The element's stream always claims to have sound; `parsebin` would wait seconds for it.
    let demuxer = make("flvdemux")?;
    head.pipeline.add(&demuxer).map_err(|_| internal("the demuxer cannot be added"))?;
    source.link(&demuxer).map_err(|_| internal("the demuxer cannot be linked"))?;
    head.outlet = Outlet::Demuxer(demuxer);
    head.tcp_address = Some(addresses[0]);
    Ok(head)
}

fn file(path: &std::path::Path) -> Result<Head, SourceError> {
    let source = make("filesrc")?;
    source.set_property("location", path.to_string_lossy().as_ref());
    Ok(Head { paced: true, repeats: true, ..Head::live(source)? })
}

/// `test:` or `test:ball?width=640&height=360&fps=12`: pictures that GStreamer draws, encoded here.
fn test_pattern(url: &Url) -> Result<Head, SourceError> {
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<i32>().ok());
    let width = asked("width").unwrap_or(640).clamp(64, 1280) / 8 * 8;
    let height = asked("height").unwrap_or(360).clamp(64, 720) / 2 * 2;
    let fps = asked("fps").unwrap_or(10).clamp(1, 30);
    let pattern = url.path().trim_matches('/');
    let pattern = if ["", "smpte"].contains(&pattern) { "smpte" } else { pattern };
    if !["smpte", "ball", "snow", "black", "white", "bar", "circular"].contains(&pattern) {
        return Err(SourceError::new(StateReason::NotFound, "there is no such test pattern"));
    }
    let text = format!(
        "videotestsrc is-live=true pattern={pattern} ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max={keys} bframes=0 ! \
         capsfilter caps=video/x-h264,stream-format=byte-stream,profile=baseline",
        keys = fps * 2,
    );
    let bin = gst::parse::bin_from_description(&text, true).map_err(|_| internal("no encoder for test patterns is installed"))?;
    Head::live(bin.upcast())
}

/// `v4l2:/dev/video0`: a camera at this machine's USB, which gives raw pictures or JPEG. They are encoded here.
fn usb(url: &Url) -> Result<Head, SourceError> {
    let path = url.path();
    let number = path
        .strip_prefix("/dev/video")
        .filter(|number| (1..=2).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit()));
    if number.is_none() {
        return Err(SourceError::new(StateReason::AddressNotAllowed, "a USB camera's address is like v4l2:/dev/video0"));
    }
    if !std::path::Path::new(path).exists() {
        return Err(SourceError::new(StateReason::NotFound, format!("there is no camera at {path}")));
    }
    let size = "width=(int)[64,1280],height=(int)[64,720]";
    let text = format!(
        "v4l2src device={path} ! capsfilter caps=\"image/jpeg,{size};video/x-raw,{size}\" ! decodebin ! videoconvert ! \
         x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max=50 bframes=0 ! \
         capsfilter caps=video/x-h264,stream-format=byte-stream,profile=baseline",
    );
    let bin =
        gst::parse::bin_from_description(&text, true).map_err(|_| internal("GStreamer's elements for USB cameras are not installed"))?;
    Head::live(bin.upcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_from_the_fields_first_and_are_decoded_from_the_address() {
        let mut spec = SourceSpec::new("rtsp://joe:p%40ss%zz@10.0.0.1/a".parse().expect("a URL"));
        assert_eq!(credentials(&spec), Some(("joe".into(), "p@ss%zz".into())));
        spec.username = Some("ann".into());
        spec.password = Some(Secret::new("hush"));
        assert_eq!(credentials(&spec), Some(("ann".into(), "hush".into())));
        assert_eq!(credentials(&SourceSpec::new("rtsp://10.0.0.1/a".parse().expect("a URL"))), None);
    }
}
