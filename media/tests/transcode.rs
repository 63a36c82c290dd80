//! Marked copies of what a real camera sent, judged by ffprobe and by their pixels.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use media::playback::Export;
use media::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};
use media::{
    AnalysisConfig, CameraSpec, CameraState, Codec, CopyHashes, DiagnosisSettings, Engine, EngineConfig, Mark, PlayedCopy, SourceSpec,
    Supervisor, SystemClock, TranscodeConfig, TranscodeError, codec_of_file,
};
use tempfile::TempDir;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(120);

/// An engine that has recorded a camera for a while.
struct Recorded {
    engine: Engine,
    supervisor: Supervisor,
    folder: TempDir,
    camera: Uuid,
    stretch: (i64, i64),
}

impl Recorded {
    async fn of(scene: Scene) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_media-analyse")));
        let config = EngineConfig {
            segment_ms: 3_000,
            analysis: AnalysisConfig::default(),
            transcode: TranscodeConfig { program, ..TranscodeConfig::default() },
            ..EngineConfig::new(folder.path().join("recordings"))
        };
        let supervisor = Supervisor::new();
        let camera = VirtualCameraConfig { path: "a".into(), scene, ..VirtualCameraConfig::default() };
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
        let camera = spec.id;
        engine.apply(spec.clone()).await;
        wait_for("five fragments", || engine.segments(camera).iter().map(|segment| segment.fragments).sum::<u32>() >= 5).await;
        engine.apply(CameraSpec { enabled: false, ..spec }).await;
        wait_for("disabled", || engine.status(camera).is_some_and(|status| status.state == CameraState::Disabled)).await;
        let segments = engine.segments(camera);
        let stretch = (segments[0].start_ms, segments[segments.len() - 1].end_ms);
        Self { engine, supervisor, folder, camera, stretch }
    }

    async fn export(&self) -> Export {
        self.engine.export(self.camera, self.stretch.0, self.stretch.1).await.expect("recorded")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
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

fn mark() -> Mark {
    Mark {
        lines: vec!["东岸小学食堂 · <灶台> & 1 号".to_owned(), "导出 wang 2026-11-23".to_owned()], utc_offset_s: 28_800, hidden: None
    }
}

/// A whole copy, and what was said of it at its end.
async fn copy(engine: &Engine, export: &Export) -> (Vec<u8>, CopyHashes) {
    let (told, heard) = std::sync::mpsc::channel();
    let mut stream = engine.mark(export.clone(), mark()).await.expect("there is room").stated(move |hashes| {
        told.send(hashes.clone()).expect("heard");
        b"said".to_vec()
    });
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("made"));
    }
    (bytes, heard.recv().expect("told"))
}

/// When each picture is shown, in ticks, in order; ffprobe must not complain.
fn times(path: &Path) -> Vec<i64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut times: Vec<i64> = text.lines().map(|line| line.trim_end_matches(',').parse().expect("a time")).collect();
    times.sort_unstable();
    times
}

/// The luma of every picture, one behind the other.
fn luma(path: &Path) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Mean difference of luma between two pictures in the rows from `from` to `to`.
fn difference(one: &[u8], other: &[u8], width: usize, (from, to): (usize, usize)) -> f64 {
    let rows = from * width..to * width;
    let sum: u64 = one[rows.clone()].iter().zip(&other[rows.clone()]).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / rows.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_copy_has_every_picture_at_its_time_with_a_mark_and_names_what_it_was_made_from() {
    // With B frames ffprobe places the original's pictures after the index, which is a picture off; without, to the tick.
    for (codec, b_frames, off_max) in [(Codec::H264, 0, 0), (Codec::H264, 2, 7_200), (Codec::H265, 0, 0)] {
        let recorded = Recorded::of(Scene { codec, b_frames, loop_s: 6, ..Scene::small("MARK") }).await;
        let export = recorded.export().await;
        let mut original = Vec::new();
        let mut stream = export.read(0..export.len());
        while let Some(piece) = stream.next().await {
            original.extend_from_slice(&piece.expect("readable"));
        }
        let original = recorded.file("original.mp4", &original);
        let (bytes, hashes) = copy(&recorded.engine, &export).await;
        let marked = recorded.file("marked.mp4", &bytes);

        // As many pictures, at the same times, of the same size, in H.264.
        let (of_copy, of_original) = (times(&marked), times(&original));
        assert_eq!(of_copy.len(), of_original.len(), "{codec:?} {b_frames}");
        let off = of_copy.iter().zip(&of_original).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(off <= Some(off_max), "{codec:?} {b_frames}: {of_copy:?} {of_original:?}");
        assert_eq!(hashes.frames, export.frames());
        let (width, height) = (704, 576);
        let (before, after) = (luma(&original), luma(&marked));
        assert_eq!(after.len(), before.len());

        // The mark stands at the bottom of each; the rest is as it was but for what encoding changes.
        let picture = width * height;
        let pairs = before.chunks(picture).zip(after.chunks(picture));
        let area = (height - 90, height);
        for (number, (one, other)) in pairs.enumerate() {
            let (inside, outside) = (difference(one, other, width, area), difference(one, other, width, (0, height / 2)));
            assert!(inside > 8.0 && inside > outside * 3.0, "{codec:?} picture {number}: {inside} in the mark, {outside} elsewhere");
        }

        // Its clock runs: at least one digit of it is another some seconds later, far beyond what encoding changes on the
        // dark ground of the mark.
        let shown: Vec<&[u8]> = after.chunks(picture).collect();
        let changed = |a: usize, b: usize| {
            let mark = |shown: &[u8]| shown.chunks(width).skip(height - 90).flat_map(|row| row[..200].to_vec()).collect::<Vec<u8>>();
            mark(shown[a]).iter().zip(mark(shown[b])).filter(|(x, y)| x.abs_diff(*y) > 60).count()
        };
        assert!(changed(0, shown.len() - 1) > 10, "the last second is another: {} pixels", changed(0, shown.len() - 1));

        // What it says of itself and of the original is so.
        assert!(bytes.ends_with(b"said"));
        assert_eq!(hashes.copy.bytes, bytes.len() as u64 - 28);
        let stated: Vec<_> = hashes.originals.iter().map(|fragment| (fragment.start_ms, fragment.chunks)).collect();
        let fragments: Vec<_> = export.not_hashed().fragments.iter().map(|fragment| (fragment.start_ms, fragment.chunks)).collect();
        assert_eq!(stated, fragments);
        let (told, heard) = std::sync::mpsc::channel();
        let mut whole = export.stated(4, move |hashes| {
            told.send(hashes.clone()).expect("heard");
            b"said".to_vec()
        });
        while whole.next().await.is_some() {}
        assert_eq!(heard.recv().expect("told").fragments, hashes.originals, "the same hashes as an unmarked export has");
        assert!(hashes.copy.fragments.iter().all(|fragment| !hashes.originals.iter().any(|original| original.sha256 == fragment.sha256)));
        recorded.supervisor.shutdown(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_copies_are_made_than_allowed_and_one_that_nobody_takes_makes_room() {
    let recorded = Recorded::of(Scene::tiny("LIMIT")).await;
    let export = recorded.export().await;
    let first = recorded.engine.mark(export.clone(), mark()).await.expect("there is room");
    assert_eq!(recorded.engine.transcoding().copies, 1);
    let refused = recorded.engine.mark(export.clone(), mark()).await.expect_err("one at a time");
    assert!(matches!(refused, TranscodeError::Limit { max: 1 }), "{refused}");
    drop(first);
    wait_for("room", || recorded.engine.transcoding().copies == 0).await;
    let (bytes, hashes) = copy(&recorded.engine, &export).await;
    assert!(!bytes.is_empty() && hashes.frames == export.frames());
    wait_for("room", || recorded.engine.transcoding().copies == 0).await;
    recorded.supervisor.shutdown(DEADLINE).await;
}

async fn whole(copy: PlayedCopy) -> Vec<u8> {
    let mut stream = copy.stream();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("made"));
    }
    bytes
}

/// Codec, width, height, and length in seconds, as ffprobe has them.
fn looked_at(path: &Path) -> (String, u32, u32, f64) {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=codec_name,width,height:format=duration",
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout).replace('\n', ",");
    let fields: Vec<&str> = text.split(',').collect();
    assert!(output.status.success() && fields.len() >= 4, "{text} {}", String::from_utf8_lossy(&output.stderr));
    let number = |at: usize| fields[at].parse().expect("a number");
    (fields[0].to_owned(), number(1), number(2), fields[3].parse().expect("seconds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn h265_is_watched_in_h264_from_the_recording_and_from_a_clip_by_as_many_as_allowed() {
    let recorded = Recorded::of(Scene { codec: Codec::H265, loop_s: 6, ..Scene::small("WATCH") }).await;
    let export = recorded.export().await;
    let mut clip = Vec::new();
    let mut stream = export.stated(4, |_| b"said".to_vec());
    while let Some(piece) = stream.next().await {
        clip.extend_from_slice(&piece.expect("readable"));
    }
    let clip = bytes::Bytes::from(clip);
    assert_eq!(codec_of_file(&clip), Some(Codec::H265));
    let (start_ms, seconds) = (export.start_ms(), export.duration_ms() as f64 / 1_000.0);

    let first = recorded.engine.h264_of(&export).await.expect("there is room");
    assert_eq!(recorded.engine.transcoding().played, 1);
    let refused = recorded.engine.h264_of_file(&clip, start_ms, export.duration_ms()).await.expect_err("one at a time");
    assert!(matches!(refused, TranscodeError::Limit { max: 1 }), "{refused}");
    let of_recording = whole(first).await;
    wait_for("room", || recorded.engine.transcoding().played == 0).await;
    let second = recorded.engine.h264_of_file(&clip, start_ms, export.duration_ms()).await.expect("there is room again");
    let of_clip = whole(second).await;
    for (name, bytes) in [("recording.mp4", of_recording), ("clip.mp4", of_clip)] {
        let path = recorded.file(name, &bytes);
        let (codec, width, height, length) = looked_at(&path);
        assert_eq!((codec.as_str(), width, height), ("h264", 704, 576), "{name}");
        assert!((length - seconds).abs() < 0.3, "{name}: {length} of {seconds} s");
        let pictures = times(&path).len() as f64 / seconds;
        assert!((9.0..=13.0).contains(&pictures), "{name}: {pictures} pictures a second");
    }

    // One that is not watched to its end makes room.
    wait_for("room", || recorded.engine.transcoding().played == 0).await;
    drop(recorded.engine.h264_of(&export).await.expect("there is room"));
    wait_for("room", || recorded.engine.transcoding().played == 0).await;
    let nothing = recorded.engine.h264_of_file(&bytes::Bytes::from_static(b"nothing"), 0, 1).await;
    assert!(nothing.is_err(), "what is no file of ours");
    recorded.supervisor.shutdown(DEADLINE).await;
}
