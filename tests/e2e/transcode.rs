//! H.265 for browsers that cannot play it: transcoded once for all who watch, while they watch, and no more than allowed.

use std::process::Command;
use std::time::Duration;

use e2e::{Client, Program, plays_in_vlc, probe, until};
use media::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};
use media::{Codec, Supervisor};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(120);

/// Process ids of the transcoding processes of a program.
fn processes(program: &Program) -> Vec<u32> {
    let ids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ours = |id: &u32| {
        let read = |what: &str| std::fs::read_to_string(format!("/proc/{id}/{what}")).unwrap_or_default();
        let parent = format!("PPid:\t{}", program.process());
        read("cmdline").split('\0').nth(1) == Some("transcode") && read("status").lines().any(|line| line == parent)
    };
    ids.filter(ours).collect()
}

async fn processes_become(program: &Program, count: usize) -> Vec<u32> {
    until(&format!("{count} processes transcode"), LIMIT, || async {
        let found = processes(program);
        (found.len() == count).then_some(found)
    })
    .await
}

/// So many seconds ago, as the contract writes it.
fn ago(seconds: u64) -> String {
    let then = std::time::SystemTime::now() - Duration::from_secs(seconds);
    jiff::Timestamp::try_from(then).unwrap().to_string()
}

/// Plays a camera's playlist with ffmpeg for some seconds: codec, width, height and pictures.
async fn play(program: &Program, root: &Client, camera: &str, seconds: u32) -> (String, u32, u32, u32) {
    let url = format!("http://{}/api/v1/cameras/{camera}/live/h264/index.m3u8", program.address);
    let header = format!("Authorization: Bearer {}\r\n", root.token.as_deref().unwrap());
    let played = tokio::task::spawn_blocking(move || {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-headers", &header, "-count_packets", "-read_intervals", &format!("%+{seconds}")])
            .args(["-show_entries", "stream=codec_name,width,height,nb_read_packets", "-of", "csv=p=0", &url])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    });
    let (played, said) = played.await.unwrap();
    assert!(played, "{said}");
    let line = said.lines().find(|line| line.starts_with("h264") || line.starts_with("hevc")).unwrap_or_else(|| panic!("{said}"));
    let mut fields = line.split(',');
    let codec = fields.next().unwrap().to_owned();
    let mut number = || fields.next().unwrap().parse().unwrap_or_else(|_| panic!("{said}"));
    (codec, number(), number(), number())
}

#[tokio::test(flavor = "multi_thread")]
async fn h265_is_transcoded_once_for_all_who_watch_and_no_more_cameras_than_allowed() {
    let supervisor = Supervisor::new();
    // Larger than what is given to browsers; the second is smaller and stays as it is; the third sends H.264.
    let scene = |name: &str| Scene { codec: Codec::H265, loop_s: 6, ..Scene::small(name) };
    let scenes = [
        ("large", Scene { width: 1600, height: 900, ..scene("LARGE") }),
        ("small", scene("SMALL")),
        ("third", Scene { start_s: 5.0, ..scene("THIRD") }),
        ("plain", Scene::small("PLAIN")),
    ];
    let configs = scenes.map(|(path, scene)| VirtualCameraConfig { path: path.to_owned(), scene, ..VirtualCameraConfig::default() });
    let cameras =
        VirtualServer::start(([127, 0, 0, 1], 0).into(), configs.to_vec(), FootageLibrary::standard(), &supervisor).await.unwrap();
    cameras.ready().await.unwrap();
    let mut program = Program::start(None, &[("TRANSCODES_MAX", "2")]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let mut ids = Vec::new();
    for (path, _) in cameras.cameras() {
        let camera = json!({"name": path, "premises_id": premises, "source_url": cameras.url(path).as_str()});
        ids.push((path.to_owned(), root.made("/cameras", &camera).await));
    }
    let id = |path: &str| ids.iter().find(|(known, _)| known == path).unwrap().1.clone();
    for (path, camera) in &ids {
        until(&format!("{path} is live"), LIMIT, || async {
            (root.get(&format!("/cameras/{camera}/live/index.m3u8")).await.0 == 200).then_some(())
        })
        .await;
    }
    assert!(processes(&program).is_empty(), "nobody watches");

    // Two who watch the same camera at the same time share one process.
    let large = id("large");
    let (one, other) = tokio::join!(play(&program, &root, &large, 6), play(&program, &root, &large, 6));
    for (codec, width, height, pictures) in [one, other] {
        assert_eq!((codec.as_str(), width, height), ("h264", 1280, 720));
        assert!((30..=100).contains(&pictures), "about 12 a second for at least the part that the playlist holds: {pictures}");
    }
    let process = processes_become(&program, 1).await[0];
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let nice: i32 = status.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap();
    assert_eq!(nice, 5, "after the recorder, before the analysis");

    // Another camera has room; the one after that is told so, in words and at once. What is H.264 needs none.
    let playlist = |camera: &str| format!("/cameras/{camera}/live/h264/index.m3u8");
    let keep_watching = |camera: String| {
        let root = root.clone();
        tokio::spawn(async move {
            loop {
                root.get(&playlist(&camera)).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
    };
    let watching = [keep_watching(large.clone()), keep_watching(id("small"))];
    processes_become(&program, 2).await;
    let (status, refused) = root.get(&playlist(&id("third"))).await;
    assert_eq!((status, refused["type"].as_str(), refused["limit"].as_u64()), (429, Some("transcode_limit"), Some(2)), "{refused}");
    assert!(!refused["title"].as_str().unwrap().is_empty());
    // Who watches a recording takes such a place too.
    let (_, timeline) = root.get(&format!("/cameras/{}/timeline?start={}&end={}", id("third"), ago(600), ago(0))).await;
    let recorded = timeline["segments"][0].clone();
    let recording = |camera: &str, more: &str| {
        let (start, end) = (recorded["start"].as_str().unwrap(), recorded["end"].as_str().unwrap());
        format!("/cameras/{camera}/recording.mp4?start={start}&end={end}{more}")
    };
    let (status, refused) = root.get(&recording(&id("third"), "&h264=true")).await;
    assert_eq!((status, refused["type"].as_str()), (429, Some("transcode_limit")), "{refused}");
    let (status, refused) = root.get(&recording(&id("third"), "&h264=true&download=1")).await;
    assert_eq!((status, refused["type"].as_str()), (400, Some("malformed")), "{refused}");
    let (status, _, text) = root.bytes(&playlist(&id("plain"))).await;
    let text = String::from_utf8(text).unwrap();
    assert!(status == 200 && text.starts_with("#EXTM3U"), "{text}");
    let header = text.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(root.bytes(&format!("/cameras/{}/live/h264/{header}", id("plain"))).await.0, 200);
    assert_eq!(processes(&program).len(), 2, "what is H.264 is given as it is");
    assert_eq!(play(&program, &root, &id("small"), 2).await.1, 704, "never made larger");

    // One that is gone is started again for those who watch.
    let crashed = processes(&program)[0];
    assert!(Command::new("kill").args(["-KILL", &crashed.to_string()]).status().unwrap().success());
    until("another process has taken over", LIMIT, || async {
        let found = processes(&program);
        (found.len() == 2 && !found.contains(&crashed)).then_some(())
    })
    .await;

    // A few seconds after the last has gone, so have they; and there is room again.
    watching.iter().for_each(tokio::task::JoinHandle::abort);
    processes_become(&program, 0).await;
    let (status, _, watched) = root.bytes(&recording(&id("third"), "&h264=true")).await;
    assert_eq!(status, 200);
    let file = program.folder.path().join("watched.mp4");
    std::fs::write(&file, &watched).unwrap();
    assert_eq!(probe(&file).codec, "h264");
    let (status, _, original) = root.bytes(&recording(&id("third"), "")).await;
    assert_eq!(status, 200);
    std::fs::write(&file, &original).unwrap();
    let probed = probe(&file);
    assert_eq!(probed.codec, "hevc", "an export is what was recorded");
    plays_in_vlc(&file, probed.frames);
    processes_become(&program, 0).await;
    assert_eq!(play(&program, &root, &id("third"), 2).await.0, "h264");
    assert!(program.stop(), "and with somebody watching it stops in order");
    supervisor.shutdown(Duration::from_secs(10)).await;
}
