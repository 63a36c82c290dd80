//! Draws as desks see them. The server value is in the record only, so not before it was drawn.

use std::collections::BTreeMap;

use mobile_api::Moment;
use mobile_api::assignment::AssignmentState;
use mobile_api::template::Bilingual;
use serde::Serialize;
use utoipa::ToSchema;

use super::draws::Asked;
use crate::auth::Scope;
use crate::domain::draw::{Blocked, DrawState, Input, Outcome, Record, Rule};
use crate::http::Problem;
use crate::store::assignments::{self, AssignmentFilter, wire_state};
use crate::store::draws::{self, DrawRow};
use crate::store::{Conn, Page, StoreError};

/// What everybody may know of a draw.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DrawCommitment)]
pub(super) struct Published {
    id: String,
    /// SHA-256 of the server value, hex.
    commitment: String,
    /// SHA-256 of the frozen input, hex.
    input_sha256: String,
    published_at: Moment,
    state: String,
}

impl From<(String, String, String, i64, String)> for Published {
    fn from((id, commitment, input_sha256, at, state): (String, String, String, i64, String)) -> Self {
        Self { id, commitment, input_sha256, published_at: Moment(at), state }
    }
}

/// How an outcome is stored.
pub(super) fn outcome_code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Drawn(_) => "drawn",
        Outcome::Infeasible(_) => "infeasible",
        Outcome::Undecided { .. } => "undecided",
    }
}

/// A draw as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DrawView {
    id: String,
    title: String,
    organization_id: String,
    organization_name: String,
    plan_id: Option<String>,
    state: DrawState,
    template_id: String,
    template_name: Bilingual,
    kind: String,
    #[schema(format = Date)]
    due_on: String,
    /// SHA-256 of the frozen input, hex.
    input_sha256: String,
    /// SHA-256 of the server value, hex.
    commitment: String,
    witness_name: Option<String>,
    /// `drawn`, `infeasible`, `undecided`
    outcome: Option<String>,
    drawn_by_name: Option<String>,
    drawn_at: Option<Moment>,
    approval_number: Option<String>,
    approved_by_name: Option<String>,
    approved_at: Option<Moment>,
    /// The draw before it.
    redraw_of: Option<String>,
    /// The draw after it.
    redrawn_as: Option<String>,
    redraw_reason: Option<String>,
    /// Who approved drawing again.
    redraw_by_name: Option<String>,
    withdrawn_reason: Option<String>,
    created_by_name: String,
    version: i64,
    /// When the commitment was published.
    created_at: Moment,
    updated_at: Moment,
}

impl TryFrom<DrawRow> for DrawView {
    type Error = StoreError;

    fn try_from(row: DrawRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: row.state.parse().map_err(|()| StoreError::damaged(format!("draw in state {}", row.state)))?,
            template_name: serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?,
            id: row.id,
            title: row.title,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            plan_id: row.plan_id,
            template_id: row.template_id,
            kind: row.kind,
            due_on: row.due_on,
            input_sha256: row.input_sha256,
            commitment: row.commitment,
            witness_name: row.witness_name,
            outcome: row.outcome,
            drawn_by_name: row.drawn_by_name,
            drawn_at: row.drawn_at.map(Moment),
            approval_number: row.approval_number,
            approved_by_name: row.approved_by_name,
            approved_at: row.approved_at.map(Moment),
            redraw_of: row.redraw_of,
            redrawn_as: row.redrawn_as,
            redraw_reason: row.redraw_reason,
            redraw_by_name: row.redraw_by_name,
            withdrawn_reason: row.withdrawn_reason,
            created_by_name: row.created_by_name,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        })
    }
}

/// An officer who was drawn.
#[derive(Debug, Serialize, ToSchema)]
struct DrawnOfficer {
    id: String,
    name: String,
}

/// A line of the result.
#[derive(Debug, Serialize, ToSchema)]
struct DrawnLine {
    premises_id: String,
    premises_name: String,
    /// The lead first.
    officers: Vec<DrawnOfficer>,
    /// Once it is approved.
    assignment_id: Option<String>,
    assignment_state: Option<AssignmentState>,
}

/// Why there is no result.
#[derive(Debug, Serialize, ToSchema)]
struct DrawFailure {
    /// The premises that nobody can be sent to; `null`: all together ask for too much.
    premises_id: Option<String>,
    premises_name: Option<String>,
    /// Rules that block.
    rules: Vec<Rule>,
    /// Officers that may go there by all rules that ask one officer.
    officers_left: i64,
    /// Teams that were looked at when the search was given up; neither found nor proven impossible.
    looked: Option<i64>,
}

/// How many a draw chooses from.
#[derive(Debug, Serialize, ToSchema)]
struct DrawCounts {
    premises: i64,
    wanted: i64,
    officers: i64,
    /// Days on which checks may be made.
    days: i64,
}

/// A draw with everything.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DrawDetail {
    #[serde(flatten)]
    draw: DrawView,
    asked: Asked,
    counts: DrawCounts,
    /// Once it was drawn.
    server_value: Option<String>,
    witness_value: Option<String>,
    seed: Option<String>,
    /// In the order in which they were drawn.
    result: Vec<DrawnLine>,
    failure: Option<DrawFailure>,
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One draw with everything.
pub(super) async fn detail(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<DrawDetail, Problem> {
    let row = draws::get(conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let input: Input = serde_json::from_str(&row.input).map_err(StoreError::damaged)?;
    let record: Option<Record> = row.record.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let asked = serde_json::from_str(&row.asked).map_err(StoreError::damaged)?;
    let counts = DrawCounts {
        premises: count(input.objects.len()),
        wanted: count(input.wanted),
        officers: count(input.officers.len()),
        days: count(input.days.len()),
    };
    let mut made = BTreeMap::new();
    if row.state == "approved" {
        let filter = AssignmentFilter { draw_id: Some(row.id.clone()), ..AssignmentFilter::default() };
        for assignment in assignments::list(conn, scope, &filter, &Page::first(1_000)).await? {
            made.insert(assignment.premises_id.clone(), (assignment.id.clone(), wire_state(&assignment.state)?));
        }
    }
    let (result, failure) = match record.as_ref().map(|record| &record.outcome) {
        None => (Vec::new(), None),
        Some(Outcome::Drawn(drawn)) => (drawn.teams.iter().map(|team| line(&input, team, &made)).collect(), None),
        Some(Outcome::Infeasible(blocked)) => (Vec::new(), Some(failure(&input, blocked))),
        Some(Outcome::Undecided { looked }) => {
            let looked = i64::try_from(*looked).ok();
            (Vec::new(), Some(DrawFailure { premises_id: None, premises_name: None, rules: Vec::new(), officers_left: 0, looked }))
        }
    };
    let record = record.as_ref();
    Ok(DrawDetail {
        asked,
        counts,
        server_value: record.map(|record| record.server_value.clone()),
        witness_value: record.map(|record| record.witness_value.clone()),
        seed: record.map(|record| record.seed.clone()),
        result,
        failure,
        draw: row.try_into()?,
    })
}

fn premises_name(input: &Input, id: &str) -> String {
    input.objects.iter().find(|object| object.id == id).map(|object| object.name.clone()).unwrap_or_default()
}

fn line(input: &Input, team: &crate::domain::draw::Team, made: &BTreeMap<String, (String, AssignmentState)>) -> DrawnLine {
    let officer = |id: &String| {
        let name = input.officers.iter().find(|officer| officer.id == *id).map(|officer| officer.name.clone()).unwrap_or_default();
        DrawnOfficer { id: id.clone(), name }
    };
    let assignment = made.get(&team.premises_id);
    DrawnLine {
        premises_name: premises_name(input, &team.premises_id),
        officers: team.officer_ids.iter().map(officer).collect(),
        assignment_id: assignment.map(|made| made.0.clone()),
        assignment_state: assignment.map(|made| made.1),
        premises_id: team.premises_id.clone(),
    }
}

fn failure(input: &Input, blocked: &Blocked) -> DrawFailure {
    DrawFailure {
        premises_name: blocked.premises_id.as_deref().map(|id| premises_name(input, id)),
        premises_id: blocked.premises_id.clone(),
        rules: blocked.rules.clone(),
        officers_left: count(blocked.officers_left),
        looked: None,
    }
}
