//! `bright-kitchen admin`: accounts from the command line. Works beside a running server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use media::{Clock as _, SystemClock};

use super::{CliError, begin, block_on, line_from_stdin};
use crate::accounts::{self, NewAccount};
use crate::auth::{Keys, Sealer};
use crate::config::Common;
use crate::lifecycle;
use crate::store::journal::Actor;

/// Accounts and keys, from the command line; works beside a running server
#[derive(Debug, Args)]
pub(super) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    Create(CreateArgs),
    Password(PasswordArgs),
    RotateKey(RotateArgs),
}

/// Make an account at the top of the tree, which is made where there is none
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo \"$PASSWORD\" | bright-kitchen admin create --username wang --role administrator --password-stdin
  … admin create --username li --role administrator --role supervisor --password-stdin --data /srv/bright-kitchen

Roles: administrator head supervisor officer legal_reviewer intake grid_member food_safety_director
food_safety_officer principal education_viewer parent auditor wall")]
struct CreateArgs {
    #[command(flatten)]
    common: Common,

    /// To sign in with: 2 to 64 letters, digits, or . _ - @
    #[arg(long, value_name = "NAME")]
    username: String,

    /// As people read it [default: the user name]
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,

    /// A role; repeat it for several
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,

    /// Read the password from the first line of standard input
    #[arg(long, required = true)]
    password_stdin: bool,

    /// Name of the city, where a tree has to be made
    #[arg(long, value_name = "NAME")]
    city: Option<String>,

    /// Name of a district below it, where a tree has to be made
    #[arg(long, value_name = "NAME")]
    district: Option<String>,
}

/// Set somebody's password, end their logins and unlock the name
#[derive(Debug, Args)]
#[command(after_help = "Example:
  echo \"$PASSWORD\" | bright-kitchen admin password --username wang --password-stdin
  … admin password --username wang --password-stdin --clear-second-factor")]
struct PasswordArgs {
    #[command(flatten)]
    common: Common,

    /// Whose
    #[arg(long, value_name = "NAME")]
    username: String,

    /// Read the password from the first line of standard input
    #[arg(long, required = true)]
    password_stdin: bool,

    /// Turn their second factor off too, for whoever lost the phone and the recovery codes
    #[arg(long)]
    clear_second_factor: bool,
}

/// Make a new key that signs tokens and audit heads; a running server takes it up when it starts again
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bright-kitchen admin rotate-key --data /srv/bright-kitchen")]
struct RotateArgs {
    #[command(flatten)]
    common: Common,
}

impl AdminArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        match self.command {
            AdminCommand::Create(args) => args.run(),
            AdminCommand::Password(args) => args.run(),
            AdminCommand::RotateKey(args) => args.run(),
        }
    }
}

fn operator() -> Actor {
    Actor { name: "command line".to_owned(), ..Actor::default() }
}

impl CreateArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0)?;
        let password = line_from_stdin()?;
        let display_name = self.display_name.as_deref().unwrap_or(&self.username);
        let account =
            NewAccount::parse(&self.username, display_name, &password, self.roles)?.at(self.city.as_deref(), self.district.as_deref())?;
        block_on(async {
            let db = lifecycle::open_database(&config).await?;
            let id = accounts::create(&db, account, operator(), SystemClock::new().wall_ms()).await?;
            println!("{id}");
            db.close().await;
            Ok(ExitCode::SUCCESS)
        })?
    }
}

impl PasswordArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0)?;
        let password = line_from_stdin()?;
        block_on(async {
            let db = lifecycle::open_database(&config).await?;
            let now_ms = SystemClock::new().wall_ms();
            accounts::reset_password(&db, &self.username, &password, self.clear_second_factor, operator(), now_ms).await?;
            println!("the password of {} is set; their logins have ended", self.username);
            db.close().await;
            Ok(ExitCode::SUCCESS)
        })?
    }
}

impl RotateArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0)?;
        block_on(async {
            let db = lifecycle::open_database(&config).await?;
            let sealer = Sealer::open(&config.data).map_err(|error| CliError::Said(error.to_string()))?;
            let now_ms = SystemClock::new().wall_ms();
            let keys = Keys::load(&db, &sealer, now_ms).await.map_err(lifecycle::LifecycleError::from)?;
            let id = keys.rotate(&db, &sealer, now_ms).await.map_err(lifecycle::LifecycleError::from)?;
            println!("{id}");
            db.close().await;
            Ok(ExitCode::SUCCESS)
        })?
    }
}
