//! Who was let in a moment ago. Checking a token's signature and looking a login up costs more than most of what is asked for.
//!
//! What is remembered holds while nothing was written that may change a login or what somebody may do ([`crate::store::Db::access_epoch`]:
//! every write but those that say that they leave access alone), and no longer than [`KNOWN_MS`], for what another process writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller::Session;

/// How long a look-up is believed, ms.
const KNOWN_MS: i64 = 1_000;
/// Logins that are remembered.
const KEPT_MAX: usize = 4_000;

struct Known {
    session: Session,
    expires_s: i64,
    at_ms: i64,
    epoch: u64,
}

/// The memory. Clones share it.
#[derive(Clone, Default)]
pub struct KnownLogins(Arc<Mutex<HashMap<String, Known>>>);

impl std::fmt::Debug for KnownLogins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownLogins")
    }
}

impl KnownLogins {
    /// Whose token this is, where it was looked up a moment ago and nothing has changed since. The request's own facts are not in it.
    pub(super) fn get(&self, token: &str, now_ms: i64, epoch: u64) -> Option<Session> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(token)?;
        let fresh = known.epoch == epoch && (0..KNOWN_MS).contains(&(now_ms - known.at_ms)) && known.expires_s > now_ms / 1_000;
        fresh.then(|| known.session.clone())
    }

    /// Keeps what was looked up after `epoch` was read.
    pub(super) fn keep(&self, token: String, session: Session, expires_s: i64, now_ms: i64, epoch: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&token) {
            kept.clear();
        }
        kept.insert(token, Known { session, expires_s, at_ms: now_ms, epoch });
    }
}
