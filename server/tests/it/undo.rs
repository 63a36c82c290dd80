//! Eight seconds to take back what was just decided; the history keeps both.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{ENGINES, TestApp, add_camera, diagnosis, hear, on_both};

const MONDAY_MS: i64 = 1_795_399_200_000;

#[actix_web::test]
async fn who_decided_takes_it_back_at_once_or_not_at_all() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "切配间").await;
        hear(&app.app, [diagnosis(camera, DiagnosisKind::Black, Phase::Raised, clock.wall_ms())]).await;
        let (desk, other) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.office).await);
        let (_, list) = desk.get("/alerts").await;
        let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
        let undo = |version: i64| {
            let (desk, path) = (&desk, format!("{path}/undo"));
            async move { desk.post(&path, &json!({"version": version})).await }
        };
        desk.post(&format!("{path}/dismiss"), &json!({"version": 1, "reason": "false_alarm"})).await;
        assert_eq!(other.post(&format!("{path}/undo"), &json!({"version": 2})).await.0, StatusCode::CONFLICT, "somebody else's act");
        assert_eq!(undo(1).await.1["type"], "stale_version");
        clock.advance(Duration::from_secs(8));
        let (status, back) = undo(2).await;
        assert_eq!((status, back["state"].as_str(), back["version"].as_i64()), (StatusCode::OK, Some("raised"), Some(3)), "{back}");
        assert_eq!(back["history"].as_array().map(Vec::len), Some(3), "nothing is rewritten");
        assert_eq!(undo(3).await.1["type"], "invalid_transition", "there is nothing left to take back");
        desk.post(&format!("{path}/confirm"), &json!({"version": 3})).await;
        clock.advance(Duration::from_secs(11));
        let (status, late) = undo(4).await;
        assert_eq!(
            (status, late["type"].as_str(), late["present"]["state"].as_str()),
            (StatusCode::CONFLICT, Some("invalid_transition"), Some("confirmed"))
        );
    }
}

on_both!(a_case_is_opened_with_its_reference, |app| {
    let camera = add_camera(&app, &app.premises, "切配间").await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Black, Phase::Raised, app.app.clock.wall_ms())]).await;
    let desk = app.person("supervisor", &app.office).await;
    let (_, list) = desk.get("/alerts").await;
    let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
    let (_, confirmed) = desk.post(&format!("{path}/confirm"), &json!({"version": 1})).await;
    assert_eq!(confirmed["allowed_actions"], json!(["dispatch", "request_inspection", "open_case"]));
    assert!(confirmed["suggested_deadline"].is_string(), "a day, by its class");
    let (status, problem) = desk.post(&format!("{path}/open_case"), &json!({"version": 2})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/reason")));
    let (_, opened) = desk.post(&format!("{path}/open_case"), &json!({"version": 2, "reason": "明市监立〔2026〕12号"})).await;
    assert_eq!((opened["state"].as_str(), opened["history"][2]["reason"].as_str()), (Some("case_opened"), Some("明市监立〔2026〕12号")));
    assert_eq!(desk.get("/alerts?open=true").await.1["total"], 0);
});
