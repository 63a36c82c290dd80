//! Figures in Prometheus' text form. Labels are bounded: methods, classes of status, states; never ids or paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::AnalysisStatus;
use media::record::TimesFigures;

use super::process;
use crate::App;
use crate::store::{StoreError, figures, forecasts};

/// Upper ends of the buckets of durations, ms.
const BUCKETS_MS: [u64; 8] = [5, 10, 25, 50, 100, 250, 1_000, 5_000];
/// All of them, always: a state without cameras is a zero, not a hole.
const CAMERA_STATES: [&str; 5] = ["disabled", "connecting", "recording", "degraded", "offline"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What is counted of requests. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    answers: [AtomicU64; CLASSES.len()],
    buckets: [AtomicU64; BUCKETS_MS.len() + 1],
    duration_us: AtomicU64,
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.0.answers[class].fetch_add(1, Ordering::Relaxed);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.iter().position(|end| took_ms <= *end).unwrap_or(BUCKETS_MS.len());
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.duration_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn write(&self, text: &mut Text) {
        text.head("bright_kitchen_http_answers_total", "counter", "Answers by class of status");
        for (class, count) in CLASSES.iter().zip(&self.0.answers) {
            text.line(&format!("bright_kitchen_http_answers_total{{class=\"{class}\"}}"), count.load(Ordering::Relaxed));
        }
        text.head("bright_kitchen_http_duration_seconds", "histogram", "Time to the head of an answer");
        let mut sum = 0;
        for (at, bucket) in self.0.buckets.iter().enumerate() {
            sum += bucket.load(Ordering::Relaxed);
            let end = BUCKETS_MS.get(at).map_or("+Inf".to_owned(), |end| format!("{}", Duration::from_millis(*end).as_secs_f64()));
            text.line(&format!("bright_kitchen_http_duration_seconds_bucket{{le=\"{end}\"}}"), sum);
        }
        text.line(
            "bright_kitchen_http_duration_seconds_sum",
            Duration::from_micros(self.0.duration_us.load(Ordering::Relaxed)).as_secs_f64(),
        );
        text.line("bright_kitchen_http_duration_seconds_count", sum);
    }
}

/// The text as it grows.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push_str(&format!("{name} {value}\n"));
    }

    fn times(&mut self, name: &str, help: &str, times: &TimesFigures) {
        self.head(name, "histogram", help);
        for (end_ms, count) in &times.up_to {
            let end = end_ms.map_or("+Inf".to_owned(), |end| format!("{}", Duration::from_millis(end).as_secs_f64()));
            self.line(&format!("{name}_bucket{{le=\"{end}\"}}"), count);
        }
        self.line(&format!("{name}_sum"), times.sum.as_secs_f64());
        self.line(&format!("{name}_count"), times.up_to.last().map_or(0, |(_, count)| *count));
    }

    pub(super) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, value);
    }
}

/// All figures, now. What each means, and when it needs somebody, stands in docs/operations.md; a test compares.
pub(super) async fn text(app: &App) -> Result<String, StoreError> {
    let figures = figures::read(&mut app.db.read().await?.conn(), app.clock.wall_ms()).await?;
    let mut text = Text::default();
    text.head("bright_kitchen_info", "gauge", "What runs");
    text.line(&format!("bright_kitchen_info{{version=\"{}\",database=\"{}\"}}", env!("CARGO_PKG_VERSION"), app.db.kind().as_str()), 1);
    text.one("bright_kitchen_uptime_seconds", "gauge", "Time since the start", app.about.uptime_s());
    process::write(&mut text);
    app.about.metrics().write(&mut text);
    text.one("bright_kitchen_database_bytes", "gauge", "Size of the database", app.db.size_bytes().await?);
    text.head("bright_kitchen_cameras", "gauge", "Cameras by state");
    for state in CAMERA_STATES {
        let count = figures.cameras.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
        text.line(&format!("bright_kitchen_cameras{{state=\"{state}\"}}"), count);
    }
    recorder(app, &mut text);
    if let Some(engine) = &app.engine {
        streams(&mut text, engine);
    }
    text.one("bright_kitchen_alerts_open", "gauge", "Alerts that are not closed", figures.alerts_open);
    text.one("bright_kitchen_jobs_waiting", "gauge", "Jobs that wait", figures.jobs_waiting);
    text.one("bright_kitchen_jobs_failed", "gauge", "Jobs that were given up", figures.jobs_failed);
    text.one("bright_kitchen_outbox_waiting", "gauge", "Webhook deliveries that wait", figures.outbox_waiting);
    text.one("bright_kitchen_outbox_failed", "gauge", "Webhook deliveries that were given up", figures.outbox_failed);
    text.one("bright_kitchen_photos_unopened", "gauge", "Photos that were accepted and wait to be opened", figures.photos_unopened);
    text.one("bright_kitchen_photos_damaged", "gauge", "Photos that are kept and cannot be shown", figures.photos_damaged);
    text.one("bright_kitchen_audit_unlinked", "gauge", "Audit rows that are not yet in the chain", figures.audit_unlinked);
    text.one("bright_kitchen_change_log_head", "counter", "The newest number of the change log", figures.change_head);
    if let Some(space) = app.about.space() {
        text.one("bright_kitchen_disk_free_bytes", "gauge", "Free space where recordings are", space.free_bytes);
        text.one("bright_kitchen_disk_total_bytes", "gauge", "Size of the disk where recordings are", space.total_bytes);
    }
    text.head("bright_kitchen_recording_disks", "gauge", "Disks for recordings by whether they are there");
    let disks = app.engine.as_ref().map(media::Engine::index);
    let here = disks.as_ref().map_or(0, |index| index.disks().here().count());
    let away = disks.as_ref().map_or(0, |index| index.disks().len()) - here;
    for (state, count) in [("here", here), ("away", away)] {
        text.line(&format!("bright_kitchen_recording_disks{{state=\"{state}\"}}"), count);
    }
    let ahead = forecasts::newest(&mut app.db.read().await?.conn()).await?;
    let of = |value: fn(&forecasts::ForecastRow) -> f64| ahead.as_ref().map_or(0.0, value);
    text.one(
        "bright_kitchen_disk_bytes_a_day",
        "gauge",
        "What all cameras write in a day",
        ahead.as_ref().map_or(0, |row| row.bytes_a_day),
    );
    text.one("bright_kitchen_disk_days_held", "gauge", "Days of recordings that the disk holds", of(|row| row.days_held));
    text.one("bright_kitchen_disk_days_wanted", "gauge", "Days of recordings that are asked for", of(|row| row.days_wanted));
    let full_at = ahead.as_ref().and_then(|row| row.full_at);
    let left_s = full_at.map_or(-1, |full_at| (full_at - app.clock.wall_ms()).max(0) / 1_000);
    text.one(
        "bright_kitchen_disk_full_in_seconds",
        "gauge",
        "Time until recordings go before their time; -1 where everything fits",
        left_s,
    );
    let times = app.engine.as_ref().map(media::Engine::write_times).unwrap_or_default();
    text.times("bright_kitchen_write_seconds", "Time to write a fragment, making its file included", &times.writes.figures());
    text.times("bright_kitchen_sync_seconds", "Time to sync or close a recorded file", &times.syncs.figures());
    text.one("bright_kitchen_tasks_panicked_total", "counter", "Panics that were caught", app.supervisor.panics());
    Ok(text.0)
}

/// The recorder and the process that looks at pictures; zero on a node that records no cameras.
fn recorder(app: &App, text: &mut Text) {
    let engine = app.engine.as_ref();
    let analysis = engine.map(|engine| engine.analyser().status());
    let of = |read: fn(&AnalysisStatus) -> u64| analysis.as_ref().map_or(0, read);
    let many = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let processes = analysis.as_ref().map_or(0, |status| many(status.processes.len()));
    text.one(
        "bright_kitchen_recorder_events_dropped_total",
        "counter",
        "Events of the recorder that were read from its index again",
        engine.map_or(0, media::Engine::events_dropped),
    );
    text.one("bright_kitchen_analysis_processes", "gauge", "Analysis processes that run", processes);
    text.one("bright_kitchen_analysis_starts_total", "counter", "Analysis processes that were started", of(|status| status.starts));
    text.one("bright_kitchen_analysis_looks_total", "counter", "Pictures that were looked at", of(|status| status.looks));
    text.one(
        "bright_kitchen_analysis_looks_failed_total",
        "counter",
        "Pictures that could not be decoded",
        of(|status| status.failed_looks),
    );
    text.one(
        "bright_kitchen_analysis_looks_replaced_total",
        "counter",
        "Pictures that a newer one of their camera replaced before they were looked at",
        of(|status| status.looks_replaced),
    );
    text.one(
        "bright_kitchen_analysis_looks_waiting",
        "gauge",
        "Pictures that wait to be looked at",
        analysis.as_ref().map_or(0, |status| many(status.looks_waiting)),
    );
    let busy_s = Duration::from_millis(of(|status| status.busy_ms)).as_secs_f64();
    text.one("bright_kitchen_analysis_busy_seconds_total", "counter", "Time spent looking", busy_s);
}

/// What the recorder measures, over all cameras: a label a camera would be without bound.
fn streams(text: &mut Text, engine: &media::Engine) {
    let all: Vec<_> = engine.camera_ids().into_iter().filter_map(|camera| engine.status(camera)).collect();
    let sum = |of: fn(&media::CameraStatus) -> u64| all.iter().map(of).sum::<u64>();
    let count = |of: fn(&media::CameraStatus) -> bool| all.iter().filter(|status| of(status)).count();
    text.one("bright_kitchen_camera_reconnects_total", "counter", "Connections to cameras made again", sum(|status| status.reconnects));
    text.one("bright_kitchen_camera_lost_total", "counter", "Packets or pictures of cameras lost on the way", sum(|status| status.lost));
    let rate =
        sum(|status| status.stream.as_ref().filter(|_| status.state != media::CameraState::Offline).map_or(0, |stream| stream.bit_rate));
    text.one("bright_kitchen_camera_bits_per_second", "gauge", "Bits a second of all cameras together", rate);
    text.head("bright_kitchen_cameras_jittery", "gauge", "Cameras by how unevenly their pictures arrive, at most so many seconds");
    for (limit_ms, limit) in [(10.0, "0.01"), (50.0, "0.05"), (200.0, "0.2"), (f64::INFINITY, "+Inf")] {
        let within = all.iter().filter(|status| status.jitter_ms <= limit_ms).count();
        text.line(&format!("bright_kitchen_cameras_jittery{{le=\"{limit}\"}}"), within);
    }
    let wrong = count(|status| status.clock_offset_ms.is_some_and(|offset_ms| offset_ms.abs() > 5_000));
    text.one("bright_kitchen_cameras_clock_wrong", "gauge", "Cameras whose clock is more than 5 s off", wrong);
    text.head("bright_kitchen_cameras_analysed", "gauge", "Cameras by the stream that the analysis watches");
    for stream in media::AnalysisStream::ALL {
        let of = all.iter().filter(|status| status.analysis_stream == *stream).count();
        text.line(&format!("bright_kitchen_cameras_analysed{{stream=\"{stream}\"}}"), of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_growing_buckets() {
        let metrics = Metrics::default();
        for took_ms in [1, 7, 7_000] {
            metrics.answered(200, Duration::from_millis(took_ms));
        }
        metrics.answered(503, Duration::from_millis(1));
        let mut text = Text::default();
        metrics.write(&mut text);
        for line in [
            "answers_total{class=\"2xx\"} 3",
            "answers_total{class=\"5xx\"} 1",
            "bucket{le=\"0.005\"} 2",
            "bucket{le=\"0.01\"} 3",
            "bucket{le=\"+Inf\"} 4",
            "seconds_count 4",
        ] {
            assert!(text.0.contains(line), "{line} in {}", text.0);
        }
    }
}
