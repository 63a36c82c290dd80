//! Webhooks against a real receiver: signed, tried again until it takes them, never twice under different ids.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use media::{DiagnosisKind, Phase};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::jobs::{SIGNATURE_HEADER, signature};

use crate::support::{add_camera, diagnosis, hear, on_both, until};

/// What a receiver got: id, event, signature, body.
type Got = Arc<Mutex<Vec<(String, String, String, String)>>>;

/// A receiver that refuses the first `refusals` requests; its address.
fn receiver(got: &Got, refusals: usize) -> String {
    let got = got.clone();
    let server = HttpServer::new(move || {
        let got = got.clone();
        App::new().default_service(web::to(move |request: HttpRequest, body: String| {
            let got = got.clone();
            async move {
                let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
                let mut got = got.lock().unwrap();
                got.push((header("bright-kitchen-event-id"), header("bright-kitchen-event"), header(SIGNATURE_HEADER), body));
                if got.len() <= refusals { HttpResponse::ServiceUnavailable().finish() } else { HttpResponse::NoContent().finish() }
            }
        }))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/alerts?token=t", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    address
}

on_both!(an_event_is_delivered_signed_and_once_in_spite_of_refusals, |app| {
    let got = Got::default();
    let administrator = app.person("administrator", &app.city).await;
    let (status, made) = administrator.post("/webhooks", &json!({"url": receiver(&got, 2), "kinds": ["black"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    let (_, list) = administrator.get("/webhooks").await;
    assert!(list["total"] == 1 && !list.to_string().contains(&secret), "the secret is shown once: {list}");
    let tasks = server::jobs::start(&app.app);
    let camera = add_camera(&app, &app.premises, "烹饪区").await;
    let now = app.app.clock.wall_ms();
    hear(
        &app.app,
        [diagnosis(camera, DiagnosisKind::Frozen, Phase::Raised, now), diagnosis(camera, DiagnosisKind::Black, Phase::Raised, now)],
    )
    .await;
    let supervisor = app.person("supervisor", &app.office).await;
    let (_, black) = supervisor.get("/alerts?kind=black").await;
    let alert = black["items"][0]["id"].as_str().unwrap().to_owned();
    supervisor.post(&format!("/alerts/{alert}/confirm"), &json!({"version": 1})).await;
    until("both events delivered", || async {
        let (_, list) = administrator.get(&format!("/webhooks/{id}/deliveries")).await;
        let items = list["items"].as_array().unwrap().clone();
        (items.len() == 2 && items.iter().all(|item| item["state"] == "delivered")).then_some(())
    })
    .await;
    let got = got.lock().unwrap().clone();
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (event_id, event, signed, body) in &got {
        ids.entry(event.clone()).or_default().push(event_id.clone());
        let parsed: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&parsed["id"], &parsed["event"], &parsed["alert"]["id"]), (&json!(event_id), &json!(event), &json!(alert)));
        let (at, given) = signed.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).unwrap();
        assert_eq!(given, signature(secret.as_bytes(), at.parse().unwrap(), body));
        assert_ne!(given, signature(b"another", at.parse().unwrap(), body));
    }
    assert_eq!(ids.keys().collect::<Vec<_>>(), ["alert.confirmed", "alert.raised"], "the frozen picture is not asked for");
    assert_eq!(got.len(), 4, "two were refused and came again: {ids:?}");
    for (event, ids) in ids {
        assert!(ids.iter().all(|id| *id == ids[0]), "{event}: the same id at every try");
    }
    drop(tasks);
    app.app.supervisor.shutdown(std::time::Duration::from_secs(5)).await;
});

on_both!(inspections_are_told_in_order_and_name_nobody, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (_, made) = administrator.post("/webhooks", &json!({"url": "http://127.0.0.1:9/inspections", "kinds": ["inspection"]})).await;
    let (_, other) = administrator.post("/webhooks", &json!({"url": "http://127.0.0.1:9/alerts", "kinds": ["black"]})).await;
    let (lead, draft) = crate::documents::inspected(&app).await;
    let change = json!({"version": 0, "reason": "笔误", "answers": [{"item_code": "8.1", "result": "conforms"}]});
    assert_eq!(lead.client.post(&format!("{}/amendments", draft.path()), &change).await.0, StatusCode::CREATED);
    let events = async |id: &Value| {
        let (_, list) = administrator.get(&format!("/webhooks/{}/deliveries", id.as_str().unwrap())).await;
        list["items"].as_array().unwrap().iter().map(|one| one["event"].as_str().unwrap().to_owned()).rev().collect::<Vec<_>>()
    };
    assert_eq!(events(&made["id"]).await, ["inspection.submitted", "inspection.completed", "inspection.amended"]);
    assert!(events(&other["id"]).await.is_empty());
    let bodies =
        app.app.db.write(|tx| Box::pin(async move { server::store::webhooks::claim(tx, i64::MAX / 2, 1, 10).await })).await.unwrap();
    let body: Value = serde_json::from_str(&bodies[0].body).unwrap();
    assert_eq!((&body["inspection"]["general_failed"], &body["inspection"]["missing_evidence"]), (&json!(["8.1"]), &json!(2)), "{body}");
    assert!(bodies.iter().all(|one| !one.body.contains("李执法") && !one.body.contains("测试")), "nobody is named");
});

on_both!(webhooks_do_not_lead_to_forbidden_places, |app| {
    let administrator = app.person("administrator", &app.city).await;
    for (url, code) in [
        ("http://169.254.169.254/latest", "not_allowed"),
        ("http://8.8.8.8/", "not_allowed"),
        ("ftp://127.0.0.1/", "format"),
        ("http://user:x@127.0.0.1/", "format"),
        ("", "format"),
    ] {
        let (status, problem) = administrator.post("/webhooks", &json!({"url": url})).await;
        assert_eq!(
            (status, problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("/url"), Some(code)),
            "{url}"
        );
    }
    let (_, problem) = administrator.post("/webhooks", &json!({"url": "http://127.0.0.1:9/", "kinds": ["black", "purple"]})).await;
    assert_eq!(problem["errors"][0]["pointer"], "/kinds/1");
});

on_both!(a_webhook_is_changed_and_removed, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (_, made) = administrator.post("/webhooks", &json!({"url": "http://127.0.0.1:9/a"})).await;
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let (status, changed) = administrator.patch(&path, &json!({"version": 1, "enabled": false, "kinds": ["moved"]})).await;
    assert_eq!(
        (status, changed["enabled"].as_bool(), &changed["kinds"], changed["secret"].is_null()),
        (StatusCode::OK, Some(false), &json!(["moved"]), true)
    );
    assert_eq!(administrator.patch(&path, &json!({"version": 1, "enabled": true})).await.1["present"]["version"], 2);
    let camera = add_camera(&app, &app.premises, "x").await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Moved, Phase::Raised, 1_000)]).await;
    assert_eq!(administrator.get(&format!("{path}/deliveries")).await.1["total"], 0, "it is switched off");
    let below = app.person("administrator", &app.office).await;
    assert_eq!(below.get(&format!("{path}/deliveries")).await.0, StatusCode::NOT_FOUND, "it belongs to the city");
    assert_eq!(administrator.send(reqwest::Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(administrator.send(reqwest::Method::DELETE, &path, None).await.0, StatusCode::NOT_FOUND);
});
