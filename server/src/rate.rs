//! Limits how often one address may do a thing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mobile_api::problem::ProblemType;

use crate::http::Problem;

/// Addresses that are remembered; beyond that, those whose window has passed are forgotten first.
const KEYS_MAX: usize = 10_000;

/// At most `count` times in a window.
#[derive(Debug, Clone)]
pub struct Limiter {
    count: u32,
    window_ms: i64,
    seen: Arc<Mutex<HashMap<String, (i64, u32)>>>,
}

impl Limiter {
    /// At most `count` in `window_ms`.
    pub fn new(count: u32, window_ms: i64) -> Self {
        Self { count, window_ms, seen: Arc::default() }
    }

    /// Counts one; refuses what is too many.
    pub fn take(&self, key: &str, now_ms: i64) -> Result<(), Problem> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KEYS_MAX && !seen.contains_key(key) {
            make_room(&mut seen, now_ms - self.window_ms);
        }
        let entry = seen.entry(key.to_owned()).or_insert((now_ms, 0));
        if now_ms - entry.0 >= self.window_ms {
            *entry = (now_ms, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        if entry.1 > self.count {
            let retry_after_s = (entry.0 + self.window_ms - now_ms + 999) / 1_000;
            return Err(Problem::of(ProblemType::RateLimited).with("retry_after_s", retry_after_s));
        }
        Ok(())
    }
}

impl Limiter {
    /// Refuses whom [`Self::take`] would refuse, and counts nothing: for limits on failures.
    pub fn look(&self, key: &str, now_ms: i64) -> Result<(), Problem> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(key) {
            Some((start, count)) if now_ms - start < self.window_ms && *count >= self.count => {
                let retry_after_s = (start + self.window_ms - now_ms + 999) / 1_000;
                Err(Problem::of(ProblemType::RateLimited).with("retry_after_s", retry_after_s))
            }
            _ => Ok(()),
        }
    }
}

/// Forgets those whose window began at `over_ms` or before; where nobody's has passed, the tenth that began first, so that
/// who comes with ever new keys pays with the oldest of them and the map never grows.
fn make_room(seen: &mut HashMap<String, (i64, u32)>, over_ms: i64) {
    seen.retain(|_, (start_ms, _)| *start_ms > over_ms);
    if seen.len() < KEYS_MAX {
        return;
    }
    let mut starts: Vec<(i64, String)> = seen.iter().map(|(key, (start_ms, _))| (*start_ms, key.clone())).collect();
    starts.sort_unstable();
    for (_, key) in starts.into_iter().take(KEYS_MAX / 10) {
        seen.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYS_MAX, Limiter};

    #[test]
    fn ever_new_keys_push_out_the_oldest_and_never_grow_the_map() {
        let limiter = Limiter::new(1, 1_000_000);
        for number in 0..KEYS_MAX * 2 {
            assert!(limiter.take(&format!("key {number}"), i64::try_from(number).unwrap_or(0)).is_ok());
        }
        assert!(limiter.seen.lock().is_ok_and(|seen| seen.len() <= KEYS_MAX));
        let newest = format!("key {}", KEYS_MAX * 2 - 1);
        assert!(limiter.take(&newest, 20_000).is_err(), "the newest is still counted");
        assert!(limiter.take("key 0", 20_000).is_ok(), "the oldest was forgotten");
    }

    #[test]
    fn looking_counts_nothing() {
        let limiter = Limiter::new(1, 1_000);
        assert!(limiter.look("a", 0).is_ok() && limiter.look("a", 0).is_ok());
        assert!(limiter.take("a", 0).is_ok());
        assert!(limiter.look("a", 999).is_err() && limiter.look("a", 1_000).is_ok());
    }

    #[test]
    fn more_than_the_limit_waits_for_the_next_window() {
        let limiter = Limiter::new(2, 1_000);
        assert!(limiter.take("a", 0).is_ok() && limiter.take("a", 1).is_ok());
        assert!(limiter.take("a", 999).is_err());
        assert!(limiter.take("b", 999).is_ok());
        assert!(limiter.take("a", 1_000).is_ok());
    }
}
