//! Watching live: that somebody may is remembered for a moment, and forgotten when a login or its roles end.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{add_camera, on_both};

/// The node of these tests records no cameras: who may watch is told that, who may not is told so instead.
const ALLOWED: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

on_both!(who_may_no_longer_watch_is_refused_with_the_next_part, |app| {
    let camera = add_camera(&app, &app.premises, "烹饪间").await;
    let (playlist, part) = (format!("/cameras/{camera}/live/index.m3u8"), format!("/cameras/{camera}/live/1-0.m4s"));
    assert_eq!(app.nobody().get(&playlist).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.person("supervisor", &app.other_office).await.get(&playlist).await.0, StatusCode::NOT_FOUND);

    let administrator = app.person("administrator", &app.city).await;
    let user = app.add_person("watches", &[("supervisor", &app.office)], false).await;
    let (one, other) = (app.sign_in("watches").await, app.sign_in("watches").await);
    for _ in 0..3 {
        for path in [&playlist, &part] {
            assert_eq!((one.get(path).await.0, other.get(path).await.0), (ALLOWED, ALLOWED));
        }
    }
    let (_, noted) = app.person("auditor", &app.city).await.get("/audit?action=view_live").await;
    let seen: Vec<_> = noted["items"].as_array().unwrap().iter().map(|item| item["entity_id"].as_str()).collect();
    assert_eq!(seen, [Some(camera.to_string().as_str())], "once a minute, however often it is asked: {noted}");

    one.post("/auth/logout", &json!({})).await;
    assert_eq!((one.get(&part).await.0, other.get(&part).await.0), (StatusCode::UNAUTHORIZED, ALLOWED), "its own login only");
    let version = administrator.get(&format!("/users/{user}")).await.1["version"].clone();
    let elsewhere = json!({"version": version, "grants": [{"role": "supervisor", "node_id": app.other_office.id}]});
    assert_eq!(administrator.patch(&format!("/users/{user}"), &elsewhere).await.0, StatusCode::OK);
    for path in [&playlist, &part] {
        assert_eq!(other.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
});
