//! Moving a disk's recordings to another disk while recording goes on.
//!
//! `bright-kitchen recordings move` writes an order into the data folder, which is its owner's alone; the server that runs
//! there finds it, carries it out and writes into the same file how far it is. So the order outlives a restart of either, and
//! what is left to do is what still lies on the disk. As long as the order is there no new file is begun on that disk.
//! Where no server runs, the command does the work itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use media::segment::moving::{MoveError, Moved, files_on, move_one};
use media::segment::path::SegmentName;
use media::segment::{SegmentError, SegmentIndex};
use media::{Engine, MediaEvent};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::App;

/// Name of the order in the data folder.
const ORDER: &str = "recordings-move.json";
/// How often the folder is looked at, and files that were still open are tried again.
const LOOK: Duration = Duration::from_secs(1);
/// Moving takes no more of the disks than this, bytes a second: recording goes first.
const BYTES_A_SECOND_MAX: u64 = 64 * 1024 * 1024;
/// Of the other disk this much stays free beyond the low watermark's share, percent of the disk: retention would delete what came.
const KEEP_FREE_PERCENT: u64 = 1;
/// How far it is is written down after this many files.
const FILES_A_NOTE: u64 = 20;

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has begun yet.
    Waiting,
    /// Files are being moved.
    Moving,
    /// Nothing of the index is left on the disk, and nothing new comes.
    Done,
    /// It could not go on; `detail` says why. Another `move` begins again.
    Failed,
}

/// A move that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Folder of the disk whose recordings go.
    pub from: PathBuf,
    /// Folder of the disk that gets them.
    pub to: PathBuf,
    /// How it stands.
    pub state: State,
    /// Files moved so far.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files still on the disk, when that was counted last.
    pub left: u64,
    /// In words; empty where there is nothing to say.
    pub detail: String,
}

/// An order cannot be read or written, or makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The file.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A folder is none of the settings.
    #[error("{} is none of the folders of --recordings", .0.display())]
    Unknown(PathBuf),
    /// Both are one.
    #[error("--from and --to are the same disk")]
    Same,
    /// The files of a disk.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The list of files.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

impl Order {
    /// A new order.
    pub fn new(from: PathBuf, to: PathBuf) -> Self {
        Self { from, to, state: State::Waiting, files: 0, bytes: 0, left: 0, detail: String::new() }
    }

    /// The order of a data folder; `None` where there is none.
    pub fn read(data: &Path) -> Result<Option<Self>, OrderError> {
        let path = data.join(ORDER);
        let failed = |cause| OrderError::File { path: path.clone(), cause };
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, data: &Path) -> Result<(), OrderError> {
        let path = data.join(ORDER);
        let failed = |cause| OrderError::File { path: path.clone(), cause };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &path)).map_err(failed)
    }

    /// Takes it back: the disk gets new files again. `false` where there was none.
    pub fn remove(data: &Path) -> Result<bool, OrderError> {
        let path = data.join(ORDER);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(OrderError::File { path, cause }),
        }
    }

    /// The numbers of its disks.
    pub fn disks(&self, index: &SegmentIndex) -> Result<(usize, usize), OrderError> {
        let number = |folder: &PathBuf| index.disks().number_of(folder).ok_or_else(|| OrderError::Unknown(folder.clone()));
        let (from, to) = (number(&self.from)?, number(&self.to)?);
        if from == to { Err(OrderError::Same) } else { Ok((from, to)) }
    }

    /// Whether both speak of the same move.
    fn is_of(&self, other: &Self) -> bool {
        (&self.from, &self.to) == (&other.from, &other.to)
    }

    /// Adds what became of one file; what was moved is told with where it lies now.
    pub fn note(&mut self, moved: Moved) -> Option<MediaEvent> {
        let (bytes, event) = match moved {
            Moved::Done { camera, segment } => (segment.bytes, Some(MediaEvent::SegmentClosed { camera, segment })),
            Moved::Already { bytes } => (bytes, None),
            Moved::Open | Moved::Gone => return None,
        };
        self.files += 1;
        self.bytes += bytes;
        event
    }
}

/// What must stay free on the disk that gets the files, bytes.
pub fn keep_free(index: &SegmentIndex, to: usize, low_percent: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie between 0 and 90 with the settings")]
    let percent = low_percent.ceil() as u64 + KEEP_FREE_PERCENT;
    index.disks().space(to).map_or(u64::MAX, |space| space.total_bytes / 100 * percent)
}

/// Carries out orders until `soft` is cancelled.
pub async fn run(app: App, data: PathBuf, low_percent: f64, soft: CancellationToken) {
    let Some(engine) = app.engine.clone() else { return };
    let mut complained = false;
    while !soft.is_cancelled() {
        match Order::read(&data) {
            Ok(order) => {
                complained = false;
                leave(&engine, order.as_ref());
                if let Some(order) = order.filter(|order| matches!(order.state, State::Waiting | State::Moving)) {
                    carry_out(&app, &engine, &data, low_percent, order, &soft).await;
                }
            }
            Err(error) if !complained => {
                complained = true;
                warn!(%error, "an order to move recordings cannot be read");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = app.clock.sleep(LOOK) => {}
            () = soft.cancelled() => return,
        }
    }
}

/// No new file is begun on the disk of the order, and on all others they are.
fn leave(engine: &Engine, order: Option<&Order>) {
    let index = engine.index();
    let leaving = order.and_then(|order| order.disks(&index).ok()).map(|(from, _)| from);
    for disk in 0..index.disks().len() {
        index.disks().set_leaving(disk, leaving == Some(disk));
    }
}

async fn carry_out(app: &App, engine: &Engine, data: &Path, low_percent: f64, mut order: Order, soft: &CancellationToken) {
    info!(from = %order.from.display(), to = %order.to.display(), "recordings are being moved");
    order.state = State::Moving;
    let done = move_all(app, engine, data, low_percent, &mut order, soft).await;
    match done {
        // Taken back, or the program stops: the order stands as it is, or is gone.
        Ok(false) => return,
        Ok(true) => {
            order.state = State::Done;
            info!(files = order.files, bytes = order.bytes, left = order.left, "recordings were moved");
        }
        Err(error) => {
            order.state = State::Failed;
            order.detail = error.to_string();
            warn!(%error, files = order.files, "recordings could not be moved");
        }
    }
    if let Err(error) = order.write(data) {
        warn!(%error, "how a move stands is not written down");
    }
}

/// Whether it came to its end; `false` when it was broken off.
async fn move_all(
    app: &App,
    engine: &Engine,
    data: &Path,
    low_percent: f64,
    order: &mut Order,
    soft: &CancellationToken,
) -> Result<bool, OrderError> {
    let index = engine.index();
    let (from, to) = order.disks(&index)?;
    loop {
        // Before the list is made: what is begun now may be missing in it.
        let begins = index.disks().is_beginning_on(from);
        let names = {
            let index = index.clone();
            blocking(app, move || Ok(files_on(&index, from)?)).await?
        };
        order.left = count(names.len());
        let mut open = 0;
        for name in names {
            if order.files.is_multiple_of(FILES_A_NOTE) {
                let now = Order::read(data)?;
                if !now.is_some_and(|now| now.is_of(order)) {
                    return Ok(false);
                }
                order.write(data)?;
            }
            if soft.is_cancelled() {
                order.write(data)?;
                return Ok(false);
            }
            let before = order.bytes;
            let moved = one(app, &index, name, (from, to), low_percent).await?;
            open += u64::from(moved == Moved::Open);
            if !matches!(moved, Moved::Open | Moved::Gone) {
                order.left = order.left.saturating_sub(1);
            }
            if let Some(event) = order.note(moved) {
                engine.tell(event);
            }
            let pause_ms = (order.bytes - before).saturating_mul(1_000) / BYTES_A_SECOND_MAX;
            app.clock.sleep(Duration::from_millis(pause_ms)).await;
        }
        if open == 0 && !begins {
            return Ok(true);
        }
        order.write(data)?;
        tokio::select! {
            () = app.clock.sleep(LOOK) => {}
            () = soft.cancelled() => return Ok(false),
        }
        if !Order::read(data)?.is_some_and(|now| now.is_of(order)) {
            return Ok(false);
        }
    }
}

async fn one(
    app: &App,
    index: &std::sync::Arc<SegmentIndex>,
    name: SegmentName,
    (from, to): (usize, usize),
    low_percent: f64,
) -> Result<Moved, OrderError> {
    let index = index.clone();
    blocking(app, move || Ok(move_one(&index, name, from, to, keep_free(&index, to, low_percent))?)).await
}

async fn blocking<T: Send + 'static>(app: &App, work: impl FnOnce() -> Result<T, OrderError> + Send + 'static) -> Result<T, OrderError> {
    let done = app.supervisor.blocking("moving recordings", work).await;
    done.map_err(|error| OrderError::File { path: PathBuf::from(ORDER), cause: std::io::Error::other(error.to_string()) })?
}

fn count(files: usize) -> u64 {
    u64::try_from(files).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_outlives_the_program_and_can_be_taken_back() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Order::read(data.path()).unwrap(), None);
        let order = Order { files: 7, state: State::Moving, ..Order::new("/a".into(), "/b".into()) };
        order.write(data.path()).unwrap();
        assert_eq!(Order::read(data.path()).unwrap(), Some(order));
        assert!(Order::remove(data.path()).unwrap() && !Order::remove(data.path()).unwrap());
        std::fs::write(data.path().join(ORDER), "{").unwrap();
        assert!(Order::read(data.path()).is_err());
    }
}
