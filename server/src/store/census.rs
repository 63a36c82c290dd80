//! Which query ran on which engine, for the tests only: a build that is not optimised writes each place of the sources whose
//! SQL ran, once for each engine, into the file that `BRIGHT_KITCHEN_QUERY_CENSUS` names. `.ci/check-queries` holds it against
//! the sources when all tests have run: a query, or a condition of one, that ran on one engine only may not work on the other.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::panic::Location;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::Conn;

type Place = (&'static str, &'static str, u32);

static SEEN: OnceLock<Option<(File, Mutex<HashSet<Place>>)>> = OnceLock::new();

fn open() -> Option<(File, Mutex<HashSet<Place>>)> {
    let path = std::env::var_os("BRIGHT_KITCHEN_QUERY_CENSUS")?;
    let file = OpenOptions::new().create(true).append(true).open(path).ok()?;
    Some((file, Mutex::default()))
}

/// The SQL at this place runs on this connection's engine.
pub(crate) fn ran(conn: &Conn<'_>, file: &'static str, line: u32) {
    let Some((census, seen)) = SEEN.get_or_init(open) else { return };
    let engine = match conn {
        Conn::Sqlite(_) => "sqlite",
        Conn::Postgres(_) => "postgres",
    };
    if seen.lock().unwrap_or_else(PoisonError::into_inner).insert((engine, file, line)) {
        // One short line at a time: other tests append to the same file. A line that is lost is a place that seems not to have run.
        let line = format!("{engine} {file}:{line}\n");
        let _ = (&*census).write_all(line.as_bytes());
    }
}

/// The same for SQL that is put together from many places.
pub(crate) fn ran_all(conn: &Conn<'_>, places: &[&'static Location<'static>]) {
    for place in places {
        ran(conn, place.file(), place.line());
    }
}
