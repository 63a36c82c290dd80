//! `bright-kitchen draw`

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::CliError;
use crate::domain::draw::{Outcome, Record};

/// Bytes of a record that are read.
const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Double random draws, from their records; needs no server
#[derive(Debug, Args)]
pub(super) struct DrawArgs {
    #[command(subcommand)]
    command: DrawCommand,
}

#[derive(Debug, Subcommand)]
enum DrawCommand {
    Replay(ReplayArgs),
}

/// Make a draw again from its record, and say whether the same comes out
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bright-kitchen draw replay draw-01928f6e-0000-7000-8000-000000000042.json

Ends with 0 where input, commitment, seed and result follow as the record says, else with 1. Compare the commitment with
the one that was published before the draw, under /api/v1/draws/commitments or on paper.")]
struct ReplayArgs {
    /// The record, as the server gives it
    file: PathBuf,
}

impl DrawArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        match self.command {
            DrawCommand::Replay(args) => args.run(),
        }
    }
}

impl ReplayArgs {
    fn run(self) -> Result<ExitCode, CliError> {
        let mut text = String::new();
        std::fs::File::open(&self.file)?.take(RECORD_BYTES_MAX).read_to_string(&mut text)?;
        let record: Record = serde_json::from_str(&text)
            .map_err(|error| CliError::Said(format!("{}: no record of a draw: {error}", self.file.display())))?;
        let replayed = record.replay();
        println!("input       {}", record.input_sha256);
        println!("commitment  {}", record.commitment);
        println!("witness     {}: {}", record.witness_name, record.witness_value);
        println!("seed        {}", record.seed);
        if let Some(outcome) = &replayed.outcome {
            print(&record, outcome);
        }
        for part in &replayed.differs {
            println!("DIFFERS     {part}");
        }
        println!("{}", if replayed.same { "same        everything follows as the record says" } else { "not the same" });
        Ok(if replayed.same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(record: &Record, outcome: &Outcome) {
    let premises = |id: &str| record.input.objects.iter().find(|one| one.id == id).map_or(id, |one| one.name.as_str()).to_owned();
    let officer =
        |id: &String| record.input.officers.iter().find(|one| one.id == *id).map_or(id.as_str(), |one| one.name.as_str()).to_owned();
    match outcome {
        Outcome::Drawn(drawn) => {
            for (number, team) in drawn.teams.iter().enumerate() {
                let officers: Vec<String> = team.officer_ids.iter().map(officer).collect();
                println!("{:>4}        {}: {}", number + 1, premises(&team.premises_id), officers.join(", "));
            }
        }
        Outcome::Infeasible(blocked) => {
            let rules: Vec<&str> = blocked.rules.iter().map(|rule| rule.as_str()).collect();
            let place = blocked.premises_id.as_deref().map_or_else(|| "all premises together".to_owned(), premises);
            println!("infeasible  {place}: {}", rules.join(", "));
        }
        Outcome::Undecided { looked } => println!("undecided   given up after {looked} teams"),
    }
}
