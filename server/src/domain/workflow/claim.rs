//! Who has taken a piece of work on: beside its state, as lateness is, so that two people do not do the same.
//!
//! Nobody has to claim anything: what is free is decided at once. What somebody has claimed only that person decides;
//! whoever else is needed takes it over first, which the history has and the other is told of.

use super::{Refusal, Standing, Table};
use crate::domain::permission::Permission;

/// Which work may be claimed.
#[derive(Debug, Clone, Copy)]
pub struct Claims {
    /// By whoever may do this at the premises.
    pub by: Permission,
    /// While the bureau has the next step. In every other state nobody has it.
    pub states: &'static [&'static str],
}

/// How work changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing<'a> {
    /// The doer takes it, from whoever has it.
    Claim,
    /// The doer lets go of it.
    Release,
    /// The doer gives it to this person.
    To(&'a str),
}

impl Handing<'_> {
    /// As the history and the audit log call it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Release => "release",
            Self::To(_) => "hand_over",
        }
    }
}

impl Table {
    /// Whether somebody may have it in this state.
    pub fn is_claimed_in(&self, state: &str) -> bool {
        self.claims.is_some_and(|claims| claims.states.contains(&state))
    }

    /// Who has it when `doer`, who may do what `may` says, has done this.
    pub fn hand(
        &self,
        standing: Standing<'_>,
        doer: &str,
        may: &(dyn Fn(Permission) -> bool + Sync),
        handing: Handing<'_>,
    ) -> Result<Option<String>, Refusal> {
        if !self.claims.is_some_and(|claims| may(claims.by)) {
            return Err(Refusal::Forbidden);
        }
        if !self.is_claimed_in(standing.state) {
            return Err(Refusal::NotNow);
        }
        let (mine, theirs) = (standing.owner == Some(doer), standing.owner.is_some_and(|owner| owner != doer));
        match handing {
            Handing::Claim if !mine => Ok(Some(doer.to_owned())),
            Handing::Release | Handing::To(_) if theirs => Err(Refusal::Claimed),
            Handing::Release if mine => Ok(None),
            Handing::To(other) if other != doer => Ok(Some(other.to_owned())),
            // It is so already.
            Handing::Claim | Handing::Release | Handing::To(_) => Err(Refusal::NotNow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::TABLE;
    use super::super::{Act, Doer};
    use super::*;

    fn decides(permission: Permission) -> bool {
        permission == Permission::AlertsDecide
    }
    fn answers(permission: Permission) -> bool {
        permission == Permission::AlertsRectify
    }

    #[test]
    fn work_changes_hands_between_those_who_decide() {
        let hand = |state, owner, doer, handing| TABLE.hand(Standing { state, owner, past: &[] }, doer, &decides, handing);
        let table = [
            (None, Handing::Claim, Ok(Some("a"))),
            (Some("a"), Handing::Claim, Err(Refusal::NotNow)),
            (Some("b"), Handing::Claim, Ok(Some("a"))),
            (None, Handing::Release, Err(Refusal::NotNow)),
            (Some("a"), Handing::Release, Ok(None)),
            (Some("b"), Handing::Release, Err(Refusal::Claimed)),
            (None, Handing::To("b"), Ok(Some("b"))),
            (Some("a"), Handing::To("b"), Ok(Some("b"))),
            (Some("a"), Handing::To("a"), Err(Refusal::NotNow)),
            (Some("c"), Handing::To("b"), Err(Refusal::Claimed)),
        ];
        for (owner, handing, expected) in table {
            let expected = expected.map(|owner: Option<&str>| owner.map(str::to_owned));
            assert_eq!(hand("raised", owner, "a", handing), expected, "{handing:?} of what {owner:?} has");
        }
        for state in ["dispatched", "dismissed", "closed", "cleared", "inspection_requested"] {
            assert_eq!(hand(state, None, "a", Handing::Claim), Err(Refusal::NotNow), "the bureau has no step to take in {state}");
        }
        let standing = Standing { state: "raised", owner: None, past: &[] };
        assert_eq!(TABLE.hand(standing, "c", &answers, Handing::Claim), Err(Refusal::Forbidden));
    }

    #[test]
    fn what_is_claimed_only_its_owner_decides() {
        let confirm = Act { action: "confirm".to_owned(), ..Act::default() };
        let check = |owner, doer| TABLE.check(Standing { state: "raised", owner, past: &[] }, doer, &confirm, 0).map(|way| way.to);
        let user = |id| Doer::User { id, may: &decides };
        assert_eq!(check(None, user("a")), Ok("confirmed"));
        assert_eq!(check(Some("a"), user("a")), Ok("confirmed"));
        assert_eq!(check(Some("b"), user("a")), Err(Refusal::Claimed));
        assert_eq!(check(Some("b"), Doer::System), Ok("confirmed"), "a rule waits for nobody");
        let offered = |owner| TABLE.allowed(Standing { state: "confirmed", owner, past: &[] }, user("a"));
        assert_eq!(offered(Some("b")), Vec::<&str>::new());
        assert_eq!(offered(Some("a")), ["dispatch", "request_inspection", "open_case"]);
    }
}
