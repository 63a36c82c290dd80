//! SQLite's one writer, with group commit.
//!
//! Callers queue their work; the writer runs what is waiting in one transaction, each caller in a savepoint of its own, so
//! that one bad row fails alone and many callers share one sync to disk. Answers go out only after the commit: an
//! acknowledged write survives a power cut. What the callers note in the change log and the audit log is numbered and linked here,
//! for all of them together. Each statement is two changes of thread, so what may go together is one.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use media::supervise::Supervisor;
use sqlx::SqlitePool;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::error;

use super::journal::Journal;
use super::{Conn, StoreError, Tx};

/// Callers that may wait; the next one waits for a place.
const QUEUE_LIMIT: usize = 1_024;
/// Callers that share one commit.
const GROUP_LIMIT: usize = 64;

/// Tells one caller how the commit went.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// One caller's work: whether to keep it, and how to answer.
type Work = Box<dyn for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, (bool, Answer)> + Send>;

pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    done: watch::Receiver<bool>,
}

impl Writer {
    pub(super) fn start(pool: SqlitePool, head: watch::Sender<i64>, access: Arc<AtomicU64>, supervisor: &Supervisor) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_LIMIT);
        let (finished, done) = watch::channel(false);
        // It ends when every sender is gone, not with the others' soft shutdown: they write until their end.
        supervisor.once("store writer", async move {
            run(pool, waiting, head, access).await;
            finished.send_replace(true);
        });
        Self { queue: Mutex::new(Some(queue)), done }
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let boxed: Work = Box::new(move |tx| {
            async move {
                let result = work(tx).await;
                let keep = result.is_ok();
                let finish: Answer = Box::new(move |commit| {
                    // Nobody listens when the caller has gone away; the write stands all the same.
                    let _ = reply.send(commit.map_err(E::from).and(result));
                });
                (keep, finish)
            }
            .boxed()
        });
        let closed = || E::from(StoreError::Unavailable("the store is closed".to_owned()));
        let queue = self.queue.lock().ok().and_then(|queue| queue.clone()).ok_or_else(closed)?;
        queue.send(boxed).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Takes no more work and waits for what was queued.
    pub(super) async fn stop(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        let mut done = self.done.clone();
        let _ = done.wait_for(|done| *done).await;
    }
}

async fn run(pool: SqlitePool, mut waiting: mpsc::Receiver<Work>, head: watch::Sender<i64>, access: Arc<AtomicU64>) {
    let mut group = Vec::with_capacity(GROUP_LIMIT);
    while waiting.recv_many(&mut group, GROUP_LIMIT).await > 0 {
        match pool.acquire().await {
            Ok(mut connection) => commit_group(&mut connection, &mut group, &head, &access).await,
            // Dropping the work tells each caller that the store is not available.
            Err(error) => {
                error!(%error, "the writer has no connection");
                group.clear();
            }
        }
    }
}

async fn commit_group(connection: &mut SqliteConnection, group: &mut Vec<Work>, head: &watch::Sender<i64>, access: &AtomicU64) {
    let mut answers = Vec::with_capacity(group.len());
    let mut wrote = Wrote::default();
    let outcome = write_group(connection, group, &mut answers, &mut wrote).await;
    if let Err(error) = &outcome {
        error!(%error, callers = answers.len(), "a group of writes was not committed");
        if sqlx::query("ROLLBACK").execute(&mut *connection).await.is_err() {
            // The connection may be unusable; the pool opens another after a failed ping.
            let _ = connection.ping().await;
        }
        group.clear();
    } else {
        if wrote.access {
            access.fetch_add(1, Ordering::SeqCst);
        }
        // Modify, then notify: readers that wake find the rows.
        if let Some(number) = wrote.number {
            head.send_replace(number);
        }
    }
    for answer in answers {
        answer(outcome.clone());
    }
}

/// What a group has written.
#[derive(Default)]
struct Wrote {
    /// The newest number of the change log.
    number: Option<i64>,
    /// Something that may change a login or what somebody may do.
    access: bool,
}

async fn write_group(
    connection: &mut SqliteConnection,
    group: &mut Vec<Work>,
    answers: &mut Vec<Answer>,
    wrote: &mut Wrote,
) -> Result<(), StoreError> {
    sqlx::query("BEGIN IMMEDIATE; SAVEPOINT caller").execute(&mut *connection).await?;
    let mut journal = Journal::default();
    for work in group.drain(..) {
        let mut tx = Tx::new(Conn::Sqlite(connection));
        // A caller's bug must not take the writer away from everybody: its answer is dropped, its savepoint rolled back.
        let done = AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
        let (keep, answer) = done.map_or((false, None), |(keep, answer)| (keep, Some(answer)));
        wrote.access |= keep && !tx.leaves_access;
        let noted = tx.journal;
        if answer.is_none() {
            error!("a write panicked");
        }
        answers.extend(answer);
        // The savepoint that is gone back to is there for the next caller.
        let end = if keep { "RELEASE caller; SAVEPOINT caller" } else { "ROLLBACK TO caller" };
        sqlx::query(end).execute(&mut *connection).await?;
        if keep {
            journal.append(noted);
        }
    }
    wrote.number = journal.write_numbered(&mut Conn::Sqlite(connection)).await?;
    sqlx::query("RELEASE caller; COMMIT").execute(&mut *connection).await?;
    Ok(())
}
