//! Signs the head of the audit chain once a day, in the database and in a file outside it.
//!
//! Who can write the database could write a whole new chain; the lines of `DATA/audit-heads.log` (to be copied elsewhere)
//! and the signatures say what the chain was on each day.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::App;
use crate::store::{StoreError, audit_heads, journal};

/// The file in the data folder.
pub const LOG_FILE: &str = "audit-heads.log";
/// How often it is looked whether a day has begun.
const LOOK_EVERY: Duration = Duration::from_secs(300);
const ZONE: &str = "Asia/Shanghai";

/// Why a day could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file in the data folder.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The clock is outside of what a calendar holds.
    #[error("the clock is not right: {0}")]
    Clock(#[from] jiff::Error),
}

/// Signs each new day until `soft` is cancelled.
pub async fn run(app: App, data: PathBuf, soft: CancellationToken) {
    loop {
        if let Err(error) = sign_day(&app, &data).await {
            error!(%error, "the head of the audit chain could not be signed");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = soft.cancelled() => return,
        }
    }
}

/// Signs today's head where that has not been done and there is one. Whether it signed.
pub async fn sign_day(app: &App, data: &Path) -> Result<bool, HeadError> {
    let now_ms = app.clock.wall_ms();
    let day = Timestamp::from_millisecond(now_ms)?.in_tz(ZONE)?.date().to_string();
    let (head, newest) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (journal::audit_head(conn).await?, audit_heads::newest(conn).await?)
    };
    let Some((seq, hash)) = head else { return Ok(false) };
    if newest.is_some_and(|newest| newest.day >= day) {
        return Ok(false);
    }
    let (key_id, signature) = app.keys.sign_statement(&audit_heads::statement(&day, seq, &hash));
    let line = format!("{day} {seq} {hash} {key_id} {signature}\n");
    // The file first: a signature that is only in the database would be of no use.
    let path = data.join(LOG_FILE);
    let written = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|cause| HeadError::File { path, cause })?;
    let signed = app
        .db
        .write(move |tx| Box::pin(async move { audit_heads::insert(tx, &day, (seq, &hash), &key_id, &signature, now_ms).await }))
        .await?;
    Ok(signed)
}
