//! RTSP in its other clothes: inside TLS, through an HTTP tunnel, both, over UDP, and to a group of the network. The cameras are
//! the virtual ones, with the doors before them that the media tests have.

use std::net::SocketAddr;
use std::time::Duration;

use e2e::Program;
use media::Supervisor;
use media::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};
use serde_json::json;

use super::{SLOW, Sent, in_state, plays, until};

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
