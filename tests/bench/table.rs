//! What was measured, as a table that people read.

use std::fmt::Write as _;

/// How a figure stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Nothing was asked of it.
    Told,
    /// It could not be measured here.
    Unmeasured,
}

/// One line.
#[derive(Debug, Clone)]
struct Row {
    what: String,
    target: String,
    measured: String,
    peer: String,
    verdict: Verdict,
}

/// All lines, in the order they were measured.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Row>,
    began: std::time::Instant,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), began: std::time::Instant::now() }
    }

    /// Adds a line; it is also said at once, for whoever waits.
    pub(crate) fn row(&mut self, what: &str, target: &str, measured: &str, peer: &str, verdict: Verdict) {
        eprintln!("   {what}: {measured} (target {target}; peer {peer}) {verdict:?}");
        let [what, target, measured, peer] = [what, target, measured, peer].map(str::to_owned);
        self.rows.push(Row { what, target, measured, peer, verdict });
    }

    /// Adds a line that is met or missed.
    pub(crate) fn judged(&mut self, what: &str, target: &str, measured: &str, peer: &str, met: bool) {
        self.row(what, target, measured, peer, if met { Verdict::Met } else { Verdict::Missed });
    }

    pub(crate) fn misses(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.verdict, Verdict::Missed | Verdict::Unmeasured)).count()
    }

    /// The table in Markdown, with what it was measured on.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| what | target | measured | peer | |\n|---|---|---|---|---|\n");
        for Row { what, target, measured, peer, verdict } in &self.rows {
            let verdict = match verdict {
                Verdict::Met => "met",
                Verdict::Missed => "**missed**",
                Verdict::Told => "",
                Verdict::Unmeasured => "not measured",
            };
            writeln!(text, "| {what} | {target} | {measured} | {peer} | {verdict} |").unwrap();
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let asked = self.rows.iter().filter(|row| row.verdict != Verdict::Told).count();
        let met = asked - self.misses();
        writeln!(text, "\n{met} of {asked} met, in {minutes:.1} min on {cores} cores (load at the end: {load}).").unwrap();
        text
    }
}
