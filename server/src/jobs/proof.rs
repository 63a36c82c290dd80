//! Looks whether somebody who decides has got an alert of class 1, and tells the next where nobody has.

use super::JobError;
use crate::App;
use crate::store::alert_acts::{self, PROOF_MS};
use crate::store::jobs::JobRow;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let at = app.clock.wall_ms();
    let again = app.db.write(move |tx| Box::pin(async move { alert_acts::prove(tx, &job.subject, at).await })).await?;
    if again { Err(JobError::NotYet(PROOF_MS)) } else { Ok(()) }
}
