//! HLS against a small real server that serves what ffmpeg made.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::camera::{Codec, Secret, SourceSpec, StateReason};
use crate::clock::SystemClock;
use crate::settings::EngineConfig;
use crate::source::address::AddressPolicy;
use crate::source::http::open;
use crate::source::{AccessUnit, Source, SourceError, SourceItem, SourceLimits};
use crate::supervise::Supervisor;

const DEADLINE: Duration = Duration::from_secs(90);
const LIMITS: SourceLimits = SourceLimits { connect_timeout: Duration::from_secs(40), access_unit_bytes_max: 8 << 20 };

/// Serves the files of a folder, and some answers that no file gives.
struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    refused: Arc<AtomicU32>,
    _supervisor: Supervisor,
}

impl Server {
    async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (supervisor, stop) = (Supervisor::new(), CancellationToken::new());
        let server = Self {
            address: listener.local_addr().expect("bound"),
            stop: stop.clone(),
            refused: Arc::default(),
            _supervisor: supervisor.clone(),
        };
        let (folder, refused, tasks) = (folder.to_path_buf(), server.refused.clone(), supervisor.clone());
        supervisor.once("file server", async move {
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("accepts").0,
                    () = stop.cancelled() => return,
                };
                let (folder, stop, refused) = (folder.clone(), stop.clone(), refused.clone());
                tasks.once("file connection", async move {
                    tokio::select! {
                        () = serve(stream, &folder, &refused) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        });
        server
    }

    fn spec(&self, path: &str) -> SourceSpec {
        SourceSpec::new(format!("http://{}/{path}", self.address).parse().expect("a URL"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(mut stream: TcpStream, folder: &Path, refused: &AtomicU32) {
    let mut head = Vec::new();
    let mut byte = [0];
    while stream.read_exact(&mut byte).await.is_ok() {
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
        let path = text.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
        let header = |name: &str| text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(str::to_owned));
        let answer = match path.as_str() {
            "redirect.m3u8" => b"HTTP/1.1 302 Found\r\nLocation: /a.m3u8\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "page" => b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>".to_vec(),
            "still" => b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 2\r\n\r\n\xff\xd8".to_vec(),
            "endless.m3u8" => {
                let _closed_by_then = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                while stream.write_all(format!("1000\r\n{}\r\n", "#".repeat(4_096)).as_bytes()).await.is_ok() {}
                return;
            }
            _ if path.starts_with("locked/") && header("authorization: basic ").is_none_or(|value| value != "yw5uomh1c2g=") => {
                refused.fetch_add(1, Ordering::Relaxed);
                b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            _ => match std::fs::read(folder.join(path.trim_start_matches("locked/"))) {
                Err(_) => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
                Ok(body) => {
                    let range = header("range: bytes=").and_then(|range| {
                        let (first, last) = range.trim().split_once('-')?;
                        Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
                    });
                    let (status, body) = match range {
                        Some((first, last)) => ("206 Partial Content", &body[first.min(body.len())..(last + 1).min(body.len())]),
                        None => ("200 OK", &body[..]),
                    };
                    [format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
                }
            },
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// An ffmpeg that does not outlive its test.
struct Ffmpeg(Child);

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _has_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Makes an HLS stream; one that ends is whole when this returns.
fn hls(folder: &Path, name: &str, live: bool, options: &[&str]) -> Ffmpeg {
    let pace: &[&str] = if live { &["-re"] } else { &[] };
    let length: &[&str] = if live { &[] } else { &["-t", "2"] };
    let mut run = Command::new("ffmpeg");
    run.args(["-v", "error", "-nostdin"]).args(pace).args(["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"]).args(length);
    run.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-f", "hls", "-hls_time", "1"]).args(options);
    run.arg(folder.join(name)).current_dir(folder).stdout(Stdio::null());
    let mut child = Ffmpeg(run.spawn().expect("ffmpeg runs"));
    if !live {
        assert!(child.0.wait().expect("waited").success(), "{options:?}");
    }
    child
}

const VOD: [&str; 4] = ["-hls_list_size", "0", "-hls_playlist_type", "vod"];

async fn open_spec(spec: &SourceSpec) -> Result<Box<dyn Source>, SourceError> {
    let policy = Arc::new(AddressPolicy::new(&EngineConfig::new(PathBuf::new())));
    open(spec, &policy, LIMITS, Arc::new(SystemClock::new())).await
}

async fn reason(spec: &SourceSpec) -> Option<StateReason> {
    open_spec(spec).await.err().map(|error| error.reason)
}

/// Everything until the end or until enough pictures came; and why it ended.
async fn read(source: &mut dyn Source, pictures: usize) -> (Vec<AccessUnit>, usize, Option<SourceError>) {
    let (mut units, mut parameters) = (Vec::new(), 0);
    while units.len() < pictures {
        match tokio::time::timeout(DEADLINE, source.next()).await.expect("in time") {
            Ok(SourceItem::AccessUnit(unit)) => units.push(unit),
            Ok(SourceItem::Parameters(told)) => {
                assert_eq!((told.codec, told.width, told.height, told.config[0]), (Codec::H264, 320, 240, 1));
                parameters += 1;
            }
            Ok(SourceItem::ClockOffset { .. }) => {}
            Err(error) => return (units, parameters, Some(error)),
        }
    }
    (units, parameters, None)
}

/// Every step from picture to picture is 40 ms, within rounding.
fn even(units: &[AccessUnit], what: &str) {
    assert!(units[0].is_key, "{what}: starts with a key frame");
    for pair in units.windows(2) {
        let step = (pair[1].pts_ns - pair[0].pts_ns) as f64 / 1e6;
        assert!((step - 40.0).abs() < 1.5, "{what}: a step of {step} ms");
    }
}

#[tokio::test]
async fn lists_of_every_kind_are_played_to_their_end_and_at_their_pace() {
    let folder = tempfile::tempdir().expect("folder");
    let _ts = hls(folder.path(), "ts.m3u8", false, &VOD);
    let _mp4 =
        hls(folder.path(), "mp4.m3u8", false, &[&VOD[..], &["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "i.mp4"]].concat());
    let _one = hls(folder.path(), "one.m3u8", false, &[&VOD[..], &["-hls_flags", "single_file"]].concat());
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nnone.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9\nts.m3u8\n";
    std::fs::write(folder.path().join("master.m3u8"), master).expect("written");
    let server = Server::start(folder.path()).await;
    let kinds = ["ts.m3u8", "mp4.m3u8", "one.m3u8", "master.m3u8"];
    let played = kinds.map(|name| {
        let spec = server.spec(name);
        async move {
            let mut source = open_spec(&spec).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let (units, parameters, end) = read(&mut *source, 1_000).await;
            source.close().await;
            assert_eq!((units.len(), parameters), (50, 1), "{name}");
            even(&units, name);
            assert_eq!(end.map(|error| error.reason), Some(StateReason::Closed), "{name}");
            let took = units[49].monotonic - units[0].monotonic;
            assert!(took > Duration::from_millis(1_800), "{name}: {took:?}");
        }
    });
    futures::future::join_all(played).await;
}

#[tokio::test]
async fn a_discontinuity_goes_on_behind_the_last_picture() {
    let folder = tempfile::tempdir().expect("folder");
    let fmp4 = |init| [&VOD[..], &["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", init]].concat();
    let mut made = Vec::new();
    for (name, options) in [("a.m3u8", VOD.to_vec()), ("b.m3u8", VOD.to_vec()), ("c.m3u8", fmp4("c.mp4")), ("d.m3u8", fmp4("d.mp4"))] {
        made.push(hls(folder.path(), name, false, &options));
    }
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("made");
    for (joined, first, second) in [("ts.m3u8", "a.m3u8", "b.m3u8"), ("mp4.m3u8", "c.m3u8", "d.m3u8")] {
        let (first, second) = (text(first).replace("#EXT-X-ENDLIST", "#EXT-X-DISCONTINUITY"), text(second));
        let second: Vec<&str> =
            second.lines().filter(|line| !line.starts_with('#') || line.starts_with("#EXTINF") || line.starts_with("#EXT-X-MAP")).collect();
        std::fs::write(folder.path().join(joined), format!("{first}{}\n#EXT-X-ENDLIST\n", second.join("\n"))).expect("written");
    }
    let server = Server::start(folder.path()).await;
    for joined in ["ts.m3u8", "mp4.m3u8"] {
        let mut source = open_spec(&server.spec(joined)).await.unwrap_or_else(|error| panic!("{joined}: {error}"));
        let (units, parameters, _) = read(&mut *source, 1_000).await;
        assert_eq!((units.len(), parameters), (100, 1), "{joined}: same parameters are told once");
        even(&units, joined);
    }
}

#[tokio::test]
async fn a_live_list_is_followed_until_its_server_is_gone() {
    let folder = tempfile::tempdir().expect("folder");
    let _encoder = hls(folder.path(), "live.m3u8", true, &["-hls_list_size", "6", "-hls_flags", "delete_segments"]);
    let server = Server::start(folder.path()).await;
    let spec = server.spec("live.m3u8");
    let opening = async {
        loop {
            match open_spec(&spec).await {
                Ok(source) => return source,
                // Before the first segment is written there is no list.
                Err(error) => assert!(matches!(error.reason, StateReason::NotFound | StateReason::BadStream), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let mut source = tokio::time::timeout(DEADLINE, opening).await.expect("in time");
    // More than a list holds: it was loaded again, and no segment was left out.
    let (units, ..) = read(&mut *source, 225).await;
    even(&units, "live");
    assert!(units.iter().all(|unit| unit.lost == 0));
    drop(server);
    let (_, _, end) = read(&mut *source, 100_000).await;
    let end = end.expect("it ends").reason;
    assert!(matches!(end, StateReason::Refused | StateReason::Closed), "{end}");
}

#[tokio::test]
async fn what_is_wrong_with_a_playlist_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let _ts = hls(folder.path(), "a.m3u8", false, &VOD);
    let list = |segment: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n");
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    for (name, text) in [
        ("metadata.m3u8", list("http://169.254.169.254/latest/meta-data")),
        ("outside.m3u8", list("https://203.0.113.9/a.ts")),
        ("file.m3u8", list("file:///etc/passwd")),
        ("moved.m3u8", list("redirect.m3u8")),
        ("garbage.m3u8", list("garbage.ts")),
        ("locked.m3u8", list(&format!("http://{}/a.ts", trap.local_addr().expect("bound")))),
        ("sealed.m3u8", format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n{}", list("a0.ts"))),
    ] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    std::fs::write(folder.path().join("garbage.ts"), "not a film at all, only words\n".repeat(5_000)).expect("written");
    let server = Server::start(folder.path()).await;
    let of = |path: &str| {
        let spec = server.spec(path);
        async move { reason(&spec).await }
    };
    for path in ["metadata.m3u8", "outside.m3u8", "file.m3u8", "moved.m3u8", "redirect.m3u8"] {
        assert_eq!(of(path).await, Some(StateReason::AddressNotAllowed), "{path}");
    }
    assert_eq!(of("none.m3u8").await, Some(StateReason::NotFound));
    assert_eq!(of("page").await, Some(StateReason::NotVideo));
    assert_eq!(of("still").await, Some(StateReason::UnsupportedCodec));
    assert_eq!(of("sealed.m3u8").await, Some(StateReason::UnsupportedCodec));
    assert_eq!(of("endless.m3u8").await, Some(StateReason::BadStream));
    let garbage = of("garbage.m3u8").await;
    assert!(matches!(garbage, Some(StateReason::NotVideo | StateReason::BadStream)), "{garbage:?}");

    let mut locked = server.spec("locked/a.m3u8");
    assert_eq!(reason(&locked).await, Some(StateReason::Unauthorized));
    locked.username = Some("ann".into());
    locked.password = Some(Secret::new("wrong"));
    assert_eq!(reason(&locked).await, Some(StateReason::Unauthorized));
    assert_eq!(server.refused.load(Ordering::Relaxed), 3, "a wrong password is tried once");
    locked.password = Some(Secret::new("hush"));
    assert_eq!(reason(&locked).await, None);

    // A password is for its own host only.
    locked.url = format!("http://{}/locked/locked.m3u8", server.address).parse().expect("a URL");
    let heard = async {
        let (mut stream, _) = trap.accept().await.expect("accepts");
        let mut request = vec![0; 4_096];
        let len = stream.read(&mut request).await.expect("reads");
        String::from_utf8_lossy(&request[..len]).to_ascii_lowercase()
    };
    let (request, _) = tokio::join!(heard, reason(&locked));
    assert!(request.starts_with("get /a.ts") && !request.contains("authorization"), "{request}");
}
