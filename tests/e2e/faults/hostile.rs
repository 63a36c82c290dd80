//! What answers is no camera, or means harm: it is refused in words, within limits, and the others do not notice.

use std::time::Duration;

use futures::FutureExt as _;
use media::virtual_camera::{Incident, VirtualCameraConfig};
use tokio::net::TcpListener;

use super::Case;
use super::ward::{Ward, now_ms, tiny};

const LASTS: Duration = Duration::from_secs(9);
/// What a hostile camera may cost in memory before it is cut off: what its network brings within the time-outs, twice,
/// because buffers double.
const MEMORY_MAX_KB: u64 = 700_000;

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    ["garbage-rtp", "garbage-wire", "huge", "endless", "redirect", "sound", "foreign"].map(tiny).into()
}

pub(super) fn cases(ward: &Ward) -> Vec<Case<'_>> {
    vec![
        ("garbage in RTP packets", refused(ward, "garbage-rtp", Incident::Garbage).boxed()),
        ("garbage on the wire", refused(ward, "garbage-wire", Incident::GarbageBytes).boxed()),
        ("becomes sound only", refused(ward, "sound", Incident::NotVideo).boxed()),
        ("becomes a codec that nobody knows", refused(ward, "foreign", Incident::UnsupportedCodec).boxed()),
        ("a picture of 100 MB", refused(ward, "huge", Incident::HugeFrame { megabytes: 100 }).boxed()),
        ("a description without end", refused(ward, "endless", Incident::EndlessDescription).boxed()),
        ("sends elsewhere", sent_elsewhere(ward).boxed()),
    ]
}

/// The stream breaks off, is not taken again while the fault lasts, and is when it is over.
async fn refused(ward: &Ward, path: &str, incident: Incident) -> String {
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

/// The address was checked, the one that it names was not: nobody goes there.
async fn sent_elsewhere(ward: &Ward) -> String {
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
