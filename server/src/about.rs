//! What the program knows of itself while it runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use media::record::space::{DiskSpace as _, Space, SystemDisk};

use crate::http::Metrics;

/// Facts about this run. Clones share them.
#[derive(Debug, Clone)]
pub struct About(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    started: Instant,
    metrics: Metrics,
    recordings: PathBuf,
    encrypted: bool,
}

impl About {
    /// A program that starts now, records to `recordings`, and speaks HTTPS or not.
    pub fn new(recordings: PathBuf, encrypted: bool) -> Self {
        Self(Arc::new(Facts { started: Instant::now(), metrics: Metrics::default(), recordings, encrypted }))
    }

    /// Time since the start, s.
    pub fn uptime_s(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    /// What is counted of requests.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Where recordings are.
    pub fn recordings(&self) -> &std::path::Path {
        &self.0.recordings
    }

    /// Whether it speaks HTTPS itself.
    pub fn encrypted(&self) -> bool {
        self.0.encrypted
    }

    /// The disk that recordings are on; `None` where the system does not say.
    pub fn space(&self) -> Option<Space> {
        SystemDisk.space(&self.0.recordings).ok()
    }
}
