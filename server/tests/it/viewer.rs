//! Watching live: that somebody may is remembered for a moment, and forgotten when a login or its roles end.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Client, WithEngine, add_camera, on_both};

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

/// An answer, and whether it came by the short way: there the request gets no id.
async fn asked(client: &Client, path: &str) -> (StatusCode, bool, Option<String>, Vec<u8>) {
    let answer = client.request(Method::GET, path, None).send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, quick, kept) = (answer.status(), header("x-request-id").is_none(), header("cache-control"));
    (status, quick, kept, answer.bytes().await.unwrap().to_vec())
}

on_both!(who_watches_is_answered_at_once_for_as_long_as_they_may, |app| {
    let running = WithEngine::start(&app).await;
    let camera = running.camera(&app, &app.premises, "烹饪间").await;
    let at = |name: &str| format!("/cameras/{camera}/live/{name}");
    app.add_person("watches", &[("supervisor", &app.office)], false).await;
    let one = running.client(&app.sign_in("watches").await);
    let (status, quick, kept, _) = asked(&one, &at("index.m3u8")).await;
    assert_eq!((status, quick, kept.as_deref()), (StatusCode::OK, false, Some("no-store")), "the first is looked up");
    let (status, quick, kept, text) = asked(&one, &at("index.m3u8")).await;
    assert_eq!((status, quick, kept.as_deref()), (StatusCode::OK, true, Some("no-store")));
    let text = String::from_utf8(text).unwrap();
    let names = |tag: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with(tag)).map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
    };
    let (parts, next) = (names("#EXT-X-PART:"), names("#EXT-X-PRELOAD-HINT:").remove(0));

    // What comes next is waited for, by playlist and by part, and both ways give the same.
    let (segment, part) = next.strip_suffix(".m4s").unwrap().split_once('-').unwrap();
    let (status, quick, _, newer) = asked(&one, &at(&format!("index.m3u8?_HLS_msn={segment}&_HLS_part={part}"))).await;
    assert!(status == StatusCode::OK && quick && String::from_utf8(newer).unwrap().contains(&format!("URI=\"{next}\"")));
    let other = running.client(&app.person("supervisor", &app.office).await);
    for name in parts.last().into_iter().chain([&next]).chain(&names("#EXT-X-MAP:")) {
        let quickly = asked(&one, &at(name)).await;
        assert!(quickly.0 == StatusCode::OK && quickly.1 && !quickly.3.is_empty(), "{name}");
        assert_eq!(quickly.2.as_deref(), Some("private, max-age=60"));
        let stranger = running.client(&app.person("supervisor", &app.other_office).await);
        assert_eq!(asked(&stranger, &at(name)).await.0, StatusCode::NOT_FOUND);
        let long = asked(&other, &format!("{}?", at(name))).await;
        assert_eq!((long.0, &long.3), (StatusCode::OK, &quickly.3), "{name}");
    }
    let (status, quick, _, _) = asked(&one, &at("index.m3u8?_HLS_msn=x")).await;
    assert_eq!((status, quick), (StatusCode::BAD_REQUEST, false), "what no player asks is told so in words");
    assert_eq!(asked(&one, &at("999999999-0.m4s")).await.0, StatusCode::NOT_FOUND);

    let (_, noted) = app.person("auditor", &app.city).await.get("/audit?action=view_live").await;
    assert_eq!(noted["items"].as_array().unwrap().len(), 2, "once for each of the two who watched: {noted}");
    one.post("/auth/logout", &json!({})).await;
    let (status, quick, _, _) = asked(&one, &at("index.m3u8")).await;
    assert_eq!((status, quick), (StatusCode::UNAUTHORIZED, false), "at once");
});
