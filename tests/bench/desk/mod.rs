//! The desk's targets (`AREA=desk`): how soon an alert is shown, how soon its clip, and how fast a large district is searched. For the
//! last `.ci/bench-inbox` fills a district and asks the program's own routes; its figures are taken over.

mod opened;
mod shown;

use std::process::Command;

use crate::figures::milliseconds;
use crate::table::{Table, Verdict};

/// Parts of the area.
pub(crate) const PARTS: [&str; 3] = ["shown", "opened", "inbox"];

const TARGET: &str = "p95 at most 100 ms";
const TARGET_MS: f64 = 100.0;
const STORE: &str = "with 1,000,000 alerts, 100,000 inspections, 1,500 cameras";

/// Measures one part.
pub(crate) async fn measure(part: &str, table: &mut Table) {
    match part {
        "shown" => shown::measure(table).await,
        "opened" => opened::measure(table).await,
        _ => inbox(table),
    }
}

fn inbox(table: &mut Table) {
    let output = Command::new(".ci/bench-inbox").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprint!("{said}");
    for (engine, name) in [("Sqlite", "SQLite"), ("Postgres", "PostgreSQL")] {
        for what in ["inbox", "words", "overview"] {
            for who in ["district", "office", "canteen"] {
                if (what, who) == ("overview", "canteen") {
                    continue;
                }
                let begins = format!("{engine}: {what} of {who}: ");
                let times = said.lines().find_map(|line| line.strip_prefix(&begins));
                let p95 = times.and_then(|times| milliseconds(times.rsplit_once("p95 ")?.1.trim()));
                let row = format!("{what} as {who} {STORE}, {name}");
                match (p95, times) {
                    (Some(ms), Some(times)) => table.judged(&row, TARGET, times.trim(), "—", ms <= TARGET_MS),
                    _ => table.row(&row, TARGET, "—", "—", Verdict::Unmeasured),
                }
            }
        }
    }
}
