//! `bright-kitchen backup` and `bright-kitchen restore`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use media::{Clock as _, SystemClock};

use super::{CliError, begin, block_on};
use crate::backup;
use crate::config::Common;

/// Copy the whole installation into a folder, while it is in use
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen backup --to /backup/2026-11-23 --data /srv/bright-kitchen
  bright-kitchen backup --to /backup/2026-11-23 --without-recordings

The folder must be new or empty. It holds the keys too: keep it as safe as the server. With PostgreSQL, pg_dump is used.
Files in object storage (--files-url s3://…) are not copied; that storage has its own versions and copies.")]
pub(super) struct BackupArgs {
    #[command(flatten)]
    common: Common,

    /// New or empty folder
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,

    /// Leave out the recordings, which are by far the largest part; evidence is in it all the same
    #[arg(long)]
    without_recordings: bool,
}

impl BackupArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "warn"))?;
        let made = block_on(backup::backup(&config, &self.to, !self.without_recordings, SystemClock::new().wall_ms()))??;
        println!(
            "backed up {} files, {} bytes, {} rows to {}",
            made.files,
            made.bytes,
            made.counts.iter().map(|(_, count)| count).sum::<i64>(),
            self.to.display()
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// Restore a backup into an empty data folder (and an empty PostgreSQL database)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen restore --from /backup/2026-11-23 --data /srv/new
  bright-kitchen restore --from /backup/2026-11-23 --data /srv/new --database-url postgres://bk@/empty

Ends with 1 where what was restored is not what was backed up. Run `bright-kitchen check` afterwards for a second look.")]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    common: Common,

    /// The backup
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
}

impl RestoreArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "error"))?;
        let restored = block_on(backup::restore(&config, &self.from))??;
        for (table, before, after) in &restored.differing {
            println!("fault     {table}: {before} rows in the backup, {after} here");
        }
        for fault in &restored.report.faults {
            match &fault.repaired {
                Some(done) => println!("repaired  {}: {} — {done}", fault.part, fault.detail),
                None => println!("fault     {}: {}", fault.part, fault.detail),
            }
        }
        let rows: i64 = restored.manifest.counts.iter().map(|(_, count)| count).sum();
        println!("restored {rows} rows and {} files into {}", restored.manifest.files, config.data.display());
        Ok(if restored.differing.is_empty() && restored.report.left() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
