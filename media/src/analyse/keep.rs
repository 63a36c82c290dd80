//! References on disk: one small file a camera, replaced whole.
//!
//! Losing one costs half a minute of learning, so a failure is logged and nothing else happens.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Shared;
use crate::camera::CameraId;
use crate::diagnosis::reference::Remembered;

/// A file larger than this is not ours, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where references are kept.
#[derive(Debug, Clone)]
pub(super) struct Keep {
    folder: PathBuf,
}

impl Keep {
    /// Makes the folder, once: where its disk goes away later, nothing is written to the one below.
    pub(super) fn new(folder: PathBuf) -> Self {
        if let Err(error) = std::fs::create_dir_all(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "what is learned of cameras cannot be kept");
        }
        Self { folder }
    }

    fn path(&self, camera: CameraId) -> PathBuf {
        self.folder.join(format!("{camera}.json"))
    }

    fn load(&self, camera: CameraId) -> Option<Remembered> {
        let path = self.path(camera);
        if std::fs::metadata(&path).ok()?.len() > FILE_BYTES_MAX {
            tracing::warn!(%camera, path = %path.display(), "what was learned of a camera is too large and is forgotten");
            return None;
        }
        let bytes = std::fs::read(&path).inspect_err(|error| tracing::warn!(%camera, %error, "cannot read")).ok()?;
        serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(%camera, %error, "what was learned of a camera cannot be read and is forgotten"))
            .ok()
    }

    fn save(&self, camera: CameraId, kept: &Remembered) -> std::io::Result<()> {
        let path = self.path(camera);
        let draft = path.with_extension("json.new");
        write_synced(&draft, &serde_json::to_vec(kept)?)?;
        std::fs::rename(draft, path)
    }
}

impl Shared {
    /// What was kept of a camera.
    pub(super) async fn load(&self, camera: CameraId) -> Option<Remembered> {
        let keep = self.keep.clone();
        self.supervisor.blocking("load references", move || keep.load(camera)).await.ok().flatten()
    }

    /// Keeps what was learned of a camera.
    pub(super) async fn save(&self, camera: CameraId, kept: Remembered) {
        let keep = self.keep.clone();
        let saved = self.supervisor.blocking("save references", move || keep.save(camera, &kept)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%camera, %error, "what was learned of a camera cannot be kept");
        }
    }

    /// Forgets what was kept of a camera.
    pub(super) async fn erase(&self, camera: CameraId) {
        let path = self.keep.path(camera);
        let erased = self.supervisor.blocking("erase references", move || std::fs::remove_file(path)).await;
        if let Ok(Err(error)) = erased
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%camera, %error, "what was learned of a camera cannot be erased");
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_was_kept_is_found_again_and_garbage_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let (keep, camera) = (Keep::new(folder.path().join("deep")), Uuid::from_u128(5));
        assert_eq!(keep.load(camera), None);
        let kept = Remembered { noise: vec![0.25, 0.5], ..Remembered::default() };
        keep.save(camera, &kept).expect("saved");
        assert_eq!(keep.load(camera), Some(kept));
        std::fs::write(keep.path(camera), b"{\"day\":7").expect("written");
        assert_eq!(keep.load(camera), None);
    }
}
