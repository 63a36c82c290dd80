//! Cameras that speak neither RTSP nor HLS: ffmpeg serves real footage over RTMP and SRT, or pushes it, and what is recorded
//! plays as one file.

use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use e2e::{Client, Program, decodes_with_uneven_times, probe, until};
use media::virtual_camera::footage::DEBIAN_SOURCE;
use mobile_api::moment::Moment;
use serde_json::{Value, json};

const SLOW: Duration = Duration::from_secs(120);
/// Recorded before it is looked at, ms.
const RECORDED_MS: i64 = 8_000;
/// Frames a second of the footage.
const FPS: f64 = 10.0;
const PASSPHRASE: &str = "steamed-buns-at-dawn";
/// How late a packet may be, for ffmpeg in microseconds and for the program in milliseconds: this machine may be busy.
const LATENCY: (&str, &str) = ("latency=4000000", "latency=4000");

/// An encoder that sends the footage again whenever the other end went away, until it is switched off.
struct Encoder {
    off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Encoder {
    fn start(output: &[&str]) -> Self {
        let footage = std::env::var_os("BRIGHT_KITCHEN_FOOTAGE").map_or_else(|| PathBuf::from(DEBIAN_SOURCE), PathBuf::from);
        let output: Vec<String> = output.iter().map(|text| (*text).to_owned()).collect();
        let off = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&off);
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let mut command = Command::new("ffmpeg");
                command.args(["-v", "fatal", "-nostdin", "-re", "-stream_loop", "-1", "-i"]).arg(&footage);
                command.args(["-an", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-b:v", "1M"]).args(&output);
                let mut child = command.stdout(Stdio::null()).spawn().unwrap();
                while child.try_wait().unwrap().is_none() {
                    if ended.load(Ordering::Relaxed) {
                        child.kill().unwrap();
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        });
        Self { off, thread: Some(thread) }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.off.store(true, Ordering::Relaxed);
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn tcp_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ms(moment: &Value) -> i64 {
    moment.as_str().unwrap().parse::<Moment>().unwrap().0
}

async fn in_state(root: &Client, camera: &str, state: &str) {
    until(&format!("the camera is {state}"), SLOW, || async {
        (root.get(&format!("/cameras/{camera}")).await.1["state"] == state).then_some(())
    })
    .await;
}

/// Waits for a stretch, and looks at it as one file.
async fn plays(root: &Client, camera: &str, since: &str) {
    let span = until("enough is recorded", SLOW, || async {
        let now = root.server_time().await;
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={since}&end={now}")).await;
        let span = timeline["segments"].as_array().and_then(|spans| spans.last().cloned())?;
        (ms(&span["end"]) - ms(&span["start"]) >= RECORDED_MS).then_some(span)
    })
    .await;
    let query = format!("start={}&end={}", span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
    let (status, _, bytes) = root.bytes(&format!("/cameras/{camera}/recording.mp4?{query}")).await;
    assert_eq!(status, 200);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recorded.mp4");
    std::fs::write(&file, bytes).unwrap();
    let probed = probe(&file);
    assert_eq!((probed.codec.as_str(), probed.width, probed.height), ("h264", 768, 576));
    let wanted = probed.duration_s * FPS;
    assert!(wanted >= 70.0 && (probed.frames as f64 - wanted).abs() <= wanted * 0.1, "{probed:?}");
    decodes_with_uneven_times(&file);
}

#[tokio::test(flavor = "multi_thread")]
async fn rtmp_that_is_pulled_and_srt_that_is_called_are_recorded_and_play() {
    let mut program = Program::start(None, &[("BACKOFF_MAX_MS", "2000")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let (rtmp, srt) = (format!("rtmp://127.0.0.1:{}/live/kitchen", tcp_port()), format!("srt://127.0.0.1:{}", udp_port()));
    let _rtmp = Encoder::start(&["-f", "flv", "-listen", "1", &rtmp]);
    let _srt = Encoder::start(&["-f", "mpegts", &format!("{srt}?mode=listener&passphrase={PASSPHRASE}&{}", LATENCY.0)]);
    let since = root.server_time().await;
    let mut cameras = Vec::new();
    for (name, url, password) in [("RTMP", rtmp, None), ("SRT", format!("{srt}?{}", LATENCY.1), Some(PASSPHRASE))] {
        let body = json!({"name": name, "premises_id": premises, "source_url": url, "password": password});
        cameras.push(root.made("/cameras", &body).await);
    }
    for camera in &cameras {
        in_state(&root, camera, "recording").await;
        plays(&root, camera, &since).await;
    }
    assert!(program.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_pushes_over_srt_is_waited_for_and_its_passphrase_is_nowhere_to_be_read() {
    let port = udp_port();
    let ports = format!("{port}-{port}");
    let mut program = Program::start(None, &[("CAMERA_LISTEN_PORTS", &ports), ("CONNECT_TIMEOUT_MS", "2000")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let waiting = |key: &str| json!({"name": "推流", "premises_id": premises, "source_url": format!("srt://:{port}?mode=listener&{}{key}", LATENCY.1)});
    for bad in ["", "&passphrase=too-short"] {
        let (status, problem) = root.post("/cameras", &waiting(bad)).await;
        assert!(status == 422 && problem["errors"][0]["pointer"] == "/password", "{problem}");
    }
    let since = root.server_time().await;
    let camera = root.made("/cameras", &waiting(&format!("&passphrase={PASSPHRASE}"))).await;
    let (_, shown) = root.get(&format!("/cameras/{camera}")).await;
    assert_eq!(shown["source_url"], format!("srt://0.0.0.0:{port}?mode=listener&{}", LATENCY.1));
    assert_eq!(shown["has_password"], true);
    // Nobody has called yet: that is told, and goes on being waited for.
    until("that nobody has called", SLOW, || async {
        let (_, shown) = root.get(&format!("/cameras/{camera}")).await;
        (shown["state"] == "offline" && shown["state_reason"] == "timeout").then_some(())
    })
    .await;

    let to = format!("srt://127.0.0.1:{port}?mode=caller&passphrase={PASSPHRASE}&{}", LATENCY.0);
    let encoder = Encoder::start(&["-f", "mpegts", &to]);
    in_state(&root, &camera, "recording").await;
    plays(&root, &camera, &since).await;
    drop(encoder);
    in_state(&root, &camera, "offline").await;
    let again = root.server_time().await;
    let _encoder = Encoder::start(&["-f", "mpegts", &to]);
    in_state(&root, &camera, "recording").await;
    plays(&root, &camera, &again).await;

    let (_, audit) = root.get("/audit?limit=200").await;
    assert!(audit.to_string().contains("mode=listener") && !audit.to_string().contains(PASSPHRASE));
    assert!(program.stop());
    for file in std::fs::read_dir(program.folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes.windows(PASSPHRASE.len()).any(|window| window == PASSPHRASE.as_bytes());
        assert!(!found, "in {}", file.path().display());
    }
}
