//! Encrypted copies of drafts, as files below `DATA/drafts`: a folder a user, a file a copy, named by its id and its hash.
//!
//! They are not evidence: they change and go. So they never share the store of evidence, where content is kept under its
//! hash and one person's deleting would take another's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::App;
use crate::files::Spooled;
use crate::store::{StoreError, drafts};

/// Copies that nobody touched for so long are thrown away, ms.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// The folder of drafts. Clones share it.
#[derive(Debug, Clone)]
pub struct Drafts(Arc<PathBuf>);

impl Drafts {
    /// Makes `DATA/drafts`.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(data: &Path) -> Result<Self, std::io::Error> {
        let folder = data.join("drafts");
        std::fs::create_dir_all(&folder)?;
        Ok(Self(Arc::new(folder)))
    }

    fn path(&self, user_id: &str, id: &str, sha256: &str) -> PathBuf {
        self.0.join(user_id).join(format!("{id}-{}", &sha256[..sha256.len().min(16)]))
    }

    /// Keeps what came in; on disk when this returns.
    ///
    /// # Errors
    /// Disk full, or not writable.
    pub async fn put(&self, user_id: &str, id: &str, spooled: &Spooled) -> Result<(), std::io::Error> {
        let path = self.path(user_id, id, &spooled.sha256);
        tokio::fs::create_dir_all(self.0.join(user_id)).await?;
        // The spool may lie on another disk; a copy under another name never shows half a file.
        let half = path.with_extension("part");
        tokio::fs::copy(spooled.path(), &half).await?;
        tokio::fs::File::open(&half).await?.sync_all().await?;
        tokio::fs::rename(&half, &path).await
    }

    /// The content of a copy.
    ///
    /// # Errors
    /// Not there, or not readable.
    pub async fn read(&self, user_id: &str, id: &str, sha256: &str) -> Result<Vec<u8>, std::io::Error> {
        tokio::fs::read(self.path(user_id, id, sha256)).await
    }

    /// Removes a copy; one that is gone already is as good.
    pub async fn remove(&self, user_id: &str, id: &str, sha256: &str) {
        if let Err(error) = tokio::fs::remove_file(self.path(user_id, id, sha256)).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, user_id, id, "an old copy of a draft was not removed");
        }
    }
}

/// Throws away copies that nobody touched for 90 days. A job runs it.
///
/// # Errors
/// The database.
pub async fn sweep(app: &App) -> Result<usize, StoreError> {
    let before = app.clock.wall_ms() - KEPT_MS;
    let old = app.db.write(move |tx| Box::pin(async move { drafts::forget_before(tx, before).await })).await?;
    for (user_id, id, sha256) in &old {
        app.drafts.remove(user_id, id, sha256).await;
    }
    Ok(old.len())
}
