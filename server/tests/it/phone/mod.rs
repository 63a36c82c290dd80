//! The phone's contract: files, templates, assignments, inspections, uploads, synchronisation.

mod alerts;
mod assignments;
mod drafts;
mod extremes;
mod files;
mod inspections;
mod late;
mod network;
pub(crate) mod originals;
mod photos;
mod replays;
mod signing;
mod submissions;
mod sync;
mod team;

mod uploads;

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use mobile_api::canonical;
use mobile_api::judge::judge;
use mobile_api::template::TemplateBody;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Client, Node, TestApp};

/// An officer with a phone.
pub struct Phone {
    pub client: Client,
    pub user_id: String,
    pub device_id: String,
}

impl Phone {
    /// An officer at a node.
    pub async fn at(app: &TestApp, node: &Node) -> Self {
        Self::of("officer", app, node).await
    }

    /// Somebody of a role at a node.
    pub async fn of(role: &str, app: &TestApp, node: &Node) -> Self {
        let client = app.person(role, node).await;
        let (_, me) = client.get("/me").await;
        Self { client, user_id: text(&me["id"]), device_id: format!("phone-{}", &Uuid::now_v7().simple().to_string()[24..]) }
    }

    /// The school canteen template that ships.
    pub async fn template(&self) -> Template {
        let (status, list) = self.client.get("/templates?kind=school_canteen").await;
        assert_eq!((status, list["items"][0]["code"].as_str()), (StatusCode::OK, Some("school_canteen")), "{list}");
        let id = text(&list["items"][0]["id"]);
        let (_, template) = self.client.get(&format!("/templates/{id}")).await;
        Template { id, body: serde_json::from_value(template["body"].clone()).unwrap() }
    }

    /// Sends a file by tus in one piece; gives the status of the last request.
    pub async fn upload(&self, inspection_id: Uuid, evidence_id: &str, content: &[u8]) -> StatusCode {
        let (status, location, offset) = self.begin_upload(inspection_id, evidence_id, content).await;
        if status != StatusCode::CREATED || offset == content.len() {
            return status;
        }
        self.piece(&location, 0, content, None).await.0
    }

    /// Begins an upload: status, address below `/api/v1`, offset.
    pub async fn begin_upload(&self, inspection_id: Uuid, evidence_id: &str, content: &[u8]) -> (StatusCode, String, usize) {
        let request = self.creation(inspection_id, evidence_id, content.len(), &sha256(content));
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let location = header("location").trim_start_matches("/api/v1").to_owned();
        (response.status(), location, header("upload-offset").parse().unwrap_or(0))
    }

    /// A request that begins an upload.
    pub fn creation(&self, inspection_id: Uuid, evidence_id: &str, bytes: usize, sha256: &str) -> reqwest::RequestBuilder {
        let pairs = [
            ("inspection_id", inspection_id.to_string()),
            ("evidence_id", evidence_id.to_owned()),
            ("sha256", sha256.to_owned()),
            ("filetype", "image/png".to_owned()),
        ];
        let metadata: Vec<String> = pairs.iter().map(|(name, value)| format!("{name} {}", base64(value.as_bytes()))).collect();
        self.client
            .request(Method::POST, "/uploads", None)
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Length", bytes)
            .header("Upload-Metadata", metadata.join(","))
    }

    /// Sends a piece: status, problem type or empty, and where the upload stands.
    pub async fn piece(&self, location: &str, offset: usize, content: &[u8], checksum: Option<&[u8]>) -> (StatusCode, Value, i64) {
        let mut request = self
            .client
            .request(Method::PATCH, location, None)
            .header("Tus-Resumable", "1.0.0")
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream")
            .body(content.to_vec());
        if let Some(checksum) = checksum {
            request = request.header("Upload-Checksum", format!("sha256 {}", base64(checksum)));
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let stands = response
            .headers()
            .get("upload-offset")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok())
            .unwrap_or(-1);
        let problem = serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null);
        (status, problem, stands)
    }

    /// Where an upload stands; `None` where it is gone.
    pub async fn stands(&self, location: &str) -> Option<usize> {
        let response = self.client.request(Method::HEAD, location, None).header("Tus-Resumable", "1.0.0").send().await.unwrap();
        response.headers().get("upload-offset").and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok())
    }
}

/// A template as the phone has it.
pub struct Template {
    pub id: String,
    pub body: TemplateBody,
}

impl Template {
    /// Codes of all items.
    pub fn codes(&self) -> Vec<String> {
        self.body.items().map(|item| item.code.clone()).collect()
    }
}

/// An inspection on a phone.
pub struct Draft {
    pub id: Uuid,
    pub part_id: Uuid,
    pub header: Value,
    pub content: Value,
    pub revision: u32,
}

impl Draft {
    /// Begun at the app's premises, with every item conforming and no evidence.
    pub fn new(app: &TestApp, phone: &Phone, template: &Template) -> Self {
        Self::at(&app.premises.id, phone, template)
    }

    pub fn at(premises_id: &str, phone: &Phone, template: &Template) -> Self {
        let header = json!({"premises_id": premises_id, "template_id": template.id, "kind": "routine", "started_at": "2026-11-23T06:05:00.000Z",
            "officers": [phone.user_id], "device": {"id": phone.device_id, "model": "Test"}});
        let answers: Vec<Value> = template.codes().iter().map(|code| answer(code, "conforms")).collect();
        Self { id: Uuid::now_v7(), part_id: Uuid::now_v7(), header, content: content(&phone.device_id, answers, vec![]), revision: 1 }
    }

    /// Makes an item fail.
    pub fn fail(&mut self, code: &str) {
        for given in self.content["answers"].as_array_mut().unwrap() {
            if given["item_code"] == code {
                *given = json!({"item_code": code, "result": "fails", "remark": "离墙不足10厘米", "affects_safety": false, "reason": "未影响食品安全",
                    "answered_at": "2026-11-23T06:12:00.000Z", "evidence_ids": []});
            }
        }
    }

    /// Names a photo of an item; gives its id.
    pub fn photo(&mut self, code: &str, file: &[u8]) -> String {
        let id = Uuid::now_v7().to_string();
        self.content["evidence"].as_array_mut().unwrap().push(evidence(&id, code, file));
        for given in self.content["answers"].as_array_mut().unwrap() {
            if given["item_code"] == code {
                given["evidence_ids"].as_array_mut().unwrap().push(json!(id));
            }
        }
        id
    }

    pub fn put(&self) -> Value {
        json!({"header": self.header, "content_sha256": canonical::sha256_hex(&self.header),
            "part": {"id": self.part_id, "content": self.content, "content_sha256": canonical::sha256_hex(&self.content), "revision": self.revision}})
    }

    pub fn part(&self) -> Value {
        json!({"content": self.content, "content_sha256": canonical::sha256_hex(&self.content), "revision": self.revision})
    }

    /// A submission with the result that the rule gives.
    pub fn submission(&self, template: &Template) -> Value {
        let answers: Vec<_> = serde_json::from_value(self.content["answers"].clone()).unwrap();
        json!({"parts": [{"id": self.part_id, "content_sha256": canonical::sha256_hex(&self.content)}], "choices": {},
            "result": judge(&template.body, &answers), "submitted_at": "2026-11-23T06:40:00.000Z"})
    }

    /// Header, part and submission, as our phone sends them.
    pub fn whole(&self, template: &Template) -> Value {
        let mut whole = self.put();
        whole["submission"] = self.submission(template);
        whole
    }

    pub fn path(&self) -> String {
        format!("/inspections/{}", self.id)
    }
}

pub fn answer(code: &str, result: &str) -> Value {
    json!({"item_code": code, "result": result, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []})
}

pub fn content(device_id: &str, answers: Vec<Value>, evidence: Vec<Value>) -> Value {
    json!({"device_id": device_id, "answers": answers, "evidence": evidence,
        "locations": [{"latitude": 23.466, "longitude": 116.755, "accuracy_m": 12.5, "device_time": "2026-11-23T06:05:00.000Z"}],
        "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1_500_000}})
}

pub fn evidence(id: &str, code: &str, file: &[u8]) -> Value {
    json!({"id": id, "kind": "photo", "sha256": sha256(file), "filetype": "image/png", "bytes": file.len(), "taken_at": "2026-11-23T06:09:00.000Z", "item_code": code})
}

/// A signature: a line on white, or nothing at all.
pub fn drawn(stroke: bool) -> Vec<u8> {
    let mut picture = RgbImage::from_pixel(300, 120, image::Rgb([255, 255, 255]));
    for x in (20..280).filter(|_| stroke) {
        for thick in 0..3 {
            picture.put_pixel(x, 60 + x % 20 + thick, image::Rgb([16, 22, 31]));
        }
    }
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

/// A picture that is like no other.
pub fn picture(seed: u8) -> Vec<u8> {
    let mut picture = RgbImage::new(400, 300);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let noise = (x.wrapping_mul(31) ^ y.wrapping_mul(17)).wrapping_mul(u32::from(seed) + 7) % 251;
        *pixel = image::Rgb([u8::try_from(noise).unwrap(), seed, u8::try_from(y % 256).unwrap()]);
    }
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

pub fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

pub fn base64(content: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(content)
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
