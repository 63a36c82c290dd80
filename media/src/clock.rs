//! Time, passed in so that tests can step it.
//!
//! Wall time names moments for people and files and may jump; monotonic time measures durations and never does.
//! Everything in this crate that waits for a rule (back-off, watchdog, retention) waits on a [`Clock`].

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

/// A source of wall and monotonic time.
pub trait Clock: Send + Sync + Debug {
    /// Milliseconds since 1970-01-01 UTC; may jump when the machine's clock is set.
    fn wall_ms(&self) -> i64;
    /// Time since an arbitrary start; never goes back.
    fn monotonic(&self) -> Duration;
    /// Completes once [`Clock::monotonic`] has advanced by `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct SimulatedClock {
    wall_ms: Mutex<i64>,
    monotonic: watch::Sender<Duration>,
}

impl SimulatedClock {
    /// A clock that shows `wall_ms` and a monotonic time of zero.
    #[must_use]
    pub fn new(wall_ms: i64) -> Self {
        Self { wall_ms: Mutex::new(wall_ms), monotonic: watch::Sender::new(Duration::ZERO) }
    }

    /// Lets `duration` pass on both clocks and wakes sleepers that are due.
    pub fn advance(&self, duration: Duration) {
        self.step_wall(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        self.monotonic.send_modify(|now| *now += duration);
    }

    /// Sets the wall clock forwards or back, as an administrator or NTP would; monotonic time does not notice.
    pub fn step_wall(&self, by_ms: i64) {
        let mut wall_ms = self.wall_ms.lock().unwrap_or_else(PoisonError::into_inner);
        *wall_ms = wall_ms.saturating_add(by_ms);
    }
}

impl Clock for SimulatedClock {
    fn wall_ms(&self) -> i64 {
        *self.wall_ms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn monotonic(&self) -> Duration {
        *self.monotonic.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut now = self.monotonic.subscribe();
        let due = *now.borrow() + duration;
        async move {
            // The sender lives in the clock; when the clock is gone nobody can step it, and sleeping on is right.
            if now.wait_for(|now| *now >= due).await.is_err() {
                futures::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_simulated_clock_passes_its_time_and_not_before() {
        let clock = SimulatedClock::new(1_000);
        let mut sleeper = clock.sleep(Duration::from_secs(5));
        clock.advance(Duration::from_secs(4));
        assert!((&mut sleeper).now_or_never().is_none());
        clock.step_wall(60_000);
        assert!((&mut sleeper).now_or_never().is_none(), "a wall step must not wake anybody");
        clock.advance(Duration::from_secs(1));
        assert!(sleeper.now_or_never().is_some());
        assert_eq!(clock.wall_ms(), 1_000 + 5_000 + 60_000);
    }
}
