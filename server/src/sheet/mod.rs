//! Tables as people keep them: CSV and XLSX, in and out.
//!
//! What comes in is bounded (bytes, rows, columns, characters of a cell, and what a compressed file unfolds to) before it is
//! parsed. What goes out can be opened in a spreadsheet: a text that would be taken for a formula is made harmless.

mod read;
mod write;

pub use read::{Book, SheetError, Table, read, read_book};
pub use write::{Cell, Format, SheetHead, csv_head, csv_rows, write, write_book, write_xlsx_file};

/// Largest file, bytes.
pub const BYTES_MAX: usize = 5 * 1024 * 1024;
/// Rows of an import at most.
pub const ROWS_MAX: usize = 5_000;
/// Columns at most.
const COLUMNS_MAX: usize = 100;
/// Characters of a cell at most.
const CELL_CHARS_MAX: usize = 5_000;
/// Characters of a cell of a book at most: what a spreadsheet's cell holds.
const BOOK_CELL_CHARS_MAX: usize = 32_767;
/// Sheets of a book that are read.
const SHEETS_MAX: usize = 20;
/// Bytes that a compressed file may unfold to.
const UNFOLDED_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// What a spreadsheet takes for the beginning of a formula.
fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}
