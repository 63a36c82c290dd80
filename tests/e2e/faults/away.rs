//! A camera that is not there: it hangs, drops, refuses, wants another password, has moved, comes back.

use std::time::Duration;

use futures::FutureExt as _;
use media::virtual_camera::{Account, AuthScheme, Incident, VirtualCameraConfig};
use serde_json::json;

use super::Case;
use super::ward::{Ward, now_ms, start_cameras, tiny};

/// How long a fault lasts: a stall, and an attempt after it that nobody answers.
const LASTS: Duration = Duration::from_secs(13);

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    let account = Some(Account { scheme: AuthScheme::Digest, username: "viewer".into(), password: "old".into() });
    let plain = ["hangs", "drops", "mid-frame", "resets", "not-found", "at-once"].map(tiny);
    plain.into_iter().chain([VirtualCameraConfig { account, ..tiny("password") }]).collect()
}

pub(super) fn cases(ward: &Ward) -> Vec<Case<'_>> {
    vec![
        // It is noticed after the stall; whoever connects then gets no answer.
        ("hangs without closing", outage(ward, "hangs", Incident::Hang, &["stalled", "offline"]).boxed()),
        ("drops", outage(ward, "drops", Incident::Drop, &["offline"]).boxed()),
        ("drops in mid-frame", outage(ward, "mid-frame", Incident::DropMidFrame, &["offline"]).boxed()),
        ("resets each connection", outage(ward, "resets", Incident::Refuse, &["offline"]).boxed()),
        ("has another path", outage(ward, "not-found", Incident::NotFound, &["offline", "not_found"]).boxed()),
        ("refuses", refuses(ward).boxed()),
        ("comes back at once", at_once(ward).boxed()),
        ("another password", another_password(ward).boxed()),
    ]
}

async fn outage(ward: &Ward, path: &str, incident: Incident, reasons: &[&str]) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    tokio::time::sleep(LASTS).await;
    let ended_ms = now_ms();
    camera.real.clear();
    camera.left_gap(reasons, (began_ms, ended_ms)).await
}

/// Nothing listens at its port any more, as after a power cut.
async fn refuses(ward: &Ward) -> String {
    let supervisor = media::Supervisor::new();
    let server = start_cameras(&supervisor, vec![tiny("refuses")]).await;
    let camera = ward.add_of(&server, "refuses", json!({})).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    server.set_listening(false).await.unwrap();
    tokio::time::sleep(LASTS).await;
    let ended_ms = now_ms();
    server.set_listening(true).await.unwrap();
    let said = camera.left_gap(&["offline", "refused"], (began_ms, ended_ms)).await;
    camera.change(json!({"enabled": false})).await;
    camera.until_state("disabled", "disabled").await;
    supervisor.shutdown(Duration::from_secs(5)).await;
    said
}

async fn at_once(ward: &Ward) -> String {
    let camera = ward.add("at-once").await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.cut();
    camera.left_gap(&["offline"], (began_ms, began_ms)).await
}

/// Somebody changes the camera's password: one try, and none after it until the program is told the new one.
async fn another_password(ward: &Ward) -> String {
    let server_account = json!({"username": "viewer", "password": "old"});
    let camera = ward.add_with("password", server_account).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.change_password("new");
    camera.until_state("offline", "unauthorized").await;
    let asked = camera.real.totals().describes;
    tokio::time::sleep(LASTS).await;
    assert_eq!(camera.real.totals().describes, asked, "one try in an hour here, ten minutes by default");
    let ended_ms = now_ms();
    camera.change(json!({"password": "new"})).await;
    camera.left_gap(&["offline", "unauthorized"], (began_ms, ended_ms)).await
}
