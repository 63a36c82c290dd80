//! An analysis process for what was recorded: the same program, the same measures, beside the processes that look live.
//!
//! It takes half of its time at most, and there is one at a time, so that cameras that are watched, and people who wait for a
//! picture, lose nothing by it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::feed::KeyFrame;
use super::process::{Process, Wanted};
use crate::diagnosis::Look;
use crate::settings::AnalysisConfig;

/// Replays that have a process at once.
pub(super) const REPLAYS_MAX: usize = 1;

/// Why a replay cannot look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Another one is under way.
    #[error("another replay is under way")]
    Busy,
    /// No analysis program is configured, it cannot be started, or it ended.
    #[error("recorded pictures cannot be measured now: {0}")]
    Unavailable(String),
}

/// A process that measures recorded pictures. Dropping it ends the process.
#[derive(Debug)]
pub struct Replayer {
    process: Process,
    limit: Duration,
    busy: Duration,
    _place: OwnedSemaphorePermit,
}

impl Replayer {
    pub(super) async fn start(config: &AnalysisConfig, places: Arc<Semaphore>) -> Result<Self, ReplayError> {
        let Some(program) = &config.program else {
            return Err(ReplayError::Unavailable("no analysis program is configured".to_owned()));
        };
        let place = places.try_acquire_owned().map_err(|_| ReplayError::Busy)?;
        let started = Process::start(program, config.memory_bytes).await;
        let process = started.map_err(|error| ReplayError::Unavailable(error.to_string()))?;
        Ok(Self { process, limit: Duration::from_millis(config.job_ms), busy: Duration::ZERO, _place: place })
    }

    /// Measures a picture; `None` where it cannot be decoded. Waits as long again as that took.
    ///
    /// # Errors
    /// [`ReplayError::Unavailable`] when the process fails; the replayer is to be dropped then.
    pub async fn look(&mut self, key: &KeyFrame) -> Result<Option<Look>, ReplayError> {
        let began = Instant::now();
        let wanted = Wanted { look: true, still_width_max: None };
        let answer = self.process.decode(key, wanted, self.limit).await;
        let took = began.elapsed();
        self.busy += took;
        tokio::time::sleep(took).await;
        answer.map(|answer| answer.look).map_err(|error| ReplayError::Unavailable(error.to_string()))
    }

    /// Time that the process was at work.
    #[must_use]
    pub fn busy(&self) -> Duration {
        self.busy
    }
}
