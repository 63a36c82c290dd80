//! Forgets what nobody asks for any more: spent tokens, answers kept for repeated requests, jobs and deliveries long done.

use crate::App;
use crate::store::{StoreError, jobs, logins, webhooks};

/// How long jobs and deliveries that are done can be looked at, ms.
const DONE_MS: i64 = 30 * 24 * 3_600_000;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                logins::sweep(tx, now_ms).await?;
                jobs::sweep(tx, now_ms - DONE_MS).await?;
                webhooks::sweep(tx, now_ms - DONE_MS).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await
}
