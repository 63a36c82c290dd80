//! Files in an S3-compatible bucket: the clip and the still of an alert, photos, their ranges, and `check` that tells what
//! somebody did to the bucket. The bucket is `moto`'s server, a program of its own that speaks S3 over HTTP.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::{Program, decodes_cleanly, until};
use media::Supervisor;
use media::virtual_camera::Incident;
use serde_json::json;

use crate::cameras::kitchen;

const SLOW: Duration = Duration::from_secs(90);

/// Somebody who may do everything to the bucket; `moto` looks at the form alone.
const SOMEBODY: &str = "AWS4-HMAC-SHA256 Credential=other/20261123/cn-north-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// A bucket called `evidence`, on a port of its own.
struct Bucket {
    child: Child,
    url: String,
}

impl Bucket {
    async fn open() -> Self {
        let cache = std::env::var_os("BRIGHT_KITCHEN_CACHE").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/bright-kitchen"));
        let program = cache.join("tools/python/bin/moto_server");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} (`make setup` installs it): {error}", program.display()));
        let bucket = Self { child, url: format!("http://127.0.0.1:{port}") };
        let http = reqwest::Client::new();
        until("the bucket is there", SLOW, || async {
            http.put(format!("{}/evidence", bucket.url)).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        bucket
    }

    /// The names of the objects in it.
    async fn objects(&self) -> Vec<String> {
        let list = reqwest::get(format!("{}/evidence?list-type=2", self.url)).await.unwrap().text().await.unwrap();
        list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).map(str::to_owned).collect()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_in_a_bucket_is_written_read_and_checked() {
    let bucket = Bucket::open().await;
    let supervisor = Supervisor::new();
    let server = kitchen(&supervisor, &[]).await;
    let settings = [
        ("FILES_URL", "s3://evidence/bk"),
        ("AWS_ENDPOINT", bucket.url.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "cn-north-1"),
        ("AWS_ACCESS_KEY_ID", "bright"),
        ("AWS_SECRET_ACCESS_KEY", "kitchen-kitchen"),
    ];
    let mut program = Program::start(None, &settings).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let body = json!({"name": "烹饪区", "premises_id": premises, "source_url": server.url("kitchen").to_string(), "username": "viewer", "password": "secret-of-the-camera"});
    let camera = root.made("/cameras", &body).await;
    until("a still can be seen", SLOW, || async { (root.bytes(&format!("/cameras/{camera}/snapshot.jpg")).await.0 == 200).then_some(()) })
        .await;
    server.camera("kitchen").unwrap().set(Incident::Drop).await.unwrap();
    let alert = until("the signal is lost and the clip is in the bucket", SLOW, || async {
        let (_, alerts) = root.get(&format!("/alerts?camera_id={camera}&kind=signal_lost")).await;
        alerts["items"].as_array().and_then(|items| items.first().cloned()).filter(|alert| alert["clip"]["state"] == "ready")
    })
    .await;
    let id = alert["id"].as_str().unwrap();
    let (status, _, clip) = root.bytes(&format!("/alerts/{id}/clip.mp4")).await;
    assert_eq!((status, Some(clip.len() as u64)), (200, alert["clip"]["bytes"].as_u64()));
    let file = program.folder.path().join("clip.mp4");
    std::fs::write(&file, &clip).unwrap();
    decodes_cleanly(&file);
    let (code, said) = program.run(&["verify", file.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let part = root.request(reqwest::Method::GET, &format!("/alerts/{id}/clip.mp4")).header("range", "bytes=100-199").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().as_ref()), (206, &clip[100..200]));

    // A large photo goes in several pieces, and the same photo twice is one object.
    let photo = photo();
    assert!(photo.len() > 5 * 1024 * 1024, "{} bytes", photo.len());
    for _ in 0..2 {
        let sent =
            root.request(reqwest::Method::POST, "/files").header("content-type", "image/png").body(photo.clone()).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 201);
    }
    assert!(program.stop());
    let names = bucket.objects().await;
    assert!(names.iter().all(|name| name.starts_with("bk/sha256/")), "{names:?}");
    let (code, said) = program.run(&["check"]);
    assert!(code == Some(0) && said.contains(&format!("checked {} files", names.len())), "{said} {names:?}");

    let http = reqwest::Client::new();
    let sha256 = alert["clip"]["sha256"].as_str().unwrap();
    let object = format!("{}/evidence/{}", bucket.url, names.iter().find(|name| name.ends_with(sha256)).unwrap());
    assert!(http.put(&object).header("authorization", SOMEBODY).body("another film").send().await.unwrap().status().is_success());
    let (code, said) = program.run(&["check"]);
    assert!(code == Some(1) && said.contains("does not hash to its name"), "{said}");
    assert!(http.delete(&object).header("authorization", SOMEBODY).send().await.unwrap().status().is_success());
    let (code, said) = program.run(&["check"]);
    assert!(code == Some(1) && said.contains("is not in the file store"), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

/// Noise, which no codec makes small.
fn photo() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise = image::RgbImage::from_fn(1_600, 1_200, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [red, green, blue, ..] = state.to_le_bytes();
        image::Rgb([red, green, blue])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}
