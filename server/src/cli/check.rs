//! `bright-kitchen check`

use std::process::ExitCode;

use clap::Args;

use super::{CliError, begin, block_on};
use crate::check::{Check, Report, Server};
use crate::config::Common;
use crate::files::Files;
use crate::lifecycle::{self, DataLock, LifecycleError};

/// Compare database, files, recordings and audit chain; say every fault
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen check --data /srv/bright-kitchen
  bright-kitchen check --repair --data /srv/bright-kitchen

Ends with 0 where nothing is wrong (or everything was repaired), else with 1. Without --repair nothing is changed, and
it may run beside a server. What a server that was killed had open is a note: its next start closes and indexes that. Repair loses nothing: it closes files that were cut off, puts recorded files into the
index, and turns rows without a recording into gaps.")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    common: Common,

    /// Mend what can be mended without losing anything, and say what was done; the server must be stopped
    #[arg(long)]
    repair: bool,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "error"))?;
        let lock = match DataLock::take(&config.data) {
            Ok(lock) => Some(lock),
            Err(LifecycleError::Busy(_)) if !self.repair => None,
            Err(error) => return Err(error.into()),
        };
        let report = block_on(async {
            let db = lifecycle::open_existing(&config).await?;
            let files = Files::look(&config.data, config.files_url.as_deref()).map_err(|error| CliError::Said(error.to_string()))?;
            let server = match &lock {
                None => Server::Running,
                Some(lock) if lock.was_killed() => Server::Killed,
                Some(_) => Server::Stopped,
            };
            let check = Check::new(&db, &files, &config, self.repair, server);
            let report = check.run().await.map_err(|error| CliError::Said(error.to_string()))?;
            db.close().await;
            Ok::<_, CliError>(report)
        })??;
        print(&report);
        // What was open is mended: from here on it is as after an orderly end.
        if let Some(lock) = lock.filter(|lock| self.repair && lock.was_killed() && report.left() == 0) {
            lock.serving(false).map_err(|error| CliError::Said(error.to_string()))?;
        }
        Ok(if report.left() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(report: &Report) {
    for fault in &report.faults {
        match &fault.repaired {
            Some(done) => println!("repaired  {}: {} — {done}", fault.part, fault.detail),
            None => println!("fault     {}: {}", fault.part, fault.detail),
        }
    }
    for note in &report.notes {
        println!("note      {note}");
    }
    let repaired = report.faults.len() - report.left();
    println!(
        "checked {} files, {} recorded files, {} audit rows: {} faults{}",
        report.files,
        report.segments,
        report.audit_rows,
        report.left(),
        if repaired > 0 { format!(", {repaired} repaired") } else { String::new() }
    );
}
