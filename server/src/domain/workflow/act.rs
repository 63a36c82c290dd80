//! Acts on work, and the one function that judges them.

use mobile_api::FieldFault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clock::DEADLINE_DAYS_MAX;
use super::{Need, Table, Transition, Who};
use crate::domain::permission::Permission;
use crate::domain::text::{self, TextError};

/// Characters of a reason or a text.
pub const REASON_CHARS_MAX: usize = 2_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Which way an action that decides shall take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is put right.
    Accept,
    /// It is not.
    SendBack,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Default)]
pub struct Act {
    /// As in the route.
    pub action: String,
    /// For an action that decides.
    pub decision: Option<Decision>,
    /// Why.
    pub reason: Option<String>,
    /// In words.
    pub text: Option<String>,
    /// ms UTC
    pub deadline_ms: Option<i64>,
    /// How many files it names.
    pub evidence: usize,
    /// To whom work is handed, by name.
    pub given_to: Option<String>,
}

/// Who wants to.
#[derive(Clone, Copy)]
pub enum Doer<'a> {
    /// A person.
    User {
        /// Who.
        id: &'a str,
        /// What that person may do at the premises.
        may: &'a (dyn Fn(Permission) -> bool + Sync),
    },
    /// The program, by a rule.
    System,
}

/// An act of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What.
    pub action: String,
    /// By whom; `None` for the program.
    pub user_id: Option<String>,
    /// When, ms UTC.
    pub at_ms: i64,
}

/// Where a piece of work stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its state.
    pub state: &'a str,
    /// Who has claimed it.
    pub owner: Option<&'a str>,
    /// What was done, oldest first.
    pub past: &'a [Past],
}

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The permission is missing.
    Forbidden,
    /// Nobody reviews their own answer.
    OwnAnswer,
    /// Somebody else has claimed it.
    Claimed,
    /// Not in this state.
    NotNow,
    /// What the act carries is not right.
    Faults(Vec<FieldFault>),
}

impl Table {
    /// The transition that `act` makes, or why it may not.
    ///
    /// Who asks comes before what is asked, so that a person without the permission learns nothing about the work.
    pub fn check(&self, standing: Standing<'_>, doer: Doer<'_>, act: &Act, now_ms: i64) -> Result<&'static Transition, Refusal> {
        let ways = || self.transitions.iter().filter(|way| way.action == act.action);
        if !ways().any(|way| way.is_open_to(doer)) {
            return Err(Refusal::Forbidden);
        }
        if let Doer::User { .. } = doer {
            self.check_fields(doer, act, now_ms)?;
        }
        let way = ways()
            .filter(|way| way.from == standing.state && way.decision == act.decision)
            .find(|way| way.is_open_to(doer) && (!way.untouched || standing.is_untouched()))
            .ok_or(Refusal::NotNow)?;
        if way.is_own_answer(standing, doer) {
            return Err(Refusal::OwnAnswer);
        }
        if self.is_others(standing, doer) {
            return Err(Refusal::Claimed);
        }
        if way.undo_ms.is_some_and(|within_ms| !standing.was_just_done_by(doer, now_ms - within_ms)) {
            return Err(Refusal::NotNow);
        }
        Ok(way)
    }

    /// Actions that `doer` may take now, each once, in the table's order.
    pub fn allowed(&self, standing: Standing<'_>, doer: Doer<'_>) -> Vec<&'static str> {
        let mut allowed = Vec::new();
        if self.is_others(standing, doer) {
            return allowed;
        }
        for way in self.transitions.iter().filter(|way| way.from == standing.state && way.offered) {
            if way.is_open_to(doer) && !way.is_own_answer(standing, doer) && !allowed.contains(&way.action) {
                allowed.push(way.action);
            }
        }
        allowed
    }

    /// Somebody else has claimed it, so that `doer` has nothing to decide.
    fn is_others(&self, standing: Standing<'_>, doer: Doer<'_>) -> bool {
        let Doer::User { id, .. } = doer else { return false };
        self.is_claimed_in(standing.state) && standing.owner.is_some_and(|owner| owner != id)
    }

    /// Everything that is wrong with what the act carries, whatever the state.
    fn check_fields(&self, doer: Doer<'_>, act: &Act, now_ms: i64) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        let ways = || self.transitions.iter().filter(|way| way.action == act.action && way.is_open_to(doer));
        let Some(way) = ways().find(|way| way.decision == act.decision) else {
            let fault = if act.decision.is_none() {
                ("required", "must be one of accept, send_back")
            } else {
                ("unexpected", "this action decides nothing")
            };
            return Err(Refusal::Faults(vec![fault_at("/decision", fault.0, fault.1)]));
        };
        let reason = checked_text("/reason", act.reason.as_deref(), &mut faults);
        let text = checked_text("/text", act.text.as_deref(), &mut faults);
        if way.needs.reason == Need::Must && !reason && !text {
            faults.push(fault_at("/reason", "required", "say why"));
        }
        if way.needs.answer && !text && act.evidence == 0 {
            faults.push(fault_at("/text", "required", "say what was done, or show it"));
        }
        if act.evidence > way.needs.evidence_max {
            let code = if way.needs.evidence_max == 0 { "unexpected" } else { "too_many" };
            faults.push(fault_at("/evidence_ids", code, &format!("at most {} files", way.needs.evidence_max)));
        }
        match (way.needs.deadline, act.deadline_ms) {
            (Need::Must, None) => faults.push(fault_at("/deadline", "required", "say until when")),
            (Need::No, Some(_)) => faults.push(fault_at("/deadline", "unexpected", "this action has no deadline")),
            (_, Some(deadline)) if deadline <= now_ms => faults.push(fault_at("/deadline", "out_of_range", "must lie in the future")),
            (_, Some(deadline)) if deadline > now_ms + DEADLINE_DAYS_MAX * DAY_MS => {
                faults.push(fault_at("/deadline", "out_of_range", &format!("at most {DEADLINE_DAYS_MAX} days ahead")));
            }
            _ => {}
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Faults(faults)) }
    }
}

impl Transition {
    fn is_open_to(&self, doer: Doer<'_>) -> bool {
        self.who.iter().any(|who| match (who, doer) {
            (Who::May(permission), Doer::User { may, .. }) => may(*permission),
            (Who::System, Doer::System) => true,
            _ => false,
        })
    }

    fn is_own_answer(&self, standing: Standing<'_>, doer: Doer<'_>) -> bool {
        let (Some(before), Doer::User { id, .. }) = (self.not_by, doer) else { return false };
        standing.past.iter().rev().find(|past| past.action == before).is_some_and(|past| past.user_id.as_deref() == Some(id))
    }
}

impl Standing<'_> {
    /// The last act was this person's, and not before `since_ms`.
    fn was_just_done_by(&self, doer: Doer<'_>, since_ms: i64) -> bool {
        let (Some(last), Doer::User { id, .. }) = (self.past.last(), doer) else { return false };
        last.user_id.as_deref() == Some(id) && last.at_ms >= since_ms
    }

    /// No person has acted yet.
    pub fn is_untouched(&self) -> bool {
        self.past.iter().all(|past| past.user_id.is_none())
    }
}

fn fault_at(pointer: &str, code: &str, detail: &str) -> FieldFault {
    FieldFault { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }
}

/// Notes what is wrong with a text; whether there is one.
fn checked_text(pointer: &str, given: Option<&str>, faults: &mut Vec<FieldFault>) -> bool {
    let Some(given) = given else { return false };
    match text::lines(given, REASON_CHARS_MAX) {
        Ok(kept) => !kept.is_empty(),
        Err(TextError::TooLong(limit)) => {
            faults.push(fault_at(pointer, "too_long", &format!("at most {limit} characters")));
            true
        }
        Err(_) => {
            faults.push(fault_at(pointer, "format", "must not hold control characters"));
            true
        }
    }
}
