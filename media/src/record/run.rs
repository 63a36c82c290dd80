//! One connection of a camera: items from the source to the muxer, until one of them fails.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Batcher, Frame};
use super::decode_time::DecodeTimes;
use super::filler::without_filler;
use super::gaps::Gaps;
use super::handle::CameraHandle;
use super::meter::{Jitter, StreamMeter};
use super::pace::Pace;
use super::reorder::reorder_depth;
use super::sink::FragmentSink;
use super::stream_clock::StreamClock;
use super::task::{Order, Shared};
use crate::analyse::feed::KeyFrame;
use crate::camera::{AnalysisStream, CameraSpec, CameraState, StateReason};
use crate::event::MediaEvent;
use crate::mux::{Mux, MuxError};
use crate::source::{AccessUnit, Source, SourceError, SourceItem, StreamParameters};

/// How long a muxer may take to give out its last chunks, and to stop.
const MUX_PATIENCE: Duration = Duration::from_secs(5);
/// A camera's clock that is off by more than this is worth a line in the log, milliseconds.
const CLOCK_OFFSET_NOTED_MS: i64 = 5_000;
/// Usual time between frames before any is known, nanoseconds.
const FRAME_NS: i64 = 40_000_000;

/// How a connection ended.
#[derive(Debug)]
pub struct RunEnd {
    /// The failure, or the order that broke it off.
    pub why: Result<SourceError, Order>,
    /// For how long pictures were recorded.
    pub recorded: Duration,
    /// End of the last picture of this connection that is on disk, milliseconds UTC.
    pub last_end_ms: Option<i64>,
}

/// A connection under way.
#[derive(Debug)]
pub struct Run<'a> {
    shared: &'a Shared,
    handle: &'a Arc<CameraHandle>,
    gaps: &'a mut Gaps,
    spec: &'a CameraSpec,
    parameters: Option<StreamParameters>,
    recorder: Option<Recorder>,
    stream_clock: StreamClock,
    /// Since when pictures come without a key frame.
    without_key_since: Option<Duration>,
    /// What the stream has shown to reorder, beyond what it said.
    learned_depth: usize,
    /// Arrival of the first picture that was taken, monotonic and in milliseconds UTC.
    first: Option<(Duration, i64)>,
    last: Option<Duration>,
    /// Fragments that runs before this one had written.
    written_before: u64,
    /// The gap before this run is over: what ends it is on disk.
    gap_closed: bool,
    lost: bool,
    /// Since something was lost, until a whole key frame: such pictures are recorded and marked, but not judged.
    damaged: bool,
    jitter: Jitter,
    clock_noted: bool,
}

/// The muxer of a run and what prepares frames for it.
#[derive(Debug)]
struct Recorder {
    mux: Mux,
    batcher: Batcher,
    times: DecodeTimes,
    meter: StreamMeter,
    /// Where its first frame lies on the connection's line: each muxer starts at zero.
    origin_ns: i64,
    /// From the newest frame's decoding time to when it came, were it not late, nanoseconds of the monotonic clock.
    behind_ns: i64,
}

impl Recorder {
    /// In how many nanoseconds a chunk should be whole, negative where it is late.
    fn due_ns(&self, now: Duration) -> Option<i64> {
        let now_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        Some(self.batcher.due_ns()?.saturating_add(self.behind_ns).saturating_sub(now_ns))
    }
}

impl<'a> Run<'a> {
    /// A connection of the camera behind `handle`.
    pub fn new(shared: &'a Shared, handle: &'a Arc<CameraHandle>, gaps: &'a mut Gaps, spec: &'a CameraSpec) -> Self {
        Self {
            shared,
            handle,
            gaps,
            spec,
            parameters: None,
            recorder: None,
            stream_clock: StreamClock::new(shared.config.clock_step_ms),
            without_key_since: None,
            learned_depth: 0,
            first: None,
            last: None,
            written_before: handle.written().0,
            gap_closed: false,
            lost: false,
            damaged: false,
            jitter: Jitter::default(),
            clock_noted: false,
        }
    }

    /// Records from `source` until it fails, stalls, or `order` comes; then closes everything.
    pub async fn record(mut self, mut source: Box<dyn Source>, order: impl Future<Output = Order>) -> RunEnd {
        if self.handle.analysis_stream() != AnalysisStream::Sub {
            self.shared.feed.restarted(self.handle.camera);
        }
        let why = self.pump(&mut *source, order).await;
        source.close().await;
        // Whatever goes wrong now has been logged; the reason for the end is what came first.
        let _late_failure = self.finish().await;
        self.close_gap();
        let recorded = self.first.zip(self.last).map_or(Duration::ZERO, |((first, _), last)| last.saturating_sub(first));
        // What came and did not reach the disk is missing, and belongs to the gap that follows.
        RunEnd { why, recorded, last_end_ms: self.gap_closed.then(|| self.handle.written().1) }
    }

    /// Recording goes on: with the first picture of this run, and told once it is on disk.
    fn close_gap(&mut self) {
        let Some((_, first_ms)) = self.first else { return };
        if !self.gap_closed && self.handle.written().0 > self.written_before {
            self.gap_closed = true;
            self.gaps.recorded(self.handle, first_ms);
        }
    }

    async fn pump(&mut self, source: &mut dyn Source, order: impl Future<Output = Order>) -> Result<SourceError, Order> {
        let clock = self.shared.clock.clone();
        let stall = Duration::from_millis(self.shared.config.stall_ms);
        let mut newest = clock.monotonic();
        let mut watchdog = clock.sleep(stall);
        tokio::pin!(order);
        let pace = Pace::of(self.handle.camera);
        loop {
            let due = || self.recorder.as_ref()?.due_ns(clock.monotonic());
            tokio::select! {
                biased;
                order = &mut order => return Err(order),
                item = pace.next_item(source, due) => match item {
                    Err(error) => return Ok(error),
                    Ok(item) => {
                        if matches!(item, SourceItem::AccessUnit(_)) {
                            newest = clock.monotonic();
                        }
                        if let Err(error) = self.take(item).await {
                            return Ok(error);
                        }
                    }
                },
                () = &mut watchdog => {
                    let idle = clock.monotonic().saturating_sub(newest);
                    if idle >= stall {
                        let seconds = idle.as_secs_f32();
                        let detail = format!("no picture for {seconds:.1} s although the connection stands");
                        return Ok(SourceError::new(StateReason::Stalled, detail));
                    }
                    watchdog = clock.sleep(stall - idle);
                }
            }
        }
    }

    async fn take(&mut self, item: SourceItem) -> Result<(), SourceError> {
        match item {
            SourceItem::Parameters(parameters) => {
                self.finish().await.map_err(muxing)?;
                self.parameters = Some(parameters);
                self.learned_depth = 0;
                Ok(())
            }
            SourceItem::ClockOffset { offset_ms } => {
                self.handle.set_clock_offset(offset_ms);
                if offset_ms.abs() > CLOCK_OFFSET_NOTED_MS && !self.clock_noted {
                    self.clock_noted = true;
                    tracing::info!(camera = %self.handle.camera, offset_ms, "the camera's clock differs from ours");
                }
                Ok(())
            }
            SourceItem::AccessUnit(unit) => self.access_unit(unit).await,
        }
    }

    async fn access_unit(&mut self, mut unit: AccessUnit) -> Result<(), SourceError> {
        if let Some(parameters) = &self.parameters {
            unit.data = without_filler(parameters.codec, std::mem::take(&mut unit.data));
        }
        if unit.data.is_empty() {
            self.lost |= unit.lost > 0;
            self.damaged |= unit.lost > 0;
            return Ok(());
        }
        #[cfg(debug_assertions)]
        if unit.is_key {
            super::mishap::as_asked(self.handle.camera);
        }
        let unit_ms = i64::try_from(unit.monotonic.as_millis()).unwrap_or(i64::MAX);
        self.handle.packet(unit.wall_ms, unit_ms);
        let arrived_ns = i64::try_from(unit.monotonic.as_nanos()).unwrap_or(i64::MAX);
        self.handle.set_jitter_us(self.jitter.arrived(unit.pts_ns, arrived_ns));
        if unit.lost > 0 {
            self.handle.count_lost(unit.lost, unit_ms);
        }
        let placed = self.stream_clock.place(unit.pts_ns, unit.wall_ms, unit.monotonic);
        unit.wall_ms -= placed.late_ms;
        self.damaged = unit.lost > 0 || (self.damaged && !unit.is_key);
        if !self.damaged {
            self.tap(&unit);
        }
        if placed.stepped {
            let epoch = self.handle.next_epoch();
            tracing::warn!(camera = %self.handle.camera, epoch, "the wall clock was stepped: a new segment begins");
        }
        if placed.jumped {
            tracing::warn!(camera = %self.handle.camera, "the stream's time jumped");
        }
        self.lost |= placed.jumped || unit.lost > 0;
        let degraded = self.watch_key_frames(&unit);
        if self.recorder.is_none() {
            // The muxer starts with a key frame; a stream that has none is recorded all the same, after a patient wait.
            if !unit.is_key && !degraded {
                return Ok(());
            }
            self.recorder = Some(self.start(placed.pts_ns)?);
        } else if unit.is_key && self.recorder.as_ref().is_some_and(|recorder| recorder.times.deeper().is_some()) {
            self.learned_depth = self.recorder.as_ref().and_then(|recorder| recorder.times.deeper()).unwrap_or(0);
            self.finish().await.map_err(muxing)?;
            self.recorder = Some(self.start(placed.pts_ns)?);
        }
        self.record_unit(unit, placed.pts_ns, unit_ms - placed.late_ms, degraded).await
    }

    async fn record_unit(&mut self, unit: AccessUnit, pts_ns: i64, mono_ms: i64, degraded: bool) -> Result<(), SourceError> {
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        let pts_ns = pts_ns.saturating_sub(recorder.origin_ns);
        let dts_ns = recorder.times.next(pts_ns);
        recorder.behind_ns = mono_ms.saturating_mul(1_000_000).saturating_sub(dts_ns);
        let told = recorder.meter.frame(dts_ns.div_euclid(1_000_000), unit.data.len(), unit.is_key);
        let frame = Frame {
            data: unit.data,
            pts_ns,
            dts_ns,
            is_key: unit.is_key,
            wall_ms: unit.wall_ms,
            mono_ms,
            discontinuity: std::mem::take(&mut self.lost),
            damaged: self.damaged,
            epoch: self.handle.epoch(),
        };
        let steps = recorder.batcher.push(frame);
        if steps.is_empty() { recorder.mux.check() } else { recorder.mux.hand_over(steps).await }.map_err(muxing)?;
        self.last = Some(unit.monotonic);
        self.first.get_or_insert((unit.monotonic, unit.wall_ms));
        self.close_gap();
        if told {
            self.tell_stream();
        }
        let (state, reason, detail) = if degraded {
            (CameraState::Degraded, StateReason::NoKeyFrame, "pictures come without a key frame")
        } else {
            (CameraState::Recording, StateReason::None, "")
        };
        self.handle.set_state(state, reason, detail, unit.wall_ms);
        Ok(())
    }

    /// Sizes of all frames and the key frames, for the analysis and for stills.
    fn tap(&mut self, unit: &AccessUnit) {
        // The sub-stream speaks for the camera while it comes; stills are of the main stream all the same.
        let sub = self.handle.analysis_stream() == AnalysisStream::Sub;
        let Some(parameters) = self.parameters.as_ref().filter(|_| unit.is_key) else {
            if sub {
                return;
            }
            let bytes = u32::try_from(unit.data.len()).unwrap_or(u32::MAX);
            self.shared.feed.frame(self.handle.camera, unit.wall_ms, bytes);
            return;
        };
        let key_frame = KeyFrame {
            camera: self.handle.camera,
            codec: parameters.codec,
            config: parameters.config.clone(),
            width: parameters.width,
            height: parameters.height,
            wall_ms: unit.wall_ms,
            data: unit.data.clone(),
        };
        self.handle.set_key_frame(Some(key_frame.clone()));
        if !sub {
            self.shared.feed.key_frame(key_frame);
        }
    }

    /// Whether pictures have come without a key frame for too long.
    fn watch_key_frames(&mut self, unit: &AccessUnit) -> bool {
        if unit.is_key {
            self.without_key_since = Some(unit.monotonic);
            return false;
        }
        let since = *self.without_key_since.get_or_insert(unit.monotonic);
        unit.monotonic.saturating_sub(since) >= Duration::from_millis(self.shared.config.no_key_frame_ms)
    }

    fn start(&mut self, origin_ns: i64) -> Result<Recorder, SourceError> {
        let Some(parameters) = &self.parameters else {
            return Err(SourceError::new(StateReason::Internal, "pictures came before their parameters"));
        };
        let Shared { config, index, clock, write_times, .. } = self.shared;
        let depth = reorder_depth(parameters.codec, &parameters.config).unwrap_or(0).max(self.learned_depth);
        let sink = FragmentSink::new(self.handle.clone(), index.clone(), clock.clone(), write_times.clone(), parameters.codec, config);
        let mux = Mux::new(parameters, sink).map_err(muxing)?;
        let meter = StreamMeter::new(parameters);
        self.handle.set_stream(meter.info().clone());
        let (batcher, times) = (Batcher::new(config, depth), DecodeTimes::new(depth, FRAME_NS));
        Ok(Recorder { mux, batcher, times, meter, origin_ns, behind_ns: 0 })
    }

    fn tell_stream(&self) {
        let Some(recorder) = &self.recorder else { return };
        let info = recorder.meter.info().clone();
        self.handle.set_stream(info.clone());
        self.handle.tell(MediaEvent::Stream {
            camera: self.handle.camera,
            codec: info.codec,
            width: info.width,
            height: info.height,
            fps: info.fps,
            key_frame_interval_ms: info.key_frame_interval_ms,
            bit_rate: info.bit_rate,
        });
    }

    /// Ends the muxer in order, so that every frame taken so far is on disk.
    async fn finish(&mut self) -> Result<(), MuxError> {
        let Some(Recorder { mux, mut batcher, .. }) = self.recorder.take() else { return Ok(()) };
        let (steps, last) = batcher.finish();
        let finished = match mux.hand_over(steps).await {
            Ok(()) => mux.finish(last, MUX_PATIENCE).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &finished {
            tracing::warn!(camera = %self.handle.camera, %error, "a muxer did not end in order");
        }
        // Stopping joins the muxer's thread, which may be inside a slow write: not on an async thread, not for ever.
        let name = format!("stop muxer of {}", self.spec.name);
        let stopped = self.shared.supervisor.blocking(name, move || drop(mux));
        if tokio::time::timeout(MUX_PATIENCE, stopped).await.is_err() {
            tracing::error!(camera = %self.handle.camera, "a muxer does not stop; its thread is left behind");
        }
        finished
    }
}

/// What a failing muxer means for the camera: nearly always, that the disk does not take what it is given.
fn muxing(error: MuxError) -> SourceError {
    let reason = match &error {
        MuxError::Sink(_) | MuxError::Stuck => StateReason::Disk,
        MuxError::Push(_) | MuxError::Output(_) => StateReason::BadStream,
        MuxError::Build(_) => StateReason::Internal,
    };
    SourceError::new(reason, error.to_string())
}
