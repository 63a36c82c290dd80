//! What was measured, as a table that people read.

use std::fmt::Write as _;

use crate::site::{moment, now_ms};

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
    /// The day, and how busy the machine was.
    when: String,
}

/// The table in a document stands between these.
const BEGIN: &str = "<!-- written by `OUT=this-file make bench`; not by hand -->";
const END: &str = "<!-- to here -->";
const HEAD: &str = "| what | target | measured | peer | | when |\n|---|---|---|---|---|---|\n";

impl Row {
    fn markdown(&self) -> String {
        let Self { what, target, measured, peer, verdict, when } = self;
        let verdict = match verdict {
            Verdict::Met => "met",
            Verdict::Missed => "**missed**",
            Verdict::Told => "",
            Verdict::Unmeasured => "not measured",
        };
        format!("| {what} | {target} | {measured} | {peer} | {verdict} | {when} |\n")
    }

    /// How its line begins, by which it is found again.
    fn begins(&self) -> String {
        format!("| {} |", self.what)
    }
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
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split_whitespace().next().unwrap_or("?").to_owned();
        let when = format!("{}, load {load}", &moment(now_ms())[..10]);
        self.rows.push(Row { what, target, measured, peer, verdict, when });
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
        let mut text = String::from(HEAD);
        text.extend(self.rows.iter().map(Row::markdown));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let asked = self.rows.iter().filter(|row| row.verdict != Verdict::Told).count();
        let met = asked - self.misses();
        writeln!(text, "\n{met} of {asked} met, in {minutes:.1} min on {cores} cores (load at the end: {load}).").unwrap();
        text
    }

    /// Puts the lines into the table of a document; lines of other runs about other things stay.
    pub(crate) fn write_into(&self, path: &std::path::Path) {
        let old = std::fs::read_to_string(path).unwrap_or_default();
        std::fs::write(path, self.within(&old)).unwrap();
    }

    fn within(&self, document: &str) -> String {
        let (before, rest) = document.split_once(BEGIN).unwrap_or((document, ""));
        let (between, after) = rest.split_once(END).unwrap_or(("", "\n"));
        let head: Vec<&str> = HEAD.lines().collect();
        let mut lines: Vec<String> =
            between.lines().filter(|line| line.starts_with("| ") && !head.contains(line)).map(|line| format!("{line}\n")).collect();
        for row in &self.rows {
            match lines.iter_mut().find(|line| line.starts_with(&row.begins())) {
                Some(line) => *line = row.markdown(),
                None => lines.push(row.markdown()),
            }
        }
        let separated = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        format!("{before}{separated}{BEGIN}\n{HEAD}{}{END}{after}", lines.concat())
    }
}
