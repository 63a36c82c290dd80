//! Named clocks of work, as rows.

use uuid::Uuid;

use super::sql::{Select, execute, fetch_all};
use super::{Conn, StoreError, Tx};
use crate::domain::workflow::{Clock, Effect, Limit, Unit};

/// Clocks that one piece of work may have.
const CLOCKS_LIMIT: i64 = 100;
/// Clocks that another calendar moves.
const IN_DAYS_LIMIT: i64 = 20_000;

/// A clock with its id; an empty id has not been stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRow {
    /// UUIDv7
    pub id: String,
    /// Whose it is.
    pub work_id: String,
    /// The clock.
    pub clock: Clock,
}

#[derive(Debug, sqlx::FromRow)]
struct Stored {
    id: String,
    work_id: String,
    name: String,
    unit: String,
    amount: i64,
    started_at: i64,
    due_at: i64,
    paused_at: Option<i64>,
    stopped_at: Option<i64>,
    half_at: Option<i64>,
    yellow_at: Option<i64>,
    red_at: Option<i64>,
}

impl TryFrom<Stored> for ClockRow {
    type Error = StoreError;
    fn try_from(row: Stored) -> Result<Self, StoreError> {
        let unit = row.unit.parse().map_err(|()| StoreError::damaged(format!("unknown unit {}", row.unit)))?;
        let clock = Clock {
            name: row.name,
            limit: Limit { unit, amount: row.amount },
            started_ms: row.started_at,
            due_ms: row.due_at,
            paused_ms: row.paused_at,
            stopped_ms: row.stopped_at,
            half_ms: row.half_at,
            yellow_ms: row.yellow_at,
            red_ms: row.red_at,
        };
        Ok(Self { id: row.id, work_id: row.work_id, clock })
    }
}

const HEAD: &str =
    "SELECT id, work_id, name, unit, amount, started_at, due_at, paused_at, stopped_at, half_at, yellow_at, red_at FROM work_clocks";

/// All clocks of a piece of work, oldest first.
pub async fn of_work(conn: &mut Conn<'_>, work_id: &str) -> Result<Vec<ClockRow>, StoreError> {
    let select = Select::new(HEAD).and("work_id = ?", [work_id.into()]).tail("ORDER BY id LIMIT ?", [CLOCKS_LIMIT.into()]);
    select.fetch_all::<Stored>(conn).await?.into_iter().map(ClockRow::try_from).collect()
}

/// Ids of clocks, with their work, that run and may have something to say at `now_ms`; in order of id, after `after`.
pub async fn speaking(conn: &mut Conn<'_>, now_ms: i64, after: &str, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
    // Late clocks stay in the list until their last level is told, because when that is depends on working days.
    fetch_all!(
        conn,
        (String, String),
        "SELECT c.id, c.work_id FROM work_clocks c JOIN work_items w ON w.id = c.work_id \
         WHERE c.stopped_at IS NULL AND c.paused_at IS NULL AND c.id > $2 AND w.level <> 'supervised' \
           AND (c.due_at <= $1 OR (c.half_at IS NULL AND c.started_at + (c.due_at - c.started_at) / 2 <= $1)) \
         ORDER BY c.id LIMIT $3",
        now_ms,
        after,
        limit,
    )
}

/// Clocks that run, count days, and have not told that anything is late; oldest first.
pub async fn in_days(conn: &mut Conn<'_>) -> Result<Vec<ClockRow>, StoreError> {
    let select = Select::new(HEAD)
        .and("stopped_at IS NULL AND paused_at IS NULL AND yellow_at IS NULL", [])
        .and_any("unit = ?", [Unit::WorkingDays, Unit::CalendarDays].map(|unit| unit.as_str().into()));
    let rows: Vec<Stored> = select.tail("ORDER BY id LIMIT ?", [IN_DAYS_LIMIT.into()]).fetch_all(conn).await?;
    rows.into_iter().map(ClockRow::try_from).collect()
}

/// Adds a clock.
pub async fn insert(tx: &mut Tx<'_>, work_id: &str, clock: &Clock) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO work_clocks (id, work_id, name, unit, amount, started_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7().to_string(),
        work_id,
        clock.name.as_str(),
        clock.limit.unit.as_str(),
        clock.limit.amount,
        clock.started_ms,
        clock.due_ms,
    )?;
    Ok(())
}

/// Stores a clock that changed.
pub async fn update(tx: &mut Tx<'_>, row: &ClockRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE work_clocks SET due_at = $2, paused_at = $3, stopped_at = $4, half_at = $5, yellow_at = $6, red_at = $7 WHERE id = $1",
        row.id.as_str(),
        row.clock.due_ms,
        row.clock.paused_ms,
        row.clock.stopped_ms,
        row.clock.half_ms,
        row.clock.yellow_ms,
        row.clock.red_ms,
    )?;
    Ok(())
}

/// Stores what differs from `before`; new ones have no id yet.
pub(super) async fn save(tx: &mut Tx<'_>, work_id: &str, before: &[ClockRow], after: &[ClockRow]) -> Result<(), StoreError> {
    for row in after {
        if row.id.is_empty() {
            insert(tx, work_id, &row.clock).await?;
        } else if !before.contains(row) {
            update(tx, row).await?;
        }
    }
    Ok(())
}

/// What a transition does to the clocks. A clock that was stopped stays so; starting it again adds another of its name.
pub(super) fn apply(clocks: &mut Vec<ClockRow>, effect: Effect, deadline_ms: Option<i64>, at: i64) {
    let live = |clocks: &'_ mut Vec<ClockRow>, name: &str, act: &dyn Fn(&mut Clock)| {
        clocks.iter_mut().filter(|row| row.clock.stopped_ms.is_none() && row.clock.name == name).for_each(|row| act(&mut row.clock));
    };
    match effect {
        Effect::Stop(name) => live(clocks, name, &|clock| clock.stop(at)),
        Effect::Pause(name) => live(clocks, name, &|clock| clock.pause(at)),
        Effect::Resume(name) => {
            live(clocks, name, &|clock| match deadline_ms {
                Some(deadline_ms) => clock.extend(deadline_ms),
                None => clock.resume(at),
            });
            // An answer that came by an inspection had no clock of the premises: a deadline starts it.
            if !clocks.iter().any(|row| row.clock.stopped_ms.is_none() && row.clock.name == name) {
                start(clocks, name, deadline_ms, at);
            }
        }
        Effect::Reopen(name) => {
            let last = clocks.iter_mut().filter(|row| row.clock.name == name).max_by_key(|row| row.clock.started_ms);
            if let Some(row) = last {
                row.clock.reopen(at);
            }
        }
        Effect::StopAll => clocks.iter_mut().for_each(|row| row.clock.stop(at)),
        Effect::Start(name) => start(clocks, name, deadline_ms, at),
    }
}

fn start(clocks: &mut Vec<ClockRow>, name: &str, deadline_ms: Option<i64>, at: i64) {
    let Some(deadline_ms) = deadline_ms else { return };
    let work_id = clocks.first().map(|row| row.work_id.clone()).unwrap_or_default();
    clocks.push(ClockRow { id: String::new(), work_id, clock: Clock::until(name, at, deadline_ms) });
}
