//! Signed heads of the audit chain, one a day.

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// A day's signature over the head of the chain, with the key that verifies it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of audit_heads and signing_keys")]
pub struct SignedHeadRow {
    pub day: String,
    pub seq: i64,
    pub hash: String,
    pub key_id: String,
    pub signature: String,
    pub signed_at: i64,
    pub public_key: String,
}

impl SignedHeadRow {
    /// What was signed.
    pub fn statement(&self) -> String {
        statement(&self.day, self.seq, &self.hash)
    }
}

/// What is signed of a day's head.
pub fn statement(day: &str, seq: i64, hash: &str) -> String {
    format!("{day} {seq} {hash}")
}

/// The newest.
pub async fn newest(conn: &mut Conn<'_>) -> Result<Option<SignedHeadRow>, StoreError> {
    fetch_optional!(
        conn,
        SignedHeadRow,
        "SELECT h.day, h.seq, h.hash, h.key_id, h.signature, h.signed_at, k.public_key FROM audit_heads h JOIN signing_keys k ON k.id = h.key_id \
         ORDER BY h.day DESC LIMIT 1",
    )
}

/// Those after a day, oldest first, for `check`.
pub async fn after(conn: &mut Conn<'_>, day: &str, limit: i64) -> Result<Vec<SignedHeadRow>, StoreError> {
    fetch_all!(
        conn,
        SignedHeadRow,
        "SELECT h.day, h.seq, h.hash, h.key_id, h.signature, h.signed_at, k.public_key FROM audit_heads h JOIN signing_keys k ON k.id = h.key_id \
         WHERE h.day > $1 ORDER BY h.day LIMIT $2",
        day,
        limit,
    )
}

/// Keeps a day's signature; `false` where the day has one already.
pub async fn insert(tx: &mut Tx<'_>, day: &str, head: (i64, &str), key_id: &str, signature: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "INSERT INTO audit_heads (day, seq, hash, key_id, signature, signed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (day) DO NOTHING",
        day,
        head.0,
        head.1,
        key_id,
        signature,
        at,
    )?;
    Ok(done == 1)
}
