//! When pictures were taken, by their times in the stream.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// Chunks whose time is remembered: more than can be under way in a pipeline.
const ANCHORS_MAX: usize = 512;

/// The arrival of each chunk's first picture.
#[derive(Debug, Default)]
pub(super) struct Walls {
    /// Presentation time, nanoseconds, and milliseconds UTC; grows.
    anchors: VecDeque<(u64, i64)>,
}

impl Walls {
    /// A chunk's earliest picture, at `pts_ns`, arrived at `wall_ms`.
    pub(super) fn note(&mut self, pts_ns: u64, wall_ms: i64) {
        if self.anchors.back().is_some_and(|(newest, _)| *newest >= pts_ns) {
            return;
        }
        if self.anchors.len() == ANCHORS_MAX {
            self.anchors.pop_front();
        }
        self.anchors.push_back((pts_ns, wall_ms));
    }

    /// When the picture shown at `pts_ns` was taken, milliseconds UTC.
    pub(super) fn at(&self, pts_ns: u64) -> i64 {
        let after = self.anchors.partition_point(|(anchor, _)| *anchor <= pts_ns);
        let Some((anchor, wall_ms)) = self.anchors.get(after.saturating_sub(1)) else { return 0 };
        let since_ms = i64::try_from(pts_ns / 1_000_000).unwrap_or(i64::MAX) - i64::try_from(anchor / 1_000_000).unwrap_or(i64::MAX);
        wall_ms.saturating_add(since_ms)
    }
}

/// A moment as a mark shows it, to the second.
pub(super) fn clock_text(at_ms: i64, utc_offset_s: i32) -> String {
    let moment = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let offset = Offset::from_seconds(utc_offset_s).unwrap_or(Offset::UTC);
    TimeZone::fixed(offset).to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pictures_time_counts_from_its_chunk() {
        let mut walls = Walls::default();
        assert_eq!(walls.at(5), 0, "before anything is known");
        walls.note(0, 10_000);
        walls.note(2_000_000_000, 70_000);
        walls.note(1_000_000_000, 1);
        assert_eq!((walls.at(0), walls.at(1_960_000_000), walls.at(2_000_000_000)), (10_000, 11_960, 70_000));
        assert_eq!(walls.at(2_040_000_000), 70_040);
        (3..2_000).for_each(|second| walls.note(second * 1_000_000_000, 0));
        assert_eq!(walls.anchors.len(), ANCHORS_MAX);
    }

    #[test]
    fn a_clock_is_that_of_the_place() {
        assert_eq!(clock_text(1_767_225_600_999, 28_800), "2026-01-01 08:00:00");
        assert_eq!(clock_text(1_767_225_599_000, 0), "2025-12-31 23:59:59");
    }
}
