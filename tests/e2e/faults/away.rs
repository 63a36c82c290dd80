//! A camera that is not there: it hangs, drops, refuses, wants another password, has moved, comes back.

use std::sync::Arc;
use std::time::Duration;

use media::virtual_camera::{Account, AuthScheme, Incident, VirtualCameraConfig};
use serde_json::json;

use super::ward::{AFTER_TIME_OUT_MS, AT_ONCE_MS, NEXT_ATTEMPT_MS, Ward, now_ms, start_cameras, tiny};
use super::{Case, case};

/// How long a fault lasts: a stall, and an attempt after it that nobody answers.
const LASTS: Duration = Duration::from_secs(20);

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    let account = Some(Account { scheme: AuthScheme::Digest, username: "viewer".into(), password: "old".into() });
    let plain = ["hangs", "drops", "mid-frame", "resets", "not-found", "at-once"].map(tiny);
    plain.into_iter().chain([VirtualCameraConfig { account, ..tiny("password") }]).collect()
}

pub(super) fn cases(ward: &Arc<Ward>) -> Vec<Case> {
    vec![
        case!(ward, "hangs without closing", outage("hangs", Incident::Hang, &["stalled", "offline"], AFTER_TIME_OUT_MS)),
        case!(ward, "drops", outage("drops", Incident::Drop, &["offline"], NEXT_ATTEMPT_MS)),
        case!(ward, "drops in mid-frame", outage("mid-frame", Incident::DropMidFrame, &["offline"], NEXT_ATTEMPT_MS)),
        case!(ward, "resets each connection", outage("resets", Incident::Refuse, &["offline"], NEXT_ATTEMPT_MS)),
        case!(ward, "has another path", outage("not-found", Incident::NotFound, &["offline", "not_found"], NEXT_ATTEMPT_MS)),
        case!(ward, "refuses", refuses()),
        case!(ward, "comes back at once", at_once()),
        case!(ward, "another password", another_password()),
    ]
}

async fn outage(ward: Arc<Ward>, path: &'static str, incident: Incident, reasons: &'static [&'static str], recovery_ms: i64) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    tokio::time::sleep(LASTS).await;
    let ended_ms = now_ms();
    camera.real.clear();
    camera.left_gap(reasons, (began_ms, ended_ms), recovery_ms).await
}

/// Nothing listens at its port any more, as after a power cut.
async fn refuses(ward: Arc<Ward>) -> String {
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
    let said = camera.left_gap(&["offline", "refused"], (began_ms, ended_ms), NEXT_ATTEMPT_MS).await;
    camera.change(json!({"enabled": false})).await;
    camera.until_state("disabled", "disabled").await;
    supervisor.shutdown(Duration::from_secs(5)).await;
    said
}

async fn at_once(ward: Arc<Ward>) -> String {
    let camera = ward.add("at-once").await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.cut();
    camera.left_gap(&["offline"], (began_ms, began_ms), AT_ONCE_MS).await
}

/// Somebody changes the camera's password: one try, and none after it until the program is told the new one.
async fn another_password(ward: Arc<Ward>) -> String {
    ward.camera("password").change_password("old");
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
    camera.left_gap(&["offline", "unauthorized"], (began_ms, ended_ms), AT_ONCE_MS).await
}
