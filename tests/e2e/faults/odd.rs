//! Cameras that are there and behave oddly: what they send is recorded all the same, whole, and nothing is said of them.

use std::sync::Arc;

use e2e::{decodes_cleanly, decodes_with_uneven_times, packets, probe};
use media::Codec;
use media::virtual_camera::{Incident, ParameterSets, Scene, VirtualCameraConfig};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::ward::{AT_ONCE_MS, NEXT_ATTEMPT_MS, Ward, Watched, now_ms, tiny};
use super::{Case, case};

/// Frames that may be under way, not yet in the file, when it is asked for: up to a group of pictures of two seconds, or the
/// longest fragment, and what a busy machine is behind by.
const BEHIND_MAX: i64 = 120;

pub(super) fn cameras() -> Vec<VirtualCameraConfig> {
    let scene = |path: &'static str, scene: Scene| VirtualCameraConfig { scene, ..tiny(path) };
    let sets = |path: &'static str, parameter_sets| VirtualCameraConfig { parameter_sets, ..tiny(path) };
    let h265 = |path: &'static str, parameter_sets| VirtualCameraConfig {
        scene: Scene { codec: Codec::H265, ..Scene::tiny("FAULT") },
        parameter_sets,
        ..tiny(path)
    };
    vec![
        tiny("size"),
        tiny("rate"),
        tiny("codec"),
        scene("rare-keys", Scene { key_frame_interval_ms: 20_000, loop_s: 20, ..Scene::tiny("FAULT") }),
        tiny("no-keys"),
        scene("b-frames", Scene { b_frames: 2, ..Scene::tiny("FAULT") }),
        sets("described", ParameterSets::Described),
        sets("in-band", ParameterSets::InBand),
        h265("described-265", ParameterSets::Described),
        h265("in-band-265", ParameterSets::InBand),
        tiny("slices"),
        tiny("lost"),
        tiny("udp-lost"),
        tiny("udp-swapped"),
        tiny("udp-doubled"),
        tiny("swapped"),
        tiny("doubled"),
        tiny("jump-ahead"),
        tiny("jump-back"),
        // Three seconds before the 32 bits are full.
        VirtualCameraConfig { rtp_start: Some(u32::MAX - 3 * 90_000), ..tiny("wrap") },
        VirtualCameraConfig { clock_ahead_ms: 3_600_000, ..tiny("clock") },
    ]
}

pub(super) fn cases(ward: &Arc<Ward>) -> Vec<Case> {
    vec![
        case!(ward, "changes its size in mid-stream", pieces("size", Incident::ChangeResolution, &["offline"; 0], &[320, 704])),
        case!(ward, "changes its frame rate in mid-stream", pieces("rate", Incident::ChangeFrameRate, &["offline"; 0], &[320, 320])),
        case!(ward, "changes its codec", pieces("codec", Incident::ChangeCodec, &["offline"], &[320, 320])),
        case!(ward, "a key frame only every 20 s", goes_on("rare-keys", None, 22, json!({}))),
        case!(ward, "never a key frame", never_a_key_frame()),
        case!(ward, "B frames", goes_on("b-frames", None, 8, json!({}))),
        case!(ward, "parameter sets described only", goes_on("described", None, 8, json!({}))),
        case!(ward, "parameter sets in band only", goes_on("in-band", None, 8, json!({}))),
        case!(ward, "parameter sets described only, H.265", goes_on("described-265", None, 8, json!({}))),
        case!(ward, "parameter sets in band only, H.265", goes_on("in-band-265", None, 8, json!({}))),
        case!(ward, "two slices a picture", two_slices()),
        case!(ward, "packets lost, TCP", packets_lost("lost", json!({}))),
        case!(ward, "packets lost, UDP", packets_lost("udp-lost", json!({"transport": "udp"}))),
        case!(
            ward,
            "packets out of order, UDP",
            goes_on("udp-swapped", Some(Incident::PacketsSwapped { one_in: 7 }), 8, json!({"transport": "udp"}))
        ),
        case!(
            ward,
            "packets twice, UDP",
            goes_on("udp-doubled", Some(Incident::PacketsDoubled { one_in: 7 }), 8, json!({"transport": "udp"}))
        ),
        case!(ward, "packets out of order, TCP", out_of_order("swapped", Incident::PacketsSwapped { one_in: 5 })),
        case!(ward, "packets twice, TCP", out_of_order("doubled", Incident::PacketsDoubled { one_in: 5 })),
        case!(ward, "RTP time jumps ahead", goes_on("jump-ahead", Some(Incident::RtpTimeJump { ms: 3_600_000 }), 8, json!({}))),
        case!(ward, "RTP time jumps back", goes_on("jump-back", Some(Incident::RtpTimeJump { ms: -3_600_000 }), 8, json!({}))),
        case!(ward, "RTP time wraps", goes_on("wrap", None, 8, json!({}))),
        case!(ward, "the camera's clock is an hour wrong", goes_on("clock", None, 8, json!({}))),
    ]
}

async fn two_slices(ward: Arc<Ward>) -> String {
    ward.camera("slices").set(Incident::TwoSlices).await.unwrap();
    goes_on(ward, "slices", None, 8, json!({})).await
}

/// Everything goes on: no gap, no alert, and all pictures are there and decode.
async fn goes_on(ward: Arc<Ward>, path: &'static str, incident: Option<Incident>, seconds: u64, more: Value) -> String {
    let over_udp = more["transport"] == "udp";
    let camera = ward.add_with(path, more).await;
    camera.recording().await;
    camera.sends(30).await;
    if let Some(incident) = incident {
        camera.real.set(incident).await.unwrap();
    }
    camera.sends(seconds * 12).await;
    let sent = camera.frames_sent();
    let span = camera.left_nothing().await;
    assert_eq!(camera.viewings(), 1, "one connection");
    let file = camera.export(&span).await;
    // Datagrams are given times by their arrival.
    if over_udp {
        decodes_with_uneven_times(file.path())
    } else {
        decodes_cleanly(file.path())
    }
    let probed = block_in_place(|| probe(file.path()));
    assert!(probed.frames + BEHIND_MAX >= sent && probed.frames <= camera.frames_sent(), "{probed:?} of {sent}");
    format!("{} of {sent} frames in {:.1} s", probed.frames, probed.duration_s)
}

/// The stream becomes another: two files, with the gap that the change itself makes, if any.
async fn pieces(
    ward: Arc<Ward>,
    path: &'static str,
    incident: Incident,
    reasons: &'static [&'static str],
    widths: &'static [i64],
) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(60).await;
    camera.real.prepare(incident.picture()).await.unwrap();
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    camera.sends(100).await;
    let said = if reasons.is_empty() {
        assert_eq!(camera.gaps().await, []);
        "no gap".to_owned()
    } else {
        camera.left_gap(reasons, (began_ms, began_ms), AT_ONCE_MS).await
    };
    camera.no_other_alert().await;
    let (start, end) = camera.recorded().await;
    let (status, answer) = camera.root.get(&format!("/cameras/{}/recording.mp4?start={start}&end={end}", camera.id)).await;
    assert_eq!(status, 409, "two streams are not one file: {answer}");
    let pieces = answer["pieces"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut found = Vec::new();
    for piece in pieces {
        let text = |name: &str| piece[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let file = camera.export(&(text("start"), text("end"))).await;
        found.push(block_in_place(|| {
            decodes_cleanly(file.path());
            probe(file.path())
        }));
    }
    assert_eq!(found.iter().map(|piece| piece.width).collect::<Vec<_>>(), widths, "{found:?}");
    format!("{said}, then {} {}x{}", found[1].codec, found[1].width, found[1].height)
}

/// Recorded from the moment that it is clear that none will come, and said so.
async fn never_a_key_frame(ward: Arc<Ward>) -> String {
    let virtual_camera = ward.camera("no-keys");
    virtual_camera.set(Incident::NoKeyFrames).await.unwrap();
    let camera = ward.add("no-keys").await;
    camera.until_state("degraded", "no_key_frame").await;
    camera.sends(100).await;
    let span = camera.left_nothing().await;
    let file = camera.export(&span).await;
    let frames = block_in_place(|| packets(file.path()));
    assert!(frames > 30, "{frames}");
    virtual_camera.clear();
    camera.recording().await;
    format!("degraded, and {frames} frames recorded all the same")
}

/// What is missing is marked, and the stream goes on, over TCP as well, where nothing may be lost on the way.
async fn packets_lost(ward: Arc<Ward>, path: &'static str, more: Value) -> String {
    let over_udp = more["transport"] == "udp";
    let camera = ward.add_with(path, more).await;
    camera.recording().await;
    camera.sends(30).await;
    camera.real.set(Incident::PacketsLost { one_in: 40 }).await.unwrap();
    camera.sends(60).await;
    camera.real.clear();
    camera.sends(60).await;
    let sent = camera.frames_sent();
    let span = camera.left_nothing().await;
    let file = camera.export(&span).await;
    let probed = block_in_place(|| probe(file.path()));
    // A picture whose packet is lost does not come over UDP; over TCP it comes in what there is of it.
    let lost_max = if over_udp { 60 } else { 0 };
    assert!(probed.frames + BEHIND_MAX + lost_max >= sent, "{probed:?} of {sent}");
    // What follows a loss is marked, on the timeline and in what is exported; what came before and after is not.
    let damaged = camera.timeline().await["damaged"].clone();
    let spans = damaged.as_array().unwrap();
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { panic!("nothing is marked: {damaged}") };
    assert!(first["start"].as_str() > Some(&span.0) && last["end"].as_str() < Some(&span.1), "{damaged} in {span:?}");
    let path = format!("/cameras/{}/recording.manifest.json?start={}&end={}", camera.id, span.0, span.1);
    let (status, signed) = camera.root.get(&path).await;
    assert_eq!((status, &signed["manifest"]["damaged"]), (200, &damaged), "{signed}");
    format!("{} of {sent} frames, no gap, {} stretches marked", probed.frames, spans.len())
}

/// Over TCP packets cannot change places on the way: the camera is broken, and its stream is opened anew.
async fn out_of_order(ward: Arc<Ward>, path: &'static str, incident: Incident) -> String {
    let camera = ward.add(path).await;
    camera.recording().await;
    camera.sends(40).await;
    let began_ms = now_ms();
    camera.real.set(incident).await.unwrap();
    camera.until_state("offline", "bad_stream").await;
    let ended_ms = now_ms();
    camera.real.clear();
    camera.left_gap(&["bad_stream"], (began_ms, ended_ms.min(first_offline(&camera).await)), NEXT_ATTEMPT_MS).await
}

/// When the stream was given up: it may have been opened again before the fault was over.
async fn first_offline(camera: &Watched) -> i64 {
    camera.gaps().await.first().map_or(i64::MAX, |gap| gap.start_ms)
}
