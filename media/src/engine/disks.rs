//! The disks for recordings as they stand, one by one and all together.

use std::path::PathBuf;
use std::sync::PoisonError;

use uuid::Uuid;

use super::Engine;
use crate::camera::CameraId;
use crate::record::keeping::share_of;
use crate::record::space::Space;
use crate::segment::index::Usage;

/// A disk for recordings as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskReport {
    /// Its folder, as in the settings.
    pub folder: PathBuf,
    /// Its id.
    pub id: Uuid,
    /// Its recordings are being moved away: no new file is begun on it.
    pub leaving: bool,
    /// `None` while it is away, or does not say how much is free.
    pub state: Option<DiskState>,
}

/// The room for recordings: of one disk, or of all that are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskState {
    /// Free and in all.
    pub space: Space,
    /// Below this much free the oldest recordings go, bytes.
    pub low_bytes: u64,
    /// What holds never use, bytes.
    pub reserve_bytes: u64,
    /// What the recordings use.
    pub usage: Usage,
}

impl Engine {
    /// The room for recordings on all disks that are here. Walks the whole index: for now and then.
    ///
    /// # Errors
    /// When no disk says what it has.
    pub fn disk(&self) -> std::io::Result<DiskState> {
        let of_all: Vec<DiskState> = self.disks().into_iter().filter_map(|disk| disk.state).collect();
        let Some((first, others)) = of_all.split_first() else {
            return Err(std::io::Error::other("no disk for recordings is here, or says how much is free"));
        };
        Ok(others.iter().fold(*first, |sum, disk| DiskState {
            space: Space {
                free_bytes: sum.space.free_bytes.saturating_add(disk.space.free_bytes),
                total_bytes: sum.space.total_bytes.saturating_add(disk.space.total_bytes),
            },
            low_bytes: sum.low_bytes.saturating_add(disk.low_bytes),
            reserve_bytes: sum.reserve_bytes.saturating_add(disk.reserve_bytes),
            usage: Usage {
                deletable_bytes: sum.usage.deletable_bytes.saturating_add(disk.usage.deletable_bytes),
                held_bytes: sum.usage.held_bytes.saturating_add(disk.usage.held_bytes),
                open_bytes: sum.usage.open_bytes.saturating_add(disk.usage.open_bytes),
            },
        }))
    }

    /// Every disk for recordings, in the order of the settings. Walks the whole index: for now and then.
    #[must_use]
    pub fn disks(&self) -> Vec<DiskReport> {
        let (index, config) = (self.index(), &self.inner.shared.config);
        let disks = index.disks();
        let all_bytes = disks.space_of_all().total_bytes;
        let state = |disk| {
            let space = disks.space(disk).ok().filter(|_| disks.is_here(disk))?;
            Some(DiskState {
                space,
                low_bytes: share_of(space.total_bytes, config.disk_low_percent),
                reserve_bytes: self.inner.keeping.reserve_bytes(space, config.reserve_percent, all_bytes),
                usage: index.usage_on(disk),
            })
        };
        let report = |disk| DiskReport {
            folder: disks.folder(disk).to_owned(),
            id: disks.id(disk),
            leaving: disks.is_leaving(disk),
            state: state(disk),
        };
        (0..disks.len()).map(report).collect()
    }

    /// The disks that are away: their places in the settings, and their ids.
    #[must_use]
    pub fn disks_away(&self) -> Vec<(usize, Uuid)> {
        let index = self.index();
        let disks = index.disks();
        (0..disks.len()).filter(|disk| !disks.is_here(*disk)).map(|disk| (disk, disks.id(disk))).collect()
    }

    /// Says that a camera is recorded until then on a disk that is away: what its files say is not all.
    pub fn recorded_until(&self, camera: CameraId, end_ms: i64) {
        let mut known = self.inner.recorded_until.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(camera, end_ms);
    }
}
