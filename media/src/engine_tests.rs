//! The engine against real streams: virtual cameras over RTSP, files on disk, ffprobe as the judge.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::segment::SegmentFile;
use crate::virtual_camera::{
    Account, AuthScheme, FootageLibrary, Incident, Scene, VirtualCamera, VirtualCameraConfig, VirtualServer,
};
use crate::{
    CameraSpec, CameraState, Codec, DiagnosisKind, DiagnosisSettings, Engine, EngineConfig, EngineParts, GapReason,
    MediaEvent, Phase, Secret, SegmentInfo, SourceSpec, StateReason, Supervisor, SystemClock,
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

/// Settings with short times, so that faults show soon.
fn quick(recordings: &Path) -> EngineConfig {
    EngineConfig {
        stall_ms: 800,
        connect_timeout_ms: 1_000,
        backoff_min_ms: 100,
        backoff_max_ms: 300,
        ..EngineConfig::new(recordings.into())
    }
}

fn start_engine(config: EngineConfig) -> (Engine, Supervisor, mpsc::Receiver<MediaEvent>) {
    let supervisor = Supervisor::new();
    let clock = Arc::new(SystemClock::new());
    let (engine, events) =
        Engine::start_with(config, &supervisor, clock, EngineParts::default()).expect("the engine starts");
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
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            audio: false,
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
        let fits = |event: &MediaEvent| {
            matches!(event, MediaEvent::State { state, reason, .. } if (*state, *reason) == (wanted, because))
        };
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
        drop(self.engine);
        while let Ok(event) = self.events.try_recv() {
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

/// `codec_name,nb_read_packets` and `duration` as ffprobe sees them; fails on any complaint.
fn ffprobe(path: &Path) -> (String, u64, f64) {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=codec_name,nb_read_packets:format=duration", "-of", "default=nw=1:nk=1"])
        .arg(path)
        .output()
        .expect("ffprobe runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
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
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "ffmpeg {}: {complaints}", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_camera_sends_is_on_disk_frame_for_frame_in_both_codecs() {
    let mut h265 = scene("five");
    h265.scene.codec = Codec::H265;
    let mut house = House::open(vec![scene("four"), h265], |_| {}).await;
    let (four, five) = (house.spec("four"), house.spec("five"));
    house.engine.apply(four.clone()).await;
    house.engine.apply(five.clone()).await;
    house.until_sent("four", 100).await;
    house.until_sent("five", 100).await;
    let status = house.engine.status(four.id).expect("it was applied");
    assert_eq!((status.state, status.reason), (CameraState::Recording, StateReason::None));
    // Disabling ends the stream; what the camera sent until it noticed may be a few frames more than what we took.
    for spec in [&four, &five] {
        house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    }
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    let sent: Vec<_> = ["four", "five"].map(|path| house.camera(path).sent()).into();
    let (told, folder) = house.close().await;
    for (spec, sent, codec) in [(&four, &sent[0], Codec::H264), (&five, &sent[1], Codec::H265)] {
        let of_camera = |segment: &&SegmentInfo| segment.path.starts_with(&spec.id.to_string());
        let segments = closed(&told);
        let [segment] = segments.iter().filter(of_camera).collect::<Vec<_>>()[..] else {
            panic!("one segment: {told:#?}");
        };
        let path = folder.path().join(&segment.path);
        let (name, packets, duration_s) = ffprobe(&path);
        assert_eq!((name.replace("hevc", "h265").as_str(), segment.codec), (codec.as_str(), codec));
        assert_decodes(&path);
        let file = SegmentFile::open(&path).expect("it is ours");
        assert!(file.closed);
        let frames: u64 = file.fragments.iter().map(|entry| entry.header.frames()).sum();
        assert_eq!(frames, packets);
        let sent_frames = u64::try_from(sent.len()).expect("few");
        assert!(packets <= sent_frames && packets + 10 >= sent_frames.min(100), "{packets} of {sent_frames}");
        assert!(file.fragments.iter().all(|entry| entry.header.sync), "a GOP a fragment");
        let told_s = f64::from(u32::try_from(segment.end_ms - segment.start_ms).expect("short")) / 1_000.0;
        assert!((duration_s - told_s).abs() < 0.5, "{duration_s} s in the file, {told_s} s told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_before_a_cut_is_kept_in_order() {
    let mut house = House::open(vec![scene("a")], |config| config.backoff_min_ms = 60_000).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_sent("a", 60).await;
    house.camera("a").set(Incident::Drop).await.expect("nothing to make");
    house.until_state(CameraState::Offline, StateReason::Closed).await;
    let sent = house.camera("a").sent();
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    let (_, packets, _) = ffprobe(&folder.path().join(&segments[0].path));
    // The cut may swallow the frame that was on its way.
    assert!(packets + 2 >= u64::try_from(sent.len()).expect("few"), "{packets} of {}", sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_show_their_reason_and_leave_a_gap_with_it() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    let faults = [
        (Incident::Hang, StateReason::Stalled, GapReason::Stalled),
        (Incident::Drop, StateReason::Closed, GapReason::Offline),
        (Incident::NotVideo, StateReason::NotVideo, GapReason::BadStream),
        (Incident::UnsupportedCodec, StateReason::UnsupportedCodec, GapReason::BadStream),
        (Incident::GarbageBytes, StateReason::BadStream, GapReason::BadStream),
    ];
    for (incident, reason, gap) in faults {
        house.until_state(CameraState::Recording, StateReason::None).await;
        let began_ms = jiff::Timestamp::now().as_millisecond();
        house.camera("a").set(incident).await.expect("nothing to make");
        let told_ms = house.until_state(CameraState::Offline, reason).await;
        assert!(told_ms - began_ms < 2_000, "{incident:?} told after {} ms", told_ms - began_ms);
        let opened = |event: &MediaEvent| matches!(event, MediaEvent::GapOpened { reason, .. } if *reason == gap);
        house.until(&format!("gap {gap}"), opened).await;
        house.camera("a").clear();
    }
    house.until_state(CameraState::Recording, StateReason::None).await;
    let reconnects = house.engine.status(spec.id).expect("applied").reconnects;
    assert!(reconnects >= 5, "{reconnects}");
    let (told, folder) = house.close().await;
    for (start_ms, end_ms, _) in gaps(&told) {
        assert!(start_ms <= end_ms);
    }
    for segment in closed(&told) {
        assert_decodes(&folder.path().join(&segment.path));
    }
    assert!(closed(&told).len() >= 5, "each connection has its own segment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_refused_and_the_gap_says_so() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    house.server.set_listening(false).await.expect("it runs");
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until("gap", |event| matches!(event, MediaEvent::GapOpened { reason: GapReason::Refused, .. })).await;
    assert_eq!(house.engine.status(spec.id).expect("applied").reason, StateReason::Refused);
    house.server.set_listening(true).await.expect("it runs");
    house.until("gap closed", |event| matches!(event, MediaEvent::GapClosed { reason: GapReason::Refused, .. })).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_until_it_is_changed() {
    for scheme in [AuthScheme::Basic, AuthScheme::Digest] {
        let mut locked = scene("a");
        locked.account = Some(Account { scheme, username: "joe".into(), password: "right".into() });
        let mut house = House::open(vec![locked], |_| {}).await;
        let mut spec = house.spec("a");
        spec.source.username = Some("joe".into());
        spec.source.password = Some(Secret::new("wrong"));
        house.engine.apply(spec.clone()).await;
        house.until_state(CameraState::Offline, StateReason::Unauthorized).await;
        let asked = house.camera("a").totals().describes;
        // Many times the shortest pause: whoever ignored the rule would have tried again by now.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(house.camera("a").totals().describes, asked, "{scheme:?}: tried again");
        spec.source.password = Some(Secret::new("right"));
        house.engine.apply(spec.clone()).await;
        house.until_state(CameraState::Recording, StateReason::None).await;
        let (told, _folder) = house.close().await;
        assert!(gaps(&told).iter().any(|(_, _, reason)| *reason == GapReason::Unauthorized), "{told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_tried_again_at_its_own_interval() {
    let mut house = House::open(vec![scene("a")], |config| config.not_found_retry_ms = 700).await;
    house.camera("a").set(Incident::NotFound).await.expect("nothing to make");
    house.engine.apply(house.spec("a")).await;
    house.until_state(CameraState::Offline, StateReason::NotFound).await;
    house.camera("a").clear();
    house.until_state(CameraState::Recording, StateReason::None).await;
    assert!(house.camera("a").totals().describes <= 3);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_and_so_is_its_end_even_for_a_camera_that_never_connects() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    house.server.set_listening(false).await.expect("it runs");
    let mut spec = house.spec("a");
    spec.diagnosis.no_packet_ms = 600;
    house.engine.apply(spec.clone()).await;
    let lost = |wanted: Phase| {
        move |event: &MediaEvent| {
            matches!(event, MediaEvent::Diagnosis { kind: DiagnosisKind::SignalLost, phase, .. } if *phase == wanted)
        }
    };
    let raised = house.until("raised", lost(Phase::Raised)).await;
    let MediaEvent::Diagnosis { at_ms, began_ms, measure, .. } = raised else { unreachable!("a diagnosis") };
    assert!(at_ms - began_ms >= 600 && measure >= 600.0);
    house.server.set_listening(true).await.expect("it runs");
    house.until("cleared", lost(Phase::Cleared)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_rotate_on_time_and_on_new_parameters_without_losing_a_frame() {
    let mut house = House::open(vec![scene("a")], |config| config.segment_ms = 3_000).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until("second segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    house.camera("a").set(Incident::ChangeResolution).await.expect("footage");
    house.until("third segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    house.until("fourth segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    assert!(segments.len() >= 3);
    for pair in segments.windows(2) {
        let between_ms = pair[1].start_ms - pair[0].end_ms;
        assert!(between_ms.abs() < 400, "{between_ms} ms between segments");
    }
    for segment in &segments {
        ffprobe(&folder.path().join(&segment.path));
    }
    assert!(!told.iter().any(|event| matches!(event, MediaEvent::GapOpened { .. })), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_key_frames_goes_on_in_continuations_and_is_degraded() {
    let change = |config: &mut EngineConfig| {
        config.fragment_ms_max = 1_000;
        config.no_key_frame_ms = 2_500;
    };
    let mut house = House::open(vec![scene("a")], change).await;
    house.camera("a").set(Incident::KeyFrameEvery { seconds: 6 }).await.expect("footage");
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Degraded, StateReason::NoKeyFrame).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    let (told, folder) = house.close().await;
    let path = folder.path().join(&closed(&told)[0].path);
    let file = SegmentFile::open(&path).expect("it is ours");
    let sync: Vec<bool> = file.fragments.iter().map(|entry| entry.header.sync).collect();
    assert!(sync[0] && sync.iter().filter(|sync| !**sync).count() >= 3, "{sync:?}");
    assert!(file.fragments.iter().all(|entry| entry.header.duration_ms <= 1_300));
    assert_decodes(&path);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_ring_has_chunks_before_the_fragment_is_whole() {
    let house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    let live = house.engine.live(spec.id).expect("it was applied");
    let mut position = live.subscribe();
    let partial = position.wait_for(|position| position.is_some_and(|at| !at.complete && at.chunks >= 2));
    let partial = tokio::time::timeout(DEADLINE, partial).await.expect("in time").expect("the engine runs").expect("some");
    let fragment = live.fragment(partial.sequence).expect("it is the newest");
    assert!(fragment.sync && fragment.chunks.len() >= 2);
    assert!(fragment.chunks[0].independent && !fragment.chunks[1].independent);
    assert!(fragment.chunks.iter().all(|chunk| (300..=700).contains(&chunk.duration_ms)), "{fragment:?}");
    // Header and chunks as they are make a file that plays.
    let joined: Vec<u8> = fragment.init.data.iter().chain(fragment.chunks.iter().flat_map(|chunk| &chunk.data)).copied().collect();
    let path = house.folder.path().join("joined.mp4");
    std::fs::write(&path, joined).expect("written");
    assert_decodes(&path);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_and_enabling_leaves_a_gap_with_that_reason() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    house.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    house.until_state(CameraState::Disabled, StateReason::Disabled).await;
    house.engine.apply(spec.clone()).await;
    house.until("gap closed", |event| matches!(event, MediaEvent::GapClosed { reason: GapReason::Disabled, .. })).await;
    house.engine.remove(spec.id).await;
    assert!(house.engine.status(spec.id).is_none());
    assert!(!house.engine.segments(spec.id).is_empty());
    house.close().await;
}
