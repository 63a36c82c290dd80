//! How each person is told outside the console: what they chose, their proven address, the browsers that wake for them.

use std::collections::HashMap;

use super::sql::{Select, execute, fetch_optional};
use super::{Conn, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::telling::{Channel, Preferences, Topic};

/// Browsers that wake for one person.
pub const SUBSCRIPTIONS_MAX: i64 = 10;
/// People whose reach one answer tells.
const PEOPLE_LIMIT: i64 = 200;

/// What a person chose, as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of notice_ways, and the person's telephone")]
pub struct WaysRow {
    pub user_id: String,
    pub preferences: String,
    pub mail: Option<String>,
    pub pending_mail: Option<String>,
    pub code_hash: Option<String>,
    pub code_sent_at: Option<i64>,
    pub code_tries: i64,
    pub version: i64,
    pub phone: Option<String>,
}

impl WaysRow {
    /// As chosen.
    pub fn chosen(&self) -> Result<Preferences, StoreError> {
        serde_json::from_str(&self.preferences).map_err(StoreError::damaged)
    }
}

const HEAD: &str = "SELECT w.user_id, w.preferences, w.mail, w.pending_mail, w.code_hash, w.code_sent_at, w.code_tries, w.version, u.phone \
    FROM notice_ways w JOIN users u ON u.id = w.user_id";

/// Of one person; `None` where they chose nothing yet.
pub async fn get(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<WaysRow>, StoreError> {
    Select::new(HEAD).and("w.user_id = ?", [user_id.into()]).fetch_optional(conn).await
}

/// Of those of `users` who chose anything and are not disabled.
pub async fn of(conn: &mut Conn<'_>, users: &[String]) -> Result<Vec<WaysRow>, StoreError> {
    let people = users.iter().map(|user| user.as_str().into());
    Select::new(HEAD).and_any("w.user_id = ?", people).and("u.disabled_at IS NULL", []).fetch_all(conn).await
}

/// A person's telephone, as the bureau keeps it.
pub async fn phone(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(conn, (Option<String>,), "SELECT phone FROM users WHERE id = $1", user_id)?;
    Ok(row.and_then(|row| row.0))
}

async fn ensure(tx: &mut Tx<'_>, user_id: &str, at: i64) -> Result<(), StoreError> {
    let preferences = serde_json::to_string(&Preferences::default()).map_err(StoreError::damaged)?;
    execute!(
        tx,
        "INSERT INTO notice_ways (user_id, preferences, code_tries, version, updated_at) VALUES ($1, $2, 0, 0, $3) ON CONFLICT (user_id) DO NOTHING",
        user_id,
        preferences,
        at,
    )?;
    Ok(())
}

/// Keeps what a person chose; `false` where `version` is stale (0 before anything was chosen).
pub async fn choose(tx: &mut Tx<'_>, user_id: &str, version: i64, chosen: &Preferences, at: i64) -> Result<bool, StoreError> {
    ensure(tx, user_id, at).await?;
    let preferences = serde_json::to_string(chosen).map_err(StoreError::damaged)?;
    let done = execute!(
        tx,
        "UPDATE notice_ways SET preferences = $3, version = version + 1, updated_at = $4 WHERE user_id = $1 AND version = $2",
        user_id,
        version,
        preferences,
        at,
    )?;
    Ok(done == 1)
}

/// Remembers that a code went to an address.
pub async fn begin_mail(tx: &mut Tx<'_>, user_id: &str, address: &str, code_hash: &str, at: i64) -> Result<(), StoreError> {
    ensure(tx, user_id, at).await?;
    execute!(
        tx,
        "UPDATE notice_ways SET pending_mail = $2, code_hash = $3, code_sent_at = $4, code_tries = 0, updated_at = $4 WHERE user_id = $1",
        user_id,
        address,
        code_hash,
        at,
    )?;
    Ok(())
}

/// Counts a wrong code.
pub async fn wrong_code(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE notice_ways SET code_tries = code_tries + 1 WHERE user_id = $1", user_id)?;
    Ok(())
}

/// The code was right: the address is theirs.
pub async fn prove_mail(tx: &mut Tx<'_>, user_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE notice_ways SET mail = pending_mail, pending_mail = NULL, code_hash = NULL, code_sent_at = NULL, updated_at = $2 WHERE user_id = $1",
        user_id,
        at,
    )?;
    Ok(())
}

/// Takes the address away, with one that waits for its code.
pub async fn remove_mail(tx: &mut Tx<'_>, user_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE notice_ways SET mail = NULL, pending_mail = NULL, code_hash = NULL, code_sent_at = NULL, updated_at = $2 WHERE user_id = $1",
        user_id,
        at,
    )?;
    Ok(())
}

/// A browser that wakes for somebody.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of push_subscriptions and the login that asked")]
pub struct SubscriptionRow {
    pub id: String,
    pub user_id: String,
    pub session_id: String,
    pub endpoint: String,
    pub p256dh: String,
    pub auth_sealed: String,
    pub created_at: i64,
    /// User-Agent of the login.
    pub agent: Option<String>,
    /// `console` or `phone`.
    pub client: String,
}

// Who has signed out is woken no more: the next at that machine is somebody else.
const SUBSCRIPTIONS: &str = "SELECT p.id, p.user_id, p.session_id, p.endpoint, p.p256dh, p.auth_sealed, p.created_at, s.agent, s.client \
    FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id AND s.ended_at IS NULL";

/// A person's browsers.
pub async fn subscriptions(conn: &mut Conn<'_>, user_id: &str) -> Result<Vec<SubscriptionRow>, StoreError> {
    Select::new(SUBSCRIPTIONS)
        .and("p.user_id = ?", [user_id.into()])
        .tail("ORDER BY p.id LIMIT ?", [SUBSCRIPTIONS_MAX.into()])
        .fetch_all(conn)
        .await
}

/// One of them; `None` where it is gone, or its login has ended.
pub async fn subscription(conn: &mut Conn<'_>, id: &str) -> Result<Option<SubscriptionRow>, StoreError> {
    Select::new(SUBSCRIPTIONS).and("p.id = ?", [id.into()]).fetch_optional(conn).await
}

/// Keeps a browser for whoever is signed in there; what it was to wake for before is forgotten. The oldest goes where there are too many.
pub async fn subscribe(tx: &mut Tx<'_>, row: &SubscriptionRow) -> Result<(), StoreError> {
    ensure(tx, &row.user_id, row.created_at).await?;
    execute!(tx, "DELETE FROM push_subscriptions WHERE endpoint = $1", row.endpoint.as_str())?;
    execute!(
        tx,
        "INSERT INTO push_subscriptions (id, user_id, session_id, endpoint, p256dh, auth_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        row.id.as_str(),
        row.user_id.as_str(),
        row.session_id.as_str(),
        row.endpoint.as_str(),
        row.p256dh.as_str(),
        row.auth_sealed.as_str(),
        row.created_at,
    )?;
    execute!(
        tx,
        "DELETE FROM push_subscriptions WHERE user_id = $1 AND id NOT IN (SELECT id FROM push_subscriptions WHERE user_id = $1 ORDER BY id DESC LIMIT $2)",
        row.user_id.as_str(),
        SUBSCRIPTIONS_MAX,
    )?;
    Ok(())
}

/// Forgets a browser; whether it was there.
pub async fn unsubscribe(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<bool, StoreError> {
    Ok(execute!(tx, "DELETE FROM push_subscriptions WHERE user_id = $1 AND id = $2", user_id, id)? == 1)
}

/// Forgets browsers whose login has ended.
pub async fn sweep(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM push_subscriptions WHERE session_id IN (SELECT id FROM sessions WHERE ended_at IS NOT NULL)")
}

/// Browsers of several people: the person and the id.
pub(super) async fn subscribed(conn: &mut Conn<'_>, users: &[String]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let head = "SELECT p.user_id, p.id FROM push_subscriptions p JOIN sessions s ON s.id = p.session_id AND s.ended_at IS NULL";
    let people = users.iter().map(|user| user.as_str().into());
    let rows: Vec<(String, String)> = Select::new(head).and_any("p.user_id = ?", people).tail("ORDER BY p.id", []).fetch_all(conn).await?;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (user, id) in rows {
        found.entry(user).or_default().push(id);
    }
    Ok(found)
}

/// Somebody who decides, and whether a way that wakes a phone reaches them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Who.
    pub user_id: String,
    /// As people read it.
    pub display_name: String,
    /// A push or a text message about class 1 comes to them.
    pub is_woken: bool,
}

/// Those on duty from now until `until_ms` below the scope, or, where the roster is empty, those who decide: who of them is woken.
pub async fn reach(conn: &mut Conn<'_>, scope: &Scope, now_ms: i64, until_ms: i64) -> Result<(bool, Vec<Reach>), StoreError> {
    let roster =
        "SELECT DISTINCT u.id, u.display_name FROM duty_shifts d JOIN organizations o ON o.id = d.node_id JOIN users u ON u.id = d.user_id";
    let on_duty: Vec<(String, String)> = scope
        .restrict(Select::new(roster), "o.path LIKE ?")
        .and("d.end_at > ? AND d.start_at < ? AND u.disabled_at IS NULL", [now_ms.into(), until_ms.into()])
        .tail("ORDER BY u.id LIMIT ?", [PEOPLE_LIMIT.into()])
        .fetch_all(conn)
        .await?;
    let by_roster = !on_duty.is_empty();
    let people = if by_roster { on_duty } else { deciders(conn, scope, now_ms).await? };
    let ids: Vec<String> = people.iter().map(|person| person.0.clone()).collect();
    let ways: HashMap<String, WaysRow> = of(conn, &ids).await?.into_iter().map(|row| (row.user_id.clone(), row)).collect();
    let subscribed = subscribed(conn, &ids).await?;
    let sms = super::notice_channels::names(conn).await?.iter().any(|name| name == Channel::Sms.as_str());
    let mut reached = Vec::with_capacity(people.len());
    for (user_id, display_name) in people {
        let is_woken = match ways.get(&user_id) {
            Some(row) => {
                let chosen = row.chosen()?;
                let wants = |channel| chosen.topics(channel).contains(&Topic::ClassOne);
                (wants(Channel::Push) && subscribed.contains_key(&user_id)) || (sms && wants(Channel::Sms) && row.phone.is_some())
            }
            None => false,
        };
        reached.push(Reach { user_id, display_name, is_woken });
    }
    Ok((by_roster, reached))
}

async fn deciders(conn: &mut Conn<'_>, scope: &Scope, now_ms: i64) -> Result<Vec<(String, String)>, StoreError> {
    let head = "SELECT DISTINCT u.id, u.display_name FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'alerts.decide' JOIN users u ON u.id = g.user_id";
    scope
        .restrict(Select::new(head), "g.node_path LIKE ?")
        .and("u.disabled_at IS NULL AND (g.valid_until IS NULL OR g.valid_until > ?)", [now_ms.into()])
        .tail("ORDER BY u.id LIMIT ?", [PEOPLE_LIMIT.into()])
        .fetch_all(conn)
        .await
}
