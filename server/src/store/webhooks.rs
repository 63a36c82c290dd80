//! Webhooks, and the outbox of what they are to hear.
//!
//! An event is written for each webhook in the transaction of what happened. Its id never changes between tries, so a
//! receiver that has seen it knows it again.

use mobile_api::Moment;
use mobile_api::judge::Judgement;
use serde_json::{Value, json};
use uuid::Uuid;

use super::alerts::AlertRow;
use super::incidents::IncidentRow;
use super::inspections::InspectionRow;
use super::jobs::shortened;
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Webhooks that one installation may have: each event is written once for each.
pub const WEBHOOKS_MAX: i64 = 100;

/// A webhook as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of webhooks")]
pub struct WebhookRow {
    pub id: String,
    pub url: String,
    pub secret_sealed: String,
    /// JSON list; empty for all kinds.
    pub kinds: String,
    pub enabled: bool,
    /// Node of the tree below which it hears of things.
    pub path: String,
    /// `events`, or the kind of a robot.
    pub format: String,
    /// JSON list of classes of alerts; empty for all.
    pub classes: String,
    /// Name of the node.
    pub organization_name: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

const HEAD: &str = "SELECT h.id, h.url, h.secret_sealed, h.kinds, h.enabled, h.path, h.format, h.classes, o.name AS organization_name, h.version, h.created_at, h.updated_at \
    FROM webhooks h LEFT JOIN organizations o ON o.path = h.path";

/// A page of webhooks, oldest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, page: &Page) -> Result<Vec<WebhookRow>, StoreError> {
    let select = scope.restrict(Select::new(HEAD), "h.path LIKE ?").and_if("h.id > ?", page.after().map(|after| after.1));
    select.tail("ORDER BY h.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope) -> Result<i64, StoreError> {
    let select = scope.restrict(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM webhooks"), "path LIKE ?");
    select.tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One webhook.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<WebhookRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("h.id = ?", [id.into()]), "h.path LIKE ?").fetch_optional(conn).await
}

/// Adds one.
pub async fn insert(tx: &mut Tx<'_>, row: &WebhookRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO webhooks (id, url, secret_sealed, kinds, enabled, path, format, classes, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        row.id.as_str(),
        row.url.as_str(),
        row.secret_sealed.as_str(),
        row.kinds.as_str(),
        row.enabled,
        row.path.as_str(),
        row.format.as_str(),
        row.classes.as_str(),
        row.version,
        row.created_at,
        row.updated_at,
    )?;
    Ok(())
}

/// What may change of a webhook.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of webhooks")]
pub struct WebhookData {
    pub url: String,
    pub kinds: String,
    pub classes: String,
    pub enabled: bool,
    /// Kept as it is where absent.
    pub secret_sealed: Option<String>,
}

/// Changes one; `false` where `version` is stale.
pub async fn update(tx: &mut Tx<'_>, id: &str, version: i64, data: &WebhookData, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE webhooks SET url = $3, kinds = $4, enabled = $5, classes = $6, secret_sealed = COALESCE($7, secret_sealed), version = version + 1, updated_at = $8 WHERE id = $1 AND version = $2",
        id,
        version,
        data.url.as_str(),
        data.kinds.as_str(),
        data.enabled,
        data.classes.as_str(),
        data.secret_sealed.as_deref(),
        at,
    )?;
    Ok(done == 1)
}

/// Removes one with all that it was to hear.
pub async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    execute!(tx, "DELETE FROM outbox WHERE webhook_id = $1", id)?;
    Ok(execute!(tx, "DELETE FROM webhooks WHERE id = $1", id)? == 1)
}

/// Something that happened, as webhooks hear of it.
struct Event<'a> {
    /// Such as `alert.raised`.
    name: &'a str,
    /// What webhooks choose by: a kind of alert, or [`INSPECTION`].
    kind: &'a str,
    /// Where it happened: webhooks hear of their part of the tree.
    path: &'a str,
    /// What and which version of it: the same event of the same version is written once.
    subject: (&'a str, i64),
    /// Member of the body, and its value.
    about: (&'static str, Value),
    /// Of an alert, what robots choose by.
    class: Option<i64>,
}

/// What a webhook that is told of events by their names gets.
pub const EVENTS_FORMAT: &str = "events";
/// Events that a chat group hears of: what people are told of it. Reports of food poisoning go to the others as well.
const SAID: [&str; 4] = ["alert.told", "alert.overdue", "alert.unproven", "incident.reported"];
/// Of those, what is written for robots alone.
const SAID_ONLY: [&str; 3] = ["alert.told", "alert.overdue", "alert.unproven"];

/// How many listen at all.
pub(super) const LISTENING: &str = "SELECT COUNT(*) FROM webhooks WHERE enabled";

/// The kind by which webhooks choose inspections.
pub const INSPECTION: &str = "inspection";

/// Writes an event of an alert for every webhook that wants it. The same event of the same version is written once.
pub async fn publish(tx: &mut Tx<'_>, event: &str, row: &AlertRow, at: i64) -> Result<(), StoreError> {
    let about = ("alert", alert(row));
    let event =
        Event { name: event, kind: &row.kind, path: &row.premises_path, subject: (&row.id, row.version), about, class: Some(row.class) };
    write(tx, &[event], at).await
}

/// Lets robots say in their chat groups what people are told of an alert; other kinds of notices are not for groups.
pub async fn say(tx: &mut Tx<'_>, notice: &str, row: &AlertRow, at: i64) -> Result<(), StoreError> {
    match notice {
        "alert_raised" => publish(tx, "alert.told", row, at).await,
        "overdue" => publish(tx, "alert.overdue", row, at).await,
        "alert_unproven" => publish(tx, "alert.unproven", row, at).await,
        _ => Ok(()),
    }
}

/// The same of an inspection: `inspection.submitted`, `inspection.completed`, `inspection.amended`; several at once.
pub async fn publish_inspection(tx: &mut Tx<'_>, events: &[(&'static str, &InspectionRow)], at: i64) -> Result<(), StoreError> {
    let mut all = Vec::with_capacity(events.len());
    for (name, row) in events {
        let about = ("inspection", inspection(row)?);
        all.push(Event { name, kind: INSPECTION, path: &row.premises_path, subject: (&row.id, row.version), about, class: None });
    }
    write(tx, &all, at).await
}

/// The kind by which webhooks choose reports of suspected food poisoning.
pub const INCIDENT: &str = "incident";

/// The same of a report: `incident.reported`, `incident.supplemented`, `incident.closed`. Nobody is named.
pub async fn publish_incident(tx: &mut Tx<'_>, event: &str, row: &IncidentRow, at: i64) -> Result<(), StoreError> {
    let content = row.parsed()?;
    let about = json!({
        "id": row.id, "state": row.state, "level": row.level, "premises_id": row.premises_id, "premises_name": row.premises_name, "organization_name": row.office_name,
        "reported_at": Moment(row.happened_at), "received_at": Moment(row.received_at), "people": row.people, "in_hospital": row.in_hospital,
        "symptoms": content.symptoms, "meal": content.meal, "onset_at": content.onset_at, "stops": content.stops, "sealed": row.goods, "cameras_held": row.cameras,
        "due_at": row.due_at.map(Moment), "version": row.version,
    });
    let about = ("incident", about);
    let event = Event { name: event, kind: INCIDENT, path: &row.premises_path, subject: (&row.id, row.version), about, class: None };
    write(tx, &[event], at).await
}

async fn write(tx: &mut Tx<'_>, events: &[Event<'_>], at: i64) -> Result<(), StoreError> {
    let webhooks: Vec<WebhookRow> =
        Select::new(HEAD).and("h.enabled", []).tail("ORDER BY h.id LIMIT ?", [WEBHOOKS_MAX.into()]).fetch_all(tx).await?;
    let mut rows: Vec<Vec<Arg>> = Vec::new();
    for webhook in &webhooks {
        let kinds: Vec<String> = serde_json::from_str(&webhook.kinds).map_err(StoreError::damaged)?;
        let classes: Vec<i64> = serde_json::from_str(&webhook.classes).map_err(StoreError::damaged)?;
        let by_robot = webhook.format != EVENTS_FORMAT;
        for event in events {
            let is_said = if by_robot { SAID.contains(&event.name) } else { !SAID_ONLY.contains(&event.name) };
            if !is_said || event.class.is_some_and(|class| !classes.is_empty() && !classes.contains(&class)) {
                continue;
            }
            if !event.path.starts_with(&webhook.path) || !(kinds.is_empty() || kinds.iter().any(|kind| kind == event.kind)) {
                continue;
            }
            let id = Uuid::now_v7().to_string();
            let mut body = json!({"id": id, "event": event.name, "at": Moment(at)});
            body[event.about.0] = event.about.1.clone();
            let key = format!("{}:{}:{}", event.name, event.subject.0, event.subject.1);
            rows.push(vec![
                id.into(),
                webhook.id.as_str().into(),
                event.name.into(),
                key.into(),
                body.to_string().into(),
                0_i64.into(),
                at.into(),
                at.into(),
            ]);
        }
    }
    let head = "INSERT INTO outbox (id, webhook_id, event, dedupe_key, body, attempts, next_at, created_at)";
    with_rows(tx, head, &rows, " ON CONFLICT (webhook_id, dedupe_key) DO NOTHING").await
}

fn alert(row: &AlertRow) -> Value {
    json!({
        "id": row.id, "kind": row.kind, "class": row.class, "state": row.state, "level": row.level, "camera_id": row.camera_id, "camera_name": row.camera_name,
        "premises_id": row.premises_id, "premises_name": row.premises_name, "organization_name": row.organization_name, "raised_at": Moment(row.raised_at),
        "ended_at": row.ended_at.map(Moment), "count": row.count, "due_at": row.due_at.map(Moment), "version": row.version,
    })
}

/// Nobody is named: who may know asks for the inspection.
fn inspection(row: &InspectionRow) -> Result<Value, StoreError> {
    let result: Option<Judgement> = row.result.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    Ok(json!({
        "id": row.id, "kind": row.kind, "state": row.state, "assignment_id": row.assignment_id, "premises_id": row.premises_id, "premises_name": row.premises_name,
        "organization_name": row.organization_name, "happened_at": Moment(row.happened_at), "submitted_at": row.submitted_at.map(Moment), "outcome": row.outcome,
        "score": result.as_ref().and_then(|result| result.score), "key_failed": result.as_ref().map(|result| &result.key_failed),
        "general_failed": result.as_ref().map(|result| &result.general_failed), "missing_evidence": row.missing_count, "version": row.version,
    }))
}

/// An event to deliver now.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of outbox and webhooks")]
pub struct Delivery {
    pub id: String,
    pub webhook_id: String,
    pub event: String,
    pub body: String,
    /// Tries, this one counted.
    pub attempts: i64,
    pub url: String,
    pub secret_sealed: String,
    /// Of the webhook.
    pub format: String,
}

/// When the next event is to go out.
pub async fn next_at(conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT x.next_at FROM outbox x JOIN webhooks h ON h.id = x.webhook_id AND h.enabled WHERE x.delivered_at IS NULL AND x.failed_at IS NULL ORDER BY x.next_at LIMIT 1",
    )?;
    Ok(row.map(|row| row.0))
}

/// Takes up to `limit` events that are due; nobody else tries them before `now_ms + lease_ms`.
pub async fn claim(tx: &mut Tx<'_>, now_ms: i64, lease_ms: i64, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let claimed = fetch_all!(
        tx,
        (String,),
        "UPDATE outbox SET next_at = $2, attempts = attempts + 1 WHERE id IN ( \
           SELECT x.id FROM outbox x JOIN webhooks h ON h.id = x.webhook_id AND h.enabled \
           WHERE x.delivered_at IS NULL AND x.failed_at IS NULL AND x.next_at <= $1 ORDER BY x.next_at, x.id LIMIT $3) \
         AND next_at <= $1 RETURNING id",
        now_ms,
        now_ms + lease_ms,
        limit,
    )?;
    let ids = claimed.into_iter().map(|row| row.0.into());
    Select::new("SELECT x.id, x.webhook_id, x.event, x.body, x.attempts, h.url, h.secret_sealed, h.format FROM outbox x JOIN webhooks h ON h.id = x.webhook_id")
        .and_any("x.id = ?", ids)
        .tail("ORDER BY x.id", [])
        .fetch_all(tx)
        .await
}

/// The receiver has it.
pub async fn delivered(tx: &mut Tx<'_>, id: &str, status: i64, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE outbox SET delivered_at = $2, last_status = $3, last_error = NULL WHERE id = $1", id, at, status)?;
    Ok(())
}

/// It has not; `next_at` is when to try again, `None` where it is given up.
pub async fn not_delivered(
    tx: &mut Tx<'_>,
    id: &str,
    status: Option<i64>,
    error: &str,
    next_at: Option<i64>,
    at: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE outbox SET last_status = $2, last_error = $3, next_at = COALESCE($4, next_at), failed_at = $5 WHERE id = $1",
        id,
        status,
        shortened(error),
        next_at,
        if next_at.is_none() { Some(at) } else { None },
    )?;
    Ok(())
}

/// An event of a webhook, with how its delivery went.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of outbox")]
pub struct OutboxRow {
    pub id: String,
    pub event: String,
    pub attempts: i64,
    pub next_at: i64,
    pub delivered_at: Option<i64>,
    pub failed_at: Option<i64>,
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: i64,
}

/// A page of what a webhook was to hear, newest first. Its id comes from [`get`], which is scoped.
pub async fn deliveries(conn: &mut Conn<'_>, webhook_id: &str, page: &Page) -> Result<Vec<OutboxRow>, StoreError> {
    Select::new("SELECT id, event, attempts, next_at, delivered_at, failed_at, last_status, last_error, created_at FROM outbox")
        .and("webhook_id = ?", [webhook_id.into()])
        .and_if("id < ?", page.after().map(|after| after.1))
        .tail("ORDER BY id DESC LIMIT ?", [page.fetch().into()])
        .fetch_all(conn)
        .await
}

/// How many there are, up to the limit of counts.
pub async fn count_deliveries(conn: &mut Conn<'_>, webhook_id: &str) -> Result<i64, StoreError> {
    let select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM outbox").and("webhook_id = ?", [webhook_id.into()]);
    select.tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// Events that wait, and events that were given up: for the system's health.
pub async fn counts(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let row = fetch_optional!(
        conn,
        (i64, i64),
        "SELECT CAST(COALESCE(SUM(CASE WHEN delivered_at IS NULL AND failed_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT), \
                CAST(COALESCE(SUM(CASE WHEN failed_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT) FROM outbox",
    )?;
    Ok(row.unwrap_or_default())
}

/// Forgets what was delivered or given up before `before_ms`.
pub async fn sweep(tx: &mut Tx<'_>, before_ms: i64) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM outbox WHERE delivered_at < $1 OR failed_at < $1", before_ms)
}
