//! What moves an alert: raised and ended by the stream, acted on by people, told to people.
//!
//! Each act is one transaction: the state, its clocks, history, audit, change log, the notices it causes and the events
//! that go out to webhooks.

use serde_json::json;
use uuid::Uuid;

use super::alerts::{self, AlertRow};
use super::journal::{Change, Entity};
use super::sql::execute;
use super::work::{self, Beginning, By, Stepped, WorkError};
use super::{StoreError, Tx, jobs, notices, webhooks};
use crate::auth::Scope;
use crate::domain::alert::class;
use crate::domain::workflow::{Act, Decision, Table, alert as table};

/// The rule that acts when a device kind's picture is back, with its version.
pub const PICTURE_BACK: &str = "picture_back@1";
/// The rule that raises what the diagnosis sees.
pub const DIAGNOSIS: &str = "diagnosis@1";

/// What was seen.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Id for the alert, where it is a new one.
    pub id: String,
    /// As in [`crate::domain::alert::KINDS`].
    pub kind: String,
    /// 0 for the camera itself; 1, 2, 3
    pub class: i64,
    /// Whose stream.
    pub camera_id: String,
    /// Where.
    pub premises_id: String,
    /// When it began, ms UTC.
    pub began_at: i64,
    /// When it was decided, ms UTC.
    pub at: i64,
    /// What was measured.
    pub measure: f64,
    /// The rule's threshold.
    pub threshold: f64,
    /// The rule as it stood, JSON.
    pub rule: String,
    /// Sightings this close to the last one join it, ms.
    pub repeat_interval_ms: i64,
    /// A picture of it.
    pub still_file_id: Option<String>,
    /// The stretch of the clip, ms UTC; `None` where nothing records.
    pub clip: Option<(i64, i64)>,
    /// Keeps that stretch from retention until the clip is cut.
    pub hold: Option<Uuid>,
}

/// What became of a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A new alert.
    Raised(String),
    /// One more occurrence of this alert.
    Joined(String),
}

/// Raises an alert, or joins the one it belongs to.
pub async fn sighted(tx: &mut Tx<'_>, seen: &Sighting) -> Result<Seen, StoreError> {
    if let Some(id) = alerts::to_join(tx, &seen.camera_id, &seen.kind, seen.at - seen.repeat_interval_ms).await? {
        alerts::seen_again(tx, &id, seen.measure, seen.at).await?;
        changed(tx, &id, seen.at).await?;
        return Ok(Seen::Joined(id));
    }
    work::begin(
        tx,
        &Beginning { table: &table::TABLE, id: &seen.id, premises_id: &seen.premises_id, by: By::System(DIAGNOSIS), action: "raise" },
        seen.at,
    )
    .await?;
    execute!(
        tx,
        "INSERT INTO alerts (id, kind, class, camera_id, began_at, raised_at, last_seen_at, count, measure, threshold, rule, still_file_id, clip_state, clip_start, clip_end) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, $8, $9, $10, $11, $12, $13)",
        seen.id.as_str(),
        seen.kind.as_str(),
        seen.class,
        seen.camera_id.as_str(),
        seen.began_at,
        seen.at,
        seen.measure,
        seen.threshold,
        seen.rule.as_str(),
        seen.still_file_id.as_deref(),
        if seen.clip.is_some() { "pending" } else { "none" },
        seen.clip.map(|clip| clip.0),
        seen.clip.map(|clip| clip.1),
    )?;
    alerts::insert_occurrence(tx, &seen.id, seen.measure, seen.at).await?;
    if let Some((_, end_ms)) = seen.clip {
        jobs::enqueue(tx, "clip", &seen.id, &json!({"hold": seen.hold}), end_ms.max(seen.at), seen.at).await?;
    }
    let tell_at = seen.at + class(seen.class).tell_after_ms;
    jobs::enqueue(tx, "tell", &seen.id, &json!({}), tell_at, seen.at).await?;
    publish(tx, &seen.id, "alert.raised", seen.at).await?;
    Ok(Seen::Raised(seen.id.clone()))
}

/// What was seen is over. What nobody touched is cleared; what the premises was to put right is answered by the program.
pub async fn over(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), WorkError> {
    alerts::ended(tx, id, at).await?;
    let Some(row) = alerts::get(tx, &Scope::system(), id).await? else { return Err(WorkError::NotFound) };
    for action in ["clear", "rectify"] {
        if row.class != 0 {
            break;
        }
        let act = Act { action: action.to_owned(), text: Some("the picture is back".to_owned()), ..Act::default() };
        match perform(tx, &Scope::system(), id, None, By::System(PICTURE_BACK), &act, &[], at).await {
            Ok(_) => return Ok(()),
            // Not in this state, or somebody has acted: it only ends.
            Err(WorkError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    changed(tx, id, at).await?;
    Ok(())
}

/// Makes one transition with all that belongs to it.
#[expect(clippy::too_many_arguments, reason = "who, what, on which version, with what, when")]
pub async fn perform(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: Option<i64>,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    at: i64,
) -> Result<Stepped, WorkError> {
    let stepped = work::step(tx, scope, id, version, by, act, evidence, at).await?;
    let row = read(tx, id).await?;
    let by_user = by.user_id();
    let told = notices::after(stepped.way.action, act.decision);
    if let Some((kind, sides)) = told {
        let detail = detail_of(&row, act);
        notices::tell(tx, &row.id, &row.premises_path, kind, sides, by_user.as_deref(), &detail, at).await?;
    }
    webhooks::publish(tx, event_name(stepped.way.action, act.decision), &row, at).await?;
    Ok(stepped)
}

/// Tells premises and bureau of an alert that lasts, and starts the time to answer. Once.
pub async fn tell(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let Some(work) = work::get(tx, &Scope::system(), id).await? else { return Ok(false) };
    let row = read(tx, id).await?;
    // A device that came back by itself in the meantime is nobody's business.
    if !work.open || (row.class == 0 && row.ended_at.is_some()) {
        return Ok(false);
    }
    if !work::start_clock(tx, &work, table::ANSWER, class(row.class).answer, at).await? {
        return Ok(false);
    }
    let detail = detail_of(&read(tx, id).await?, &Act::default());
    notices::tell(tx, id, &row.premises_path, "alert_raised", notices::EVERYBODY, None, &detail, at).await?;
    changed(tx, id, at).await?;
    Ok(true)
}

/// What a notice's texts are filled from.
pub fn detail_of(row: &AlertRow, act: &Act) -> serde_json::Value {
    json!({
        "alert_id": row.id, "kind": row.kind, "class": row.class, "state": row.state, "level": row.level, "camera_name": row.camera_name,
        "premises_id": row.premises_id, "premises_name": row.premises_name, "due_at": row.due_at.map(mobile_api::Moment),
        "reason": act.reason, "text": act.text,
    })
}

async fn read(tx: &mut Tx<'_>, id: &str) -> Result<AlertRow, StoreError> {
    alerts::get(tx, &Scope::system(), id).await?.ok_or_else(|| StoreError::damaged(format!("alert {id} is not whole")))
}

async fn publish(tx: &mut Tx<'_>, id: &str, event: &str, at: i64) -> Result<(), StoreError> {
    let row = read(tx, id).await?;
    webhooks::publish(tx, event, &row, at).await
}

/// Says that an alert changed without a transition.
pub async fn changed(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    let row = read(tx, id).await?;
    tx.changed(at, Change::upsert(Entity::Alert, id, &row.premises_path).at(&row.premises_id)).await
}

/// The table of alerts.
pub fn machine() -> &'static Table {
    &table::TABLE
}

/// What goes out to webhooks after an action.
pub fn event_name(action: &str, decision: Option<Decision>) -> &'static str {
    match (action, decision) {
        ("confirm", _) => "alert.confirmed",
        ("dismiss", _) => "alert.dismissed",
        ("reopen", _) => "alert.reopened",
        ("dispatch", _) => "alert.dispatched",
        ("rectify", _) => "alert.rectified",
        ("review", Some(Decision::SendBack)) => "alert.sent_back",
        ("review", _) => "alert.closed",
        ("clear", _) => "alert.cleared",
        ("request_inspection", _) => "alert.inspection_requested",
        ("open_case", _) => "alert.case_opened",
        _ => "alert.changed",
    }
}

/// Every event that webhooks may hear of.
pub const EVENTS: &[&str] = &[
    "alert.raised",
    "alert.confirmed",
    "alert.dismissed",
    "alert.reopened",
    "alert.dispatched",
    "alert.rectified",
    "alert.sent_back",
    "alert.closed",
    "alert.cleared",
    "alert.inspection_requested",
    "alert.case_opened",
];
