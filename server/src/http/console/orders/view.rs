//! An order as lists and pages show it.

use std::collections::HashMap;

use mobile_api::Moment;
use mobile_api::assignment::AssignmentState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Session;
use crate::domain::permission::Permission;
use crate::domain::workflow::rectification::TABLE;
use crate::domain::workflow::{Doer, Standing};
use crate::http::Problem;
use crate::store::orders::{self, AnswerRow, ItemRow, OrderRow};
use crate::store::work::{self, HistoryRow};
use crate::store::work_clocks::{self, ClockRow};
use crate::store::{Conn, StoreError, alerts, assignments};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Order {
    id: String,
    /// ordered, answered, closed or withdrawn
    #[schema(example = "ordered")]
    state: String,
    /// none, yellow, red or supervised
    #[schema(example = "none")]
    level: String,
    open: bool,
    due_at: Option<Moment>,
    premises_id: String,
    premises_name: String,
    organization_name: String,
    inspection_id: Option<String>,
    /// The paper.
    document_id: Option<String>,
    document_number: Option<String>,
    /// Working days that were given.
    deadline_days: i64,
    /// What is asked over all.
    requirement: String,
    issued_by_name: String,
    items: i64,
    accepted_items: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    closed_at: Option<Moment>,
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id,
            state: row.state,
            level: row.level,
            open: row.open,
            due_at: row.due_at.map(Moment),
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            organization_name: row.office_name,
            inspection_id: row.inspection_id,
            document_id: row.document_id,
            document_number: row.document_number,
            deadline_days: row.deadline_days,
            requirement: row.requirement,
            issued_by_name: row.issued_by_name,
            items: row.item_count,
            accepted_items: row.accepted_count,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
            closed_at: row.closed_at.map(Moment),
        }
    }
}

/// An order with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderDetail {
    #[serde(flatten)]
    order: Order,
    /// As on the paper.
    item_list: Vec<OrderItem>,
    clocks: Vec<OrderClock>,
    /// Oldest first.
    history: Vec<OrderAct>,
    /// Inspections that re-check the items, newest first; only for who may know of what is planned there.
    rechecks: Vec<Recheck>,
    /// What the caller may do now.
    allowed_actions: Vec<&'static str>,
}

/// One thing to put right.
#[derive(Debug, Serialize, ToSchema)]
struct OrderItem {
    id: String,
    item_code: String,
    key: bool,
    text: String,
    /// What was found.
    finding: String,
    basis: String,
    /// What is asked.
    requirement: String,
    /// Evidence of the inspection that shows it.
    evidence_ids: Vec<String>,
    /// The last answer was accepted.
    accepted: bool,
    /// Oldest first.
    answers: Vec<ItemAnswer>,
}

/// What the premises answered to an item, and what was said to that.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderItemAnswer)]
struct ItemAnswer {
    round: i64,
    text: Option<String>,
    evidence: Vec<OrderFile>,
    answered_by_name: String,
    answered_at: Moment,
    /// None while it is not judged.
    accepted: Option<bool>,
    note: Option<String>,
    judged_by_name: Option<String>,
    judged_at: Option<Moment>,
}

/// A file that an answer names.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct OrderFile {
    id: String,
    filetype: String,
    bytes: i64,
}

/// A named clock.
#[derive(Debug, Serialize, ToSchema)]
struct OrderClock {
    name: String,
    started_at: Moment,
    due_at: Moment,
    /// minutes, service_hours, calendar_days, working_days or until
    unit: &'static str,
    amount: i64,
    paused_at: Option<Moment>,
    stopped_at: Option<Moment>,
    /// Told at half-time and at the end.
    reminders: Vec<Moment>,
    /// none, yellow or red: what this clock reached.
    late: &'static str,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
struct OrderAct {
    id: String,
    at: Moment,
    action: String,
    from: Option<String>,
    to: String,
    actor_name: String,
    reason: Option<String>,
    text: Option<String>,
    deadline: Option<Moment>,
}

/// An inspection that re-checks the items.
#[derive(Debug, Serialize, ToSchema)]
struct Recheck {
    assignment_id: String,
    /// open, in_progress, done or cancelled
    #[schema(value_type = String)]
    state: AssignmentState,
    due_on: String,
    inspection_id: Option<String>,
    inspection_state: Option<String>,
    outcome: Option<String>,
}

/// Everything about one order that the caller may read.
pub(super) async fn detail(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<OrderDetail, Problem> {
    let scope = session.access.scope(Permission::OrdersRead);
    let row = orders::get(conn, &scope, id).await?.ok_or_else(Problem::not_found)?;
    let history = work::history(conn, id).await?;
    let answers = orders::answers(conn, id).await?;
    let named = answers.iter().map(|answer| orders::ids(&answer.evidence)).collect::<Result<Vec<_>, _>>()?.concat();
    let files: HashMap<String, OrderFile> = alerts::evidence_files(conn, &named)
        .await?
        .into_iter()
        .map(|file| (file.id.clone(), OrderFile { id: file.id, filetype: file.filetype, bytes: file.bytes }))
        .collect();
    let items = orders::items(conn, id).await?;
    let item_list = items.into_iter().map(|item| item_view(item, &answers, &files)).collect::<Result<_, _>>()?;
    let told = session.access.may_at(Permission::AssignmentsRead, &row.premises_path);
    let rechecks = if told { orders::rechecks(conn, id).await? } else { Vec::new() };
    let rechecks = rechecks
        .into_iter()
        .map(|row| {
            Ok(Recheck {
                assignment_id: row.id,
                state: assignments::wire_state(&row.state)?,
                due_on: row.due_on,
                inspection_id: row.inspection_id,
                inspection_state: row.inspection_state,
                outcome: row.outcome,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    let past = work::past(&history);
    let (user_id, path) = (session.user_id.to_string(), row.premises_path.clone());
    let may = |permission| session.access.may_at(permission, &path);
    let allowed_actions = TABLE.allowed(Standing { state: &row.state, owner: None, past: &past }, Doer::User { id: &user_id, may: &may });
    Ok(OrderDetail {
        allowed_actions,
        item_list,
        clocks: work_clocks::of_work(conn, id).await?.into_iter().map(clock).collect(),
        history: history.into_iter().map(act).collect(),
        rechecks,
        order: row.into(),
    })
}

fn item_view(item: ItemRow, answers: &[AnswerRow], files: &HashMap<String, OrderFile>) -> Result<OrderItem, StoreError> {
    let own: Vec<ItemAnswer> = answers
        .iter()
        .filter(|answer| answer.item_id == item.id)
        .map(|answer| {
            let evidence = orders::ids(&answer.evidence)?.iter().filter_map(|id| files.get(id).cloned()).collect();
            Ok(ItemAnswer {
                round: answer.round,
                text: answer.text.clone(),
                evidence,
                answered_by_name: answer.answered_by_name.clone(),
                answered_at: Moment(answer.answered_at),
                accepted: answer.accepted,
                note: answer.note.clone(),
                judged_by_name: answer.judged_by_name.clone(),
                judged_at: answer.judged_at.map(Moment),
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(OrderItem {
        evidence_ids: orders::ids(&item.evidence)?,
        id: item.id,
        item_code: item.item_code,
        key: item.key_item,
        text: item.text,
        finding: item.finding,
        basis: item.basis,
        requirement: item.requirement,
        accepted: own.last().is_some_and(|answer| answer.accepted == Some(true)),
        answers: own,
    })
}

fn clock(row: ClockRow) -> OrderClock {
    let clock = row.clock;
    OrderClock {
        started_at: Moment(clock.started_ms),
        due_at: Moment(clock.due_ms),
        unit: clock.limit.unit.as_str(),
        amount: clock.limit.amount,
        paused_at: clock.paused_ms.map(Moment),
        stopped_at: clock.stopped_ms.map(Moment),
        reminders: [clock.half_ms, clock.yellow_ms].into_iter().flatten().map(Moment).collect(),
        late: match (clock.red_ms, clock.yellow_ms) {
            (Some(_), _) => "red",
            (None, Some(_)) => "yellow",
            (None, None) => "none",
        },
        name: clock.name,
    }
}

fn act(row: HistoryRow) -> OrderAct {
    OrderAct {
        id: row.id,
        at: Moment(row.at),
        action: row.action,
        from: row.from_state,
        to: row.to_state,
        actor_name: row.actor_name,
        reason: row.reason,
        text: row.text,
        deadline: row.deadline.map(Moment),
    }
}
