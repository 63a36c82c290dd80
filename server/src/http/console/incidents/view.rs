//! A report of suspected food poisoning as it is shown.

use mobile_api::Moment;
use mobile_api::incident::{IncidentContent, Stop};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Session;
use crate::domain::permission::Permission;
use crate::domain::workflow::incident::{IncidentState, Rules, TABLE};
use crate::domain::workflow::{Doer, Level, Standing};
use crate::http::Problem;
use crate::http::mobile::self_checks::RetainedSample;
use crate::store::holds::{self, HoldRow};
use crate::store::incidents::{self, IncidentRow};
use crate::store::work_clocks::{self, ClockRow};
use crate::store::{Conn, StoreError, documents, evidence, work};

/// A report as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Incident {
    id: String,
    #[schema(value_type = IncidentState)]
    state: String,
    #[schema(value_type = Level)]
    level: String,
    open: bool,
    /// Nearest limit that runs.
    due_at: Option<Moment>,
    version: i64,
    premises_id: String,
    premises_name: String,
    /// Of the office it belonged to then.
    organization_name: String,
    reported_by_name: String,
    /// As far as the device's clock can be believed.
    reported_at: Moment,
    received_at: Moment,
    /// Persons with symptoms, as known now.
    people: i64,
    in_hospital: Option<i64>,
    stops: Vec<Stop>,
    /// Lines of sealed food.
    sealed: i64,
    closed_at: Option<Moment>,
}

impl Incident {
    pub(super) fn of(row: IncidentRow) -> Result<Self, StoreError> {
        Ok(Self {
            stops: row.parsed()?.stops,
            id: row.id,
            state: row.state,
            level: row.level,
            open: row.open,
            due_at: row.due_at.map(Moment),
            version: row.version,
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            organization_name: row.office_name,
            reported_by_name: row.reported_by_name,
            reported_at: Moment(row.happened_at),
            received_at: Moment(row.received_at),
            people: row.people,
            in_hospital: row.in_hospital,
            sealed: row.goods,
            closed_at: row.closed_at.map(Moment),
        })
    }
}

/// A report with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IncidentPage {
    #[serde(flatten)]
    incident: Incident,
    /// What the caller may do now.
    allowed_actions: Vec<&'static str>,
    /// As it was reported.
    report: IncidentContent,
    content_sha256: String,
    goods: Vec<SealedGoods>,
    evidence: Vec<IncidentPhoto>,
    /// The stretch whose recordings and samples are held.
    held_from: Moment,
    held_until: Moment,
    /// `too_many_holds`: recordings could not be put on hold.
    trouble: Option<String>,
    recordings: Vec<HeldRecording>,
    samples: Vec<RetainedSample>,
    released_at: Option<Moment>,
    released_by: Option<String>,
    release_reason: Option<String>,
    clocks: Vec<IncidentClock>,
    history: Vec<IncidentAct>,
    papers: Vec<IncidentPaper>,
}

/// Food that is sealed or kept.
#[derive(Debug, Serialize, ToSchema)]
struct SealedGoods {
    /// seal or keep
    measure: String,
    name: String,
    quantity: String,
    place: String,
    seal_number: Option<String>,
    evidence_ids: Vec<String>,
    added_by_name: String,
    added_at: Moment,
}

/// A photo of the report.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentPhoto {
    id: String,
    sha256: String,
    taken_at: Option<Moment>,
    /// None: it has not arrived yet.
    received_at: Option<Moment>,
}

/// A camera's recordings on hold.
#[derive(Debug, Serialize, ToSchema)]
struct HeldRecording {
    id: String,
    camera_id: String,
    camera_name: String,
    start: Moment,
    end: Moment,
    /// held, waiting (the recorder could not take it yet, see `trouble`) or released
    state: &'static str,
    trouble: Option<String>,
    released_at: Option<Moment>,
}

impl From<HoldRow> for HeldRecording {
    fn from(row: HoldRow) -> Self {
        Self {
            state: row.state(),
            id: row.id,
            camera_id: row.camera_id,
            camera_name: row.camera_name,
            start: Moment(row.start_ms),
            end: Moment(row.end_ms),
            trouble: row.trouble,
            released_at: row.released_at.map(Moment),
        }
    }
}

/// A time limit.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentClock {
    /// answer, report_up, on_site, keeping_report, keeping or sealing
    name: String,
    unit: &'static str,
    amount: i64,
    started_at: Moment,
    due_at: Moment,
    stopped_at: Option<Moment>,
    /// none, yellow or red: what this clock reached.
    late: &'static str,
    /// Where the limit comes from.
    source: Option<String>,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentAct {
    id: String,
    at: Moment,
    action: String,
    from: Option<String>,
    to: String,
    actor_name: String,
    reason: Option<String>,
    text: Option<String>,
    deadline: Option<Moment>,
    /// Files that it shows.
    evidence_ids: Vec<String>,
}

/// A paper of it.
#[derive(Debug, Serialize, ToSchema)]
struct IncidentPaper {
    id: String,
    kind: String,
    number: String,
    issued_at: Moment,
    /// issued or void
    state: String,
}

/// Everything about one report that the caller may read.
pub(super) async fn page(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<IncidentPage, Problem> {
    let scope = session.access.scope(Permission::IncidentsRead);
    let row = incidents::get(conn, &scope, id).await?.ok_or_else(Problem::not_found)?;
    let history = work::history(conn, id).await?;
    let past = work::past(&history);
    let (user_id, path) = (session.user_id.to_string(), row.premises_path.clone());
    let may = |permission| session.access.may_at(permission, &path);
    let allowed_actions = TABLE.allowed(Standing { state: &row.state, owner: None, past: &past }, Doer::User { id: &user_id, may: &may });
    let goods = incidents::goods(conn, id).await?;
    let photos = evidence::of_inspection(conn, id).await?;
    let samples = incidents::samples(conn, &row).await?;
    let papers = documents::of_work(conn, id).await?;
    Ok(IncidentPage {
        allowed_actions,
        report: row.parsed()?,
        content_sha256: row.content_sha256.clone(),
        goods: goods
            .into_iter()
            .map(|one| {
                Ok(SealedGoods {
                    evidence_ids: serde_json::from_str(&one.evidence).map_err(StoreError::damaged)?,
                    measure: one.measure,
                    name: one.name,
                    quantity: one.quantity,
                    place: one.place,
                    seal_number: one.seal_number,
                    added_by_name: one.added_by_name,
                    added_at: Moment(one.added_at),
                })
            })
            .collect::<Result<_, StoreError>>()?,
        evidence: photos
            .into_iter()
            .map(|one| IncidentPhoto {
                id: one.id,
                sha256: one.sha256,
                taken_at: one.taken_at.map(Moment),
                received_at: one.arrived_at.map(Moment),
            })
            .collect(),
        held_from: Moment(row.held_from),
        held_until: Moment(row.held_until),
        trouble: row.trouble.clone(),
        recordings: holds::of_work(conn, &scope, TABLE.kind, id).await?.into_iter().map(HeldRecording::from).collect(),
        samples: samples.iter().map(RetainedSample::from).collect(),
        released_at: row.released_at.map(Moment),
        released_by: row.released_by_name.clone(),
        release_reason: row.release_reason.clone(),
        clocks: work_clocks::of_work(conn, id).await?.into_iter().map(clock).collect(),
        history: history
            .into_iter()
            .map(|act| {
                Ok(IncidentAct {
                    evidence_ids: work::evidence_ids(&act)?,
                    id: act.id,
                    at: Moment(act.at),
                    action: act.action,
                    from: act.from_state,
                    to: act.to_state,
                    actor_name: act.actor_name,
                    reason: act.reason,
                    text: act.text,
                    deadline: act.deadline.map(Moment),
                })
            })
            .collect::<Result<_, StoreError>>()?,
        papers: papers
            .into_iter()
            .map(|one| IncidentPaper { id: one.id, kind: one.kind, number: one.number, issued_at: Moment(one.issued_at), state: one.state })
            .collect(),
        incident: Incident::of(row)?,
    })
}

fn clock(row: ClockRow) -> IncidentClock {
    let clock = row.clock;
    IncidentClock {
        source: Rules::shipped().source(&clock.name).map(str::to_owned),
        unit: clock.limit.unit.as_str(),
        amount: clock.limit.amount,
        started_at: Moment(clock.started_ms),
        due_at: Moment(clock.due_ms),
        stopped_at: clock.stopped_ms.map(Moment),
        late: match (clock.red_ms, clock.yellow_ms) {
            (Some(_), _) => "red",
            (None, Some(_)) => "yellow",
            (None, None) => "none",
        },
        name: clock.name,
    }
}
