//! What recording one camera costs beside `ffmpeg -c copy -f segment`, without and with diagnosis.
//!
//! Two programs (one without analysis) and ffmpeg record the same cameras at the same time, so a window of one is a window
//! of all: what the machine does besides changes all three alike.

use media::Codec;
use media::virtual_camera::{Scene, VirtualCameraConfig};

use crate::Lengths;
use crate::cameras::{Cameras, QUANTIZER_H265, full_hd};
use crate::children::Helper;
use crate::ffmpeg;
use crate::figures::{median, spread};
use crate::site::Site;
use crate::table::Table;
use crate::usage::Window;

const CAMERAS: usize = 60;
/// Windows of one measurement.
const WINDOWS: usize = 3;
/// Diagnosis learns a camera for half a minute; before that it looks more often than at its usual rate.
const SETTLED: std::time::Duration = std::time::Duration::from_secs(40);

pub(crate) async fn measure(table: &mut Table, lengths: Lengths) {
    let plain = VirtualCameraConfig { scene: full_hd("BENCH"), ..VirtualCameraConfig::default() };
    let h265 = Scene { codec: Codec::H265, quantizer: QUANTIZER_H265, ..plain.scene.clone() };
    let kinds = [
        ("H.264, VBR", plain.clone(), lengths.cpu),
        ("H.264, CBR with filler", VirtualCameraConfig { fill_kbit_s: 2_000, ..plain.clone() }, lengths.cpu_other),
        ("H.265, VBR", VirtualCameraConfig { scene: h265, ..plain }, lengths.cpu_other),
    ];
    for (name, model, window) in kinds {
        one(table, name, &model, window).await;
    }
}

async fn one(table: &mut Table, name: &str, model: &VirtualCameraConfig, length: std::time::Duration) {
    let mut cameras = Cameras::alike(CAMERAS, model);
    let plain = Site::start(&cameras, &[("ANALYSIS", "false")]).await;
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
    let began = std::time::Instant::now();
    for _ in 0..WINDOWS {
        let window = Window::begin(&groups);
        tokio::time::sleep(length).await;
        shares.push(window.percent(&groups));
    }
    let viewers = (CAMERAS * 3) as f64;
    let mbits = (cameras.totals().bytes - bytes_before) as f64 * 8.0 / 1e6 / began.elapsed().as_secs_f64() / viewers;
    let of = |group: &str| shares.iter().map(|share| share[group] / CAMERAS as f64).collect::<Vec<f64>>();
    let ratios = |group: &str| shares.iter().map(|share| share[group] / share["ffmpeg"]).collect::<Vec<f64>>();
    let peer = format!("ffmpeg {} % of a core a camera", spread(&of("ffmpeg"), 3));
    eprintln!(
        "   {name}: pictures {mbits:.2} Mbit/s a camera; the virtual cameras take {:.0} % of a core",
        median(&of("cameras")) * CAMERAS as f64
    );
    for (group, what, target) in
        [("plain", "record one camera, 60 at once", 0.33), ("diagnosing", "the same with diagnosis, analysis process included", 0.9)]
    {
        let ratio = ratios(group);
        let measured = format!("{} x; {} % of a core a camera", spread(&ratio, 2), spread(&of(group), 3));
        table.judged(&format!("CPU to {what} ({name})"), &format!("at most {target} x ffmpeg"), &measured, &peer, median(&ratio) <= target);
    }
}
