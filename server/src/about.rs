//! What the program knows of itself while it runs.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use media::EngineConfig;
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
    low_percent: f64,
    reserve_percent: f64,
}

impl About {
    /// A program that starts now, records to `recordings` with the retention and the disk levels of `media`, and speaks HTTPS
    /// or not.
    pub fn new(recordings: Vec<PathBuf>, media: &EngineConfig, encrypted: bool) -> Self {
        Self(Arc::new(Facts {
            started: Instant::now(),
            metrics: Metrics::default(),
            recordings,
            encrypted,
            retention_days: media.retention_days,
            low_percent: media.disk_low_percent,
            reserve_percent: media.reserve_percent,
        }))
    }

    /// How full a disk is, by the levels that the recorder itself works with: `ok`, `low` or `reserve`.
    pub fn level(&self, space: Space) -> &'static str {
        let free_percent = space.free_bytes as f64 * 100.0 / space.total_bytes.max(1) as f64;
        match free_percent {
            free if free < self.0.reserve_percent => "reserve",
            free if free < self.0.low_percent => "low",
            _ => "ok",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_as_full_as_the_flags_say() {
        let mut media = EngineConfig::new(PathBuf::new());
        let level = |media: &EngineConfig, free_bytes| About::new(Vec::new(), media, false).level(Space { free_bytes, total_bytes: 1_000 });
        assert_eq!([49, 50, 99, 100].map(|free| level(&media, free)), ["reserve", "low", "low", "ok"]);
        (media.disk_low_percent, media.reserve_percent) = (2.5, 0.5);
        assert_eq!([4, 5, 24, 25].map(|free| level(&media, free)), ["reserve", "low", "low", "ok"]);
    }
}
