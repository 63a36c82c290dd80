//! Playback of what a real camera sent: exports judged by ffprobe and ffmpeg, playlists read over HTTP, stills decoded.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use media::playback::live::LiveName;
use media::playback::{Export, PlaybackError, key_frames_of_file};
use media::segment::SegmentFile;
use media::virtual_camera::{FootageLibrary, Incident, Scene, VirtualCamera, VirtualCameraConfig, VirtualServer};
use media::{
    AnalysisConfig, CameraSpec, CameraState, Clock as _, Codec, DiagnosisSettings, Engine, EngineConfig, KeyFrame, ReplayError,
    SegmentInfo, SourceSpec, StillError, Supervisor, SystemClock,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(90);

/// What libgcrypt, which ffmpeg links, says where a container does not let it lock memory; no complaint about a file.
const UNLOCKED_MEMORY: &str = "Warning: using insecure memory!\n";

/// A camera, an engine that records it, and what is needed to look at it.
struct House {
    server: VirtualServer,
    engine: Engine,
    supervisor: Supervisor,
    folder: TempDir,
}

impl House {
    async fn open(scene: Scene, change: impl FnOnce(&mut EngineConfig)) -> (Self, CameraSpec) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = EngineConfig::new(folder.path().join("recordings"));
        (config.backoff_min_ms, config.backoff_max_ms) = (100, 300);
        // No file ends because a wall-clock slot does, unless a test is about that.
        config.segment_ms = 1_000_000_000_000_000;
        let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_media-analyse")));
        config.analysis = AnalysisConfig { program, ..AnalysisConfig::default() };
        change(&mut config);
        let supervisor = Supervisor::new();
        let camera = VirtualCameraConfig { path: "a".into(), scene, log_frames_max: 100_000, ..Default::default() };
        let listen = "127.0.0.1:0".parse().expect("an address");
        let server = VirtualServer::start(listen, vec![camera], FootageLibrary::standard(), &supervisor).await.expect("started");
        tokio::time::timeout(DEADLINE, server.ready()).await.expect("in time").expect("footage");
        let (engine, mut events) = Engine::start(config, &supervisor, Arc::new(SystemClock::new())).expect("the engine starts");
        let stop = supervisor.soft();
        supervisor.once("events", async move {
            tokio::select! {
                () = async { while events.recv().await.is_some() {} } => {}
                () = stop.cancelled() => {}
            }
        });
        let spec = CameraSpec {
            id: Uuid::now_v7(),
            name: "a".into(),
            source: SourceSpec::new(server.url("a")),
            sub: None,
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            retention_days: None,
        };
        engine.apply(spec.clone()).await;
        (Self { server, engine, supervisor, folder }, spec)
    }

    fn camera(&self) -> VirtualCamera {
        self.server.camera("a").expect("it is there")
    }

    /// Waits until this many whole fragments are on disk.
    async fn recorded(&self, spec: &CameraSpec, fragments: u32) -> Vec<SegmentInfo> {
        let enough = |segments: &[SegmentInfo]| segments.iter().map(|segment| segment.fragments).sum::<u32>() >= fragments;
        wait_for(&format!("{fragments} fragments"), || enough(&self.engine.segments(spec.id))).await;
        self.engine.segments(spec.id)
    }

    /// Stops recording, so that what is on disk stays as it is.
    async fn stop(&self, spec: &CameraSpec) -> Vec<SegmentInfo> {
        self.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
        wait_for("disabled", || self.engine.status(spec.id).is_some_and(|status| status.state == CameraState::Disabled)).await;
        self.engine.segments(spec.id)
    }

    async fn save(&self, export: &Export, name: &str) -> PathBuf {
        let bytes = read(export, 0..export.len()).await;
        assert_eq!(bytes.len() as u64, export.len(), "the length was known in advance");
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("{what} never came"));
}

async fn read(export: &Export, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = export.read(range);
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("readable"));
    }
    bytes
}

/// What ffprobe says of a file or address; any complaint fails.
fn ffprobe(input: &str, show: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "warning", "-count_frames", "-select_streams", "v:0", "-of", "default=nw=1:nk=1"])
        .args(show)
        .arg(input)
        .output()
        .expect("ffprobe runs");
    let complaints = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && complaints.is_empty(), "ffprobe {input}: {complaints}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Decoded frames and duration in seconds.
fn frames_and_duration(path: &Path) -> (u64, f64) {
    let shown = ffprobe(&path.to_string_lossy(), &["-show_entries", "stream=nb_read_frames:format=duration"]);
    (shown[0].parse().expect("frames"), shown[1].parse().expect("a duration"))
}

/// Digest of each decoded picture, in order; ffmpeg must not complain.
fn pictures(path: &Path) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    let output = command.args(["-v", "warning", "-i"]).arg(path).args(["-f", "framemd5", "-"]).output().expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && complaints.is_empty(), "ffmpeg {}: {complaints}", path.display());
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_picture_and_tells_its_true_range() {
    for (codec, b_frames) in [(Codec::H264, 0), (Codec::H264, 2), (Codec::H265, 0)] {
        let scene = Scene { codec, b_frames, ..Scene::tiny("TEST") };
        // Short segments, so that the export goes over several files of one run.
        let (house, spec) = House::open(scene, |config| config.segment_ms = 3_000).await;
        house.recorded(&spec, 5).await;

        // From the open segment too, while it grows.
        let growing = house.engine.export(spec.id, 0.max(now_ms() - 60_000), now_ms() + 60_000).await.expect("recorded");
        let (frames, _) = frames_and_duration(&house.save(&growing, "growing.mp4").await);
        assert_eq!(frames, growing.frames(), "{codec:?} {b_frames}");

        let segments = house.stop(&spec).await;
        let (start_ms, end_ms) = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
        assert!(segments.len() >= 2, "{segments:?}");
        let all = house.engine.export(spec.id, start_ms, end_ms).await.expect("recorded");
        assert_eq!((all.start_ms(), all.end_ms(), all.gaps().len()), (start_ms, end_ms, 0));
        let path = house.save(&all, "all.mp4").await;
        let (frames, duration_s) = frames_and_duration(&path);
        assert_eq!(frames, all.frames());
        let sent = house.camera().totals().frames;
        // What was under way when recording stopped; that nothing is missing before it, the duration says below.
        assert!(frames <= sent && frames + 50 >= sent, "{frames} of {sent} that were sent");
        assert!((duration_s - all.duration_ms() as f64 / 1000.0).abs() < 0.25, "{duration_s} s, {} ms", all.duration_ms());
        assert!((all.duration_ms() as f64 - frames as f64 * 80.0).abs() < 250.0, "{} ms, {frames} frames", all.duration_ms());
        assert_eq!(pictures(&path).len() as u64, frames);

        // From the middle: begins with the key frame that shows the first instant.
        let fragments = fragments(&house, &segments);
        let wanted = fragments[1].0 + 700;
        let middle = house.engine.export(spec.id, wanted, wanted + 1).await.expect("recorded");
        assert_eq!((middle.start_ms(), middle.end_ms()), fragments[1]);
        let (frames, _) = frames_and_duration(&house.save(&middle, "middle.mp4").await);
        assert_eq!(frames, middle.frames());
        house.supervisor.shutdown(DEADLINE).await;
    }
}

/// Start and end of each stored fragment.
fn fragments(house: &House, segments: &[SegmentInfo]) -> Vec<(i64, i64)> {
    let recordings = house.folder.path().join("recordings");
    let files = segments.iter().map(|segment| SegmentFile::open(&recordings.join(&segment.path)).expect("ours"));
    files.flat_map(|file| file.fragments).map(|entry| (entry.mark.wall_ms, entry.mark.end_ms())).collect()
}

fn now_ms() -> i64 {
    media::Clock::wall_ms(&SystemClock::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_export_make_the_whole_and_ranges_are_bytes_of_it() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |_| {}).await;
    house.recorded(&spec, 4).await;
    let segments = house.stop(&spec).await;
    let (start_ms, end_ms) = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
    let all = house.engine.export(spec.id, start_ms, end_ms).await.expect("recorded");
    let whole = read(&all, 0..all.len()).await;

    // Any range of bytes is what a plain file would give.
    let len = all.len();
    for range in [0..1, 0..len, 10..11, len - 1..len, len / 3..len / 2, 700..5000, len..len, len - 5..len + 100] {
        let expected = &whole[range.start as usize..(range.end.min(len)) as usize];
        assert_eq!(read(&all, range.clone()).await, expected, "{range:?}");
    }

    // Neighbouring stretches have together the pictures of the whole, each once.
    let whole_pictures = pictures(&house.save(&all, "whole.mp4").await);
    let cuts: Vec<i64> = fragments(&house, &segments).iter().map(|fragment| fragment.0).chain([end_ms]).collect();
    let mut together = Vec::new();
    for (number, cut) in cuts.windows(2).enumerate() {
        let export = house.engine.export(spec.id, cut[0], cut[1]).await.expect("recorded");
        assert_eq!(export.start_ms(), cut[0]);
        together.extend(pictures(&house.save(&export, &format!("{number}.mp4")).await));
    }
    assert_eq!(together, whole_pictures);
    house.supervisor.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_frames_of_a_file_are_those_of_the_recording_and_are_measured_alike() {
    let (house, spec) = House::open(Scene { key_frame_interval_ms: 480, ..Scene::tiny("TEST") }, |_| {}).await;
    house.recorded(&spec, 6).await;
    let segments = house.stop(&spec).await;
    let (start_ms, end_ms) = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
    let stored = house.engine.key_frames(spec.id, (start_ms, end_ms), 0).await.expect("recorded");
    assert!(stored.len() >= 6, "{}", stored.len());
    let export = house.engine.export(spec.id, start_ms, end_ms).await.expect("recorded");
    let file = Bytes::from(read(&export, 0..export.len()).await);
    let from_file = key_frames_of_file(spec.id, &file, export.start_ms(), 0).expect("an export");
    assert_eq!(from_file.iter().map(|key| &key.data).collect::<Vec<_>>(), stored.iter().map(|key| &key.data).collect::<Vec<_>>());
    for (one, other) in from_file.iter().zip(&stored) {
        assert!((one.wall_ms - other.wall_ms).abs() < 1_000, "frames are counted, arrivals jitter: {} {}", one.wall_ms, other.wall_ms);
    }
    let apart = house.engine.key_frames(spec.id, (start_ms, end_ms), 1_500).await.expect("recorded");
    assert!(apart.len() < stored.len() && apart.windows(2).all(|pair| pair[1].wall_ms - pair[0].wall_ms >= 1_500));
    assert_eq!(key_frames_of_file(spec.id, &file.slice(..file.len() / 2), export.start_ms(), 0), None, "cut off");

    let mut replayer = house.engine.analyser().replayer().await.expect("a process");
    assert!(matches!(house.engine.analyser().replayer().await, Err(ReplayError::Busy)), "one at a time");
    let look = replayer.look(&from_file[0]).await.expect("it runs").expect("a picture");
    assert_eq!(replayer.look(&stored[0]).await.expect("it runs"), Some(look));
    let broken = KeyFrame { data: from_file[0].data.slice(..9), ..from_file[0].clone() };
    assert_eq!(replayer.look(&broken).await.expect("it goes on"), None);
    drop(replayer);
    house.engine.analyser().replayer().await.expect("the place is free again");
    house.supervisor.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_closed_up_and_listed_and_a_change_of_codec_is_refused() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |_| {}).await;
    house.recorded(&spec, 2).await;
    house.camera().set(Incident::Drop).await.expect("nothing to make");
    wait_for("offline", || house.engine.status(spec.id).is_some_and(|status| status.state == CameraState::Offline)).await;
    let ended = house.engine.segments(spec.id).iter().map(|segment| segment.end_ms).max().expect("recorded");
    let clock = SystemClock::new();
    wait_for("a gap of a second and a half", || clock.wall_ms() - ended >= 1_500).await;
    house.camera().clear();
    house.recorded(&spec, 4).await;
    let segments = house.stop(&spec).await;
    let (start_ms, end_ms) = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
    let export = house.engine.export(spec.id, start_ms, end_ms).await.expect("recorded");
    let [gap] = export.gaps() else { panic!("one gap: {:?}", export.gaps()) };
    assert!(gap.end_ms - gap.start_ms >= 1_500, "{gap:?}");
    let path = house.save(&export, "gap.mp4").await;
    let (frames, duration_s) = frames_and_duration(&path);
    assert_eq!((frames, pictures(&path).len() as u64), (export.frames(), export.frames()));
    let recorded_ms = end_ms - start_ms - (gap.end_ms - gap.start_ms);
    // Recorded times are those of arrival, late on a busy machine; the gap itself is 1.5 s, and would show.
    assert!((duration_s * 1000.0 - recorded_ms as f64).abs() < 1_400.0, "{duration_s} s of {recorded_ms} ms");
    // Asked for from within the gap, it begins after it.
    let after = house.engine.export(spec.id, gap.start_ms + 300, end_ms).await.expect("recorded");
    assert_eq!(after.start_ms(), gap.end_ms);

    house.engine.apply(spec.clone()).await;
    house.recorded(&spec, 6).await;
    house.camera().set(Incident::ChangeCodec).await.expect("footage");
    let has_h265 = || house.engine.segments(spec.id).iter().any(|segment| segment.codec == Codec::H265);
    wait_for("H.265", has_h265).await;
    let segments = house.stop(&spec).await;
    let end_ms = segments[segments.len() - 1].end_ms;
    let error = house.engine.export(spec.id, start_ms, end_ms).await.expect_err("two codecs");
    let PlaybackError::CodecChange { pieces } = error else { panic!("{error}") };
    assert_eq!(pieces.iter().map(|piece| piece.codec).collect::<Vec<_>>(), [Codec::H264, Codec::H265]);
    for piece in &pieces {
        let export = house.engine.export(spec.id, piece.start_ms, piece.end_ms).await.expect("each piece is one file");
        assert_eq!((export.start_ms(), export.piece().codec), (piece.start_ms, piece.codec));
        frames_and_duration(&house.save(&export, "piece.mp4").await);
    }

    let nothing = house.engine.export(spec.id, 0, 1_000).await.expect_err("nobody filmed in 1970");
    assert!(matches!(nothing, PlaybackError::Nothing));
    assert!(matches!(house.engine.export(spec.id, 5, 5).await.expect_err("empty"), PlaybackError::Backwards));
    assert!(matches!(house.engine.export(spec.id, 0, i64::MAX).await.expect_err("too long"), PlaybackError::TooLong { .. }));
    house.supervisor.shutdown(DEADLINE).await;
}

/// Serves playlists and media of one camera as the real server does, only without its questions.
async fn serve(house: &House, camera: Uuid) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (engine, supervisor) = (house.engine.clone(), house.supervisor.clone());
    house.supervisor.clone().once("test server", async move {
        let stop = supervisor.soft();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.expect("accepts").0,
                () = stop.cancelled() => return,
            };
            let engine = engine.clone();
            supervisor.once("test connection", async move { answer(stream, &engine, camera).await });
        }
    });
    format!("http://{address}")
}

async fn answer(mut stream: tokio::net::TcpStream, engine: &Engine, camera: Uuid) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let text = String::from_utf8_lossy(&request);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let found: Option<Vec<u8>> = file(engine, camera, &path).await;
    let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
    let body = found.unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _client_may_leave = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}

async fn file(engine: &Engine, camera: Uuid, path: &str) -> Option<Vec<u8>> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let number = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<i64>().ok());
    if path == "/live/index.m3u8" {
        return engine.live_playlist(camera, None).await.ok().map(|text| text.to_vec());
    }
    if let Some(name) = path.strip_prefix("/live/") {
        return engine.live_file(camera, LiveName::parse(name)?).await.ok().map(|bytes| bytes.to_vec());
    }
    if path == "/recording.m3u8" {
        return engine.recorded_playlist(camera, number("start")?, number("end")?).await.ok().map(String::into_bytes);
    }
    let (segment, name) = path.strip_prefix("/recording/")?.split_once('/')?;
    let segment: Uuid = segment.parse().ok()?;
    let bytes = match name {
        "init.mp4" => engine.recorded_init(camera, segment).await,
        _ => engine.recorded_fragment(camera, segment, name.strip_suffix(".m4s")?.parse().ok()?).await,
    };
    bytes.ok().map(|bytes| bytes.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_reads_the_live_and_the_recorded_playlist() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |config| config.segment_ms = 5_000).await;
    house.recorded(&spec, 4).await;
    let base = serve(&house, spec.id).await;

    let live = format!("{base}/live/index.m3u8");
    let decoded = house.supervisor.blocking("ffmpeg", move || {
        let arguments = ["-v", "error", "-i", &live, "-t", "6", "-f", "framemd5", "-"];
        Command::new("ffmpeg").args(arguments).output().expect("ffmpeg runs")
    });
    let output = tokio::time::timeout(DEADLINE, decoded).await.expect("in time").expect("no panic");
    let complaints = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    let frames = String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with('#')).count();
    assert!((74..=76).contains(&frames), "6 s at 12.5 frames a second, got {frames}");

    let segments = house.stop(&spec).await;
    let (start_ms, end_ms) = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
    let all = house.engine.export(spec.id, start_ms, end_ms).await.expect("recorded");
    let recorded = format!("{base}/recording.m3u8?start={start_ms}&end={end_ms}");
    let shown = house.supervisor.blocking("ffprobe", move || ffprobe(&recorded, &["-show_entries", "stream=nb_read_frames"]));
    let shown = tokio::time::timeout(DEADLINE, shown).await.expect("in time").expect("no complaint");
    assert_eq!(shown[0], all.frames().to_string());
    house.supervisor.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_parts_make_their_segment_and_late_players_find_it_on_disk() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |_| {}).await;
    house.recorded(&spec, 1).await;
    let playlist = || async { String::from_utf8(house.engine.live_playlist(spec.id, None).await.expect("live").to_vec()).expect("text") };
    let playlist_then = playlist().await;
    let first: u64 = playlist_then.lines().find_map(|line| line.strip_suffix(".m4s")?.parse().ok()).expect("a whole segment");
    let segment = house.engine.live_file(spec.id, LiveName::Segment(first)).await.expect("in memory");
    let mut joined = Vec::new();
    for part in 0.. {
        let Ok(bytes) = house.engine.live_file(spec.id, LiveName::Part(first, part)).await else { break };
        joined.extend_from_slice(&bytes);
    }
    assert_eq!(joined, segment);
    house.recorded(&spec, 6).await;
    let ring = house.engine.live(spec.id).expect("applied");
    assert!(ring.fragment(first).is_none(), "it has left memory");
    let late = house.engine.live_file(spec.id, LiveName::Segment(first)).await.expect("on disk");
    assert_eq!(late, segment);
    let still_named = playlist().await;
    assert!(still_named.contains(&format!("\n{first}.m4s\n")), "{still_named}");
    house.supervisor.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_of_any_recorded_instant_is_a_picture_of_it() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |_| {}).await;
    house.recorded(&spec, 2).await;
    house.camera().set(Incident::OverExposed).await.expect("footage");
    let bright_from_ms = now_ms() + 500;
    house.recorded(&spec, 5).await;
    let segments = house.stop(&spec).await;
    let normal = house.engine.still_at(spec.id, segments[0].start_ms + 300, None).await.expect("a picture");
    assert_eq!((normal.width, normal.height), (320, 240));
    assert_eq!(normal.at_ms, segments[0].start_ms);
    let bright = house.engine.still_at(spec.id, bright_from_ms + 2_500, Some(160)).await.expect("a picture");
    assert_eq!(bright.width, 160);
    let brightness = |jpeg: &[u8]| {
        let picture = image::load_from_memory(jpeg).expect("a JPEG").to_luma8();
        picture.pixels().map(|pixel| u64::from(pixel.0[0])).sum::<u64>() / u64::from(picture.width() * picture.height())
    };
    assert!(brightness(&bright.jpeg) > brightness(&normal.jpeg) + 60);
    let nothing = house.engine.still_at(spec.id, segments[0].start_ms - 60_000, None).await.expect_err("before the first");
    assert!(matches!(nothing, StillError::NoPicture), "{nothing}");
    house.supervisor.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn testing_a_camera_shows_it_or_says_what_is_wrong() {
    let (house, spec) = House::open(Scene::tiny("TEST"), |config| config.probe_timeout_ms = 12_000).await;
    let report = house.engine.probe(spec.source.clone()).await.expect("a good camera");
    assert_eq!((report.codec, report.width, report.height), (Codec::H264, 320, 240));
    assert_eq!((report.fps, report.key_frame_interval_ms), (12.5, Some(2_000)));
    let still = image::load_from_memory(&report.still_jpeg.expect("a picture")).expect("a JPEG");
    assert_eq!((still.width(), still.height()), (320, 240));

    let problem = async |source: &SourceSpec| house.engine.probe(source.clone()).await.expect_err("refused").problem;
    let elsewhere = |url: &str| SourceSpec::new(url.parse().expect("a URL"));
    let camera = house.camera();
    for (incident, expected) in [
        (Incident::Unauthorized, "wrong_password"),
        (Incident::NotFound, "wrong_path"),
        (Incident::NotVideo, "not_video"),
        (Incident::UnsupportedCodec, "unsupported_codec"),
        (Incident::Hang, "timeout"),
    ] {
        camera.set(incident).await.expect("nothing to make");
        assert_eq!(problem(&spec.source).await, expected, "{incident:?}");
    }
    camera.clear();
    house.server.set_listening(false).await.expect("it runs");
    assert_eq!(problem(&spec.source).await, "refused");
    assert_eq!(problem(&elsewhere("rtsp://169.254.1.1/a")).await, "address_not_allowed");
    assert_eq!(problem(&elsewhere("rtsp://8.8.8.8/a")).await, "address_not_allowed");
    house.supervisor.shutdown(DEADLINE).await;
}
