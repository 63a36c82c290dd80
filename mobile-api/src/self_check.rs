//! A paper of the canteen's own (自查): one request, made on the phone, sent when there is a network.
//!
//! It stands on the same engine as an inspection: a version of a template, answers, evidence by tus (with the paper's id as
//! `inspection_id`), one canonical hash. It is never changed after it was accepted; what was wrong in one is put right by another
//! of the same day.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::field::{Faults, FieldFault};
use crate::inspection::{MissingEvidence, PartContent, check};
use crate::limits::DAY_BYTES;
use crate::{Moment, Verbatim};

/// What a paper says, of which day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfCheckContent {
    /// Whose.
    pub premises_id: Uuid,
    /// The version that was answered; one for the canteen.
    pub template_id: Uuid,
    /// ISO date, Asia/Shanghai: the day it speaks of; of a week its Monday, of a month its first.
    #[schema(example = "2026-11-23")]
    pub day: String,
    /// The meal it speaks of, where a paper is due for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "lunch")]
    pub slot: Option<String>,
    /// Answers, evidence and what the clocks said.
    pub part: PartContent,
}

/// Body of `PUT /self-checks/{id}`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSelfCheck {
    /// As gathered; kept as sent.
    #[schema(value_type = SelfCheckContent)]
    pub content: Verbatim<SelfCheckContent>,
    /// Canonical hash of `content`.
    pub content_sha256: String,
}

/// What the server has of a paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelfCheckStored {
    /// As sent.
    pub id: Uuid,
    /// Of the content.
    pub content_sha256: String,
    /// By the server's clock.
    pub received_at: Moment,
    /// Items whose answers say that something is wrong.
    pub problems: Vec<String>,
    /// Files that it names and that have not arrived.
    pub missing_evidence: Vec<MissingEvidence>,
}

impl PutSelfCheck {
    /// Checks content and hash; what the template and the rules say is the server's to look at.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        faults.within("content", |faults| {
            let content = &self.content.value;
            let digits = |text: &str| {
                text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
            };
            if content.day.len() != DAY_BYTES || !digits(&content.day) {
                faults.note_at("day", "format", "a day such as 2026-11-23");
            }
            faults.optional_text("slot", content.slot.as_deref(), crate::limits::CODE_BYTES_MAX);
            faults.within("part", |faults| check::content(faults, &content.part));
        });
        check::hash(&mut faults, &self.content_sha256, || self.content.sha256());
        faults.finish()
    }
}

/// Body of `POST /self-checks/{id}/samples/{position}/discard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardSample {
    /// By the phone's clock: when it was thrown away.
    pub discarded_at: Moment,
}
