//! Holds after a crash, with a real engine: what nobody knows of is let go, what a clip needs is there again.

use std::time::Duration;

use media::{CameraSpec, CameraState, DiagnosisKind, DiagnosisSettings, Engine, EngineConfig, Phase, SourceSpec, Supervisor};
use server::App;
use server::ingest::holds::{SetRight, set_right};
use server::jobs::run_due;
use uuid::Uuid;

use crate::support::{TestApp, add_camera, diagnosis, hear, on_both, tamper, until};

/// An engine that records a test picture.
pub struct Recording {
    pub supervisor: Supervisor,
    pub engine: Engine,
    pub camera: Uuid,
    pub app: App,
}

/// Starts one, and waits until so much is recorded.
pub async fn record(app: &TestApp, wanted_ms: i64) -> Recording {
    let supervisor = Supervisor::new();
    let clock = std::sync::Arc::new(media::SystemClock::new());
    let (engine, events) = Engine::start(EngineConfig::new(app.data.path().join("recordings")), &supervisor, clock).unwrap();
    let with_engine = App { engine: Some(engine.clone()), ..app.app.clone() };
    supervisor.once("media events", server::ingest::run(with_engine.clone(), events, supervisor.hard()));
    let camera = add_camera(app, &app.premises, "分餐间").await;
    let spec = CameraSpec {
        id: camera,
        name: "分餐间".to_owned(),
        source: SourceSpec::new("test:".parse().unwrap()),
        sub: None,
        enabled: true,
        armed_hours: None,
        diagnosis: DiagnosisSettings::default(),
        audio: false,
        retention_days: None,
    };
    engine.apply(spec).await;
    let recorded = || engine.timeline(camera, 0, i64::MAX).iter().map(|span| span.end_ms - span.start_ms).sum::<i64>();
    let status = || engine.status(camera).is_some_and(|status| status.state == CameraState::Recording);
    until("something is recorded", || async { (recorded() >= wanted_ms && status()).then_some(()) }).await;
    Recording { supervisor, engine, camera, app: with_engine }
}

impl Recording {
    pub async fn end(self) {
        assert!(self.supervisor.shutdown(Duration::from_secs(10)).await.is_empty());
    }
}

on_both!(a_crash_between_hold_and_alert_leaks_nothing, |app| {
    // The clip of a lost signal is what came before.
    let recording = record(&app, 9_000).await;
    let (engine, camera, with_engine) = (&recording.engine, recording.camera, &recording.app);
    let now = app.app.clock.wall_ms();
    // The hold was taken, and the program died before the alert's row.
    engine.hold(camera, now - 2_000, now).await.unwrap();
    assert_eq!(engine.index().holds().len(), 1);
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { released: 1, adopted: 0 });
    assert_eq!(engine.index().holds(), []);

    // The alert stands, and its job was lost: the hold is the clip's.
    hear(with_engine, [diagnosis(camera, DiagnosisKind::SignalLost, Phase::Raised, now)]).await;
    let held = engine.index().holds();
    assert_eq!(held.len(), 1);
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight::default(), "all is as it should be");
    tamper(&app.app.db, "DELETE FROM jobs WHERE kind = 'clip'").await;
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { released: 0, adopted: 1 });
    assert_eq!(engine.index().holds(), held, "the same one");

    // The hold was lost: the clip's stretch is held anew.
    engine.release(held[0].id).await.unwrap();
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { released: 0, adopted: 1 });
    assert_eq!((engine.index().holds()[0].start_ms, engine.index().holds()[0].end_ms), (held[0].start_ms, held[0].end_ms));
    let officer = app.person("officer", &app.office).await;
    until("the clip is cut", || async {
        run_due(with_engine).await.unwrap();
        let (_, list) = officer.get("/alerts").await;
        (list["items"][0]["clip"]["state"] == "ready").then_some(())
    })
    .await;
    assert_eq!(engine.index().holds(), [], "and let go");
    recording.end().await;
});
