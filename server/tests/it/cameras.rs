//! Cameras over the API: credentials stay inside, scope, settings in layers.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::on_both;

on_both!(a_camera_is_added_and_never_gives_its_password_back, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let body = json!({"name": "烹饪区 1", "premises_id": app.premises.id, "source_url": "rtsp://admin:s3cr%40t@127.0.0.1:9/none", "zone": "cooking"});
    let (status, camera) = administrator.post("/cameras", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{camera}");
    assert_eq!(
        (camera["source_url"].as_str(), camera["username"].as_str(), camera["has_password"].as_bool()),
        (Some("rtsp://127.0.0.1:9/none"), Some("admin"), Some(true))
    );
    let id = camera["id"].as_str().unwrap();
    let (_, everything) = administrator.get(&format!("/cameras/{id}")).await;
    assert!(!everything.to_string().contains("s3cr"), "{everything}");
    let (_, audit) = administrator.patch(&format!("/cameras/{id}"), &json!({"password": null, "version": 1})).await;
    assert_eq!(audit["has_password"], false);
    assert_eq!(administrator.patch(&format!("/cameras/{id}"), &json!({"name": "x", "version": 1})).await.1["type"], "stale_version");
    assert_eq!(administrator.get("/cameras?q=prq").await.1["total"], 1, "found by initials");
    let outsider = app.person("supervisor", &app.other_office).await;
    assert_eq!(outsider.get(&format!("/cameras/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(outsider.get("/cameras").await.1["total"], 0);
});

on_both!(a_bad_source_is_refused_in_words, |app| {
    let administrator = app.person("administrator", &app.city).await;
    for (url, code) in [("192.168.1.64", "format"), ("gopher://x/", "scheme"), ("rtsp:///x", "format")] {
        let (status, problem) =
            administrator.post("/cameras", &json!({"name": "x", "premises_id": app.premises.id, "source_url": url})).await;
        assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(code)), "{url}");
    }
});

on_both!(a_camera_that_calls_has_a_key_that_is_never_shown, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let body =
        |url: &str| json!({"name": "推流", "premises_id": app.premises.id, "source_url": url, "transport": "multicast", "enabled": false});
    for keyless in [
        "srt://:7001?mode=listener",
        "srt://:7001?mode=listener&passphrase=too-short",
        "rtmp://:7002/live?mode=listener",
        "rtmp://:7002/live/short?mode=listener",
    ] {
        let (status, problem) = administrator.post("/cameras", &body(keyless)).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/password")), "{keyless}");
    }
    for (url, shown) in [
        ("srt://:7001?mode=listener&passphrase=correct-horse", "srt://0.0.0.0:7001?mode=listener"),
        ("srt://:7001?mode=listener&streamid=correct-horse", "srt://0.0.0.0:7001?mode=listener&key=streamid"),
        ("rtmp://:7002/live/correct-horse?mode=listener", "rtmp://0.0.0.0:7002/live?mode=listener"),
    ] {
        let (status, camera) = administrator.post("/cameras", &body(url)).await;
        assert_eq!(
            (status, camera["source_url"].as_str(), camera["has_password"].as_bool()),
            (StatusCode::CREATED, Some(shown), Some(true))
        );
        assert!(camera["transport"] == "multicast" && !camera.to_string().contains("correct-horse"), "{camera}");
        let path = format!("/cameras/{}", camera["id"].as_str().unwrap());
        let (status, camera) = administrator.patch(&path, &json!({"name": "y", "version": 1})).await;
        assert_eq!((status, camera["has_password"].as_bool()), (StatusCode::OK, Some(true)), "what is stored is enough");
        let (status, _) = administrator.patch(&path, &json!({"password": null, "version": 2})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "and stays");
    }
    let (_, audit) = administrator.get("/audit?limit=50").await;
    assert!(!audit.to_string().contains("correct-horse"), "{audit}");
});

on_both!(settings_of_the_diagnosis_are_inherited, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (_, camera) = administrator
        .post("/cameras", &json!({"name": "x", "premises_id": app.premises.id, "source_url": "test:", "enabled": false}))
        .await;
    let id = camera["id"].as_str().unwrap();
    let (status, _) =
        administrator.put("/settings/diagnosis?scope=system", &json!({"black": {"threshold": 12.0, "duration_s": 9.0}})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        administrator.put(&format!("/settings/diagnosis?scope=camera&id={id}"), &json!({"black": {"threshold": 15.0}})).await.0,
        StatusCode::OK
    );
    let (_, rules) = administrator.get(&format!("/cameras/{id}/diagnosis")).await;
    assert_eq!(
        (rules["black"]["threshold"].as_f64(), rules["black"]["duration_s"].as_f64(), rules["black"]["from"].as_str()),
        (Some(15.0), Some(9.0), Some("camera"))
    );
    assert_eq!(rules["frozen"]["from"], "default");
    let (status, problem) =
        administrator.put("/settings/diagnosis?scope=system", &json!({"purple": {}, "black": {"duration_s": -1.0}})).await;
    assert_eq!((status, problem["errors"].as_array().map(Vec::len)), (StatusCode::UNPROCESSABLE_ENTITY, Some(2)));
    let supervisor = app.person("supervisor", &app.office).await;
    assert_eq!(supervisor.put("/settings/diagnosis?scope=system", &json!({})).await.0, StatusCode::FORBIDDEN);
});

on_both!(a_sub_stream_is_kept_beside_the_main_one_at_the_same_host, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let body = |sub: &str| json!({"name": "x", "premises_id": app.premises.id, "source_url": "rtsp://127.0.0.1:9/main", "sub_source_url": sub, "enabled": false});
    for (sub, code) in [
        ("rtsp://127.0.0.2:9/sub", "other_host"),
        ("rtsp://a:b@127.0.0.1:9/sub", "credentials"),
        ("gopher://127.0.0.1/", "scheme"),
        ("x", "format"),
    ] {
        let (status, problem) = administrator.post("/cameras", &body(sub)).await;
        assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(code)), "{sub}");
        assert_eq!(problem["errors"][0]["pointer"], "/sub_source_url");
    }
    let (status, camera) = administrator.post("/cameras", &body("rtsp://127.0.0.1:9/sub")).await;
    assert_eq!((status, camera["sub_source_url"].as_str()), (StatusCode::CREATED, Some("rtsp://127.0.0.1:9/sub")));
    let path = format!("/cameras/{}", camera["id"].as_str().unwrap());
    let (_, camera) = administrator.patch(&path, &json!({"name": "y", "version": 1})).await;
    assert_eq!(camera["sub_source_url"], "rtsp://127.0.0.1:9/sub", "absent: kept");
    let (status, problem) = administrator.patch(&path, &json!({"source_url": "rtsp://127.0.0.3/main", "version": 2})).await;
    assert_eq!(
        (status, problem["errors"][0]["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("other_host")),
        "the main one may not move away from it"
    );
    let (_, camera) = administrator.patch(&path, &json!({"sub_source_url": null, "version": 2})).await;
    assert_eq!(camera["sub_source_url"], serde_json::Value::Null);
    let (status, health) = administrator.get(&format!("{path}/health")).await;
    assert_eq!((status, health["known"].as_bool()), (StatusCode::OK, Some(false)), "no engine runs here");
});

on_both!(addresses_of_makers_are_told, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (status, patterns) = administrator.get("/cameras/address-patterns").await;
    assert_eq!(status, StatusCode::OK);
    let hikvision = patterns["items"].as_array().unwrap().iter().find(|item| item["vendor"] == "hikvision").unwrap();
    assert_eq!(hikvision["main"], "rtsp://{host}:{port}/Streaming/Channels/{channel}01");
    for (path, body, pointer) in [
        ("/cameras/discover", json!({"address": "camera.local"}), "/address"),
        ("/cameras/discover", json!({"wait_s": 11}), "/wait_s"),
        ("/cameras/onvif", json!({}), "/address"),
        ("/cameras/onvif", json!({"address": "rtsp://127.0.0.1/"}), "/address"),
    ] {
        let (status, problem) = administrator.post(path, &body).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{body}");
    }
});
