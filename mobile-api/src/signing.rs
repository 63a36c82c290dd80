//! What the law asks for on site and a record still lacks: the rule by which the phone warns before the officers leave, and the
//! server marks a submission as to be completed.
//!
//! At least two officers inspect, show their certificates and sign; the premises is told of recusal, answers, and signs too, or
//! its refusal is noted with a witness, or that it left (SAMR Order 49 of 2021, articles 23, 24 and 34). The code at the door opens and
//! closes the visit. A failed item says why it does or does not affect safety (articles 31 to 33). None of this is a reason to
//! refuse what was gathered: an inspection without it is kept and says what it lacks. `vectors/signing.json` holds the phone
//! to the same.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::inspection::{Answer, ItemResult, PartContent, Signature, SignedBy, Visit};

/// Officers that an inspection needs.
pub const OFFICERS_NEEDED: usize = 2;

/// Something that is to be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SigningLack {
    /// The code at the door was not scanned on coming.
    VisitOpened,
    /// Certificates were not shown.
    Certificates,
    /// Recusal was not asked about.
    Recusal,
    /// A failed item does not say why it does or does not affect safety.
    SafetyReason,
    /// Fewer than two officers inspect.
    SecondOfficer,
    /// Fewer than two of its officers have signed.
    OfficerSignature,
    /// The premises has neither signed nor refused, nor left.
    PremisesSignature,
    /// A refusal, or that the premises left, has no witness.
    Witness,
    /// The code at the door was not scanned on going.
    VisitClosed,
}

/// An officer that the header names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Named {
    /// As in the header.
    pub id: Uuid,
    /// In print.
    pub name: String,
}

/// Everything that is to be completed, in the order in which it is done on site. `answers` are those that count.
pub fn lacks(officers: &[Named], parts: &[&PartContent], answers: &[Answer]) -> Vec<SigningLack> {
    let visit = Visit::joined(parts.iter().filter_map(|part| part.visit.as_ref()));
    let signatures: Vec<&Signature> = parts.iter().flat_map(|part| &part.signatures).collect();
    let by = |by: SignedBy| signatures.iter().filter(move |one| one.by == by);
    let signed: HashSet<Uuid> = by(SignedBy::Officer).filter(|one| !one.refused).filter_map(|one| signer(officers, one)).collect();
    let needs_witness = by(SignedBy::Premises).any(|one| one.refused);
    let unreasoned = answers.iter().any(lacks_safety_reason);
    [
        (visit.opened.is_none(), SigningLack::VisitOpened),
        (visit.certificates_shown_at.is_none(), SigningLack::Certificates),
        (visit.recusal.is_none(), SigningLack::Recusal),
        (unreasoned, SigningLack::SafetyReason),
        (officers.len() < OFFICERS_NEEDED, SigningLack::SecondOfficer),
        (signed.len() < OFFICERS_NEEDED.min(officers.len().max(1)), SigningLack::OfficerSignature),
        (by(SignedBy::Premises).next().is_none(), SigningLack::PremisesSignature),
        (needs_witness && !by(SignedBy::Witness).any(|one| !one.refused), SigningLack::Witness),
        (visit.closed.is_none(), SigningLack::VisitClosed),
    ]
    .into_iter()
    .filter_map(|(lacking, lack)| lacking.then_some(lack))
    .collect()
}

/// Of what is lacking, that without which a phone does not submit unless a reason is on record: at least two officers, certificates
/// shown, recusal asked and answered come before the inspection (articles 23 and 24). The server refuses nothing after the fact.
pub fn unexplained(lacks: &[SigningLack], visit: &Visit) -> Vec<SigningLack> {
    let given = |reason: &Option<String>| reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
    let open = |lack: &SigningLack| match lack {
        SigningLack::SecondOfficer => !given(&visit.unmet.second_officer),
        SigningLack::Certificates => !given(&visit.unmet.certificates),
        SigningLack::Recusal => !given(&visit.unmet.recusal),
        _ => false,
    };
    lacks.iter().filter(|lack| open(lack)).copied().collect()
}

/// Whether a failed item does not say why it does or does not affect safety.
pub fn lacks_safety_reason(answer: &Answer) -> bool {
    answer.result == Some(ItemResult::Fails) && answer.reason.as_deref().is_none_or(|reason| reason.trim().is_empty())
}

/// Which of the officers signed: as the phone says, or, from phones that do not say it, by the name in print.
fn signer(officers: &[Named], signature: &Signature) -> Option<Uuid> {
    match signature.officer_id {
        Some(id) => officers.iter().find(|officer| officer.id == id),
        None => officers.iter().find(|officer| officer.name == signature.name),
    }
    .map(|officer| officer.id)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        officers: Vec<Named>,
        parts: Vec<Value>,
        expected: Vec<SigningLack>,
        #[serde(default)]
        unexplained: Option<Vec<SigningLack>>,
    }

    #[test]
    fn lacks_are_those_of_the_vectors() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../vectors/signing.json")).expect("vectors");
        for case in cases {
            let parts: Vec<PartContent> = case.parts.iter().map(|part| part_of(part).expect("a part")).collect();
            let borrowed: Vec<&PartContent> = parts.iter().collect();
            let answers: Vec<Answer> = parts.iter().flat_map(|part| part.answers.clone()).collect();
            let found = lacks(&case.officers, &borrowed, &answers);
            assert_eq!(found, case.expected, "{}", case.name);
            if let Some(expected) = case.unexplained {
                let visit = Visit::joined(parts.iter().filter_map(|part| part.visit.as_ref()));
                assert_eq!(unexplained(&found, &visit), expected, "{}", case.name);
            }
        }
    }

    /// The vectors say only what matters here.
    fn part_of(part: &Value) -> serde_json::Result<PartContent> {
        let mut whole = serde_json::json!({"device_id": "phone-1", "answers": [], "evidence": [], "locations": [], "signatures": [],
            "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1}});
        for (name, value) in part.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole)
    }
}
