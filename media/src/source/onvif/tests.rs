//! ONVIF against a responder of our own over real HTTP and real datagrams: honest, old, locked and hostile ones.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use url::Url;

use super::discovery::discover;
use super::xml::Element;
use super::{Device, Role, describe, device_url};
use crate::camera::{Secret, StateReason};
use crate::clock::{Clock as _, SystemClock};
use crate::settings::EngineConfig;
use crate::source::SourceError;
use crate::source::address::AddressPolicy;
use crate::source::digest::Login;
use crate::supervise::Supervisor;

/// How a responder behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Both media services, H.265 main and H.264 sub.
    New,
    /// The first media service only, found by GetCapabilities.
    Old,
    /// Streams at another host.
    Elsewhere,
    /// An answer that defines entities by entities.
    Bomb,
    /// An answer without end.
    Endless,
    /// A redirect.
    Moved,
    /// A page.
    Page,
}

/// Minutes that a responder's clock is ahead.
const AHEAD_MIN: i64 = 7;

struct Responder {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
    _supervisor: Supervisor,
}

impl Responder {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (supervisor, asked) = (Supervisor::new(), Arc::<Mutex<Vec<String>>>::default());
        let (tasks, noted) = (supervisor.clone(), asked.clone());
        supervisor.once("onvif responder", async move {
            while let Ok((stream, _)) = listener.accept().await {
                tasks.once("onvif connection", answer(stream, manner, noted.clone()));
            }
        });
        let url = device_url(&address.to_string()).expect("an address");
        Self { url, asked, _supervisor: supervisor }
    }

    async fn describe(&self, login: Option<(&str, &str)>) -> Result<Device, SourceError> {
        let login = login.map(|(username, password)| Login { username: username.into(), password: Secret::new(password) });
        let policy = Arc::new(AddressPolicy::new(&EngineConfig::new(PathBuf::new())));
        let clock = SystemClock::new();
        let described = describe(&self.url, login, &policy, &clock);
        tokio::time::timeout(Duration::from_secs(90), described).await.expect("in time")
    }
}

const RIGHT: Option<(&str, &str)> = Some(("admin", "right & <good>"));

async fn answer(mut stream: TcpStream, manner: Manner, noted: Arc<Mutex<Vec<String>>>) {
    while let Some(body) = request(&mut stream).await {
        let root = Element::parse(body.as_bytes()).expect("we send XML");
        let operation = root.child("Body").and_then(Element::first).map(|first| first.name.clone()).expect("an operation");
        noted.lock().expect("not poisoned").push(operation.clone());
        let (status, text) = match manner {
            Manner::Moved => ("302 Found\r\nLocation: http://127.0.0.1:9/onvif", String::new()),
            Manner::Page => ("200 OK", "<html><body>Welcome</body></html>".to_owned()),
            Manner::Bomb => ("200 OK", "<!DOCTYPE a [<!ENTITY b \"&c;&c;\"><!ENTITY c \"cc\">]><a>&b;</a>".to_owned()),
            Manner::Endless => {
                let _closed_by_then = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                while stream.write_all(format!("1000\r\n{}\r\n", "<a>x</a>".repeat(512)).as_bytes()).await.is_ok() {}
                return;
            }
            _ if operation != "GetSystemDateAndTime" && !signed_in(&root) => (
                "400 Bad Request",
                fault(
                    "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>",
                    "Sender not authorized",
                ),
            ),
            _ => match reply(&operation, manner, &root) {
                Some(inside) => ("200 OK", envelope(&inside)),
                None => ("500 Internal Server Error", fault("<s:Code><s:Value>s:Receiver</s:Value></s:Code>", "Action not implemented")),
            },
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/soap+xml\r\nContent-Length: {}\r\n\r\n", text.len());
        if stream.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The body of the next request on a connection.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok())?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    String::from_utf8(body).ok()
}

/// Whether the token is right: hash, and a time near the responder's own.
fn signed_in(root: &Element) -> bool {
    let Some(token) = root.at(&["Header", "Security", "UsernameToken"]) else { return false };
    let text = |name: &str| token.text_at(&[name]).unwrap_or_default().to_owned();
    let Ok(nonce) = STANDARD.decode(text("Nonce")) else { return false };
    let wanted = Sha1::new().chain_update(nonce).chain_update(text("Created")).chain_update(RIGHT.expect("set").1).finalize();
    let Ok(created) = text("Created").parse::<jiff::Timestamp>() else { return false };
    let late_ms = created.as_millisecond() - (SystemClock::new().wall_ms() + AHEAD_MIN * 60_000);
    text("Username") == "admin" && text("Password") == STANDARD.encode(wanted) && late_ms.abs() < 60_000
}

fn envelope(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\"><SOAP-ENV:Body>{inside}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

fn fault(code: &str, words: &str) -> String {
    envelope(&format!("<s:Fault>{code}<s:Reason><s:Text>{words}</s:Text></s:Reason></s:Fault>"))
}

fn reply(operation: &str, manner: Manner, root: &Element) -> Option<String> {
    let second = root.at(&["Body"])?.first()?.child("Type").is_some();
    let service = |namespace: &str, path: &str| {
        format!("<a:Service><a:Namespace>{namespace}</a:Namespace><a:XAddr>http://10.255.0.7/{path}</a:XAddr></a:Service>")
    };
    Some(match operation {
        "GetSystemDateAndTime" => {
            let now = jiff::Timestamp::from_millisecond(SystemClock::new().wall_ms() + AHEAD_MIN * 60_000).expect("a time");
            let now = jiff::tz::TimeZone::UTC.to_datetime(now);
            format!(
                "<a:GetSystemDateAndTimeResponse><a:SystemDateAndTime><b:UTCDateTime><b:Time><b:Hour>{}</b:Hour><b:Minute>{}</b:Minute><b:Second>{}</b:Second></b:Time>\
                 <b:Date><b:Year>{}</b:Year><b:Month>{}</b:Month><b:Day>{}</b:Day></b:Date></b:UTCDateTime></a:SystemDateAndTime></a:GetSystemDateAndTimeResponse>",
                now.hour(), now.minute(), now.second(), now.year(), now.month(), now.day(),
            )
        }
        "GetDeviceInformation" => "<a:GetDeviceInformationResponse><a:Manufacturer>ACME &amp; Sons</a:Manufacturer><a:Model>Dome 4</a:Model>\
                                   <a:FirmwareVersion>V5.1</a:FirmwareVersion></a:GetDeviceInformationResponse>".to_owned(),
        "GetServices" if manner == Manner::Old => return None,
        "GetServices" => format!("<a:GetServicesResponse>{}{}</a:GetServicesResponse>", service(super::MEDIA, "onvif/Media"), service(super::MEDIA2, "onvif/Media2")),
        "GetCapabilities" => "<a:GetCapabilitiesResponse><a:Capabilities><b:Media><b:XAddr>http://10.255.0.7/onvif/Media</b:XAddr></b:Media></a:Capabilities></a:GetCapabilitiesResponse>".to_owned(),
        "GetProfiles" if second => {
            let profile = |token: &str, name: &str, codec: &str, width: u32, height: u32| format!(
                "<tr2:Profiles token=\"{token}\"><tr2:Name>{name}</tr2:Name><tr2:Configurations><tr2:VideoEncoder token=\"e\"><tt:Encoding>{codec}</tt:Encoding>\
                 <tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25.0</tt:FrameRateLimit>\
                 <tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>");
            format!(
                "<tr2:GetProfilesResponse>{}{}{}</tr2:GetProfilesResponse>",
                profile("p_sub", "子码流", "H264", 640, 360), profile("p_main", "Main &lt;1&gt;", "H265", 2560, 1440), profile("p_jpeg", "Stills", "JPEG", 320, 180),
            )
        }
        "GetProfiles" => "<trt:GetProfilesResponse><trt:Profiles token=\"old\" fixed=\"true\"><tt:Name>Only</tt:Name><tt:VideoEncoderConfiguration token=\"v\"><tt:Encoding>H264</tt:Encoding>\
                          <tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles>\
                          <trt:Profiles token=\"sound\"><tt:Name>Sound</tt:Name></trt:Profiles></trt:GetProfilesResponse>".to_owned(),
        "GetStreamUri" => {
            let host = if manner == Manner::Elsewhere { "10.9.9.9" } else { "admin:secret@127.0.0.1" };
            let token = root.at(&["Body", "GetStreamUri"])?.text_at(&["ProfileToken"])?;
            if manner == Manner::Old {
                format!("<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://{host}:554/{token}?a=1&amp;b=2</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>")
            } else {
                format!("<tr2:GetStreamUriResponse><tr2:Uri>rtsp://{host}:554/{token}?a=1&amp;b=2</tr2:Uri></tr2:GetStreamUriResponse>")
            }
        }
        "GetSnapshotUri" if manner == Manner::Old => return None,
        "GetSnapshotUri" => "<tr2:GetSnapshotUriResponse><tr2:Uri>http://127.0.0.1/snap.jpg</tr2:Uri></tr2:GetSnapshotUriResponse>".to_owned(),
        _ => return None,
    })
}

#[tokio::test]
async fn a_camera_tells_its_streams_its_clock_and_what_it_is() {
    let responder = Responder::start(Manner::New).await;
    let device = responder.describe(RIGHT).await.expect("described");
    let texts = [device.manufacturer.as_deref(), device.model.as_deref(), device.firmware.as_deref()];
    assert_eq!(texts, [Some("ACME & Sons"), Some("Dome 4"), Some("V5.1")]);
    let offset_ms = device.clock_offset_ms.expect("a clock") - AHEAD_MIN * 60_000;
    assert!((-20_000..20_000).contains(&offset_ms), "{offset_ms}");
    let told: Vec<_> = device.profiles.iter().map(|profile| (profile.token.as_str(), profile.codec.as_deref(), profile.role)).collect();
    assert_eq!(
        told,
        [("p_main", Some("h265"), Some(Role::Main)), ("p_sub", Some("h264"), Some(Role::Sub)), ("p_jpeg", Some("jpeg"), None)]
    );
    let main = &device.profiles[0];
    assert_eq!(
        (main.name.as_str(), main.width, main.height, main.fps, main.bit_rate),
        ("Main <1>", Some(2560), Some(1440), Some(25.0), Some(2_048_000))
    );
    assert_eq!(main.stream_url.as_ref().map(Url::as_str), Some("rtsp://127.0.0.1:554/p_main?a=1&b=2"), "without credentials");
    assert_eq!(main.snapshot_url.as_ref().map(Url::as_str), Some("http://127.0.0.1/snap.jpg"));
}

#[tokio::test]
async fn an_old_camera_is_asked_in_the_old_way() {
    let device = Responder::start(Manner::Old).await.describe(RIGHT).await.expect("described");
    let [only] = &device.profiles[..] else { panic!("one with video: {device:?}") };
    assert_eq!((only.token.as_str(), only.width, only.role), ("old", Some(1920), Some(Role::Main)));
    assert!(only.stream_url.is_some() && only.snapshot_url.is_none());
}

#[tokio::test]
async fn a_wrong_password_is_told_and_tried_once() {
    let responder = Responder::start(Manner::New).await;
    for login in [None, Some(("admin", "wrong"))] {
        assert_eq!(responder.describe(login).await.expect_err("refused").reason, StateReason::Unauthorized);
    }
    let asked = responder.asked.lock().expect("not poisoned").clone();
    assert_eq!(asked, ["GetSystemDateAndTime", "GetDeviceInformation"].repeat(2), "nothing more after the first refusal");
}

#[tokio::test]
async fn hostile_devices_are_refused() {
    let device = Responder::start(Manner::Elsewhere).await.describe(RIGHT).await.expect("described");
    assert!(device.profiles.iter().all(|profile| profile.stream_url.is_none() && profile.role.is_none()), "{device:?}");
    assert!(device.profiles[0].problem.as_deref().is_some_and(|words| words.contains("another host")), "{device:?}");
    for (manner, reason) in [
        (Manner::Bomb, StateReason::BadStream),
        (Manner::Endless, StateReason::BadStream),
        (Manner::Moved, StateReason::AddressNotAllowed),
        (Manner::Page, StateReason::BadStream),
    ] {
        let error = Responder::start(manner).await.describe(RIGHT).await.expect_err("refused");
        assert_eq!(error.reason, reason, "{manner:?}: {error}");
    }
    let policy = Arc::new(AddressPolicy::new(&EngineConfig::new(PathBuf::new())));
    let outside = describe(&device_url("169.254.169.254").expect("an address"), None, &policy, &SystemClock::new()).await;
    assert_eq!(outside.expect_err("refused").reason, StateReason::AddressNotAllowed);
}

#[test]
fn people_may_write_a_device_as_they_like() {
    let url = |text: &str| device_url(text).map(|url| url.to_string()).ok();
    assert_eq!(url(" 192.168.1.64 ").as_deref(), Some("http://192.168.1.64/onvif/device_service"));
    assert_eq!(url("192.168.1.64:8000").as_deref(), Some("http://192.168.1.64:8000/onvif/device_service"));
    assert_eq!(url("http://a:b@camera.test/onvif/x").as_deref(), Some("http://camera.test/onvif/x"));
    for bad in ["", "rtsp://192.168.1.64/", "http://", "::", "a b"] {
        assert_eq!(url(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn a_device_is_found_and_believed_only_about_itself() {
    let camera = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = camera.local_addr().expect("bound");
    let supervisor = Supervisor::new();
    supervisor.once("discoverable camera", async move {
        let mut packet = vec![0; 65_536];
        while let Ok((len, from)) = camera.recv_from(&mut packet).await {
            let asked = Element::parse(&packet[..len]).expect("we send XML");
            assert_eq!(asked.text_at(&["Body", "Probe", "Types"]), Some("n:NetworkVideoTransmitter"));
            let matched = |addresses: &str| envelope(&format!(
                "<d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/type/video onvif://www.onvif.org/name/Bright%20Dome onvif://www.onvif.org/hardware/D4</d:Scopes>\
                 <d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch></d:ProbeMatches>"
            ));
            for text in ["garbage".to_owned(), matched("http://10.9.9.9/onvif/device_service"), matched("http://10.9.9.9/x http://127.0.0.1:8899/onvif/device_service")] {
                camera.send_to(text.as_bytes(), from).await.expect("sent");
            }
        }
    });
    let policy = AddressPolicy::new(&EngineConfig::new(PathBuf::new()));
    let found = discover(Some(address), Duration::from_secs(10), &policy).await.expect("asked");
    let [one] = &found[..] else { panic!("one: {found:?}") };
    assert_eq!(one.url.as_str(), "http://127.0.0.1:8899/onvif/device_service");
    assert_eq!((one.name.as_deref(), one.hardware.as_deref()), (Some("Bright Dome"), Some("D4")));
    let outside = discover(Some("169.254.1.1:3702".parse().expect("an address")), Duration::from_secs(1), &policy).await;
    assert_eq!(outside.expect_err("refused").reason, StateReason::AddressNotAllowed);
}
