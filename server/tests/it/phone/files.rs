//! Pictures brought for an act.

use reqwest::{Method, StatusCode};

use super::{picture, sha256};
use crate::support::{Client, on_both};

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
