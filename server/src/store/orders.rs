//! Rectification orders (责令改正): what must be put right, what the premises answered to each item, what was said to that.
//!
//! State, clocks and history are a work item's under the same id. An answer is a row a round: a later one never replaces
//! what was shown before.

use serde_json::{Value, json};
use uuid::Uuid;

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::work::{self, Beginning, By, Stepped, WorkError};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, notices};
use crate::auth::Scope;
use crate::domain::workflow::{Act, Decision, Limit, Unit, rectification as table};

/// Rounds of one order's items that are shown.
const ANSWERS_LIMIT: i64 = 2_000;

/// An order as stored, with its work item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of rectification_orders, work_items and what they name")]
pub struct OrderRow {
    pub id: String,
    pub state: String,
    pub level: String,
    pub open: bool,
    pub due_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub closed_at: Option<i64>,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub office_name: String,
    pub inspection_id: Option<String>,
    pub document_id: Option<String>,
    pub document_number: Option<String>,
    pub deadline_days: i64,
    pub requirement: String,
    pub issued_by: String,
    pub issued_by_name: String,
    pub item_count: i64,
    pub accepted_count: i64,
}

const HEAD: &str = "SELECT r.id, w.state, w.level, w.open, w.due_at, w.version, w.created_at, w.updated_at, w.closed_at, w.premises_id, p.name AS premises_name, \
    p.path AS premises_path, o.name AS office_name, r.inspection_id, r.document_id, d.number AS document_number, r.deadline_days, r.requirement, r.issued_by, \
    u.display_name AS issued_by_name, (SELECT COUNT(*) FROM rectification_items i WHERE i.order_id = r.id) AS item_count, \
    (SELECT COUNT(DISTINCT a.item_id) FROM rectification_answers a WHERE a.order_id = r.id AND a.accepted) AS accepted_count \
    FROM rectification_orders r JOIN work_items w ON w.id = r.id JOIN premises p ON p.id = w.premises_id JOIN organizations o ON o.id = w.office_id \
    JOIN users u ON u.id = r.issued_by LEFT JOIN documents d ON d.id = r.document_id";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct OrderFilter {
    pub premises_id: Option<String>,
    pub inspection_id: Option<String>,
    pub state: Option<String>,
    pub level: Option<String>,
    pub open: Option<bool>,
}

fn narrowed(select: Select, scope: &Scope, filter: &OrderFilter) -> Select {
    let select = select
        .and_if("w.premises_id = ?", filter.premises_id.clone())
        .and_if("r.inspection_id = ?", filter.inspection_id.clone())
        .and_if("w.state = ?", filter.state.clone())
        .and_if("w.level = ?", filter.level.clone())
        .and_if("w.open = ?", filter.open);
    scope.restrict(select, "p.path LIKE ?")
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &OrderFilter, page: &Page) -> Result<Vec<OrderRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("w.created_at < ? OR (w.created_at = ? AND r.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY w.created_at DESC, r.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &OrderFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM rectification_orders r JOIN work_items w ON w.id = r.id JOIN premises p ON p.id = w.premises_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One order, where the scope covers its premises.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<OrderRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("r.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// Of these ids, or after a key in order of id: open orders, as phones keep them.
pub async fn open_ids(
    conn: &mut Conn<'_>,
    scope: &Scope,
    ids: Option<&[String]>,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let head = "SELECT r.id FROM rectification_orders r JOIN work_items w ON w.id = r.id JOIN premises p ON p.id = w.premises_id";
    let select = scope.restrict(Select::new(head), "p.path LIKE ?").and("w.open", []);
    let select = match ids {
        Some(ids) => select.and_any("r.id = ?", ids.iter().map(|id| id.as_str().into())),
        None => select.and("r.id > ?", [after.into()]),
    };
    let rows: Vec<(String,)> = select.tail("ORDER BY r.id LIMIT ?", [limit.into()]).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Ids of the open orders at these premises: only to tell a phone what it lost.
pub async fn open_at(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = Select::new("SELECT r.id FROM rectification_orders r JOIN work_items w ON w.id = r.id")
        .and("w.open", [])
        .and_any("w.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY r.id LIMIT 5000", [])
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// An item as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of rectification_items")]
pub struct ItemRow {
    pub id: String,
    pub position: i64,
    pub item_code: String,
    pub key_item: bool,
    pub text: String,
    pub finding: String,
    pub basis: String,
    pub requirement: String,
    pub evidence: String,
}

/// The items of an order that `get` gave, as on the paper.
pub async fn items(conn: &mut Conn<'_>, order_id: &str) -> Result<Vec<ItemRow>, StoreError> {
    fetch_all!(
        conn,
        ItemRow,
        "SELECT id, position, item_code, key_item, text, finding, basis, requirement, evidence FROM rectification_items WHERE order_id = $1 ORDER BY position LIMIT $2",
        order_id,
        i64::try_from(table::ITEMS_MAX).unwrap_or(i64::MAX),
    )
}

/// An answer to an item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of rectification_answers and of who wrote them")]
pub struct AnswerRow {
    pub id: String,
    pub item_id: String,
    pub round: i64,
    pub text: Option<String>,
    pub evidence: String,
    pub answered_by_name: String,
    pub answered_at: i64,
    pub accepted: Option<bool>,
    pub note: Option<String>,
    pub judged_by_name: Option<String>,
    pub judged_at: Option<i64>,
}

/// All answers to the items of an order that `get` gave, oldest first.
pub async fn answers(conn: &mut Conn<'_>, order_id: &str) -> Result<Vec<AnswerRow>, StoreError> {
    fetch_all!(
        conn,
        AnswerRow,
        "SELECT a.id, a.item_id, a.round, a.text, a.evidence, u.display_name AS answered_by_name, a.answered_at, a.accepted, a.note, \
           j.display_name AS judged_by_name, a.judged_at \
         FROM rectification_answers a JOIN users u ON u.id = a.answered_by LEFT JOIN users j ON j.id = a.judged_by \
         WHERE a.order_id = $1 ORDER BY a.round, a.id LIMIT $2",
        order_id,
        ANSWERS_LIMIT,
    )
}

/// Files that the answers of an order show: their ids.
pub async fn shows(conn: &mut Conn<'_>, order_id: &str, file_id: &str) -> Result<bool, StoreError> {
    Ok(answers(conn, order_id).await?.iter().any(|answer| ids(&answer.evidence).is_ok_and(|ids| ids.iter().any(|id| id == file_id))))
}

/// A stored JSON list of ids.
pub fn ids(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(StoreError::damaged)
}

/// An order to begin.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of rectification_orders")]
pub struct NewOrder {
    pub id: String,
    pub premises_id: String,
    pub inspection_id: Option<String>,
    pub deadline_days: i64,
    pub requirement: String,
    pub user_id: String,
    pub items: Vec<NewItem>,
}

/// An item of an order to begin.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of rectification_items")]
pub struct NewItem {
    pub item_code: String,
    pub key_item: bool,
    pub text: String,
    pub finding: String,
    pub basis: String,
    pub requirement: String,
    pub evidence: Vec<String>,
}

/// Begins an order: its work item, its items, its clock. The paper and the notices follow in the same transaction.
pub async fn begin(tx: &mut Tx<'_>, new: &NewOrder, by: By<'_>, at: i64) -> Result<(), StoreError> {
    let beginning = Beginning { table: &table::TABLE, id: &new.id, premises_id: &new.premises_id, by, action: "order", text: None };
    work::begin(tx, &beginning, at).await?;
    execute!(
        tx,
        "INSERT INTO rectification_orders (id, inspection_id, deadline_days, requirement, issued_by) VALUES ($1, $2, $3, $4, $5)",
        new.id.as_str(),
        new.inspection_id.as_deref(),
        new.deadline_days,
        new.requirement.as_str(),
        new.user_id.as_str(),
    )?;
    for (position, item) in (0_i64..).zip(&new.items) {
        execute!(
            tx,
            "INSERT INTO rectification_items (id, order_id, position, item_code, key_item, text, finding, basis, requirement, evidence) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            Uuid::now_v7().to_string(),
            new.id.as_str(),
            position,
            item.item_code.as_str(),
            item.key_item,
            item.text.as_str(),
            item.finding.as_str(),
            item.basis.as_str(),
            item.requirement.as_str(),
            serde_json::to_string(&item.evidence).map_err(StoreError::damaged)?,
        )?;
    }
    let row =
        work::get(tx, &Scope::system(), &new.id).await?.ok_or_else(|| StoreError::damaged("an order that was just begun is not there"))?;
    work::start_clock(tx, &row, table::RECTIFY, Limit { unit: Unit::WorkingDays, amount: new.deadline_days }, at).await?;
    Ok(())
}

/// Ties the paper to the order it was issued with, and tells the premises.
pub async fn issued(tx: &mut Tx<'_>, id: &str, document_id: &str, by: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE rectification_orders SET document_id = $2 WHERE id = $1", id, document_id)?;
    tell(tx, id, "order_issued", notices::ANSWERING, Some(by), &Act::default(), at).await
}

/// The premises' answer to one item.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of rectification_answers")]
pub struct ItemAnswer {
    pub item_id: String,
    pub text: Option<String>,
    pub evidence: Vec<String>,
}

/// What is said to the last answer to one item.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of rectification_answers")]
pub struct ItemVerdict {
    pub item_id: String,
    pub accepted: bool,
    pub note: Option<String>,
}

/// Items that still need an answer or a verdict: those whose last answer is not accepted.
pub async fn unsettled(conn: &mut Conn<'_>, order_id: &str) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT i.id FROM rectification_items i WHERE i.order_id = $1 \
           AND NOT EXISTS (SELECT 1 FROM rectification_answers a WHERE a.item_id = i.id AND a.accepted) ORDER BY i.position LIMIT $2",
        order_id,
        i64::try_from(table::ITEMS_MAX).unwrap_or(i64::MAX),
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Makes one transition with all that belongs to it: notices, and the rows of the items.
#[expect(clippy::too_many_arguments, reason = "who, what, on which version, with what, when")]
pub async fn perform(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: i64,
    by: By<'_>,
    act: &Act,
    evidence: &[String],
    at: i64,
) -> Result<Stepped, WorkError> {
    let stepped = work::step(tx, scope, id, Some(version), by, act, evidence, at).await?;
    let user = by.user_id();
    let told = match (act.action.as_str(), act.decision) {
        ("answer", _) => Some(("order_answered", notices::AUTHORITY)),
        ("review", Some(Decision::SendBack)) => Some(("order_sent_back", notices::ANSWERING)),
        ("review", _) => Some(("order_closed", notices::ANSWERING)),
        ("extend", _) => Some(("order_extended", notices::ANSWERING)),
        ("withdraw", _) => Some(("order_withdrawn", notices::ANSWERING)),
        _ => None,
    };
    if let Some((kind, sides)) = told {
        tell(tx, id, kind, sides, user.as_deref(), act, at).await?;
    }
    Ok(stepped)
}

/// Keeps the answers of a round.
pub async fn keep_answers(tx: &mut Tx<'_>, order_id: &str, user_id: &str, answers: &[ItemAnswer], at: i64) -> Result<(), StoreError> {
    for answer in answers {
        let last = fetch_optional!(
            tx,
            (i64,),
            "SELECT CAST(COALESCE(MAX(round), 0) AS BIGINT) FROM rectification_answers WHERE item_id = $1",
            answer.item_id.as_str(),
        )?;
        execute!(
            tx,
            "INSERT INTO rectification_answers (id, order_id, item_id, round, text, evidence, answered_by, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            Uuid::now_v7().to_string(),
            order_id,
            answer.item_id.as_str(),
            last.map_or(0, |row| row.0) + 1,
            answer.text.as_deref(),
            serde_json::to_string(&answer.evidence).map_err(StoreError::damaged)?,
            user_id,
            at,
        )?;
    }
    Ok(())
}

/// Keeps what was said to the answers of the last round.
pub async fn keep_verdicts(tx: &mut Tx<'_>, user_id: &str, verdicts: &[ItemVerdict], at: i64) -> Result<(), StoreError> {
    for verdict in verdicts {
        execute!(
            tx,
            "UPDATE rectification_answers SET accepted = $2, note = $3, judged_by = $4, judged_at = $5 \
             WHERE item_id = $1 AND judged_at IS NULL",
            verdict.item_id.as_str(),
            verdict.accepted,
            verdict.note.as_deref(),
            user_id,
            at,
        )?;
    }
    Ok(())
}

/// What a notice's texts are filled from.
pub async fn detail_of(conn: &mut Conn<'_>, id: &str, act: &Act) -> Result<Value, StoreError> {
    let Some(row) = get(conn, &Scope::system(), id).await? else { return Ok(json!({})) };
    Ok(json!({
        "order_id": row.id, "number": row.document_number, "premises_id": row.premises_id, "premises_name": row.premises_name,
        "state": row.state, "level": row.level, "due_at": row.due_at.map(mobile_api::Moment), "items": row.item_count,
        "reason": act.reason, "text": act.text,
    }))
}

async fn tell(
    tx: &mut Tx<'_>,
    id: &str,
    kind: &str,
    sides: notices::Sides,
    but: Option<&str>,
    act: &Act,
    at: i64,
) -> Result<(), StoreError> {
    let detail = detail_of(tx, id, act).await?;
    let Some(row) = get(tx, &Scope::system(), id).await? else { return Ok(()) };
    notices::tell(tx, id, &row.premises_path, kind, sides, but, &detail, at).await
}

/// How orders of a part of the tree stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "named as the figures")]
pub struct Standings {
    pub open: i64,
    pub answered: i64,
    pub late: i64,
}

/// Orders that somebody still has to act on: all, those that wait for a re-check, those that are late.
pub async fn standings(conn: &mut Conn<'_>, scope: &Scope) -> Result<Standings, StoreError> {
    let select = Select::new(
        "SELECT COUNT(*) AS open, CAST(COALESCE(SUM(CASE WHEN w.state = 'answered' THEN 1 ELSE 0 END), 0) AS BIGINT) AS answered, \
           CAST(COALESCE(SUM(CASE WHEN w.level <> 'none' THEN 1 ELSE 0 END), 0) AS BIGINT) AS late \
         FROM work_items w JOIN premises p ON p.id = w.premises_id",
    );
    let select = select.and("w.kind = ? AND w.open", [table::TABLE.kind.into()]);
    Ok(scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await?.unwrap_or_default())
}

/// Of the orders issued since `since_ms` and not withdrawn: how many, how many of them were answered, and how many before they
/// were late.
pub async fn rectified(conn: &mut Conn<'_>, scope: &Scope, since_ms: i64) -> Result<(i64, i64, i64), StoreError> {
    let select = Select::new(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN w.state = 'ordered' THEN 0 ELSE 1 END), 0) AS BIGINT), \
           CAST(COALESCE(SUM(CASE WHEN w.state = 'ordered' OR k.yellow_at IS NOT NULL THEN 0 ELSE 1 END), 0) AS BIGINT) \
         FROM work_clocks k JOIN work_items w ON w.id = k.work_id JOIN premises p ON p.id = w.premises_id",
    );
    let select =
        select.and("w.kind = ? AND k.name = ? AND k.started_at >= ?", [table::TABLE.kind.into(), table::RECTIFY.into(), since_ms.into()]);
    let select = select.and("w.state <> 'withdrawn'", []);
    let row: Option<(i64, i64, i64)> = scope.restrict(select, "p.path LIKE ?").fetch_optional(conn).await?;
    Ok(row.unwrap_or_default())
}

/// An inspection that re-checks the items of an order.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of assignments, work_items and inspections")]
pub struct RecheckRow {
    pub id: String,
    pub state: String,
    pub due_on: String,
    pub inspection_id: Option<String>,
    pub inspection_state: Option<String>,
    pub outcome: Option<String>,
}

/// Re-checks of an order, newest first. Only for who may know of what is planned at its premises.
pub async fn rechecks(conn: &mut Conn<'_>, order_id: &str) -> Result<Vec<RecheckRow>, StoreError> {
    fetch_all!(
        conn,
        RecheckRow,
        "SELECT a.id, w.state, a.due_on, i.id AS inspection_id, i.state AS inspection_state, i.outcome FROM assignments a JOIN work_items w ON w.id = a.id \
         LEFT JOIN inspections i ON i.assignment_id = a.id WHERE a.order_id = $1 ORDER BY a.id DESC LIMIT 20",
        order_id,
    )
}

/// Ties an assignment that was just planned to the order whose items it re-checks.
pub async fn tie_recheck(tx: &mut Tx<'_>, assignment_id: &str, order_id: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE assignments SET order_id = $2 WHERE id = $1", assignment_id, order_id)?;
    Ok(())
}
