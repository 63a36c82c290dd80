//! What answers is no camera, or means harm: it is refused in words, within limits, and the others do not notice.

use std::sync::Arc;
use std::time::Duration;

use media::virtual_camera::{Incident, VirtualCameraConfig};
use tokio::net::TcpListener;

use super::ward::{Ward, now_ms, tiny};
use super::{Case, case};

const LASTS: Duration = Duration::from_secs(9);
/// What a hostile camera may cost in memory before it is cut off: what its network brings within the time-outs, twice,
/// because buffers double.
const MEMORY_MAX_KB: u64 = 700_000;

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    ["garbage-rtp", "garbage-wire", "huge", "endless", "redirect", "sound", "foreign"].map(tiny).into()
}

pub(super) fn cases(ward: &Arc<Ward>) -> Vec<Case> {
    vec![
        case!(ward, "garbage in RTP packets", refused("garbage-rtp", Incident::Garbage)),
        case!(ward, "garbage on the wire", refused("garbage-wire", Incident::GarbageBytes)),
        case!(ward, "becomes sound only", refused("sound", Incident::NotVideo)),
        case!(ward, "becomes a codec that nobody knows", refused("foreign", Incident::UnsupportedCodec)),
        case!(ward, "a picture of 100 MB", huge()),
        case!(ward, "a description without end", refused("endless", Incident::EndlessDescription)),
        case!(ward, "sends elsewhere", sent_elsewhere()),
    ]
}

/// The stream breaks off, is not taken again while the fault lasts, and is when it is over.
async fn refused(ward: Arc<Ward>, path: &'static str, incident: Incident) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    camera.until_offline().await;
    tokio::time::sleep(LASTS).await;
    let ended_ms = now_ms();
    camera.real.clear();
    let said = camera.left_gaps(&["offline", "bad_stream", "stalled"], (began_ms, ended_ms)).await;
    let peak_kb = ward.peak_memory_kb();
    assert!(peak_kb < MEMORY_MAX_KB, "{peak_kb} kB");
    format!("{said}; the program had {peak_kb} kB at most")
}

/// Once is enough: each attempt would bring it again.
async fn huge(ward: Arc<Ward>) -> String {
    let camera = ward.add("huge").await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(Incident::HugeFrame { megabytes: 100 }).await.unwrap();
    camera.until_state("offline", "bad_stream").await;
    camera.real.set(Incident::Drop).await.unwrap();
    let ended_ms = now_ms();
    camera.real.clear();
    let said = camera.left_gaps(&["bad_stream", "offline"], (began_ms, ended_ms)).await;
    let peak_kb = ward.peak_memory_kb();
    assert!(peak_kb < MEMORY_MAX_KB, "{peak_kb} kB");
    format!("{said}; the program had {peak_kb} kB at most")
}

/// The address was checked, the one that it names was not: nobody goes there.
async fn sent_elsewhere(ward: Arc<Ward>) -> String {
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = trap.local_addr().unwrap().port();
    let camera = ward.add("redirect").await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(Incident::Redirect { port }).await.unwrap();
    camera.until_offline().await;
    let visited = tokio::time::timeout(LASTS, trap.accept()).await;
    assert!(visited.is_err(), "somebody went where the camera sent them");
    let ended_ms = now_ms();
    camera.real.clear();
    camera.left_gaps(&["offline", "bad_stream"], (began_ms, ended_ms)).await
}
