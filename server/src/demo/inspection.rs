//! A whole inspection as a phone sends it: header, photos, signatures, one part, the submission.

use mobile_api::canonical::sha256_hex;
use mobile_api::moment::Moment;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::drawing;
use super::history::HistoryError;
use super::person::{Checklist, Person};
use super::progress::Progress;

/// How long the officers are there.
const STAY_MS: i64 = 3_000_000;
/// From answer to answer.
const ANSWER_MS: i64 = 40_000;
/// Photos are taken of every so many items that conform.
const PHOTO_EVERY: usize = 12;

/// One that is to be written.
pub(super) struct Visit<'a> {
    /// Names it among the steps.
    pub(super) step: &'a str,
    pub(super) checklist: &'a Checklist,
    /// Premises as the API gives it.
    pub(super) premises: &'a Value,
    /// Who answers for it, in print.
    pub(super) representative: &'a str,
    pub(super) assignment: &'a str,
    pub(super) at_ms: i64,
    /// Codes of items that fail.
    pub(super) failed: &'a [&'a str],
    /// What cameras show, for photos.
    pub(super) stills: &'a [Vec<u8>],
}

/// A file of the phone and what is said of it.
struct File {
    evidence: Value,
    bytes: Vec<u8>,
}

impl Visit<'_> {
    /// The lead sends it; all of it comes again the same if it was interrupted.
    pub(super) async fn send(&self, lead: &Person, second: &Person, progress: &mut Progress) -> Result<(), HistoryError> {
        let id = progress.id(self.step)?;
        let part_id = progress.id(&format!("{} part", self.step))?;
        let header = json!({"premises_id": self.premises["id"], "template_id": self.checklist.id, "assignment_id": self.assignment,
            "kind": "routine", "started_at": Moment(self.at_ms), "officers": [lead.id, second.id], "device": {"id": "demo-phone", "model": "demo"}});
        lead.send(Method::PUT, &format!("/inspections/{id}"), Some(json!({"header": header, "content_sha256": sha256_hex(&header)})))
            .await?;

        let (answers, mut files) = self.answers(progress)?;
        let parsed: Vec<mobile_api::inspection::Answer> =
            serde_json::from_value(json!(answers)).map_err(|_| HistoryError::Lacks("answers of the right shape"))?;
        let judged = mobile_api::judge::judge(&self.checklist.body, &parsed);
        let photos: Vec<Value> = files.iter().map(|file| json!({"id": file.evidence["id"], "sha256": file.evidence["sha256"]})).collect();
        let shown = sha256_hex(&json!({
            "inspection_id": id, "header": header,
            "premises": {"id": self.premises["id"], "name": self.premises["name"], "address": self.premises["address"]},
            "template": {"id": self.checklist.id, "version": self.checklist.version}, "answers": answers, "photos": photos, "result": judged,
        }));
        let mut signatures = Vec::new();
        for (by, name) in [("officer", &*lead.name), ("officer", &*second.name), ("premises", self.representative)] {
            let drawn = self.file(progress, &format!("signature {name}"), "signature", "image/png", drawing::signature(name)?)?;
            signatures.push(json!({"by": by, "name": name, "evidence_id": drawn.evidence["id"], "refused": false, "shown_sha256": shown}));
            files.push(drawn);
        }
        let evidence: Vec<&Value> = files.iter().map(|file| &file.evidence).collect();
        let content = json!({"device_id": "demo-phone", "answers": answers, "evidence": evidence, "signatures": signatures,
            "locations": [{"latitude": self.premises["latitude"], "longitude": self.premises["longitude"], "accuracy_m": 12.0, "device_time": Moment(self.at_ms)}],
            "clock": {"device_time": Moment(self.at_ms + STAY_MS), "monotonic_ms": STAY_MS}});
        let content_sha256 = sha256_hex(&content);
        let part = json!({"content": content, "content_sha256": content_sha256, "revision": 1});
        lead.send(Method::PUT, &format!("/inspections/{id}/parts/{part_id}"), Some(part)).await?;
        for file in files {
            lead.bring(id, &file.evidence, file.bytes).await?;
        }
        let submission = json!({"parts": [{"id": part_id, "content_sha256": content_sha256}], "choices": {}, "result": judged,
            "submitted_at": Moment(self.at_ms + STAY_MS)});
        lead.send(Method::POST, &format!("/inspections/{id}/submit"), Some(submission)).await?;
        Ok(())
    }

    /// Every item conforms but those that fail; these have a photo, and now and then one that conforms.
    fn answers(&self, progress: &mut Progress) -> Result<(Vec<Value>, Vec<File>), HistoryError> {
        let (mut answers, mut files) = (Vec::new(), Vec::new());
        for (number, item) in self.checklist.body.items().enumerate() {
            let fails = self.failed.contains(&item.code.as_str());
            let at_ms = self.at_ms + ANSWER_MS * i64::try_from(number).unwrap_or(0);
            let photos = usize::from(item.min_photos).max(usize::from(fails) * 2).max(usize::from(number % PHOTO_EVERY == 0));
            let mut ids = Vec::new();
            for nth in 0..photos {
                let Some(still) = self.stills.get((number + nth) % self.stills.len().max(1)) else { continue };
                let mut file = self.file(
                    progress,
                    &format!("photo {} {nth}", item.code),
                    "photo",
                    "image/jpeg",
                    drawing::photo(still, files.len() + self.failed.len())?,
                )?;
                file.evidence["taken_at"] = json!(Moment(at_ms + 5_000));
                file.evidence["item_code"] = json!(item.code);
                ids.push(file.evidence["id"].clone());
                files.push(file);
            }
            answers.push(answer(item, at_ms, fails, &ids));
        }
        Ok((answers, files))
    }

    fn file(&self, progress: &mut Progress, what: &str, kind: &str, filetype: &str, bytes: Vec<u8>) -> Result<File, HistoryError> {
        let id: Uuid = progress.id(&format!("{} {what}", self.step))?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let evidence = json!({"id": id, "kind": kind, "sha256": sha256, "filetype": filetype, "bytes": bytes.len(), "taken_at": Moment(self.at_ms + STAY_MS)});
        Ok(File { evidence, bytes })
    }
}

/// One answer: conforms, unless it fails; figures lie inside their range.
fn answer(item: &mobile_api::template::Item, at_ms: i64, fails: bool, photos: &[Value]) -> Value {
    let result = if fails { "fails" } else { "conforms" };
    let mut answer = json!({"item_code": item.code, "result": result, "answered_at": Moment(at_ms), "evidence_ids": photos});
    if let Some(number) = &item.number {
        let (low, high) = (number.min.unwrap_or(0.0), number.max.unwrap_or(number.min.unwrap_or(0.0) + 10.0));
        answer["number"] = json!(((low + high) / 2.0).round());
    }
    if fails {
        answer["remark"] = json!("现场记录不完整，已当场告知。");
        answer["reason"] = json!("未直接影响食品安全");
        answer["affects_safety"] = json!(false);
        answer["corrected_on_spot"] = json!(true);
    }
    answer
}
