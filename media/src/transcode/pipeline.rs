//! The pipeline of a transcoding process: coded pictures in, H.264 pictures out, each with the time it came with.
//!
//! A live stream is thinned out and made smaller before it is encoded; a marked copy keeps every picture and its size. The
//! clock of a mark is set anew for each picture from the time the picture was taken, never from that of the encoding.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};

use super::hide;
use super::protocol::Work;
use super::wall::{Walls, clock_text};
use crate::camera::Codec;
use crate::segment::sample::VideoHeader;
use crate::source::StreamParameters;

/// Bytes that wait before the decoder; more is waited with.
const WAITING_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Coded pictures that wait behind the encoder.
const CODED_MAX: u32 = 60;
/// Live: a key frame every two seconds at the full rate, so that whoever joins sees something soon.
const LIVE_KEY_FRAME_S: u32 = 2;

/// Why pictures cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum PipelineError {
    /// An element is not installed, or they do not fit together.
    #[error("GStreamer: {0}")]
    Build(String),
    /// A picture was not taken.
    #[error("the decoder takes no more pictures")]
    Push,
    /// Something in it failed.
    #[error("{0}")]
    Failed(String),
    /// What came out is not what was asked for.
    #[error("the encoder gave something unexpected: {0}")]
    Output(&'static str),
}

/// A picture as it comes out.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) data: Bytes,
    pub(super) pts_ns: i64,
    pub(super) is_key: bool,
}

/// Running elements.
#[derive(Debug)]
pub(super) struct Pipeline {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    with_faces: Arc<AtomicU32>,
}

impl Pipeline {
    /// Builds and starts it for pictures as `video` says.
    pub(super) fn start(work: &Work, video: &VideoHeader, walls: &Arc<Mutex<Walls>>) -> Result<Self, PipelineError> {
        let pipeline = gst::parse::launch(&description(work, video)).map_err(build)?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| build("no pipeline"))?;
        let named = |name: &str| pipeline.by_name(name).ok_or_else(|| build(name));
        let source = named("in")?.downcast::<AppSrc>().map_err(|_| build("in"))?;
        let sink = named("out")?.downcast::<AppSink>().map_err(|_| build("out"))?;
        source.set_caps(Some(&caps(video)));
        let with_faces = Arc::new(AtomicU32::new(0));
        match work {
            Work::Live { fps_max, .. } => thin_out(&named("decoder")?, *fps_max)?,
            Work::Mark { lines, utc_offset_s, hiding } => {
                set_clock(&named("mark")?, lines, *utc_offset_s, walls)?;
                if let Some(hiding) = hiding {
                    hide::hide(&named("raw")?, &named("waiting")?, hiding, walls, &with_faces)?;
                }
            }
        }
        pipeline.set_state(gst::State::Playing).map_err(|_| build("it does not start"))?;
        Ok(Self { pipeline, source, sink, with_faces })
    }

    /// Takes a coded picture; waits while the decoder is behind.
    pub(super) fn push(&self, data: Bytes, pts_ns: u64, dts_ns: u64, is_first: bool) -> Result<(), PipelineError> {
        let mut buffer = gst::Buffer::from_slice(data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(pts_ns));
            buffer.set_dts(gst::ClockTime::from_nseconds(dts_ns));
            if !is_first {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        self.source.push_buffer(buffer).map(|_| ()).map_err(|_| self.fault().unwrap_or(PipelineError::Push))
    }

    /// Counts the pictures in which a face was hidden.
    pub(super) fn with_faces(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.with_faces)
    }

    /// No more pictures come.
    pub(super) fn end(&self) {
        // Refused only where it has failed already, which `next` tells.
        self.source.end_of_stream().ok();
    }

    /// The next picture with the parameters it was coded with; `None` after the last.
    pub(super) fn next(&self) -> Result<Option<(Coded, StreamParameters)>, PipelineError> {
        let Ok(sample) = self.sink.pull_sample() else {
            return self.fault().map_or(Ok(None), Err);
        };
        let buffer = sample.buffer().ok_or(PipelineError::Output("no buffer"))?;
        // The encoder moves its times to have room for decoding times; its segment moves with them.
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let shown = segment.zip(buffer.pts()).and_then(|(segment, pts)| segment.to_running_time(pts));
        let pts_ns =
            shown.and_then(|shown| i64::try_from(shown.nseconds()).ok()).ok_or(PipelineError::Output("a picture without a time"))?;
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let map = buffer.map_readable().map_err(|_| PipelineError::Output("a buffer that cannot be read"))?;
        let coded = Coded { data: Bytes::copy_from_slice(&map), pts_ns, is_key };
        let parameters = sample.caps().and_then(parameters).ok_or(PipelineError::Output("no parameter sets"))?;
        Ok(Some((coded, parameters)))
    }

    /// Breaks off: whoever waits in [`Self::push`] or [`Self::next`] comes back.
    pub(super) fn stop(&self) {
        self.pipeline.set_state(gst::State::Null).ok();
    }

    fn fault(&self) -> Option<PipelineError> {
        let bus = self.pipeline.bus()?;
        let message = bus.pop_filtered(&[gst::MessageType::Error])?;
        let gst::MessageView::Error(error) = message.view() else { return None };
        Some(PipelineError::Failed(error.error().to_string()))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.stop();
    }
}

fn build(error: impl ToString) -> PipelineError {
    PipelineError::Build(error.to_string())
}

fn description(work: &Work, video: &VideoHeader) -> String {
    let decoder = match video.codec {
        Codec::H264 => "avdec_h264",
        Codec::H265 => "avdec_h265",
    };
    let head = format!(
        "appsrc name=in format=time block=true max-bytes={WAITING_BYTES_MAX} ! {decoder} name=decoder max-threads=2 ! videoconvert"
    );
    let tail = "capsfilter caps=video/x-h264,stream-format=avc,alignment=au";
    let tail = format!("{tail} ! appsink name=out sync=false max-buffers={CODED_MAX}");
    match work {
        Work::Live { width_max, height_max, fps_max } => {
            let (width, height) = fit((video.width, video.height), (*width_max, *height_max));
            let keys = fps_max * LIVE_KEY_FRAME_S;
            format!(
                "{head} ! videoscale ! capsfilter caps=video/x-raw,format=I420,width={width},height={height} ! \
                 x264enc tune=zerolatency speed-preset=superfast pass=qual quantizer=25 bitrate=2500 key-int-max={keys} \
                 option-string=\"scenecut=0\" bframes=0 threads=1 aud=false ! {tail}"
            )
        }
        Work::Mark { hiding, .. } => format!(
            "{head} ! capsfilter name=raw caps=video/x-raw,format=I420 ! {}\
             textoverlay name=mark halignment=left valignment=bottom line-alignment=left shaded-background=true shading-value=110 \
             font-desc=\"Noto Sans CJK SC, Sans 11\" ! \
             x264enc speed-preset=veryfast pass=qual quantizer=20 bitrate=20000 key-int-max=50 bframes=0 threads=2 rc-lookahead=10 \
             aud=false ! {tail}",
            hiding.as_ref().map_or(String::new(), |_| hide::description() + " ! ")
        ),
    }
}

/// `size` made to fit into `most`, in proportion, both even and at least 16; never larger than it was.
fn fit((width, height): (u32, u32), (width_max, height_max): (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (width_max, height_max) = (u64::from(width_max), u64::from(height_max));
    let (mut to_width, mut to_height) = (width, height);
    if to_width > width_max {
        (to_width, to_height) = (width_max, height * width_max / width);
    }
    if to_height > height_max {
        (to_width, to_height) = (width * height_max / height, height_max);
    }
    let even = |length: u64| u32::try_from(length & !1).unwrap_or(u32::MAX).max(16);
    (even(to_width), even(to_height))
}

fn caps(video: &VideoHeader) -> gst::Caps {
    let (name, format) = match video.codec {
        Codec::H264 => ("video/x-h264", "avc"),
        Codec::H265 => ("video/x-h265", "hvc1"),
    };
    gst::Caps::builder(name)
        .field("stream-format", format)
        .field("alignment", "au")
        .field("width", i32::try_from(video.width).unwrap_or(i32::MAX))
        .field("height", i32::try_from(video.height).unwrap_or(i32::MAX))
        .field("codec_data", gst::Buffer::from_slice(video.config.clone()))
        .build()
}

fn parameters(caps: &gst::CapsRef) -> Option<StreamParameters> {
    let structure = caps.structure(0)?;
    let length = |name: &str| structure.get::<i32>(name).ok().and_then(|length| u32::try_from(length).ok());
    let config = structure.get::<gst::Buffer>("codec_data").ok()?;
    let config = Bytes::copy_from_slice(&config.map_readable().ok()?);
    Some(StreamParameters { codec: Codec::H264, config, width: length("width")?, height: length("height")? })
}

/// Lets at most so many pictures a second out of the decoder, evenly over time.
fn thin_out(decoder: &gst::Element, fps_max: u32) -> Result<(), PipelineError> {
    let step = gst::ClockTime::SECOND / u64::from(fps_max.max(1));
    // A picture that comes a little early is not left out for the next: cameras' clocks are not ours.
    let early = step / 8;
    let due = Mutex::new(gst::ClockTime::ZERO);
    let pad = decoder.static_pad("src").ok_or_else(|| build("the decoder has no pad"))?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(pts) = info.buffer().and_then(|buffer| buffer.pts()) else { return gst::PadProbeReturn::Drop };
        let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
        if pts + early < *due {
            return gst::PadProbeReturn::Drop;
        }
        // On a grid while pictures come, from the picture on after a pause.
        *due = step + if pts > *due + step { pts } else { *due };
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Writes the lines and the time of each picture before the picture gets them.
fn set_clock(overlay: &gst::Element, lines: &[String], utc_offset_s: i32, walls: &Arc<Mutex<Walls>>) -> Result<(), PipelineError> {
    let lines: Vec<String> = lines.iter().map(|line| gst::glib::markup_escape_text(line).to_string()).collect();
    let (weak, walls) = (overlay.downgrade(), Arc::clone(walls));
    let shown = AtomicI64::new(i64::MIN);
    let pad = overlay.static_pad("video_sink").ok_or_else(|| build("the overlay has no pad"))?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let (Some(overlay), Some(pts)) = (weak.upgrade(), info.buffer().and_then(|buffer| buffer.pts())) else {
            return gst::PadProbeReturn::Ok;
        };
        let wall_ms = walls.lock().unwrap_or_else(PoisonError::into_inner).at(pts.nseconds());
        let second = wall_ms.div_euclid(1000);
        if shown.swap(second, Ordering::Relaxed) != second {
            let clock = clock_text(wall_ms, utc_offset_s);
            let text: Vec<&str> = std::iter::once(clock.as_str()).chain(lines.iter().map(String::as_str)).collect();
            overlay.set_property("text", text.join("\n"));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape_and_are_never_made_larger() {
        let most = (1280, 720);
        assert_eq!(fit((3840, 2160), most), (1280, 720));
        assert_eq!(fit((2592, 1944), most), (960, 720));
        assert_eq!(fit((640, 360), most), (640, 360));
        assert_eq!(fit((1080, 1920), most), (404, 720));
        assert_eq!(fit((1, 1), most), (16, 16));
    }
}
