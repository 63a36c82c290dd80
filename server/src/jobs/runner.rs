//! The queue's runner: takes jobs that are due, a bounded number at once, and writes down how each went.

use std::sync::Arc;
use std::time::Duration;

use media::{OnPanic, TaskHandle};
use tokio::sync::Semaphore;
use tracing::{debug, error, warn};

use super::{FAILED_PAUSE, JobError, KINDS, Kind, back_off_ms};
use crate::App;
use crate::store::StoreError;
use crate::store::jobs::{self, JobRow};

/// Jobs that run at the same time.
pub(super) const CONCURRENT_MAX: usize = 8;
/// How long a runner keeps a job; another takes it afterwards. Longer than any job may run.
const LEASE_MS: i64 = 5 * 60_000;
/// Longest time that a job may run.
const RUN_TIMEOUT: Duration = Duration::from_secs(4 * 60);
/// How often the queue is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
const RETRY_FIRST_MS: i64 = 1_000;
const RETRY_MOST_MS: i64 = 10 * 60_000;

pub(super) fn start(app: &App) -> TaskHandle {
    let app = app.clone();
    app.supervisor.clone().task("jobs", OnPanic::Restart, move || run(app.clone()))
}

async fn run(app: App) {
    let stopping = app.supervisor.soft();
    let places = Arc::new(Semaphore::new(CONCURRENT_MAX));
    loop {
        let pause = match take(&app, places.available_permits()).await {
            Ok(taken) => {
                for job in taken {
                    // As many were taken as there are places, and only this loop takes places.
                    let place = places.clone().try_acquire_owned();
                    let app = app.clone();
                    app.supervisor.clone().once(format!("job {}", job.kind), async move {
                        let _place = place;
                        one(&app, job).await;
                    });
                }
                LOOK_INTERVAL
            }
            Err(error) => {
                warn!(%error, "the queue is looked at again");
                FAILED_PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopping.cancelled() => return,
        }
    }
}

/// Runs what is due, one after the other; how many there were.
pub(super) async fn round(app: &App, limit: usize) -> Result<usize, StoreError> {
    let taken = take(app, limit).await?;
    let count = taken.len();
    for job in taken {
        one(app, job).await;
    }
    Ok(count)
}

/// Takes what is due. Looking first keeps the writer free while there is nothing to do.
async fn take(app: &App, limit: usize) -> Result<Vec<JobRow>, StoreError> {
    let now_ms = app.clock.wall_ms();
    let next = jobs::next_run_at(&mut app.db.read().await?.conn()).await?;
    if limit == 0 || next.is_none_or(|next| next > now_ms) {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(1);
    app.db.write_apart(move |tx| Box::pin(async move { jobs::claim(tx, now_ms, LEASE_MS, limit).await })).await
}

async fn one(app: &App, job: JobRow) {
    let known = KINDS.iter().find(|kind| kind.name == job.kind);
    let ended = match known {
        Some(kind) => tokio::time::timeout(RUN_TIMEOUT, (kind.run)(app.clone(), job.clone()))
            .await
            .unwrap_or_else(|_| Err(JobError::Retry("took too long".to_owned()))),
        None => Err(JobError::GiveUp(format!("no job is called {}", job.kind))),
    };
    if let Err(error) = write_down(app, &job, known, ended).await {
        // The lease runs out and the job is done again.
        error!(%error, job = job.kind, subject = job.subject, "how it went could not be written down");
    }
}

async fn write_down(app: &App, job: &JobRow, kind: Option<&Kind>, ended: Result<(), JobError>) -> Result<(), StoreError> {
    let (id, now_ms) = (job.id.clone(), app.clock.wall_ms());
    let attempts_max = kind.map_or(1, |kind| kind.attempts_max);
    let error = match ended {
        Ok(()) => {
            debug!(job = job.kind, subject = job.subject, "done");
            return app.db.write_apart(move |tx| Box::pin(async move { jobs::finish(tx, &id, now_ms).await })).await;
        }
        Err(JobError::NotYet(after_ms)) => {
            return app.db.write_apart(move |tx| Box::pin(async move { jobs::postpone(tx, &id, now_ms + after_ms).await })).await;
        }
        Err(error) => error,
    };
    let text = error.to_string();
    if matches!(error, JobError::GiveUp(_)) || job.attempts >= attempts_max {
        error!(job = job.kind, subject = job.subject, error = text, "given up");
        return app.db.write_apart(move |tx| Box::pin(async move { jobs::give_up(tx, &id, now_ms, &text).await })).await;
    }
    let run_at = now_ms + back_off_ms(job.attempts, RETRY_FIRST_MS, RETRY_MOST_MS);
    warn!(job = job.kind, subject = job.subject, error = text, attempts = job.attempts, "will be tried again");
    app.db.write_apart(move |tx| Box::pin(async move { jobs::retry(tx, &id, run_at, &text).await })).await
}
