//! RTSP in its other clothes: inside TLS, through an HTTP tunnel, both, over UDP, to a group of the network, and with JPEG pictures.
//! The cameras are the virtual ones, with the doors before them that the media tests have; those of JPEG are ffmpeg's.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::Program;
use media::Supervisor;
use media::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{ENCODED, Encoder, SLOW, Sent, in_state, plays, until};

#[path = "../../../media/src/source/gst/tests/doors.rs"]
mod doors;

use doors::{encrypted, tunnelled};

/// What a tiny virtual camera sends.
const TINY: Sent = Sent { size: (320, 240), fps: 12.5, least: 0.9 };

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_tunnelled_over_udp_and_to_a_group_it_is_recorded_and_plays() {
    let supervisor = Supervisor::new();
    let tiny = |path: &str| VirtualCameraConfig { path: path.into(), scene: Scene::tiny("WAYS"), ..VirtualCameraConfig::default() };
    let group = VirtualCameraConfig { multicast_only: true, ..tiny("group") };
    let configs = ["tls", "tunnel", "both", "udp"].map(tiny).into_iter().chain([group]).collect();
    let listen: SocketAddr = ([127, 0, 0, 1], 0).into();
    let server = VirtualServer::start(listen, configs, FootageLibrary::standard(), &supervisor).await.unwrap();
    server.ready().await.unwrap();
    let (tls, certificate) = encrypted(server.address(), &supervisor).await;
    let tunnel = tunnelled(server.address(), &supervisor).await;
    let (both, certificate_of_both) = encrypted(tunnelled(server.address(), &supervisor).await, &supervisor).await;

    let mut program = Program::start(None, &[("BACKOFF_MAX_MS", "2000")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let since = root.server_time().await;
    let ways = [
        ("tls", format!("rtsps://{tls}/tls#certificate={certificate}"), "auto"),
        ("tunnel", format!("rtsph://{tunnel}/tunnel"), "auto"),
        ("both", format!("rtspsh://{both}/both#certificate={certificate_of_both}"), "auto"),
        ("udp", server.url("udp").to_string(), "udp"),
        ("group", server.url("group").to_string(), "multicast"),
    ];
    let mut cameras = Vec::new();
    for (name, url, transport) in ways {
        let body = json!({"name": name, "premises_id": premises, "source_url": url, "transport": transport});
        cameras.push((name, root.made("/cameras", &body).await));
    }
    // Nobody vouches for the certificate, and nobody chose it: it is told, and never recorded.
    let body = json!({"name": "strange", "premises_id": premises, "source_url": format!("rtsps://{tls}/tls")});
    let strange = root.made("/cameras", &body).await;
    for (name, camera) in &cameras {
        eprintln!("{name}");
        in_state(&root, camera, "recording").await;
        plays(&root, camera, &since, TINY).await;
    }
    until("a certificate that nobody chose is told", SLOW, || async {
        let (_, shown) = root.get(&format!("/cameras/{strange}")).await;
        (shown["state"] == "offline" && shown["state_reason"] == "untrusted_certificate").then_some(())
    })
    .await;
    assert!(program.stop());
    supervisor.shutdown(Duration::from_secs(5)).await;
}

/// A camera that offers single JPEG pictures (RFC 2435) over datagrams, as old ones do: we answer, ffmpeg sends.
async fn jpeg_camera() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, address));
        }
    });
    address
}

async fn answer(stream: TcpStream, address: SocketAddr) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut request, mut ports, mut sending) = (Vec::new(), None, None);
    while let Ok(Some(line)) = lines.next_line().await {
        if !line.is_empty() {
            request.push(line);
            continue;
        }
        let field = |name: &str| request.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        let method = request[0].split(' ').next().unwrap_or_default();
        let (status, more) = match method {
            "OPTIONS" => ("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n\r\n".to_owned()),
            "DESCRIBE" => {
                let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=jpeg\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
                    m=video 0 RTP/AVP 26\r\na=control:track1\r\n";
                let head = format!(
                    "Content-Base: rtsp://{address}/jpeg/\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                ("200 OK", head + body)
            }
            "SETUP" => {
                let wished = field("Transport:");
                ports = wished.split(';').find_map(|part| part.strip_prefix("client_port=")).map(str::to_owned);
                match &ports {
                    Some(ports) => ("200 OK", format!("Session: 1\r\nTransport: RTP/AVP;unicast;client_port={ports}\r\n\r\n")),
                    None => ("461 Unsupported Transport", "\r\n".to_owned()),
                }
            }
            "PLAY" => {
                let port = ports.as_deref().and_then(|ports| ports.split('-').next()).unwrap().to_owned();
                let codec = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "6"];
                sending = Some(Encoder::coding(&codec, &["-f", "rtp", &format!("rtp://127.0.0.1:{port}")]));
                ("200 OK", "Session: 1\r\n\r\n".to_owned())
            }
            _ => ("200 OK", "Session: 1\r\n\r\n".to_owned()),
        };
        let text = format!("RTSP/1.0 {status}\r\nCSeq: {}\r\n{more}", field("CSeq:"));
        if write.write_all(text.as_bytes()).await.is_err() {
            break;
        }
        request.clear();
    }
    // Whoever looked is gone: its end is waited for elsewhere, not in a task.
    tokio::task::spawn_blocking(move || drop(sending)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn single_jpeg_pictures_are_encoded_here_and_play() {
    let address = jpeg_camera().await;
    let mut program = Program::start(None, &[("BACKOFF_MAX_MS", "2000")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let since = root.server_time().await;
    let camera =
        root.made("/cameras", &json!({"name": "JPEG", "premises_id": premises, "source_url": format!("rtsp://{address}/jpeg")})).await;
    in_state(&root, &camera, "recording").await;
    plays(&root, &camera, &since, ENCODED).await;
    assert!(program.stop());
}
