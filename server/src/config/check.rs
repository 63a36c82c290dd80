//! What must hold between settings.

use super::Config;

/// Adds what is wrong with the whole, each by the names of its flags.
pub(super) fn whole(config: &Config, faults: &mut Vec<String>) {
    let mut unless = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    unless(config.tls_cert.is_some() == config.tls_key.is_some(), "--tls-cert and --tls-key go together");
    unless(
        !(config.tls_self_signed && config.tls_cert.is_some()),
        "--tls-self-signed makes its own certificate: leave out --tls-cert and --tls-key",
    );
    unless(
        config.listen.ip().is_loopback() || config.tls() || !config.trusted_proxies.0.is_empty(),
        "--listen is not loopback and HTTP is not encrypted: add --tls-cert and --tls-key, or --tls-self-signed, or name the proxy that does it with --trusted-proxies",
    );
    for path in [&config.tls_cert, &config.tls_key].into_iter().flatten() {
        unless(path.is_file(), &format!("{} is not a file", path.display()));
    }
    let folders = config.recordings();
    unless(
        folders.len() <= media::segment::disks::DISKS_MAX,
        &format!("--recordings names at most {} folders", media::segment::disks::DISKS_MAX),
    );
    for (at, folder) in folders.iter().enumerate() {
        let nested = folders.iter().enumerate().any(|(other_at, other)| other_at != at && folder.starts_with(other));
        unless(!nested, &format!("--recordings: {} lies in another of its folders", folder.display()));
    }
    unless((1..=36_500).contains(&config.retention_days), "--retention-days is 1 to 36500");
    for (flag, percent) in [("disk-low-percent", config.disk_low_percent), ("reserve-percent", config.reserve_percent)] {
        unless((0.0..=90.0).contains(&percent), &format!("--{flag} is 0 to 90"));
    }
    unless(config.reserve_percent <= config.disk_low_percent, "--reserve-percent is at most --disk-low-percent");
    unless(config.backoff_min_ms <= config.backoff_max_ms, "--backoff-min-ms is at most --backoff-max-ms");
    unless(
        config.chunk_ms <= config.fragment_ms_max && config.fragment_ms_max <= config.segment_ms,
        "--chunk-ms is at most --fragment-ms-max, and that at most --segment-ms",
    );
    for (flag, value) in [
        ("segment-ms", config.segment_ms),
        ("fragment-ms-max", config.fragment_ms_max),
        ("fragment-bytes-max", config.fragment_bytes_max),
        ("chunk-ms", config.chunk_ms),
        ("sync-interval-ms", config.sync_interval_ms),
        ("retention-interval-ms", config.retention_interval_ms),
        ("connect-limit", config.connect_limit as u64),
        ("connect-timeout-ms", config.connect_timeout_ms),
        ("stall-ms", config.stall_ms),
        ("no-key-frame-ms", config.no_key_frame_ms),
        ("backoff-min-ms", config.backoff_min_ms),
        ("probe-timeout-ms", config.probe_timeout_ms),
        ("access-unit-bytes-max", config.access_unit_bytes_max as u64),
        ("analysis-processes", config.analysis_processes as u64),
        ("analysis-memory-bytes", config.analysis_memory_bytes),
        ("analysis-job-ms", config.analysis_job_ms),
        ("transcode-memory-bytes", config.transcode_memory_bytes),
        ("http-connections-max", config.http_connections_max as u64),
        ("http-head-timeout-ms", config.http_head_timeout_ms),
        ("shutdown-timeout-ms", config.shutdown_timeout_ms),
    ] {
        unless(value > 0, &format!("--{flag} is more than 0"));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log) {
        unless(false, &format!("--log: {error}"));
    }
}
