//! How long the engine waits before it gives a camera up and before it asks again, by its own settings and a clock that the
//! test moves.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::clock::SimulatedClock;
use crate::source::{Opener, Source, SourceError, SourceItem};

/// A camera that refuses each time for the same reason, or lets everybody in and sends nothing.
#[derive(Debug)]
struct Same {
    refusal: Option<StateReason>,
    tried: Arc<AtomicUsize>,
}

impl Opener for Same {
    fn open(&self, _spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        let answer = match self.refusal {
            Some(reason) => Err(SourceError::new(reason, "as always")),
            None => Ok(Box::new(Silent) as Box<dyn Source>),
        };
        futures::future::ready(answer).boxed()
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

/// Lets the clock run, a second at a time, until something has happened; gives the seconds.
async fn until_after(clock: &SimulatedClock, most_s: u64, happened: impl Fn() -> bool) -> u64 {
    for passed in 0..=most_s {
        // The engine's tasks run beside the test: they are given their turn before the next second.
        for _ in 0..50 {
            if happened() {
                return passed;
            }
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(1));
    }
    panic!("not within {most_s} s");
}

/// A camera of such an opener, as the settings are by default; what was tried, and the first refusal or silence told.
async fn wait(refusal: Option<StateReason>, told: StateReason, most_s: u64) -> (u64, u64) {
    let (folder, clock, tried) = (tempfile::tempdir().expect("a folder"), Arc::new(SimulatedClock::new(1_767_225_600_000)), Arc::default());
    let parts = EngineParts { opener: Some(Arc::new(Same { refusal, tried: Arc::clone(&tried) })), ..EngineParts::default() };
    let supervisor = Supervisor::new();
    let config = EngineConfig::new(folder.path().into());
    let (engine, _events) = Engine::start_with(config, &supervisor, clock.clone(), parts).expect("the engine starts");
    let spec = CameraSpec {
        id: Uuid::from_u128(9),
        name: "waited for".into(),
        source: SourceSpec::new("rtsp://10.0.0.1/".parse().expect("a URL")),
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        retention_days: None,
    };
    engine.apply(spec.clone()).await;
    wait_for("the first try", || tried.load(Ordering::SeqCst) == 1).await;
    let offline = || engine.status(spec.id).is_some_and(|status| status.state == CameraState::Offline && status.reason == told);
    let given_up_s = until_after(&clock, most_s, offline).await;
    let again_s = until_after(&clock, most_s, || tried.load(Ordering::SeqCst) == 2).await;
    assert!(supervisor.shutdown(DEADLINE).await.is_empty());
    (given_up_s, again_s)
}

#[tokio::test]
async fn a_refusal_is_asked_about_again_when_its_reason_allows() {
    for (reason, least_s, most_s) in [(StateReason::NotFound, 60, 120), (StateReason::Refused, 0, 60)] {
        let (_, again_s) = wait(Some(reason), reason, most_s).await;
        assert!(again_s >= least_s, "{reason:?}: tried again after {again_s} s");
    }
}

#[tokio::test]
async fn a_camera_that_sends_nothing_is_given_up_after_ten_seconds_and_not_before() {
    let (given_up_s, _) = wait(None, StateReason::Stalled, 60).await;
    assert!((10..60).contains(&given_up_s), "{given_up_s} s");
}
