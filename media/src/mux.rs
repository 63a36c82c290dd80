//! The muxer: GStreamer's `isofmp4mux` between two pads of our own.
//!
//! `appsrc` and `appsink` would each add a thread and its wakings; a bare pad pushes lists into the muxer's queue and
//! another one takes what comes out, on the muxer's own thread. The muxer runs with `manual-split` and cuts exactly
//! where it is told by an event, so each chunk that comes out belongs to one [`ChunkMark`], in order. Its `latency` lets
//! the queue fill while the muxer works: without it every buffer would wait for the muxer's thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use tokio::sync::Notify;

use crate::camera::Codec;
use crate::record::batch::{ChunkMark, Frame, Step};
use crate::segment::boxes::BoxHeader;
use crate::source::StreamParameters;

/// Where running time zero lies, so that decoding times before it have room.
const ORIGIN: gst::ClockTime = gst::ClockTime::from_seconds(3_600);
/// How much the muxer's pad may queue.
const QUEUE: gst::ClockTime = gst::ClockTime::from_seconds(10);
/// Chunks under way before the next is waited with: less than the queue takes, so that pushing never blocks. A source
/// that brings ten seconds at once, as HLS does, is slowed down by this and does not fail.
const CHUNKS_UNDER_WAY_MAX: usize = 8;
/// How long the muxer, and the disk behind it, may take for a chunk before it is held to be stuck.
const CHUNK_PATIENCE: Duration = Duration::from_secs(5);
/// Time scale of the recorded track: that of RTP video, so that no time is rounded.
const TIMESCALE: u32 = 90_000;

/// The muxer could not be built or has failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MuxError {
    /// GStreamer refused to build it.
    #[error("muxer: {0}")]
    Build(String),
    /// It did not take a frame or an event.
    #[error("muxer does not take frames: {0}")]
    Push(String),
    /// It takes frames and gives nothing back.
    #[error("muxer is stuck, or the disk behind it")]
    Stuck,
    /// What it gave is not what was asked for.
    #[error("muxer gave something unexpected: {0}")]
    Output(&'static str),
    /// Whoever takes the chunks failed.
    #[error("{0}")]
    Sink(String),
}

/// Takes the finished chunks, on the muxer's thread.
pub trait ChunkSink: Send + 'static {
    /// `ftyp` and `moov`, before the first chunk.
    ///
    /// # Errors
    /// In words; ends the run.
    fn init(&mut self, init: Bytes) -> Result<(), String>;

    /// A chunk (`moof`, `mdat`) and the mark it was asked with.
    ///
    /// # Errors
    /// In words; ends the run.
    fn chunk(&mut self, mark: ChunkMark, data: Bytes) -> Result<(), String>;

    /// The stream has ended in order: no chunk follows.
    fn end(&mut self);
}

/// A running muxer.
#[derive(Debug)]
pub struct Mux {
    element: gst::Element,
    source: gst::Pad,
    sink: gst::Pad,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A chunk came out, the stream ended, or something failed.
    progress: Notify,
}

#[derive(Debug, Default)]
struct State {
    marks: VecDeque<ChunkMark>,
    failed: Option<MuxError>,
    ended: bool,
    /// The first frame has been handed over.
    started: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: MuxError) {
        self.state().failed.get_or_insert(error);
        self.progress.notify_one();
    }
}

impl Mux {
    /// Builds a muxer for a stream; chunks go to `sink`.
    ///
    /// # Errors
    /// [`MuxError::Build`].
    pub fn new(parameters: &StreamParameters, sink: impl ChunkSink) -> Result<Self, MuxError> {
        let shared = Arc::new(Shared::default());
        let element = gst::ElementFactory::make("isofmp4mux")
            .property("manual-split", true)
            .property("latency", QUEUE)
            .property_from_str("write-edts-mode", "never")
            .property("movie-timescale", TIMESCALE)
            .build()
            .map_err(|error| MuxError::Build(error.to_string()))?;
        let muxer_sink = element.request_pad_simple("sink_%u").ok_or_else(|| build("no sink pad"))?;
        muxer_sink.set_property("trak-timescale", TIMESCALE);
        let muxer_source = element.static_pad("src").ok_or_else(|| build("no source pad"))?;
        let sink_pad = output_pad(shared.clone(), sink);
        sink_pad.set_active(true).map_err(build)?;
        muxer_source.link(&sink_pad).map_err(build)?;
        let source_pad = gst::Pad::builder(gst::PadDirection::Src).name("frames").build();
        source_pad.link(&muxer_sink).map_err(build)?;
        source_pad.set_active(true).map_err(build)?;
        let mux = Self { element, source: source_pad, sink: sink_pad, shared };
        mux.element.set_state(gst::State::Playing).map_err(build)?;
        mux.announce(parameters)?;
        Ok(mux)
    }

    /// Hands frames and splits to the muxer, in order; waits while it is behind.
    ///
    /// # Errors
    /// [`MuxError`]; the muxer is spent then.
    pub async fn hand_over(&self, steps: Vec<Step>) -> Result<(), MuxError> {
        for step in steps {
            self.until(CHUNK_PATIENCE, |state| state.marks.len() < CHUNKS_UNDER_WAY_MAX).await?;
            match step {
                Step::Frames(frames) => self.push(frames)?,
                Step::Split(mark) => {
                    let chunk_only = !mark.ends;
                    self.expect(mark)?;
                    let structure = gst::Structure::builder("FMP4MuxSplitNow").field("chunk", chunk_only).build();
                    self.event(gst::event::CustomDownstream::new(structure))?;
                }
            }
        }
        self.check()
    }

    /// Ends the stream; `last` marks the chunk that the end splits off. Waits until all chunks are out.
    ///
    /// # Errors
    /// [`MuxError`]; what came out before has been given to the sink all the same.
    pub async fn finish(&self, last: Option<ChunkMark>, patience: Duration) -> Result<(), MuxError> {
        if let Some(mark) = last {
            self.expect(mark)?;
        }
        self.event(gst::event::Eos::new())?;
        self.until(patience, |state| state.ended).await?;
        if self.shared.state().marks.is_empty() { Ok(()) } else { Err(MuxError::Output("chunks are missing at the end")) }
    }

    /// Whether the muxer, or whoever takes its chunks, has failed.
    ///
    /// # Errors
    /// [`MuxError`]: the failure.
    pub fn check(&self) -> Result<(), MuxError> {
        self.shared.state().failed.clone().map_or(Ok(()), Err)
    }

    /// Waits until the state is so, or the muxer fails.
    async fn until(&self, patience: Duration, is_so: impl Fn(&State) -> bool) -> Result<(), MuxError> {
        let waiting = async {
            loop {
                let progress = self.shared.progress.notified();
                {
                    let state = self.shared.state();
                    if is_so(&state) || state.failed.is_some() {
                        return;
                    }
                }
                progress.await;
            }
        };
        tokio::time::timeout(patience, waiting).await.map_err(|_| MuxError::Stuck)?;
        self.check()
    }

    fn announce(&self, parameters: &StreamParameters) -> Result<(), MuxError> {
        let (name, format) = match parameters.codec {
            Codec::H264 => ("video/x-h264", "avc"),
            Codec::H265 => ("video/x-h265", "hvc1"),
        };
        let caps = gst::Caps::builder(name)
            .field("stream-format", format)
            .field("alignment", "au")
            .field("width", i32::try_from(parameters.width).unwrap_or(i32::MAX))
            .field("height", i32::try_from(parameters.height).unwrap_or(i32::MAX))
            .field("codec_data", gst::Buffer::from_slice(parameters.config.clone()))
            .build();
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(ORIGIN);
        self.event(gst::event::StreamStart::new("camera"))?;
        self.event(gst::event::Caps::new(&caps))?;
        self.event(gst::event::Segment::new(&segment))
    }

    fn expect(&self, mark: ChunkMark) -> Result<(), MuxError> {
        self.check()?;
        self.shared.state().marks.push_back(mark);
        Ok(())
    }

    fn push(&self, frames: Vec<Frame>) -> Result<(), MuxError> {
        let mut list = gst::BufferList::new_sized(frames.len());
        if let Some(list) = list.get_mut() {
            // The muxer leaves out what comes before a key frame. A stream that has none is recorded all the same: that its
            // beginning is none, our own header says.
            let mut is_first = !std::mem::replace(&mut self.shared.state().started, true);
            for frame in frames {
                list.add(buffer(frame, std::mem::take(&mut is_first)));
            }
        }
        self.source.push_list(list).map(|_| ()).map_err(|error| self.refused(&error.to_string()))
    }

    fn event(&self, event: gst::Event) -> Result<(), MuxError> {
        if self.source.push_event(event) { Ok(()) } else { Err(self.refused("event")) }
    }

    /// The reason behind a refusal, which the sink knows better than the pad.
    fn refused(&self, what: &str) -> MuxError {
        self.shared.state().failed.clone().unwrap_or_else(|| MuxError::Push(what.to_owned()))
    }
}

impl Drop for Mux {
    fn drop(&mut self) {
        // Unblocks and joins the muxer's thread; it holds no lock of ours and waits for nothing but the sink.
        let _already_gone = self.source.set_active(false);
        if self.element.set_state(gst::State::Null).is_err() {
            tracing::warn!("a muxer could not be stopped");
        }
        let _already_gone = self.sink.set_active(false);
    }
}

fn build(error: impl ToString) -> MuxError {
    MuxError::Build(error.to_string())
}

fn buffer(frame: Frame, is_first: bool) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(frame.data);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(at(frame.pts_ns));
        buffer.set_dts(at(frame.dts_ns));
        if !frame.is_key && !is_first {
            buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
    buffer
}

fn at(ns: i64) -> gst::ClockTime {
    let origin = i64::try_from(ORIGIN.nseconds()).unwrap_or(i64::MAX);
    gst::ClockTime::from_nseconds(u64::try_from(origin.saturating_add(ns)).unwrap_or(0))
}

fn output_pad(shared: Arc<Shared>, sink: impl ChunkSink) -> gst::Pad {
    let output = Arc::new(Mutex::new(sink));
    let (for_list, for_event, at_end) = (shared.clone(), shared, output.clone());
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("chunks")
        .chain_list_function(move |_pad, _parent, list| {
            let mut sink = output.lock().unwrap_or_else(PoisonError::into_inner);
            match take(&for_list, &mut *sink, &list) {
                Ok(()) => {
                    for_list.progress.notify_one();
                    Ok(gst::FlowSuccess::Ok)
                }
                Err(error) => {
                    for_list.fail(error);
                    Err(gst::FlowError::Error)
                }
            }
        })
        .event_function(move |_pad, _parent, event| {
            if event.type_() == gst::EventType::Eos {
                at_end.lock().unwrap_or_else(PoisonError::into_inner).end();
                for_event.state().ended = true;
                for_event.progress.notify_one();
            }
            true
        })
        .build()
}

/// One list is one chunk: perhaps the file header, then the `moof` with the head of `mdat`, then one buffer a frame.
fn take(shared: &Shared, sink: &mut impl ChunkSink, list: &gst::BufferListRef) -> Result<(), MuxError> {
    let mut start = 0;
    let header = list.get(0).ok_or(MuxError::Output("an empty list"))?;
    if header.flags().contains(gst::BufferFlags::DISCONT | gst::BufferFlags::HEADER) {
        sink.init(bytes_of(std::iter::once(header), header.size())?).map_err(MuxError::Sink)?;
        start = 1;
    }
    let mark = shared.state().marks.pop_front().ok_or(MuxError::Output("a chunk that was not asked for"))?;
    let frames = list.len().saturating_sub(start + 1);
    if u32::try_from(frames).ok() != Some(mark.frames) {
        return Err(MuxError::Output("a chunk with another number of frames"));
    }
    let len = list.iter().skip(start).map(gst::BufferRef::size).sum();
    let data = bytes_of(list.iter().skip(start), len)?;
    sink.chunk(mark, without_segment_type(data)?).map_err(MuxError::Sink)
}

/// The muxer puts a `styp` before the first chunk of a fragment, and one that says "this is the last" before the very
/// last. Neither holds for us: fragments are ours to name, and the recording goes on.
fn without_segment_type(data: Bytes) -> Result<Bytes, MuxError> {
    let first = BoxHeader::parse(&data).ok_or(MuxError::Output("a chunk that is no box"))?;
    if &first.box_type != b"styp" {
        return Ok(data);
    }
    let len = usize::try_from(first.len).ok().filter(|len| *len <= data.len());
    Ok(data.slice(len.ok_or(MuxError::Output("a box that is cut off"))?..))
}

fn bytes_of<'a>(buffers: impl Iterator<Item = &'a gst::BufferRef>, len: usize) -> Result<Bytes, MuxError> {
    let mut data = Vec::with_capacity(len);
    for buffer in buffers {
        let map = buffer.map_readable().map_err(|_| MuxError::Output("a buffer that cannot be read"))?;
        data.extend_from_slice(&map);
    }
    Ok(data.into())
}
