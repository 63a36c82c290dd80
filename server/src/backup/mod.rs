//! Backup and restore of a whole installation, while it is in use.
//!
//! The database is copied in one instant (SQLite: a snapshot; PostgreSQL: `pg_dump`). Everything it names was on the disk
//! before its row was written, so what is copied afterwards is all there. What retention deletes in between is left out, and
//! restoring turns it into gaps. Keys come along: keep a backup as safe as the server.

mod postgres;
mod restore;
mod tree;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::files::Place;
use crate::lifecycle::{self, LifecycleError};
use crate::store::{EngineKind, StoreError, counts};

pub use restore::{Restored, restore};

/// Names the backup and says what is in it; written last, so that a backup without it is not one.
const MANIFEST: &str = "manifest.json";
const SQLITE_FILE: &str = "bright-kitchen.db";
const POSTGRES_FILE: &str = "database.dump";
/// Copied before the database: the key that seals secrets, the local authority, working days of further years, the lines of
/// audit heads (which must not name rows that the copy does not have yet), and sealed drafts, of which the next save removes
/// the one before.
const BEFORE: [&str; 6] = ["secret.key", "tls", "calendar", "audit-heads.log", "drafts", "demo-accounts.json"];
/// Copied after it: a file is at least as long as its row says.
const AFTER: [&str; 2] = ["drafts", "uploads"];

/// Why a backup or restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Nothing is overwritten.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// No backup, or one of another kind.
    #[error("{0}")]
    Unusable(String),
    /// PostgreSQL's own tools.
    #[error("{program} failed: {told}")]
    Tool {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// What it printed.
        told: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Data folder and database.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The index of recordings after restoring.
    #[error("the restored recordings could not be indexed: {0}")]
    Check(#[from] crate::check::CheckError),
    /// The file store.
    #[error(transparent)]
    Files(#[from] crate::files::FilesError),
}

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The program's version.
    pub version: String,
    /// ms UTC.
    pub created_at: i64,
    /// sqlite or postgres
    pub engine: String,
    /// Rows by table.
    pub counts: Vec<(String, i64)>,
    /// Files copied, recordings among them.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Recordings are part of it.
    pub recordings: bool,
    /// Files are in object storage and were not copied.
    pub files_url: Option<String>,
}

/// Writes a backup into the empty or new folder `to`.
pub async fn backup(config: &Config, to: &Path, recordings: bool, now_ms: i64) -> Result<Manifest, BackupError> {
    tree::empty_folder(to)?;
    let db = lifecycle::open_existing(config).await?;
    let engine = db.kind();
    let mut copied = tree::Copied::default();
    for name in BEFORE {
        copied += tree::copy(&config.data.join(name), &to.join(name)).await?;
    }
    // The counts are those of the copy, whatever is written meanwhile.
    let counted = match engine {
        EngineKind::Sqlite => {
            db.snapshot(&to.join(SQLITE_FILE)).await?;
            tree::sync(&to.join(SQLITE_FILE))?;
            let copy = crate::store::Db::open(&format!("sqlite://{}", to.join(SQLITE_FILE).display()), &media::Supervisor::new()).await?;
            let counted = counts::read(&mut copy.read().await?.conn()).await?;
            copy.close().await;
            counted
        }
        EngineKind::Postgres => {
            let mut moment = db.export_snapshot().await?;
            let counted = counts::read(&mut moment.conn()).await?;
            postgres::dump(&config.database(), moment.id(), &to.join(POSTGRES_FILE)).await?;
            moment.end().await?;
            counted
        }
    };
    db.close().await;
    for name in AFTER {
        copied += tree::copy(&config.data.join(name), &to.join(name)).await?;
    }
    let files = files_folder(config)?;
    if let Some(folder) = &files {
        copied += tree::copy(folder, &to.join("files")).await?;
    }
    if recordings {
        // All disks go into one folder: a file's path names it whichever disk it is on.
        for folder in config.recordings() {
            copied += tree::copy(&folder, &to.join("recordings")).await?;
        }
    }
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: now_ms,
        engine: engine.as_str().to_owned(),
        counts: counted,
        files: copied.files,
        bytes: copied.bytes,
        recordings,
        files_url: config.files_url.clone().filter(|_| files.is_none()),
    };
    let path = to.join(MANIFEST);
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| BackupError::Unusable(error.to_string()))?;
    std::fs::write(&path, text).map_err(|cause| BackupError::File { path: path.clone(), cause })?;
    tree::sync(&path)?;
    Ok(manifest)
}

/// Where photos, stills and clips lie on this machine; `None` where object storage has them.
fn files_folder(config: &Config) -> Result<Option<PathBuf>, BackupError> {
    Ok(match Place::of(&config.data, config.files_url.as_deref())? {
        Place::Folder(folder) => Some(folder),
        Place::Bucket(_) => None,
    })
}
