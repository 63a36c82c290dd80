//! Shared decoders: one key frame in, one picture out, in the calling thread.
//!
//! The decoder element stands alone between two pads of our own. A key frame goes in as a byte stream with its parameter
//! sets, an end-of-stream event makes the decoder give its picture at once (it would otherwise wait for more to put in
//! order), and a flush makes it ready for the next camera's. No pipeline, no queue, no thread: a hang or a crash
//! happens where the job's time limit sees it.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::parameter_sets::{BadKeyFrame, byte_stream};
use crate::camera::Codec;

/// Decoders kept at once; each holds some 17 MB at 1080p.
const DECODERS_MAX: usize = 4;
/// Largest picture that is decoded, pixels (8K).
const PIXELS_MAX: u64 = 7680 * 4320;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// The bytes are not a key frame in stored form.
    #[error(transparent)]
    BadKeyFrame(#[from] BadKeyFrame),
    /// More pixels than are decoded.
    #[error("the picture has more than {PIXELS_MAX} pixels")]
    TooLarge,
    /// GStreamer has no such decoder or it could not be started.
    #[error("the decoder cannot be used: {0}")]
    Unavailable(String),
    /// The decoder gave nothing: damaged data, or not a key frame.
    #[error("the data gives no picture")]
    NoPicture,
}

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// Format and size.
    pub(super) info: gst_video::VideoInfo,
    /// Its planes.
    pub(super) buffer: gst::Buffer,
}

/// Decoders by codec and size, the least recently used given up first.
#[derive(Debug, Default)]
pub(super) struct DecoderPool {
    /// The most recently used stands last.
    decoders: Vec<((Codec, u32, u32), Decoder)>,
}

impl DecoderPool {
    /// Decodes one key frame; `width` and `height` are what the stream claims and choose the decoder.
    ///
    /// # Errors
    /// [`DecodeError`]; the decoder that failed is given up.
    pub(super) fn decode(
        &mut self,
        codec: Codec,
        (width, height): (u32, u32),
        config: &[u8],
        access_unit: &[u8],
    ) -> Result<Picture, DecodeError> {
        if u64::from(width) * u64::from(height) > PIXELS_MAX {
            return Err(DecodeError::TooLarge);
        }
        let stream = byte_stream(codec, config, access_unit)?;
        let key = (codec, width, height);
        let found = self.decoders.iter().position(|(known, _)| *known == key);
        let mut decoder = match found {
            Some(index) => self.decoders.remove(index).1,
            None => Decoder::new(codec).map_err(|error| DecodeError::Unavailable(error.to_string()))?,
        };
        let picture = decoder.decode(stream)?;
        if self.decoders.len() >= DECODERS_MAX {
            self.decoders.remove(0);
        }
        self.decoders.push((key, decoder));
        Ok(picture)
    }
}

/// What came out of the decoder's source pad.
#[derive(Debug, Default)]
struct Output {
    info: Option<gst_video::VideoInfo>,
    buffer: Option<gst::Buffer>,
}

#[derive(Debug)]
struct Decoder {
    element: gst::Element,
    input: gst::Pad,
    /// Holds the pad that the element pushes into.
    _output: gst::Pad,
    received: Arc<Mutex<Output>>,
    caps: gst::Caps,
    started: bool,
}

impl Decoder {
    fn new(codec: Codec) -> Result<Self, gst::glib::BoolError> {
        let (element, media_type) = match codec {
            Codec::H264 => ("avdec_h264", "video/x-h264"),
            Codec::H265 => ("avdec_h265", "video/x-h265"),
        };
        // One thread: several would each hold pictures, and the time of one key frame is short.
        let element = gst::ElementFactory::make(element).property("max-threads", 1_i32).property("output-corrupt", false).build()?;
        let received = Arc::new(Mutex::new(Output::default()));
        let (into_chain, into_event) = (received.clone(), received.clone());
        let output = gst::Pad::builder(gst::PadDirection::Sink)
            .name("picture")
            .chain_function(move |_, _, buffer| {
                // The first picture is the key frame's; a second field or slice pair must not replace it.
                into_chain.lock().unwrap_or_else(PoisonError::into_inner).buffer.get_or_insert(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(move |pad, parent, event| {
                if let gst::EventView::Caps(caps) = event.view() {
                    into_event.lock().unwrap_or_else(PoisonError::into_inner).info = gst_video::VideoInfo::from_caps(caps.caps()).ok();
                }
                gst::Pad::event_default(pad, parent, event)
            })
            .build();
        let input = gst::Pad::builder(gst::PadDirection::Src).name("key_frame").build();
        let pad_of = |name: &str| element.static_pad(name).ok_or_else(|| gst::glib::bool_error!("the decoder has no pad {}", name));
        input.link(&pad_of("sink")?).map_err(|error| gst::glib::bool_error!("{}", error))?;
        pad_of("src")?.link(&output).map_err(|error| gst::glib::bool_error!("{}", error))?;
        output.set_active(true)?;
        element.set_state(gst::State::Playing).map_err(|error| gst::glib::bool_error!("{}", error))?;
        input.set_active(true)?;
        let caps = gst::Caps::builder(media_type).field("stream-format", "byte-stream").field("alignment", "au").build();
        Ok(Self { element, input, _output: output, received, caps, started: false })
    }

    fn decode(&mut self, stream: Vec<u8>) -> Result<Picture, DecodeError> {
        if self.started {
            self.input.push_event(gst::event::FlushStart::new());
            self.input.push_event(gst::event::FlushStop::new(true));
        } else {
            self.input.push_event(gst::event::StreamStart::new("key-frames"));
            self.input.push_event(gst::event::Caps::new(&self.caps));
            self.started = true;
        }
        self.input.push_event(gst::event::Segment::new(gst::FormattedSegment::<gst::ClockTime>::new().as_ref()));
        self.received.lock().unwrap_or_else(PoisonError::into_inner).buffer = None;
        let mut buffer = gst::Buffer::from_mut_slice(stream);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::ZERO);
            buffer.set_dts(gst::ClockTime::ZERO);
        }
        self.input.push(buffer).map_err(|_| DecodeError::NoPicture)?;
        self.input.push_event(gst::event::Eos::new());
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = received.buffer.take().ok_or(DecodeError::NoPicture)?;
        let info = received.info.clone().ok_or(DecodeError::NoPicture)?;
        Ok(Picture { info, buffer })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.input.set_active(false).ok();
        self.element.set_state(gst::State::Null).ok();
    }
}
