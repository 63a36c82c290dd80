//! Closed months: who closed which, and everything that was counted then. Nothing of it is ever changed.

use super::sql::{Arg, Select, execute, fetch_optional, with_rows};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::rates::{FORMULA, Rate};

/// Facts of one closing: as many as its figures may be made of.
const FACTS_LIMIT: i64 = 2_000_000;

/// A closing.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of closings and what they point to")]
pub struct ClosingRow {
    pub id: String,
    pub node_id: String,
    pub node_name: String,
    pub node_path: String,
    pub first_on: String,
    pub revision: i64,
    pub formula: i64,
    pub reason: Option<String>,
    pub closed_by: String,
    pub closed_by_name: String,
    pub closed_at: i64,
}

const HEAD: &str = "SELECT c.id, c.node_id, o.name AS node_name, c.node_path, c.first_on, c.revision, c.formula, c.reason, c.closed_by, \
    u.display_name AS closed_by_name, c.closed_at FROM closings c JOIN organizations o ON o.id = c.node_id JOIN users u ON u.id = c.closed_by";

/// Which closings.
#[derive(Debug, Clone, Default)]
pub struct ClosingFilter {
    /// Of this node.
    pub organization_id: Option<String>,
    /// ISO date of the month's first day.
    pub first_on: Option<String>,
}

fn narrowed(head: &'static str, scope: &Scope, filter: &ClosingFilter) -> Select {
    scope
        .restrict(Select::new(head), "c.node_path LIKE ?")
        .and_if("c.node_id = ?", filter.organization_id.clone())
        .and_if("c.first_on = ?", filter.first_on.clone())
}

/// A page of closings, the newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &ClosingFilter, page: &Page) -> Result<Vec<ClosingRow>, StoreError> {
    let select = narrowed(HEAD, scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(at), Some((_, id))) => select.and("c.closed_at < ? OR (c.closed_at = ? AND c.id < ?)", [at.into(), at.into(), id.into()]),
        _ => select,
    };
    select.tail("ORDER BY c.closed_at DESC, c.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &ClosingFilter) -> Result<i64, StoreError> {
    narrowed("SELECT COUNT(*) FROM (SELECT 1 FROM closings c", scope, filter)
        .tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()])
        .fetch_number(conn)
        .await
}

/// The cursor key of a row.
pub fn sort_key(row: &ClosingRow) -> (String, String) {
    (row.closed_at.to_string(), row.id.clone())
}

/// One closing, where the scope covers its node.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<ClosingRow>, StoreError> {
    narrowed(HEAD, scope, &ClosingFilter::default()).and("c.id = ?", [id.into()]).fetch_optional(conn).await
}

/// The closing of a node's month with this revision.
pub async fn revision(conn: &mut Conn<'_>, node_id: &str, first_on: &str, revision: i64) -> Result<Option<ClosingRow>, StoreError> {
    Select::new(HEAD)
        .and("c.node_id = ? AND c.first_on = ? AND c.revision = ?", [node_id.into(), first_on.into(), revision.into()])
        .fetch_optional(conn)
        .await
}

/// The newest revision of a node's month; 0 where it is open.
pub async fn newest(conn: &mut Conn<'_>, node_id: &str, first_on: &str) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT CAST(COALESCE(MAX(revision), 0) AS BIGINT) FROM closings WHERE node_id = $1 AND first_on = $2",
        node_id,
        first_on
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// What one thing counts for one figure.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of closed_facts")]
pub struct FactRow {
    pub figure: String,
    pub thing_id: String,
    pub premises_id: String,
    pub office_id: String,
    pub kind: String,
    pub part: i64,
    pub whole: i64,
}

impl FactRow {
    /// Which of the seven.
    pub fn rate(&self) -> Result<Rate, StoreError> {
        let known = Rate::ALL.into_iter().find(|rate| rate.as_str() == self.figure);
        known.ok_or_else(|| StoreError::damaged(format!("no figure {}", self.figure)))
    }
}

/// What a thing was called.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of closed_names")]
pub struct NameRow {
    pub thing_id: String,
    pub name: String,
    pub kind: String,
    pub grid: String,
    pub above_id: String,
}

/// A closing to be kept.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of closings")]
pub struct NewClosing<'a> {
    pub id: &'a str,
    pub node_id: &'a str,
    pub node_path: &'a str,
    pub first_on: &'a str,
    pub revision: i64,
    pub reason: Option<&'a str>,
    pub closed_by: &'a str,
}

/// Keeps a closing with all that it counted.
pub async fn insert(tx: &mut Tx<'_>, new: &NewClosing<'_>, facts: &[FactRow], names: &[NameRow], at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO closings (id, node_id, node_path, first_on, revision, formula, reason, closed_by, closed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.node_id,
        new.node_path,
        new.first_on,
        new.revision,
        FORMULA,
        new.reason,
        new.closed_by,
        at,
    )?;
    let fact = |row: &FactRow| -> Vec<Arg> {
        let FactRow { figure, thing_id, premises_id, office_id, kind, part, whole } = row;
        let mut values: Vec<Arg> = [new.id, figure, thing_id, premises_id, office_id, kind].map(Arg::from).into();
        values.extend([Arg::from(*part), Arg::from(*whole)]);
        values
    };
    let facts: Vec<Vec<Arg>> = facts.iter().map(fact).collect();
    with_rows(tx, "INSERT INTO closed_facts (closing_id, figure, thing_id, premises_id, office_id, kind, part, whole)", &facts, "").await?;
    let name = |row: &NameRow| -> Vec<Arg> {
        let NameRow { thing_id, name, kind, grid, above_id } = row;
        [new.id, thing_id, name, kind, grid, above_id].map(Arg::from).into()
    };
    let names: Vec<Vec<Arg>> = names.iter().map(name).collect();
    with_rows(tx, "INSERT INTO closed_names (closing_id, thing_id, name, kind, grid, above_id)", &names, "").await
}

/// Everything that a closing counted.
pub async fn facts(conn: &mut Conn<'_>, closing_id: &str) -> Result<Vec<FactRow>, StoreError> {
    Select::new("SELECT f.figure, f.thing_id, f.premises_id, f.office_id, f.kind, f.part, f.whole FROM closed_facts f")
        .and("f.closing_id = ?", [closing_id.into()])
        .tail("LIMIT ?", [FACTS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// The same added up by figure, premises, office and kind of alert: all that groupings need.
pub async fn sums(conn: &mut Conn<'_>, closing_id: &str) -> Result<Vec<FactRow>, StoreError> {
    Select::new(
        "SELECT f.figure, '' AS thing_id, f.premises_id, f.office_id, f.kind, CAST(SUM(f.part) AS BIGINT) AS part, CAST(SUM(f.whole) AS BIGINT) AS whole \
         FROM closed_facts f",
    )
    .and("f.closing_id = ?", [closing_id.into()])
    .tail("GROUP BY f.figure, f.premises_id, f.office_id, f.kind LIMIT ?", [FACTS_LIMIT.into()])
    .fetch_all(conn)
    .await
}

/// What everything was called then.
pub async fn names(conn: &mut Conn<'_>, closing_id: &str) -> Result<Vec<NameRow>, StoreError> {
    Select::new("SELECT n.thing_id, n.name, n.kind, n.grid, n.above_id FROM closed_names n")
        .and("n.closing_id = ?", [closing_id.into()])
        .tail("LIMIT ?", [FACTS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// An alert that counts for a figure.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts and work_items")]
pub struct CountedAlert {
    pub id: String,
    pub premises_id: String,
    pub office_id: String,
    pub kind: String,
    pub counted: i64,
}

/// Alerts below a node that were raised in a stretch and count for something: by the alerts themselves, not by their sums.
pub async fn alerts(conn: &mut Conn<'_>, node_id: &str, start_ms: i64, end_ms: i64) -> Result<Vec<CountedAlert>, StoreError> {
    Select::new(
        "SELECT a.id, w.premises_id, w.office_id, a.kind, COALESCE(a.counted, 0) AS counted FROM alerts a JOIN work_items w ON w.id = a.id \
         JOIN premises p ON p.id = w.premises_id",
    )
    .and("a.raised_at >= ? AND a.raised_at < ?", [start_ms.into(), end_ms.into()])
    .and("p.path LIKE ?", [format!("%/{node_id}/%").into()])
    .and("a.verdict IN ('confirmed', 'false_alarm') OR a.dispatched_at IS NOT NULL", [])
    .tail("LIMIT ?", [FACTS_LIMIT.into()])
    .fetch_all(conn)
    .await
}
