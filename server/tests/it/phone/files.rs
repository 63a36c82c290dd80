//! Pictures brought for an act.

use reqwest::{Method, StatusCode};

use server::store::StoreError;
use server::store::files::{self, FileRow};

use super::{picture, sha256};
use crate::support::{Client, Engine, TestApp, on_both};

async fn bring(client: &Client, filetype: &str, content: Vec<u8>) -> (StatusCode, serde_json::Value) {
    let request = client.request(Method::POST, "/files", None).header("content-type", filetype).body(content);
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

on_both!(a_picture_is_stored_by_its_content, |app| {
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let content = picture(1);
    let (status, file) = bring(&canteen, "image/png", content.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{file}");
    assert_eq!((file["filetype"].as_str(), file["width"].as_i64(), file["height"].as_i64()), (Some("image/png"), Some(400), Some(300)));
    assert_eq!(file["sha256"], sha256(&content));
    assert_eq!(file["bytes"], content.len());
    assert_eq!(app.app.files.verify(&sha256(&content)).await.unwrap(), Some(true));
    let row = server::store::files::get(&mut app.app.db.read().await.unwrap().conn(), file["id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.sha256, sha256(&content));
    assert_eq!(server::store::files::after(&mut app.app.db.read().await.unwrap().conn(), "", 10).await.unwrap(), [row]);
});

on_both!(what_is_no_picture_is_refused_with_a_clear_word, |app| {
    let officer = app.person("officer", &app.office).await;
    let kind = |answer: (StatusCode, serde_json::Value)| (answer.0.as_u16(), answer.1["type"].as_str().unwrap_or_default().to_owned());
    assert_eq!(kind(bring(&officer, "image/png", b"not a picture at all".to_vec()).await), (415, "unsupported_media_type".to_owned()));
    assert_eq!(kind(bring(&officer, "text/html", b"<p>".to_vec()).await), (415, "unsupported_media_type".to_owned()));
    let half = picture(2);
    assert_eq!(kind(bring(&officer, "image/png", half[..half.len() / 2].to_vec()).await), (422, "validation".to_owned()));
    assert_eq!(kind(bring(&officer, "image/png", vec![0; 12 * 1024 * 1024 + 1]).await), (413, "too_large".to_owned()));
    let parent = app.person("parent", &app.premises).await;
    assert_eq!(kind(bring(&parent, "image/png", picture(3)).await), (403, "forbidden".to_owned()));
    assert!(server::store::files::after(&mut app.app.db.read().await.unwrap().conn(), "", 10).await.unwrap().is_empty());
});

on_both!(pictures_that_no_act_names_are_few_and_swept_away, |app| {
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let user: String = canteen.get("/me").await.1["id"].as_str().unwrap().to_owned();
    let (_, file) = bring(&canteen, "image/png", picture(1)).await;
    // As many as may wait, without as many uploads.
    let (owner, content) = (user.clone(), sha256(&picture(1)));
    let old_ms = app.app.clock.wall_ms() - 8 * 24 * 3_600_000;
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                for _ in 1..100 {
                    let row = FileRow {
                        id: uuid::Uuid::now_v7().to_string(),
                        sha256: content.clone(),
                        filetype: "image/png".to_owned(),
                        bytes: 1_000,
                        width: None,
                        height: None,
                        user_id: Some(owner.clone()),
                        created_at: old_ms,
                    };
                    files::insert_waiting(tx, &row).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await
        .unwrap();
    let (status, problem) = bring(&canteen, "image/png", picture(2)).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "{problem}");
    assert_eq!(
        bring(&app.person("officer", &app.office).await, "image/png", picture(2)).await.0,
        StatusCode::CREATED,
        "each has their own"
    );
    // One that an act names waits no longer.
    let named = file["id"].as_str().unwrap().to_owned();
    let kept = named.clone();
    assert!(
        app.app
            .db
            .write(move |tx| Box::pin(async move { files::named(tx, &[kept]).await }))
            .await
            .map_err(|error: StoreError| error)
            .unwrap()
    );
    assert_eq!(bring(&canteen, "image/png", picture(3)).await.0, StatusCode::CREATED);
    // A week later those that nobody named are gone; their content only where no other file has it.
    let swept = app.app.db.write(move |tx| Box::pin(async move { files::forget_waiting(tx, old_ms + 1).await }));
    assert!(swept.await.map_err(|error: StoreError| error).unwrap().is_empty(), "the named one has the same content");
    let mut reader = app.app.db.read().await.unwrap();
    assert_eq!(files::waiting(&mut reader.conn(), &user).await.unwrap().0, 1);
    assert!(files::get(&mut reader.conn(), &named).await.unwrap().is_some());
    drop(reader);
    let all = app.app.db.write(|tx| Box::pin(async move { files::forget_waiting(tx, i64::MAX).await }));
    let mut gone = all.await.map_err(|error: StoreError| error).unwrap();
    gone.sort();
    let mut expected = vec![sha256(&picture(2)), sha256(&picture(3))];
    expected.sort();
    assert_eq!(gone, expected);
});

#[actix_web::test]
async fn the_sweep_deletes_the_content_too() {
    let clock = std::sync::Arc::new(media::SimulatedClock::new(1_764_000_000_000));
    let app = TestApp::start_at(Engine::Sqlite, clock.clone()).await;
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(bring(&canteen, "image/png", picture(1)).await.0, StatusCode::CREATED);
    let hash = sha256(&picture(1));
    server::files::sweep(&app.app).await.unwrap();
    assert_eq!(app.app.files.verify(&hash).await.unwrap(), Some(true));
    clock.advance(std::time::Duration::from_secs(8 * 24 * 3_600));
    server::files::sweep(&app.app).await.unwrap();
    assert_eq!(app.app.files.verify(&hash).await.unwrap(), None);
}
