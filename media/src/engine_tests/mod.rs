//! The engine against real streams: virtual cameras over RTSP, files on disk, ffprobe as the judge.

mod cost;
mod crash;
mod disks;
mod faults;
mod hours;
mod recording;
mod sub_stream;
mod time;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::segment::SegmentFile;
use crate::virtual_camera::footage::is_picture;
use crate::virtual_camera::{Account, AuthScheme, FootageLibrary, Incident, Scene, VirtualCamera, VirtualCameraConfig, VirtualServer};
use crate::{
    CameraSpec, CameraState, Codec, DiagnosisKind, DiagnosisSettings, DiskLevel, Engine, EngineConfig, EngineParts, GapReason, MediaEvent,
    Phase, Secret, SegmentInfo, SourceSpec, StateReason, Supervisor, SystemClock,
};

/// Nothing here takes longer on a machine that works.
const DEADLINE: Duration = Duration::from_secs(60);

/// Virtual cameras, an engine, and a folder to record to.
struct House {
    server: VirtualServer,
    server_supervisor: Supervisor,
    engine: Engine,
    supervisor: Supervisor,
    events: mpsc::Receiver<MediaEvent>,
    /// Everything told so far.
    told: Vec<MediaEvent>,
    folder: TempDir,
}

fn scene(path: &str) -> VirtualCameraConfig {
    VirtualCameraConfig { path: path.into(), scene: Scene::tiny("TEST"), log_frames_max: 10_000, ..Default::default() }
}

/// Settings with short pauses, so that faults are over soon. What gives a camera up is as patient as usual, unless a test is
/// about that: on a machine that is busy a camera of ours is silent for a second, and that is no fault.
fn quick(recordings: &Path) -> EngineConfig {
    EngineConfig {
        backoff_min_ms: 100,
        backoff_max_ms: 300,
        // No file ends because a wall-clock slot does, unless a test is about that.
        segment_ms: 1_000_000_000_000_000,
        ..EngineConfig::new(recordings.into())
    }
}

fn start_engine(config: EngineConfig) -> (Engine, Supervisor, mpsc::Receiver<MediaEvent>) {
    let supervisor = Supervisor::new();
    let clock = Arc::new(SystemClock::new());
    let (engine, events) = Engine::start_with(config, &supervisor, clock, EngineParts::default()).expect("the engine starts");
    (engine, supervisor, events)
}

async fn start_cameras(cameras: Vec<VirtualCameraConfig>) -> (VirtualServer, Supervisor) {
    let supervisor = Supervisor::new();
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = VirtualServer::start(listen, cameras, FootageLibrary::standard(), &supervisor).await.expect("started");
    tokio::time::timeout(DEADLINE, server.ready()).await.expect("in time").expect("footage");
    (server, supervisor)
}

impl House {
    async fn open(cameras: Vec<VirtualCameraConfig>, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = quick(folder.path());
        change(&mut config);
        let (server, server_supervisor) = start_cameras(cameras).await;
        let (engine, supervisor, events) = start_engine(config);
        Self { server, server_supervisor, engine, supervisor, events, told: Vec::new(), folder }
    }

    fn spec(&self, path: &str) -> CameraSpec {
        CameraSpec {
            id: Uuid::now_v7(),
            name: path.into(),
            source: SourceSpec::new(self.server.url(path)),
            sub: None,
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            retention_days: None,
        }
    }

    fn camera(&self, path: &str) -> VirtualCamera {
        self.server.camera(path).expect("a virtual camera")
    }

    /// Takes events until one fits, within the deadline.
    async fn until(&mut self, what: &str, fits: impl Fn(&MediaEvent) -> bool) -> MediaEvent {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the engine runs");
                self.told.push(event.clone());
                if fits(&event) {
                    return event;
                }
            }
        };
        let found = tokio::time::timeout(DEADLINE, wait).await;
        found.unwrap_or_else(|_| panic!("{what} never came; told so far: {:#?}", self.told))
    }

    async fn until_state(&mut self, wanted: CameraState, because: StateReason) -> i64 {
        let fits = |event: &MediaEvent| matches!(event, MediaEvent::State { state, reason, .. } if (*state, *reason) == (wanted, because));
        let MediaEvent::State { at_ms, .. } = self.until(&format!("{wanted} {because}"), fits).await else {
            unreachable!("a state");
        };
        at_ms
    }

    async fn until_sent(&self, path: &str, frames: u64) {
        let camera = self.camera(path);
        wait_for(&format!("{frames} frames"), || camera.totals().frames >= frames).await;
    }

    /// Closes the engine in order; gives what it told until the end.
    async fn close(mut self) -> (Vec<MediaEvent>, TempDir) {
        assert_eq!(self.supervisor.shutdown(DEADLINE).await, Vec::<String>::new(), "everything ends in order");
        assert_eq!(self.supervisor.panics(), 0);
        // The channel closes although the engine is still held: whoever listens knows that this was all.
        while let Some(event) = tokio::time::timeout(DEADLINE, self.events.recv()).await.expect("the channel closes") {
            self.told.push(event);
        }
        self.server_supervisor.shutdown(DEADLINE).await;
        (self.told, self.folder)
    }
}

async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("{what}: not in time"));
}

fn closed(told: &[MediaEvent]) -> Vec<SegmentInfo> {
    let segments = told.iter().filter_map(|event| match event {
        MediaEvent::SegmentClosed { segment, .. } => Some(segment.clone()),
        _ => None,
    });
    segments.collect()
}

fn gaps(told: &[MediaEvent]) -> Vec<(i64, i64, GapReason)> {
    let gaps = told.iter().filter_map(|event| match event {
        MediaEvent::GapClosed { start_ms, end_ms, reason, .. } => Some((*start_ms, *end_ms, *reason)),
        _ => None,
    });
    gaps.collect()
}

/// What libgcrypt, which ffmpeg links, says where a container does not let it lock memory; no complaint about a file.
const UNLOCKED_MEMORY: &str = "Warning: using insecure memory!\n";

/// `codec_name,nb_read_packets` and `duration` as ffprobe sees them; fails on any complaint.
fn ffprobe(path: &Path) -> (String, u64, f64) {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=codec_name,nb_read_packets:format=duration", "-of", "default=nw=1:nk=1"])
        .arg(path)
        .output()
        .expect("ffprobe runs");
    let complaints = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && complaints.is_empty(), "ffprobe {}: {complaints}", path.display());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default().to_owned();
    (next(), next().parse().expect("packets"), next().parse().expect("a duration"))
}

/// Decodes every frame; ffmpeg must not complain.
fn assert_decodes(path: &Path) {
    let mut command = Command::new("ffmpeg");
    let output = command.args(["-v", "error", "-i"]).arg(path).args(["-f", "null", "-"]).output().expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && complaints.is_empty(), "ffmpeg {}: {complaints}", path.display());
}

/// The digest of each picture of an H.264 file, as the virtual camera counts them: its slices with their lengths.
fn h264_pictures(path: &Path) -> Vec<[u8; 32]> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path).args(["-c", "copy", "-f", "h264", "-"]);
    let stream = command.output().expect("ffmpeg runs").stdout;
    let starts: Vec<usize> = stream.windows(3).enumerate().filter(|(_, bytes)| *bytes == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let mut pictures: Vec<Sha256> = Vec::new();
    for (start, end) in starts.iter().zip(ends) {
        let mut nal = &stream[start + 3..end];
        // A start code of four bytes; a NAL unit ends with another byte.
        while let Some(shorter) = nal.strip_suffix(&[0]) {
            nal = shorter;
        }
        if !is_picture(Codec::H264, nal) {
            continue;
        }
        // The first slice of a picture begins with macroblock 0, which is written as a bit of 1.
        if nal[1] & 0x80 != 0 {
            pictures.push(Sha256::new());
        }
        let picture = pictures.last_mut().expect("a first slice");
        picture.update(u32::try_from(nal.len()).expect("small").to_be_bytes());
        picture.update(nal);
    }
    pictures.into_iter().map(|picture| picture.finalize().into()).collect()
}
