//! Free space of the recordings' disk, behind a boundary so that tests can have a small disk.

use std::fmt::Debug;
use std::path::Path;

/// Space of a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Free for us.
    pub free_bytes: u64,
    /// In all.
    pub total_bytes: u64,
}

/// Tells how much space there is.
pub trait DiskSpace: Send + Sync + Debug {
    /// The space of the file system that holds `path`.
    ///
    /// # Errors
    /// What the system says.
    fn space(&self, path: &Path) -> std::io::Result<Space>;
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl DiskSpace for SystemDisk {
    fn space(&self, path: &Path) -> std::io::Result<Space> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Space { free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize), total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_has_a_size_and_no_more_free_than_that() {
        let space = SystemDisk.space(Path::new("/")).expect("a root file system");
        assert!(space.total_bytes > 0 && space.free_bytes <= space.total_bytes);
    }
}
