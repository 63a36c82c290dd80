//! The engine: cameras by their specification in, recordings and events out.
//!
//! The server holds one [`Engine`], tells it which cameras there are, and reads its events. Everything behind it is
//! tasks of the [`Supervisor`]: one a camera, one for retention, one that watches for silence, one that hands events on.

mod disks;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::analyse::{Analyser, AnalysisFeed, Still, StillError};
use crate::camera::{CameraId, CameraSpec, CameraStatus, SourceSpec};
use crate::clock::Clock;
use crate::diagnosis::settings::DiagnosisKind;
use crate::event::{MediaEvent, SegmentInfo, Span};
use crate::live::LiveRing;
use crate::record::WriteTimes;
use crate::record::gaps::Gaps;
use crate::record::handle::CameraHandle;
use crate::record::keeping::Keeping;
use crate::record::outbox::EventSink;
use crate::record::retention::{Retention, held_bytes_max};
use crate::record::signal::{SignalRule, Verdict};
use crate::record::space::{DiskSpace, SystemDisk};
use crate::record::sub::SubTask;
use crate::record::task::{CameraTask, Shared, mono_ms};
use crate::segment::fragment::CHUNKS_MAX;
use crate::segment::holds::{Held, HoldError, HoldId};
use crate::segment::recover::{self, Findings};
use crate::segment::{Disks, DisksError, SegmentError, SegmentIndex};
use crate::settings::EngineConfig;
use crate::source::ceiling::Ceiling;
use crate::source::{Opener, open::SystemOpener};
use crate::supervise::{OnPanic, Supervisor, TaskHandle, Unfinished};
use crate::transcode::Transcoder;
use crate::tryout::{self, ProbeError, ProbeReport};

pub use disks::{DiskReport, DiskState};

/// Events that wait for the server before they wait in the engine.
const EVENTS_MAX: usize = 1_024;
/// Findings of the analysis under way to the other events.
const FINDINGS_MAX: usize = 64;
/// How often the engine looks for silent cameras.
const SIGNAL_LOOK: Duration = Duration::from_millis(250);
/// The bit rate of all cameras is added up in every so many looks: ten seconds.
const LOOKS_A_BIT_RATE: u64 = 40;
/// Where the analysis keeps what it learned, below the recordings folder.
const ANALYSIS_FOLDER: &str = "analysis";

/// The engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// GStreamer is missing or broken.
    #[error(transparent)]
    Init(#[from] crate::InitError),
    /// The recordings folder cannot be used.
    #[error("recordings folder: {0}")]
    Recordings(#[from] SegmentError),
    /// The disks for recordings cannot be told apart.
    #[error(transparent)]
    Disks(#[from] DisksError),
    /// A setting makes no sense.
    #[error("setting {name}: {problem}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Something that was asked of the engine could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The hold was refused.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The disk failed.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The work panicked, or the program stops.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
}

/// Parts of the engine that tests replace.
#[derive(Debug)]
pub struct EngineParts {
    /// Free space.
    pub disk: Arc<dyn DiskSpace>,
    /// Opens sources; `None` for real ones.
    pub opener: Option<Arc<dyn Opener>>,
}

impl Default for EngineParts {
    fn default() -> Self {
        Self { disk: Arc::new(SystemDisk), opener: None }
    }
}

/// Records and watches cameras. A cheap handle.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    events: EventSink,
    keeping: Arc<Keeping>,
    /// Of the program's memory, over all sources.
    ceiling: Arc<Ceiling>,
    analyser: Analyser,
    transcoder: Transcoder,
    supervisor: Supervisor,
    cameras: Mutex<BTreeMap<CameraId, Camera>>,
    /// Where each camera's count of fragments goes on, and its clock epoch.
    counters: Mutex<HashMap<CameraId, (u64, u32)>>,
    /// Until when each camera is known to be recorded on disks that are away, milliseconds UTC.
    recorded_until: Mutex<HashMap<CameraId, i64>>,
}

#[derive(Debug)]
struct Camera {
    handle: Arc<CameraHandle>,
    orders: watch::Sender<Option<Arc<CameraSpec>>>,
    task: TaskHandle,
    /// Watches the sub-stream, where there is one.
    sub: TaskHandle,
    signal: SignalRule,
}

impl Engine {
    /// Starts an engine: repairs what the last run left, tells what it found, and waits for cameras.
    ///
    /// Reads every recorded file's end, so it takes a moment on a large folder; call it where blocking is allowed.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn start(
        config: EngineConfig,
        supervisor: &Supervisor,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, mpsc::Receiver<MediaEvent>), EngineError> {
        Self::start_with(config, supervisor, clock, EngineParts::default())
    }

    /// The same with parts of it replaced.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn start_with(
        config: EngineConfig,
        supervisor: &Supervisor,
        clock: Arc<dyn Clock>,
        parts: EngineParts,
    ) -> Result<(Self, mpsc::Receiver<MediaEvent>), EngineError> {
        crate::init()?;
        check(&config)?;
        let disks = Arc::new(Disks::open(&config.folders(), config.known_disks.as_deref(), parts.disk)?);
        let events = EventSink::default();
        let findings = recover::scan_all(&disks, true)?;
        let counters = tell_findings(&events, &findings);
        // Nothing is written below the mount point of a disk that is away.
        let beside = || config.known_disks.as_deref().and_then(std::path::Path::parent);
        let memory = disks.home().or_else(beside).unwrap_or(&config.recordings).join(ANALYSIS_FOLDER);
        let index = Arc::new(SegmentIndex::over(disks, findings.segments)?);
        let disk_urgent = Arc::new(Notify::new());
        let system = SystemOpener::new(&config, clock.clone());
        let ceiling = system.ceiling();
        let opener = parts.opener.unwrap_or_else(|| Arc::new(system));
        let shared = Arc::new(Shared {
            connecting: Semaphore::new(config.connect_limit),
            config,
            clock,
            index,
            write_times: Arc::default(),
            opener,
            feed: AnalysisFeed::new(),
            disk_urgent,
            supervisor: supervisor.clone(),
        });
        let (to, from) = mpsc::channel(EVENTS_MAX);
        // The analysis tells through the engine, so that the server's channel closes when the engine has told its last.
        let (findings_to, findings) = mpsc::channel(FINDINGS_MAX);
        supervisor.once("analysis events", pass_on(findings, events.clone(), supervisor.soft()));
        let (analysis, feed, clock) = (shared.config.analysis.clone(), shared.feed.clone(), shared.clock.clone());
        let keeping = Arc::new(Keeping::new(shared.config.retention_days));
        let inner = Inner {
            analyser: Analyser::start(analysis, feed, memory, findings_to, supervisor, clock),
            transcoder: Transcoder::new(shared.config.transcode.clone(), supervisor),
            shared,
            events,
            keeping,
            ceiling,
            supervisor: supervisor.clone(),
            cameras: Mutex::default(),
            counters: Mutex::new(counters),
            recorded_until: Mutex::default(),
        };
        let engine = Self { inner: Arc::new(inner) };
        engine.start_tasks(to);
        Ok((engine, from))
    }

    fn start_tasks(&self, to: mpsc::Sender<MediaEvent>) {
        let Inner { shared, events, keeping, supervisor, .. } = &*self.inner;
        let drained = CancellationToken::new();
        {
            let (events, drained) = (events.clone(), drained.clone());
            supervisor.task("media events", OnPanic::Restart, move || {
                let (events, to, drained) = (events.clone(), to.clone(), drained.clone());
                async move { events.hand_on(to, drained).await }
            });
        }
        {
            let (shared, keeping, events) = (shared.clone(), keeping.clone(), events.clone());
            supervisor.task("retention", OnPanic::Restart, move || {
                let Shared { index, clock, config, disk_urgent, supervisor, .. } = &*shared;
                let (index, clock, urgent) = (index.clone(), clock.clone(), disk_urgent.clone());
                let retention = Retention::new(index, clock, events.clone(), config, keeping.clone(), urgent);
                retention.run(supervisor.clone(), supervisor.soft())
            });
        }
        let watching = self.clone();
        supervisor.task("signal watch", OnPanic::Restart, move || watching.clone().watch_signals());
        let ending = self.clone();
        supervisor.once("engine end", async move {
            ending.inner.supervisor.soft().cancelled().await;
            let tasks: Vec<_> = ending.cameras().values().flat_map(|camera| [camera.task.clone(), camera.sub.clone()]).collect();
            for task in tasks {
                task.ended().await;
            }
            // Only now has everything been told.
            drained.cancel();
        });
    }

    /// How long writing to the recordings' disk has taken since the start.
    #[must_use]
    pub fn write_times(&self) -> Arc<WriteTimes> {
        self.inner.shared.write_times.clone()
    }

    /// Adds or changes a camera. Returns as soon as its task knows; connecting goes on behind.
    pub async fn apply(&self, spec: CameraSpec) {
        self.inner.keeping.set(spec.id, spec.retention_days);
        let analyser = &self.inner.analyser;
        if spec.enabled {
            analyser.watch(spec.id, spec.diagnosis.clone(), spec.armed_hours.clone()).await;
        } else {
            analyser.unwatch(spec.id).await;
        }
        let mut cameras = self.cameras();
        if let Some(camera) = cameras.get(&spec.id) {
            camera.orders.send_replace(Some(Arc::new(spec)));
            return;
        }
        let camera = self.add(spec);
        cameras.insert(camera.handle.camera, camera);
    }

    /// Ends a camera's recording and forgets the camera; its recordings stay until retention deletes them.
    pub async fn remove(&self, camera: CameraId) {
        let Some(removed) = self.cameras().remove(&camera) else { return };
        removed.orders.send_replace(None);
        removed.task.ended().await;
        removed.sub.ended().await;
        let counters = (removed.handle.next_sequence(), removed.handle.epoch());
        self.counters().insert(camera, counters);
        self.inner.keeping.forget(camera);
        self.inner.analyser.forget(camera).await;
    }

    /// Says that every camera there is has been applied: what is left of others may be deleted by age from now on.
    pub fn all_applied(&self) {
        self.inner.keeping.all_known();
    }

    /// Days, bit rates and the reserve.
    #[must_use]
    pub fn keeping(&self) -> &Keeping {
        &self.inner.keeping
    }

    /// A camera as it stands; `None` when it was never applied.
    #[must_use]
    pub fn status(&self, camera: CameraId) -> Option<CameraStatus> {
        let now_mono_ms = mono_ms(&*self.inner.shared.clock);
        Some(self.cameras().get(&camera)?.handle.status(now_mono_ms))
    }

    /// All cameras that were applied.
    #[must_use]
    pub fn camera_ids(&self) -> Vec<CameraId> {
        self.cameras().keys().copied().collect()
    }

    /// What is recorded of a stretch, merged, the open segment included.
    #[must_use]
    pub fn timeline(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Vec<Span> {
        self.index().timeline(camera, start_ms, end_ms)
    }

    /// All segments of a camera, in order of time.
    #[must_use]
    pub fn segments(&self, camera: CameraId) -> Vec<SegmentInfo> {
        self.index().segments(camera)
    }

    /// The index of what is on disk.
    #[must_use]
    pub fn index(&self) -> Arc<SegmentIndex> {
        self.inner.shared.index.clone()
    }

    /// A camera's live stream; `None` when it was never applied.
    #[must_use]
    pub fn live(&self, camera: CameraId) -> Option<Arc<LiveRing>> {
        Some(self.cameras().get(&camera)?.handle.live.clone())
    }

    /// Keeps a stretch from retention, what is recorded of it now and later; on disk before this returns.
    ///
    /// # Errors
    /// [`AskError::Hold`] when held evidence would use the reserve, or the disk fails.
    pub async fn hold(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Result<HoldId, AskError> {
        let id = HoldId(Uuid::now_v7());
        self.hold_as(id, camera, start_ms, end_ms).await?;
        Ok(id)
    }

    /// The same under an id of the caller's, which stands in the caller's own books before; one that is held already stays as
    /// it is.
    ///
    /// # Errors
    /// As [`Engine::hold`].
    pub async fn hold_as(&self, id: HoldId, camera: CameraId, start_ms: i64, end_ms: i64) -> Result<(), AskError> {
        let held = Held { id, camera, start_ms, end_ms };
        let index = self.index();
        let (keeping, reserve_percent) = (self.inner.keeping.clone(), self.inner.shared.config.reserve_percent);
        let holding = move || -> Result<(), HoldError> {
            let all_bytes = index.disks().space_of_all().total_bytes;
            // A disk that does not say what it has takes no hold.
            index.hold(held, |disk| {
                let of = |space| held_bytes_max(space, keeping.reserve_bytes(space, reserve_percent, all_bytes));
                index.disks().space(disk).map_or(0, of)
            })
        };
        self.inner.supervisor.blocking("hold", holding).await??;
        Ok(())
    }

    /// Ends a hold; `false` when there is none of that id.
    ///
    /// # Errors
    /// [`AskError::Segment`] when this cannot be written down; the hold stays then.
    pub async fn release(&self, id: HoldId) -> Result<bool, AskError> {
        let index = self.index();
        Ok(self.inner.supervisor.blocking("release", move || index.release(id)).await??)
    }

    /// Has what is recorded up to an instant on disk as soon as its half second is whole, instead of at the next key frame.
    /// Gives whether pictures from before `until_ms` are still in memory: ask again until they are not.
    #[must_use]
    pub fn hurry(&self, camera: CameraId, until_ms: i64) -> bool {
        let Some(handle) = self.cameras().get(&camera).map(|camera| camera.handle.clone()) else { return false };
        let open = handle.open_from().is_some_and(|from_ms| from_ms < until_ms);
        if open {
            handle.want_until(until_ms);
        }
        open
    }

    /// When the newest picture of a camera came, milliseconds UTC; nothing is decoded for that.
    #[must_use]
    pub fn picture_at_ms(&self, camera: CameraId) -> Option<i64> {
        Some(self.cameras().get(&camera)?.handle.key_frame()?.wall_ms)
    }

    /// The stretches of a camera's recordings whose pictures follow a loss.
    ///
    /// # Errors
    /// [`Unfinished`].
    pub async fn damaged(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Result<Vec<Span>, Unfinished> {
        let index = self.index();
        self.inner.supervisor.blocking("damaged stretches", move || index.damaged(camera, start_ms, end_ms)).await
    }

    /// Tells what was done to recordings beside the recorder, such as a move to another disk.
    pub fn tell(&self, event: MediaEvent) {
        self.inner.events.tell(event);
    }

    /// The newest picture of a camera, not wider than `width_max` pixels.
    ///
    /// # Errors
    /// [`StillError`].
    pub async fn still(&self, camera: CameraId, width_max: Option<u32>) -> Result<Still, StillError> {
        let key_frame = {
            let cameras = self.cameras();
            let camera = cameras.get(&camera).ok_or(StillError::UnknownCamera)?;
            camera.handle.picture(width_max).ok_or(StillError::NoPicture)?
        };
        self.inner.analyser.decode_still(key_frame, width_max).await
    }

    /// Opens a source once and says what it gives, within the limit of `probe_timeout_ms`.
    ///
    /// # Errors
    /// [`ProbeError`]: what is wrong with it.
    pub async fn probe(&self, spec: SourceSpec) -> Result<ProbeReport, ProbeError> {
        let Inner { shared, analyser, .. } = &*self.inner;
        let limit = Duration::from_millis(shared.config.probe_timeout_ms);
        tryout::probe(&*shared.opener, analyser, &*shared.clock, &spec, limit).await
    }

    /// The analysis of all cameras.
    #[must_use]
    pub fn analyser(&self) -> &Analyser {
        &self.inner.analyser
    }

    /// Events that were lost because nobody took them; the server then asks for [`Engine::segments`] again.
    #[must_use]
    pub fn events_dropped(&self) -> u64 {
        self.inner.events.dropped()
    }

    fn add(&self, spec: CameraSpec) -> Camera {
        let Inner { shared, events, supervisor, .. } = &*self.inner;
        let (now_ms, now_mono_ms) = (shared.clock.wall_ms(), mono_ms(&*shared.clock));
        let handle = Arc::new(CameraHandle::new(spec.id, events.clone(), now_ms, now_mono_ms));
        if let Some((last, epoch)) = self.counters().get(&spec.id).copied() {
            handle.resume(Some(last), epoch);
        }
        handle.tell_state();
        let name = format!("camera {}", spec.name);
        let (orders, following) = watch::channel(Some(Arc::new(spec)));
        let sub = {
            let (shared, handle, following, stop) = (shared.clone(), handle.clone(), following.clone(), supervisor.soft());
            supervisor.task(format!("sub-stream of {name}"), OnPanic::Restart, move || {
                SubTask::new(shared.clone(), handle.clone(), following.clone(), stop.clone()).run()
            })
        };
        let elsewhere = self.inner.recorded_until.lock().unwrap_or_else(PoisonError::into_inner).get(&handle.camera).copied();
        let task = {
            let (shared, handle, stop) = (shared.clone(), handle.clone(), supervisor.soft());
            supervisor.task(name, OnPanic::Restart, move || {
                let index = &shared.index;
                let last_end_ms = index.last_end_ms(handle.camera).max(elsewhere);
                let gaps = Gaps::resume(&handle, index.disks(), last_end_ms);
                CameraTask::new(shared.clone(), handle.clone(), following.clone(), stop.clone(), gaps).run()
            })
        };
        Camera { handle, orders, task, sub, signal: SignalRule::default() }
    }

    async fn watch_signals(self) {
        let clock = self.inner.shared.clock.clone();
        let stop = self.inner.supervisor.soft();
        let mut looks = 0_u64;
        loop {
            tokio::select! {
                () = clock.sleep(SIGNAL_LOOK) => {}
                () = stop.cancelled() => return,
            }
            let now_mono_ms = mono_ms(&*clock);
            looks += 1;
            let cameras = self.cameras().len();
            if self.inner.ceiling.look(cameras) && looks % LOOKS_A_BIT_RATE == 1 {
                tracing::error!("the program has more memory than it may: sources that give no picture are broken off");
            }
            if looks % LOOKS_A_BIT_RATE == 1 {
                self.inner.keeping.set_bit_rate(self.bit_rate());
            }
            for camera in self.cameras().values_mut() {
                let Some(spec) = camera.orders.borrow().clone() else { continue };
                let verdict = if spec.enabled {
                    camera.signal.look(&spec.diagnosis, now_mono_ms, camera.handle.last_packet_mono_ms())
                } else {
                    camera.handle.forgive(now_mono_ms);
                    camera.signal.clear()
                };
                if let Some(verdict) = verdict {
                    self.tell_signal(&spec, verdict);
                }
            }
        }
    }

    /// What all cameras send now, bits a second.
    fn bit_rate(&self) -> u64 {
        self.cameras().values().filter_map(|camera| camera.handle.stream()).map(|stream| stream.bit_rate).sum()
    }

    fn tell_signal(&self, spec: &CameraSpec, verdict: Verdict) {
        let at_ms = self.inner.shared.clock.wall_ms();
        let Verdict { phase, silent_ms, count } = verdict;
        self.inner.events.tell(MediaEvent::Diagnosis {
            camera: spec.id,
            kind: DiagnosisKind::SignalLost,
            phase,
            at_ms,
            began_ms: at_ms.saturating_sub(silent_ms),
            measure: as_f64(silent_ms),
            threshold: as_f64(i64::try_from(spec.diagnosis.no_packet_ms).unwrap_or(i64::MAX)),
            count,
            // Decoding takes time and there is nothing new to see; who wants the last picture asks for it.
            still_jpeg: None,
        });
    }

    /// What the cameras' networks are bound to.
    pub(crate) fn config(&self) -> &EngineConfig {
        &self.inner.shared.config
    }

    /// Time as the engine sees it.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.shared.clock
    }

    pub(crate) fn transcoder(&self) -> &Transcoder {
        &self.inner.transcoder
    }

    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.inner.supervisor
    }

    fn cameras(&self) -> MutexGuard<'_, BTreeMap<CameraId, Camera>> {
        self.inner.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<CameraId, (u64, u32)>> {
        self.inner.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass_on(mut findings: mpsc::Receiver<MediaEvent>, events: EventSink, stop: CancellationToken) {
    loop {
        tokio::select! {
            finding = findings.recv() => match finding {
                Some(finding) => events.tell(finding),
                None => return,
            },
            () = stop.cancelled() => break,
        }
    }
    while let Ok(finding) = findings.try_recv() {
        events.tell(finding);
    }
}

/// What `check` finds when it reads a recordings folder without changing it.
///
/// # Errors
/// [`SegmentError`] when a folder cannot be listed.
pub fn verify(recordings: &std::path::Path) -> Result<Findings, SegmentError> {
    recover::scan(recordings, false)
}

/// Tells the segments that were repaired; gives where each camera's counts go on.
fn tell_findings(events: &EventSink, findings: &Findings) -> HashMap<CameraId, (u64, u32)> {
    let mut counters: HashMap<CameraId, (u64, u32)> = HashMap::new();
    for found in &findings.segments {
        let (last, epoch) = counters.entry(found.camera).or_default();
        *last = (*last).max(found.last_sequence);
        *epoch = (*epoch).max(found.segment.epoch);
        if let Some(cut_bytes) = found.cut_bytes {
            tracing::info!(path = found.segment.path, cut_bytes, "a recording that was not closed has been repaired");
            events.tell(MediaEvent::SegmentClosed { camera: found.camera, segment: found.segment.clone() });
        }
    }
    for path in &findings.empty {
        tracing::info!(path, "a recording without a whole fragment has been removed");
    }
    for path in &findings.twice {
        tracing::warn!(path = %path.display(), "a recording lies on two disks: a move did not come to its end");
    }
    counters
}

fn check(config: &EngineConfig) -> Result<(), EngineError> {
    let positive = [
        ("segment_ms", config.segment_ms),
        ("chunk_ms", config.chunk_ms),
        ("fragment_ms_max", config.fragment_ms_max),
        ("fragment_bytes_max", config.fragment_bytes_max),
        ("stall_ms", config.stall_ms),
        ("connect_timeout_ms", config.connect_timeout_ms),
        ("backoff_min_ms", config.backoff_min_ms),
        ("retention_interval_ms", config.retention_interval_ms),
    ];
    if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
        return Err(EngineError::Setting { name, problem: "must not be zero" });
    }
    if config.fragment_ms_max / config.chunk_ms >= CHUNKS_MAX as u64 / 2 {
        return Err(EngineError::Setting { name: "chunk_ms", problem: "is too short for so long a fragment" });
    }
    if config.connect_limit == 0 {
        return Err(EngineError::Setting { name: "connect_limit", problem: "must not be zero" });
    }
    let percents = [("disk_low_percent", config.disk_low_percent), ("reserve_percent", config.reserve_percent)];
    match percents.into_iter().find(|(_, percent)| !(0.0..=90.0).contains(percent)) {
        Some((name, _)) => Err(EngineError::Setting { name, problem: "must be between 0 and 90" }),
        None => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of silence; nobody misses the last bits")]
fn as_f64(value: i64) -> f64 {
    value as f64
}
