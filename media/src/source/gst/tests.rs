//! Each kind of source against something real: the virtual cameras, ffmpeg, GStreamer's own sinks.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::camera::{Secret, Transport};
use crate::clock::SystemClock;
use crate::settings::EngineConfig;
use crate::source::Opener as _;
use crate::source::open::SystemOpener;
use crate::supervise::Supervisor;
use crate::virtual_camera::{Account, AuthScheme, FootageLibrary, Incident, Picture, Scene, VirtualCameraConfig, VirtualServer};

mod called;
mod doors;
mod secure;

const DEADLINE: Duration = Duration::from_secs(60);
const LIMITS: SourceLimits = SourceLimits { connect_timeout: Duration::from_secs(10), access_unit_bytes_max: 8 << 20 };

fn policy(files: Option<&Path>) -> AddressPolicy {
    let mut config = EngineConfig::new(PathBuf::new());
    config.file_sources = files.map(Path::to_path_buf);
    AddressPolicy::new(&config)
}

async fn open_with(spec: &SourceSpec, files: Option<&Path>) -> Result<Box<dyn Source>, SourceError> {
    open(spec, &policy(files), LIMITS, Arc::new(SystemClock::new())).await
}

fn spec(url: &str) -> SourceSpec {
    SourceSpec { transport: Transport::Udp, ..SourceSpec::new(url.parse().expect("a URL")) }
}

/// Parameters and as many pictures as asked for.
async fn read(source: &mut dyn Source, pictures: usize) -> (StreamParameters, Vec<AccessUnit>) {
    let mut parameters = None;
    let mut units = Vec::new();
    while units.len() < pictures {
        match tokio::time::timeout(DEADLINE, source.next()).await.expect("in time").expect("an item") {
            SourceItem::Parameters(next) => parameters = Some(next),
            SourceItem::AccessUnit(unit) => units.push(unit),
            SourceItem::ClockOffset { .. } => {}
        }
    }
    (parameters.expect("parameters come first"), units)
}

/// Checks what every source promises, and gives the mean step of presentation times in milliseconds.
fn well_formed(units: &[AccessUnit]) -> f64 {
    assert!(units[0].is_key, "starts with a key frame");
    assert!(units.windows(2).all(|pair| pair[0].pts_ns < pair[1].pts_ns), "time goes on");
    for unit in units {
        let mut at = 0;
        while at < unit.data.len() {
            let len = u32::from_be_bytes(unit.data[at..at + 4].try_into().expect("four bytes")) as usize;
            assert!(len > 0);
            at += 4 + len;
        }
        assert_eq!(at, unit.data.len(), "NAL units behind their lengths");
    }
    let span = units[units.len() - 1].pts_ns - units[0].pts_ns;
    span as f64 / 1e6 / (units.len() - 1) as f64
}

async fn cameras(configs: Vec<VirtualCameraConfig>) -> (VirtualServer, Supervisor) {
    let supervisor = Supervisor::new();
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = VirtualServer::start(listen, configs, FootageLibrary::standard(), &supervisor).await.expect("started");
    tokio::time::timeout(DEADLINE, server.ready()).await.expect("in time").expect("footage");
    (server, supervisor)
}

fn camera(path: &str, codec: Codec) -> VirtualCameraConfig {
    let scene = Scene { codec, ..Scene::tiny("TEST") };
    VirtualCameraConfig { path: path.into(), scene, log_frames_max: 1000, ..Default::default() }
}

/// A busy machine may drop datagrams, which nobody sends again: then it is watched once more.
const UDP_TRIES: usize = 5;

#[tokio::test]
async fn rtsp_over_udp_gives_every_picture_of_both_codecs() {
    let (server, _supervisor) = cameras(vec![camera("four", Codec::H264), camera("five", Codec::H265)]).await;
    for (path, codec) in [("four", Codec::H264), ("five", Codec::H265)] {
        let mut whole = false;
        for _ in 0..UDP_TRIES {
            let before = server.camera(path).expect("it is there").sent().len();
            let mut source = open_with(&spec(server.url(path).as_str()), None).await.expect("opened");
            let (parameters, units) = read(source.as_mut(), 40).await;
            assert_eq!((parameters.codec, parameters.width, parameters.height), (codec, 320, 240));
            assert_eq!(parameters.config[0], 1, "avcC and hvcC begin with their version");
            let sent: Vec<bool> =
                server.camera(path).expect("it is there").sent()[before..].iter().take(40).map(|frame| frame.key).collect();
            source.close().await;
            let gone = async {
                while server.camera(path).expect("it is there").totals().viewers > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(DEADLINE, gone).await.expect("the camera is let go");
            whole = units.iter().map(|unit| unit.is_key).eq(sent) && units[1..].iter().all(|unit| unit.lost == 0);
            if whole {
                assert!((well_formed(&units) - 80.0).abs() < 2.0, "{path}");
                break;
            }
        }
        assert!(whole, "{path}: every picture, once in {UDP_TRIES} times");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_camera_is_told() {
    let account = Account { scheme: AuthScheme::Digest, username: "admin".into(), password: "right".into() };
    let configs = vec![VirtualCameraConfig { account: Some(account), ..camera("locked", Codec::H264) }, camera("a", Codec::H264)];
    let (server, _supervisor) = cameras(configs).await;
    let reason = async |spec: &SourceSpec| open_with(spec, None).await.err().map(|error| error.reason);

    let mut locked = spec(server.url("locked").as_str());
    assert_eq!(reason(&locked).await, Some(StateReason::Unauthorized));
    locked.username = Some("admin".into());
    locked.password = Some(Secret::new("right"));
    assert_eq!(reason(&locked).await, None);

    let plain = spec(server.url("a").as_str());
    assert_eq!(reason(&spec(server.url("nowhere").as_str())).await, Some(StateReason::NotFound));
    let camera = server.camera("a").expect("it is there");
    camera.set(Incident::NotVideo).await.expect("set");
    assert_eq!(reason(&plain).await, Some(StateReason::NotVideo));
    camera.set(Incident::UnsupportedCodec).await.expect("set");
    assert_eq!(reason(&plain).await, Some(StateReason::UnsupportedCodec));
    camera.clear();
    server.set_listening(false).await.expect("closed");
    assert_eq!(reason(&plain).await, Some(StateReason::Refused));
    assert_eq!(reason(&spec("rtsp://169.254.169.254/a")).await, Some(StateReason::AddressNotAllowed));
    assert_eq!(reason(&spec("gopher://127.0.0.1/a")).await, Some(StateReason::AddressNotAllowed));
}

#[tokio::test]
async fn a_camera_that_ends_the_stream_ends_the_source() {
    let (server, _supervisor) = cameras(vec![camera("a", Codec::H264)]).await;
    let mut source = open_with(&spec(server.url("a").as_str()), None).await.expect("opened");
    read(source.as_mut(), 5).await;
    server.camera("a").expect("it is there").cut();
    let end = async { while source.next().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, end).await.expect("the end is noticed");
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("rtsp://{}/a", trap.local_addr().expect("bound"));
    let location = format!("rtsp://{}/secret", elsewhere.local_addr().expect("bound"));
    let supervisor = Supervisor::new();
    supervisor.once("redirecting camera", async move {
        while let Ok((mut stream, _)) = trap.accept().await {
            let mut request = vec![0; 2000];
            while let Ok(1..) = stream.read(&mut request).await {
                let text = String::from_utf8_lossy(&request).into_owned();
                let number = text.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap_or("1").trim().to_owned();
                let answer = if text.starts_with("OPTIONS") {
                    format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n")
                } else {
                    format!("RTSP/1.0 302 Moved\r\nCSeq: {number}\r\nLocation: {location}\r\n\r\n")
                };
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    let asked = supervisor.clone();
    let (said, heard) = tokio::sync::oneshot::channel();
    asked.once("elsewhere", async move {
        let (mut stream, _) = elsewhere.accept().await.expect("accepts");
        let mut request = Vec::new();
        let _until_closed = stream.read_to_end(&mut request).await;
        let _nobody_waits = said.send(request);
    });
    let error = open_with(&spec(&url), None).await.err().expect("refused");
    assert_eq!(error.reason, StateReason::AddressNotAllowed, "{error}");
    // Whether or not the element connected there, it has said nothing.
    if let Ok(Ok(request)) = tokio::time::timeout(Duration::from_secs(1), heard).await {
        assert_eq!(request, b"");
    }
}

#[tokio::test]
async fn a_test_pattern_runs_in_real_time() {
    let mut source = open_with(&spec("test:ball?width=320&height=240&fps=20"), None).await.expect("opened");
    let (parameters, units) = read(source.as_mut(), 50).await;
    assert_eq!((parameters.codec, parameters.width, parameters.height), (Codec::H264, 320, 240));
    assert!((well_formed(&units) - 50.0).abs() < 1.0);
    let took = units[49].monotonic - units[0].monotonic;
    assert!(took > Duration::from_millis(2000), "{took:?}");
    assert_eq!(open_with(&spec("test:nonsense"), None).await.err().map(|error| error.reason), Some(StateReason::NotFound));
}

fn ffmpeg(arguments: &[&str]) -> Ffmpeg {
    let child = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments).stdout(Stdio::null()).spawn();
    Ffmpeg(child.expect("ffmpeg runs"))
}

/// An ffmpeg that does not outlive its test.
struct Ffmpeg(Child);

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _has_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn film(folder: &Path, name: &str, codec: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let input = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=1"];
    let text = path.to_string_lossy().into_owned();
    let mut run = ffmpeg(&[&input[..], codec, &["-y", &text]].concat());
    assert!(run.0.wait().expect("waited").success());
    path
}

#[tokio::test]
async fn a_file_is_played_at_its_pace_again_and_again() {
    let folder = tempfile::tempdir().expect("folder");
    let path = film(folder.path(), "a.mp4", &["-c:v", "libx264", "-bf", "0", "-g", "25"]);
    let url = url::Url::from_file_path(&path).expect("absolute");
    let mut source = open_with(&spec(url.as_str()), Some(folder.path())).await.expect("opened");
    let (_, units) = read(source.as_mut(), 60).await;
    assert!((well_formed(&units) - 40.0).abs() < 1.5, "evenly, over the seam too");
    assert_eq!(units.iter().filter(|unit| unit.is_key).count(), 3);
    let took = units[59].monotonic - units[0].monotonic;
    assert!(took > Duration::from_millis(1900), "{took:?}");

    let outside = tempfile::tempdir().expect("folder");
    let reason = async |path: &Path| {
        let url = url::Url::from_file_path(path).expect("absolute");
        open_with(&spec(url.as_str()), Some(folder.path())).await.err().map(|error| error.reason)
    };
    assert_eq!(reason(&film(outside.path(), "b.mp4", &["-c:v", "libx264"])).await, Some(StateReason::AddressNotAllowed));
    let unsupported = film(folder.path(), "c.mp4", &["-c:v", "mpeg4"]);
    assert_eq!(reason(&unsupported).await, Some(StateReason::UnsupportedCodec));
    let text = folder.path().join("d.mp4");
    std::fs::write(&text, "not a film at all, only words\n".repeat(100)).expect("written");
    assert_eq!(reason(&text).await, Some(StateReason::NotVideo));
    let playlist = folder.path().join("e.m3u8");
    std::fs::write(&playlist, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n").expect("written");
    let refused = reason(&playlist).await;
    assert!(matches!(refused, Some(StateReason::NotVideo | StateReason::BadStream)), "playlists are not followed: {refused:?}");
}

#[tokio::test]
async fn an_rtmp_server_that_is_not_there_or_not_one_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("rtmp://{}/live/one", listener.local_addr().expect("bound"));
    let supervisor = Supervisor::new();
    supervisor.once("no RTMP", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _closed_by_then = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let reason = async |url: &str| open_with(&spec(url), None).await.err().map(|error| error.reason);
    let nonsense = reason(&url).await.expect("no stream");
    assert!(matches!(nonsense, StateReason::Closed | StateReason::Timeout | StateReason::BadStream), "{nonsense}");
    supervisor.shutdown(Duration::ZERO).await;
    assert_eq!(reason(&url).await, Some(StateReason::Refused));
}

#[tokio::test]
async fn a_usb_camera_that_is_not_there_is_told_and_no_other_file_is_opened() {
    let reason = async |url: &str| open_with(&spec(url), None).await.err().map(|error| error.reason);
    assert_eq!(reason("v4l2:/dev/video97").await, Some(StateReason::NotFound));
    for other in
        ["v4l2:/etc/passwd", "v4l2:/dev/video", "v4l2:/dev/video0x", "v4l2:/dev/../dev/video0/..", "v4l2:video0", "v4l2:/dev/video1234"]
    {
        assert_eq!(reason(other).await, Some(StateReason::AddressNotAllowed), "{other}");
    }
}

#[tokio::test]
async fn srt_is_played() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("bound").port();
    drop(socket);
    let input = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"];
    // The longer the latency, the later a picture may be before it is left out: three seconds, in ffmpeg's microseconds.
    let url = format!("srt://127.0.0.1:{port}?mode=listener&latency=3000000");
    let _sender = ffmpeg(&[&input[..], &["-c:v", "libx264", "-g", "25", "-bf", "0", "-f", "mpegts", &url]].concat());
    let mut source = open_with(&spec(&format!("srt://127.0.0.1:{port}?latency=3000")), None).await.expect("opened");
    let (parameters, units) = read(source.as_mut(), 30).await;
    assert_eq!((parameters.codec, parameters.width), (Codec::H264, 320));
    assert!((well_formed(&units) - 40.0).abs() < 3.0);
}

#[tokio::test]
async fn an_incident_of_the_picture_does_not_end_the_source() {
    let (server, _supervisor) = cameras(vec![camera("a", Codec::H264)]).await;
    let mut source = open_with(&spec(server.url("a").as_str()), None).await.expect("opened");
    read(source.as_mut(), 5).await;
    let camera = server.camera("a").expect("it is there");
    camera.set(Incident::ChangeResolution).await.expect("footage");
    let changed = async {
        loop {
            if let SourceItem::Parameters(parameters) = source.next().await.expect("it goes on") {
                return parameters;
            }
        }
    };
    let parameters = tokio::time::timeout(DEADLINE, changed).await.expect("in time");
    assert_eq!((parameters.width, parameters.height), (704, 576));
    assert_eq!(camera.sent().last().map(|frame| frame.picture), Some(Picture::OtherSize));
}

#[tokio::test]
async fn a_camera_that_refuses_tcp_is_taken_over_udp_unless_tcp_is_wanted() {
    let configs = vec![VirtualCameraConfig { udp_only: true, ..camera("a", Codec::H264) }];
    let (server, _supervisor) = cameras(configs).await;
    let opener = SystemOpener::new(&EngineConfig::new(PathBuf::new()), Arc::new(SystemClock::new()));
    let wanted = |transport| SourceSpec { transport, ..spec(server.url("a").as_str()) };
    let mut source = opener.open(&wanted(Transport::Auto)).await.expect("over UDP");
    let (parameters, units) = read(source.as_mut(), 10).await;
    assert_eq!(parameters.width, 320);
    well_formed(&units);
    assert_eq!(opener.open(&wanted(Transport::Tcp)).await.err().map(|error| error.reason), Some(StateReason::BadStream));
}
