//! Lets recordings go that were put on hold for an alert which turned out to be one more occurrence of another.

use media::segment::HoldId;

use super::JobError;
use crate::App;
use crate::store::jobs::JobRow;

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let hold = job.subject.parse().map_err(|_| JobError::GiveUp("the subject is no hold".to_owned()))?;
    let Some(engine) = &app.engine else { return Err(JobError::Retry("no recordings here".to_owned())) };
    engine.release(HoldId(hold)).await.map_err(|error| JobError::Retry(error.to_string()))?;
    Ok(())
}
