//! When recorded files grow, by the kernel's word (inotify): the outside view of "a fragment is on disk".

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::fs::inotify;

use crate::cameras::Sent;
use crate::site::now_ms;

/// Moments at which each camera's files grew, milliseconds UTC.
pub(crate) struct Writes {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<String, Vec<i64>>>,
}

impl Writes {
    /// Watches the newest day folder of each camera (ids).
    pub(crate) fn watch(recordings: &Path, cameras: impl Iterator<Item = String>) -> Self {
        let notify = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        let mut camera_of = BTreeMap::new();
        for id in cameras {
            let Some(day) = newest(&recordings.join(&id)) else { continue };
            camera_of.insert(inotify::add_watch(&notify, day, inotify::WatchFlags::MODIFY).unwrap(), id);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        Self { stop, thread: std::thread::spawn(move || collect(&notify, &camera_of, &stopped)) }
    }

    pub(crate) fn finish(self) -> BTreeMap<String, Vec<i64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn newest(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).max()
}

fn collect(notify: &OwnedFd, camera_of: &BTreeMap<i32, String>, stopped: &AtomicBool) -> BTreeMap<String, Vec<i64>> {
    let mut moments: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 64 << 10];
    while !stopped.load(Ordering::Relaxed) {
        // Woken by the kernel at once, so that the moment is that of the write.
        let mut ready = [rustix::event::PollFd::new(notify, rustix::event::PollFlags::IN)];
        let patience = rustix::event::Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        if rustix::event::poll(&mut ready, Some(&patience)).unwrap_or(0) == 0 {
            continue;
        }
        let at = now_ms();
        let mut reader = inotify::Reader::new(notify, &mut buffer);
        while let Ok(event) = reader.next() {
            if let Some(camera) = camera_of.get(&event.wd()) {
                moments.entry(camera.clone()).or_default().push(at);
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
    }
    moments
}

/// For each key frame that ended a fragment: milliseconds from when it was sent to when the file grew.
pub(crate) fn delays(sent: &[Sent], grew: &[i64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (grew.first(), grew.last()) else { return Vec::new() };
    let ends = sent.iter().filter(|frame| frame.1 && frame.2 >= *first && frame.2 + 2_500 <= *last);
    ends.map(|frame| {
        let next = grew.partition_point(|at| *at < frame.2);
        (grew[next] - frame.2) as f64
    })
    .collect()
}
