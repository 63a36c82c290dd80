//! The main job: a camera goes black, the supervisor sees it with its clip, dispatches it, the canteen answers with a photo,
//! the supervisor closes it.

use std::time::Duration;

use e2e::{Client, Program, decodes_cleanly, postgres, probe, until};
use media::Supervisor;
use media::virtual_camera::{Incident, Picture};
use serde_json::{Value, json};

use crate::cameras::kitchen;

/// Diagnosis works 30 s after a camera was added, an alert stands within about 12 s of the change.
const ALERT_WAIT: Duration = Duration::from_secs(75);

#[tokio::test(flavor = "multi_thread")]
async fn from_a_black_picture_to_a_closed_alert_on_sqlite() {
    story(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_black_picture_to_a_closed_alert_on_postgresql() {
    story(Some(postgres::fresh_database())).await;
}

async fn story(database_url: Option<String>) {
    let supervisor = Supervisor::new();
    let server = kitchen(&supervisor, &[Picture::Black]).await;
    let mut program = Program::start(database_url, &[]).await;
    let root = program.sign_in("root").await;
    let began = root.server_time().await;
    let (office, premises) = root.plant().await;
    root.add_person("desk", "supervisor", &office).await;
    root.add_person("canteen", "food_safety_officer", &premises).await;
    let (desk, canteen) = (program.sign_in("desk").await, program.sign_in("canteen").await);

    let url = server.url("kitchen").to_string();
    let (_, tried) = root.post("/cameras/test", &json!({"source_url": url, "username": "viewer", "password": "wrong"})).await;
    assert_eq!((tried["ok"].as_bool(), tried["problem"].as_str()), (Some(false), Some("wrong_password")), "{tried}");
    let (_, tried) =
        root.post("/cameras/test", &json!({"source_url": url, "username": "viewer", "password": "secret-of-the-camera"})).await;
    assert_eq!((tried["ok"].as_bool(), tried["codec"].as_str(), tried["width"].as_i64()), (Some(true), Some("h264"), Some(704)), "{tried}");
    assert!(tried["still"].as_str().is_some_and(|still| still.starts_with("data:image/jpeg;base64,")));

    let camera = root.made("/cameras", &json!({"name": "烹饪区", "premises_id": premises, "source_url": url, "username": "viewer", "password": "secret-of-the-camera"})).await;
    let slow = Duration::from_secs(120);
    until("the camera records", slow, || state(&desk, &camera, "recording")).await;
    let (status, headers, _) = until("a snapshot", slow, || async {
        let got = canteen.bytes(&format!("/cameras/{camera}/snapshot.jpg?width=320")).await;
        (got.0 == 200).then_some(got)
    })
    .await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "image/jpeg"));
    live(&desk, &camera).await;

    // The diagnosis learns the camera for 30 s; what is recorded meanwhile can be played at once.
    tokio::time::sleep(Duration::from_secs(32)).await;
    recorded(&desk, &camera, &began).await;
    server.camera("kitchen").unwrap().set(Incident::Black).await.unwrap();
    let alert = until("an alert that the picture is black", ALERT_WAIT, || open_alert(&desk, &camera, "black")).await;
    assert!(open_alert(&desk, &camera, "frozen").await.is_none(), "one cause is one alert");
    let id = alert["id"].as_str().unwrap();
    let clip = until("the clip", Duration::from_secs(120), || async {
        let (_, alert) = desk.get(&format!("/alerts/{id}")).await;
        (alert["clip"]["state"] == "ready").then_some(alert["clip"].clone())
    })
    .await;
    let (status, _, bytes) = desk.bytes(&format!("/alerts/{id}/clip.mp4")).await;
    assert_eq!((status, bytes.len() as i64), (200, clip["bytes"].as_i64().unwrap()));
    let file = program.folder.path().join("clip.mp4");
    std::fs::write(&file, bytes).unwrap();
    let probed = probe(&file);
    assert!(probed.duration_s > 20.0 && probed.duration_s < 61.0, "{probed:?}");
    decodes_cleanly(&file);

    let confirmed = act(&desk, id, "confirm", json!({})).await;
    assert_eq!(confirmed["state"], "confirmed");
    let deadline = "2099-01-01T00:00:00Z";
    let (status, refused) =
        canteen.post(&format!("/alerts/{id}/dispatch"), &json!({"version": confirmed["version"], "deadline": deadline})).await;
    assert_eq!(status, 403, "{refused}");
    let soon = soon();
    let dispatched = act(&desk, id, "dispatch", json!({"deadline": soon, "text": "请检查摄像机"})).await;
    assert_eq!(dispatched["state"], "dispatched");
    let photo = canteen.bytes(&format!("/cameras/{camera}/snapshot.jpg")).await.2;
    let sent = canteen.request(reqwest::Method::POST, "/files").header("content-type", "image/jpeg").body(photo).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 201);
    let photo: Value = serde_json::from_str(&sent.text().await.unwrap()).unwrap();
    let rectified = act(&canteen, id, "rectify", json!({"text": "已恢复照明", "evidence_ids": [photo["id"]]})).await;
    assert_eq!(rectified["state"], "rectified");
    let (_, reviewed) =
        canteen.post(&format!("/alerts/{id}/review"), &json!({"version": rectified["version"], "decision": "accept"})).await;
    assert_eq!(reviewed["type"], "forbidden", "nobody reviews their own answer");
    let closed = act(&desk, id, "review", json!({"decision": "accept"})).await;
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["history"].as_array().map(Vec::len), Some(5), "{}", closed["history"]);
    let (_, overview) = desk.get("/overview").await;
    assert_eq!((overview["alerts"]["open"].as_i64(), overview["rectification"]["on_time"].as_i64()), (Some(0), Some(1)), "{overview}");

    assert!(program.stop(), "it stops in order");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

async fn state(client: &Client, camera: &str, wanted: &str) -> Option<()> {
    let (_, camera) = client.get(&format!("/cameras/{camera}")).await;
    (camera["state"] == wanted).then_some(())
}

async fn open_alert(client: &Client, camera: &str, kind: &str) -> Option<Value> {
    let (_, alerts) = client.get(&format!("/alerts?camera_id={camera}&kind={kind}")).await;
    alerts["items"].as_array().and_then(|items| items.first().cloned())
}

async fn act(client: &Client, id: &str, action: &str, mut body: Value) -> Value {
    let (_, present) = client.get(&format!("/alerts/{id}")).await;
    body["version"] = present["version"].clone();
    let (status, answer) = client.post(&format!("/alerts/{id}/{action}"), &body).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

/// Two hours from now.
fn soon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 7_200;
    let output = std::process::Command::new("date").args(["-u", "-d", &format!("@{now}"), "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The live playlist names a header and parts that together are a playable stream.
async fn live(client: &Client, camera: &str) {
    let (status, _, playlist) = client.bytes(&format!("/cameras/{camera}/live/index.m3u8")).await;
    let playlist = String::from_utf8(playlist).unwrap();
    assert_eq!(status, 200, "{playlist}");
    let header = playlist.split("#EXT-X-MAP:URI=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let part = playlist
        .lines()
        .filter(|line| line.starts_with("#EXT-X-PART:") && line.contains("INDEPENDENT"))
        .filter_map(|line| line.split("URI=\"").nth(1)?.split('"').next())
        .next_back()
        .unwrap();
    let mut stream = client.bytes(&format!("/cameras/{camera}/live/{header}")).await.2;
    stream.extend(client.bytes(&format!("/cameras/{camera}/live/{part}")).await.2);
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    assert_eq!(probe(file.path()).codec, "h264");
}

/// What was recorded since `start` is on the timeline, plays as one file that covers what the headers say, and as a range of it.
async fn recorded(client: &Client, camera: &str, start: &str) {
    let now = client.server_time().await;
    let (status, timeline) = client.get(&format!("/cameras/{camera}/timeline?start={start}&end={now}")).await;
    assert_eq!(status, 200, "{timeline}");
    let span = timeline["segments"].as_array().and_then(|spans| spans.last().cloned()).unwrap();
    let (from, to) = (span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
    let (status, headers, bytes) = client.bytes(&format!("/cameras/{camera}/recording.mp4?start={from}&end={to}")).await;
    assert_eq!(status, 200);
    assert!(headers["x-recording-start"].to_str().unwrap() <= from && headers["x-recording-end"].to_str().unwrap() >= from);
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let probed = probe(file.path());
    assert!(probed.duration_s > 20.0 && probed.frames > 200, "{probed:?}");
    decodes_cleanly(file.path());
    let ranged = client
        .request(reqwest::Method::GET, &format!("/cameras/{camera}/recording.mp4?start={from}&end={to}"))
        .header("range", "bytes=10-109")
        .send()
        .await
        .unwrap();
    assert_eq!(ranged.status().as_u16(), 206);
    assert_eq!(ranged.bytes().await.unwrap(), bytes[10..110]);
}
