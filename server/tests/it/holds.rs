//! Holds: after a crash, with a real engine, what nobody knows of is let go and what a clip needs is there again; those of people
//! and of work from the request to the recorder and back.

use std::sync::Arc;
use std::time::Duration;

use media::{
    CameraSpec, CameraState, DiagnosisKind, DiagnosisSettings, Engine, EngineConfig, Phase, SimulatedClock, SourceSpec, Supervisor,
};
use mobile_api::Moment;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::App;
use server::auth::{Access, Scope};
use server::domain::hold::HoldOrder;
use server::domain::permission::Permission;
use server::ingest::holds::{SetRight, set_right};
use server::jobs::run_due;
use server::store::StoreError;
use server::store::holds::{self, Hold};
use server::store::journal::Actor;
use uuid::Uuid;

use crate::support::{Client, ENGINES, Node, TestApp, add_camera, diagnosis, hear, on_both, tamper, until};

/// Monday 23 November 2026, 12:00 in Shanghai.
const NOON_MS: i64 = 1_795_406_400_000;

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
    let clock = Arc::new(media::SystemClock::new());
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
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { released: 1, ..SetRight::default() });
    assert_eq!(engine.index().holds(), []);

    // The alert stands, and its job was lost: the hold is the clip's.
    hear(with_engine, [diagnosis(camera, DiagnosisKind::SignalLost, Phase::Raised, now)]).await;
    let held = engine.index().holds();
    assert_eq!(held.len(), 1);
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight::default(), "all is as it should be");
    tamper(&app.app.db, "DELETE FROM jobs WHERE kind = 'clip'").await;
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { adopted: 1, ..SetRight::default() });
    assert_eq!(engine.index().holds(), held, "the same one");

    // The hold was lost: the clip's stretch is held anew.
    engine.release(held[0].id).await.unwrap();
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { adopted: 1, ..SetRight::default() });
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

async fn hold(client: &Client, camera: &str, body: &Value) -> (StatusCode, Value) {
    client.post(&format!("/cameras/{camera}/holds"), body).await
}

on_both!(a_person_holds_a_stretch_and_lets_it_go, |app| {
    let recording = record(&app, 6_000).await;
    let (engine, camera, with_engine) = (&recording.engine, recording.camera.to_string(), &recording.app);
    let now = app.app.clock.wall_ms();
    let supervisor = app.person("supervisor", &app.office).await;
    let body =
        json!({"start": Moment(now - 5_000), "end": Moment(now + 60_000), "reason": " 家长反映有异物 ", "until": Moment(now + 86_400_000)});

    // Who may look may not hold, and who is elsewhere does not see the camera.
    assert_eq!(hold(&app.person("officer", &app.office).await, &camera, &body).await.0, StatusCode::FORBIDDEN);
    assert_eq!(hold(&app.person("supervisor", &app.other_office).await, &camera, &body).await.0, StatusCode::NOT_FOUND);
    let (status, problem) =
        hold(&supervisor, &camera, &json!({"start": Moment(now), "end": Moment(now), "reason": "", "until": Moment(now - 1)})).await;
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/end", "/until", "/reason"]));

    // The request that is served has no recorder here; its job has.
    let (status, held) = hold(&supervisor, &camera, &body).await;
    assert_eq!((status, held["state"].as_str(), held["reason"].as_str()), (StatusCode::CREATED, Some("waiting"), Some("家长反映有异物")));
    let id = held["id"].as_str().unwrap().to_owned();
    run_due(with_engine).await.unwrap();
    let kept = engine.index().holds();
    assert_eq!((kept.len(), kept[0].id.0.to_string(), kept[0].start_ms, kept[0].end_ms), (1, id.clone(), now - 5_000, now + 60_000));
    assert!(engine.index().held_bytes() > 0);
    let (_, list) = supervisor.get(&format!("/cameras/{camera}/holds?standing=true")).await;
    assert_eq!((list["items"][0]["state"].as_str(), list["items"][0]["until"].clone()), (Some("held"), json!(Moment(now + 86_400_000))));
    let timeline = format!("/cameras/{camera}/timeline?start={}&end={}", Moment(now - 2_000), Moment(now + 2_000));
    let (_, shown) = supervisor.get(&timeline).await;
    assert_eq!(
        shown["holds"][0],
        json!({"id": id, "start": Moment(now - 2_000), "end": Moment(now + 2_000), "reason": "家长反映有异物",
        "until": Moment(now + 86_400_000)})
    );
    assert_eq!(app.person("administrator", &app.city).await.get("/system/health").await.1["recording"]["holds"], 1);

    // A start knows it; where the recorder has forgotten, it is told again, under the same id.
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight::default());
    engine.release(kept[0].id).await.unwrap();
    assert_eq!(set_right(with_engine).await.unwrap(), SetRight { missing: 1, ..SetRight::default() });
    run_due(with_engine).await.unwrap();
    assert_eq!(engine.index().holds(), kept);

    // Let go with a reason, once.
    let release = format!("/cameras/{camera}/holds/{id}/release");
    assert_eq!(supervisor.post(&release, &json!({"reason": " "})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.person("head", &app.other_office).await.post(&release, &json!({"reason": "x"})).await.0, StatusCode::NOT_FOUND);
    let (status, released) = supervisor.post(&release, &json!({"reason": "已核查"})).await;
    assert_eq!(
        (status, released["state"].as_str(), released["release_reason"].as_str()),
        (StatusCode::OK, Some("released"), Some("已核查"))
    );
    let (status, again) = supervisor.post(&release, &json!({"reason": "再来"})).await;
    assert_eq!((status, &again), (StatusCode::OK, &released));
    run_due(with_engine).await.unwrap();
    assert_eq!(engine.index().holds(), []);
    assert_eq!(supervisor.get(&timeline).await.1["holds"], json!([]));

    // Both acts are in the audit log.
    let auditor = app.person("auditor", &app.city).await;
    until("both acts", || async {
        let (_, audit) = auditor.get("/audit?limit=200").await;
        let acts = audit["items"].as_array()?.iter().filter(|row| row["detail"]["hold_id"] == json!(id));
        let mut names: Vec<_> = acts.filter_map(|row| row["action"].as_str().map(str::to_owned)).collect();
        names.sort_unstable();
        (names == ["hold", "hold_release"]).then_some(())
    })
    .await;
    recording.end().await;
});

#[actix_web::test]
async fn a_hold_ends_by_itself_and_a_request_that_comes_twice_holds_once() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(NOON_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "粗加工间").await.to_string();
        let (supervisor, now) = (app.person("supervisor", &app.office).await, app.app.clock.wall_ms());
        let body = json!({"start": Moment(now - 5_000), "end": Moment(now - 1_000), "reason": "核查", "until": Moment(now + 1_500)});
        let once = || async {
            let request =
                supervisor.request(Method::POST, &format!("/cameras/{camera}/holds"), Some(&body)).header("idempotency-key", "one");
            request.send().await.unwrap().json::<Value>().await.unwrap()["id"].clone()
        };
        assert_eq!(once().await, once().await);
        let standing =
            || async { supervisor.get(&format!("/cameras/{camera}/holds?standing=true")).await.1["items"].as_array().unwrap().len() };
        assert_eq!(standing().await, 1);
        clock.advance(Duration::from_millis(1_501));
        run_due(&app.app).await.unwrap();
        assert_eq!(standing().await, 0);
        let (_, list) = supervisor.get(&format!("/cameras/{camera}/holds?standing=false")).await;
        let over = &list["items"][0];
        assert_eq!((over["release_reason"].as_str(), over["released_by"].as_str()), (Some("until"), Some("system")));
    }
}

on_both!(work_holds_all_cameras_of_a_premises_in_its_own_transaction, |app| {
    let [first, second] = [add_camera(&app, &app.premises, "切配间").await, add_camera(&app, &app.premises, "烹饪间").await];
    add_camera(&app, &app.other_premises, "别处").await;
    let now = app.app.clock.wall_ms();
    let order = HoldOrder::parse(now - 60_000, now, "疑似食物中毒", None, now).unwrap();
    let (premises, scope) = (app.premises.id.clone(), with_permission(&app, &app.premises).await);
    let elsewhere = with_permission(&app, &app.other_premises).await;
    let held = app.app.db.write(move |tx| {
        Box::pin(async move {
            let actor = Actor::system();
            let hold = Hold { order: &order, work: Some(("food_poisoning", "one")), actor: &actor };
            assert_eq!(holds::hold_premises(tx, &elsewhere, &premises, hold, now).await?, None, "outside the scope");
            let ids = holds::hold_premises(tx, &scope, &premises, hold, now).await?.unwrap();
            let rows = holds::of_work(tx, &scope, "food_poisoning", "one").await?;
            assert_eq!(rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), ids);
            let mut cameras: Vec<_> = rows.iter().map(|row| row.camera_id.clone()).collect();
            cameras.sort();
            assert!(holds::of_work(tx, &elsewhere, "food_poisoning", "one").await?.is_empty());
            assert_eq!(holds::release_work(tx, ("food_poisoning", "other"), &actor, "x", now).await?, 0);
            assert_eq!(holds::release_work(tx, ("food_poisoning", "one"), &actor, "已排除", now).await?, 2);
            assert_eq!(holds::release_work(tx, ("food_poisoning", "one"), &actor, "已排除", now).await?, 0, "once");
            Ok::<_, StoreError>(cameras)
        })
    });
    let mut wanted = vec![first.to_string(), second.to_string()];
    wanted.sort();
    assert_eq!(held.await.unwrap(), wanted);
});

/// The scope of somebody who may hold at a node.
async fn with_permission(app: &TestApp, node: &Node) -> Scope {
    let username = format!("h{}", &Uuid::now_v7().simple().to_string()[20..]);
    let id = app.add_person(&username, &[("supervisor", node)], false).await;
    let access = Access::of_user(&mut app.app.db.read().await.unwrap().conn(), &id, 0, app.app.clock.wall_ms()).await.unwrap();
    access.scope(Permission::VideoHold)
}
