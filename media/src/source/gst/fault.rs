//! What went wrong inside a pipeline, in the words of a camera's state.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use gstreamer as gst;
use tokio::sync::Notify;

use crate::camera::StateReason;
use crate::source::SourceError;

/// Faults that callbacks inside a pipeline find. The first is the one that matters.
#[derive(Debug, Default)]
pub(super) struct Faults {
    first: Mutex<Option<SourceError>>,
    noted: Notify,
    video_offered: AtomicBool,
    other_offered: AtomicBool,
}

impl Faults {
    pub(super) fn note(&self, fault: SourceError) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.noted.notify_one();
    }

    pub(super) fn first(&self) -> Option<SourceError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a description offers.
    pub(super) fn offered(&self, video: bool) {
        if video { &self.video_offered } else { &self.other_offered }.store(true, Ordering::Relaxed);
    }

    fn only_other_offered(&self) -> bool {
        self.other_offered.load(Ordering::Relaxed) && !self.video_offered.load(Ordering::Relaxed)
    }

    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }
}

/// The state reason that an element's error stands for.
pub(super) fn translate(error: &gst::message::Error, faults: &Faults) -> SourceError {
    let error = error.error();
    if faults.only_other_offered() {
        return SourceError::new(StateReason::NotVideo, "the camera offers no video");
    }
    let reason = if let Some(kind) = error.kind::<gst::ResourceError>() {
        of_resource(kind)
    } else if let Some(kind) = error.kind::<gst::StreamError>() {
        of_stream(kind)
    } else {
        StateReason::BadStream
    };
    SourceError::new(reason, error.message())
}

fn of_resource(kind: gst::ResourceError) -> StateReason {
    match kind {
        gst::ResourceError::NotFound => StateReason::NotFound,
        gst::ResourceError::NotAuthorized => StateReason::Unauthorized,
        // The first connection was ours and was accepted: what fails later is an answer that does not come.
        gst::ResourceError::OpenRead | gst::ResourceError::OpenReadWrite | gst::ResourceError::Read => StateReason::Timeout,
        _ => StateReason::Closed,
    }
}

fn of_stream(kind: gst::StreamError) -> StateReason {
    match kind {
        gst::StreamError::CodecNotFound => StateReason::UnsupportedCodec,
        gst::StreamError::TypeNotFound | gst::StreamError::WrongType => StateReason::NotVideo,
        _ => StateReason::BadStream,
    }
}
