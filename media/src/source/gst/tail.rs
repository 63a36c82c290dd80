//! From any stream to access units: `parsebin` finds the video, a parser lays it out, a sink hands it over.

use std::sync::{Arc, OnceLock};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::fault::Faults;
use super::jpeg;
use crate::camera::StateReason;
use crate::source::SourceError;

/// Where a head gives its stream.
pub(super) enum Outlet {
    /// From this element's pads, now or later; only the first video is taken.
    Element(gst::Element),
    /// This element takes the stream apart itself; its pads are the video and the sound.
    Demuxer(gst::Element),
}

/// Pictures that wait in the sink; a camera task that is slower than that stops the pipeline, not the memory.
const WAITING_MAX: usize = 200;

/// What may be taken apart further. Everything else ends there; playlists above all, which would make GStreamer fetch
/// addresses that nobody has checked.
const TAKEN_APART: [&str; 11] = [
    "application/x-rtp",
    "video/mpegts",
    "video/mpeg",
    "video/x-flv",
    "video/quicktime",
    "video/x-matroska",
    "video/webm",
    "video/x-msvideo",
    "video/x-h264",
    "video/x-h265",
    "application/x-id3",
];

/// Links an outlet to a sink for H.264 (`avc`) or H.265 (`hvc1`) access units. `paced`: the sink waits for each
/// picture's time, for sources that give them as fast as they can be read.
pub(super) fn attach(
    pipeline: &gst::Pipeline,
    outlet: &Outlet,
    paced: bool,
    faults: &Arc<Faults>,
) -> Result<mpsc::Receiver<gst::Sample>, SourceError> {
    let (given, samples) = mpsc::channel(WAITING_MAX);
    let hand_over = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        given.blocking_send(sample).map_err(|_| gst::FlowError::Eos)?;
        Ok(gst::FlowSuccess::Ok)
    });
    let sink = AppSink::builder().name("pictures").sync(paced).max_buffers(1).callbacks(hand_over.build()).build();
    // A live sink joins when the video is found; until then nothing has to arrive for the pipeline to start. A paced one
    // waits for it, because only then its clock begins with the first picture, and again when a file begins again.
    sink.set_async(paced);
    pipeline.add(&sink).map_err(|_| internal("the sink cannot be added"))?;
    match outlet {
        Outlet::Demuxer(demuxer) => take_video_of(demuxer, pipeline, &sink, faults),
        Outlet::Element(element) => {
            let parse = make("parsebin")?;
            pipeline.add(&parse).map_err(|_| internal("parsebin cannot be added"))?;
            only_known_formats(&parse);
            take_video_of(&parse, pipeline, &sink, faults);
            feed(element, &parse)?;
        }
    }
    Ok(samples)
}

/// Lets `parsebin` take apart what is known to be harmless.
fn only_known_formats(parse: &gst::Element) {
    parse.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let name = caps.as_ref().and_then(|caps| caps.structure(0)).map(|structure| structure.name().to_string());
        Some(name.is_some_and(|name| TAKEN_APART.contains(&name.as_str())).to_value())
    });
}

/// Takes the first video of an element whose pads come later; says so when there is none.
fn take_video_of(parse: &gst::Element, pipeline: &gst::Pipeline, sink: &AppSink, faults: &Arc<Faults>) {
    let (weak_pipeline, weak_sink, noted) = (pipeline.downgrade(), sink.downgrade(), Arc::clone(faults));
    // Lives as long as the element does.
    let encoding = OnceLock::new();
    parse.connect_pad_added(move |_, pad| {
        let (Some(pipeline), Some(sink)) = (weak_pipeline.upgrade(), weak_sink.upgrade()) else { return };
        if let Err(error) = take(&pipeline, pad, &sink, &encoding) {
            noted.note(error);
        }
    });
    let (weak_sink, noted) = (sink.downgrade(), Arc::clone(faults));
    parse.connect_no_more_pads(move |_| {
        if weak_sink.upgrade().is_some_and(|sink| !is_linked(&sink)) {
            noted.note(SourceError::new(StateReason::NotVideo, "there is no video in it"));
        }
    });
}

/// Links an element to `parsebin`, now or when its pad comes.
fn feed(element: &gst::Element, parse: &gst::Element) -> Result<(), SourceError> {
    let into = parse.static_pad("sink").ok_or_else(|| internal("parsebin has no pad"))?;
    if let Some(pad) = element.static_pad("src") {
        pad.link(&into).map_err(|_| internal("the source cannot be linked"))?;
        return Ok(());
    }
    let into = into.downgrade();
    element.connect_pad_added(move |_, pad| {
        let Some(into) = into.upgrade() else { return };
        if !into.is_linked()
            && let Err(error) = pad.link(&into)
        {
            tracing::debug!(?error, "a stream of the source is left out");
        }
    });
    Ok(())
}

/// Takes a parsed stream if it is the first video that can be recorded.
fn take(pipeline: &gst::Pipeline, pad: &gst::Pad, sink: &AppSink, encoding: &OnceLock<OwnedSemaphorePermit>) -> Result<(), SourceError> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let name = caps.structure(0).map(|structure| structure.name().to_string()).unwrap_or_default();
    let (parser, wanted) = match name.as_str() {
        "video/x-h264" | "image/jpeg" => ("h264parse", "video/x-h264,stream-format=avc,alignment=au"),
        "video/x-h265" => ("h265parse", "video/x-h265,stream-format=hvc1,alignment=au"),
        other if other.starts_with("video/") || other.starts_with("image/") => {
            let codec = other.split('/').nth(1).unwrap_or(other);
            return Err(SourceError::new(StateReason::UnsupportedCodec, format!("video in {codec} is not recorded")));
        }
        _ => return Ok(()),
    };
    if is_linked(sink) {
        return Ok(());
    }
    let parser = make(parser)?;
    let filter = make("capsfilter")?;
    filter.set_property_from_str("caps", wanted);
    let fail = |_| internal("the video cannot be linked");
    pipeline.add_many([&parser, &filter]).map_err(fail)?;
    gst::Element::link_many([&parser, &filter, sink.upcast_ref()]).map_err(fail)?;
    for element in [&filter, &parser] {
        element.sync_state_with_parent().map_err(fail)?;
    }
    let mut first = parser;
    if name == "image/jpeg" {
        // Only the first video is taken, so there is none before.
        let _first = encoding.set(jpeg::permit()?);
        let encoder = jpeg::encoder()?.upcast::<gst::Element>();
        pipeline.add(&encoder).map_err(fail)?;
        encoder.link(&first).map_err(fail)?;
        encoder.sync_state_with_parent().map_err(fail)?;
        first = encoder;
    }
    let into = first.static_pad("sink").ok_or_else(|| internal("a parser has no pad"))?;
    pad.link(&into).map_err(|_| internal("the video cannot be linked"))?;
    Ok(())
}

fn is_linked(sink: &AppSink) -> bool {
    sink.static_pad("sink").is_some_and(|pad| pad.is_linked())
}

/// An element by its name.
pub(super) fn make(name: &str) -> Result<gst::Element, SourceError> {
    gst::ElementFactory::make(name).build().map_err(|_| internal(&format!("GStreamer's {name} is not installed")))
}

/// A fault of our own.
pub(super) fn internal(detail: &str) -> SourceError {
    SourceError::new(StateReason::Internal, detail)
}
