//! Giving and taking roles, within the giver's part of the tree.

use mobile_api::field::Faults;

use super::input::GrantInput;
use crate::auth::{GRANT_LIMIT, Scope};
use crate::http::{Problem, checked};
use crate::store::{StoreError, Tx, roles, users};

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

/// Makes the person's grants inside `scope` these; those outside stay. Whether anything changed.
pub(in crate::http::console) async fn apply(tx: &mut Tx<'_>, scope: &Scope, user_id: &str, wanted: &[Wanted]) -> Result<bool, StoreError> {
    let mut changed = false;
    let present = users::grants(tx, user_id).await?;
    for grant in present.iter().filter(|grant| scope.covers(&grant.node_path)) {
        if !wanted.iter().any(|want| want.role == grant.role && want.node_id == grant.node_id) {
            users::revoke(tx, user_id, &grant.role, &grant.node_id).await?;
            changed = true;
        }
    }
    for want in wanted {
        let same =
            |grant: &&users::GrantRow| grant.role == want.role && grant.node_id == want.node_id && grant.valid_until == want.valid_until;
        if present.iter().find(same).is_none() {
            users::grant(tx, user_id, &want.role, &want.node_id, &want.path, want.valid_until).await?;
            changed = true;
        }
    }
    if changed {
        users::grants_changed(tx, user_id).await?;
    }
    Ok(changed)
}

/// Whether every role of the person lies inside `scope`.
pub(in crate::http::console) async fn manages_all(tx: &mut Tx<'_>, scope: &Scope, user_id: &str) -> Result<bool, StoreError> {
    Ok(users::grants(tx, user_id).await?.iter().all(|grant| scope.covers(&grant.node_path)))
}
