//! `bright-kitchen migrate`

use std::process::ExitCode;

use clap::Args;

use super::{CliError, begin, block_on};
use crate::config::Common;
use crate::lifecycle;

/// Bring the database's schema up to date; `serve` does it too
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen migrate --data /srv/bright-kitchen
  bright-kitchen migrate --database-url postgres://bk@/bright_kitchen")]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    common: Common,
}

impl MigrateArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0)?;
        block_on(async {
            let db = lifecycle::open_database(&config).await?;
            println!("the schema is up to date");
            db.close().await;
            Ok(ExitCode::SUCCESS)
        })?
    }
}
