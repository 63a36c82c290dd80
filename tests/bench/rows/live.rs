//! Live: the first picture and the delay in a real browser; fifty viewers beside nginx serving the same bytes.

use std::io::BufRead as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use media::virtual_camera::{Incident, Picture, VirtualCameraConfig};

use crate::cameras::{Cameras, full_hd};
use crate::children::Helper;
use crate::figures::{median, percentile, spread};
use crate::site::{Site, now_ms};
use crate::table::{Table, Verdict};
use crate::usage::Window;
use crate::viewer;

const VIEWERS: usize = 50;
const WINDOWS: usize = 3;
const WINDOW: Duration = Duration::from_secs(15);
/// Parts that nginx serves in turn.
const PARTS: usize = 8;
const PART: Duration = Duration::from_millis(500);

/// Leaves the camera and the program to whoever measures on.
pub(crate) async fn measure(table: &mut Table) -> (Cameras, Site) {
    let model = VirtualCameraConfig { scene: full_hd("BENCH"), log_frames_max: 20_000, ..VirtualCameraConfig::default() };
    let mut cameras = Cameras::alike(1, &model);
    let paths = cameras.paths().to_vec();
    cameras.prepare(&paths, Picture::Black);
    let site = Site::start(&cameras, &[("ANALYSIS", "false")]).await;
    let id = site.id_of("c000").to_owned();
    tokio::time::sleep(Duration::from_secs(8)).await;
    browser(table, &mut cameras, &site, &id);
    viewers(table, &site, &id).await;
    let viewings = cameras.totals().viewings;
    table.judged("… the camera is pulled", "once", &format!("{viewings} time(s)"), "—", viewings == 1);
    (cameras, site)
}

/// A script opens the console in Chromium and says how long the first picture took, and when what the camera sends is seen.
fn browser(table: &mut Table, cameras: &mut Cameras, site: &Site, id: &str) {
    let Some((first_ms, delay_ms)) = watch(cameras, site, id) else {
        for (what, target) in [FIRST, DELAY] {
            table.row(what, target, "the browser did not run", "—", Verdict::Unmeasured);
        }
        return;
    };
    let told = |values: &[f64]| format!("{} ms of {}", spread(values, 0), values.len());
    table.judged(FIRST.0, FIRST.1, &told(&first_ms), "—", median(&first_ms) <= 1_500.0);
    table.judged(DELAY.0, DELAY.1, &told(&delay_ms), "the camera's log of what it sent", percentile(&delay_ms, 1.0) <= 3_000.0);
}

const FIRST: (&str, &str) = ("live: first picture in the browser", "at most 1.5 s");
const DELAY: (&str, &str) =
    ("live: from the camera's sending a frame to its being shown in the browser, key frame every 2 s", "at most 3 s");
/// How often the picture turns dark and light again.
const DARKNESSES: u32 = 4;
/// The browser is given up after this.
const PATIENCE: Duration = Duration::from_secs(90);

/// First pictures and delays, ms; `None` when there is no browser.
fn watch(cameras: &mut Cameras, site: &Site, id: &str) -> Option<(Vec<f64>, Vec<f64>)> {
    let mut command = Command::new("node");
    command.arg("tests/browser/live-delay.mjs").args([&format!("http://{}", site.program.address), "desk", e2e::PASSWORD, id]);
    let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let (stdin, stdout) = (node.stdin.take(), node.stdout.take()?);
    let (said, lines) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in std::io::BufReader::new(stdout).lines().map_while(Result::ok) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if said.send(line).is_err() {
                return;
            }
        }
    });
    let result = ask(cameras, &lines);
    drop(stdin);
    // It closes its browser when its input ends; one that hangs is ended.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while node.try_wait().is_ok_and(|ended| ended.is_none()) && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let _gone = node.kill();
    let _gone = node.wait();
    let _ended = reading.join();
    result
}

fn ask(cameras: &mut Cameras, lines: &std::sync::mpsc::Receiver<serde_json::Value>) -> Option<(Vec<f64>, Vec<f64>)> {
    let first = lines.recv_timeout(PATIENCE).ok()?;
    let firsts: Vec<f64> = first["first_ms"].as_array()?.iter().filter_map(serde_json::Value::as_f64).collect();
    let paths = cameras.paths().to_vec();
    let mut delays = Vec::new();
    for turn in 0..DARKNESSES * 2 {
        // At another place of the group of pictures each time.
        std::thread::sleep(Duration::from_millis(2_500 + u64::from(turn) * 310));
        let (since_ms, dark) = (now_ms(), turn % 2 == 0);
        if dark {
            cameras.set(&paths, Incident::Black)
        } else {
            cameras.clear(&paths)
        }
        let seen = lines.recv_timeout(PATIENCE).ok()?;
        assert_eq!(seen["dark"], dark, "the picture turns dark and light in turn");
        // Changes of the picture begin with a key frame, and every frame from now on shows it.
        let sent = cameras.sent();
        let first_ms = sent[&paths[0]].iter().find(|frame| frame.1 && frame.2 >= since_ms)?.2;
        delays.push(seen["at_ms"].as_f64()? - first_ms as f64);
    }
    Some((firsts, delays))
}

async fn viewers(table: &mut Table, site: &Site, id: &str) {
    let what = "CPU for 50 viewers of one camera at 2 Mbit/s";
    let target = "at most 1.5 x nginx serving the same bytes";
    let folder = tempfile::tempdir().unwrap();
    let Some(nginx) = Nginx::start(site, id, folder.path()).await else {
        table.row(what, target, "—", "nginx is not installed", Verdict::Unmeasured);
        return;
    };
    let server = [site.server()];
    let idle = Window::begin(&[("engine", &server)]);
    tokio::time::sleep(WINDOW).await;
    let idle = idle.percent(&[("engine", &server)])["engine"];
    let (stop, parts, peer_parts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for n in 0..VIEWERS {
        // A client each: browsers share no connections.
        let mut desk = e2e::Client::new(&site.program.address);
        desk.token.clone_from(&site.desk.token);
        let (own_id, own_stop, own_parts) = (id.to_owned(), stop.clone(), parts.clone());
        tasks.push(tokio::spawn(async move { viewer::watch(&desk, &own_id, &own_stop, &own_parts).await }));
        let (base, own_stop, own_parts) = (nginx.base.clone(), stop.clone(), peer_parts.clone());
        tasks.push(tokio::spawn(async move { fetch(&base, n, &own_stop, &own_parts).await }));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let groups: [(&'static str, &[u32]); 2] = [("engine", &server), ("nginx", &nginx.pids)];
    let (mut ratios, mut shares, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    let before = (parts.load(Ordering::Relaxed), peer_parts.load(Ordering::Relaxed));
    for _ in 0..WINDOWS {
        let window = Window::begin(&groups);
        tokio::time::sleep(WINDOW).await;
        let percent = window.percent(&groups);
        let own = percent["engine"] - idle;
        shares.push(own);
        peers.push(percent["nginx"]);
        ratios.push(own / percent["nginx"]);
    }
    let per_second = |now: u64, before: u64| (now - before) as f64 / (WINDOW.as_secs_f64() * WINDOWS as f64);
    let rates = (per_second(parts.load(Ordering::Relaxed), before.0), per_second(peer_parts.load(Ordering::Relaxed), before.1));
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    table.judged(
        what,
        target,
        &format!(
            "{} x; {} % of a core above recording, {:.0} parts and playlists a second",
            spread(&ratios, 2),
            spread(&shares, 2),
            rates.0
        ),
        &format!("nginx {} %, {:.0} parts and playlists a second", spread(&peers, 2), rates.1),
        median(&ratios) <= 1.5,
    );
}

/// nginx with a playlist and some parts as they came from the engine.
struct Nginx {
    _process: Helper,
    pids: [u32; 1],
    base: String,
}

impl Nginx {
    async fn start(site: &Site, id: &str, folder: &Path) -> Option<Self> {
        let files = folder.join("files");
        std::fs::create_dir_all(&files).unwrap();
        let mut got = 0;
        while got < PARTS {
            let (status, _, playlist) = site.desk.bytes(&format!("/cameras/{id}/live/index.m3u8")).await;
            assert_eq!(status, 200);
            let text = String::from_utf8_lossy(&playlist).into_owned();
            std::fs::write(files.join("index.m3u8"), &playlist).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-PART:")?.split("URI=\"").nth(1)?.split('"').next());
            for name in names.take(PARTS - got) {
                let (status, _, part) = site.desk.bytes(&format!("/cameras/{id}/live/{name}")).await;
                if status == 200 {
                    std::fs::write(files.join(format!("{got}.m4s")), part).unwrap();
                    got += 1;
                }
            }
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;\n\
             server {{ listen 127.0.0.1:{port}; root {at}/files; }} }}\n"
        );
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists())?;
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).stdin(Stdio::null()).stdout(Stdio::null());
        let process = Helper::start(&mut command);
        let base = format!("http://127.0.0.1:{port}");
        let url = format!("{base}/index.m3u8");
        e2e::until("nginx answers", Duration::from_secs(20), || async {
            reqwest::get(&url).await.ok().filter(|got| got.status().is_success())
        })
        .await;
        let pids = [process.id()];
        Some(Self { _process: process, pids, base })
    }
}

/// As often as a viewer asks: a playlist and a part each half second.
async fn fetch(base: &str, number: usize, stop: &AtomicBool, parts: &AtomicU64) {
    let client = reqwest::Client::new();
    let mut pace = tokio::time::interval(PART);
    let mut turn = number;
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        for url in [format!("{base}/index.m3u8"), format!("{base}/{}.m4s", turn % PARTS)] {
            let answer = client.get(url).send().await.unwrap();
            assert!(answer.status().is_success(), "nginx answers {}", answer.status());
            let _body = answer.bytes().await.unwrap();
        }
        parts.fetch_add(1, Ordering::Relaxed);
        turn += 1;
    }
}
