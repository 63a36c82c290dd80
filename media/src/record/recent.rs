//! How often something happened in the last hour, to the minute: a count since the start says nothing about today.

/// Minutes that are looked back on.
const MINUTES: usize = 60;
/// A minute, milliseconds.
const MINUTE_MS: i64 = 60_000;

/// Counts of the last sixty minutes, by the monotonic clock.
#[derive(Debug)]
pub struct Recent {
    /// By minute, modulo sixty.
    counts: [u32; MINUTES],
    /// The newest minute that is counted.
    newest: i64,
}

impl Default for Recent {
    fn default() -> Self {
        Self { counts: [0; MINUTES], newest: 0 }
    }
}

impl Recent {
    /// It happened so many times more.
    pub fn add(&mut self, count: u32, mono_ms: i64) {
        self.forget(mono_ms);
        let at = place(self.newest);
        if let Some(minute) = self.counts.get_mut(at) {
            *minute = minute.saturating_add(count);
        }
    }

    /// How often it happened in the hour before.
    pub fn sum(&mut self, mono_ms: i64) -> u64 {
        self.forget(mono_ms);
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Empties the minutes that began since the newest.
    fn forget(&mut self, mono_ms: i64) {
        let now = mono_ms.div_euclid(MINUTE_MS);
        let passed = usize::try_from(now.saturating_sub(self.newest)).unwrap_or(0);
        for minute in (1..=passed.min(MINUTES)).filter_map(|n| i64::try_from(n).ok()) {
            if let Some(count) = self.counts.get_mut(place(now - minute + 1)) {
                *count = 0;
            }
        }
        self.newest = self.newest.max(now);
    }
}

fn place(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(60)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_and_what_is_older_is_forgotten() {
        let mut recent = Recent::default();
        recent.add(2, 0);
        recent.add(1, 59_999);
        recent.add(4, 30 * MINUTE_MS);
        assert_eq!(recent.sum(59 * MINUTE_MS), 7);
        assert_eq!(recent.sum(60 * MINUTE_MS), 4, "the first minute is over an hour ago");
        recent.add(1, 89 * MINUTE_MS);
        assert_eq!(recent.sum(90 * MINUTE_MS), 1);
        assert_eq!(recent.sum(90 * MINUTE_MS - 1), 1, "time that goes back forgets nothing");
        assert_eq!(recent.sum(100_000 * MINUTE_MS), 0);
    }
}
