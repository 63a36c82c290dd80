//! What answers is no camera, or means harm: it is refused in words, within limits, and the others do not notice.

use std::sync::Arc;
use std::time::Duration;

use e2e::until;
use media::virtual_camera::{Incident, VirtualCameraConfig};
use tokio::net::TcpListener;

use super::ward::{AFTER_TIME_OUT_MS, NEXT_ATTEMPT_MS, Ward, now_ms, tiny};
use super::{Case, SLOW, case};

const LASTS: Duration = Duration::from_secs(9);
/// What a hostile camera may cost in memory before it is cut off: what its network brings within the time-outs, twice,
/// because buffers double.
const MEMORY_MAX_KB: u64 = 700_000;

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    ["garbage-rtp", "garbage-wire", "huge", "endless", "redirect", "sound", "foreign"].map(tiny).into()
}

pub(super) fn cases(ward: &Arc<Ward>) -> Vec<Case> {
    let garbage = Hostile { reasons: &["bad_stream"], words: &["bad_stream"] };
    // On a connection that asks, garbage is no stream at all.
    let wire = Hostile { reasons: &["bad_stream"], words: &["bad_stream", "not_video"] };
    // Who looked on is cut off by this: that is the first of two reasons.
    let sound = Hostile { reasons: &["offline", "bad_stream"], words: &["not_video"] };
    let foreign = Hostile { reasons: &["offline", "bad_stream"], words: &["unsupported_codec"] };
    let endless = Hostile { reasons: &["offline"], words: &["timeout"] };
    vec![
        case!(ward, "garbage in RTP packets", refused("garbage-rtp", Incident::Garbage, garbage)),
        case!(ward, "garbage on the wire", refused("garbage-wire", Incident::GarbageBytes, wire)),
        case!(ward, "becomes sound only", refused("sound", Incident::NotVideo, sound)),
        case!(ward, "becomes a codec that nobody knows", refused("foreign", Incident::UnsupportedCodec, foreign)),
        case!(ward, "a picture of 100 MB", huge()),
        case!(ward, "a description without end", refused("endless", Incident::EndlessDescription, endless)),
        case!(ward, "sends elsewhere", sent_elsewhere()),
    ]
}

/// What is said of a hostile camera.
#[derive(Clone, Copy)]
struct Hostile {
    /// The gaps, one after the other.
    reasons: &'static [&'static str],
    /// The state's reason while it lasts: one of these.
    words: &'static [&'static str],
}

/// The stream breaks off, is not taken again while the fault lasts, and is when it is over.
async fn refused(ward: Arc<Ward>, path: &'static str, incident: Incident, hostile: Hostile) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    camera.until_offline().await;
    // One attempt at least meets it anew, whatever it is that this takes.
    until("it is refused in its own words", SLOW, || async {
        let (state, reason) = camera.state().await;
        (state == "offline" && hostile.words.contains(&reason.as_str())).then_some(())
    })
    .await;
    tokio::time::sleep(LASTS).await;
    let ended_ms = now_ms();
    camera.real.clear();
    let said = camera.left_gap(hostile.reasons, (began_ms, ended_ms), AFTER_TIME_OUT_MS).await;
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
    camera.until_state("offline", "closed").await;
    let ended_ms = now_ms();
    camera.real.clear();
    let said = camera.left_gap(&["bad_stream", "offline"], (began_ms, ended_ms), NEXT_ATTEMPT_MS).await;
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
    camera.until_state("offline", "address_not_allowed").await;
    let visited = tokio::time::timeout(LASTS, trap.accept()).await;
    assert!(visited.is_err(), "somebody went where the camera sent them");
    let ended_ms = now_ms();
    camera.real.clear();
    camera.left_gap(&["offline"], (began_ms, ended_ms), NEXT_ATTEMPT_MS).await
}
