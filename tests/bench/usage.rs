//! What processes use: processor time and memory, as the kernel counts them.

use std::collections::HashMap;

/// Length of the kernel's tick, seconds; 100 a second on every Linux that Debian builds.
const TICK_S: f64 = 0.01;

/// Processor time of a process so far, its finished threads included, seconds. `None` when it is gone.
pub(crate) fn cpu_s(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets; the fields behind it do not.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * TICK_S)
}

/// The same of several processes.
pub(crate) fn cpu_of(pids: &[u32]) -> f64 {
    pids.iter().filter_map(|pid| cpu_s(*pid)).sum()
}

/// Proportional set size of a process, bytes: its own memory and its share of what is shared.
pub(crate) fn pss_bytes(pid: u32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// Children of a process.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if of == Some(parent) {
            children.push(pid);
        }
    }
    children
}

/// Processor time of groups of processes over one stretch of wall time.
pub(crate) struct Window {
    began: std::time::Instant,
    before: HashMap<&'static str, f64>,
}

impl Window {
    /// Begins; each group is named.
    pub(crate) fn begin(groups: &[(&'static str, &[u32])]) -> Self {
        let before = groups.iter().map(|(name, pids)| (*name, cpu_of(pids))).collect();
        Self { began: std::time::Instant::now(), before }
    }

    /// Share of one core that each group used since, percent.
    pub(crate) fn percent(&self, groups: &[(&'static str, &[u32])]) -> HashMap<&'static str, f64> {
        let seconds = self.began.elapsed().as_secs_f64();
        groups.iter().map(|(name, pids)| (*name, (cpu_of(pids) - self.before[name]) / seconds * 100.0)).collect()
    }
}

/// Processor time of all children that have ended and were waited for, seconds.
pub(crate) fn waited_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().unwrap();
    (ticks(13) + ticks(14)) * TICK_S
}
