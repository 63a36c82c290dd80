//! What the parts of one camera share: its state, its newest pictures, its counters.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outbox::EventSink;
use super::recent::Recent;
use crate::analyse::feed::KeyFrame;
use crate::camera::{AnalysisStream, CameraId, CameraState, CameraStatus, StateReason, StreamInfo};
use crate::event::MediaEvent;
use crate::live::LiveRing;

/// One camera as others see it. The camera task and the muxer's thread write, everybody reads.
#[derive(Debug)]
pub struct CameraHandle {
    /// Which camera.
    pub camera: CameraId,
    /// Its live stream.
    pub live: Arc<LiveRing>,
    events: EventSink,
    status: Mutex<CameraStatus>,
    key_frame: Mutex<Option<KeyFrame>>,
    /// Of the sub-stream, while it comes.
    sub_key_frame: Mutex<Option<KeyFrame>>,
    last_packet_ms: AtomicI64,
    last_packet_mono_ms: AtomicI64,
    next_sequence: AtomicU64,
    fragments_written: AtomicU64,
    written_end_ms: AtomicI64,
    /// First instant of the fragment that is being gathered; [`i64::MAX`] while there is none.
    open_from_ms: AtomicI64,
    /// The fragment that reaches this instant goes to disk without waiting for its end; [`i64::MAX`] while nobody asks.
    wanted_until_ms: AtomicI64,
    generation: AtomicU64,
    epoch: AtomicU32,
    lost: AtomicU64,
    recent: Mutex<LastHour>,
    jitter_us: AtomicU64,
    /// [`i64::MIN`] while unknown.
    clock_offset_ms: AtomicI64,
    /// The place of an [`AnalysisStream`] in [`AnalysisStream::ALL`].
    analysis_stream: AtomicU8,
}

/// What happened in the last hour.
#[derive(Debug, Default)]
struct LastHour {
    lost: Recent,
    reconnects: Recent,
}

impl CameraHandle {
    /// A camera that has not connected yet.
    #[must_use]
    pub fn new(camera: CameraId, events: EventSink, now_ms: i64, now_mono_ms: i64) -> Self {
        let status = CameraStatus {
            state: CameraState::Connecting,
            reason: StateReason::None,
            detail: String::new(),
            since_ms: now_ms,
            last_picture_ms: None,
            stream: None,
            reconnects: 0,
            reconnects_last_hour: 0,
            lost: 0,
            lost_last_hour: 0,
            jitter_ms: 0.0,
            clock_offset_ms: None,
            analysis_stream: AnalysisStream::Main,
        };
        Self {
            camera,
            live: Arc::default(),
            events,
            status: Mutex::new(status),
            key_frame: Mutex::default(),
            sub_key_frame: Mutex::default(),
            last_packet_ms: AtomicI64::new(i64::MIN),
            last_packet_mono_ms: AtomicI64::new(now_mono_ms),
            next_sequence: AtomicU64::new(0),
            fragments_written: AtomicU64::new(0),
            written_end_ms: AtomicI64::new(i64::MIN),
            open_from_ms: AtomicI64::new(i64::MAX),
            wanted_until_ms: AtomicI64::new(i64::MAX),
            generation: AtomicU64::new(0),
            epoch: AtomicU32::new(0),
            lost: AtomicU64::new(0),
            recent: Mutex::default(),
            jitter_us: AtomicU64::new(0),
            clock_offset_ms: AtomicI64::new(i64::MIN),
            analysis_stream: AtomicU8::new(0),
        }
    }

    /// Goes on counting where the files end.
    pub fn resume(&self, last_sequence: Option<u64>, epoch: u32) {
        self.next_sequence.fetch_max(last_sequence.map_or(0, |last| last + 1), Ordering::Relaxed);
        self.epoch.fetch_max(epoch, Ordering::Relaxed);
    }

    /// The camera as it stands at `mono_ms` of the monotonic clock.
    #[must_use]
    pub fn status(&self, mono_ms: i64) -> CameraStatus {
        let mut status = self.status_lock().clone();
        let last_packet_ms = self.last_packet_ms.load(Ordering::Relaxed);
        status.last_picture_ms = (last_packet_ms != i64::MIN).then_some(last_packet_ms);
        status.lost = self.lost.load(Ordering::Relaxed);
        status.jitter_ms = std::time::Duration::from_micros(self.jitter_us.load(Ordering::Relaxed)).as_secs_f64() * 1_000.0;
        let clock_offset_ms = self.clock_offset_ms.load(Ordering::Relaxed);
        status.clock_offset_ms = (clock_offset_ms != i64::MIN).then_some(clock_offset_ms);
        status.analysis_stream = self.analysis_stream();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        status.lost_last_hour = recent.lost.sum(mono_ms);
        status.reconnects_last_hour = recent.reconnects.sum(mono_ms);
        drop(recent);
        status
    }

    /// Sets state, reason and detail; tells it when state or reason changed.
    pub fn set_state(&self, state: CameraState, reason: StateReason, detail: &str, at_ms: i64) {
        let mut status = self.status_lock();
        let changed = (status.state, status.reason) != (state, reason);
        detail.clone_into(&mut status.detail);
        if !changed {
            return;
        }
        status.state = state;
        status.reason = reason;
        status.since_ms = at_ms;
        drop(status);
        tracing::info!(camera = %self.camera, %state, %reason, detail, "camera state");
        let detail = detail.to_owned();
        self.events.tell(MediaEvent::State { camera: self.camera, state, reason, detail, at_ms });
    }

    /// The state alone, for the first telling of a new camera.
    pub fn tell_state(&self) {
        let CameraStatus { state, reason, detail, since_ms: at_ms, .. } = self.status_lock().clone();
        self.events.tell(MediaEvent::State { camera: self.camera, state, reason, detail, at_ms });
    }

    /// What the stream is like, for [`CameraHandle::status`].
    pub fn set_stream(&self, stream: StreamInfo) {
        self.status_lock().stream = Some(stream);
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> CameraState {
        self.status_lock().state
    }

    /// What the stream is like, as measured last.
    #[must_use]
    pub fn stream(&self) -> Option<StreamInfo> {
        self.status_lock().stream.clone()
    }

    /// One more connection after the first.
    pub fn count_reconnect(&self, mono_ms: i64) {
        self.status_lock().reconnects += 1;
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).reconnects.add(1, mono_ms);
    }

    /// An access unit came.
    pub fn packet(&self, wall_ms: i64, mono_ms: i64) {
        self.last_packet_ms.store(wall_ms, Ordering::Relaxed);
        self.last_packet_mono_ms.store(mono_ms, Ordering::Relaxed);
    }

    /// Packets or pictures were lost.
    pub fn count_lost(&self, lost: u32, mono_ms: i64) {
        self.lost.fetch_add(u64::from(lost), Ordering::Relaxed);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).lost.add(lost, mono_ms);
    }

    /// How unevenly pictures arrive, microseconds.
    pub fn set_jitter_us(&self, jitter_us: u64) {
        self.jitter_us.store(jitter_us, Ordering::Relaxed);
    }

    /// The camera told its own time: its clock minus ours, milliseconds.
    pub fn set_clock_offset(&self, offset_ms: i64) {
        self.clock_offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// What the analysis watches.
    #[must_use]
    pub fn analysis_stream(&self) -> AnalysisStream {
        let at = usize::from(self.analysis_stream.load(Ordering::Relaxed));
        AnalysisStream::ALL.get(at).copied().unwrap_or(AnalysisStream::Main)
    }

    /// Says what the analysis watches from now on; gives what it watched before.
    pub fn set_analysis_stream(&self, stream: AnalysisStream) -> AnalysisStream {
        let at = AnalysisStream::ALL.iter().position(|other| *other == stream).unwrap_or(0);
        let before = self.analysis_stream.swap(u8::try_from(at).unwrap_or(0), Ordering::Relaxed);
        AnalysisStream::ALL.get(usize::from(before)).copied().unwrap_or(AnalysisStream::Main)
    }

    /// Counts the time without packets from now on, as for a camera that was just switched on.
    pub fn forgive(&self, mono_ms: i64) {
        self.last_packet_mono_ms.fetch_max(mono_ms, Ordering::Relaxed);
    }

    /// When the newest access unit came, or the camera was switched on, on the monotonic clock, milliseconds.
    #[must_use]
    pub fn last_packet_mono_ms(&self) -> i64 {
        self.last_packet_mono_ms.load(Ordering::Relaxed)
    }

    /// The newest key frame.
    #[must_use]
    pub fn key_frame(&self) -> Option<KeyFrame> {
        self.key_frame.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A newer key frame.
    pub fn set_key_frame(&self, key_frame: Option<KeyFrame>) {
        *self.key_frame.lock().unwrap_or_else(PoisonError::into_inner) = key_frame;
    }

    /// The newest picture that is no smaller than it must be: of the sub-stream where that is as wide as `width_max`.
    #[must_use]
    pub fn picture(&self, width_max: Option<u32>) -> Option<KeyFrame> {
        let sub = self.sub_key_frame.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sub.filter(|frame| width_max.is_some_and(|width| width <= frame.width)).or_else(|| self.key_frame())
    }

    /// A newer key frame of the sub-stream, or none when it does not come.
    pub fn set_sub_key_frame(&self, key_frame: Option<KeyFrame>) {
        *self.sub_key_frame.lock().unwrap_or_else(PoisonError::into_inner) = key_frame;
    }

    /// The number of the next fragment.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// A fragment that ends at `end_ms` is in its file.
    pub fn wrote(&self, end_ms: i64) {
        self.written_end_ms.store(end_ms, Ordering::Release);
        self.fragments_written.fetch_add(1, Ordering::Release);
    }

    /// A fragment is being gathered from this instant on, milliseconds UTC; `None`: it has ended, written or not.
    pub fn set_open_from(&self, from_ms: Option<i64>) {
        self.open_from_ms.store(from_ms.unwrap_or(i64::MAX), Ordering::Release);
    }

    /// First instant of what is gathered in memory and not on disk yet, milliseconds UTC.
    #[must_use]
    pub fn open_from(&self) -> Option<i64> {
        Some(self.open_from_ms.load(Ordering::Acquire)).filter(|from_ms| *from_ms != i64::MAX)
    }

    /// Has what reaches `until_ms` written as soon as its half second is whole, instead of at the next key frame. Of several
    /// askers the earliest counts; the others ask again.
    pub fn want_until(&self, until_ms: i64) {
        self.wanted_until_ms.fetch_min(until_ms, Ordering::AcqRel);
    }

    /// Whether somebody wants what reaches `end_ms` on disk now; answers once.
    #[must_use]
    pub fn is_wanted(&self, end_ms: i64) -> bool {
        let wanted = self.wanted_until_ms.load(Ordering::Acquire) <= end_ms;
        if wanted {
            self.wanted_until_ms.store(i64::MAX, Ordering::Release);
        }
        wanted
    }

    /// How many fragments have been written since the program started, and where the newest ends, milliseconds UTC.
    #[must_use]
    pub fn written(&self) -> (u64, i64) {
        let count = self.fragments_written.load(Ordering::Acquire);
        (count, self.written_end_ms.load(Ordering::Acquire))
    }

    /// The number of the next stream header.
    #[must_use]
    pub fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed)
    }

    /// The clock epoch now.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// The wall clock was stepped.
    pub fn next_epoch(&self) -> u32 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells an event.
    pub fn tell(&self, event: MediaEvent) {
        self.events.tell(event);
    }

    fn status_lock(&self) -> MutexGuard<'_, CameraStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
