//! After a restart: what was over while nobody looked ends; what is seen again, or cannot be seen, stays.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock, SystemClock};
use server::ingest::diagnosis::settle;
use server::jobs::run_due;

use crate::holds::record;
use crate::support::{ENGINES, TestApp, add_camera, diagnosis, hear};

#[actix_web::test]
async fn what_is_not_seen_again_is_over() {
    for engine in ENGINES {
        // The program's clock is ahead of the engine's by what the test steps it.
        let clock = Arc::new(SimulatedClock::new(SystemClock::new().wall_ms()));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let recording = record(&app, 1_000).await;
        let (camera, with_engine) = (recording.camera, &recording.app);
        let silent = add_camera(&app, &app.premises, "不在线").await;
        let now = clock.wall_ms();
        let raised = |camera, kind| diagnosis(camera, kind, Phase::Raised, now - 60_000);
        let events = [raised(camera, DiagnosisKind::Black), raised(camera, DiagnosisKind::Moved), raised(silent, DiagnosisKind::Black)];
        // The run before: it heard of these and stopped.
        hear(&app.app, events).await;
        settle(with_engine).await.unwrap();
        clock.advance(Duration::from_secs(100));
        hear(with_engine, [diagnosis(camera, DiagnosisKind::Moved, Phase::Raised, clock.wall_ms())]).await;
        run_due(with_engine).await.unwrap();
        app.add_person("desk", &[("supervisor", &app.office)], false).await;
        let count = |query: &'static str| {
            let app = &app;
            async move { app.sign_in("desk").await.get(query).await.1["total"].as_i64() }
        };
        assert_eq!(count("/alerts?state=raised").await, Some(3), "the camera is watched for a while first");
        clock.advance(Duration::from_secs(60));
        run_due(with_engine).await.unwrap();
        assert_eq!((count("/alerts?kind=black&state=cleared").await, count("/alerts?kind=moved&state=raised").await), (Some(1), Some(1)));
        assert_eq!(count("/alerts?kind=black&state=raised").await, Some(1), "a camera without pictures settles nothing");
        recording.end().await;
    }
}
