//! Start and stop of the whole program.
//!
//! Start: folder and its lock, database and migrations, keys, background tasks, then the door. Stop (SIGTERM, SIGINT, or a
//! task the program cannot be without has panicked): the door closes, open streams are told, segments are closed, and what
//! does not finish in time is dropped. A second signal ends it at once.

use std::fs::{File, TryLockError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpServer, web};
use media::{Engine, EngineError, MediaEvent, OnPanic, Supervisor, SystemClock};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::about::About;
use crate::audit_head;
use crate::auth::KeysError;
use crate::channels::push::Services;
use crate::config::Config;
use crate::domain::calendar::Calendar;
use crate::http::{self, trust};
use crate::proxies::TrustedProxies;
use crate::store::{Db, StoreError, settings};
use crate::tls::{self, TlsError};
use crate::{App, AppError};
use crate::{ingest, jobs, moving, outward};

/// Pause before a background task that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The data folder cannot be made or used.
    #[error("the data folder {}: {cause}", .path.display())]
    Data {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another one is running on the same folder.
    #[error("another bright-kitchen is using {}", .0.display())]
    Busy(PathBuf),
    /// A file of working days.
    #[error("{}: {cause}", .path.display())]
    Calendar {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The server itself failed.
    #[error("the HTTP server failed: {0}")]
    Http(std::io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Keys or files.
    #[error(transparent)]
    App(#[from] AppError),
    /// Cameras and recordings.
    #[error("the recorder cannot start: {0}")]
    Engine(#[from] EngineError),
    /// HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A task the program cannot be without has panicked.
    #[error("a vital task has failed; see the log")]
    Fatal,
    /// A second signal came.
    #[error("stopped at once, by a second signal")]
    Cut,
    /// What a command prepares before the door opens.
    #[error("{0}")]
    Prepare(String),
}

/// The data folder, held by one program at a time.
///
/// A server leaves a mark in the lock's file while it runs and takes it away when it has stopped in order, so that what a kill or
/// a power cut leaves behind can be told from what should not be.
#[derive(Debug)]
pub struct DataLock(File);

/// What stands in the lock's file while a server runs.
const SERVING: &[u8] = b"serving\n";

/// Makes the data folder where there is none, for its owner only.
pub fn data_folder(path: &Path) -> Result<(), LifecycleError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| LifecycleError::Data { path: path.to_owned(), cause: error.to_string() })
}

impl DataLock {
    /// Takes the folder, or says that somebody has it.
    pub fn take(path: &Path) -> Result<Self, LifecycleError> {
        data_folder(path)?;
        let failed = |cause: String| LifecycleError::Data { path: path.to_owned(), cause };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("lock"))
            .map_err(|error| failed(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LifecycleError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error.to_string())),
        }
    }

    /// Whether the last server was killed, or lost its power: it did not stop in order, and none has begun since.
    pub fn was_killed(&self) -> bool {
        self.0.metadata().is_ok_and(|facts| facts.len() > 0)
    }

    /// A server begins, or (`false`) has stopped in order.
    pub fn serving(&self, serving: bool) -> std::io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        match serving {
            true => self.0.write_all_at(SERVING, 0),
            false => self.0.set_len(0),
        }
    }
}

/// What the program is told about itself when the door opens.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Where it listens.
    pub address: SocketAddr,
    /// How people reach it, without a slash at the end.
    pub url: String,
    /// Other addresses of this machine by which they reach it too.
    pub also: Vec<String>,
    /// The authority a phone has to trust, where it is our own.
    pub authority: Option<tls::Authority>,
}

/// Opens the database of a configuration, with its migrations done.
pub async fn open_database(config: &Config) -> Result<Db, LifecycleError> {
    data_folder(&config.data)?;
    // The store's own task is not among those that shut down: the others write until their end, and `Db::close` ends it.
    let db = Db::open(&config.database(), &Supervisor::new()).await?;
    db.migrate().await?;
    Ok(db)
}

/// Opens a database that is there already, and changes nothing.
pub async fn open_existing(config: &Config) -> Result<Db, LifecycleError> {
    let url = config.database();
    let file = url.strip_prefix("sqlite:").map(|rest| PathBuf::from(rest.trim_start_matches("//").split('?').next().unwrap_or_default()));
    if let Some(path) = file.filter(|path| !path.is_file()) {
        return Err(LifecycleError::Data { path, cause: "there is no database".to_owned() });
    }
    Ok(Db::open(&url, &Supervisor::new()).await?)
}

/// Working days of further years, one file each, as those that ship (`server/src/domain/data/calendar/`).
fn take_calendar(folder: &Path) -> Result<(), LifecycleError> {
    let wrong = |path: &Path, cause: String| LifecycleError::Calendar { path: path.to_owned(), cause };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(wrong(folder, error.to_string())),
    };
    let mut calendar = Calendar::shipped();
    for entry in entries {
        let path = entry.map_err(|error| wrong(folder, error.to_string()))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, error.to_string()))?;
            let year = calendar.add(&text).map_err(|error| wrong(&path, error.to_string()))?;
            info!(year, "working days taken");
        }
    }
    calendar.lay();
    Ok(())
}

/// Runs until a signal comes. `opened` is called once the door is open: it prints what a person needs to know.
pub async fn run<F>(config: Config, opened: impl FnOnce(App, Opened) -> F + 'static) -> Result<(), LifecycleError>
where
    F: Future<Output = Result<(), String>>,
{
    let lock = DataLock::take(&config.data)?;
    let marked = |cause: std::io::Error| LifecycleError::Data { path: config.data.clone(), cause: cause.to_string() };
    lock.serving(true).map_err(marked)?;
    take_calendar(&config.data.join("calendar"))?;
    let db = open_database(&config).await?;
    Calendar::with(&settings::calendar_years(&mut db.read().await?.conn()).await?).take_force();
    let listener = TcpListener::bind(config.listen).map_err(|cause| LifecycleError::Listen { address: config.listen, cause })?;
    let address = listener.local_addr().map_err(LifecycleError::Http)?;
    let supervisor = Supervisor::new();
    let mut app = App::new(db, &config.data, config.files_url.as_deref(), Arc::new(SystemClock::new())).await?;
    app.about = About::new(config.recordings(), &config.engine(None, address.port()), config.tls());
    app.supervisor = supervisor.clone();
    app.webhook_policy = outward::Policy::new(config.webhook_networks.0.clone(), vec![address.port()]);
    app.push_services = Services::new(config.push_services.0.clone(), vec![address.port()]);
    let (url, also) = reached_at(&config, address, &tls::lan_addresses());
    app.url.clone_from(&url);
    let events = start_engine(&mut app, &config, address.port()).await?;
    background(&app, &config, events);

    let (tls_config, authority) = tls_of(&config)?;
    let trusted = TrustedProxies::new(config.trusted_proxies.0.clone());
    let (data, page) = (web::Data::new(app.clone()), web::Data::new(trust::Page::new(authority.clone())));
    let workers = if config.http_workers == 0 { std::thread::available_parallelism().map_or(2, usize::from) } else { config.http_workers };
    let server = HttpServer::new(move || {
        let trusted = trusted.clone();
        http::build(data.clone())
            .app_data(page.clone())
            .wrap(actix_web::middleware::from_fn(move |request, next| trusted.clone().believe(request, next)))
    })
    .workers(workers)
    // The library counts by thread.
    .max_connections(config.http_connections_max.div_ceil(workers))
    .client_request_timeout(Duration::from_millis(config.http_head_timeout_ms))
    .keep_alive(Duration::from_millis(config.http_keep_alive_ms))
    // The last piece of a part of live video must not wait for the receipt of the one before.
    .tcp_nodelay(true)
    .shutdown_timeout(config.shutdown_timeout_ms.div_ceil(1_000))
    .disable_signals();
    let server = match tls_config {
        Some(tls_config) => server.listen_rustls_0_23(listener, tls_config),
        None => server.listen(listener),
    };
    let server = server.map_err(LifecycleError::Http)?;
    let server = server.run();
    let handle = server.handle();
    let door = supervisor.clone();
    supervisor.once("http", async move {
        if let Err(error) = server.await {
            error!(%error, "the HTTP server failed");
        }
        // Without the door the program is of no use.
        door.fatal().cancel();
    });
    let shown = Opened { address, url, also, authority };
    info!(address = %address, url = shown.url, "listening");

    // Cameras record already: whoever stops it while a command still prepares gets an orderly end too.
    let mut signals = Signals::new()?;
    let vital = supervisor.fatal();
    let prepare = async {
        match opened(app.clone(), shown).await {
            Ok(()) => std::future::pending().await,
            Err(cause) => LifecycleError::Prepare(cause),
        }
    };
    let fatal = tokio::select! {
        failed = prepare => return Err(failed),
        () = signals.next() => false,
        () = vital.cancelled() => true,
    };
    info!("stopping; a second signal stops at once");
    let stopped = async {
        let patience = Duration::from_millis(config.shutdown_timeout_ms);
        // Streams and cameras are told first; the door then waits only for answers under way.
        supervisor.soft().cancel();
        if tokio::time::timeout(patience, handle.stop(true)).await.is_err() {
            warn!("answers under way were dropped");
        }
        let dropped = supervisor.shutdown(patience).await;
        app.db.close().await;
        if let Err(error) = lock.serving(false) {
            warn!(%error, "the next check takes this for a kill");
        }
        info!(dropped = dropped.len(), "stopped");
    };
    tokio::select! {
        () = stopped => if fatal { Err(LifecycleError::Fatal) } else { Ok(()) },
        () = signals.next() => Err(LifecycleError::Cut),
    }
}

/// Starts the recorder: repairs what the last run left, which reads the end of every recorded file.
async fn start_engine(app: &mut App, config: &Config, own_port: u16) -> Result<mpsc::Receiver<MediaEvent>, LifecycleError> {
    let program = std::env::current_exe().inspect_err(|error| warn!(%error, "this program cannot be found: no analysis")).ok();
    let (settings, supervisor, clock) = (config.engine(program, own_port), app.supervisor.clone(), app.clock.clone());
    let started = app.supervisor.blocking("engine start", move || Engine::start(settings, &supervisor, clock)).await;
    let (engine, events) = started.map_err(|_| LifecycleError::Fatal)??;
    app.engine = Some(engine);
    Ok(events)
}

/// Tasks that run beside the requests.
fn background(app: &App, config: &Config, events: mpsc::Receiver<MediaEvent>) {
    let supervisor = &app.supervisor;
    let (soft, hard) = (supervisor.soft(), supervisor.hard());
    supervisor.once("media events in", ingest::run(app.clone(), events, hard));
    {
        let (app, soft) = (app.clone(), soft.clone());
        supervisor.task("cameras", OnPanic::Restart, move || ingest::apply::run(app.clone(), soft.clone()));
    }
    {
        let (app, data, soft) = (app.clone(), config.data.clone(), soft.clone());
        let low_percent = config.disk_low_percent;
        supervisor.task("moving recordings", OnPanic::Restart, move || moving::run(app.clone(), data.clone(), low_percent, soft.clone()));
    }
    {
        let (app, data, soft) = (app.clone(), config.data.clone(), soft.clone());
        supervisor.task("audit head", OnPanic::Restart, move || audit_head::run(app.clone(), data.clone(), soft.clone()));
    }
    jobs::start(app);
    let db = app.db.clone();
    supervisor.task("sequencer", OnPanic::Restart, move || {
        let (db, soft) = (db.clone(), soft.clone());
        async move {
            while !soft.is_cancelled() {
                tokio::select! {
                    ended = db.sequence() => if let Err(error) = ended {
                        error!(%error, "changes wait to be numbered");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    },
                    () = soft.cancelled() => {}
                }
            }
        }
    });
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, LifecycleError> {
        let hear = |kind| signal(kind).map_err(LifecycleError::Http);
        Ok(Self { terminate: hear(SignalKind::terminate())?, interrupt: hear(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn tls_of(config: &Config) -> Result<(Option<rustls::ServerConfig>, Option<tls::Authority>), TlsError> {
    if let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) {
        return Ok((Some(tls::from_files(certificate, key)?), None));
    }
    if config.tls_self_signed {
        let (server, authority) = tls::self_signed(&config.data, &config.tls_names.0)?;
        return Ok((Some(server), Some(authority)));
    }
    Ok((None, None))
}

/// The address for people, as configured or the first by which others reach this machine; and the others of the kind that
/// is listened on.
fn reached_at(config: &Config, address: SocketAddr, of_this_machine: &[IpAddr]) -> (String, Vec<String>) {
    if let Some(url) = &config.public_url {
        return (url.as_str().trim_end_matches('/').to_owned(), Vec::new());
    }
    let scheme = if config.tls() { "https" } else { "http" };
    let url = |ip: IpAddr| format!("{scheme}://{}", SocketAddr::new(ip, address.port()));
    if !address.ip().is_unspecified() {
        return (url(address.ip()), Vec::new());
    }
    let mut urls = of_this_machine.iter().filter(|ip| address.is_ipv6() || ip.is_ipv4()).map(|ip| url(*ip));
    // A machine without a network still serves itself.
    let first = urls.next().unwrap_or_else(|| url(if address.is_ipv6() { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() }));
    (first, urls.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_every_address_they_can_use() {
        let config = Config::load(&crate::config::Flags::default().or("tls_self_signed", "true")).unwrap();
        let machine: Vec<IpAddr> = ["192.0.2.7", "198.51.100.9", "2001:db8::7"].map(|ip| ip.parse().unwrap()).to_vec();
        let told = |listen: &str, machine: &[IpAddr]| reached_at(&config, listen.parse().unwrap(), machine);
        let both = ("https://192.0.2.7:8443".to_owned(), vec!["https://198.51.100.9:8443".to_owned()]);
        assert_eq!(told("0.0.0.0:8443", &machine), both);
        assert_eq!(told("[::]:8443", &machine).1.last().unwrap(), "https://[2001:db8::7]:8443");
        assert_eq!(told("127.0.0.1:8443", &machine), ("https://127.0.0.1:8443".to_owned(), vec![]));
        assert_eq!(told("0.0.0.0:8443", &[]), ("https://127.0.0.1:8443".to_owned(), vec![]));
    }

    #[test]
    fn one_program_holds_a_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        let held = DataLock::take(&data).unwrap();
        assert!(matches!(DataLock::take(&data), Err(LifecycleError::Busy(_))));
        assert!(!held.was_killed());
        held.serving(true).unwrap();
        drop(held);
        let held = DataLock::take(&data).unwrap();
        assert!(held.was_killed(), "it did not stop in order");
        held.serving(false).unwrap();
        drop(held);
        assert!(!DataLock::take(&data).unwrap().was_killed());
    }
}
