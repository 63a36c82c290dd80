//! Reduced copies that go first, files as taken that follow or stay away, pictures made from them, and odd photos.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, RgbImage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, Template, picture, sha256, text};
use crate::support::{Client, TestApp, on_both};

/// Names a picture that was made from a photo; gives its id.
fn made(draft: &mut Draft, taken: &str, file: &[u8], made_by: &[&str]) -> String {
    let all = draft.content["evidence"].as_array_mut().unwrap();
    let from = all.iter().find(|one| one["id"] == taken).unwrap().clone();
    let id = Uuid::now_v7().to_string();
    let mut one = super::evidence(&id, from["item_code"].as_str().unwrap(), file);
    one["derived"] = json!({"from": taken, "sha256": from["sha256"], "made_by": made_by});
    all.push(one);
    id
}

/// The shipped checklist with another policy, published under a code of its own.
async fn with_policy(app: &TestApp, phone: &Phone, policy: &str) -> Template {
    let designer = app.person("supervisor", &app.city).await;
    let shipped = phone.template().await;
    let (_, mut file) = designer.get(&format!("/templates/{}/file.json", shipped.id)).await;
    file["code"] = json!(format!("policy_{policy}"));
    file["body"]["originals"] = json!(policy);
    let (status, draft) = designer.post("/template-drafts", &json!({"file": file, "based_on": null})).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    let (status, made) =
        designer.post(&format!("/template-drafts/{}/publish", text(&draft["id"])), &json!({"version": draft["version"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = text(&made["id"]);
    let (_, template) = phone.client.get(&format!("/templates/{id}")).await;
    assert_eq!(template["body"]["originals"], policy, "the file keeps it");
    Template { id, body: serde_json::from_value(template["body"].clone()).unwrap() }
}

async fn submitted(phone: &Phone, draft: &Draft, template: &Template) -> Value {
    let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(template)).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    done
}

/// The answer to a file of an inspection: status and content.
async fn file(client: &Client, draft: &Draft, id: &str, query: &str) -> (StatusCode, Vec<u8>) {
    let response = client.request(Method::GET, &format!("{}/evidence/{id}{query}", draft.path()), None).send().await.unwrap();
    (response.status(), response.bytes().await.unwrap().to_vec())
}

async fn checked(app: &TestApp) -> server::check::Report {
    let flags = server::config::Flags::default().or("data", app.data.path().to_string_lossy());
    let config = server::config::Config::load(&flags).unwrap();
    server::check::Check::new(&app.app.db, &app.app.files, &config, false, server::check::Server::Stopped).run().await.unwrap()
}

pub(crate) fn on_page<'a>(page: &'a Value, id: &str) -> &'a Value {
    page["evidence"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()
}

on_both!(what_came_reduced_before_it_is_submitted_is_complete_at_once, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let taken_id = draft.photo("1.1", &picture(1));
    let copy_id = made(&mut draft, &taken_id, &picture(2), &["reduced"]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.upload(draft.id, &copy_id, &picture(2)).await, StatusCode::NO_CONTENT);
    let done = submitted(&phone, &draft, &template).await;
    assert_eq!(
        (done["state"].as_str(), done["originals_to_come"][0]["id"].as_str()),
        (Some("complete"), Some(taken_id.as_str())),
        "{done}"
    );
});

on_both!(an_inspection_is_complete_with_reduced_copies_and_the_photo_as_taken_follows, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let (taken, copy) = (picture(1), picture(2));
    let taken_id = draft.photo("1.1", &taken);
    let copy_id = made(&mut draft, &taken_id, &copy, &["reduced"]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let done = submitted(&phone, &draft, &template).await;
    assert_eq!((done["state"].as_str(), done["missing_evidence"][0]["id"].as_str()), (Some("submitted"), Some(copy_id.as_str())));
    assert_eq!(done["originals_to_come"], json!([{"id": taken_id, "sha256": sha256(&taken)}]));
    assert_eq!(phone.upload(draft.id, &copy_id, &copy).await, StatusCode::NO_CONTENT);
    let done = submitted(&phone, &draft, &template).await;
    assert_eq!((done["state"].as_str(), done["missing_evidence"].as_array().map(Vec::len)), (Some("complete"), Some(0)));
    assert_eq!(done["originals_to_come"].as_array().map(Vec::len), Some(1));

    let (_, page) = phone.client.get(&draft.path()).await;
    let seen = on_page(&page, &taken_id);
    assert_eq!(
        (seen["standing"].as_str(), seen["received"].as_bool(), seen["preview"].as_bool()),
        (Some("to_come"), Some(false), Some(true))
    );
    assert_eq!(on_page(&page, &copy_id)["derived_from"], taken_id.as_str());
    assert_eq!(on_page(&page, &copy_id)["made_by"], json!(["reduced"]));
    assert_eq!(file(&phone.client, &draft, &taken_id, "?width=640").await, (StatusCode::OK, copy.clone()), "its copy stands for it");
    assert_eq!(file(&phone.client, &draft, &taken_id, "").await.0, StatusCode::NOT_FOUND, "a copy is never given as the photo as taken");
    let report = checked(&app).await;
    assert!(report.faults.iter().all(|fault| fault.part != "evidence" && fault.part != "inspections"), "{:?}", report.faults);
    assert!(report.notes.iter().any(|note| note.starts_with("1 photos as taken are still to come")), "{:?}", report.notes);

    assert_eq!(phone.upload(draft.id, &taken_id, &copy).await, StatusCode::CONFLICT, "nor sent as it");
    assert_eq!(phone.upload(draft.id, &taken_id, &taken).await, StatusCode::NO_CONTENT);
    assert_eq!(phone.upload(draft.id, &taken_id, &picture(9)).await, StatusCode::CONFLICT, "it is never replaced");
    assert_eq!(submitted(&phone, &draft, &template).await["originals_to_come"], json!([]));
    assert_eq!(file(&phone.client, &draft, &taken_id, "").await, (StatusCode::OK, taken));
    let (_, page) = phone.client.get(&draft.path()).await;
    assert_eq!((on_page(&page, &taken_id)["received"].as_bool(), page["state"].as_str()), (Some(true), Some("complete")));
    assert!(checked(&app).await.notes.iter().all(|note| !note.contains("as taken")));
    // The receipt names what was sealed: the hash of the photo as taken, whichever file came first.
    let sealed = page["receipt"]["manifest"]["evidence"].as_array().unwrap();
    assert!(sealed.iter().any(|one| one["id"] == taken_id.as_str() && one["sha256"] == page_sha(&page, &taken_id)));
    // A row that says another origin than the part that was sealed is told.
    crate::support::tamper(&app.app.db, "UPDATE inspection_evidence SET derived_from = 'nothing' WHERE derived_from IS NOT NULL").await;
    let faults = checked(&app).await.faults;
    assert!(faults.iter().any(|fault| fault.part == "inspections" && fault.detail.contains("was made from")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.part == "evidence" && fault.detail.contains("no evidence of its inspection")), "{faults:?}");
});

fn page_sha(page: &Value, id: &str) -> Value {
    on_page(page, id)["sha256"].clone()
}

on_both!(a_template_says_which_photos_as_taken_are_not_sent, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = with_policy(&app, &phone, "key_items").await;
    let (key, general) = (template.body.items().find(|item| item.key).unwrap(), template.body.items().find(|item| !item.key).unwrap());
    let mut draft = Draft::new(&app, &phone, &template);
    let key_id = draft.photo(&key.code, &picture(1));
    let general_id = draft.photo(&general.code, &picture(2));
    let alone_id = draft.photo(&general.code, &picture(5));
    let copies = [
        (made(&mut draft, &key_id, &picture(3), &["reduced"]), picture(3)),
        (made(&mut draft, &general_id, &picture(4), &["reduced"]), picture(4)),
    ];
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    for (id, content) in &copies {
        assert_eq!(phone.upload(draft.id, id, content).await, StatusCode::NO_CONTENT);
    }
    let done = submitted(&phone, &draft, &template).await;
    assert_eq!(done["missing_evidence"][0]["id"], alone_id.as_str(), "what has no reduced copy is sent, whatever the template says");
    assert_eq!(
        done["originals_to_come"].as_array().map(|all| all.iter().map(|one| text(&one["id"])).collect::<Vec<_>>()),
        Some(vec![key_id.clone()])
    );
    assert_eq!(phone.upload(draft.id, &alone_id, &picture(5)).await, StatusCode::NO_CONTENT);
    let (_, page) = phone.client.get(&draft.path()).await;
    assert_eq!(page["state"], "complete");
    let standing = |id: &str| text(&on_page(&page, id)["standing"]);
    assert_eq!([standing(&key_id), standing(&general_id), standing(&alone_id)], ["to_come", "withheld", "needed"]);
    assert!(checked(&app).await.notes.iter().any(|note| note.starts_with("1 photos as taken were not sent")));
});

on_both!(who_is_not_of_the_bureau_sees_the_redacted_picture, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let canteen = app.person("food_safety_director", &app.premises).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let (taken, plain) = (draft.photo("1.1", &picture(1)), draft.photo("1.2", &picture(2)));
    let hidden = made(&mut draft, &taken, &picture(3), &["redaction", "drawing"]);
    let drawn = made(&mut draft, &taken, &picture(4), &["drawing"]);
    let copy = made(&mut draft, &taken, &picture(5), &["reduced"]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    submitted(&phone, &draft, &template).await;
    for (id, seed) in [(&taken, 1), (&plain, 2), (&drawn, 4), (&copy, 5)] {
        assert_eq!(phone.upload(draft.id, id, &picture(seed)).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(file(&canteen, &draft, &taken, "").await.0, StatusCode::NOT_FOUND, "not shown while the redacted one has not come");
    assert_eq!(phone.upload(draft.id, &hidden, &picture(3)).await, StatusCode::NO_CONTENT);
    for id in [&taken, &hidden, &drawn, &copy] {
        assert_eq!(file(&canteen, &draft, id, "").await, (StatusCode::OK, picture(3)));
    }
    assert_eq!(file(&canteen, &draft, &plain, "").await, (StatusCode::OK, picture(2)), "nothing was hidden in it");
    for (id, seed) in [(&taken, 1), (&hidden, 3), (&drawn, 4)] {
        assert_eq!(file(&phone.client, &draft, id, "").await, (StatusCode::OK, picture(seed)), "the bureau sees both");
    }
    let names = async |client: &Client| {
        let response = client.request(Method::GET, "/exports/inspections.zip", None).send().await.unwrap();
        let archive = zip::ZipArchive::new(Cursor::new(response.bytes().await.unwrap().to_vec())).unwrap();
        let mut names: Vec<String> = archive.file_names().filter(|name| name.ends_with("png")).map(str::to_owned).collect();
        names.sort();
        names
    };
    let id = draft.id;
    assert_eq!(names(&canteen).await, [format!("{id}/1.1-{taken}-redacted.png"), format!("{id}/1.2-{plain}.png")]);
    let desk = app.person("supervisor", &app.office).await;
    let mut all = vec![
        format!("{id}/1.1-{taken}.png"),
        format!("{id}/1.1-{taken}-{hidden}.png"),
        format!("{id}/1.1-{taken}-{drawn}.png"),
        format!("{id}/1.2-{plain}.png"),
    ];
    all.sort();
    assert_eq!(names(&desk).await, all);
});

on_both!(a_derivative_names_a_photo_of_the_same_part_by_its_hash, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let faults = async |change: &dyn Fn(&mut Draft, &str, &str)| {
        let mut draft = Draft::new(&app, &phone, &template);
        let taken = draft.photo("1.1", &picture(1));
        let copy = made(&mut draft, &taken, &picture(2), &["reduced"]);
        change(&mut draft, &taken, &copy);
        let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let named = |one: &Value| format!("{} {}", text(&one["pointer"]).trim_start_matches("/part/content"), text(&one["code"]));
        problem["errors"].as_array().unwrap().iter().map(named).collect::<Vec<_>>()
    };
    let set = |draft: &mut Draft, member: &str, value: Value| draft.content["evidence"][1]["derived"][member] = value;
    assert_eq!(faults(&|draft, _, _| set(draft, "sha256", json!("0".repeat(64)))).await, ["/evidence/1/derived/sha256 checksum"]);
    assert_eq!(faults(&|draft, _, _| set(draft, "from", json!(Uuid::now_v7()))).await, ["/evidence/1/derived/from unknown"]);
    assert_eq!(
        faults(&|draft, _, copy| set(draft, "from", json!(copy))).await,
        ["/evidence/1/derived/from unknown"],
        "of derivatives there are none"
    );
    assert_eq!(faults(&|draft, _, _| set(draft, "made_by", json!([]))).await, ["/evidence/1/derived/made_by required"]);
    assert_eq!(
        faults(&|draft, _, _| set(draft, "made_by", json!(["drawing", "drawing"]))).await,
        ["/evidence/1/derived/made_by/1 duplicate"]
    );
    assert_eq!(faults(&|draft, _, _| draft.content["evidence"][1]["item_code"] = json!("1.2")).await, ["/evidence/1/derived/from kind"]);
    let twice = |draft: &mut Draft, taken: &str, _: &str| {
        made(draft, taken, &picture(3), &["reduced"]);
    };
    assert_eq!(faults(&twice).await, ["/evidence/2/derived/from duplicate"]);
    let answered = |draft: &mut Draft, _: &str, copy: &str| draft.content["answers"][0]["evidence_ids"] = json!([copy]);
    assert_eq!(faults(&answered).await, ["/answers/0/evidence_ids/0 unknown"], "an answer names the photo as taken");
});

/// A JPEG that says where it was taken: degrees, whole.
pub(crate) fn placed(latitude: (u8, u8), longitude: (u8, u8)) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 30])).write_with_encoder(JpegEncoder::new(&mut content)).unwrap();
    let plain = content.into_inner();
    let long = |value: u32| value.to_be_bytes();
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    // One entry: where the GPS directory lies.
    tiff.extend([&[0, 1, 0x88, 0x25, 0, 4], &long(1)[..], &long(26), &long(0)].concat());
    let ascii = |tag: u8, letter: u8| [0, tag, 0, 2, 0, 0, 0, 2, letter, 0, 0, 0];
    let rational = |tag: u8, at: u32| [&[0, tag, 0, 5][..], &long(3), &long(at)].concat();
    let at = 26 + 2 + 4 * 12 + 4;
    tiff.extend([&[0, 4][..], &ascii(1, latitude.1), &rational(2, at), &ascii(3, longitude.1), &rational(4, at + 24), &long(0)].concat());
    for degrees in [latitude.0, longitude.0] {
        tiff.extend([long(u32::from(degrees)), long(1), long(30), long(1), long(0), long(1)].concat());
    }
    let body = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], &[0xFF, 0xE1], &length, &body, &plain[2..]].concat()
}

on_both!(a_photo_that_says_another_country_is_kept_and_marked, |app| {
    crate::support::tamper(&app.app.db, "UPDATE premises SET latitude = 23.466, longitude = 116.755 WHERE name = '东岸小学食堂'").await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let abroad = placed((51, b'N'), (0, b'W'));
    let id = draft.photo("1.1", &abroad);
    let near = placed((23, b'N'), (116, b'E'));
    let plain = draft.photo("1.2", &picture(1));
    let near_id = draft.photo("1.3", &near);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.upload(draft.id, &id, &abroad).await, StatusCode::NO_CONTENT);
    assert_eq!(phone.upload(draft.id, &plain, &picture(1)).await, StatusCode::NO_CONTENT);
    assert_eq!(phone.upload(draft.id, &near_id, &near).await, StatusCode::NO_CONTENT);
    assert_eq!(submitted(&phone, &draft, &template).await["state"], "complete");
    let (_, page) = phone.client.get(&draft.path()).await;
    let position = &on_page(&page, &id)["position"];
    assert_eq!((position["latitude"].as_f64(), position["longitude"].as_f64()), (Some(51.5), Some(-0.5)), "{position}");
    let far = |id: &str| {
        let position = &on_page(&page, id)["position"];
        (position["far"].as_bool(), position["distance_m"].as_f64().map(|metres| (metres / 1_000.0).round()))
    };
    assert_eq!(far(&id).0, Some(true));
    assert!(far(&id).1.is_some_and(|km| (9_400.0..9_800.0).contains(&km)), "{:?}", far(&id));
    assert_eq!(far(&near_id), (Some(true), Some(26.0)), "half a degree is not the premises either");
    assert_eq!(on_page(&page, &plain)["position"], Value::Null);
    assert_eq!(file(&phone.client, &draft, &id, "").await, (StatusCode::OK, abroad), "whole, with what it says");
});

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

#[actix_web::test]
async fn more_than_forty_megapixels_are_kept_whole_and_not_opened() {
    let app = TestApp::start(crate::support::Engine::Sqlite).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let large = png(&GrayImage::from_pixel(8_000, 5_200, image::Luma([120])));
    let (alone, copied) = (draft.photo("1.1", &large), draft.photo("1.2", &large));
    let copy = made(&mut draft, &copied, &picture(2), &["reduced"]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    for (id, content) in [(&alone, &large), (&copied, &large), (&copy, &picture(2))] {
        assert_eq!(phone.upload(draft.id, id, content).await, StatusCode::NO_CONTENT);
    }
    submitted(&phone, &draft, &template).await;
    let (_, page) = phone.client.get(&draft.path()).await;
    let seen = |id: &str| (on_page(&page, id)["width"].as_i64(), on_page(&page, id)["preview"].as_bool());
    assert_eq!((seen(&alone), seen(&copied)), ((Some(8_000), Some(false)), (Some(8_000), Some(true))), "its reduced copy can be shown");
    assert!(file(&phone.client, &draft, &alone, "").await == (StatusCode::OK, large.clone()));
    assert!(file(&phone.client, &draft, &alone, "?width=320").await == (StatusCode::OK, large.clone()), "not opened for a smaller one");
    assert_eq!(file(&phone.client, &draft, &copied, "?width=320").await.0, StatusCode::OK);
    // A header that promises more than any phone makes, in a few bytes.
    let mut bomb = picture(3);
    for at in [16, 20] {
        bomb[at..at + 4].copy_from_slice(&29_000_u32.to_be_bytes());
    }
    let crc = bomb[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    bomb[29..33].copy_from_slice(&(!crc).to_be_bytes());
    assert_eq!(phone.upload(draft.id, &Uuid::now_v7().to_string(), &bomb).await, StatusCode::PAYLOAD_TOO_LARGE);
}

on_both!(a_full_disk_is_said_and_what_came_before_stays, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let photo = picture(1);
    let (_, location, _) = phone.begin_upload(Uuid::now_v7(), &Uuid::now_v7().to_string(), &photo).await;
    // Where this upload is written there is no room: the kernel says so at each write.
    let path = app.data.path().join("uploads").join(format!("{}.part", location.rsplit('/').next().unwrap()));
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let (status, problem, _) = phone.piece(&location, 0, &photo, None).await;
    assert_eq!(
        (status.as_u16(), problem["type"].as_str(), problem["retry_after_s"].as_i64()),
        (507, Some("storage_full"), Some(60)),
        "{problem}"
    );
    assert_eq!(phone.stands(&location).await, Some(0), "the upload stays");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(phone.piece(&location, 0, &photo, None).await.0, StatusCode::NO_CONTENT, "and goes on when there is room");
    assert_eq!(app.app.files.verify(&sha256(&photo)).await.unwrap(), Some(true));
});

#[actix_web::test]
async fn an_inspection_may_have_a_thousand_photos() {
    let app = TestApp::start(crate::support::Engine::Sqlite).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let small = drawn_small();
    let codes = template.codes();
    let ids: Vec<String> = (0..1_000)
        .map(|number| {
            let id = Uuid::now_v7().to_string();
            draft.content["evidence"].as_array_mut().unwrap().push(super::evidence(&id, &codes[number % codes.len()], &small));
            id
        })
        .collect();
    let (status, answer) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    for id in &ids {
        let request = phone.creation(draft.id, id, small.len(), &sha256(&small)).header("content-type", "application/offset+octet-stream");
        assert_eq!(request.body(small.clone()).send().await.unwrap().status(), StatusCode::CREATED);
    }
    let done = submitted(&phone, &draft, &template).await;
    assert_eq!((done["state"].as_str(), done["missing_evidence"].as_array().map(Vec::len)), (Some("complete"), Some(0)));
    assert_eq!(phone.client.get(&draft.path()).await.1["evidence"].as_array().map(Vec::len), Some(1_000));
}

fn drawn_small() -> Vec<u8> {
    png(&GrayImage::from_fn(16, 16, |x, y| image::Luma([u8::try_from((x * y) % 256).unwrap()])))
}

/// Names a recording of an item; gives its id.
pub(crate) fn recorded(draft: &mut Draft, code: &str, kind: &str, filetype: &str, duration_ms: u64, file: &[u8]) -> String {
    let id = Uuid::now_v7().to_string();
    let mut one = super::evidence(&id, code, file);
    for (member, value) in [("kind", json!(kind)), ("filetype", json!(filetype)), ("duration_ms", json!(duration_ms))] {
        one[member] = value;
    }
    draft.content["evidence"].as_array_mut().unwrap().push(one);
    id
}

/// Sends a recording under the type that is told.
pub(crate) async fn send(phone: &Phone, draft: &Draft, id: &str, filetype: &str, content: &[u8]) -> StatusCode {
    let pairs = [
        ("inspection_id", draft.id.to_string()),
        ("evidence_id", id.to_owned()),
        ("sha256", sha256(content)),
        ("filetype", filetype.to_owned()),
    ];
    let metadata: Vec<String> = pairs.iter().map(|(name, value)| format!("{name} {}", super::base64(value.as_bytes()))).collect();
    let request =
        phone.client.request(Method::POST, "/uploads", None).header("Tus-Resumable", "1.0.0").header("Upload-Length", content.len());
    let request = request.header("Upload-Metadata", metadata.join(",")).header("content-type", "application/offset+octet-stream");
    request.body(content.to_vec()).send().await.unwrap().status()
}

on_both!(video_and_sound_are_kept_as_recorded_and_played_in_ranges, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let film = [&[0x1A, 0x45, 0xDF, 0xA3][..], &[7; 5_000]].concat();
    let sound = [&[0, 0, 0, 24][..], b"ftypM4A ", &[9; 900]].concat();
    let film_id = recorded(&mut draft, "1.1", "video", "video/webm", 12_000, &film);
    let sound_id = recorded(&mut draft, "1.1", "audio", "audio/mp4", 3_000, &sound);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(
        send(&phone, &draft, &Uuid::now_v7().to_string(), "video/webm", &picture(1)).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "a picture is no film"
    );
    assert_eq!(
        send(&phone, &draft, &Uuid::now_v7().to_string(), "image/png", &film).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "nor a film a picture"
    );
    assert_eq!(send(&phone, &draft, &film_id, "video/webm", &film).await, StatusCode::CREATED);
    assert_eq!(send(&phone, &draft, &sound_id, "audio/mp4", &sound).await, StatusCode::CREATED);
    assert_eq!(submitted(&phone, &draft, &template).await["state"], "complete");
    let (_, page) = phone.client.get(&draft.path()).await;
    let seen = on_page(&page, &film_id);
    assert_eq!(
        (seen["kind"].as_str(), seen["duration_ms"].as_u64(), seen["preview"].as_bool()),
        (Some("video"), Some(12_000), Some(false))
    );
    let part = phone
        .client
        .request(Method::GET, &format!("{}/evidence/{film_id}", draft.path()), None)
        .header("range", "bytes=2-5")
        .send()
        .await
        .unwrap();
    assert_eq!((part.status(), part.headers()["content-type"].to_str().unwrap()), (StatusCode::PARTIAL_CONTENT, "video/webm"));
    assert_eq!(part.bytes().await.unwrap().as_ref(), &film[2..6]);
    let desk = app.person("supervisor", &app.office).await;
    let archive = desk.request(Method::GET, "/exports/inspections.zip", None).send().await.unwrap().bytes().await.unwrap();
    let archive = zip::ZipArchive::new(Cursor::new(archive.to_vec())).unwrap();
    assert!(archive.file_names().any(|name| name == format!("{}/1.1-{film_id}.webm", draft.id)), "recordings leave with the photos");
});

on_both!(a_recording_has_its_limits, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let faults = async |fill: &dyn Fn(&mut Draft)| {
        let mut draft = Draft::new(&app, &phone, &template);
        fill(&mut draft);
        let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let named = |one: &Value| format!("{} {}", text(&one["pointer"]).trim_start_matches("/part/content/evidence"), text(&one["code"]));
        problem["errors"].as_array().unwrap().iter().map(named).collect::<Vec<_>>()
    };
    let film = |draft: &mut Draft, kind: &str, filetype: &str, ms: u64| {
        recorded(draft, "1.1", kind, filetype, ms, b"x");
    };
    assert_eq!(faults(&|draft| film(draft, "video", "video/mp4", 60_001)).await, ["/0/duration_ms out_of_range"]);
    assert_eq!(faults(&|draft| film(draft, "audio", "audio/ogg", 300_001)).await, ["/0/duration_ms out_of_range"]);
    assert_eq!(faults(&|draft| film(draft, "audio", "video/webm", 10)).await, ["/0/filetype kind"]);
    assert_eq!(faults(&|draft| film(draft, "photo", "image/png", 10)).await, ["/0/duration_ms kind"]);
    let six = |draft: &mut Draft| (0..6).for_each(|_| film(draft, "video", "video/mp4", 1_000));
    assert_eq!(faults(&six).await, ["/5/kind too_many"]);
});
