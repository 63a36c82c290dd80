//! An inspection as the phone sends it: a header, parts that each belong to one device, and a submission by the lead.
//!
//! All ids are made on the phone. `content_sha256` is over the canonical JSON of `header` or `content` as sent, so those two
//! are kept [`Verbatim`]. A header never changes after it was accepted; a part may be replaced by its device, with a higher
//! `revision`, until submission.

pub(crate) mod check;
mod evidence;
pub mod fit;
pub mod originals;

mod sampling;
mod visit;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use evidence::{Derived, Evidence, EvidenceKind, Making};
pub use sampling::{QuickTest, QuickTestResult, SampleSigned, SampleTaken};
pub use visit::{DoorScan, Recusal, Unmet, Visit};

use crate::judge::Judgement;
use crate::paper::PaperFrame;
use crate::signing::SigningLack;
use crate::template::FieldValue;
use crate::{Moment, Verbatim};

/// 检查方式 (SAMR Order 49 of 2021, art. 53) and what else sends an officer out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InspectionKind {
    /// 日常检查
    Routine,
    /// 飞行检查
    Unannounced,
    /// 体系检查
    System,
    /// 专项检查
    Campaign,
    /// 复查
    Reinspection,
}

impl InspectionKind {
    /// Whether every item of the template must be answered (art. 27): not in unannounced checks, nor in a re-inspection,
    /// which covers the items of its order.
    pub fn covers_all_items(self) -> bool {
        !matches!(self, Self::Unannounced | Self::Reinspection)
    }
}

/// 检查项结果.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemResult {
    /// 符合
    Conforms,
    /// 不符合
    Fails,
    /// 合理缺项, with a reason
    NotApplicable,
}

/// The device a person holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Made by the app at its first start.
    pub id: String,
    /// As the browser names it.
    #[serde(default)]
    pub model: Option<String>,
}

/// Who inspects whom, by what, since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000002",
    "kind": "routine", "started_at": "2026-11-23T06:05:00.000Z", "officers": ["01928f6e-0000-7000-8000-000000000003"], "device": {"id": "phone-1"}}))]
pub struct Header {
    /// Where.
    pub premises_id: Uuid,
    /// The version of the checklist.
    pub template_id: Uuid,
    /// What sent the officers, if an assignment did.
    #[serde(default)]
    pub assignment_id: Option<Uuid>,
    /// What kind of check.
    pub kind: InspectionKind,
    /// By the phone's clock.
    pub started_at: Moment,
    /// The lead first.
    pub officers: Vec<Uuid>,
    /// Where it was begun.
    pub device: Device,
}

/// One answer to one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"item_code": "6.1", "result": "conforms", "number": 130, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}))]
pub struct Answer {
    /// The item.
    pub item_code: String,
    /// What was found; none of a plain question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ItemResult>,
    /// In words.
    #[serde(default)]
    pub remark: Option<String>,
    /// Why it does not apply, or why it does (not) affect safety.
    #[serde(default)]
    pub reason: Option<String>,
    /// The figure, in the item's unit.
    #[serde(default)]
    pub number: Option<f64>,
    /// Of the item's fields, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, FieldValue>,
    /// Of a failed item: whether food safety is affected.
    #[serde(default)]
    pub affects_safety: Option<bool>,
    /// Of a failed item: put right while the officers were there.
    #[serde(default)]
    pub corrected_on_spot: Option<bool>,
    /// By the phone's clock.
    pub answered_at: Moment,
    /// Photos of it, among the part's evidence.
    #[serde(default)]
    pub evidence_ids: Vec<Uuid>,
}

/// Where the phone thought it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// WGS-84 degrees.
    pub latitude: f64,
    /// WGS-84 degrees.
    pub longitude: f64,
    /// Radius in metres.
    pub accuracy_m: f64,
    /// By the phone's clock.
    pub device_time: Moment,
    /// By the satellites' clock, where the phone says it.
    #[serde(default)]
    pub gps_time: Option<Moment>,
    /// The phone says that an app made the position up.
    #[serde(default)]
    pub mocked: Option<bool>,
}

/// As what somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// An inspecting officer.
    Officer,
    /// The premises' representative.
    Premises,
    /// A witness of a refusal.
    Witness,
}

/// A signature, or its refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// As what.
    pub by: SignedBy,
    /// In print.
    pub name: String,
    /// The drawing; none where refused.
    #[serde(default)]
    pub evidence_id: Option<Uuid>,
    /// Which of the header's officers signs, of an officer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer_id: Option<Uuid>,
    /// Refused to sign, or left.
    pub refused: bool,
    /// Did not refuse, but left before there was anything to sign.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// Why, as said.
    #[serde(default)]
    pub reason: Option<String>,
    /// Canonical hash of what was shown to whoever signed: of the paper drawn with the part's `paper`.
    pub shown_sha256: String,
}

/// What clocks said when the part was saved; none of the phone's is trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// The phone's wall clock.
    pub device_time: Moment,
    /// The phone's monotonic clock.
    pub monotonic_ms: f64,
    /// The satellites'.
    #[serde(default)]
    pub gps_time: Option<Moment>,
}

/// Everything one device gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"device_id": "phone-1",
    "answers": [{"item_code": "6.1", "result": "conforms", "number": 130, "answered_at": "2026-11-23T06:10:00.000Z", "evidence_ids": []}],
    "evidence": [], "locations": [], "signatures": [], "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1500000}}))]
pub struct PartContent {
    /// The device that owns the part.
    pub device_id: String,
    /// At most one an item.
    pub answers: Vec<Answer>,
    /// Files that belong to it.
    pub evidence: Vec<Evidence>,
    /// Positions, in order of time.
    pub locations: Vec<Location>,
    /// Signatures and refusals.
    pub signatures: Vec<Signature>,
    /// What clocks said.
    pub clock: Clock,
    /// What happened at the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// Samples that were taken away (抽样).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleTaken>,
    /// Quick tests on site with their readings (快检).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quick_tests: Vec<QuickTest>,
    /// Of the phone on which the record was drawn and signed: what it was drawn with (see `docs/mobile-sync.md`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperFrame>,
}

/// Body of `PUT /inspections/{id}/parts/{part_id}`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPart {
    /// As gathered; kept as sent.
    #[schema(value_type = PartContent)]
    pub content: Verbatim<PartContent>,
    /// Canonical hash of `content`.
    #[schema(example = "de3ae4b88beebe2bc7b7cc85ba3157a63fa93bcb11b0fb8ffa5f9f4d4a2b6dd5")]
    pub content_sha256: String,
    /// Counts up from 1 each time the device sends the part changed.
    pub revision: u32,
}

/// The part that may come with the header.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstPart {
    /// Made on the phone.
    pub id: Uuid,
    /// As gathered; kept as sent.
    #[schema(value_type = PartContent)]
    pub content: Verbatim<PartContent>,
    /// Canonical hash of `content`.
    pub content_sha256: String,
    /// Counts up from 1 each time the device sends the part changed.
    pub revision: u32,
}

/// Body of `PUT /inspections/{id}`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutInspection {
    /// Kept as sent.
    #[schema(value_type = Header)]
    pub header: Verbatim<Header>,
    /// Canonical hash of `header`.
    pub content_sha256: String,
    /// The only part, in the common case of one phone.
    #[serde(default)]
    pub part: Option<FirstPart>,
    /// The submission of that part, where the lead has nothing to wait for: an inspection in one request. Its files may follow.
    #[serde(default)]
    pub submission: Option<Submit>,
}

/// A part by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartNamed {
    /// The part.
    pub id: Uuid,
    /// Its canonical hash as the lead saw it.
    pub content_sha256: String,
}

/// Body of `POST /inspections/{id}/submit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// All parts, by hash.
    pub parts: Vec<PartNamed>,
    /// Item to part, where two parts answer one item differently.
    #[serde(default)]
    pub choices: BTreeMap<String, Uuid>,
    /// As judged and shown on the phone; kept beside the server's.
    pub result: Judgement,
    /// By the phone's clock.
    pub submitted_at: Moment,
}

impl Submit {
    /// What makes two submissions the same: parts, choices and result. When the phone says that the button was pressed is not part of it.
    pub fn sameness(&self) -> String {
        let parts: BTreeMap<String, &str> = self.parts.iter().map(|part| (part.id.to_string(), part.content_sha256.as_str())).collect();
        let value = serde_json::json!({"parts": parts, "choices": self.choices, "result": self.result});
        crate::canonical::sha256_hex(&value)
    }
}

/// Whether all has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmittedState {
    /// Evidence is missing.
    Submitted,
    /// All evidence is here.
    Complete,
}

impl SubmittedState {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Complete => "complete",
        }
    }
}

/// A piece of evidence that has not arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingEvidence {
    /// The evidence.
    pub id: Uuid,
    /// Of the file as taken.
    pub sha256: String,
    /// Of what.
    pub kind: EvidenceKind,
}

/// A file as taken that the inspection does not wait for: its reduced copy stands for it until it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginalToCome {
    /// The evidence.
    pub id: Uuid,
    /// Of the file as taken.
    pub sha256: String,
}

/// Answer to a submission; the same again gets the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    /// Whether all has arrived.
    pub state: SubmittedState,
    /// What has not.
    pub missing_evidence: Vec<MissingEvidence>,
    /// Files as taken that the template asks for and that have not come; the inspection is complete without them.
    #[serde(default)]
    pub originals_to_come: Vec<OriginalToCome>,
    /// As judged by the server.
    pub result: Judgement,
    /// Whether the phone's and the server's results differ; both are kept and shown.
    pub differs: bool,
    /// What the law asks for on site and was not there.
    #[serde(default)]
    pub to_complete: Vec<SigningLack>,
    /// Hash of the paper that the phone drew, drawn again here; null where it drew none.
    #[serde(default)]
    pub drawn_sha256: Option<String>,
    /// What somebody signed was not that paper.
    #[serde(default)]
    pub drawn_differs: bool,
    /// What the server says it received, signed: `manifest` and `signature` over its canonical JSON (Ed25519, base64). Null for what was
    /// submitted before receipts were given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<serde_json::Value>,
}

/// Extra members of a 409 `conflict` on an inspection or a part: both versions named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContentNamed {
    /// Canonical hash.
    pub content_sha256: String,
    /// Revision, of a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}
