//! Work that moves: items, history, and the one function that makes a transition.
//!
//! [`step`] asks the kind's table, changes the item only where its version is the expected one, moves the clocks, and
//! writes history, audit and change log in the same transaction. Kinds add what is theirs around it.

use serde_json::json;
use uuid::Uuid;

use super::journal::{self, Actor, Change, Entity};
use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::work_clocks::{self, ClockRow};
use super::{Conn, StoreError, Tx};
use crate::auth::{Access, Scope};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::premises::ServiceHours;
use crate::domain::workflow::{self, Act, Context, Doer, Handing, Level, Past, Refusal, Standing, Table, Transition};

/// Acts that the history of one piece of work shows.
const HISTORY_LIMIT: i64 = 500;
/// People whom one piece of work may be handed to.
const COLLEAGUES_LIMIT: i64 = 200;

/// A piece of work as stored, with what its clocks and its scope depend on.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of work_items and premises")]
pub struct WorkRow {
    pub id: String,
    pub kind: String,
    pub state: String,
    pub level: String,
    pub owner_id: Option<String>,
    pub premises_id: String,
    pub office_id: String,
    pub due_at: Option<i64>,
    pub open: bool,
    pub version: i64,
    pub created_at: i64,
    pub premises_path: String,
    pub premises_name: String,
    pub service_hours: String,
}

impl WorkRow {
    /// The table of its kind.
    pub fn table(&self) -> Result<&'static Table, StoreError> {
        workflow::table(&self.kind).ok_or_else(|| StoreError::damaged(format!("no table for work of kind {}", self.kind)))
    }

    /// How late it is.
    pub fn level(&self) -> Level {
        self.level.parse().unwrap_or(Level::None)
    }

    /// Hours of its premises; what cannot be read counts as always in service.
    pub fn hours(&self) -> Vec<ServiceHours> {
        serde_json::from_str(&self.service_hours).unwrap_or_default()
    }
}

const HEAD: &str = "SELECT w.id, w.kind, w.state, w.level, w.owner_id, w.premises_id, w.office_id, w.due_at, w.open, w.version, w.created_at, \
    p.path AS premises_path, p.name AS premises_name, p.service_hours FROM work_items w JOIN premises p ON p.id = w.premises_id";

/// One piece of work, where the scope covers its premises.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<WorkRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("w.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// One act of the past.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of work_history")]
pub struct HistoryRow {
    pub id: String,
    pub at: i64,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub actor_name: String,
    pub action: String,
    pub from_state: Option<String>,
    pub to_state: String,
    pub reason: Option<String>,
    pub text: Option<String>,
    pub deadline: Option<i64>,
    pub evidence: String,
    pub rule: Option<String>,
    pub given_to: Option<String>,
    pub version: i64,
}

/// All acts on a piece of work that `get` gave, oldest first.
pub async fn history(conn: &mut Conn<'_>, work_id: &str) -> Result<Vec<HistoryRow>, StoreError> {
    fetch_all!(
        conn,
        HistoryRow,
        "SELECT id, at, actor_kind, actor_id, actor_name, action, from_state, to_state, reason, text, deadline, evidence, rule, given_to, version \
         FROM work_history WHERE work_id = $1 ORDER BY version, id LIMIT $2",
        work_id,
        HISTORY_LIMIT,
    )
}

/// The files that an act names.
pub fn evidence_ids(act: &HistoryRow) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(&act.evidence).map_err(StoreError::damaged)
}

/// All acts of one name on several pieces of work, oldest first: work id and act.
pub async fn acts_of(conn: &mut Conn<'_>, work_ids: &[&str], action: &str) -> Result<Vec<(String, Past)>, StoreError> {
    if work_ids.is_empty() {
        return Ok(Vec::new());
    }
    let select = Select::new("SELECT work_id, actor_kind, actor_id, at FROM work_history").and("action = ?", [action.into()]);
    let select = select.and_any("work_id = ?", work_ids.iter().map(|id| (*id).into()));
    let rows: Vec<(String, String, Option<String>, i64)> = select.tail("ORDER BY version, id", []).fetch_all(conn).await?;
    let act = |kind: String, id: Option<String>, at_ms| Past { action: action.to_owned(), user_id: id.filter(|_| kind == "user"), at_ms };
    Ok(rows.into_iter().map(|(work_id, kind, id, at)| (work_id, act(kind, id, at))).collect())
}

/// What the table needs to know of the past.
pub fn past(history: &[HistoryRow]) -> Vec<Past> {
    let user = |row: &HistoryRow| if row.actor_kind == "user" { row.actor_id.clone() } else { None };
    history.iter().map(|row| Past { action: row.action.clone(), user_id: user(row), at_ms: row.at }).collect()
}

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// A person, with what that person may do where.
    User(&'a Actor, &'a Access),
    /// The program, by a rule with its version (`picture_back@1`).
    System(&'a str),
}

impl By<'_> {
    fn actor(&self) -> Actor {
        match self {
            Self::User(actor, _) => (*actor).clone(),
            Self::System(_) => Actor::system(),
        }
    }

    /// The person's id.
    pub fn user_id(&self) -> Option<String> {
        match self {
            Self::User(actor, _) => actor.id.map(|id| id.to_string()),
            Self::System(_) => None,
        }
    }
}

/// Why a step was not made.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Not there, or outside the scope.
    #[error("no such work")]
    NotFound,
    /// Somebody was faster: the item has another version.
    #[error("the version is stale")]
    Stale,
    /// The table refuses it.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Something to begin.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// Its kind.
    pub table: &'static Table,
    /// The same id as the thing itself.
    pub id: &'a str,
    /// Where.
    pub premises_id: &'a str,
    /// Who begins it.
    pub by: By<'a>,
    /// As the history calls it: `raise`, `plan`.
    pub action: &'a str,
    /// What whoever begins it says.
    pub text: Option<&'a str>,
}

/// Begins a piece of work in its table's first state.
pub async fn begin(tx: &mut Tx<'_>, new: &Beginning<'_>, at: i64) -> Result<(), StoreError> {
    let office: Option<(String, String)> =
        fetch_optional!(tx, (String, String), "SELECT organization_id, path FROM premises WHERE id = $1", new.premises_id)?;
    let (office_id, path) = office.ok_or_else(|| StoreError::Conflict("the premises is gone".to_owned()))?;
    execute!(
        tx,
        "INSERT INTO work_items (id, kind, state, level, premises_id, office_id, open, version, created_at, updated_at) \
         VALUES ($1, $2, $3, 'none', $4, $5, TRUE, 1, $6, $6)",
        new.id,
        new.table.kind,
        new.table.first,
        new.premises_id,
        office_id,
        at,
    )?;
    let act = Act { action: new.action.to_owned(), text: new.text.map(str::to_owned), ..Act::default() };
    insert_history(tx, new.id, new.by, &act, &[], None, new.table.first, 1, at).await?;
    journal(tx, new.table.kind, new.id, new.premises_id, &path, new.by, &act, json!({"to": new.table.first}), at).await
}

/// A step that was made.
#[derive(Debug, Clone)]
pub struct Stepped {
    /// The item as it was before.
    pub before: WorkRow,
    /// The transition.
    pub way: &'static Transition,
    /// The version after it.
    pub version: i64,
}

/// Makes one transition. `version` is what the caller saw; `None` for the program, which acts on what is there.
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own, and all callers have them at hand")]
pub async fn step(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: Option<i64>,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    at: i64,
) -> Result<Stepped, WorkError> {
    let before = get(tx, scope, id).await?.ok_or(WorkError::NotFound)?;
    let table = before.table()?;
    let past = past(&history(tx, id).await?);
    let standing = Standing { state: &before.state, owner: before.owner_id.as_deref(), past: &past };
    let user_id = by.user_id().unwrap_or_default();
    let path = before.premises_path.clone();
    let checked = match by {
        By::User(_, access) => {
            let may = |permission| access.may_at(permission, &path);
            table.check(standing, Doer::User { id: &user_id, may: &may }, act, at)
        }
        By::System(_) => table.check(standing, Doer::System, act, at),
    };
    let way = judged(checked, version, before.version)?;
    let (due_at, level) = move_clocks(tx, &before, way, act.deadline_ms, at).await?;
    let (open, keeps_owner) = (table.is_open(way.to), table.is_claimed_in(way.from) && table.is_claimed_in(way.to));
    let done = execute!(
        tx,
        "UPDATE work_items SET state = $3, level = $4, due_at = $5, open = $6, version = version + 1, updated_at = $7, closed_at = $8, \
         owner_id = CASE WHEN $9 THEN owner_id END, owner_since = CASE WHEN $9 THEN owner_since END WHERE id = $1 AND version = $2",
        id,
        before.version,
        way.to,
        level.as_str(),
        due_at,
        open,
        at,
        (!open).then_some(at),
        keeps_owner,
    )
    .map_err(WorkError::Store)?;
    if done == 0 {
        return Err(WorkError::Stale);
    }
    let version = before.version + 1;
    insert_history(tx, id, by, act, evidence, Some(way.from), way.to, version, at).await?;
    let detail = json!({"from": way.from, "to": way.to, "version": version, "reason": act.reason, "deadline_ms": act.deadline_ms, "evidence": evidence});
    journal(tx, table.kind, id, &before.premises_id, &path, by, act, detail, at).await?;
    Ok(Stepped { before, way, version })
}

/// What came of a check. A stale version is told before a wrong state, because it is the cause of it; who may not ask is told
/// neither.
fn judged<T>(checked: Result<T, Refusal>, version: Option<i64>, present: i64) -> Result<T, WorkError> {
    let is_stale = version.is_some_and(|version| version != present);
    match checked {
        Err(refusal @ (Refusal::Forbidden | Refusal::Faults(_))) => Err(WorkError::Refused(refusal)),
        _ if is_stale => Err(WorkError::Stale),
        checked => checked.map_err(WorkError::Refused),
    }
}

/// Puts work into other hands, as `act` is called there; gives the item as it was before.
#[expect(clippy::too_many_arguments, reason = "as for a step")]
pub async fn hand(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: i64,
    (actor, access): (&Actor, &Access),
    handing: Handing<'_>,
    act: &Act,
    at: i64,
) -> Result<WorkRow, WorkError> {
    let before = get(tx, scope, id).await?.ok_or(WorkError::NotFound)?;
    let (table, by) = (before.table()?, By::User(actor, access));
    let standing = Standing { state: &before.state, owner: before.owner_id.as_deref(), past: &[] };
    let may = |permission| access.may_at(permission, &before.premises_path);
    let checked = table.hand(standing, &by.user_id().unwrap_or_default(), &may, handing);
    let owner = judged(checked, Some(version), before.version)?;
    let done = execute!(
        tx,
        "UPDATE work_items SET owner_id = $3, owner_since = $4, version = version + 1, updated_at = $5 WHERE id = $1 AND version = $2",
        id,
        version,
        owner.as_deref(),
        owner.is_some().then_some(at),
        at,
    )?;
    if done == 0 {
        return Err(WorkError::Stale);
    }
    let state = before.state.as_str();
    insert_history(tx, id, by, act, &[], Some(state), state, version + 1, at).await?;
    let detail = json!({"state": state, "version": version + 1, "owner_id": owner, "text": act.text});
    journal(tx, table.kind, id, &before.premises_id, &before.premises_path, by, act, detail, at).await?;
    Ok(before)
}

/// Who may have a piece of work at this premises: id and name, by name.
pub async fn colleagues(
    conn: &mut Conn<'_>,
    permission: Permission,
    premises_path: &str,
    now_ms: i64,
) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT DISTINCT u.id, u.display_name FROM grants g JOIN role_permissions rp ON rp.role = g.role JOIN users u ON u.id = g.user_id \
         WHERE $1 LIKE g.node_path || '%' AND rp.permission = $2 AND u.disabled_at IS NULL \
           AND (g.valid_until IS NULL OR g.valid_until > $3) ORDER BY u.display_name, u.id LIMIT $4",
        premises_path,
        permission.code(),
        now_ms,
        COLLEAGUES_LIMIT,
    )
}

/// Applies a transition to the clocks; gives the nearest due moment and the level that are left.
async fn move_clocks(
    tx: &mut Tx<'_>,
    work: &WorkRow,
    way: &Transition,
    deadline_ms: Option<i64>,
    at: i64,
) -> Result<(Option<i64>, Level), StoreError> {
    let mut clocks = work_clocks::of_work(tx, &work.id).await?;
    let before = clocks.clone();
    for effect in way.effects {
        work_clocks::apply(&mut clocks, *effect, deadline_ms, at);
    }
    work_clocks::save(tx, &work.id, &before, &clocks).await?;
    let hours = work.hours();
    Ok(standing_of(&clocks, work.level(), at, Context { calendar: &Calendar::in_force(), hours: &hours }))
}

/// The nearest due moment of the clocks that run, and the level that they give.
fn standing_of(clocks: &[ClockRow], known: Level, at: i64, context: Context<'_>) -> (Option<i64>, Level) {
    let due_at = clocks.iter().filter(|row| row.clock.runs()).map(|row| row.clock.due_ms).min();
    let left = clocks.iter().filter(|row| row.clock.stopped_ms.is_none());
    let told = |row: &ClockRow| {
        if row.clock.red_ms.is_some() {
            Level::Red
        } else if row.clock.yellow_ms.is_some() {
            Level::Yellow
        } else {
            Level::None
        }
    };
    let level = left
        .map(|row| (told(row), row.clock.level(at, context)))
        .map(|(told, now)| if told == Level::Red && now == Level::Supervised { known } else { told })
        .max();
    (due_at, level.unwrap_or(Level::None))
}

/// Starts a clock beside a state: telling somebody starts the time to answer. Does nothing where it was started before.
pub async fn start_clock(tx: &mut Tx<'_>, work: &WorkRow, name: &str, limit: workflow::Limit, at: i64) -> Result<bool, StoreError> {
    let clocks = work_clocks::of_work(tx, &work.id).await?;
    if clocks.iter().any(|row| row.clock.name == name) {
        return Ok(false);
    }
    let hours = work.hours();
    let clock = workflow::Clock::start(name, limit, at, Context { calendar: &Calendar::in_force(), hours: &hours });
    let due_at = work.due_at.map_or(clock.due_ms, |due_at| due_at.min(clock.due_ms));
    work_clocks::insert(tx, &work.id, &clock).await?;
    execute!(tx, "UPDATE work_items SET due_at = $2, updated_at = $3 WHERE id = $1", work.id.as_str(), due_at, at)?;
    Ok(true)
}

/// Whether a clock of this name was ever started.
pub async fn has_clock(conn: &mut Conn<'_>, work_id: &str, name: &str) -> Result<bool, StoreError> {
    Ok(work_clocks::of_work(conn, work_id).await?.iter().any(|row| row.clock.name == name))
}

/// A clock of its own ends at another moment than was said: takes up what is due next, and notes why.
pub(super) async fn deadline_moved(tx: &mut Tx<'_>, work: &WorkRow, due_ms: i64, rule: &str, at: i64) -> Result<(), StoreError> {
    let clocks = work_clocks::of_work(tx, &work.id).await?;
    let hours = work.hours();
    let (due_at, _) = standing_of(&clocks, work.level(), at, Context { calendar: &Calendar::in_force(), hours: &hours });
    execute!(tx, "UPDATE work_items SET due_at = $2, updated_at = $3 WHERE id = $1", work.id.as_str(), due_at, at)?;
    let act = Act { action: "deadline_moved".to_owned(), deadline_ms: Some(due_ms), ..Act::default() };
    let state = work.state.as_str();
    insert_history(tx, &work.id, By::System(rule), &act, &[], Some(state), state, work.version, at).await?;
    changed(tx, work, at).await
}

async fn changed(tx: &mut Tx<'_>, work: &WorkRow, at: i64) -> Result<(), StoreError> {
    tx.changed(at, Change::upsert(entity(&work.kind), &work.id, &work.premises_path).at(&work.premises_id)).await
}

/// Sets how late a piece of work is; says so to those who follow.
pub async fn set_level(tx: &mut Tx<'_>, work: &WorkRow, level: Level, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE work_items SET level = $2, updated_at = $3 WHERE id = $1", work.id.as_str(), level.as_str(), at)?;
    changed(tx, work, at).await
}

fn entity(kind: &str) -> Entity {
    if kind == workflow::assignment::TABLE.kind {
        Entity::Assignment
    } else if kind == workflow::rectification::TABLE.kind {
        Entity::Order
    } else if kind == workflow::incident::TABLE.kind {
        Entity::Incident
    } else {
        Entity::Alert
    }
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
async fn insert_history(
    tx: &mut Tx<'_>,
    work_id: &str,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    from: Option<&str>,
    to: &str,
    version: i64,
    at: i64,
) -> Result<(), StoreError> {
    let actor = by.actor();
    let (kind, rule) = match by {
        By::User(..) => ("user", None),
        By::System(rule) => ("system", Some(rule)),
    };
    execute!(
        tx,
        "INSERT INTO work_history (id, work_id, at, actor_kind, actor_id, actor_name, action, from_state, to_state, reason, text, deadline, evidence, rule, given_to, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        Uuid::now_v7().to_string(),
        work_id,
        at,
        kind,
        by.user_id(),
        actor.name,
        act.action.as_str(),
        from,
        to,
        act.reason.as_deref(),
        act.text.as_deref(),
        act.deadline_ms,
        serde_json::to_string(evidence).map_err(StoreError::damaged)?,
        rule,
        act.given_to.as_deref(),
        version,
    )?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "what the two journals hold")]
async fn journal(
    tx: &mut Tx<'_>,
    kind: &str,
    id: &str,
    premises_id: &str,
    path: &str,
    by: By<'_>,
    act: &Act,
    detail: serde_json::Value,
    at: i64,
) -> Result<(), StoreError> {
    let action = format!("{kind}_{}", act.action);
    tx.audit(at, journal::Act { actor: &by.actor(), action: &action, entity: Some((kind, id)), path, detail }).await?;
    // What is planned for a premises is told above it only: an unannounced check stays one.
    let entity = entity(kind);
    let path = if entity == Entity::Assignment { super::assignments::office_path(path) } else { path };
    tx.changed(at, Change::upsert(entity, id, path).at(premises_id)).await
}
