//! State machines as tables: states, transitions, who may make them, what they need, and what they do to the clocks.

use super::{Claims, Decision};
use crate::domain::permission::Permission;

/// A kind of work.
#[derive(Debug)]
pub struct Table {
    /// As stored in `work_items.kind`.
    pub kind: &'static str,
    /// Where it begins.
    pub first: &'static str,
    /// All states.
    pub states: &'static [State],
    /// All transitions.
    pub transitions: &'static [Transition],
    /// Whether and where somebody may take it on alone.
    pub claims: Option<Claims>,
}

/// A state. Work in one that is not open waits for nobody.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// As stored and sent.
    pub name: &'static str,
    /// Somebody still has to do something.
    pub open: bool,
}

/// Who may make a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person with this permission at the premises.
    May(Permission),
    /// The program, by a named rule.
    System,
}

/// Whether an act carries something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must not: it would mean nothing.
    No,
    /// It may.
    May,
    /// It must.
    Must,
}

/// What an act carries. Reason and text may come with every act; a need for one is met by the other, except that a
/// reason is what the need is told at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Why.
    pub reason: Need,
    /// Until when.
    pub deadline: Need,
    /// An answer: a text or evidence.
    pub answer: bool,
    /// Files it may name, at most.
    pub evidence_max: usize,
}

/// What a transition does to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It stops for good.
    Stop(&'static str),
    /// It stands still.
    Pause(&'static str),
    /// It goes on; the time it stood still is left out. With a deadline in the act, it runs until that instead.
    Resume(&'static str),
    /// It starts, and runs until the act's deadline.
    Start(&'static str),
    /// All clocks stop for good.
    StopAll,
    /// The one that stopped last goes on after all; the time since is left out.
    Reopen(&'static str),
}

/// One way from one state to another. Made with [`Transition::new`] and what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// State before.
    pub from: &'static str,
    /// As in the route.
    pub action: &'static str,
    /// For an action that decides between two ways.
    pub decision: Option<Decision>,
    /// State after.
    pub to: &'static str,
    /// Any of these; empty: nobody.
    pub who: &'static [Who],
    /// What the act carries.
    pub needs: Needs,
    /// Whoever did this action last may not make the transition: nobody reviews their own answer.
    pub not_by: Option<&'static str>,
    /// Only before any person has acted.
    pub untouched: bool,
    /// Takes back the doer's own last act, no later than so many ms after it.
    pub undo_ms: Option<i64>,
    /// A button of its own; `false` where another piece of work (an assignment, a case) makes the transition.
    pub offered: bool,
    /// What it does to the clocks, in order.
    pub effects: &'static [Effect],
}

impl Transition {
    /// A transition that `who` may make and that needs nothing.
    pub const fn new(from: &'static str, action: &'static str, to: &'static str, who: &'static [Who]) -> Self {
        let needs = Needs { reason: Need::May, deadline: Need::No, answer: false, evidence_max: 0 };
        Self { from, action, decision: None, to, who, needs, not_by: None, untouched: false, undo_ms: None, offered: true, effects: &[] }
    }

    /// The way that is taken for this decision.
    #[must_use]
    pub const fn deciding(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Needs a reason.
    #[must_use]
    pub const fn with_reason(mut self) -> Self {
        self.needs.reason = Need::Must;
        self
    }

    /// Whether it carries a deadline.
    #[must_use]
    pub const fn deadline(mut self, need: Need) -> Self {
        self.needs.deadline = need;
        self
    }

    /// Needs a text or evidence, of which at most `evidence_max` files.
    #[must_use]
    pub const fn with_answer(mut self, evidence_max: usize) -> Self {
        self.needs.answer = true;
        self.needs.evidence_max = evidence_max;
        self
    }

    /// Not by whoever did `action` last.
    #[must_use]
    pub const fn not_by(mut self, action: &'static str) -> Self {
        self.not_by = Some(action);
        self
    }

    /// Only before any person has acted.
    #[must_use]
    pub const fn untouched(mut self) -> Self {
        self.untouched = true;
        self
    }

    /// Takes back the doer's own last act within `within_ms`; offered by whoever shows that act, not as a button.
    #[must_use]
    pub const fn undoing(mut self, within_ms: i64) -> Self {
        self.undo_ms = Some(within_ms);
        self.offered = false;
        self
    }

    /// Made by another piece of work, not by a button of its own.
    #[must_use]
    pub const fn elsewhere(mut self) -> Self {
        self.offered = false;
        self
    }

    /// What it does to the clocks.
    #[must_use]
    pub const fn effects(mut self, effects: &'static [Effect]) -> Self {
        self.effects = effects;
        self
    }
}

impl Table {
    /// The state of this name.
    pub fn state(&self, name: &str) -> Option<&'static State> {
        self.states.iter().find(|state| state.name == name)
    }

    /// Whether the state is open; unknown ones are not.
    pub fn is_open(&self, name: &str) -> bool {
        self.state(name).is_some_and(|state| state.open)
    }

    /// Whether any transition is called so.
    pub fn knows(&self, action: &str) -> bool {
        self.transitions.iter().any(|transition| transition.action == action)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What every table must keep to.
    pub(in crate::domain::workflow) fn is_sound(table: &Table) {
        let names: BTreeSet<_> = table.states.iter().map(|state| state.name).collect();
        assert_eq!(names.len(), table.states.len(), "each state once");
        assert!(table.is_open(table.first), "work begins open");
        let mut ways = BTreeSet::new();
        for way in table.transitions {
            let named = format!("{} --{}--> {}", way.from, way.action, way.to);
            assert!(names.contains(way.from) && names.contains(way.to), "{named}: both states exist");
            assert!(!way.who.is_empty(), "{named}: somebody may make it, and not everybody");
            assert!(!way.untouched || way.who == [Who::System], "{named}: only the program acts before people");
            for who in way.who {
                assert!(ways.insert((way.from, way.action, way.decision, format!("{who:?}"))), "{named}: one way only");
            }
            for effect in way.effects {
                if let Effect::Start(clock) = effect {
                    assert_eq!(way.needs.deadline, Need::Must, "{named}: {clock} runs until the act's deadline");
                }
            }
            if let Some(claims) = table.claims
                && claims.states.contains(&way.from)
            {
                let strange = way.who.iter().any(|who| matches!(who, Who::May(permission) if *permission != claims.by));
                assert!(!strange, "{named}: nobody waits for a claim that is not theirs to make");
            }
            if let Some(before) = way.not_by {
                assert!(table.knows(before), "{named}: {before} is an action");
            }
        }
        let claimed = table.claims.map_or(&[][..], |claims| claims.states);
        assert!(claimed.iter().all(|state| table.is_open(state)), "what is done is nobody's");
        let reached = reach(table, table.first);
        assert_eq!(reached, names, "each state can be reached");
        for state in table.states.iter().filter(|state| state.open) {
            assert!(reach(table, state.name).iter().any(|name| !table.is_open(name)), "{}: work can end from here", state.name);
        }
    }

    fn reach(table: &Table, from: &'static str) -> BTreeSet<&'static str> {
        let mut reached = BTreeSet::from([from]);
        loop {
            let more: Vec<_> =
                table.transitions.iter().filter(|way| reached.contains(way.from) && !reached.contains(way.to)).map(|way| way.to).collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }
}
