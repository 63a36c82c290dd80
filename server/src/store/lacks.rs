//! What an inspection that came by the second door lacks before it is whole, and how it was made good.

use super::sql::{Select, execute, fetch_all};
use super::{Conn, StoreError, Tx};

/// Something that is or was lacking.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_lacks, and the name of who made it good")]
pub struct LackRow {
    pub what: String,
    pub detail: String,
    pub noted_at: i64,
    pub done_at: Option<i64>,
    pub done_by_name: Option<String>,
    pub done: Option<String>,
}

/// Everything that is or was lacking. Whoever asks has found the inspection by its scope.
pub async fn of_inspection(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<LackRow>, StoreError> {
    fetch_all!(
        conn,
        LackRow,
        "SELECT l.what, l.detail, l.noted_at, l.done_at, u.display_name AS done_by_name, l.done FROM inspection_lacks l LEFT JOIN users u ON u.id = l.done_by \
         WHERE l.inspection_id = $1 ORDER BY l.what",
        inspection_id,
    )
}

/// Those of these inspections that lacked something, and whether they still do.
pub async fn open(conn: &mut Conn<'_>, inspections: &[String]) -> Result<Vec<(String, bool)>, StoreError> {
    if inspections.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(String, i64)> =
        Select::new("SELECT l.inspection_id, CAST(MAX(CASE WHEN l.done_at IS NULL THEN 1 ELSE 0 END) AS BIGINT) FROM inspection_lacks l")
            .and_any("l.inspection_id = ?", inspections.iter().map(|id| id.as_str().into()))
            .tail("GROUP BY l.inspection_id ORDER BY l.inspection_id", [])
            .fetch_all(conn)
            .await?;
    Ok(found.into_iter().map(|(id, open)| (id, open == 1)).collect())
}

/// Notes that something is lacking, or what is lacking of it by now. What was made good stays so.
pub async fn note(tx: &mut Tx<'_>, inspection_id: &str, what: &str, detail: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO inspection_lacks (inspection_id, what, detail, noted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (inspection_id, what) DO UPDATE SET detail = excluded.detail WHERE inspection_lacks.done_at IS NULL",
        inspection_id,
        what,
        detail,
        at,
    )?;
    Ok(())
}

/// Makes something good; `false` where it was not lacking, or no more.
pub async fn make_good(tx: &mut Tx<'_>, inspection_id: &str, what: &str, done: &str, by: &str, at: i64) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        "UPDATE inspection_lacks SET done_at = $4, done_by = $5, done = $3 WHERE inspection_id = $1 AND what = $2 AND done_at IS NULL",
        inspection_id,
        what,
        done,
        at,
        by,
    )?;
    Ok(changed == 1)
}
