//! The register of numbers: a row per office, kind and year, and a row for every number that was ever given.
//!
//! A number is taken by moving the register on, in the transaction that also writes what became of the number. A transaction
//! that fails moves nothing, so no number is missing without a row that says why, and none is given twice.

use mobile_api::paper::FrameNumber;
use uuid::Uuid;

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// What a phone draws on site.
pub const DRAWN_KIND: &str = "on_site_record";

/// A register.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Register {
    /// Whose.
    pub office_id: String,
    /// Of which papers.
    pub kind: &'static str,
    /// Of which year, Asia/Shanghai.
    pub year: i64,
}

/// A number with what became of it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of paper_numbers and what they name")]
pub struct NumberRow {
    pub id: String,
    pub office_id: String,
    pub office_name: String,
    pub office_path: String,
    pub kind: String,
    pub year: i64,
    pub number: i64,
    pub state: String,
    pub document_id: Option<String>,
    pub premises_name: Option<String>,
    pub reserved_for: Option<String>,
    pub reserved_for_name: Option<String>,
    pub device_id: Option<String>,
    pub reason: Option<String>,
    pub inspection_id: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

const HEAD: &str = "SELECT n.id, n.office_id, o.name AS office_name, o.path AS office_path, n.kind, n.year, n.number, n.state, n.document_id, \
    p.name AS premises_name, n.reserved_for, u.display_name AS reserved_for_name, n.device_id, n.reason, n.inspection_id, n.created_at, n.updated_at \
    FROM paper_numbers n JOIN organizations o ON o.id = n.office_id LEFT JOIN users u ON u.id = n.reserved_for \
    LEFT JOIN documents d ON d.id = n.document_id LEFT JOIN inspections i ON i.id = n.inspection_id \
    LEFT JOIN premises p ON p.id = COALESCE(d.premises_id, i.premises_id)";

/// The number that comes next: what a paper is set with before it is issued.
pub async fn next(conn: &mut Conn<'_>, register: &Register) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT next_number FROM paper_registers WHERE office_id = $1 AND kind = $2 AND year = $3",
        register.office_id.as_str(),
        register.kind,
        register.year,
    )?;
    Ok(row.map_or(1, |row| row.0))
}

/// Takes `count` numbers from `expected` on; `false` where the register stands elsewhere by now and nothing was taken.
async fn move_on(tx: &mut Tx<'_>, register: &Register, expected: i64, count: i64) -> Result<bool, StoreError> {
    execute!(
        tx,
        "INSERT INTO paper_registers (office_id, kind, year, next_number) VALUES ($1, $2, $3, 1) ON CONFLICT (office_id, kind, year) DO NOTHING",
        register.office_id.as_str(),
        register.kind,
        register.year,
    )?;
    let moved = execute!(
        tx,
        "UPDATE paper_registers SET next_number = next_number + $5 WHERE office_id = $1 AND kind = $2 AND year = $3 AND next_number = $4",
        register.office_id.as_str(),
        register.kind,
        register.year,
        expected,
        count,
    )?;
    Ok(moved == 1)
}

/// Gives the expected number to a paper that is written in the same transaction; `false` where somebody else has it by now.
pub async fn issue(tx: &mut Tx<'_>, register: &Register, expected: i64, document_id: &str, at: i64) -> Result<bool, StoreError> {
    if !move_on(tx, register, expected, 1).await? {
        return Ok(false);
    }
    insert(tx, register, expected, "issued", Some(document_id), None, at).await?;
    Ok(true)
}

/// Gives a number that this person holds, or that this inspection's paper was drawn with, to a paper; `false` where it is not theirs, or not free.
pub async fn issue_reserved(
    tx: &mut Tx<'_>,
    register: &Register,
    number: i64,
    user_id: &str,
    document_id: &str,
    inspection_id: Option<&str>,
    at: i64,
) -> Result<bool, StoreError> {
    let used = execute!(
        tx,
        "UPDATE paper_numbers SET state = 'issued', document_id = $6, updated_at = $7 \
         WHERE office_id = $1 AND kind = $2 AND year = $3 AND number = $4 AND state = 'reserved' \
           AND (inspection_id = $8 OR (reserved_for = $5 AND inspection_id IS NULL))",
        register.office_id.as_str(),
        register.kind,
        register.year,
        number,
        user_id,
        document_id,
        at,
        inspection_id,
    )?;
    Ok(used == 1)
}

/// The paper that a phone drew with a number it held: from now on the number is that inspection's. `false` where it is not this
/// person's, or not free.
pub async fn take_over(tx: &mut Tx<'_>, number: &FrameNumber, user_id: &str, inspection_id: &str, at: i64) -> Result<bool, StoreError> {
    let taken = execute!(
        tx,
        "UPDATE paper_numbers SET inspection_id = $6, updated_at = $7 \
         WHERE office_id = $1 AND kind = $2 AND year = $3 AND number = $4 AND reserved_for = $5 AND state = 'reserved' AND inspection_id IS NULL",
        number.office_id.to_string(),
        DRAWN_KIND,
        number.year,
        number.number,
        user_id,
        inspection_id,
        at,
    )?;
    Ok(taken == 1)
}

/// The number that an inspection's paper was drawn with, where no paper has been issued with it yet.
pub async fn of_inspection(conn: &mut Conn<'_>, register: &Register, inspection_id: &str) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT number FROM paper_numbers WHERE inspection_id = $1 AND office_id = $2 AND kind = $3 AND year = $4 AND state = 'reserved' ORDER BY number LIMIT 1",
        inspection_id,
        register.office_id.as_str(),
        register.kind,
        register.year,
    )?;
    Ok(row.map(|row| row.0))
}

/// Reserves the next `count` numbers for a person's phone; gives the first.
pub async fn reserve(
    tx: &mut Tx<'_>,
    register: &Register,
    count: i64,
    user_id: &str,
    device_id: Option<&str>,
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let first = next(tx, register).await?;
    if !move_on(tx, register, first, count).await? {
        return Ok(None);
    }
    for number in first..first + count {
        insert(tx, register, number, "reserved", None, Some((user_id, device_id)), at).await?;
    }
    Ok(Some(first))
}

async fn insert(
    tx: &mut Tx<'_>,
    register: &Register,
    number: i64,
    state: &str,
    document_id: Option<&str>,
    held_by: Option<(&str, Option<&str>)>,
    at: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO paper_numbers (id, office_id, kind, year, number, state, document_id, reserved_for, device_id, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        Uuid::now_v7().to_string(),
        register.office_id.as_str(),
        register.kind,
        register.year,
        number,
        state,
        document_id,
        held_by.map(|held| held.0),
        held_by.and_then(|held| held.1),
        at,
    )?;
    Ok(())
}

/// Voids a number that is reserved; `false` where it is not, or where a phone has drawn a paper with it.
pub async fn void_reserved(tx: &mut Tx<'_>, id: &str, reason: &str, at: i64) -> Result<bool, StoreError> {
    let voided = execute!(
        tx,
        "UPDATE paper_numbers SET state = 'void', reason = $2, updated_at = $3 WHERE id = $1 AND state = 'reserved' AND inspection_id IS NULL",
        id,
        reason,
        at,
    )?;
    Ok(voided == 1)
}

/// Voids the number of a paper that was voided.
pub async fn void_of(tx: &mut Tx<'_>, document_id: &str, reason: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE paper_numbers SET state = 'void', reason = $2, updated_at = $3 WHERE document_id = $1", document_id, reason, at,)?;
    Ok(())
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct NumberFilter {
    pub office_id: Option<String>,
    pub kind: Option<String>,
    pub year: Option<i64>,
    pub state: Option<String>,
    /// Held by this person.
    pub reserved_for: Option<String>,
}

fn narrowed(select: Select, scope: &Scope, filter: &NumberFilter) -> Select {
    let select = select
        .and_if("n.office_id = ?", filter.office_id.clone())
        .and_if("n.kind = ?", filter.kind.clone())
        .and_if("n.year = ?", filter.year)
        .and_if("n.state = ?", filter.state.clone())
        .and_if("n.reserved_for = ?", filter.reserved_for.clone());
    scope.restrict(select, "o.path LIKE ?")
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &NumberFilter, page: &Page) -> Result<Vec<NumberRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("n.created_at < ? OR (n.created_at = ? AND n.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY n.created_at DESC, n.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &NumberFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM paper_numbers n JOIN organizations o ON o.id = n.office_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One number, where the scope covers its office.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<NumberRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("n.id = ?", [id.into()]), "o.path LIKE ?").fetch_optional(conn).await
}

/// Numbers of a kind that a person holds and has not used.
pub async fn held(conn: &mut Conn<'_>, user_id: &str, kind: &str) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT COUNT(*) FROM paper_numbers WHERE reserved_for = $1 AND kind = $2 AND state = 'reserved' AND inspection_id IS NULL",
        user_id,
        kind,
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// Registers that gave more numbers than have a row, with how many are missing. For `check`.
pub async fn unexplained(conn: &mut Conn<'_>) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        conn,
        (String, i64),
        "SELECT r.office_id || ' ' || r.kind || ' ' || CAST(r.year AS TEXT), r.next_number - 1 - COUNT(n.id) FROM paper_registers r \
         LEFT JOIN paper_numbers n ON n.office_id = r.office_id AND n.kind = r.kind AND n.year = r.year AND n.number < r.next_number \
         GROUP BY r.office_id, r.kind, r.year, r.next_number HAVING r.next_number - 1 <> COUNT(n.id) ORDER BY r.office_id, r.kind, r.year LIMIT 100",
    )
}
