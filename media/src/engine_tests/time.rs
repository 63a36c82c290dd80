//! Time that jumps, streams that are scripted frame by frame, and cameras that all connect at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::clock::{Clock, SimulatedClock};
use crate::source::{AccessUnit, Opener, Source, SourceError, SourceItem, StreamParameters};
use crate::virtual_camera::Picture;

const START_MS: i64 = 1_767_225_600_000;

/// Real pictures of the virtual camera, given one by one by the test.
struct Script {
    items: mpsc::Receiver<SourceItem>,
}

impl Source for Script {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        async {
            let ended = || SourceError::new(StateReason::Closed, "the script is over");
            self.items.recv().await.ok_or_else(ended)
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}

/// Gives the script to the first who asks; later ones are refused.
#[derive(Debug)]
struct OneScript(Mutex<Option<mpsc::Receiver<SourceItem>>>);

impl Opener for OneScript {
    fn open(&self, _spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        let items = self.0.lock().expect("not poisoned").take();
        let opened = items.map(|items| Box::new(Script { items }) as Box<dyn Source>);
        futures::future::ready(opened.ok_or_else(|| SourceError::new(StateReason::Refused, "given already"))).boxed()
    }
}

fn avc_config(sets: &[Bytes]) -> Bytes {
    let (sps, pps) = (&sets[0], &sets[1]);
    let len = |set: &Bytes| u16::try_from(set.len()).expect("short").to_be_bytes();
    [&[1, sps[1], sps[2], sps[3], 0xff, 0xe1][..], &len(sps), sps, &[1], &len(pps), pps].concat().into()
}

fn with_lengths(nals: &[Bytes]) -> Bytes {
    let prefixed = nals.iter().map(|nal| {
        let len = u32::try_from(nal.len()).expect("short").to_be_bytes();
        [&len[..], nal].concat()
    });
    prefixed.collect::<Vec<_>>().concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stepped_clock_begins_a_new_segment_and_epoch_at_the_next_key_frame() {
    let library = FootageLibrary::standard();
    let footage = tokio::task::spawn_blocking(move || library.get(&Scene::tiny("TEST"), Picture::Normal).expect("footage"));
    let footage = footage.await.expect("no panic");
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(SimulatedClock::new(START_MS));
    let (script, items) = mpsc::channel(1_000);
    let parts = EngineParts { opener: Some(Arc::new(OneScript(Mutex::new(Some(items))))), ..EngineParts::default() };
    let supervisor = Supervisor::new();
    let (engine, _events) = Engine::start_with(quick(folder.path()), &supervisor, clock.clone(), parts).expect("the engine starts");
    let url = "rtsp://10.0.0.1/".parse().expect("a URL");
    let spec = CameraSpec {
        id: Uuid::from_u128(7),
        name: "scripted".into(),
        source: SourceSpec::new(url),
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        retention_days: None,
    };
    engine.apply(spec.clone()).await;

    let config = avc_config(&footage.parameter_sets());
    let parameters = StreamParameters { codec: Codec::H264, config, width: footage.width, height: footage.height };
    script.send(SourceItem::Parameters(parameters)).await.expect("taken");
    let frame_ms = 80;
    for (n, frame) in footage.frames.iter().take(75).enumerate() {
        if n == 30 {
            // An hour back, as when the battery of the machine's clock had died and the network came.
            clock.step_wall(-3_600_000);
        }
        let unit = AccessUnit {
            data: with_lengths(&frame.nals),
            pts_ns: i64::try_from(n).expect("few") * frame_ms * 1_000_000,
            is_key: frame.key,
            lost: 0,
            wall_ms: clock.wall_ms(),
            monotonic: clock.monotonic(),
        };
        script.send(SourceItem::AccessUnit(unit)).await.expect("taken");
        clock.advance(Duration::from_millis(frame_ms.unsigned_abs()));
    }
    drop(script);
    wait_for("two closed segments", || {
        let segments = engine.segments(spec.id);
        segments.len() == 2
            && segments.iter().all(|segment| SegmentFile::open(&folder.path().join(&segment.path)).is_ok_and(|file| file.closed))
    })
    .await;
    supervisor.shutdown(DEADLINE).await;
    let mut segments = engine.segments(spec.id);
    segments.sort_by_key(|segment| segment.epoch);
    // GOPs of 25 frames: the step falls into the second, the third begins the new epoch.
    assert_eq!((segments[0].epoch, segments[0].start_ms, segments[0].fragments), (0, START_MS, 2));
    assert_eq!((segments[1].epoch, segments[1].fragments), (1, 1));
    assert_eq!(segments[1].start_ms, START_MS + 50 * frame_ms - 3_600_000);
    for segment in &segments {
        assert_decodes(&folder.path().join(&segment.path));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_the_streams_time_is_bridged_and_marked() {
    let house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_sent("a", 30).await;
    house.camera("a").set(Incident::RtpTimeJump { ms: 3_600_000 }).await.expect("nothing to make");
    house.until_sent("a", 110).await;
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    let [segment] = segments.as_slice() else { panic!("one segment: {segments:?}") };
    let path = folder.path().join(&segment.path);
    let file = SegmentFile::open(&path).expect("ours");
    let marked: Vec<bool> = file.fragments.iter().map(|entry| entry.mark.discontinuity).collect();
    assert_eq!(marked.iter().filter(|marked| **marked).count(), 2, "the first and the one after the jump: {marked:?}");
    let (_, _, duration_s) = ffprobe(&path);
    assert!((4.0..30.0).contains(&duration_s), "{duration_s} s");
    assert_decodes(&path);
}

/// Never opens; counts who tries at the same time.
#[derive(Debug, Default)]
struct Crowd {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    tried: Arc<AtomicUsize>,
}

impl Opener for Crowd {
    fn open(&self, _spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        let (now, most, tried) = (self.now.clone(), self.most.clone(), self.tried.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            tried.fetch_add(1, Ordering::SeqCst);
            Err(SourceError::new(StateReason::Timeout, "nobody there"))
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_take_turns_to_connect() {
    let folder = tempfile::tempdir().expect("a folder");
    let crowd = Crowd::default();
    let (most, tried) = (crowd.most.clone(), crowd.tried.clone());
    let config = EngineConfig { connect_limit: 5, ..quick(folder.path()) };
    let parts = EngineParts { opener: Some(Arc::new(crowd)), ..EngineParts::default() };
    let supervisor = Supervisor::new();
    let (engine, _events) = Engine::start_with(config, &supervisor, Arc::new(SystemClock::new()), parts).expect("the engine starts");
    for n in 0..40 {
        let url = "rtsp://10.0.0.1/".parse().expect("a URL");
        engine
            .apply(CameraSpec {
                id: Uuid::from_u128(n),
                name: format!("camera {n}"),
                source: SourceSpec::new(url),
                sub: None,
                enabled: true,
                armed_hours: None,
                diagnosis: DiagnosisSettings::default(),
                retention_days: None,
            })
            .await;
    }
    wait_for("all tried", || tried.load(Ordering::SeqCst) >= 40).await;
    assert_eq!(most.load(Ordering::SeqCst), 5);
    assert!(supervisor.shutdown(DEADLINE).await.is_empty());
}
