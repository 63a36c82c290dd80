//! Pictures that a camera sends as single JPEGs, encoded here: nothing that is kept or shown takes them as they are.
//!
//! Encoding costs a third of a core a camera, so as many cameras as the machine has cores are encoded, and the next one is
//! refused in words. Size and rate are held down for the same reason.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::tail::internal;
use crate::camera::StateReason;
use crate::source::SourceError;

/// Largest side of a JPEG that is decoded, pixels.
const SIDE_MAX: u32 = 4_096;
/// Pictures a second that are encoded; more are left out.
const RATE_MAX: u32 = 12;
/// Pictures from one key frame to the next.
const KEY_INTERVAL: u32 = 24;

/// Cameras that are encoded at once.
fn encoded_max() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

static ENCODED: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(encoded_max())));

/// Leave to encode one camera, for as long as it is held.
///
/// # Errors
/// [`StateReason::UnsupportedCodec`] while as many are encoded as may be.
pub(super) fn permit() -> Result<OwnedSemaphorePermit, SourceError> {
    ENCODED.clone().try_acquire_owned().map_err(|_| {
        let words = format!("the camera sends JPEG pictures (MJPEG), and {} such cameras are encoded already", encoded_max());
        SourceError::new(StateReason::UnsupportedCodec, words)
    })
}

/// JPEG in, H.264 out: at most 1280 x 720 and twelve pictures a second.
///
/// # Errors
/// [`StateReason::Internal`] where GStreamer is not whole.
pub(super) fn encoder() -> Result<gst::Bin, SourceError> {
    let text = format!(
        "capsfilter caps=image/jpeg,width=(int)[16,{SIDE_MAX}],height=(int)[16,{SIDE_MAX}] ! jpegdec ! \
         videoscale ! capsfilter caps=\"video/x-raw,width=(int)[16,1280],height=(int)[16,720],pixel-aspect-ratio=1/1\" ! \
         videoconvert ! capsfilter caps=video/x-raw,format=I420 ! \
         x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max={KEY_INTERVAL} bframes=0 ! \
         capsfilter caps=video/x-h264,stream-format=byte-stream,profile=baseline",
    );
    let bin =
        gst::parse::bin_from_description(&text, true).map_err(|_| internal("GStreamer's elements for JPEG pictures are not installed"))?;
    let input = bin.static_pad("sink").ok_or_else(|| internal("an encoder has no pad"))?;
    let taken = Mutex::new(None);
    input.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let at = info.buffer().and_then(|buffer| buffer.pts());
        if is_due(&taken, at) { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
    });
    Ok(bin)
}

/// Whether a picture comes long enough after the last one that was taken. `videorate` would do, but aborts the whole program over
/// pictures without a duration.
fn is_due(taken: &Mutex<Option<gst::ClockTime>>, at: Option<gst::ClockTime>) -> bool {
    let Some(at) = at else { return true };
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    let step = gst::ClockTime::SECOND / u64::from(RATE_MAX);
    let due = taken.is_none_or(|taken| at >= taken + step || at < taken);
    if due {
        *taken = Some(at);
    }
    due
}
