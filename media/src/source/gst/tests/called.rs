//! RTMP that is pulled or pushed, and SRT that calls: ffmpeg is at the other end.

use super::*;

/// A picture a second is a key frame; nothing waits for later pictures.
const ENCODED: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0"];
const PICTURES: [&str; 5] = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"];
/// Nobody is hurried: what is waited for comes, or the test fails.
const PATIENT: SourceLimits = SourceLimits { connect_timeout: DEADLINE, ..LIMITS };

fn push(format: &str, to: &str) -> Ffmpeg {
    ffmpeg(&[&PICTURES[..], &ENCODED, &["-f", format, to]].concat())
}

fn free_port(kind: &str) -> u16 {
    let (tcp, udp) = (std::net::TcpListener::bind("127.0.0.1:0"), std::net::UdpSocket::bind("127.0.0.1:0"));
    let address = if kind == "tcp" { tcp.and_then(|socket| socket.local_addr()) } else { udp.and_then(|socket| socket.local_addr()) };
    address.expect("a port").port()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let look = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, look).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// Whether somebody listens, without connecting: ffmpeg takes one connection only.
fn listens(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    table.contains(&format!("0100007F:{port:04X} 00000000:0000 0A"))
}

#[tokio::test]
async fn rtmp_is_pulled() {
    let port = free_port("tcp");
    let url = format!("rtmp://127.0.0.1:{port}/live/one");
    let _server = ffmpeg(&[&PICTURES[..], &ENCODED, &["-f", "flv", "-listen", "1", &url]].concat());
    until("ffmpeg listens", || listens(port)).await;
    let mut config = EngineConfig::new(PathBuf::new());
    config.connect_timeout_ms = u64::try_from(DEADLINE.as_millis()).expect("short");
    let opener = SystemOpener::new(&config, Arc::new(SystemClock::new()));
    let mut source = opener.open(&spec(&url)).await.expect("opened");
    let (parameters, units) = read(source.as_mut(), 60).await;
    assert_eq!((parameters.codec, parameters.width, parameters.height), (Codec::H264, 320, 240));
    assert!((well_formed(&units) - 40.0).abs() < 3.0);
    assert!(units.iter().filter(|unit| unit.is_key).count() >= 2);
}

#[tokio::test]
async fn rtmp_that_is_pushed_is_taken_with_the_right_key_only() {
    let port = free_port("tcp");
    let mut config = EngineConfig::new(PathBuf::new());
    config.listen_ports = Some(port..=port);
    config.connect_timeout_ms = u64::try_from(DEADLINE.as_millis()).expect("short");
    let opener = SystemOpener::new(&config, Arc::new(SystemClock::new()));
    let password = Some(Secret::new("kitchen-7f3a9c"));
    let spec = SourceSpec { password, ..spec(&format!("rtmp://127.0.0.1:{port}/live?mode=listener")) };
    let url = |key: &str| format!("rtmp://127.0.0.1:{port}/live/{key}");
    let calling = async {
        until("it is waited for", || listens(port)).await;
        // Somebody who says nothing keeps nobody out.
        let silent = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
        let mut stranger = push("flv", &url("kitchen-000000"));
        until("the stranger is turned away", || stranger.0.try_wait().expect("waited").is_some()).await;
        assert!(!stranger.0.wait().expect("waited").success());
        (silent, push("flv", &url("kitchen-7f3a9c")))
    };
    let (source, (_silent, sender)) = tokio::join!(opener.open(&spec), calling);
    let mut source = source.expect("the one with the key");
    let (parameters, units) = read(source.as_mut(), 60).await;
    assert_eq!((parameters.codec, parameters.width, parameters.height), (Codec::H264, 320, 240));
    assert!((well_formed(&units) - 40.0).abs() < 3.0);
    drop(sender);
    let end = async { while source.next().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, end).await.expect("an encoder that goes away ends the source");
}

/// Waits for a caller at `port`, with a key.
async fn wait_for_call(port: u16, asked: &str, key: &str) -> Result<Box<dyn Source>, SourceError> {
    let mut config = EngineConfig::new(PathBuf::new());
    config.listen_ports = Some(port..=port);
    let password = Some(Secret::new(key));
    let spec = SourceSpec { password, ..spec(&format!("srt://127.0.0.1:{port}?mode=listener&latency=2000{asked}")) };
    open(&spec, &AddressPolicy::new(&config), PATIENT, Arc::new(SystemClock::new())).await
}

/// A caller without the key is turned away, and one that has it is recorded.
async fn only_with_the_key(asked: &str, key: &str, wrong: &str, right: &str) {
    let port = free_port("udp");
    let url = |said: &str| format!("srt://127.0.0.1:{port}?mode=caller&latency=2000000{said}");
    let calling = async {
        let mut stranger = push("mpegts", &url(wrong));
        until("the stranger is turned away", || stranger.0.try_wait().expect("waited").is_some()).await;
        assert!(!stranger.0.wait().expect("waited").success(), "{wrong}");
        push("mpegts", &url(right))
    };
    let (source, sender) = tokio::join!(wait_for_call(port, asked, key), calling);
    let mut source = source.expect("the one with the key");
    let (parameters, units) = read(source.as_mut(), 50).await;
    assert_eq!((parameters.codec, parameters.width, parameters.height), (Codec::H264, 320, 240));
    assert!((well_formed(&units) - 40.0).abs() < 3.0);
    drop(sender);
    let end = async { while source.next().await.is_ok() {} };
    tokio::time::timeout(DEADLINE, end).await.expect("a caller that goes away ends the source");
}

#[tokio::test]
async fn srt_that_calls_is_taken_with_the_right_passphrase_only() {
    only_with_the_key("", "correct-horse-battery", "&passphrase=wrong-horse-battery", "&passphrase=correct-horse-battery").await;
    only_with_the_key("", "correct-horse-battery", "", "&passphrase=correct-horse-battery").await;
}

#[tokio::test]
async fn srt_that_calls_without_encryption_has_to_know_the_stream_id() {
    let asked = "&key=streamid";
    only_with_the_key(asked, "kitchen-7f3a9c", "&streamid=kitchen-000000", "&streamid=kitchen-7f3a9c").await;
}

#[tokio::test]
async fn a_port_that_another_camera_waits_at_is_told_and_free_again_afterwards() {
    let port = free_port("udp");
    let key = "correct-horse-battery";
    let second = async {
        // The first may not have begun to listen: then the second has the port, and the first is told.
        wait_for_call(port, "", key).await.err().map(|error| error.reason)
    };
    let first = async { wait_for_call(port, "", key).await.err().map(|error| error.reason) };
    // Both wait; one of them has to hear that the port is taken, the other goes on waiting and is broken off here.
    let refused = tokio::select! {
        refused = first => refused,
        refused = second => refused,
    };
    assert_eq!(refused, Some(StateReason::Refused));
    let again = async {
        loop {
            match wait_for_call(port, "", key).await {
                Err(error) if error.reason == StateReason::Refused => tokio::time::sleep(Duration::from_millis(100)).await,
                other => break other,
            }
        }
    };
    let _sender = push("mpegts", &format!("srt://127.0.0.1:{port}?mode=caller&latency=2000000&passphrase={key}&connect_timeout=60000"));
    let mut source = tokio::time::timeout(DEADLINE, again).await.expect("in time").expect("it is called");
    read(source.as_mut(), 5).await;
}

#[tokio::test]
async fn a_camera_that_does_not_call_is_told_and_a_port_outside_those_set_aside_is_refused() {
    let mut config = EngineConfig::new(PathBuf::new());
    let port = free_port("udp");
    config.listen_ports = Some(port..=port);
    let brief = SourceLimits { connect_timeout: Duration::from_millis(300), ..LIMITS };
    let reason = async |port: u16| {
        let spec =
            SourceSpec { password: Some(Secret::new("correct-horse-battery")), ..spec(&format!("srt://0.0.0.0:{port}?mode=listener")) };
        open(&spec, &AddressPolicy::new(&config), brief, Arc::new(SystemClock::new())).await.err().map(|error| error.reason)
    };
    assert_eq!(reason(port).await, Some(StateReason::Timeout));
    assert_eq!(reason(port.wrapping_add(1)).await, Some(StateReason::AddressNotAllowed));
}
