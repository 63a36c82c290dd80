//! What is rare and must not be lost: odd characters in every text, positions that an app made up, a thousand photos, a template that
//! goes out of force under a draft.

use futures::StreamExt as _;
use mobile_api::canonical;
use mobile_api::limits::EVIDENCE_PER_PART_MAX;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, answer, content, drawn, evidence, picture, sha256, text};
use crate::support::on_both;

/// Chinese beyond the basic plane, joined and coloured emoji, right to left with its override, combining marks, separators of lines
/// and every control character but NUL.
fn odd() -> String {
    let controls: String = (1_u8..0x20).chain([0x7f]).map(char::from).collect();
    format!("留样𠮷餐 👩🏽‍🍳🇨🇳 \u{202e}עברית العربية\u{202c} e\u{301}\u{200d} \u{2028}\u{feff}\u{e000}\u{fffd} \"\\/<b>&amp; {controls}%00")
}

/// Every text that a person can type, filled; with their places.
fn filled(draft: &mut Draft, words: &str, line: &[u8]) -> Vec<&'static str> {
    let drawing = Uuid::now_v7().to_string();
    let mut named = evidence(&drawing, "1.1", line);
    named["kind"] = json!("signature");
    draft.content["evidence"].as_array_mut().unwrap().push(named);
    draft.header["device"]["model"] = json!(words);
    draft.content["answers"][0]["remark"] = json!(words);
    draft.content["answers"][0]["reason"] = json!(words);
    let shown = sha256(b"shown");
    draft.content["signatures"] = json!([
        {"by": "premises", "name": words, "refused": true, "reason": words, "shown_sha256": shown},
        {"by": "witness", "name": words, "evidence_id": drawing, "refused": false, "shown_sha256": shown}]);
    draft.content["visit"] = json!({"recusal": {"asked_at": "2026-11-23T06:07:00.000Z", "requested": true, "reason": words, "name": words, "evidence_id": drawing}});
    vec![
        "/header/device/model",
        "/part/content/answers/0/remark",
        "/part/content/answers/0/reason",
        "/part/content/signatures/0/name",
        "/part/content/signatures/0/reason",
        "/part/content/signatures/1/name",
        "/part/content/visit/recusal/reason",
        "/part/content/visit/recusal/name",
    ]
}

on_both!(every_text_keeps_every_character_and_nul_is_refused_with_its_place, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let (words, line) = (odd(), drawn(true));
    let mut draft = Draft::new(&app, &phone, &template);
    let places = filled(&mut draft, &words, &line);
    for place in &places {
        let mut put = draft.put();
        *put.pointer_mut(place).unwrap() = json!(format!("{words}\0"));
        put["content_sha256"] = json!(canonical::sha256_hex(&put["header"]));
        put["part"]["content_sha256"] = json!(canonical::sha256_hex(&put["part"]["content"]));
        let (status, problem) = phone.client.put(&draft.path(), &put).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(*place)), "{problem}");
    }
    let (status, stored) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let drawing = text(&draft.content["evidence"][0]["id"]);
    assert_eq!(phone.upload(draft.id, &drawing, &line).await, StatusCode::NO_CONTENT);
    let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("complete")), "{done}");
    let (_, team) = phone.client.get(&format!("{}/parts", draft.path())).await;
    assert_eq!(team["parts"][0]["content"], draft.content, "byte for byte what was sent");
    assert_eq!(team["header"], draft.header);
    let desk = app.person("supervisor", &app.office).await;
    let (_, page) = desk.get(&draft.path()).await;
    let shown = page["answers"].as_array().unwrap().iter().find(|one| one["remark"].is_string()).unwrap();
    assert_eq!((shown["remark"].as_str(), shown["reason"].as_str()), (Some(words.as_str()), Some(words.as_str())));
    // What goes out of the house stays readable: a table, a sheet and the paper.
    let csv = desk.request(Method::GET, "/exports/inspections.csv", None).send().await.unwrap();
    assert_eq!(csv.status(), StatusCode::OK);
    let sheet = desk.request(Method::GET, "/exports/inspections.xlsx", None).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(server::sheet::read(&sheet).unwrap().rows.len(), 1);
    let paper = desk.request(Method::POST, "/documents/preview", Some(&json!({"kind": "on_site_record", "inspection_id": draft.id})));
    assert!(paper.send().await.unwrap().bytes().await.unwrap().starts_with(b"%PDF-"));
});

on_both!(a_position_that_an_app_made_up_is_kept_and_marked_and_sets_no_clock, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let honest = draft.content["locations"][0].clone();
    let mut mocked = honest.clone();
    mocked["mocked"] = json!(true);
    // Its satellites would move the inspection to another year.
    mocked["gps_time"] = json!("2020-01-01T00:00:00.000Z");
    draft.content["locations"] = json!([honest, mocked]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
    let (_, page) = app.person("supervisor", &app.office).await.get(&draft.path()).await;
    let places = page["parts"][0]["locations"].as_array().unwrap();
    assert_eq!((places.len(), places[0]["mocked"].as_bool(), places[1]["mocked"].as_bool()), (2, None, Some(true)), "{page}");
    assert_ne!(&page["happened_at"].as_str().unwrap()[..4], "2020", "{page}");
});

on_both!(a_thousand_photos_of_one_inspection_are_all_there, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let draft = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (mut parts, mut photos) = (vec![json!({"id": draft.part_id, "content_sha256": canonical::sha256_hex(&draft.content)})], Vec::new());
    for part in 0..5_u8 {
        let named: Vec<(String, Vec<u8>)> =
            (0..200).map(|number| (Uuid::now_v7().to_string(), tiny(part, u8::try_from(number).unwrap()))).collect();
        let files: Vec<Value> = named.iter().map(|(id, file)| evidence(id, "1.1", file)).collect();
        let id = Uuid::now_v7();
        let content = content(&phone.device_id, vec![], files.clone());
        let body = json!({"content": content, "content_sha256": canonical::sha256_hex(&content), "revision": 1});
        let (status, stored) = phone.client.put(&format!("{}/parts/{id}", draft.path()), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{stored}");
        parts.push(json!({"id": id, "content_sha256": stored["content_sha256"]}));
        photos.extend(named);
    }
    let more = content(
        &phone.device_id,
        vec![],
        (0..=EVIDENCE_PER_PART_MAX).map(|_| evidence(&Uuid::now_v7().to_string(), "1.1", b"x")).collect(),
    );
    let body = json!({"content": more, "content_sha256": canonical::sha256_hex(&more), "revision": 1});
    let (status, problem) = phone.client.put(&format!("{}/parts/{}", draft.path(), Uuid::now_v7()), &body).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/content/evidence")),
        "a part has a limit, and says so: {problem}"
    );
    let mut submission = draft.submission(&template);
    submission["parts"] = json!(parts);
    let submit = format!("{}/submit", draft.path());
    let (status, told) = phone.client.post(&submit, &submission).await;
    assert_eq!((status, told["missing_evidence"].as_array().map(Vec::len)), (StatusCode::OK, Some(1_000)));
    let sent = futures::stream::iter(&photos).map(|(id, file)| phone.upload(draft.id, id, file)).buffer_unordered(8);
    assert!(sent.all(|status| async move { status == StatusCode::NO_CONTENT }).await);
    let (_, told) = phone.client.post(&submit, &submission).await;
    assert_eq!((told["state"].as_str(), told["missing_evidence"].as_array().map(Vec::len)), (Some("complete"), Some(0)));
    let (_, page) = app.person("supervisor", &app.office).await.get(&draft.path()).await;
    assert_eq!(page["evidence"].as_array().unwrap().iter().filter(|one| one["received"] == true).count(), 1_000);
});

/// A picture of one pixel, like no other.
fn tiny(part: u8, number: u8) -> Vec<u8> {
    let mut content = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(1, 1, image::Rgb([part, number, 77])).write_to(&mut content, image::ImageFormat::Png).unwrap();
    content.into_inner()
}

on_both!(a_template_that_is_retired_under_a_draft_judges_it_to_the_end, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let photo = picture(1);
    let evidence = draft.photo("1.1", &photo);
    let mut begun = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.put(&begun.path(), &begun.put()).await.0, StatusCode::CREATED);
    let designer = app.person("administrator", &app.city).await;
    assert_eq!(designer.post(&format!("/templates/{}/retire", template.id), &json!({})).await.0, StatusCode::OK);
    let (_, inforce) = phone.client.get("/templates?kind=school_canteen").await;
    assert!(inforce["items"].as_array().unwrap().iter().all(|one| one["id"] != template.id.as_str()), "{inforce}");
    // One whose header is here, and one of which the server has heard nothing yet.
    begun.content["answers"][0] = answer("1.1", "conforms");
    for draft in [&begun, &draft] {
        let status = phone.client.put(&draft.path(), &draft.put()).await.0;
        assert!(status.is_success(), "{status}");
    }
    assert_eq!(phone.upload(draft.id, &evidence, &photo).await, StatusCode::NO_CONTENT);
    for draft in [&begun, &draft] {
        let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
        assert_eq!((status, done["state"].as_str(), done["differs"].as_bool()), (StatusCode::OK, Some("complete"), Some(false)), "{done}");
    }
});
