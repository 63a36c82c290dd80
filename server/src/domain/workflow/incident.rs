//! The table of reports of suspected food poisoning (疑似食物中毒): reported, taken in hand, ended.
//!
//! Everything is held from the report on: nobody has to confirm anything first. Only who may release ends it, with a reason; that
//! is also the moment when recordings, samples and sealed food are let go. Its clocks are the time limits of what the report began
//! (`domain/data/incidents.json`, with their sources); each act says which of them it meets.

use std::sync::LazyLock;

use super::{Effect, Limit, Need, State, Table, Transition, Who};
use crate::domain::permission::Permission;
use crate::domain::premises::coded;
use serde::{Deserialize, Serialize};

/// Until somebody who decides takes it in hand.
pub const ANSWER: &str = "answer";
/// Until those above are told.
pub const REPORT_UP: &str = "report_up";
/// Until somebody is on site, where whoever reported was not.
pub const ON_SITE: &str = "on_site";
/// Until the head approves what was kept as evidence in an emergency.
pub const KEEPING_REPORT: &str = "keeping_report";
/// Until what was kept as evidence is dealt with.
pub const KEEPING: &str = "keeping";
/// Until a seal ends by law.
pub const SEALING: &str = "sealing";
/// Files that one act may name.
pub const EVIDENCE_MAX: usize = 20;

coded! {
    /// Where a report stands.
    IncidentState {
        /// 待处置: nobody has taken it in hand
        Reported = "reported",
        /// 处置中
        Handling = "handling",
        /// 已办结: with its reason, everything is let go
        Closed = "closed",
    }
}

coded! {
    /// What people do about a report.
    IncidentAction {
        /// 接手处置
        TakeUp = "take_up",
        /// 上报: to the government, health and the authority above, in words
        ReportUp = "report_up",
        /// 到达现场
        Arrive = "arrive",
        /// 补充: more of the sick, more food that is sealed, in words
        Supplement = "supplement",
        /// 批准先行登记保存
        ApproveKeeping = "approve_keeping",
        /// 处理登记保存的物品: what became of it, in words
        SettleKeeping = "settle_keeping",
        /// 延长查封、扣押
        Extend = "extend",
        /// 办结: recordings, samples and food are let go
        Close = "close",
    }
}

const REPORTERS: &[Who] = &[Who::May(Permission::IncidentsReport)];
const RELEASERS: &[Who] = &[Who::May(Permission::IncidentsRelease)];

/// Days that a seal may be given beyond its first end.
pub const EXTEND_DAYS_MAX: i64 = 30;

const fn close(from: &'static str) -> Transition {
    Transition::new(from, "close", "closed", RELEASERS).with_reason().effects(&[Effect::StopAll])
}
const fn report_up(state: &'static str) -> Transition {
    Transition::new(state, "report_up", state, REPORTERS).with_reason().effects(&[Effect::Stop(REPORT_UP)])
}
const fn arrive(state: &'static str) -> Transition {
    Transition::new(state, "arrive", state, REPORTERS).effects(&[Effect::Stop(ON_SITE)])
}
const fn supplement(state: &'static str) -> Transition {
    Transition::new(state, "supplement", state, REPORTERS).with_answer(EVIDENCE_MAX)
}
const fn approve_keeping(state: &'static str) -> Transition {
    Transition::new(state, "approve_keeping", state, RELEASERS).with_reason().effects(&[Effect::Stop(KEEPING_REPORT)])
}
const fn settle_keeping(state: &'static str) -> Transition {
    Transition::new(state, "settle_keeping", state, RELEASERS).with_reason().effects(&[Effect::Stop(KEEPING), Effect::Stop(KEEPING_REPORT)])
}
const fn extend(state: &'static str) -> Transition {
    Transition::new(state, "extend", state, RELEASERS).with_reason().deadline(Need::Must).effects(&[Effect::Resume(SEALING)])
}

/// Reports of suspected food poisoning.
pub static TABLE: Table = Table {
    kind: "incident",
    first: "reported",
    states: &[State { name: "reported", open: true }, State { name: "handling", open: true }, State { name: "closed", open: false }],
    transitions: &[
        Transition::new("reported", "take_up", "handling", RELEASERS).effects(&[Effect::Stop(ANSWER)]),
        report_up("reported"),
        report_up("handling"),
        arrive("reported"),
        arrive("handling"),
        supplement("reported"),
        supplement("handling"),
        approve_keeping("reported"),
        approve_keeping("handling"),
        settle_keeping("reported"),
        settle_keeping("handling"),
        extend("reported"),
        extend("handling"),
        close("reported"),
        close("handling"),
    ],
    claims: None,
};

/// When a clock starts with the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    Always,
    NotOnSite,
    Kept,
    Sealed,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    when: When,
    limit: Limit,
    source: String,
}

/// The figures, with their version and their sources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Grows when a figure changes; kept with each report.
    pub version: u32,
    hold_hours_before: i64,
    hold_hours_after: i64,
    clocks: Vec<Rule>,
}

/// What a report says, as far as it starts clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begins {
    /// Whoever reports is there.
    pub on_site: bool,
    /// Something is kept as evidence.
    pub kept: bool,
    /// Something is sealed or seized.
    pub sealed: bool,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| serde_json::from_str(include_str!("../data/incidents.json")).unwrap_or_default());

impl Rules {
    /// Those that ship.
    pub fn shipped() -> &'static Self {
        &RULES
    }

    /// The clocks that a report starts, by name.
    pub fn clocks(&self, begins: Begins) -> impl Iterator<Item = (&str, Limit)> {
        let starts = move |when| match when {
            When::Always => true,
            When::NotOnSite => !begins.on_site,
            When::Kept => begins.kept,
            When::Sealed => begins.sealed,
        };
        self.clocks.iter().filter(move |rule| starts(rule.when)).map(|rule| (rule.name.as_str(), rule.limit))
    }

    /// Where a clock's limit comes from.
    pub fn source(&self, clock: &str) -> Option<&str> {
        self.clocks.iter().find(|rule| rule.name == clock).map(|rule| rule.source.as_str())
    }

    /// The stretch whose recordings and samples are held, ms UTC: from some days before the first that is known (the meal, the first
    /// who fell ill, the report) until a day after the report, and never longer than one hold may be.
    pub fn stretch(&self, known_ms: impl IntoIterator<Item = i64>, reported_ms: i64) -> (i64, i64) {
        const HOUR_MS: i64 = 3_600_000;
        let end = reported_ms + self.hold_hours_after * HOUR_MS;
        let first = known_ms.into_iter().filter(|at| *at <= reported_ms).fold(reported_ms, i64::min);
        let start = first - self.hold_hours_before * HOUR_MS;
        (start.max(end - crate::domain::hold::STRETCH_MS_MAX), end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workflow::table::tests::is_sound;
    use crate::domain::workflow::{Act, Doer, Refusal, Standing};

    const NOW_MS: i64 = 1_795_399_200_000;
    const HOUR_MS: i64 = 3_600_000;

    fn officer(permission: Permission) -> bool {
        permission == Permission::IncidentsReport
    }
    fn supervisor(permission: Permission) -> bool {
        permission == Permission::IncidentsRelease
    }

    fn to(state: &str, may: &(dyn Fn(Permission) -> bool + Sync), action: &str, reason: Option<&str>) -> Result<&'static str, Refusal> {
        let act = Act { action: action.to_owned(), reason: reason.map(str::to_owned), ..Act::default() };
        TABLE.check(Standing { state, owner: None, past: &[] }, Doer::User { id: "x", may }, &act, NOW_MS).map(|way| way.to)
    }

    #[test]
    fn the_table_is_sound_and_names_every_state_and_action_of_the_api() {
        is_sound(&TABLE);
        let names: Vec<_> = TABLE.states.iter().map(|state| state.name).collect();
        assert_eq!(names, IncidentState::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>());
        assert!(IncidentAction::ALL.iter().all(|action| TABLE.knows(action.as_str())));
        assert!(TABLE.transitions.iter().all(|way| way.action.parse::<IncidentAction>().is_ok()));
    }

    #[test]
    fn only_who_may_release_ends_it_and_only_with_a_reason() {
        for state in ["reported", "handling"] {
            assert_eq!(to(state, &supervisor, "close", Some("已排除")), Ok("closed"));
            assert!(matches!(to(state, &supervisor, "close", None), Err(Refusal::Faults(_))));
            assert_eq!(to(state, &officer, "close", Some("已排除")), Err(Refusal::Forbidden));
            assert_eq!(
                to(state, &officer, "report_up", Some("区政府、区卫健局，电话")),
                Ok(if state == "reported" { "reported" } else { "handling" })
            );
        }
        assert_eq!(to("reported", &officer, "take_up", None), Err(Refusal::Forbidden));
        assert_eq!(to("reported", &supervisor, "take_up", None), Ok("handling"));
        assert_eq!(to("closed", &supervisor, "close", Some("再次")), Err(Refusal::NotNow));
    }

    #[test]
    fn the_limits_are_those_of_what_the_report_begins() {
        let rules = Rules::shipped();
        assert!(rules.version > 0, "the figures that ship can be read");
        let names = |begins| rules.clocks(begins).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(Begins { on_site: true, ..Begins::default() }), [ANSWER, REPORT_UP]);
        assert_eq!(names(Begins::default()), [ANSWER, REPORT_UP, ON_SITE]);
        assert_eq!(names(Begins { on_site: true, kept: true, sealed: true }), [ANSWER, REPORT_UP, KEEPING_REPORT, KEEPING, SEALING]);
        assert!(rules.clocks.iter().all(|rule| !rule.source.is_empty()));
    }

    #[test]
    fn the_stretch_begins_before_the_first_that_is_known_and_fits_a_hold() {
        let rules = Rules::shipped();
        let (start, end) = rules.stretch([NOW_MS - 20 * HOUR_MS, NOW_MS + 5 * HOUR_MS], NOW_MS);
        assert_eq!((start, end), (NOW_MS - 92 * HOUR_MS, NOW_MS + 24 * HOUR_MS));
        assert_eq!(rules.stretch([], NOW_MS).0, NOW_MS - 72 * HOUR_MS);
        let (start, end) = rules.stretch([NOW_MS - 9_000 * HOUR_MS], NOW_MS);
        assert_eq!(end - start, crate::domain::hold::STRETCH_MS_MAX);
    }
}
