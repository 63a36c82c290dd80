//! What every source gives, whatever it speaks: codec parameters and access units.

use std::time::Duration;

use bytes::Bytes;

use crate::camera::Codec;

/// What a decoder and a muxer must know about a stream. A change begins a new segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamParameters {
    /// Codec of the access units.
    pub codec: Codec,
    /// The body of an `avcC` or `hvcC` box: the parameter sets.
    pub config: Bytes,
    /// Width in pixels, cropped.
    pub width: u32,
    /// Height in pixels, cropped.
    pub height: u32,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// NAL units, each behind its length in four bytes, big-endian; without access-unit delimiters by preference.
    pub data: Bytes,
    /// Presentation time on the stream's own clock, nanoseconds since an origin that the source chooses. In decoding
    /// order, so it may go back where pictures are reordered.
    pub pts_ns: i64,
    /// Whether decoding can start here (IDR, or another random access point).
    pub is_key: bool,
    /// Packets or pictures were lost just before this one.
    pub lost: u32,
    /// Arrival on the wall clock, milliseconds UTC.
    pub wall_ms: i64,
    /// Arrival on the monotonic clock.
    pub monotonic: Duration,
}

/// What a source gives next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceItem {
    /// Parameters of the access units that follow. The first item of every source, and again only when they change.
    Parameters(StreamParameters),
    /// A picture.
    AccessUnit(AccessUnit),
    /// The camera's own idea of the time: its wall clock minus ours, milliseconds. Measured, never trusted.
    ClockOffset {
        /// Offset, milliseconds; positive when the camera is ahead.
        offset_ms: i64,
    },
}
