//! Papers that were issued. A row is written once, with its number; voiding it adds who, when and why.

use super::journal::{Act, Actor, Change, Entity};
use super::paper_numbers::{self, Register};
use super::sql::{Select, execute, fetch_all};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use serde_json::json;

/// Papers that one inspection or one order shows.
const OF_LIMIT: i64 = 100;

/// A paper as stored, with what lists show beside it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of documents and what they name")]
pub struct DocumentRow {
    pub id: String,
    pub kind: String,
    pub number: String,
    pub office_id: String,
    pub office_name: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub inspection_id: Option<String>,
    pub work_id: Option<String>,
    pub state: String,
    pub layout_version: i64,
    pub layout_sha256: String,
    pub fonts_sha256: String,
    pub program: String,
    pub data_sha256: String,
    pub file_id: String,
    pub sha256: String,
    pub bytes: i64,
    pub pages: i64,
    pub issued_by_name: String,
    pub issued_at: i64,
    pub voided_by_name: Option<String>,
    pub voided_at: Option<i64>,
    pub void_reason: Option<String>,
}

const HEAD: &str = "SELECT d.id, d.kind, d.number, d.office_id, o.name AS office_name, d.premises_id, p.name AS premises_name, p.path AS premises_path, \
    d.inspection_id, d.work_id, d.state, d.layout_version, d.layout_sha256, d.fonts_sha256, d.program, d.data_sha256, d.file_id, d.sha256, f.bytes, d.pages, \
    u.display_name AS issued_by_name, d.issued_at, v.display_name AS voided_by_name, d.voided_at, d.void_reason \
    FROM documents d JOIN premises p ON p.id = d.premises_id JOIN organizations o ON o.id = d.office_id JOIN files f ON f.id = d.file_id \
    JOIN users u ON u.id = d.issued_by LEFT JOIN users v ON v.id = d.voided_by";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct DocumentFilter {
    pub kind: Option<String>,
    pub state: Option<String>,
    pub premises_id: Option<String>,
    pub inspection_id: Option<String>,
    pub work_id: Option<String>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
}

fn narrowed(select: Select, scope: &Scope, filter: &DocumentFilter) -> Select {
    let select = select
        .and_if("d.kind = ?", filter.kind.clone())
        .and_if("d.state = ?", filter.state.clone())
        .and_if("d.premises_id = ?", filter.premises_id.clone())
        .and_if("d.inspection_id = ?", filter.inspection_id.clone())
        .and_if("d.work_id = ?", filter.work_id.clone())
        .and_if("d.issued_at >= ?", filter.since_ms)
        .and_if("d.issued_at < ?", filter.until_ms);
    scope.restrict(select, "p.path LIKE ?")
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &DocumentFilter, page: &Page) -> Result<Vec<DocumentRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => select.and("d.issued_at < ? OR (d.issued_at = ? AND d.id < ?)", [key.into(), key.into(), id.into()]),
        _ => select,
    };
    select.tail("ORDER BY d.issued_at DESC, d.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &DocumentFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM documents d JOIN premises p ON p.id = d.premises_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One paper, where the scope covers its premises.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<DocumentRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("d.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// Papers of a piece of work that was found by its scope, newest first.
pub async fn of_work(conn: &mut Conn<'_>, work_id: &str) -> Result<Vec<DocumentRow>, StoreError> {
    let select = Select::new(HEAD).and("d.work_id = ?", [work_id.into()]);
    select.tail("ORDER BY d.issued_at DESC, d.id DESC LIMIT ?", [OF_LIMIT.into()]).fetch_all(conn).await
}

/// A paper in force, for those who pack it beside its inspection.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of documents")]
pub struct IssuedRow {
    pub inspection_id: String,
    pub kind: String,
    pub number: String,
    pub sha256: String,
}

/// The papers in force of these inspections, where the scope covers them: for a page of inspections.
pub async fn issued(conn: &mut Conn<'_>, scope: &Scope, inspections: &[String]) -> Result<Vec<IssuedRow>, StoreError> {
    if inspections.is_empty() {
        return Ok(Vec::new());
    }
    let head = "SELECT d.inspection_id, d.kind, d.number, d.sha256 FROM documents d JOIN premises p ON p.id = d.premises_id";
    let select = Select::new(head).and_any("d.inspection_id = ?", inspections.iter().map(|id| id.as_str().into()));
    scope
        .restrict(select.and("d.state = 'issued'", []), "p.path LIKE ?")
        .tail("ORDER BY d.inspection_id, d.issued_at, d.id LIMIT 20000", [])
        .fetch_all(conn)
        .await
}

/// The data a paper was set with, JSON.
pub async fn data(conn: &mut Conn<'_>, id: &str) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = Select::new("SELECT data FROM documents").and("id = ?", [id.into()]).fetch_optional(conn).await?;
    Ok(row.map(|row| row.0))
}

/// Papers whose file is not the one that was issued: id, hash of the paper, hash of the file. For `check`.
pub async fn mismatches(conn: &mut Conn<'_>) -> Result<Vec<(String, String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String, String),
        "SELECT d.id, d.sha256, f.sha256 FROM documents d JOIN files f ON f.id = d.file_id WHERE d.sha256 <> f.sha256 ORDER BY d.id LIMIT $1",
        OF_LIMIT,
    )
}

/// A paper to issue.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of documents")]
pub struct NewDocument {
    pub id: String,
    pub register: Register,
    pub number: i64,
    /// The number was reserved for who issues.
    pub reserved: bool,
    pub number_text: String,
    pub premises_id: String,
    pub premises_path: String,
    pub inspection_id: Option<String>,
    pub work_id: Option<String>,
    pub layout_version: i64,
    pub layout_sha256: String,
    pub fonts_sha256: String,
    pub program: String,
    pub data: String,
    pub data_sha256: String,
    pub file_id: String,
    pub sha256: String,
    pub pages: i64,
    pub user_id: String,
}

/// Issues a paper with its number; `false` where the number is somebody else's by now, and nothing was written.
pub async fn issue(tx: &mut Tx<'_>, new: &NewDocument, actor: &Actor, at: i64) -> Result<bool, StoreError> {
    execute!(
        tx,
        "INSERT INTO documents (id, kind, number, office_id, premises_id, inspection_id, work_id, state, layout_version, layout_sha256, fonts_sha256, program, \
           data, data_sha256, file_id, sha256, pages, issued_by, issued_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'issued', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        new.id.as_str(),
        new.register.kind,
        new.number_text.as_str(),
        new.register.office_id.as_str(),
        new.premises_id.as_str(),
        new.inspection_id.as_deref(),
        new.work_id.as_deref(),
        new.layout_version,
        new.layout_sha256.as_str(),
        new.fonts_sha256.as_str(),
        new.program.as_str(),
        new.data.as_str(),
        new.data_sha256.as_str(),
        new.file_id.as_str(),
        new.sha256.as_str(),
        new.pages,
        new.user_id.as_str(),
        at,
    )?;
    let taken = if new.reserved {
        paper_numbers::issue_reserved(tx, &new.register, new.number, &new.user_id, &new.id, new.inspection_id.as_deref(), at).await?
    } else {
        paper_numbers::issue(tx, &new.register, new.number, &new.id, at).await?
    };
    if !taken {
        return Ok(false);
    }
    let detail = json!({"kind": new.register.kind, "number": new.number_text, "sha256": new.sha256, "data_sha256": new.data_sha256,
        "inspection_id": new.inspection_id});
    let act = Act { actor, action: "document_issue", entity: Some(("document", &new.id)), path: &new.premises_path, detail };
    tx.audit(at, act).await?;
    tx.changed(at, Change::upsert(Entity::Document, &new.id, &new.premises_path).at(&new.premises_id)).await?;
    Ok(true)
}

/// Voids a paper with its number; `false` where it is void already. The file stays.
pub async fn void(tx: &mut Tx<'_>, row: &DocumentRow, actor: &Actor, reason: &str, at: i64) -> Result<bool, StoreError> {
    let voided = execute!(
        tx,
        "UPDATE documents SET state = 'void', voided_by = $2, voided_at = $3, void_reason = $4 WHERE id = $1 AND state = 'issued'",
        row.id.as_str(),
        actor.id.map(|id| id.to_string()),
        at,
        reason,
    )?;
    if voided == 0 {
        return Ok(false);
    }
    paper_numbers::void_of(tx, &row.id, reason, at).await?;
    let detail = json!({"number": row.number, "reason": reason});
    tx.audit(at, Act { actor, action: "document_void", entity: Some(("document", &row.id)), path: &row.premises_path, detail }).await?;
    tx.changed(at, Change::upsert(Entity::Document, &row.id, &row.premises_path).at(&row.premises_id)).await?;
    Ok(true)
}
