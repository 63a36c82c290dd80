//! What is kept in memory of the second door: who was let in a moment ago, forms that were rendered, failures by address.
//!
//! All of it can be made again. Who was let in is looked up anew after [`KNOWN_MS`], and at once where anything in the change
//! log has moved (a role, an account, an assignment) or a device was revoked here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use md5::Md5;
use sha2::Digest as _;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::auth::Session;
use crate::rate::Limiter;

/// How long a look-up of a device is believed, ms.
const KNOWN_MS: i64 = 5_000;
/// Devices, lists and forms that are kept.
const KEPT_MAX: usize = 2_000;
/// Bytes of lists and forms that are kept.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Wrong passwords that an address may try in a minute.
const FAILURES_MAX: u32 = 20;

/// A device that may come in.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// The user name of its basic authentication.
    pub login: String,
    /// What its officer may do; the address it comes from is not in it.
    pub session: Session,
    /// The officer's name.
    pub officer_name: String,
}

/// Something that was rendered, with what a client compares it by.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The content.
    pub bytes: Bytes,
    /// MD5, hex: what OpenRosa compares forms and files by.
    pub md5: String,
}

impl Rendered {
    /// Of this content.
    pub fn of(content: impl Into<Bytes>) -> Self {
        let bytes = content.into();
        let md5 = hex::encode(Md5::digest(&bytes));
        Self { bytes, md5 }
    }
}

struct Known {
    device: Arc<Device>,
    at_ms: i64,
    head: i64,
}

#[derive(Default)]
struct Kept {
    known: HashMap<String, Known>,
    rendered: HashMap<String, (Rendered, Option<i64>)>,
    bytes: usize,
    writing: HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>,
}

/// The door's memory. Clones share it.
#[derive(Clone)]
pub struct Door {
    kept: Arc<Mutex<Kept>>,
    /// Wrong passwords by address.
    pub failures: Limiter,
    /// That a device was here is noted once a minute.
    pub seen: Limiter,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl Default for Door {
    fn default() -> Self {
        Self { kept: Arc::default(), failures: Limiter::new(FAILURES_MAX, 60_000), seen: Limiter::new(1, 60_000) }
    }
}

impl Door {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device whose password has this hash, where it was looked up a moment ago and nothing has changed since.
    pub fn known(&self, secret_sha256: &str, now_ms: i64, head: i64) -> Option<Arc<Device>> {
        let kept = self.kept();
        let known = kept.known.get(secret_sha256)?;
        ((0..KNOWN_MS).contains(&(now_ms - known.at_ms)) && known.head == head).then(|| Arc::clone(&known.device))
    }

    /// Keeps what was looked up when the change log stood at `head`.
    pub fn know(&self, secret_sha256: &str, device: Arc<Device>, now_ms: i64, head: i64) {
        let mut kept = self.kept();
        if kept.known.len() >= KEPT_MAX {
            kept.known.clear();
        }
        kept.known.insert(secret_sha256.to_owned(), Known { device, at_ms: now_ms, head });
    }

    /// Forgets who was let in: a device was revoked.
    pub fn forget(&self) {
        self.kept().known.clear();
    }

    /// What was rendered under this name: for good, or while the change log stands where it stood.
    pub fn rendered(&self, name: &str, head: i64) -> Option<Rendered> {
        let kept = self.kept();
        let (rendered, until) = kept.rendered.get(name)?;
        until.is_none_or(|until| until == head).then(|| rendered.clone())
    }

    /// Keeps what was rendered; `head` for something that holds only while the change log stands there.
    pub fn keep(&self, name: &str, rendered: Rendered, head: Option<i64>) {
        let mut kept = self.kept();
        if kept.rendered.len() >= KEPT_MAX || kept.bytes + rendered.bytes.len() > KEPT_BYTES_MAX {
            kept.rendered.clear();
            kept.bytes = 0;
        }
        kept.bytes += rendered.bytes.len();
        if let Some((before, _)) = kept.rendered.insert(name.to_owned(), (rendered, head)) {
            kept.bytes -= before.bytes.len();
        }
    }

    /// Waits until this officer's other forms are done with: the same form sent five times at once is looked at one by one.
    pub async fn turn(&self, officer: Uuid) -> OwnedMutexGuard<()> {
        let writing = {
            let mut kept = self.kept();
            // Nobody waits for those that only the map holds.
            kept.writing.retain(|_, writing| Arc::strong_count(writing) > 1);
            Arc::clone(kept.writing.entry(officer).or_default())
        };
        writing.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_a_while_goes_with_the_change_log() {
        let door = Door::default();
        door.keep("list", Rendered::of("a"), Some(7));
        door.keep("form", Rendered::of("b"), None);
        assert_eq!(door.rendered("list", 7).map(|kept| kept.md5), Some("0cc175b9c0f1b6a831c399e269772661".to_owned()));
        assert!(door.rendered("list", 8).is_none() && door.rendered("form", 8).is_some());
        door.keep("large", Rendered::of(vec![0; KEPT_BYTES_MAX]), None);
        assert!(door.rendered("form", 8).is_none(), "it never takes more than its share");
    }

    #[tokio::test]
    async fn an_officers_forms_take_turns() {
        let door = Door::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let turn = door.turn(one).await;
        drop(door.turn(other).await);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), door.turn(one)).await.is_err());
        drop(turn);
        drop(door.turn(one).await);
        assert!(door.kept().writing.len() <= 1);
    }
}
