//! RTSP inside TLS, through an HTTP tunnel, and to a group of the network. The cameras are the virtual ones; what stands
//! before them speaks TLS, or takes the tunnel apart as Apple described it.

use super::doors::{encrypted, tunnelled};
use super::*;

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
