//! What a device on the network says outside of RTSP, and the small files beside the recordings: each as a function of bytes.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Target;
use super::seeds::{Seeds, runtime};
use crate::camera::{Codec, Secret, SourceSpec};
use crate::clock::SystemClock;
use crate::record::filler::without_filler;
use crate::record::space::SystemDisk;
use crate::segment::Disks;
use crate::segment::disks::MARK;
use crate::segment::holds::Holds;
use crate::settings::EngineConfig;
use crate::source::address::AddressPolicy;
use crate::source::digest::{Challenge, Login};
use crate::source::{Opener as _, hls, onvif, open::SystemOpener, rtmp};

/// A device that says nonsense is done with at once; one that says too little is given up.
const PATIENCE: Duration = Duration::from_millis(400);
/// Bytes of a request's head that a device reads before it answers.
const HEAD_MAX: usize = 16 << 10;

pub(super) fn all(seeds: &Seeds) -> Vec<Target> {
    let file = seeds.files[0].clone();
    vec![
        Target::new("hls playlist", playlists(), hls::foreign::playlist),
        Target::new("hls segment", vec![transport_stream(&file), file], hls_segment()).inputs(60),
        Target::new("onvif answer", answers(), onvif::foreign::answer),
        Target::new("onvif discovery", vec![onvif::foreign::probe_match()], discovered),
        Target::new("onvif session", answers().iter().map(|answer| http("application/soap+xml", answer)).collect(), onvif_session())
            .inputs(150),
        Target::new("digest challenge", challenges(), digest_challenge),
        Target::new("http session", http_sessions(), http_session()).inputs(80),
        Target::new("rtmp pull", vec![rtmp::foreign::served()], |bytes| {
            let tags = rtmp::foreign::pull(bytes);
            assert!(tags <= bytes.len(), "more tags than bytes: {tags}");
        }),
        Target::new("filler", seeds.key_frames.iter().map(|unit| filled(unit)).collect(), filler),
        Target::new("holds", vec![held_file()], holds_file).inputs(400),
        Target::new("disk mark", vec![MARK_TEXT.to_vec()], disk_mark).inputs(400),
        Target::new("disk list", vec![disk_list()], disk_listed).inputs(400),
    ]
}

const MARK_TEXT: &[u8] = b"018f0000-0000-7000-8000-00000000d15c\n";

fn playlists() -> Vec<Vec<u8>> {
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1280000,CODECS=\"avc1.4d401f\"\nlow/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2560000\nmid.m3u8\n";
    let media = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"720@0\"\n\
        #EXTINF:4.0,\n#EXT-X-BYTERANGE:1000@720\na.mp4\n#EXTINF:3.96,\n#EXT-X-BYTERANGE:900\na.mp4\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb.mp4\n#EXT-X-ENDLIST\n";
    [master, media].map(|text| text.as_bytes().to_vec()).into()
}

/// The recorded file as another container has it.
fn transport_stream(file: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("a.mp4"), folder.path().join("a.ts"));
    std::fs::write(&from, file).expect("written");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(&from).args(["-c", "copy", "-f", "mpegts"]).arg(&to).stdin(Stdio::null());
    assert!(command.status().expect("ffmpeg").success());
    std::fs::read(to).expect("read")
}

fn hls_segment() -> impl Fn(&[u8]) {
    let runtime = runtime();
    move |bytes: &[u8]| {
        runtime.block_on(async {
            let _hung = tokio::time::timeout(PATIENCE, hls::foreign::segment(bytes)).await;
        });
    }
}

fn envelope(inside: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\"><SOAP-ENV:Body>{inside}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
    .into_bytes()
}

fn answers() -> Vec<Vec<u8>> {
    [
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>6</tt:Hour><tt:Minute>5</tt:Minute>\
         <tt:Second>4</tt:Second></tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>11</tt:Month><tt:Day>23</tt:Day></tt:Date></tt:UTCDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>",
        "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>\
         <tds:XAddr>http://127.0.0.1/onvif/media</tds:XAddr></tds:Service></tds:GetServicesResponse>",
        "<trt:GetProfilesResponse><trt:Profiles token=\"main\"><tt:Name>Main &amp; first</tt:Name><tt:VideoEncoderConfiguration>\
         <tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution><tt:RateControl>\
         <tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration>\
         </trt:Profiles></trt:GetProfilesResponse>",
        "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://127.0.0.1:554/a?b=c</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>",
        "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>s:Sender</SOAP-ENV:Value></SOAP-ENV:Code><SOAP-ENV:Reason>\
         <SOAP-ENV:Text>Not authorized</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>",
    ]
    .map(envelope)
    .into()
}

fn discovered(bytes: &[u8]) {
    onvif::foreign::discovered(bytes, IpAddr::V4(Ipv4Addr::LOCALHOST));
}

fn http(kind: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A device at an HTTP port: whatever it is asked, it says `bytes` and hangs up.
async fn device(listener: &tokio::net::TcpListener, bytes: &[u8]) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_MAX && stream.read_exact(&mut byte).await.is_ok() {
            head.push(byte[0]);
        }
        let _asker_left = stream.write_all(bytes).await;
        let _asker_left = stream.shutdown().await;
    }
}

fn onvif_session() -> impl Fn(&[u8]) {
    let runtime = runtime();
    let policy = Arc::new(AddressPolicy::new(&EngineConfig::new(PathBuf::new())));
    move |bytes: &[u8]| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = onvif::device_url(&listener.local_addr().expect("bound").to_string()).expect("an address");
            let (login, clock) = (Some(login()), SystemClock::new());
            let asked = async {
                tokio::select! { _refused = onvif::describe(&url, login, &policy, &clock) => {} () = device(&listener, bytes) => {} }
            };
            let _hung = tokio::time::timeout(PATIENCE, asked).await;
        });
    }
}

fn login() -> Login {
    Login { username: "admin".into(), password: Secret::new("right") }
}

fn challenges() -> Vec<Vec<u8>> {
    [
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv\", opaque=\"FQhe\"",
        "Digest realm=\"a \\\"b\\\", c\", nonce=n",
        "Basic realm=\"x\"\nDigest realm=\"a\",nonce=\"n\",stale=true",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn digest_challenge(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(challenge) = Challenge::best(text.lines()) {
        let answer = challenge.answer(&login(), "GET", "/a", 1);
        assert!(answer.starts_with("Basic ") || answer.starts_with("Digest username=\"admin\", "), "{answer}");
        assert!(!answer.contains('\n'), "a header has one line: {answer:?}");
    }
}

fn picture() -> Vec<u8> {
    let mut jpeg = Vec::new();
    let grey = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([u8::try_from(x * 7 + y).unwrap_or(0); 3]));
    grey.write_with_encoder(image::codecs::jpeg::JpegEncoder::new(&mut jpeg)).expect("encoded");
    jpeg
}

fn http_sessions() -> Vec<Vec<u8>> {
    let jpeg = picture();
    let part = |jpeg: &[u8]| {
        let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
        [head.as_bytes(), jpeg, b"\r\n"].concat()
    };
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n".to_vec();
    let pictures = [head, part(&jpeg), part(&jpeg), part(&jpeg)].concat();
    let asks = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"
        .to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n#EXTM3U\r\n0\r\n\r\n".to_vec();
    let lists = playlists().iter().map(|list| http("application/vnd.apple.mpegurl", list)).collect();
    [vec![pictures, asks, chunked], lists].concat()
}

/// What an HTTP address turns out to be: pictures, a playlist, a refusal, or none of it.
fn http_session() -> impl Fn(&[u8]) {
    let runtime = runtime();
    let config = EngineConfig { connect_timeout_ms: 300, ..EngineConfig::new(PathBuf::new()) };
    let opener = SystemOpener::new(&config, Arc::new(SystemClock::new()));
    move |bytes: &[u8]| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}/a", listener.local_addr().expect("bound")).parse().expect("a URL");
            let spec = SourceSpec { username: Some("admin".into()), password: Some(Secret::new("right")), ..SourceSpec::new(url) };
            let watched = async {
                let Ok(mut source) = opener.open(&spec).await else { return };
                while source.next().await.is_ok() {}
                source.close().await;
            };
            let session = async {
                tokio::select! { () = watched => {} () = device(&listener, bytes) => {} }
            };
            let _hung = tokio::time::timeout(PATIENCE, session).await;
        });
    }
}

/// An access unit with filler before and behind it.
fn filled(unit: &[u8]) -> Vec<u8> {
    let filler = [0, 0, 0, 4, 12, 0xff, 0xff, 0x80];
    [&filler[..], unit, &filler[..]].concat()
}

fn filler(bytes: &[u8]) {
    for codec in [Codec::H264, Codec::H265] {
        let once = without_filler(codec, Bytes::copy_from_slice(bytes));
        assert!(once.len() <= bytes.len());
        assert_eq!(without_filler(codec, once.clone()), once, "none is left");
    }
}

fn held_file() -> Vec<u8> {
    br#"[{"id":"018f0000-0000-7000-8000-000000000001","camera":"018f0000-0000-7000-8000-000000000002","start_ms":1767225600000,"end_ms":1767225630000}]"#.to_vec()
}

fn holds_file(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("holds.json"), bytes).expect("written");
    let disks = Arc::new(Disks::one(folder.path(), Arc::new(SystemDisk)));
    // What cannot be understood stops the start; what can is held as it says.
    let Ok(mut holds) = Holds::load(disks) else { return };
    for held in holds.all() {
        let _any = holds.cover(held.camera, held.start_ms, held.end_ms);
        assert!(holds.release(held.id).expect("written down"), "each can be let go");
    }
    assert_eq!(holds.all(), []);
}

fn disk_mark(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(MARK), bytes).expect("written");
    let _refused = Disks::open(&[folder.path().to_owned()], None, Arc::new(SystemDisk));
    if let Ok(disks) = Disks::look_only(&[folder.path().to_owned()], None) {
        assert_eq!(disks.len(), 1);
    }
}

fn disk_list() -> Vec<u8> {
    br#"{"/srv/recordings":"018f0000-0000-7000-8000-00000000d15c","/mnt/second":"018f0000-0000-7000-8000-00000000d15d"}"#.to_vec()
}

fn disk_listed(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let (known, recordings) = (folder.path().join("known.json"), folder.path().join("recordings"));
    std::fs::create_dir(&recordings).expect("made");
    std::fs::write(&known, bytes).expect("written");
    if let Ok(disks) = Disks::open(std::slice::from_ref(&recordings), Some(&known), Arc::new(SystemDisk)) {
        let again = Disks::open(&[recordings], Some(&known), Arc::new(SystemDisk)).expect("what was written is read again");
        assert_eq!(again.id(0), disks.id(0));
    }
}
