//! Work beside the requests: the queue's runner, and what is looked at again and again.
//!
//! One file a job. A job may run twice (its lease ran out, the program was killed), so each looks at what is there before
//! it acts. Failures are tried again with growing pauses and given up with a reason that `system/health` counts.

mod clip;
mod deliver;
mod disk;
pub(crate) mod hold;
mod lateness;
mod noise;
mod over;
mod patrols;
mod photos;
mod proof;
mod release;
mod risk;
mod runner;
mod self_checks;
mod send;
mod settle;
mod statistics;
mod sweep;
mod tell;
pub(crate) mod trial;

use std::time::Duration;

use futures::future::BoxFuture;
use media::{OnPanic, TaskHandle};
use tracing::warn;

use crate::App;
use crate::store::StoreError;
use crate::store::jobs::JobRow;

pub use deliver::{SIGNATURE_HEADER, signature};
pub(crate) use settle::WATCHED_MS;

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
enum JobError {
    /// Trying again may help; counts as a try.
    #[error("{0}")]
    Retry(String),
    /// Not ready yet: look again after this time, ms. Not counted as a try.
    #[error("not yet")]
    NotYet(i64),
    /// Trying again does not help.
    #[error("{0}")]
    GiveUp(String),
    /// The database; trying again may help.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What runs a kind of job.
type Run = fn(App, JobRow) -> BoxFuture<'static, Result<(), JobError>>;

/// Pause after the database did not answer.
const FAILED_PAUSE: Duration = Duration::from_secs(2);

/// A kind of job.
struct Kind {
    name: &'static str,
    run: Run,
    /// Tries before it is given up.
    attempts_max: i64,
}

/// Every kind there is.
const KINDS: &[Kind] = &[
    Kind { name: "clip", run: |app, job| Box::pin(clip::run(app, job)), attempts_max: 20 },
    Kind { name: "tell", run: |app, job| Box::pin(tell::run(app, job)), attempts_max: 20 },
    Kind { name: "proof", run: |app, job| Box::pin(proof::run(app, job)), attempts_max: 20 },
    Kind { name: "hold", run: |app, job| Box::pin(hold::run(app, job)), attempts_max: 20 },
    Kind { name: "release", run: |app, job| Box::pin(release::run(app, job)), attempts_max: 20 },
    Kind { name: "over", run: |app, job| Box::pin(over::run(app, job)), attempts_max: 20 },
    Kind { name: "trial", run: |app, job| Box::pin(trial::run(app, job)), attempts_max: trial::ATTEMPTS_MAX },
    Kind { name: "settle", run: |app, job| Box::pin(settle::run(app, job)), attempts_max: 20 },
];

/// Starts everything that runs beside the requests; it stops with the supervisor.
pub fn start(app: &App) -> Vec<TaskHandle> {
    vec![
        runner::start(app),
        rounds(app, "webhooks", Duration::from_millis(250), |app| Box::pin(deliver::round(app))),
        rounds(app, "notices", Duration::from_millis(500), |app| Box::pin(send::round(app))),
        every(app, "lateness", Duration::from_secs(5), |app| Box::pin(lateness::look(app))),
        every(app, "self-checks", Duration::from_secs(60), |app| Box::pin(self_checks::look(app))),
        every(app, "patrols", Duration::from_secs(30), |app| Box::pin(patrols::look(app))),
        every(app, "photos", Duration::from_secs(2), |app| Box::pin(photos::look(app))),
        every(app, "holds", Duration::from_secs(30), |app| Box::pin(hold::look(app))),
        every(app, "statistics", Duration::from_secs(600), |app| Box::pin(statistics::look(app))),
        every(app, "noise", Duration::from_secs(600), |app| Box::pin(noise::look(app))),
        every(app, "risk", Duration::from_secs(60), |app| Box::pin(risk::look(app))),
        every(app, "disk forecast", Duration::from_secs(1_800), |app| Box::pin(disk::look(app))),
        every(app, "last used", Duration::from_secs(60), |app| Box::pin(async move { app.logins.last_used().write(&app.db).await })),
        every(app, "sweep", Duration::from_secs(3_600), |app| Box::pin(sweep::look(app))),
    ]
}

/// Runs every job, clock and delivery that is due now; for tests that step the clock.
pub async fn run_due(app: &App) -> Result<(), StoreError> {
    hold::look(app.clone()).await?;
    while runner::round(app, runner::CONCURRENT_MAX).await? > 0 {}
    lateness::look(app.clone()).await?;
    while deliver::round(app).await? > 0 {}
    while send::round(app).await? > 0 {}
    Ok(())
}

/// Opens the photos that wait, as the program does every two seconds.
pub async fn open_photos(app: &App) -> Result<(), StoreError> {
    photos::look(app.clone()).await
}

/// Reminds canteens of their papers and samples, as the program does every minute.
pub async fn remind_of_papers(app: &App) -> Result<(), StoreError> {
    self_checks::look(app.clone()).await
}

/// Draws the patrols of the day, as the program does twice a minute.
pub async fn draw_patrols(app: &App) -> Result<(), StoreError> {
    patrols::look(app.clone()).await
}

/// Counts the days that are not counted yet, as the program does every ten minutes.
pub async fn count_days(app: &App) -> Result<(), StoreError> {
    statistics::look(app.clone()).await
}

/// Scores premises where today's scores are lacking, as the program does every minute.
pub async fn score_premises(app: &App) -> Result<(), StoreError> {
    risk::look(app.clone()).await
}

/// Proposes other figures for rules whose flags are mostly dismissed, as the program does every ten minutes.
pub async fn propose_rules(app: &App) -> Result<(), StoreError> {
    noise::look(app.clone()).await
}

/// Looks ahead on the recordings' disk, as the program does every half an hour.
pub async fn look_ahead(app: &App) -> Result<(), StoreError> {
    disk::look(app.clone()).await
}

/// Looks again and again at `interval` of the program's clock.
fn every(app: &App, name: &'static str, interval: Duration, look: fn(App) -> BoxFuture<'static, Result<(), StoreError>>) -> TaskHandle {
    let app = app.clone();
    app.supervisor.clone().task(name, OnPanic::Restart, move || {
        let app = app.clone();
        async move {
            let stopping = app.supervisor.soft();
            loop {
                if let Err(error) = look(app.clone()).await {
                    warn!(job = name, %error, "will be looked at again");
                }
                tokio::select! {
                    () = app.clock.sleep(interval) => {}
                    () = stopping.cancelled() => return,
                }
            }
        }
    })
}

/// What one round of an outbox tries: how many there were.
type Round = for<'a> fn(&'a App) -> BoxFuture<'a, Result<usize, StoreError>>;

/// Works an outbox off, round after round while something is due, and looks again at `interval`.
fn rounds(app: &App, name: &'static str, interval: Duration, round: Round) -> TaskHandle {
    let app = app.clone();
    app.supervisor.clone().task(name, OnPanic::Restart, move || {
        let app = app.clone();
        async move {
            let stopping = app.supervisor.soft();
            loop {
                let pause = match round(&app).await {
                    Ok(0) => interval,
                    Ok(_) => Duration::ZERO,
                    Err(error) => {
                        warn!(outbox = name, %error, "what goes out is looked at again");
                        FAILED_PAUSE
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stopping.cancelled() => return,
                }
            }
        }
    })
}

/// The pause before try number `attempts + 1`: doubling from `first_ms`, at most `most_ms`.
fn back_off_ms(attempts: i64, first_ms: i64, most_ms: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 40) - 1).unwrap_or(0);
    first_ms.saturating_mul(2_i64.saturating_pow(doublings)).min(most_ms)
}

#[cfg(test)]
mod tests {
    use super::back_off_ms;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses: Vec<_> = (1..=6).map(|attempts| back_off_ms(attempts, 1_000, 10_000)).collect();
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(back_off_ms(1_000, 1_000, 10_000), 10_000);
    }
}
