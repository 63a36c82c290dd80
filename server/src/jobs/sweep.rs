//! Forgets what nobody asks for any more: spent tokens, answers kept for repeated requests, jobs and deliveries long done,
//! uploads that were never finished, pictures that nobody named, changes older than any phone should be. Then the store is tidied.

use crate::App;
use crate::store::{StoreError, deliveries, jobs, logins, notice_ways, sync, webhooks};

/// How long jobs and deliveries that are done can be looked at, ms.
const DONE_MS: i64 = 30 * 24 * 3_600_000;

/// How long it can be looked at how notices went out, ms.
const DELIVERED_MS: i64 = 90 * 24 * 3_600_000;

/// How long a phone may be away and still go on from its cursor, ms.
const CHANGES_MS: i64 = 90 * 24 * 3_600_000;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    if let Err(problem) = crate::uploads::sweep(&app).await {
        tracing::warn!(%problem, "uploads will be swept again");
    }
    crate::drafts::sweep(&app).await?;
    crate::files::sweep(&app).await?;
    app.db.tidy().await?;
    app.db
        .write(move |tx| {
            Box::pin(async move {
                logins::sweep(tx, now_ms).await?;
                jobs::sweep(tx, now_ms - DONE_MS).await?;
                webhooks::sweep(tx, now_ms - DONE_MS).await?;
                deliveries::sweep(tx, now_ms - DELIVERED_MS).await?;
                notice_ways::sweep(tx).await?;
                sync::forget_before(tx, now_ms - CHANGES_MS).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await
}
