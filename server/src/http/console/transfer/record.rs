//! Rows of a table by the names of their columns, and what is wrong with their cells.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Column;
use crate::http::Problem;
use crate::sheet::Table;

/// Faults that are told at most.
const FAULTS_MAX: usize = 1_000;

/// A cell that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CellFault {
    /// As a spreadsheet numbers it; 1 is the row of the names.
    pub(crate) row: usize,
    /// The column's code.
    #[schema(example = "kind")]
    pub(crate) column: String,
    /// required, unknown, ambiguous, format, …
    pub(crate) code: String,
    /// In words, English.
    pub(crate) detail: String,
}

/// Collects faults, up to a limit.
#[derive(Debug, Default)]
pub(super) struct CellFaults(pub(super) Vec<CellFault>);

impl CellFaults {
    pub(super) fn note(&mut self, row: usize, column: &str, code: &str, detail: impl Into<String>) {
        // One cell is told once: what follows from its fault helps nobody.
        let told = self.0.iter().any(|fault| fault.row == row && fault.column == column);
        if !told && self.0.len() < FAULTS_MAX {
            self.0.push(CellFault { row, column: column.to_owned(), code: code.to_owned(), detail: detail.into() });
        }
    }

    /// A refusal of the API's own checks; `renamed` says which column a field stands in. Whether it was about fields.
    pub(super) fn note_problem(&mut self, row: usize, problem: &Problem, renamed: &[(&str, &str)]) -> bool {
        for error in problem.errors() {
            let field = error.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
            let column = renamed.iter().find(|(from, _)| *from == field).map_or(field, |(_, to)| to);
            self.note(row, column, &error.code, error.detail.clone());
        }
        !problem.errors().is_empty()
    }
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) row: usize,
    cells: HashMap<&'static str, String>,
}

impl Record {
    /// The text of a cell; `None` where it is empty or the column is not there.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A cell as a number.
    pub(super) fn parsed<T: std::str::FromStr>(&self, column: &str, faults: &mut CellFaults) -> Option<T> {
        let text = self.text(column)?;
        let parsed = text.replace([',', ' '], "").parse().ok();
        if parsed.is_none() {
            faults.note(self.row, column, "format", format!("\"{text}\" is not a number"));
        }
        parsed
    }

    /// A cell as yes or no, in either language.
    pub(super) fn truth(&self, column: &str, faults: &mut CellFaults) -> Option<bool> {
        let text = self.text(column)?;
        match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" | "是" => Some(true),
            "false" | "no" | "n" | "0" | "否" => Some(false),
            _ => {
                faults.note(self.row, column, "format", "true or false, 是 or 否");
                None
            }
        }
    }

    /// A cell that is one of several words, each in both languages.
    pub(super) fn word(&self, column: &str, words: &[(&'static str, &str)], faults: &mut CellFaults) -> Option<&'static str> {
        let text = self.text(column)?;
        let found = words.iter().find(|(code, zh)| code.eq_ignore_ascii_case(text) || *zh == text).map(|(code, _)| *code);
        if found.is_none() {
            faults.note(
                self.row,
                column,
                "unknown",
                format!("one of {}", words.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ")),
            );
        }
        found
    }
}

/// Finds the columns by their names; those that are unknown or missing are told at row 1.
pub(super) fn records(table: Table, columns: &[Column], faults: &mut CellFaults) -> Vec<Record> {
    let mut places: Vec<Option<&'static str>> = Vec::new();
    for name in &table.header {
        let found = columns.iter().find(|column| column.code.eq_ignore_ascii_case(name) || column.zh == name).map(|column| column.code);
        match found {
            None if !name.is_empty() => faults.note(1, name, "unknown", "there is no such column"),
            Some(code) if places.contains(&Some(code)) => faults.note(1, code, "duplicate", "this column is there twice"),
            _ => {}
        }
        places.push(found);
    }
    for column in columns.iter().filter(|column| column.required && !places.contains(&Some(column.code))) {
        faults.note(1, column.code, "required", "this column is missing");
    }
    let record = |(row, cells): (usize, Vec<String>)| {
        let cells = places.iter().zip(cells).filter_map(|(place, cell)| place.map(|code| (code, cell))).collect();
        Record { row, cells }
    };
    table.rows.into_iter().map(record).collect()
}
