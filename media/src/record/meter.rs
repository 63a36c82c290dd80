//! Measures a stream: frames and bits a second, time between key frames.

use super::pace::PACE_MS;
use crate::camera::StreamInfo;
use crate::source::StreamParameters;

/// Measured over this much time, milliseconds.
const WINDOW_MS: i64 = 5_000;
/// The first figures are told earlier, so that a new camera shows something.
const FIRST_WINDOW_MS: i64 = 1_500;
/// A change by less than this share is not worth telling.
const CHANGE: f64 = 0.15;

/// Follows one stream.
#[derive(Debug)]
pub struct StreamMeter {
    info: StreamInfo,
    window: Option<Window>,
    last_key_ms: Option<i64>,
    measured: bool,
}

#[derive(Debug)]
struct Window {
    start_ms: i64,
    frames: u32,
    bytes: u64,
}

impl StreamMeter {
    /// For a stream of which only the parameters are known.
    #[must_use]
    pub fn new(parameters: &StreamParameters) -> Self {
        let StreamParameters { codec, width, height, .. } = *parameters;
        let info = StreamInfo { codec, width, height, fps: 0.0, key_frame_interval_ms: 0, bit_rate: 0 };
        Self { info, window: None, last_key_ms: None, measured: false }
    }

    /// What is known so far.
    #[must_use]
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// Takes a frame with a decoding time on the stream's line, milliseconds. `true` when the figures changed enough to be told.
    pub fn frame(&mut self, at_ms: i64, bytes: usize, is_key: bool) -> bool {
        let mut tell = false;
        if is_key {
            if let Some(last_ms) = self.last_key_ms {
                let interval_ms = u64::try_from(at_ms - last_ms).unwrap_or(0);
                tell = differs(as_f64(interval_ms), as_f64(self.info.key_frame_interval_ms));
                self.info.key_frame_interval_ms = interval_ms;
            }
            self.last_key_ms = Some(at_ms);
        }
        let window = self.window.get_or_insert(Window { start_ms: at_ms, frames: 0, bytes: 0 });
        let passed_ms = at_ms - window.start_ms;
        let due_ms = if self.measured { WINDOW_MS } else { FIRST_WINDOW_MS };
        if passed_ms >= due_ms {
            let seconds = as_f64(passed_ms.unsigned_abs()) / 1_000.0;
            let (fps, bit_rate) = (f64::from(window.frames) / seconds, as_f64(window.bytes) * 8.0 / seconds);
            tell |= differs(fps, self.info.fps) || differs(bit_rate, as_f64(self.info.bit_rate)) || !self.measured;
            self.info.fps = (fps * 100.0).round() / 100.0;
            self.info.bit_rate = window.bytes * 8_000 / passed_ms.unsigned_abs();
            self.measured = true;
            *window = Window { start_ms: at_ms, frames: 0, bytes: 0 };
        }
        window.frames += 1;
        window.bytes += u64::try_from(bytes).unwrap_or(0);
        tell && self.measured
    }
}

/// How much of it may come of reading in step, microseconds.
const PACE_US: i64 = PACE_MS * 1_000;

/// How unevenly pictures arrive, as RFC 3550 section 6.4.1 smooths it, from whole pictures instead of packets.
#[derive(Debug, Default)]
pub struct Jitter {
    last: Option<(i64, i64)>,
    smoothed_us: i64,
}

impl Jitter {
    /// A picture of the stream's time `pts_ns` came at `arrived_ns` on the monotonic clock; gives microseconds.
    pub fn arrived(&mut self, pts_ns: i64, arrived_ns: i64) -> u64 {
        if let Some((last_pts_ns, last_arrived_ns)) = self.last {
            let step_ns = pts_ns.saturating_sub(last_pts_ns);
            // Pictures out of order, and jumps of the stream's time, say nothing about the network.
            if (0..2_000_000_000).contains(&step_ns) {
                let deviation_us = arrived_ns.saturating_sub(last_arrived_ns).saturating_sub(step_ns).saturating_abs() / 1_000;
                // Within the pace it is we who were late to look.
                let deviation_us = (deviation_us - PACE_US).max(0);
                self.smoothed_us += (deviation_us - self.smoothed_us) / 16;
            }
        }
        self.last = Some((pts_ns, arrived_ns));
        self.smoothed_us.unsigned_abs()
    }
}

fn differs(new: f64, old: f64) -> bool {
    (new - old).abs() > old.max(1.0) * CHANGE
}

#[expect(clippy::cast_precision_loss, reason = "figures for people; nobody misses the last bits")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Codec;
    use bytes::Bytes;

    #[test]
    fn an_even_stream_has_no_jitter_and_an_uneven_one_has_what_is_beyond_our_own() {
        let (mut even, mut uneven) = (Jitter::default(), Jitter::default());
        let (mut calm, mut rough) = (0, 0);
        for n in 0..200_i64 {
            calm = even.arrived(n * 40_000_000, n * 40_000_000 + 5_000_000_000);
            rough = uneven.arrived(n * 40_000_000, n * 40_000_000 + (n % 2) * 500_000_000);
        }
        assert_eq!(calm, 0);
        assert!((190_000..=200_000).contains(&rough), "{rough}");
        assert!(even.arrived(-90_000_000_000, 9_000_000_000) < 1_000, "a jump of the stream's time is no jitter");
    }

    #[test]
    fn a_steady_stream_is_measured_and_told_once() {
        let parameters = StreamParameters { codec: Codec::H264, config: Bytes::new(), width: 640, height: 360 };
        let mut meter = StreamMeter::new(&parameters);
        let told = (0..500).filter(|n| meter.frame(n * 40, 5_000, n % 50 == 0)).count();
        let info = meter.info();
        assert_eq!((info.fps, info.key_frame_interval_ms, info.bit_rate), (25.0, 2_000, 1_000_000));
        assert!((1..=2).contains(&told), "told {told} times");
    }
}
