//! A camera's sub-stream: smaller pictures of the same view, for the analysis. The main stream is what is recorded.
//!
//! It is a comfort, not a need: while it does not come, the analysis takes the main stream's key frames, the camera's
//! status says so, and the sub-stream is tried again with the same pauses as a camera.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::handle::CameraHandle;
use super::pace::Pace;
use super::task::{Orders, Shared};
use crate::analyse::feed::KeyFrame;
use crate::camera::{AnalysisStream, CameraSpec, SourceSpec, StateReason};
use crate::source::{Source, SourceError, SourceItem, StreamParameters};

/// The loop of one camera's sub-stream; idle where there is none.
#[derive(Debug)]
pub struct SubTask {
    shared: Arc<Shared>,
    handle: Arc<CameraHandle>,
    orders: Orders,
    stop: CancellationToken,
}

impl SubTask {
    /// A task beside the camera's own.
    #[must_use]
    pub fn new(shared: Arc<Shared>, handle: Arc<CameraHandle>, orders: Orders, stop: CancellationToken) -> Self {
        Self { shared, handle, orders, stop }
    }

    /// Runs until the camera is removed or the program stops.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new(&self.shared.config);
        loop {
            // Nobody can order anything any more: the engine is gone.
            if self.orders.has_changed().is_err() {
                return;
            }
            let Some(spec) = self.orders.borrow_and_update().clone() else { return };
            let wanted = wanted(&spec).cloned();
            let Some(source) = &wanted else {
                self.handle.set_analysis_stream(AnalysisStream::Main);
                self.handle.set_sub_key_frame(None);
                backoff.reset();
                if self.until_other(None).await.is_break() { return } else { continue }
            };
            let began = self.shared.clock.monotonic();
            let stopped = self.stop.clone();
            let mut orders = self.orders.clone();
            let error = tokio::select! {
                error = self.watch(source) => error,
                () = other(&mut orders, Some(source)) => {
                    self.fall_back();
                    continue;
                }
                () = stopped.cancelled() => return,
            };
            self.fall_back();
            tracing::info!(camera = %self.handle.camera, reason = %error.reason, detail = error.detail, "the sub-stream fails; the analysis takes the main stream");
            if self.shared.clock.monotonic().saturating_sub(began) >= Duration::from_millis(self.shared.config.healthy_ms)
                || source.listens()
            {
                backoff.reset();
            }
            let pause = backoff.pause_now(error.reason);
            let (clock, stopped) = (self.shared.clock.clone(), self.stop.clone());
            tokio::select! {
                () = clock.sleep(pause) => {}
                () = other(&mut orders, Some(source)) => backoff.reset(),
                () = stopped.cancelled() => return,
            }
        }
    }

    fn fall_back(&self) {
        self.handle.set_sub_key_frame(None);
        if self.handle.set_analysis_stream(AnalysisStream::MainInstead) == AnalysisStream::Sub {
            // Another picture size, another rhythm: what was learned about sizes no longer holds.
            self.shared.feed.restarted(self.handle.camera);
        }
    }

    async fn until_other(&mut self, present: Option<&SourceSpec>) -> std::ops::ControlFlow<()> {
        let stopped = self.stop.clone();
        tokio::select! {
            () = other(&mut self.orders, present) => std::ops::ControlFlow::Continue(()),
            () = stopped.cancelled() => std::ops::ControlFlow::Break(()),
        }
    }

    /// Feeds the analysis until the stream fails.
    async fn watch(&self, source: &SourceSpec) -> SourceError {
        let mut stream = match self.shared.open(source).await {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        let error = self.feed(&mut *stream).await;
        stream.close().await;
        error
    }

    async fn feed(&self, stream: &mut dyn Source) -> SourceError {
        let stall = Duration::from_millis(self.shared.config.stall_ms);
        let mut parameters: Option<StreamParameters> = None;
        let mut damaged = false;
        let pace = Pace::of(self.handle.camera);
        loop {
            let item = match self.in_time(stall, pace.next_item(stream, || None)).await {
                Ok(Ok(item)) => item,
                Ok(Err(error)) | Err(error) => return error,
            };
            let unit = match item {
                SourceItem::Parameters(told) => {
                    parameters = Some(told);
                    continue;
                }
                SourceItem::ClockOffset { .. } => continue,
                SourceItem::AccessUnit(unit) => unit,
            };
            damaged = unit.lost > 0 || (damaged && !unit.is_key);
            let Some(parameters) = parameters.as_ref().filter(|_| !damaged) else { continue };
            let camera = self.handle.camera;
            if !unit.is_key {
                if self.handle.analysis_stream() == AnalysisStream::Sub {
                    self.shared.feed.frame(camera, unit.wall_ms, u32::try_from(unit.data.len()).unwrap_or(u32::MAX));
                }
                continue;
            }
            if self.handle.set_analysis_stream(AnalysisStream::Sub) != AnalysisStream::Sub {
                self.shared.feed.restarted(camera);
            }
            let key_frame = KeyFrame {
                camera,
                codec: parameters.codec,
                config: parameters.config.clone(),
                width: parameters.width,
                height: parameters.height,
                wall_ms: unit.wall_ms,
                data: unit.data,
            };
            self.handle.set_sub_key_frame(Some(key_frame.clone()));
            self.shared.feed.key_frame(key_frame);
        }
    }

    async fn in_time<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, SourceError> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.shared.clock.sleep(limit) => Err(SourceError::new(StateReason::Stalled, "the sub-stream sends no picture")),
        }
    }
}

/// The sub-stream that `spec` wants watched now.
fn wanted(spec: &CameraSpec) -> Option<&SourceSpec> {
    spec.sub.as_ref().filter(|_| spec.enabled)
}

/// Waits until something else than `present` is wanted.
async fn other(orders: &mut Orders, present: Option<&SourceSpec>) {
    loop {
        {
            let newest = orders.borrow_and_update();
            if newest.as_ref().is_none_or(|spec| wanted(spec) != present) {
                return;
            }
        }
        if orders.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use bytes::Bytes;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use tokio::sync::{Notify, Semaphore, watch};
    use uuid::Uuid;

    use crate::analyse::AnalysisFeed;
    use crate::camera::Codec;
    use crate::clock::SystemClock;
    use crate::diagnosis::settings::DiagnosisSettings;
    use crate::record::EventSink;
    use crate::segment::SegmentIndex;
    use crate::settings::EngineConfig;
    use crate::source::{AccessUnit, Opener};
    use crate::supervise::Supervisor;

    /// Gives its items, then hangs.
    struct Given(VecDeque<SourceItem>);

    impl Source for Given {
        fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
            match self.0.pop_front() {
                Some(item) => futures::future::ready(Ok(item)).boxed(),
                None => futures::future::pending().boxed(),
            }
        }

        fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
            futures::future::ready(()).boxed()
        }
    }

    /// Refuses as often as it says, then opens.
    #[derive(Debug)]
    struct Scripted {
        refusals: Mutex<u32>,
        items: Vec<SourceItem>,
    }

    impl Opener for Scripted {
        fn open(&self, _: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
            let mut refusals = self.refusals.lock().expect("not poisoned");
            let opened: Result<Box<dyn Source>, SourceError> = match refusals.checked_sub(1) {
                Some(fewer) => {
                    *refusals = fewer;
                    Err(SourceError::new(StateReason::Refused, "closed"))
                }
                None => Ok(Box::new(Given(self.items.clone().into()))),
            };
            futures::future::ready(opened).boxed()
        }
    }

    fn unit(is_key: bool, lost: u32) -> SourceItem {
        let data = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
        SourceItem::AccessUnit(AccessUnit { data, pts_ns: 0, is_key, lost, wall_ms: 7, monotonic: Duration::ZERO })
    }

    #[tokio::test]
    async fn key_frames_of_the_sub_stream_reach_the_analysis_and_damaged_ones_do_not() {
        let parameters = StreamParameters { codec: Codec::H264, config: Bytes::new(), width: 176, height: 144 };
        let items = vec![
            SourceItem::Parameters(parameters),
            unit(false, 0),
            unit(true, 2),
            unit(false, 0),
            unit(true, 0),
            unit(false, 0),
            unit(false, 1),
            unit(false, 0),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let supervisor = Supervisor::new();
        let shared = Arc::new(Shared {
            config: EngineConfig { backoff_min_ms: 1, ..EngineConfig::new(folder.path().into()) },
            clock: Arc::new(SystemClock::new()),
            index: Arc::new(SegmentIndex::new(folder.path(), Vec::new()).expect("an index")),
            opener: Arc::new(Scripted { refusals: Mutex::new(3), items }),
            feed: AnalysisFeed::new(),
            write_times: Arc::default(),
            connecting: Semaphore::new(1),
            disk_urgent: Arc::new(Notify::new()),
            supervisor: supervisor.clone(),
        });
        let camera = Uuid::from_u128(9);
        let handle = Arc::new(CameraHandle::new(camera, EventSink::default(), 0, 0));
        let address = SourceSpec::new("rtsp://127.0.0.1/sub".parse().expect("a URL"));
        let spec = CameraSpec {
            id: camera,
            name: "a".into(),
            source: address.clone(),
            sub: Some(address),
            enabled: true,
            armed_hours: None,
            diagnosis: DiagnosisSettings::default(),
            retention_days: None,
        };
        let (orders, following) = watch::channel(Some(Arc::new(spec.clone())));
        let task = SubTask::new(shared.clone(), handle.clone(), following, supervisor.soft());
        supervisor.once("sub-stream", task.run());

        let deadline = Duration::from_secs(30);
        let mut sizes = Vec::new();
        let mut key = None;
        let gathering = async {
            while sizes.len() < 2 {
                for batch in shared.feed.take_now() {
                    sizes.extend(batch.sizes.iter().map(|size| size.is_key));
                    key = batch.key_frame.or(key.take());
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(deadline, gathering).await.expect("in time");
        assert_eq!(key.expect("a key frame").width, 176);
        assert_eq!(sizes, [true, false], "nothing before a whole key frame, nothing after a loss");
        assert_eq!(handle.analysis_stream(), AnalysisStream::Sub);

        orders.send_replace(Some(Arc::new(CameraSpec { sub: None, ..spec })));
        let let_go = async {
            while handle.analysis_stream() != AnalysisStream::Main {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(deadline, let_go).await.expect("in time");
    }
}
