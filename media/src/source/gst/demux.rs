//! Bytes that somebody else fetched, taken apart: an `appsrc` as a pipeline's head.

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;

use super::GstSource;
use super::head::Head;
use super::tail::{Outlet, internal, make};
use crate::camera::StateReason;
use crate::clock::Clock;
use crate::source::{Source as _, SourceError, SourceItem, SourceLimits};

/// Takes one continuous stream of MPEG-TS, fragmented MP4 or FLV apart.
pub(in crate::source) struct Demuxer {
    source: Box<GstSource>,
    input: AppSrc,
    finished: bool,
}

impl Demuxer {
    /// Starts a pipeline that waits for bytes.
    ///
    /// # Errors
    /// [`StateReason::Internal`] where GStreamer is not whole.
    pub(in crate::source) fn start(limits: SourceLimits, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        let input = AppSrc::builder().format(gst::Format::Bytes).stream_type(gstreamer_app::AppStreamType::Stream).build();
        // Who pushes decides how much waits here.
        input.set_max_bytes(0);
        let head = Head::live(input.clone().upcast())?;
        Ok(Self { source: Box::new(GstSource::start(head, limits, clock)?), input, finished: false })
    }

    /// Starts a pipeline that waits for JPEG pictures, one behind the other as `multipart/x-mixed-replace` has them. Each
    /// is of the time at which its last byte is handed over.
    ///
    /// # Errors
    /// [`StateReason::Internal`] where GStreamer is not whole.
    pub(in crate::source) fn of_pictures(limits: SourceLimits, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        let input = AppSrc::builder().format(gst::Format::Time).is_live(true).do_timestamp(true).build();
        input.set_max_bytes(0);
        let mut head = Head::live(input.clone().upcast())?;
        let demuxer = make("multipartdemux")?;
        demuxer.set_property("single-stream", true);
        head.pipeline.add(&demuxer).map_err(|_| internal("the demuxer cannot be added"))?;
        input.link(&demuxer).map_err(|_| internal("the demuxer cannot be linked"))?;
        head.outlet = Outlet::Demuxer(demuxer);
        Ok(Self { source: Box::new(GstSource::start(head, limits, clock)?), input, finished: false })
    }

    /// Hands over the next bytes.
    ///
    /// # Errors
    /// [`StateReason::BadStream`] when the pipeline takes no more.
    pub(in crate::source) fn push(&mut self, data: Bytes) -> Result<(), SourceError> {
        match self.input.push_buffer(gst::Buffer::from_slice(data)) {
            Ok(_) => Ok(()),
            // Before the pipeline runs it takes bytes all the same; after an error the error itself is told by `next`.
            Err(gst::FlowError::Flushing | gst::FlowError::Eos) => Ok(()),
            Err(_) => Err(internal("the demuxer takes no bytes")),
        }
    }

    /// No more bytes will come: what is left is given out.
    pub(in crate::source) fn finish(&mut self) {
        self.finished = true;
        // A pipeline that has failed says so by itself.
        let _has_failed = self.input.end_of_stream();
    }

    /// The next item; `None` after the last one of a stream that was finished. Cancel-safe.
    ///
    /// # Errors
    /// What is wrong with the stream.
    pub(in crate::source) async fn next(&mut self) -> Result<Option<SourceItem>, SourceError> {
        match self.source.next().await {
            Ok(item) => Ok(Some(item)),
            Err(error) if self.finished && error.reason == StateReason::Closed => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stops the pipeline.
    pub(in crate::source) async fn close(self) {
        self.source.close().await;
    }
}
