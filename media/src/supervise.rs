//! Named tasks under supervision: the only place that may call `tokio::spawn`.
//!
//! A panic is a bug, but one camera's bug must not stop the recording of the others: it is logged, counted, and the
//! task is started again with back-off, or, where going on would be wrong, the whole program is told to stop.
//! Shutdown has two steps: *soft* asks tasks to finish what they hold (close the open segment, answer the request),
//! *hard* drops whatever is still running when the deadline has passed.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// First pause before a panicked task starts again.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// Longest pause before a panicked task starts again.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A task that ran this long before it panicked starts again with the shortest pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How much nicer than the program [`idle`] work is: as nice as can be.
const IDLE_NICENESS: i32 = 19;

/// What a panic of a task means for the rest of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPanic {
    /// Start the task again, after a pause that doubles up to 30 s.
    Restart,
    /// The program cannot go on without this task: cancel [`Supervisor::fatal`].
    Fatal,
    /// The task was for one occasion: log, count and let it be.
    Log,
}

/// The function given to [`Supervisor::blocking`] panicked, or the program is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the work \"{name}\" did not finish")]
pub struct Unfinished {
    /// The name the work was given.
    pub name: String,
}

/// Starts, names, counts and stops tasks. A cheap handle; clones share the same tasks.
#[derive(Debug, Clone, Default)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
    fatal: CancellationToken,
    panics: AtomicU64,
    restarts: AtomicU64,
    next_id: AtomicU64,
    running: Mutex<BTreeMap<u64, String>>,
}

/// A handle on one supervised task. Dropping it does not stop the task.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    done: CancellationToken,
    abort: CancellationToken,
}

impl TaskHandle {
    /// Drops the task at its next await. Prefer a token of the task's own where it has something to close.
    pub fn abort(&self) {
        self.abort.cancel();
    }

    /// Completes when the task has ended for good.
    pub async fn ended(&self) {
        self.done.cancelled().await;
    }

    /// Whether the task has ended for good.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.done.is_cancelled()
    }
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when tasks shall take no more work and finish what they hold.
    #[must_use]
    pub fn soft(&self) -> CancellationToken {
        self.inner.soft.clone()
    }

    /// Cancelled when tasks are about to be dropped where they stand.
    #[must_use]
    pub fn hard(&self) -> CancellationToken {
        self.inner.hard.clone()
    }

    /// Cancelled when a task marked [`OnPanic::Fatal`] has panicked; the program should shut down and exit non-zero.
    #[must_use]
    pub fn fatal(&self) -> CancellationToken {
        self.inner.fatal.clone()
    }

    /// Panics caught since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.inner.panics.load(Ordering::Relaxed)
    }

    /// Restarts after panics since the start.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.inner.restarts.load(Ordering::Relaxed)
    }

    /// Names of the tasks that run now.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        self.inner.names().values().cloned().collect()
    }

    /// Runs `make()` to its end as the task `name`; after a panic, `on_panic` decides.
    pub fn task<F, Fut>(&self, name: impl Into<String>, on_panic: OnPanic, make: F) -> TaskHandle
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handle = TaskHandle { done: CancellationToken::new(), abort: CancellationToken::new() };
        let registered = Registered::new(self.inner.clone(), name.into(), handle.done.clone());
        let abort = handle.abort.clone();
        self.inner.tracker.spawn(supervised(registered, abort, on_panic, make));
        handle
    }

    /// Runs `future` once as the task `name`; a panic is logged and counted.
    pub fn once(&self, name: impl Into<String>, future: impl Future<Output = ()> + Send + 'static) -> TaskHandle {
        let mut future = Some(future.boxed());
        self.task(name, OnPanic::Log, move || {
            let future = future.take();
            async move {
                if let Some(future) = future {
                    future.await;
                }
            }
        })
    }

    /// Runs `work` on the pool for blocking work: files, decoding, hashing.
    ///
    /// # Errors
    /// [`Unfinished`] when `work` panicked (logged and counted).
    pub async fn blocking<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let name = name.into();
        let registered = Registered::new(self.inner.clone(), name.clone(), CancellationToken::new());
        let run = self.inner.tracker.spawn_blocking(move || {
            let registered = registered;
            std::panic::catch_unwind(AssertUnwindSafe(work))
                .inspect_err(|panic| registered.inner.note_panic(&registered.name, panic.as_ref()))
                .ok()
        });
        run.await.ok().flatten().ok_or(Unfinished { name })
    }

    /// Asks all tasks to finish, waits for `patience`, then drops the rest.
    ///
    /// Returns the names of the tasks that had to be dropped; empty means everything closed in order.
    pub async fn shutdown(&self, patience: Duration) -> Vec<String> {
        self.inner.tracker.close();
        self.inner.soft.cancel();
        if tokio::time::timeout(patience, self.inner.tracker.wait()).await.is_ok() {
            self.inner.hard.cancel();
            return Vec::new();
        }
        let dropped = self.running();
        tracing::warn!(tasks = ?dropped, "tasks did not finish in time and are dropped");
        self.inner.hard.cancel();
        // Blocking work cannot be dropped; give the async tasks a moment to unwind and go on.
        let _unfinished = tokio::time::timeout(Duration::from_secs(1), self.inner.tracker.wait()).await;
        dropped
    }
}

impl Inner {
    fn names(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_panic(&self, name: &str, panic: &(dyn Any + Send)) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        tracing::error!(task = name, panic = text, "task panicked");
    }
}

/// Keeps a task's name in the list for as long as the task lives, however it ends.
struct Registered {
    inner: Arc<Inner>,
    id: u64,
    name: String,
    done: CancellationToken,
}

impl Registered {
    fn new(inner: Arc<Inner>, name: String, done: CancellationToken) -> Self {
        let id = inner.next_id.fetch_add(1, Ordering::Relaxed);
        inner.names().insert(id, name.clone());
        Self { inner, id, name, done }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.inner.names().remove(&self.id);
        self.done.cancel();
    }
}

async fn supervised<F, Fut>(task: Registered, abort: CancellationToken, on_panic: OnPanic, mut make: F)
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let inner = task.inner.clone();
    let mut pause = BACKOFF_MIN;
    loop {
        let started = Instant::now();
        let run = AssertUnwindSafe(async { make().await }).catch_unwind();
        let ended = tokio::select! {
            ended = run => ended,
            () = inner.hard.cancelled() => return,
            () = abort.cancelled() => return,
        };
        let Err(panic) = ended else { return };
        inner.note_panic(&task.name, panic.as_ref());
        match on_panic {
            OnPanic::Log => return,
            OnPanic::Fatal => {
                inner.fatal.cancel();
                return;
            }
            OnPanic::Restart => {}
        }
        if started.elapsed() >= HEALTHY_AFTER {
            pause = BACKOFF_MIN;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = inner.soft.cancelled() => return,
            () = abort.cancelled() => return,
        }
        inner.restarts.fetch_add(1, Ordering::Relaxed);
        pause = (pause * 2).min(BACKOFF_MAX);
    }
}

/// Runs `work` on a thread of its own that takes what all others leave of the processors.
///
/// # Errors
/// [`Unfinished`] when `work` panicked, or no thread could be had.
pub async fn idle<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
    let (done, waiting) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // On Linux each thread has its own; one that cannot be had is a kindness less.
        let _kind = rustix::process::nice(IDLE_NICENESS);
        // Nobody listens any more where the program ends.
        let _ = done.send(work());
    });
    let unfinished = || Unfinished { name: name.to_owned() };
    thread.map_err(|_| unfinished())?;
    // A panic drops the sender.
    waiting.await.map_err(|_| unfinished())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    const DEADLINE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_task_that_panics_is_counted_and_started_again() {
        let supervisor = Supervisor::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = runs.clone();
        let task = supervisor.task("fragile", OnPanic::Restart, move || {
            let counter = counter.clone();
            async move { assert!(counter.fetch_add(1, Ordering::SeqCst) >= 2, "not yet") }
        });
        tokio::time::timeout(DEADLINE, task.ended()).await.expect("the third run ends well");
        assert_eq!((runs.load(Ordering::SeqCst), supervisor.panics(), supervisor.restarts()), (3, 2, 2));
        assert!(!supervisor.fatal().is_cancelled());
    }

    #[tokio::test]
    async fn a_fatal_task_stops_the_program() {
        let supervisor = Supervisor::new();
        supervisor.task("vital", OnPanic::Fatal, || async { panic!("gone") });
        tokio::time::timeout(DEADLINE, supervisor.fatal().cancelled()).await.expect("fatal is told");
    }

    #[tokio::test]
    async fn shutdown_waits_for_those_that_finish_and_names_those_that_do_not() {
        let supervisor = Supervisor::new();
        let soft = supervisor.soft();
        supervisor.once("obedient", async move { soft.cancelled().await });
        let stuck = supervisor.once("stuck", futures::future::pending());
        assert_eq!(supervisor.running().len(), 2);
        assert_eq!(supervisor.shutdown(Duration::from_millis(200)).await, ["stuck"]);
        tokio::time::timeout(DEADLINE, stuck.ended()).await.expect("dropped by hard shutdown");
    }

    #[tokio::test]
    async fn idle_work_is_nicer_than_the_program_and_gives_its_result() {
        let own = rustix::process::nice(0).expect("known");
        let nicer = idle("look", || rustix::process::nice(0).expect("known")).await.expect("no panic");
        assert_eq!((nicer, rustix::process::nice(0).expect("known")), (IDLE_NICENESS, own));
        assert!(idle("bad", || -> u8 { panic!("no") }).await.is_err());
    }

    #[tokio::test]
    async fn blocking_work_gives_its_result_or_says_that_it_panicked() {
        let supervisor = Supervisor::new();
        assert_eq!(supervisor.blocking("sum", || 1 + 1).await.expect("no panic"), 2);
        let failed = supervisor.blocking("bad", || -> u8 { panic!("no") }).await;
        assert!(failed.is_err());
        assert_eq!(supervisor.panics(), 1);
    }
}
