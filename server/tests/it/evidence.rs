//! Exported clips prove that they are unchanged, through the real program: what a camera sent is recorded, exported with
//! its manifest, tampered with in every way somebody might try, and judged off line.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cli::{Running, run, text};
use crate::support::until;

const PASSWORD: &str = "correct-horse-battery";
const REASON: &str = "案件 2026-117 取证";
/// Recorded before the export, ms: several fragments.
const RECORDED_MS: i64 = 9_000;

/// What libgcrypt, which ffmpeg links, says where a container does not let it lock memory; no complaint about a file.
const UNLOCKED_MEMORY: &str = "Warning: using insecure memory!\n";

struct House {
    server: Running,
    client: reqwest::Client,
    token: String,
}

impl House {
    async fn open(data: &Path) -> Self {
        let out = run(
            &[
                "admin",
                "create",
                "--username",
                "wang",
                "--role",
                "administrator",
                "--role",
                "supervisor",
                "--password-stdin",
                "--data",
                data.to_str().unwrap(),
            ],
            PASSWORD,
        );
        assert!(out.status.success(), "{}", text(&out.stderr));
        let server = Running::start(data, &[]);
        let (_, tokens) = server.post("/auth/login", &json!({"username": "wang", "password": PASSWORD})).await;
        Self { server, client: reqwest::Client::new(), token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}/api/v1{path}", self.server.url)).bearer_auth(&self.token).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn now(&self) -> String {
        self.json("/me").await["server_time"].as_str().unwrap().to_owned()
    }

    async fn made(&self, path: &str, body: Value) -> String {
        let made = self.client.post(format!("{}/api/v1{path}", self.server.url)).bearer_auth(&self.token).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// A camera that has recorded for a while: its id, and the query that asks for that while.
    async fn recorded(&self) -> (String, String) {
        let tops = self.json("/organizations").await;
        let district =
            self.made("/organizations", json!({"name": "明湖区", "level": "district", "parent_id": tops["items"][0]["id"]})).await;
        let premises = self.made("/premises", json!({"name": "东岸小学食堂", "kind": "school_canteen", "organization_id": district})).await;
        let camera = self.made("/cameras", json!({"name": "灶台", "premises_id": premises, "source_url": "test:"})).await;
        let began = self.now().await;
        let span = until("enough is recorded", || async {
            let spans = self.json(&format!("/cameras/{camera}/timeline?start={began}&end={}", self.now().await)).await["segments"].clone();
            let span = spans.as_array().and_then(|spans| spans.last().cloned())?;
            (ms(&span["end"]) - ms(&span["start"]) >= RECORDED_MS).then_some(span)
        })
        .await;
        let query = format!("start={}&end={}", span["start"].as_str().unwrap(), span["end"].as_str().unwrap());
        (camera, query)
    }
}

fn ms(moment: &Value) -> i64 {
    moment.as_str().unwrap().parse::<mobile_api::moment::Moment>().unwrap().0
}

/// Exit code and words of `verify`.
fn verify(clip: &Path, more: &[&str]) -> (Option<i32>, String) {
    let out = run(&[&["verify", clip.to_str().unwrap()][..], more].concat(), "");
    (out.status.code(), text(&out.stdout) + &text(&out.stderr))
}

/// Where the body of each `mdat` begins.
fn mdats(clip: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(head) = clip.get(at..at + 8) {
        if &head[4..] == b"mdat" {
            found.push(at + 8);
        }
        at += usize::try_from(u32::from_be_bytes(head[..4].try_into().unwrap())).unwrap();
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exported_clip_proves_itself_and_names_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(&folder.path().join("data")).await;
    let (camera, query) = house.recorded().await;
    let reason: String = url::form_urlencoded::byte_serialize(REASON.as_bytes()).collect();
    let saved = house.get(&format!("/cameras/{camera}/recording.mp4?{query}&download=1&reason={reason}")).await;
    assert_eq!(saved.status(), 200);
    let export_id = saved.headers()["x-export-id"].to_str().unwrap().to_owned();
    let promised = saved.content_length();
    let bytes = saved.bytes().await.unwrap().to_vec();
    assert_eq!(promised, Some(bytes.len() as u64), "its length is known before its first byte");
    let clip = folder.path().join("clip.mp4");
    std::fs::write(&clip, &bytes).unwrap();

    // It plays, it is unchanged, and it says who took it and why.
    let (code, manifest) = verify(&clip, &["--json"]);
    assert_eq!(code, Some(0), "{manifest}");
    let end = manifest.rfind('}').unwrap();
    let manifest: Value = serde_json::from_str(&manifest[..=end]).unwrap();
    assert_eq!(
        (&manifest["reason"], &manifest["export_id"], &manifest["camera"]["id"], &manifest["exported_by"]["name"]),
        (&json!(REASON), &json!(export_id), &json!(camera), &json!("wang"))
    );
    let frames = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
        .arg(&clip)
        .output()
        .unwrap();
    let complaints = text(&frames.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(complaints.is_empty(), "{complaints}");
    assert_eq!(text(&frames.stdout).trim().trim_end_matches(','), manifest["frames"].to_string());
    let fragments = manifest["fragments"].as_array().unwrap();
    assert!(fragments.len() >= 3, "{fragments:?}");
    let keys: Value = house.client.get(format!("{}/api/v1/keys", house.server.url)).send().await.unwrap().json().await.unwrap();
    let fingerprint = keys["items"][0]["fingerprint"].as_str().unwrap();
    assert_eq!(verify(&clip, &["--key", fingerprint]).0, Some(0));
    assert_eq!(verify(&clip, &["--key", keys["items"][0]["public_key"].as_str().unwrap()]).0, Some(0));
    let (code, said) = verify(&clip, &["--key", &"0".repeat(64)]);
    assert!(code == Some(1) && said.contains("NOT OURS"), "{said}");
    let audit = until("the export is in the audit log", || async {
        let log = house.json("/audit?action=export").await;
        log["items"].as_array().and_then(|items| items.iter().find(|item| item["detail"]["export_id"] == json!(export_id)).cloned())
    })
    .await;
    assert_eq!(audit["detail"]["reason"], REASON);

    // Changed pictures: the fragment is named.
    let changed = folder.path().join("changed.mp4");
    let try_with = |bytes: &[u8]| {
        std::fs::write(&changed, bytes).unwrap();
        verify(&changed, &[])
    };
    let starts = mdats(&bytes);
    let second = usize::try_from(fragments[0]["chunks"].as_u64().unwrap()).unwrap();
    let third = second + usize::try_from(fragments[1]["chunks"].as_u64().unwrap()).unwrap();
    let mut touched = bytes.clone();
    touched[starts[second] + 20] ^= 1;
    let (code, said) = try_with(&touched);
    assert!(code == Some(1) && said.contains("fragment 2 (") && said.contains("was changed"), "{said}");
    assert_eq!(said.matches("CHANGED").count(), 1, "only that one: {said}");

    // A fragment cut out, with its `moof` before each `mdat`.
    let whole = |mdat: usize| mdat - 8 - moof_len(&bytes, mdat - 8);
    let cut = [&bytes[..whole(starts[second])], &bytes[whole(starts[third])..]].concat();
    let (code, said) = try_with(&cut);
    assert!(code == Some(1) && said.contains("fragment 2 (") && said.contains("is missing"), "{said}");
    assert_eq!(said.matches("CHANGED").count(), 1, "only that one: {said}");

    // Pictures as they were, their times not; the words of the manifest changed; the document taken away.
    let mut shifted = bytes.clone();
    shifted[whole(starts[second]) + 23] ^= 1;
    let (code, said) = try_with(&shifted);
    assert!(code == Some(1) && said.contains("the pictures are as they were exported, but"), "{said}");
    let mut other_words = bytes.clone();
    let at = bytes.windows(REASON.len()).rposition(|words| words == REASON.as_bytes()).unwrap();
    other_words[at..at + REASON.len()].copy_from_slice(REASON.replace("117", "118").as_bytes());
    let (code, said) = try_with(&other_words);
    assert!(code == Some(1) && said.contains("the manifest was changed"), "{said}");
    let plain = house.get(&format!("/cameras/{camera}/recording.mp4?{query}")).await.bytes().await.unwrap();
    assert_eq!(plain, bytes[..plain.len()], "but for the document it is the file that is played");
    let (code, said) = try_with(&plain);
    assert!(code == Some(1) && said.contains("carries no manifest"), "{said}");

    // A manifest beside the file proves as much.
    let beside = folder.path().join("clip.manifest.json");
    let document = house.get(&format!("/cameras/{camera}/recording.manifest.json?{query}&reason={reason}")).await;
    assert_eq!(document.status(), 200);
    std::fs::write(&beside, document.bytes().await.unwrap()).unwrap();
    assert_eq!(verify(&changed, &["--manifest", beside.to_str().unwrap()]).0, Some(0));
    let long = "x".repeat(501);
    assert_eq!(house.get(&format!("/cameras/{camera}/recording.mp4?{query}&download=1&reason={long}")).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marked_copy_says_that_it_is_one_and_names_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(&folder.path().join("data")).await;
    let (camera, query) = house.recorded().await;
    let whole = house.get(&format!("/cameras/{camera}/recording.mp4?{query}&download=1")).await.bytes().await.unwrap();
    let copy = house.get(&format!("/cameras/{camera}/recording.mp4?{query}&watermark=true")).await;
    assert_eq!(copy.status(), 200);
    let export_id = copy.headers()["x-export-id"].to_str().unwrap().to_owned();
    assert!(copy.headers()["content-disposition"].to_str().unwrap().contains("-marked.mp4"));
    let copy = copy.bytes().await.unwrap().to_vec();
    let (original, marked) = (folder.path().join("original.mp4"), folder.path().join("marked.mp4"));
    std::fs::write(&original, &whole).unwrap();
    std::fs::write(&marked, &copy).unwrap();

    let said = |clip: &Path| {
        let (code, said) = verify(clip, &["--json"]);
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str::<Value>(&said[..=said.rfind('}').unwrap()]).unwrap()
    };
    let (of_original, of_copy) = (said(&original), said(&marked));
    assert_eq!(of_original["format"], "bright-kitchen-evidence-1");
    assert!(of_original.get("marked").is_none(), "an original says nothing of marks");
    assert_eq!((&of_copy["format"], &of_copy["export_id"]), (&json!("bright-kitchen-marked-copy-1"), &json!(export_id)));
    assert_eq!(of_copy["marked"]["originals"], of_original["fragments"], "made from those very fragments");
    assert_eq!((&of_copy["frames"], &of_copy["marked"]["frames"]), (&of_original["frames"], &of_original["frames"]));
    let lines = of_copy["marked"]["lines"].to_string();
    assert!(["东岸小学食堂", "灶台", "wang", &export_id[export_id.len() - 8..]].iter().all(|word| lines.contains(word)), "{lines}");

    // In words: nobody takes the one for the other.
    let (_, words) = verify(&marked, &[]);
    assert!(words.contains("MARKED") && words.contains("not the recording itself") && !words.contains("as recorded"), "{words}");
    let (_, words) = verify(&original, &[]);
    assert!(words.contains("as recorded") && !words.contains("MARKED"), "{words}");

    // A copy is proved as an original is; and a manifest that leaves out what it is does not hold.
    let changed = folder.path().join("changed.mp4");
    let mut touched = copy.clone();
    touched[mdats(&copy)[1] + 20] ^= 1;
    std::fs::write(&changed, &touched).unwrap();
    let (code, words) = verify(&changed, &[]);
    assert!(code == Some(1) && words.contains("was changed"), "{words}");
    let at = copy.windows(9).rposition(|bytes| bytes == b"\"marked\":").unwrap();
    let mut unmarked = copy.clone();
    unmarked[at + 1] = b'x';
    std::fs::write(&changed, &unmarked).unwrap();
    let (code, words) = verify(&changed, &[]);
    assert!(code == Some(1) && words.contains("its form is"), "{words}");
    let log = house.json("/audit?action=export").await;
    let noted = log["items"].as_array().unwrap().iter().find(|item| item["detail"]["export_id"] == json!(export_id));
    assert_eq!(noted.map(|item| item["detail"]["marked"].clone()), Some(json!(true)), "{log}");
}

/// Length of the `moof` that ends where the `mdat` at `at` begins.
fn moof_len(clip: &[u8], at: usize) -> usize {
    let mut start = 0;
    loop {
        let len = usize::try_from(u32::from_be_bytes(clip[start..start + 4].try_into().unwrap())).unwrap();
        if start + len == at {
            return len;
        }
        start += len;
    }
}
