//! A trial with real clips and real recordings: what a passer-by covered for seconds is silenced, what stayed covered is not, and the
//! figures hold for the camera once they are applied.

use std::sync::Arc;
use std::time::Duration;

use media::virtual_camera::{FootageLibrary, Incident, Scene, VirtualCameraConfig, VirtualServer};
use media::{
    CameraSpec, Clock as _, DiagnosisKind, DiagnosisSettings, Engine, EngineConfig, Phase, SourceSpec, Supervisor, SystemClock, Transport,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::App;
use server::jobs::{propose_rules, run_due};
use server::store::{StoreError, jobs};
use uuid::Uuid;

use crate::phone::text;
use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear, tamper, until};

const CAMERA: &str = "01928f6e-0000-7000-8000-0000000000c1";
/// How long the lens is covered: somebody passes; something hangs there.
const PASSED: Duration = Duration::from_secs(8);
const HANGS: Duration = Duration::from_secs(18);
/// A flag is raised so long after the lens was covered, ms; its clip reaches 20 s further.
const RAISED_AFTER_MS: i64 = 5_500;

/// A camera that was recorded: when somebody passed, and when something hung before it, ms UTC.
struct Recorded {
    engine: Engine,
    passed_ms: i64,
    hung_ms: i64,
}

async fn recorded(supervisor: &Supervisor, folder: &std::path::Path) -> Recorded {
    let scene = Scene { width: 640, height: 360, loop_s: 10, key_frame_interval_ms: 1_000, ..Scene::place(0, "PLACE 0") };
    let camera = VirtualCameraConfig { path: "a".to_owned(), scene, ..VirtualCameraConfig::default() };
    let server = VirtualServer::start(([127, 0, 0, 1], 0).into(), vec![camera], FootageLibrary::standard(), supervisor).await.unwrap();
    server.ready().await.unwrap();
    let camera = server.camera("a").unwrap();
    camera.prepare(Incident::Covered.picture()).await.unwrap();
    let mut config = EngineConfig::new(folder.join("recordings"));
    config.analysis.program = Some(env!("CARGO_BIN_EXE_bright-kitchen").into());
    config.segment_ms = 1_000_000_000_000_000;
    let clock = Arc::new(SystemClock::new());
    let (engine, mut events) = Engine::start(config, supervisor, clock.clone()).unwrap();
    // The flags are the test's own.
    supervisor.once("events", async move { while events.recv().await.is_some() {} });
    let source = SourceSpec { url: server.url("a"), username: None, password: None, transport: Transport::Auto };
    let id: Uuid = CAMERA.parse().unwrap();
    engine
        .apply(CameraSpec {
            id,
            name: "烹饪间".to_owned(),
            source,
            sub: None,
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            retention_days: None,
        })
        .await;
    until("the camera is known", || async { engine.analyser().remembered(id).await.day }).await;
    let covered = async |duration: Duration| {
        let from_ms = clock.wall_ms();
        camera.set(Incident::Covered).await.unwrap();
        tokio::time::sleep(duration).await;
        camera.clear();
        from_ms
    };
    tokio::time::sleep(Duration::from_secs(6)).await;
    let passed_ms = covered(PASSED).await;
    // The clip of the one is over before the other begins.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let hung_ms = covered(HANGS).await;
    let end_ms = hung_ms + RAISED_AFTER_MS + 21_000;
    until("all of it is recorded", || async {
        let _open = engine.hurry(id, end_ms);
        engine.timeline(id, hung_ms, end_ms).last().filter(|span| span.end_ms >= end_ms).map(|_| ())
    })
    .await;
    Recorded { engine, passed_ms, hung_ms }
}

/// Decides the newest flag.
async fn decide(desk: &Client, act: &str, mut body: Value) -> String {
    let (_, list) = desk.get("/alerts?kind=covered&state=raised&limit=1").await;
    let id = text(&list["items"][0]["id"]);
    body["version"] = desk.get(&format!("/alerts/{id}")).await.1["version"].clone();
    let (status, answer) = desk.post(&format!("/alerts/{id}/{act}"), &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    id
}

/// Flags of the camera: eight dismissed with the clip of who passed, one without any, two confirmed with the clip of what hung there.
async fn flags(app: &TestApp, with_engine: &App, desk: &Client, recorded: &Recorded) {
    let camera: Uuid = CAMERA.parse().unwrap();
    let flag = async |at_ms: i64, act: &str, body: Value| {
        hear(with_engine, [diagnosis(camera, DiagnosisKind::Covered, Phase::Raised, at_ms)]).await;
        let id = decide(desk, act, body).await;
        hear(with_engine, [diagnosis(camera, DiagnosisKind::Covered, Phase::Cleared, at_ms + 4_000)]).await;
        id
    };
    let dismissal = json!({"reason": "false_alarm"});
    let confirmed = flag(recorded.passed_ms - 10 * 3_600_000, "confirm", json!({})).await;
    let mut others = Vec::new();
    for n in (1..=8).rev() {
        others.push(flag(recorded.passed_ms - n * 3_600_000, "dismiss", dismissal.clone()).await);
    }
    let passed = flag(recorded.passed_ms + RAISED_AFTER_MS, "dismiss", dismissal).await;
    run_due(with_engine).await.unwrap();
    // Flags within the repeat interval are one: the clip of what hung there is cut for a flag of another kind, and lent.
    hear(with_engine, [diagnosis(camera, DiagnosisKind::Moved, Phase::Raised, recorded.hung_ms + RAISED_AFTER_MS)]).await;
    run_due(with_engine).await.unwrap();
    let (_, list) = desk.get("/alerts?kind=moved").await;
    let hung = text(&list["items"][0]["id"]);
    for (lender, borrowers) in [(&passed, &others[..7]), (&hung, std::slice::from_ref(&confirmed))] {
        let (_, alert) = desk.get(&format!("/alerts/{lender}")).await;
        assert_eq!(alert["clip"]["state"], "ready", "{alert}");
        for borrower in borrowers {
            let lent = format!(
                "UPDATE alerts SET clip_state = 'ready', clip_file_id = (SELECT f.clip_file_id FROM alerts f WHERE f.id = '{lender}'), \
                 clip_start = (SELECT f.clip_start FROM alerts f WHERE f.id = '{lender}') WHERE id = '{borrower}'"
            );
            tamper(&app.app.db, Box::leak(lent.into_boxed_str())).await;
        }
    }
}

#[actix_web::test]
async fn a_trial_finds_the_duration_that_tells_who_passes_from_what_hangs_there() {
    let (supervisor, folder) = (Supervisor::new(), tempfile::tempdir().unwrap());
    let recorded = recorded(&supervisor, folder.path()).await;
    for engine in ENGINES {
        let app = TestApp::start(engine).await;
        let camera = add_camera(&app, &app.premises, "烹饪间").await;
        tamper(&app.app.db, Box::leak(format!("UPDATE cameras SET id = '{CAMERA}' WHERE id = '{camera}'").into_boxed_str())).await;
        let with_engine = App { engine: Some(recorded.engine.clone()), ..app.app.clone() };
        let desk = app.person("supervisor", &app.office).await;
        flags(&app, &with_engine, &desk, &recorded).await;
        propose_rules(&with_engine).await.unwrap();
        let (_, list) = desk.get("/rule_proposals").await;
        let path = format!("/rule_proposals/{}", text(&list["items"][0]["id"]));
        assert_eq!((&list["items"][0]["confirmed"], &list["items"][0]["dismissed"]), (&json!(1), &json!(9)), "{list}");

        let (status, trying) = desk.post(&format!("{path}/try"), &json!({"version": list["items"][0]["version"]})).await;
        assert_eq!((status, &trying["state"], &trying["phase"]), (StatusCode::ACCEPTED, &json!("trying"), &json!("clips")), "{trying}");
        let (status, refused) = desk.post(&format!("{path}/decline"), &json!({"version": trying["version"], "reason": "x"})).await;
        assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("invalid_transition")), "while it is tried: {refused}");
        run_due(&with_engine).await.unwrap();
        let (_, tried) = desk.get(&path).await;
        found(&tried);
        goes_on(&app, &with_engine, &desk, &path, &tried).await;
        left_behind(&with_engine, &desk, &path).await;
        given(&with_engine, &desk, &path).await;
        applied(&with_engine, &desk, &path, &app).await;
    }
    assert!(supervisor.shutdown(Duration::from_secs(10)).await.is_empty());
}

/// The trial's result is the one that the two clips ask for.
fn found(tried: &Value) {
    let trial = &tried["trial"];
    assert_eq!((&tried["state"], &tried["problem"]), (&json!("tried"), &Value::Null), "{tried}");
    let figures = &tried["figures"];
    let duration_s = figures["duration_s"].as_f64().unwrap();
    assert_eq!(figures["threshold"], 0.6, "covered all over, no threshold helps: {tried}");
    assert!((8.0..16.0).contains(&duration_s), "longer than who passes, shorter than what hangs: {duration_s}");
    let effect = &tried["effect"];
    assert_eq!((&effect["silenced"], &effect["dismissed"], &effect["lost"]), (&json!(8), &json!(8), &json!(0)), "{effect}");
    let clips = trial["clips"].as_array().unwrap();
    let of = |verdict: &str, state: &str| clips.iter().filter(|clip| clip["verdict"] == verdict && clip["state"] == state).count();
    assert_eq!((of("confirmed", "replayed"), of("false_alarm", "replayed"), of("false_alarm", "gone")), (1, 8, 1));
    let kept = clips.iter().find(|clip| clip["verdict"] == "confirmed").unwrap();
    assert_eq!((&kept["now"], &kept["then"], kept["sha256"].as_str().map(str::len)), (&json!(true), &json!(true), Some(64)), "{kept}");
    assert!(clips.iter().filter(|clip| clip["state"] == "replayed").all(|clip| clip["measure"].as_f64().unwrap() > 0.6));
    let stretch = &trial["sample"]["stretches"][0];
    let raised = |which: &str| stretch[which].as_array().unwrap().len();
    assert_eq!((raised("now"), raised("then")), (2, 1), "who passed, and what hung: {stretch}");
    assert!(tried["now_an_hour"].as_f64().unwrap() > tried["then_an_hour"].as_f64().unwrap());
    assert_eq!((&trial["sample"]["recorded"], &trial["sample"]["left_out"]), (&json!(1), &json!(0)));
    assert_eq!((trial["program"].as_str(), trial["known_sha256"].as_str().map(str::len)), (Some(env!("CARGO_PKG_VERSION")), Some(64)));
}

/// What a turn has kept is where the next begins, as after a restart.
async fn goes_on(app: &TestApp, with_engine: &App, desk: &Client, path: &str, before: &Value) {
    tamper(&app.app.db, "UPDATE rule_proposals SET state = 'trying', phase = 'sample', work = result, result = NULL").await;
    let (id, at) = (text(&before["id"]), with_engine.clock.wall_ms());
    let again = with_engine.db.write(move |tx| Box::pin(async move { jobs::enqueue(tx, "trial", &id, &json!({}), at, at).await }));
    again.await.map_err(|error: StoreError| error).unwrap();
    run_due(with_engine).await.unwrap();
    let (_, after) = desk.get(path).await;
    assert_eq!((&after["state"], &after["trial"]), (&json!("tried"), &before["trial"]));
}

/// A trial whose job is gone is not left under way.
async fn left_behind(with_engine: &App, desk: &Client, path: &str) {
    let version = desk.get(path).await.1["version"].clone();
    let (status, _) = desk.post(&format!("{path}/try"), &json!({"version": version})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    propose_rules(with_engine).await.unwrap();
    assert_eq!(desk.get(path).await.1["state"], "trying", "its job waits");
    tamper(&with_engine.db, "UPDATE jobs SET failed_at = 1 WHERE kind = 'trial' AND done_at IS NULL").await;
    propose_rules(with_engine).await.unwrap();
    let (_, failed) = desk.get(path).await;
    assert_eq!((&failed["state"], &failed["problem"]), (&json!("failed"), &json!("the trial took too long")), "{failed}");
}

/// Figures of a person's that lose what was confirmed are tried as they are, and not applied without a word on it.
async fn given(with_engine: &App, desk: &Client, path: &str) {
    let version = desk.get(path).await.1["version"].clone();
    let figures = json!({"threshold": 0.6, "duration_s": 60.0});
    let (status, answer) = desk.post(&format!("{path}/try"), &json!({"version": version, "figures": figures})).await;
    assert_eq!((status, &answer["given"]), (StatusCode::ACCEPTED, &json!(true)), "{answer}");
    run_due(with_engine).await.unwrap();
    let (_, tried) = desk.get(path).await;
    assert_eq!((&tried["figures"], &tried["effect"]["lost"]), (&figures, &json!(1)), "{tried}");
    let body = json!({"version": tried["version"], "reason": "不要了"});
    let (status, refused) = desk.post(&format!("{path}/apply"), &body).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/loses_confirmed")), "{refused}");
    let (status, _) = desk.post(&format!("{path}/try"), &json!({"version": tried["version"]})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    run_due(with_engine).await.unwrap();
}

/// Applied figures hold for the camera alone, with the reason in the audit log; a rule that was changed meanwhile is not overwritten.
async fn applied(with_engine: &App, desk: &Client, path: &str, app: &TestApp) {
    let (_, tried) = desk.get(path).await;
    let apply = json!({"version": tried["version"], "reason": "路过遮挡，回放看过"});
    let settings = format!("/settings/diagnosis?scope=camera&id={CAMERA}");
    let (status, _) = desk.put(&settings, &json!({"covered": {"threshold": 0.7}, "black": {"threshold": 25.0}})).await;
    assert_eq!(status, StatusCode::OK);
    let (status, refused) = desk.post(&format!("{path}/apply"), &apply).await;
    assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused}");
    desk.put(&settings, &json!({"black": {"threshold": 25.0}})).await;
    let (status, applied) = desk.post(&format!("{path}/apply"), &apply).await;
    assert_eq!((status, &applied["state"]), (StatusCode::OK, &json!("applied")), "{applied}");
    assert_eq!(applied["present"], tried["figures"], "it holds");
    let duration_s = &tried["figures"]["duration_s"];
    let (_, own) = desk.get(&settings).await;
    assert_eq!(own, json!({"black": {"threshold": 25.0}, "covered": {"duration_s": duration_s}}), "what differs, and nothing else");
    let auditor = app.person("administrator", &app.city).await;
    let (_, audit) = auditor.get("/audit?entity=rule_proposal&limit=1").await;
    let row = &audit["items"][0];
    assert_eq!((&row["action"], &row["entity_id"], &row["detail"]["reason"]), (&json!("apply"), &tried["id"], &apply["reason"]), "{audit}");
    propose_rules(with_engine).await.unwrap();
    let (_, list) = desk.get("/rule_proposals?open=true").await;
    assert_eq!(list["total"], 0, "older flags are of the rule before");
}
