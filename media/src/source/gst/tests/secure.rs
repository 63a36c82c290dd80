//! RTSP inside TLS, through an HTTP tunnel, and to a group of the network. The cameras are the virtual ones; what stands
//! before them speaks TLS, or takes the tunnel apart as Apple described it.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

/// A port that speaks TLS for `camera`, and the SHA-256 of its certificate, which it made itself.
async fn encrypted(camera: SocketAddr, supervisor: &Supervisor) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["camera.local".to_owned()]).expect("made");
    let fingerprint = hex::encode(Sha256::digest(made.cert.der()));
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a key that fits")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let connections = supervisor.clone();
    supervisor.once("TLS", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections.once("TLS connection", async move {
                // Whoever does not trust the certificate, or only looks whether there is a port, goes away here.
                let Ok(mut inside) = acceptor.accept(stream).await else { return };
                let mut outside = TcpStream::connect(camera).await.expect("the camera answers");
                let _either_end = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    (address, fingerprint)
}

/// A port that takes RTSP through HTTP for `camera`: a GET whose answer carries what the camera says, a POST with what it is told.
async fn tunnelled(camera: SocketAddr, supervisor: &Supervisor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let connections = supervisor.clone();
    supervisor.once("tunnel", async move {
        let mut waiting: Option<(String, TcpStream)> = None;
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let Some((method, cookie)) = http_head(&mut stream).await else { continue };
            if method == "GET" {
                let mut stream = stream.into_inner();
                // The way back over another address that the answer offers is not to be taken: nobody listens there.
                let answer = "HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\nx-server-ip-address: 127.0.0.9\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.expect("written");
                waiting = Some((cookie, stream));
            } else if let Some((_, back)) = waiting.take_if(|(known, _)| *known == cookie) {
                connections.once("tunnel connection", carry(stream, back, camera));
            }
        }
    });
    address
}

/// Method and session cookie of a request; `None` for a connection that asks nothing.
async fn http_head(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut method, mut cookie) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some((method, cookie));
        }
        if method.is_empty() {
            method = line.split(' ').next().unwrap_or_default().to_owned();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("x-sessioncookie")
        {
            cookie = value.trim().to_owned();
        }
    }
}

async fn carry(mut told: BufReader<TcpStream>, mut back: TcpStream, camera: SocketAddr) {
    let camera = TcpStream::connect(camera).await.expect("the camera answers");
    let (mut says, mut hears) = camera.into_split();
    let there = async {
        // Messages are padded one by one, so every four letters stand for themselves.
        let mut four = [0; 4];
        while told.read_exact(&mut four).await.is_ok() {
            let bytes = BASE64_STANDARD.decode(four).expect("base64");
            if hears.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        _ = tokio::io::copy(&mut says, &mut back) => {}
    }
}

async fn plays(spec: &SourceSpec) {
    let mut source = open_with(spec, None).await.unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    let (parameters, units) = read(source.as_mut(), 20).await;
    assert_eq!((parameters.codec, parameters.width), (Codec::H264, 320));
    well_formed(&units);
    source.close().await;
}

#[tokio::test]
async fn an_encrypted_stream_is_taken_from_a_certificate_that_somebody_chose_only() {
    let (server, supervisor) = cameras(vec![camera("a", Codec::H264)]).await;
    let (address, fingerprint) = encrypted(server.address(), &supervisor).await;
    let at = |choice: &str| spec(&format!("rtsps://{address}/a{choice}"));
    for choice in [String::new(), format!("#certificate={}", "ab".repeat(32))] {
        let error = open_with(&at(&choice), None).await.err().expect("nobody vouches for it");
        assert_eq!(error.reason, StateReason::UntrustedCertificate, "{choice}: {error}");
        assert!(error.detail.ends_with(&fingerprint), "it can be chosen then: {}", error.detail);
    }
    plays(&at(&format!("#certificate={fingerprint}"))).await;
    plays(&at("#certificate=any")).await;
}

#[tokio::test]
async fn a_stream_comes_through_a_tunnel_of_http_with_a_password_and_encrypted_too() {
    let account = Account { scheme: AuthScheme::Digest, username: "admin".into(), password: "right".into() };
    let (server, supervisor) = cameras(vec![VirtualCameraConfig { account: Some(account), ..camera("a", Codec::H264) }]).await;
    let tunnel = tunnelled(server.address(), &supervisor).await;
    let signed_in = |url: String| {
        let password = Some(Secret::new("right"));
        SourceSpec { username: Some("admin".into()), password, ..spec(&url) }
    };
    plays(&signed_in(format!("rtsph://{tunnel}/a"))).await;
    let (address, fingerprint) = encrypted(tunnel, &supervisor).await;
    plays(&signed_in(format!("rtspsh://{address}/a#certificate={fingerprint}"))).await;
    let refused = open_with(&spec(&format!("rtsph://{tunnel}/a")), None).await.err().map(|error| error.reason);
    assert_eq!(refused, Some(StateReason::Unauthorized));
}

#[tokio::test]
async fn a_group_of_the_network_is_joined_where_the_camera_is() {
    let (server, _supervisor) = cameras(vec![VirtualCameraConfig { multicast_only: true, ..camera("a", Codec::H264) }]).await;
    let wanted = |transport| SourceSpec { transport, ..spec(server.url("a").as_str()) };
    plays(&wanted(Transport::Multicast)).await;
    let opener = SystemOpener::new(&EngineConfig::new(PathBuf::new()), Arc::new(SystemClock::new()));
    let mut source = opener.open(&wanted(Transport::Auto)).await.expect("what is left to try");
    read(source.as_mut(), 5).await;
    assert_eq!(opener.open(&wanted(Transport::Tcp)).await.err().map(|error| error.reason), Some(StateReason::BadStream));
}
