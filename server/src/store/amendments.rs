//! Amendments of submitted inspections. What was sent stays as sent; each amendment is a version with who and why, and says
//! how answers read from then on.

use std::collections::{BTreeMap, HashMap};

use mobile_api::inspection::Answer;
use uuid::Uuid;

use super::sql::{Select, execute, fetch_all};
use super::{Conn, StoreError, Tx};

/// Versions of one inspection.
pub const VERSIONS_MAX: i64 = 100;

/// A version as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_amendments, and the name of who made it")]
pub struct AmendmentRow {
    pub id: String,
    pub version: i64,
    pub reason: String,
    pub changes: String,
    pub result: String,
    pub outcome: String,
    pub amended_by_name: String,
    pub amended_at: i64,
}

impl AmendmentRow {
    /// Answers by item, as they read from this version on.
    pub fn changed(&self) -> Result<BTreeMap<String, Answer>, StoreError> {
        serde_json::from_str(&self.changes).map_err(StoreError::damaged)
    }
}

/// All versions after what was submitted, oldest first. Whoever asks has found the inspection by its scope.
pub async fn of_inspection(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<AmendmentRow>, StoreError> {
    fetch_all!(
        conn,
        AmendmentRow,
        "SELECT a.id, a.version, a.reason, a.changes, a.result, a.outcome, u.display_name AS amended_by_name, a.amended_at \
         FROM inspection_amendments a JOIN users u ON u.id = a.amended_by WHERE a.inspection_id = $1 ORDER BY a.version LIMIT $2",
        inspection_id,
        VERSIONS_MAX,
    )
}

/// Answers as sent, with every amendment laid over them.
pub async fn applied(conn: &mut Conn<'_>, inspection_id: &str, mut answers: Vec<Answer>) -> Result<Vec<Answer>, StoreError> {
    for row in of_inspection(conn, inspection_id).await? {
        lay_over(&mut answers, row.changed()?.into_values());
    }
    Ok(answers)
}

/// Lays changed answers over those that were there.
pub fn lay_over(answers: &mut Vec<Answer>, changed: impl IntoIterator<Item = Answer>) {
    for one in changed {
        match answers.iter_mut().find(|answer| answer.item_code == one.item_code) {
            Some(answer) => *answer = one,
            None => answers.push(one),
        }
    }
}

/// What changed in each of these inspections, in the order in which it did: for a page of them.
pub async fn of_inspections(conn: &mut Conn<'_>, ids: &[String]) -> Result<HashMap<String, Vec<Answer>>, StoreError> {
    let rows: Vec<(String, String)> = Select::new("SELECT a.inspection_id, a.changes FROM inspection_amendments a")
        .and_any("a.inspection_id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY a.inspection_id, a.version LIMIT 20000", [])
        .fetch_all(conn)
        .await?;
    let mut changed: HashMap<String, Vec<Answer>> = HashMap::new();
    for (id, changes) in rows {
        let changes: BTreeMap<String, Answer> = serde_json::from_str(&changes).map_err(StoreError::damaged)?;
        changed.entry(id).or_default().extend(changes.into_values());
    }
    Ok(changed)
}

/// A version to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspection_amendments")]
pub struct NewAmendment {
    pub inspection_id: String,
    pub version: i64,
    pub reason: String,
    pub changes: String,
    pub result: String,
    pub outcome: String,
    pub user_id: String,
}

/// Adds a version and lets the inspection show its result; `false` where there is one of this number already.
pub async fn insert(tx: &mut Tx<'_>, new: &NewAmendment, at: i64) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO inspection_amendments (id, inspection_id, version, reason, changes, result, outcome, amended_by, amended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (inspection_id, version) DO NOTHING",
        Uuid::now_v7().to_string(),
        new.inspection_id.as_str(),
        new.version,
        new.reason.as_str(),
        new.changes.as_str(),
        new.result.as_str(),
        new.outcome.as_str(),
        new.user_id.as_str(),
        at,
    )?;
    if added == 0 {
        return Ok(false);
    }
    execute!(
        tx,
        "UPDATE inspections SET outcome = $2, result = $4, version = version + 1, updated_at = $3 WHERE id = $1",
        new.inspection_id.as_str(),
        new.outcome.as_str(),
        at,
        new.result.as_str(),
    )?;
    Ok(true)
}
