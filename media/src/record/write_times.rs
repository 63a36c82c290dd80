//! How long writing takes: a histogram over all cameras, because one slow disk is everybody's trouble.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, milliseconds; what is longer is counted behind the last.
pub const BUCKETS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/// Times of one kind of act since the start. Written by the muxers' threads, read by whoever shows figures.
#[derive(Debug, Default)]
pub struct Times {
    buckets: [AtomicU64; BUCKETS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// The times of all acts on the recordings' disk.
#[derive(Debug, Default)]
pub struct WriteTimes {
    /// Writing a fragment; where it begins a file, with making and syncing the file.
    pub writes: Times,
    /// Syncing a file that grows, and closing one.
    pub syncs: Times,
}

/// [`Times`] as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimesFigures {
    /// Acts up to each of [`BUCKETS_MS`], those of smaller buckets included, and all.
    pub up_to: Vec<(Option<u64>, u64)>,
    /// Time of all acts together.
    pub sum: Duration,
}

impl Times {
    /// Counts an act.
    pub fn note(&self, took: Duration) {
        let bucket = BUCKETS_MS.iter().position(|end| took <= Duration::from_millis(*end)).unwrap_or(BUCKETS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn figures(&self) -> TimesFigures {
        let mut count = 0;
        let ends = BUCKETS_MS.iter().copied().map(Some).chain([None]);
        let up_to = ends
            .zip(&self.buckets)
            .map(|(end, bucket)| {
                count += bucket.load(Ordering::Relaxed);
                (end, count)
            })
            .collect();
        TimesFigures { up_to, sum: Duration::from_micros(self.sum_us.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_act_is_counted_in_every_bucket_it_fits_in() {
        let times = Times::default();
        for ms in [0, 5, 60, 90_000] {
            times.note(Duration::from_millis(ms));
        }
        let figures = times.figures();
        let of = |end| figures.up_to.iter().find(|(known, _)| *known == end).map(|(_, count)| *count);
        assert_eq!((of(Some(1)), of(Some(5)), of(Some(50)), of(Some(100)), of(None)), (Some(1), Some(2), Some(2), Some(3), Some(4)));
        assert_eq!(figures.sum, Duration::from_millis(90_065));
    }
}
