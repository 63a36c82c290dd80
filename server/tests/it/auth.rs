//! Signing in: lock-out, rotation with grace, reuse, forced change, sign-out.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{on_both, until};

on_both!(a_person_signs_in_and_is_told_who_they_are, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let (status, me) = supervisor.get("/me").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(me["grants"][0]["node_name"], "东岸市场监管所");
    let permissions = me["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("alerts.decide")) && !permissions.contains(&json!("users.manage")));
});

on_both!(wrong_passwords_lock_a_name_whether_or_not_it_exists, |app| {
    app.add_person("liming", &[("officer", &app.office)], false).await;
    for username in ["liming", "nobody-here"] {
        let client = app.nobody();
        for attempt in 1..=4 {
            let (status, problem) = client.post("/auth/login", &json!({"username": username, "password": "wrong-wrong"})).await;
            assert_eq!((status, problem["type"].as_str()), (StatusCode::UNAUTHORIZED, Some("invalid_credentials")), "attempt {attempt}");
        }
        let (status, problem) = client.post("/auth/login", &json!({"username": username, "password": "wrong-wrong"})).await;
        assert_eq!((status, problem["type"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("locked")));
        // The right password does not help while locked.
        let (status, problem) = client.post("/auth/login", &json!({"username": username, "password": "clean-kitchen-2026"})).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert!(problem["retry_after_s"].as_i64().unwrap() > 0);
    }
});

on_both!(a_refresh_token_is_spent_once_with_grace_for_the_same_device, |app| {
    app.add_person("wang", &[("officer", &app.office)], false).await;
    let client = app.nobody();
    let (_, login) =
        client.post("/auth/login", &json!({"username": "wang", "password": "clean-kitchen-2026", "device_id": "phone-1"})).await;
    let spend = |device: &'static str| {
        let (client, token) = (client.clone(), login["refresh_token"].clone());
        async move { client.post("/auth/refresh", &json!({"refresh_token": token, "device_id": device})).await }
    };
    let (status, first) = spend("phone-1").await;
    assert_eq!(status, StatusCode::OK);
    let (status, again) = spend("phone-1").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(first["refresh_token"], again["refresh_token"], "a lost answer gives the same successor");
    let (status, _) = spend("phone-2").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "another device with a spent token is a thief");
    let (status, _) = client.post("/auth/refresh", &json!({"refresh_token": first["refresh_token"], "device_id": "phone-1"})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the login has ended for both");
});

on_both!(a_password_set_by_somebody_else_must_be_changed_first, |app| {
    app.add_person("newcomer", &[("supervisor", &app.office)], true).await;
    let mut client = app.sign_in("newcomer").await;
    let (status, problem) = client.get("/premises").await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::FORBIDDEN, Some("password_change_required")));
    assert_eq!(client.get("/me").await.0, StatusCode::OK);
    let (status, problem) =
        client.post("/auth/password", &json!({"current_password": "clean-kitchen-2026", "new_password": "short"})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/new_password")));
    let (status, tokens) =
        client.post("/auth/password", &json!({"current_password": "clean-kitchen-2026", "new_password": "a-much-better-one"})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(client.get("/premises").await.0, StatusCode::UNAUTHORIZED, "the old login has ended");
    client.token = tokens["access_token"].as_str().map(str::to_owned);
    assert_eq!(client.get("/premises").await.0, StatusCode::OK);
});

on_both!(signing_out_ends_the_login, |app| {
    let client = app.person("officer", &app.office).await;
    assert_eq!(client.post("/auth/logout", &json!({})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(client.get("/me").await.0, StatusCode::UNAUTHORIZED);
});

on_both!(the_cookie_reads_but_never_writes, |app| {
    app.add_person("zhao", &[("administrator", &app.city)], false).await;
    let login = app
        .nobody()
        .request(reqwest::Method::POST, "/auth/login", Some(&json!({"username": "zhao", "password": "clean-kitchen-2026"})))
        .send()
        .await
        .unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap().to_owned();
    let with_cookie = |method, path: &str, body| app.nobody().request(method, path, body).header("cookie", &pair).send();
    assert_eq!(with_cookie(reqwest::Method::GET, "/premises", None).await.unwrap().status(), StatusCode::OK);
    let body = json!({"name": "x", "level": "city"});
    assert_eq!(with_cookie(reqwest::Method::POST, "/organizations", Some(&body)).await.unwrap().status(), StatusCode::UNAUTHORIZED);
});

on_both!(wrong_present_passwords_lock_the_name_too, |app| {
    app.add_person("left-open", &[("officer", &app.office)], false).await;
    let client = app.sign_in("left-open").await;
    let change = |current: &'static str, new: &'static str| {
        let client = client.clone();
        async move { client.post("/auth/password", &json!({"current_password": current, "new_password": new})).await }
    };
    // The same again is wrong, and no guess.
    for _ in 0..6 {
        let (status, problem) = change(crate::support::PASSWORD, crate::support::PASSWORD).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/new_password")), "{problem}");
    }
    for attempt in 1..=4 {
        let (status, problem) = change("wrong-wrong-wrong", "a-much-better-one").await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/current_password")),
            "{attempt}"
        );
    }
    assert_eq!(change("wrong-wrong-wrong", "a-much-better-one").await.0, StatusCode::TOO_MANY_REQUESTS);
    let (status, problem) = change(crate::support::PASSWORD, "a-much-better-one").await;
    assert_eq!((status, &problem["type"]), (StatusCode::TOO_MANY_REQUESTS, &json!("locked")), "the right one does not help while locked");
    // The log is read up to what no write can still come before.
    let auditor = app.person("auditor", &app.city).await;
    let noted = until("each try is noted", || async {
        let (_, rows) = auditor.get("/audit?action=login_failed").await;
        let noted = rows["items"].as_array().unwrap().len();
        (noted >= 5).then_some(noted)
    })
    .await;
    assert_eq!(noted, 5);
});
