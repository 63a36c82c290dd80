//! Scores of premises by day, with the terms that they are made of.

use super::sql::{Arg, Select, execute, fetch_all, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// A score to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of risk_scores")]
pub struct NewScore {
    pub premises_id: String,
    pub score: i64,
    pub band: &'static str,
    pub score_before: i64,
    pub entered_top: bool,
    pub rising: bool,
    /// JSON
    pub terms: String,
}

/// Keeps the scores of a day, in place of what it had.
pub async fn put(tx: &mut Tx<'_>, day: &str, scores: &[NewScore], formula_version: i64, at: i64) -> Result<(), StoreError> {
    let rows: Vec<Vec<Arg>> = scores
        .iter()
        .map(|new| {
            vec![
                day.into(),
                new.premises_id.as_str().into(),
                new.score.into(),
                new.band.into(),
                new.score_before.into(),
                new.entered_top.into(),
                new.rising.into(),
                new.terms.as_str().into(),
                formula_version.into(),
                at.into(),
            ]
        })
        .collect();
    with_rows(
        tx,
        "INSERT INTO risk_scores (day, premises_id, score, band, score_before, entered_top, rising, terms, formula_version, computed_at)",
        &rows,
        " ON CONFLICT (day, premises_id) DO UPDATE SET score = excluded.score, band = excluded.band, score_before = excluded.score_before, \
           entered_top = excluded.entered_top, rising = excluded.rising, terms = excluded.terms, formula_version = excluded.formula_version, \
           computed_at = excluded.computed_at",
    )
    .await
}

/// Forgets days before this one.
pub async fn forget_before(tx: &mut Tx<'_>, day: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM risk_scores WHERE day < $1", day)?;
    Ok(())
}

/// Forgets what the scores from one day to before another are made of; the scores stay.
pub async fn forget_terms(tx: &mut Tx<'_>, from_day: &str, to_day: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE risk_scores SET terms = '[]' WHERE day >= $1 AND day < $2 AND terms <> '[]'", from_day, to_day)?;
    Ok(())
}

/// Whether any premises in use has no score of this day by this version of the formula.
pub async fn lacks(conn: &mut Conn<'_>, day: &str, formula_version: i64) -> Result<bool, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT p.id FROM premises p WHERE p.disabled_at IS NULL AND NOT EXISTS (SELECT 1 FROM risk_scores r \
           WHERE r.day = $1 AND r.premises_id = p.id AND r.formula_version = $2) LIMIT 1",
        day,
        formula_version,
    )?;
    Ok(!rows.is_empty())
}

/// A score as it is kept, with the names of what it is of.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of risk_scores and of what they name")]
pub struct ScoreRow {
    pub premises_id: String,
    pub premises_name: String,
    pub kind: String,
    pub risk_grade: Option<String>,
    pub organization_id: String,
    pub organization_name: String,
    pub day: String,
    pub score: i64,
    pub band: String,
    pub score_before: i64,
    pub entered_top: bool,
    pub rising: bool,
    pub terms: String,
    pub formula_version: i64,
    pub computed_at: i64,
    /// An assignment that is open there.
    pub open_assignment_id: Option<String>,
    /// The last inspection of any kind, ms UTC.
    pub last_inspection_at: Option<i64>,
}

const HEAD: &str = "SELECT r.premises_id, p.name AS premises_name, p.kind, p.risk_grade, p.organization_id, o.name AS organization_name, r.day, r.score, r.band, r.score_before, \
    r.entered_top, r.rising, r.terms, r.formula_version, r.computed_at, \
    (SELECT MIN(w.id) FROM work_items w WHERE w.premises_id = r.premises_id AND w.kind = 'assignment' AND w.open) AS open_assignment_id, \
    (SELECT MAX(i.happened_at) FROM inspections i WHERE i.premises_id = r.premises_id AND i.submitted_at IS NOT NULL) AS last_inspection_at \
    FROM risk_scores r JOIN premises p ON p.id = r.premises_id JOIN organizations o ON o.id = p.organization_id";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct ScoreFilter {
    pub band: Option<String>,
    pub kind: Option<String>,
    /// Below this node.
    pub organization_id: Option<String>,
    pub rising: Option<bool>,
}

fn newest(select: Select, scope: &Scope, filter: &ScoreFilter) -> Select {
    scope
        .restrict(select, "p.path LIKE ?")
        .and("r.day = (SELECT MAX(day) FROM risk_scores) AND p.disabled_at IS NULL", [])
        .and_if("r.band = ?", filter.band.clone())
        .and_if("p.kind = ?", filter.kind.clone())
        .and_if("p.path LIKE ?", filter.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("r.rising = ?", filter.rising)
}

/// A page of the newest scores, the highest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &ScoreFilter, page: &Page) -> Result<Vec<ScoreRow>, StoreError> {
    let select = newest(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(score), Some((_, id))) => {
            select.and("r.score < ? OR (r.score = ? AND r.premises_id > ?)", [score.into(), score.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY r.score DESC, r.premises_id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &ScoreFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM risk_scores r JOIN premises p ON p.id = r.premises_id";
    newest(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// How many premises are in each band, and of them those that rise: band, premises, rising.
pub async fn bands(conn: &mut Conn<'_>, scope: &Scope, filter: &ScoreFilter) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let head = "SELECT r.band, COUNT(*), CAST(SUM(CASE WHEN r.rising THEN 1 ELSE 0 END) AS BIGINT) FROM risk_scores r JOIN premises p ON p.id = r.premises_id";
    newest(Select::new(head), scope, filter).tail("GROUP BY r.band ORDER BY r.band LIMIT 10", []).fetch_all(conn).await
}

/// The newest score of a premises that the scope covers.
pub async fn of_premises(conn: &mut Conn<'_>, scope: &Scope, premises_id: &str) -> Result<Option<ScoreRow>, StoreError> {
    scope
        .restrict(Select::new(HEAD), "p.path LIKE ?")
        .and("r.premises_id = ?", [premises_id.into()])
        .tail("ORDER BY r.day DESC LIMIT 1", [])
        .fetch_optional(conn)
        .await
}

/// Days of a premises that was found by its scope, the newest first: day, score, band.
pub async fn trend(conn: &mut Conn<'_>, premises_id: &str, since_day: &str) -> Result<Vec<(String, i64, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, i64, String),
        "SELECT day, score, band FROM risk_scores WHERE premises_id = $1 AND day >= $2 ORDER BY day DESC LIMIT 400",
        premises_id,
        since_day,
    )
}

/// What a plan has to know of the scores below a path.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of risk_scores")]
pub struct RisingRow {
    pub premises_id: String,
    pub score: i64,
    pub band: String,
    pub score_before: i64,
    pub entered_top: bool,
}

/// The premises below a path that are proposed for a visit by the newest scores.
pub async fn rising_below(conn: &mut Conn<'_>, path: &str) -> Result<Vec<RisingRow>, StoreError> {
    fetch_all!(
        conn,
        RisingRow,
        "SELECT r.premises_id, r.score, r.band, r.score_before, r.entered_top FROM risk_scores r JOIN premises p ON p.id = r.premises_id \
         WHERE r.day = (SELECT MAX(day) FROM risk_scores) AND r.rising AND p.disabled_at IS NULL AND p.path LIKE $1 || '%' ORDER BY r.premises_id LIMIT 50000",
        path,
    )
}
