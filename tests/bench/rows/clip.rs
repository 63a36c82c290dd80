//! A clip of a minute out of a recording: time to its first byte, and processor time beside `ffmpeg -ss … -c copy`.

use std::process::Command;
use std::time::{Duration, Instant};

use media::virtual_camera::VirtualCameraConfig;

use crate::cameras::{Cameras, full_hd};
use crate::figures::{median, percentile, spread};
use crate::site::{Site, moment, now_ms};
use crate::table::Table;
use crate::usage::{cpu_s, waited_cpu_s};

const CLIP_MS: i64 = 60_000;
/// Clips in one window, and windows.
const CLIPS: usize = 12;
const WINDOWS: usize = 3;
/// The recorder's own use is measured over this time and taken off.
const BASE: Duration = Duration::from_secs(10);

/// On a camera that has been recorded for more than a minute already, or on one of its own.
pub(crate) async fn measure(table: &mut Table, running: Option<(Cameras, Site)>) {
    let (_cameras, mut site) = match running {
        Some(running) => running,
        None => {
            let cameras = Cameras::alike(1, &VirtualCameraConfig { scene: full_hd("BENCH"), ..VirtualCameraConfig::default() });
            let site = Site::start(&cameras, &[("ANALYSIS", "false")]).await;
            tokio::time::sleep(Duration::from_millis(CLIP_MS as u64 + 12_000)).await;
            (cameras, site)
        }
    };
    let id = site.id_of("c000").to_owned();
    let end = now_ms() - 4_000;
    let path = format!("/cameras/{id}/recording.mp4?start={}&end={}", moment(end - CLIP_MS), moment(end));
    let file = recorded_file(&site, &id);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("clip.mp4");

    let server = site.server();
    let (base, began) = (cpu_s(server).unwrap(), Instant::now());
    tokio::time::sleep(BASE).await;
    let base_share = (cpu_s(server).unwrap() - base) / began.elapsed().as_secs_f64();
    let (mut first_ms, mut ratios, mut own_ms, mut peer_ms, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..WINDOWS {
        let (before, began) = (cpu_s(server).unwrap(), Instant::now());
        for _ in 0..CLIPS {
            let asked = Instant::now();
            let mut answer = site.desk.request(reqwest::Method::GET, &path).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            let mut is_first = true;
            bytes = 0;
            while let Some(piece) = answer.chunk().await.unwrap() {
                if std::mem::take(&mut is_first) {
                    first_ms.push(asked.elapsed().as_secs_f64() * 1_000.0);
                }
                bytes += piece.len();
            }
        }
        let own = (cpu_s(server).unwrap() - before - base_share * began.elapsed().as_secs_f64()).max(0.0);
        let before = waited_cpu_s();
        for _ in 0..CLIPS {
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-nostdin", "-v", "error", "-y", "-ss", "4", "-t", "60", "-i"]).arg(&file).args(["-c", "copy"]).arg(&out);
            assert!(ffmpeg.status().unwrap().success(), "ffmpeg cuts the file too");
        }
        let peer = waited_cpu_s() - before;
        own_ms.push(own * 1_000.0 / CLIPS as f64);
        peer_ms.push(peer * 1_000.0 / CLIPS as f64);
        ratios.push(own / peer);
    }
    let peer = format!("ffmpeg {} ms", spread(&peer_ms, 0));
    table.judged(
        "clip of 60 s: first byte",
        "at most 50 ms",
        &format!("p50 {:.0}, p95 {:.0} ms ({:.1} MB)", median(&first_ms), percentile(&first_ms, 0.95), bytes as f64 / 1e6),
        "—",
        median(&first_ms) <= 50.0,
    );
    table.judged(
        "clip of 60 s: CPU",
        "at most 0.3 x ffmpeg -ss … -c copy",
        &format!("{} x; {} ms", spread(&ratios, 2), spread(&own_ms, 0)),
        &peer,
        median(&ratios) <= 0.3,
    );
    assert!(site.program.stop(), "the program ends in order");
    let bytes = table_bytes_a_minute(&recorded_file(&site, &id));
    table.judged(
        "index on disk: the table at the end of a closed file",
        "at most 250 B a camera-minute",
        &format!("{bytes:.0} B, of a file of ten minutes"),
        "—",
        bytes <= 250.0,
    );
}

/// Length of what a table has once (box, summary, first fragment), bytes.
const TABLE_ONCE: f64 = 32.0 + 40.0 + 20.0;

/// What the table of a closed file takes a minute of recording, were the file one of ten minutes: what stands once in a table
/// weighs more in a shorter one. Read from the file's end, by nothing that the engine is made of.
fn table_bytes_a_minute(path: &std::path::Path) -> f64 {
    let data = std::fs::read(path).unwrap();
    let at = data.len() - 4;
    let table = u32::from_be_bytes(data[at..].try_into().unwrap()) as usize;
    let table = &data[data.len() - table..];
    assert_eq!(&table[4..24], b"uuidBrightKitchenTbl", "a closed file ends with its table");
    let fragments = f64::from(u32::from_be_bytes(table[28..32].try_into().unwrap()));
    // Key frames come every two seconds: thirty fragments a minute.
    (table.len() as f64 - TABLE_ONCE) / fragments * 30.0 + TABLE_ONCE / 10.0
}

/// The newest file of a camera.
fn recorded_file(site: &Site, id: &str) -> std::path::PathBuf {
    let camera = site.program.folder.path().join("recordings").join(id);
    let days = std::fs::read_dir(camera).unwrap().flatten();
    let files = days.flat_map(|day| std::fs::read_dir(day.path()).unwrap().flatten()).map(|file| file.path());
    // The longest one: a file may have been begun a moment ago.
    files.max_by_key(|path| path.metadata().map_or(0, |data| data.len())).unwrap()
}
