//! What is left after the worst: the process is killed in the middle of a recording.

use super::*;

/// Where the process that will be killed records to, and what: addresses with blanks between.
pub(super) const FOLDER: &str = "MEDIA_TEST_FOLDER";
pub(super) const SOURCES: &str = "MEDIA_TEST_SOURCES";
const CAMERA: Uuid = Uuid::from_u128(0x5eed);

fn spec_at(id: Uuid, url: &str) -> CameraSpec {
    CameraSpec {
        id,
        name: "killed".into(),
        source: SourceSpec::new(url.parse().expect("a URL")),
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        retention_days: None,
    }
}

/// A recorder as a process of its own.
pub(super) fn start_recorder(folder: &Path, urls: &str) -> std::process::Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "engine_tests::crash::a_recorder_that_will_be_killed"])
        .env(FOLDER, folder)
        .env(SOURCES, urls)
        .spawn()
        .expect("started")
}

/// Not a test of its own: what the other test starts as a process and kills. Records until then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by another test as a process of its own"]
async fn a_recorder_that_will_be_killed() {
    let (Ok(folder), Ok(urls)) = (std::env::var(FOLDER), std::env::var(SOURCES)) else { return };
    // It is to be killed with its file open, however long that takes to come.
    let config = EngineConfig { stall_ms: 600_000, ..quick(Path::new(&folder)) };
    let (engine, _supervisor, mut events) = start_engine(config);
    for (n, url) in urls.split(' ').enumerate() {
        engine.apply(spec_at(Uuid::from_u128(CAMERA.as_u128() + n as u128), url)).await;
    }
    while events.recv().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_all_but_the_open_fragment_is_there_and_the_hole_is_a_restart_gap() {
    let (server, _server_supervisor) = start_cameras(vec![scene("a")]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url("a").to_string();
    let mut recorder = start_recorder(folder.path(), &url);
    let camera = server.camera("a").expect("it is there");
    // Half-way through the third GOP of 25 frames the camera falls silent, so that what is complete by then is known.
    wait_for("62 frames", || camera.totals().frames >= 62).await;
    camera.set(Incident::Hang).await.expect("nothing to make");
    let on_disk = || crate::segment::recover::scan(folder.path(), false).expect("scanned").segments;
    let whole = || on_disk().first().map_or(0, |file| u64::from(file.segment.fragments));
    // A GOP is known to be whole when two frames of the next have come.
    wait_for("all whole GOPs on disk", || whole() * 25 + 27 > camera.totals().frames).await;
    recorder.kill().expect("SIGKILL");
    recorder.wait().expect("it is gone");
    let killed_ms = jiff::Timestamp::now().as_millisecond();

    let before = crate::segment::recover::scan(folder.path(), false).expect("scanned");
    let [left] = before.segments.as_slice() else { panic!("one file: {before:?}") };
    assert!(left.cut_bytes.is_some(), "it was not closed");
    let fragments = left.segment.fragments;
    let (_, packets, _) = ffprobe(&folder.path().join(&left.segment.path));
    assert_eq!(packets, u64::from(fragments) * 25, "whole GOPs, playable as they stand");
    camera.clear();

    // A shorter hole would not count as one.
    wait_for("a hole", || jiff::Timestamp::now().as_millisecond() > left.segment.end_ms + 1_500).await;
    let (engine, supervisor, mut events) = start_engine(quick(folder.path()));
    let first = tokio::time::timeout(DEADLINE, events.recv()).await.expect("in time").expect("told");
    let MediaEvent::SegmentClosed { segment: repaired, .. } = first else { panic!("{first:?}") };
    assert_eq!(repaired.fragments, fragments);
    assert!(SegmentFile::open(&folder.path().join(&repaired.path)).expect("ours").closed);
    engine.apply(spec_at(CAMERA, &url)).await;
    let gap = async {
        loop {
            if let MediaEvent::GapClosed { start_ms, end_ms, reason, .. } = events.recv().await.expect("told") {
                return (start_ms, end_ms, reason);
            }
        }
    };
    let (start_ms, end_ms, reason) = tokio::time::timeout(DEADLINE, gap).await.expect("in time");
    assert_eq!((start_ms, reason), (repaired.end_ms, GapReason::Restart));
    assert!(start_ms < killed_ms && end_ms > killed_ms);
    wait_for("a new segment", || engine.segments(CAMERA).len() == 2).await;
    let spans = engine.timeline(CAMERA, 0, i64::MAX);
    assert_eq!(spans.len(), 2, "the hole shows: {spans:?}");
    assert_eq!(spans[1].start_ms, end_ms);
    assert!(supervisor.shutdown(DEADLINE).await.is_empty());

    // Fragments are counted on, so that a live playlist never goes back.
    let segments = engine.segments(CAMERA);
    let newest = SegmentFile::open(&folder.path().join(&segments[1].path)).expect("ours");
    assert_eq!(newest.fragments[0].mark.sequence, u64::from(fragments));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_was_open_at_the_end_goes_on_with_its_reason_after_the_restart() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    house.camera("a").set(Incident::Unauthorized).await.expect("nothing to make");
    let opened = house.until("gap", |event| matches!(event, MediaEvent::GapOpened { reason: GapReason::Unauthorized, .. }));
    let MediaEvent::GapOpened { start_ms, .. } = opened.await else { unreachable!("a gap") };
    house.supervisor.shutdown(DEADLINE).await;
    house.camera("a").clear();

    let (engine, supervisor, events) = start_engine(quick(house.folder.path()));
    (house.engine, house.supervisor, house.events) = (engine, supervisor, events);
    house.engine.apply(spec).await;
    let closed = house.until("gap closed", |event| matches!(event, MediaEvent::GapClosed { .. })).await;
    let MediaEvent::GapClosed { start_ms: again_ms, reason, .. } = closed else { unreachable!("a gap") };
    assert_eq!((again_ms, reason), (start_ms, GapReason::Unauthorized));
    house.close().await;
}
