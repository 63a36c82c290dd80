//! What is stored is checked, backed up under load and restored elsewhere, through the real program.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::{Running, run, text};
use crate::support::{Engine, postgres};

const PASSWORD: &str = "correct-horse-battery";
const DEADLINE: Duration = Duration::from_secs(30);

fn place<'a>(data: &'a Path, database: &'a str) -> [&'a str; 4] {
    ["--data", data.to_str().unwrap(), "--database-url", database]
}

fn command(words: &[&str], place: [&str; 4]) -> Output {
    run(&[words, &place].concat(), "")
}

fn database(engine: Engine, data: &Path) -> String {
    match engine {
        Engine::Sqlite => format!("sqlite://{}", data.join("kept.db").display()),
        Engine::Postgres => postgres::fresh_database(),
    }
}

/// A running server with somebody who writes to it.
async fn busy_server(engine: Engine, data: &Path, database: &str) -> (Running, reqwest::Client, String) {
    let out = run(
        &[
            &["admin", "create", "--username", "wang", "--role", "administrator", "--role", "officer", "--password-stdin"][..],
            &place(data, database),
        ]
        .concat(),
        PASSWORD,
    );
    assert!(out.status.success(), "{engine:?}: {}", text(&out.stderr));
    let server = Running::start(data, &["--database-url", database]);
    let (_, tokens) = server.post("/auth/login", &json!({"username": "wang", "password": PASSWORD})).await;
    (server, reqwest::Client::new(), tokens["access_token"].as_str().unwrap().to_owned())
}

async fn backup_under_load(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let from = database(engine, folder.path());
    let (mut server, client, token) = busy_server(engine, &data, &from).await;

    // What officers leave sealed is no row: it comes along all the same.
    let sealed = "drafts/somebody/draft";
    std::fs::create_dir_all(data.join("drafts/somebody")).unwrap();
    std::fs::write(data.join(sealed), "sealed").unwrap();
    // A camera that nobody answers for raises an alert; photos and operators are written all the while.
    let alert = raised_alert(&server, &client, &token).await;
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = {
        let (stop, written, client, token, url) = (stop.clone(), written.clone(), client.clone(), token.clone(), server.url.clone());
        tokio::task::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let number = written.load(Ordering::SeqCst);
                let made = client
                    .post(format!("{url}/api/v1/operators"))
                    .bearer_auth(&token)
                    .json(&json!({"name": format!("绿源 {number}")}))
                    .send()
                    .await
                    .unwrap();
                assert_eq!(made.status(), 201);
                // As many photos as may wait to be named.
                if number < PHOTOS_MAX {
                    let brought = client.post(format!("{url}/api/v1/files")).bearer_auth(&token).header("content-type", "image/jpeg");
                    let brought = brought.body(photo(number)).send().await.unwrap();
                    assert_eq!(brought.status(), 201);
                }
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let deadline = Instant::now() + DEADLINE;
    while written.load(Ordering::SeqCst) < 20 {
        assert!(Instant::now() < deadline && !writer.is_finished(), "nothing is written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let to = folder.path().join("backup");
    let (backup_to, from_place) = (to.clone(), (data.clone(), from.clone()));
    let out =
        tokio::task::spawn_blocking(move || command(&["backup", "--to", backup_to.to_str().unwrap()], place(&from_place.0, &from_place.1)))
            .await
            .unwrap();
    assert!(out.status.success(), "{engine:?}: {}{}", text(&out.stdout), text(&out.stderr));
    stop.store(true, Ordering::SeqCst);
    writer.await.unwrap();

    let checked = command(&["check"], place(&data, &from));
    assert!(checked.status.success(), "beside the running server: {}", text(&checked.stdout));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(command(&["check"], place(&data, &from)).status.success());

    let elsewhere = folder.path().join("elsewhere");
    let target = match engine {
        Engine::Sqlite => format!("sqlite://{}", folder.path().join("restored.db").display()),
        Engine::Postgres => postgres::fresh_database(),
    };
    let restored = command(&["restore", "--from", to.to_str().unwrap()], place(&elsewhere, &target));
    assert!(restored.status.success(), "{engine:?}: {}{}", text(&restored.stdout), text(&restored.stderr));
    let checked = command(&["check"], place(&elsewhere, &target));
    assert!(checked.status.success() && text(&checked.stdout).contains(": 0 faults"), "{}{}", text(&checked.stdout), text(&checked.stderr));
    let again = command(&["restore", "--from", to.to_str().unwrap()], place(&elsewhere, &target));
    assert!(again.status.code() == Some(1) && text(&again.stderr).contains("not empty"), "nothing is overwritten: {}", text(&again.stderr));

    // The same people sign in with the same keys.
    let restored = Running::start(&elsewhere, &["--database-url", &target]);
    let me = client.get(format!("{}/api/v1/me", restored.url)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(me.status(), 200);
    // What was there when the backup began is there: the alert with its history, and photos, whole (`check` has read them).
    let found = client.get(format!("{}/api/v1/alerts/{alert}", restored.url)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(found.status(), 200);
    assert!(kept_files(&elsewhere.join("files")) >= 20, "photos");
    assert_eq!(std::fs::read_to_string(elsewhere.join(sealed)).unwrap(), "sealed");
}

/// Photos that the load brings at most: those that no act names are limited.
const PHOTOS_MAX: usize = 90;

/// Another picture for each number.
fn photo(number: usize) -> Vec<u8> {
    let mut photo = std::io::Cursor::new(Vec::new());
    let shade = u8::try_from(number % 256).unwrap();
    let picture = image::RgbImage::from_fn(320, 240, |x, y| image::Rgb([shade, (x % 256) as u8, (y % 256) as u8]));
    picture.write_to(&mut photo, image::ImageFormat::Jpeg).unwrap();
    photo.into_inner()
}

fn kept_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { kept_files(&path) } else { 1 }).sum()
}

/// The alert of a camera that cannot be reached; its id.
async fn raised_alert(server: &Running, client: &reqwest::Client, token: &str) -> String {
    let url = |path: &str| format!("{}/api/v1{path}", server.url);
    let made = |path: &'static str, body: serde_json::Value| async move {
        let made = client.post(url(path)).bearer_auth(token).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 201, "{path}");
        made.json::<serde_json::Value>().await.unwrap()["id"].clone()
    };
    let tops: serde_json::Value = client.get(url("/organizations")).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let district = made("/organizations", json!({"name": "明湖区", "level": "district", "parent_id": tops["items"][0]["id"]})).await;
    let premises = made("/premises", json!({"name": "东岸小学食堂", "kind": "school_canteen", "organization_id": district})).await;
    made("/cameras", json!({"name": "灶台", "premises_id": premises, "source_url": "rtsp://127.0.0.1:1/none"})).await;
    crate::support::until("an alert is raised", || async {
        let list = client.get(url("/alerts")).bearer_auth(token).send().await.unwrap().json::<serde_json::Value>().await.unwrap();
        list["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_restored_elsewhere_sqlite() {
    backup_under_load(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_restored_elsewhere_postgres() {
    backup_under_load(Engine::Postgres).await;
}

async fn faults_are_found(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = database(engine, folder.path());
    let (mut server, client, token) = busy_server(engine, &data, &url).await;
    let mut photo = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 64, image::Rgb([200, 120, 40])).write_to(&mut photo, image::ImageFormat::Jpeg).unwrap();
    // Evidence comes from those who answer alerts.
    let officer = run(
        &[&["admin", "create", "--username", "zhao", "--role", "officer", "--password-stdin"][..], &place(&data, &url)].concat(),
        PASSWORD,
    );
    assert!(officer.status.success());
    let (_, tokens) = server.post("/auth/login", &json!({"username": "zhao", "password": PASSWORD})).await;
    let stored = client
        .post(format!("{}/api/v1/files", server.url))
        .bearer_auth(tokens["access_token"].as_str().unwrap())
        .header("content-type", "image/jpeg")
        .body(photo.into_inner())
        .send()
        .await
        .unwrap();
    let file: serde_json::Value = stored.json().await.unwrap();
    let sha256 = file["sha256"].as_str().unwrap_or_else(|| panic!("{file}")).to_owned();
    let renamed =
        client.post(format!("{}/api/v1/operators", server.url)).bearer_auth(&token).json(&json!({"name": "绿源"})).send().await.unwrap();
    assert_eq!(renamed.status(), 201);
    // The chain is linked within a second; what is not linked yet is no fault.
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(command(&["check"], place(&data, &url)).status.success());

    let path = data.join("files/sha256").join(&sha256[..2]).join(&sha256[2..4]).join(&sha256);
    let whole = std::fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("does not hash to its name"), "{}", text(&out.stdout));
    std::fs::remove_file(&path).unwrap();
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("is not in the file store"), "{}", text(&out.stdout));
    std::fs::write(&path, &whole).unwrap();

    // Somebody with the database in hand changes who did it.
    let db = server::store::Db::open(&url, &media::Supervisor::new()).await.unwrap();
    crate::support::tamper(&db, "UPDATE audit_log SET actor_name = 'nobody' WHERE seq = 1").await;
    let out = command(&["check"], place(&data, &url));
    assert!(
        out.status.code() == Some(1) && text(&out.stdout).contains("row 1 ") && text(&out.stdout).contains("was changed"),
        "{}",
        text(&out.stdout)
    );
    crate::support::tamper(&db, "DELETE FROM audit_log WHERE seq = (SELECT MAX(seq) FROM audit_log)").await;
    db.close().await;
    std::fs::write(data.join("audit-heads.log"), "2026-11-23 9999 abcd key signature\n").unwrap();
    let out = command(&["check"], place(&data, &url));
    assert!(text(&out.stdout).contains("the end of the chain was cut off"), "{}", text(&out.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_found_sqlite() {
    faults_are_found(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_found_postgres() {
    faults_are_found(Engine::Postgres).await;
}

/// The recorded files below a folder.
fn recorded(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => waiting.push(entry.path()),
                false if entry.path().extension().is_some_and(|ending| ending == "mp4") => found.push(entry.path()),
                false => {}
            }
        }
    }
    found
}

/// Waits until a recording made since `before` has some bytes.
async fn wait_for_recording(folder: &Path, before: &[std::path::PathBuf]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !recorded(folder).iter().any(|path| !before.contains(path) && std::fs::metadata(path).is_ok_and(|file| file.len() > 100_000)) {
        assert!(Instant::now() < deadline, "nothing is recorded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_are_repaired_after_kill_9_and_lost_ones_become_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = database(Engine::Sqlite, folder.path());
    let (mut server, client, token) = busy_server(Engine::Sqlite, &data, &url).await;
    let post = |url: String, body: serde_json::Value| {
        let (client, token) = (client.clone(), token.clone());
        async move {
            let made = client.post(url).bearer_auth(token).json(&body).send().await.unwrap();
            assert_eq!(made.status(), 201);
            made.json::<serde_json::Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
        }
    };
    let api = format!("{}/api/v1", server.url);
    let tops: serde_json::Value =
        client.get(format!("{api}/organizations")).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
    let district =
        post(format!("{api}/organizations"), json!({"name": "明湖区", "level": "district", "parent_id": tops["items"][0]["id"]})).await;
    let premises =
        post(format!("{api}/premises"), json!({"name": "东岸小学食堂", "kind": "school_canteen", "organization_id": district})).await;
    let camera = post(format!("{api}/cameras"), json!({"name": "灶台", "premises_id": premises, "source_url": "test:"})).await;

    let recordings = data.join("recordings");
    wait_for_recording(&recordings, &[]).await;
    server.child.kill().unwrap();
    server.wait();
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.success() && text(&out.stdout).contains("when the server was killed: the next start"), "{}", text(&out.stdout));
    // Where no server was killed, a file that is not closed is a fault; so is one that is not the newest.
    let lock = std::fs::read(data.join("lock")).unwrap();
    std::fs::write(data.join("lock"), "").unwrap();
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("was not closed in order"), "{}", text(&out.stdout));
    std::fs::write(data.join("lock"), lock).unwrap();
    let out = command(&["check", "--repair"], place(&data, &url));
    assert!(out.status.success() && text(&out.stdout).contains("repaired"), "{}", text(&out.stdout));
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.success(), "nothing is left: {}", text(&out.stdout));

    // Killed again, the next start repairs by itself; an orderly stop leaves nothing to do.
    let before = recorded(&recordings);
    let mut server = Running::start(&data, &["--database-url", &url]);
    wait_for_recording(&recordings, &before).await;
    server.child.kill().unwrap();
    server.wait();
    let before = recorded(&recordings);
    let mut server = Running::start(&data, &["--database-url", &url]);
    wait_for_recording(&recordings, &before).await;
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.success(), "beside the running server: {}", text(&out.stdout));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.success(), "after an orderly stop: {}", text(&out.stdout));

    std::fs::remove_file(&before[0]).unwrap();
    let out = command(&["check"], place(&data, &url));
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("in the index and not on the disk"), "{}", text(&out.stdout));
    assert!(command(&["check", "--repair"], place(&data, &url)).status.success());
    let db = server::store::Db::open(&url, &media::Supervisor::new()).await.unwrap();
    let gaps = server::store::recordings::gaps(&mut db.read().await.unwrap().conn(), &camera, 0, i64::MAX).await.unwrap();
    assert!(gaps.iter().any(|gap| gap.reason == "disk"), "{gaps:?}");
}
