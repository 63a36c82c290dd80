//! Public pages of premises: a random word in the address, and what may be said there.

use super::sql::{execute, fetch_optional};
use super::{Conn, StoreError, Tx};

/// What is said of a premises in public. Nobody is named.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises, inspections and documents")]
pub struct PublicRow {
    pub premises_name: String,
    pub premises_kind: String,
    pub premises_path: String,
    pub address: Option<String>,
    pub disabled_at: Option<i64>,
    pub inspection_id: Option<String>,
    pub kind: Option<String>,
    pub happened_at: Option<i64>,
    pub result: Option<String>,
    pub notice_sha256: Option<String>,
    pub notice_bytes: Option<i64>,
    pub notice_number: Option<String>,
}

/// The page of this word; the newest complete inspection and the newest notice in force.
pub async fn by_token(conn: &mut Conn<'_>, token: &str) -> Result<Option<PublicRow>, StoreError> {
    fetch_optional!(
        conn,
        PublicRow,
        "SELECT p.name AS premises_name, p.kind AS premises_kind, p.path AS premises_path, p.address, p.disabled_at, i.id AS inspection_id, i.kind, i.happened_at, i.result, \
           d.sha256 AS notice_sha256, f.bytes AS notice_bytes, d.number AS notice_number \
         FROM disclosures x JOIN premises p ON p.id = x.premises_id \
         LEFT JOIN inspections i ON i.id = (SELECT n.id FROM inspections n WHERE n.premises_id = p.id AND n.state = 'complete' ORDER BY n.happened_at DESC, n.id DESC LIMIT 1) \
         LEFT JOIN documents d ON d.id = (SELECT m.id FROM documents m WHERE m.premises_id = p.id AND m.kind = 'disclosure' AND m.state = 'issued' \
           ORDER BY m.issued_at DESC, m.id DESC LIMIT 1) \
         LEFT JOIN files f ON f.id = d.file_id WHERE x.token = $1",
        token,
    )
}

/// The word of a premises, where it has one.
pub async fn token_of(conn: &mut Conn<'_>, premises_id: &str) -> Result<Option<String>, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT token FROM disclosures WHERE premises_id = $1", premises_id)?.map(|row| row.0))
}

/// Gives a premises a word, in the place of the one it has.
pub async fn put(tx: &mut Tx<'_>, premises_id: &str, token: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO disclosures (premises_id, token, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (premises_id) DO UPDATE SET token = excluded.token, created_at = excluded.created_at",
        premises_id,
        token,
        at,
    )?;
    Ok(())
}

/// The newest complete inspection of a premises: its id, when it was complete, and when a notice about it was issued.
pub async fn latest(conn: &mut Conn<'_>, premises_id: &str) -> Result<Option<(String, i64, Option<i64>)>, StoreError> {
    fetch_optional!(
        conn,
        (String, i64, Option<i64>),
        "SELECT i.id, COALESCE(i.complete_at, i.submitted_at, i.happened_at), \
           (SELECT MIN(d.issued_at) FROM documents d WHERE d.inspection_id = i.id AND d.kind = 'disclosure' AND d.state = 'issued') \
         FROM inspections i WHERE i.premises_id = $1 AND i.state = 'complete' ORDER BY i.happened_at DESC, i.id DESC LIMIT 1",
        premises_id,
    )
}
