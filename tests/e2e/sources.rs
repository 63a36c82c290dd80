//! Every way in which a camera may send, through the real program: what is recorded plays as one file. ffmpeg serves or pushes
//! real footage over RTMP, SRT, HLS and as MJPEG, or writes a film; the ways of RTSP are in [`rtsp`]. A USB camera needs a
//! device, which no test machine has: `media/src/source/gst/tests.rs` shows that one that is missing is told.

mod rtsp;

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
/// The footage: its size and frames a second.
const FOOTAGE: Sent = Sent { size: (768, 576), fps: 10.0, least: 0.9 };
/// The same where it is encoded here: pictures that come closer than twelve a second are left out, and a busy machine makes fewer.
const ENCODED: Sent = Sent { least: 0.4, ..FOOTAGE };
const PASSPHRASE: &str = "steamed-buns-at-dawn";
/// How late a packet may be, for ffmpeg in microseconds and for the program in milliseconds: this machine may be busy.
const LATENCY: (&str, &str) = ("latency=4000000", "latency=4000");

/// What a camera sends.
#[derive(Clone, Copy)]
struct Sent {
    size: (i64, i64),
    fps: f64,
    /// The share of its pictures that is recorded at least.
    least: f64,
}

const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-b:v", "1M"];

fn footage() -> PathBuf {
    std::env::var_os("BRIGHT_KITCHEN_FOOTAGE").map_or_else(|| PathBuf::from(DEBIAN_SOURCE), PathBuf::from)
}

/// An encoder that sends the footage again whenever the other end went away, until it is switched off.
struct Encoder {
    off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Encoder {
    fn start(output: &[&str]) -> Self {
        Self::coding(H264, output)
    }

    fn coding(codec: &[&str], output: &[&str]) -> Self {
        let output: Vec<String> = [codec, output].concat().iter().map(|text| (*text).to_owned()).collect();
        let off = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&off);
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let mut command = Command::new("ffmpeg");
                command.args(["-v", "fatal", "-nostdin", "-re", "-stream_loop", "-1", "-i"]).arg(footage()).arg("-an");
                let mut child = command.args(&output).stdout(Stdio::null()).spawn().unwrap();
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
async fn plays(root: &Client, camera: &str, since: &str, sent: Sent) {
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
    assert_eq!((probed.codec.as_str(), probed.width, probed.height), ("h264", sent.size.0, sent.size.1));
    let wanted = probed.duration_s * sent.fps;
    assert!(probed.duration_s >= 7.0 && (wanted * sent.least..=wanted * 1.1).contains(&(probed.frames as f64)), "{probed:?}");
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
        plays(&root, camera, &since, FOOTAGE).await;
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
    plays(&root, &camera, &since, FOOTAGE).await;
    drop(encoder);
    in_state(&root, &camera, "offline").await;
    let again = root.server_time().await;
    let _encoder = Encoder::start(&["-f", "mpegts", &to]);
    in_state(&root, &camera, "recording").await;
    plays(&root, &camera, &again, FOOTAGE).await;

    let (_, audit) = root.get("/audit?limit=200").await;
    assert!(audit.to_string().contains("mode=listener") && !audit.to_string().contains(PASSPHRASE));
    assert!(program.stop());
    for file in std::fs::read_dir(program.folder.path()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes.windows(PASSPHRASE.len()).any(|window| window == PASSPHRASE.as_bytes());
        assert!(!found, "in {}", file.path().display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hls_mjpeg_a_film_and_rtmp_that_is_pushed_are_recorded_and_play() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    let mut made = Command::new("ffmpeg");
    made.args(["-v", "error", "-nostdin", "-t", "20", "-i"]).arg(footage()).arg("-an").args(H264).arg(&film);
    assert!(made.status().unwrap().success());
    let (listen, web, multipart) = (tcp_port(), tcp_port(), tcp_port());
    let (ports, files) = (format!("{listen}-{listen}"), folder.path().to_string_lossy().into_owned());
    let settings = [("CAMERA_LISTEN_PORTS", ports.as_str()), ("CAMERA_FILES", files.as_str()), ("BACKOFF_MAX_MS", "2000")];
    let mut program = Program::start(None, &settings).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;

    let playlists = tempfile::tempdir().unwrap();
    let list = playlists.path().join("index.m3u8").to_string_lossy().into_owned();
    let segments = ["-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags", "delete_segments+omit_endlist"];
    let _hls = Encoder::start(&[&segments[..], &[&list]].concat());
    let _web = Served::below(playlists.path(), web);
    let jpeg = ["-f", "mpjpeg", "-content_type", "multipart/x-mixed-replace;boundary=ffmpeg", "-listen", "1"];
    let _mjpeg = Encoder::coding(&["-c:v", "mjpeg", "-q:v", "6"], &[&jpeg[..], &[&format!("http://127.0.0.1:{multipart}/video")]].concat());
    let _pushed = Encoder::start(&["-f", "flv", &format!("rtmp://127.0.0.1:{listen}/live/{PASSPHRASE}")]);

    let ways = [
        ("HLS", format!("http://127.0.0.1:{web}/index.m3u8"), None),
        ("MJPEG", format!("http://127.0.0.1:{multipart}/video"), None),
        ("film", format!("file://{}", film.display()), None),
        ("RTMP pushed", format!("rtmp://:{listen}/live?mode=listener"), Some(PASSPHRASE)),
    ];
    let since = root.server_time().await;
    let mut cameras = Vec::new();
    for (name, url, password) in ways {
        let body = json!({"name": name, "premises_id": premises, "source_url": url, "password": password});
        cameras.push((name, root.made("/cameras", &body).await));
    }
    for (name, camera) in &cameras {
        eprintln!("{name}");
        in_state(&root, camera, "recording").await;
        plays(&root, camera, &since, if *name == "MJPEG" { ENCODED } else { FOOTAGE }).await;
    }
    assert!(program.stop());
}

/// Python's own web server on a folder.
struct Served(std::process::Child);

impl Served {
    fn below(folder: &std::path::Path, port: u16) -> Self {
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(folder).arg(port.to_string());
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _has_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
