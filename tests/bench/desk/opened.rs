//! From opening an alert in the console to the first frame of its clip, in a real browser: the next one, which was loaded beforehand,
//! and one from further down, which was not.

use std::process::Command;
use std::time::Duration;

use e2e::until;
use media::virtual_camera::VirtualCameraConfig;
use serde_json::json;

use crate::cameras::{Cameras, full_hd};
use crate::figures::{median, percentile};
use crate::site::Site;
use crate::table::{Table, Verdict};

/// Alerts whose clips are looked at.
const ALERTS: usize = 30;
const CAMERAS: usize = 2;

pub(crate) async fn measure(table: &mut Table) {
    const WHAT: &str = "opening an alert to the clip's first frame (1080p), in Chromium on the same machine";
    const TARGET: &str = "p95 at most 400 ms on the local network";
    let cameras = Cameras::alike(CAMERAS, &VirtualCameraConfig { scene: full_hd("BENCH"), ..VirtualCameraConfig::default() });
    let site = Site::start(&cameras, &[("ANALYSIS", "false")]).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    for number in 0..ALERTS {
        let finding = json!({"class": 3, "text": format!("未戴工帽 {number}")});
        let camera = site.path_of.keys().nth(number % CAMERAS).unwrap();
        let (status, found) = site.desk.post(&format!("/cameras/{camera}/findings"), &finding).await;
        assert_eq!(status, 201, "{found}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    until("every clip is cut", Duration::from_secs(120), || async {
        let (_, page) = site.desk.get("/alerts?state=raised&limit=100").await;
        let rows = page["items"].as_array().unwrap();
        (rows.len() == ALERTS && rows.iter().all(|row| row["clip"]["state"] == "ready")).then_some(())
    })
    .await;
    let mut node = Command::new("node");
    node.arg("tests/browser/clip-speed.mjs").args([&format!("http://{}", site.program.address), "desk", e2e::PASSWORD]);
    let said = node.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(said.trim()).unwrap_or_default();
    for (name, which) in [("next_ms", "the next, with a key"), ("further_ms", "one from further down, with the mouse")] {
        let times: Vec<f64> = said[name].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
        let what = format!("{WHAT}: {which}");
        if times.is_empty() {
            table.row(&what, TARGET, "—", "—", Verdict::Unmeasured);
            continue;
        }
        let p95 = percentile(&times, 0.95);
        table.judged(&what, TARGET, &format!("p50 {:.0} ms, p95 {p95:.0} ms of {}", median(&times), times.len()), "—", p95 <= 400.0);
    }
}
