//! The program itself: killed, stopped, starved, and its analysis process likewise.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use e2e::{Client, Program, decodes_cleanly, probe, until};
use media::Supervisor;
use media::virtual_camera::VirtualServer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::SLOW;
use super::ward::{NEXT_ATTEMPT_MS, QUICK, lateness, ms, start_cameras, tiny};

/// Cameras that are recorded meanwhile.
const CAMERAS: usize = 6;
/// Kills in `make test`; `make soak` does the fifty.
const KILLS: usize = 5;
const KILLS_SOAK: usize = 50;
/// The open fragment: a group of pictures of two seconds, with what a busy machine is behind by.
const LOST_MS_MAX: i64 = 6_000;
/// The same in frames: a group of 25, a chunk that waits for the frame after its end, and what is on the way.
const LOST_FRAMES_MAX: usize = 40;
/// Frames at each end of a recorded stretch that may be counted to either side: arrival is later than sending.
const EDGE_FRAMES: usize = 8;

/// From the death of an analysis process to the next picture it is asked for: the pause before another is started, and what
/// that one takes to begin.
const ANALYSIS_BACK: Duration = Duration::from_secs(20);
/// The same where it hangs, which shows after the four seconds that a job may take here.
const ANALYSIS_BACK_FROM_HANG: Duration = Duration::from_secs(30);

/// A program that records several cameras.
struct Loaded {
    supervisor: Supervisor,
    server: VirtualServer,
    program: Program,
    cameras: Vec<String>,
    late_ms: Arc<AtomicI64>,
}

impl Loaded {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let supervisor = Supervisor::new();
        let names: Vec<String> = (0..CAMERAS).map(|n| format!("load-{n}")).collect();
        let server = start_cameras(&supervisor, names.iter().map(|name| tiny(name)).collect()).await;
        let program = Program::start(None, &[QUICK, settings].concat()).await;
        let root = program.sign_in("root").await;
        let (_, premises) = root.plant().await;
        let mut cameras = Vec::new();
        for name in &names {
            let body = json!({"name": name, "premises_id": premises, "source_url": server.url(name).to_string()});
            cameras.push(root.made("/cameras", &body).await);
        }
        let loaded = Self { supervisor, server, program, cameras, late_ms: lateness() };
        loaded.all_record(&root).await;
        loaded
    }

    async fn all_record(&self, root: &Client) {
        for camera in &self.cameras {
            until("it records", SLOW, || async { (root.get(&format!("/cameras/{camera}")).await.1["state"] == "recording").then_some(()) })
                .await;
        }
    }

    /// Waits until every camera has sent so many more frames.
    async fn record(&self, frames: u64) {
        for (_, camera) in self.server.cameras() {
            let wanted = camera.totals().frames + frames;
            until("frames are sent", SLOW, || async { (camera.totals().frames >= wanted).then_some(()) }).await;
        }
    }

    fn check(&self) {
        let (code, said) = self.program.run(&["check"]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// A program that serves again records again with its next attempt: the pause between the two, which is what the machine is
    /// late by at most longer than it should be.
    fn back_in_time(&self, serving_ms: i64, gap_end_ms: i64) -> i64 {
        let (back_ms, late_ms) = (gap_end_ms - serving_ms, 3 * self.late_ms.load(Ordering::Relaxed));
        assert!(back_ms <= NEXT_ATTEMPT_MS + late_ms, "recorded {back_ms} ms after it served again; the machine is {late_ms} ms late");
        back_ms
    }

    async fn close(mut self) {
        assert!(self.program.stop(), "it stops in order");
        self.check();
        self.supervisor.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_the_open_fragment_at_most() {
    kill_again_and_again(KILLS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "an hour's worth of kills: make soak"]
async fn killed_fifty_times_it_loses_the_open_fragment_at_most() {
    kill_again_and_again(KILLS_SOAK).await;
}

async fn kill_again_and_again(times: usize) {
    let mut loaded = Loaded::open(&[]).await;
    let began = loaded.program.sign_in("root").await.server_time().await;
    let (mut kills_ms, mut serving_ms) = (Vec::new(), Vec::new());
    for round in 0..times {
        // Some fragments, and then any moment between two of them.
        loaded.record(50 + u64::try_from(round * 7 % 26).unwrap()).await;
        kills_ms.push(super::ward::now_ms());
        loaded.program.kill();
        // What is on disk at this moment is whole but for its tail, and the start mends that.
        loaded.check();
        loaded.program.serve().await;
        serving_ms.push(super::ward::now_ms());
        loaded.check();
        let root = loaded.program.sign_in("root").await;
        loaded.all_record(&root).await;
    }
    loaded.record(60).await;
    let root = loaded.program.sign_in("root").await;
    let now = root.server_time().await;
    let mut worst_ms = 0;
    let (mut worst_frames, mut worst_back_ms) = (0, 0);
    for (number, camera) in loaded.cameras.iter().enumerate() {
        let sent = loaded.server.camera(&format!("load-{number}")).unwrap().sent();
        let between = |from_ms: i64, to_ms: i64| sent.iter().filter(|frame| (from_ms..to_ms).contains(&frame.sent_ms)).count();
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={began}&end={now}")).await;
        let gaps: Vec<(i64, i64)> = timeline["gaps"].as_array().unwrap().iter().map(|gap| (ms(&gap["start"]), ms(&gap["end"]))).collect();
        assert!(timeline["gaps"].as_array().unwrap().iter().all(|gap| gap["reason"] == "restart"), "{timeline}");
        assert_eq!(gaps.len(), times, "a gap a kill: {timeline}");
        for ((gap, kill_ms), serving_ms) in gaps.iter().zip(&kills_ms).zip(&serving_ms) {
            worst_back_ms = worst_back_ms.max(loaded.back_in_time(*serving_ms, gap.1));
            let lost_ms = kill_ms - gap.0;
            assert!((-500..=LOST_MS_MAX).contains(&lost_ms), "{lost_ms} ms before the kill are lost: {timeline}");
            worst_ms = worst_ms.max(lost_ms);
            let lost = between(gap.0, *kill_ms);
            assert!(lost <= LOST_FRAMES_MAX, "{lost} frames before the kill are lost, more than an open fragment: {timeline}");
            worst_frames = worst_frames.max(lost);
        }
        let (first, last) = (&timeline["segments"][0]["start"], &timeline["segments"].as_array().unwrap().last().unwrap()["end"]);
        let file = exported(&root, camera, first.as_str().unwrap(), last.as_str().unwrap()).await;
        decodes_cleanly(file.path());
        // Every frame that was sent while it recorded is there.
        let spans = timeline["segments"].as_array().unwrap();
        let wanted: usize = spans.iter().map(|span| between(ms(&span["start"]), ms(&span["end"]))).sum();
        let kept = usize::try_from(probe(file.path()).frames).unwrap();
        assert!(kept + EDGE_FRAMES * spans.len() >= wanted && kept <= sent.len(), "{kept} of {wanted} frames are there: {timeline}");
    }
    eprintln!(
        "{times} kills of {CAMERAS} cameras: at most {worst_ms} ms and {worst_frames} frames before a kill were lost; recorded again at most {worst_back_ms} ms after it served"
    );
    loaded.close().await;
}

async fn exported(root: &Client, camera: &str, start: &str, end: &str) -> tempfile::NamedTempFile {
    let (status, _, bytes) = root.bytes(&format!("/cameras/{camera}/recording.mp4?start={start}&end={end}")).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_the_analysis_and_the_viewers_recording_goes_on_and_the_end_is_in_order() {
    let mut loaded = Loaded::open(&[("ANALYSIS_JOB_MS", "4000")]).await;
    let root = loaded.program.sign_in("root").await;
    let began = root.server_time().await;
    let still =
        async || -> Option<()> { (root.bytes(&format!("/cameras/{}/snapshot.jpg", loaded.cameras[0])).await.0 == 200).then_some(()) };
    until("a picture", SLOW, &still).await;

    // Somebody who reads one byte a second, and somebody who reads nothing, of all that is recorded and of what is live.
    loaded.record(50).await;
    let slow = slow_viewers(&loaded, &root, &began).await;

    let first = until("an analysis process", SLOW, || async { analysis(&loaded.program) }).await;
    signal(first, "-KILL");
    let second = until("another analysis process", SLOW, || async { analysis(&loaded.program).filter(|id| *id != first) }).await;
    until("a picture after a kill", ANALYSIS_BACK, &still).await;
    signal(second, "-STOP");
    let third = until("a third analysis process", ANALYSIS_BACK_FROM_HANG, || async {
        // Somebody must ask for a picture, or for a look, for the hang to show.
        let _unanswered = still().await;
        analysis(&loaded.program).filter(|id| *id != second)
    })
    .await;
    until("a picture after a hang", ANALYSIS_BACK, &still).await;
    assert_ne!(third, first);

    loaded.record(50).await;
    nothing_missing(&loaded, &root, &began).await;
    drop(slow);
    // SIGTERM while all of that goes on: the files are closed, and nothing was lost up to it.
    let slow = slow_viewers(&loaded, &root, &began).await;
    let asked_ms = super::ward::now_ms();
    assert!(loaded.program.stop(), "it stops in order");
    drop(slow);
    loaded.check();
    loaded.program.serve().await;
    let serving_ms = super::ward::now_ms();
    let root = loaded.program.sign_in("root").await;
    loaded.all_record(&root).await;
    loaded.record(60).await;
    let now = root.server_time().await;
    for camera in &loaded.cameras {
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={began}&end={now}")).await;
        let gaps = timeline["gaps"].as_array().unwrap();
        assert_eq!(gaps.iter().map(|gap| gap["reason"].as_str().unwrap()).collect::<Vec<_>>(), ["restart"], "{timeline}");
        assert!(ms(&gaps[0]["start"]) >= asked_ms - 1_000, "it recorded until it was asked to stop: {timeline}");
        loaded.back_in_time(serving_ms, ms(&gaps[0]["end"]));
    }
    loaded.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_that_has_too_little_memory_costs_pictures_and_nothing_else() {
    let loaded = Loaded::open(&[("ANALYSIS_MEMORY_BYTES", "25165824")]).await;
    let root = loaded.program.sign_in("root").await;
    let began = root.server_time().await;
    for camera in &loaded.cameras {
        let (status, _, _) = root.bytes(&format!("/cameras/{camera}/snapshot.jpg")).await;
        assert!(status >= 400, "24 MB are not enough for a picture");
    }
    loaded.record(60).await;
    nothing_missing(&loaded, &root, &began).await;
    loaded.close().await;
}

async fn nothing_missing(loaded: &Loaded, root: &Client, began: &str) {
    let now = root.server_time().await;
    for camera in &loaded.cameras {
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={began}&end={now}")).await;
        assert_eq!(timeline["gaps"], json!([]), "{timeline}");
    }
    let (_, alerts) = root.get("/alerts").await;
    assert_eq!(alerts["items"], json!([]));
}

/// Connections that asked for much and take next to nothing of it.
async fn slow_viewers(loaded: &Loaded, root: &Client, began: &str) -> Vec<tokio::net::TcpStream> {
    let now = root.server_time().await;
    let camera = &loaded.cameras[0];
    let mut viewers = Vec::new();
    for path in
        [format!("recording.mp4?start={began}&end={now}"), "live/index.m3u8".to_owned(), format!("recording.mp4?start={began}&end={now}")]
    {
        let mut stream = tokio::net::TcpStream::connect(&loaded.program.address).await.unwrap();
        let token = root.token.as_deref().unwrap();
        let request = format!("GET /api/v1/cameras/{camera}/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // One byte: enough to know that it is being answered.
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        viewers.push(stream);
    }
    viewers
}

/// The analysis process of a program, one of its children.
fn analysis(program: &Program) -> Option<u32> {
    let parent = program.process();
    let children = Command::new("ps").args(["-o", "pid=,args=", "--ppid", &parent.to_string()]).output().unwrap();
    let text = String::from_utf8_lossy(&children.stdout).into_owned();
    text.lines()
        .find(|line| line.contains("analyse") && !line.contains("defunct"))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}
