//! tus: resumed, checked, one writer at a time, and gone when it is too old.

use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::json;
use server::store::uploads::{self, UploadRow};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Phone, base64, picture, sha256};
use crate::support::{TestApp, on_both};

fn kind(problem: &serde_json::Value) -> &str {
    problem["type"].as_str().unwrap_or_default()
}

on_both!(an_upload_goes_on_where_it_stopped, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let (photo, inspection, evidence) = (picture(1), Uuid::now_v7(), Uuid::now_v7().to_string());
    let (status, location, offset) = phone.begin_upload(inspection, &evidence, &photo).await;
    assert_eq!((status, offset), (StatusCode::CREATED, 0));
    assert_eq!(phone.piece(&location, 0, &photo[..1_000], Some(&Sha256::digest(&photo[..1_000]))).await.2, 1_000);
    assert_eq!(phone.stands(&location).await, Some(1_000));
    let (status, problem, _) = phone.piece(&location, 0, &photo, None).await;
    assert_eq!((status, kind(&problem), problem["present"]["offset"].as_i64()), (StatusCode::CONFLICT, "stale_version", Some(1_000)));
    // A piece with a wrong hash leaves nothing behind.
    let (status, problem, _) = phone.piece(&location, 1_000, &photo[1_000..2_000], Some(&Sha256::digest(b"other"))).await;
    assert_eq!((status.as_u16(), kind(&problem), phone.stands(&location).await), (460, "checksum_mismatch", Some(1_000)));
    // A phone that lost the address begins again and is told where it stands.
    let (status, same, offset) = phone.begin_upload(inspection, &evidence, &photo).await;
    assert_eq!((status, same.as_str(), offset), (StatusCode::CREATED, location.as_str(), 1_000));
    let too_much = [&photo[1_000..], b"more"].concat();
    assert_eq!(phone.piece(&location, 1_000, &too_much, None).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        phone.piece(&location, 1_000, &photo[1_000..], None).await,
        (StatusCode::NO_CONTENT, serde_json::Value::Null, i64::try_from(photo.len()).unwrap())
    );
    assert_eq!(phone.stands(&location).await, Some(photo.len()));
    assert_eq!(app.app.files.verify(&sha256(&photo)).await.unwrap(), Some(true));
    let stored = server::store::evidence::get(&mut app.app.db.read().await.unwrap().conn(), &evidence).await.unwrap().unwrap();
    assert_eq!((stored.inspection_id, stored.kind, stored.bytes), (inspection.to_string(), None, i64::try_from(photo.len()).ok()));
    let other = Phone::at(&app, &app.office).await;
    assert_eq!(
        (other.stands(&location).await, other.piece(&location, 0, &photo, None).await.0),
        (None, StatusCode::NOT_FOUND),
        "an upload is its owner's"
    );
});

on_both!(a_file_that_is_not_what_was_announced_is_thrown_away, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let (photo, other) = (picture(1), picture(2));
    let begun = phone.creation(Uuid::now_v7(), &Uuid::now_v7().to_string(), other.len(), &sha256(&photo)).send().await.unwrap();
    let location = begun.headers()["location"].to_str().unwrap().trim_start_matches("/api/v1").to_owned();
    let (status, problem, _) = phone.piece(&location, 0, &other, None).await;
    assert_eq!((status.as_u16(), kind(&problem)), (460, "checksum_mismatch"));
    assert_eq!(phone.stands(&location).await, None, "it is gone");
    let text = b"<html>no picture</html>".to_vec();
    let (_, location, _) = phone.begin_upload(Uuid::now_v7(), &Uuid::now_v7().to_string(), &text).await;
    let (status, problem, _) = phone.piece(&location, 0, &text, None).await;
    assert_eq!(
        (status, kind(&problem), phone.stands(&location).await),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", None)
    );
    assert!(parts_on_disk(&app).is_empty());
    let refused = phone.creation(Uuid::now_v7(), &Uuid::now_v7().to_string(), 26 * 1024 * 1024, &sha256(&photo)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let refused = phone.client.request(Method::POST, "/uploads", None).header("Upload-Length", 10).send().await.unwrap();
    assert_eq!((refused.status(), refused.headers()["tus-version"].to_str().unwrap()), (StatusCode::PRECONDITION_FAILED, "1.0.0"));
    let refused = phone.creation(Uuid::now_v7(), "no id", 10, "no hash").send().await.unwrap();
    let (status, problem): (_, serde_json::Value) = (refused.status(), serde_json::from_str(&refused.text().await.unwrap()).unwrap());
    assert_eq!((status, problem["errors"].as_array().map(Vec::len)), (StatusCode::UNPROCESSABLE_ENTITY, Some(2)), "{problem}");
});

on_both!(an_upload_comes_with_its_creation_and_is_taken_back, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let photo = picture(5);
    let create = |content: Vec<u8>| {
        let request = phone.creation(Uuid::now_v7(), &Uuid::now_v7().to_string(), photo.len(), &sha256(&photo));
        request.header("content-type", "application/offset+octet-stream").body(content).send()
    };
    let whole = create(photo.clone()).await.unwrap();
    assert_eq!((whole.status(), whole.headers()["upload-offset"].to_str().unwrap().parse().ok()), (StatusCode::CREATED, Some(photo.len())));
    assert_eq!(app.app.files.verify(&sha256(&photo)).await.unwrap(), Some(true));
    let begun = create(photo[..500].to_vec()).await.unwrap();
    let location = begun.headers()["location"].to_str().unwrap().trim_start_matches("/api/v1").to_owned();
    assert_eq!((phone.stands(&location).await, parts_on_disk(&app).len()), (Some(500), 1));
    let ended = phone.client.request(Method::DELETE, &location, None).header("Tus-Resumable", "1.0.0").send().await.unwrap();
    assert_eq!((ended.status(), phone.stands(&location).await, parts_on_disk(&app).len()), (StatusCode::NO_CONTENT, None, 0));
    let able = app.nobody().request(Method::OPTIONS, "/uploads", None).send().await.unwrap();
    assert_eq!((able.status(), able.headers()["tus-max-size"].to_str().unwrap()), (StatusCode::NO_CONTENT, "26214400"));
    assert!(able.headers()["tus-extension"].to_str().unwrap().contains("checksum"));
});

on_both!(a_newer_writer_takes_over_from_a_dead_one, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let photo = picture(6);
    let (_, location, _) = phone.begin_upload(Uuid::now_v7(), &Uuid::now_v7().to_string(), &photo).await;
    // A request that sends the first half and then hangs, as a phone does that has left the network.
    let (first, hold) = (bytes::Bytes::copy_from_slice(&photo[..2_000]), futures::stream::pending());
    let body = futures::stream::iter([Ok::<_, std::io::Error>(first)]).chain(hold);
    let hanging = phone
        .client
        .request(Method::PATCH, &location, None)
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Offset", 0)
        .header("Content-Type", "application/offset+octet-stream")
        .body(reqwest::Body::wrap_stream(body));
    let hanging = actix_web::rt::spawn(hanging.send());
    let deadline = Instant::now() + Duration::from_secs(20);
    while parts_on_disk(&app).first().is_none_or(|bytes| *bytes < 2_000) {
        assert!(Instant::now() < deadline, "the first half did not arrive");
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
    let (status, problem, _) = phone.piece(&location, 0, &photo, None).await;
    assert_eq!((status, problem["present"]["offset"].as_i64()), (StatusCode::CONFLICT, Some(2_000)), "{problem}");
    assert_eq!(phone.piece(&location, 2_000, &photo[2_000..], None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(app.app.files.verify(&sha256(&photo)).await.unwrap(), Some(true));
    // The one that hung was answered with how far it came, or its connection is gone; either way it wrote no more.
    hanging.abort();
});

on_both!(two_writers_at_once_write_one_file, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let photo = picture(7);
    let (_, location, _) = phone.begin_upload(Uuid::now_v7(), &Uuid::now_v7().to_string(), &photo).await;
    let (one, two) = futures::future::join(phone.piece(&location, 0, &photo, None), phone.piece(&location, 0, &photo, None)).await;
    let mut stands = phone.stands(&location).await.unwrap();
    if stands < photo.len() {
        assert_eq!(phone.piece(&location, stands, &photo[stands..], None).await.0, StatusCode::NO_CONTENT, "{one:?} {two:?}");
        stands = photo.len();
    }
    assert_eq!(stands, photo.len());
    assert_eq!(app.app.files.verify(&sha256(&photo)).await.unwrap(), Some(true));
    assert!(parts_on_disk(&app).is_empty());
});

on_both!(what_rested_too_long_is_swept, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let now_ms = app.app.clock.wall_ms();
    let row = UploadRow {
        id: Uuid::now_v7().to_string(),
        user_id: phone.user_id.clone(),
        inspection_id: Uuid::now_v7().to_string(),
        evidence_id: Uuid::now_v7().to_string(),
        sha256: sha256(b"x"),
        filetype: "image/png".to_owned(),
        length: 100,
        received: 10,
        created_at: now_ms - 2_000,
        expires_at: now_ms - 1_000,
        done_at: None,
    };
    std::fs::write(app.data.path().join("uploads").join(format!("{}.part", row.id)), [0; 10]).unwrap();
    let old = row.clone();
    app.app.db.write(move |tx| Box::pin(async move { uploads::insert(tx, &old).await })).await.unwrap();
    assert_eq!(phone.stands(&format!("/uploads/{}", row.id)).await, None, "expired");
    let (_, fresh, _) = phone.begin_upload(Uuid::now_v7(), &Uuid::now_v7().to_string(), &picture(8)).await;
    assert_eq!(server::uploads::sweep(&app.app).await.unwrap(), 1);
    assert!(parts_on_disk(&app).is_empty());
    assert_eq!(phone.stands(&fresh).await, Some(0));
    assert_eq!(server::uploads::sweep(&app.app).await.unwrap(), 0);
});

on_both!(evidence_of_one_id_is_one_file, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let (inspection, evidence) = (Uuid::now_v7(), Uuid::now_v7().to_string());
    assert_eq!(phone.upload(inspection, &evidence, &picture(1)).await, StatusCode::NO_CONTENT);
    assert_eq!(phone.upload(inspection, &evidence, &picture(2)).await, StatusCode::CONFLICT, "a later file does not replace it");
    assert_eq!(phone.upload(Uuid::now_v7(), &evidence, &picture(1)).await, StatusCode::CONFLICT, "nor does another inspection take it");
    assert_eq!(
        phone.upload(inspection, &Uuid::now_v7().to_string(), &picture(1)).await,
        StatusCode::NO_CONTENT,
        "two equal photos are two pieces of evidence"
    );
    let piece = phone
        .client
        .request(Method::PATCH, &format!("/uploads/{}", Uuid::now_v7()), Some(&json!({})))
        .header("Tus-Resumable", "1.0.0")
        .send()
        .await
        .unwrap();
    assert_eq!(piece.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bad = phone
        .client
        .request(Method::PATCH, &format!("/uploads/{}", Uuid::now_v7()), None)
        .header("Tus-Resumable", "1.0.0")
        .header("Upload-Offset", 0);
    let bad = bad
        .header("Content-Type", "application/offset+octet-stream")
        .header("Upload-Checksum", format!("md5 {}", base64(b"x")))
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
});

/// Sizes of the files under way.
fn parts_on_disk(app: &TestApp) -> Vec<u64> {
    std::fs::read_dir(app.data.path().join("uploads")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect()
}
