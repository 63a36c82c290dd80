//! What the program knows of itself while it runs.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
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
    recordings: Vec<PathBuf>,
    encrypted: bool,
    retention_days: u32,
}

impl About {
    /// A program that starts now, records to `recordings`, keeps them for so many days where nobody says otherwise, and speaks
    /// HTTPS or not.
    pub fn new(recordings: Vec<PathBuf>, retention_days: u32, encrypted: bool) -> Self {
        Self(Arc::new(Facts { started: Instant::now(), metrics: Metrics::default(), recordings, encrypted, retention_days }))
    }

    /// Days that recordings are kept where no setting says otherwise.
    pub fn retention_days(&self) -> u32 {
        self.0.retention_days
    }

    /// Time since the start, s.
    pub fn uptime_s(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    /// What is counted of requests.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The folders where recordings are.
    pub fn recordings(&self) -> &[PathBuf] {
        &self.0.recordings
    }

    /// Whether it speaks HTTPS itself.
    pub fn encrypted(&self) -> bool {
        self.0.encrypted
    }

    /// What the disks of recordings have together, each file system once; `None` where the system does not say.
    pub fn space(&self) -> Option<Space> {
        let mut seen = HashSet::new();
        let spaces = self.0.recordings.iter().filter_map(|folder| {
            let device = std::fs::metadata(folder).ok()?.dev();
            seen.insert(device).then(|| SystemDisk.space(folder).ok()).flatten()
        });
        spaces.reduce(|sum, space| Space {
            free_bytes: sum.free_bytes.saturating_add(space.free_bytes),
            total_bytes: sum.total_bytes.saturating_add(space.total_bytes),
        })
    }
}
