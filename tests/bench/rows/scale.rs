//! Two hundred cameras: start, memory, processor time against sixty, lost frames, writes; watched and exported meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use media::Codec;
use media::virtual_camera::VirtualCameraConfig;

use crate::Lengths;
use crate::cameras::{Cameras, full_hd};
use crate::children::busy_cores;
use crate::figures::{median, percentile, spread};
use crate::follow::{Follower, compare_all};
use crate::site::{Site, moment, now_ms};
use crate::table::Table;
use crate::usage::{Window, pss_bytes};
use crate::viewer;
use crate::writes::{Writes, delays};

const CAMERAS: usize = 200;
const FEW: usize = 60;
const WATCHED: usize = 20;
const EXPORTS: usize = 5;
const WINDOWS: usize = 3;
/// The rings of two fragments are full after this, and the first looks are made.
const SETTLED: Duration = Duration::from_secs(15);
/// Files of a minute, so that retention has something to delete.
const SEGMENT_MS: &str = "60000";

pub(crate) async fn measure(table: &mut Table, lengths: Lengths) {
    let seconds = 240 + lengths.cpu_other.as_secs() * WINDOWS as u64 + lengths.loss.as_secs() + lengths.watched.as_secs();
    let scene = full_hd("BENCH");
    let model = VirtualCameraConfig { scene, log_frames_max: usize::try_from(seconds * 25).unwrap(), ..VirtualCameraConfig::default() };
    let mut cameras = Cameras::alike(CAMERAS, &model);
    let low = low_percent(lengths.kept_bytes);
    let settings = [("SEGMENT_MS", SEGMENT_MS), ("DISK_LOW_PERCENT", low.as_str()), ("RETENTION_INTERVAL_MS", "5000")];
    let mut site = Site::start(&cameras, &settings).await;
    let recordings = site.program.folder.path().join("recordings");
    assert!(site.program.stop(), "the program ends in order");
    let seen = cameras.totals().viewings / CAMERAS as u64;

    let ids: Vec<String> = site.path_of.keys().cloned().collect();
    let follower = Follower::start(recordings.clone(), ids.clone(), Codec::H264);
    start(table, &mut site, &mut cameras, &recordings, &ids).await;
    let began_ms = now_ms();
    tokio::time::sleep(SETTLED).await;
    memory(table, &site);

    let hogged_from = now_ms();
    let hogs = busy_cores();
    tokio::time::sleep(lengths.loss / 2).await;
    drop(hogs);
    let hogged_to = now_ms();
    let writes = Writes::watch(&recordings, ids.iter().cloned());
    // Sixty cameras more, recorded by a program of their own, make it no easier to lose nothing.
    let half = Instant::now();
    against_few(table, &site, lengths).await;
    tokio::time::sleep((lengths.loss / 2).saturating_sub(half.elapsed())).await;
    let loss_to = now_ms();
    site.renew().await;
    let grew = writes.finish();
    let (pictures, exports) = watched(&site, lengths.watched).await;
    let watched_to = now_ms();
    let kept = folder_bytes(&recordings);
    assert!(site.program.stop(), "the program ends in order");

    let mut sent = cameras.sent();
    let viewings = cameras.totals().viewings - seen * CAMERAS as u64;
    for frames in sent.values_mut() {
        frames.retain(|frame| frame.0 > seen);
    }
    let mut waits: Vec<f64> = Vec::new();
    for (id, grew) in &grew {
        waits.append(&mut delays(&sent[&site.path_of[id]], grew));
    }
    let compared = compare_all(&site.path_of, &sent, &follower.finish());
    let again = viewings - CAMERAS as u64;
    let (frames, lost) = compared.between(began_ms, loss_to);
    let (hogged, hogged_lost) = compared.between(hogged_from, hogged_to);
    let minutes = (loss_to - began_ms) as f64 / 60_000.0;
    table.judged(
        &format!(
            "frames lost, 200 cameras for {minutes:.0} min, both cores busy with another program for {} s",
            lengths.loss.as_secs() / 2
        ),
        "0",
        &format!(
            "{lost} of {frames} ({hogged_lost} of {hogged} while busy); {} foreign; {again} reconnects; {:.1} GB on disk at the end",
            compared.foreign,
            kept as f64 / 1e9
        ),
        "what the cameras sent, by hash",
        lost + compared.foreign == 0 && again == 0 && frames > 0,
    );
    let p99 = percentile(&waits, 0.99);
    table.judged(
        "a fragment on disk after the key frame that completes it was sent",
        "within 200 ms",
        &format!("p50 {:.0}, p99 {p99:.0}, most {:.0} ms of {}", median(&waits), percentile(&waits, 1.0), waits.len()),
        "inotify against the cameras' clock",
        percentile(&waits, 1.0) <= 200.0,
    );
    let (frames, lost) = compared.between(loss_to, watched_to - 3_000);
    table.judged(
        "200 cameras recorded while 20 are watched and 5 clips are exported at once: frames lost",
        "0",
        &format!("{lost} of {frames}; {pictures} parts watched, {exports} clips of 30 s exported"),
        "what the cameras sent, by hash",
        lost == 0 && frames > 0 && pictures > 0 && exports > 0,
    );
}

/// The share of free disk at which retention keeps recordings below so many bytes.
fn low_percent(kept_bytes: u64) -> String {
    let disk = rustix::fs::statvfs(std::env::temp_dir().as_path()).unwrap();
    let (free, total) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    format!("{:.3}", free.saturating_sub(kept_bytes) as f64 / total as f64 * 100.0)
}

/// A start of the program with all cameras known.
async fn start(table: &mut Table, site: &mut Site, cameras: &mut Cameras, recordings: &Path, ids: &[String]) {
    let before: Vec<usize> = ids.iter().map(|id| files(&recordings.join(id)).len()).collect();
    let began = Instant::now();
    site.program.serve().await;
    let ready = began.elapsed();
    let mut playing = None;
    loop {
        if playing.is_none() && cameras.totals().viewers == CAMERAS as u64 {
            playing = Some(began.elapsed());
        }
        let on_disk = ids.iter().zip(&before).filter(|(id, before)| files(&recordings.join(id)).len() > **before).count();
        if on_disk == ids.len() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(180), "{on_disk} of {CAMERAS} cameras are on disk");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all = began.elapsed();
    let knocking = cameras.totals().knocking_max;
    table.judged(
        "a start of 200 cameras: from starting the program to a whole fragment of each on disk",
        "within 15 s; at most 20 connects in flight",
        &format!(
            "{:.1} s (answering after {:.1}, all playing after {:.1}); {knocking} connects in flight",
            all.as_secs_f64(),
            ready.as_secs_f64(),
            playing.unwrap_or(all).as_secs_f64()
        ),
        "—",
        all <= Duration::from_secs(15) && knocking <= 20,
    );
    let (within, all) = site.writes_within(100).await;
    table.judged(
        "a write meanwhile (new file, fragment; what syncs is told apart)",
        "p99 under 100 ms",
        &format!("{:.1} % of {all} under 100 ms", within as f64 / all.max(1) as f64 * 100.0),
        "the program's own histogram",
        all > 0 && within * 100 >= all * 99,
    );
}

/// Processor time a camera of 200 against 60, in the same windows.
async fn against_few(table: &mut Table, site: &Site, lengths: Lengths) {
    let few_cameras = Cameras::alike(FEW, &VirtualCameraConfig { scene: full_hd("BENCH"), ..VirtualCameraConfig::default() });
    let few = Site::start(&few_cameras, &[]).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    let pids = |site: &Site| -> Vec<u32> { [site.server()].into_iter().chain(site.analysis()).collect() };
    let (many, few) = (pids(site), (pids(&few), few));
    let groups: [(&'static str, &[u32]); 2] = [("many", &many), ("few", &few.0)];
    let (mut ratios, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let window = Window::begin(&groups);
        tokio::time::sleep(lengths.cpu_other).await;
        let percent = window.percent(&groups);
        shares.push(percent["many"] / CAMERAS as f64);
        ratios.push(percent["many"] / CAMERAS as f64 / (percent["few"] / FEW as f64));
    }
    table.judged(
        "CPU per camera with diagnosis, 200 against 60",
        "at most 1.1 x",
        &format!("{} x; {} % of a core a camera at 200", spread(&ratios, 2), spread(&shares, 3)),
        "60 cameras, in the same windows",
        median(&ratios) <= 1.1,
    );
}

fn memory(table: &mut Table, site: &Site) {
    let server = pss_bytes(site.server()).unwrap() as f64 / CAMERAS as f64 / 1e6;
    let analysis: u64 = site.analysis().iter().filter_map(|pid| pss_bytes(*pid)).sum();
    let analysis = analysis as f64 / 1e6;
    table.judged(
        "memory a camera, 200 at once: PSS of the serving process",
        "at most 4 MB",
        &format!("{server:.2} MB"),
        "—",
        server <= 4.0,
    );
    table.judged("PSS of the analysis process", "at most 300 MB", &format!("{analysis:.0} MB"), "—", analysis <= 300.0);
}

/// Watches and exports for so long; parts fetched and clips exported.
async fn watched(site: &Site, length: Duration) -> (u64, u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let (parts, clips) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for id in site.path_of.keys().take(WATCHED) {
        let (desk, id, stop, parts) = (site.desk.clone(), id.clone(), stop.clone(), parts.clone());
        tasks.push(tokio::spawn(async move { viewer::watch(&desk, &id, &stop, &parts).await }));
    }
    for id in site.path_of.keys().skip(WATCHED).take(EXPORTS) {
        let (desk, id, stop, clips) = (site.desk.clone(), id.clone(), stop.clone(), clips.clone());
        tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let now = now_ms();
                let stretch = format!("start={}&end={}", moment(now - 35_000), moment(now - 5_000));
                let (status, _, bytes) = desk.bytes(&format!("/cameras/{id}/recording.mp4?{stretch}")).await;
                assert!(status == 200 && !bytes.is_empty(), "an export answered {status}");
                clips.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }));
    }
    tokio::time::sleep(length).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    (parts.load(Ordering::Relaxed), clips.load(Ordering::Relaxed))
}

/// Recorded files below a camera's folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let days = std::fs::read_dir(folder).into_iter().flatten().flatten();
    days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten().flatten()).map(|file| file.path()).collect()
}

fn folder_bytes(recordings: &Path) -> u64 {
    let cameras = std::fs::read_dir(recordings).into_iter().flatten().flatten();
    cameras.flat_map(|camera| files(&camera.path())).filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
