//! Single JPEG pictures over HTTP (`multipart/x-mixed-replace`), as web cameras and old recorders send them.
//!
//! The body is fetched by our own client, whose addresses are checked, and taken apart and encoded by GStreamer. Nothing
//! in such a stream says how large a picture may be, so what has come since the last one is counted.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::fetch::Answer;
use super::gst::Demuxer;
use super::{Source, SourceError, SourceItem, SourceLimits};
use crate::camera::StateReason;
use crate::clock::Clock;

/// A picture is on its way through the encoder for so many others at most.
const UNDER_WAY: usize = 8;

/// A body that does not end.
struct MjpegSource {
    body: Answer,
    pictures: Demuxer,
    waiting: Vec<SourceItem>,
    bytes_since_picture: usize,
    bytes_max: usize,
}

/// Takes pictures out of an answer and waits for the first one. The caller bounds the time.
///
/// # Errors
/// [`SourceError`] with the reason.
pub(super) async fn open(body: Answer, limits: SourceLimits, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, SourceError> {
    let pictures = Demuxer::of_pictures(limits, clock)?;
    let bytes_max = limits.access_unit_bytes_max.saturating_mul(UNDER_WAY);
    let mut source = MjpegSource { body, pictures, waiting: Vec::new(), bytes_since_picture: 0, bytes_max };
    let first = source.advance().await?;
    source.waiting.push(first);
    Ok(Box::new(source))
}

impl MjpegSource {
    async fn advance(&mut self) -> Result<SourceItem, SourceError> {
        if let Some(item) = self.waiting.pop() {
            return Ok(item);
        }
        loop {
            tokio::select! {
                biased;
                item = self.pictures.next() => {
                    self.bytes_since_picture = 0;
                    return item?.ok_or_else(|| SourceError::new(StateReason::Closed, "the stream has ended"));
                }
                part = self.body.next_part() => match part? {
                    None => return Err(SourceError::new(StateReason::Closed, "the camera ended the stream")),
                    Some(part) => {
                        self.bytes_since_picture += part.len();
                        if self.bytes_since_picture > self.bytes_max {
                            return Err(SourceError::new(StateReason::BadStream, "no picture in all that the camera sends"));
                        }
                        self.pictures.push(part)?;
                    }
                },
            }
        }
    }
}

impl Source for MjpegSource {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        self.advance().boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.pictures.close().boxed()
    }
}

#[cfg(test)]
mod tests;
