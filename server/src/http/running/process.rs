//! The program as the kernel sees it, under the names that Prometheus' client libraries use. From `/proc`; what cannot be
//! read there is left out.

use super::metrics::Text;

/// Clock ticks a second in `/proc`, which Linux fixes for all architectures.
const TICKS_PER_S: f64 = 100.0;

pub(super) fn write(text: &mut Text) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    if let Some(cpu_s) = read("stat").as_deref().and_then(cpu_s) {
        text.one("process_cpu_seconds_total", "counter", "User and system time of this process", cpu_s);
    }
    if let Some(bytes) = read("status").as_deref().and_then(resident_bytes) {
        text.one("process_resident_memory_bytes", "gauge", "Memory of this process", bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        text.one("process_open_fds", "gauge", "Open files and connections", files.count());
    }
    if let Some(files) = read("limits").as_deref().and_then(files_max) {
        text.one("process_max_fds", "gauge", "Files and connections that may be open", files);
    }
}

/// The name of the program stands in brackets and may hold anything; what follows is separated by blanks.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).map(str::parse::<u32>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(f64::from(user.checked_add(system)?) / TICKS_PER_S)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn files_max(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        let stat = "42 (bright) (kitchen) S 1 42 42 0 -1 4194304 900 0 0 0 150 50 7 8 20 0 9 0 100 1 2";
        assert_eq!(cpu_s(stat), Some(2.0));
        assert_eq!(resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(files_max("Max open files            65536                1048576              files     "), Some(65_536));
        assert_eq!((cpu_s("nonsense"), resident_bytes(""), files_max("")), (None, None, None));
    }
}
