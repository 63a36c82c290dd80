//! Items that failed, as rows: what is counted and searched by. They say what the result that counts says, which is the
//! server's judgement or the last amendment's; `check` holds the two against each other.

use std::collections::HashMap;

use mobile_api::inspection::Answer;
use mobile_api::judge::Judgement;

use super::sql::{Arg, Select, execute, fetch_all, with_rows};
use super::{Conn, StoreError, Tx};

/// An item that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of inspection_findings")]
pub struct Finding {
    pub item_code: String,
    pub key_item: bool,
    pub affects_safety: Option<bool>,
    pub corrected_on_spot: bool,
}

/// What a judgement found, with what its answers say of it; key items first, in the order of the paper.
pub fn of(result: &Judgement, answers: &[Answer]) -> Vec<Finding> {
    let said: HashMap<&str, &Answer> = answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
    let finding = |code: &String, key_item| {
        let answer = said.get(code.as_str());
        Finding {
            item_code: code.clone(),
            key_item,
            affects_safety: answer.and_then(|answer| answer.affects_safety),
            corrected_on_spot: answer.and_then(|answer| answer.corrected_on_spot).unwrap_or(false),
        }
    };
    let keys = result.key_failed.iter().map(|code| finding(code, true));
    keys.chain(result.general_failed.iter().map(|code| finding(code, false))).collect()
}

/// Puts the findings of an inspection in the place of those it has.
pub async fn put(tx: &mut Tx<'_>, inspection_id: &str, findings: &[Finding]) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM inspection_findings WHERE inspection_id = $1", inspection_id)?;
    with_rows(tx, ROWS, &rows(inspection_id, findings), "").await
}

pub(super) const ROWS: &str = "INSERT INTO inspection_findings (inspection_id, item_code, key_item, affects_safety, corrected_on_spot)";

/// Findings as the rows of [`ROWS`].
pub(super) fn rows(inspection_id: &str, findings: &[Finding]) -> Vec<Vec<Arg>> {
    let row = |finding: &Finding| {
        let Finding { item_code, key_item, affects_safety, corrected_on_spot } = finding;
        vec![inspection_id.into(), item_code.as_str().into(), (*key_item).into(), (*affects_safety).into(), (*corrected_on_spot).into()]
    };
    findings.iter().map(row).collect()
}

/// A submitted inspection with what should have rows: id, the result that counts.
pub async fn judged_after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT i.id, i.result FROM inspections i WHERE i.id > $1 AND i.result IS NOT NULL ORDER BY i.id LIMIT $2",
        after,
        limit,
    )
}

/// Codes of the rows of these inspections: inspection, item, key item.
pub async fn of_inspections(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<(String, String, bool)>, StoreError> {
    Select::new("SELECT f.inspection_id, f.item_code, f.key_item FROM inspection_findings f")
        .and_any("f.inspection_id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY f.inspection_id, f.item_code LIMIT 200000", [])
        .fetch_all(conn)
        .await
}
