//! Clips with a real engine: what was recorded before a camera went silent is kept, fixed by its hash, and let go.

use std::process::Command;
use std::time::Duration;

use media::{CameraSpec, DiagnosisKind, DiagnosisSettings, Engine, EngineConfig, MediaEvent, Phase, SourceSpec, Supervisor, Transport};
use reqwest::{Method, StatusCode};
use serde_json::json;
use server::App;
use server::jobs::run_due;
use sha2::{Digest as _, Sha256};

use crate::support::{add_camera, diagnosis, hear, on_both, until};

/// What libgcrypt, which ffmpeg links, says where a container does not let it lock memory; no complaint about a file.
const UNLOCKED_MEMORY: &str = "Warning: using insecure memory!\n";

/// A second more than the clip looks back.
const RECORDED_MS: i64 = 9_000;

on_both!(a_clip_is_cut_fixed_and_its_recording_let_go, |app| {
    let supervisor = Supervisor::new();
    let recordings = app.data.path().join("recordings");
    let mut config = EngineConfig::new(recordings);
    // Stills are decoded by the program's own child.
    config.analysis.program = Some(env!("CARGO_BIN_EXE_bright-kitchen").into());
    let (engine, events) = Engine::start(config, &supervisor, app.app.clock.clone()).unwrap();
    let with_engine = App { engine: Some(engine.clone()), ..app.app.clone() };
    supervisor.once("media events", server::ingest::run(with_engine.clone(), events, supervisor.hard()));
    let camera = add_camera(&app, &app.premises, "分餐间").await;
    // The alerts are the test's own.
    let mut diagnosing = DiagnosisSettings::default();
    let rules = [&mut diagnosing.signal_lost, &mut diagnosing.black, &mut diagnosing.over_exposed, &mut diagnosing.frozen];
    for rule in
        rules.into_iter().chain([&mut diagnosing.covered, &mut diagnosing.blurred, &mut diagnosing.moved, &mut diagnosing.low_contrast])
    {
        rule.enabled = false;
    }
    let source = SourceSpec { url: "test:".parse().unwrap(), username: None, password: None, transport: Transport::Auto };
    engine
        .apply(CameraSpec {
            id: camera,
            name: "分餐间".to_owned(),
            source,
            sub: None,
            enabled: true,
            armed_hours: None,
            diagnosis: diagnosing,
            retention_days: None,
        })
        .await;
    let recorded = || engine.timeline(camera, 0, i64::MAX).iter().map(|span| span.end_ms - span.start_ms).sum::<i64>();
    until("nine seconds recorded", || async { (recorded() >= RECORDED_MS).then_some(()) }).await;
    // Its child has begun and looks: what it shows is had at once from here on.
    until("a picture of the recording", || async { engine.still_at(camera, app.app.clock.wall_ms() - 2_000, None).await.ok() }).await;

    let now = app.app.clock.wall_ms();
    let lost = |phase, at_ms| {
        let mut event = diagnosis(camera, DiagnosisKind::SignalLost, phase, at_ms);
        if let MediaEvent::Diagnosis { still_jpeg, .. } = &mut event {
            *still_jpeg = None;
        }
        event
    };
    hear(&with_engine, [lost(Phase::Raised, now)]).await;
    assert_eq!(engine.index().holds().len(), 1, "on hold from the alert on");
    hear(&with_engine, [lost(Phase::Repeated, now + 1)]).await;
    let officer = app.person("officer", &app.office).await;
    let (_, list) = officer.get("/alerts?kind=signal_lost").await;
    let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
    let alert = until("the clip is ready", || async {
        run_due(&with_engine).await.unwrap();
        let (_, alert) = officer.get(&path).await;
        (alert["clip"]["state"] == "ready").then_some(alert)
    })
    .await;
    assert_eq!(
        (&alert["has_still"], &alert["stills"]),
        (&json!(true), &json!([])),
        "nothing showed the loss: what came last stands for it"
    );
    let still = officer.request(Method::GET, &format!("{path}/still.jpg"), None).send().await.unwrap();
    assert_eq!(&still.bytes().await.unwrap()[..3], b"\xff\xd8\xff");
    let clip = officer.request(Method::GET, &format!("{path}/clip.mp4"), None).send().await.unwrap();
    assert_eq!((clip.status(), clip.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "video/mp4"));
    let content = clip.bytes().await.unwrap();
    assert_eq!(
        (alert["clip"]["sha256"].as_str(), alert["clip"]["bytes"].as_u64()),
        (Some(hex::encode(Sha256::digest(&content)).as_str()), Some(content.len() as u64))
    );
    let verified = server::evidence::verify(&mut std::io::Cursor::new(&content), None).unwrap();
    assert_eq!((verified.findings, verified.manifest.alert_id.as_deref()), (Vec::new(), alert["id"].as_str()), "it proves itself");
    let part = officer.request(Method::GET, &format!("{path}/clip.mp4"), None).header("range", "bytes=4-7").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap().as_ref()), (StatusCode::PARTIAL_CONTENT, &b"ftyp"[..]));
    let beyond = officer.request(Method::GET, &format!("{path}/clip.mp4"), None).header("range", "bytes=999999999-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let as_it_is = officer.request(Method::GET, &format!("{path}/clip.mp4?h264=true"), None).send().await.unwrap();
    assert_eq!(as_it_is.bytes().await.unwrap(), content, "what is H.264 is not made anew");
    let file = app.data.path().join("clip.mp4");
    std::fs::write(&file, &content).unwrap();
    let probed =
        Command::new("ffprobe").args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]).arg(&file).output().unwrap();
    let seconds: f64 = String::from_utf8_lossy(&probed.stdout).trim().parse().unwrap();
    let complaints = String::from_utf8_lossy(&probed.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(seconds > 1.0 && complaints.is_empty(), "{seconds} s {complaints}");
    assert_eq!(engine.index().holds(), [], "the recording is let go");
    assert!(supervisor.shutdown(Duration::from_secs(10)).await.is_empty());
});
