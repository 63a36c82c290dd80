//! Inspections made beforehand, as phones send them, and what a peer is sent in their place.

use mobile_api::canonical;
use mobile_api::judge::judge;
use mobile_api::template::TemplateBody;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::http;

/// Items of the checklist.
pub(crate) const ITEMS: usize = 35;
/// Of these fail.
const FAILED: [usize; 3] = [4, 17, 30];

/// The checklist: five sections of seven items, every fifth a key item.
pub(crate) fn checklist() -> Value {
    let words = |text: String| json!({"zh": text, "en": text});
    let item = |at: usize| {
        json!({"code": format!("{}.{}", at / 7 + 1, at % 7 + 1), "key": at.is_multiple_of(5), "text": words(format!("第 {at} 项：食品离地离墙存放，标明名称和日期")),
            "basis": "GB 31654-2021 7.1", "min_photos": 0, "photo_on_fail": false})
    };
    let sections: Vec<Value> = (0..ITEMS / 7)
        .map(|section| {
            let items: Vec<Value> = (section * 7..section * 7 + 7).map(item).collect();
            json!({"code": (section + 1).to_string(), "name": words(format!("第 {section} 节")), "items": items})
        })
        .collect();
    json!({"code": "bench", "name": words("三十五项".to_owned()), "premises_kinds": ["school_canteen"], "audience": "officer", "source": words("bench".to_owned()),
        "body": {"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": sections}})
}

/// Whose inspections are made, where and by which checklist.
pub(crate) struct Frame<'a> {
    pub(crate) premises_id: &'a str,
    pub(crate) template_id: &'a str,
    pub(crate) template: &'a TemplateBody,
    pub(crate) officer_id: &'a str,
    /// `Bearer …`.
    pub(crate) token: &'a str,
}

/// An inspection on its way.
pub(crate) struct Made {
    pub(crate) id: Uuid,
    /// As our phone sends them: header, part and submission; then each photo.
    pub(crate) requests: Vec<Vec<u8>>,
    /// The submission once more, which says what is missing.
    pub(crate) again: Vec<u8>,
    /// All of it as one record.
    pub(crate) record: Value,
}

/// A picture and the id it has as evidence.
pub(crate) struct Photo {
    pub(crate) id: Uuid,
    pub(crate) content: Vec<u8>,
    pub(crate) sha256: String,
}

impl Photo {
    /// Made of a JPEG, with a comment that makes it like no other.
    pub(crate) fn like(jpeg: &[u8]) -> Self {
        let id = Uuid::now_v7();
        let mut content = jpeg[..2].to_vec();
        content.extend([0xff, 0xfe, 0, 38]);
        content.extend(id.to_string().bytes());
        content.extend_from_slice(&jpeg[2..]);
        let sha256 = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { id, content, sha256 }
    }

    fn named(&self, item_code: &str) -> Value {
        json!({"id": self.id, "kind": "photo", "sha256": self.sha256, "filetype": "image/jpeg", "bytes": self.content.len(),
            "taken_at": "2026-11-23T06:09:00.000Z", "item_code": item_code})
    }

    /// Its creation with its content, tus 1.0.
    pub(crate) fn upload(&self, path: &str, inspection: Uuid, token: Option<&str>) -> Vec<u8> {
        use base64::Engine as _;
        let packed = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let metadata = [
            ("inspection_id", inspection.to_string()),
            ("evidence_id", self.id.to_string()),
            ("sha256", self.sha256.clone()),
            ("filetype", "image/jpeg".to_owned()),
        ];
        let metadata = metadata.map(|(name, value)| format!("{name} {}", packed(&value))).join(",");
        let length = self.content.len().to_string();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", length.as_str()),
            ("upload-metadata", metadata.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        http::request("POST", path, token, &headers, &self.content)
    }
}

impl Made {
    /// One with these photos, of the items that fail, in turn: a paper prints four of each at most.
    pub(crate) fn new(frame: &Frame<'_>, photos: &[Photo]) -> Self {
        let (id, part_id) = (Uuid::now_v7(), Uuid::now_v7());
        let header = json!({"premises_id": frame.premises_id, "template_id": frame.template_id, "kind": "routine", "started_at": "2026-11-23T06:05:00.000Z",
            "officers": [frame.officer_id], "device": {"id": "phone-bench", "model": "Bench"}});
        let items = frame.template.items().enumerate().filter(|(at, _)| FAILED.contains(at));
        let codes: Vec<&str> = items.map(|(_, item)| item.code.as_str()).collect();
        let evidence: Vec<Value> = photos.iter().zip(codes.iter().cycle()).map(|(photo, code)| photo.named(code)).collect();
        let answers: Vec<Value> = frame.template.items().enumerate().map(|(at, item)| answer(at, &item.code, photos)).collect();
        let content = json!({"device_id": "phone-bench", "answers": answers, "evidence": evidence,
            "locations": [{"latitude": 23.466, "longitude": 116.755, "accuracy_m": 12.5, "device_time": "2026-11-23T06:05:00.000Z"}],
            "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1_500_000}});
        let part_sha256 = canonical::sha256_hex(&content);
        let answers: Vec<_> = serde_json::from_value(content["answers"].clone()).unwrap();
        let submit = json!({"parts": [{"id": part_id, "content_sha256": part_sha256}], "choices": {},
            "result": judge(frame.template, &answers), "submitted_at": "2026-11-23T06:40:00.000Z"});
        let put = json!({"header": header, "content_sha256": canonical::sha256_hex(&header),
            "part": {"id": part_id, "content": content, "content_sha256": part_sha256, "revision": 1}, "submission": submit});
        let path = format!("/api/v1/inspections/{id}");
        let mut requests = vec![http::json("PUT", &path, Some(frame.token), &put)];
        requests.extend(photos.iter().map(|photo| photo.upload("/api/v1/uploads", id, Some(frame.token))));
        let again = http::json("POST", &format!("{path}/submit"), Some(frame.token), &submit);
        let record = json!({"uid": id, "header": header, "content": content, "result": submit["result"]});
        Self { id, requests, again, record }
    }
}

fn answer(at: usize, code: &str, photos: &[Photo]) -> Value {
    let of_item = photos.iter().zip(FAILED.iter().cycle()).filter(|(_, failed)| **failed == at);
    let named: Vec<Uuid> = of_item.map(|(photo, _)| photo.id).take(20).collect();
    if FAILED.contains(&at) {
        return json!({"item_code": code, "result": "fails", "remark": "离墙不足10厘米，已当场告知", "affects_safety": false, "reason": "未影响食品安全",
            "answered_at": "2026-11-23T06:12:00.000Z", "evidence_ids": named});
    }
    json!({"item_code": code, "result": "conforms", "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": named})
}
