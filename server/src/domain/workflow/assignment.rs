//! The table of assignments: an order to inspect a premises.
//!
//! A phone may have been off the network from the first look to the last signature: its inspection then arrives whole, and
//! planned work is done at once.

use super::{Effect, State, Table, Transition, Who};
use crate::domain::permission::Permission;
use crate::domain::premises::coded;
use serde::{Deserialize, Serialize};

/// The clock until the day the inspection is due.
pub const DUE: &str = "due";

coded! {
    /// Where an assignment stands.
    AssignmentState {
        /// 待检查
        Planned = "planned",
        /// 检查中
        Started = "started",
        /// 已完成
        Done = "done",
        /// 已取消
        Cancelled = "cancelled",
    }
}

const OFFICERS: &[Who] = &[Who::May(Permission::InspectionsConduct), Who::System];
const PLANNERS: &[Who] = &[Who::May(Permission::AssignmentsManage)];

/// Assignments.
pub static TABLE: Table = Table {
    kind: "assignment",
    first: "planned",
    states: &[
        State { name: "planned", open: true },
        State { name: "started", open: true },
        State { name: "done", open: false },
        State { name: "cancelled", open: false },
    ],
    transitions: &[
        Transition::new("planned", "start", "started", OFFICERS).elsewhere(),
        Transition::new("planned", "complete", "done", OFFICERS).elsewhere().effects(&[Effect::StopAll]),
        Transition::new("started", "complete", "done", OFFICERS).elsewhere().effects(&[Effect::StopAll]),
        Transition::new("planned", "cancel", "cancelled", PLANNERS).with_reason().effects(&[Effect::StopAll]),
        Transition::new("started", "cancel", "cancelled", PLANNERS).with_reason().effects(&[Effect::StopAll]),
    ],
    claims: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::table::tests::is_sound;
    use crate::domain::workflow::{Act, Doer, Refusal, Standing};

    fn to(state: &str, doer: Doer<'_>, action: &str, reason: Option<&str>) -> Result<&'static str, Refusal> {
        let act = Act { action: action.to_owned(), reason: reason.map(str::to_owned), ..Act::default() };
        TABLE.check(Standing { state, owner: None, past: &[] }, doer, &act, 0).map(|way| way.to)
    }

    #[test]
    fn the_table_is_sound_and_names_every_state_of_the_api() {
        is_sound(&TABLE);
        let names: Vec<_> = TABLE.states.iter().map(|state| state.name).collect();
        let api: Vec<_> = AssignmentState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(names, api);
    }

    #[test]
    fn officers_work_and_planners_cancel() {
        let officer = |permission| permission == Permission::InspectionsConduct;
        let planner = |permission| permission == Permission::AssignmentsManage;
        let officer = Doer::User { id: "o", may: &officer };
        let planner = Doer::User { id: "p", may: &planner };
        assert_eq!(to("planned", officer, "start", None), Ok("started"));
        assert_eq!(to("planned", officer, "complete", None), Ok("done"), "the inspection came whole");
        assert_eq!(to("started", Doer::System, "complete", None), Ok("done"));
        assert_eq!(to("started", officer, "cancel", Some("x")), Err(Refusal::Forbidden));
        assert_eq!(to("started", planner, "cancel", Some("学校停课")), Ok("cancelled"));
        assert!(matches!(to("started", planner, "cancel", None), Err(Refusal::Faults(_))));
        assert_eq!(to("done", planner, "cancel", Some("x")), Err(Refusal::NotNow));
    }
}
