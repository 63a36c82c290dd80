//! The table of alerts: look, dispatch, put right, review.
//!
//! Only a supervisor confirms, dismisses, dispatches and reviews, but for what a bureau lets the program do; only the
//! premises, or the officer for it, answers; nobody reviews their own answer.

use super::{Claims, Decision, Effect, Need, State, Table, Transition, Who};
use crate::domain::permission::Permission;
use crate::domain::premises::coded;
use serde::{Deserialize, Serialize};

/// Files that one answer may name.
pub const EVIDENCE_MAX: usize = 20;
/// The clock from telling somebody to the first decision.
pub const ANSWER: &str = "answer";
/// The clock from telling somebody to a look on site, for what cannot wait.
pub const ON_SITE: &str = "on_site";
/// How long who confirmed or dismissed may take it back, ms: eight seconds on the page, and the way of the request.
pub const UNDO_MS: i64 = 10_000;
/// The clock from dispatch to the answer of the premises. It stands still while the answer is reviewed.
pub const RECTIFY: &str = "rectify";

coded! {
    /// Where an alert stands.
    AlertState {
        /// 待研判: nobody has looked yet
        Raised = "raised",
        /// 已确认: it is what it looks like
        Confirmed = "confirmed",
        /// 误报等: not worth acting on, with a reason
        Dismissed = "dismissed",
        /// 已派发: the premises has to put it right
        Dispatched = "dispatched",
        /// 待复核: the premises has answered
        Rectified = "rectified",
        /// 已办结
        Closed = "closed",
        /// 自动消除: over before anybody acted
        Cleared = "cleared",
        /// 已转检查: an assignment goes there
        InspectionRequested = "inspection_requested",
        /// 已立案
        CaseOpened = "case_opened",
    }
}

coded! {
    /// Why an alert is dismissed.
    DismissReason {
        /// 误报
        FalseAlarm = "false_alarm",
        /// 重复
        Duplicate = "duplicate",
        /// 允许的行为
        Permitted = "permitted",
        /// 测试
        Test = "test",
    }
}

const SUPERVISOR: &[Who] = &[Who::May(Permission::AlertsDecide)];
const SUPERVISOR_OR_SYSTEM: &[Who] = &[Who::May(Permission::AlertsDecide), Who::System];
const PREMISES: &[Who] = &[Who::May(Permission::AlertsRectify)];
const SYSTEM: &[Who] = &[Who::System];

const fn open(name: &'static str) -> State {
    State { name, open: true }
}
const fn done(name: &'static str) -> State {
    State { name, open: false }
}

/// Alerts.
pub static TABLE: Table = Table {
    kind: "alert",
    first: "raised",
    states: &[
        open("raised"),
        open("confirmed"),
        done("dismissed"),
        open("dispatched"),
        open("rectified"),
        done("closed"),
        done("cleared"),
        open("inspection_requested"),
        done("case_opened"),
    ],
    transitions: &[
        Transition::new("raised", "confirm", "confirmed", SUPERVISOR_OR_SYSTEM),
        Transition::new("raised", "dismiss", "dismissed", SUPERVISOR).with_reason().effects(&[Effect::StopAll]),
        Transition::new("raised", "clear", "cleared", SYSTEM).untouched().effects(&[Effect::StopAll]),
        // Back within the repeat interval: the same alert, not another one.
        Transition::new("cleared", "recur", "raised", SYSTEM).effects(&[Effect::Reopen(ANSWER), Effect::Reopen(ON_SITE)]),
        Transition::new("confirmed", "undo", "raised", SUPERVISOR).undoing(UNDO_MS),
        Transition::new("dismissed", "undo", "raised", SUPERVISOR)
            .undoing(UNDO_MS)
            .effects(&[Effect::Reopen(ANSWER), Effect::Reopen(ON_SITE)]),
        Transition::new("dismissed", "reopen", "raised", SUPERVISOR)
            .with_reason()
            .effects(&[Effect::Reopen(ANSWER), Effect::Reopen(ON_SITE)]),
        Transition::new("confirmed", "dispatch", "dispatched", SUPERVISOR_OR_SYSTEM)
            .deadline(Need::Must)
            .effects(&[Effect::Stop(ANSWER), Effect::Start(RECTIFY)]),
        Transition::new("confirmed", "request_inspection", "inspection_requested", SUPERVISOR).effects(&[Effect::Stop(ANSWER)]),
        // The reason is the case's reference: what an alert becomes there is kept there.
        Transition::new("confirmed", "open_case", "case_opened", SUPERVISOR).with_reason().effects(&[Effect::StopAll]),
        Transition::new("dispatched", "rectify", "rectified", PREMISES).with_answer(EVIDENCE_MAX).effects(&[Effect::Pause(RECTIFY)]),
        Transition::new("dispatched", "rectify", "rectified", SYSTEM).effects(&[Effect::Pause(RECTIFY)]),
        Transition::new("rectified", "recur", "dispatched", SYSTEM).effects(&[Effect::Resume(RECTIFY)]),
        Transition::new("inspection_requested", "rectify", "rectified", PREMISES)
            .with_answer(EVIDENCE_MAX)
            .effects(&[Effect::Stop(ON_SITE)]),
        Transition::new("inspection_requested", "rectify", "rectified", SYSTEM).effects(&[Effect::Stop(ON_SITE)]),
        Transition::new("inspection_requested", "withdraw", "confirmed", SYSTEM).effects(&[Effect::Reopen(ANSWER)]),
        Transition::new("rectified", "review", "closed", SUPERVISOR)
            .deciding(Decision::Accept)
            .not_by("rectify")
            .effects(&[Effect::StopAll]),
        Transition::new("rectified", "review", "dispatched", SUPERVISOR)
            .deciding(Decision::SendBack)
            .not_by("rectify")
            .with_reason()
            .deadline(Need::May)
            .effects(&[Effect::Resume(RECTIFY)]),
    ],
    claims: Some(Claims { by: Permission::AlertsDecide, states: &["raised", "confirmed", "rectified"] }),
};

/// A reason for dismissing as people write it, as its code where it is one of the known ones; other reasons stand as given.
pub fn dismiss_reason(given: &str) -> String {
    let plain = given.trim().to_lowercase().replace([' ', '-'], "_");
    let known = match plain.as_str() {
        "误报" => Some(DismissReason::FalseAlarm),
        "重复" => Some(DismissReason::Duplicate),
        "允许" | "允许的行为" => Some(DismissReason::Permitted),
        "测试" => Some(DismissReason::Test),
        code => code.parse().ok(),
    };
    known.map_or_else(|| given.trim().to_owned(), |reason: DismissReason| reason.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::table::tests::is_sound;
    use crate::domain::workflow::{Act, Doer, Past, Refusal, Standing};
    use proptest::prelude::*;

    const NOW_MS: i64 = 1_795_399_200_000;

    fn act(action: &str) -> Act {
        let mut act = Act { action: action.to_owned(), ..Act::default() };
        match action {
            "dismiss" | "reopen" | "open_case" => act.reason = Some("false_alarm".to_owned()),
            "dispatch" => act.deadline_ms = Some(NOW_MS + 3_600_000),
            "rectify" => act.text = Some("换了镜头盖".to_owned()),
            "review" => act.decision = Some(Decision::Accept),
            _ => {}
        }
        act
    }

    fn supervisor(permission: Permission) -> bool {
        permission == Permission::AlertsDecide
    }
    fn canteen(permission: Permission) -> bool {
        permission == Permission::AlertsRectify
    }
    fn both(permission: Permission) -> bool {
        supervisor(permission) || canteen(permission)
    }
    fn user<'a>(id: &'a str, may: &'a (dyn Fn(Permission) -> bool + Sync)) -> Doer<'a> {
        Doer::User { id, may }
    }

    fn to(state: &str, past: &[Past], doer: Doer<'_>, act: &Act) -> Result<&'static str, Refusal> {
        TABLE.check(Standing { state, owner: None, past }, doer, act, NOW_MS).map(|way| way.to)
    }

    #[test]
    fn the_table_is_sound_and_names_every_state_of_the_api() {
        is_sound(&TABLE);
        let names: Vec<_> = TABLE.states.iter().map(|state| state.name).collect();
        let api: Vec<_> = AlertState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(names, api);
    }

    #[test]
    fn each_step_is_for_its_own_people() {
        let (decides, answers) = (user("s", &supervisor), user("c", &canteen));
        let table = [
            ("raised", "confirm", decides, Ok("confirmed")),
            ("raised", "confirm", answers, Err(Refusal::Forbidden)),
            ("raised", "confirm", Doer::System, Ok("confirmed")),
            ("raised", "dismiss", decides, Ok("dismissed")),
            ("raised", "dismiss", Doer::System, Err(Refusal::Forbidden)),
            ("raised", "clear", decides, Err(Refusal::Forbidden)),
            ("raised", "dispatch", decides, Err(Refusal::NotNow)),
            ("confirmed", "dispatch", decides, Ok("dispatched")),
            ("dispatched", "rectify", decides, Err(Refusal::Forbidden)),
            ("dispatched", "rectify", answers, Ok("rectified")),
            ("dispatched", "rectify", Doer::System, Ok("rectified")),
            ("rectified", "review", answers, Err(Refusal::Forbidden)),
            ("rectified", "review", decides, Ok("closed")),
            ("closed", "reopen", decides, Err(Refusal::NotNow)),
            ("dismissed", "reopen", decides, Ok("raised")),
            ("raised", "unknown", decides, Err(Refusal::Forbidden)),
        ];
        for (state, action, doer, expected) in table {
            assert_eq!(to(state, &[], doer, &act(action)), expected, "{action} in {state}");
        }
    }

    #[test]
    fn nobody_reviews_their_own_answer() {
        let past = |id: &str| vec![Past { action: "rectify".to_owned(), user_id: Some(id.to_owned()), at_ms: 0 }];
        let send_back = Act { decision: Some(Decision::SendBack), reason: Some("看不清".to_owned()), ..act("review") };
        for review in [act("review"), send_back] {
            assert_eq!(to("rectified", &past("b"), user("b", &both), &review), Err(Refusal::OwnAnswer));
            assert!(to("rectified", &past("other"), user("b", &both), &review).is_ok());
        }
        let mut sent_back = past("b");
        sent_back.extend(past("other"));
        assert_eq!(to("rectified", &sent_back, user("b", &both), &act("review")), Ok("closed"), "only the last answer counts");
        assert_eq!(TABLE.allowed(Standing { state: "rectified", owner: None, past: &past("b") }, user("b", &both)), Vec::<&str>::new());
    }

    #[test]
    fn only_what_nobody_touched_clears_by_itself() {
        let touched = [Past { action: "reopen".to_owned(), user_id: Some("s".to_owned()), at_ms: 0 }];
        assert_eq!(to("raised", &[], Doer::System, &act("clear")), Ok("cleared"));
        assert_eq!(to("raised", &touched, Doer::System, &act("clear")), Err(Refusal::NotNow));
    }

    #[test]
    fn only_who_did_it_takes_it_back_and_only_at_once() {
        let did = |action: &str, id: &str, at_ms| [Past { action: action.to_owned(), user_id: Some(id.to_owned()), at_ms }];
        let undo = |state, past: &[Past], who| to(state, past, user(who, &supervisor), &act("undo"));
        assert_eq!(undo("dismissed", &did("dismiss", "s", NOW_MS - 8_000), "s"), Ok("raised"));
        assert_eq!(undo("confirmed", &did("confirm", "s", NOW_MS), "s"), Ok("raised"));
        assert_eq!(undo("confirmed", &did("confirm", "s", NOW_MS - UNDO_MS - 1), "s"), Err(Refusal::NotNow), "too late");
        assert_eq!(undo("confirmed", &did("confirm", "other", NOW_MS), "s"), Err(Refusal::NotNow), "somebody else's");
        assert_eq!(undo("dispatched", &did("dispatch", "s", NOW_MS), "s"), Err(Refusal::NotNow), "the premises was told");
        assert_eq!(to("confirmed", &did("confirm", "c", NOW_MS), user("c", &canteen), &act("undo")), Err(Refusal::Forbidden));
    }

    #[test]
    fn what_an_act_carries_is_checked_all_at_once() {
        let codes = |act: &Act| match TABLE.check(Standing { state: "raised", owner: None, past: &[] }, user("s", &both), act, NOW_MS) {
            Err(Refusal::Faults(faults)) => faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect(),
            _ => Vec::new(),
        };
        let bare = |action: &str| Act { action: action.to_owned(), ..Act::default() };
        assert_eq!(codes(&bare("dismiss")), ["/reason required"]);
        assert_eq!(codes(&Act { text: Some("蒸汽".to_owned()), ..bare("reopen") }), Vec::<String>::new(), "a text says why too");
        assert_eq!(codes(&bare("dispatch")), ["/deadline required"]);
        assert_eq!(codes(&bare("rectify")), ["/text required"]);
        assert_eq!(codes(&Act { evidence: 1, ..bare("rectify") }), Vec::<String>::new(), "a picture is an answer");
        assert_eq!(codes(&bare("review")), ["/decision required"]);
        assert_eq!(codes(&Act { decision: Some(Decision::Accept), ..bare("confirm") }), ["/decision unexpected"]);
        let wrong = Act { reason: Some("\0".to_owned()), evidence: 1, deadline_ms: Some(NOW_MS), ..bare("dispatch") };
        assert_eq!(codes(&wrong), ["/reason format", "/evidence_ids unexpected", "/deadline out_of_range"]);
        assert_eq!(codes(&Act { deadline_ms: Some(NOW_MS + 91 * 24 * 3_600_000), ..bare("dispatch") }), ["/deadline out_of_range"]);
        assert_eq!(
            codes(&Act { text: Some("长".repeat(2_001)), evidence: 21, ..bare("rectify") }),
            ["/text too_long", "/evidence_ids too_many"]
        );
    }

    #[test]
    fn what_is_offered_is_what_may_be_done() {
        let offered = |state, doer| TABLE.allowed(Standing { state, owner: None, past: &[] }, doer);
        assert_eq!(offered("raised", user("s", &supervisor)), ["confirm", "dismiss"]);
        assert_eq!(offered("confirmed", user("s", &supervisor)), ["dispatch", "request_inspection", "open_case"]);
        assert_eq!(offered("rectified", user("s", &supervisor)), ["review"]);
        assert_eq!(offered("dispatched", user("c", &canteen)), ["rectify"]);
        assert_eq!(offered("raised", user("c", &canteen)), Vec::<&str>::new());
    }

    #[test]
    fn dismiss_reasons_are_known_by_code_and_by_name() {
        for (given, kept) in
            [("false_alarm", "false_alarm"), ("False alarm", "false_alarm"), ("误报", "false_alarm"), ("test", "test"), (" 蒸汽 ", "蒸汽")]
        {
            assert_eq!(dismiss_reason(given), kept);
        }
    }

    proptest! {
        /// Whoever does whatever in whatever order: an alert stays in its table, people do only what was offered to them,
        /// and an answer is never reviewed by the one who gave it.
        #[test]
        fn any_order_of_acts_keeps_to_the_table(steps in prop::collection::vec((0_usize..13, 0_usize..4, any::<bool>()), 0..60)) {
            let actions = ["confirm", "dismiss", "clear", "reopen", "dispatch", "request_inspection", "open_case", "rectify", "review", "recur", "withdraw", "undo", "nonsense"];
            let people: [(&str, &(dyn Fn(Permission) -> bool + Sync)); 3] = [("s", &supervisor), ("c", &canteen), ("b", &both)];
            let (mut state, mut past) = (TABLE.first, Vec::<Past>::new());
            for (action, who, back) in steps {
                let doer = people.get(who).map_or(Doer::System, |(id, may)| user(id, *may));
                let mut act = act(actions[action]);
                if back && act.action == "review" {
                    (act.decision, act.reason) = (Some(Decision::SendBack), Some("再来".to_owned()));
                }
                let standing = Standing { state, owner: None, past: &past };
                let offered = TABLE.allowed(standing, doer);
                if let Ok(way) = TABLE.check(standing, doer, &act, NOW_MS) {
                    prop_assert!(offered.contains(&way.action) || !way.offered);
                    prop_assert!(way.from == state && TABLE.state(way.to).is_some());
                    let user_id = match doer { Doer::User { id, .. } => Some(id.to_owned()), Doer::System => None };
                    if way.action == "review" {
                        let answered = past.iter().rev().find(|past| past.action == "rectify").and_then(|past| past.user_id.clone());
                        prop_assert!(answered.is_none() || answered != user_id);
                    }
                    past.push(Past { action: way.action.to_owned(), user_id, at_ms: NOW_MS });
                    state = way.to;
                }
            }
        }
    }
}
