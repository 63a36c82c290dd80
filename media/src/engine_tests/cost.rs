//! What recording costs: run by hand, `cargo test -p media --lib -- --ignored --exact --nocapture
//! engine_tests::cost::a_camera_costs_little`.

use super::crash::start_recorder;
use super::*;
use crate::virtual_camera::FrameRate;

const CAMERAS: usize = 20;
const MEASURED: Duration = Duration::from_secs(20);

/// Processor time, in hundredths of a second, and resident memory, in KiB, of a process.
fn used(pid: u32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let number = |n: usize| fields[n].parse::<u64>().expect("a number");
    (number(11) + number(12), number(21) * 4)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a check"]
async fn a_camera_costs_little() {
    let scene = Scene { rate: FrameRate::FULL, ..Scene::small("COST") };
    let cameras = (0..CAMERAS).map(|n| VirtualCameraConfig { path: format!("c{n}"), scene: scene.clone(), ..Default::default() });
    let (server, _supervisor) = start_cameras(cameras.collect()).await;
    let urls: Vec<String> = (0..CAMERAS).map(|n| server.url(&format!("c{n}")).to_string()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut recorder = start_recorder(folder.path(), &urls.join(" "));
    let all = |frames| server.cameras().all(|(_, camera)| camera.totals().frames >= frames);
    wait_for("all send", || all(100)).await;
    let sent = || server.cameras().map(|(_, camera)| camera.totals().bytes).sum::<u64>();
    let ((cpu, _), bytes) = (used(recorder.id()), sent());
    tokio::time::sleep(MEASURED).await;
    let ((cpu_after, memory_kib), bytes_after) = (used(recorder.id()), sent());
    recorder.kill().expect("SIGKILL");
    recorder.wait().expect("it is gone");
    let seconds = MEASURED.as_secs_f64();
    let cameras = f64::from(u32::try_from(CAMERAS).expect("few"));
    let share = f64::from(u32::try_from(cpu_after - cpu).expect("few")) / seconds / cameras;
    let bits = f64::from(u32::try_from((bytes_after - bytes) / 1_000).expect("few")) * 8.0 / seconds / cameras;
    println!("{share:.3} % of a core and {} KiB a camera at {bits:.0} kbit/s", memory_kib / CAMERAS as u64);
}
