//! Photos that come whole in one request: stored at once, opened later, kept whatever is found then.

use std::io::Cursor;

use image::ImageFormat;
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::{Draft, Phone, sha256, text};
use crate::support::{TestApp, on_both};

fn jpeg(shade: u8) -> Vec<u8> {
    let mut picture = image::RgbImage::new(640, 480);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        *pixel = image::Rgb([u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap(), shade]);
    }
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Jpeg).unwrap();
    content.into_inner()
}

/// Where a marker's segment begins.
fn marker(jpeg: &[u8], wanted: u8) -> usize {
    jpeg.windows(2).position(|pair| pair == [0xff, wanted]).unwrap()
}

/// Creation and content in one request; gives status, offset and problem.
async fn whole(phone: &Phone, inspection: Uuid, evidence: &str, announced: &[u8], sent: &[u8]) -> (StatusCode, Option<usize>, String) {
    let request = phone.creation(inspection, evidence, announced.len(), &sha256(announced));
    let metadata = |bytes: &[u8]| super::base64(bytes);
    let pairs = format!(
        "inspection_id {},evidence_id {},sha256 {},filetype {}",
        metadata(inspection.to_string().as_bytes()),
        metadata(evidence.as_bytes()),
        metadata(sha256(announced).as_bytes()),
        metadata(b"image/jpeg")
    );
    let mut request = request.build().unwrap();
    request.headers_mut().insert("upload-metadata", pairs.parse().unwrap());
    request.headers_mut().insert("content-type", "application/offset+octet-stream".parse().unwrap());
    *request.body_mut() = Some(sent.to_vec().into());
    let response = phone.client.http.execute(request).await.unwrap();
    let offset = response.headers().get("upload-offset").and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    (response.status(), offset, response.text().await.unwrap())
}

/// An inspection that names these photos of its first item.
async fn named(app: &TestApp, phone: &Phone, photos: &[&[u8]]) -> (Draft, Vec<String>) {
    let template = phone.template().await;
    let mut draft = Draft::new(app, phone, &template);
    let ids = photos.iter().map(|photo| draft.photo("1.1", photo)).collect();
    for evidence in draft.content["evidence"].as_array_mut().unwrap() {
        evidence["filetype"] = json!("image/jpeg");
    }
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    (draft, ids)
}

async fn figures(app: &TestApp) -> (i64, i64) {
    let page = app.nobody().http.get(format!("{}/metrics", app.address)).send().await.unwrap().text().await.unwrap();
    let value = |name: &str| page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(-1);
    (value("bright_kitchen_photos_unopened "), value("bright_kitchen_photos_damaged "))
}

on_both!(a_photo_that_comes_whole_is_stored_at_once_and_opened_later, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let (one, two) = (jpeg(1), jpeg(2));
    let (draft, ids) = named(&app, &phone, &[&one, &two]).await;
    for (id, photo) in ids.iter().zip([&one, &two]) {
        let (status, offset, said) = whole(&phone, draft.id, id, photo, photo).await;
        assert_eq!((status, offset), (StatusCode::CREATED, Some(photo.len())), "{said}");
        let (status, offset, said) = whole(&phone, draft.id, id, photo, photo).await;
        assert_eq!((status, offset), (StatusCode::CREATED, Some(photo.len())), "the same again: {said}");
    }
    assert_eq!(figures(&app).await, (2, 0));
    let template = phone.template().await;
    let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("complete")), "it waits for nobody to open them: {done}");
    server::jobs::open_photos(&app.app).await.unwrap();
    assert_eq!(figures(&app).await, (0, 0));
    let (_, page) = phone.client.get(&draft.path()).await;
    let shown = &page["evidence"][0];
    assert_eq!((shown["width"].as_i64(), shown["height"].as_i64(), shown["filetype"].as_str()), (Some(640), Some(480), Some("image/jpeg")));
    assert_eq!(app.app.files.verify(&sha256(&one)).await.unwrap(), Some(true));
});

on_both!(what_is_not_the_photo_is_refused_and_what_is_damaged_inside_is_kept_and_marked, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let good = jpeg(3);
    let half = good[..good.len() * 2 / 3].to_vec();
    let mut damaged = good.clone();
    // Its table of steps has become a comment: the head is right, the picture cannot be opened.
    let table = marker(&damaged, 0xdb);
    damaged[table + 1] = 0xfe;
    let nothing = vec![7_u8; 5_000];
    let (draft, ids) = named(&app, &phone, &[&good, &half, &damaged, &nothing]).await;
    let mut other = good.clone();
    let last = other.len() - 10;
    other[last] ^= 1;
    let (status, _, said) = whole(&phone, draft.id, &ids[0], &good, &other).await;
    assert_eq!(status.as_u16(), 460, "{said}");
    let (status, _, said) = whole(&phone, draft.id, &ids[1], &half, &half).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "half a photo is none: {said}");
    let (status, _, said) = whole(&phone, draft.id, &ids[3], &nothing, &nothing).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{said}");
    assert_eq!(std::fs::read_dir(app.data.path().join("uploads")).unwrap().count(), 0, "nothing is left of them");
    let (status, offset, said) = whole(&phone, draft.id, &ids[2], &damaged, &damaged).await;
    assert_eq!((status, offset), (StatusCode::CREATED, Some(damaged.len())), "{said}");
    server::jobs::open_photos(&app.app).await.unwrap();
    assert_eq!(figures(&app).await, (0, 1));
    assert_eq!(app.app.files.verify(&sha256(&damaged)).await.unwrap(), Some(true), "as it was taken");
    let desk = app.person("supervisor", &app.office).await;
    let (_, page) = desk.get(&draft.path()).await;
    let received: Vec<String> =
        page["evidence"].as_array().unwrap().iter().filter(|one| one["received"] == true).map(|one| text(&one["id"])).collect();
    assert_eq!(received, [ids[2].clone()]);
    let small = desk.request(reqwest::Method::GET, &format!("{}/evidence/{}?width=320", draft.path(), ids[2]), None).send().await.unwrap();
    assert_eq!((small.status(), small.bytes().await.unwrap().len()), (StatusCode::OK, damaged.len()), "shown as far as it goes");
    // Sent in pieces, the connection having broken: what came is kept, and the rest is asked for.
    let (status, location, offset) = phone.begin_upload(draft.id, &ids[0], &good).await;
    assert_eq!((status, offset), (StatusCode::CREATED, 0));
    assert_eq!(phone.piece(&location, 0, &good, None).await.0, StatusCode::NO_CONTENT);
});
