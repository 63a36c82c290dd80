//! The program and its cameras, and what a fault is held against.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use e2e::{Client, Program, until};
use media::Supervisor;
use media::virtual_camera::{FootageLibrary, Scene, SentFrame, SentTotals, VirtualCamera, VirtualCameraConfig, VirtualServer};
use serde_json::{Value, json};

use super::SLOW;

/// A gap begins and ends within this of the camera's own last and first picture, and of what the machine itself is late by.
const INTERVAL_MS: i64 = 2_000;
/// What a single picture lasts at most.
const PICTURE_MS: i64 = 100;
/// How often the machine's lateness is measured.
const TICK: Duration = Duration::from_millis(20);
/// From the end of a fault to the first picture on disk, where nothing is under way: the longest pause, and connecting.
pub(super) const NEXT_ATTEMPT_MS: i64 = 5_000;
/// The same where an attempt that nobody answers may be under way when the fault ends.
pub(super) const AFTER_TIME_OUT_MS: i64 = 13_000;
/// The same where the next attempt is the first, or somebody's order begins it.
pub(super) const AT_ONCE_MS: i64 = 3_000;

/// The program's time-outs, short enough that no fault takes long.
pub(super) const QUICK: &[(&str, &str)] = &[
    ("STALL_MS", "8000"),
    ("CONNECT_TIMEOUT_MS", "8000"),
    ("BACKOFF_MIN_MS", "300"),
    ("BACKOFF_MAX_MS", "1500"),
    ("UNAUTHORIZED_RETRY_MS", "3600000"),
    ("NOT_FOUND_RETRY_MS", "1500"),
    ("NO_KEY_FRAME_MS", "8000"),
    ("FRAGMENT_MS_MAX", "4000"),
];

/// The program with many cameras.
pub(super) struct Ward {
    program: Program,
    server: VirtualServer,
    root: Client,
    premises: String,
    late_ms: Arc<AtomicI64>,
}

/// A camera as the program has it, and as it really is.
pub(super) struct Watched {
    pub(super) id: String,
    pub(super) real: VirtualCamera,
    pub(super) root: Client,
    began: String,
    late_ms: Arc<AtomicI64>,
    /// What it had sent, and to how many viewers, before the program knew of it.
    before: SentTotals,
}

/// The most that a thread which sleeps for a moment has slept too long so far, milliseconds: on a machine that is busy
/// with other things nobody can do better. Ends when nobody asks any more.
pub(super) fn lateness() -> Arc<AtomicI64> {
    let late_ms = Arc::new(AtomicI64::new(0));
    let seen = Arc::downgrade(&late_ms);
    std::thread::spawn(move || {
        while let Some(late_ms) = seen.upgrade() {
            let began = Instant::now();
            std::thread::sleep(TICK);
            late_ms.fetch_max(i64::try_from((began.elapsed() - TICK).as_millis()).unwrap(), Ordering::Relaxed);
        }
    });
    late_ms
}

/// A gap on the timeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gap {
    pub(super) reason: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

/// A tiny camera at a path.
pub(super) fn tiny(path: &str) -> VirtualCameraConfig {
    VirtualCameraConfig { path: path.to_owned(), scene: Scene::tiny("FAULT"), log_frames_max: 20_000, ..VirtualCameraConfig::default() }
}

pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub(super) fn ms(text: &Value) -> i64 {
    text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

pub(super) async fn start_cameras(supervisor: &Supervisor, cameras: Vec<VirtualCameraConfig>) -> VirtualServer {
    let server = VirtualServer::start(([127, 0, 0, 1], 0).into(), cameras, FootageLibrary::standard(), supervisor).await.unwrap();
    server.ready().await.unwrap();
    server
}

impl Ward {
    /// Starts the program and the cameras; none is added yet.
    pub(super) async fn open(supervisor: &Supervisor, cameras: Vec<VirtualCameraConfig>) -> Self {
        let server = start_cameras(supervisor, cameras).await;
        let program = Program::start(None, QUICK).await;
        let root = program.sign_in("root").await;
        let (_, premises) = root.plant().await;
        Self { program, server, root, premises, late_ms: lateness() }
    }

    /// Adds a camera of this server to the program.
    pub(super) async fn add(&self, path: &str) -> Watched {
        self.add_of(&self.server, path, json!({})).await
    }

    /// Adds a camera of this server with more than its address.
    pub(super) async fn add_with(&self, path: &str, more: Value) -> Watched {
        self.add_of(&self.server, path, more).await
    }

    /// Adds a camera of any server, with more than its address.
    pub(super) async fn add_of(&self, server: &VirtualServer, path: &str, more: Value) -> Watched {
        let mut body = json!({"name": path, "premises_id": self.premises, "source_url": server.url(path).to_string()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let before = server.camera(path).unwrap().totals();
        let began = self.root.server_time().await;
        let id = self.root.made("/cameras", &body).await;
        Watched { id, before, real: server.camera(path).unwrap(), root: self.root.clone(), began, late_ms: self.late_ms.clone() }
    }

    /// Ends all faults and all recording.
    pub(super) async fn calm(&self) {
        let (_, cameras) = self.root.get("/cameras?limit=200").await;
        for camera in cameras["items"].as_array().unwrap().iter().filter(|camera| camera["enabled"] == true) {
            let path = format!("/cameras/{}", camera["id"].as_str().unwrap());
            let (status, answer) = self.root.patch(&path, &json!({"enabled": false, "version": camera["version"]})).await;
            assert_eq!(status, 200, "{answer}");
        }
        for (_, camera) in self.server.cameras() {
            camera.clear();
            until("nobody watches", SLOW, || async { (camera.totals().viewers == 0).then_some(()) }).await;
        }
    }

    /// A camera of this server that the program does not have yet.
    pub(super) fn camera(&self, path: &str) -> VirtualCamera {
        self.server.camera(path).unwrap()
    }

    /// The most memory that the program has had so far, kB.
    pub(super) fn peak_memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.process())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Stops everything in order; what is left is whole.
    pub(super) async fn close(mut self, supervisor: &Supervisor) {
        assert!(self.program.stop(), "it stops in order");
        let (code, said) = self.program.run(&["check"]);
        assert_eq!(code, Some(0), "{said}");
        supervisor.shutdown(Duration::from_secs(5)).await;
    }
}

/// Adds a camera to a program of its own.
pub(super) async fn add(program: &Program, server: &VirtualServer, path: &str) -> Watched {
    let root = program.sign_in("root").await;
    let began = root.server_time().await;
    let (_, known) = root.get("/premises").await;
    let premises = match known["items"][0]["id"].as_str() {
        Some(id) => id.to_owned(),
        None => root.plant().await.1,
    };
    let body = json!({"name": path, "premises_id": premises, "source_url": server.url(path).to_string()});
    let before = server.camera(path).unwrap().totals();
    let id = root.made("/cameras", &body).await;
    Watched { id, before, real: server.camera(path).unwrap(), root, began, late_ms: lateness() }
}

impl Watched {
    /// The same camera after the program was started again.
    pub(super) async fn seen_by(&self, program: &Program) -> Self {
        Self {
            id: self.id.clone(),
            real: self.real.clone(),
            root: program.sign_in("root").await,
            began: self.began.clone(),
            late_ms: self.late_ms.clone(),
            before: self.before,
        }
    }

    /// How far a gap may be from what the camera sent: the camera, the program and the test each are late by as much as the
    /// machine is.
    pub(super) fn within_ms(&self) -> i64 {
        INTERVAL_MS + 3 * self.late_ms.load(Ordering::Relaxed)
    }

    /// Frames that were sent since the program knows of it.
    pub(super) fn frames_sent(&self) -> i64 {
        i64::try_from(self.real.totals().frames - self.before.frames).unwrap()
    }

    /// Connections that came to see it since then.
    pub(super) fn viewings(&self) -> u64 {
        self.real.totals().viewings - self.before.viewings
    }

    pub(super) async fn state(&self) -> (String, String) {
        let (_, camera) = self.root.get(&format!("/cameras/{}", self.id)).await;
        let text = |name: &str| camera[name].as_str().unwrap_or_default().to_owned();
        (text("state"), text("state_reason"))
    }

    pub(super) async fn until_state(&self, state: &str, reason: &str) {
        let what = format!("{} is {state} because {reason}", self.real.config().path);
        until(&what, SLOW, || async { (self.state().await == (state.to_owned(), reason.to_owned())).then_some(()) }).await;
    }

    /// Changes what the program knows of the camera.
    pub(super) async fn change(&self, mut body: Value) {
        let (_, camera) = self.root.get(&format!("/cameras/{}", self.id)).await;
        body["version"] = camera["version"].clone();
        let (status, answer) = self.root.patch(&format!("/cameras/{}", self.id), &body).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(super) async fn until_offline(&self) {
        let what = format!("{} is offline", self.real.config().path);
        until(&what, SLOW, || async { (self.state().await.0 == "offline").then_some(()) }).await;
    }

    pub(super) async fn recording(&self) {
        self.until_state("recording", "none").await;
    }

    /// Waits until the camera has sent so many more frames.
    pub(super) async fn sends(&self, frames: u64) {
        let wanted = self.real.totals().frames + frames;
        until(&format!("{} sends {frames} frames", self.real.config().path), SLOW, || async {
            (self.real.totals().frames >= wanted).then_some(())
        })
        .await;
    }

    pub(super) async fn timeline(&self) -> Value {
        self.timeline_until(now_ms() + 60_000).await
    }

    async fn timeline_until(&self, end_ms: i64) -> Value {
        let end = jiff::Timestamp::from_millisecond(end_ms).unwrap();
        let (status, timeline) = self.root.get(&format!("/cameras/{}/timeline?start={}&end={end}", self.id, self.began)).await;
        assert_eq!(status, 200, "{timeline}");
        timeline
    }

    pub(super) async fn gaps(&self) -> Vec<Gap> {
        self.gaps_until(now_ms() + 60_000).await
    }

    /// The same for a program whose clock is ahead.
    pub(super) async fn gaps_until(&self, end_ms: i64) -> Vec<Gap> {
        let timeline = self.timeline_until(end_ms).await;
        let gap =
            |gap: &Value| Gap { reason: gap["reason"].as_str().unwrap().to_owned(), start_ms: ms(&gap["start"]), end_ms: ms(&gap["end"]) };
        timeline["gaps"].as_array().unwrap().iter().map(gap).collect()
    }

    /// First and last instant that is recorded.
    pub(super) async fn recorded(&self) -> (String, String) {
        let timeline = self.timeline().await;
        let spans = timeline["segments"].as_array().unwrap();
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { panic!("nothing is recorded: {timeline}") };
        (first["start"].as_str().unwrap().to_owned(), last["end"].as_str().unwrap().to_owned())
    }

    /// The kinds of all alerts of this camera.
    pub(super) async fn alerts(&self) -> Vec<String> {
        let (_, alerts) = self.root.get(&format!("/alerts?camera_id={}", self.id)).await;
        alerts["items"].as_array().unwrap().iter().map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The last frame that left before `at_ms`.
    pub(super) fn last_before(&self, at_ms: i64) -> SentFrame {
        self.real.sent().into_iter().rfind(|frame| frame.sent_ms <= at_ms).unwrap()
    }

    /// Of the frames that left after `at_ms` first of their viewing, the one that left closest to `near_ms`.
    pub(super) fn first_after(&self, at_ms: i64, near_ms: i64) -> SentFrame {
        let mut seen = 0;
        let mut firsts: Vec<SentFrame> = self.real.sent().into_iter().filter(|frame| frame.sent_ms > at_ms).collect();
        firsts.retain(|frame| std::mem::replace(&mut seen, frame.viewing) != frame.viewing);
        firsts.into_iter().min_by_key(|frame| (frame.sent_ms - near_ms).abs()).unwrap()
    }

    /// What a gap from the camera's last picture before `began_ms` to its first after `ended_ms` must look like: these
    /// reasons one after the other, no alert but that of the lost signal, and recording again within `recovery_ms`. Says how
    /// long it took to come back.
    pub(super) async fn left_gap(&self, reasons: &[&str], (began_ms, ended_ms): (i64, i64), recovery_ms: i64) -> String {
        self.recording().await;
        // Closed once the first pictures are on disk.
        let gaps = until("the gap is closed", SLOW, || async {
            let gaps = self.gaps().await;
            gaps.last().is_some_and(|gap| gap.end_ms < now_ms() - INTERVAL_MS).then_some(gaps)
        })
        .await;
        let mut names: Vec<&str> = gaps.iter().map(|gap| gap.reason.as_str()).collect();
        names.dedup();
        assert_eq!(names, reasons, "{gaps:?}");
        // Garbage may look like a picture for once: then there are two gaps for one reason.
        let follows = |pair: &[Gap]| match pair[1].start_ms - pair[0].end_ms {
            0 => true,
            between_ms => pair[0].reason == pair[1].reason && (0..=PICTURE_MS).contains(&between_ms),
        };
        assert!(gaps.windows(2).all(follows), "one follows the other: {gaps:?}");
        let (start_ms, end_ms) = (gaps[0].start_ms, gaps[gaps.len() - 1].end_ms);
        let (last, first) = (self.last_before(began_ms), self.first_after(ended_ms, end_ms));
        let (early_ms, late_ms) = (start_ms - last.sent_ms, end_ms - first.sent_ms);
        let within_ms = self.within_ms();
        assert!(early_ms.abs() <= within_ms, "the gap begins {early_ms} ms after the last picture: {gaps:?}");
        assert!(late_ms.abs() <= within_ms, "the gap ends {late_ms} ms after the first picture: {gaps:?}");
        let back_ms = self.back_in_time(ended_ms, end_ms, recovery_ms);
        self.no_other_alert().await;
        let missing_ms = end_ms - start_ms;
        let reasons = reasons.join(", ");
        format!("{reasons}: {missing_ms} ms missing ({early_ms:+} and {late_ms:+} ms off), back after {back_ms} of {recovery_ms} ms")
    }

    /// From the end of a fault to the end of its gap, which must not be longer than the case allows, and than what the machine
    /// is late by.
    pub(super) fn back_in_time(&self, ended_ms: i64, gap_end_ms: i64, recovery_ms: i64) -> i64 {
        let back_ms = gap_end_ms - ended_ms;
        let allowed_ms = recovery_ms + self.within_ms() - INTERVAL_MS;
        assert!(back_ms <= allowed_ms, "{} is back after {back_ms} ms, {allowed_ms} are allowed", self.real.config().path);
        back_ms
    }

    /// No alert but that of a lost signal, which a busy machine may make of a pause that is otherwise too short.
    pub(super) async fn no_other_alert(&self) {
        let alerts = self.alerts().await;
        assert!(alerts.iter().all(|kind| kind == "signal_lost"), "{alerts:?}");
    }

    /// Everything is recorded without a gap or an alert. Gives first and last instant.
    pub(super) async fn left_nothing(&self) -> (String, String) {
        assert_eq!(self.gaps().await, []);
        assert_eq!(self.alerts().await, [""; 0]);
        self.recorded().await
    }

    /// The recording of a stretch as one file.
    pub(super) async fn export(&self, (start, end): &(String, String)) -> tempfile::NamedTempFile {
        let (status, _, bytes) = self.root.bytes(&format!("/cameras/{}/recording.mp4?start={start}&end={end}", self.id)).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }
}
