//! Work to be done later, at least once: a queue with leases.
//!
//! A runner takes a job for a while; if it dies, another takes it when the lease is over. For one kind and subject one job
//! waits, so that asking twice does the work once.

use serde_json::Value;
use uuid::Uuid;

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 500;

/// A job that a runner has.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of jobs")]
pub struct JobRow {
    pub id: String,
    pub kind: String,
    pub subject: String,
    pub payload: String,
    pub run_at: i64,
    /// Tries, this one counted.
    pub attempts: i64,
    pub created_at: i64,
}

/// Asks for `kind` to be done for `subject`, not before `run_at`. Where it waits already, the earlier moment counts.
pub async fn enqueue(tx: &mut Tx<'_>, kind: &str, subject: &str, payload: &Value, run_at: i64, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO jobs (id, kind, subject, payload, run_at, attempts, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6) \
         ON CONFLICT (kind, subject) WHERE done_at IS NULL AND failed_at IS NULL \
         DO UPDATE SET payload = excluded.payload, run_at = CASE WHEN jobs.run_at < excluded.run_at THEN jobs.run_at ELSE excluded.run_at END",
        Uuid::now_v7().to_string(),
        kind,
        subject,
        payload.to_string(),
        run_at,
        at,
    )?;
    Ok(())
}

/// A job that waits, by what it is about.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of jobs")]
pub struct WaitingRow {
    pub kind: String,
    pub subject: String,
    pub payload: String,
}

/// Jobs of these kinds that are neither done nor given up, at most 100,000.
pub async fn waiting(conn: &mut Conn<'_>, kinds: &[&str]) -> Result<Vec<WaitingRow>, StoreError> {
    Select::new("SELECT kind, subject, payload FROM jobs")
        .and("done_at IS NULL AND failed_at IS NULL", [])
        .and_any("kind = ?", kinds.iter().map(|kind| (*kind).into()))
        .tail("ORDER BY id LIMIT 100000", [])
        .fetch_all(conn)
        .await
}

/// When the next job may run; `None` while there is none.
pub async fn next_run_at(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT CASE WHEN locked_until IS NOT NULL AND locked_until > run_at THEN locked_until ELSE run_at END AS ready_at FROM jobs \
         WHERE done_at IS NULL AND failed_at IS NULL ORDER BY ready_at LIMIT 1",
    )?;
    Ok(row.map(|row| row.0))
}

/// Takes up to `limit` jobs that are due, until `now_ms + lease_ms`.
pub async fn claim(tx: &mut Tx<'_>, now_ms: i64, lease_ms: i64, limit: i64) -> Result<Vec<JobRow>, StoreError> {
    // The outer condition is looked at again when another runner held the row: it then has it.
    let mut claimed: Vec<JobRow> = fetch_all!(
        tx,
        JobRow,
        "UPDATE jobs SET locked_until = $2, attempts = attempts + 1 WHERE id IN ( \
           SELECT id FROM jobs WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 AND (locked_until IS NULL OR locked_until <= $1) ORDER BY run_at, id LIMIT $3) \
         AND (locked_until IS NULL OR locked_until <= $1) RETURNING id, kind, subject, payload, run_at, attempts, created_at",
        now_ms,
        now_ms + lease_ms,
        limit,
    )?;
    // What is returned has no order of its own.
    claimed.sort_by(|one, other| (one.run_at, &one.id).cmp(&(other.run_at, &other.id)));
    Ok(claimed)
}

/// Keeps a job that takes longer.
pub async fn extend(tx: &mut Tx<'_>, id: &str, until_ms: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE jobs SET locked_until = $2 WHERE id = $1 AND done_at IS NULL", id, until_ms)?;
    Ok(())
}

/// It is done.
pub async fn finish(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE jobs SET done_at = $2, locked_until = NULL, last_error = NULL WHERE id = $1", id, at)?;
    Ok(())
}

/// It shall be tried again at `run_at`.
pub async fn retry(tx: &mut Tx<'_>, id: &str, run_at: i64, error: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE jobs SET run_at = $2, locked_until = NULL, last_error = $3 WHERE id = $1 AND done_at IS NULL",
        id,
        run_at,
        shortened(error)
    )?;
    Ok(())
}

/// It was too early: it is looked at again at `run_at`, and this was no try.
pub async fn postpone(tx: &mut Tx<'_>, id: &str, run_at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE jobs SET run_at = $2, locked_until = NULL, attempts = attempts - 1 WHERE id = $1 AND done_at IS NULL",
        id,
        run_at
    )?;
    Ok(())
}

/// It is given up.
pub async fn give_up(tx: &mut Tx<'_>, id: &str, at: i64, error: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE jobs SET failed_at = $2, locked_until = NULL, last_error = $3 WHERE id = $1 AND done_at IS NULL",
        id,
        at,
        shortened(error)
    )?;
    Ok(())
}

/// Jobs that wait, and jobs that were given up: for the system's health.
pub async fn counts(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT CAST(COALESCE(SUM(CASE WHEN done_at IS NULL AND failed_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT), \
                CAST(COALESCE(SUM(CASE WHEN failed_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT) FROM jobs",
    )?;
    Ok(row.unwrap_or_default())
}

/// Forgets what was done or given up before `before_ms`.
pub async fn sweep(tx: &mut Tx<'_>, before_ms: i64) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM jobs WHERE done_at < $1 OR failed_at < $1", before_ms)
}

pub(super) fn shortened(error: &str) -> String {
    error.chars().filter(|character| *character != '\0').take(ERROR_CHARS_MAX).collect()
}
