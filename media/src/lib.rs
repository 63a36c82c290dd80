//! Cameras: sources, recorder, playback, diagnosis, and the virtual cameras that exercise them.
//!
//! This crate knows no inspection and no database: it is handed camera specifications and answers with events.

pub mod analyse;
pub mod camera;
pub mod clock;
pub mod diagnosis;
pub mod engine;
#[cfg(test)]
mod engine_tests;
pub mod event;
#[cfg(test)]
mod fuzz;
pub mod live;
pub mod mux;
pub mod playback;
pub mod record;
pub mod segment;
pub mod settings;
pub mod source;
pub mod supervise;
pub mod transcode;
pub mod tryout;
pub mod virtual_camera;

use std::sync::OnceLock;

pub use analyse::{Analyser, AnalysisFeed, AnalysisStatus, KeyFrame, ReplayError, Replayer, Still, StillError, analyse_main};
pub use camera::{
    AnalysisStream, ArmedHours, ArmedWindow, CameraId, CameraSpec, CameraState, CameraStatus, Codec, GapReason, Secret, SourceSpec,
    StateReason, StreamInfo, Transport,
};
pub use clock::{Clock, SimulatedClock, SystemClock};
pub use diagnosis::replay::{Replayed, replay};
pub use diagnosis::settings::{DiagnosisKind, DiagnosisSettings, RuleSettings};
pub use diagnosis::{Look, LookReason};
pub use engine::{AskError, Engine, EngineError, EngineParts};
pub use event::{DiskLevel, MediaEvent, Phase, SegmentInfo, Span};
pub use playback::{Export, LiveError, PlaybackError};
pub use settings::{AnalysisConfig, EngineConfig, TranscodeConfig};
pub use supervise::{OnPanic, Supervisor, TaskHandle, Unfinished};
pub use transcode::{
    CopyHashes, FACE_MODEL, Hidden, Mark, MarkedCopy, PlayedCopy, REGIONS_MAX, Region, TranscodeError, TranscodeStatus, codec_of_file,
    transcode_main,
};
pub use tryout::{ProbeError, ProbeReport};

/// GStreamer could not be started, or a part of it is not installed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("GStreamer: {0}")]
pub struct InitError(String);

/// Starts GStreamer and registers the fragmented-MP4 muxer, once a process.
///
/// # Errors
/// [`InitError`] when GStreamer does not start; the same answer is given on every later call.
pub fn init() -> Result<(), InitError> {
    static DONE: OnceLock<Result<(), InitError>> = OnceLock::new();
    DONE.get_or_init(|| {
        gstreamer::init().map_err(|error| InitError(error.to_string()))?;
        gstfmp4::plugin_register_static().map_err(|error| InitError(error.to_string()))
    })
    .clone()
}
