//! How long to wait before connecting again.

use std::time::Duration;

use rand::Rng;

use crate::camera::StateReason;
use crate::settings::EngineConfig;

/// The pause before the next attempt: doubles up to a limit, and is jittered so that cameras behind one switch that
/// came back do not all connect in the same second.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
    unauthorized: Duration,
    not_found: Duration,
}

impl Backoff {
    /// Starts with the shortest pause.
    #[must_use]
    pub fn new(config: &EngineConfig) -> Self {
        let min = Duration::from_millis(config.backoff_min_ms);
        Self {
            min,
            max: Duration::from_millis(config.backoff_max_ms),
            next: min,
            unauthorized: Duration::from_millis(config.unauthorized_retry_ms),
            not_found: Duration::from_millis(config.not_found_retry_ms),
        }
    }

    /// The stream was healthy for long enough: start over.
    pub fn reset(&mut self) {
        self.next = self.min;
    }

    /// The pause after a failure with `reason`. `jitter` is in 0..1.
    ///
    /// 401 and 403 wait long, because cameras lock accounts; 404 waits for somebody to correct the address, as does a
    /// certificate that nobody vouches for. Neither is shortened by jitter: the promise is "at most one try in ten minutes".
    pub fn pause(&mut self, reason: StateReason, jitter: f64) -> Duration {
        match reason {
            StateReason::Unauthorized => self.unauthorized.mul_f64(1.0 + 0.1 * jitter),
            StateReason::NotFound | StateReason::AddressNotAllowed | StateReason::UntrustedCertificate => {
                self.not_found.mul_f64(1.0 + 0.1 * jitter)
            }
            _ => {
                let pause = self.next.mul_f64(0.75 + 0.5 * jitter).min(self.max);
                self.next = (self.next * 2).min(self.max);
                pause
            }
        }
    }

    /// The same with a jitter drawn from the system.
    pub fn pause_now(&mut self, reason: StateReason) -> Duration {
        self.pause(reason, rand::rng().random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_minute_and_start_over_after_a_healthy_time() {
        let mut backoff = Backoff::new(&EngineConfig::new("/r".into()));
        let pauses: Vec<u64> = (0..8).map(|_| backoff.pause(StateReason::Refused, 0.5).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.pause(StateReason::Refused, 0.0).as_secs(), 45);
        assert!(backoff.pause(StateReason::Refused, 1.0).as_secs() <= 60);
        backoff.reset();
        assert_eq!(backoff.pause(StateReason::Stalled, 0.0).as_millis(), 750);
    }

    #[test]
    fn a_wrong_password_is_tried_at_most_once_in_ten_minutes_and_costs_the_others_nothing() {
        let mut backoff = Backoff::new(&EngineConfig::new("/r".into()));
        for jitter in [0.0, 0.3, 1.0] {
            assert!(backoff.pause(StateReason::Unauthorized, jitter).as_secs() >= 600);
            assert!(backoff.pause(StateReason::NotFound, jitter).as_secs() >= 60);
        }
        assert_eq!(backoff.pause(StateReason::Timeout, 0.5).as_secs(), 1);
    }
}
