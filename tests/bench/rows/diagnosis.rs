//! How soon what is wrong with a camera stands in the inbox, with two hundred cameras on one analysis process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use media::virtual_camera::{Incident, Picture, VirtualCameraConfig};
use serde_json::json;

use crate::cameras::{Cameras, full_hd};
use crate::figures::percentile;
use crate::site::{Site, now_ms};
use crate::table::{Table, Verdict};

const CAMERAS: usize = 200;
/// Cameras that change together.
const TOGETHER: usize = 10;
/// Duration that every kind is set to, seconds.
const DURATION_S: f64 = 5.0;
/// From the change to the alert, where the sizes of frames show it.
const BY_SIZES_S: f64 = 12.0;
/// Where they do not: routine look, duration, two groups of pictures.
const ROUTINE_S: f64 = 30.0;
const GOP_S: f64 = 2.0;
const BY_ROUTINE_S: f64 = ROUTINE_S + DURATION_S + 2.0 * GOP_S;
/// The camera's view is known after this time.
const LEARNED: Duration = Duration::from_secs(100);

const KINDS: [(&str, Incident, Picture); 6] = [
    ("black", Incident::Black, Picture::Black),
    ("covered", Incident::Covered, Picture::Covered),
    ("frozen", Incident::Frozen, Picture::Frozen),
    ("over_exposed", Incident::OverExposed, Picture::OverExposed),
    ("blurred", Incident::Blurred, Picture::Blurred),
    ("moved", Incident::Moved, Picture::Moved),
];

/// Whether a row is wanted: all are, unless KINDS names some (the kinds, `filler`, `signal_lost`, `dark`).
fn is_wanted(row: &str) -> bool {
    std::env::var("KINDS").map_or(true, |kinds| kinds.split(',').any(|kind| kind == row))
}

pub(crate) async fn measure(table: &mut Table) {
    // The last twenty keep a constant bit rate with filler: their sizes must speak all the same.
    let config = |n: usize| VirtualCameraConfig {
        path: format!("c{n:03}"),
        scene: full_hd("BENCH"),
        fill_kbit_s: if n >= CAMERAS - 2 * TOGETHER { 3_000 } else { 0 },
        log_frames_max: 4,
        ..VirtualCameraConfig::default()
    };
    let mut cameras = Cameras::start(&(0..CAMERAS).map(config).collect::<Vec<_>>());
    let paths = cameras.paths().to_vec();
    for (_, _, picture) in KINDS {
        cameras.prepare(&paths, picture);
    }
    let mut site = Site::start(&cameras, &[("DISK_LOW_PERCENT", "5"), ("RESERVE_PERCENT", "1"), ("SEGMENT_MS", "60000")]).await;
    let rules: serde_json::Map<String, serde_json::Value> =
        KINDS.iter().map(|(kind, ..)| ((*kind).to_owned(), json!({"duration_s": DURATION_S}))).collect();
    let root = site.program.sign_in("root").await;
    let (status, answer) = root.put("/settings/diagnosis?scope=system", &rules.into()).await;
    assert_eq!(status, 200, "{answer}");
    tokio::time::sleep(LEARNED).await;

    let since_ms = now_ms();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (turn, (kind, incident, _)) in KINDS.into_iter().enumerate().filter(|(_, (kind, ..))| is_wanted(kind)) {
        let some = &paths[turn * TOGETHER..(turn + 1) * TOGETHER];
        told.extend(some.iter().cloned());
        let alerts = raised(&site, &mut cameras, kind, incident, some).await;
        judge(table, &format!("`{kind}`, {TOGETHER} of 200 cameras together, in the inbox after"), &alerts);
    }
    for (kind, incident, at) in [("black", Incident::Black, CAMERAS - TOGETHER), ("frozen", Incident::Frozen, CAMERAS - 2 * TOGETHER)] {
        if !is_wanted("filler") {
            continue;
        }
        let some = &paths[at..at + TOGETHER];
        told.extend(some.iter().cloned());
        let alerts = raised(&site, &mut cameras, kind, incident, some).await;
        judge(table, &format!("`{kind}`, cameras of constant bit rate with filler"), &alerts);
    }
    if is_wanted("signal_lost") {
        signal_lost(table, &site, &mut cameras, &paths[6 * TOGETHER..8 * TOGETHER]).await;
    }
    if is_wanted("dark") {
        site.renew().await;
        all_dark(table, &site, &mut cameras, &paths).await;
    }
    let every: Vec<&str> = KINDS.iter().map(|(kind, ..)| *kind).collect();
    let alerts = site.alerts(&every.join(","), since_ms).await;
    let strangers =
        alerts.iter().filter(|alert| !told.contains(alert["camera_name"].as_str().unwrap()) && alert["kind"] != "black").count();
    table.row(
        "alerts of cameras to which nothing happened, meanwhile",
        "0",
        &strangers.to_string(),
        "—",
        if strangers == 0 { Verdict::Met } else { Verdict::Missed },
    );
}

/// An alert as it came: how long after the incident, and whether the sizes of frames led to it.
struct Came {
    after_s: f64,
    by_sizes: bool,
}

/// How the incident came to the inbox, for each camera; `None` where it did not.
async fn raised(site: &Site, cameras: &mut Cameras, kind: &str, incident: Incident, some: &[String]) -> Vec<Option<Came>> {
    let began_ms = now_ms();
    cameras.set(some, incident);
    let seen = inbox(site, kind, began_ms, some, Duration::from_secs_f64(BY_ROUTINE_S + 10.0)).await;
    cameras.clear(some);
    let mut came = Vec::new();
    for path in some {
        let Some((at, id)) = seen.get(path) else {
            came.push(None);
            continue;
        };
        let (status, alert) = site.desk.get(&format!("/alerts/{id}")).await;
        assert_eq!(status, 200, "{alert}");
        let looked = alert["rule"]["looked"].as_str().unwrap_or_else(|| panic!("what drew attention, in {alert}"));
        came.push(Some(Came { after_s: (at - began_ms) as f64 / 1_000.0, by_sizes: looked == "sizes" }));
    }
    came
}

/// When each camera's alert was first seen in the inbox, milliseconds UTC, and its id.
async fn inbox(site: &Site, kind: &str, since_ms: i64, some: &[String], patience: Duration) -> BTreeMap<String, (i64, String)> {
    let deadline = std::time::Instant::now() + patience;
    let mut seen = BTreeMap::new();
    while seen.len() < some.len() && std::time::Instant::now() < deadline {
        for alert in site.alerts(kind, since_ms).await {
            let name = alert["camera_name"].as_str().unwrap().to_owned();
            if some.contains(&name) {
                let id = alert["id"].as_str().unwrap().to_owned();
                seen.entry(name).or_insert_with(|| (now_ms(), id));
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    seen
}

/// Two ways an alert may come, each with its own limit; the alert says which it was. One that sizes led to has their limit,
/// however late it is.
fn judge(table: &mut Table, what: &str, alerts: &[Option<Came>]) {
    let missing = alerts.iter().filter(|came| came.is_none()).count();
    let of = |by_sizes: bool| -> Vec<f64> {
        alerts.iter().flatten().filter(|came| came.by_sizes == by_sizes).map(|came| came.after_s).collect()
    };
    let (mut told, mut met) = (Vec::new(), missing == 0);
    for (who, delays, limit_s) in [("sizes", of(true), BY_SIZES_S), ("the routine", of(false), BY_ROUTINE_S)] {
        if delays.is_empty() {
            continue;
        }
        let p95 = percentile(&delays, 0.95);
        told.push(format!("{} by {who}: p50 {:.1}, p95 {p95:.1} s", delays.len(), percentile(&delays, 0.5)));
        met &= p95 <= limit_s;
    }
    if missing > 0 {
        told.push(format!("{missing} never"));
    }
    let target = format!("p95 at most {BY_SIZES_S:.0} s where sizes show it, else {BY_ROUTINE_S:.0} s");
    table.judged(what, &target, &told.join("; "), "—", met);
}

async fn signal_lost(table: &mut Table, site: &Site, cameras: &mut Cameras, some: &[String]) {
    let since_ms = now_ms();
    // One after the other, so that they do not all fall into one moment of the watch.
    for path in some {
        cameras.set(std::slice::from_ref(path), Incident::Hang);
        tokio::time::sleep(Duration::from_millis(130)).await;
    }
    let last = cameras.last_sent(some);
    let seen = inbox(site, "signal_lost", since_ms, some, Duration::from_secs(20)).await;
    cameras.clear(some);
    let delays: Vec<f64> = some.iter().zip(&last).filter_map(|(path, last)| Some((seen.get(path)?.0 - last) as f64 / 1_000.0)).collect();
    let p95 = percentile(&delays, 0.95);
    let measured = format!("p50 {:.1}, p95 {p95:.1} s of {}", percentile(&delays, 0.5), delays.len());
    table.judged(
        "`signal_lost`: from the last packet to the alert in the inbox",
        "p95 at most 6 s",
        &measured,
        "—",
        delays.len() == some.len() && p95 <= 6.0,
    );
}

async fn all_dark(table: &mut Table, site: &Site, cameras: &mut Cameras, paths: &[String]) {
    // What was raised before is over by then.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let before = cameras.totals();
    let began_ms = now_ms();
    cameras.set(paths, Incident::Black);
    let seen = inbox(site, "black", began_ms, paths, Duration::from_secs(80)).await;
    let latest = seen.values().map(|(at, _)| at).max().map_or(f64::NAN, |at| (at - began_ms) as f64 / 1_000.0);
    let again = cameras.totals().viewings - before.viewings;
    let recording = site.recording().await;
    cameras.clear(paths);
    table.judged(
        "200 cameras going dark together",
        "all flagged within 60 s, recording untouched",
        &format!("{} flagged, the last after {latest:.1} s; {recording} recording, {again} reconnects", seen.len()),
        "—",
        seen.len() == paths.len() && latest <= 60.0 && again == 0 && recording == paths.len(),
    );
}
