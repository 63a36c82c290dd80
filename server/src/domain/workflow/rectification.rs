//! The table of rectification orders (责令改正): ordered in writing, answered item by item, re-checked item by item.
//!
//! The premises answers; who may issue orders re-checks (复查), accepts or sends back, gives more time with a reason, or takes
//! the order back. Nobody judges their own answer. An order is closed when every item is accepted.

use super::{Decision, Effect, Need, State, Table, Transition, Who};
use crate::domain::permission::Permission;
use crate::domain::premises::coded;
use serde::{Deserialize, Serialize};

/// The clock from the order to the answer. It stands still while the answer is judged.
pub const RECTIFY: &str = "rectify";
/// Files that the answer to one item may name.
pub const ITEM_EVIDENCE_MAX: usize = 10;
/// Files that an answer may name over all its items.
pub const EVIDENCE_MAX: usize = 100;
/// Items of one order.
pub const ITEMS_MAX: usize = 100;
/// Working days that an order may give.
pub const DAYS_MAX: i64 = 60;

coded! {
    /// Where an order stands.
    OrderState {
        /// 待整改: the premises has to put it right
        Ordered = "ordered",
        /// 待复查: the premises has answered
        Answered = "answered",
        /// 已办结: every item is accepted
        Closed = "closed",
        /// 已撤回
        Withdrawn = "withdrawn",
    }
}

const ISSUERS: &[Who] = &[Who::May(Permission::OrdersIssue)];
const PREMISES: &[Who] = &[Who::May(Permission::OrdersAnswer)];

/// Rectification orders.
pub static TABLE: Table = Table {
    kind: "rectification",
    first: "ordered",
    states: &[
        State { name: "ordered", open: true },
        State { name: "answered", open: true },
        State { name: "closed", open: false },
        State { name: "withdrawn", open: false },
    ],
    transitions: &[
        Transition::new("ordered", "answer", "answered", PREMISES).with_answer(EVIDENCE_MAX).effects(&[Effect::Pause(RECTIFY)]),
        Transition::new("ordered", "extend", "ordered", ISSUERS).with_reason().deadline(Need::Must).effects(&[Effect::Resume(RECTIFY)]),
        Transition::new("answered", "review", "closed", ISSUERS).deciding(Decision::Accept).not_by("answer").effects(&[Effect::StopAll]),
        Transition::new("answered", "review", "ordered", ISSUERS)
            .deciding(Decision::SendBack)
            .not_by("answer")
            .with_reason()
            .deadline(Need::May)
            .effects(&[Effect::Resume(RECTIFY)]),
        Transition::new("ordered", "withdraw", "withdrawn", ISSUERS).with_reason().effects(&[Effect::StopAll]),
        Transition::new("answered", "withdraw", "withdrawn", ISSUERS).with_reason().effects(&[Effect::StopAll]),
    ],
    claims: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::table::tests::is_sound;
    use crate::domain::workflow::{Act, Doer, Past, Refusal, Standing};

    const NOW_MS: i64 = 1_795_399_200_000;

    fn canteen(permission: Permission) -> bool {
        permission == Permission::OrdersAnswer
    }
    fn officer(permission: Permission) -> bool {
        permission == Permission::OrdersIssue
    }
    fn both(permission: Permission) -> bool {
        canteen(permission) || officer(permission)
    }

    fn to(state: &str, doer: Doer<'_>, act: &Act, past: &[Past]) -> Result<&'static str, Refusal> {
        TABLE.check(Standing { state, owner: None, past }, doer, act, NOW_MS).map(|way| way.to)
    }

    fn act(action: &str) -> Act {
        Act { action: action.to_owned(), text: Some("已补装盖板".to_owned()), ..Act::default() }
    }

    #[test]
    fn the_table_is_sound_and_names_every_state_of_the_api() {
        is_sound(&TABLE);
        let names: Vec<_> = TABLE.states.iter().map(|state| state.name).collect();
        assert_eq!(names, OrderState::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn the_premises_answers_and_the_officer_judges() {
        let premises = Doer::User { id: "p", may: &canteen };
        let officer = Doer::User { id: "o", may: &officer };
        assert_eq!(to("ordered", premises, &act("answer"), &[]), Ok("answered"));
        assert_eq!(to("ordered", officer, &act("answer"), &[]), Err(Refusal::Forbidden));
        let accept = Act { decision: Some(Decision::Accept), ..act("review") };
        assert_eq!(to("answered", premises, &accept, &[]), Err(Refusal::Forbidden));
        assert_eq!(to("answered", officer, &accept, &[]), Ok("closed"));
        assert_eq!(to("ordered", officer, &accept, &[]), Err(Refusal::NotNow));
        let back = Act { decision: Some(Decision::SendBack), reason: Some("盖板未固定".to_owned()), ..act("review") };
        assert_eq!(to("answered", officer, &back, &[]), Ok("ordered"));
        let unreasoned = Act { decision: Some(Decision::SendBack), text: None, ..act("review") };
        assert!(matches!(to("answered", officer, &unreasoned, &[]), Err(Refusal::Faults(_))));
        let extend = Act { deadline_ms: Some(NOW_MS + 86_400_000), ..act("extend") };
        assert_eq!(to("ordered", officer, &extend, &[]), Ok("ordered"));
        assert_eq!(to("closed", officer, &act("withdraw"), &[]), Err(Refusal::NotNow));
    }

    #[test]
    fn nobody_judges_their_own_answer() {
        let past = [Past { action: "answer".to_owned(), user_id: Some("x".to_owned()), at_ms: NOW_MS }];
        let accept = Act { decision: Some(Decision::Accept), ..act("review") };
        assert_eq!(to("answered", Doer::User { id: "x", may: &both }, &accept, &past), Err(Refusal::OwnAnswer));
        assert_eq!(to("answered", Doer::User { id: "y", may: &both }, &accept, &past), Ok("closed"));
    }
}
