//! The virtual cameras seen through a real RTSP client (retina) and through ffprobe.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use retina::client::{Credentials, PlayOptions, Session, SessionOptions, SetupOptions, Transport};
use retina::codec::{CodecItem, FrameFormat};
use sha2::{Digest, Sha256};

use super::*;
use crate::camera::Codec;

const DEADLINE: Duration = Duration::from_secs(60);

async fn start(cameras: Vec<VirtualCameraConfig>) -> (VirtualServer, Supervisor) {
    let supervisor = Supervisor::new();
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = VirtualServer::start(listen, cameras, FootageLibrary::standard(), &supervisor).await.expect("started");
    tokio::time::timeout(DEADLINE, server.ready()).await.expect("in time").expect("footage");
    (server, supervisor)
}

fn camera(path: &str) -> VirtualCameraConfig {
    VirtualCameraConfig { path: path.into(), scene: Scene::tiny("TEST"), log_frames_max: 10_000, ..Default::default() }
}

type Client = retina::client::Demuxed;

async fn open(url: Url, creds: Option<Credentials>) -> Result<Client, retina::Error> {
    let mut session = Session::describe(url, SessionOptions::default().creds(creds)).await?;
    let options = SetupOptions::default().transport(Transport::Tcp(Default::default())).frame_format(FrameFormat::MP4);
    session.setup(0, options).await?;
    session.play(PlayOptions::default()).await?.demuxed()
}

/// A frame as the client sees it: elapsed RTP time, key frame, digest of its slices.
async fn frame(client: &mut Client) -> Option<(i64, bool, [u8; 32], u16)> {
    loop {
        let item = tokio::time::timeout(DEADLINE, client.next()).await.expect("in time")?;
        let Ok(CodecItem::VideoFrame(frame)) = item else {
            if item.is_err() {
                return None;
            }
            continue;
        };
        let codec = if client.streams()[0].encoding_name() == "h265" { Codec::H265 } else { Codec::H264 };
        let mut hash = Sha256::new();
        let mut rest = frame.data();
        while rest.len() > 4 {
            let len = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            if footage::is_picture(codec, &rest[4..4 + len]) {
                hash.update(&rest[..4 + len]);
            }
            rest = &rest[4 + len..];
        }
        let key = frame.is_random_access_point();
        return Some((frame.timestamp().elapsed(), key, hash.finalize().into(), frame.loss()));
    }
}

#[tokio::test]
async fn a_client_gets_every_frame_as_it_was_sent_round_the_loop() {
    let mut h265 = camera("five");
    h265.scene.codec = Codec::H265;
    let (server, _supervisor) = start(vec![camera("four"), h265]).await;
    for path in ["four", "five"] {
        let mut client = open(server.url(path), None).await.expect("playing");
        let mut seen = Vec::new();
        while seen.len() < 90 {
            seen.push(frame(&mut client).await.expect("a frame"));
        }
        let sent = server.camera(path).expect("it is there").sent();
        for (place, (got, sent)) in seen.iter().zip(&sent).enumerate() {
            assert_eq!((got.1, got.2, got.3), (sent.key, sent.picture_sha256, 0), "{path} frame {place}");
            assert_eq!(got.0 - seen[0].0, 7200 * place as i64, "{path} frame {place}: RTP time goes on evenly");
            assert_eq!(got.1, place % 25 == 0, "{path}: a key frame every 2 s");
        }
    }
    let totals = server.camera("four").expect("it is there").totals();
    assert!(totals.frames >= 90 && totals.key_frames >= 4 && totals.viewings == 1, "{totals:?}");
}

#[tokio::test]
async fn an_incident_begins_with_a_key_frame_in_continuous_time() {
    let (server, _supervisor) = start(vec![camera("a")]).await;
    let camera = server.camera("a").expect("it is there");
    let mut client = open(server.url("a"), None).await.expect("playing");
    let first = frame(&mut client).await.expect("a frame");
    camera.set(Incident::Black).await.expect("footage");
    let mut count = 1;
    let black = loop {
        let next = frame(&mut client).await.expect("a frame");
        count += 1;
        let sent = camera.sent()[count - 1];
        if sent.picture == Picture::Black {
            assert_eq!(next.2, sent.picture_sha256);
            break next;
        }
    };
    assert!(black.1, "the first black frame is a key frame");
    assert_eq!(black.0 - first.0, 7200 * (count as i64 - 1));
    camera.set(Incident::RtpTimeJump { ms: 5000 }).await.expect("nothing to make");
    camera.clear();
    let mut last = black;
    loop {
        let next = frame(&mut client).await.expect("a frame");
        let step = next.0 - last.0;
        last = next;
        if step != 7200 {
            assert_eq!(step, 7200 + 450_000);
            break;
        }
    }
    assert_eq!(camera.incident(), None);
}

#[tokio::test]
async fn a_new_picture_size_comes_with_new_parameters_in_the_stream() {
    let (server, _supervisor) = start(vec![camera("a")]).await;
    let mut client = open(server.url("a"), None).await.expect("playing");
    frame(&mut client).await.expect("a frame");
    server.camera("a").expect("it is there").set(Incident::ChangeResolution).await.expect("footage");
    let size = |client: &Client| match client.streams()[0].parameters() {
        Some(retina::codec::ParametersRef::Video(video)) => video.pixel_dimensions(),
        _ => (0, 0),
    };
    assert_eq!(size(&client), (320, 240));
    while size(&client) != (704, 576) {
        frame(&mut client).await.expect("the stream goes on");
    }
}

#[tokio::test]
async fn passwords_are_asked_for_in_both_ways() {
    let with = |path: &str, scheme| VirtualCameraConfig {
        account: Some(Account { scheme, username: "admin".into(), password: "right".into() }),
        ..camera(path)
    };
    let (server, _supervisor) = start(vec![with("basic", AuthScheme::Basic), with("digest", AuthScheme::Digest)]).await;
    let creds = |password: &str| Some(Credentials { username: "admin".into(), password: password.into() });
    for path in ["basic", "digest"] {
        let status = |result: Result<Client, retina::Error>| result.err().and_then(|error| error.status_code());
        assert_eq!(status(open(server.url(path), creds("wrong")).await), Some(401), "{path}");
        let mut client = open(server.url(path), creds("right")).await.expect("let in");
        assert!(frame(&mut client).await.is_some());
        server.camera(path).expect("it is there").set(Incident::Unauthorized).await.expect("nothing to make");
        assert!(tokio::time::timeout(DEADLINE, async { while frame(&mut client).await.is_some() {} }).await.is_ok());
        assert_eq!(status(open(server.url(path), creds("right")).await), Some(401), "{path}");
    }
}

#[tokio::test]
async fn a_camera_refuses_hangs_drops_and_disappears() {
    let (server, _supervisor) = start(vec![camera("a")]).await;
    let camera = server.camera("a").expect("it is there");
    let attempt = || open(server.url("a"), None);

    camera.set(Incident::NotFound).await.expect("set");
    assert_eq!(attempt().await.err().and_then(|error| error.status_code()), Some(404));
    assert_eq!(open(server.url("nowhere"), None).await.err().and_then(|error| error.status_code()), Some(404));

    camera.set(Incident::Refuse).await.expect("set");
    assert!(attempt().await.err().expect("reset").to_string().to_lowercase().contains("reset"));

    camera.set(Incident::Drop).await.expect("set");
    assert!(attempt().await.is_err());

    camera.set(Incident::Hang).await.expect("set");
    assert!(tokio::time::timeout(Duration::from_millis(300), attempt()).await.is_err(), "no answer at all");

    camera.clear();
    let mut client = attempt().await.expect("back");
    frame(&mut client).await.expect("a frame");
    camera.set(Incident::Hang).await.expect("set");
    let drained = tokio::time::timeout(Duration::from_millis(600), async { while frame(&mut client).await.is_some() {} }).await;
    assert!(drained.is_err(), "the connection stays open and silent");
    camera.clear();
    let mut last = frame(&mut client).await.expect("a frame");
    while !last.1 {
        last = frame(&mut client).await.expect("it goes on with a key frame");
    }

    server.set_listening(false).await.expect("closed");
    assert!(tokio::time::timeout(DEADLINE, async { while frame(&mut client).await.is_some() {} }).await.is_ok());
    assert!(attempt().await.err().expect("refused").to_string().to_lowercase().contains("refused"));
    server.set_listening(true).await.expect("open again");
    assert!(attempt().await.is_ok());
}

#[tokio::test]
async fn a_script_runs_and_is_over() {
    let script = vec![
        ScriptedIncident { at_ms: 0, for_ms: 300, incident: Incident::NotFound },
        ScriptedIncident { at_ms: 400, for_ms: 0, incident: Incident::Drop },
    ];
    let (server, _supervisor) = start(vec![VirtualCameraConfig { script, ..camera("a") }]).await;
    let camera = server.camera("a").expect("it is there");
    let mut situation = camera.situation();
    let seen = |wanted: fn(&camera::Situation) -> bool| {
        let mut situation = situation.clone();
        async move { tokio::time::timeout(DEADLINE, situation.wait_for(wanted)).await.expect("in time").is_ok() }
    };
    // NotFound cuts viewers off when it begins, Drop again.
    assert!(seen(|situation| situation.cuts == 2 && situation.incident.is_none()).await);
    situation.mark_unchanged();
    assert!(open(server.url("a"), None).await.is_ok());
}

#[tokio::test]
async fn ffprobe_reads_it_over_tcp_and_udp() {
    let mut with_b_frames = camera("a");
    with_b_frames.scene.b_frames = 2;
    let (server, supervisor) = start(vec![with_b_frames]).await;
    for transport in ["tcp", "udp"] {
        let url = server.url("a").to_string();
        let probed = supervisor.blocking("ffprobe", move || {
            Command::new("ffprobe")
                .args(["-v", "warning", "-rtsp_transport", transport, "-read_intervals", "%+#30", "-select_streams", "v", "-show_frames"])
                .args(["-show_entries", "frame=pict_type,best_effort_timestamp_time", "-of", "csv=p=0", &url])
                .output()
        });
        let output = tokio::time::timeout(DEADLINE, probed).await.expect("in time").expect("no panic").expect("ffprobe runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let frames: Vec<(f64, &str)> = text
            .lines()
            .filter_map(|line| line.split_once(','))
            .filter_map(|(time, kind)| Some((time.parse().ok()?, kind.trim_end_matches(','))))
            .collect();
        assert!(frames.len() >= 20, "{transport}: {text} {}", String::from_utf8_lossy(&output.stderr));
        assert!(frames.iter().any(|(_, kind)| *kind == "B"), "{transport}: {text}");
        // What is read last misses the frames that would be shown before it.
        assert!(frames[..20].windows(2).all(|pair| (pair[1].0 - pair[0].0 - 0.08).abs() < 0.002), "{transport}: {text}");
    }
}

#[tokio::test]
async fn two_cameras_cannot_have_one_path() {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let cameras = vec![camera("a"), camera("/a/")];
    let error = VirtualServer::start(listen, cameras, FootageLibrary::standard(), &Supervisor::new()).await.err();
    assert!(matches!(error, Some(VirtualServerError::Path(path)) if path == "a"));
}

#[test]
fn a_missing_source_says_what_to_install() {
    let folder = tempfile::tempdir().expect("folder");
    let library = FootageLibrary::new(&folder.path().join("none.avi"), folder.path());
    let error = library.get(&Scene::tiny("X"), Picture::Normal).expect_err("no source");
    assert!(error.to_string().contains("opencv-doc"));
}

#[test]
fn footage_is_encoded_once_and_shared() {
    let folder = tempfile::tempdir().expect("folder");
    let library = FootageLibrary::new(footage::DEBIAN_SOURCE.as_ref(), folder.path());
    let scene = Scene { loop_s: 2, ..Scene::tiny("X") };
    let first = library.get(&scene, Picture::Normal).expect("made");
    assert!(Arc::ptr_eq(&first, &library.get(&scene, Picture::Normal).expect("in memory")));
    let again = FootageLibrary::new(footage::DEBIAN_SOURCE.as_ref(), folder.path()).get(&scene, Picture::Normal).expect("in the file");
    assert_eq!(first.frames.len(), 25);
    assert!(first.frames.iter().zip(&again.frames).all(|(a, b)| a.nals == b.nals));
}
