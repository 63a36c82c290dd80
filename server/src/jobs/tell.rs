//! Tells premises and bureau of an alert that still lasts when its class says so, and starts the time to answer.

use super::JobError;
use crate::App;
use crate::store::alert_acts;
use crate::store::jobs::JobRow;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let at = app.clock.wall_ms();
    app.db.write(move |tx| Box::pin(async move { alert_acts::tell(tx, &job.subject, at).await })).await?;
    Ok(())
}
