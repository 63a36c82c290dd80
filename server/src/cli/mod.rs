//! The command line: one file a command. Each reads the same settings and ends with a code that scripts can rely on:
//! 0 done, 1 failed or faults found, 2 wrong arguments or configuration.

mod admin;
mod backup;
mod check;
mod demo;
mod draw;
mod migrate;
mod openapi;
mod recordings;
mod serve;
mod transfer;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::accounts::AccountError;
use crate::config::{Config, ConfigError, Flags, LogFormat};
use crate::lifecycle::LifecycleError;
use crate::store::StoreError;

/// Bright Kitchen 明厨: food safety in canteens, from camera and checklist to a closed case.
///
/// Settings come from flags, from environment variables BRIGHT_KITCHEN_…, and from a TOML file, in this order.
#[derive(Debug, Parser)]
#[command(name = "bright-kitchen", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Migrate(migrate::MigrateArgs),
    Check(check::CheckArgs),
    Verify(verify::VerifyArgs),
    Draw(draw::DrawArgs),
    Admin(admin::AdminArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Recordings(recordings::RecordingsArgs),
    Import(transfer::ImportArgs),
    Export(transfer::ExportArgs),
    Openapi(openapi::OpenapiArgs),
    /// Look at pictures for a server: the process that `serve` starts by itself
    ///
    /// It speaks with its server over standard input and output, and ends with it.
    ///
    /// Example: none; it is not for people.
    Analyse,
    /// Make other pictures of what a camera sent, for a server: the process that `serve` starts by itself
    ///
    /// It speaks with its server over standard input and output, and ends with it.
    ///
    /// Example: none; it is not for people.
    Transcode,
}

/// What a command can end with.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Starting, running, stopping.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Backup and restore.
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    /// Accounts.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Standard input or output, files named on the command line.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// In words.
    #[error("{0}")]
    Said(String),
}

impl CliError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Lifecycle(LifecycleError::Cut) => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs the command that was given.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => args.run(),
        Command::Demo(args) => args.run(),
        Command::Migrate(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Draw(args) => args.run(),
        Command::Admin(args) => args.run(),
        Command::Backup(args) => args.run(),
        Command::Restore(args) => args.run(),
        Command::Recordings(args) => args.run(),
        Command::Import(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Openapi(args) => args.run(),
        Command::Analyse => Ok(media::analyse_main()),
        Command::Transcode => Ok(media::transcode_main()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bright-kitchen: {error}");
            error.code()
        }
    }
}

/// Reads the settings and starts the log. Every command but the child processes begins here.
fn begin(flags: &Flags) -> Result<Config, CliError> {
    let config = Config::load(flags)?;
    let filter = EnvFilter::try_new(&config.log).map_err(|error| CliError::Said(error.to_string()))?;
    // Standard output is for what the command was asked for; the log goes beside it.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| CliError::Said(error.to_string()))?;
    Ok(config)
}

/// Runs a command's work to its end. What cameras do is short and waits for turns that all share: on half of the cores they wake each
/// other less. Pages, the database and what computes have threads of their own.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores.div_ceil(2)).enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// For a text that `--password-stdin` reads: the first line, at most 1,024 bytes.
fn line_from_stdin() -> Result<String, CliError> {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(std::io::Read::take(std::io::stdin(), 1_024)), &mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn what_serve_and_demo_can_be_told_by_flag_can_be_told_by_environment() {
        let mut cli = Cli::command();
        cli.build();
        for name in ["serve", "demo"] {
            let command = cli.find_subcommand(name).expect("a command");
            let flags = command.get_arguments().filter(|arg| !["help", "version", "print_config"].contains(&arg.get_id().as_str()));
            let without: Vec<&str> = flags
                .filter(|arg| {
                    let expected = format!("BRIGHT_KITCHEN_{}", arg.get_id().as_str().to_uppercase());
                    arg.get_env().is_none_or(|name| name != expected.as_str())
                })
                .map(|arg| arg.get_id().as_str())
                .collect();
            assert!(without.is_empty(), "{name}: {without:?}");
        }
    }
}
