//! `bright-kitchen serve`

use std::process::ExitCode;

use clap::Args;

use super::{CliError, begin, block_on};
use crate::accounts;
use crate::config::{Config, Flags};
use crate::http::trust::qr_terminal;
use crate::lifecycle::{self, Opened};

/// Run the server until it is told to stop
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen serve
  bright-kitchen serve --listen 127.0.0.1:8080 --data /srv/bright-kitchen
  bright-kitchen serve --database-url postgres://bk@/bright_kitchen --files-url s3://evidence/bk
  bright-kitchen serve --listen 0.0.0.0:8443 --tls-self-signed
  bright-kitchen serve --config bright-kitchen.toml --print-config

The first start prints a link that makes the first account (or use `bright-kitchen admin create`).
SIGTERM or Ctrl-C stops it in order: open segments are closed. A second signal stops it at once.")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    flags: Flags,

    /// Show the settings as they would hold, with where each comes from and without secrets, and end
    #[arg(long)]
    print_config: bool,
}

impl ServeArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        if self.print_config {
            print!("{}", Config::load(&self.flags)?.printed());
            return Ok(ExitCode::SUCCESS);
        }
        let config = begin(&self.flags)?;
        block_on(lifecycle::run(config, |app, opened| async move {
            let token = accounts::setup_token(&app.db, app.clock.wall_ms()).await.map_err(|error| error.to_string())?;
            announce(&opened, token.as_deref());
            Ok(())
        }))??;
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells the person at the terminal where it is and what to do next.
pub(super) fn announce(opened: &Opened, setup_token: Option<&str>) {
    println!("Bright Kitchen 明厨 is at {}", opened.url);
    for url in &opened.also {
        println!("  and at {url}");
    }
    if let Some(token) = setup_token {
        println!(
            "There is no account yet. This link makes the first one; it works once, for 24 hours:\n  {}/setup?token={token}",
            opened.url
        );
    }
    if let Some(authority) = &opened.authority {
        let page = format!("{}/trust", opened.url);
        println!("Phones: open {page}, compare the fingerprint, install the certificate.\n  {}", authority.fingerprint);
        if let Some(code) = qr_terminal(&page) {
            println!("{code}");
        }
    }
}
