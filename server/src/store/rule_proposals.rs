//! Proposals of other figures for rules whose flags are mostly dismissed, from the decisions to what became of each.

use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::noise::{DECISIONS_MIN, Decisions, RuleFigures};

/// Rules of cameras that one look takes in.
const RULES_LIMIT: i64 = 20_000;

/// A proposal with the names of its place.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of rule_proposals and what they point to")]
pub struct ProposalRow {
    pub id: String,
    pub camera_id: String,
    pub camera_name: String,
    pub premises_id: String,
    pub premises_name: String,
    pub path: String,
    pub kind: String,
    pub state: String,
    pub confirmed: i64,
    pub dismissed: i64,
    pub since_at: i64,
    pub threshold: Option<f64>,
    pub duration_s: Option<f64>,
    pub given: bool,
    pub phase: Option<String>,
    pub done: i64,
    pub total: i64,
    pub work: Option<String>,
    pub result: Option<String>,
    pub problem: Option<String>,
    pub tried_by_name: Option<String>,
    pub tried_at: Option<i64>,
    pub ended_by_name: Option<String>,
    pub ended_at: Option<i64>,
    pub reason: Option<String>,
    pub version: i64,
    pub created_at: i64,
}

impl ProposalRow {
    /// What is proposed, if anything.
    pub fn figures(&self) -> Option<RuleFigures> {
        Some(RuleFigures { threshold: self.threshold?, duration_s: self.duration_s? })
    }
}

macro_rules! from_proposals {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM rule_proposals r JOIN cameras c ON c.id = r.camera_id JOIN premises p ON p.id = c.premises_id \
             LEFT JOIN users t ON t.id = r.tried_by LEFT JOIN users e ON e.id = r.ended_by"
        )
    };
}
/// What the trial has found so far, and its result, are read with one proposal only.
const HEAD: &str = from_proposals!(
    "r.id, r.camera_id, c.name AS camera_name, p.id AS premises_id, p.name AS premises_name, p.path, r.kind, r.state, r.confirmed, r.dismissed, r.since_at, \
     r.threshold, r.duration_s, r.given, r.phase, r.done, r.total, CAST(NULL AS TEXT) AS work, CAST(NULL AS TEXT) AS result, r.problem, \
     t.display_name AS tried_by_name, r.tried_at, e.display_name AS ended_by_name, r.ended_at, r.reason, r.version, r.created_at"
);
const WHOLE: &str = from_proposals!(
    "r.id, r.camera_id, c.name AS camera_name, p.id AS premises_id, p.name AS premises_name, p.path, r.kind, r.state, r.confirmed, r.dismissed, r.since_at, \
     r.threshold, r.duration_s, r.given, r.phase, r.done, r.total, r.work, r.result, r.problem, \
     t.display_name AS tried_by_name, r.tried_at, e.display_name AS ended_by_name, r.ended_at, r.reason, r.version, r.created_at"
);

/// Which proposals a list shows.
#[derive(Debug, Clone, Default)]
pub struct ProposalFilter {
    /// Still to be decided, or not.
    pub open: Option<bool>,
    /// Of this camera.
    pub camera_id: Option<String>,
}

fn narrowed(select: Select, scope: &Scope, filter: &ProposalFilter) -> Select {
    let select = scope.restrict(select, "p.path LIKE ?").and_if("r.camera_id = ?", filter.camera_id.clone());
    match filter.open {
        Some(true) => select.and("r.ended_at IS NULL", []),
        Some(false) => select.and("r.ended_at IS NOT NULL", []),
        None => select,
    }
}

/// A page of the scope's proposals, the newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &ProposalFilter, page: &Page) -> Result<Vec<ProposalRow>, StoreError> {
    narrowed(Select::new(HEAD), scope, filter)
        .and_if("r.id < ?", page.after().map(|(_, id)| id.to_owned()))
        .tail("ORDER BY r.id DESC LIMIT ?", [page.fetch().into()])
        .fetch_all(conn)
        .await
}

/// How many there are, up to [`COUNT_LIMIT`].
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &ProposalFilter) -> Result<i64, StoreError> {
    let head =
        "SELECT COUNT(*) FROM (SELECT 1 FROM rule_proposals r JOIN cameras c ON c.id = r.camera_id JOIN premises p ON p.id = c.premises_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One proposal, where the scope covers its camera.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<ProposalRow>, StoreError> {
    scope.restrict(Select::new(WHOLE).and("r.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// What people decided of a camera's flags of a kind.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "sums over alerts, named as what they count")]
pub struct DecisionRow {
    pub camera_id: String,
    pub kind: String,
    pub path: String,
    pub confirmed: i64,
    pub dismissed: i64,
}

impl DecisionRow {
    /// As the rule takes them.
    pub fn decisions(&self) -> Decisions {
        Decisions { confirmed: self.confirmed, dismissed: self.dismissed }
    }
}

/// Decisions of flags that were raised since `since_ms`, by camera and kind, where there are enough to say something. What was
/// raised before a proposal was applied is of another rule.
pub async fn decisions(conn: &mut Conn<'_>, since_ms: i64) -> Result<Vec<DecisionRow>, StoreError> {
    fetch_all!(
        conn,
        DecisionRow,
        "SELECT a.camera_id, a.kind, MAX(p.path) AS path, CAST(SUM(CASE WHEN a.verdict = 'confirmed' THEN 1 ELSE 0 END) AS BIGINT) AS confirmed, \
           CAST(SUM(CASE WHEN a.verdict = 'confirmed' THEN 0 ELSE 1 END) AS BIGINT) AS dismissed \
         FROM alerts a JOIN cameras c ON c.id = a.camera_id JOIN premises p ON p.id = c.premises_id \
         WHERE a.raised_at >= $1 AND a.verdict IN ('confirmed', 'false_alarm', 'permitted', 'other') \
           AND a.raised_at > COALESCE((SELECT MAX(r.ended_at) FROM rule_proposals r WHERE r.camera_id = a.camera_id AND r.kind = a.kind AND r.state = 'applied'), 0) \
         GROUP BY a.camera_id, a.kind HAVING COUNT(*) >= $2 ORDER BY a.camera_id, a.kind LIMIT $3",
        since_ms,
        DECISIONS_MIN,
        RULES_LIMIT,
    )
}

/// When the last proposal for a rule was turned down, and how many of its flags were dismissed since.
pub async fn turned_down(conn: &mut Conn<'_>, camera_id: &str, kind: &str) -> Result<Option<(i64, i64)>, StoreError> {
    fetch_optional!(
        conn,
        (i64, i64),
        "SELECT r.ended_at, (SELECT COUNT(*) FROM alerts a WHERE a.camera_id = r.camera_id AND a.kind = r.kind AND a.decided_at > r.ended_at \
           AND a.verdict IN ('false_alarm', 'permitted', 'other')) AS dismissed \
         FROM rule_proposals r WHERE r.camera_id = $1 AND r.kind = $2 AND r.state = 'declined' ORDER BY r.ended_at DESC LIMIT 1",
        camera_id,
        kind,
    )
}

/// An open proposal.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of rule_proposals")]
pub struct OpenRow {
    pub id: String,
    pub camera_id: String,
    pub kind: String,
    pub path: String,
    pub state: String,
    pub confirmed: i64,
    pub dismissed: i64,
}

/// All that are open.
pub async fn open(conn: &mut Conn<'_>) -> Result<Vec<OpenRow>, StoreError> {
    fetch_all!(
        conn,
        OpenRow,
        "SELECT r.id, r.camera_id, r.kind, p.path, r.state, r.confirmed, r.dismissed FROM rule_proposals r JOIN cameras c ON c.id = r.camera_id \
         JOIN premises p ON p.id = c.premises_id WHERE r.ended_at IS NULL ORDER BY r.id LIMIT $1",
        RULES_LIMIT,
    )
}

/// Proposes something for a rule; where something is open for it already, nothing happens.
pub async fn propose(tx: &mut Tx<'_>, row: &DecisionRow, since_ms: i64, at: i64) -> Result<(), StoreError> {
    let id = Uuid::now_v7().to_string();
    let made = execute!(
        tx,
        "INSERT INTO rule_proposals (id, camera_id, kind, state, confirmed, dismissed, since_at, given, done, total, version, created_at) \
         VALUES ($1, $2, $3, 'proposed', $4, $5, $6, $7, 0, 0, 1, $8) ON CONFLICT (camera_id, kind) WHERE ended_at IS NULL DO NOTHING",
        id.as_str(),
        row.camera_id.as_str(),
        row.kind.as_str(),
        row.confirmed,
        row.dismissed,
        since_ms,
        false,
        at,
    )?;
    if made > 0 {
        tx.changed(at, Change::upsert(Entity::RuleProposal, &id, &row.path)).await?;
    }
    Ok(())
}

/// The decisions behind a proposal that nobody has tried yet have changed.
pub async fn count_again(tx: &mut Tx<'_>, id: &str, now: Decisions, since_ms: i64, path: &str, at: i64) -> Result<(), StoreError> {
    let moved = execute!(
        tx,
        "UPDATE rule_proposals SET confirmed = $2, dismissed = $3, since_at = $4 WHERE id = $1 AND state = 'proposed'",
        id,
        now.confirmed,
        now.dismissed,
        since_ms
    )?;
    if moved > 0 {
        tx.changed(at, Change::upsert(Entity::RuleProposal, id, path)).await?;
    }
    Ok(())
}

/// A proposal that nobody has tried has no ground any more.
pub async fn withdraw(tx: &mut Tx<'_>, id: &str, path: &str, at: i64) -> Result<(), StoreError> {
    let sql = "UPDATE rule_proposals SET state = 'withdrawn', ended_at = $2, version = version + 1 WHERE id = $1 AND state = 'proposed'";
    if execute!(tx, sql, id, at)? > 0 {
        tx.changed(at, Change::upsert(Entity::RuleProposal, id, path)).await?;
    }
    Ok(())
}

/// A flag that people decided, with the clip that shows it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts and files")]
pub struct FlagRow {
    pub id: String,
    pub raised_at: i64,
    pub began_at: i64,
    pub ended_at: Option<i64>,
    pub measure: f64,
    pub verdict: String,
    pub decided_by_name: Option<String>,
    pub clip_start: Option<i64>,
    pub clip_sha256: Option<String>,
}

/// The decided flags of a rule that were raised since `since_ms`: the confirmed ones first, each kind of decision newest first.
pub async fn flags(conn: &mut Conn<'_>, camera_id: &str, kind: &str, since_ms: i64, limit: i64) -> Result<Vec<FlagRow>, StoreError> {
    fetch_all!(
        conn,
        FlagRow,
        "SELECT a.id, a.raised_at, a.began_at, a.ended_at, a.measure, a.verdict, u.display_name AS decided_by_name, a.clip_start, f.sha256 AS clip_sha256 \
         FROM alerts a LEFT JOIN users u ON u.id = a.decided_by LEFT JOIN files f ON f.id = a.clip_file_id AND a.clip_state = 'ready' \
         WHERE a.camera_id = $1 AND a.kind = $2 AND a.raised_at >= $3 AND a.verdict IN ('confirmed', 'false_alarm', 'permitted', 'other') \
         ORDER BY CASE WHEN a.verdict = 'confirmed' THEN 0 ELSE 1 END, a.raised_at DESC, a.id LIMIT $4",
        camera_id,
        kind,
        since_ms,
        limit,
    )
}

/// A trial is asked for, with figures of a person's or with those that it finds; `false` where somebody was faster.
pub async fn try_it(tx: &mut Tx<'_>, row: &ProposalRow, figures: Option<RuleFigures>, user_id: &str, at: i64) -> Result<bool, StoreError> {
    let moved = execute!(
        tx,
        "UPDATE rule_proposals SET state = 'trying', threshold = $3, duration_s = $4, given = $5, phase = 'clips', done = 0, total = 0, work = NULL, \
         result = NULL, problem = NULL, tried_by = $6, tried_at = $7, version = version + 1 \
         WHERE id = $1 AND version = $2 AND state IN ('proposed', 'tried', 'failed')",
        row.id.as_str(),
        row.version,
        figures.map(|figures| figures.threshold),
        figures.map(|figures| figures.duration_s),
        figures.is_some(),
        user_id,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::RuleProposal, &row.id, &row.path)).await?;
    Ok(moved > 0)
}

/// How far a trial is, and what it has found so far where that is to be kept.
pub async fn progress(tx: &mut Tx<'_>, id: &str, phase: &str, done: i64, total: i64, work: Option<&str>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE rule_proposals SET phase = $2, done = $3, total = $4, work = COALESCE($5, work) WHERE id = $1 AND state = 'trying'",
        id,
        phase,
        done,
        total,
        work
    )?;
    Ok(())
}

/// A trial has its result: the figures that it was about, if any fit, and the whole of it.
pub async fn tried(tx: &mut Tx<'_>, row: &ProposalRow, figures: Option<RuleFigures>, result: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE rule_proposals SET state = 'tried', threshold = $2, duration_s = $3, phase = NULL, work = NULL, result = $4, version = version + 1 \
         WHERE id = $1 AND state = 'trying'",
        row.id.as_str(),
        figures.map(|figures| figures.threshold),
        figures.map(|figures| figures.duration_s),
        result,
    )?;
    tx.changed(at, Change::upsert(Entity::RuleProposal, &row.id, &row.path)).await
}

/// A trial cannot be made.
pub async fn failed(tx: &mut Tx<'_>, (id, path): (&str, &str), problem: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE rule_proposals SET state = 'failed', phase = NULL, work = NULL, problem = $2, version = version + 1 WHERE id = $1 AND state = 'trying'",
        id,
        super::jobs::shortened(problem),
    )?;
    tx.changed(at, Change::upsert(Entity::RuleProposal, id, path)).await
}

/// How a proposal ends by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its figures hold from now on.
    Applied,
    /// It is left as it is.
    Declined,
}

/// A person ends a proposal; `false` where somebody was faster, or it is being tried.
pub async fn end(tx: &mut Tx<'_>, row: &ProposalRow, how: Ending, by: &str, reason: &str, at: i64) -> Result<bool, StoreError> {
    let state = if how == Ending::Applied { "applied" } else { "declined" };
    let moved = execute!(
        tx,
        "UPDATE rule_proposals SET state = $3, ended_by = $4, ended_at = $5, reason = $6, version = version + 1 \
         WHERE id = $1 AND version = $2 AND state IN ('proposed', 'tried', 'failed')",
        row.id.as_str(),
        row.version,
        state,
        by,
        at,
        reason,
    )?;
    tx.changed(at, Change::upsert(Entity::RuleProposal, &row.id, &row.path)).await?;
    Ok(moved > 0)
}
