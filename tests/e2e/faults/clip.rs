//! The clip of an alert from a camera whose key frames are far apart: whole, and there within three seconds of its end.

use std::time::Duration;

use e2e::{Program, decodes_cleanly, probe, until};
use media::Supervisor;
use media::virtual_camera::{Incident, Picture, Scene, VirtualCameraConfig};
use serde_json::json;

use super::SLOW;
use super::ward::{Watched, add, lateness, ms, now_ms, start_cameras, tiny};

/// A clip begins and ends with a picture: within one of the moments that were asked for, milliseconds.
const FRAME_MS: i64 = 100;
/// From the end of a clip to its file, as promised.
const READY_MS_MAX: i64 = 3_000;
/// Frames that may differ at each end: a chunk of half a second, and what is under way.
const EDGE_FRAMES: i64 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_of_a_camera_with_a_key_frame_every_ten_seconds_is_whole_and_there_in_time() {
    let supervisor = Supervisor::new();
    let scene = Scene { key_frame_interval_ms: 10_000, loop_s: 20, ..Scene::small("FAR APART") };
    let server = start_cameras(&supervisor, vec![VirtualCameraConfig { scene, ..tiny("far-apart") }]).await;
    server.camera("far-apart").unwrap().prepare(Picture::Black).await.unwrap();
    // Fragments as they are by default: ten seconds, so that a clip's end is nearly always inside one.
    let mut program = Program::start(None, &[]).await;
    let late_ms = lateness();
    let camera = add(&program, &server, "far-apart").await;
    let settings = json!({"black": {"duration_s": 1.0}});
    let (status, answer) = camera.root.put(&format!("/settings/diagnosis?scope=camera&id={}", camera.id), &settings).await;
    assert_eq!(status, 200, "{answer}");
    camera.recording().await;
    // The diagnosis learns the camera for 30 s.
    tokio::time::sleep(Duration::from_secs(33)).await;
    camera.real.set(Incident::Black).await.unwrap();
    let alert = until("the picture is black", SLOW, || async {
        let (_, alerts) = camera.root.get(&format!("/alerts?camera_id={}&kind=black", camera.id)).await;
        alerts["items"].as_array()?.first().cloned()
    })
    .await;
    let id = alert["id"].as_str().unwrap();
    let (raised_ms, ends_ms) = (ms(&alert["raised_at"]), ms(&alert["clip"]["end"]));
    assert_eq!((ends_ms - raised_ms, raised_ms - ms(&alert["clip"]["start"])), (20_000, 10_000), "10 s before to 20 s after");
    let clip = until("the clip", SLOW, || async {
        let (_, alert) = camera.root.get(&format!("/alerts/{id}")).await;
        (alert["clip"]["state"] == "ready").then_some(alert["clip"].clone())
    })
    .await;
    let (status, _, bytes) = camera.root.bytes(&format!("/alerts/{id}/clip.mp4")).await;
    let after_ms = now_ms() - ends_ms;
    assert_eq!(status, 200);
    let late_ms = late_ms.load(std::sync::atomic::Ordering::Relaxed);
    // The job, the muxer and the test each are late by as much as the machine is.
    assert!(after_ms <= READY_MS_MAX + 3 * late_ms, "there {after_ms} ms after its end, the machine {late_ms} ms late");

    // The tail is there, and no frame of the stretch is missing.
    let (start_ms, end_ms) = (ms(&clip["start"]), ms(&clip["end"]));
    // Pictures begin where they arrived and last as long as they say: its ends fall on pictures, not on milliseconds.
    assert!(start_ms <= raised_ms - 10_000 + FRAME_MS && end_ms + FRAME_MS >= ends_ms, "{clip} of {alert}");
    assert!(end_ms <= ends_ms + 2_000, "and no more than the chunk that holds its end: {clip}");
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    decodes_cleanly(file.path());
    let frames = probe(file.path()).frames;
    let sent = sent_between(&camera, start_ms, end_ms);
    assert!((frames - sent).abs() <= EDGE_FRAMES, "{frames} frames of {sent} that were sent between its ends");
    eprintln!("clip of {} ms, {frames} of {sent} frames, there {after_ms} ms after its end", end_ms - start_ms);

    // The group that was cut for it goes on: nothing is missing from the recording.
    camera.sends(150).await;
    let sent = camera.frames_sent();
    assert_eq!(camera.gaps().await, []);
    let whole = camera.export(&camera.recorded().await).await;
    decodes_cleanly(whole.path());
    let frames = probe(whole.path()).frames;
    // A fragment of ten seconds may be under way.
    assert!(frames + 140 >= sent, "{frames} of {sent}");
    assert!(program.stop(), "it stops in order");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

fn sent_between(camera: &Watched, start_ms: i64, end_ms: i64) -> i64 {
    let sent = camera.real.sent();
    i64::try_from(sent.iter().filter(|frame| (start_ms..end_ms).contains(&frame.sent_ms)).count()).unwrap()
}
