//! Reading a table: the first row names the columns.

use std::io::{Cursor, Read as _};

use calamine::{Data, Reader as _, Xlsx};

use super::{BOOK_CELL_CHARS_MAX, BYTES_MAX, CELL_CHARS_MAX, COLUMNS_MAX, ROWS_MAX, SHEETS_MAX, UNFOLDED_BYTES_MAX, begins_a_formula};

/// Why a file is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Too large in one way or another.
    #[error("{0}")]
    TooLarge(String),
    /// Neither CSV nor XLSX, or damaged.
    #[error("{0}")]
    Format(String),
}

/// A table as text. Rows that are empty are left out, but keep their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The first row, trimmed.
    pub header: Vec<String>,
    /// Number of the row as a spreadsheet shows it, and its cells.
    pub rows: Vec<(usize, Vec<String>)>,
}

/// Reads CSV (UTF-8, or GB 18030 as Chinese spreadsheets write it) or XLSX, told apart by their first bytes.
pub fn read(bytes: &[u8]) -> Result<Table, SheetError> {
    if bytes.len() > BYTES_MAX {
        return Err(SheetError::TooLarge(format!("a file has at most {} MB", BYTES_MAX / 1024 / 1024)));
    }
    let rows = if bytes.starts_with(b"PK\x03\x04") { read_xlsx(bytes)? } else { read_csv(bytes)? };
    let mut rows = rows.into_iter();
    let (_, header) = rows.next().ok_or_else(|| SheetError::Format("the file is empty".to_owned()))?;
    let rows: Vec<_> = rows.filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())).collect();
    if rows.len() > ROWS_MAX {
        return Err(SheetError::TooLarge(format!("a file has at most {ROWS_MAX} rows")));
    }
    if header.len() > COLUMNS_MAX || rows.iter().any(|(_, cells)| cells.len() > COLUMNS_MAX) {
        return Err(SheetError::TooLarge(format!("a table has at most {COLUMNS_MAX} columns")));
    }
    Ok(Table { header, rows })
}

/// Sheets by name, each with its rows and their numbers as a spreadsheet shows them.
pub type Book = Vec<(String, Rows)>;

/// Reads every sheet of an XLSX file; or CSV in which a name in the first column begins a sheet, as XLSForms are written.
/// Cells are kept as they are: nothing that looks like a formula was made harmless in a book.
pub fn read_book(bytes: &[u8]) -> Result<Book, SheetError> {
    if bytes.len() > BYTES_MAX {
        return Err(SheetError::TooLarge(format!("a file has at most {} MB", BYTES_MAX / 1024 / 1024)));
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        let mut book: Book = Vec::new();
        for (number, mut cells) in read_csv(bytes)? {
            let name = if cells.is_empty() { String::new() } else { cells.remove(0) };
            if !name.is_empty() {
                book.push((name, Vec::new()));
            } else if let Some((_, rows)) = book.last_mut() {
                rows.push((number, cells));
            }
        }
        return Ok(book);
    }
    let damaged = |error: &dyn std::fmt::Display| SheetError::Format(format!("not an XLSX file: {error}"));
    check_unfolded(bytes)?;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).map_err(|error: calamine::XlsxError| damaged(&error))?;
    let mut sheets = Vec::new();
    for name in book.sheet_names().into_iter().take(SHEETS_MAX) {
        let range = book.worksheet_range(&name).map_err(|error| damaged(&error))?;
        let (height, width) = range.get_size();
        if height > ROWS_MAX * 2 || width > COLUMNS_MAX * 2 {
            return Err(SheetError::TooLarge(format!("a sheet has at most {ROWS_MAX} rows and {COLUMNS_MAX} columns")));
        }
        let (first, left) = range.start().map_or((0, 0), |(row, column)| (row as usize, column as usize));
        let mut rows = Vec::new();
        for (at, row) in range.rows().enumerate() {
            let mut cells = vec![String::new(); left];
            for data in row {
                let text = plain(data);
                if text.chars().count() > BOOK_CELL_CHARS_MAX {
                    return Err(SheetError::TooLarge(format!("a cell has at most {BOOK_CELL_CHARS_MAX} characters")));
                }
                cells.push(text);
            }
            rows.push((first + at + 1, cells));
        }
        sheets.push((name, rows));
    }
    Ok(sheets)
}

/// Rows with their numbers.
type Rows = Vec<(usize, Vec<String>)>;

fn read_csv(bytes: &[u8]) -> Result<Rows, SheetError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => {
            let (text, _, damaged) = encoding_rs::GB18030.decode(bytes);
            if damaged {
                return Err(SheetError::Format("the text is neither UTF-8 nor GB 18030".to_owned()));
            }
            text.into_owned()
        }
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let record = record.map_err(|error| SheetError::Format(format!("not CSV: {error}")))?;
        if at > ROWS_MAX + 1 {
            return Err(SheetError::TooLarge(format!("a file has at most {ROWS_MAX} rows")));
        }
        rows.push((at + 1, record.iter().map(cell).collect::<Result<_, _>>()?));
    }
    Ok(rows)
}

fn read_xlsx(bytes: &[u8]) -> Result<Rows, SheetError> {
    let damaged = |error: &dyn std::fmt::Display| SheetError::Format(format!("not an XLSX file: {error}"));
    check_unfolded(bytes)?;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).map_err(|error: calamine::XlsxError| damaged(&error))?;
    let name = book.sheet_names().first().cloned().ok_or_else(|| damaged(&"it has no sheet"))?;
    let range = book.worksheet_range(&name).map_err(|error| damaged(&error))?;
    let (height, width) = range.get_size();
    if height > ROWS_MAX * 2 || width > COLUMNS_MAX * 2 {
        return Err(SheetError::TooLarge(format!("a file has at most {ROWS_MAX} rows and {COLUMNS_MAX} columns")));
    }
    // The used range may begin below the first row.
    let first = range.start().map_or(0, |(row, _)| row as usize);
    range
        .rows()
        .enumerate()
        .map(|(at, row)| Ok((first + at + 1, row.iter().map(|data| cell(&plain(data))).collect::<Result<_, _>>()?)))
        .collect()
}

/// Unfolds every part once, into nothing, so that a bomb is found before anything keeps it.
fn check_unfolded(bytes: &[u8]) -> Result<(), SheetError> {
    let damaged = |error: &dyn std::fmt::Display| SheetError::Format(format!("not an XLSX file: {error}"));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let mut left = UNFOLDED_BYTES_MAX;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|error| damaged(&error))?;
        let unfolded = std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|error| damaged(&error))?;
        left = left.checked_sub(unfolded).ok_or_else(|| SheetError::TooLarge("the file unfolds to more than 100 MB".to_owned()))?;
    }
    Ok(())
}

fn plain(data: &Data) -> String {
    match data {
        Data::Empty => String::new(),
        // A spreadsheet keeps every number as a fraction; 300 is written 300.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        other => other.to_string(),
    }
}

fn cell(text: &str) -> Result<String, SheetError> {
    let text = text.trim();
    if text.chars().count() > CELL_CHARS_MAX {
        return Err(SheetError::TooLarge(format!("a cell has at most {CELL_CHARS_MAX} characters")));
    }
    // What an export made harmless comes back as it was.
    let text = text.strip_prefix('\'').filter(|rest| begins_a_formula(rest)).unwrap_or(text);
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_in_both_encodings_and_keeps_row_numbers() {
        let text = "\u{feff}name, kind\r\n\"东岸, 小学\",school_canteen\r\n,\r\n'=x,b\r\n";
        let table = read(text.as_bytes()).unwrap();
        assert_eq!(table.header, ["name", "kind"]);
        assert_eq!(
            table.rows,
            [(2, vec!["东岸, 小学".to_owned(), "school_canteen".to_owned()]), (4, vec!["=x".to_owned(), "b".to_owned()])]
        );
        let (gb, _, _) = encoding_rs::GB18030.encode("名称\n东岸小学\n");
        assert_eq!(read(&gb).unwrap().rows[0].1, ["东岸小学"]);
    }

    #[test]
    fn what_is_no_table_or_too_large_is_refused() {
        assert!(matches!(read(b""), Err(SheetError::Format(_))));
        assert!(matches!(read(b"PK\x03\x04 no zip"), Err(SheetError::Format(_))));
        assert!(matches!(read(b"\xff\xff\xff"), Err(SheetError::Format(_))));
        assert!(matches!(read("a\n".repeat(ROWS_MAX + 10).as_bytes()), Err(SheetError::TooLarge(_))));
        assert!(matches!(read("x".repeat(CELL_CHARS_MAX + 1).as_bytes()), Err(SheetError::TooLarge(_))));
        assert!(matches!(read(&vec![b'a'; BYTES_MAX + 1]), Err(SheetError::TooLarge(_))));
    }

    #[test]
    fn a_file_that_unfolds_without_end_is_refused_before_it_is_kept() {
        let mut bomb = Cursor::new(Vec::new());
        let mut writer = zip::ZipWriter::new(&mut bomb);
        writer
            .start_file(
                "xl/worksheets/sheet1.xml",
                zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated),
            )
            .unwrap();
        let zeros = vec![0_u8; 1024 * 1024];
        for _ in 0..=UNFOLDED_BYTES_MAX / zeros.len() as u64 {
            std::io::Write::write_all(&mut writer, &zeros).unwrap();
        }
        writer.finish().unwrap();
        let bomb = bomb.into_inner();
        assert!(bomb.len() < BYTES_MAX, "{} bytes", bomb.len());
        assert!(matches!(read(&bomb), Err(SheetError::TooLarge(_))));
    }
}
