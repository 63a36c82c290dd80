//! The same request several times at the same moment, under one Idempotency-Key: done once, and answered alike.

use futures::future::join_all;
use media::{DiagnosisKind, Phase};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, add_camera, diagnosis, hear, on_both};

/// As many as somebody with a bad network and no patience sends.
const AT_ONCE: usize = 6;

async fn all_at_once(client: &Client, path: &str, body: &Value, key: &str) -> Vec<(StatusCode, Value)> {
    let send = || async {
        let response = client.request(Method::POST, path, Some(body)).header("idempotency-key", key).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    };
    join_all((0..AT_ONCE).map(|_| send())).await
}

on_both!(an_act_that_is_sent_many_times_at_once_is_done_once, |app| {
    let camera = add_camera(&app, &app.premises, "烹饪区").await;
    let now_ms = app.app.clock.wall_ms();
    let kinds = [DiagnosisKind::Black, DiagnosisKind::Frozen, DiagnosisKind::Covered, DiagnosisKind::Moved];
    hear(&app.app, kinds.map(|kind| diagnosis(camera, kind, Phase::Raised, now_ms))).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let (_, list) = supervisor.get("/alerts").await;
    assert_eq!(list["total"], kinds.len());
    for alert in list["items"].as_array().unwrap() {
        let path = format!("/alerts/{}", alert["id"].as_str().unwrap());
        let answers = all_at_once(&supervisor, &format!("{path}/confirm"), &json!({"version": 1}), &path).await;
        for (status, answer) in &answers {
            assert_eq!((*status, answer), (StatusCode::OK, &answers[0].1), "{answer}");
        }
        assert_eq!(supervisor.get(&path).await.1["version"], 2);
        let other = all_at_once(&supervisor, &format!("{path}/confirm"), &json!({"version": 2}), &path).await;
        assert!(other.iter().all(|(status, problem)| *status == StatusCode::CONFLICT && problem["type"] == "conflict"), "{other:?}");
    }
});

on_both!(an_assignment_that_is_sent_many_times_at_once_is_planned_once, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let officer = app.person("officer", &app.office).await.get("/me").await.1["id"].clone();
    let template = supervisor.get("/templates?kind=school_canteen").await.1["items"][0]["id"].clone();
    let plan = json!({"premises_id": app.premises.id, "template_id": template, "kind": "routine", "due_on": "2099-01-01", "officer_ids": [officer]});
    let answers = all_at_once(&supervisor, "/assignments", &plan, "one").await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == StatusCode::CREATED), "{answers:?}");
    assert_eq!(supervisor.get("/assignments").await.1["total"], 1);
    // A refusal is not kept: the same key does what it was to do once it can be done.
    let wrong =
        json!({"premises_id": app.premises.id, "template_id": template, "kind": "routine", "due_on": "2099-01-01", "officer_ids": []});
    assert!(
        all_at_once(&supervisor, "/assignments", &wrong, "two").await.iter().all(|(status, _)| *status == StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert_eq!(all_at_once(&supervisor, "/assignments", &plan, "two").await[0].0, StatusCode::CREATED);
});
