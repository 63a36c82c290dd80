//! What is recorded and what is sent in is kept: a backup beside a recording camera is restored elsewhere to the same
//! pictures, and an upload that every kill interrupts ends as the file it began as.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Client, Program, decodes_cleanly, until};
use media::Supervisor;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::cameras::kitchen;

const SLOW: Duration = Duration::from_secs(90);
/// Recorded before a backup, ms.
const RECORDED_MS: i64 = 12_000;
/// Times that an upload is interrupted.
const KILLS: u64 = 5;

/// Adds the virtual kitchen; gives the camera and the query of a stretch that it has recorded.
async fn recorded(root: &Client, source_url: &str) -> (String, String) {
    let (_, premises) = root.plant().await;
    let body = json!({"name": "烹饪区", "premises_id": premises, "source_url": source_url, "username": "viewer", "password": "secret-of-the-camera"});
    let camera = root.made("/cameras", &body).await;
    let began = now(root).await;
    let span = until("enough is recorded", SLOW, || async {
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={began}&end={}", now(root).await)).await;
        let span = timeline["segments"].as_array().and_then(|spans| spans.last().cloned())?;
        (ms(&span["end"]) - ms(&span["start"]) >= RECORDED_MS).then_some(span)
    })
    .await;
    let query = format!("start={}&end={}", span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
    (camera, query)
}

async fn now(client: &Client) -> String {
    client.get("/me").await.1["server_time"].as_str().unwrap().to_owned()
}

fn ms(moment: &Value) -> i64 {
    moment.as_str().unwrap().parse::<mobile_api::moment::Moment>().unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_a_recording_camera_is_restored_to_the_same_pictures() {
    let supervisor = Supervisor::new();
    let server = kitchen(&supervisor, &[]).await;
    let mut program = Program::start(None, &[]).await;
    let root = program.sign_in("root").await;
    let (camera, query) = recorded(&root, server.url("kitchen").as_str()).await;
    let (status, _, before) = root.bytes(&format!("/cameras/{camera}/recording.mp4?{query}")).await;
    assert_eq!(status, 200);

    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    let (code, said) = program.run(&["backup", "--to", backup.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "beside the recording server: {said}");
    assert!(program.stop());

    let elsewhere = tempfile::tempdir().unwrap();
    let mut restore = program.command(&["restore", "--from", backup.to_str().unwrap()]);
    let restored = restore.env("BRIGHT_KITCHEN_DATA", elsewhere.path()).output().unwrap();
    assert!(restored.status.success(), "counts differ: {}", String::from_utf8_lossy(&restored.stderr));
    // From here on the program lives there, and the folder it came from is gone.
    program.folder = elsewhere;
    let (code, said) = program.run(&["check"]);
    assert!(code == Some(0) && said.contains(": 0 faults"), "{said}");
    program.serve().await;
    let root = program.sign_in("root").await;
    let (status, _, after) = root.bytes(&format!("/cameras/{camera}/recording.mp4?{query}")).await;
    assert!(status == 200 && after == before, "the same file, to the byte");
    let file = outside.path().join("restored.mp4");
    std::fs::write(&file, after).unwrap();
    decodes_cleanly(&file);
    until("the restored program records on", SLOW, || async {
        (root.get(&format!("/cameras/{camera}")).await.1["state"] == "recording").then_some(())
    })
    .await;
    assert!(program.stop());
    supervisor.shutdown(Duration::from_secs(5)).await;
}

/// Grey noise, which no codec makes small: about as large as a photo.
fn photo() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise = image::GrayImage::from_fn(1_800, 1_400, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        image::Luma([state.to_le_bytes()[0]])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

async fn begin(client: &Client, length: usize, metadata: &str) -> reqwest::Response {
    let creation = client.request(reqwest::Method::POST, "/uploads").header("tus-resumable", "1.0.0");
    creation.header("upload-length", length).header("upload-metadata", metadata).send().await.unwrap()
}

/// Sends a piece; status, and where the upload stands then.
async fn piece(client: &Client, location: &str, offset: usize, bytes: &[u8]) -> (u16, Option<usize>) {
    let request = client.request(reqwest::Method::PATCH, location).header("tus-resumable", "1.0.0").header("upload-offset", offset);
    let answer = request.header("content-type", "application/offset+octet-stream").body(bytes.to_vec()).send().await.unwrap();
    let stands = answer.headers().get("upload-offset").and_then(|text| text.to_str().ok()?.parse().ok());
    (answer.status().as_u16(), stands)
}

/// How many bytes the server has of an upload.
async fn stands(client: &Client, location: &str) -> usize {
    let answer = client.request(reqwest::Method::HEAD, location).header("tus-resumable", "1.0.0").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_kills_interrupt_ends_as_the_file_it_began_as() {
    let mut program = Program::start(None, &[]).await;
    let root = program.sign_in("root").await;
    let (office, _) = root.plant().await;
    root.add_person("officer", "officer", &office).await;
    let mut officer = program.sign_in("officer").await;
    let photo = photo();
    let sha256 = hex(&Sha256::digest(&photo));
    let evidence = Uuid::now_v7();
    let told = [
        ("inspection_id", Uuid::now_v7().to_string()),
        ("evidence_id", evidence.to_string()),
        ("sha256", sha256),
        ("filetype", "image/png".to_owned()),
    ];
    let metadata = told.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).join(",");
    let begun = begin(&officer, photo.len(), &metadata).await;
    assert_eq!(begun.status().as_u16(), 201);
    let location = begun.headers()["location"].to_str().unwrap().trim_start_matches("/api/v1").to_owned();

    // The clock chooses the offsets; a failure prints them.
    let mut dice = u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
    let mut some_of = |left: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + usize::try_from(dice >> 33).unwrap() % (left / 6)
    };
    let mut offset = 0;
    for kill in 1..=KILLS {
        // One piece that is acknowledged, and one that the kill cuts off.
        let whole = offset + some_of(photo.len() - offset);
        assert_eq!(piece(&officer, &location, offset, &photo[offset..whole]).await, (204, Some(whole)));
        let sent = whole + some_of(photo.len() - whole);
        eprintln!("kill {kill}: {whole} of {} are acknowledged, {sent} were sent", photo.len());
        let mut stream = TcpStream::connect(&program.address).await.unwrap();
        let head = format!(
            "PATCH /api/v1{location} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\nupload-offset: {whole}\r\ncontent-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
            program.address,
            officer.token.as_deref().unwrap(),
            photo.len() - whole
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&photo[whole..sent]).await.unwrap();
        stream.flush().await.unwrap();
        program.kill();
        program.serve().await;
        officer = program.sign_in("officer").await;
        offset = stands(&officer, &location).await;
        assert!((whole..=sent).contains(&offset), "what was acknowledged is kept: it has {offset}");
    }
    assert_eq!(piece(&officer, &location, offset, &photo[offset..]).await, (204, Some(photo.len())), "it hashes to what was announced");
    let again = begin(&officer, photo.len(), &metadata).await;
    assert_eq!((again.status().as_u16(), &again.headers()["upload-offset"]), (201, &photo.len().to_string().parse().unwrap()));
    assert!(program.stop());
    let (code, said) = program.run(&["check"]);
    assert!(code == Some(0) && said.contains("checked 1 files"), "{said}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
