//! `bright-kitchen openapi`

use std::process::ExitCode;

use clap::Args;

use super::CliError;

/// Print the HTTP contract (OpenAPI 3.1)
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bright-kitchen openapi >openapi.json")]
pub(super) struct OpenapiArgs {}

impl OpenapiArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let document = crate::http::openapi().to_pretty_json().map_err(|error| CliError::Said(error.to_string()))?;
        println!("{document}");
        Ok(ExitCode::SUCCESS)
    }
}
