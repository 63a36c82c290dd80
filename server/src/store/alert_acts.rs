//! What moves an alert: raised and ended by the stream, acted on by people, told to people.
//!
//! Each act is one transaction: the state, its clocks, history, audit, change log, the notices it causes and the events
//! that go out to webhooks.

use mobile_api::FieldFault;
use serde_json::json;
use uuid::Uuid;

use super::alerts::{self, AlertRow, Joinable};
use super::journal::{Actor, Change, Entity};
use super::sql::execute;
use super::work::{self, Beginning, By, Stepped, WorkError};
use super::{Conn, StoreError, Tx, alert_figures, duty, jobs, notices, search, settings, webhooks};
use crate::auth::{Access, Scope};
use crate::domain::alert::{class, classes, growth};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::settings::{AUTO_DISPATCH, AutoDispatch};
use crate::domain::workflow::{Act, Context, Decision, Handing, Refusal, alert as table};

/// The rule that acts when a device kind's picture is back, with its version.
pub const PICTURE_BACK: &str = "picture_back@1";
/// The rule that acts when it is gone again within the repeat interval.
pub const RECURRED: &str = "recurred@1";
/// How close sightings join where the rule does not say, ms.
const REPEAT_INTERVAL_MS: i64 = 300_000;
const DAY_MS: i64 = 24 * 3_600_000;
/// Device alerts of a kind at one premises this close together are of one cause, ms: cameras notice a power cut within seconds, and
/// one after the other.
const CAUSE_MS: i64 = 120_000;
/// Somebody who decides has to have got an alert of class 1 by then, or the next are told, ms.
pub const PROOF_MS: i64 = 300_000;
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
    /// A picture of it, in the file store and in `files`; one that joins has it where [`super::alert_stills::takes`] said so.
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
    if let Some(known) = alerts::to_join(tx, &seen.camera_id, &seen.kind, seen.at - seen.repeat_interval_ms).await? {
        alerts::seen_again(tx, &known.id, seen.measure, seen.still_file_id.as_deref(), seen.at).await?;
        came_back(tx, &known, seen.at).await?;
        return Ok(Seen::Joined(known.id));
    }
    raise(tx, seen, By::System(DIAGNOSIS), None).await?;
    Ok(Seen::Raised(seen.id.clone()))
}

/// Raises an alert of what a person found: it joins no other, because somebody has looked at it.
pub async fn found(tx: &mut Tx<'_>, finding: &Sighting, by: By<'_>, text: &str) -> Result<(), StoreError> {
    raise(tx, finding, by, Some(text)).await
}

async fn raise(tx: &mut Tx<'_>, seen: &Sighting, by: By<'_>, text: Option<&str>) -> Result<(), StoreError> {
    let (class, rule) = match by {
        By::System(_) => grown(tx, seen).await?,
        // As chosen.
        By::User(..) => (seen.class, seen.rule.clone()),
    };
    let beginning = Beginning { table: &table::TABLE, id: &seen.id, premises_id: &seen.premises_id, by, action: "raise", text };
    work::begin(tx, &beginning, seen.at).await?;
    execute!(
        tx,
        "INSERT INTO alerts (id, kind, class, camera_id, began_at, raised_at, last_seen_at, count, measure, threshold, rule, still_file_id, clip_state, clip_start, clip_end, number) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, $8, $9, $10, $11, $12, $13, (SELECT COALESCE(MAX(number), 0) + 1 FROM alerts))",
        seen.id.as_str(),
        seen.kind.as_str(),
        class,
        seen.camera_id.as_str(),
        seen.began_at,
        seen.at,
        seen.measure,
        seen.threshold,
        rule,
        seen.still_file_id.as_deref(),
        if seen.clip.is_some() { "pending" } else { "none" },
        seen.clip.map(|clip| clip.0),
        seen.clip.map(|clip| clip.1),
    )?;
    alerts::insert_occurrence(tx, &seen.id, seen.measure, seen.still_file_id.as_deref(), seen.at).await?;
    alert_figures::raised(tx, &seen.id, &seen.kind, &seen.premises_id, seen.at).await?;
    search::index(tx, &seen.id).await?;
    if class == 0 {
        let since_ms = seen.at - CAUSE_MS;
        if let Some(cause) = alerts::of_same_cause(tx, &seen.premises_id, &seen.kind, &seen.camera_id, since_ms).await? {
            alerts::set_cause(tx, &seen.id, &cause).await?;
            changed(tx, &cause, seen.at).await?;
        }
    }
    if let Some((_, end_ms)) = seen.clip {
        jobs::enqueue(tx, "clip", &seen.id, &json!({"hold": seen.hold}), end_ms.max(seen.at), seen.at).await?;
    }
    let tell_at = seen.at + self::class(class).tell_after_ms;
    jobs::enqueue(tx, "tell", &seen.id, &json!({}), tell_at, seen.at).await?;
    publish(tx, &seen.id, "alert.raised", seen.at).await
}

/// The class of a new alert, and its rule with what raised the class: three of a kind in 30 days are more serious.
async fn grown(tx: &mut Tx<'_>, seen: &Sighting) -> Result<(i64, String), StoreError> {
    let Some(growth) = growth(seen.class) else { return Ok((seen.class, seen.rule.clone())) };
    let since_ms = seen.at - growth.days * DAY_MS;
    let before = alerts::count_of_kind(tx, &seen.premises_id, &seen.kind, since_ms, &seen.id).await?;
    if before + 1 < growth.count {
        return Ok((seen.class, seen.rule.clone()));
    }
    let mut rule: serde_json::Value = serde_json::from_str(&seen.rule).unwrap_or_default();
    if let Some(rule) = rule.as_object_mut() {
        let grew = json!({"from_class": seen.class, "count": before + 1, "days": growth.days, "classes_version": classes().version});
        rule.insert("grown".to_owned(), grew);
    }
    Ok((growth.becomes, rule.to_string()))
}

/// What had ended is there again: what was cleared or answered because of it stands again.
async fn came_back(tx: &mut Tx<'_>, known: &Joinable, at: i64) -> Result<(), StoreError> {
    let answered_by_system = async |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
        let history = work::history(tx, &known.id).await?;
        let last = history.last();
        Ok(last.is_some_and(|last| last.rule.as_deref() == Some(PICTURE_BACK) && last.from_state.as_deref() == Some("dispatched")))
    };
    if known.state == "cleared" || (known.state == "rectified" && answered_by_system(tx).await?) {
        let act = Act { action: "recur".to_owned(), text: Some("it is there again".to_owned()), ..Act::default() };
        match perform(tx, &Scope::system(), &known.id, None, By::System(RECURRED), &act, &[], at).await {
            Ok(_) | Err(WorkError::Refused(_) | WorkError::Stale | WorkError::NotFound) => {}
            Err(WorkError::Store(error)) => return Err(error),
        }
    } else if known.ended_at.is_some() && known.state == table::TABLE.first {
        tell_later(tx, &known.id, known.class, known.raised_at, at).await?;
    }
    changed(tx, &known.id, at).await
}

/// Asks for an alert to be told when its class says so, unless it was told already.
async fn tell_later(tx: &mut Tx<'_>, id: &str, class: i64, raised_at: i64, at: i64) -> Result<(), StoreError> {
    if work::has_clock(tx, id, table::ANSWER).await? {
        return Ok(());
    }
    let tell_at = raised_at + self::class(class).tell_after_ms;
    jobs::enqueue(tx, "tell", id, &json!({}), tell_at.max(at), at).await
}

/// What was seen is over. What nobody touched is cleared; what the premises was to put right is answered by the program.
///
/// A picture that came and went before is first waited for, as long as repeats join: the history is not filled by a
/// camera that flaps.
pub async fn over(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), WorkError> {
    alerts::ended(tx, id, at).await?;
    let Some(row) = alerts::get(tx, &Scope::system(), id).await? else { return Err(WorkError::NotFound) };
    if row.class == 0 && row.open && work::history(tx, id).await?.iter().any(|act| act.action == "recur") {
        let ended_at = row.ended_at.unwrap_or(at);
        jobs::enqueue(tx, "over", &format!("{id} {ended_at}"), &json!({}), ended_at + repeat_interval_ms(&row), at).await?;
        changed(tx, id, at).await?;
        return Ok(());
    }
    end(tx, &row, at).await
}

/// How close sightings join, by the rule as it stood, ms.
pub fn repeat_interval_ms(row: &AlertRow) -> i64 {
    let rule: serde_json::Value = serde_json::from_str(&row.rule).unwrap_or_default();
    rule["repeat_interval_ms"].as_i64().unwrap_or(REPEAT_INTERVAL_MS)
}

/// Ends an alert that is over for good.
pub async fn end(tx: &mut Tx<'_>, row: &AlertRow, at: i64) -> Result<(), WorkError> {
    for action in ["clear", "rectify"] {
        if row.class != 0 {
            break;
        }
        let act = Act { action: action.to_owned(), text: Some("the picture is back".to_owned()), ..Act::default() };
        match perform(tx, &Scope::system(), &row.id, None, By::System(PICTURE_BACK), &act, &[], at).await {
            Ok(_) => return Ok(()),
            // Not in this state, or somebody has acted: it only ends.
            Err(WorkError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    changed(tx, &row.id, at).await?;
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
    transit(tx, scope, id, version, by, act, evidence, false, at).await
}

/// The same for the other alerts of its cause that stood where it did: those that the table refuses (somebody else has claimed one)
/// stay. Gives how many moved.
pub async fn follow(
    tx: &mut Tx<'_>,
    scope: &Scope,
    led: &Stepped,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    at: i64,
) -> Result<usize, WorkError> {
    let Some(cause) = read(tx, &led.before.id).await?.cause_id else { return Ok(0) };
    let mut moved = 0;
    for (id, version) in alerts::others_of_cause(tx, &cause, &led.before.id, &led.before.state).await? {
        match transit(tx, scope, &id, Some(version), by, act, evidence, true, at).await {
            Ok(_) => moved += 1,
            Err(WorkError::Refused(_) | WorkError::Stale | WorkError::NotFound) => {}
            Err(WorkError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(moved)
}

#[expect(clippy::too_many_arguments, reason = "as for an act")]
async fn transit(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: Option<i64>,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    follows: bool,
    at: i64,
) -> Result<Stepped, WorkError> {
    let stepped = work::step(tx, scope, id, version, by, act, evidence, at).await?;
    let row = read(tx, id).await?;
    let by_user = by.user_id();
    alert_figures::stepped(tx, &stepped, &row, act.reason.as_deref(), by_user.as_deref(), at).await?;
    search::index(tx, id).await?;
    // Of one cause the first alert is told about: its notice stands for the others.
    let told = notices::after(stepped.way.action, act.decision).filter(|_| !follows);
    if let Some((kind, sides)) = told {
        let detail = detail_of(&row, act);
        tell_those_on_duty(tx, &row, kind, sides, by_user.as_deref(), &detail, at).await?;
    }
    if stepped.way.to == table::TABLE.first {
        tell_later(tx, &row.id, row.class, row.raised_at, at).await?;
    }
    webhooks::publish(tx, event_name(stepped.way.action, act.decision), &row, at).await?;
    Ok(stepped)
}

/// Puts an alert into other hands: those of the doer, of nobody, or of a colleague who may decide it. Whoever gets it, or had
/// it until now, is told.
#[expect(clippy::too_many_arguments, reason = "as for an act")]
pub async fn hand(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: i64,
    (actor, access): (&Actor, &Access),
    handing: Handing<'_>,
    text: Option<String>,
    at: i64,
) -> Result<(), WorkError> {
    let row = alerts::get(tx, scope, id).await?.ok_or(WorkError::NotFound)?;
    let given_to = match handing {
        Handing::To(user) if access.may_at(Permission::AlertsDecide, &row.premises_path) => {
            let colleagues = work::colleagues(tx, Permission::AlertsDecide, &row.premises_path, at).await?;
            let name = colleagues.into_iter().find_map(|(id, name)| (id == user).then_some(name));
            let unknown = || FieldFault {
                pointer: "/user_id".to_owned(),
                code: "unknown".to_owned(),
                detail: "nobody who may decide this alert".to_owned(),
            };
            Some(name.ok_or_else(|| WorkError::Refused(Refusal::Faults(vec![unknown()])))?)
        }
        Handing::To(_) | Handing::Claim | Handing::Release => None,
    };
    let act = Act { action: handing.action().to_owned(), text, given_to, ..Act::default() };
    let before = work::hand(tx, scope, id, version, (actor, access), handing, &act, at).await?;
    alert_figures::acted(tx, &row, at).await?;
    search::index(tx, id).await?;
    let told = match (handing, before.owner_id) {
        (Handing::To(user), _) => Some(("handed_over", user.to_owned())),
        (Handing::Claim, Some(owner)) => Some(("taken_over", owner)),
        (Handing::Claim | Handing::Release, _) => None,
    };
    if let Some((kind, user)) = told {
        let mut detail = detail_of(&row, &act);
        detail["by_name"] = json!(actor.name);
        notices::insert(tx, Some(id), &[user], kind, &detail, at).await?;
    }
    Ok(())
}

/// Tells premises and bureau of an alert that lasts, and starts the time to answer. Once.
pub async fn tell(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let Some(work) = work::get(tx, &Scope::system(), id).await? else { return Ok(false) };
    let row = read(tx, id).await?;
    // A device that came back by itself in the meantime is nobody's business.
    if !work.open || (row.class == 0 && row.ended_at.is_some()) {
        return Ok(false);
    }
    let class = class(row.class);
    if !work::start_clock(tx, &work, table::ANSWER, class.answer, at).await? {
        return Ok(false);
    }
    if let (Some(on_site), Some(work)) = (class.on_site, work::get(tx, &Scope::system(), id).await?) {
        work::start_clock(tx, &work, table::ON_SITE, on_site, at).await?;
    }
    if !is_known(tx, &row).await? {
        let detail = detail_of(&read(tx, id).await?, &Act::default());
        tell_those_on_duty(tx, &row, "alert_raised", class.told.into(), None, &detail, at).await?;
        let told = read(tx, id).await?;
        webhooks::say(tx, "alert_raised", &told, at).await?;
        if row.class == 1 {
            jobs::enqueue(tx, "proof", id, &json!({}), at + PROOF_MS, at).await?;
        }
    }
    if row.class == 0 {
        dispatch_by_rule(tx, &row, at).await?;
    }
    changed(tx, id, at).await?;
    Ok(true)
}

/// Tells the sides of an alert's premises. Of those who decide, only those on duty, wherever somebody who may decide it is: the others
/// have it in their inbox, and hear of it when it is late.
async fn tell_those_on_duty(
    tx: &mut Tx<'_>,
    row: &AlertRow,
    kind: &str,
    sides: notices::Sides,
    but: Option<&str>,
    detail: &serde_json::Value,
    at: i64,
) -> Result<(), StoreError> {
    let mut audience = notices::audience(tx, &row.premises_path, at).await?;
    let on_duty = duty::on_duty(tx, &row.premises_path, at).await?;
    let may_decide = |user: &String| audience.deciders.contains(user) || audience.above.contains(user);
    let on_duty: Vec<String> = on_duty.into_iter().filter(may_decide).collect();
    if !on_duty.is_empty() {
        audience.deciders = on_duty;
    }
    notices::tell_of(tx, &audience, &row.id, kind, sides, but, detail, at).await
}

/// Tells the next of an alert of class 1 where nobody who decides is known to have got it: whoever else is on duty, then everybody who
/// decides there, then the authority above, one after the other. Gives whether it is to be looked at again.
pub async fn prove(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let Some(work) = work::get(tx, &Scope::system(), id).await? else { return Ok(false) };
    let row = read(tx, id).await?;
    // Whoever has claimed or decided it has got it.
    if !work.open || work.state != table::TABLE.first || row.owner_id.is_some() {
        return Ok(false);
    }
    let (levels, heard) = (notices::deciders(tx, &row.premises_path, at).await?, notices::heard(tx, id).await?);
    let decides = |user: &String| levels.iter().any(|level| level.contains(user));
    if heard.iter().any(|(user, got)| *got && decides(user)) {
        return Ok(false);
    }
    let on_duty = duty::on_duty(tx, &row.premises_path, at).await?.into_iter().filter(decides).collect();
    let untold = |step: Vec<String>| step.into_iter().filter(|user| heard.iter().all(|one| one.0 != *user)).collect::<Vec<_>>();
    let Some(next) = std::iter::once(on_duty).chain(levels.iter().cloned()).map(untold).find(|step| !step.is_empty()) else {
        return Ok(false);
    };
    let detail = detail_of(&row, &Act::default());
    notices::insert(tx, Some(id), &next, "alert_unproven", &detail, at).await?;
    webhooks::say(tx, "alert_unproven", &row, at).await?;
    Ok(true)
}

/// Whether people know of its cause by another alert.
async fn is_known(tx: &mut Tx<'_>, row: &AlertRow) -> Result<bool, StoreError> {
    match &row.cause_id {
        Some(cause) => alerts::cause_is_told(tx, cause, &row.id).await,
        None => Ok(false),
    }
}

/// Confirms and dispatches a device alert where the bureau lets the program do so; for the time its class gives the premises.
async fn dispatch_by_rule(tx: &mut Tx<'_>, row: &AlertRow, at: i64) -> Result<(), StoreError> {
    let Some(version) = system_dispatches(tx, row).await? else { return Ok(()) };
    let rule = format!("{AUTO_DISPATCH}@{version}");
    let Some(work) = work::get(tx, &Scope::system(), &row.id).await? else { return Ok(()) };
    let hours = work.hours();
    let due = class(row.class).rectify.due(at, Context { calendar: &Calendar::in_force(), hours: &hours });
    for (action, deadline_ms) in [("confirm", None), ("dispatch", Some(due.at_ms))] {
        let act = Act { action: action.to_owned(), deadline_ms, ..Act::default() };
        match perform(tx, &Scope::system(), &row.id, None, By::System(&rule), &act, &[], at).await {
            Ok(_) => {}
            // Somebody has acted: that stands.
            Err(WorkError::Refused(_) | WorkError::Stale | WorkError::NotFound) => return Ok(()),
            Err(WorkError::Store(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The version of the setting by which the program dispatches this alert; `None` where it does not. The nearest place that
/// says anything about the kind decides: camera, premises, system.
async fn system_dispatches(conn: &mut Conn<'_>, row: &AlertRow) -> Result<Option<i64>, StoreError> {
    for (scope, id) in [("camera", row.camera_id.as_str()), ("premises", row.premises_id.as_str()), ("system", "")] {
        let Some((json, version)) = settings::get(conn, scope, id, AUTO_DISPATCH).await? else { continue };
        let kinds: AutoDispatch = serde_json::from_str(&json).map_err(StoreError::damaged)?;
        if let Some(enabled) = kinds.get(&row.kind) {
            return Ok(enabled.then_some(version));
        }
    }
    Ok(None)
}

/// Something an inspection did to the alert it came of: `rectify` when it was submitted, `withdraw` when it was taken back.
pub async fn by_inspection(tx: &mut Tx<'_>, alert_id: &str, action: &str, rule: &str, text: String, at: i64) -> Result<(), StoreError> {
    let act = Act { action: action.to_owned(), text: Some(text), ..Act::default() };
    match perform(tx, &Scope::system(), alert_id, None, By::System(rule), &act, &[], at).await {
        // It is somewhere else by now: the inspection is shown on it all the same.
        Ok(_) | Err(WorkError::Refused(_) | WorkError::Stale | WorkError::NotFound) => changed(tx, alert_id, at).await,
        Err(WorkError::Store(error)) => Err(error),
    }
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
        ("recur", _) => "alert.recurred",
        ("undo", _) => "alert.undone",
        ("withdraw", _) => "alert.inspection_withdrawn",
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
    "alert.recurred",
    "alert.undone",
    "alert.inspection_withdrawn",
    "alert.inspection_requested",
    "alert.case_opened",
];
