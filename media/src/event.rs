//! What the engine tells the server, over one bounded channel.
//!
//! Events say what has already happened on disk or at the camera; the server turns them into rows. After a restart the
//! engine reports what it finds in the files, so an event that was lost with the process is made up for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::camera::{CameraId, CameraState, Codec, GapReason, StateReason, named};
use crate::diagnosis::LookReason;
use crate::diagnosis::settings::DiagnosisKind;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// A camera changed its state or the reason for it.
    State {
        /// Which camera.
        camera: CameraId,
        /// The new state.
        state: CameraState,
        /// Why.
        reason: StateReason,
        /// In words, without credentials; may be empty.
        detail: String,
        /// When, milliseconds UTC.
        at_ms: i64,
    },
    /// What a stream is like became known or changed.
    Stream {
        /// Which camera.
        camera: CameraId,
        /// Codec of the video.
        codec: Codec,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Frames a second, measured.
        fps: f64,
        /// Time between key frames, milliseconds.
        key_frame_interval_ms: u64,
        /// Bits a second, measured.
        bit_rate: u64,
    },
    /// A segment file was begun; its first fragment is on disk.
    SegmentOpened {
        /// Which camera.
        camera: CameraId,
        /// The segment as it stands.
        segment: SegmentInfo,
    },
    /// An open segment has grown; told at most every ten seconds a camera.
    SegmentGrew {
        /// Which camera.
        camera: CameraId,
        /// The segment as it stands.
        segment: SegmentInfo,
    },
    /// A segment is complete; also told for segments repaired after a crash.
    SegmentClosed {
        /// Which camera.
        camera: CameraId,
        /// The segment as it will stay.
        segment: SegmentInfo,
    },
    /// Retention deleted a segment.
    SegmentDeleted {
        /// Which camera.
        camera: CameraId,
        /// Which segment.
        segment: Uuid,
        /// Its first instant, milliseconds UTC.
        start_ms: i64,
        /// Its last instant, milliseconds UTC.
        end_ms: i64,
        /// `age`, `disk`, `reserve`, `removed`, or `lost`: somebody else removed the file.
        reason: &'static str,
    },
    /// Recording stopped or could not start.
    GapOpened {
        /// Which camera.
        camera: CameraId,
        /// First instant without recording, milliseconds UTC.
        start_ms: i64,
        /// Why.
        reason: GapReason,
    },
    /// Recording goes on. `start_ms` names the gap that was opened; a gap found after a restart is opened and closed at once.
    GapClosed {
        /// Which camera.
        camera: CameraId,
        /// First instant without recording, milliseconds UTC.
        start_ms: i64,
        /// First instant with recording again, milliseconds UTC.
        end_ms: i64,
        /// Why.
        reason: GapReason,
    },
    /// The diagnosis found, still finds, or no longer finds something.
    Diagnosis {
        /// Which camera.
        camera: CameraId,
        /// What.
        kind: DiagnosisKind,
        /// Raised, repeated or cleared.
        phase: Phase,
        /// When this was decided, milliseconds UTC.
        at_ms: i64,
        /// When the condition began, milliseconds UTC.
        began_ms: i64,
        /// The measured value, in the unit of the threshold.
        measure: f64,
        /// The threshold it passed.
        threshold: f64,
        /// How often it has been told since it was raised, 1 at first.
        count: u32,
        /// Why it was looked at; `None` where it took no look to know.
        looked: Option<LookReason>,
        /// A picture that shows it, or the last one known.
        still_jpeg: Option<Vec<u8>>,
    },
    /// The state of a disk for recordings changed.
    Disk {
        /// Its folder.
        folder: PathBuf,
        /// Bytes free for us.
        free_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
        /// What it means.
        level: DiskLevel,
    },
}

/// One recorded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Its id, also in its name.
    pub id: Uuid,
    /// The id of the disk it lies on; nil where there is one folder without a mark.
    pub disk: Uuid,
    /// Path below its disk's folder, with `/`.
    pub path: String,
    /// First instant, milliseconds UTC.
    pub start_ms: i64,
    /// End of its last frame, milliseconds UTC.
    pub end_ms: i64,
    /// Size in bytes.
    pub bytes: u64,
    /// Fragments in it.
    pub fragments: u32,
    /// Codec of its video.
    pub codec: Codec,
    /// Clock epoch: grows by one each time the wall clock was stepped.
    pub epoch: u32,
    /// Pictures in it follow a loss: its fragments say which.
    pub damaged: bool,
}

/// Where a diagnosis stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has lasted long enough to be told.
    Raised,
    /// It still lasts, one repeat interval later.
    Repeated,
    /// It is over.
    Cleared,
}
named!(Phase { Raised => "raised", Repeated => "repeated", Cleared => "cleared" });

/// What the free space of a disk for recordings means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskLevel {
    /// Enough.
    Ok,
    /// Below the watermark: the oldest recordings go first.
    Low,
    /// Only the reserve is left: recording runs as a ring in it.
    Reserve,
    /// Writing fails.
    Full,
    /// It is not there: its mark is missing.
    Away,
}
named!(DiskLevel { Ok => "ok", Low => "low", Reserve => "reserve", Full => "full", Away => "away" });

/// A stretch of time, start inclusive, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First instant, milliseconds UTC.
    pub start_ms: i64,
    /// First instant after it, milliseconds UTC.
    pub end_ms: i64,
}
