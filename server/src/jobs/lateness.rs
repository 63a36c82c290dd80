//! Looks at the clocks that may have something to say: reminders at half-time, lateness and its levels.

use crate::App;
use crate::store::{StoreError, lateness, work_clocks};

/// Clocks that are looked at in one page.
const PAGE: i64 = 200;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let mut after = String::new();
    loop {
        let page = work_clocks::speaking(&mut app.db.read().await?.conn(), now_ms, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.0);
        for (clock_id, work_id) in page {
            // One transaction each: one that fails leaves the others be.
            app.db.write(move |tx| Box::pin(async move { lateness::tick(tx, &work_id, &clock_id, now_ms).await })).await?;
        }
    }
}
