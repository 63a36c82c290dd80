//! What recording one camera costs beside `ffmpeg -c copy -f segment`, without and with diagnosis.
//!
//! Two programs (one without analysis) and ffmpeg record the same cameras at the same time, so a window of one is a window
//! of all: what the machine does besides changes all three alike.

use std::time::Duration;

use media::Codec;
use media::virtual_camera::{Scene, VirtualCameraConfig};

use crate::Lengths;
use crate::cameras::{Cameras, QUANTIZER_H265, full_hd};
use crate::children::Helper;
use crate::ffmpeg;
use crate::figures::{median, spread};
use crate::follow::{Follower, compare_all};
use crate::site::{Site, now_ms};
use crate::table::Table;
use crate::usage::Window;

const CAMERAS: usize = 60;
/// Windows of one measurement.
const WINDOWS: usize = 3;
/// Diagnosis learns a camera for half a minute; before that it looks more often than at its usual rate.
const SETTLED: Duration = Duration::from_secs(40);

pub(crate) async fn measure(table: &mut Table, lengths: Lengths) {
    let plain = VirtualCameraConfig { scene: full_hd("BENCH"), ..VirtualCameraConfig::default() };
    let h265 = Scene { codec: Codec::H265, quantizer: QUANTIZER_H265, ..plain.scene.clone() };
    let h265 = VirtualCameraConfig { scene: h265, ..plain.clone() };
    let filler = VirtualCameraConfig { fill_kbit_s: 2_000, ..plain.clone() };
    let all = one(Kind { name: "H.264, VBR", model: plain, codec: Codec::H264 }, lengths.cpu).await;
    // The other kinds share their time: each has its own peer in its own windows.
    let filler = one(Kind { name: "H.264, CBR with filler", model: filler, codec: Codec::H264 }, lengths.cpu_other);
    let h265 = one(Kind { name: "H.265, VBR", model: h265, codec: Codec::H265 }, lengths.cpu_other);
    let (filler, h265) = tokio::join!(filler, h265);
    for Figure { what, target, measured, peer, met } in all.into_iter().chain(filler).chain(h265) {
        table.judged(&what, &target, &measured, &peer, met);
    }
}

/// A line of the table to be.
struct Figure {
    what: String,
    target: String,
    measured: String,
    peer: String,
    met: bool,
}

/// A kind of stream.
struct Kind {
    name: &'static str,
    model: VirtualCameraConfig,
    codec: Codec,
}

async fn one(kind: Kind, length: Duration) -> Vec<Figure> {
    let Kind { name, model, codec } = kind;
    let seconds = 240 + length.as_secs() * WINDOWS as u64;
    // Three watch each camera; what each was sent is in one log.
    let model = VirtualCameraConfig { log_frames_max: usize::try_from(seconds * 25 * 3).unwrap(), ..model };
    let mut cameras = Cameras::alike(CAMERAS, &model);
    let mut plain = Site::start(&cameras, &[("ANALYSIS", "false")]).await;
    let recordings = plain.program.folder.path().join("recordings");
    let follower = Follower::start(recordings, plain.path_of.keys().cloned().collect(), codec);
    let viewings = cameras.totals().viewings / CAMERAS as u64;
    let diagnosing = Site::start(&cameras, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let ffmpegs = ffmpeg::record_all(&cameras, folder.path());
    tokio::time::sleep(SETTLED).await;
    let ffmpeg_pids: Vec<u32> = ffmpegs.iter().map(Helper::id).collect();
    let with_analysis: Vec<u32> = [diagnosing.server()].into_iter().chain(diagnosing.analysis()).collect();
    let (plain_pids, camera_pids) = ([plain.server()], [cameras.pid()]);
    let groups: [(&'static str, &[u32]); 4] =
        [("plain", &plain_pids), ("diagnosing", &with_analysis), ("ffmpeg", &ffmpeg_pids), ("cameras", &camera_pids)];
    let mut shares: Vec<std::collections::HashMap<&str, f64>> = Vec::new();
    let bytes_before = cameras.totals().bytes;
    let (began, began_ms) = (std::time::Instant::now(), now_ms());
    for _ in 0..WINDOWS {
        let window = Window::begin(&groups);
        tokio::time::sleep(length).await;
        shares.push(window.percent(&groups));
    }
    let (ended_ms, viewers) = (now_ms(), (CAMERAS * 3) as f64);
    let mbits = (cameras.totals().bytes - bytes_before) as f64 * 8.0 / 1e6 / began.elapsed().as_secs_f64() / viewers;
    let of = |group: &str| shares.iter().map(|share| share[group] / CAMERAS as f64).collect::<Vec<f64>>();
    let ratios = |group: &str| shares.iter().map(|share| share[group] / share["ffmpeg"]).collect::<Vec<f64>>();
    let peer = format!("ffmpeg {} % of a core a camera", spread(&of("ffmpeg"), 3));
    eprintln!(
        "   {name}: pictures {mbits:.2} Mbit/s a camera; the virtual cameras take {:.0} % of a core",
        median(&of("cameras")) * CAMERAS as f64
    );
    let mut figures = Vec::new();
    for (group, what, target) in
        [("plain", "record one camera, 60 at once", 0.33), ("diagnosing", "the same with diagnosis, analysis process included", 0.9)]
    {
        let ratio = ratios(group);
        let measured = format!("{} x; {} % of a core a camera", spread(&ratio, 2), spread(&of(group), 3));
        let (what, target_text) = (format!("CPU to {what} ({name})"), format!("at most {target} x ffmpeg"));
        figures.push(Figure { what, target: target_text, measured, peer: peer.clone(), met: median(&ratio) <= target });
    }
    assert!(plain.program.stop(), "the program ends in order");
    let mut sent = cameras.sent();
    // The first to watch each camera is the program that is followed.
    sent.values_mut().for_each(|frames| frames.retain(|frame| frame.0 <= viewings));
    let compared = compare_all(&plain.path_of, &sent, &follower.finish());
    let (frames, lost) = compared.between(began_ms, ended_ms - 3_000);
    figures.push(Figure {
        what: format!("frames lost, {CAMERAS} cameras recorded three times over ({name})"),
        target: "0".to_owned(),
        measured: format!("{lost} of {frames}; {} foreign", compared.foreign),
        peer: "what the cameras sent, by hash".to_owned(),
        met: lost + compared.foreign == 0 && frames > 0,
    });
    figures
}
