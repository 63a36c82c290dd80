//! What takes hours, on a clock that a test moves: a login that stays refused, and a camera that comes back the next day.
//! And what cannot be brought about from outside: a panic within one camera's task.

use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::clock::{Clock, SimulatedClock};
use crate::source::open::SystemOpener;
use crate::source::{Opener, Source, SourceError, SourceItem};

const START_MS: i64 = 1_767_225_600_000;
const HOUR_S: u64 = 3_600;

/// What whoever knocks is told.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Refused(StateReason),
    /// Let in, and shown nothing.
    Silence,
    /// Shown the true camera.
    Camera,
}

/// Lets in or refuses as the test says, and remembers when it was asked.
#[derive(Debug)]
struct Doorkeeper {
    clock: Arc<SimulatedClock>,
    answer: Mutex<Answer>,
    asked: Mutex<Vec<Duration>>,
    real: SystemOpener,
}

impl Opener for Doorkeeper {
    fn open(&self, spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        self.asked.lock().expect("not poisoned").push(self.clock.monotonic());
        match *self.answer.lock().expect("not poisoned") {
            Answer::Refused(reason) => futures::future::ready(Err(SourceError::new(reason, "as the test says"))).boxed(),
            Answer::Silence => futures::future::ready(Ok(Box::new(Silent) as Box<dyn Source>)).boxed(),
            Answer::Camera => self.real.open(spec),
        }
    }
}

struct Silent;

impl Source for Silent {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        futures::future::pending().boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}

/// An engine on a simulated clock with its doorkeeper.
struct Slow {
    engine: Engine,
    supervisor: Supervisor,
    events: mpsc::Receiver<MediaEvent>,
    told: Vec<MediaEvent>,
    clock: Arc<SimulatedClock>,
    door: Arc<Doorkeeper>,
    _folder: TempDir,
}

impl Slow {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = EngineConfig { segment_ms: 1_000_000_000_000_000, ..EngineConfig::new(folder.path().into()) };
        let clock = Arc::new(SimulatedClock::new(START_MS));
        let real = SystemOpener::new(&config, clock.clone());
        let door = Arc::new(Doorkeeper { clock: clock.clone(), answer: Mutex::new(Answer::Camera), asked: Mutex::default(), real });
        let parts = EngineParts { opener: Some(door.clone()), ..EngineParts::default() };
        let supervisor = Supervisor::new();
        let (engine, events) = Engine::start_with(config, &supervisor, clock.clone(), parts).expect("the engine starts");
        Self { engine, supervisor, events, told: Vec::new(), clock, door, _folder: folder }
    }

    fn answer(&self, answer: Answer) {
        *self.door.answer.lock().expect("not poisoned") = answer;
    }

    fn asked(&self) -> Vec<Duration> {
        self.door.asked.lock().expect("not poisoned").clone()
    }

    /// Lets `seconds` pass; everything that waits for the clock gets its turn at each of them.
    async fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            for _ in 0..30 {
                tokio::task::yield_now().await;
            }
            while let Ok(event) = self.events.try_recv() {
                self.told.push(event);
            }
        }
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&MediaEvent) -> bool) {
        let wait = async {
            while !self.told.iter().any(&fits) {
                let event = self.events.recv().await.expect("the engine runs");
                self.told.push(event);
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("{what} never came"));
    }
}

fn spec(url: &str) -> CameraSpec {
    CameraSpec {
        id: Uuid::from_u128(11),
        name: "slow".into(),
        source: SourceSpec {
            username: Some("joe".into()),
            password: Some(Secret::new("old")),
            ..SourceSpec::new(url.parse().expect("a URL"))
        },
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        retention_days: None,
    }
}

#[tokio::test]
async fn a_login_refused_for_an_hour_is_tried_once_in_ten_minutes_at_most_and_at_once_with_a_new_password() {
    let mut slow = Slow::start();
    slow.answer(Answer::Refused(StateReason::Unauthorized));
    let mut spec = spec("rtsp://10.0.0.1/");
    slow.engine.apply(spec.clone()).await;
    slow.pass(HOUR_S).await;
    let asked = slow.asked();
    assert!((5..=7).contains(&asked.len()), "{asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(600)), "{asked:?}");
    spec.source.password = Some(Secret::new("new"));
    slow.engine.apply(spec).await;
    slow.pass(1).await;
    assert_eq!(slow.asked().len(), asked.len() + 1, "a new password is tried at once");
    assert!(slow.supervisor.shutdown(DEADLINE).await.is_empty());
}

#[tokio::test]
async fn a_path_that_is_not_there_is_asked_for_once_a_minute_and_a_closed_port_sooner() {
    for (reason, least_s, most_s) in [(StateReason::NotFound, 60, 120), (StateReason::Refused, 0, 60)] {
        let mut slow = Slow::start();
        slow.answer(Answer::Refused(reason));
        slow.engine.apply(spec("rtsp://10.0.0.1/")).await;
        slow.pass(most_s).await;
        let asked = slow.asked();
        let apart = asked.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(least_s));
        assert!(asked.len() >= 2 && apart, "{reason:?}: {asked:?}");
        assert!(slow.supervisor.shutdown(DEADLINE).await.is_empty());
    }
}

#[tokio::test]
async fn a_camera_that_sends_nothing_is_given_up_after_ten_seconds_and_not_before() {
    let mut slow = Slow::start();
    slow.answer(Answer::Silence);
    let spec = spec("rtsp://10.0.0.1/");
    slow.engine.apply(spec.clone()).await;
    let mut given_up_s = 0;
    while !slow.engine.status(spec.id).is_some_and(|status| (status.state, status.reason) == (CameraState::Offline, StateReason::Stalled)) {
        slow.pass(1).await;
        given_up_s += 1;
        assert!(given_up_s < 60, "never");
    }
    assert!(given_up_s >= 10, "{given_up_s} s");
    assert_eq!(slow.asked().len(), 1);
    slow.pass(60).await;
    assert!(slow.asked().len() >= 2, "asked again");
    assert!(slow.supervisor.shutdown(DEADLINE).await.is_empty());
}

#[tokio::test]
async fn a_camera_that_comes_back_after_an_hour_is_recorded_within_a_minute_and_the_hour_is_one_gap() {
    let (server, cameras) = start_cameras(vec![scene("a")]).await;
    let mut slow = Slow::start();
    let spec = spec(server.url("a").as_str());
    slow.engine.apply(spec.clone()).await;
    slow.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    // The camera's pictures come in real time while the simulated clock stands still: they are all of one instant.
    slow.answer(Answer::Refused(StateReason::Refused));
    server.camera("a").expect("it is there").cut();
    slow.until("offline", |event| matches!(event, MediaEvent::GapOpened { reason: GapReason::Offline, .. })).await;
    slow.pass(HOUR_S).await;
    let hour_over_ms = slow.clock.wall_ms();
    let asked = slow.asked();
    assert!((60..=90).contains(&asked.len()), "a minute apart once the pause has grown: {}", asked.len());
    slow.answer(Answer::Camera);
    let before = asked.len();
    while slow.asked().len() == before {
        slow.pass(1).await;
    }
    let back_ms = slow.clock.wall_ms();
    assert!(back_ms - hour_over_ms <= 61_000, "tried again within the longest pause");
    slow.until("the gap is closed", |event| matches!(event, MediaEvent::GapClosed { reason: GapReason::Refused, .. })).await;
    let gaps = gaps(&slow.told);
    let reasons: Vec<GapReason> = gaps.iter().map(|gap| gap.2).collect();
    assert_eq!(reasons, [GapReason::Offline, GapReason::Refused]);
    assert_eq!((gaps[0].1, gaps[1].1), (gaps[1].0, back_ms), "one after the other, to the first picture");
    assert!(gaps[0].0 - START_MS < 4_000, "from the last picture that was recorded: {gaps:?}");
    assert!(slow.supervisor.shutdown(DEADLINE).await.is_empty());
    cameras.shutdown(DEADLINE).await;
}

/// Opens real sources; the first stream of one camera panics in the middle.
#[derive(Debug)]
struct Bomb {
    real: SystemOpener,
    path: &'static str,
    armed: Mutex<bool>,
}

impl Opener for Bomb {
    fn open(&self, spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        let is_it = spec.url.path() == self.path && std::mem::take(&mut *self.armed.lock().expect("not poisoned"));
        let opening = self.real.open(spec);
        async move {
            let source = opening.await?;
            Ok(if is_it { Box::new(Panicking { source, left: 60 }) as Box<dyn Source> } else { source })
        }
        .boxed()
    }
}

struct Panicking {
    source: Box<dyn Source>,
    left: u32,
}

impl Source for Panicking {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        assert!(self.left > 0, "a mistake in the code of one camera");
        self.left -= 1;
        self.source.next()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.source.close()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_cameras_task_costs_that_camera_a_moment_and_the_others_nothing() {
    let (server, cameras) = start_cameras(vec![scene("a"), scene("b")]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = quick(folder.path());
    let clock = Arc::new(SystemClock::new());
    let bomb = Bomb { real: SystemOpener::new(&config, clock.clone()), path: "/a", armed: Mutex::new(true) };
    let parts = EngineParts { opener: Some(Arc::new(bomb)), ..EngineParts::default() };
    let supervisor = Supervisor::new();
    let (engine, mut events) = Engine::start_with(config, &supervisor, clock, parts).expect("the engine starts");
    let camera = |id: u128, path: &str| CameraSpec {
        id: Uuid::from_u128(id),
        source: SourceSpec::new(server.url(path)),
        ..spec("rtsp://10.0.0.1/")
    };
    engine.apply(camera(1, "a")).await;
    engine.apply(camera(2, "b")).await;
    let mut told = Vec::new();
    let restarted = async {
        loop {
            let event = events.recv().await.expect("the engine runs");
            let is_it = matches!(&event, MediaEvent::GapClosed { .. });
            told.push(event);
            if is_it {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, restarted).await.expect("it goes on");
    assert_eq!((supervisor.panics(), gaps(&told).len()), (1, 1));
    let (start_ms, end_ms, reason) = gaps(&told)[0];
    assert_eq!(reason, GapReason::Restart);
    let segments = engine.segments(Uuid::from_u128(1));
    let is_end = segments.iter().any(|segment| segment.end_ms == start_ms);
    assert!(start_ms < end_ms && is_end, "from the last picture on disk: {segments:?}, {start_ms}");
    assert_eq!(server.camera("b").expect("it is there").totals().viewings, 1, "the other camera has noticed nothing");
    assert!(supervisor.shutdown(DEADLINE).await.is_empty());
    cameras.shutdown(DEADLINE).await;
    for segment in engine.segments(Uuid::from_u128(1)) {
        assert_decodes(&folder.path().join(&segment.path));
    }
}
