//! Scores of premises by day, and the facts that they are made of: one statement a kind of fact for a page of premises.

use super::sql::{Arg, Select, execute, fetch_all, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Rows of facts of one page of premises: days, not single things, so that this is far more than there are.
const FACTS_LIMIT: i64 = 500_000;

/// A premises that is scored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub created_at: i64,
}

/// Premises in use within a scope, in order of id from a key on.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, after: &str, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    scope
        .restrict(Select::new("SELECT p.id, p.name, p.created_at FROM premises p"), "p.path LIKE ?")
        .and("p.disabled_at IS NULL AND p.id > ?", [after.into()])
        .tail("ORDER BY p.id LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// What happened at a premises on a day, or lasts from it on.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FactRow {
    /// Where.
    pub premises_id: String,
    /// A code of [`crate::domain::risk::RiskFact`], or `inspection` for one that says nothing against the premises.
    pub fact: String,
    /// Number of the day.
    pub day: i64,
    /// Of what lasts: the day on which it ended.
    pub until_day: Option<i64>,
    /// How many.
    pub amount: i64,
}

/// A day of all cameras of a premises.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "sums of the columns of camera_days")]
pub struct CameraDayRow {
    pub premises_id: String,
    pub day: String,
    pub counted_ms: i64,
    pub online_ms: i64,
    pub healthy_ms: i64,
}

/// The number of the day in Asia/Shanghai, which has no summer time.
macro_rules! day {
    ($time:literal) => {
        concat!("(", $time, " + 28800000) / 86400000")
    };
}

/// Which premises and since when: ids after `after` up to `last`, and what happened since `since_ms`.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "said above")]
pub struct Stretch<'a> {
    pub after: &'a str,
    pub last: &'a str,
    pub since_ms: i64,
    pub now_ms: i64,
}

/// All facts of a stretch of premises but those of cameras. Whoever asks has found the premises by their scope.
pub async fn facts(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    let mut all = inspections(conn, of).await?;
    all.extend(alerts(conn, of).await?);
    all.extend(answers(conn, of).await?);
    all.extend(other(conn, of).await?);
    Ok(all)
}

async fn inspections(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    let mut rows = fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT i.premises_id, CASE WHEN i.outcome = 'does_not_conform' THEN 'inspection_failed' \
               WHEN i.outcome = 'basically_conforms' THEN 'inspection_basic' ELSE 'inspection' END AS fact, ",
            day!("i.happened_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM inspections i \
             WHERE i.premises_id > $1 AND i.premises_id <= $2 AND i.happened_at >= $3 AND i.submitted_at IS NOT NULL \
             GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?;
    rows.extend(fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT i.premises_id, CASE WHEN f.corrected_on_spot THEN 'finding_corrected' WHEN f.affects_safety THEN 'finding_safety' \
               WHEN f.key_item THEN 'finding_key' ELSE 'finding_other' END AS fact, ",
            day!("i.happened_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount \
             FROM inspections i JOIN inspection_findings f ON f.inspection_id = i.id \
             WHERE i.premises_id > $1 AND i.premises_id <= $2 AND i.happened_at >= $3 AND i.submitted_at IS NOT NULL \
             GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?);
    Ok(rows)
}

/// Confirmed alerts, and what came back after it was closed. Dismissed ones count for nothing.
async fn alerts(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    let mut rows = fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, CASE a.class WHEN 1 THEN 'alert_class_1' WHEN 2 THEN 'alert_class_2' ELSE 'alert_class_3' END AS fact, ",
            day!("a.raised_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM work_items w JOIN alerts a ON a.id = w.id \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'alert' AND a.raised_at >= $3 AND a.verdict = 'confirmed' \
               AND a.class IN (1, 2, 3) GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?;
    rows.extend(fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, 'recurrence' AS fact, ",
            day!("b.raised_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM work_items w JOIN alerts a ON a.id = w.id \
             JOIN alerts b ON b.id = a.recurred_as \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'alert' AND w.state = 'closed' AND b.raised_at >= $3 \
             GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?);
    Ok(rows)
}

/// What is overdue or was, what was answered late, and orders from their issue to their end.
async fn answers(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    // A clock that stands is only known to have been late where it was marked so: it also stands while an answer is judged.
    let mut rows = fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, CASE w.kind WHEN 'alert' THEN 'rectification_overdue' ELSE 'order_overdue' END AS fact, ",
            day!("c.due_at"),
            " AS day, ",
            day!("COALESCE(c.paused_at, c.stopped_at)"),
            " AS until_day, COUNT(*) AS amount FROM work_items w JOIN work_clocks c ON c.work_id = w.id \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind IN ('alert', 'rectification') AND w.state NOT IN ('withdrawn', 'dismissed') \
               AND c.name = 'rectify' AND c.due_at < $4 AND COALESCE(c.paused_at, c.stopped_at, $4) >= $3 \
               AND (c.yellow_at IS NOT NULL OR (c.paused_at IS NULL AND c.stopped_at IS NULL)) GROUP BY 1, 2, 3, 4 ORDER BY 1, 3 LIMIT $5"
        ),
        of.after,
        of.last,
        of.since_ms,
        of.now_ms,
        FACTS_LIMIT,
    )?;
    rows.extend(fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT late.premises_id, 'answer_late' AS fact, ",
            day!("late.at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM ( \
               SELECT w.premises_id, a.rectified_at AS at FROM work_items w JOIN alerts a ON a.id = w.id WHERE w.kind = 'alert' AND a.rectified_late \
               UNION ALL SELECT w.premises_id, COALESCE(c.paused_at, c.stopped_at) AS at FROM work_items w JOIN work_clocks c ON c.work_id = w.id \
                 WHERE w.kind = 'rectification' AND w.state <> 'withdrawn' AND c.name = 'rectify' AND c.yellow_at IS NOT NULL) late \
             WHERE late.premises_id > $1 AND late.premises_id <= $2 AND late.at >= $3 GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?);
    rows.extend(fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, 'order_open' AS fact, ",
            day!("w.created_at"),
            " AS day, ",
            day!("w.closed_at"),
            " AS until_day, COUNT(*) AS amount FROM work_items w \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND w.kind = 'rectification' AND (w.open OR w.closed_at >= $3) \
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?);
    Ok(rows)
}

/// Papers that canteens were told of as late and never sent, and reports of suspected food poisoning.
async fn other(conn: &mut Conn<'_>, of: Stretch<'_>) -> Result<Vec<FactRow>, StoreError> {
    let mut rows = fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT r.premises_id, 'self_check_missed' AS fact, ",
            day!("r.told_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM self_check_reminders r \
             WHERE r.premises_id > $1 AND r.premises_id <= $2 AND r.kind = 'late' AND r.told_at >= $3 AND NOT EXISTS (SELECT 1 FROM self_checks s \
               WHERE s.premises_id = r.premises_id AND s.day = r.day AND s.code = r.code AND s.slot = r.slot) \
             GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?;
    rows.extend(fetch_all!(
        conn,
        FactRow,
        concat!(
            "SELECT w.premises_id, 'food_incident' AS fact, ",
            day!("f.happened_at"),
            " AS day, CAST(NULL AS BIGINT) AS until_day, COUNT(*) AS amount FROM food_incidents f JOIN work_items w ON w.id = f.id \
             WHERE w.premises_id > $1 AND w.premises_id <= $2 AND f.happened_at >= $3 GROUP BY 1, 2, 3 ORDER BY 1, 3 LIMIT $4"
        ),
        of.after,
        of.last,
        of.since_ms,
        FACTS_LIMIT,
    )?);
    Ok(rows)
}

/// Days of cameras of a stretch of premises since a day (ISO date).
pub async fn camera_days(conn: &mut Conn<'_>, of: Stretch<'_>, since_day: &str) -> Result<Vec<CameraDayRow>, StoreError> {
    fetch_all!(
        conn,
        CameraDayRow,
        "SELECT d.premises_id, d.day, CAST(SUM(d.counted_ms) AS BIGINT) AS counted_ms, CAST(SUM(d.online_ms) AS BIGINT) AS online_ms, \
           CAST(SUM(d.healthy_ms) AS BIGINT) AS healthy_ms FROM camera_days d \
         WHERE d.premises_id > $1 AND d.premises_id <= $2 AND d.day >= $3 GROUP BY d.premises_id, d.day ORDER BY d.premises_id, d.day LIMIT $4",
        of.after,
        of.last,
        since_day,
        FACTS_LIMIT,
    )
}

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
