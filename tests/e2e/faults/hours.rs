//! What takes an hour: a login that stays refused, and a camera that comes back. Debian's `faketime` moves both clocks of the
//! program ahead, ten minutes at a time, so that whatever waits for one of them is due at once. And what nothing outside can
//! bring about: a panic within one camera's task, by a switch that only debug builds have.

use std::path::Path;
use std::time::Duration;

use e2e::{Program, left_out, until};
use media::Supervisor;
use media::virtual_camera::{Account, AuthScheme, Incident, VirtualCameraConfig};
use serde_json::json;

use super::SLOW;
use super::clock::LIBRARY;
use super::ward::{AT_ONCE_MS, NEXT_ATTEMPT_MS, QUICK, Watched, add, now_ms, start_cameras, tiny};

/// One step of the program's clocks.
const STEP_S: i64 = 600;
/// An hour of them.
const STEPS: i64 = 6;
/// How often the program looks at where its clocks stand, and then something more.
const SETTLES: Duration = Duration::from_secs(4);

/// A program whose clocks a test moves.
struct Moved {
    program: Program,
    shift: tempfile::NamedTempFile,
    ahead_s: i64,
}

impl Moved {
    async fn start() -> Option<Self> {
        if !Path::new(LIBRARY).exists() {
            left_out("an hour needs Debian's faketime");
            return None;
        }
        let shift = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(shift.path(), "+0\n").unwrap();
        let path = shift.path().to_string_lossy().into_owned();
        let environment = [("LD_PRELOAD", LIBRARY), ("FAKETIME_TIMESTAMP_FILE", path.as_str()), ("FAKETIME_CACHE_DURATION", "1")];
        // As it is by default: a camera that refuses the login is asked once in ten minutes.
        let program = Program::start_in(None, &[QUICK, &[("UNAUTHORIZED_RETRY_MS", "600000")]].concat(), &environment).await;
        Some(Self { program, shift, ahead_s: 0 })
    }

    /// Ten minutes pass.
    async fn step(&mut self) {
        self.ahead_s += STEP_S;
        std::fs::write(self.shift.path(), format!("+{}\n", self.ahead_s)).unwrap();
        tokio::time::sleep(SETTLES).await;
    }

    /// The camera with a fresh login: a session does not outlive the hour.
    async fn again(&self, camera: &Watched) -> Watched {
        camera.seen_by(&self.program).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_refused_for_an_hour_is_tried_once_in_ten_minutes_at_most() {
    let Some(mut moved) = Moved::start().await else { return };
    let supervisor = Supervisor::new();
    let account = Some(Account { scheme: AuthScheme::Digest, username: "viewer".into(), password: "secret".into() });
    let server = start_cameras(&supervisor, vec![VirtualCameraConfig { account, ..tiny("locked") }]).await;
    // Without a password: it is refused from the beginning.
    let camera = add(&moved.program, &server, "locked").await;
    camera.until_state("offline", "unauthorized").await;
    // One try may be two requests: the first brings the challenge.
    let tries = || camera.real.totals().describes;
    let mut before = tries();
    let one = before;
    for step in 1..=STEPS {
        moved.step().await;
        let now = tries();
        assert!(now - before <= one, "{} requests in the ten minutes of step {step}", now - before);
        before = now;
    }
    assert!(before > one, "it was tried again at all");
    let camera = moved.again(&camera).await;
    camera.until_state("offline", "unauthorized").await;
    let told_ms = now_ms() + moved.ahead_s * 1_000;
    camera.change(json!({"username": "viewer", "password": "secret"})).await;
    camera.recording().await;
    let gaps = until("the gap is closed", SLOW, || async {
        let gaps = camera.gaps_until(told_ms + 60_000).await;
        gaps.last().is_some_and(|gap| gap.end_ms < now_ms() + moved.ahead_s * 1_000 - 2_000).then_some(gaps)
    })
    .await;
    let [gap] = gaps.as_slice() else { panic!("one gap: {gaps:?}") };
    assert_eq!(gap.reason, "unauthorized");
    camera.back_in_time(told_ms, gap.end_ms, AT_ONCE_MS);
    camera.no_other_alert().await;
    eprintln!("refused for an hour: {before} requests, {one} at first");
    assert!(moved.program.stop(), "it stops in order");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_comes_back_after_an_hour_leaves_one_gap_of_an_hour() {
    let Some(mut moved) = Moved::start().await else { return };
    let supervisor = Supervisor::new();
    let server = start_cameras(&supervisor, vec![tiny("back")]).await;
    let camera = add(&moved.program, &server, "back").await;
    camera.recording().await;
    camera.sends(60).await;
    let began_ms = now_ms();
    camera.real.set(Incident::Drop).await.unwrap();
    camera.until_offline().await;
    for _ in 0..STEPS {
        moved.step().await;
    }
    let ended_ms = now_ms();
    camera.real.clear();
    let camera = moved.again(&camera).await;
    camera.recording().await;
    let hour_ms = STEPS * STEP_S * 1_000;
    let gaps = until("the gap is closed", SLOW, || async {
        let gaps = camera.gaps_until(now_ms() + hour_ms + 60_000).await;
        gaps.last().is_some_and(|gap| gap.end_ms < now_ms() + hour_ms - 2_000).then_some(gaps)
    })
    .await;
    let [gap] = gaps.as_slice() else { panic!("one gap: {gaps:?}") };
    // The camera's own clock was not moved.
    let (last, first) = (camera.last_before(began_ms), camera.first_after(ended_ms, gap.end_ms - hour_ms));
    let within_ms = camera.within_ms();
    assert_eq!(gap.reason, "offline");
    assert!((gap.start_ms - last.sent_ms).abs() <= within_ms, "{gap:?} begins after the last picture: {last:?}");
    assert!((gap.end_ms - hour_ms - first.sent_ms).abs() <= within_ms, "{gap:?} ends with the first picture: {first:?}");
    let alerts = camera.alerts().await;
    assert_eq!(alerts, ["signal_lost"]);
    let back_ms = camera.back_in_time(ended_ms, gap.end_ms - hour_ms, NEXT_ATTEMPT_MS);
    eprintln!("back after an hour: gap of {} ms, recorded {back_ms} ms after it was back", gap.end_ms - gap.start_ms);
    assert!(moved.program.stop(), "it stops in order");
    let (code, said) = moved.program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_cameras_task_costs_that_camera_a_moment_and_the_others_nothing() {
    let asked = tempfile::tempdir().unwrap();
    let file = asked.path().join("camera");
    let path = file.to_string_lossy().into_owned();
    let supervisor = Supervisor::new();
    let server = start_cameras(&supervisor, vec![tiny("falls"), tiny("stands")]).await;
    let mut program = Program::start_in(None, QUICK, &[("BRIGHT_KITCHEN_TEST_PANIC_FILE", path.as_str())]).await;
    let (falls, stands) = (add(&program, &server, "falls").await, add(&program, &server, "stands").await);
    for camera in [&falls, &stands] {
        camera.recording().await;
        camera.sends(40).await;
    }
    // Renamed into place: it is read whole or not at all.
    std::fs::write(asked.path().join("new"), &falls.id).unwrap();
    std::fs::rename(asked.path().join("new"), &file).unwrap();
    until("the task has panicked", SLOW, || async { (!file.exists()).then_some(()) }).await;
    let fell_ms = now_ms();
    eprintln!("{}", falls.left_gap(&["restart"], (fell_ms, fell_ms), AT_ONCE_MS).await);
    assert_eq!(stands.gaps().await, []);
    assert_eq!(stands.viewings(), 1, "the other camera has noticed nothing");
    let (_, health) = falls.root.get("/system/health").await;
    let codes: Vec<&str> = health["problems"].as_array().unwrap().iter().filter_map(|problem| problem["code"].as_str()).collect();
    assert!(codes.contains(&"tasks_panicked"), "{health}");
    assert!(program.stop(), "it stops in order");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}
