//! The program is killed at random while many phones send: every acknowledged inspection is there, whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use e2e::{Client, Program, postgres};
use mobile_api::canonical;
use mobile_api::judge::judge;
use mobile_api::template::TemplateBody;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const PHONES: usize = 8;
const KILLS: usize = 6;
/// A phone that hears nothing tries again after this.
const PAUSE: Duration = Duration::from_millis(40);

/// An inspection on a phone, with one photo.
#[derive(Clone)]
struct Draft {
    id: Uuid,
    put: Value,
    photo_id: Uuid,
    photo: Vec<u8>,
    submission: Value,
}

impl Draft {
    fn new(premises: &str, template_id: &str, template: &TemplateBody, officer: &str) -> Self {
        let (id, part_id, photo_id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let mut picture = image::RgbImage::new(64, 48);
        for (place, pixel) in picture.pixels_mut().enumerate() {
            let bytes = id.as_bytes();
            *pixel = image::Rgb([bytes[place % 16], bytes[(place + 5) % 16], u8::try_from(place % 251).unwrap()]);
        }
        let mut content = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut content, image::ImageFormat::Png).unwrap();
        let photo = content.into_inner();
        let header = json!({"premises_id": premises, "template_id": template_id, "kind": "routine", "started_at": "2026-11-23T06:05:00.000Z",
            "officers": [officer], "device": {"id": "phone"}});
        let answers: Vec<Value> = template
            .items()
            .map(
                |item| json!({"item_code": item.code, "result": "conforms", "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}),
            )
            .collect();
        let evidence = json!({"id": photo_id, "kind": "photo", "sha256": sha256(&photo), "filetype": "image/png", "bytes": photo.len(),
            "taken_at": "2026-11-23T06:09:00.000Z"});
        let part = json!({"device_id": "phone", "answers": answers, "evidence": [evidence], "locations": [], "signatures": [],
            "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1_500_000}});
        let part_sha256 = canonical::sha256_hex(&part);
        let typed: Vec<_> = serde_json::from_value(part["answers"].clone()).unwrap();
        let submission = json!({"parts": [{"id": part_id, "content_sha256": part_sha256}], "choices": {}, "result": judge(template, &typed),
            "submitted_at": "2026-11-23T06:40:00.000Z"});
        let put = json!({"header": header, "content_sha256": canonical::sha256_hex(&header),
            "part": {"id": part_id, "content": part, "content_sha256": part_sha256, "revision": 1}});
        Self { id, put, photo_id, photo, submission }
    }
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the server has said yes to.
#[derive(Default)]
struct Acknowledged {
    headers: BTreeMap<Uuid, Draft>,
    photos: BTreeMap<Uuid, Draft>,
    submissions: BTreeMap<Uuid, Draft>,
}

/// A phone: it sends until it is told to stop, and begins nothing new afterwards.
struct Phone {
    client: Client,
    officer: String,
}

impl Phone {
    /// The answer's status, and where an upload lies and stands; `None` without one.
    async fn ask(&self, request: reqwest::RequestBuilder) -> Option<(u16, String, usize)> {
        let response = request.timeout(Duration::from_secs(10)).send().await.ok()?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let told = (response.status().as_u16(), header("location"), header("upload-offset").parse().unwrap_or(0));
        response.bytes().await.ok()?;
        (told.0 < 500).then_some(told)
    }

    /// Sends one step once; whether it was acknowledged.
    async fn put(&self, draft: &Draft) -> bool {
        let request = self.client.request(Method::PUT, &format!("/inspections/{}", draft.id)).json(&draft.put);
        match self.ask(request).await {
            Some((200 | 201, ..)) => true,
            Some((status, ..)) => panic!("{status}"),
            None => false,
        }
    }

    async fn upload(&self, draft: &Draft) -> bool {
        let pack = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let metadata = format!(
            "inspection_id {},evidence_id {},sha256 {},filetype {}",
            pack(&draft.id.to_string()),
            pack(&draft.photo_id.to_string()),
            pack(&sha256(&draft.photo)),
            pack("image/png")
        );
        let begin =
            self.client.request(Method::POST, "/uploads").header("Tus-Resumable", "1.0.0").header("Upload-Length", draft.photo.len());
        let Some((status, location, stands)) = self.ask(begin.header("Upload-Metadata", metadata)).await else { return false };
        assert_eq!(status, 201);
        let mut offset = stands;
        while offset < draft.photo.len() {
            let end = (offset + draft.photo.len() / 3 + 1).min(draft.photo.len());
            let piece = self.client.request(Method::PATCH, location.trim_start_matches("/api/v1")).header("Tus-Resumable", "1.0.0");
            let piece = piece.header("Upload-Offset", offset).header("Content-Type", "application/offset+octet-stream");
            match self.ask(piece.body(draft.photo[offset..end].to_vec())).await {
                Some((204, _, stands)) => offset = stands,
                // It stands elsewhere, or a half of it was not kept: begun again.
                Some(_) | None => return false,
            }
        }
        true
    }

    async fn submit(&self, draft: &Draft) -> bool {
        let request = self.client.request(Method::POST, &format!("/inspections/{}/submit", draft.id)).json(&draft.submission);
        match self.ask(request).await {
            Some((200, ..)) => true,
            Some((status, ..)) => panic!("{status}"),
            None => false,
        }
    }
}

async fn killed(database_url: Option<String>) {
    let mut program = Program::start(database_url, &[]).await;
    let root = program.sign_in("root").await;
    let (office, premises) = root.plant().await;
    let (_, list) = root.get("/templates?kind=school_canteen").await;
    let template_id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let (_, template) = root.get(&format!("/templates/{template_id}")).await;
    let template: Arc<TemplateBody> = Arc::new(serde_json::from_value(template["body"].clone()).unwrap());
    for number in 0..PHONES {
        root.add_person(&format!("officer-{number}"), "officer", &office).await;
    }
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    // What was begun and not ended when a kill came goes on after the next start, as a phone's outbox does.
    let mut outboxes: Vec<Option<Draft>> = vec![None; PHONES];
    for round in 0..KILLS {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = Vec::new();
        for (number, unfinished) in outboxes.iter().enumerate() {
            let client = program.sign_in(&format!("officer-{number}")).await;
            let (_, me) = client.get("/me").await;
            let phone = Phone { client, officer: me["id"].as_str().unwrap().to_owned() };
            let (unfinished, stop, acknowledged) = (unfinished.clone(), stop.clone(), acknowledged.clone());
            let (premises, template_id, template) = (premises.clone(), template_id.clone(), template.clone());
            running.push(tokio::spawn(async move {
                let mut next = unfinished;
                while !stop.load(Ordering::Relaxed) {
                    let draft = next.take().unwrap_or_else(|| Draft::new(&premises, &template_id, &template, &phone.officer));
                    let note = |of: fn(&mut Acknowledged) -> &mut BTreeMap<Uuid, Draft>| {
                        of(&mut acknowledged.lock().unwrap()).insert(draft.id, draft.clone());
                    };
                    let mut done = phone.put(&draft).await;
                    if done {
                        note(|all| &mut all.headers);
                        done = phone.upload(&draft).await;
                    }
                    if done {
                        note(|all| &mut all.photos);
                        done = phone.submit(&draft).await;
                    }
                    if done {
                        note(|all| &mut all.submissions);
                        continue;
                    }
                    next = Some(draft);
                    tokio::time::sleep(PAUSE).await;
                }
                next
            }));
        }
        // Any moment: the millisecond that a new id holds is as good as a die.
        let die = u64::try_from(Uuid::now_v7().as_u128() % 700).unwrap();
        tokio::time::sleep(Duration::from_millis(900 + die)).await;
        program.kill();
        stop.store(true, Ordering::Relaxed);
        outboxes.clear();
        for ended in running {
            outboxes.push(ended.await.unwrap());
        }
        let (code, said) = program.run(&["check"]);
        assert_eq!(code, Some(0), "kill {round}: {said}");
        program.serve().await;
    }
    let root = program.sign_in("root").await;
    let acknowledged = Arc::into_inner(acknowledged).unwrap().into_inner().unwrap();
    for (id, draft) in &acknowledged.headers {
        let (status, page) = root.get(&format!("/inspections/{id}")).await;
        assert_eq!((status, page["parts"].as_array().map(Vec::len)), (200, Some(1)), "{page}");
        let submitted = acknowledged.submissions.contains_key(id);
        assert!(!submitted || page["state"] == "complete", "{page}");
        if acknowledged.photos.contains_key(id) {
            let (status, _, content) = root.bytes(&format!("/inspections/{id}/evidence/{}", draft.photo_id)).await;
            assert_eq!(status, 200, "{id}");
            assert!(content == draft.photo, "the photo is whole");
        }
    }
    let (_, list) = root.get("/inspections?limit=1").await;
    let count = u64::try_from(acknowledged.headers.len()).unwrap();
    let pending = u64::try_from(PHONES).unwrap();
    assert!((count.min(1_000)..=count + pending).contains(&list["total"].as_u64().unwrap()), "{count}: {list}");
    assert!(program.stop());
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    eprintln!(
        "{KILLS} kills: {count} inspections begun, {} photos, {} submitted; all there",
        acknowledged.photos.len(),
        acknowledged.submissions.len()
    );
    assert!(acknowledged.submissions.len() > KILLS, "there was a load");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_a_load_of_inspections_on_sqlite_nothing_acknowledged_is_lost() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_a_load_of_inspections_on_postgres_nothing_acknowledged_is_lost() {
    killed(Some(postgres::database(true))).await;
}
