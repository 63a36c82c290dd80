//! Alerts over the API: from the camera's picture to the closed case, by everybody's own hands.

use media::{DiagnosisKind, MediaEvent, Phase};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, STILL, TestApp, add_camera, add_picture, diagnosis, hear, on_both};

async fn the_alert(client: &Client) -> Value {
    let (status, list) = client.get("/alerts").await;
    assert_eq!(status, StatusCode::OK, "{list}");
    list["items"][0].clone()
}

/// Raises one alert of a black picture at the east premises; gives its path.
async fn raise(app: &TestApp) -> (uuid::Uuid, String) {
    let camera = add_camera(app, &app.premises, "烹饪区 1").await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Black, Phase::Raised, app.app.clock.wall_ms())]).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let id = the_alert(&supervisor).await["id"].as_str().unwrap().to_owned();
    (camera, format!("/alerts/{id}"))
}

async fn me(client: &Client) -> String {
    client.get("/me").await.1["id"].as_str().unwrap().to_owned()
}

on_both!(an_alert_goes_from_the_picture_to_the_closed_case, |app| {
    let (camera, path) = raise(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let canteen = app.person("food_safety_officer", &app.premises).await;

    let (_, alert) = supervisor.get(&path).await;
    assert_eq!(
        (
            alert["kind"].as_str(),
            alert["class"].as_i64(),
            alert["state"].as_str(),
            alert["camera_id"].as_str(),
            alert["count"].as_i64(),
            alert["version"].as_i64()
        ),
        (Some("black"), Some(0), Some("raised"), Some(camera.to_string().as_str()), Some(1), Some(1)),
        "{alert}"
    );
    assert_eq!((&alert["premises_id"], &alert["organization_name"]), (&json!(app.premises.id), &json!("东岸市场监管所")));
    assert_eq!(alert["allowed_actions"], json!(["confirm", "dismiss"]));
    assert_eq!(alert["clip"]["state"], "none", "nothing records here");
    assert_eq!(alert["rule"]["name"], "diagnosis@1");
    assert_eq!(alert["history"][0]["actor"]["kind"], "system");
    let still = supervisor.request(Method::GET, &format!("{path}/still.jpg"), None).send().await.unwrap();
    assert_eq!((still.status(), still.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "image/jpeg"));
    assert_eq!(still.bytes().await.unwrap(), STILL);
    let part = supervisor.request(Method::GET, &format!("{path}/still.jpg"), None).header("range", "bytes=0-3").send().await.unwrap();
    assert_eq!(
        (part.status(), part.headers()["content-range"].to_str().unwrap().to_owned()),
        (StatusCode::PARTIAL_CONTENT, format!("bytes 0-3/{}", STILL.len()))
    );
    assert_eq!(supervisor.get(&format!("{path}/clip.mp4")).await.0, StatusCode::NOT_FOUND);

    assert_eq!(canteen.get(&path).await.1["allowed_actions"], json!([]));
    assert_eq!(canteen.post(&format!("{path}/confirm"), &json!({"version": 1})).await.0, StatusCode::FORBIDDEN);
    let (status, confirmed) = supervisor.post(&format!("{path}/confirm"), &json!({"version": 1, "text": "镜头被布盖住"})).await;
    assert_eq!(
        (status, confirmed["state"].as_str(), confirmed["version"].as_i64()),
        (StatusCode::OK, Some("confirmed"), Some(2)),
        "{confirmed}"
    );
    assert_eq!(confirmed["history"][1]["text"], "镜头被布盖住");

    let (status, problem) = supervisor.post(&format!("{path}/dispatch"), &json!({"version": 2})).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/deadline"), Some("required"))
    );
    let (status, dispatched) = supervisor.post(&format!("{path}/dispatch"), &json!({"version": 2, "deadline": "P1D"})).await;
    assert_eq!(
        (status, dispatched["state"].as_str(), dispatched["clocks"][0]["name"].as_str()),
        (StatusCode::OK, Some("dispatched"), Some("rectify")),
        "{dispatched}"
    );
    assert_eq!(dispatched["due_at"], dispatched["clocks"][0]["due_at"]);
    let (_, told) = canteen.get("/notices?unread=true").await;
    assert_eq!(
        (told["total"].as_i64(), told["items"][0]["kind"].as_str(), &told["items"][0]["work_id"]),
        (Some(1), Some("dispatched"), &dispatched["id"])
    );
    assert_eq!(
        canteen.post(&format!("/notices/{}/read", told["items"][0]["id"].as_str().unwrap()), &json!({})).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(canteen.get("/notices?unread=true").await.1["total"], 0);

    let theirs = add_picture(&app.app, &me(&supervisor).await).await;
    let (status, problem) =
        canteen.post(&format!("{path}/rectify"), &json!({"version": 3, "text": "已取下", "evidence_ids": [theirs]})).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/evidence_ids/0")),
        "{problem}"
    );
    assert_eq!(canteen.get(&path).await.1["state"], "dispatched", "nothing was kept of the refused answer");
    let picture = add_picture(&app.app, &me(&canteen).await).await;
    let (status, rectified) =
        canteen.post(&format!("{path}/rectify"), &json!({"version": 3, "text": "已取下", "evidence_ids": [picture]})).await;
    assert_eq!((status, rectified["state"].as_str()), (StatusCode::OK, Some("rectified")), "{rectified}");
    assert!(rectified["clocks"][0]["paused_at"].is_string(), "the clock stands still while the bureau reviews");
    let evidence = supervisor.request(Method::GET, &format!("{path}/evidence/{picture}"), None).send().await.unwrap();
    assert_eq!(evidence.status(), StatusCode::OK);
    assert_eq!(supervisor.get(&format!("{path}/evidence/{theirs}")).await.0, StatusCode::NOT_FOUND, "a file that no act names");

    let (status, problem) = supervisor.post(&format!("{path}/review"), &json!({"version": 4, "decision": "send_back"})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/reason")));
    let (status, back) =
        supervisor.post(&format!("{path}/review"), &json!({"version": 4, "decision": "send_back", "reason": "照片看不清"})).await;
    assert_eq!((status, back["state"].as_str()), (StatusCode::OK, Some("dispatched")), "{back}");
    assert!(back["clocks"][0]["paused_at"].is_null());
    assert_eq!(canteen.get("/notices?unread=true").await.1["items"][0]["kind"], "sent_back");
    let (_, again) = canteen.post(&format!("{path}/rectify"), &json!({"version": 5, "text": "重新拍照"})).await;
    assert_eq!(again["state"], "rectified", "{again}");
    let (status, closed) = supervisor.post(&format!("{path}/review"), &json!({"version": 6, "decision": "accept"})).await;
    assert_eq!(
        (status, closed["state"].as_str(), closed["due_at"].is_null(), closed["allowed_actions"].as_array().map(Vec::len)),
        (StatusCode::OK, Some("closed"), true, Some(0))
    );
    let acts: Vec<_> = closed["history"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect();
    assert_eq!(acts, ["raise", "confirm", "dispatch", "rectify", "review", "rectify", "review"]);
    let (_, figures) = supervisor.get("/overview").await;
    assert_eq!(
        (figures["alerts"]["open"].as_i64(), &figures["rectification"]),
        (Some(0), &json!({"dispatched": 1, "rectified": 1, "on_time": 1}))
    );
    assert_eq!((figures["trend"].as_array().map(Vec::len), figures["trend"][13]["alerts"].as_i64()), (Some(14), Some(1)));
});

on_both!(what_lies_outside_is_not_there_and_a_stale_version_is_told_with_what_is, |app| {
    let (_, path) = raise(&app).await;
    let outsider = app.person("supervisor", &app.other_office).await;
    assert_eq!(outsider.get("/alerts").await.1["total"], 0);
    for part in ["", "/still.jpg", "/clip.mp4"] {
        assert_eq!(outsider.get(&format!("{path}{part}")).await.0, StatusCode::NOT_FOUND, "{part}");
    }
    assert_eq!(outsider.post(&format!("{path}/confirm"), &json!({"version": 1})).await.0, StatusCode::NOT_FOUND);
    let supervisor = app.person("supervisor", &app.office).await;
    assert_eq!(
        supervisor.post(&format!("{path}/dismiss"), &json!({"version": 1, "reason": "误报"})).await.1["history"][1]["reason"],
        "false_alarm"
    );
    let (status, stale) = supervisor.post(&format!("{path}/confirm"), &json!({"version": 1})).await;
    assert_eq!(
        (status, stale["type"].as_str(), stale["present"]["state"].as_str(), stale["present"]["version"].as_i64()),
        (StatusCode::CONFLICT, Some("stale_version"), Some("dismissed"), Some(2)),
        "{stale}"
    );
    let (status, wrong) = supervisor.post(&format!("{path}/confirm"), &json!({"version": 2})).await;
    assert_eq!((status, wrong["type"].as_str()), (StatusCode::CONFLICT, Some("invalid_transition")));
    assert_eq!(supervisor.get("/overview").await.1["trend"][13]["dismissed"], 1, "dismissed ones stay in the figures");
    let (status, reopened) = supervisor.post(&format!("{path}/reopen"), &json!({"version": 2, "reason": "再看一次"})).await;
    assert_eq!(
        (status, reopened["state"].as_str(), &reopened["allowed_actions"]),
        (StatusCode::OK, Some("raised"), &json!(["confirm", "dismiss"]))
    );
    for bad in [json!({}), json!({"version": "1"}), json!({"version": 3, "more": 1}), json!({"version": 3, "reason": "x".repeat(2_001)})] {
        assert_eq!(supervisor.post(&format!("{path}/dismiss"), &bad).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
});

on_both!(nobody_reviews_their_own_answer, |app| {
    let (_, path) = raise(&app).await;
    let username = "both";
    app.add_person(username, &[("supervisor", &app.office), ("officer", &app.office)], false).await;
    let both = app.sign_in(username).await;
    for (action, body) in [
        ("confirm", json!({"version": 1})),
        ("dispatch", json!({"version": 2, "deadline": "PT8H"})),
        ("rectify", json!({"version": 3, "text": "现场已处理"})),
    ] {
        let (status, answer) = both.post(&format!("{path}/{action}"), &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let accept = json!({"version": 4, "decision": "accept"});
    assert_eq!(both.get(&path).await.1["allowed_actions"], json!([]));
    assert_eq!(both.get("/alerts").await.1["items"][0]["allowed_actions"], json!([]), "the list knows it too");
    assert_eq!(both.post(&format!("{path}/review"), &accept).await.0, StatusCode::FORBIDDEN);
    let other = app.person("supervisor", &app.district).await;
    assert_eq!(other.get("/alerts").await.1["items"][0]["allowed_actions"], json!(["review"]));
    assert_eq!(other.post(&format!("{path}/review"), &accept).await.1["state"], "closed");
});

on_both!(the_same_request_again_gets_the_same_answer, |app| {
    let (_, path) = raise(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let send = |body: Value| {
        let request = supervisor.request(Method::POST, &format!("{path}/confirm"), Some(&body)).header("idempotency-key", "k-1");
        async move {
            let response = request.send().await.unwrap();
            (response.status(), response.text().await.unwrap())
        }
    };
    let first = send(json!({"version": 1})).await;
    assert_eq!(first.0, StatusCode::OK);
    assert_eq!(send(json!({"version": 1})).await, first, "the lost answer, word for word");
    assert_eq!(supervisor.get(&path).await.1["history"].as_array().map(Vec::len), Some(2), "done once");
    let (status, other) = send(json!({"version": 2})).await;
    assert!(status == StatusCode::CONFLICT && other.contains("\"conflict\""), "{other}");
});

on_both!(repeats_join_and_what_nobody_touched_clears_by_itself, |app| {
    let camera = add_camera(&app, &app.premises, "备餐间").await;
    let supervisor = app.person("supervisor", &app.office).await;
    let now = app.app.clock.wall_ms();
    let tell = |phase, at| hear(&app.app, [diagnosis(camera, DiagnosisKind::Frozen, phase, at)]);
    tell(Phase::Raised, now).await;
    tell(Phase::Repeated, now + 1_000).await;
    // After a restart the diagnosis begins anew.
    tell(Phase::Raised, now + 2_000).await;
    let alert = the_alert(&supervisor).await;
    assert_eq!(
        (alert["count"].as_i64(), alert["state"].as_str(), alert["version"].as_i64()),
        (Some(3), Some("raised"), Some(1)),
        "joining is no transition"
    );
    let path = format!("/alerts/{}", alert["id"].as_str().unwrap());
    assert_eq!(supervisor.get(&path).await.1["occurrences"].as_array().map(Vec::len), Some(3));
    tell(Phase::Cleared, now + 9_000).await;
    let (_, cleared) = supervisor.get(&path).await;
    assert_eq!((cleared["state"].as_str(), cleared["history"][1]["rule"].as_str()), (Some("cleared"), Some("picture_back@1")), "{cleared}");
    assert!(cleared["ended_at"].is_string());

    tell(Phase::Raised, now + 10_000).await;
    let (_, again) = supervisor.get(&path).await;
    assert_eq!(
        (again["state"].as_str(), again["count"].as_i64(), again["ended_at"].is_null(), again["history"][2]["rule"].as_str()),
        (Some("raised"), Some(4), true, Some("recurred@1")),
        "back within the interval: the same alert, {again}"
    );
    tell(Phase::Cleared, now + 11_000).await;

    let now = now + 400_000;
    tell(Phase::Raised, now + 10_000).await;
    assert_eq!(supervisor.get("/alerts").await.1["total"], 2, "what was over for longer than the interval is another one");
    let second = the_alert(&supervisor).await;
    let path = format!("/alerts/{}", second["id"].as_str().unwrap());
    supervisor.post(&format!("{path}/confirm"), &json!({"version": 1})).await;
    tell(Phase::Cleared, now + 11_000).await;
    let (_, ended) = supervisor.get(&path).await;
    assert_eq!((ended["state"].as_str(), ended["ended_at"].is_string()), (Some("confirmed"), true), "somebody has acted: it only ends");
    tell(Phase::Raised, now + 12_000).await;
    let (_, back) = supervisor.get(&path).await;
    assert_eq!((back["count"].as_i64(), back["ended_at"].is_null()), (Some(2), true), "it came back within the repeat interval");
    supervisor.post(&format!("{path}/dispatch"), &json!({"version": 2, "deadline": "P1D"})).await;
    tell(Phase::Cleared, now + 13_000).await;
    let (_, answered) = supervisor.get(&path).await;
    assert_eq!(
        (answered["state"].as_str(), answered["history"][3]["actor"]["kind"].as_str()),
        (Some("rectified"), Some("system")),
        "{answered}"
    );
    assert_eq!(supervisor.post(&format!("{path}/review"), &json!({"version": 4, "decision": "accept"})).await.1["state"], "closed");
});

on_both!(lists_are_narrowed_and_paged, |app| {
    let east = add_camera(&app, &app.premises, "储藏间").await;
    let west = add_camera(&app, &app.other_premises, "面点间").await;
    let now = app.app.clock.wall_ms();
    let kinds = [DiagnosisKind::Black, DiagnosisKind::Frozen, DiagnosisKind::Covered];
    for (number, kind) in (0_i64..).zip(kinds) {
        hear(&app.app, [diagnosis(east, kind, Phase::Raised, now + number), diagnosis(west, kind, Phase::Raised, now + number)]).await;
    }
    hear(&app.app, [diagnosis(west, DiagnosisKind::Covered, Phase::Cleared, now + 500)]).await;
    let supervisor = app.person("supervisor", &app.district).await;
    let table = [
        (String::new(), 6),
        ("?kind=black".to_owned(), 2),
        ("?kind=black,frozen".to_owned(), 4),
        ("?state=cleared".to_owned(), 1),
        ("?open=true".to_owned(), 5),
        (format!("?camera_id={east}"), 3),
        (format!("?premises_id={}", app.other_premises.id), 3),
        ("?q=chucang".to_owned(), 3),
        ("?q=%E8%A5%BF%E5%B2%B8".to_owned(), 3),
        ("?class=0&level=none".to_owned(), 6),
        ("?class=1".to_owned(), 0),
        ("?since=2999-01-01T00:00:00Z".to_owned(), 0),
        ("?until=2000-01-01T00:00:00Z".to_owned(), 0),
        ("?kind=100%25".to_owned(), 0),
    ];
    for (query, total) in table {
        let (status, list) = supervisor.get(&format!("/alerts{query}")).await;
        assert_eq!((status, list["total"].as_i64()), (StatusCode::OK, Some(total)), "{query}: {list}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, list) = supervisor.get(&format!("/alerts?limit=2{cursor}")).await;
        seen.extend(list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match list["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let (_, all) = supervisor.get("/alerts").await;
    let all: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, all, "neither gap nor repeat");
    for bad in ["?since=yesterday", "?class=one", "?cursor=%21", "?limit=0", "?unknown=1"] {
        assert_eq!(supervisor.get(&format!("/alerts{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
});

on_both!(what_joins_an_alert_keeps_some_pictures, |app| {
    let camera = add_camera(&app, &app.premises, "烹饪区 1").await;
    let now = app.app.clock.wall_ms();
    let started = now - 3 * 3_600_000;
    let seen = |nth: i64, at_ms: i64| {
        let phase = if nth == 0 { Phase::Raised } else { Phase::Repeated };
        let mut event = diagnosis(camera, DiagnosisKind::Covered, phase, at_ms);
        if let MediaEvent::Diagnosis { still_jpeg, .. } = &mut event {
            *still_jpeg = Some(format!("picture {nth}").into_bytes());
        }
        event
    };
    hear(&app.app, (0..36).map(|nth| seen(nth, started + nth * 300_000))).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let path = format!("/alerts/{}", the_alert(&supervisor).await["id"].as_str().unwrap());
    let (_, alert) = supervisor.get(&path).await;
    let stills = alert["stills"].as_array().unwrap();
    assert_eq!((alert["count"].as_i64(), alert["occurrences"].as_array().map(Vec::len)), (Some(36), Some(36)), "{alert}");
    assert!((7..=24).contains(&stills.len()), "a bounded number: {}", stills.len());
    assert_eq!(stills[0]["at"], alert["raised_at"]);
    let last = stills.last().unwrap();
    assert!(last["at"].as_str() > alert["occurrences"][12]["at"].as_str(), "they reach to its end: {stills:?}");
    let picture = |still: &Value| {
        let path = format!("{path}/stills/{}", still["id"].as_str().unwrap());
        let request = supervisor.request(Method::GET, &path, None);
        async move { request.send().await.unwrap().bytes().await.unwrap() }
    };
    assert_eq!(picture(&stills[0]).await, "picture 0");
    assert_eq!(picture(&stills[3]).await, "picture 3");
    let first = supervisor.request(Method::GET, &format!("{path}/still.jpg"), None).send().await.unwrap();
    assert_eq!(first.bytes().await.unwrap(), "picture 0");
    for nobody in ["0", "01928f6e-0000-7000-8000-000000000001"] {
        assert_eq!(supervisor.get(&format!("{path}/stills/{nobody}")).await.0, StatusCode::NOT_FOUND, "{nobody}");
    }
    let outsider = app.person("supervisor", &app.other_office).await;
    let still = last["id"].as_str().unwrap();
    assert_eq!(outsider.get(&format!("{path}/stills/{still}")).await.0, StatusCode::NOT_FOUND);
});
