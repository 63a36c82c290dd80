//! Evidence on hold: stretches of time whose recordings retention must not touch.
//!
//! Each disk has the whole list, so that none that is away can take a hold with it; what any of them says counts.
//!
//! A hold is a stretch, not a list of files, so that it also covers what is recorded after it was asked for. Holds are
//! kept in a small file, because retention may run before anybody has had the time to ask again after a restart.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SegmentError;
use super::disks::Disks;
use crate::camera::CameraId;

/// Name of the file in the recordings folder.
const FILE: &str = "holds.json";
/// More holds than this are refused: a hold lasts minutes, until the clip is copied.
pub const HOLDS_MAX: usize = 100_000;

/// A hold's id, for its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub Uuid);

/// A hold could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Held evidence would reach into the reserve that recording needs.
    #[error("held recordings would use the reserve of the disk")]
    NoRoom,
    /// There are too many holds.
    #[error("more than {HOLDS_MAX} holds")]
    TooMany,
    /// The stretch ends before it starts.
    #[error("the stretch is empty")]
    Empty,
    /// What is held could not be made safe on disk.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

/// One held stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// For its release.
    pub id: HoldId,
    /// Which camera.
    pub camera: CameraId,
    /// First instant, milliseconds UTC.
    pub start_ms: i64,
    /// First instant after it, milliseconds UTC.
    pub end_ms: i64,
}

impl Held {
    /// Whether a recording of `camera` over this time is held.
    #[must_use]
    pub fn covers(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> bool {
        self.camera == camera && self.start_ms < end_ms && start_ms < self.end_ms
    }
}

/// All holds, and the files that remember them.
#[derive(Debug)]
pub struct Holds {
    disks: Arc<Disks>,
    held: BTreeMap<CameraId, Vec<Held>>,
    count: usize,
}

impl Holds {
    /// Reads the holds of all disks that are here.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when there is a file that cannot be read or understood: guessing could delete evidence.
    pub fn load(disks: Arc<Disks>) -> Result<Self, SegmentError> {
        let mut holds = Self { disks: disks.clone(), held: BTreeMap::new(), count: 0 };
        for disk in disks.here() {
            holds.also(disks.folder(disk))?;
        }
        Ok(holds)
    }

    /// Adds what a disk's list says beyond what is known.
    ///
    /// # Errors
    /// As [`Holds::load`].
    pub fn also(&mut self, folder: &Path) -> Result<(), SegmentError> {
        let kept: Vec<Held> = match std::fs::read(folder.join(FILE)) {
            Ok(text) => serde_json::from_slice(&text).map_err(std::io::Error::from)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        for held in kept {
            if !self.knows(&held) {
                self.insert(held);
            }
        }
        Ok(())
    }

    /// Adds a hold and makes it lasting.
    ///
    /// # Errors
    /// [`HoldError`]; nothing is held then.
    pub fn add(&mut self, held: Held) -> Result<(), HoldError> {
        if held.start_ms >= held.end_ms {
            return Err(HoldError::Empty);
        }
        if self.count >= HOLDS_MAX {
            return Err(HoldError::TooMany);
        }
        let id = held.id;
        self.insert(held);
        if let Err(error) = self.save() {
            self.take(id);
            return Err(error.into());
        }
        Ok(())
    }

    /// Whether there is a hold of this id for this camera.
    #[must_use]
    pub fn knows(&self, held: &Held) -> bool {
        self.held.get(&held.camera).is_some_and(|of_camera| of_camera.iter().any(|other| other.id == held.id))
    }

    /// Ends a hold; `false` when there is none of that id.
    ///
    /// # Errors
    /// [`SegmentError::Io`]; the hold stays then.
    pub fn release(&mut self, id: HoldId) -> Result<bool, SegmentError> {
        let Some(held) = self.take(id) else { return Ok(false) };
        if let Err(error) = self.save() {
            self.insert(held);
            return Err(error);
        }
        Ok(true)
    }

    /// Whether any hold covers this time of `camera`.
    #[must_use]
    pub fn cover(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> bool {
        let of_camera = self.held.get(&camera).into_iter().flatten();
        of_camera.into_iter().any(|held| held.covers(camera, start_ms, end_ms))
    }

    /// Cameras that have holds.
    pub fn cameras(&self) -> impl Iterator<Item = CameraId> {
        self.held.iter().filter(|(_, of_camera)| !of_camera.is_empty()).map(|(camera, _)| *camera)
    }

    /// All holds.
    #[must_use]
    pub fn all(&self) -> Vec<Held> {
        self.held.values().flatten().cloned().collect()
    }

    fn insert(&mut self, held: Held) {
        self.count += 1;
        self.held.entry(held.camera).or_default().push(held);
    }

    fn take(&mut self, id: HoldId) -> Option<Held> {
        let of_camera = self.held.values_mut().find(|of_camera| of_camera.iter().any(|held| held.id == id))?;
        let at = of_camera.iter().position(|held| held.id == id)?;
        self.count -= 1;
        Some(of_camera.swap_remove(at))
    }

    /// On every disk that is here; one of them is enough to find it again.
    fn save(&self) -> Result<(), SegmentError> {
        let text = serde_json::to_vec(&self.all()).map_err(std::io::Error::from)?;
        let mut saved = Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
        for disk in self.disks.here().filter(|disk| self.disks.still_here(*disk)) {
            let folder = self.disks.folder(disk);
            match write_whole(&folder.join(FILE), &text) {
                Ok(()) => saved = Ok(()),
                Err(error) if saved.is_err() => saved = Err(error),
                Err(error) => tracing::warn!(folder = %folder.display(), %error, "a disk does not take the list of holds"),
            }
        }
        saved
    }
}

/// Replaces a small file so that it is either the old or the new one, also after power loss.
///
/// # Errors
/// [`SegmentError::Io`].
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), SegmentError> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_data()?;
    std::fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
