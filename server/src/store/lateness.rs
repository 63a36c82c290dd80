//! Reminders and lateness: what a clock has to say is said once, to everybody it concerns, with the level it brings.

use super::sql::fetch_all;
use super::work::{self, WorkRow};
use super::work_clocks::{self, ClockRow};
use super::{Conn, StoreError, Tx, alert_acts, alerts, incidents, notices, orders, webhooks};
use crate::auth::Scope;
use crate::domain::alert::class;
use crate::domain::calendar::Calendar;
use crate::domain::workflow::{Act, Context, Level, Signal, alert, assignment, incident, rectification};
use serde_json::{Value, json};

/// Lets one clock say what it has to say at `at`; gives what it said.
pub async fn tick(tx: &mut Tx<'_>, work_id: &str, clock_id: &str, at: i64) -> Result<Vec<Signal>, StoreError> {
    let Some(work) = work::get(tx, &Scope::system(), work_id).await?.filter(|work| work.open) else { return Ok(Vec::new()) };
    let clocks = work_clocks::of_work(tx, work_id).await?;
    let Some(mut row) = clocks.into_iter().find(|row| row.id == clock_id) else { return Ok(Vec::new()) };
    let hours = work.hours();
    let before = row.clone();
    let signals = row.clock.signals(at, work.level(), Context { calendar: &Calendar::in_force(), hours: &hours });
    if row != before {
        work_clocks::update(tx, &row).await?;
    }
    let level = signals
        .iter()
        .filter_map(|signal| match signal {
            Signal::Late(level) => Some(*level),
            Signal::HalfTime => None,
        })
        .max();
    if let Some(level) = level.filter(|level| *level > work.level()) {
        work::set_level(tx, &work, level, at).await?;
    }
    // One notice tells the worst of it.
    match signals.iter().max() {
        None => {}
        Some(Signal::HalfTime) => tell(tx, &work, "half_time", &row.clock.name, Level::None, at).await?,
        Some(Signal::Late(level)) => tell(tx, &work, "overdue", &row.clock.name, *level, at).await?,
    }
    Ok(signals)
}

/// A deadline that another calendar moves: its clock as it would run, and when it was due.
pub type Moved = (ClockRow, i64);

/// What runs in days, is not late yet, and ends at another moment by `calendar`; and how many of all that run in days lean on a year
/// that it does not know. What a paper or a person named stays.
pub async fn moved(conn: &mut Conn<'_>, calendar: &Calendar) -> Result<(Vec<Moved>, i64), StoreError> {
    let (mut moved, mut assumed) = (Vec::new(), 0);
    for mut row in work_clocks::in_days(conn).await? {
        let due = row.clock.limit.due(row.clock.started_ms, Context { calendar, hours: &[] });
        assumed += i64::from(due.assumed);
        if due.at_ms != row.clock.due_ms {
            let before = std::mem::replace(&mut row.clock.due_ms, due.at_ms);
            moved.push((row, before));
        }
    }
    Ok((moved, assumed))
}

/// Moves deadlines by a rule (`calendar@2027`): each with a line in its history, and whoever heard of the old one hears of it.
pub async fn set_moved(tx: &mut Tx<'_>, moved: &[Moved], rule: &str, at: i64) -> Result<(), StoreError> {
    for (row, _) in moved {
        work_clocks::update(tx, row).await?;
        let Some(work) = work::get(tx, &Scope::system(), &row.work_id).await?.filter(|work| work.open) else { continue };
        work::deadline_moved(tx, &work, row.clock.due_ms, rule, at).await?;
        tell(tx, &work, "deadline_moved", &row.clock.name, Level::None, at).await?;
    }
    Ok(())
}

async fn tell(tx: &mut Tx<'_>, work: &WorkRow, kind: &str, clock: &str, level: Level, at: i64) -> Result<(), StoreError> {
    let detail = detail(tx, work, clock, level).await?;
    let users = if work.kind == assignment::TABLE.kind {
        officers(tx, &work.id).await?
    } else {
        let audience = notices::audience(tx, &work.premises_path, at).await?;
        // The answer of the premises concerns those who decide once it is late; the district's list all above.
        let sides = match (clock, level) {
            (alert::RECTIFY, Level::None) => notices::ANSWERING,
            (alert::ON_SITE, _) => notices::AUTHORITY,
            // The limits of a report of food poisoning are the authority's own.
            _ if work.kind == incident::TABLE.kind => notices::AUTHORITY,
            // Who was told is reminded; who was not hears of it when it is late.
            (_, Level::None) => told_of(tx, &work.id).await?,
            _ => notices::EVERYBODY,
        };
        let mut users = audience.of(sides);
        if level >= Level::Red {
            users.extend(audience.above.iter().filter(|user| !users.contains(user)).cloned().collect::<Vec<_>>());
        }
        users
    };
    notices::insert(tx, Some(&work.id), &users, kind, &detail, at).await?;
    match alerts::get(tx, &Scope::system(), &work.id).await? {
        Some(row) => webhooks::say(tx, kind, &row, at).await,
        None => Ok(()),
    }
}

async fn told_of(tx: &mut Tx<'_>, id: &str) -> Result<notices::Sides, StoreError> {
    let row = alerts::get(tx, &Scope::system(), id).await?;
    Ok(row.map_or(notices::EVERYBODY, |row| class(row.class).told.into()))
}

async fn detail(tx: &mut Tx<'_>, work: &WorkRow, clock: &str, level: Level) -> Result<Value, StoreError> {
    let mut detail = match alerts::get(tx, &Scope::system(), &work.id).await? {
        Some(row) => alert_acts::detail_of(&row, &Act::default()),
        None if work.kind == rectification::TABLE.kind => orders::detail_of(tx, &work.id, &Act::default()).await?,
        None if work.kind == incident::TABLE.kind => match incidents::get(tx, &Scope::system(), &work.id).await? {
            Some(row) => incidents::detail_of(&row)?,
            None => json!({}),
        },
        None => json!({"premises_id": work.premises_id, "premises_name": work.premises_name}),
    };
    detail["clock"] = clock.into();
    detail["level"] = level.as_str().into();
    Ok(detail)
}

async fn officers(tx: &mut Tx<'_>, assignment_id: &str) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        tx,
        (String,),
        "SELECT user_id FROM assignment_officers WHERE assignment_id = $1 ORDER BY user_id LIMIT 50",
        assignment_id
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
