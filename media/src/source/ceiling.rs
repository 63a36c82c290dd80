//! A ceiling for the process: what cameras send and never end is given up before memory runs out.
//!
//! The RTSP client sets no limit on a description or a picture that is not complete, and tells nobody how much of it there is.
//! So the program watches itself: above the ceiling, every source that has given no picture for a moment breaks off. A camera
//! that works gives one many times in that moment; one that sends without end gives none.

use std::time::Duration;

use tokio::sync::Notify;

use super::SourceError;
use crate::camera::StateReason;
use crate::clock::Clock;

/// A source without a picture for so long is not one that works.
const SILENT: Duration = Duration::from_millis(500);

/// What the program has without cameras: pages, database, answers under way, and pictures that are asked for, bytes.
const WITHOUT_CAMERAS: u64 = 768 << 20;
/// What a camera may cost: under 4 MB as measured, and two whole pictures of the largest size on their way (8 MB each), bytes.
const A_CAMERA: u64 = 20 << 20;

/// How much memory the program may have before sources that give nothing are broken off.
#[derive(Debug)]
pub struct Ceiling {
    /// Set by hand; else it follows the number of cameras.
    bytes_max: Option<u64>,
    /// Never above it: three quarters of what the machine, or its container, has.
    machine_bytes_max: u64,
    reached: Notify,
}

impl Ceiling {
    /// At `bytes_max`; `None`: by the number of cameras, and at most three quarters of what the machine, or its container, has.
    #[must_use]
    pub fn new(bytes_max: Option<u64>) -> Self {
        Self { bytes_max, machine_bytes_max: machine_bytes() / 4 * 3, reached: Notify::new() }
    }

    /// Where it lies for so many cameras, bytes.
    #[must_use]
    pub fn bytes_max(&self, cameras: usize) -> u64 {
        let of_cameras = A_CAMERA.saturating_mul(u64::try_from(cameras).unwrap_or(u64::MAX));
        self.bytes_max.unwrap_or_else(|| WITHOUT_CAMERAS.saturating_add(of_cameras).min(self.machine_bytes_max))
    }

    /// Looks at the program's memory; above the ceiling for so many cameras everybody who waits for a picture is asked. Says
    /// whether.
    pub fn look(&self, cameras: usize) -> bool {
        let over = resident_bytes().is_some_and(|bytes| bytes > self.bytes_max(cameras));
        if over {
            self.reached.notify_waiters();
        }
        over
    }

    /// `work`, unless the ceiling is reached while it has lasted for a moment since `since` of the monotonic clock.
    ///
    /// # Errors
    /// The ceiling was reached.
    pub async fn under<T>(&self, clock: &dyn Clock, since: Duration, work: impl Future<Output = T>) -> Result<T, SourceError> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = self.reached.notified() => {
                    if clock.monotonic().saturating_sub(since) >= SILENT {
                        let detail = "broken off: it sends without ever ending a picture, and the program's memory runs out";
                        return Err(SourceError::new(StateReason::BadStream, detail));
                    }
                }
            }
        }
    }
}

/// What the kernel counts for this program.
fn resident_bytes() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The machine's memory, or the container's where that is less; without either, nothing is ever above it.
fn machine_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| kilobytes(&text, "MemTotal:")).unwrap_or(u64::MAX);
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    container.map_or(machine, |container: u64| machine.min(container))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn the_kernel_says_how_much_there_is() {
        assert_eq!(kilobytes("VmPeak:\t 9 kB\nVmRSS:\t    2048 kB\n", "VmRSS:"), Some(2 << 20));
        assert!(resident_bytes().expect("on Linux") > 1 << 20);
        assert!(machine_bytes() > resident_bytes().expect("on Linux"));
        assert!(Ceiling::new(Some(1)).look(0) && !Ceiling::new(Some(u64::MAX)).look(0) && !Ceiling::new(None).look(1_500));
    }

    #[test]
    fn it_follows_the_number_of_cameras_as_far_as_the_machine_goes() {
        let of = |machine_bytes_max| Ceiling { bytes_max: None, machine_bytes_max, reached: Notify::new() };
        assert_eq!(of(64 << 30).bytes_max(0), 768 << 20);
        assert_eq!(of(64 << 30).bytes_max(200), (768 + 200 * 20) << 20);
        assert_eq!(of(3 << 30).bytes_max(200), 3 << 30);
        assert_eq!(Ceiling::new(Some(5)).bytes_max(200), 5, "set by hand");
    }

    #[tokio::test]
    async fn only_who_has_waited_for_a_moment_is_broken_off() {
        let (ceiling, clock) = (Ceiling::new(Some(1)), SystemClock::new());
        let asked = async {
            loop {
                ceiling.look(0);
                tokio::task::yield_now().await;
            }
        };
        let stuck = ceiling.under(&clock, Duration::ZERO, std::future::pending::<()>());
        tokio::select! {
            broken = stuck => assert!(broken.is_err()),
            () = asked => unreachable!("it never ends"),
        }
        assert_eq!(ceiling.under(&clock, Duration::ZERO, async { 7 }).await.ok(), Some(7), "what comes in time is taken");
    }
}
