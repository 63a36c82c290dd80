//! Reads what is recorded while it is recorded, because retention may delete it, and compares it with what was sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use media::Codec;

use crate::cameras::Sent;

/// A file that is being read.
struct Open {
    file: File,
    read: u64,
}

/// Follows one camera's folder.
#[derive(Default)]
struct Camera {
    files: BTreeMap<PathBuf, Open>,
    pictures: Vec<u64>,
}

impl Camera {
    /// What is there already belongs to another run.
    fn pass_over(&mut self, folder: &Path, codec: Codec) {
        self.look(folder, codec);
        self.pictures.clear();
    }

    /// Opens new files at once, so that they can still be read when they have been deleted; reads on.
    fn look(&mut self, folder: &Path, codec: Codec) {
        for day in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            for entry in std::fs::read_dir(day.path()).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|kind| kind == "mp4")
                    && !self.files.contains_key(&path)
                    && let Ok(file) = File::open(&path)
                {
                    self.files.insert(path, Open { file, read: 0 });
                }
            }
        }
        // Names begin with the time, so their order is that of the recording. Only the last two can still grow.
        let count = self.files.len();
        for (n, open) in self.files.values_mut().enumerate() {
            let len = open.file.metadata().map_or(0, |data| data.len());
            if len > open.read {
                let mut data = vec![0; usize::try_from(len - open.read).unwrap()];
                open.file.read_exact_at(&mut data, open.read).unwrap();
                let (mut pictures, read) = crate::mp4::pictures(codec, &data);
                assert!(pictures.is_empty() || n + 2 >= count, "a file before the last grew");
                self.pictures.append(&mut pictures);
                open.read += read as u64;
            }
        }
    }
}

/// Everything recorded below a folder, until it is asked for.
pub(crate) struct Follower {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<String, Vec<u64>>>,
}

impl Follower {
    /// Follows the folders of these cameras (ids).
    pub(crate) fn start(recordings: PathBuf, cameras: Vec<String>, codec: Codec) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut all: BTreeMap<String, Camera> = cameras.into_iter().map(|id| (id, Camera::default())).collect();
        all.iter_mut().for_each(|(id, camera)| camera.pass_over(&recordings.join(id), codec));
        let thread = std::thread::spawn(move || {
            loop {
                let is_last = stopped.load(Ordering::Relaxed);
                for (id, camera) in &mut all {
                    camera.look(&recordings.join(id), codec);
                }
                if is_last {
                    return all.into_iter().map(|(id, camera)| (id, camera.pictures)).collect();
                }
                std::thread::sleep(Duration::from_millis(400));
            }
        });
        Self { stop, thread }
    }

    /// Digests of all pictures by camera, once the recorder has ended.
    pub(crate) fn finish(self) -> BTreeMap<String, Vec<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// How a recording compares with what was sent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Compared {
    /// When each frame before the last recorded one was sent, milliseconds UTC.
    pub(crate) sent: Vec<i64>,
    /// Of these, the ones that were not recorded.
    pub(crate) lost: Vec<i64>,
    /// Recorded, but never sent so.
    pub(crate) foreign: usize,
    /// Sent after the last recorded one: under way when it ended.
    pub(crate) under_way: usize,
}

/// Frames that are searched through to find where a recording goes on.
const SEARCHED: usize = 3_000;

/// Walks through both in step. Loops repeat after 750 frames, so a hole is the nearest place where the sequence goes on.
pub(crate) fn compare(sent: &[Sent], recorded: &[u64]) -> Compared {
    let mut result = Compared::default();
    let mut at = 0;
    for digest in recorded {
        match sent[at..].iter().take(SEARCHED).position(|frame| frame.3 == *digest) {
            Some(missing) => {
                let passed = &sent[at..=at + missing];
                result.sent.extend(passed.iter().map(|frame| frame.2));
                result.lost.extend(passed[..missing].iter().map(|frame| frame.2));
                at += missing + 1;
            }
            None => result.foreign += 1,
        }
    }
    result.under_way = sent.len() - at;
    result
}

impl Compared {
    /// Sent and lost between two moments.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> (usize, usize) {
        let count = |moments: &[i64]| moments.iter().filter(|at| (from_ms..to_ms).contains(*at)).count();
        (count(&self.sent), count(&self.lost))
    }
}

/// All cameras together; by id recorded, by path sent.
pub(crate) fn compare_all(
    path_of: &BTreeMap<String, String>,
    sent: &BTreeMap<String, Vec<Sent>>,
    recorded: &BTreeMap<String, Vec<u64>>,
) -> Compared {
    let mut all = Compared::default();
    for (id, path) in path_of {
        let mut one = compare(&sent[path], &recorded[id]);
        if one.lost.len() + one.foreign > 0 {
            eprintln!("   camera {path}: {} lost, {} foreign of {}", one.lost.len(), one.foreign, one.sent.len());
        }
        all.sent.append(&mut one.sent);
        all.lost.append(&mut one.lost);
        all.foreign += one.foreign;
        all.under_way = all.under_way.max(one.under_way);
    }
    all
}
