//! Giving and taking roles, within the giver's part of the tree.

use mobile_api::field::Faults;

use super::agreement::{Rule, ask};
use super::input::GrantInput;
use crate::auth::{GRANT_LIMIT, Scope};
use crate::http::{Problem, checked};
use crate::store::journal::Actor;
use crate::store::users::GrantRow;
use crate::store::{Conn, StoreError, Tx, roles, users};

/// A grant that may be given: its node is there and lies in the giver's scope.
#[derive(Debug, Clone)]
pub(in crate::http::console) struct Wanted {
    pub(in crate::http::console) role: String,
    pub(in crate::http::console) node_id: String,
    pub(in crate::http::console) path: String,
    pub(in crate::http::console) valid_until: Option<i64>,
}

/// Checks what is to be given; every fault by its place.
pub(in crate::http::console) async fn check_grants(tx: &mut Tx<'_>, scope: &Scope, given: &[GrantInput]) -> Result<Vec<Wanted>, Problem> {
    let known = roles::list(tx).await?;
    let mut faults = Faults::new();
    faults.count("grants", given.len(), GRANT_LIMIT);
    checked(std::mem::take(&mut faults))?;
    let mut wanted = Vec::with_capacity(given.len());
    for (at, grant) in given.iter().enumerate() {
        let path = users::node_path(tx, &grant.node_id.to_string()).await?.filter(|path| scope.covers(path));
        faults.within("grants", |faults| {
            faults.within(at, |faults| {
                if !known.iter().any(|role| role.code == grant.role) {
                    faults.note_at("role", "unknown", "no such role");
                }
                if path.is_none() {
                    faults.note_at("node_id", "unknown", "no such node in your part of the tree");
                }
            });
        });
        if let Some(path) = path {
            wanted.push(Wanted {
                role: grant.role.clone(),
                node_id: grant.node_id.to_string(),
                path,
                valid_until: grant.valid_until.map(|moment| moment.0),
            });
        }
    }
    checked(faults)?;
    Ok(wanted)
}

/// Who gives roles.
#[derive(Debug, Clone, Copy)]
pub(in crate::http::console) struct Giver<'a> {
    pub(in crate::http::console) actor: &'a Actor,
    /// Where they manage people.
    pub(in crate::http::console) scope: &'a Scope,
    /// ms UTC
    pub(in crate::http::console) at: i64,
}

/// What came of giving roles.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::http::console) struct Given {
    /// Something holds now that did not, or holds no longer.
    pub(in crate::http::console) changed: bool,
    /// A role that lets the person watch is new.
    pub(in crate::http::console) watches: bool,
}

/// What giving `wanted` comes to.
#[derive(Debug, Default)]
struct Change {
    /// Taken back: role and node.
    taken: Vec<GrantRow>,
    /// Given at once.
    direct: Vec<Wanted>,
    /// Kept as requests.
    waiting: Vec<Wanted>,
}

fn change(rule: &Rule, present: &[GrantRow], giver: Giver<'_>, wanted: &[Wanted]) -> Change {
    let is = |grant: &GrantRow, want: &Wanted| want.role == grant.role && want.node_id == grant.node_id;
    let (mut kept, mut change) = (Vec::new(), Change::default());
    for grant in present {
        if !giver.scope.covers(&grant.node_path) || wanted.iter().any(|want| is(grant, want)) {
            kept.push(grant);
        } else {
            change.taken.push(grant.clone());
        }
    }
    let mut fresh = Vec::new();
    for want in wanted {
        match kept.iter().find(|grant| is(grant, want)) {
            Some(grant) if grant.valid_until == want.valid_until => {}
            // What holds already and shall end sooner is no new right.
            Some(grant) if want.valid_until.is_some_and(|then| grant.valid_until.is_none_or(|now| then < now)) => {
                change.direct.push(want.clone());
            }
            _ => fresh.push(want),
        }
    }
    kept.retain(|grant| grant.valid_until.is_none_or(|until| until > giver.at));
    for (want, waits) in fresh.iter().zip(rule.waits(&kept, &fresh)) {
        if waits { &mut change.waiting } else { &mut change.direct }.push((*want).clone());
    }
    change
}

/// Makes the person's grants inside the giver's scope these; those outside stay. What needs a second administrator waits as a
/// request ([`super::agreement`]).
pub(in crate::http::console) async fn apply(
    tx: &mut Tx<'_>,
    giver: Giver<'_>,
    user_id: &str,
    wanted: &[Wanted],
) -> Result<Given, StoreError> {
    let rule = Rule::read(tx).await?;
    let Change { taken, direct, waiting } = change(&rule, &users::grants(tx, user_id).await?, giver, wanted);
    let given = Given { changed: !taken.is_empty() || !direct.is_empty(), watches: direct.iter().any(|want| rule.watches(&want.role)) };
    for grant in &taken {
        users::revoke(tx, user_id, &grant.role, &grant.node_id).await?;
    }
    for want in &direct {
        users::grant(tx, user_id, &want.role, &want.node_id, &want.path, want.valid_until).await?;
    }
    if !waiting.is_empty() {
        let name = users::credentials_by_id(tx, user_id).await?.map(|user| user.display_name).unwrap_or_default();
        for want in &waiting {
            ask(tx, giver.actor, user_id, &name, want, giver.at).await?;
        }
    }
    if given.changed {
        users::grants_changed(tx, user_id).await?;
    }
    Ok(given)
}

/// Whether every role of the person lies inside `scope`.
pub(in crate::http::console) async fn manages_all(conn: &mut Conn<'_>, scope: &Scope, user_id: &str) -> Result<bool, StoreError> {
    Ok(users::grants(conn, user_id).await?.iter().all(|grant| scope.covers(&grant.node_path)))
}
