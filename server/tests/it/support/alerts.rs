//! Cameras, what their diagnosis tells, and waiting for what follows.

use std::time::Duration;

use media::{DiagnosisKind, LookReason, MediaEvent, Phase};
use server::App;
use server::store::{StoreError, files};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::TestApp;
use super::app::Node;

/// How long a test waits for something to come true.
const DEADLINE: Duration = Duration::from_secs(90);

/// A camera that is switched off; its id.
pub async fn add_camera(app: &TestApp, premises: &Node, name: &str) -> Uuid {
    let administrator = app.person("administrator", &app.city).await;
    let (_, camera) = administrator
        .post(
            "/cameras",
            &serde_json::json!({"name": name, "premises_id": premises.id, "source_url": "rtsp://127.0.0.1:9/x", "enabled": false}),
        )
        .await;
    camera["id"].as_str().unwrap_or_else(|| panic!("{camera}")).parse().unwrap()
}

/// An event of the diagnosis.
pub fn diagnosis(camera: Uuid, kind: DiagnosisKind, phase: Phase, at_ms: i64) -> MediaEvent {
    MediaEvent::Diagnosis {
        camera,
        kind,
        phase,
        at_ms,
        began_ms: at_ms - 5_000,
        measure: 12.5,
        threshold: 30.0,
        count: 1,
        looked: Some(LookReason::Sizes),
        still_jpeg: (phase == Phase::Raised).then(|| STILL.to_vec()),
    }
}

/// Stands for a picture: the store of files takes any bytes from the program itself.
pub const STILL: &[u8] = b"\xff\xd8\xff\xe0 a picture of a dark kitchen \xff\xd9";

/// Lets the program hear events, by the way that the engine's take.
pub async fn hear(app: &App, events: impl IntoIterator<Item = MediaEvent>) {
    let events: Vec<_> = events.into_iter().collect();
    let (sender, receiver) = mpsc::channel(events.len().max(1));
    for event in events {
        sender.send(event).await.unwrap();
    }
    drop(sender);
    server::ingest::run(app.clone(), receiver, CancellationToken::new()).await;
}

/// A picture that a person brought; its id.
pub async fn add_picture(app: &App, user_id: &str) -> String {
    let content = format!("picture of {user_id}");
    let row = files::FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: app.files.put_bytes(content.clone().into()).await.unwrap(),
        filetype: "image/jpeg".to_owned(),
        bytes: i64::try_from(content.len()).unwrap(),
        width: Some(640),
        height: Some(480),
        user_id: Some(user_id.to_owned()),
        created_at: 1,
    };
    let id = row.id.clone();
    app.db.write(move |tx| Box::pin(async move { files::insert(tx, &row).await })).await.map_err(|error: StoreError| error).unwrap();
    id
}

/// Waits until `look` gives something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
