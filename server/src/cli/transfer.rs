//! `bright-kitchen import` and `bright-kitchen export`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use media::{Clock as _, SystemClock};

use super::{CliError, begin, block_on};
use crate::auth::{Scope, Sealer};
use crate::config::Common;
use crate::http::Problem;
use crate::http::console::transfer::{self, ExportFilter, Import, Kind};
use crate::lifecycle;
use crate::sheet::{self, Format};
use crate::store::journal::{Act, Actor};
use crate::store::{StoreError, cameras::CameraFilter, premises::PremisesFilter, users::UserFilter};

/// Import premises, people or cameras from CSV or XLSX; everything or nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen import premises premises.xlsx --dry-run
  bright-kitchen import premises premises.xlsx --data /srv/bright-kitchen
  bright-kitchen import users people.csv

Every cell that is wrong is told by row and column, and nothing is changed. New people's passwords are printed once.
The columns are those of `export` and of the console's templates, in English or Chinese.")]
pub(super) struct ImportArgs {
    #[command(flatten)]
    common: Common,

    /// What
    #[arg(value_enum)]
    kind: Kind,

    /// CSV or XLSX
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Look, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl ImportArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "warn"))?;
        let table =
            sheet::read(&std::fs::read(&self.file)?).map_err(|error| CliError::Said(format!("{}: {error}", self.file.display())))?;
        let outcome = block_on(async {
            let db = lifecycle::open_database(&config).await?;
            let sealer = Sealer::open(&config.data).map_err(|error| CliError::Said(error.to_string()))?;
            let actor = Actor { name: "command line".to_owned(), ..Actor::default() };
            let import =
                Import { kind: self.kind, scope: Scope::system(), actor, sealer, at: SystemClock::new().wall_ms(), dry_run: self.dry_run };
            let outcome = transfer::run(&db, import, table).await.map_err(said)?;
            db.close().await;
            Ok::<_, CliError>(outcome)
        })??;
        for fault in &outcome.errors {
            println!("row {}, {}: {} ({})", fault.row, fault.column, fault.detail, fault.code);
        }
        for new in &outcome.passwords {
            println!("{}  {}", new.username, new.password);
        }
        let done = if outcome.applied { "done" } else { "nothing was changed" };
        println!("{} rows: {} new, {} changed, {} faults; {done}", outcome.rows, outcome.creates, outcome.updates, outcome.errors.len());
        Ok(if outcome.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Export premises, people or cameras as CSV or XLSX
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen export premises premises.xlsx --data /srv/bright-kitchen
  bright-kitchen export cameras cameras.csv

The file's ending says the format. Camera passwords are never exported.")]
pub(super) struct ExportArgs {
    #[command(flatten)]
    common: Common,

    /// What
    #[arg(value_enum)]
    kind: Kind,

    /// New file, .csv or .xlsx
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let config = begin(&self.common.0.or("log", "warn"))?;
        let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = Format::parse(ending).ok_or_else(|| CliError::Said("the file ends in .csv or .xlsx".to_owned()))?;
        let filter = match self.kind {
            Kind::Premises => ExportFilter::Premises(PremisesFilter::default()),
            Kind::Users => ExportFilter::Users(UserFilter::default()),
            Kind::Cameras => ExportFilter::Cameras(CameraFilter::default()),
        };
        let count = block_on(async {
            let db = lifecycle::open_existing(&config).await?;
            let (header, rows) =
                transfer::export(&db, &Scope::system(), &filter).await.map(|(kind, rows)| (transfer::header(kind), rows)).map_err(said)?;
            let (at, count, kind) = (SystemClock::new().wall_ms(), rows.len(), header.1);
            db.write(move |tx| {
                Box::pin(async move {
                    let actor = Actor { name: "command line".to_owned(), ..Actor::default() };
                    let detail = serde_json::json!({"of": kind, "rows": count});
                    tx.audit(at, Act { actor: &actor, action: "export", entity: None, path: "/", detail }).await?;
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
            std::fs::write(&self.file, sheet::write(format, &header.0, &rows).map_err(CliError::Said)?)?;
            db.close().await;
            Ok::<_, CliError>(count)
        })??;
        println!("{count} rows to {}", self.file.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn said(problem: Problem) -> CliError {
    CliError::Said(problem.to_string())
}
