//! One camera's H.265 as H.264, for as long as somebody watches: one process, however many they are.
//!
//! A process serves one unbroken stretch. Where the camera's stream begins anew, or the process does not keep up, another
//! is started and the new stream says that it is discontinuous. What comes out stands in a [`LiveRing`] of its own, so that
//! players get the very playlist they know.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::follow::Follower;
use super::process::{Limits, Made, Process, ProcessError};
use super::protocol::Work;
use super::{Shared, TranscodeError};
use crate::camera::{CameraId, Codec};
use crate::live::{LiveChunk, LiveFragment, LiveInit, LiveRing};
use crate::playback::live::Awaited;

/// What browsers on phones and old desks decode without effort, and what a tenth of a core makes.
pub(super) const WORK: Work = Work::Live { width_max: 1280, height_max: 720, fps_max: 12 };
/// Analysis gives way to this, and this to the recorder.
pub(super) const NICE: i32 = 5;
/// Whole fragments kept in memory: nothing of a transcoded stream is on disk.
const FRAGMENTS_KEPT: usize = 8;
/// Stretches in a row that gave nothing before it is given up.
const FAILURES_MAX: u32 = 3;
/// Pause after one that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// A camera that is being transcoded.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) ring: LiveRing,
    watched: Mutex<Watched>,
    /// Why it was given up.
    failed: Mutex<Option<String>>,
    pub(super) ended: CancellationToken,
    /// Process id; 0 while there is none.
    pub(super) process: AtomicU32,
    first_sequence: u64,
    next_sequence: AtomicU64,
    generation: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    /// Requests under way.
    now: usize,
    last: Instant,
}

/// Somebody who watches; while it lives, the camera is transcoded.
#[derive(Debug)]
pub(super) struct Viewing(Arc<Session>);

impl Viewing {
    pub(super) fn new(session: Arc<Session>) -> Self {
        session.watched().now += 1;
        Self(session)
    }

    /// The stream.
    pub(super) fn ring(&self) -> &LiveRing {
        &self.0.ring
    }

    /// The first whole segment: a playlist without one is empty for players that know no parts.
    pub(super) fn first_whole(&self) -> Awaited {
        Awaited { segment: self.0.first_sequence, part: None }
    }

    /// Completes when it is given up, with the reason.
    pub(super) async fn failed(&self) -> TranscodeError {
        self.0.ended.cancelled().await;
        let why = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        TranscodeError::Unavailable(why.unwrap_or_else(|| "the program is stopping".to_owned()))
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let mut watched = self.0.watched();
        watched.now -= 1;
        watched.last = Instant::now();
    }
}

impl Session {
    /// `now_ms` is the wall clock: sequence numbers grow from one session of a camera to the next, as players need.
    pub(super) fn new(now_ms: i64) -> Self {
        // A fragment lasts two seconds, so that no session counts further than the next begins.
        let first = u64::try_from(now_ms / 1000).unwrap_or(0);
        Self {
            ring: LiveRing::keeping(FRAGMENTS_KEPT, 0),
            watched: Mutex::new(Watched { now: 0, last: Instant::now() }),
            failed: Mutex::default(),
            ended: CancellationToken::new(),
            process: AtomicU32::new(0),
            first_sequence: first,
            next_sequence: AtomicU64::new(first),
            generation: AtomicU64::new(first),
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time until nobody has watched for `linger`; zero when it is so.
    pub(super) fn idle_in(&self, linger: Duration) -> Duration {
        let watched = self.watched();
        if watched.now > 0 { linger.max(Duration::from_millis(1)) } else { linger.saturating_sub(watched.last.elapsed()) }
    }

    async fn idle(&self, linger: Duration) {
        loop {
            let wait = self.idle_in(linger);
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// Transcodes until nobody watches any more, the program stops, or it cannot be done.
pub(super) async fn run(shared: Arc<Shared>, camera: CameraId, session: Arc<Session>, source: Arc<LiveRing>) {
    let (linger, soft) = (Duration::from_millis(shared.config.linger_ms), shared.supervisor.soft());
    let mut failures = 0;
    loop {
        let ended = tokio::select! {
            ended = stretch(&shared, &session, &source) => Some(ended),
            () = session.idle(linger) => None,
            () = soft.cancelled() => break,
        };
        session.process.store(0, Ordering::Relaxed);
        match ended {
            None if shared.forget_idle(camera, &session, linger) => break,
            None => {}
            Some(Ok(())) => failures = 0,
            Some(Err((error, gave))) => {
                failures = if gave { 0 } else { failures + 1 };
                // A fragment that was under way stays without its end: players begin anew.
                session.ring.end();
                tracing::warn!(%camera, %error, failures, "a live stream could not be transcoded");
                if failures >= FAILURES_MAX {
                    *session.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    shared.forget(camera, &session);
    session.ended.cancel();
    session.ring.end();
}

/// One process for one unbroken stretch. An error says whether anything had come out.
async fn stretch(shared: &Shared, session: &Session, source: &LiveRing) -> Result<(), (ProcessError, bool)> {
    if source.subscribe().borrow().is_none() {
        session.ring.end();
    }
    let Some((mut follower, first)) = Follower::begin(source).await else { return Ok(()) };
    let nothing = |error| (error, false);
    let program = shared.config.program.as_deref().ok_or_else(|| nothing(ProcessError::Failed("no program".to_owned())))?;
    let limits = Limits { memory_bytes: shared.config.memory_bytes, nice: NICE };
    let Process { child, mut feed, mut output } = Process::start(program, limits, WORK, &first.init.data).await.map_err(nothing)?;
    shared.starts.fetch_add(1, Ordering::Relaxed);
    session.process.store(child.id().unwrap_or(0), Ordering::Relaxed);
    let patience = Duration::from_millis(shared.config.patience_ms);
    let mut gave = false;
    let feeding = async {
        while let Some(chunk) = follower.next().await {
            feed.chunk(chunk.wall_ms, &chunk.media).await?;
        }
        // Closes the pipe: what is under way comes out, then the process ends.
        drop(feed);
        Ok::<_, ProcessError>(())
    };
    let taking = async {
        let mut init = None;
        loop {
            match output.next(patience).await? {
                Made::Init(data) => {
                    let generation = session.generation.fetch_add(1, Ordering::Relaxed);
                    init = Some(Arc::new(LiveInit { generation, codec: Codec::H264, data }));
                }
                Made::Chunk(told, data) => {
                    let Some(init) = &init else { return Err(ProcessError::Failed("a chunk before its header".to_owned())) };
                    if told.begins {
                        session.ring.begin(LiveFragment {
                            sequence: session.next_sequence.fetch_add(1, Ordering::Relaxed),
                            wall_ms: told.wall_ms,
                            sync: told.independent,
                            discontinuity: !gave,
                            complete: false,
                            chunks: Vec::new(),
                            init: init.clone(),
                        });
                    }
                    let chunk = LiveChunk { data, duration_ms: told.duration_ms, independent: told.independent };
                    session.ring.push(chunk, told.ends);
                    gave = true;
                }
                Made::Done => return Ok::<_, ProcessError>(()),
            }
        }
    };
    let done = {
        let mut feeding = std::pin::pin!(feeding);
        let mut taking = std::pin::pin!(taking);
        tokio::select! {
            taken = &mut taking => taken,
            // The stretch is over, or the pipe is broken: what the process says of that counts.
            fed = &mut feeding => taking.await.and(fed),
        }
    };
    drop(child);
    done.map_err(|error| (error, gave))
}
