//! `bright-kitchen recordings`: the disks that recordings lie on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use media::MediaEvent;
use media::record::SystemDisk;
use media::segment::moving::{Moved, files_on, move_one};
use media::segment::{Disks, SegmentIndex, disks, recover};

use super::{CliError, begin, block_on};
use crate::config::{Common, Config};
use crate::lifecycle::{self, DataLock, LifecycleError};
use crate::moving::{Order, OrderError, State, keep_free};
use crate::store::recordings;

/// How often a running server's progress is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A server that has not taken up an order after this time is none that can.
const TAKEN_UP_MAX: Duration = Duration::from_secs(60);

/// The disks that recordings lie on: how they are, and moving recordings away from one
#[derive(Debug, Args)]
pub(super) struct RecordingsArgs {
    #[command(subcommand)]
    command: RecordingsCommand,
}

#[derive(Debug, Subcommand)]
enum RecordingsCommand {
    Disks(DisksArgs),
    Move(MoveArgs),
    Use(UseArgs),
}

/// Show every disk: its folder, its mark, whether it is there, and how much is free
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bright-kitchen recordings disks --recordings /disk1,/disk2 --data /srv/bright-kitchen")]
struct DisksArgs {
    #[command(flatten)]
    common: Common,
}

/// Move all recordings of one disk to another, while recording goes on
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bright-kitchen recordings move --from /disk1 --to /disk2 --recordings /disk1,/disk2 --data /srv/bright-kitchen

A server that runs on the data folder does it, at 64 MB a second at most, and begins no new file on the disk; else this
command does. Each file is read again and compared by its SHA-256 before the first copy goes. It may be broken off at any
moment: the server goes on by itself, and without one the same command does. Ends with 0 when nothing is left to move; the
disk may then be taken out of --recordings. `recordings use` takes the order back.")]
struct MoveArgs {
    #[command(flatten)]
    common: Common,

    /// The disk that is to be emptied, one of --recordings
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,

    /// The disk that gets its recordings, another of --recordings
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

/// Use a disk again whose recordings were moved away, or one that replaces a disk that will not come back
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen recordings use --data /srv/bright-kitchen
  bright-kitchen recordings use --replaced /disk2 --data /srv/bright-kitchen

Without --replaced the order to move is taken back. With it the folder gets a new mark, with the server stopped; what lay
on the disk that was there before is lost, and `check --repair` notes it as gaps.")]
struct UseArgs {
    #[command(flatten)]
    common: Common,

    /// The folder of the new disk
    #[arg(long, value_name = "FOLDER")]
    replaced: Option<PathBuf>,
}

impl RecordingsArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        match self.command {
            RecordingsCommand::Disks(args) => args.run(),
            RecordingsCommand::Move(args) => args.run(),
            RecordingsCommand::Use(args) => args.run(),
        }
    }
}

fn said(error: impl std::fmt::Display) -> CliError {
    CliError::Said(error.to_string())
}

impl DisksArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "error"))?;
        let disks = Disks::look_only(&config.recordings(), Some(&config.known_disks())).map_err(said)?;
        let mut away = 0;
        for disk in 0..disks.len() {
            let (folder, id) = (disks.folder(disk).display(), disks.id(disk));
            match disks.space(disk) {
                Ok(space) if disks.is_here(disk) => {
                    println!("here  {folder}  {id}  {} of {} bytes free", space.free_bytes, space.total_bytes);
                }
                _ => {
                    away += 1;
                    println!("away  {folder}  {id}");
                }
            }
        }
        if let Some(order) = Order::read(&config.data).map_err(said)? {
            println!("{}", progress(&order));
        }
        Ok(if away == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl UseArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "error"))?;
        if let Some(folder) = self.replaced {
            let _lock = DataLock::take(&config.data)?;
            if !config.recordings().contains(&folder) {
                return Err(said(OrderError::Unknown(folder)));
            }
            let id = disks::mark(&folder)?;
            println!("{} is a new disk: {id}", folder.display());
            return Ok(ExitCode::SUCCESS);
        }
        let taken_back = Order::remove(&config.data).map_err(said)?;
        println!("{}", if taken_back { "the order to move is taken back" } else { "there was no order to move" });
        Ok(ExitCode::SUCCESS)
    }
}

impl MoveArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "error"))?;
        let known = Disks::look_only(&config.recordings(), Some(&config.known_disks())).map_err(said)?;
        let folder = |folder: &PathBuf| {
            let number = known.number_of(folder).ok_or_else(|| said(OrderError::Unknown(folder.clone())))?;
            Ok::<_, CliError>(known.folder(number).to_owned())
        };
        let order = Order::new(folder(&self.from)?, folder(&self.to)?);
        if order.from == order.to {
            return Err(said(OrderError::Same));
        }
        let order = match DataLock::take(&config.data) {
            Ok(_lock) => block_on(here(&config, order))??,
            Err(LifecycleError::Busy(_)) => by_the_server(&config, &order)?,
            Err(error) => return Err(error.into()),
        };
        println!("{}", progress(&order));
        Ok(if order.state == State::Done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn progress(order: &Order) -> String {
    let Order { from, to, files, bytes, left, detail, .. } = order;
    let state = match order.state {
        State::Waiting => "waits for the server",
        State::Moving => "moving",
        State::Done => "done",
        State::Failed => "failed",
    };
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{state}  {} to {}: {files} files, {bytes} bytes moved, {left} left{detail}", from.display(), to.display())
}

/// Hands the order to the server that runs, and follows it to its end.
fn by_the_server(config: &Config, order: &Order) -> Result<Order, CliError> {
    let mut known = Order::read(&config.data).map_err(said)?;
    let other = known.as_ref().filter(|other| matches!(other.state, State::Waiting | State::Moving));
    match other {
        Some(other) if (&other.from, &other.to) != (&order.from, &order.to) => {
            return Err(CliError::Said(format!("another move is under way: {}", progress(other))));
        }
        Some(_) => {}
        None => {
            order.write(&config.data).map_err(said)?;
            known = Some(order.clone());
        }
    }
    let began = std::time::Instant::now();
    let mut shown = None;
    loop {
        let Some(now) = Order::read(&config.data).map_err(said)? else {
            return Err(CliError::Said("the order was taken back".to_owned()));
        };
        match now.state {
            State::Done | State::Failed => return Ok(now),
            State::Waiting if began.elapsed() > TAKEN_UP_MAX => {
                return Err(CliError::Said("the server does not take up the order; see its log".to_owned()));
            }
            State::Waiting | State::Moving => {}
        }
        if shown.as_ref() != Some(&now) && known.as_ref() != Some(&now) {
            println!("{}", progress(&now));
            shown = Some(now);
        }
        std::thread::sleep(LOOK);
    }
}

/// Does it without a server.
async fn here(config: &Config, mut order: Order) -> Result<Order, CliError> {
    let db = lifecycle::open_database(config).await?;
    let disks = Disks::open(&config.recordings(), Some(&config.known_disks()), Arc::new(SystemDisk)).map_err(said)?;
    let findings = recover::scan_all(&disks, true).map_err(said)?;
    let index = SegmentIndex::over(Arc::new(disks), findings.segments).map_err(said)?;
    let (from, to) = order.disks(&index).map_err(said)?;
    let names = files_on(&index, from).map_err(said)?;
    order.left = u64::try_from(names.len()).unwrap_or(u64::MAX);
    order.state = State::Done;
    for name in names {
        let moved = match move_one(&index, name, from, to, keep_free(&index, to, config.disk_low_percent)) {
            Ok(moved) => moved,
            Err(error) => {
                (order.state, order.detail) = (State::Failed, error.to_string());
                break;
            }
        };
        if !matches!(moved, Moved::Open | Moved::Gone) {
            order.left = order.left.saturating_sub(1);
        }
        if let Some(MediaEvent::SegmentClosed { camera, segment }) = order.note(moved) {
            let camera = camera.to_string();
            db.write(move |tx| Box::pin(async move { recordings::put_segment(tx, &camera, &segment, true).await })).await?;
        }
    }
    db.close().await;
    Ok(order)
}
