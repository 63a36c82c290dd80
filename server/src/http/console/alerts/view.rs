//! Alerts as they are sent.

use std::collections::HashMap;

use mobile_api::Moment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Scope, Session};
use crate::domain::alert::class;
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::workflow::{Context, Doer, Past, Standing, alert as table};
use crate::http::Problem;
use crate::store::alert_stills;
use crate::store::alerts::{self, AlertRow};
use crate::store::assignments;
use crate::store::work::{self, HistoryRow};
use crate::store::work_clocks::{self, ClockRow};
use crate::store::{Conn, StoreError};

/// States whose difference is nobody's business at the premises.
pub(super) const REQUESTED: &str = "inspection_requested";
pub(super) const CONFIRMED: &str = "confirmed";

/// The stretch of the stream that shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Clip {
    /// pending, ready or none
    #[schema(example = "ready")]
    state: String,
    /// What it covers, or will.
    start: Option<Moment>,
    end: Option<Moment>,
    /// Of the file, fixed when it was cut.
    sha256: Option<String>,
    bytes: Option<i64>,
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alert {
    id: String,
    #[schema(example = "black")]
    kind: String,
    /// 0 for the camera itself; 1, 2, 3.
    class: i64,
    state: table::AlertState,
    /// How late it is: none, yellow, red or supervised.
    level: String,
    camera_id: String,
    camera_name: String,
    premises_id: String,
    premises_name: String,
    /// The office it belonged to when it was raised.
    organization_name: String,
    raised_at: Moment,
    /// When the picture changed.
    began_at: Moment,
    /// When the picture was back.
    ended_at: Option<Moment>,
    last_seen_at: Moment,
    /// Occurrences that joined it.
    count: i64,
    /// What was measured, in the rule's unit.
    measure: f64,
    threshold: f64,
    clip: Clip,
    /// Whether `still.jpg` has a picture: the first that shows it or, where nothing did, the last that was known.
    has_still: bool,
    /// The nearest deadline.
    due_at: Option<Moment>,
    version: i64,
    /// What the caller may do now. Nothing that somebody else has to decide who has claimed it.
    allowed_actions: Vec<&'static str>,
    /// The cause that it shares with other cameras of its premises; null: it stands alone.
    cause: Option<Cause>,
    /// In whose hands it is, while the bureau has the next step; null otherwise, and for the premises.
    claim: Option<Claim>,
}

/// In whose hands an alert is.
#[derive(Debug, Serialize, ToSchema)]
struct Claim {
    /// free, mine or theirs
    #[schema(example = "theirs")]
    holder: &'static str,
    /// Who has it.
    user_id: Option<String>,
    name: Option<String>,
    since: Option<Moment>,
}

/// What several alerts have in common, such as a power cut.
#[derive(Debug, Serialize, ToSchema)]
struct Cause {
    /// Of the first alert of it.
    id: String,
    /// Alerts of it.
    count: i64,
}

/// When it was seen.
#[derive(Debug, Serialize, ToSchema)]
struct Occurrence {
    at: Moment,
    measure: f64,
}

/// A picture of it, at `/alerts/{id}/stills/{still id}`.
#[derive(Debug, Serialize, ToSchema)]
struct StillView {
    id: String,
    at: Moment,
}

/// A named clock.
#[derive(Debug, Serialize, ToSchema)]
struct ClockView {
    /// answer or rectify
    name: String,
    started_at: Moment,
    due_at: Moment,
    /// minutes, service_hours, calendar_days, working_days or until
    unit: &'static str,
    /// Minutes or days by the unit; 0 where a person set the moment.
    amount: i64,
    paused_at: Option<Moment>,
    stopped_at: Option<Moment>,
    /// Told at half-time and at the end.
    reminders: Vec<Moment>,
    /// none, yellow or red: what this clock reached.
    late: &'static str,
}

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
struct ActorView {
    /// user or system
    kind: String,
    id: Option<String>,
    name: String,
}

/// A file that an act names.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceView {
    id: String,
    filetype: String,
    bytes: i64,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
struct ActView {
    id: String,
    at: Moment,
    action: String,
    from: Option<String>,
    to: String,
    actor: ActorView,
    reason: Option<String>,
    text: Option<String>,
    deadline: Option<Moment>,
    evidence: Vec<EvidenceView>,
    /// Rule and version, where the program acted.
    rule: Option<String>,
    /// Whom it was handed to, as they were called then.
    given_to: Option<String>,
}

/// An alert with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertDetail {
    #[serde(flatten)]
    alert: Alert,
    /// Newest first, at most 200.
    occurrences: Vec<Occurrence>,
    /// Pictures of it, oldest first, at most 24: of when it was raised, and of what joined it, further apart the longer it lasts.
    stills: Vec<StillView>,
    clocks: Vec<ClockView>,
    /// Oldest first.
    history: Vec<ActView>,
    /// The rule as it stood when it was raised, and in `looked` what drew attention to the camera: sizes (of its frames),
    /// routine, learning or restart; null where it took no look to know.
    #[schema(value_type = Object)]
    rule: serde_json::Value,
    /// Until when the premises would have by its class, were it dispatched now; only while it can be.
    suggested_deadline: Option<Moment>,
    /// Inspections that it asked for, newest first; only for who may know of what is planned there.
    inspections: Vec<InspectionView>,
}

/// An inspection that an alert asked for.
#[derive(Debug, Serialize, ToSchema)]
struct InspectionView {
    assignment_id: String,
    /// open, in_progress, done or cancelled
    #[schema(value_type = String)]
    state: mobile_api::assignment::AssignmentState,
    due_on: String,
    /// By name, the lead first.
    officers: String,
    /// What came of it.
    inspection_id: Option<String>,
    /// draft, submitted or complete
    inspection_state: Option<String>,
    /// conforms, basically_conforms or does_not_conform
    outcome: Option<String>,
    submitted_at: Option<Moment>,
}

/// What a premises does not learn before: that somebody is on the way (SAMR Order 49, art. 46).
fn is_told_of_inspections(session: &Session, path: &str) -> bool {
    session.access.may_at(Permission::AssignmentsRead, path)
}

/// Who of the bureau has it is told within the bureau.
fn is_told_of_claims(session: &Session, path: &str) -> bool {
    session.access.may_at(Permission::AlertsDecide, path) || is_told_of_inspections(session, path)
}

fn claim_of(row: &AlertRow, me: &str) -> Option<Claim> {
    let holder = match row.owner_id.as_deref() {
        None => "free",
        Some(owner) if owner == me => "mine",
        Some(_) => "theirs",
    };
    let claim = Claim { holder, user_id: row.owner_id.clone(), name: row.owner_name.clone(), since: row.owner_since.map(Moment) };
    table::TABLE.is_claimed_in(&row.state).then_some(claim)
}

/// The state as this person may know it.
fn state_for(session: &Session, row: &AlertRow) -> String {
    if row.state == REQUESTED && !is_told_of_inspections(session, &row.premises_path) { CONFIRMED.to_owned() } else { row.state.clone() }
}

fn view(row: AlertRow, session: &Session, past: &[Past]) -> Result<Alert, Problem> {
    let (user_id, path) = (session.user_id.to_string(), row.premises_path.as_str());
    let may = |permission| session.access.may_at(permission, path);
    let state = state_for(session, &row);
    let standing = Standing { state: &state, owner: row.owner_id.as_deref(), past };
    let allowed_actions = table::TABLE.allowed(standing, Doer::User { id: &user_id, may: &may });
    let claim = claim_of(&row, &user_id).filter(|_| is_told_of_claims(session, path));
    let state = state.parse().map_err(|()| StoreError::damaged(format!("unknown state {state}")))?;
    Ok(Alert {
        allowed_actions,
        cause: row.cause_id.map(|id| Cause { id, count: row.cause_count }),
        claim,
        state,
        clip: Clip {
            state: row.clip_state,
            start: row.clip_start.map(Moment),
            end: row.clip_end.map(Moment),
            sha256: row.clip_sha256,
            bytes: row.clip_bytes,
        },
        id: row.id,
        kind: row.kind,
        class: row.class,
        level: row.level,
        camera_id: row.camera_id,
        camera_name: row.camera_name,
        premises_id: row.premises_id,
        premises_name: row.premises_name,
        organization_name: row.organization_name,
        raised_at: Moment(row.raised_at),
        began_at: Moment(row.began_at),
        ended_at: row.ended_at.map(Moment),
        last_seen_at: Moment(row.last_seen_at),
        count: row.count,
        measure: row.measure,
        threshold: row.threshold,
        has_still: row.still_file_id.is_some(),
        due_at: row.due_at.map(Moment),
        version: row.version,
    })
}

/// The items of a list. What the caller may do depends on who answered last, so that is looked up for all at once.
pub(super) async fn items(conn: &mut Conn<'_>, session: &Session, rows: Vec<AlertRow>) -> Result<Vec<Alert>, Problem> {
    let answered: Vec<&str> = rows.iter().filter(|row| row.state == "rectified").map(|row| row.id.as_str()).collect();
    let mut past: HashMap<String, Vec<Past>> = HashMap::new();
    for (work_id, act) in work::acts_of(conn, &answered, "rectify").await? {
        past.entry(work_id).or_default().push(act);
    }
    rows.into_iter()
        .map(|row| {
            let past = past.remove(&row.id).unwrap_or_default();
            view(row, session, &past)
        })
        .collect()
}

async fn inspections_of(conn: &mut Conn<'_>, alert_id: &str) -> Result<Vec<InspectionView>, Problem> {
    let rows = assignments::of_alert(conn, alert_id).await?;
    let view = |row: assignments::ForAlert| {
        Ok(InspectionView {
            assignment_id: row.id,
            state: assignments::wire_state(&row.state)?,
            due_on: row.due_on,
            officers: row.officers,
            inspection_id: row.inspection_id,
            inspection_state: row.inspection_state,
            outcome: row.outcome,
            submitted_at: row.submitted_at.map(Moment),
        })
    };
    Ok(rows.into_iter().map(view).collect::<Result<_, StoreError>>()?)
}

/// Until when the premises would have, by the class.
async fn suggested(conn: &mut Conn<'_>, row: &AlertRow, now_ms: i64) -> Result<Option<Moment>, Problem> {
    let hours = work::get(conn, &Scope::system(), &row.id).await?.map(|work| work.hours()).unwrap_or_default();
    let due = class(row.class).rectify.due(now_ms, Context { calendar: &Calendar::in_force(), hours: &hours });
    Ok(Some(Moment(due.at_ms)))
}

/// Everything about one alert, where `scope` covers it.
pub(super) async fn detail(conn: &mut Conn<'_>, session: &Session, scope: &Scope, id: &str, now_ms: i64) -> Result<AlertDetail, Problem> {
    let row = alerts::get(conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let history = work::history(conn, id).await?;
    let occurrences = alerts::occurrences(conn, id).await?;
    let stills = alert_stills::of_alert(conn, id).await?;
    let clocks = work_clocks::of_work(conn, id).await?;
    let named: Vec<String> = history.iter().flat_map(evidence_ids).collect();
    let files = alerts::evidence_files(conn, &named).await?.into_iter().map(|file| (file.id.clone(), file)).collect::<HashMap<_, _>>();
    let rule = serde_json::from_str(&row.rule).unwrap_or_default();
    let past = work::past(&history);
    let told = is_told_of_inspections(session, &row.premises_path);
    let inspections = if told { inspections_of(conn, id).await? } else { Vec::new() };
    let suggested_deadline = if row.state == CONFIRMED { suggested(conn, &row, now_ms).await? } else { None };
    let told_of_claims = is_told_of_claims(session, &row.premises_path);
    let history = history.into_iter().filter(|act| match act.action.as_str() {
        "request_inspection" | "withdraw" => told,
        "claim" | "release" | "hand_over" => told_of_claims,
        _ => true,
    });
    let acts = history.map(|act| {
        let evidence = evidence_ids(&act)
            .iter()
            .filter_map(|id| files.get(id))
            .map(|file| EvidenceView { id: file.id.clone(), filetype: file.filetype.clone(), bytes: file.bytes })
            .collect();
        ActView {
            evidence,
            id: act.id,
            at: Moment(act.at),
            action: act.action,
            from: act.from_state,
            to: act.to_state,
            actor: ActorView { kind: act.actor_kind, id: act.actor_id, name: act.actor_name },
            reason: act.reason,
            text: act.text,
            deadline: act.deadline.map(Moment),
            rule: act.rule,
            given_to: act.given_to,
        }
    });
    Ok(AlertDetail {
        history: acts.collect(),
        occurrences: occurrences.into_iter().map(|(at, measure)| Occurrence { at: Moment(at), measure }).collect(),
        stills: stills.into_iter().map(|(id, at)| StillView { id, at: Moment(at) }).collect(),
        clocks: clocks.into_iter().map(clock).collect(),
        rule,
        suggested_deadline,
        inspections,
        alert: view(row, session, &past)?,
    })
}

/// Ids of the files that an act names.
pub(super) fn evidence_ids(act: &HistoryRow) -> Vec<String> {
    serde_json::from_str(&act.evidence).unwrap_or_default()
}

fn clock(row: ClockRow) -> ClockView {
    let clock = row.clock;
    ClockView {
        started_at: Moment(clock.started_ms),
        due_at: Moment(clock.due_ms),
        unit: clock.limit.unit.as_str(),
        amount: clock.limit.amount,
        paused_at: clock.paused_ms.map(Moment),
        stopped_at: clock.stopped_ms.map(Moment),
        reminders: [clock.half_ms, clock.yellow_ms].into_iter().flatten().map(Moment).collect(),
        late: if clock.red_ms.is_some() {
            "red"
        } else if clock.yellow_ms.is_some() {
            "yellow"
        } else {
            "none"
        },
        name: clock.name,
    }
}
