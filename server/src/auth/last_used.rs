//! When logins were last used: kept in memory, and written down every minute, before a list is read and before a login is renewed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::store::{Db, StoreError, sessions};

/// Logins that are remembered between two writes; further ones are written with the next refresh.
const KEPT_MAX: usize = 10_000;

/// A use: when, ms UTC, and from where.
type Use = (i64, Option<String>);

/// The memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LastUsed(Arc<Mutex<HashMap<Uuid, Use>>>);

impl LastUsed {
    /// A request of this login.
    pub(super) fn note(&self, session: Uuid, at: i64, ip: Option<&str>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX || kept.contains_key(&session) {
            kept.insert(session, (at, ip.map(str::to_owned)));
        }
    }

    /// Writes down what was noted.
    pub async fn write(&self, db: &Db) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        db.write_apart(move |tx| {
            Box::pin(async move {
                // Always in the same order: two nodes that write at once wait for each other, and not both.
                let mut noted: Vec<(Uuid, Use)> = noted.into_iter().collect();
                noted.sort();
                for (session, (at, ip)) in &noted {
                    sessions::used(tx, &session.to_string(), *at, ip.as_deref()).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
