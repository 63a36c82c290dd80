//! Restoring a backup into an empty place.

use std::path::Path;

use super::{AFTER, BEFORE, BackupError, MANIFEST, Manifest, POSTGRES_FILE, SQLITE_FILE, files_folder, postgres, tree};
use crate::check::{Check, Report, Server};
use crate::config::Config;
use crate::files::Files;
use crate::lifecycle::{self, DataLock};
use crate::store::{EngineKind, counts};

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// As the backup says.
    pub manifest: Manifest,
    /// Rows by table, now: those that differ from the backup's are named.
    pub differing: Vec<(String, i64, i64)>,
    /// What was mended: recordings that were being written, or that are not part of the backup.
    pub report: Report,
}

/// Restores the backup in `from` into the configuration's data folder, which must be empty or new, and its database.
pub async fn restore(config: &Config, from: &Path) -> Result<Restored, BackupError> {
    let manifest = read_manifest(from)?;
    tree::empty_folder(&config.data)?;
    let _lock = DataLock::take(&config.data)?;
    let engine = if config.database().starts_with("postgres") { EngineKind::Postgres } else { EngineKind::Sqlite };
    if engine.as_str() != manifest.engine {
        return Err(BackupError::Unusable(format!("the backup is of {}, the database here is {}", manifest.engine, engine.as_str())));
    }
    match engine {
        EngineKind::Postgres => postgres::restore(&config.database(), &from.join(POSTGRES_FILE)).await?,
        EngineKind::Sqlite => {
            let database = config.database();
            let to = Path::new(database.trim_start_matches("sqlite:").trim_start_matches("//")).to_owned();
            if to.exists() {
                return Err(BackupError::NotEmpty(to));
            }
            tree::copy(&from.join(SQLITE_FILE), &to).await?;
        }
    }
    for name in BEFORE.iter().chain(&AFTER) {
        tree::copy(&from.join(name), &config.data.join(name)).await?;
    }
    if let Some(folder) = files_folder(config)? {
        tree::copy(&from.join("files"), &folder).await?;
    }
    let recordings = config.recordings();
    if let Some(first) = recordings.first() {
        tree::copy(&from.join("recordings"), first).await?;
    }

    let db = lifecycle::open_database(config).await?;
    let now = counts::read(&mut db.read().await?.conn()).await?;
    let differing = differences(&manifest.counts, &now);
    let files = Files::look(&config.data, config.files_url.as_deref())?;
    // Segments that were being written are closed here, and what is not part of the backup becomes a gap.
    let report = Check::new(&db, &files, config, true, Server::Stopped).run().await?;
    db.close().await;
    Ok(Restored { manifest, differing, report })
}

fn read_manifest(from: &Path) -> Result<Manifest, BackupError> {
    let path = from.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|cause| BackupError::File { path: path.clone(), cause })?;
    serde_json::from_str(&text).map_err(|error| BackupError::Unusable(format!("{}: {error}", path.display())))
}

fn differences(then: &[(String, i64)], now: &[(String, i64)]) -> Vec<(String, i64, i64)> {
    then.iter()
        .filter_map(|(table, before)| {
            let after = now.iter().find(|(name, _)| name == table).map_or(0, |(_, count)| *count);
            (*before != after).then(|| (table.clone(), *before, after))
        })
        .collect()
}
