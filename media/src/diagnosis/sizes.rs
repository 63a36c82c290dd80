//! Sizes speak before pictures do: what frames weigh tells that something changed, without decoding anything.
//!
//! A dark picture has small key frames, a frozen one next to nothing between them, a covered or blurred one small key
//! frames, a moved one a burst. Each camera has its own usual, kept as a running mean and spread of logarithms, so that
//! one factor means the same at every bit rate. A change asks for a look; it says nothing about what is wrong. With a
//! constant bit rate filled up by the encoder sizes say nothing, and the routine look has to do.

use crate::analyse::feed::FrameSize;

/// Weight of a new value in the running mean.
const WEIGHT: f64 = 0.1;
/// Key frames before the usual is known.
const KNOWN_AFTER: u32 = 4;
/// A key frame must differ by this much in logarithm (about a sixth) and by four spreads.
const KEY_STEP_MIN: f64 = 0.15;
/// The frames between, all together, may double before they are remarkable.
const INTER_STEP_MIN: f64 = 0.7;
const SPREADS: f64 = 4.0;

/// Running mean and mean deviation of a logarithm.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    mean: f64,
    spread: f64,
    count: u32,
}

impl Usual {
    /// Takes a value; whether it was far off what was usual before.
    fn note(&mut self, bytes: f64, step_min: f64) -> bool {
        let value = (bytes + 16.0).ln();
        if self.count == 0 {
            (self.mean, self.count) = (value, 1);
            return false;
        }
        let off = value - self.mean;
        let is_change = self.count >= KNOWN_AFTER && off.abs() > step_min.max(SPREADS * self.spread);
        // The first values weigh more, so that the usual is known soon; an outlier moves the mean but little of the spread.
        let weight = WEIGHT.max(1.0 / f64::from(self.count + 1));
        self.mean += weight * off;
        self.spread += weight * (off.abs().min(1.0) - self.spread);
        self.count = self.count.saturating_add(1);
        is_change
    }
}

/// What the frames of one camera usually weigh.
#[derive(Debug, Clone, Default)]
pub struct SizeWatch {
    key: Usual,
    inter: Usual,
    inter_bytes: u64,
    inter_frames: u32,
    has_key: bool,
}

impl SizeWatch {
    /// Takes frames in order; whether a key frame, or those before it, were unusual.
    pub fn note(&mut self, sizes: &[FrameSize]) -> bool {
        let mut is_change = false;
        for size in sizes {
            if !size.is_key {
                self.inter_bytes += u64::from(size.bytes);
                self.inter_frames += 1;
                continue;
            }
            if self.has_key && self.inter_frames > 0 {
                #[expect(clippy::cast_precision_loss, reason = "bytes of a group of pictures are below 2^52")]
                let mean = self.inter_bytes as f64 / f64::from(self.inter_frames);
                is_change |= self.inter.note(mean, INTER_STEP_MIN);
            }
            (self.inter_bytes, self.inter_frames, self.has_key) = (0, 0, true);
            is_change |= self.key.note(f64::from(size.bytes), KEY_STEP_MIN);
        }
        is_change
    }

    /// The stream began anew: its sizes may be others.
    pub fn restarted(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of one key frame and 49 others; the answer for each group's key frame.
    fn run(watch: &mut SizeWatch, groups: impl IntoIterator<Item = (u32, u32)>) -> Vec<bool> {
        groups
            .into_iter()
            .map(|(key, inter)| {
                let frame = |bytes, is_key| FrameSize { wall_ms: 0, bytes, is_key };
                let asked = watch.note(&[frame(key, true)]);
                watch.note(&vec![frame(inter, false); 49]);
                asked
            })
            .collect()
    }

    /// 10 % up and down around `base`.
    fn wobble(base: u32, n: u32) -> u32 {
        base * (90 + n * 7 % 21) / 100
    }

    #[test]
    fn an_ordinary_stream_asks_for_nothing() {
        let mut watch = SizeWatch::default();
        let asked = run(&mut watch, (0..500).map(|n| (wobble(100_000, n), wobble(8_000, n))));
        assert!(asked.iter().all(|asked| !asked));
    }

    #[test]
    fn dark_covered_moved_and_frozen_streams_ask_at_once() {
        let usual = |watch: &mut SizeWatch| {
            run(watch, (0..30).map(|n| (wobble(100_000, n), wobble(8_000, n))));
        };
        for (name, key, inter) in [("dark", 9_000, 60), ("covered", 40_000, 3_000), ("moved", 160_000, 9_000)] {
            let mut watch = SizeWatch::default();
            usual(&mut watch);
            assert!(run(&mut watch, [(key, inter)])[0], "{name} shows in its first key frame");
        }
        let mut frozen = SizeWatch::default();
        usual(&mut frozen);
        assert_eq!(run(&mut frozen, [(100_000, 60), (100_000, 60)]), [false, true], "seen once the group is over");
    }

    #[test]
    fn a_lasting_change_becomes_the_usual() {
        let mut watch = SizeWatch::default();
        run(&mut watch, (0..30).map(|n| (wobble(100_000, n), 8_000)));
        let asked = run(&mut watch, (0..60).map(|n| (wobble(30_000, n), 8_000)));
        assert!(asked[0] && asked[40..].iter().all(|asked| !asked));
    }
}
