//! `/system/health`: everything that tells whether the system does its work, and in words what is wrong.

use actix_web::{get, web};
use mobile_api::moment::Moment;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use media::record::space::Space;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Problem, ProblemBody};
use crate::store::figures::{self, Figures};
use crate::store::forecasts::{self, ForecastRow};

/// Below this share of free disk: low, percent.
const DISK_LOW_PERCENT: u64 = 10;
/// A disk that will be full within this time is a problem now, ms.
const SOON_MS: i64 = 7 * 24 * 3_600_000;
/// Below this share: the reserve, percent.
const DISK_RESERVE_PERCENT: u64 = 5;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(system_health);
}

/// How the system is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    version: &'static str,
    uptime_s: u64,
    database: DatabaseHealth,
    /// All disks for recordings together.
    disk: Option<DiskHealth>,
    /// Each of them, in the order of the settings; empty on a node that records no cameras.
    disks: Vec<RecordingDisk>,
    recording: RecordingHealth,
    analysis: AnalysisHealth,
    jobs: QueueHealth,
    outbox: QueueHealth,
    time: TimeHealth,
    /// HTTPS is spoken by this program itself.
    tls: bool,
    /// What needs somebody, worst first; empty where all is well.
    problems: Vec<HealthProblem>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DatabaseHealth {
    /// sqlite or postgres
    engine: &'static str,
    ok: bool,
    size_bytes: i64,
}

/// A disk that recordings lie on.
#[derive(Debug, Serialize, ToSchema)]
struct RecordingDisk {
    /// Its folder, as in the settings.
    path: String,
    /// By the mark in its root.
    id: String,
    /// ok, low, reserve or away
    level: &'static str,
    /// `null` while it is away.
    free_bytes: Option<u64>,
    total_bytes: Option<u64>,
    /// Its recordings are being moved away: no new file is begun on it.
    leaving: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct DiskHealth {
    /// The first folder.
    path: String,
    free_bytes: u64,
    total_bytes: u64,
    /// ok, low or reserve
    level: &'static str,
    /// What is to be expected by the last 24 hours; `null` until enough was recorded.
    forecast: Option<DiskForecast>,
}

/// When the disk will be full, and how many days it really holds.
#[derive(Debug, Serialize, ToSchema)]
struct DiskForecast {
    /// When it was looked at.
    at: Moment,
    /// What all cameras write in a day.
    bytes_a_day: i64,
    /// When the oldest recordings will have to go before their time; `null` where everything fits.
    full_at: Option<Moment>,
    /// Days that are kept in the end.
    days_held: f64,
    /// Days that are asked for.
    days_wanted: f64,
    /// What evidence on hold never uses.
    reserve_bytes: i64,
}

impl From<ForecastRow> for DiskForecast {
    fn from(row: ForecastRow) -> Self {
        Self {
            at: Moment(row.at),
            bytes_a_day: row.bytes_a_day,
            full_at: row.full_at.map(Moment),
            days_held: row.days_held,
            days_wanted: row.days_wanted,
            reserve_bytes: row.reserve_bytes,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct RecordingHealth {
    /// Cameras that shall record.
    cameras: i64,
    /// Cameras that do.
    recording: i64,
    /// Bytes that holds keep from retention, of people, of work and of alerts whose clip is still to be copied; on disks that are here.
    held_bytes: u64,
    /// Holds of people and of work that stand.
    holds: i64,
    /// Of these, those that the recorder could not take yet: retention may delete what they name.
    holds_waiting: i64,
    /// Events of the recorder that had to be read from its index again.
    events_dropped: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct AnalysisHealth {
    /// Processes that run.
    running: usize,
    restarts: u64,
    /// Looks that wait.
    queue: usize,
    looks: u64,
    failed_looks: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct QueueHealth {
    waiting: i64,
    failed: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct TimeHealth {
    server: Moment,
}

/// Something that needs somebody.
#[derive(Debug, Serialize, ToSchema)]
struct HealthProblem {
    /// disk_away, disk_reserve, disk_low, disk_will_be_full, analysis_stopped, holds_waiting, cameras_silent, jobs_failed, deliveries_failed, events_dropped, tasks_panicked
    code: &'static str,
    /// In words, English.
    detail: String,
}

/// How the system is.
#[utoipa::path(tag = "system", responses((status = 200, body = Health), (status = 403, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/system/health")]
async fn system_health(app: web::Data<App>, _caller: Caller<can::SystemRead>) -> Result<web::Json<Health>, Problem> {
    let now_ms = app.clock.wall_ms();
    let (figures, forecast) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (figures::read(conn, now_ms).await?, forecasts::newest(conn).await?)
    };
    let analysis = app.engine.as_ref().map(|engine| engine.analyser().status());
    let health = Health {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: app.about.uptime_s(),
        database: DatabaseHealth { engine: app.db.kind().as_str(), ok: true, size_bytes: app.db.size_bytes().await? },
        disk: disk(&app, forecast),
        disks: disks(&app),
        recording: recording(&app, &figures),
        analysis: analysis.map_or(AnalysisHealth { running: 0, restarts: 0, queue: 0, looks: 0, failed_looks: 0 }, |status| {
            AnalysisHealth {
                running: status.processes.len(),
                restarts: status.starts.saturating_sub(u64::try_from(status.processes.len()).unwrap_or(u64::MAX)),
                queue: status.looks_waiting,
                looks: status.looks,
                failed_looks: status.failed_looks,
            }
        }),
        jobs: QueueHealth { waiting: figures.jobs_waiting, failed: figures.jobs_failed },
        outbox: QueueHealth { waiting: figures.outbox_waiting, failed: figures.outbox_failed },
        time: TimeHealth { server: Moment(now_ms) },
        tls: app.about.encrypted(),
        problems: Vec::new(),
    };
    let problems = problems(&app, &health, &figures);
    Ok(web::Json(Health { problems, ..health }))
}

fn level(space: Space) -> &'static str {
    match space.free_bytes.saturating_mul(100) / space.total_bytes.max(1) {
        free if free < DISK_RESERVE_PERCENT => "reserve",
        free if free < DISK_LOW_PERCENT => "low",
        _ => "ok",
    }
}

fn disks(app: &App) -> Vec<RecordingDisk> {
    let Some(engine) = &app.engine else { return Vec::new() };
    let index = engine.index();
    let disks = index.disks();
    let of = |disk| {
        let space = disks.space(disk).ok().filter(|_| disks.is_here(disk));
        RecordingDisk {
            path: disks.folder(disk).display().to_string(),
            id: disks.id(disk).to_string(),
            level: space.map_or("away", level),
            free_bytes: space.map(|space| space.free_bytes),
            total_bytes: space.map(|space| space.total_bytes),
            leaving: disks.is_leaving(disk),
        }
    };
    (0..disks.len()).map(of).collect()
}

fn disk(app: &App, forecast: Option<ForecastRow>) -> Option<DiskHealth> {
    let space = app.about.space()?;
    Some(DiskHealth {
        path: app.about.recordings().first().map(|folder| folder.display().to_string()).unwrap_or_default(),
        free_bytes: space.free_bytes,
        total_bytes: space.total_bytes,
        level: level(space),
        forecast: forecast.map(DiskForecast::from),
    })
}

fn recording(app: &App, figures: &Figures) -> RecordingHealth {
    let count =
        |states: &[&str]| figures.cameras.iter().filter(|(state, _)| states.contains(&state.as_str())).map(|(_, count)| count).sum();
    RecordingHealth {
        cameras: count(&["connecting", "recording", "degraded", "offline"]),
        recording: count(&["recording", "degraded"]),
        held_bytes: app.engine.as_ref().map_or(0, |engine| engine.index().held_bytes()),
        holds: figures.holds,
        holds_waiting: figures.holds_in_trouble,
        events_dropped: app.engine.as_ref().map_or(0, media::Engine::events_dropped),
    }
}

fn problems(app: &App, health: &Health, figures: &Figures) -> Vec<HealthProblem> {
    let mut problems = Vec::new();
    let mut note = |holds: bool, code, detail: String| {
        if holds {
            problems.push(HealthProblem { code, detail });
        }
    };
    for disk in health.disks.iter().filter(|disk| disk.level == "away") {
        let detail = format!("the disk at {} is away: what lies on it cannot be seen, recording goes on on the others", disk.path);
        note(true, "disk_away", detail);
    }
    // With several disks the fullest speaks where all together would hide it.
    for disk in health.disks.iter().filter(|disk| health.disks.len() > 1 && disk.level == "reserve") {
        note(true, "disk_reserve", format!("only the reserve is left on {}: recordings run as a ring in it", disk.path));
    }
    if let Some(disk) = &health.disk {
        let free_gb = disk.free_bytes / 1_000_000_000;
        note(
            disk.level == "reserve" && health.disks.len() <= 1,
            "disk_reserve",
            format!("only the reserve is left on the disk ({free_gb} GB free): recordings run as a ring in it"),
        );
        let soon = disk.forecast.as_ref().and_then(|forecast| Some((forecast, forecast.full_at?)));
        if let Some((forecast, full_at)) = soon.filter(|(forecast, full_at)| full_at.0 - forecast.at.0 <= SOON_MS) {
            let (held, wanted) = (forecast.days_held, forecast.days_wanted);
            let detail = format!("the disk will be full by {full_at}: it holds {held} of the {wanted} days that are asked for");
            note(true, "disk_will_be_full", detail);
        }
        note(disk.level == "low", "disk_low", format!("the disk is nearly full ({free_gb} GB free): the oldest recordings are deleted"));
    }
    let expects_analysis = app.engine.is_some() && health.analysis.restarts > 0;
    note(
        expects_analysis && health.analysis.running == 0,
        "analysis_stopped",
        "the analysis process does not run: pictures are not watched".to_owned(),
    );
    let silent = health.recording.cameras - health.recording.recording;
    let waiting = figures.holds_in_trouble;
    note(waiting > 0, "holds_waiting", format!("{waiting} holds are not in force: held recordings would use the reserve of the disk"));
    note(silent > 0, "cameras_silent", format!("{silent} of {} cameras deliver no picture", health.recording.cameras));
    note(figures.jobs_failed_lately > 0, "jobs_failed", format!("{} jobs were given up in the last day", figures.jobs_failed_lately));
    note(figures.outbox_failed > 0, "deliveries_failed", format!("{} deliveries to webhooks were given up", figures.outbox_failed));
    note(
        health.recording.events_dropped > 0,
        "events_dropped",
        format!("{} events of the recorder were read from its index again", health.recording.events_dropped),
    );
    let panics = app.supervisor.panics();
    note(panics > 0, "tasks_panicked", format!("{panics} faults of the program were caught; see the log"));
    problems
}
