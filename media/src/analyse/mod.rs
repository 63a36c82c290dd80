//! Analysis: what the recorder hands over, the child process that looks at it, and what comes of it.
//!
//! ```text
//! recorder -> feed (one slot a camera) -> watcher: sizes, "is this key frame worth a look?" -> queue
//!                                                                                             |
//!      MediaEvent::Diagnosis <- rules <- look <- worker <-> analysis process (decoders) <-----+
//! ```
//! The recorder never waits for any of it. The process may crash, hang or be killed: its job is answered with an error,
//! a new one is started with back-off, and the next key frame is looked at.

pub(crate) mod child;
mod decoder;
pub mod feed;
mod keep;
pub(crate) mod parameter_sets;
mod picture;
pub(crate) mod process;
pub(crate) mod protocol;
mod queue;
mod replay;
#[cfg(test)]
mod scenarios;
mod watcher;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::sync::{Semaphore, mpsc, oneshot};

pub use child::analyse_main;
pub use feed::{AnalysisFeed, KeyFrame};
pub use parameter_sets::from_h264_byte_stream;
pub use queue::Still;
pub use replay::{ReplayError, Replayer};

use crate::camera::{ArmedHours, CameraId};
use crate::clock::Clock;
use crate::diagnosis::reference::Remembered;
use crate::diagnosis::settings::{DiagnosisKind, DiagnosisSettings};
use crate::event::MediaEvent;
use crate::settings::AnalysisConfig;
use crate::supervise::{OnPanic, Supervisor};
use keep::Keep;
use queue::{Queue, StillJob};
use watcher::Watched;

/// Why there is no still.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// No such camera.
    #[error("there is no such camera")]
    UnknownCamera,
    /// No picture has come yet, or nothing is recorded at that time.
    #[error("there is no picture")]
    NoPicture,
    /// No analysis process is configured, or it cannot be started.
    #[error("pictures cannot be decoded now: {0}")]
    Unavailable(String),
    /// Too many wait for a still already; come again in a second.
    #[error("too many pictures are being decoded")]
    Busy,
    /// The key frame gives no picture.
    #[error("the picture cannot be decoded: {0}")]
    BadPicture(String),
}

/// How the analysis does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysisStatus {
    /// Process ids of the running analysis processes.
    pub processes: Vec<u32>,
    /// Processes that were started, over all.
    pub starts: u64,
    /// Looks that were made.
    pub looks: u64,
    /// Looks that gave nothing.
    pub failed_looks: u64,
    /// Looks that wait.
    pub looks_waiting: usize,
    /// Looks that a newer key frame replaced before their turn.
    pub looks_replaced: u64,
    /// Time spent in the processes on looks and stills, milliseconds.
    pub busy_ms: u64,
}

#[derive(Debug, Default)]
struct Counters {
    starts: AtomicU64,
    looks: AtomicU64,
    failed_looks: AtomicU64,
    busy_ms: AtomicU64,
}

/// The analysis of all cameras. A cheap handle.
#[derive(Debug, Clone)]
pub struct Analyser {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: AnalysisConfig,
    watched: Watched,
    queue: Queue,
    feed: AnalysisFeed,
    keep: Keep,
    counters: Counters,
    /// Process id of each worker's process; 0 while it has none.
    processes: Vec<AtomicU32>,
    events: mpsc::Sender<MediaEvent>,
    clock: Arc<dyn Clock>,
    supervisor: Supervisor,
    /// Replays at once.
    replays: Arc<Semaphore>,
}

impl Analyser {
    /// Starts the watcher and the workers as tasks of `supervisor`.
    ///
    /// What is learned of cameras is kept in files below `memory`. Without a program in `config` nothing is looked at
    /// and every still is [`StillError::Unavailable`].
    #[must_use]
    pub fn start(
        config: AnalysisConfig,
        feed: AnalysisFeed,
        memory: PathBuf,
        events: mpsc::Sender<MediaEvent>,
        supervisor: &Supervisor,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let workers = if config.program.is_some() { config.processes.max(1) } else { 0 };
        let shared = Arc::new(Shared {
            config,
            watched: Watched::default(),
            queue: Queue::default(),
            feed,
            keep: Keep::new(memory),
            counters: Counters::default(),
            processes: (0..workers).map(|_| AtomicU32::new(0)).collect(),
            events,
            clock,
            supervisor: supervisor.clone(),
            replays: Arc::new(Semaphore::new(replay::REPLAYS_MAX)),
        });
        let watching = shared.clone();
        supervisor.task("analysis watcher", OnPanic::Restart, move || watcher::run(watching.clone()));
        for index in 0..workers {
            let working = shared.clone();
            supervisor.task(format!("analysis worker {index}"), OnPanic::Restart, move || worker::run(working.clone(), index));
        }
        Self { shared }
    }

    /// Adds a camera, or changes its settings; what was learned of it stays.
    pub async fn watch(&self, camera: CameraId, settings: DiagnosisSettings, armed_hours: Option<ArmedHours>) {
        if self.shared.watched.configure(camera, &settings, armed_hours.as_ref()) {
            return;
        }
        let kept = self.shared.load(camera).await;
        self.shared.watched.add(camera, settings, armed_hours, kept);
    }

    /// Stops looking at a camera and keeps what was learned, for when it is switched on again.
    pub async fn unwatch(&self, camera: CameraId) {
        self.shared.queue.forget(camera);
        if let Some(kept) = self.shared.watched.remove(camera) {
            self.shared.save(camera, kept).await;
        }
    }

    /// Forgets a camera for good.
    pub async fn forget(&self, camera: CameraId) {
        self.shared.queue.forget(camera);
        let _dropped = self.shared.watched.remove(camera);
        self.shared.erase(camera).await;
    }

    /// The camera was turned on purpose: what it shows from now on is right.
    pub fn accept_view(&self, camera: CameraId) {
        self.shared.watched.with(camera, |watch| watch.forget_references());
    }

    /// The kind that is raised for a camera now.
    #[must_use]
    pub fn raised(&self, camera: CameraId) -> Option<DiagnosisKind> {
        self.shared.watched.with(camera, |watch| watch.raised()).flatten()
    }

    /// What is known of a camera now, to replay its rules with; empty where it was never watched.
    pub async fn remembered(&self, camera: CameraId) -> Remembered {
        match self.shared.watched.with(camera, |watch| watch.remembered().clone()) {
            Some(known) => known,
            None => self.shared.load(camera).await.unwrap_or_default(),
        }
    }

    /// Starts an analysis process for looking at what was recorded, beside those that look at what comes.
    ///
    /// # Errors
    /// [`ReplayError::Busy`] while another replay has its process; [`ReplayError::Unavailable`].
    pub async fn replayer(&self) -> Result<Replayer, ReplayError> {
        Replayer::start(&self.shared.config, self.shared.replays.clone()).await
    }

    /// Decodes a key frame into a JPEG no wider than `width_max` (`None`: as it is).
    ///
    /// # Errors
    /// [`StillError`]; waits no longer than the jobs before it may take.
    pub async fn decode_still(&self, key: KeyFrame, width_max: Option<u32>) -> Result<Still, StillError> {
        if self.shared.processes.is_empty() {
            return Err(StillError::Unavailable("no analysis program is configured".to_owned()));
        }
        let (answer, answered) = oneshot::channel();
        let job = StillJob { key, width_max: width_max.unwrap_or(u32::MAX), answer };
        self.shared.queue.still(job).map_err(|_| StillError::Busy)?;
        let stopping = || Err(StillError::Unavailable("the program is stopping".to_owned()));
        tokio::select! {
            still = answered => still.unwrap_or_else(|_| stopping()),
            () = self.shared.supervisor.soft().cancelled_owned() => stopping(),
        }
    }

    /// How the analysis does.
    #[must_use]
    pub fn status(&self) -> AnalysisStatus {
        let counters = &self.shared.counters;
        let ids = self.shared.processes.iter().map(|id| id.load(Ordering::Relaxed));
        AnalysisStatus {
            processes: ids.filter(|id| *id != 0).collect(),
            starts: counters.starts.load(Ordering::Relaxed),
            looks: counters.looks.load(Ordering::Relaxed),
            failed_looks: counters.failed_looks.load(Ordering::Relaxed),
            looks_waiting: self.shared.queue.looks_waiting(),
            looks_replaced: self.shared.queue.replaced(),
            busy_ms: counters.busy_ms.load(Ordering::Relaxed),
        }
    }
}
