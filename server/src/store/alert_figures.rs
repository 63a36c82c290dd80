//! What became of alerts, in columns that are written with the acts, and the sums of them.

use super::alerts::AlertRow;
use super::sql::{Select, execute};
use super::work::Stepped;
use super::{Conn, StoreError, Tx, work_clocks};
use crate::auth::Scope;
use crate::domain::calendar::Calendar;
use crate::domain::figures::working_ms;
use crate::domain::workflow::alert::{self as table, DismissReason};

/// Groups that one question may give: cameras of a large district.
const GROUPS_LIMIT: i64 = 20_000;
/// Days within which the same kind at the same premises counts as back again.
const RECURRENCE_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3_600_000;

/// Notes a person's first act.
pub async fn acted(tx: &mut Tx<'_>, row: &AlertRow, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET acted_at = $2, acted_working_ms = $3 WHERE id = $1 AND acted_at IS NULL",
        row.id.as_str(),
        at,
        working_ms(&Calendar::in_force(), row.raised_at, at),
    )?;
    Ok(())
}

/// Notes what a transition says about the alert; `row` is the alert after it.
pub async fn stepped(
    tx: &mut Tx<'_>,
    step: &Stepped,
    row: &AlertRow,
    reason: Option<&str>,
    by: Option<&str>,
    at: i64,
) -> Result<(), StoreError> {
    if by.is_some() {
        acted(tx, row, at).await?;
    }
    let id = row.id.as_str();
    match (step.way.action, step.way.to) {
        ("confirm", _) => decided(tx, id, Some("confirmed"), by, at).await?,
        ("dismiss", _) => {
            let known = reason.and_then(|reason| reason.parse::<DismissReason>().ok());
            decided(tx, id, Some(known.map_or("other", DismissReason::as_str)), by, at).await?;
            recurrence_of(tx, id).await?;
        }
        ("rectify", _) => {
            let clocks = work_clocks::of_work(tx, id).await?;
            let late = clocks.iter().any(|row| row.clock.name == table::RECTIFY && at > row.clock.due_ms);
            execute!(tx, "UPDATE alerts SET rectified_at = $2, rectified_late = $3 WHERE id = $1", id, at, late)?;
        }
        (_, "dispatched") => {
            execute!(
                tx,
                "UPDATE alerts SET dispatched_at = COALESCE(dispatched_at, $2), rectified_at = NULL, rectified_late = NULL WHERE id = $1",
                id,
                at
            )?;
        }
        (_, "raised") => {
            decided(tx, id, None, None, at).await?;
            raised(tx, id, &row.kind, &row.premises_id, row.raised_at).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn decided(tx: &mut Tx<'_>, id: &str, verdict: Option<&str>, by: Option<&str>, at: i64) -> Result<(), StoreError> {
    let decided_at = verdict.map(|_| at);
    execute!(tx, "UPDATE alerts SET verdict = $2, decided_by = $3, decided_at = $4 WHERE id = $1", id, verdict, by, decided_at)?;
    Ok(())
}

/// Notes that what was closed at these premises in the last 30 days is back, by this alert.
pub async fn raised(tx: &mut Tx<'_>, id: &str, kind: &str, premises_id: &str, raised_at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET recurred_as = $1 WHERE recurred_as IS NULL AND kind = $2 AND id IN (SELECT w.id FROM work_items w \
         WHERE w.premises_id = $3 AND w.kind = 'alert' AND w.state = 'closed' AND w.id <> $1 AND w.closed_at >= $4 AND w.closed_at <= $5)",
        id,
        kind,
        premises_id,
        raised_at - RECURRENCE_DAYS * DAY_MS,
        raised_at,
    )?;
    Ok(())
}

/// This alert was none: what it stood for as being back is back by the next one, if any.
async fn recurrence_of(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET recurred_as = (SELECT b.id FROM alerts b JOIN work_items wb ON wb.id = b.id JOIN work_items wa ON wa.id = alerts.id \
           WHERE wb.premises_id = wa.premises_id AND wb.kind = 'alert' AND wb.state <> 'dismissed' AND b.kind = alerts.kind AND b.id <> alerts.id \
             AND b.raised_at >= wa.closed_at AND b.raised_at <= wa.closed_at + $2 ORDER BY b.raised_at, b.id LIMIT 1) WHERE recurred_as = $1",
        id,
        RECURRENCE_DAYS * DAY_MS,
    )?;
    Ok(())
}

/// What figures are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Kind of alert.
    Kind,
    /// Kind and threshold: the rule as it stood.
    Rule,
    /// Camera.
    Camera,
    /// Premises.
    Premises,
    /// The office it belonged to when it was raised.
    Office,
    /// What that office belongs to.
    District,
    /// Who decided; those that nobody has decided are left out.
    Decider,
    /// Day in Asia/Shanghai, counted from 1970-01-01.
    Day,
}

/// Which alerts are counted.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Raised at or after, ms UTC.
    pub from_ms: i64,
    /// Raised before, ms UTC.
    pub to_ms: i64,
    /// Below this node.
    pub organization_id: Option<String>,
    /// At this premises.
    pub premises_id: Option<String>,
    /// Of this camera.
    pub camera_id: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// 0 for the camera itself; 1, 2, 3.
    pub class: Option<i64>,
}

/// Sums of a group.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of alerts, named as the states and verdicts that they count")]
pub struct FigureRow {
    /// Of the camera, premises, office or person; the code of a kind; the number of a day.
    pub id: String,
    pub name: String,
    /// The premises of a camera, the office of a premises.
    pub place: String,
    /// Of a rule.
    pub threshold: f64,
    pub raised: i64,
    pub undecided: i64,
    pub cleared: i64,
    pub confirmed: i64,
    pub false_alarms: i64,
    /// Duplicates, what is permitted, tests and other reasons.
    pub other_dismissals: i64,
    pub dispatched: i64,
    /// Of those dispatched, those whose answer stands.
    pub rectified: i64,
    /// Of those, within the deadline.
    pub on_time: i64,
    pub closed: i64,
    /// Of those, back within 30 days.
    pub recurred: i64,
}

macro_rules! from_alerts {
    ($columns:expr) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM alerts a JOIN work_items w ON w.id = a.id JOIN cameras c ON c.id = a.camera_id JOIN premises p ON p.id = w.premises_id \
             JOIN organizations o ON o.id = w.office_id LEFT JOIN organizations d ON d.id = o.parent_id LEFT JOIN users u ON u.id = a.decided_by"
        )
    };
}

/// The sums beside the columns that name a group.
macro_rules! sums {
    ($key:literal) => {
        from_alerts!(concat!(
            $key,
            ", COUNT(*) AS raised, \
             CAST(SUM(CASE WHEN w.state = 'raised' THEN 1 ELSE 0 END) AS BIGINT) AS undecided, \
             CAST(SUM(CASE WHEN w.state = 'cleared' THEN 1 ELSE 0 END) AS BIGINT) AS cleared, \
             CAST(SUM(CASE WHEN a.verdict = 'confirmed' THEN 1 ELSE 0 END) AS BIGINT) AS confirmed, \
             CAST(SUM(CASE WHEN a.verdict = 'false_alarm' THEN 1 ELSE 0 END) AS BIGINT) AS false_alarms, \
             CAST(SUM(CASE WHEN a.verdict NOT IN ('confirmed', 'false_alarm') THEN 1 ELSE 0 END) AS BIGINT) AS other_dismissals, \
             COUNT(a.dispatched_at) AS dispatched, \
             CAST(SUM(CASE WHEN a.dispatched_at IS NOT NULL AND a.rectified_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS rectified, \
             CAST(SUM(CASE WHEN a.dispatched_at IS NOT NULL AND NOT a.rectified_late THEN 1 ELSE 0 END) AS BIGINT) AS on_time, \
             CAST(SUM(CASE WHEN w.state = 'closed' THEN 1 ELSE 0 END) AS BIGINT) AS closed, \
             CAST(SUM(CASE WHEN w.state = 'closed' AND a.recurred_as IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS recurred"
        ))
    };
}

/// The bucket of a time, by [`crate::domain::figures::BUCKETS_MS`].
macro_rules! bucket {
    ($time:literal) => {
        concat!(
            "CAST(CASE WHEN ",
            $time,
            " < 60000 THEN 0 WHEN ",
            $time,
            " < 120000 THEN 1 WHEN ",
            $time,
            " < 300000 THEN 2 WHEN ",
            $time,
            " < 600000 THEN 3 WHEN ",
            $time,
            " < 900000 THEN 4 WHEN ",
            $time,
            " < 1800000 THEN 5 WHEN ",
            $time,
            " < 3600000 THEN 6 WHEN ",
            $time,
            " < 7200000 THEN 7 WHEN ",
            $time,
            " < 14400000 THEN 8 WHEN ",
            $time,
            " < 28800000 THEN 9 WHEN ",
            $time,
            " < 43200000 THEN 10 WHEN ",
            $time,
            " < 86400000 THEN 11 WHEN ",
            $time,
            " < 172800000 THEN 12 WHEN ",
            $time,
            " < 259200000 THEN 13 WHEN ",
            $time,
            " < 604800000 THEN 14 WHEN ",
            $time,
            " < 2592000000 THEN 15 ELSE 16 END AS BIGINT)"
        )
    };
}

macro_rules! times {
    ($key:literal, true) => {
        from_alerts!(concat!($key, ", ", bucket!("a.acted_working_ms"), " AS bucket, COUNT(*) AS alerts"))
    };
    ($key:literal, false) => {
        from_alerts!(concat!($key, ", ", bucket!("(a.acted_at - a.raised_at)"), " AS bucket, COUNT(*) AS alerts"))
    };
}

/// The texts of one grouping: sums, times in all, times in office hours, and the end of each.
macro_rules! grouping {
    ($names:literal, $id:literal, $threshold:literal, $group:literal) => {
        Grouping {
            sums: sums!($names),
            times: times!($id, false),
            working: times!($id, true),
            group_sums: concat!("GROUP BY ", $group, " ORDER BY raised DESC, id, threshold LIMIT ?"),
            group_times: concat!("GROUP BY ", $threshold, ", bucket LIMIT ?"),
        }
    };
}

struct Grouping {
    sums: &'static str,
    times: &'static str,
    working: &'static str,
    group_sums: &'static str,
    group_times: &'static str,
}

fn grouping(by: By) -> Grouping {
    match by {
        By::Kind => grouping!(
            "a.kind AS id, '' AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "a.kind AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "a.kind",
            "a.kind"
        ),
        By::Rule => grouping!(
            "a.kind AS id, '' AS name, '' AS place, a.threshold AS threshold",
            "a.kind AS id, a.threshold AS threshold",
            "a.kind, a.threshold",
            "a.kind, a.threshold"
        ),
        By::Camera => grouping!(
            "a.camera_id AS id, c.name AS name, MAX(p.name) AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "a.camera_id AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "a.camera_id",
            "a.camera_id, c.name"
        ),
        By::Premises => grouping!(
            "w.premises_id AS id, p.name AS name, MAX(o.name) AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "w.premises_id AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "w.premises_id",
            "w.premises_id, p.name"
        ),
        By::Office => grouping!(
            "w.office_id AS id, o.name AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "w.office_id AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "w.office_id",
            "w.office_id, o.name"
        ),
        By::District => grouping!(
            "COALESCE(d.id, '') AS id, COALESCE(d.name, '') AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "COALESCE(d.id, '') AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "d.id",
            "d.id, d.name"
        ),
        By::Decider => grouping!(
            "COALESCE(a.decided_by, '') AS id, COALESCE(u.display_name, '') AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "COALESCE(a.decided_by, '') AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "a.decided_by",
            "a.decided_by, u.display_name"
        ),
        // Midnight in Asia/Shanghai, which has no summer time.
        By::Day => grouping!(
            "CAST((a.raised_at + 28800000) / 86400000 AS TEXT) AS id, '' AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "CAST((a.raised_at + 28800000) / 86400000 AS TEXT) AS id, CAST(0 AS DOUBLE PRECISION) AS threshold",
            "(a.raised_at + 28800000) / 86400000",
            "(a.raised_at + 28800000) / 86400000"
        ),
    }
}

fn narrowed(select: Select, scope: &Scope, asked: &Asked, by: By) -> Select {
    let select = scope
        .restrict(select, "p.path LIKE ?")
        .and("a.raised_at >= ? AND a.raised_at < ?", [asked.from_ms.into(), asked.to_ms.into()])
        .and_if("p.path LIKE ?", asked.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("w.premises_id = ?", asked.premises_id.clone())
        .and_if("a.camera_id = ?", asked.camera_id.clone())
        .and_if("a.kind = ?", asked.kind.clone())
        .and_if("a.class = ?", asked.class);
    if by == By::Decider { select.and("a.decided_by IS NOT NULL", []) } else { select }
}

/// The sums of each group, the largest first.
pub async fn sums(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By) -> Result<Vec<FigureRow>, StoreError> {
    let texts = grouping(by);
    narrowed(Select::new(texts.sums), scope, asked, by).tail(texts.group_sums, [GROUPS_LIMIT.into()]).fetch_all(conn).await
}

/// How long alerts waited for a person's first act.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TimesRow {
    /// As in [`FigureRow`].
    pub id: String,
    /// As in [`FigureRow`].
    pub threshold: f64,
    /// As in [`crate::domain::figures::BUCKETS_MS`].
    pub bucket: i64,
    /// How many.
    pub alerts: i64,
}

/// The times of each group from being raised to a person's first act; `working`: within office hours only.
pub async fn times(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By, working: bool) -> Result<Vec<TimesRow>, StoreError> {
    let texts = grouping(by);
    let select = Select::new(if working { texts.working } else { texts.times });
    let select = narrowed(select, scope, asked, by);
    let select = if working { select.and("a.acted_working_ms IS NOT NULL", []) } else { select.and("a.acted_at IS NOT NULL", []) };
    select.tail(texts.group_times, [GROUPS_LIMIT.saturating_mul(20).into()]).fetch_all(conn).await
}

#[cfg(test)]
mod tests {
    use crate::domain::figures::BUCKETS_MS;

    #[test]
    fn the_buckets_of_the_statement_are_those_of_the_histogram() {
        let text = bucket!("t");
        let edges: Vec<i64> =
            text.split("t < ").skip(1).map(|rest| rest.split(' ').next().and_then(|edge| edge.parse().ok()).unwrap_or(-1)).collect();
        assert_eq!(edges, BUCKETS_MS);
        assert!(text.contains("ELSE 16 END"));
    }
}
