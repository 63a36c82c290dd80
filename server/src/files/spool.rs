//! What comes in, on its way to the store: a temporary file with its hash, its size, and a limit.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{Files, FilesError};

/// A file that came in. It is removed when this is dropped; [`Files::put`] keeps its content.
#[derive(Debug)]
pub struct Spooled {
    path: PathBuf,
    /// Of the content, hex.
    pub sha256: String,
    /// Length of the content.
    pub bytes: u64,
}

impl Spooled {
    /// Where it lies until it is dropped.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        // It may never have been made; what stays is removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Files {
    /// Writes a body to a temporary file, counting and hashing as it comes.
    pub async fn spool<S, E>(&self, body: S, bytes_max: u64) -> Result<Spooled, FilesError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let path = self.0.spool.join(Uuid::now_v7().to_string());
        let mut spooled = Spooled { path, sha256: String::new(), bytes: 0 };
        let mut file = tokio::fs::File::create(&spooled.path).await?;
        let mut hash = Sha256::new();
        let mut body = std::pin::pin!(body);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| FilesError::Cut(error.to_string()))?;
            spooled.bytes += chunk.len() as u64;
            if spooled.bytes > bytes_max {
                return Err(FilesError::TooLarge { bytes_max });
            }
            hash.update(&chunk);
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        spooled.sha256 = hex::encode(hash.finalize());
        Ok(spooled)
    }
}
