//! Writing a table.

use rust_xlsxwriter::{Format as Look, Workbook, Worksheet, XlsxError};

use super::begins_a_formula;

/// CSV or XLSX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// UTF-8 with a byte-order mark, so that spreadsheets read Chinese right.
    Csv,
    /// One sheet.
    Xlsx,
}

impl Format {
    /// By the ending of a file's name.
    pub fn parse(ending: &str) -> Option<Self> {
        match ending {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// For the header of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text; never taken for a formula.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A fraction.
    Number(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}
impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Text(truth.to_string())
    }
}
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Writes a table, or says why the spreadsheet could not be made.
pub fn write(format: Format, header: &[&str], rows: &[Vec<Cell>]) -> Result<Vec<u8>, String> {
    match format {
        Format::Csv => write_csv(header, rows).map_err(|error| error.to_string()),
        Format::Xlsx => write_xlsx(header, rows).map_err(|error| error.to_string()),
    }
}

/// The beginning of a CSV file that is written piece by piece.
pub fn csv_head(header: &[&str]) -> Result<Vec<u8>, String> {
    write_csv(header, &[]).map_err(|error| error.to_string())
}

/// Some rows of a CSV file that is written piece by piece.
pub fn csv_rows(rows: &[Vec<Cell>]) -> Result<Vec<u8>, String> {
    csv_lines(Vec::new(), rows).map_err(|error| error.to_string())
}

fn write_csv(header: &[&str], rows: &[Vec<Cell>]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(header)?;
    let begun = writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))?;
    csv_lines(begun, rows)
}

fn csv_lines(begun: Vec<u8>, rows: &[Vec<Cell>]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(begun);
    for row in rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            // An apostrophe makes a spreadsheet show it as it is.
            Cell::Text(text) if begins_a_formula(text) => format!("'{text}"),
            Cell::Text(text) => text.clone(),
            Cell::Whole(number) => number.to_string(),
            Cell::Number(number) => number.to_string(),
        }))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))
}

/// A sheet of a spreadsheet that is written row by row.
#[derive(Debug, Clone)]
pub struct SheetHead {
    /// As its tab says.
    pub name: &'static str,
    /// Its columns.
    pub header: Vec<&'static str>,
}

/// Rows that a sheet holds, its header among them: the format has no more. What comes after begins another sheet.
const SHEET_ROWS_MAX: u32 = 1_048_576;

/// Writes a spreadsheet of any length to a local file; rows come as they are made, each with the number of its sheet, and are not
/// kept in memory.
pub fn write_xlsx_file(path: &std::path::Path, sheets: &[SheetHead], rows: impl Iterator<Item = (usize, Vec<Cell>)>) -> Result<(), String> {
    write_xlsx_sheets(path, sheets, rows, SHEET_ROWS_MAX).map_err(|error| error.to_string())
}

fn write_xlsx_sheets(
    path: &std::path::Path,
    sheets: &[SheetHead],
    rows: impl Iterator<Item = (usize, Vec<Cell>)>,
    rows_max: u32,
) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    // Where each stands: the worksheet written to, its next row, and how many there were.
    let mut open: Vec<(usize, u32, u32)> = Vec::new();
    for (at, head) in sheets.iter().enumerate() {
        begin(book.add_worksheet_with_constant_memory(), head.name, &head.header)?;
        open.push((at, 1, 1));
    }
    let mut made = sheets.len();
    for (sheet, row) in rows {
        let (Some(place), Some(head)) = (open.get_mut(sheet), sheets.get(sheet)) else { continue };
        if place.1 >= rows_max {
            *place = (made, 1, place.2 + 1);
            made += 1;
            begin(book.add_worksheet_with_constant_memory(), &format!("{} {}", head.name, place.2), &head.header)?;
        }
        put(book.worksheet_from_index(place.0)?, place.1, &row)?;
        place.1 += 1;
    }
    book.save(path)
}

fn begin(sheet: &mut Worksheet, name: &str, header: &[&str]) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    head(sheet, header)
}

fn write_xlsx(header: &[&str], rows: &[Vec<Cell>]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    fill(book.add_worksheet(), header, rows.iter())?;
    book.save_to_buffer()
}

fn fill<R: AsRef<[Cell]>>(sheet: &mut Worksheet, header: &[&str], rows: impl Iterator<Item = R>) -> Result<(), XlsxError> {
    head(sheet, header)?;
    for (at, row) in (1_u32..).zip(rows) {
        put(sheet, at, row.as_ref())?;
    }
    Ok(())
}

fn head(sheet: &mut Worksheet, header: &[&str]) -> Result<(), XlsxError> {
    let bold = Look::new().set_bold();
    for (column, name) in (0_u16..).zip(header) {
        sheet.write_string_with_format(0, column, *name, &bold)?;
        sheet.set_column_width(column, 18)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn put(sheet: &mut Worksheet, at: u32, row: &[Cell]) -> Result<(), XlsxError> {
    for (column, cell) in (0_u16..).zip(row) {
        match cell {
            Cell::Empty => {}
            // Written as a string it is never a formula.
            Cell::Text(text) => drop(sheet.write_string(at, column, text)?),
            Cell::Whole(number) => drop(sheet.write_number(at, column, *number as f64)?),
            Cell::Number(number) => drop(sheet.write_number(at, column, *number)?),
        }
    }
    Ok(())
}

/// Writes a book: sheets by name, the first row of each being its header. All cells are text.
pub fn write_book(sheets: &[(&str, Vec<Vec<String>>)]) -> Result<Vec<u8>, String> {
    let mut book = Workbook::new();
    let bold = Look::new().set_bold();
    let mut fill = || -> Result<(), XlsxError> {
        for (name, rows) in sheets {
            let sheet = book.add_worksheet();
            sheet.set_name(*name)?;
            sheet.set_freeze_panes(1, 0)?;
            for (at, row) in (0_u32..).zip(rows) {
                for (column, text) in (0_u16..).zip(row).filter(|(_, text)| !text.is_empty()) {
                    match at {
                        0 => drop(sheet.write_string_with_format(at, column, text, &bold)?),
                        _ => drop(sheet.write_string(at, column, text)?),
                    }
                }
            }
        }
        Ok(())
    };
    fill().map_err(|error| error.to_string())?;
    book.save_to_buffer().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::read;

    #[test]
    fn both_formats_come_back_as_they_were() {
        let rows = vec![
            vec![Cell::from("东岸小学"), Cell::Whole(300), Cell::Number(23.5), Cell::Empty],
            vec![Cell::from("=cmd|' /C calc'!A0"), Cell::Whole(-1), Cell::Empty, Cell::from(true)],
        ];
        for format in [Format::Csv, Format::Xlsx] {
            let table = read(&write(format, &["a", "b", "c", "d"], &rows).unwrap()).unwrap();
            assert_eq!(table.header, ["a", "b", "c", "d"]);
            assert_eq!(table.rows[0].1, ["东岸小学", "300", "23.5", ""], "{format:?}");
            assert_eq!(table.rows[1].1, ["=cmd|' /C calc'!A0", "-1", "", "true"], "{format:?}");
        }
    }

    #[test]
    fn a_sheet_that_is_full_goes_on_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.xlsx");
        let heads = [SheetHead { name: "one", header: vec!["a"] }, SheetHead { name: "other", header: vec!["b"] }];
        // By turns, as an inspection and its answers come.
        let rows =
            (0..5_i64).flat_map(|at| [(0, vec![Cell::Whole(at)]), (1, vec![Cell::Whole(at * 10)]), (1, vec![Cell::Whole(at * 10 + 1)])]);
        write_xlsx_sheets(&path, &heads, rows, 5).unwrap();
        let book = crate::sheet::read_book(&std::fs::read(&path).unwrap()).unwrap();
        let held: Vec<(&str, Vec<&str>)> =
            book.iter().map(|(name, rows)| (name.as_str(), rows.iter().map(|(_, cells)| cells[0].as_str()).collect())).collect();
        assert_eq!(
            held,
            [
                ("one", vec!["a", "0", "1", "2", "3"]),
                ("other", vec!["b", "0", "1", "10", "11"]),
                ("other 2", vec!["b", "20", "21", "30", "31"]),
                ("one 2", vec!["a", "4"]),
                ("other 3", vec!["b", "40", "41"]),
            ]
        );
    }

    #[test]
    fn a_formula_is_only_text() {
        let csv = String::from_utf8(write(Format::Csv, &["a"], &[vec![Cell::from("=1+1")], vec![Cell::from("-x")]]).unwrap()).unwrap();
        assert!(csv.contains("\r\n'=1+1\r\n'-x\r\n"), "{csv}");
    }
}
