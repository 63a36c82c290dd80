//! An officer let go while away: what they gathered is kept in quarantine, and becomes an inspection when a supervisor accepts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, drawn, evidence, originals, picture, sha256, text};
use crate::support::{Client, PASSWORD, TestApp, on_both};

/// An officer with a login of a phone: the refresh token is what stays on the phone.
async fn officer(app: &TestApp, username: &str) -> (Phone, String) {
    let user_id = app.add_person(username, &[("officer", &app.office)], false).await;
    let mut client = app.nobody();
    let (status, tokens) = client.post("/auth/login", &json!({"username": username, "password": PASSWORD, "device_id": "phone-9"})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    client.token = Some(text(&tokens["access_token"]));
    (Phone { client, user_id, device_id: "phone-9".to_owned() }, text(&tokens["refresh_token"]))
}

async fn revoke(app: &TestApp, user_id: &str) {
    let root = app.person("administrator", &app.city).await;
    let user = root.get(&format!("/users/{user_id}")).await.1;
    let (status, answer) = root.patch(&format!("/users/{user_id}"), &json!({"version": user["version"], "disabled": true})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn bring_file(nobody: &Client, inspection: Uuid, evidence: &str, token: &str, content: &[u8], hash: &str) -> StatusCode {
    let filetype = if content.starts_with(&[0xFF, 0xD8]) { "image/jpeg" } else { "image/png" };
    let path = format!("/late/{inspection}/files/{evidence}?sha256={hash}&filetype={filetype}");
    let request = nobody.request(Method::PUT, &path, None).header("X-Late-Token", token).header("content-type", "application/octet-stream");
    request.body(content.to_vec()).send().await.unwrap().status()
}

on_both!(what_a_revoked_officer_brings_is_kept_and_accepted_whole, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let (phone, token) = officer(&app, "gone").await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let photo = originals::placed((51, b'N'), (0, b'W'));
    let photo_id = draft.photo("1.1", &photo);
    // Somebody drew nothing and called it a signature: it is kept, and is none.
    let (blank, blank_id) = (drawn(false), Uuid::now_v7().to_string());
    let mut named = evidence(&blank_id, "1.1", &blank);
    named["kind"] = json!("signature");
    named.as_object_mut().unwrap().remove("item_code");
    draft.content["evidence"].as_array_mut().unwrap().push(named);
    draft.content["signatures"] =
        json!([{"by": "premises", "name": "林晓梅", "evidence_id": blank_id, "refused": false, "shown_sha256": sha256(b"shown")}]);
    revoke(&app, &phone.user_id).await;

    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::UNAUTHORIZED, "the account opens nothing");
    let (status, problem) = app.nobody().post("/auth/refresh", &json!({"refresh_token": token, "device_id": "phone-9"})).await;
    assert_eq!((status, problem["account"].as_str()), (StatusCode::UNAUTHORIZED, Some("disabled")), "the phone is told why: {problem}");

    let nobody = app.nobody();
    let body = json!({"token": token, "reason": "account_ended", "put": draft.put(), "submit": draft.submission(&template)});
    let path = format!("/late/{}", draft.id);
    let (status, kept) = nobody.put(&path, &body).await;
    assert_eq!((status, kept["state"].as_str()), (StatusCode::CREATED, Some("waiting")), "{kept}");
    assert_eq!(nobody.put(&path, &body).await.0, StatusCode::OK, "the same again is one");
    assert_eq!(bring_file(&nobody, draft.id, &photo_id, &token, &photo, &sha256(&photo)).await, StatusCode::CREATED);
    assert_eq!(bring_file(&nobody, draft.id, &photo_id, &token, &photo, &sha256(&photo)).await, StatusCode::OK);
    assert_eq!(bring_file(&nobody, draft.id, &photo_id, &token, b"other", &sha256(&photo)).await, StatusCode::OK, "it is here");
    assert_eq!(bring_file(&nobody, draft.id, &Uuid::now_v7().to_string(), &token, b"other", &sha256(&photo)).await.as_u16(), 460);
    assert_eq!(bring_file(&nobody, draft.id, &blank_id, &token, &blank, &sha256(&blank)).await, StatusCode::CREATED);
    assert_eq!(bring_file(&nobody, draft.id, &photo_id, "made-up", &photo, &sha256(&photo)).await, StatusCode::UNAUTHORIZED);
    let mut stolen = body.clone();
    stolen["token"] = json!("made-up");
    assert_eq!(nobody.put(&path, &stolen).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(supervisor.get(&draft.path()).await.0, StatusCode::NOT_FOUND, "it is no inspection yet");

    let (_, list) = supervisor.get("/late?state=waiting").await;
    let item = &list["items"][0];
    assert_eq!(
        (
            list["total"].as_i64(),
            item["user_disabled"].as_bool(),
            item["files"].as_i64(),
            item["submitted"].as_bool(),
            item["premises_id"].as_str()
        ),
        (Some(1), Some(true), Some(2), Some(true), Some(app.premises.id.as_str())),
        "{list}"
    );
    assert_eq!(app.person("supervisor", &app.other_office).await.get("/late").await.1["total"], 0);
    let late = format!("/late/{}", text(&item["id"]));
    let (_, one) = supervisor.get(&late).await;
    assert_eq!(one["content"]["put"], draft.put(), "{one}");
    let arrived: Vec<_> = one["arrived"].as_array().unwrap().iter().map(|file| text(&file["evidence_id"])).collect();
    assert!(arrived.contains(&photo_id) && arrived.contains(&blank_id), "{one}");
    let shown = supervisor.request(Method::GET, &format!("{late}/files/{photo_id}"), None).send().await.unwrap();
    assert_eq!(shown.bytes().await.unwrap().as_ref(), photo.as_slice());

    assert_eq!(supervisor.post(&format!("{late}/accept"), &json!({"version": 7})).await.0, StatusCode::CONFLICT, "not as it was looked at");
    let (status, done) = supervisor.post(&format!("{late}/accept"), &json!({"version": 1, "reason": "经核对属实"})).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("accepted")), "{done}");
    let (_, page) = supervisor.get(&draft.path()).await;
    assert_eq!((page["state"].as_str(), page["officers"][0]["id"].as_str()), (Some("complete"), Some(phone.user_id.as_str())), "{page}");
    let position = &originals::on_page(&page, &photo_id)["position"];
    assert_eq!(position["latitude"].as_f64(), Some(51.5), "where it says that it was taken is read here too: {position}");
    assert!(page["to_complete"].as_array().unwrap().contains(&json!("premises_signature")), "a blank drawing is no signature: {page}");
    assert_eq!(
        supervisor.post(&format!("{late}/reject"), &json!({"version": 2, "reason": "x"})).await.0,
        StatusCode::CONFLICT,
        "decided once"
    );
    let (_, log) = app.person("auditor", &app.city).await.get("/audit?action=late_accept").await;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{log}");
});

on_both!(what_is_rejected_stays_and_says_why, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let (phone, token) = officer(&app, "unlucky").await;
    let draft = Draft::new(&app, &phone, &phone.template().await);
    let (status, kept) =
        app.nobody().put(&format!("/late/{}", draft.id), &json!({"token": token, "reason": "refused", "put": draft.put()})).await;
    assert_eq!(status, StatusCode::CREATED, "{kept}");
    let id = text(&supervisor.get("/late").await.1["items"][0]["id"]);
    let (status, problem) = supervisor.post(&format!("/late/{id}/reject"), &json!({"version": 1})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/reason")), "{problem}");
    let (_, done) = supervisor.post(&format!("/late/{id}/reject"), &json!({"version": 1, "reason": "与另一份重复"})).await;
    assert_eq!((done["state"].as_str(), done["decision"].as_str()), (Some("rejected"), Some("与另一份重复")), "{done}");
    assert_eq!(supervisor.get(&format!("/late/{id}")).await.1["content"]["put"], draft.put());
    // Something that can be no inspection is kept too; accepting it says what is wrong, and it stays.
    let odd = json!({"token": token, "reason": "refused", "put": {"header": {"premises_id": app.premises.id}}});
    assert_eq!(app.nobody().put(&format!("/late/{}", Uuid::now_v7()), &odd).await.0, StatusCode::CREATED);
    let waiting: Value = supervisor.get("/late?state=waiting").await.1["items"][0].clone();
    let (status, _) = supervisor.post(&format!("/late/{}/accept", text(&waiting["id"])), &json!({"version": 1})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(supervisor.get("/late?state=waiting").await.1["total"], 1);
});

on_both!(a_client_that_is_too_old_is_told_before_it_sends_anything, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let draft = Draft::new(&app, &phone, &phone.template().await);
    let send = |client: &'static str| {
        phone.client.request(Method::PUT, &draft.path(), Some(&draft.put())).header("Bright-Kitchen-Client", client).send()
    };
    let told = send("phone/0").await.unwrap();
    let (status, problem): (_, Value) = (told.status(), serde_json::from_str(&told.text().await.unwrap()).unwrap());
    assert_eq!(
        (status.as_u16(), problem["type"].as_str(), problem["oldest"].as_i64()),
        (426, Some("client_too_old"), Some(1)),
        "{problem}"
    );
    assert_eq!(app.person("supervisor", &app.office).await.get(&draft.path()).await.0, StatusCode::NOT_FOUND);
    for client in ["phone/1", "phone/3", "somebody else's/0"] {
        assert!(send(client).await.unwrap().status().is_success(), "{client}");
    }
});

// The two versions before the present one do a whole day's work: what they send is taken, what they read is there.
on_both!(a_client_two_versions_old_does_its_whole_work, |app| {
    for back in 1..=2 {
        let mut phone = Phone::at(&app, &app.office).await;
        let name = format!("phone/{}", mobile_api::version::CURRENT - back);
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("Bright-Kitchen-Client", name.parse().unwrap());
        phone.client.http = reqwest::Client::builder().default_headers(headers).pool_max_idle_per_host(0).build().unwrap();
        let (status, page) = phone.client.get("/sync?limit=200").await;
        assert_eq!(status, StatusCode::OK, "{name}: {page}");
        assert!(page["items"].as_array().unwrap().iter().any(|item| item["entity"] == "premises" && item["value"]["name"].is_string()));
        let template = phone.template().await;
        // As those versions wrote: no visit, no officer's id at a signature, no paper drawn on site.
        let mut draft = Draft::new(&app, &phone, &template);
        draft.fail("8.1");
        let (photo, drawn) = (picture(4), drawn(true));
        let photo_id = draft.photo("8.1", &photo);
        let signature_id = Uuid::now_v7().to_string();
        draft.content["evidence"].as_array_mut().unwrap().push(json!({"id": signature_id, "kind": "signature", "sha256": sha256(&drawn),
            "filetype": "image/png", "bytes": drawn.len(), "taken_at": "2026-11-23T06:35:00.000Z"}));
        draft.content["signatures"] =
            json!([{"by": "officer", "name": "李执法", "evidence_id": signature_id, "refused": false, "shown_sha256": sha256(b"shown")}]);
        let (status, stored) = phone.client.put(&draft.path(), &draft.put()).await;
        assert_eq!(status, StatusCode::CREATED, "{name}: {stored}");
        let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
        assert_eq!((status, done["missing_evidence"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{name}: {done}");
        for (id, content) in [(&photo_id, &photo), (&signature_id, &drawn)] {
            assert_eq!(phone.upload(draft.id, id, content).await, StatusCode::NO_CONTENT, "{name}");
        }
        let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
        assert_eq!(
            (status, done["state"].as_str(), &done["missing_evidence"]),
            (StatusCode::OK, Some("complete"), &json!([])),
            "{name}: {done}"
        );
        crate::support::settled(&app).await;
        let since = text(&page["next"]);
        let (status, page) = phone.client.get(&format!("/sync?since={since}&limit=200")).await;
        assert!(status == StatusCode::OK && page.to_string().contains(&draft.id.to_string()), "{name}: {page}");
    }
});
