//! Evidence: what parts promise and what has arrived, in either order.
//!
//! A row is made by whoever comes first, the part that names it or the upload that brings it. Its hash never changes: a
//! later file under the same id is another file and is refused.

use mobile_api::inspection::{Evidence, EvidenceKind};
use uuid::Uuid;

use super::sql::{Select, execute};
use super::{Conn, StoreError, Tx};

/// A piece of evidence, with its file where it has arrived.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_evidence and of its file")]
pub struct EvidenceRow {
    pub id: String,
    pub inspection_id: String,
    pub owner_id: String,
    pub kind: Option<String>,
    pub item_code: Option<String>,
    pub sha256: String,
    pub filetype: String,
    pub taken_at: Option<i64>,
    pub file_id: Option<String>,
    pub arrived_at: Option<i64>,
    pub stored_filetype: Option<String>,
    pub bytes: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub blank: bool,
}

const HEAD: &str = "SELECT e.id, e.inspection_id, e.owner_id, e.kind, e.item_code, e.sha256, e.filetype, e.taken_at, e.file_id, e.arrived_at, \
    f.filetype AS stored_filetype, f.bytes, f.width, f.height, e.blank FROM inspection_evidence e LEFT JOIN files f ON f.id = e.file_id";

/// The code of a kind, as stored.
pub fn kind_code(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Photo => "photo",
        EvidenceKind::Signature => "signature",
    }
}

/// The kind of a stored code.
pub fn kind_of(code: &str) -> Result<EvidenceKind, StoreError> {
    match code {
        "photo" => Ok(EvidenceKind::Photo),
        "signature" => Ok(EvidenceKind::Signature),
        other => Err(StoreError::damaged(format!("evidence of kind {other}"))),
    }
}

/// One piece, of whatever inspection.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<EvidenceRow>, StoreError> {
    Select::new(HEAD).and("e.id = ?", [id.into()]).fetch_optional(conn).await
}

/// What the parts of an inspection name, whether it has arrived or not. Whoever asks has found the inspection by its scope.
pub async fn of_inspection(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
    Select::new(HEAD)
        .and("e.inspection_id = ?", [inspection_id.into()])
        .and("e.kind IS NOT NULL", [])
        .tail("ORDER BY e.taken_at NULLS LAST, e.id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// What a part names and what has not arrived.
pub async fn missing(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
    Select::new(HEAD)
        .and("e.inspection_id = ?", [inspection_id.into()])
        .and("e.kind IS NOT NULL AND e.file_id IS NULL", [])
        .tail("ORDER BY e.id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// A part names a file. `Err(row)` where this id already stands for another file or belongs to another inspection.
pub async fn promise(
    tx: &mut Tx<'_>,
    inspection_id: &str,
    owner_id: Uuid,
    evidence: &Evidence,
) -> Result<Result<(), EvidenceRow>, StoreError> {
    let id = evidence.id.to_string();
    execute!(
        tx,
        "INSERT INTO inspection_evidence (id, inspection_id, owner_id, kind, item_code, sha256, filetype, taken_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, item_code = excluded.item_code, taken_at = excluded.taken_at \
         WHERE inspection_evidence.sha256 = excluded.sha256 AND inspection_evidence.inspection_id = excluded.inspection_id",
        id.as_str(),
        inspection_id,
        owner_id.to_string(),
        kind_code(evidence.kind),
        evidence.item_code.as_deref(),
        evidence.sha256.as_str(),
        evidence.filetype.as_str(),
        evidence.taken_at.0,
    )?;
    agreed(tx, &id, inspection_id, &evidence.sha256).await
}

/// No part names this file any more: what has not come is forgotten, what has come is kept unnamed.
pub async fn release(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM inspection_evidence WHERE id = $1 AND file_id IS NULL", id)?;
    execute!(tx, "UPDATE inspection_evidence SET kind = NULL, item_code = NULL WHERE id = $1", id)?;
    Ok(())
}

/// A file that arrived.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspection_evidence")]
pub struct Arrival<'a> {
    pub evidence_id: &'a str,
    pub inspection_id: &'a str,
    pub owner_id: &'a str,
    pub sha256: &'a str,
    pub filetype: &'a str,
    pub file_id: &'a str,
    /// Nothing is drawn on it.
    pub blank: bool,
}

/// Links a file that arrived. `Err(row)` as for [`promise`]; a second arrival of the same file changes nothing.
pub async fn arrive(tx: &mut Tx<'_>, arrival: &Arrival<'_>, at: i64) -> Result<Result<(), EvidenceRow>, StoreError> {
    execute!(
        tx,
        "INSERT INTO inspection_evidence (id, inspection_id, owner_id, sha256, filetype, file_id, arrived_at, blank) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET file_id = excluded.file_id, arrived_at = excluded.arrived_at, blank = excluded.blank \
         WHERE inspection_evidence.sha256 = excluded.sha256 AND inspection_evidence.inspection_id = excluded.inspection_id AND inspection_evidence.file_id IS NULL",
        arrival.evidence_id,
        arrival.inspection_id,
        arrival.owner_id,
        arrival.sha256,
        arrival.filetype,
        arrival.file_id,
        at,
        arrival.blank,
    )?;
    agreed(tx, arrival.evidence_id, arrival.inspection_id, arrival.sha256).await
}

/// Whether a part calls this file a signature.
pub async fn is_signature(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(get(conn, id).await?.is_some_and(|row| row.kind.as_deref() == Some(kind_code(EvidenceKind::Signature))))
}

async fn agreed(tx: &mut Tx<'_>, id: &str, inspection_id: &str, sha256: &str) -> Result<Result<(), EvidenceRow>, StoreError> {
    let row = get(tx, id).await?.ok_or_else(|| StoreError::damaged("evidence that was just written is not there"))?;
    Ok(if row.sha256 == sha256 && row.inspection_id == inspection_id { Ok(()) } else { Err(row) })
}
