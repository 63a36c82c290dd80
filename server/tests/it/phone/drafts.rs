//! What phones leave of drafts: sealed keys that only a new login opens, and encrypted copies where the newest wins.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::auth::DraftBox;
use server::store::drafts;
use uuid::Uuid;

use super::{Phone, base64, sha256, text};
use crate::support::{TestApp, on_both};

async fn sealed(phone: &Phone, owner: &str, content: &[u8], seed: u8) -> String {
    let (status, key) = phone.client.get("/drafts/key").await;
    assert_eq!(status, StatusCode::OK, "{key}");
    DraftBox::seal(&text(&key["public_key"]), owner, &[seed; 32], [seed; 12], content).unwrap()
}

on_both!(keys_are_kept_sealed_and_opened_for_a_new_login_of_their_owner_only, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let mine = sealed(&phone, &phone.user_id, b"my keys", 1).await;
    assert_eq!(phone.client.put("/drafts/key", &json!({"sealed": mine})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(phone.client.put("/drafts/key", &json!({"sealed": mine})).await.0, StatusCode::NO_CONTENT, "the same again");
    let (_, opened) = phone.client.post("/drafts/key/open", &json!({})).await;
    assert_eq!((opened["kept"].as_str(), opened["opened"].as_str()), (Some(base64(b"my keys").as_str()), None), "{opened}");

    // A second phone that made keys of its own does not take the place of the first's unseen.
    let second = sealed(&phone, &phone.user_id, b"both keys", 2).await;
    let (status, problem) = phone.client.put("/drafts/key", &json!({"sealed": second})).await;
    assert_eq!(
        (status, problem["present"]["sha256"].as_str()),
        (StatusCode::CONFLICT, Some(sha256(mine.as_bytes()).as_str())),
        "{problem}"
    );
    assert_eq!(
        phone.client.put("/drafts/key", &json!({"sealed": second, "replaces": sha256(mine.as_bytes())})).await.0,
        StatusCode::NO_CONTENT
    );
    let (_, opened) = phone.client.post("/drafts/key/open", &json!({"sealed": mine})).await;
    assert_eq!(opened["opened"], base64(b"my keys"), "{opened}");
    assert_eq!(opened["kept"], base64(b"both keys"));

    // Another officer gets neither, though they send this very box.
    let other = Phone::at(&app, &app.office).await;
    let (status, opened) = other.client.post("/drafts/key/open", &json!({"sealed": mine})).await;
    assert_eq!((status, &opened["opened"], &opened["kept"]), (StatusCode::OK, &Value::Null, &Value::Null), "{opened}");
    assert_eq!(phone.client.put("/drafts/key", &json!({"sealed": "x".repeat(9_000)})).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    // Ten minutes after the password was typed nothing opens any more.
    crate::support::tamper(
        &app.app.db,
        "UPDATE sessions SET created_at = created_at - 660000 WHERE user_id = (SELECT user_id FROM draft_keys)",
    )
    .await;
    let (status, problem) = phone.client.post("/drafts/key/open", &json!({})).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("precondition_failed")), "{problem}");
    let (_, log) = app.person("auditor", &app.city).await.get("/audit?action=draft_keys_open").await;
    assert!(log["items"].as_array().is_some_and(|items| !items.is_empty()), "{log}");
});

async fn keep(phone: &Phone, id: Uuid, draft_id: Uuid, revision: i64, content: &[u8]) -> (StatusCode, Value) {
    let path = format!("/drafts/{id}?draft_id={draft_id}&revision={revision}&device_id={}", phone.device_id);
    let request = phone.client.request(Method::PUT, &path, None).header("content-type", "application/octet-stream").body(content.to_vec());
    let response = request.send().await.unwrap();
    (response.status(), serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn fetch(phone: &Phone, id: Uuid) -> (StatusCode, Vec<u8>) {
    let response = phone.client.request(Method::GET, &format!("/drafts/{id}"), None).send().await.unwrap();
    (response.status(), response.bytes().await.unwrap().to_vec())
}

on_both!(copies_of_drafts_are_replaced_by_newer_ones_only_and_are_their_owners, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let (draft, photo) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(keep(&phone, draft, draft, 5, b"five").await.0, StatusCode::OK);
    assert_eq!(keep(&phone, draft, draft, 5, b"five").await.0, StatusCode::OK, "the same again");
    assert_eq!(keep(&phone, photo, draft, 1, b"a photo").await.0, StatusCode::OK);
    let (status, problem) = keep(&phone, draft, draft, 4, b"four").await;
    assert_eq!((status, problem["present"]["revision"].as_i64()), (StatusCode::CONFLICT, Some(5)), "{problem}");
    assert_eq!(keep(&phone, draft, draft, 5, b"another five").await.0, StatusCode::CONFLICT);
    assert_eq!(fetch(&phone, draft).await, (StatusCode::OK, b"five".to_vec()), "what was refused replaced nothing");
    assert_eq!(keep(&phone, draft, draft, 6, b"six").await.0, StatusCode::OK);
    assert_eq!(fetch(&phone, draft).await.1, b"six");
    let (_, list) = phone.client.get("/drafts").await;
    let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| (text(&item["id"]), item["revision"].as_i64())).collect();
    assert_eq!(ids, [(draft.to_string(), Some(6)), (photo.to_string(), Some(1))], "the draft before its files");
    assert_eq!(list["bytes"], 3 + 7);
    assert_eq!(files_below(&app, &phone.user_id), 2, "older ones are removed");

    let other = Phone::at(&app, &app.office).await;
    assert_eq!(fetch(&other, draft).await.0, StatusCode::NOT_FOUND);
    assert_eq!(other.client.get("/drafts").await.1["items"], json!([]));
    // Another officer's copy under the same id is another copy, and their forgetting takes nobody else's.
    assert_eq!(keep(&other, draft, draft, 9, b"theirs").await.0, StatusCode::OK);
    assert_eq!(other.client.send(Method::DELETE, &format!("/drafts/{draft}"), None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(fetch(&phone, draft).await.1, b"six");

    assert_eq!(phone.client.send(Method::DELETE, &format!("/drafts/{draft}"), None).await.0, StatusCode::NO_CONTENT);
    assert_eq!((fetch(&phone, draft).await.0, fetch(&phone, photo).await.0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(files_below(&app, &phone.user_id), 0);
    assert_eq!(keep(&phone, draft, draft, 0, b"zero").await.0, StatusCode::BAD_REQUEST);
});

on_both!(copies_have_a_limit_a_person, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let row = drafts::BackupRow {
        user_id: phone.user_id.clone(),
        id: Uuid::now_v7().to_string(),
        draft_id: Uuid::now_v7().to_string(),
        revision: 1,
        device_id: "phone".to_owned(),
        sha256: sha256(b""),
        bytes: 1024 * 1024 * 1024 - 4,
        updated_at: app.app.clock.wall_ms(),
    };
    app.app
        .db
        .write(move |tx| Box::pin(async move { drafts::keep(tx, &row).await }))
        .await
        .map_err(|error: server::store::StoreError| error)
        .unwrap();
    let id = Uuid::now_v7();
    let (status, problem) = keep(&phone, id, id, 1, b"12345").await;
    assert_eq!((status, problem["bytes_max"].as_i64()), (StatusCode::PAYLOAD_TOO_LARGE, Some(1024 * 1024 * 1024)), "{problem}");
    assert_eq!(keep(&phone, id, id, 1, b"1234").await.0, StatusCode::OK);
});

fn files_below(app: &TestApp, user_id: &str) -> usize {
    std::fs::read_dir(app.data.path().join("drafts").join(user_id)).map_or(0, Iterator::count)
}

on_both!(a_canteen_leaves_copies_of_its_papers_too, |app| {
    let cook = app.person("food_safety_officer", &app.premises).await;
    let id = Uuid::now_v7();
    let path = format!("/drafts/{id}?draft_id={id}&revision=1&device_id=kitchen-1");
    let put = |client: &crate::support::Client| {
        client.request(Method::PUT, &path, None).header("content-type", "application/octet-stream").body("sealed").send()
    };
    assert_eq!(put(&cook).await.unwrap().status(), StatusCode::OK);
    assert_eq!(cook.get("/drafts").await.1["items"][0]["id"], json!(id));
    let head = app.person("principal", &app.premises).await;
    assert_eq!(head.get("/drafts").await.1["items"], json!([]), "each their own");
    assert_eq!(head.get(&format!("/drafts/{id}")).await.0, StatusCode::NOT_FOUND);
    let auditor = app.person("auditor", &app.city).await;
    assert_eq!(put(&auditor).await.unwrap().status(), StatusCode::FORBIDDEN, "who fills in nothing keeps nothing here");
});
