//! Submissions over a network that cuts, falls silent, delays, doubles and reorders, sent again from many threads: exactly one
//! inspection each, every photo whole, and nothing wrong in the data.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, Template, picture, sha256, text};
use crate::support::{Client, Engine, Fault, Network, TestApp, on_both, settled};

/// More tries than any request here needs, each being cut every second time.
const TRIES_MAX: usize = 80;
/// Bytes of a piece of a photo.
const PIECE_BYTES: usize = 24 * 1024;

/// Sends a request until there is an answer that is whole; gives its status, its headers and its body.
async fn insist(request: impl Fn() -> reqwest::RequestBuilder) -> (StatusCode, reqwest::header::HeaderMap, Value) {
    for _ in 0..TRIES_MAX {
        let Ok(response) = request().send().await else { continue };
        let (status, headers) = (response.status(), response.headers().clone());
        let Ok(body) = response.bytes().await else { continue };
        // As a phone does with what it cannot read, or is asked to try again.
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            continue;
        }
        return (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null));
    }
    panic!("no answer in {TRIES_MAX} tries");
}

/// Sends a file as a phone does: asks where it stands, and goes on there.
async fn insist_on_upload(phone: &Phone, id: Uuid, evidence: &str, file: &[u8]) {
    for _ in 0..TRIES_MAX {
        let (status, headers, body) = insist(|| phone.creation(id, evidence, file.len(), &sha256(file))).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let location = header("location").trim_start_matches("/api/v1").to_owned();
        let mut offset: usize = header("upload-offset").parse().unwrap();
        while offset < file.len() {
            let end = (offset + PIECE_BYTES).min(file.len());
            let sent = insist(|| {
                let request = phone.client.request(Method::PATCH, &location, None).header("Tus-Resumable", "1.0.0");
                let request = request.header("Upload-Offset", offset).header("Content-Type", "application/offset+octet-stream");
                request.body(file[offset..end].to_vec())
            });
            let (status, headers, body) = sent.await;
            match status {
                StatusCode::NO_CONTENT => offset = headers["upload-offset"].to_str().unwrap().parse().unwrap(),
                // Another piece came first, whole or in part: ask where it stands.
                StatusCode::CONFLICT | StatusCode::NOT_FOUND => break,
                _ => panic!("{status} {body}"),
            }
        }
        if offset == file.len() {
            return;
        }
    }
    panic!("not sent in {TRIES_MAX} tries");
}

/// Sends the whole of an inspection, photos between header and submission.
async fn send(phone: &Phone, template: &Template, draft: &Draft, photos: &[(String, Vec<u8>)]) {
    let put = draft.put();
    let (status, _, body) = insist(|| phone.client.request(Method::PUT, &draft.path(), Some(&put))).await;
    assert!(status.is_success(), "{status} {body}");
    for (evidence, file) in photos {
        insist_on_upload(phone, draft.id, evidence, file).await;
    }
    let submission = draft.submission(template);
    let (status, _, body) = insist(|| phone.client.request(Method::POST, &format!("{}/submit", draft.path()), Some(&submission))).await;
    assert_eq!((status, body["state"].as_str()), (StatusCode::OK, Some("complete")), "{body}");
}

/// The inspection is there once, as sent, with every photo whole.
async fn whole(client: &Client, draft: &Draft, photos: &[(String, Vec<u8>)]) {
    let (status, page) = client.get(&draft.path()).await;
    assert_eq!((status, page["state"].as_str()), (StatusCode::OK, Some("complete")), "{page}");
    assert_eq!((page["parts"].as_array().unwrap().len(), page["evidence"].as_array().unwrap().len()), (1, photos.len()), "{page}");
    assert_eq!(page["answers"].as_array().unwrap().len(), draft.content["answers"].as_array().unwrap().len());
    for (evidence, file) in photos {
        let response = client.request(Method::GET, &format!("{}/evidence/{evidence}", draft.path()), None).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.bytes().await.unwrap() == file.as_slice(), "the photo is whole");
    }
}

/// Nothing is wrong with database, files, evidence, receipts and the audit chain; an act of each inspection is audited once.
async fn clean(app: &TestApp, inspections: usize) {
    settled(app).await;
    let flags = server::config::Flags::default().or("data", app.data.path().to_string_lossy());
    let config = server::config::Config::load(&flags).unwrap();
    let check = server::check::Check::new(&app.app.db, &app.app.files, &config, false, server::check::Server::Running);
    let report = check.run().await.unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.receipts, u64::try_from(inspections).unwrap());
    let auditor = app.person("auditor", &app.city).await;
    for action in ["inspection_receive", "inspection_submit"] {
        let (_, acts) = auditor.get(&format!("/audit?action={action}&limit=1")).await;
        assert_eq!(acts["total"].as_u64(), Some(u64::try_from(inspections.min(1_000)).unwrap()), "{action}: once each");
    }
}

/// A template with one item, so that a submission is small.
async fn small_template(app: &TestApp, phone: &Phone) -> Template {
    let words = |zh: &str| json!({"zh": zh, "en": zh});
    let item = json!({"code": "1", "key": true, "text": words("留样"), "basis": "x", "min_photos": 0, "photo_on_fail": false});
    let file = json!({"code": "small", "name": words("小"), "premises_kinds": ["school_canteen"], "audience": "officer", "source": words("本局"),
        "body": {"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": [{"code": "1", "name": words("一"), "items": [item]}]}});
    let designer = app.person("supervisor", &app.city).await;
    let (status, draft) = designer.post("/template-drafts", &json!({"file": file})).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    let (status, made) =
        designer.post(&format!("/template-drafts/{}/publish", text(&draft["id"])), &json!({"version": draft["version"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (_, template) = phone.client.get(&format!("/templates/{}", text(&made["id"]))).await;
    Template { id: text(&made["id"]), body: serde_json::from_value(template["body"].clone()).unwrap() }
}

/// One request with one fate; what comes of it is nobody's business.
async fn once(fate: &Mutex<Fault>, fault: Fault, request: reqwest::RequestBuilder) {
    *fate.lock().unwrap() = fault;
    if let Ok(response) = request.send().await {
        let _cut = response.bytes().await;
    }
}

/// Header with part, photo, submission: each is cut at every `step`th byte, and at every fourth of these its answer is cut too; then
/// all of it comes whole, twice at once.
async fn cut_at_every(app: &TestApp, step: usize) {
    let phone = Phone::at(app, &app.office).await;
    let template = small_template(app, &phone).await;
    // The body of a header with its part; the head of the request comes to it as soon as the first is seen.
    let longest = Arc::new(AtomicUsize::new(Draft::new(app, &phone, &template).put().to_string().len()));
    let done = AtomicUsize::new(0);
    let (next, photo_seed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    join_all((0..8).map(|_| async {
        let fate = Arc::new(Mutex::new(Fault::Nothing));
        let (told, seen) = (fate.clone(), longest.clone());
        let network = Network::before(&phone.client, move |length| {
            seen.fetch_max(length, Ordering::Relaxed);
            *told.lock().unwrap()
        })
        .await;
        let behind = network.client(&phone.client);
        loop {
            let at = next.fetch_add(step, Ordering::Relaxed);
            if at >= longest.load(Ordering::Relaxed) {
                break;
            }
            let mut draft = Draft::new(app, &phone, &template);
            let photo = small_picture(photo_seed.fetch_add(1, Ordering::Relaxed));
            let evidence = draft.photo("1", &photo);
            let (put, submission) = (draft.put(), draft.submission(&template));
            let header = |client: &Client| client.request(Method::PUT, &draft.path(), Some(&put));
            let upload = |client: &Client| {
                let sender = Phone { client: client.clone(), user_id: String::new(), device_id: String::new() };
                let creation = sender.creation(draft.id, &evidence, photo.len(), &sha256(&photo));
                creation.header("Content-Type", "application/offset+octet-stream").body(photo.clone())
            };
            let submit = |client: &Client| client.request(Method::POST, &format!("{}/submit", draft.path()), Some(&submission));
            let mut faults = vec![Fault::Cut(at)];
            let often = (at / step).is_multiple_of(4);
            if often {
                faults.push(Fault::CutAnswer(at % 500));
            }
            for fault in &faults {
                once(&fate, *fault, header(&behind)).await;
            }
            for fault in &faults {
                once(&fate, *fault, upload(&behind)).await;
            }
            if often {
                let (status, _, body) = insist(|| header(&phone.client)).await;
                assert!(status.is_success(), "cut at {at}: {status} {body}");
            }
            for fault in &faults {
                once(&fate, *fault, submit(&behind)).await;
            }
            let photos = [(evidence.clone(), photo.clone())];
            let threads = if often { 2 } else { 1 };
            join_all((0..threads).map(|_| send(&phone, &template, &draft, &photos))).await;
            if done.fetch_add(1, Ordering::Relaxed).is_multiple_of(16) {
                whole(&phone.client, &draft, &photos).await;
            }
        }
    }))
    .await;
    let (done, longest) = (done.into_inner(), longest.load(Ordering::Relaxed));
    assert!(done >= longest / step, "{done} of {longest}");
    let (_, list) = phone.client.get("/inspections?state=complete").await;
    assert_eq!(list["total"].as_u64(), Some(u64::try_from(done.min(1_000)).unwrap()));
    assert_eq!(phone.client.get("/inspections?state=draft").await.1["total"], 0);
    clean(app, done).await;
}

/// A picture of a few bytes that is like no other.
fn small_picture(number: usize) -> Vec<u8> {
    let mut picture = image::RgbImage::new(3, 1);
    for (place, pixel) in picture.pixels_mut().enumerate() {
        *pixel = image::Rgb([u8::try_from((number >> (place * 4)) % 256).unwrap(), u8::try_from(number % 251).unwrap(), 7]);
    }
    let mut content = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut content, image::ImageFormat::Png).unwrap();
    content.into_inner()
}

#[actix_web::test]
async fn cut_at_every_byte_on_sqlite() {
    cut_at_every(&TestApp::start(Engine::Sqlite).await, 1).await;
}

#[actix_web::test]
async fn cut_at_many_bytes_on_postgres() {
    cut_at_every(&TestApp::start(Engine::Postgres).await, 13).await;
}

// Whole checklists with photos in pieces, from many phones at once, through any fault at random; then everything that was ever sent
// arrives once more, the newest first.
on_both!(many_phones_on_a_bad_network_each_leave_what_they_sent_once, |app| {
    let phones = join_all((0..10).map(|_| Phone::at(&app, &app.office))).await;
    let template = phones[0].template().await;
    let network = Network::bad(&phones[0].client, 29_112_026).await;
    let sent = join_all(phones.iter().enumerate().map(|(number, phone)| {
        let (network, template, app) = (&network, &template, &app);
        async move {
            let behind =
                Phone { client: network.client(&phone.client), user_id: phone.user_id.clone(), device_id: phone.device_id.clone() };
            let mut sent = Vec::new();
            for round in 0..3 {
                let mut draft = Draft::new(app, phone, template);
                draft.fail("8.1");
                let photos = ["8.1", "1.1", "1.1"].map(|code| {
                    // Two equal photos of one item are two pieces of evidence.
                    let file = picture(u8::try_from(number * 6 + round * 2 + usize::from(code == "1.1")).unwrap());
                    (draft.photo(code, &file), file)
                });
                // The same from two threads of the phone: a page and its service worker.
                join_all([send(&behind, template, &draft, &photos), send(&behind, template, &draft, &photos)]).await;
                sent.push((draft, photos));
            }
            sent
        }
    }))
    .await;
    let delivered = network.deliver_again().await;
    assert!(delivered > 300, "{delivered} requests");
    for (phone, sent) in phones.iter().zip(&sent) {
        for (draft, photos) in sent {
            whole(&phone.client, draft, photos).await;
        }
    }
    let desk = app.person("supervisor", &app.office).await;
    assert_eq!(desk.get("/inspections").await.1["total"], 30);
    clean(&app, 30).await;
});

/// A hundred officers come back on line in the same moment; `make bench AREA=phone` does it with all their photos.
async fn a_hundred_officers_come_back_at_once(engine: Engine) {
    let many_from_one_address = |app: &mut server::App, _: &std::path::Path| app.login_rate = server::rate::Limiter::new(1_000, 60_000);
    let app = TestApp::start_with(engine, Arc::new(media::clock::SystemClock::new()), many_from_one_address).await;
    let phones: Vec<Phone> = futures::stream::iter(0..100).map(|_| Phone::at(&app, &app.office)).buffered(8).collect().await;
    let template = phones[0].template().await;
    let sent = join_all(phones.iter().enumerate().map(|(number, phone)| {
        let (template, app) = (&template, &app);
        async move {
            let mut draft = Draft::new(app, phone, template);
            let photo = small_picture(number);
            let photos = [(draft.photo("1.1", &photo), photo)];
            send(phone, template, &draft, &photos).await;
            (draft, photos)
        }
    }))
    .await;
    for (phone, (draft, photos)) in phones.iter().zip(&sent) {
        whole(&phone.client, draft, photos).await;
    }
    assert_eq!(app.person("supervisor", &app.office).await.get("/inspections").await.1["total"], 100);
    clean(&app, 100).await;
}

#[actix_web::test]
async fn a_hundred_officers_come_back_at_once_on_sqlite() {
    a_hundred_officers_come_back_at_once(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_hundred_officers_come_back_at_once_on_postgres() {
    a_hundred_officers_come_back_at_once(Engine::Postgres).await;
}

// A phone that is reset in the middle of a photo begins it anew under the same id, on another device, and ends with one whole file.
on_both!(a_phone_that_is_reset_in_mid_upload_goes_on_from_its_copy, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let photo = picture(3);
    let evidence = draft.photo("1.1", &photo);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (_, location, _) = phone.begin_upload(draft.id, &evidence, &photo).await;
    assert_eq!(phone.piece(&location, 0, &photo[..photo.len() / 2], None).await.0, StatusCode::NO_CONTENT);
    // Nothing is left on the phone; the copy of the draft that the server keeps sealed has the ids.
    let (_, me) = phone.client.get("/me").await;
    let again = Phone { client: app.sign_in(&text(&me["username"])).await, user_id: phone.user_id.clone(), device_id: "phone-new".into() };
    send(&again, &template, &draft, &[(evidence.clone(), photo.clone())]).await;
    whole(&again.client, &draft, &[(evidence, photo)]).await;
    clean(&app, 1).await;
});
