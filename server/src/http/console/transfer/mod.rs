//! `/imports` and `/exports`: tables of premises, people and cameras in and out, of alerts, inspections and acts out.
//!
//! An import goes through the same checks as the API does, row by row, in one transaction: any fault, and nothing has
//! changed. Every fault is told, by row and column, so that a table is mended in one go.

mod cameras;
mod exports;
mod figures;
mod imports;
mod people;
mod premises;
mod record;
mod risk;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use exports::{ExportFilter, export};
pub(crate) use imports::{Import, run};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    imports::configure(config);
    exports::configure(config);
    figures::configure(config);
    risk::configure(config);
}

/// A column, by its code and as people read it; both are understood in an import.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) code: &'static str,
    pub(super) zh: &'static str,
    pub(super) required: bool,
}

const fn column(code: &'static str, zh: &'static str) -> Column {
    Column { code, zh, required: false }
}

const fn required(code: &'static str, zh: &'static str) -> Column {
    Column { code, zh, required: true }
}

/// The names of an export's columns, and what it is of.
pub(crate) fn header(kind: Kind) -> (Vec<&'static str>, &'static str) {
    (kind.columns().iter().map(|column| column.code).collect(), kind.as_str())
}

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Places.
    Premises,
    /// People.
    Users,
    /// Cameras.
    Cameras,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Premises => "premises",
            Self::Users => "users",
            Self::Cameras => "cameras",
        }
    }

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Premises => premises::COLUMNS,
            Self::Users => people::COLUMNS,
            Self::Cameras => cameras::COLUMNS,
        }
    }
}
