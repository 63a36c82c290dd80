//! The analysis process as it really runs: real footage in, stills and findings out, and faults that it must survive.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::virtual_camera::footage::{Footage, Frame};
use media::virtual_camera::{FootageLibrary, Picture, Scene};
use media::{
    Analyser, AnalysisConfig, AnalysisFeed, Codec, DiagnosisKind, DiagnosisSettings, KeyFrame, MediaEvent, Phase, StillError, Supervisor,
    SystemClock,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

const CAMERA: Uuid = Uuid::from_u128(0xCA);
const DEADLINE: Duration = Duration::from_secs(60);

struct Rig {
    analyser: Analyser,
    feed: AnalysisFeed,
    events: mpsc::Receiver<MediaEvent>,
    supervisor: Supervisor,
    _memory: TempDir,
}

fn rig(change: impl FnOnce(&mut AnalysisConfig)) -> Rig {
    let memory = tempfile::tempdir().expect("a folder");
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_media-analyse")));
    // A picture takes milliseconds, and seconds where the machine is busy with other things.
    let mut config = AnalysisConfig { program, job_ms: 30_000, ..AnalysisConfig::default() };
    change(&mut config);
    let (feed, supervisor) = (AnalysisFeed::new(), Supervisor::new());
    let (sender, events) = mpsc::channel(100);
    let clock = Arc::new(SystemClock::new());
    let analyser = Analyser::start(config, feed.clone(), memory.path().to_owned(), sender, &supervisor, clock);
    Rig { analyser, feed, events, supervisor, _memory: memory }
}

impl Rig {
    /// The id of the running process, once there is one other than `not`.
    async fn process(&self, not: Option<u32>) -> u32 {
        let started = Instant::now();
        loop {
            if let Some(id) = self.analyser.status().processes.first().copied().filter(|id| Some(*id) != not) {
                return id;
            }
            assert!(started.elapsed() < DEADLINE, "no analysis process: {:?}", self.analyser.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Plays footage round and round, faster than it was filmed, until a finding comes.
    async fn play_until(&mut self, footage: &Footage, wanted: (DiagnosisKind, Phase)) -> Option<Vec<u8>> {
        let mut pace = tokio::time::interval(Duration::from_millis(40));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        for frame in footage.frames.iter().cycle() {
            tokio::select! {
                _ = pace.tick() => give(&self.feed, footage, frame),
                event = self.events.recv() => {
                    let Some(MediaEvent::Diagnosis { kind, phase, still_jpeg, .. }) = event else { panic!("{event:?}") };
                    assert_eq!((kind, phase), wanted);
                    return still_jpeg;
                }
                () = tokio::time::sleep_until(deadline) => panic!("no {wanted:?}: {:?}", self.analyser.status()),
            }
        }
        None
    }

    async fn play_for(&mut self, footage: &Footage, duration: Duration) {
        let mut pace = tokio::time::interval(Duration::from_millis(40));
        let until = Instant::now() + duration;
        for frame in footage.frames.iter().cycle() {
            if Instant::now() >= until {
                return;
            }
            pace.tick().await;
            give(&self.feed, footage, frame);
        }
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292277026")
}

fn give(feed: &AnalysisFeed, footage: &Footage, frame: &Frame) {
    if frame.key {
        feed.key_frame(key_frame(footage, frame));
    } else {
        feed.frame(CAMERA, now_ms(), u32::try_from(frame.len()).expect("small"));
    }
}

fn key_frame(footage: &Footage, frame: &Frame) -> KeyFrame {
    let data: Vec<u8> =
        frame.nals.iter().flat_map(|nal| [&u32::try_from(nal.len()).expect("small").to_be_bytes()[..], nal].concat()).collect();
    KeyFrame {
        camera: CAMERA,
        codec: footage.codec,
        config: Bytes::new(),
        width: footage.width,
        height: footage.height,
        wall_ms: now_ms(),
        data: data.into(),
    }
}

fn footage(codec: Codec, picture: Picture) -> Arc<Footage> {
    media::init().expect("GStreamer");
    let scene = Scene { codec, key_frame_interval_ms: 480, ..Scene::tiny("EYES") };
    FootageLibrary::standard().get(&scene, picture).expect("footage")
}

fn first_key(codec: Codec) -> KeyFrame {
    let footage = footage(codec, Picture::Normal);
    key_frame(&footage, &footage.frames[0])
}

fn signal(process: u32, name: &str) {
    let done = Command::new("kill").args([name, &process.to_string()]).status().expect("kill runs");
    assert!(done.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn key_frames_of_both_codecs_become_pictures() {
    let rig = rig(|_| {});
    for codec in [Codec::H264, Codec::H265] {
        // Twice: the second goes through a decoder that has been used.
        for width_max in [None, Some(160)] {
            let key = first_key(codec);
            let still = rig.analyser.decode_still(key.clone(), width_max).await.expect("a picture");
            let picture = image::load_from_memory(&still.jpeg).expect("a JPEG").to_luma8();
            let width = width_max.unwrap_or(320);
            assert_eq!((picture.width(), picture.height(), still.at_ms), (width, width * 3 / 4, key.wall_ms));
            let lumas: Vec<f64> = picture.pixels().map(|pixel| f64::from(pixel.0[0])).collect();
            let mean = lumas.iter().sum::<f64>() / lumas.len() as f64;
            let spread = lumas.iter().map(|luma| (luma - mean).abs()).sum::<f64>() / lumas.len() as f64;
            assert!((60.0..180.0).contains(&mean) && spread > 20.0, "{codec:?}: mean {mean}, spread {spread}");
        }
    }
    assert_eq!(rig.analyser.status().starts, 1, "no picture cost a process");
    assert!(rig.supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_and_the_next_picture_is_decoded() {
    let rig = rig(|_| {});
    let good = first_key(Codec::H264);
    let mut noise = good.clone();
    noise.data = [&2_000_u32.to_be_bytes()[..], &(0..2_000_u32).map(|n| ((n * n) >> 3) as u8).collect::<Vec<u8>>()].concat().into();
    let mut cut = good.clone();
    cut.data = cut.data.slice(..cut.data.len() / 2);
    let huge = KeyFrame { width: 100_000, height: 100_000, ..good.clone() };
    for (name, bad) in [("noise", noise), ("cut", cut), ("huge", huge)] {
        let refused = rig.analyser.decode_still(bad, None).await;
        assert!(matches!(refused, Err(StillError::BadPicture(_))), "{name}: {refused:?}");
        rig.analyser.decode_still(good.clone(), None).await.expect("the next picture");
    }
    assert_eq!(rig.analyser.status().starts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_a_hung_process_are_replaced() {
    let rig = rig(|config| config.job_ms = 6_000);
    let first = rig.process(None).await;
    signal(first, "-KILL");
    let key = first_key(Codec::H264);
    let lost = rig.analyser.decode_still(key.clone(), None).await;
    assert!(matches!(lost, Err(StillError::Unavailable(_)) | Ok(_)), "{lost:?}");
    let second = rig.process(Some(first)).await;
    rig.analyser.decode_still(key.clone(), None).await.expect("by the second process");

    signal(second, "-STOP");
    let hung = rig.analyser.decode_still(key.clone(), None).await;
    assert!(matches!(&hung, Err(StillError::Unavailable(why)) if why.contains("6000 ms")), "{hung:?}");
    rig.process(Some(second)).await;
    rig.analyser.decode_still(key, None).await.expect("by the third process");
    let gone = Command::new("kill").args(["-0", &second.to_string()]).output().expect("kill runs");
    assert!(!gone.status.success(), "the hung process was killed and taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_needs_too_much_memory_dies_alone() {
    let rig = rig(|config| config.memory_bytes = 24 * 1024 * 1024);
    let failed = rig.analyser.decode_still(first_key(Codec::H264), None).await;
    assert!(failed.is_err(), "24 MB is not enough to decode: {failed:?}");
    rig.process(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_program_there_are_no_pictures_and_nothing_breaks() {
    let mut rig = rig(|config| config.program = None);
    rig.analyser.watch(CAMERA, DiagnosisSettings::default(), None).await;
    let refused = rig.analyser.decode_still(first_key(Codec::H264), None).await;
    assert!(matches!(refused, Err(StillError::Unavailable(_))));
    let normal = footage(Codec::H264, Picture::Normal);
    rig.play_for(&normal, Duration::from_millis(500)).await;
    assert_eq!(rig.analyser.status().looks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_camera_is_found_with_its_picture_and_cleared_although_the_process_is_killed_meanwhile() {
    let mut rig = rig(|_| {});
    let mut settings = DiagnosisSettings::default();
    settings.black.duration_ms = 2_000;
    settings.black.clear_ms = 500;
    rig.analyser.watch(CAMERA, settings, None).await;
    let (normal, black) = (footage(Codec::H264, Picture::Normal), footage(Codec::H264, Picture::Black));
    rig.play_for(&normal, Duration::from_secs(4)).await;
    let still = rig.play_until(&black, (DiagnosisKind::Black, Phase::Raised)).await.expect("a still");
    let picture = image::load_from_memory(&still).expect("a JPEG").to_luma8();
    let dark = picture.pixels().filter(|pixel| pixel.0[0] < 40).count();
    assert!(dark * 10 > picture.pixels().len() * 8, "the still shows what was found");
    assert_eq!(rig.analyser.raised(CAMERA), Some(DiagnosisKind::Black));

    let process = rig.process(None).await;
    signal(process, "-KILL");
    let no_still = rig.play_until(&normal, (DiagnosisKind::Black, Phase::Cleared)).await;
    assert_eq!(no_still, None);
    assert_ne!(rig.process(None).await, process);
    assert!(rig.supervisor.shutdown(Duration::from_secs(5)).await.is_empty());
}
