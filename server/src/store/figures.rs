//! Counts of the whole system, for health and metrics. They name nothing that belongs to a premises.

use super::sql::{fetch_all, fetch_optional};
use super::{Conn, StoreError};

/// How much there is of what.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as what they count")]
pub struct Figures {
    /// By state.
    pub cameras: Vec<(String, i64)>,
    pub alerts_open: i64,
    pub jobs_waiting: i64,
    pub jobs_failed: i64,
    pub outbox_waiting: i64,
    pub outbox_failed: i64,
    pub audit_unlinked: i64,
    pub change_head: i64,
    pub photos_unopened: i64,
    pub photos_damaged: i64,
    /// Failures of the last day.
    pub jobs_failed_lately: i64,
    /// Holds of people and of work that stand.
    pub holds: i64,
    /// Those that the recorder could not take yet.
    pub holds_in_trouble: i64,
}

#[derive(sqlx::FromRow)]
struct Counts {
    alerts_open: i64,
    jobs_waiting: i64,
    jobs_failed: i64,
    jobs_failed_lately: i64,
    outbox_waiting: i64,
    outbox_failed: i64,
    audit_unlinked: i64,
    change_head: i64,
    photos_unopened: i64,
    photos_damaged: i64,
    holds: i64,
    holds_in_trouble: i64,
}

/// Counts everything; each by an index.
pub async fn read(conn: &mut Conn<'_>, now_ms: i64) -> Result<Figures, StoreError> {
    let cameras = fetch_all!(conn, (String, i64), "SELECT state, COUNT(*) FROM cameras GROUP BY state ORDER BY state")?;
    let counts = fetch_optional!(
        conn,
        Counts,
        "SELECT (SELECT COUNT(*) FROM work_items WHERE kind = 'alert' AND open) AS alerts_open, \
           (SELECT COUNT(*) FROM jobs WHERE done_at IS NULL AND failed_at IS NULL) AS jobs_waiting, \
           (SELECT COUNT(*) FROM jobs WHERE failed_at IS NOT NULL) AS jobs_failed, \
           (SELECT COUNT(*) FROM jobs WHERE failed_at > $1) AS jobs_failed_lately, \
           (SELECT COUNT(*) FROM outbox WHERE delivered_at IS NULL AND failed_at IS NULL) AS outbox_waiting, \
           (SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL) AS outbox_failed, \
           (SELECT COUNT(*) FROM audit_log WHERE seq IS NULL) AS audit_unlinked, \
           (SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM change_log) AS change_head, \
           (SELECT COUNT(*) FROM files WHERE opened_at IS NULL) AS photos_unopened, \
           (SELECT COUNT(*) FROM files WHERE damage IS NOT NULL) AS photos_damaged, \
           (SELECT COUNT(*) FROM recording_holds WHERE released_at IS NULL) AS holds, \
           (SELECT COUNT(*) FROM recording_holds WHERE released_at IS NULL AND trouble IS NOT NULL) AS holds_in_trouble",
        now_ms - 24 * 3_600_000,
    )?;
    let Some(counts) = counts else { return Ok(Figures::default()) };
    Ok(Figures {
        cameras,
        alerts_open: counts.alerts_open,
        jobs_waiting: counts.jobs_waiting,
        jobs_failed: counts.jobs_failed,
        jobs_failed_lately: counts.jobs_failed_lately,
        outbox_waiting: counts.outbox_waiting,
        outbox_failed: counts.outbox_failed,
        audit_unlinked: counts.audit_unlinked,
        change_head: counts.change_head,
        photos_unopened: counts.photos_unopened,
        photos_damaged: counts.photos_damaged,
        holds: counts.holds,
        holds_in_trouble: counts.holds_in_trouble,
    })
}
