//! What carries notices out, for the whole bureau: mail server, gateway of text messages, key of Web Push.

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// A channel as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of notice_channels")]
pub struct ChannelRow {
    pub channel: String,
    /// JSON, nothing secret.
    pub settings: String,
    pub secret_sealed: Option<String>,
    pub version: i64,
}

/// One that is set up.
pub async fn get(conn: &mut Conn<'_>, channel: &str) -> Result<Option<ChannelRow>, StoreError> {
    fetch_optional!(conn, ChannelRow, "SELECT channel, settings, secret_sealed, version FROM notice_channels WHERE channel = $1", channel)
}

/// Names of those that are set up.
pub async fn names(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(conn, (String,), "SELECT channel FROM notice_channels ORDER BY channel LIMIT 10")?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Sets one up, or changes it.
pub async fn put(tx: &mut Tx<'_>, channel: &str, settings: &str, secret_sealed: Option<&str>, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO notice_channels (channel, settings, secret_sealed, version, updated_at) VALUES ($1, $2, $3, 1, $4) \
         ON CONFLICT (channel) DO UPDATE SET settings = excluded.settings, secret_sealed = excluded.secret_sealed, \
           version = notice_channels.version + 1, updated_at = excluded.updated_at",
        channel,
        settings,
        secret_sealed,
        at,
    )?;
    Ok(())
}

/// Takes one away; whether it was there.
pub async fn delete(tx: &mut Tx<'_>, channel: &str) -> Result<bool, StoreError> {
    Ok(execute!(tx, "DELETE FROM notice_channels WHERE channel = $1", channel)? == 1)
}
