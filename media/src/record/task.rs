//! One camera: open the source, record until something fails, tear down, wait, again.
//!
//! Any failure rebuilds; nothing is repaired in place. The task owns everything of its camera and is spoken to through a
//! `watch`: a changed source restarts it at once, even in the ten minutes after a wrong password.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::gaps::Gaps;
use super::handle::CameraHandle;
use super::run::{Run, RunEnd};
use super::write_times::WriteTimes;
use crate::analyse::feed::AnalysisFeed;
use crate::camera::{CameraSpec, CameraState, GapReason, SourceSpec, StateReason};
use crate::clock::Clock;
use crate::segment::SegmentIndex;
use crate::settings::EngineConfig;
use crate::source::{Opener, Source, SourceError};
use crate::supervise::Supervisor;

/// What all camera tasks share.
#[derive(Debug)]
pub struct Shared {
    /// Settings.
    pub config: EngineConfig,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is on disk.
    pub index: Arc<SegmentIndex>,
    /// Opens sources.
    pub opener: Arc<dyn Opener>,
    /// The tap of the analysis.
    pub feed: AnalysisFeed,
    /// Limits how many connect at once.
    pub connecting: Semaphore,
    /// How long writing takes.
    pub write_times: Arc<WriteTimes>,
    /// Asks retention for a pass at once.
    pub disk_urgent: Arc<Notify>,
    /// For work that blocks.
    pub supervisor: Supervisor,
}

impl Shared {
    /// Opens a source when it is its turn. Who waits to be called takes no turn: it would keep others from theirs for as long
    /// as nobody calls.
    ///
    /// # Errors
    /// Those of the opener.
    pub async fn open(&self, source: &SourceSpec) -> Result<Box<dyn Source>, SourceError> {
        // Closed only when the engine is gone, and whoever opens with it.
        let _permit = if source.listens() { None } else { Some(self.connecting.acquire().await) };
        self.opener.open(source).await
    }
}

/// What a camera task is told: the specification to follow, or `None` to end for good.
pub type Orders = watch::Receiver<Option<Arc<CameraSpec>>>;

/// The loop of one camera.
#[derive(Debug)]
pub struct CameraTask {
    shared: Arc<Shared>,
    handle: Arc<CameraHandle>,
    orders: Orders,
    stop: CancellationToken,
    gaps: Gaps,
    backoff: Backoff,
    /// When the camera was applied or its recording ended: where a gap starts.
    silent_since_ms: i64,
    attempts: u64,
    /// A camera that is waited for has called before.
    called: bool,
}

/// Why waiting or recording was broken off.
enum Next {
    /// The specification changed, or the camera is switched on or off.
    Changed,
    /// Go on with the next attempt.
    Again,
    /// The camera is removed or the program stops.
    Leave,
}

impl CameraTask {
    /// A task for the camera behind `handle`; `gaps` is what the run before left.
    #[must_use]
    pub fn new(shared: Arc<Shared>, handle: Arc<CameraHandle>, orders: Orders, stop: CancellationToken, gaps: Gaps) -> Self {
        let backoff = Backoff::new(&shared.config);
        let silent_since_ms = shared.clock.wall_ms();
        Self { shared, handle, orders, stop, gaps, backoff, silent_since_ms, attempts: 0, called: false }
    }

    /// Runs until the camera is removed or the program stops.
    pub async fn run(mut self) {
        loop {
            let Some(spec) = self.orders.borrow_and_update().clone() else { break };
            let next = if spec.enabled { self.attempt(&spec).await } else { self.stay_disabled().await };
            match next {
                Next::Leave => break,
                Next::Again => {}
                Next::Changed => self.backoff.reset(),
            }
        }
        self.handle.live.end();
        self.shared.feed.remove(self.handle.camera);
    }

    async fn stay_disabled(&mut self) -> Next {
        let now_ms = self.shared.clock.wall_ms();
        self.handle.set_state(CameraState::Disabled, StateReason::Disabled, "", now_ms);
        self.gaps.missing(&self.handle, self.silent_since_ms, now_ms, GapReason::Disabled);
        self.shared.feed.remove(self.handle.camera);
        let next = loop {
            match self.order().await {
                Next::Changed if self.is_disabled() => {}
                next => break next,
            }
        };
        let now_ms = self.shared.clock.wall_ms();
        self.silent_since_ms = now_ms;
        self.attempts = 0;
        self.handle.forgive(mono_ms(&*self.shared.clock));
        if !matches!(next, Next::Leave) {
            self.handle.set_state(CameraState::Connecting, StateReason::None, "", now_ms);
        }
        next
    }

    /// One connection, from opening to tearing down, and the pause after it.
    async fn attempt(&mut self, spec: &Arc<CameraSpec>) -> Next {
        // Who waits to be called connects to nobody: only calls are counted.
        if self.attempts > 0 && !spec.source.listens() {
            self.handle.count_reconnect(mono_ms(&*self.shared.clock));
        }
        self.attempts += 1;
        let opened = {
            let opening = self.open(spec);
            let mut orders = self.orders.clone();
            tokio::select! {
                opened = opening => opened,
                next = order(&mut orders, &self.stop, spec) => return self.broken_off(next),
            }
        };
        let end = match opened {
            Ok(source) => {
                if spec.source.listens() {
                    if self.called {
                        self.handle.count_reconnect(mono_ms(&*self.shared.clock));
                    }
                    self.called = true;
                }
                let run = Run::new(&self.shared, &self.handle, &mut self.gaps, spec);
                let mut orders = self.orders.clone();
                run.record(source, order(&mut orders, &self.stop, spec)).await
            }
            Err(error) => RunEnd { why: Ok(error), recorded: Duration::ZERO, last_end_ms: None },
        };
        if let Some(end_ms) = end.last_end_ms {
            self.silent_since_ms = end_ms;
        }
        // While nobody waits for it a camera cannot call, so such a pause is always the shortest.
        if end.recorded >= Duration::from_millis(self.shared.config.healthy_ms) || spec.source.listens() {
            self.backoff.reset();
        }
        match end.why {
            Ok(error) => self.failed(&error, spec).await,
            Err(next) => self.broken_off(next),
        }
    }

    async fn open(&self, spec: &CameraSpec) -> Result<Box<dyn Source>, SourceError> {
        self.shared.open(&spec.source).await
    }

    async fn failed(&mut self, error: &SourceError, spec: &Arc<CameraSpec>) -> Next {
        let now_ms = self.shared.clock.wall_ms();
        let gap = GapReason::from(error.reason);
        self.handle.set_state(CameraState::Offline, error.reason, &error.detail, now_ms);
        self.gaps.missing(&self.handle, self.silent_since_ms, now_ms, gap);
        self.handle.live.end();
        if error.reason == StateReason::Disk {
            self.shared.disk_urgent.notify_one();
        }
        let pause = self.backoff.pause_now(error.reason);
        tracing::debug!(camera = %self.handle.camera, ?pause, "waiting before the next attempt");
        let mut orders = self.orders.clone();
        tokio::select! {
            () = self.shared.clock.sleep(pause) => Next::Again,
            order = order(&mut orders, &self.stop, spec) => self.broken_off(order),
        }
    }

    fn broken_off(&mut self, order: Order) -> Next {
        self.handle.live.end();
        match order {
            Order::Leave => Next::Leave,
            Order::Changed => {
                if self.handle.state() == CameraState::Offline {
                    // A new address or password: a fresh start, not the old failure.
                    let now_ms = self.shared.clock.wall_ms();
                    self.handle.set_state(CameraState::Connecting, StateReason::None, "", now_ms);
                }
                Next::Changed
            }
        }
    }

    async fn order(&mut self) -> Next {
        tokio::select! {
            changed = self.orders.changed() => if changed.is_ok() { Next::Changed } else { Next::Leave },
            () = self.stop.cancelled() => Next::Leave,
        }
    }

    fn is_disabled(&self) -> bool {
        self.orders.borrow().as_ref().is_some_and(|spec| !spec.enabled)
    }
}

/// Something that ends what a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Its stream must be opened anew, or it is switched off.
    Changed,
    /// It is removed, or the program stops.
    Leave,
}

/// Waits for an order that ends the present connection; settings that do not touch the stream are none.
async fn order(orders: &mut Orders, stop: &CancellationToken, present: &CameraSpec) -> Order {
    loop {
        {
            let newest = orders.borrow_and_update();
            match newest.as_ref() {
                None => return Order::Leave,
                Some(newest) if !newest.enabled || stream_differs(newest, present) => return Order::Changed,
                Some(_) => {}
            }
        }
        tokio::select! {
            changed = orders.changed() => if changed.is_err() { return Order::Leave },
            () = stop.cancelled() => return Order::Leave,
        }
    }
}

/// Whether the stream itself must be opened anew for `new`: thresholds and names are no reason for a gap.
fn stream_differs(new: &CameraSpec, old: &CameraSpec) -> bool {
    new.source != old.source
}

/// Monotonic time in milliseconds.
#[must_use]
pub fn mono_ms(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.monotonic().as_millis()).unwrap_or(i64::MAX)
}
