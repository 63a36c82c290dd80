//! The pages on a phone-sized Chromium: what an installation downloads, starts with a slow network and without one, and a tap.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::figures::{median, percentile, spread};
use crate::table::{Table, Verdict};

const INSTALL: (&str, &str) = ("the PWA: install size, compressed", "at most 400 KB");
const START: (&str, &str) = ("the PWA: first start to usable, CPU / 4 and slow 4G", "at most 3 s");
const OFFLINE: (&str, &str) = ("the PWA: second start off line, CPU / 4", "at most 1 s");
const TAP: (&str, &str) = ("a tap in a 200-item checklist to the next paint, CPU / 4", "under 100 ms");

pub(crate) fn measure(table: &mut Table) {
    match run("phone-speed.mjs") {
        Some(told) => {
            let list = |name: &str| {
                told[name].as_array().map(|list| list.iter().filter_map(Value::as_f64).collect::<Vec<f64>>()).unwrap_or_default()
            };
            let kilobytes = told["install_bytes"].as_f64().unwrap_or(f64::NAN) / 1e3;
            let measured = format!("{kilobytes:.0} KB in {} files", told["install_files"]);
            table.judged(INSTALL.0, INSTALL.1, &measured, "—", kilobytes <= 400.0);
            for (row, name, most) in [(START, "start_ms", 3_000.0), (OFFLINE, "offline_ms", 1_000.0)] {
                let values = list(name);
                table.judged(row.0, row.1, &format!("{} ms of {}", spread(&values, 0), values.len()), "—", median(&values) <= most);
            }
        }
        None => [INSTALL, START, OFFLINE].into_iter().for_each(|row| unmeasured(table, row)),
    }
    match run("checklist-speed.mjs") {
        Some(told) => {
            let values: Vec<f64> = told["taps_ms"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
            let measured = format!(
                "p50 {:.0}, p90 {:.0}, most {:.0} ms of {}",
                median(&values),
                percentile(&values, 0.9),
                percentile(&values, 1.0),
                values.len()
            );
            table.judged(TAP.0, TAP.1, &measured, "—", percentile(&values, 0.9) < 100.0);
        }
        None => unmeasured(table, TAP),
    }
}

fn unmeasured(table: &mut Table, row: (&str, &str)) {
    table.row(row.0, row.1, "the browser did not run", "—", Verdict::Unmeasured);
}

/// The last line that a script of the browser tests says, which is JSON.
fn run(script: &str) -> Option<Value> {
    let mut command = Command::new("node");
    let done = command.arg(format!("tests/browser/{script}")).stdin(Stdio::null()).stderr(Stdio::inherit()).output().ok()?;
    let said = String::from_utf8_lossy(&done.stdout);
    said.lines().rev().find_map(|line| serde_json::from_str(line).ok())
}
