//! Inspections against the receipts that were given for them: what is stored must hash to what was acknowledged.

use mobile_api::canonical;
use mobile_api::inspection::{Evidence, PartContent, Submit};
use serde_json::Value;

use super::{Check, CheckError};
use crate::evidence::{Document, Hashed, Receipt};
use crate::store::evidence::EvidenceRow;
use crate::store::inspections::{self, ReceiptRow};
use crate::store::{Conn, Db, StoreError, evidence, logins};

/// Rows read at once.
const PAGE: i64 = 200;

impl Check<'_> {
    pub(super) async fn receipts(&mut self) -> Result<(), CheckError> {
        let (count, faults) = receipts(self.db).await?;
        self.report.receipts = count;
        for fault in faults {
            self.fault("inspections", fault);
        }
        Ok(())
    }
}

/// Compares every inspection that has a receipt with it: how many there are, and what is not as it was received.
pub async fn receipts(db: &Db) -> Result<(u64, Vec<String>), StoreError> {
    let keys: Vec<String> = logins::signing_keys(&mut db.read().await?.conn()).await?.into_iter().map(|key| key.public_key).collect();
    let (mut after, mut count, mut faults) = (String::new(), 0, Vec::new());
    loop {
        let mut reader = db.read().await?;
        let conn = &mut reader.conn();
        let rows = inspections::receipts_after(conn, &after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok((count, faults)) };
        after.clone_from(&last.id);
        for row in rows {
            count += 1;
            faults.extend(compared(conn, &row, &keys).await?.into_iter().map(|wrong| format!("inspection {}: {wrong}", row.id)));
        }
    }
}

/// What of an inspection is not what its receipt says.
async fn compared(conn: &mut Conn<'_>, row: &ReceiptRow, keys: &[String]) -> Result<Vec<String>, StoreError> {
    let Ok(document) = serde_json::from_str::<Document>(&row.receipt) else { return Ok(vec!["its receipt cannot be read".to_owned()]) };
    let (receipt, signed) = match Receipt::read(&document) {
        Ok(read) => read,
        Err(error) => return Ok(vec![format!("its receipt: {error}")]),
    };
    let mut wrong = Vec::new();
    if !signed {
        wrong.push("its receipt was changed after it was signed".to_owned());
    } else if !keys.contains(&receipt.key.public_key) {
        wrong.push(format!("its receipt is signed with {}, which is none of this server's keys", receipt.key.fingerprint));
    }
    let given = receipt.given;
    if given.inspection_id.to_string() != row.id {
        wrong.push(format!("its receipt is that of {}", given.inspection_id));
    }
    let mut differs = |what: &str, stored: &str, promised: &str| {
        if stored != promised {
            wrong.push(format!("{what} hashes to {stored}, and was received as {promised}"));
        }
    };
    differs("the header", &hash(&row.header)?, &given.header_sha256);
    let submission: Submit = serde_json::from_str(&row.submission).map_err(StoreError::damaged)?;
    differs("the submission", &submission.sameness(), &given.submission_sha256);
    differs("the result", &hash(&row.server_result)?, &given.result_sha256);
    differs("the paper drawn on site", row.drawn_sha256.as_deref().unwrap_or("-"), given.drawn_sha256.as_deref().unwrap_or("-"));
    let stored = inspections::parts(conn, &row.id).await?;
    for part in &given.parts {
        let what = format!("part {}", part.id);
        match stored.iter().find(|stored| stored.id == part.id.to_string()) {
            Some(stored) => differs(&what, &hash(&stored.content)?, &part.sha256),
            None => differs(&what, "nothing", &part.sha256),
        }
    }
    let files = evidence::of_inspection(conn, &row.id).await?;
    for Hashed { id, sha256 } in &given.evidence {
        let stored = files.iter().find(|file| file.id == id.to_string()).map_or("nothing", |file| file.sha256.as_str());
        differs(&format!("evidence {id}"), stored, sha256);
    }
    for part in &stored {
        let content: PartContent = serde_json::from_str(&part.content).map_err(StoreError::damaged)?;
        wrong.extend(content.evidence.iter().filter_map(|one| derivative(one, &files)));
    }
    Ok(wrong)
}

/// What is wrong with a picture that was made from another: it names the file as taken by its hash.
fn derivative(one: &Evidence, files: &[EvidenceRow]) -> Option<String> {
    let derived = one.derived.as_ref()?;
    let row = |id: String| files.iter().find(|file| file.id == id);
    let stored = row(one.id.to_string())?;
    let named = derived.from.to_string();
    if stored.derived_from.as_deref() != Some(named.as_str()) {
        return Some(format!(
            "evidence {} was made from {named}, and is kept as made from {}",
            one.id,
            stored.derived_from.as_deref().unwrap_or("nothing")
        ));
    }
    let taken = row(named).map_or("nothing", |taken| taken.sha256.as_str());
    (taken != derived.sha256).then(|| format!("evidence {} was made from {}, and the file as taken is {taken}", one.id, derived.sha256))
}

/// The canonical hash of stored JSON.
fn hash(json: &str) -> Result<String, StoreError> {
    let value: Value = serde_json::from_str(json).map_err(StoreError::damaged)?;
    Ok(canonical::sha256_hex(&value))
}
