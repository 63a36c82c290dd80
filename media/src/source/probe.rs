//! "Test this camera": looks at an opened source for a few seconds and says what it gives.
//!
//! Opening it has already answered what can be wrong with the address, the network and the password; what is left is to
//! measure the stream, and to tell a stream without key frames or without pictures from a good one.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{AccessUnit, Source, SourceError, SourceItem, StreamParameters};
use crate::camera::StateReason;

/// Time between key frames can be told after two of them; nobody waits longer than this for the second.
const MEASURE: Duration = Duration::from_secs(8);

/// Pictures that suffice to tell the frame rate.
const PICTURES_MIN: usize = 8;

/// What a source gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// Codec, parameter sets and size.
    pub parameters: StreamParameters,
    /// Frames a second, measured; 0 when too few came.
    pub fps: f64,
    /// Time between two key frames; `None` when a second one did not come in time.
    pub key_frame_interval_ms: Option<u64>,
    /// Bits a second, measured; 0 when too few pictures came.
    pub bit_rate: u64,
    /// The first key frame, for a picture.
    pub key_frame: AccessUnit,
}

/// Measures an opened source, until `deadline` at the latest.
///
/// # Errors
/// What ends the source, or [`StateReason::Timeout`] when no picture came, or [`StateReason::NoKeyFrame`] when none of
/// those that came was a key frame.
pub async fn measure(source: &mut dyn Source, deadline: Instant) -> Result<Probed, SourceError> {
    let mut seen = Seen::default();
    let mut until = deadline;
    while let Ok(item) = timeout_at(until, source.next()).await {
        match item {
            Ok(SourceItem::Parameters(parameters)) if seen.parameters.is_none() => seen.parameters = Some(parameters),
            // Another stream began within the first seconds; the first is what was asked about.
            Ok(SourceItem::Parameters(_)) if seen.first_key.is_some() => break,
            Ok(SourceItem::Parameters(parameters)) => seen.parameters = Some(parameters),
            Ok(SourceItem::AccessUnit(unit)) => {
                if seen.first_key.is_none() && unit.is_key {
                    until = deadline.min(Instant::now() + MEASURE);
                }
                seen.count(unit);
                if seen.second_key_ns.is_some() && seen.times_ns.len() >= PICTURES_MIN {
                    break;
                }
            }
            Ok(SourceItem::ClockOffset { .. }) => {}
            // A stream that ends early has been seen all the same.
            Err(error) if seen.first_key.is_none() => return Err(error),
            Err(_) => break,
        }
    }
    seen.report()
}

#[derive(Default)]
struct Seen {
    parameters: Option<StreamParameters>,
    first_key: Option<AccessUnit>,
    second_key_ns: Option<i64>,
    pictures: usize,
    /// Presentation times from the first key frame on.
    times_ns: Vec<i64>,
    bytes: u64,
}

impl Seen {
    fn count(&mut self, unit: AccessUnit) {
        self.pictures += 1;
        if self.first_key.is_none() && !unit.is_key {
            return;
        }
        self.times_ns.push(unit.pts_ns);
        self.bytes += unit.data.len() as u64;
        if self.first_key.is_none() {
            self.first_key = Some(unit);
        } else if unit.is_key && self.second_key_ns.is_none() {
            self.second_key_ns = Some(unit.pts_ns);
        }
    }

    fn report(mut self) -> Result<Probed, SourceError> {
        let (Some(parameters), Some(key_frame)) = (self.parameters, self.first_key) else {
            return Err(if self.pictures == 0 {
                SourceError::new(StateReason::Timeout, "the camera answers but sends no picture")
            } else {
                SourceError::new(StateReason::NoKeyFrame, "pictures come, but none of them is a key frame")
            });
        };
        self.times_ns.sort_unstable();
        let span_ns = self.times_ns.last().copied().unwrap_or(0) - self.times_ns.first().copied().unwrap_or(0);
        let steps = self.times_ns.len().saturating_sub(1);
        let seconds = span_ns as f64 / 1e9;
        let fps = if steps > 0 && seconds > 0.0 { steps as f64 / seconds } else { 0.0 };
        let bit_rate = if seconds > 0.0 { (self.bytes as f64 * 8.0 / (seconds + 1.0 / fps.max(1.0))) as u64 } else { 0 };
        let interval_ns = self.second_key_ns.map(|second| second - key_frame.pts_ns);
        Ok(Probed {
            parameters,
            fps: (fps * 100.0).round() / 100.0,
            key_frame_interval_ms: interval_ns.and_then(|ns| u64::try_from(ns).ok()).map(|ns| (ns + 500_000) / 1_000_000),
            bit_rate,
            key_frame,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Codec;
    use bytes::Bytes;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    /// A source that gives what it holds and then ends or hangs.
    struct Given {
        items: Vec<SourceItem>,
        hangs: bool,
    }

    impl Source for Given {
        fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
            if self.items.is_empty() && self.hangs {
                return futures::future::pending().boxed();
            }
            let end = SourceError::new(StateReason::Closed, "over");
            let next = if self.items.is_empty() { Err(end) } else { Ok(self.items.remove(0)) };
            futures::future::ready(next).boxed()
        }

        fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
            futures::future::ready(()).boxed()
        }
    }

    fn parameters() -> SourceItem {
        SourceItem::Parameters(StreamParameters { codec: Codec::H264, config: Bytes::new(), width: 640, height: 360 })
    }

    fn unit(frame: i64, is_key: bool) -> SourceItem {
        let data = Bytes::from(vec![0; 1000]);
        let (wall_ms, monotonic) = (0, Duration::ZERO);
        SourceItem::AccessUnit(AccessUnit { data, pts_ns: frame * 40_000_000, is_key, lost: 0, wall_ms, monotonic })
    }

    async fn probe(items: Vec<SourceItem>, hangs: bool) -> Result<Probed, SourceError> {
        measure(&mut Given { items, hangs }, Instant::now() + Duration::from_millis(200)).await
    }

    #[tokio::test]
    async fn rate_and_key_frame_interval_are_measured() {
        let items = std::iter::once(parameters()).chain((0..80).map(|frame| unit(frame, frame % 50 == 3))).collect();
        let probed = probe(items, false).await.expect("a good stream");
        assert_eq!((probed.fps, probed.key_frame_interval_ms), (25.0, Some(2000)));
        assert!((195_000..205_000).contains(&probed.bit_rate), "{}", probed.bit_rate);
        assert!(probed.key_frame.is_key);
    }

    #[tokio::test]
    async fn a_stream_that_stops_is_judged_by_what_came() {
        let silent = probe(vec![parameters()], true).await.expect_err("nothing came");
        assert_eq!(silent.reason, StateReason::Timeout);
        let no_key = probe(vec![parameters(), unit(0, false), unit(1, false)], true).await.expect_err("no key frame");
        assert_eq!(no_key.reason, StateReason::NoKeyFrame);
        let one_key = probe(vec![parameters(), unit(0, true), unit(1, false)], true).await.expect("a picture");
        assert_eq!(one_key.key_frame_interval_ms, None);
        let ended = probe(vec![parameters(), unit(0, true), unit(1, false)], false).await.expect("a picture");
        assert_eq!(ended.fps, 25.0);
        assert_eq!(probe(vec![], false).await.expect_err("ended").reason, StateReason::Closed);
    }
}
