//! What is missing and why: at most one gap is open a camera.
//!
//! Evidence must not lie, so every stretch without recording is a gap with a reason. A gap whose reason changes is
//! closed and a new one goes on from there. The open gap is kept in a small file on the first disk that is here: after a
//! restart it goes on with its own reason, and only what no gap explains is the restart's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::handle::CameraHandle;
use crate::camera::{CameraId, GapReason};
use crate::event::MediaEvent;
use crate::segment::Disks;
use crate::segment::holds::write_whole;

/// Name of the file in the camera's folder.
const FILE: &str = "gap.json";

/// The open gap of one camera.
#[derive(Debug)]
pub struct Gaps {
    disks: Arc<Disks>,
    camera: CameraId,
    open: Option<OpenGap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OpenGap {
    start_ms: i64,
    reason: GapReason,
}

impl Gaps {
    /// Takes up what the run before left on any of the disks. `last_end_ms` is the end of what is recorded; what no open
    /// gap explains since then is a restart gap. Tells the gap that is open; one that was told before the restart is told again.
    pub fn resume(handle: &CameraHandle, disks: &Arc<Disks>, last_end_ms: Option<i64>) -> Self {
        let mut gaps = Self { disks: disks.clone(), camera: handle.camera, open: None };
        let read = |disk| serde_json::from_slice::<OpenGap>(&std::fs::read(gaps.path(disks.folder(disk))).ok()?).ok();
        // A gap that starts before the end of the recordings was closed, and only its file has outlived a crash, or its disk
        // was away then.
        let holds = |gap: &OpenGap| last_end_ms.is_none_or(|end_ms| end_ms <= gap.start_ms);
        let kept = disks.here().filter_map(read).filter(holds).max_by_key(|gap| gap.start_ms);
        match (kept, last_end_ms) {
            (Some(gap), _) => gaps.begin(handle, gap.start_ms, gap.reason),
            (None, Some(end_ms)) => gaps.begin(handle, end_ms, GapReason::Restart),
            (None, None) => {}
        }
        gaps
    }

    /// Nothing is recorded, because of `reason`. A new gap starts at `since_ms`, a changed reason at `now_ms`.
    pub fn missing(&mut self, handle: &CameraHandle, since_ms: i64, now_ms: i64, reason: GapReason) {
        match self.open {
            Some(open) if open.reason == reason => {}
            Some(open) => {
                let at_ms = now_ms.max(open.start_ms);
                self.close(handle, at_ms);
                self.begin(handle, at_ms, reason);
            }
            None => self.begin(handle, since_ms, reason),
        }
    }

    /// Recording goes on with a picture of `from_ms`.
    pub fn recorded(&mut self, handle: &CameraHandle, from_ms: i64) {
        if self.open.is_some() {
            self.close(handle, from_ms);
        }
    }

    /// Whether a gap is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn begin(&mut self, handle: &CameraHandle, start_ms: i64, reason: GapReason) {
        let gap = OpenGap { start_ms, reason };
        self.open = Some(gap);
        self.keep(Some(gap));
        handle.tell(MediaEvent::GapOpened { camera: handle.camera, start_ms, reason });
    }

    fn close(&mut self, handle: &CameraHandle, end_ms: i64) {
        let Some(OpenGap { start_ms, reason }) = self.open.take() else { return };
        self.keep(None);
        let end_ms = end_ms.max(start_ms);
        handle.tell(MediaEvent::GapClosed { camera: handle.camera, start_ms, end_ms, reason });
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.camera.to_string()).join(FILE)
    }

    /// Losing this file costs a reason, not a recording: it is logged and the camera goes on.
    fn keep(&self, gap: Option<OpenGap>) {
        let Some(path) = self.disks.home().map(|home| self.path(home)) else { return };
        let kept = match gap {
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            },
            Some(gap) => path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| Ok(serde_json::to_vec(&gap)?))
                .map_err(Into::into)
                .and_then(|text| write_whole(&path, &text)),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the open gap of a camera is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::outbox::EventSink;
    use crate::record::space::SystemDisk;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    async fn told(events: &EventSink) -> Vec<String> {
        let (to, mut from) = mpsc::channel(100);
        let stop = CancellationToken::new();
        stop.cancel();
        events.hand_on(to, stop).await;
        let mut told = Vec::new();
        while let Some(event) = from.recv().await {
            told.push(match event {
                MediaEvent::GapOpened { start_ms, reason, .. } => format!("open {start_ms} {reason}"),
                MediaEvent::GapClosed { start_ms, end_ms, reason, .. } => format!("close {start_ms} {end_ms} {reason}"),
                other => format!("{other:?}"),
            });
        }
        told
    }

    #[tokio::test]
    async fn a_gap_has_one_reason_and_the_next_goes_on_where_it_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let disks = Arc::new(Disks::one(folder.path(), Arc::new(SystemDisk)));
        let events = EventSink::default();
        let handle = CameraHandle::new(Uuid::from_u128(1), events.clone(), 0, 0);
        let mut gaps = Gaps::resume(&handle, &disks, None);
        gaps.missing(&handle, 100, 150, GapReason::Stalled);
        gaps.missing(&handle, 100, 160, GapReason::Stalled);
        gaps.missing(&handle, 100, 200, GapReason::Refused);
        gaps.recorded(&handle, 300);
        gaps.recorded(&handle, 340);
        assert_eq!(told(&events).await, ["open 100 stalled", "close 100 200 stalled", "open 200 refused", "close 200 300 refused"]);
    }

    #[tokio::test]
    async fn after_a_restart_an_open_gap_keeps_its_reason_and_the_rest_is_the_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let disks = Arc::new(Disks::one(folder.path(), Arc::new(SystemDisk)));
        let events = EventSink::default();
        let handle = CameraHandle::new(Uuid::from_u128(1), events.clone(), 0, 0);
        let mut before = Gaps::resume(&handle, &disks, None);
        before.missing(&handle, 100, 150, GapReason::Unauthorized);
        drop(before);
        let mut after = Gaps::resume(&handle, &disks, Some(100));
        after.recorded(&handle, 900);
        drop(after);
        let mut crashed = Gaps::resume(&handle, &disks, Some(2_000));
        crashed.recorded(&handle, 5_000);
        assert_eq!(
            told(&events).await,
            [
                "open 100 unauthorized",
                "open 100 unauthorized",
                "close 100 900 unauthorized",
                "open 2000 restart",
                "close 2000 5000 restart",
            ]
        );
    }
}
