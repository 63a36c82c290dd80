//! The canteen's own papers, the samples they report, and who was reminded of them. What was sent is kept as sent.

use std::collections::HashSet;

use super::evidence::awaited;
use super::journal::{Change, Entity};
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// A paper as stored, with the names of what it points to.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of self_checks and what they name")]
pub struct SelfCheckRow {
    pub id: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub template_id: String,
    pub template_name: String,
    pub code: String,
    pub day: String,
    pub slot: String,
    pub made_by: String,
    pub made_by_name: String,
    pub content: String,
    pub content_sha256: String,
    pub problems: i64,
    pub answered_at: i64,
    pub received_at: i64,
    pub complete_at: Option<i64>,
    pub missing_count: i64,
}

const HEAD: &str = concat!(
    "SELECT s.id, s.premises_id, p.name AS premises_name, p.path AS premises_path, s.template_id, t.name AS template_name, s.code, s.day, s.slot, \
    s.made_by, u.display_name AS made_by_name, s.content, s.content_sha256, s.problems, s.answered_at, s.received_at, s.complete_at, \
    (SELECT COUNT(*) FROM inspection_evidence e WHERE e.inspection_id = s.id AND ",
    awaited!(),
    ") AS missing_count \
    FROM self_checks s JOIN premises p ON p.id = s.premises_id JOIN checklist_templates t ON t.id = s.template_id JOIN users u ON u.id = s.made_by"
);

/// A paper to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of self_checks")]
pub struct NewSelfCheck {
    pub id: String,
    pub premises_id: String,
    pub office_id: String,
    pub template_id: String,
    pub code: String,
    pub day: String,
    pub slot: String,
    pub made_by: String,
    pub content: String,
    pub content_sha256: String,
    pub problems: i64,
    pub answered_at: i64,
}

/// Adds a paper; `false` where there is one of this id.
pub async fn insert(tx: &mut Tx<'_>, new: &NewSelfCheck, at: i64) -> Result<bool, StoreError> {
    let added = execute!(
        tx,
        "INSERT INTO self_checks (id, premises_id, office_id, template_id, code, day, slot, made_by, content, content_sha256, problems, answered_at, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING",
        new.id.as_str(),
        new.premises_id.as_str(),
        new.office_id.as_str(),
        new.template_id.as_str(),
        new.code.as_str(),
        new.day.as_str(),
        new.slot.as_str(),
        new.made_by.as_str(),
        new.content.as_str(),
        new.content_sha256.as_str(),
        new.problems,
        new.answered_at,
        at,
    )?;
    Ok(added == 1)
}

/// Whether there is a paper of this id at all: a free id is nobody's.
pub async fn exists(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT id FROM self_checks WHERE id = $1", id)?.is_some())
}

/// One paper that may be seen.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<SelfCheckRow>, StoreError> {
    scope.restrict(Select::new(HEAD), "p.path LIKE ?").and("s.id = ?", [id.into()]).fetch_optional(conn).await
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct SelfCheckFilter {
    pub premises_id: Option<String>,
    pub code: Option<String>,
    /// Of this day or later, ISO date.
    pub from: Option<String>,
    /// Of this day or earlier, ISO date.
    pub to: Option<String>,
    /// Only those that say that something is wrong.
    pub problems: bool,
}

fn narrowed(select: Select, filter: &SelfCheckFilter) -> Select {
    let select = select
        .and_if("s.premises_id = ?", filter.premises_id.clone())
        .and_if("s.code = ?", filter.code.clone())
        .and_if("s.day >= ?", filter.from.clone())
        .and_if("s.day <= ?", filter.to.clone());
    if filter.problems { select.and("s.problems > 0", []) } else { select }
}

/// A page, the newest day first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &SelfCheckFilter, page: &Page) -> Result<Vec<SelfCheckRow>, StoreError> {
    let select = narrowed(scope.restrict(Select::new(HEAD), "p.path LIKE ?"), filter);
    let select = match page.after() {
        Some((day, id)) => select.and("s.day < ? OR (s.day = ? AND s.id < ?)", [day.into(), day.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY s.day DESC, s.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &SelfCheckFilter) -> Result<i64, StoreError> {
    let select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM self_checks s JOIN premises p ON p.id = s.premises_id");
    narrowed(scope.restrict(select, "p.path LIKE ?"), filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// Of these ids, or after a key in order of id: papers since a day and of each kind the newest since `oldest`, as phones keep them.
pub async fn synced(
    conn: &mut Conn<'_>,
    scope: &Scope,
    ids: Option<&[String]>,
    (since, oldest): (&str, &str),
    after: &str,
    limit: i64,
) -> Result<Vec<SelfCheckRow>, StoreError> {
    let select = scope.restrict(Select::new(HEAD), "p.path LIKE ?").and("s.day >= ?", [oldest.into()]).and(
        "s.day >= ? OR NOT EXISTS (SELECT 1 FROM self_checks n WHERE n.premises_id = s.premises_id AND n.code = s.code \
           AND (n.day > s.day OR (n.day = s.day AND n.id > s.id)))",
        [since.into()],
    );
    let select = match ids {
        Some(ids) => select.and_any("s.id = ?", ids.iter().map(|id| id.as_str().into())),
        None => select.and("s.id > ?", [after.into()]),
    };
    select.tail("ORDER BY s.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Ids of the papers at these premises since a day: only to tell a phone what it lost.
pub async fn at(conn: &mut Conn<'_>, premises: &[String], since: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = Select::new("SELECT s.id FROM self_checks s")
        .and("s.day >= ?", [since.into()])
        .and_any("s.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY s.id LIMIT 20000", [])
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A paper without what it says: for what is due and what is done.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of self_checks")]
pub struct AnsweredRow {
    pub id: String,
    pub premises_id: String,
    pub code: String,
    pub day: String,
    pub slot: String,
    pub problems: i64,
    pub answered_at: i64,
    pub received_at: i64,
}

/// What these premises reported of the days `from` to `to`. Whoever asks has found the premises by their scope.
pub async fn answered(conn: &mut Conn<'_>, premises: &[String], from: &str, to: &str) -> Result<Vec<AnsweredRow>, StoreError> {
    Select::new("SELECT s.id, s.premises_id, s.code, s.day, s.slot, s.problems, s.answered_at, s.received_at FROM self_checks s")
        .and("s.day >= ? AND s.day <= ?", [from.into(), to.into()])
        .and_any("s.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY s.premises_id, s.day, s.id LIMIT 50000", [])
        .fetch_all(conn)
        .await
}

/// Makes a paper complete where all its evidence is here; whether it did.
pub async fn settle(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        concat!(
            "UPDATE self_checks SET complete_at = $2 WHERE id = $1 AND complete_at IS NULL \
           AND NOT EXISTS (SELECT 1 FROM inspection_evidence e WHERE e.inspection_id = $1 AND ",
            awaited!(),
            ")"
        ),
        id,
        at,
    )?;
    Ok(done == 1)
}

/// The paper that an upload of its evidence belongs to, wherever it is: for the program, which completes it.
pub(crate) async fn of_upload(conn: &mut Conn<'_>, id: &str) -> Result<Option<SelfCheckRow>, StoreError> {
    Select::new(HEAD).and("s.id = ?", [id.into()]).fetch_optional(conn).await
}

/// Notes a change to whoever sees the premises.
pub async fn note_change(tx: &mut Tx<'_>, row: &SelfCheckRow, at: i64) -> Result<(), StoreError> {
    tx.changed(at, Change::upsert(Entity::SelfCheck, &row.id, &row.premises_path).at(&row.premises_id)).await
}

/// What reminders were given since a day: premises, code, day, slot and kind.
pub async fn reminded(
    conn: &mut Conn<'_>,
    premises: &[String],
    since: &str,
) -> Result<HashSet<(String, String, String, String, String)>, StoreError> {
    let rows: Vec<(String, String, String, String, String)> =
        Select::new("SELECT r.premises_id, r.code, r.day, r.slot, r.kind FROM self_check_reminders r")
            .and("r.day >= ?", [since.into()])
            .and_any("r.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
            .tail("ORDER BY r.premises_id LIMIT 50000", [])
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Marks a reminder as given; `false` where it was.
pub async fn remind(tx: &mut Tx<'_>, premises: &str, code: &str, day: &str, slot: &str, kind: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "INSERT INTO self_check_reminders (premises_id, code, day, slot, kind, told_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        premises,
        code,
        day,
        slot,
        kind,
        at,
    )?;
    Ok(done == 1)
}

/// People who hold a permission at a premises, by a grant there or above.
pub async fn holders(conn: &mut Conn<'_>, premises_path: &str, permission: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT g.user_id FROM grants g JOIN role_permissions rp ON rp.role = g.role JOIN users u ON u.id = g.user_id \
         WHERE $1 LIKE g.node_path || '%' AND rp.permission = $2 AND u.disabled_at IS NULL AND (g.valid_until IS NULL OR g.valid_until > $3) \
         ORDER BY g.user_id LIMIT 50",
        premises_path,
        permission,
        now_ms,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A premises as far as its papers go.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub path: String,
    pub kind: String,
    pub service_hours: String,
    pub created_at: i64,
}

/// Premises in use, in order of id from a key on: for the program, which reminds of what is due there.
pub(crate) async fn places(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    Select::new("SELECT p.id, p.name, p.path, p.kind, p.service_hours, p.created_at FROM premises p")
        .and("p.disabled_at IS NULL AND p.id > ?", [after.into()])
        .tail("ORDER BY p.id LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// A dish that is kept cold.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of retained_samples and what they name")]
pub struct SampleRow {
    pub self_check_id: String,
    pub position: i64,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub dish: String,
    pub meal: String,
    pub kept_by: String,
    pub weight_g: Option<f64>,
    pub kept_at: i64,
    pub due_at: i64,
    pub told_at: Option<i64>,
    pub discarded_at: Option<i64>,
    pub discarded_by_name: Option<String>,
    /// The report of suspected food poisoning that keeps it from being thrown away.
    pub held_by: Option<String>,
}

const SAMPLES: &str = "SELECT m.self_check_id, m.position, m.premises_id, p.name AS premises_name, p.path AS premises_path, m.dish, m.meal, m.kept_by, m.weight_g, \
    m.kept_at, m.due_at, m.told_at, m.discarded_at, u.display_name AS discarded_by_name, \
    (SELECT MIN(h.id) FROM food_incidents h JOIN work_items hw ON hw.id = h.id WHERE h.released_at IS NULL AND hw.premises_id = m.premises_id \
       AND m.kept_at >= h.held_from AND m.kept_at < h.held_until AND m.discarded_at IS NULL) AS held_by \
    FROM retained_samples m JOIN premises p ON p.id = m.premises_id LEFT JOIN users u ON u.id = m.discarded_by";

/// Samples to keep, of one paper.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of retained_samples")]
pub struct NewSamples {
    pub premises_id: String,
    pub dishes: Vec<String>,
    pub meal: String,
    pub kept_by: String,
    pub weight_g: Option<f64>,
    pub kept_at: i64,
    pub due_at: i64,
}

/// Adds the samples that a paper reports.
pub async fn insert_samples(tx: &mut Tx<'_>, self_check_id: &str, new: &NewSamples) -> Result<(), StoreError> {
    for (position, dish) in new.dishes.iter().enumerate() {
        execute!(
            tx,
            "INSERT INTO retained_samples (self_check_id, position, premises_id, dish, meal, kept_by, weight_g, kept_at, due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            self_check_id,
            i64::try_from(position).unwrap_or(i64::MAX),
            new.premises_id.as_str(),
            dish.as_str(),
            new.meal.as_str(),
            new.kept_by.as_str(),
            new.weight_g,
            new.kept_at,
            new.due_at,
        )?;
    }
    Ok(())
}

/// The samples of these papers, in order of paper and place.
pub async fn samples_of(conn: &mut Conn<'_>, papers: &[String]) -> Result<Vec<SampleRow>, StoreError> {
    if papers.is_empty() {
        return Ok(Vec::new());
    }
    Select::new(SAMPLES)
        .and_any("m.self_check_id = ?", papers.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY m.self_check_id, m.position LIMIT 30000", [])
        .fetch_all(conn)
        .await
}

/// One sample that may be seen.
pub async fn sample(conn: &mut Conn<'_>, scope: &Scope, paper: &str, position: i64) -> Result<Option<SampleRow>, StoreError> {
    scope
        .restrict(Select::new(SAMPLES), "p.path LIKE ?")
        .and("m.self_check_id = ? AND m.position = ?", [Arg::from(paper), position.into()])
        .fetch_optional(conn)
        .await
}

/// Samples of a premises that were kept within a stretch and still there at a moment, oldest first. Whoever asks has found the
/// premises by their scope.
pub async fn samples_held(
    conn: &mut Conn<'_>,
    premises_id: &str,
    (from, until): (i64, i64),
    there_at: i64,
    limit: i64,
) -> Result<Vec<SampleRow>, StoreError> {
    Select::new(SAMPLES)
        .and("m.premises_id = ? AND m.kept_at >= ? AND m.kept_at < ?", [premises_id.into(), from.into(), until.into()])
        .and("m.discard_noted_at IS NULL OR m.discard_noted_at > ?", [there_at.into()])
        .tail("ORDER BY m.self_check_id, m.position LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// Notes that a sample was thrown away; `false` where that was noted before.
pub async fn discard(tx: &mut Tx<'_>, paper: &str, position: i64, user_id: &str, discarded_at: i64, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE retained_samples SET discarded_at = $4, discarded_by = $3, discard_noted_at = $5 WHERE self_check_id = $1 AND position = $2 AND discarded_at IS NULL",
        paper,
        position,
        user_id,
        discarded_at,
        at,
    )?;
    Ok(done == 1)
}

/// Samples that were kept long enough and that nobody was told of, oldest first.
pub async fn samples_over(conn: &mut Conn<'_>, now_ms: i64, limit: i64) -> Result<Vec<SampleRow>, StoreError> {
    Select::new(SAMPLES)
        .and("m.told_at IS NULL AND m.discarded_at IS NULL AND m.due_at <= ?", [now_ms.into()])
        .tail("ORDER BY m.due_at, m.self_check_id, m.position LIMIT ?", [limit.into()])
        .fetch_all(conn)
        .await
}

/// The canteen was told of the samples of a paper that were kept long enough.
pub async fn samples_told(tx: &mut Tx<'_>, paper: &str, now_ms: i64) -> Result<u64, StoreError> {
    execute!(
        tx,
        "UPDATE retained_samples SET told_at = $2 WHERE self_check_id = $1 AND told_at IS NULL AND discarded_at IS NULL AND due_at <= $2",
        paper,
        now_ms
    )
}
