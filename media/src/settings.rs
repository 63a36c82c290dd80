//! Settings of the engine. Every time-out is here, so that tests shrink them by settings and never by mocks.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;

/// How the engine records, keeps and watches.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// Folder of the recordings.
    pub recordings: PathBuf,
    /// More of them, each a disk of its own.
    pub more_recordings: Vec<PathBuf>,
    /// Where it is kept which folder had which disk, so that one that is not mounted is missed; `None`: none is missed.
    pub known_disks: Option<PathBuf>,
    /// Recordings older than this are deleted unless held, days.
    pub retention_days: u32,
    /// Below this share of free disk the oldest recordings are deleted, percent.
    pub disk_low_percent: f64,
    /// Share of the disk that held evidence never uses, percent.
    pub reserve_percent: f64,
    /// Length of a segment, milliseconds.
    pub segment_ms: u64,
    /// A fragment without a key frame after it is closed after this time, milliseconds.
    pub fragment_ms_max: u64,
    /// A fragment is closed at this size, bytes.
    pub fragment_bytes_max: u64,
    /// Length of a chunk (a part of the live stream), milliseconds.
    pub chunk_ms: u64,
    /// Power loss loses at most this much, milliseconds.
    pub sync_interval_ms: u64,
    /// How often retention looks at age and disk, milliseconds.
    pub retention_interval_ms: u64,
    /// Cameras that connect at the same time.
    pub connect_limit: usize,
    /// Time for connecting, DESCRIBE, SETUP and PLAY together, milliseconds.
    pub connect_timeout_ms: u64,
    /// Without an access unit for this long the connection is given up, milliseconds.
    pub stall_ms: u64,
    /// Pictures without a key frame for this long make the camera degraded, milliseconds.
    pub no_key_frame_ms: u64,
    /// First pause before connecting again, milliseconds.
    pub backoff_min_ms: u64,
    /// Longest pause before connecting again, milliseconds.
    pub backoff_max_ms: u64,
    /// A connection that recorded for this long starts with the first pause again, milliseconds.
    pub healthy_ms: u64,
    /// Pause after 401 or 403: cameras lock accounts, milliseconds.
    pub unauthorized_retry_ms: u64,
    /// Pause after 404, milliseconds.
    pub not_found_retry_ms: u64,
    /// Longest time for "test this camera", milliseconds.
    pub probe_timeout_ms: u64,
    /// Above this much memory of the program, sources that give no picture are broken off, bytes; `None`: by the number of
    /// cameras, at most three quarters of what the machine has.
    pub memory_bytes_max: Option<u64>,
    /// Largest access unit that is taken, bytes.
    pub access_unit_bytes_max: usize,
    /// A jump of the wall clock against the monotonic one beyond this begins a new segment and epoch, milliseconds.
    pub clock_step_ms: u64,
    /// Networks that cameras may be in; link-local and multicast never.
    pub allowed_networks: Vec<IpNet>,
    /// Folder below which `file:` sources may lie; `None` refuses them.
    pub file_sources: Option<PathBuf>,
    /// Ports of this program on loopback, never a camera's address.
    pub own_ports: Vec<u16>,
    /// Ports at which cameras that push may be waited for; `None` refuses them.
    pub listen_ports: Option<RangeInclusive<u16>>,
    /// The analysis process.
    pub analysis: AnalysisConfig,
    /// The processes that make other pictures of what cameras sent.
    pub transcode: TranscodeConfig,
}

/// How the analysis process is run.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisConfig {
    /// The program that is started with the argument `analyse`; `None` runs without analysis.
    pub program: Option<PathBuf>,
    /// How many of them.
    pub processes: usize,
    /// Memory limit of each, bytes.
    pub memory_bytes: u64,
    /// Time limit of one job, milliseconds.
    pub job_ms: u64,
}

/// How transcoding processes are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscodeConfig {
    /// The program that is started with the argument `transcode`; `None` refuses all transcoding.
    pub program: Option<PathBuf>,
    /// Cameras whose H.265 is made H.264 for browsers at the same time.
    pub live_max: usize,
    /// Marked copies that are made at the same time.
    pub copies_max: usize,
    /// Memory limit of each process, bytes.
    pub memory_bytes: u64,
    /// The model that finds faces; `None` hides none.
    pub face_model: Option<PathBuf>,
    /// A camera is transcoded for this long after its last viewer asked for something, milliseconds.
    pub linger_ms: u64,
    /// A process that takes or gives nothing for this long is given up, milliseconds.
    pub patience_ms: u64,
}

impl EngineConfig {
    /// The defaults for recordings in `recordings`.
    #[must_use]
    pub fn new(recordings: PathBuf) -> Self {
        Self {
            recordings,
            more_recordings: Vec::new(),
            known_disks: None,
            retention_days: 90,
            disk_low_percent: 10.0,
            reserve_percent: 5.0,
            segment_ms: 600_000,
            fragment_ms_max: 10_000,
            fragment_bytes_max: 8 * 1024 * 1024,
            chunk_ms: 500,
            sync_interval_ms: 10_000,
            retention_interval_ms: 30_000,
            connect_limit: 20,
            connect_timeout_ms: 10_000,
            stall_ms: 10_000,
            no_key_frame_ms: 60_000,
            backoff_min_ms: 1_000,
            backoff_max_ms: 60_000,
            healthy_ms: 60_000,
            unauthorized_retry_ms: 600_000,
            not_found_retry_ms: 60_000,
            probe_timeout_ms: 15_000,
            memory_bytes_max: None,
            access_unit_bytes_max: 8 * 1024 * 1024,
            clock_step_ms: 2_000,
            allowed_networks: default_networks(),
            file_sources: None,
            own_ports: Vec::new(),
            listen_ports: None,
            analysis: AnalysisConfig::default(),
            transcode: TranscodeConfig::default(),
        }
    }
}

impl EngineConfig {
    /// All folders of recordings, in order.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        std::iter::once(&self.recordings).chain(&self.more_recordings).cloned().collect()
    }
}

impl Default for AnalysisConfig {
    fn default() -> Self {
        Self { program: None, processes: 1, memory_bytes: 1024 * 1024 * 1024, job_ms: 5_000 }
    }
}

impl Default for TranscodeConfig {
    fn default() -> Self {
        Self {
            program: None,
            live_max: 1,
            copies_max: 1,
            memory_bytes: 1024 * 1024 * 1024,
            face_model: None,
            linger_ms: 5_000,
            patience_ms: 60_000,
        }
    }
}

/// Private ranges and loopback, of both families.
#[must_use]
pub fn default_networks() -> Vec<IpNet> {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1/128"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_default_network_is_well_written() {
        assert_eq!(super::default_networks().len(), 7);
    }
}
