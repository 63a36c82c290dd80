//! When a role needs a second administrator.
//!
//! An administrator manages people and cameras and sees no video. The rule, in four sentences:
//!
//! 1. **An account that manages people gets a further role, and an account with a further role gets to manage people, only when a
//!    second administrator agrees.** Until then the role waits as a request; all other roles are given at once.
//! 2. **The one who agrees is neither the one who asked nor the one who gets the role**, manages people at the role's node, and
//!    is nobody whose password either of them was the last to choose, directly or through others: an account that one made is no second
//!    person.
//! 3. **An administrator may still make an account that watches, and give an existing one such a role: that is the ordinary work.**
//!    Whoever's password an administrator chose, they could sign in as until its owner changed it; nothing in the program can tell
//!    them apart. So it is told, not asked: the other administrators, and who reads the audit log, get a notice when an account
//!    that can watch was made, or its password was reset, and the audit log has it.
//! 4. **Whoever has the server's own shell stands above this**: `bright-kitchen admin create` gives roles at once, and
//!    `admin password` makes an account nobody's hands were on.

use serde_json::json;
use uuid::Uuid;

use super::grants::Wanted;
use crate::domain::permission::Permission;
use crate::store::journal::{Act, Actor};
use crate::store::role_requests::{self, NewRequest};
use crate::store::users::GrantRow;
use crate::store::{StoreError, Tx, notices, roles};

/// What lets somebody see what cameras saw, but for parents, who see what everybody's parents see.
const WATCHES: [Permission; 4] = [Permission::VideoLive, Permission::VideoRecorded, Permission::VideoExport, Permission::AlertsWatch];

/// What roles may, as far as the rule asks.
#[derive(Debug)]
pub(in crate::http::console) struct Rule {
    manages: Vec<String>,
    watches: Vec<String>,
}

impl Rule {
    pub(in crate::http::console) async fn read(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let all = roles::permissions(tx).await?;
        let with = |permissions: &[Permission]| {
            let mut roles: Vec<String> =
                all.iter().filter(|(_, code)| permissions.iter().any(|one| one.code() == code)).map(|(role, _)| role.clone()).collect();
            roles.dedup();
            roles
        };
        Ok(Self { manages: with(&[Permission::UsersManage]), watches: with(&WATCHES) })
    }

    fn manages(&self, role: &str) -> bool {
        self.manages.iter().any(|one| one == role)
    }

    /// Whether a role lets somebody watch.
    pub(in crate::http::console) fn watches(&self, role: &str) -> bool {
        self.watches.iter().any(|one| one == role)
    }

    /// Of the roles that are new to a person, by place in `new`, those that wait; `kept` is what they hold besides.
    pub(super) fn waits(&self, kept: &[&GrantRow], new: &[&Wanted]) -> Vec<bool> {
        let manages = kept.iter().any(|grant| self.manages(&grant.role));
        let other = kept.iter().any(|grant| !self.manages(&grant.role));
        let becomes = !manages && !other && new.iter().any(|want| self.manages(&want.role));
        new.iter().map(|want| if self.manages(&want.role) { other && !manages } else { manages || becomes }).collect()
    }
}

/// Keeps a role as a request, and tells those who can agree.
pub(super) async fn ask(
    tx: &mut Tx<'_>,
    actor: &Actor,
    user_id: &str,
    user_name: &str,
    want: &Wanted,
    at: i64,
) -> Result<bool, StoreError> {
    let Some(asker) = actor.id else { return Ok(false) };
    let asker = asker.to_string();
    let new = NewRequest {
        id: Uuid::now_v7().to_string(),
        user_id: user_id.to_owned(),
        role: want.role.clone(),
        node_id: want.node_id.clone(),
        node_path: want.path.clone(),
        valid_until: want.valid_until,
        asked_by: asker.clone(),
    };
    if !role_requests::insert(tx, &new, at).await? {
        return Ok(false);
    }
    let detail = json!({"request_id": new.id, "role": new.role, "node_id": new.node_id, "user_id": user_id});
    tx.audit(at, Act { actor, action: "role_asked", entity: Some(("user", user_id)), path: &new.node_path, detail }).await?;
    let told = role_requests::holders(tx, Permission::UsersManage.code(), &new.node_path, &[&asker, user_id], at).await?;
    let facts = json!({"request_id": new.id, "role": new.role, "text": user_name});
    notices::insert(tx, None, &told, "role_requested", &facts, at).await?;
    Ok(true)
}

/// Tells the other administrators of `path`, and who reads the audit log there, that `actor` had an account that can watch in their hands.
pub(in crate::http::console) async fn tell(
    tx: &mut Tx<'_>,
    actor: &Actor,
    user_id: &str,
    text: &str,
    path: &str,
    at: i64,
) -> Result<(), StoreError> {
    let by = actor.id.map(|id| id.to_string()).unwrap_or_default();
    let but = [by.as_str(), user_id];
    let mut told = role_requests::holders(tx, Permission::UsersManage.code(), path, &but, at).await?;
    told.extend(role_requests::holders(tx, Permission::AuditRead.code(), path, &but, at).await?);
    told.sort_unstable();
    told.dedup();
    notices::insert(tx, None, &told, "watching_account", &json!({"user_id": user_id, "text": text}), at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule { manages: vec!["administrator".to_owned()], watches: vec!["supervisor".to_owned()] }
    }

    fn held(role: &str) -> GrantRow {
        let empty = String::new;
        GrantRow { role: role.to_owned(), node_id: empty(), node_path: empty(), node_name: empty(), node_level: empty(), valid_until: None }
    }

    fn wanted(role: &str) -> Wanted {
        Wanted { role: role.to_owned(), node_id: String::new(), path: String::new(), valid_until: None }
    }

    fn waits(kept: &[&str], new: &[&str]) -> Vec<bool> {
        let (kept, new): (Vec<_>, Vec<_>) = (kept.iter().map(|role| held(role)).collect(), new.iter().map(|role| wanted(role)).collect());
        rule().waits(&kept.iter().collect::<Vec<_>>(), &new.iter().collect::<Vec<_>>())
    }

    #[test]
    fn only_what_joins_managing_with_another_role_waits() {
        assert_eq!(waits(&[], &["supervisor", "officer"]), [false, false], "the ordinary work");
        assert_eq!(waits(&["officer"], &["supervisor"]), [false]);
        assert_eq!(waits(&[], &["administrator"]), [false]);
        assert_eq!(waits(&["administrator"], &["administrator"]), [false], "at another node");
        assert_eq!(waits(&["administrator"], &["supervisor", "auditor"]), [true, true]);
        assert_eq!(waits(&["supervisor"], &["administrator"]), [true]);
        assert_eq!(waits(&[], &["supervisor", "administrator"]), [true, false], "the further one waits");
        assert_eq!(waits(&["officer"], &["supervisor", "administrator"]), [false, true]);
        assert_eq!(waits(&["administrator", "supervisor"], &["officer", "administrator"]), [true, false]);
    }
}
