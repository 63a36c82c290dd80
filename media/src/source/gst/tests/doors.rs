//! What stands before a virtual camera: a door that speaks TLS, and one that takes an HTTP tunnel apart as Apple described it.
//! The end-to-end tests have this file too.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::Supervisor;

/// A port that speaks TLS for `camera`, and the SHA-256 of its certificate, which it made itself.
pub(super) async fn encrypted(camera: SocketAddr, supervisor: &Supervisor) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["camera.local".to_owned()]).expect("made");
    let fingerprint = Sha256::digest(made.cert.der()).iter().map(|byte| format!("{byte:02x}")).collect();
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
pub(super) async fn tunnelled(camera: SocketAddr, supervisor: &Supervisor) -> SocketAddr {
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
