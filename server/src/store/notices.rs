//! Notices: telling somebody. A notice changes no state.
//!
//! Premises and bureau are told together (双推送): those who answer for the premises, and at the nearest authority above it
//! that has such people, those who act for it and those who decide.

use serde_json::Value;
use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, deliveries};
use crate::domain::alert::Told;
use crate::domain::workflow::Decision;

/// People of one side that one event tells.
const SIDE_LIMIT: usize = 50;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// Those who answer for the premises.
    pub premises: bool,
    /// Those of the nearest authority who act for it.
    pub officers: bool,
    /// Those of the nearest authority who decide.
    pub deciders: bool,
}

impl From<Told> for Sides {
    fn from(told: Told) -> Self {
        Self { premises: told.premises, officers: told.officers, deciders: told.deciders }
    }
}

/// All three.
pub const EVERYBODY: Sides = Sides { premises: true, officers: true, deciders: true };
/// Those who answer and those who act for them.
pub const ANSWERING: Sides = Sides { premises: true, officers: true, deciders: false };
/// Those of the nearest authority, who look on site or send somebody.
pub const AUTHORITY: Sides = Sides { premises: false, officers: true, deciders: true };
/// Those who decide.
pub const DECIDING: Sides = Sides { premises: false, officers: false, deciders: true };

/// Which notice an action causes, and for whom.
pub fn after(action: &str, decision: Option<Decision>) -> Option<(&'static str, Sides)> {
    match (action, decision) {
        ("dispatch", _) => Some(("dispatched", ANSWERING)),
        ("rectify", _) => Some(("rectified", DECIDING)),
        ("review", Some(Decision::SendBack)) => Some(("sent_back", ANSWERING)),
        ("review", _) => Some(("closed", ANSWERING)),
        _ => None,
    }
}

/// The people of a premises by what they do for its alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Who answer for it.
    pub premises: Vec<String>,
    /// Who act for it.
    pub officers: Vec<String>,
    /// Who decide.
    pub deciders: Vec<String>,
    /// Who decide at any authority above it: for what is late twice over.
    pub above: Vec<String>,
}

impl Audience {
    /// Those of the sides, each once.
    pub fn of(&self, sides: Sides) -> Vec<String> {
        let chosen = [(sides.premises, &self.premises), (sides.officers, &self.officers), (sides.deciders, &self.deciders)];
        let mut users: Vec<String> =
            chosen.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, users)| users.iter().cloned()).collect();
        users.sort();
        users.dedup();
        users
    }
}

/// Who is told of a premises' alerts now.
pub async fn audience(conn: &mut Conn<'_>, premises_path: &str, now_ms: i64) -> Result<Audience, StoreError> {
    let rows = fetch_all!(
        conn,
        (String, String, String),
        "SELECT DISTINCT g.node_path, rp.permission, g.user_id FROM grants g JOIN role_permissions rp ON rp.role = g.role JOIN users u ON u.id = g.user_id \
         WHERE $1 LIKE g.node_path || '%' AND rp.permission IN ('alerts.rectify', 'alerts.decide') AND u.disabled_at IS NULL \
           AND (g.valid_until IS NULL OR g.valid_until > $2) ORDER BY g.node_path DESC, rp.permission, g.user_id LIMIT 1000",
        premises_path,
        now_ms,
    )?;
    let at = |node: &str, permission: &str| {
        rows.iter().filter(|row| row.0 == node && row.1 == permission).map(|row| row.2.clone()).take(SIDE_LIMIT).collect::<Vec<_>>()
    };
    // Paths of ancestors sort by length: the first that is not the premises is the nearest.
    let nearest = |permission: &str| {
        let node = rows.iter().find(|row| row.0 != premises_path && row.1 == permission).map(|row| row.0.clone());
        node.map_or_else(Vec::new, |node| at(&node, permission))
    };
    let above =
        rows.iter().filter(|row| row.0 != premises_path && row.1 == "alerts.decide").map(|row| row.2.clone()).take(SIDE_LIMIT).collect();
    Ok(Audience {
        premises: at(premises_path, "alerts.rectify"),
        officers: nearest("alerts.rectify"),
        deciders: nearest("alerts.decide"),
        above,
    })
}

/// Tells the sides of a premises about a piece of work, but for the one who caused it.
#[expect(clippy::too_many_arguments, reason = "about what, whom, by whom, when")]
pub async fn tell(
    tx: &mut Tx<'_>,
    work_id: &str,
    premises_path: &str,
    kind: &str,
    sides: Sides,
    but: Option<&str>,
    detail: &Value,
    at: i64,
) -> Result<(), StoreError> {
    let audience = audience(tx, premises_path, at).await?;
    tell_of(tx, &audience, work_id, kind, sides, but, detail, at).await
}

/// The same, where it is known who they are.
#[expect(clippy::too_many_arguments, reason = "about what, whom, by whom, when")]
pub async fn tell_of(
    tx: &mut Tx<'_>,
    audience: &Audience,
    work_id: &str,
    kind: &str,
    sides: Sides,
    but: Option<&str>,
    detail: &Value,
    at: i64,
) -> Result<(), StoreError> {
    let mut users = audience.of(sides);
    users.retain(|user| Some(user.as_str()) != but);
    insert(tx, Some(work_id), &users, kind, detail, at).await
}

/// Adds a notice for each of `users`, with what goes out of it.
pub async fn insert(
    tx: &mut Tx<'_>,
    work_id: Option<&str>,
    users: &[String],
    kind: &str,
    detail: &Value,
    at: i64,
) -> Result<(), StoreError> {
    let mut told = Vec::with_capacity(users.len());
    for user in users {
        let id = Uuid::now_v7().to_string();
        execute!(
            tx,
            "INSERT INTO notices (id, work_id, user_id, kind, detail, show_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
            id.as_str(),
            work_id,
            user.as_str(),
            kind,
            detail.to_string(),
            at,
        )?;
        tx.changed(at, Change::upsert(Entity::Notice, &id, "/").for_user(user)).await?;
        told.push((id, user.clone()));
    }
    deliveries::plan(tx, &told, kind, detail, at).await
}

/// A notice as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of notices")]
pub struct NoticeRow {
    pub id: String,
    pub work_id: Option<String>,
    pub kind: String,
    pub detail: String,
    pub show_at: i64,
    pub read_at: Option<i64>,
}

fn mine(head: &'static str, user_id: &str, unread: Option<bool>, now_ms: i64) -> Select {
    let select = Select::new(head).and("user_id = ? AND show_at <= ?", [user_id.into(), now_ms.into()]);
    match unread {
        Some(true) => select.and("read_at IS NULL", []),
        Some(false) => select.and("read_at IS NOT NULL", []),
        None => select,
    }
}

/// A page of a person's notices, newest first.
pub async fn list(
    conn: &mut Conn<'_>,
    user_id: &str,
    unread: Option<bool>,
    page: &Page,
    now_ms: i64,
) -> Result<Vec<NoticeRow>, StoreError> {
    let select = mine("SELECT id, work_id, kind, detail, show_at, read_at FROM notices", user_id, unread, now_ms);
    let select = match (page.after_number(), page.after()) {
        (Some(show_at), Some((_, id))) => {
            select.and("show_at < ? OR (show_at = ? AND id < ?)", [show_at.into(), show_at.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY show_at DESC, id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, user_id: &str, unread: Option<bool>, now_ms: i64) -> Result<i64, StoreError> {
    mine("SELECT COUNT(*) FROM (SELECT 1 FROM notices", user_id, unread, now_ms)
        .tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()])
        .fetch_number(conn)
        .await
}

/// Marks a person's own notice as read; `false` where it is not there. Again is harmless.
pub async fn read(tx: &mut Tx<'_>, user_id: &str, id: &str, at: i64) -> Result<bool, StoreError> {
    let own = fetch_optional!(
        tx,
        (Option<i64>,),
        "SELECT read_at FROM notices WHERE id = $1 AND user_id = $2 AND show_at <= $3",
        id,
        user_id,
        at
    )?;
    let Some((read_at,)) = own else { return Ok(false) };
    if read_at.is_none() {
        execute!(tx, "UPDATE notices SET read_at = $2 WHERE id = $1", id, at)?;
        deliveries::prove(tx, id, at).await?;
        tx.changed(at, Change::upsert(Entity::Notice, id, "/").for_user(user_id)).await?;
    }
    Ok(true)
}

/// What a person was told of a piece of work and has not read.
pub async fn unread_of_work(conn: &mut Conn<'_>, user_id: &str, work_id: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT id FROM notices WHERE work_id = $1 AND user_id = $2 AND show_at <= $3 AND read_at IS NULL ORDER BY id LIMIT 200",
        work_id,
        user_id,
        now_ms,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Who was told that a piece of work began, and whether each is known to have got it: they read it, or their browser received it.
pub(super) async fn heard(conn: &mut Conn<'_>, work_id: &str) -> Result<Vec<(String, bool)>, StoreError> {
    fetch_all!(
        conn,
        (String, bool),
        "SELECT n.user_id, n.read_at IS NOT NULL OR EXISTS (SELECT 1 FROM deliveries d WHERE d.notice_id = n.id AND d.proven_at IS NOT NULL) \
         FROM notices n WHERE n.work_id = $1 AND n.kind IN ('alert_raised', 'alert_unproven') ORDER BY n.id LIMIT 1000",
        work_id,
    )
}

/// Who decides about a premises, by authority, the nearest first.
pub(super) async fn deciders(conn: &mut Conn<'_>, premises_path: &str, now_ms: i64) -> Result<Vec<Vec<String>>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String, String),
        "SELECT DISTINCT g.node_path, g.user_id FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'alerts.decide' \
         JOIN users u ON u.id = g.user_id WHERE $1 LIKE g.node_path || '%' AND u.disabled_at IS NULL \
           AND (g.valid_until IS NULL OR g.valid_until > $2) ORDER BY g.node_path DESC, g.user_id LIMIT 1000",
        premises_path,
        now_ms,
    )?;
    let mut levels: Vec<(String, Vec<String>)> = Vec::new();
    for (node, user) in rows {
        match levels.last_mut().filter(|level| level.0 == node) {
            Some(level) if level.1.len() < SIDE_LIMIT => level.1.push(user),
            Some(_) => {}
            None => levels.push((node, vec![user])),
        }
    }
    Ok(levels.into_iter().map(|level| level.1).collect())
}
