//! What became of alerts, in columns that are written with the acts, and the figures of them: sums that are kept beside them
//! ([`super::tallies`]), or, for cameras, rules and people, of the columns themselves.

use super::alerts::AlertRow;
use super::sql::{Select, execute, fetch_all};
use super::tallies::fate;
use super::work::Stepped;
use super::{Conn, StoreError, Tx, tallies, work_clocks};
use crate::auth::Scope;
use crate::domain::calendar::{Calendar, date_of, end_of, start_of};
use crate::domain::figures::{Outcomes, working_ms};
use crate::domain::periods::Cover;
use crate::domain::workflow::alert::{self as table, DismissReason};

/// Groups that one question may give: cameras of a large district.
const GROUPS_LIMIT: i64 = 20_000;
/// Fates of all groups of one question.
const ALIKE_LIMIT: i64 = 400_000;
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
    tx.counts(&row.id);
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
    tx.counts(id);
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
    tx.counts(id);
    let back = fetch_all!(
        tx,
        (String,),
        "UPDATE alerts SET recurred_as = $1 WHERE recurred_as IS NULL AND kind = $2 AND id IN (SELECT w.id FROM work_items w \
         WHERE w.premises_id = $3 AND w.kind = 'alert' AND w.state = 'closed' AND w.id <> $1 AND w.closed_at >= $4 AND w.closed_at <= $5) RETURNING id",
        id,
        kind,
        premises_id,
        raised_at - RECURRENCE_DAYS * DAY_MS,
        raised_at,
    )?;
    back.iter().for_each(|(id,)| tx.counts(id));
    Ok(())
}

/// This alert was none: what it stood for as being back is back by the next one, if any.
async fn recurrence_of(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    let other = fetch_all!(
        tx,
        (String,),
        "UPDATE alerts SET recurred_as = (SELECT b.id FROM alerts b JOIN work_items wb ON wb.id = b.id JOIN work_items wa ON wa.id = alerts.id \
           WHERE wb.premises_id = wa.premises_id AND wb.kind = 'alert' AND wb.state <> 'dismissed' AND b.kind = alerts.kind AND b.id <> alerts.id \
             AND b.raised_at >= wa.closed_at AND b.raised_at <= wa.closed_at + $2 ORDER BY b.raised_at, b.id LIMIT 1) WHERE recurred_as = $1 RETURNING id",
        id,
        RECURRENCE_DAYS * DAY_MS,
    )?;
    other.iter().for_each(|(id,)| tx.counts(id));
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
    /// The grid of the premises.
    Grid,
    /// The kind of the premises.
    PremisesKind,
    /// Who decided; those that nobody has decided are left out.
    Decider,
    /// Day in Asia/Shanghai.
    Day,
    /// Month, by its first day.
    Month,
}

/// Which alerts are counted.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Raised on these days.
    pub days: Cover,
    /// Below this node.
    pub organization_id: Option<String>,
    /// At this premises.
    pub premises_id: Option<String>,
    /// At premises of this kind.
    pub premises_kind: Option<String>,
    /// In this grid.
    pub grid: Option<String>,
    /// Of this camera.
    pub camera_id: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// 0 for the camera itself; 1, 2, 3.
    pub class: Option<i64>,
}

/// Figures of a group.
#[derive(Debug, Clone, Default)]
pub struct FigureRow {
    /// Of the camera, premises, office or person; the code of a kind; a day.
    pub id: String,
    /// Empty for kinds and for time.
    pub name: String,
    /// The premises of a camera, the office of a premises.
    pub place: String,
    /// Of a rule.
    pub threshold: f64,
    /// What became of its alerts.
    pub outcomes: Outcomes,
}

/// The columns that name a group and how it is grouped, where the sums that are kept know it.
fn kept(by: By) -> Option<(&'static str, &'static str)> {
    Some(match by {
        By::Kind => ("SELECT t.kind AS id, '' AS name, '' AS place,", "GROUP BY t.kind ORDER BY t.kind LIMIT ?"),
        By::Premises => (
            "SELECT t.premises_id AS id, p.name AS name, MAX(o.name) AS place,",
            "GROUP BY t.premises_id, p.name ORDER BY t.premises_id LIMIT ?",
        ),
        By::Office => {
            ("SELECT t.office_id AS id, o.name AS name, '' AS place,", "GROUP BY t.office_id, o.name ORDER BY t.office_id LIMIT ?")
        }
        By::District => {
            ("SELECT COALESCE(d.id, '') AS id, COALESCE(d.name, '') AS name, '' AS place,", "GROUP BY d.id, d.name ORDER BY d.id LIMIT ?")
        }
        By::Grid => {
            ("SELECT COALESCE(p.grid, '') AS id, COALESCE(p.grid, '') AS name, '' AS place,", "GROUP BY p.grid ORDER BY p.grid LIMIT ?")
        }
        By::PremisesKind => ("SELECT p.kind AS id, '' AS name, '' AS place,", "GROUP BY p.kind ORDER BY p.kind LIMIT ?"),
        By::Day => ("SELECT t.first_on AS id, '' AS name, '' AS place,", "GROUP BY t.first_on ORDER BY t.first_on LIMIT ?"),
        By::Month => (
            "SELECT substr(t.first_on, 1, 7) || '-01' AS id, '' AS name, '' AS place,",
            "GROUP BY substr(t.first_on, 1, 7) ORDER BY substr(t.first_on, 1, 7) LIMIT ?",
        ),
        By::Rule | By::Camera | By::Decider => return None,
    })
}

fn placed(select: Select, scope: &Scope, asked: &Asked) -> Select {
    scope
        .restrict(select, "p.path LIKE ?")
        .and_if("p.path LIKE ?", asked.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("p.kind = ?", asked.premises_kind.clone())
        .and_if("COALESCE(p.grid, '') = ?", asked.grid.clone())
}

/// Only these days, of the sums that are kept: whole months where that is the same.
pub(super) fn within(select: Select, days: Cover, by_day: bool) -> Select {
    let Cover { from, months_from, months_to, to } = days;
    let day = |date: jiff::civil::Date| date.to_string().into();
    if by_day {
        return select.and("t.span = 'day' AND t.first_on >= ? AND t.first_on <= ?", [day(from), day(to)]);
    }
    select.and(
        "(t.span = 'month' AND t.first_on >= ? AND t.first_on < ?) OR (t.span = 'day' AND t.first_on >= ? AND t.first_on < ?) \
         OR (t.span = 'day' AND t.first_on >= ? AND t.first_on <= ?)",
        [day(months_from), day(months_to), day(from), day(months_from), day(months_to), day(to)],
    )
}

/// The figures of each group, the largest first.
pub async fn figures(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By) -> Result<Vec<FigureRow>, StoreError> {
    let mut rows = match kept(by).filter(|_| asked.camera_id.is_none()) {
        Some((names, group)) => {
            let narrow = |select: Select| {
                within(placed(select, scope, asked), asked.days, by == By::Day)
                    .and_if("t.premises_id = ?", asked.premises_id.clone())
                    .and_if("t.kind = ?", asked.kind.clone())
                    .and_if("t.class = ?", asked.class)
            };
            let groups = tallies::groups(conn, names, group, GROUPS_LIMIT, narrow).await?;
            let row = |group: tallies::GroupRow| FigureRow {
                id: group.id,
                name: group.name,
                place: group.place,
                threshold: 0.0,
                outcomes: group.outcomes,
            };
            groups.into_iter().map(row).filter(|row| row.outcomes.raised > 0).collect()
        }
        None => counted(conn, scope, asked, by).await?,
    };
    rows.sort_by(|a, b| b.outcomes.raised.cmp(&a.outcomes.raised).then_with(|| a.id.cmp(&b.id)).then(a.threshold.total_cmp(&b.threshold)));
    Ok(rows)
}

/// Alerts of a group that count alike.
#[derive(Debug, sqlx::FromRow)]
struct AlikeRow {
    id: String,
    name: String,
    place: String,
    threshold: f64,
    fate: i64,
    alerts: i64,
}

macro_rules! alike {
    ($names:literal) => {
        concat!(
            "SELECT ",
            $names,
            ", ",
            fate!(),
            " AS fate, COUNT(*) AS alerts FROM alerts a JOIN work_items w ON w.id = a.id JOIN cameras c ON c.id = a.camera_id JOIN premises p ON p.id = w.premises_id \
             JOIN organizations o ON o.id = w.office_id LEFT JOIN organizations d ON d.id = o.parent_id LEFT JOIN users u ON u.id = a.decided_by"
        )
    };
}

/// The same, counted from the alerts themselves.
async fn counted(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: By) -> Result<Vec<FigureRow>, StoreError> {
    let (head, group) = match by {
        By::Rule => (
            alike!("a.kind AS id, '' AS name, '' AS place, a.threshold AS threshold"),
            "GROUP BY a.kind, a.threshold, fate ORDER BY id, threshold LIMIT ?",
        ),
        By::Camera => (
            alike!("a.camera_id AS id, c.name AS name, MAX(p.name) AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY a.camera_id, c.name, fate ORDER BY id LIMIT ?",
        ),
        By::Decider => (
            alike!(
                "COALESCE(a.decided_by, '') AS id, COALESCE(u.display_name, '') AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"
            ),
            "GROUP BY a.decided_by, u.display_name, fate ORDER BY id LIMIT ?",
        ),
        By::Kind => (
            alike!("a.kind AS id, '' AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY a.kind, fate ORDER BY id LIMIT ?",
        ),
        By::Premises => (
            alike!("w.premises_id AS id, p.name AS name, MAX(o.name) AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY w.premises_id, p.name, fate ORDER BY id LIMIT ?",
        ),
        By::Office => (
            alike!("w.office_id AS id, o.name AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY w.office_id, o.name, fate ORDER BY id LIMIT ?",
        ),
        By::District => (
            alike!("COALESCE(d.id, '') AS id, COALESCE(d.name, '') AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY d.id, d.name, fate ORDER BY id LIMIT ?",
        ),
        By::Grid => (
            alike!("COALESCE(p.grid, '') AS id, COALESCE(p.grid, '') AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY p.grid, fate ORDER BY id LIMIT ?",
        ),
        By::PremisesKind => (
            alike!("p.kind AS id, '' AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"),
            "GROUP BY p.kind, fate ORDER BY id LIMIT ?",
        ),
        // Midnight in Asia/Shanghai, which has no summer time.
        By::Day | By::Month => (
            alike!(
                "CAST((a.raised_at + 28800000) / 86400000 AS TEXT) AS id, '' AS name, '' AS place, CAST(0 AS DOUBLE PRECISION) AS threshold"
            ),
            "GROUP BY (a.raised_at + 28800000) / 86400000, fate ORDER BY id LIMIT ?",
        ),
    };
    let (from_ms, to_ms) = (start_of(asked.days.from), end_of(asked.days.to));
    let select = placed(Select::new(head), scope, asked)
        .and("a.raised_at >= ? AND a.raised_at < ?", [from_ms.into(), to_ms.into()])
        .and_if("w.premises_id = ?", asked.premises_id.clone())
        .and_if("a.camera_id = ?", asked.camera_id.clone())
        .and_if("a.kind = ?", asked.kind.clone())
        .and_if("a.class = ?", asked.class);
    let select = if by == By::Decider { select.and("a.decided_by IS NOT NULL", []) } else { select };
    let found: Vec<AlikeRow> = select.tail(group, [ALIKE_LIMIT.into()]).fetch_all(conn).await?;
    let mut rows: Vec<FigureRow> = Vec::new();
    for AlikeRow { id, name, place, threshold, fate, alerts } in found {
        let id = if matches!(by, By::Day | By::Month) { day_of(&id) } else { id };
        let same = rows.last().is_some_and(|last| last.id == id && last.threshold.to_bits() == threshold.to_bits());
        if !same {
            rows.push(FigureRow { id, name, place, threshold, outcomes: Outcomes::default() });
        }
        if let Some(row) = rows.last_mut() {
            row.outcomes.add(fate, alerts);
        }
    }
    Ok(rows)
}

/// The day with this number.
fn day_of(number: &str) -> String {
    date_of(number.parse::<i64>().unwrap_or_default() * DAY_MS).to_string()
}
