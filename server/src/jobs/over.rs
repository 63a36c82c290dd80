//! Ends an alert of a camera that came and went, when it has stayed away for as long as repeats join.

use super::JobError;
use crate::App;
use crate::auth::Scope;
use crate::store::jobs::JobRow;
use crate::store::work::WorkError;
use crate::store::{alert_acts, alerts};

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let (id, ended_at) = job.subject.split_once(' ').unwrap_or_default();
    let row = alerts::get(&mut app.db.read().await?.conn(), &Scope::system(), id).await?;
    // There again, or ended anew: that end asks for a job of its own.
    let Some((row, ended_at)) = row.and_then(|row| row.ended_at.map(|at| (row, at))).filter(|(_, at)| at.to_string() == ended_at) else {
        return Ok(());
    };
    let left_ms = ended_at + alert_acts::repeat_interval_ms(&row) - app.clock.wall_ms();
    if left_ms > 0 {
        return Err(JobError::NotYet(left_ms));
    }
    let at = app.clock.wall_ms();
    let ended = app.db.write(move |tx| Box::pin(async move { alert_acts::end(tx, &row, at).await })).await;
    match ended {
        Ok(()) | Err(WorkError::NotFound) => Ok(()),
        Err(WorkError::Store(error)) => Err(error.into()),
        Err(error) => Err(JobError::Retry(error.to_string())),
    }
}
