//! Other pictures of what cameras sent, on demand: H.265 as H.264 for browsers that cannot play it, and copies of recordings
//! with a mark in every picture.
//!
//! ```text
//! live ring (H.265) -> follower -> process: decode, thin out, scale, encode, mux -> ring of its own -> the usual playlist
//! export -> fragments, hashed -> process: decode, burn in, encode, mux -> hashed -> the file, its statement behind it
//! ```
//! Nothing recorded is touched by it, and the recorder never waits for it: each job is a process of its own
//! (`bright-kitchen transcode`) that may crash or hang. How many there are at once has a limit, and who comes beyond it is
//! told so at once instead of waiting.

mod child;
mod copy;
mod faces;
mod follow;
mod hide;
mod live;
mod pipeline;
mod play;
mod process;
mod protocol;
mod samples;
mod wall;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

pub use child::transcode_main;
pub use copy::{CopyHashes, Hidden, Mark, MarkedCopy, REGIONS_MAX};
pub use faces::FACE_MODEL;
pub use hide::Region;
pub use play::{PlayedCopy, codec_of_file};

use crate::camera::{CameraId, Codec};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::live::LiveRing;
use crate::playback::live::{self as hls, Awaited, LiveError, LiveName};
use crate::playback::{Export, PlaybackError};
use crate::settings::TranscodeConfig;
use crate::supervise::Supervisor;
use live::{Session, Viewing};

/// Why nothing is transcoded.
#[derive(Debug, thiserror::Error)]
pub enum TranscodeError {
    /// As many as are allowed are under way.
    #[error("{max} are transcoded already, as many as are allowed")]
    Limit {
        /// How many are allowed.
        max: usize,
    },
    /// No program is configured, it cannot be started, or it failed.
    #[error("pictures cannot be transcoded now: {0}")]
    Unavailable(String),
    /// The camera's stream.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The recording.
    #[error(transparent)]
    Playback(#[from] PlaybackError),
}

/// How the transcoding does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscodeStatus {
    /// Cameras that are transcoded now, with the id of their process; 0 while it has none.
    pub live: Vec<(CameraId, u32)>,
    /// Recordings that are watched in H.264 now.
    pub played: usize,
    /// Copies that are made now.
    pub copies: usize,
    /// Processes that were started, over all.
    pub starts: u64,
}

/// Transcoding of all cameras. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Transcoder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: TranscodeConfig,
    supervisor: Supervisor,
    sessions: Mutex<HashMap<CameraId, Arc<Session>>>,
    /// Recordings that are watched; each takes the place of a session.
    plays: AtomicUsize,
    copies: Arc<Semaphore>,
    starts: AtomicU64,
}

impl Transcoder {
    /// Without a program in `config` everything is refused.
    pub(crate) fn new(config: TranscodeConfig, supervisor: &Supervisor) -> Self {
        let copies = Arc::new(Semaphore::new(config.copies_max));
        let (sessions, plays, starts) = (Mutex::default(), AtomicUsize::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { config, supervisor: supervisor.clone(), sessions, plays, copies, starts }) }
    }

    /// Has a camera's stream transcoded, or joins those who watch it already.
    fn watch(&self, camera: CameraId, source: Arc<LiveRing>, clock: &dyn Clock) -> Result<Viewing, TranscodeError> {
        if self.shared.config.program.is_none() {
            return Err(TranscodeError::Unavailable("it is switched off".to_owned()));
        }
        let mut sessions = self.shared.sessions();
        if let Some(session) = sessions.get(&camera) {
            return Ok(Viewing::new(session.clone()));
        }
        let max = self.shared.config.live_max;
        if sessions.len() + self.shared.plays.load(Ordering::Relaxed) >= max {
            return Err(TranscodeError::Limit { max });
        }
        let session = Arc::new(Session::new(clock.wall_ms()));
        let viewing = Viewing::new(session.clone());
        sessions.insert(camera, session.clone());
        drop(sessions);
        let running = live::run(self.shared.clone(), camera, session, source);
        self.shared.supervisor.once(format!("transcoding of {camera}"), running);
        Ok(viewing)
    }

    /// Joins those who watch a camera; `None` where nobody does.
    fn join(&self, camera: CameraId) -> Option<Viewing> {
        self.shared.sessions().get(&camera).map(|session| Viewing::new(session.clone()))
    }

    fn status(&self) -> TranscodeStatus {
        let sessions = self.shared.sessions();
        let live = sessions.iter().map(|(camera, session)| (*camera, session.process.load(Ordering::Relaxed))).collect();
        let copies = self.shared.config.copies_max - self.shared.copies.available_permits();
        let played = self.shared.plays.load(Ordering::Relaxed);
        TranscodeStatus { live, played, copies, starts: self.shared.starts.load(Ordering::Relaxed) }
    }
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, HashMap<CameraId, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, camera: CameraId, session: &Arc<Session>) {
        let mut sessions = self.sessions();
        if sessions.get(&camera).is_some_and(|known| Arc::ptr_eq(known, session)) {
            sessions.remove(&camera);
        }
    }

    /// Forgets a session that nobody watches; `false` where somebody has come meanwhile.
    fn forget_idle(&self, camera: CameraId, session: &Arc<Session>, linger: Duration) -> bool {
        let mut sessions = self.sessions();
        let idle = session.idle_in(linger).is_zero();
        if idle {
            sessions.remove(&camera);
        }
        idle
    }
}

impl Engine {
    /// The live playlist in H.264: the camera's own where it sends that, else transcoded from now on, for as long as
    /// somebody asks.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn live_h264_playlist(&self, camera: CameraId, awaited: Option<Awaited>) -> Result<Bytes, TranscodeError> {
        let source = self.live(camera).ok_or(LiveError::NotLive)?;
        if live_codec(&source, awaited).await? == Codec::H264 {
            return Ok(self.live_playlist(camera, awaited).await?);
        }
        let viewing = self.transcoder().watch(camera, source, self.clock())?;
        let awaited = awaited.unwrap_or_else(|| viewing.first_whole());
        tokio::select! {
            playlist = hls::playlist(viewing.ring(), Some(awaited), hls::PATIENCE) => Ok(playlist?),
            failed = viewing.failed() => Err(failed),
        }
    }

    /// What a name in that playlist stands for.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn live_h264_file(&self, camera: CameraId, name: LiveName) -> Result<Bytes, TranscodeError> {
        let Some(viewing) = self.transcoder().join(camera) else {
            let source = self.live(camera).ok_or(LiveError::NotLive)?;
            // Nobody asked for a playlist that would hold such a name, or that is long ago.
            let plays = live_codec(&source, None).await? == Codec::H264;
            return if plays { Ok(self.live_file(camera, name).await?) } else { Err(LiveError::Gone.into()) };
        };
        let ring = viewing.ring();
        let found = async {
            match name {
                LiveName::Init(generation) => hls::init(ring, generation).ok_or(LiveError::Gone),
                LiveName::Part(segment, part) => hls::part(ring, segment, part, hls::PATIENCE).await,
                LiveName::Segment(segment) => hls::segment(ring, segment, hls::PATIENCE).await?.ok_or(LiveError::Gone),
            }
        };
        tokio::select! {
            found = found => Ok(found?),
            failed = viewing.failed() => Err(failed),
        }
    }

    /// Begins a copy of an export with a mark in every picture.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn mark(&self, export: Export, mark: Mark) -> Result<MarkedCopy, TranscodeError> {
        copy::begin(&self.transcoder().shared, export, mark).await
    }

    /// An export in H.264 to watch, at most as large as a live stream that is transcoded; it takes the place of one.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn h264_of(&self, export: &Export) -> Result<PlayedCopy, TranscodeError> {
        play::of_export(&self.transcoder().shared, export).await
    }

    /// The same of a file that an export gave, of so many milliseconds.
    ///
    /// # Errors
    /// [`TranscodeError`].
    pub async fn h264_of_file(&self, file: &Bytes, start_ms: i64, duration_ms: u64) -> Result<PlayedCopy, TranscodeError> {
        play::of_file(&self.transcoder().shared, file, start_ms, duration_ms).await
    }

    /// How the transcoding does.
    #[must_use]
    pub fn transcoding(&self) -> TranscodeStatus {
        self.transcoder().status()
    }
}

/// The codec that a camera sends now; waits for a camera that connects.
async fn live_codec(source: &LiveRing, awaited: Option<Awaited>) -> Result<Codec, LiveError> {
    let codec = || source.snapshot().last().map(|fragment| fragment.init.codec);
    if codec().is_none() && awaited.is_none() {
        hls::playlist(source, None, hls::PATIENCE).await?;
    }
    codec().ok_or(LiveError::NotLive)
}
