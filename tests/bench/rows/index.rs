//! Timeline and index of a large store: `.ci/bench-index` makes it and asks the program's own routes; its figures are
//! taken over.

use std::process::Command;

use crate::figures::milliseconds;
use crate::table::{Table, Verdict};

const SCRIPT: &str = ".ci/bench-index";
const TIMELINE: (&str, &str) = ("timeline of a day of one camera, in a store of 1,500 cameras x 90 days", "p95 at most 20 ms");
const INDEX: (&str, &str) = ("index in the database", "at most 50 B a camera-minute");

pub(crate) fn measure(table: &mut Table) {
    let output = std::path::Path::new(SCRIPT).exists().then(|| Command::new(SCRIPT).output().unwrap());
    let all = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    eprint!("{all}");
    for (engine, name) in [("Sqlite: ", "SQLite"), ("Postgres: ", "PostgreSQL")] {
        let said: String = all.lines().filter(|line| line.starts_with(engine)).map(|line| format!("{line}\n")).collect();
        let bytes = after(&said, "B a camera-minute").and_then(|before| before.split_whitespace().next_back()?.parse::<f64>().ok());
        let p95 = said.lines().find_map(|line| milliseconds(line.split_once("timeline of a day")?.1.rsplit_once("p95 ")?.1.trim()));
        row(table, &format!("{}, {name}", TIMELINE.0), TIMELINE.1, p95.map(|ms| (format!("{ms:.1} ms"), ms <= 20.0)));
        row(table, &format!("{}, {name}", INDEX.0), INDEX.1, bytes.map(|bytes| (format!("{bytes:.1} B"), bytes <= 50.0)));
    }
}

fn row(table: &mut Table, what: &str, target: &str, found: Option<(String, bool)>) {
    match found {
        Some((measured, met)) => table.judged(what, target, &measured, "—", met),
        None => table.row(what, target, "—", "—", Verdict::Unmeasured),
    }
}

/// What stands before a text on its line.
fn after<'a>(said: &'a str, text: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.split_once(text)).map(|(before, _)| before)
}
