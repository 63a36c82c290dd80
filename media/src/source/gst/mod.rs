//! Sources through GStreamer's own elements: RTSP over UDP, multicast, TLS and an HTTP tunnel, RTMP, SRT (called and
//! calling), files, USB cameras and test patterns. What clients of our own fetch (HLS) is taken apart here too: [`Demuxer`].
//!
//! A pipeline is built for one connection and thrown away with it. Its head ([`head`]) speaks the protocol; its tail
//! ([`tail`]) finds the video in whatever comes and gives it as access units. State changes run on GStreamer's own
//! threads, because stopping can take as long as the other side likes.

mod certificate;
mod demux;
mod fault;
mod head;
mod jpeg;
mod rtsp;
mod srt;
mod tail;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use gstreamer as gst;
use gstreamer::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::address::AddressPolicy;
use super::dial::dial;
use super::{AccessUnit, Source, SourceError, SourceItem, SourceLimits, StreamParameters};
use crate::camera::{Codec, SourceSpec, StateReason};
use crate::clock::Clock;
pub(super) use demux::Demuxer;
use fault::Faults;
use head::Head;
pub(super) use head::credentials;

/// How long a polite end may take.
const CLOSE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);

/// Schemes that [`open`] takes.
pub const SCHEMES: [&str; 9] = ["rtsp", "rtsps", "rtsph", "rtspsh", "rtmp", "srt", "file", "test", "v4l2"];

/// Opens a source and waits for its first picture.
///
/// # Errors
/// [`SourceError`] with the reason; in all within about the limit for connecting. A camera that is to call and does not is
/// [`StateReason::Timeout`].
pub async fn open(
    spec: &SourceSpec,
    policy: &AddressPolicy,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, SourceError> {
    crate::init().map_err(|error| SourceError::new(StateReason::Internal, error.to_string()))?;
    let deadline = Instant::now() + limits.connect_timeout;
    let late = |detail: &str| SourceError::new(StateReason::Timeout, detail);
    let head = timeout_at(deadline, head::build(spec, policy, limits)).await.map_err(|_| late("the camera does not answer in time"))??;
    let (tcp_address, call) = (head.tcp_address, head.call.clone());
    let mut source = GstSource::start(head, limits, clock)?;
    let first = match &call {
        Some(call) => call.then(limits.connect_timeout, source.first()).await,
        None => timeout_at(deadline, source.first()).await,
    };
    let not_called = call.is_some_and(|call| !call.has_come());
    let error = match first {
        Ok(Ok(())) => return Ok(Box::new(source)),
        Ok(Err(error)) => error,
        Err(_) if not_called => return Err(late("nobody has called yet")),
        Err(_) => return Err(late("no picture came in time")),
    };
    if not_called {
        return Err(SourceError::new(StateReason::Refused, "the port cannot be had: another camera or program listens there"));
    }
    // Only our own connection says plainly why there is none.
    let plain = match tcp_address.filter(|_| matches!(error.reason, StateReason::Timeout | StateReason::Closed)) {
        Some(address) => timeout_at(deadline, dial(&[address], limits.connect_timeout)).await.ok().and_then(Result::err),
        None => None,
    };
    Err(plain.unwrap_or(error))
}

/// A running pipeline.
struct GstSource {
    pipeline: gst::Pipeline,
    samples: mpsc::Receiver<gst::Sample>,
    messages: gst::bus::BusStream,
    faults: Arc<Faults>,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
    /// Caps whose parameters were told.
    told: Option<gst::Caps>,
    /// Items that wait to be taken.
    waiting: std::collections::VecDeque<SourceItem>,
    /// Whether the end means the beginning: files.
    repeats: bool,
    /// Added to presentation times: the length of what was played before the file was begun again.
    offset_ns: i64,
    last_pts_ns: i64,
    step_ns: i64,
    begun: bool,
}

impl GstSource {
    fn start(head: Head, limits: SourceLimits, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        let pipeline = head.pipeline;
        let samples = tail::attach(&pipeline, &head.outlet, head.paced, &head.faults)?;
        let bus = pipeline.bus().ok_or_else(|| SourceError::new(StateReason::Internal, "a pipeline without a bus"))?;
        let source = Self {
            samples,
            messages: bus.stream(),
            faults: head.faults,
            limits,
            clock,
            told: None,
            waiting: std::collections::VecDeque::new(),
            repeats: head.repeats,
            offset_ns: 0,
            last_pts_ns: 0,
            step_ns: 0,
            begun: false,
            pipeline,
        };
        let faults = Arc::clone(&source.faults);
        source.pipeline.call_async(move |pipeline| {
            if pipeline.set_state(gst::State::Playing).is_err() {
                faults.note(SourceError::new(StateReason::Internal, "the pipeline does not start"));
            }
        });
        Ok(source)
    }

    /// Waits for the first picture and keeps it.
    async fn first(&mut self) -> Result<(), SourceError> {
        let item = self.advance().await?;
        self.waiting.push_front(item);
        Ok(())
    }

    async fn advance(&mut self) -> Result<SourceItem, SourceError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(item);
            }
            if let Some(fault) = self.faults.first() {
                return Err(fault);
            }
            let faults = Arc::clone(&self.faults);
            tokio::select! {
                biased;
                Some(sample) = self.samples.recv() => self.take(&sample)?,
                message = self.messages.next() => match message {
                    Some(message) => self.hear(&message)?,
                    None => return Err(SourceError::new(StateReason::Internal, "the pipeline is gone")),
                },
                () = faults.noted() => {}
            }
        }
    }

    fn hear(&mut self, message: &gst::Message) -> Result<(), SourceError> {
        match message.view() {
            gst::MessageView::Error(error) => Err(self.faults.first().unwrap_or_else(|| fault::translate(error, &self.faults))),
            gst::MessageView::Eos(_) => self.end(),
            _ => Ok(()),
        }
    }

    /// The end of the stream: the beginning again for a file, an error for everything else.
    fn end(&mut self) -> Result<(), SourceError> {
        if !self.repeats {
            return Err(self.faults.first().unwrap_or_else(|| SourceError::new(StateReason::Closed, "the stream has ended")));
        }
        if !self.begun {
            return Err(SourceError::new(StateReason::NotVideo, "there is no video in it"));
        }
        self.begun = false;
        self.offset_ns = self.last_pts_ns + self.step_ns;
        let faults = Arc::clone(&self.faults);
        self.pipeline.call_async(move |pipeline| {
            if pipeline.seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT, gst::ClockTime::ZERO).is_err() {
                faults.note(SourceError::new(StateReason::Closed, "the file cannot be played again"));
            }
        });
        Ok(())
    }

    fn take(&mut self, sample: &gst::Sample) -> Result<(), SourceError> {
        let (wall_ms, monotonic) = (self.clock.wall_ms(), self.clock.monotonic());
        let bad = |detail: &str| SourceError::new(StateReason::BadStream, detail);
        let caps = sample.caps().ok_or_else(|| bad("a picture without a format"))?;
        if self.told.as_deref() != Some(caps) {
            self.waiting.push_back(SourceItem::Parameters(parameters(caps)?));
            self.told = Some(caps.to_owned());
        }
        let buffer = sample.buffer().ok_or_else(|| bad("a picture without data"))?;
        if buffer.size() > self.limits.access_unit_bytes_max {
            return Err(bad("a picture is too large"));
        }
        let time = buffer.pts().or(buffer.dts()).ok_or_else(|| bad("a picture without a time"))?;
        let time = running_time(sample, time).ok_or_else(|| bad("a picture with an impossible time"))?;
        let pts_ns = time + self.offset_ns;
        if pts_ns > self.last_pts_ns {
            self.step_ns = if self.begun { pts_ns - self.last_pts_ns } else { self.step_ns };
            self.last_pts_ns = pts_ns;
        }
        let data = buffer.map_readable().map_err(|_| bad("a picture cannot be read"))?;
        let unit = AccessUnit {
            data: Bytes::copy_from_slice(&data),
            pts_ns,
            is_key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            lost: u32::from(self.begun && buffer.flags().contains(gst::BufferFlags::DISCONT)),
            wall_ms,
            monotonic,
        };
        self.begun = true;
        self.waiting.push_back(SourceItem::AccessUnit(unit));
        Ok(())
    }
}

impl Source for GstSource {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        Box::pin(self.advance())
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        // Whoever waits to hand over a picture is let go first.
        self.samples.close();
        let stopping = self.pipeline.call_async_future(stop);
        Box::pin(async move {
            if tokio::time::timeout(CLOSE_TIMEOUT, stopping).await.is_err() {
                tracing::warn!("a source takes long to close");
            }
            drop(self);
        })
    }
}

impl Drop for GstSource {
    fn drop(&mut self) {
        self.pipeline.call_async(stop);
    }
}

fn stop(pipeline: &gst::Pipeline) {
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(%error, "a pipeline does not stop");
    }
}

/// Time since the pipeline began, which goes on where timestamps in the buffers start anew.
fn running_time(sample: &gst::Sample, time: gst::ClockTime) -> Option<i64> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    match segment.to_running_time_full(time)? {
        gst::Signed::Positive(time) => i64::try_from(time.nseconds()).ok(),
        gst::Signed::Negative(time) => i64::try_from(time.nseconds()).ok().map(|time| -time),
    }
}

fn parameters(caps: &gst::CapsRef) -> Result<StreamParameters, SourceError> {
    let bad = |detail: &str| SourceError::new(StateReason::BadStream, detail);
    let structure = caps.structure(0).ok_or_else(|| bad("an empty format"))?;
    let codec = match structure.name().as_str() {
        "video/x-h264" => Codec::H264,
        "video/x-h265" => Codec::H265,
        _ => return Err(SourceError::new(StateReason::UnsupportedCodec, "a codec that is not recorded")),
    };
    let config = structure.get::<gst::Buffer>("codec_data").map_err(|_| bad("no parameter sets"))?;
    let config = Bytes::copy_from_slice(&config.map_readable().map_err(|_| bad("unreadable parameter sets"))?);
    let pixels = |name: &str| structure.get::<i32>(name).ok().and_then(|pixels| u32::try_from(pixels).ok());
    let (Some(width), Some(height)) = (pixels("width"), pixels("height")) else { return Err(bad("no picture size")) };
    Ok(StreamParameters { codec, config, width, height })
}

#[cfg(test)]
mod tests;
