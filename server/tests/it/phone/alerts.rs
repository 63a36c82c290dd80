//! An alert sends officers to look: on their phone with the alert on it, answered by what they submit.

use media::{DiagnosisKind, Phase};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Draft, Phone, text};
use crate::support::{Client, TestApp, add_camera, diagnosis, hear, on_both};

/// A confirmed alert at the east premises; its path.
async fn confirmed(app: &TestApp, desk: &Client) -> String {
    let camera = add_camera(app, &app.premises, "烹饪区").await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Covered, Phase::Raised, app.app.clock.wall_ms())]).await;
    let (_, list) = desk.get("/alerts").await;
    let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
    desk.post(&format!("{path}/confirm"), &json!({"version": 1})).await;
    path
}

async fn request(desk: &Client, path: &str, version: i64, phone: &Phone, template_id: &str) -> (StatusCode, Value) {
    let body =
        json!({"version": version, "template_id": template_id, "officer_ids": [phone.user_id], "due_on": "2026-11-30", "text": "查看镜头"});
    desk.post(&format!("{path}/request_inspection"), &body).await
}

on_both!(an_inspection_answers_the_alert_that_asked_for_it, |app| {
    let desk = app.person("supervisor", &app.office).await;
    let phone = Phone::at(&app, &app.office).await;
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let template = phone.template().await;
    let path = confirmed(&app, &desk).await;
    let (status, problem) = request(&desk, &path, 2, &phone, "01990000-0000-7000-8000-00000000ffff").await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/template_id")));
    assert_eq!(request(&desk, &path, 1, &phone, &template.id).await.1["type"], "stale_version");
    assert_eq!(request(&canteen, &path, 2, &phone, &template.id).await.0, StatusCode::FORBIDDEN);
    let (status, asked) = request(&desk, &path, 2, &phone, &template.id).await;
    assert_eq!(
        (status, asked["state"].as_str(), asked["inspections"][0]["state"].as_str()),
        (StatusCode::OK, Some("inspection_requested"), Some("open")),
        "{asked}"
    );

    // Nobody at the premises learns of it (Order 49, art. 46).
    let (_, seen) = canteen.get(&path).await;
    assert_eq!(
        (seen["state"].as_str(), &seen["inspections"], &seen["allowed_actions"]),
        (Some("confirmed"), &json!([]), &json!([])),
        "{seen}"
    );
    assert!(!seen.to_string().contains("inspection_requested") && !seen.to_string().contains("request_inspection"), "{seen}");
    assert_eq!(canteen.get("/alerts?state=inspection_requested").await.1["total"], 0);
    assert_eq!(canteen.get("/alerts?state=confirmed").await.1["total"], 1);

    let (_, mine) = phone.client.get("/assignments?mine=true").await;
    let assignment = &mine["items"][0];
    assert_eq!(
        (
            assignment["alert"]["id"].as_str(),
            assignment["alert"]["kind"].as_str(),
            assignment["kind"].as_str(),
            assignment["source"].as_str()
        ),
        (path.strip_prefix("/alerts/"), Some("covered"), Some("unannounced"), Some("alert")),
        "{assignment}"
    );
    let (_, synced) = phone.client.get("/sync").await;
    let on_phone = synced["items"].as_array().unwrap().iter().find(|item| item["entity"] == "assignment").unwrap();
    assert_eq!(on_phone["value"]["alert"]["camera_name"], "烹饪区");

    let mut draft = Draft::new(&app, &phone, &template);
    draft.header["assignment_id"] = assignment["id"].clone();
    draft.header["kind"] = json!("unannounced");
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (status, submitted) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!(status, StatusCode::OK, "{submitted}");
    let (_, answered) = desk.get(&path).await;
    assert_eq!(
        (answered["state"].as_str(), answered["inspections"][0]["state"].as_str(), answered["inspections"][0]["outcome"].as_str()),
        (Some("rectified"), Some("done"), Some("conforms")),
        "{answered}"
    );
    assert_eq!(answered["inspections"][0]["inspection_id"], json!(draft.id.to_string()));
    assert_eq!(answered["history"].as_array().unwrap().last().unwrap()["rule"], "inspection_submitted@1");
    let accept = json!({"version": answered["version"], "decision": "accept"});
    assert_eq!(desk.post(&format!("{path}/review"), &accept).await.1["state"], "closed");
});

on_both!(an_inspection_that_is_taken_back_leaves_the_alert_to_be_decided, |app| {
    let desk = app.person("supervisor", &app.office).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let path = confirmed(&app, &desk).await;
    let (_, asked) = request(&desk, &path, 2, &phone, &template.id).await;
    let assignment = format!("/assignments/{}", text(&asked["inspections"][0]["assignment_id"]));
    let (status, _) = desk.patch(&assignment, &json!({"state": "cancelled", "reason": "学校停课"})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, back) = desk.get(&path).await;
    assert_eq!((back["state"].as_str(), back["inspections"][0]["state"].as_str()), (Some("confirmed"), Some("cancelled")), "{back}");
    let version = back["version"].as_i64().unwrap();
    let (status, again) = request(&desk, &path, version, &phone, &template.id).await;
    assert_eq!((status, again["inspections"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{again}");
});
