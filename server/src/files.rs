//! Files behind `object_store`, named by their SHA-256: photos, signatures, stills, clips.
//!
//! The same content is kept once, and a name can be trusted: what is read under it hashes to it, or `check` says so. The
//! store is a folder below the data folder unless a URL names an S3-compatible bucket. What comes in is first spooled to a
//! temporary file with its hash and a limit of size, looked at, and only then put: nothing that was refused is ever stored.
//! A put is on disk (file and folder synced) when it returns, so a row may point to it afterwards.

mod picture;
mod reduced;
mod spool;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use crate::App;
use crate::store::{StoreError, files as rows};

pub use picture::{Haste, Looked, Picture, PictureError};
pub use reduced::{REDUCED_WIDTHS, Reduced};
pub use spool::Spooled;

/// Pixels of a picture that is opened: 40 megapixels. Evidence with more is kept whole, and not opened.
pub const PIXELS_MAX: u64 = 40_000_000;
/// Bytes of a picture brought by `POST /files`.
pub const FILE_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// Megapixels that are decoded at once, by everybody together: bounds the memory that decoding takes.
const DECODING_MEGAPIXELS_MAX: usize = 40;
/// A file up to this size is put in one piece.
const ONE_PIECE_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// Bytes read at once where a file is copied.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What can go wrong with files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There is no file of this name.
    #[error("no such file: {0}")]
    NotFound(String),
    /// More bytes than are accepted.
    #[error("more than {bytes_max} bytes")]
    TooLarge {
        /// The limit that was passed.
        bytes_max: u64,
    },
    /// The sender stopped.
    #[error("the body was cut off: {0}")]
    Cut(String),
    /// Not a picture that can be accepted.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The setting that names the object store is wrong.
    #[error("the files URL is not right: {0}")]
    Setting(String),
    /// No room on the disk: nothing of what came is kept, and it can be sent again when there is room.
    #[error("the disk is full")]
    Full,
    /// Disk or bucket; trying again may help.
    #[error("the file store is not available: {0}")]
    Unavailable(String),
}

impl From<std::io::Error> for FilesError {
    fn from(error: std::io::Error) -> Self {
        if is_full(&error) {
            return Self::Full;
        }
        Self::Unavailable(error.to_string())
    }
}

impl From<object_store::Error> for FilesError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::NotFound(path),
            other if full_within(&other) => Self::Full,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Whether a full disk is what made the store fail, however deep it says so.
fn full_within(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(is_full) {
            return true;
        }
        cause = error.source();
    }
    false
}

struct Shared {
    store: Arc<dyn ObjectStore>,
    /// Holds what is coming in; emptied at start.
    spool: PathBuf,
    /// Reduced copies, which can always be made again.
    reduced: PathBuf,
    decoding: Semaphore,
}

/// The file store. Clones share it.
#[derive(Clone)]
pub struct Files(Arc<Shared>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Files").field(&self.0.store.to_string()).finish()
    }
}

impl Files {
    /// Opens the store: `DATA/files`, or what `url` names (`file:///folder`, `s3://bucket/prefix`; access and endpoint of a
    /// bucket come from the usual `AWS_*` environment). Makes the folders it needs and throws away what was half spooled.
    pub fn open(data: &Path, url: Option<&str>) -> Result<Self, FilesError> {
        let spool = data.join("spool");
        if spool.exists() {
            std::fs::remove_dir_all(&spool)?;
        }
        let reduced = data.join("reduced");
        for folder in [&spool, &reduced] {
            std::fs::create_dir_all(folder)?;
        }
        Self::look(data, url)
    }

    /// The same for looking beside a running server: what that has half spooled stays.
    pub fn look(data: &Path, url: Option<&str>) -> Result<Self, FilesError> {
        let (spool, reduced) = (data.join("spool"), data.join("reduced"));
        let store = Place::of(data, url)?.open()?;
        Ok(Self(Arc::new(Shared { store, spool, reduced, decoding: Semaphore::new(DECODING_MEGAPIXELS_MAX) })))
    }

    /// Puts what was spooled under its hash.
    pub async fn put(&self, spooled: &Spooled) -> Result<(), FilesError> {
        self.put_file(spooled.path(), &spooled.sha256, spooled.bytes).await
    }

    /// Puts a local file whose hash and size are known. Again the same is harmless.
    pub async fn put_file(&self, path: &Path, sha256: &str, bytes: u64) -> Result<(), FilesError> {
        let key = key(sha256);
        if bytes <= ONE_PIECE_BYTES_MAX {
            let content = tokio::fs::read(path).await?;
            self.0.store.put(&key, Bytes::from(content).into()).await?;
            return Ok(());
        }
        let mut file = tokio::fs::File::open(path).await?;
        let mut upload = WriteMultipart::new(self.0.store.put_multipart(&key).await?);
        let mut chunk = vec![0_u8; CHUNK_BYTES];
        loop {
            let read = match file.read(&mut chunk).await {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => {
                    upload.abort().await?;
                    return Err(error.into());
                }
            };
            upload.wait_for_capacity(4).await?;
            upload.write(&chunk[..read]);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Puts bytes that are in memory whose hash is known.
    pub async fn put_known(&self, content: Bytes, sha256: &str) -> Result<(), FilesError> {
        self.0.store.put(&key(sha256), content.into()).await?;
        Ok(())
    }

    /// Puts bytes that are in memory (a still, a reduced picture) and gives their hash.
    pub async fn put_bytes(&self, content: Bytes) -> Result<String, FilesError> {
        let sha256 = hex::encode(Sha256::digest(&content));
        self.0.store.put(&key(&sha256), content.into()).await?;
        Ok(sha256)
    }

    /// Size in bytes; `None` where there is no such file.
    pub async fn size(&self, sha256: &str) -> Result<Option<u64>, FilesError> {
        match self.0.store.head(&key(sha256)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A range of a file, as it comes from the store.
    pub async fn read(&self, sha256: &str, range: Range<u64>) -> Result<BoxStream<'static, Result<Bytes, FilesError>>, FilesError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.0.store.get_opts(&key(sha256), options).await?;
        Ok(found.into_stream().map_err(FilesError::from).boxed())
    }

    /// A whole file in memory, at most `bytes_max`.
    pub async fn read_all(&self, sha256: &str, bytes_max: u64) -> Result<Bytes, FilesError> {
        let found = self.0.store.get(&key(sha256)).await?;
        if found.meta.size > bytes_max {
            return Err(FilesError::TooLarge { bytes_max });
        }
        Ok(found.bytes().await?)
    }

    /// Whether what is stored under a hash still hashes to it; `None` where there is no such file.
    pub async fn verify(&self, sha256: &str) -> Result<Option<bool>, FilesError> {
        let found = match self.0.store.get(&key(sha256)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        let mut stream = found.into_stream();
        let mut hash = Sha256::new();
        while let Some(chunk) = stream.try_next().await? {
            hash.update(&chunk);
        }
        Ok(Some(hex::encode(hash.finalize()) == sha256))
    }

    /// The hashes of everything that is stored, with sizes in bytes: for `check` and backups.
    pub fn list(&self) -> BoxStream<'static, Result<(String, u64), FilesError>> {
        let prefix = object_store::path::Path::from("sha256");
        self.0
            .store
            .list(Some(&prefix))
            .map_ok(|found| (found.location.filename().unwrap_or_default().to_owned(), found.size))
            .map_err(FilesError::from)
            .boxed()
    }

    /// Removes a file. Nobody may point to it any more; one that is already gone is no error.
    pub async fn delete(&self, sha256: &str) -> Result<(), FilesError> {
        match self.0.store.delete(&key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Two levels of folders keep each folder small.
fn key(sha256: &str) -> object_store::path::Path {
    let (one, two) = (sha256.get(..2).unwrap_or("xx"), sha256.get(2..4).unwrap_or("xx"));
    object_store::path::Path::from_iter(["sha256", one, two, sha256])
}

/// Where the store lies.
#[derive(Debug)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// S3-compatible object storage.
    Bucket(url::Url),
}

impl Place {
    /// `DATA/files`, or what `url` names.
    ///
    /// # Errors
    /// An address of another kind.
    pub fn of(data: &Path, url: Option<&str>) -> Result<Self, FilesError> {
        let Some(url) = url else { return Ok(Self::Folder(data.join("files"))) };
        let wrong = |told: &str| FilesError::Setting(format!("{url}: {told}"));
        let parsed = url::Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        match parsed.scheme() {
            "file" => parsed.to_file_path().map(Self::Folder).map_err(|()| wrong("not a local folder")),
            "s3" => Ok(Self::Bucket(parsed)),
            scheme => Err(wrong(&format!("{scheme} is not known; use s3:// or file://"))),
        }
    }

    fn open(&self) -> Result<Arc<dyn ObjectStore>, FilesError> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)))
            }
            Self::Bucket(url) => {
                let bucket = AmazonS3Builder::from_env().with_url(url.as_str()).build();
                let bucket = bucket.map_err(|error| FilesError::Setting(format!("{url}: {error}")))?;
                let prefix = url.path().trim_matches('/').to_owned();
                Ok(if prefix.is_empty() { Arc::new(bucket) } else { Arc::new(PrefixStore::new(bucket, prefix)) })
            }
        }
    }
}

/// How long a picture of `POST /files` waits to be named by an act, ms.
const WAITING_MS: i64 = 7 * 24 * 3_600_000;

/// Throws away pictures that no act named within a week. A job runs it.
///
/// # Errors
/// The database.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    let before_ms = app.clock.wall_ms() - WAITING_MS;
    let unused = app.db.write(move |tx| Box::pin(async move { rows::forget_waiting(tx, before_ms).await })).await?;
    for sha256 in unused {
        // A file without a row harms nobody; `check` names it.
        if let Err(error) = app.files.delete(&sha256).await {
            tracing::warn!(%error, sha256, "a picture that nobody named was not deleted");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path(), None).expect("opens");
        (folder, files)
    }

    async fn collect(mut stream: BoxStream<'static, Result<Bytes, FilesError>>) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk.expect("a chunk"));
        }
        all
    }

    #[tokio::test]
    async fn a_file_is_found_by_its_hash_whole_and_in_part() {
        let (folder, files) = files();
        // Large enough to go in several pieces.
        let content: Vec<u8> = (0..12_000_000_u32).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let chunks =
            futures::stream::iter(content.chunks(100_000).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect::<Vec<_>>());
        let spooled = files.spool(chunks, 12_000_000).await.expect("spooled");
        assert_eq!(spooled.sha256, hex::encode(Sha256::digest(&content)));
        files.put(&spooled).await.expect("put");
        files.put(&spooled).await.expect("the same again");
        let sha256 = spooled.sha256.clone();
        assert_eq!(files.size(&sha256).await.expect("size"), Some(12_000_000));
        assert_eq!(collect(files.read(&sha256, 5_000_000..5_000_010).await.expect("range")).await, &content[5_000_000..5_000_010]);
        assert_eq!(files.read_all(&sha256, 12_000_000).await.expect("all"), content);
        assert!(matches!(files.read_all(&sha256, 11_999_999).await, Err(FilesError::TooLarge { .. })));
        assert_eq!(files.verify(&sha256).await.expect("verify"), Some(true));
        let listed: Vec<_> = files.list().try_collect().await.expect("list");
        assert_eq!(listed, [(sha256.clone(), 12_000_000)]);
        drop(spooled);
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).expect("folder").count(), 0, "a spooled file goes with its owner");

        let damaged = folder.path().join("files/sha256").join(&sha256[..2]).join(&sha256[2..4]).join(&sha256);
        std::fs::write(&damaged, b"other").expect("damages");
        assert_eq!(files.verify(&sha256).await.expect("verify"), Some(false));
        files.delete(&sha256).await.expect("delete");
        files.delete(&sha256).await.expect("twice is harmless");
        assert_eq!(files.size(&sha256).await.expect("size"), None);
        assert!(matches!(files.read(&sha256, 0..1).await.err(), Some(FilesError::NotFound(_))));
    }

    #[tokio::test]
    async fn what_is_too_large_leaves_nothing_behind() {
        let (folder, files) = files();
        let chunks = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(&[1; 600])), Ok(Bytes::from_static(&[1; 600]))]);
        assert!(matches!(files.spool(chunks, 1_000).await, Err(FilesError::TooLarge { bytes_max: 1_000 })));
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).expect("folder").count(), 0);
    }

    #[test]
    fn a_setting_that_names_no_store_is_refused() {
        for bad in ["nonsense", "ftp://host/folder", "http://host/bucket"] {
            assert!(matches!(Place::of(Path::new("data"), Some(bad)), Err(FilesError::Setting(_))), "{bad}");
        }
        assert!(Place::of(Path::new("data"), Some("s3://evidence/bright-kitchen")).unwrap().open().is_ok());
    }
}
