//! `/wall`: one WebSocket carries the pictures of a page of cameras, to those who may see them, and no faster than they are
//! taken.

use std::time::Duration;

use actix_http::ws::{CloseReason, Codec, Frame, Message};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, Upgraded};
use serde_json::{Value, json};
use tokio_util::codec::Framed;
use uuid::Uuid;

use crate::support::{Client, TestApp, WithEngine, on_both, until};

/// How long a picture may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a wall got.
#[derive(Debug, PartialEq)]
enum Got {
    Picture { camera: Uuid, at_ms: i64 },
    Text(Value),
    Closed(Option<String>),
}

/// A page's end of the socket.
struct Wall(Framed<Upgraded, Codec>);

impl Wall {
    async fn open(client: &Client) -> Self {
        let response = opening(client, &[]).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        Self(Framed::new(response.upgrade().await.unwrap(), Codec::new().max_size(1 << 20).client_mode()))
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    async fn show(&mut self, cameras: &[Uuid]) {
        self.say(&json!({"show": cameras, "width": 300})).await;
    }

    /// What comes next; pings are answered on the way.
    async fn next(&mut self) -> Got {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the wall says something") {
                Some(Ok(Frame::Binary(bytes))) => {
                    assert_eq!(&bytes[24..26], b"\xff\xd8", "a JPEG");
                    let camera = Uuid::from_slice(&bytes[..16]).unwrap();
                    return Got::Picture { camera, at_ms: i64::from_be_bytes(bytes[16..24].try_into().unwrap()) };
                }
                Some(Ok(Frame::Text(text))) => return Got::Text(serde_json::from_slice(&text).unwrap()),
                Some(Ok(Frame::Ping(payload))) => self.0.send(Message::Pong(payload)).await.unwrap(),
                Some(Ok(Frame::Close(reason))) => return Got::Closed(reason.and_then(|CloseReason { description, .. }| description)),
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(_)) | None => return Got::Closed(None),
            }
        }
    }

    async fn picture(&mut self) -> (Uuid, i64) {
        match self.next().await {
            Got::Picture { camera, at_ms } => (camera, at_ms),
            other => panic!("{other:?}"),
        }
    }
}

/// The answer to the opening of a wall.
async fn opening(client: &Client, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = client
        .request(Method::GET, "/wall", None)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn noted(app: &TestApp) -> Vec<Value> {
    let auditor = app.person("auditor", &app.city).await;
    let (_, list) = auditor.get("/audit?action=view_live").await;
    list["items"].as_array().unwrap().clone()
}

on_both!(a_wall_shows_what_its_viewer_may_see_and_notes_it_once, |app| {
    let running = WithEngine::start(&app).await;
    let mine = running.camera(&app, &app.premises, "烹饪区").await;
    let theirs = running.camera(&app, &app.other_premises, "烹饪区").await;
    let supervisor = app.person("supervisor", &app.office).await;
    let mut wall = Wall::open(&running.client(&supervisor)).await;
    wall.show(&[mine, theirs]).await;
    assert_eq!(wall.next().await, Got::Text(json!({"refused": [theirs]})));
    let (camera, first_ms) = wall.picture().await;
    wall.say(&json!({"taken": 1})).await;
    let (again, second_ms) = wall.picture().await;
    assert_eq!((camera, again), (mine, mine));
    assert!(second_ms - first_ms >= 2_000, "{first_ms} {second_ms}");
    // Shown again on the same page: looked at once.
    wall.show(&[]).await;
    wall.show(&[mine]).await;
    wall.picture().await;
    let rows = noted(&app).await;
    assert_eq!((rows.len(), &rows[0]["entity_id"], &rows[0]["detail"]), (1, &json!(mine), &json!({"wall": true})));
});

on_both!(a_wall_ends_with_its_login, |app| {
    let running = WithEngine::start(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let mut wall = Wall::open(&running.client(&supervisor)).await;
    wall.show(&[]).await;
    supervisor.post("/auth/logout", &json!({})).await;
    assert_eq!(wall.next().await, Got::Closed(Some("signed_out".to_owned())));
});

#[actix_web::test]
async fn a_page_that_takes_nothing_gets_few_pictures_and_then_the_newest() {
    let app = TestApp::start(crate::support::Engine::Sqlite).await;
    let running = WithEngine::start(&app).await;
    let mut cameras = Vec::new();
    for number in 0..10 {
        cameras.push(running.camera(&app, &app.premises, &format!("{number} 号")).await);
    }
    let supervisor = app.person("supervisor", &app.office).await;
    let mut wall = Wall::open(&running.client(&supervisor)).await;
    wall.show(&cameras).await;
    let mut got: Vec<Uuid> = Vec::new();
    for _ in 0..8 {
        got.push(wall.picture().await.0);
    }
    // Nothing was taken: whatever comes within two more pictures of every camera, none is sent.
    let seen_ms = running.engine.picture_at_ms(cameras[0]).unwrap();
    until("newer pictures", || async { running.engine.picture_at_ms(cameras[0]).filter(|at_ms| at_ms - seen_ms >= 4_000) }).await;
    let newest_ms = running.engine.picture_at_ms(cameras[0]).unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(300), wall.picture()).await;
    assert!(silent.is_err(), "{silent:?}");
    // Those that were not shown yet come first, and newer than when the page fell silent.
    wall.say(&json!({"taken": 8})).await;
    for _ in 0..2 {
        let (camera, at_ms) = wall.picture().await;
        assert!(!got.contains(&camera) && at_ms > newest_ms - 4_000, "{camera} {at_ms} {newest_ms}");
    }
}

#[actix_web::test]
async fn what_is_no_wall_is_refused() {
    let app = TestApp::start(crate::support::Engine::Sqlite).await;
    let running = WithEngine::start(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let here = running.client(&supervisor);
    let (status, problem) = here.get("/wall").await;
    assert_eq!((status, &problem["type"]), (StatusCode::BAD_REQUEST, &json!("malformed")));
    assert_eq!(opening(&here, &[("origin", "https://elsewhere.example")]).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(opening(&here, &[("origin", &running.address)]).await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let nobody = running.client(&app.nobody());
    assert_eq!(opening(&nobody, &[]).await.status(), StatusCode::UNAUTHORIZED);
    for message in [json!({"show": vec![Uuid::nil(); 26]}), json!({"else": 1}), json!("text")] {
        let mut wall = Wall::open(&here).await;
        wall.say(&message).await;
        assert_eq!(wall.next().await, Got::Closed(Some("malformed".to_owned())), "{message}");
    }
}
