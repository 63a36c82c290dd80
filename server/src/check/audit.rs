//! The audit chain: every row's hash, the order, the daily signatures, and the lines kept outside the database.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

use super::{Check, CheckError};
use crate::audit_head::LOG_FILE;
use crate::store::audit_heads::{self, SignedHeadRow};
use crate::store::journal;

/// Rows read at once.
const PAGE: i64 = 1_000;
/// Faults of the chain that are told: one changed row breaks no other, but a deleted start breaks all.
const FAULTS_MAX: usize = 50;

impl Check<'_> {
    pub(super) async fn audit(&mut self) -> Result<(), CheckError> {
        // What was promised of the chain: place to hash, by signature and by the file outside.
        let mut promised: HashMap<i64, Vec<(String, String)>> = HashMap::new();
        for head in self.signed_heads().await? {
            promised.entry(head.seq).or_default().push((head.hash, format!("the signature of {}", head.day)));
        }
        for (day, seq, hash) in self.lines_outside()? {
            promised.entry(seq).or_default().push((hash, format!("the line of {day} in {LOG_FILE}")));
        }
        let (mut seq, mut hash, mut faults) = (0, String::new(), 0);
        loop {
            let rows = journal::audit_chain(&mut self.db.read().await?.conn(), seq, PAGE).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                self.report.audit_rows += 1;
                let at = row.seq.unwrap_or_default();
                let mut wrong = Vec::new();
                if at != seq + 1 {
                    wrong.push(format!("rows {} to {} are missing", seq + 1, at - 1));
                } else if row.prev_hash.as_deref() != Some(hash.as_str()) {
                    wrong.push(format!("row {at} does not follow the row before it"));
                }
                let own = journal::audit_hash(&row, at, row.prev_hash.as_deref().unwrap_or_default())?;
                if row.hash.as_deref() != Some(own.as_str()) {
                    wrong.push(format!("row {at} ({} by {}) was changed after it was written", row.action, row.actor_name));
                }
                hash = row.hash.unwrap_or_default();
                seq = at;
                for (promise, by) in promised.remove(&at).unwrap_or_default() {
                    if promise != hash {
                        wrong.push(format!("row {at} is another than {by} says"));
                    }
                }
                for detail in wrong {
                    faults += 1;
                    if faults <= FAULTS_MAX {
                        self.fault("audit", detail);
                    }
                }
            }
        }
        if faults > FAULTS_MAX {
            self.fault("audit", format!("… and {} more faults of the chain", faults - FAULTS_MAX));
        }
        let mut beyond: Vec<(i64, String)> =
            promised.into_iter().flat_map(|(at, promises)| promises.into_iter().map(move |(_, by)| (at, by))).collect();
        beyond.sort();
        for (at, by) in beyond {
            self.fault("audit", format!("{by} names row {at}, which is not there: the end of the chain was cut off"));
        }
        Ok(())
    }

    async fn signed_heads(&mut self) -> Result<Vec<SignedHeadRow>, CheckError> {
        let mut heads: Vec<SignedHeadRow> = Vec::new();
        loop {
            let after = heads.last().map_or_else(String::new, |head| head.day.clone());
            let page = audit_heads::after(&mut self.db.read().await?.conn(), &after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            heads.extend(page);
        }
        for head in &heads {
            if !verifies(head) {
                self.fault("audit", format!("the signature of {} does not verify", head.day));
            }
        }
        Ok(heads)
    }

    /// Day, place and hash of each line kept outside the database.
    fn lines_outside(&self) -> Result<Vec<(String, i64, String)>, CheckError> {
        let text = match std::fs::read_to_string(self.data.join(LOG_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?.to_owned(), words.next()?.parse().ok()?, words.next()?.to_owned()))
            })
            .collect())
    }
}

fn verifies(head: &SignedHeadRow) -> bool {
    let key = STANDARD.decode(&head.public_key).ok().and_then(|bytes| VerifyingKey::from_bytes(bytes.as_slice().try_into().ok()?).ok());
    let signature = STANDARD.decode(&head.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(head.statement().as_bytes(), &signature).is_ok())
}
