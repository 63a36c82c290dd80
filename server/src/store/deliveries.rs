//! Notices on their way out: planned with the notice, sent by `jobs/send.rs`, proven by whoever reads them.
//!
//! A delivery is written in the transaction of its notice, once for each way and address. What goes together gets one message id; a
//! message keeps its id at every try, so that a receiver who has it knows it again.

use serde_json::Value;
use uuid::Uuid;

use super::jobs::shortened;
use super::notice_ways::{self, WaysRow};
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, notice_channels};
use crate::auth::Scope;
use crate::domain::telling::{Channel, Topic};

/// Messages that are put together in one round.
const GATHERED_LIMIT: i64 = 100;
/// Deliveries of one message that are read back: a digest of a night.
const ROWS_LIMIT: i64 = 2_000;

/// Writes what goes out of notices that were just written: id and person of each.
pub(super) async fn plan(tx: &mut Tx<'_>, told: &[(String, String)], kind: &str, detail: &Value, at: i64) -> Result<(), StoreError> {
    let users: Vec<String> = told.iter().map(|one| one.1.clone()).collect();
    if users.is_empty() {
        return Ok(());
    }
    let ways = notice_ways::of(tx, &users).await?;
    if ways.is_empty() {
        return Ok(());
    }
    let (topic, set_up) = (Topic::of(kind, detail), notice_channels::names(tx).await?);
    let subscribed = notice_ways::subscribed(tx, &users).await?;
    let none = Vec::new();
    let mut rows: Vec<Vec<Arg>> = Vec::new();
    for (notice, user) in told {
        let Some(own) = ways.iter().find(|row| row.user_id == *user) else { continue };
        let chosen = own.chosen()?;
        for channel in [Channel::Mail, Channel::Push, Channel::Sms] {
            let Some(going) = chosen.going(channel, topic, at).filter(|_| set_up.iter().any(|name| name == channel.as_str())) else {
                continue;
            };
            for address in addresses(own, channel, subscribed.get(user).unwrap_or(&none)) {
                let id = Uuid::now_v7().to_string();
                let message: Option<String> = (!going.gathered).then(|| id.clone());
                rows.push(vec![
                    id.into(),
                    notice.as_str().into(),
                    user.as_str().into(),
                    channel.as_str().into(),
                    address.into(),
                    going.gathered.into(),
                    message.into(),
                    "waiting".into(),
                    0_i64.into(),
                    going.at_ms.into(),
                    at.into(),
                ]);
            }
        }
    }
    let head =
        "INSERT INTO deliveries (id, notice_id, user_id, channel, address, gathered, message_id, state, attempts, next_at, created_at)";
    with_rows(tx, head, &rows, " ON CONFLICT (notice_id, channel, address) DO NOTHING").await
}

fn addresses(own: &WaysRow, channel: Channel, subscribed: &[String]) -> Vec<String> {
    match channel {
        Channel::Mail => own.mail.iter().cloned().collect(),
        Channel::Sms => own.phone.iter().filter(|phone| !phone.trim().is_empty()).cloned().collect(),
        Channel::Push => subscribed.to_vec(),
    }
}

/// A notice was read, or received: what waits need not go any more, and what went is proven.
pub async fn prove(tx: &mut Tx<'_>, notice_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE deliveries SET proven_at = $2, state = CASE WHEN state = 'waiting' THEN 'needless' ELSE state END WHERE notice_id = $1 AND proven_at IS NULL",
        notice_id,
        at,
    )?;
    Ok(())
}

/// A browser says that it has a message: what of it went there is proven. `false` where there is nothing such.
pub async fn received(tx: &mut Tx<'_>, message_id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE deliveries SET proven_at = COALESCE(proven_at, $2) WHERE message_id = $1 AND channel = 'push'",
        message_id,
        at
    )?;
    Ok(done > 0)
}

/// When the next message is to go out.
pub async fn next_at(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(conn, (i64,), "SELECT next_at FROM deliveries WHERE state = 'waiting' ORDER BY next_at LIMIT 1")?;
    Ok(row.map(|row| row.0))
}

/// Puts together what waits to go with others and is due: one message a person, way and address.
pub async fn gather(tx: &mut Tx<'_>, now_ms: i64) -> Result<(), StoreError> {
    let due = fetch_all!(
        tx,
        (String, String, String),
        "SELECT DISTINCT user_id, channel, address FROM deliveries WHERE state = 'waiting' AND message_id IS NULL AND next_at <= $1 ORDER BY user_id, channel, address LIMIT $2",
        now_ms,
        GATHERED_LIMIT,
    )?;
    for (user, channel, address) in due {
        execute!(
            tx,
            "UPDATE deliveries SET message_id = $5 WHERE state = 'waiting' AND message_id IS NULL AND next_at <= $4 AND user_id = $1 AND channel = $2 AND address = $3",
            user,
            channel,
            address,
            now_ms,
            Uuid::now_v7().to_string(),
        )?;
    }
    Ok(())
}

/// A delivery that is tried now, with its notice.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of deliveries, notices and notice_ways")]
pub struct Sending {
    pub message_id: String,
    pub user_id: String,
    pub channel: String,
    pub address: String,
    /// Tries, this one counted.
    pub attempts: i64,
    pub notice_id: String,
    pub kind: String,
    pub work_id: Option<String>,
    pub detail: String,
    pub told_at: i64,
    pub preferences: String,
    /// Their account has ended.
    pub is_disabled: bool,
}

/// Takes up to `limit` messages that are due; nobody else tries them before `now_ms + lease_ms`. Rows of a message stand together.
pub async fn claim(tx: &mut Tx<'_>, now_ms: i64, lease_ms: i64, limit: i64) -> Result<Vec<Sending>, StoreError> {
    let claimed = fetch_all!(
        tx,
        (String,),
        "UPDATE deliveries SET next_at = $2, attempts = attempts + 1 WHERE message_id IN ( \
           SELECT message_id FROM deliveries WHERE state = 'waiting' AND message_id IS NOT NULL AND next_at <= $1 GROUP BY message_id ORDER BY MIN(next_at), message_id LIMIT $3) \
         AND state = 'waiting' AND next_at <= $1 RETURNING message_id",
        now_ms,
        now_ms + lease_ms,
        limit,
    )?;
    let mut ids: Vec<String> = claimed.into_iter().map(|row| row.0).collect();
    ids.sort();
    ids.dedup();
    let head = "SELECT d.message_id, d.user_id, d.channel, d.address, d.attempts, d.notice_id, n.kind, n.work_id, n.detail, n.show_at AS told_at, w.preferences, u.disabled_at IS NOT NULL AS is_disabled \
        FROM deliveries d JOIN notices n ON n.id = d.notice_id JOIN notice_ways w ON w.user_id = d.user_id JOIN users u ON u.id = d.user_id";
    Select::new(head)
        .and_any("d.message_id = ?", ids.iter().map(|id| id.as_str().into()))
        .and("d.state = 'waiting'", [])
        .tail("ORDER BY d.message_id, d.id LIMIT ?", [ROWS_LIMIT.into()])
        .fetch_all(tx)
        .await
}

/// The mail server, the gateway or the push service has taken a message.
pub async fn sent(tx: &mut Tx<'_>, message_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE deliveries SET state = 'sent', sent_at = $2, last_error = NULL WHERE message_id = $1 AND state IN ('waiting', 'needless')",
        message_id,
        at,
    )?;
    Ok(())
}

/// It has not; `next_at` is when to try again, `None` where it is given up.
pub async fn not_sent(tx: &mut Tx<'_>, message_id: &str, error: &str, next_at: Option<i64>, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE deliveries SET last_error = $2, next_at = COALESCE($3, next_at), state = CASE WHEN $4 THEN 'failed' ELSE state END, failed_at = $5 \
         WHERE message_id = $1 AND state = 'waiting'",
        message_id,
        shortened(error),
        next_at,
        next_at.is_none(),
        if next_at.is_none() { Some(at) } else { None },
    )?;
    Ok(())
}

/// A delivery with how it went.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of deliveries and what they point to")]
pub struct DeliveryRow {
    pub id: String,
    pub user_id: String,
    pub display_name: String,
    pub channel: String,
    pub kind: String,
    pub state: String,
    pub attempts: i64,
    pub next_at: i64,
    pub sent_at: Option<i64>,
    pub failed_at: Option<i64>,
    pub proven_at: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: i64,
}

/// How a list is narrowed.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// `waiting`, `sent`, `failed`, `needless`.
    pub state: Option<String>,
    /// `mail`, `push`, `sms`.
    pub channel: Option<String>,
}

const LISTED: &str = "SELECT d.id, d.user_id, u.display_name, d.channel, n.kind, d.state, d.attempts, d.next_at, d.sent_at, d.failed_at, d.proven_at, d.last_error, d.created_at \
    FROM deliveries d JOIN users u ON u.id = d.user_id JOIN notices n ON n.id = d.notice_id";

fn narrowed(select: Select, scope: &Scope, filter: &DeliveryFilter) -> Select {
    scope
        .restrict(select, "EXISTS (SELECT 1 FROM grants g WHERE g.user_id = d.user_id AND g.node_path LIKE ?)")
        .and_if("d.state = ?", filter.state.as_deref())
        .and_if("d.channel = ?", filter.channel.as_deref())
}

/// A page of deliveries to people of the scope, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &DeliveryFilter, page: &Page) -> Result<Vec<DeliveryRow>, StoreError> {
    narrowed(Select::new(LISTED), scope, filter)
        .and_if("d.id < ?", page.after().map(|after| after.1))
        .tail("ORDER BY d.id DESC LIMIT ?", [page.fetch().into()])
        .fetch_all(conn)
        .await
}

/// How many there are, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &DeliveryFilter) -> Result<i64, StoreError> {
    narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d"), scope, filter)
        .tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()])
        .fetch_number(conn)
        .await
}

/// One of them.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
    narrowed(Select::new(LISTED), scope, &DeliveryFilter::default()).and("d.id = ?", [id.into()]).fetch_optional(conn).await
}

/// Tries what was given up again, with all of its message; `false` where it was not given up.
pub async fn retry(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE deliveries SET state = 'waiting', attempts = 0, next_at = $2, failed_at = NULL WHERE state = 'failed' \
         AND message_id = (SELECT message_id FROM deliveries WHERE id = $1)",
        id,
        at,
    )?;
    Ok(done > 0)
}

/// How many deliveries of a way stand how.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of deliveries, named as what they count")]
pub struct Standing {
    pub channel: String,
    pub waiting: i64,
    pub sent: i64,
    pub proven: i64,
    pub failed: i64,
    pub needless: i64,
}

/// How those that were made since a moment stand, by way.
pub async fn standing(conn: &mut Conn<'_>, scope: &Scope, since_ms: i64) -> Result<Vec<Standing>, StoreError> {
    let head = "SELECT d.channel, CAST(SUM(CASE WHEN d.state = 'waiting' THEN 1 ELSE 0 END) AS BIGINT) AS waiting, \
        CAST(SUM(CASE WHEN d.state = 'sent' THEN 1 ELSE 0 END) AS BIGINT) AS sent, \
        CAST(SUM(CASE WHEN d.state = 'sent' AND d.proven_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS proven, \
        CAST(SUM(CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed, \
        CAST(SUM(CASE WHEN d.state = 'needless' THEN 1 ELSE 0 END) AS BIGINT) AS needless FROM deliveries d";
    narrowed(Select::new(head), scope, &DeliveryFilter::default())
        .and("d.created_at >= ?", [since_ms.into()])
        .tail("GROUP BY d.channel ORDER BY d.channel LIMIT 10", [])
        .fetch_all(conn)
        .await
}

/// Forgets what ended before `before_ms`.
pub async fn sweep(tx: &mut Tx<'_>, before_ms: i64) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM deliveries WHERE state <> 'waiting' AND created_at < $1", before_ms)
}
