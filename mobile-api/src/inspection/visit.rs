//! What happens at the door: the code that opens and closes the visit (扫码入企), certificates that are shown (SAMR Order 49 of
//! 2021, art. 24), and recusal (回避) that is asked about and answered.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Location;
use crate::Moment;
use crate::field::Faults;
use crate::limits::{NAME_CHARS_MAX, TEXT_CHARS_MAX};

/// Characters of a door's mark.
const MARK_CHARS_MAX: usize = 32;

/// A scan of the code that hangs at the door of a premises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorScan {
    /// As the code names it.
    pub premises_id: Uuid,
    /// What only a code of this installation has.
    #[schema(example = "5f0c1d2e3a4b5c6d")]
    pub mark: String,
    /// By the phone's clock.
    pub device_time: Moment,
    /// Where the phone thought it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// The premises was told of its right to ask for recusal, and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recusal {
    /// Asked at this time, by the phone's clock.
    pub asked_at: Moment,
    /// Whether an officer is asked to stand back.
    pub requested: bool,
    /// Who is asked, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who answered.
    pub name: String,
    /// Their signature, among the part's evidence.
    pub evidence_id: Uuid,
}

/// The visit, as one phone recorded it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Coming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<DoorScan>,
    /// Going.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<DoorScan>,
    /// Certificates were shown at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates_shown_at: Option<Moment>,
    /// Asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recusal: Option<Recusal>,
    /// Why something that must be there before is not.
    #[serde(default, skip_serializing_if = "Unmet::is_empty")]
    pub unmet: Unmet,
}

/// Why an inspection was made without something that the law asks for before it: shown on the paper that is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmet {
    /// Why there were fewer than two officers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_officer: Option<String>,
    /// Why certificates were not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// Why recusal was not asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recusal: Option<String>,
}

impl Unmet {
    /// Nothing is explained.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

impl Visit {
    /// One visit of what several phones recorded: the first coming, the last going, certificates when they were first shown. Where
    /// recusal was asked more than once, one that was requested counts before those that were not, then the first.
    pub fn joined<'a>(visits: impl IntoIterator<Item = &'a Self>) -> Self {
        let visits: Vec<&Self> = visits.into_iter().collect();
        let scans = |of: fn(&Self) -> &Option<DoorScan>| visits.iter().filter_map(move |visit| of(visit).as_ref());
        Self {
            opened: scans(|visit| &visit.opened).min_by_key(|scan| scan.device_time).cloned(),
            // The first of equals, as for the others.
            closed: scans(|visit| &visit.closed).rev().max_by_key(|scan| scan.device_time).cloned(),
            certificates_shown_at: visits.iter().filter_map(|visit| visit.certificates_shown_at).min(),
            unmet: Unmet {
                second_officer: first(&visits, |unmet| &unmet.second_officer),
                certificates: first(&visits, |unmet| &unmet.certificates),
                recusal: first(&visits, |unmet| &unmet.recusal),
            },
            recusal: visits
                .iter()
                .filter_map(|visit| visit.recusal.as_ref())
                .min_by_key(|recusal| (!recusal.requested, recusal.asked_at))
                .cloned(),
        }
    }
}

/// The first reason that says something.
fn first(visits: &[&Visit], of: fn(&Unmet) -> &Option<String>) -> Option<String> {
    visits.iter().find_map(|visit| of(&visit.unmet).clone().filter(|reason| !reason.trim().is_empty()))
}

pub(super) fn check(faults: &mut Faults, visit: &Visit, evidence: &HashSet<Uuid>) {
    for (field, scan) in [("opened", &visit.opened), ("closed", &visit.closed)] {
        if let Some(scan) = scan {
            faults.within(field, |faults| {
                faults.text("mark", &scan.mark, MARK_CHARS_MAX);
                if let Some(location) = &scan.location {
                    faults.within("location", |faults| super::check::location(faults, location));
                }
            });
        }
    }
    faults.within("unmet", |faults| {
        let unmet = &visit.unmet;
        for (field, reason) in
            [("second_officer", &unmet.second_officer), ("certificates", &unmet.certificates), ("recusal", &unmet.recusal)]
        {
            faults.optional_text(field, reason.as_deref(), TEXT_CHARS_MAX);
        }
    });
    if let Some(recusal) = &visit.recusal {
        faults.within("recusal", |faults| {
            faults.text("name", &recusal.name, NAME_CHARS_MAX);
            faults.optional_text("reason", recusal.reason.as_deref(), TEXT_CHARS_MAX);
            if recusal.requested && recusal.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
                faults.note_at("reason", "required", "say who is asked to stand back, and why");
            }
            if !evidence.contains(&recusal.evidence_id) {
                faults.note_at("evidence_id", "unknown", "not among the evidence of this part");
            }
        });
    }
}
