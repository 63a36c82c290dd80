//! Suspected food poisoning: reported in one action, off line too; what it holds stays until somebody who may ends it with a reason.

use std::sync::Arc;
use std::time::Duration;

use media::SimulatedClock;
use mobile_api::{Moment, canonical};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::run_due;
use uuid::Uuid;

use crate::phone::{Phone, evidence, picture, text};
use crate::self_checks::{now, paper};
use crate::support::{Client, ENGINES, TestApp, on_both, until};

/// Monday 23 November 2026, 12:00 in Shanghai.
const NOON_MS: i64 = 1_795_406_400_000;
const HOUR: Duration = Duration::from_secs(3_600);

fn content(app: &TestApp, at_ms: i64) -> Value {
    json!({"premises_id": app.premises.id, "source": "school", "on_site": false, "people": 12, "in_hospital": 3, "symptoms": ["vomiting", "abdominal_pain"],
        "onset_at": Moment(at_ms - 3_600_000), "meal": {"day": "2026-11-23", "meal": "lunch", "foods": "四季豆炒肉"}, "stops": ["serving", "scene"],
        "sealed": [{"measure": "seal", "name": "四季豆炒肉", "quantity": "3 kg", "place": "备餐间冷柜", "seal_number": "封0001", "evidence_ids": []}],
        "note": "五年级", "evidence": [], "clock": {"device_time": Moment(at_ms), "monotonic_ms": 1}})
}

fn put(content: &Value) -> Value {
    json!({"content": content, "content_sha256": canonical::sha256_hex(content)})
}

async fn kinds(client: &Client) -> Vec<String> {
    let (_, list) = client.get("/notices?limit=100").await;
    list["items"].as_array().unwrap().iter().map(|notice| text(&notice["kind"])).collect()
}

async fn act(client: &Client, path: &str, body: Value) -> (StatusCode, Value) {
    client.post(&format!("{path}/acts"), &body).await
}

on_both!(one_action_tells_holds_and_lists_and_only_a_reason_ends_it, |app| {
    let recording = crate::holds::record(&app, 3_000).await;
    let (with_engine, index) = (&recording.app, recording.engine.index());
    let officer = Phone::at(&app, &app.office).await;
    let (supervisor, district) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.district).await);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let administrator = app.person("administrator", &app.city).await;
    let (status, hook) = administrator.post("/webhooks", &json!({"url": "http://127.0.0.1:9/hook", "kinds": ["incident"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{hook}");

    let (id, file) = (Uuid::now_v7(), Uuid::now_v7().to_string());
    let path = format!("/incidents/{id}");
    let mut said = content(&app, app.app.clock.wall_ms());
    let mut photo = evidence(&file, "", &picture(3));
    photo.as_object_mut().unwrap().remove("item_code");
    said["evidence"] = json!([photo]);
    said["sealed"][0]["evidence_ids"] = json!([file]);
    let (status, stored) = officer.client.put(&path, &put(&said)).await;
    assert_eq!((status, stored["cameras_held"].as_i64()), (StatusCode::CREATED, Some(1)), "{stored}");
    assert_eq!(stored["missing_evidence"][0]["id"], json!(file));

    // The same again, from many: once. Another one under this id is named beside it.
    let body = put(&said);
    let again = futures::future::join_all((0..5).map(|_| officer.client.put(&path, &body))).await;
    assert!(again.iter().all(|(status, answer)| *status == StatusCode::OK && *answer == stored), "{again:?}");
    let mut other = said.clone();
    other["people"] = json!(13);
    let (status, problem) = officer.client.put(&path, &put(&other)).await;
    assert_eq!((status, &problem["present"]["content_sha256"]), (StatusCode::CONFLICT, &json!(canonical::sha256_hex(&said))), "{problem}");
    let (_, list) = supervisor.get("/incidents?open=true").await;
    assert_eq!((list["total"].as_i64(), list["items"][0]["people"].as_i64()), (Some(1), Some(12)), "{list}");

    // Everybody who must know does, those above too; whoever reported is not told of it.
    for client in [&supervisor, &district, &canteen] {
        assert!(kinds(client).await.contains(&"incident_reported".to_owned()));
    }
    assert!(!kinds(&officer.client).await.contains(&"incident_reported".to_owned()));
    assert_eq!(app.person("supervisor", &app.other_office).await.get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(canteen.get(&path).await.0, StatusCode::FORBIDDEN);
    let (_, sent) = administrator.get(&format!("/webhooks/{}/deliveries", text(&hook["id"]))).await;
    assert_eq!(sent["items"][0]["event"], json!("incident.reported"), "{sent}");

    // The recorder holds it, from days before the meal until a day after the report.
    run_due(with_engine).await.unwrap();
    let held = index.holds();
    assert_eq!((held.len(), held[0].camera), (1, recording.camera));
    let (_, page) = supervisor.get(&path).await;
    assert_eq!(
        (page["recordings"][0]["state"].as_str(), page["goods"][0]["seal_number"].as_str()),
        (Some("held"), Some("封0001")),
        "{page}"
    );
    // A hold that stands for a report goes with it, whoever may let go of others.
    let (camera, hold) = (text(&page["recordings"][0]["camera_id"]), text(&page["recordings"][0]["id"]));
    let (status, problem) = supervisor.post(&format!("/cameras/{camera}/holds/{hold}/release"), &json!({"reason": "够了"})).await;
    assert_eq!((status, problem["work_id"].as_str()), (StatusCode::CONFLICT, Some(id.to_string().as_str())), "{problem}");
    assert!(held[0].end_ms - held[0].start_ms >= 96 * 3_600_000, "three days before and one after");
    let clocks: Vec<&str> = page["clocks"].as_array().unwrap().iter().map(|clock| clock["name"].as_str().unwrap()).collect();
    assert_eq!(clocks, ["answer", "report_up", "on_site", "sealing"]);
    let (_, sync) = officer.client.get("/sync?limit=500").await;
    let place =
        sync["items"].as_array().unwrap().iter().find(|item| item["entity"] == "premises" && item["id"] == json!(app.premises.id)).unwrap();
    assert_eq!(place["value"]["incidents"][0]["id"], json!(id), "whoever comes next knows");
    // The canteen's phone is told what stops and what is sealed, and nothing of who reported it or what the photos show.
    let (_, sync) = canteen.get("/sync?limit=500").await;
    let place = sync["items"].as_array().unwrap().iter().find(|item| item["entity"] == "premises").unwrap();
    let told = &place["value"]["incidents"][0];
    assert_eq!((&told["stops"], &told["sealed"][0]["seal_number"]), (&said["stops"], &json!("封0001")), "{told}");
    let names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "level", "people", "reported_at", "sealed", "state", "stops"]);

    // Its photo comes by tus.
    assert_eq!(officer.upload(id, &file, &picture(3)).await, StatusCode::NO_CONTENT);
    let shown = supervisor.request(Method::GET, &format!("{path}/evidence/{file}"), None).send().await.unwrap();
    assert_eq!((shown.status(), shown.bytes().await.unwrap().to_vec()), (StatusCode::OK, picture(3)));

    // An officer adds to it and reports it up; only who may release takes it in hand and ends it, and only with a reason.
    assert_eq!(act(&officer.client, &path, json!({"version": 1, "action": "take_up"})).await.0, StatusCode::FORBIDDEN);
    let more = json!({"version": 1, "action": "supplement", "text": "又有4人就诊", "people": 16,
        "sealed": [{"measure": "keep", "name": "四季豆（原料）", "quantity": "5 kg", "place": "冷库"}]});
    let (status, page) = act(&officer.client, &path, more.clone()).await;
    assert_eq!(
        (status, page["people"].as_i64(), page["in_hospital"].as_i64(), page["goods"][1]["measure"].as_str()),
        (StatusCode::OK, Some(16), Some(3), Some("keep")),
        "{page}"
    );
    assert!(page["clocks"].as_array().unwrap().iter().any(|clock| clock["name"] == "keeping_report"), "what is kept has limits of its own");
    assert_eq!(act(&officer.client, &path, more).await.1["type"], json!("stale_version"));
    let (status, page) =
        act(&officer.client, &path, json!({"version": 2, "action": "report_up", "reason": "区政府、区卫健局，电话"})).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let stopped = |page: &Value, name: &str| {
        page["clocks"].as_array().unwrap().iter().any(|clock| clock["name"] == json!(name) && clock["stopped_at"].is_string())
    };
    assert!(stopped(&page, "report_up") && !stopped(&page, "answer"));
    let (status, page) = act(&supervisor, &path, json!({"version": 3, "action": "take_up"})).await;
    assert!(status == StatusCode::OK && stopped(&page, "answer"), "{page}");
    assert_eq!(act(&supervisor, &path, json!({"version": 4, "action": "close"})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(index.holds().len(), 1, "nothing was let go");

    // The record, with its number.
    let head = app.person("head", &app.office).await;
    let (status, paper) = head.post("/documents", &json!({"kind": "incident_record", "incident_id": id})).await;
    assert_eq!((status, paper["kind"].as_str()), (StatusCode::CREATED, Some("incident_record")), "{paper}");
    let pdf = head.request(Method::GET, &format!("/documents/{}/file", text(&paper["id"])), None).send().await.unwrap();
    assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF"));
    assert_eq!(
        head.post("/documents", &json!({"kind": "incident_record", "premises_id": app.premises.id})).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(head.post("/documents", &json!({"kind": "warning", "incident_id": id})).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    let (status, ended) = act(&supervisor, &path, json!({"version": 4, "action": "close", "reason": "检验排除食物中毒"})).await;
    assert_eq!(
        (status, ended["state"].as_str(), ended["release_reason"].as_str(), ended["recordings"][0]["state"].as_str()),
        (StatusCode::OK, Some("closed"), Some("检验排除食物中毒"), Some("released")),
        "{ended}"
    );
    assert_eq!(ended["papers"][0]["id"], paper["id"]);
    run_due(with_engine).await.unwrap();
    assert_eq!(index.holds(), []);
    assert!(kinds(&canteen).await.contains(&"incident_closed".to_owned()));
    recording.end().await;
});

on_both!(whoever_may_report_brings_the_photos_of_it, |app| {
    let head = Phone::of("head", &app, &app.office).await;
    let (id, file) = (Uuid::now_v7(), Uuid::now_v7().to_string());
    let mut said = content(&app, app.app.clock.wall_ms());
    let mut photo = evidence(&file, "", &picture(4));
    photo.as_object_mut().unwrap().remove("item_code");
    said["evidence"] = json!([photo]);
    let (status, stored) = head.client.put(&format!("/incidents/{id}"), &put(&said)).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    assert_eq!(head.upload(id, &file, &picture(4)).await, StatusCode::NO_CONTENT);
});

#[actix_web::test]
async fn a_sample_on_hold_is_not_thrown_away_whoever_brings_it_and_whenever() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(NOON_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        for (name, role, node) in [
            ("canteen", "food_safety_officer", &app.premises),
            ("officer", "officer", &app.office),
            ("supervisor", "supervisor", &app.office),
            ("auditor", "auditor", &app.city),
        ] {
            app.add_person(name, &[(role, node)], false).await;
        }
        let canteen = app.sign_in("canteen").await;
        let kept = paper(&app, &canteen, "self_retained_samples", "2026-11-23", Some("lunch"), &now(&app)).await;
        assert_eq!(canteen.put(&kept.path(), &kept.put()).await.0, StatusCode::CREATED);
        // Another paper was made at the same time and is still on the canteen's phone.
        let late = paper(&app, &canteen, "self_retained_samples", "2026-11-23", Some("lunch"), &now(&app)).await;

        // The officer's phone was off the network for five hours: the limits run from the report, not from its coming.
        clock.advance(HOUR);
        let (id, said) = (Uuid::now_v7(), content(&app, app.app.clock.wall_ms()));
        clock.advance(5 * HOUR);
        let path = format!("/incidents/{id}");
        let (status, stored) = app.sign_in("officer").await.put(&path, &put(&said)).await;
        assert_eq!((status, stored["samples_held"].as_i64()), (StatusCode::CREATED, Some(3)), "{stored}");
        let supervisor = app.sign_in("supervisor").await;
        let (_, page) = supervisor.get(&path).await;
        assert_eq!(page["reported_at"], json!(Moment(NOON_MS + 3_600_000)), "{page}");
        assert_eq!(
            page["clocks"].as_array().unwrap().iter().find(|clock| clock["name"] == "report_up").unwrap()["due_at"],
            json!(Moment(NOON_MS + 3 * 3_600_000))
        );
        assert_eq!(app.sign_in("canteen").await.put(&late.path(), &late.put()).await.0, StatusCode::CREATED);

        clock.advance(50 * HOUR);
        let canteen = app.sign_in("canteen").await;
        let body = json!({"discarded_at": now(&app)});
        for paper in [&kept, &late] {
            let (status, problem) = canteen.post(&format!("{}/samples/1/discard", paper.path()), &body).await;
            assert_eq!((status, &problem["incident_id"]), (StatusCode::CONFLICT, &json!(id)), "{problem}");
        }
        let (_, shown) = canteen.get(&kept.path()).await;
        assert_eq!((shown["samples"][1]["held"].as_bool(), shown["samples"][1]["discarded_at"].is_null()), (Some(true), true), "{shown}");
        let auditor = app.sign_in("auditor").await;
        until("the attempts are noted", || async {
            let (_, audit) = auditor.get("/audit?action=sample_discard_refused").await;
            (audit["items"].as_array()?.len() == 2).then_some(())
        })
        .await;
        // A meal cooked days later is no evidence.
        let fresh = paper(&app, &canteen, "self_retained_samples", "2026-11-25", Some("dinner"), &now(&app)).await;
        canteen.put(&fresh.path(), &fresh.put()).await;
        assert!(canteen.get(&fresh.path()).await.1["samples"][0]["held"].is_null());

        let supervisor = app.sign_in("supervisor").await;
        let (status, ended) = act(&supervisor, &path, json!({"version": 1, "action": "close", "reason": "已采样送检"})).await;
        assert_eq!((status, ended["samples"].as_array().map(Vec::len)), (StatusCode::OK, Some(6)), "{ended}");
        let (status, thrown) = canteen.post(&format!("{}/samples/1/discard", kept.path()), &body).await;
        assert_eq!((status, thrown["discarded_at"].is_string()), (StatusCode::OK, true), "{thrown}");
    }
}

on_both!(what_is_wrong_in_a_report_is_told_all_at_once, |app| {
    let officer = app.person("officer", &app.office).await;
    let path = format!("/incidents/{}", Uuid::now_v7());
    let mut wrong = content(&app, app.app.clock.wall_ms());
    wrong["people"] = json!(0);
    wrong["stops"] = json!([]);
    wrong["symptoms"] = json!(["fever", "fever"]);
    wrong["meal"]["day"] = json!("2026-13-01");
    wrong["sealed"][0]["evidence_ids"] = json!([Uuid::now_v7()]);
    wrong["sealed"][0]["quantity"] = json!("");
    let (status, problem) = officer.put(&path, &put(&wrong)).await;
    let mut pointers: Vec<String> = problem["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
    pointers.sort();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        pointers,
        [
            "/content/in_hospital",
            "/content/meal/day",
            "/content/people",
            "/content/sealed/0/evidence_ids",
            "/content/sealed/0/quantity",
            "/content/stops",
            "/content/symptoms"
        ]
    );
    let mut elsewhere = content(&app, app.app.clock.wall_ms());
    elsewhere["premises_id"] = json!(app.other_premises.id);
    assert_eq!(officer.put(&path, &put(&elsewhere)).await.1["errors"][0]["pointer"], json!("/content/premises_id"));
    let right = content(&app, app.app.clock.wall_ms());
    assert_eq!(app.person("grid_member", &app.office).await.put(&path, &put(&right)).await.0, StatusCode::FORBIDDEN);
});
