//! `bright-kitchen demo`

use std::process::ExitCode;

use clap::Args;

use super::serve::announce;
use super::{CliError, begin, block_on};
use crate::config::Flags;
use crate::demo::{self, Account, DemoOptions};
use crate::lifecycle;

/// Run the server with a district that lives: virtual cameras, premises, people for each role
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen demo
  bright-kitchen demo --minimal --data /tmp/empty
  bright-kitchen demo --listen 0.0.0.0:8443 --tls-self-signed

Passwords are made at the first start and printed at each. Ctrl-C stops everything; starting again continues.")]
pub(super) struct DemoArgs {
    #[command(flatten)]
    flags: Flags,

    /// An empty district: no premises, no cameras, only an administrator
    #[arg(long, env = "BRIGHT_KITCHEN_MINIMAL", help_heading = "Demo")]
    minimal: bool,

    /// Port of the virtual cameras on this machine
    #[arg(long, env = "BRIGHT_KITCHEN_CAMERA_PORT", default_value_t = 18_554, help_heading = "Demo")]
    camera_port: u16,
}

impl DemoArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.flags.or("log", "warn"))?;
        let data = config.data.clone();
        let options = DemoOptions { minimal: self.minimal, camera_port: self.camera_port };
        block_on(lifecycle::run(config, |app, opened| async move {
            let accounts = demo::start(&app, &data, &options, |line| println!("{line}")).await.map_err(|error| error.to_string())?;
            print_accounts(&accounts);
            announce(&opened, None);
            println!("Phone: {}/m/   Data: {}   Ctrl-C stops.", opened.url, data.display());
            Ok(())
        }))??;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_accounts(accounts: &[Account]) {
    println!("\nSign in as:");
    for account in accounts {
        println!("  {:<14} {:<22} {} · {}", account.username, account.password, account.name, account.part);
    }
    println!();
}
