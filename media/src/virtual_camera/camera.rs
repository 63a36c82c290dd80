//! One virtual camera: what it is set up to be, what befalls it now, and what it has sent.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::footage::{Footage, FootageError, FootageLibrary, Picture, Scene};
use super::rtsp::auth::Account;
use super::script::{Incident, ScriptedIncident};
use crate::supervise::Supervisor;

/// What a virtual camera is set up to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VirtualCameraConfig {
    /// Path in its address: `rtsp://host:port/PATH`.
    pub path: String,
    /// What it sees and how it encodes it.
    pub scene: Scene,
    /// User name and password it asks for.
    pub account: Option<Account>,
    /// What befalls it after the start.
    pub script: Vec<ScriptedIncident>,
    /// Refuses datagrams (461), as cameras behind some gateways do.
    pub tcp_only: bool,
    /// Refuses interleaved packets (461).
    pub udp_only: bool,
    /// Sends to a group of the network, and refuses all else (461).
    pub multicast_only: bool,
    /// Milliseconds by which its own clock is ahead of this machine's, as its RTCP reports tell.
    pub clock_ahead_ms: i64,
    /// Where a viewer finds VPS, SPS and PPS.
    pub parameter_sets: ParameterSets,
    /// RTP time that streams start with; a random one where none is given.
    pub rtp_start: Option<u32>,
    /// Fills its stream up to this many kilobits a second with filler NAL units, as cameras set to a constant bit rate do;
    /// 0 leaves the encoder's frames as they are.
    pub fill_kbit_s: u32,
    /// How many of the frames it sent are kept for [`VirtualCamera::sent`]; 0 for none.
    pub log_frames_max: usize,
}

impl Default for VirtualCameraConfig {
    fn default() -> Self {
        Self {
            path: "camera".into(),
            scene: Scene::default(),
            account: None,
            script: Vec::new(),
            tcp_only: false,
            udp_only: false,
            multicast_only: false,
            clock_ahead_ms: 0,
            parameter_sets: ParameterSets::Both,
            rtp_start: None,
            fill_kbit_s: 0,
            log_frames_max: 0,
        }
    }
}

/// Where a camera puts VPS, SPS and PPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterSets {
    /// Into the description and before each key frame.
    #[default]
    Both,
    /// Into the description only.
    Described,
    /// Before each key frame only.
    InBand,
}

/// One frame that a viewer was sent whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentFrame {
    /// Which viewing (each PLAY is one), counted from 1.
    pub viewing: u64,
    /// Number of the frame's place in the viewing's time; missing numbers were never sent (a hang).
    pub index: u64,
    /// RTP time.
    pub rtp_time: u32,
    /// A key frame.
    pub key: bool,
    /// Bytes of its NAL units, filler left out.
    pub bytes: usize,
    /// When it had left, on the wall clock, milliseconds UTC.
    pub sent_ms: i64,
    /// What the camera showed.
    pub picture: Picture,
    /// Digest of its slices, see [`super::footage::Frame::picture_sha256`].
    pub picture_sha256: [u8; 32],
}

/// What a camera has sent to all viewers since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SentTotals {
    /// Frames.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// Bytes of NAL units.
    pub bytes: u64,
    /// Viewings that began (PLAY).
    pub viewings: u64,
    /// Viewers right now.
    pub viewers: u64,
    /// Requests answered or not answered, DESCRIBE only: how often somebody tried to see it.
    pub describes: u64,
}

/// What befalls a camera now. Counters tell of what lasts no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) incident: Option<Incident>,
    /// Grows each time viewers are to be cut off.
    pub(super) cuts: u64,
    /// Sum of all jumps of RTP time, in milliseconds.
    pub(super) jumped_ms: i64,
}

impl Situation {
    pub(super) fn picture(&self) -> Picture {
        self.incident.map_or(Picture::Normal, Incident::picture)
    }

    pub(super) fn is(&self, incident: Incident) -> bool {
        self.incident == Some(incident)
    }
}

/// A virtual camera. A cheap handle; clones are the same camera.
#[derive(Clone)]
pub struct VirtualCamera(Arc<Inner>);

struct Inner {
    config: VirtualCameraConfig,
    library: FootageLibrary,
    supervisor: Supervisor,
    situation: watch::Sender<Situation>,
    account: Mutex<Option<Account>>,
    footage: Mutex<HashMap<Picture, Arc<Footage>>>,
    log: Mutex<VecDeque<SentFrame>>,
    frames: AtomicU64,
    key_frames: AtomicU64,
    bytes: AtomicU64,
    viewings: AtomicU64,
    viewers: AtomicU64,
    describes: AtomicU64,
}

impl VirtualCamera {
    pub(super) fn new(config: VirtualCameraConfig, library: FootageLibrary, supervisor: Supervisor) -> Self {
        Self(Arc::new(Inner {
            account: Mutex::new(config.account.clone()),
            config,
            library,
            supervisor,
            situation: watch::Sender::default(),
            footage: Mutex::default(),
            log: Mutex::default(),
            frames: AtomicU64::new(0),
            key_frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            viewings: AtomicU64::new(0),
            viewers: AtomicU64::new(0),
            describes: AtomicU64::new(0),
        }))
    }

    /// How it was set up.
    pub fn config(&self) -> &VirtualCameraConfig {
        &self.0.config
    }

    /// Encodes or reads the footage of a picture, so that [`VirtualCamera::set`] takes effect at once.
    ///
    /// # Errors
    /// [`FootageError`] when it cannot be made.
    pub async fn prepare(&self, picture: Picture) -> Result<(), FootageError> {
        if self.footage(picture).is_some() {
            return Ok(());
        }
        let (library, scene) = (self.0.library.clone(), self.0.config.scene.clone());
        let made = self.0.supervisor.blocking("virtual camera footage", move || library.get(&scene, picture)).await;
        let footage = made.map_err(|unfinished| FootageError::Encode(unfinished.to_string()))??;
        lock(&self.0.footage).insert(picture, footage);
        Ok(())
    }

    /// Lets an incident begin now; it ends the one before. It lasts until [`VirtualCamera::clear`].
    ///
    /// Returns when every frame sent from now on shows it. Changes of the picture begin with a key frame, in RTP time
    /// that goes on.
    ///
    /// # Errors
    /// [`FootageError`] when the footage of the incident cannot be made; nothing changes then.
    pub async fn set(&self, incident: Incident) -> Result<(), FootageError> {
        self.prepare(incident.picture()).await?;
        self.0.situation.send_modify(|situation| {
            if let Incident::RtpTimeJump { ms } = incident {
                situation.jumped_ms += ms;
                return;
            }
            situation.incident = Some(incident);
            situation.cuts += u64::from(incident.cuts_viewers_off());
        });
        Ok(())
    }

    /// Ends what befalls the camera: its usual view is back.
    pub fn clear(&self) {
        self.0.situation.send_modify(|situation| {
            // The other codec cannot come or go within a stream.
            situation.cuts += u64::from(situation.is(Incident::ChangeCodec));
            situation.incident = None;
        });
    }

    /// Cuts off everybody who watches, once; they may come again at once.
    pub fn cut(&self) {
        self.0.situation.send_modify(|situation| situation.cuts += 1);
    }

    /// Somebody changes the password: those who watch are cut off, and only the new one is let in.
    pub fn change_password(&self, password: &str) {
        if let Some(account) = lock(&self.0.account).as_mut() {
            password.clone_into(&mut account.password);
        }
        self.cut();
    }

    /// User name and password it asks for now.
    pub(super) fn account(&self) -> Option<Account> {
        lock(&self.0.account).clone()
    }

    /// What befalls the camera now.
    pub fn incident(&self) -> Option<Incident> {
        self.0.situation.borrow().incident
    }

    /// Counts of what was sent.
    pub fn totals(&self) -> SentTotals {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SentTotals {
            frames: count(&self.0.frames),
            key_frames: count(&self.0.key_frames),
            bytes: count(&self.0.bytes),
            viewings: count(&self.0.viewings),
            viewers: count(&self.0.viewers),
            describes: count(&self.0.describes),
        }
    }

    /// The newest frames sent, oldest first, as many as [`VirtualCameraConfig::log_frames_max`] keeps.
    pub fn sent(&self) -> Vec<SentFrame> {
        lock(&self.0.log).iter().copied().collect()
    }

    pub(super) fn situation(&self) -> watch::Receiver<Situation> {
        self.0.situation.subscribe()
    }

    /// Footage of a picture, when it is ready.
    pub(super) fn footage(&self, picture: Picture) -> Option<Arc<Footage>> {
        lock(&self.0.footage).get(&picture).cloned()
    }

    pub(super) fn count_describe(&self) {
        self.0.describes.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins a viewing, which ends when the guard is dropped.
    pub(super) fn begin_viewing(&self) -> Viewing {
        let number = self.0.viewings.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.viewers.fetch_add(1, Ordering::Relaxed);
        Viewing { camera: self.clone(), number }
    }
}

/// A viewer's time from PLAY to the end.
pub(super) struct Viewing {
    camera: VirtualCamera,
    pub(super) number: u64,
}

impl Viewing {
    /// Counts a frame that has left.
    pub(super) fn sent(&self, frame: SentFrame) {
        let inner = &self.camera.0;
        inner.frames.fetch_add(1, Ordering::Relaxed);
        inner.key_frames.fetch_add(u64::from(frame.key), Ordering::Relaxed);
        inner.bytes.fetch_add(frame.bytes as u64, Ordering::Relaxed);
        let keep = inner.config.log_frames_max;
        if keep == 0 {
            return;
        }
        let mut log = lock(&inner.log);
        if log.len() >= keep {
            log.pop_front();
        }
        log.push_back(frame);
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        self.camera.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
