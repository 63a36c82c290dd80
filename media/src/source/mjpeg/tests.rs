//! MJPEG against a small real server that passes on what ffmpeg makes.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::camera::{Codec, SourceSpec, StateReason};
use crate::clock::SystemClock;
use crate::settings::EngineConfig;
use crate::source::address::AddressPolicy;
use crate::source::{Source, SourceError, SourceItem, SourceLimits};
use crate::supervise::Supervisor;

const LIMITS: SourceLimits = SourceLimits { connect_timeout: Duration::from_secs(60), access_unit_bytes_max: 64 << 10 };

struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    _supervisor: Supervisor,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (supervisor, stop) = (Supervisor::new(), CancellationToken::new());
        let (address, stopped, tasks) = (listener.local_addr().expect("bound"), stop.clone(), supervisor.clone());
        supervisor.once("picture server", async move {
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("accepts").0,
                    () = stopped.cancelled() => return,
                };
                let stopped = stopped.clone();
                tasks.once("picture connection", async move {
                    tokio::select! {
                        () = serve(stream) => {}
                        () = stopped.cancelled() => {}
                    }
                });
            }
        });
        Self { address, stop, _supervisor: supervisor }
    }

    async fn open(&self, path: &str) -> Result<Box<dyn Source>, SourceError> {
        let policy = Arc::new(AddressPolicy::new(&EngineConfig::new(PathBuf::new())));
        let spec = SourceSpec::new(format!("http://{}/{path}", self.address).parse().expect("a URL"));
        crate::source::http::open(&spec, &policy, LIMITS, Arc::new(SystemClock::new())).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// `/320x240/20`: twenty pictures of that size and the end; `/nothing`: bytes without an end and without a picture.
async fn serve(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).expect("a path").trim_start_matches('/').to_owned();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=ffmpeg\r\n\r\n";
    stream.write_all(answer).await.expect("written");
    let Some((size, count)) = path.split_once('/') else {
        while stream.write_all(&[b'-'; 4_096]).await.is_ok() {}
        return;
    };
    let mut run = tokio::process::Command::new("ffmpeg");
    run.args(["-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i"]).arg(format!("testsrc=size={size}:rate=25"));
    run.args(["-frames:v", count, "-c:v", "mjpeg", "-f", "mpjpeg", "-"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = run.spawn().expect("ffmpeg runs");
    let mut pictures = child.stdout.take().expect("piped");
    // The other side may have gone.
    let _copied = tokio::io::copy(&mut pictures, &mut stream).await;
}

#[tokio::test]
async fn jpeg_pictures_are_encoded_as_many_cameras_at_once_as_there_are_cores() {
    let server = Server::start().await;
    let mut source = server.open("1600x1200/40").await.expect("pictures");
    let (mut times_ns, mut keys) = (Vec::new(), Vec::new());
    let error = loop {
        match source.next().await {
            Ok(SourceItem::Parameters(told)) => {
                assert_eq!((told.codec, told.width, told.height), (Codec::H264, 960, 720), "no larger than is good for anybody");
            }
            Ok(SourceItem::AccessUnit(unit)) => {
                times_ns.push(unit.pts_ns);
                keys.push(unit.is_key);
            }
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.reason, StateReason::Closed, "{error}");
    assert!(keys[0] && times_ns.len() >= 10, "{} of 40 pictures at 25 a second, twelve a second of them", times_ns.len());
    assert!(times_ns.windows(2).all(|pair| pair[0] < pair[1]), "{times_ns:?}");
    let step_ns = (times_ns[times_ns.len() - 1] - times_ns[0]) / i64::try_from(times_ns.len() - 1).expect("few");
    assert!(step_ns >= 70_000_000, "at most twelve a second: {step_ns} ns apart");
    source.close().await;

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut open = Vec::new();
    for _ in 0..cores {
        open.push(server.open("320x240/1000").await.expect("pictures"));
    }
    let refused = server.open("320x240/1000").await.map(|_| ()).expect_err("one more than there are cores");
    assert!(refused.reason == StateReason::UnsupportedCodec && refused.detail.contains("encoded already"), "{refused}");
    for source in open {
        source.close().await;
    }
    // What ended makes room; stopping takes GStreamer a moment.
    let again = async {
        while server.open("320x240/1000").await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("room again");
}

#[tokio::test]
async fn bytes_without_a_picture_are_counted() {
    let server = Server::start().await;
    let error = server.open("nothing").await.map(|_| ()).expect_err("no pictures");
    assert_eq!(error.reason, StateReason::BadStream, "{error}");
}
