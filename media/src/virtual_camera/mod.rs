//! Virtual cameras: one scripted RTSP server that sends real footage, for the demo, the bench and the tests.
//!
//! Any number of cameras share one port, each at its own path. A camera sends pictures that were encoded beforehand
//! ([`footage`]), paced as a camera paces them, and suffers incidents: by a script, or at once through its handle
//! ([`VirtualCamera::set`]). It counts what it sent, down to a digest of each frame, so that a recording can be compared
//! with it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use media::virtual_camera::*;
//! let library = FootageLibrary::new(footage::DEBIAN_SOURCE.as_ref(), "/var/cache/footage".as_ref());
//! let camera = VirtualCameraConfig { path: "kitchen".into(), scene: Scene::small("KITCHEN"), ..Default::default() };
//! let server = VirtualServer::start("127.0.0.1:0".parse()?, vec![camera], library, &media::Supervisor::new()).await?;
//! server.ready().await?;
//! println!("{}", server.url("kitchen"));
//! server.camera("kitchen").ok_or("no camera")?.set(Incident::Black).await?;
//! # Ok(()) }
//! ```

mod camera;
pub mod footage;
mod rtp;
mod rtsp;
mod script;

use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use camera::{ParameterSets, SentFrame, SentTotals, VirtualCamera, VirtualCameraConfig};
pub use footage::{FootageError, FootageLibrary, FrameRate, Light, Picture, Scene, View};
pub use rtsp::auth::{Account, AuthScheme};
pub use script::{Incident, ScriptedIncident};

use crate::supervise::{OnPanic, Supervisor};
use rtsp::connection::{Cameras, Knocking, serve};
use script::Step;

/// Connections at the same time; more wait.
const CONNECTIONS_MAX: usize = 4096;

/// Loops that are encoded at the same time.
const ENCODERS_MAX: usize = 2;

/// Why the server could not start or cannot show anything.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VirtualServerError {
    /// The port cannot be had.
    #[error("virtual cameras cannot listen on {address}: {detail}")]
    Listen {
        /// Wanted address.
        address: SocketAddr,
        /// What the system says.
        detail: String,
    },
    /// Two cameras have one path, or one has none.
    #[error("virtual camera path {0:?} is empty or used twice")]
    Path(String),
    /// Footage cannot be made.
    #[error("{0}")]
    Footage(String),
    /// The server was stopped.
    #[error("the virtual cameras were stopped")]
    Stopped,
}

/// The server of all virtual cameras. Dropping it stops it.
pub struct VirtualServer {
    address: SocketAddr,
    cameras: Arc<Cameras>,
    knocking: Arc<Knocking>,
    stop: CancellationToken,
    /// Whether it shall listen, and whether it does.
    wanted: watch::Sender<bool>,
    listening: watch::Receiver<bool>,
    ready: watch::Receiver<Readiness>,
}

#[derive(Clone)]
enum Readiness {
    Preparing,
    Ready,
    Failed(String),
}

impl VirtualServer {
    /// Listens on `listen` (port 0 takes a free one). Footage is prepared meanwhile; see [`VirtualServer::ready`].
    ///
    /// # Errors
    /// [`VirtualServerError::Listen`] and [`VirtualServerError::Path`].
    pub async fn start(
        listen: SocketAddr,
        cameras: Vec<VirtualCameraConfig>,
        library: FootageLibrary,
        supervisor: &Supervisor,
    ) -> Result<Self, VirtualServerError> {
        let mut by_path = Cameras::new();
        for config in cameras {
            let path = config.path.trim_matches('/').to_owned();
            let camera = VirtualCamera::new(config, library.clone(), supervisor.clone());
            if path.is_empty() || by_path.insert(path.clone(), camera).is_some() {
                return Err(VirtualServerError::Path(path));
            }
        }
        let cameras = Arc::new(by_path);
        let listener = bind(listen).await?;
        let address = listener.local_addr().map_err(|error| listen_error(listen, &error))?;
        let knocking = Arc::new(Knocking::default());
        let stop = supervisor.soft().child_token();
        let (wanted, wanted_receiver) = watch::channel(true);
        let (listening_sender, listening) = watch::channel(true);
        let (ready_sender, ready) = watch::channel(Readiness::Preparing);

        let accepting = Accepting {
            address,
            cameras: Arc::clone(&cameras),
            knocking: Arc::clone(&knocking),
            supervisor: supervisor.clone(),
            stop: stop.clone(),
            wanted: wanted_receiver,
            listening: Arc::new(listening_sender),
        };
        let mut first = Some(listener);
        supervisor.task("virtual cameras", OnPanic::Restart, move || accepting.clone().run(first.take()));
        let footage = prepare(Arc::clone(&cameras), ready_sender, supervisor.clone(), stop.clone());
        supervisor.once("virtual camera footage", footage);
        Ok(Self { address, cameras, knocking, stop, wanted, listening, ready })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address of a camera.
    pub fn url(&self, path: &str) -> Url {
        let mut url = Url::parse("rtsp://localhost/").unwrap_or_else(|_| unreachable!("a constant"));
        let _always_possible = url.set_ip_host(self.address.ip());
        let _always_possible = url.set_port(Some(self.address.port()));
        url.set_path(path);
        url
    }

    /// The camera at a path.
    pub fn camera(&self, path: &str) -> Option<VirtualCamera> {
        self.cameras.get(path).cloned()
    }

    /// All cameras, by path.
    pub fn cameras(&self) -> impl Iterator<Item = (&str, &VirtualCamera)> {
        self.cameras.iter().map(|(path, camera)| (path.as_str(), camera))
    }

    /// The most connections that were open at the same time and did not play yet.
    pub fn knocking_max(&self) -> usize {
        self.knocking.most()
    }

    /// Waits until every camera can show its usual view. Scripts begin at that moment.
    ///
    /// # Errors
    /// [`VirtualServerError::Footage`] when some footage cannot be made.
    pub async fn ready(&self) -> Result<(), VirtualServerError> {
        let mut ready = self.ready.clone();
        let state = ready.wait_for(|state| !matches!(state, Readiness::Preparing)).await.map_err(|_| VirtualServerError::Stopped)?;
        match &*state {
            Readiness::Failed(why) => Err(VirtualServerError::Footage(why.clone())),
            Readiness::Ready | Readiness::Preparing => Ok(()),
        }
    }

    /// Closes the port and all connections (the power is off: connections are refused), or opens the same port again.
    ///
    /// # Errors
    /// [`VirtualServerError::Stopped`] when the server has ended.
    pub async fn set_listening(&self, wanted: bool) -> Result<(), VirtualServerError> {
        self.wanted.send_replace(wanted);
        let mut listening = self.listening.clone();
        listening.wait_for(|&listening| listening == wanted).await.map_err(|_| VirtualServerError::Stopped)?;
        Ok(())
    }
}

impl Drop for VirtualServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the accepting task needs; a clone starts it again after a panic.
#[derive(Clone)]
struct Accepting {
    address: SocketAddr,
    cameras: Arc<Cameras>,
    knocking: Arc<Knocking>,
    supervisor: Supervisor,
    stop: CancellationToken,
    wanted: watch::Receiver<bool>,
    listening: Arc<watch::Sender<bool>>,
}

impl Accepting {
    async fn run(mut self, first: Option<TcpListener>) {
        let mut listener = first;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = self.stop.child_token();
        while !self.stop.is_cancelled() {
            let wanted = *self.wanted.borrow_and_update();
            if wanted && listener.is_none() {
                listener = self.listen_again().await;
            } else if !wanted && listener.take().is_some() {
                connections.cancel();
                connections = self.stop.child_token();
            }
            self.listening.send_replace(listener.is_some());
            let Some(open) = &listener else {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    changed = self.wanted.changed() => if changed.is_err() { return },
                }
                continue;
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = self.wanted.changed() => if changed.is_err() { return },
                accepted = accept(open, &places) => {
                    let Some((stream, place)) = accepted else { continue };
                    let (cameras, knocking, stop) = (Arc::clone(&self.cameras), Arc::clone(&self.knocking), connections.clone());
                    self.supervisor.once("virtual camera connection", async move {
                        serve(stream, cameras, knocking, stop).await;
                        drop(place);
                    });
                }
            }
        }
    }

    async fn listen_again(&self) -> Option<TcpListener> {
        match bind(self.address).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(%error, "trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            // Out of file descriptors: at once again would only burn the processor.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, VirtualServerError> {
    TcpListener::bind(address).await.map_err(|error| listen_error(address, &error))
}

fn listen_error(address: SocketAddr, error: &std::io::Error) -> VirtualServerError {
    VirtualServerError::Listen { address, detail: error.to_string() }
}

/// Prepares the usual views, starts the scripts, then prepares what the scripts will show, soonest first.
async fn prepare(cameras: Arc<Cameras>, ready: watch::Sender<Readiness>, supervisor: Supervisor, stop: CancellationToken) {
    let work = async {
        let all: Vec<VirtualCamera> = cameras.values().cloned().collect();
        let views = all.into_iter().map(|camera| async move { camera.prepare(Picture::Normal).await });
        let results: Vec<_> = futures::stream::iter(views).buffer_unordered(ENCODERS_MAX).collect().await;
        if let Some(error) = results.into_iter().find_map(Result::err) {
            tracing::error!(%error, "virtual cameras have no footage");
            ready.send_replace(Readiness::Failed(error.to_string()));
            return;
        }
        ready.send_replace(Readiness::Ready);
        let start = Instant::now();
        let mut later = Vec::new();
        for camera in cameras.values().filter(|camera| !camera.config().script.is_empty()) {
            let script = &camera.config().script;
            later.extend(script.iter().map(|scripted| (scripted.at_ms, scripted.incident.picture(), camera.clone())));
            supervisor.once("virtual camera script", play_script(camera.clone(), start, stop.clone()));
        }
        later.sort_by_key(|(at_ms, _, _)| *at_ms);
        for (_, picture, camera) in later {
            if let Err(error) = camera.prepare(picture).await {
                tracing::error!(%error, "an incident has no footage");
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

async fn play_script(camera: VirtualCamera, start: Instant, stop: CancellationToken) {
    for (at_ms, step) in script::steps(&camera.config().script) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(start + Duration::from_millis(at_ms)) => {}
        }
        match step {
            Step::Begin(incident) => {
                tracing::info!(camera = camera.config().path, ?incident, "incident begins");
                if let Err(error) = camera.set(incident).await {
                    tracing::error!(%error, "an incident has no footage");
                }
            }
            Step::End => camera.clear(),
        }
    }
}

#[cfg(test)]
mod tests;
