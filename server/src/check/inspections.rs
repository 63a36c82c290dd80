//! What failed in inspections, as rows, against the results that count.

use std::collections::{BTreeSet, HashMap};

use mobile_api::judge::Judgement;

use super::{Check, CheckError};
use crate::inspected;
use crate::store::{StoreError, findings, inspections};

/// Inspections read at once.
const PAGE: i64 = 500;

impl Check<'_> {
    pub(super) async fn findings(&mut self) -> Result<(), CheckError> {
        let mut after = String::new();
        loop {
            let wrong = {
                let mut reader = self.db.read().await?;
                let conn = &mut reader.conn();
                let judged = findings::judged_after(conn, &after, PAGE).await?;
                let Some((last, _)) = judged.last() else { break };
                after.clone_from(last);
                let ids: Vec<String> = judged.iter().map(|(id, _)| id.clone()).collect();
                let mut rows: HashMap<String, BTreeSet<(String, bool)>> = HashMap::new();
                for (id, code, key) in findings::of_inspections(conn, &ids).await? {
                    rows.entry(id).or_default().insert((code, key));
                }
                let mut wrong = Vec::new();
                for (id, result) in judged {
                    let result: Judgement = serde_json::from_str(&result).map_err(StoreError::damaged)?;
                    let keys = result.key_failed.iter().map(|code| (code.clone(), true));
                    let failed: BTreeSet<_> = keys.chain(result.general_failed.iter().map(|code| (code.clone(), false))).collect();
                    if rows.remove(&id).unwrap_or_default() != failed {
                        wrong.push((id, result));
                    }
                }
                wrong
            };
            for (id, result) in wrong {
                let detail = format!("inspection {id}: the rows of what failed are not what its result says");
                if self.repair {
                    self.count_anew(&id, &result).await?;
                    self.repaired("database", detail, "the rows were written anew");
                } else {
                    self.fault("database", detail);
                }
            }
        }
        Ok(())
    }

    async fn count_anew(&self, id: &str, result: &Judgement) -> Result<(), CheckError> {
        let mut reader = self.db.read().await?;
        let conn = &mut reader.conn();
        let Some(row) = inspections::of_upload(conn, id).await? else { return Ok(()) };
        let rows = findings::of(result, &inspected::answers(conn, &row).await?);
        drop(reader);
        let id = id.to_owned();
        self.db.write(move |tx| Box::pin(async move { findings::put(tx, &id, &rows).await })).await?;
        Ok(())
    }
}
