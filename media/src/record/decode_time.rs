//! Decoding times for streams that only tell presentation times, as RTP does.
//!
//! Frames come in decoding order. With at most N pictures reordered, the k-th frame decoded cannot be shown before the
//! (k-N)-th earliest presentation time, so that time is a valid decoding time: it grows from frame to frame and is
//! never after the frame's own presentation time. Without reordering (N = 0) it is the presentation time itself.

use std::collections::VecDeque;

/// No stream that is allowed by H.264 or H.265 reorders more pictures.
pub const DEPTH_MAX: usize = 16;

/// Works out decoding times frame by frame.
#[derive(Debug)]
pub struct DecodeTimes {
    depth: usize,
    frame_ns: i64,
    /// The latest presentation times not used yet, ascending; `depth` of them.
    ahead: Vec<i64>,
    /// The latest presentation times in decoding order.
    recent: VecDeque<i64>,
    last_dts_ns: Option<i64>,
    deepest: usize,
}

impl DecodeTimes {
    /// For streams that reorder at most `depth` pictures; `frame_ns` is the usual duration of a frame.
    #[must_use]
    pub fn new(depth: usize, frame_ns: i64) -> Self {
        let depth = depth.min(DEPTH_MAX);
        Self { depth, frame_ns: frame_ns.max(1), ahead: Vec::new(), recent: VecDeque::new(), last_dts_ns: None, deepest: 0 }
    }

    /// The decoding time of the next frame, which is shown at `pts_ns`. Strictly grows.
    pub fn next(&mut self, pts_ns: i64) -> i64 {
        self.notice_depth(pts_ns);
        if self.last_dts_ns.is_none() {
            // What would have been shown before the first frame.
            let steps = i64::try_from(self.depth).unwrap_or(0);
            self.ahead.extend((1..=steps).rev().map(|step| pts_ns - step * self.frame_ns));
        }
        let at = self.ahead.partition_point(|shown| *shown <= pts_ns);
        self.ahead.insert(at, pts_ns);
        let dts_ns = self.last_dts_ns.map_or(self.ahead[0], |last| self.ahead[0].max(last + 1));
        self.ahead.remove(0);
        self.last_dts_ns = Some(dts_ns);
        dts_ns
    }

    /// The depth the stream has shown to need, when that is more than was assumed.
    #[must_use]
    pub fn deeper(&self) -> Option<usize> {
        (self.deepest > self.depth).then_some(self.deepest)
    }

    fn notice_depth(&mut self, pts_ns: i64) {
        let shown_later = self.recent.iter().filter(|shown| **shown > pts_ns).count();
        self.deepest = self.deepest.max(shown_later);
        if self.recent.len() == DEPTH_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(pts_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(depth: usize, shown: &[i64]) -> (Vec<i64>, Option<usize>) {
        let mut times = DecodeTimes::new(depth, 40);
        (shown.iter().map(|pts| times.next(*pts)).collect(), times.deeper())
    }

    #[test]
    fn without_reordering_frames_are_decoded_when_they_are_shown() {
        assert_eq!(run(0, &[0, 40, 80, 125]), (vec![0, 40, 80, 125], None));
    }

    #[test]
    fn with_b_frames_each_is_decoded_in_time() {
        let (decoded, deeper) = run(1, &[0, 120, 40, 80, 240, 160, 200]);
        assert_eq!(decoded, [-40, 0, 40, 80, 120, 160, 200]);
        assert_eq!(deeper, None);
    }

    #[test]
    fn reordering_that_nobody_announced_is_noticed_and_times_still_grow() {
        let (decoded, deeper) = run(0, &[0, 160, 80, 40, 120]);
        assert!(decoded.is_sorted_by(|a, b| a < b));
        assert_eq!(deeper, Some(2));
    }

    proptest! {
        #[test]
        fn any_order_gives_growing_times_and_one_within_the_depth_is_in_time(
            depth in 0usize..4, keys in prop::collection::vec(0usize..4, 1..60),
        ) {
            // Sorting indices by index + key, key <= depth, moves no frame by more than `depth` places.
            let mut order: Vec<usize> = (0..keys.len()).collect();
            order.sort_by_key(|n| n + keys[*n].min(depth));
            let shown: Vec<i64> = order.iter().map(|n| i64::try_from(*n).expect("small") * 40).collect();
            let mut times = DecodeTimes::new(depth, 40);
            let mut last = i64::MIN;
            for pts in shown {
                let dts = times.next(pts);
                prop_assert!(dts > last);
                prop_assert!(times.deeper().is_some() || dts <= pts);
                last = dts;
            }
        }
    }
}
