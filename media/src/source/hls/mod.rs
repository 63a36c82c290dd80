//! HTTP Live Streaming as a source: a client of our own fetches, GStreamer only takes the bytes apart.
//!
//! GStreamer's own HLS elements follow redirects and any address that a playlist names, so they are not used: each
//! address here goes through the same rules as a camera's ([`super::fetch`]). A stream is joined three segments before
//! its end, and its pictures are given at their own pace, so that what comes in bursts of seconds looks like a camera. A
//! server that fails for a moment is asked again while there are pictures left to give; then the source ends with the
//! reason. Where times begin anew (a discontinuity, a new header, missed segments) a new demuxer begins too, and its
//! pictures go on behind the last.

mod feed;
mod pace;
mod playlist;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use url::Url;

use super::fetch::{Answer, Fetcher};
use super::gst::Demuxer;
use super::{Source, SourceError, SourceItem, SourceLimits, StreamParameters};
use crate::camera::StateReason;
use crate::clock::Clock;
use feed::{Feed, Piece};
use pace::Pace;

/// Pause before a failed request is made again.
const RETRY: Duration = Duration::from_secs(1);

/// What the feed tells.
enum Fed {
    Piece(Piece),
    Failed(SourceError),
    End,
}

/// A playlist that is being followed.
struct HlsSource {
    feed: BoxStream<'static, Fed>,
    demuxer: Option<Demuxer>,
    /// Pieces that belong to the next demuxer wait here while the present one gives out its last pictures.
    next_piece: Option<Piece>,
    queue: VecDeque<SourceItem>,
    pace: Pace,
    told: Option<StreamParameters>,
    failed: Option<SourceError>,
    ended: bool,
    /// So much is fetched ahead and no more, milliseconds.
    ahead_ms: i64,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
}

/// Follows the playlist at `url`, whose first answer is there, and waits for its first picture. The caller bounds the time.
///
/// # Errors
/// [`SourceError`] with the reason.
pub(super) async fn open(
    fetcher: Fetcher,
    url: &Url,
    first: Answer,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, SourceError> {
    let feed = Feed::open(fetcher, url, first, clock.clone()).await?;
    let mut source = HlsSource {
        ahead_ms: i64::try_from(feed.target_ms * 3).unwrap_or(i64::MAX),
        feed: stream_of(feed, clock.clone()),
        demuxer: None,
        next_piece: None,
        queue: VecDeque::new(),
        pace: Pace::new(),
        told: None,
        failed: None,
        ended: false,
        limits,
        clock,
    };
    while !source.queue.iter().any(|item| matches!(item, SourceItem::AccessUnit(_))) {
        source.work().await?;
        if let Some(error) = source.failed.take() {
            return Err(error);
        }
    }
    Ok(Box::new(source))
}

/// The feed as a stream, so that waiting for it can be broken off without losing what is under way.
fn stream_of(feed: Feed, clock: Arc<dyn Clock>) -> BoxStream<'static, Fed> {
    let state = (feed, clock, false, false);
    futures::stream::unfold(state, |(mut feed, clock, failed, over)| async move {
        if over {
            return None;
        }
        if failed {
            clock.sleep(RETRY).await;
        }
        let (fed, failed, over) = match feed.next().await {
            Ok(Some(piece)) => (Fed::Piece(piece), false, false),
            Ok(None) => (Fed::End, false, true),
            Err(error) => {
                // Only what may be better in a moment is tried again; a wrong password never is.
                let passing = matches!(
                    error.reason,
                    StateReason::Refused | StateReason::NoRoute | StateReason::Timeout | StateReason::Closed | StateReason::NotFound
                );
                (Fed::Failed(error), true, !passing)
            }
        };
        Some((fed, (feed, clock, failed, over)))
    })
    .boxed()
}

impl HlsSource {
    async fn advance(&mut self) -> Result<SourceItem, SourceError> {
        loop {
            if !matches!(self.queue.front(), Some(SourceItem::AccessUnit(_)))
                && let Some(item) = self.queue.pop_front()
            {
                return Ok(item);
            }
            let Some(SourceItem::AccessUnit(unit)) = self.queue.front() else {
                // Nothing left to give: now a failure counts.
                if let Some(error) = self.failed.take() {
                    return Err(error);
                }
                self.work().await?;
                continue;
            };
            let now = self.clock.monotonic();
            let full = self.queued_ms() >= self.ahead_ms;
            let pause = self.pace.pause(unit.pts_ns, now, full);
            if pause.is_zero() {
                let Some(SourceItem::AccessUnit(mut unit)) = self.queue.pop_front() else { continue };
                unit.monotonic = now;
                unit.wall_ms = self.clock.wall_ms();
                return Ok(SourceItem::AccessUnit(unit));
            }
            let clock = self.clock.clone();
            tokio::select! {
                biased;
                () = clock.sleep(pause) => {}
                worked = self.work(), if !full && !self.is_over() => worked?,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.ended && self.demuxer.is_none() && self.next_piece.is_none()
    }

    /// Takes one step: a picture out of the demuxer, or a piece into it. Cancel-safe.
    async fn work(&mut self) -> Result<(), SourceError> {
        if self.demuxer.is_none()
            && let Some(piece) = self.next_piece.take()
        {
            self.begin(&piece)?;
        }
        if self.is_over() {
            return Err(match self.told {
                Some(_) => SourceError::new(StateReason::Closed, "the playlist has ended"),
                None => SourceError::new(StateReason::NotVideo, "there is no video in it"),
            });
        }
        let waits = self.next_piece.is_some() || self.ended;
        let demuxed = async {
            match &mut self.demuxer {
                Some(demuxer) => demuxer.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            demuxed = demuxed => match demuxed? {
                Some(item) => self.demuxed(item),
                None => self.demuxer = None,
            },
            fed = self.feed.next(), if !waits => match fed {
                Some(Fed::Piece(piece)) => {
                    self.failed = None;
                    self.fed(piece)?;
                }
                Some(Fed::Failed(error)) if self.queue.is_empty() => return Err(error),
                Some(Fed::Failed(error)) => {
                    tracing::debug!(%error, "an HLS server fails; it is asked again");
                    self.failed = Some(error);
                }
                Some(Fed::End) => {
                    self.ended = true;
                    if let Some(demuxer) = &mut self.demuxer {
                        demuxer.finish();
                    }
                }
                // After an error that is not tried again: given once the queue is empty.
                None => match self.failed.take() {
                    Some(error) if self.queue.is_empty() => return Err(error),
                    failed => {
                        self.failed = failed;
                        std::future::pending::<()>().await;
                    }
                },
            },
        }
        Ok(())
    }

    fn fed(&mut self, piece: Piece) -> Result<(), SourceError> {
        match &mut self.demuxer {
            Some(demuxer) if !piece.begins => demuxer.push(piece.data),
            Some(demuxer) => {
                demuxer.finish();
                self.next_piece = Some(piece);
                Ok(())
            }
            None => self.begin(&piece),
        }
    }

    fn begin(&mut self, piece: &Piece) -> Result<(), SourceError> {
        let mut demuxer = Demuxer::start(self.limits, self.clock.clone())?;
        demuxer.push(piece.data.clone())?;
        self.demuxer = Some(demuxer);
        self.pace.begin(piece.lost);
        Ok(())
    }

    fn demuxed(&mut self, item: SourceItem) {
        match item {
            SourceItem::Parameters(parameters) if self.told.as_ref() == Some(&parameters) => {}
            SourceItem::Parameters(parameters) => {
                self.told = Some(parameters.clone());
                self.queue.push_back(SourceItem::Parameters(parameters));
            }
            SourceItem::AccessUnit(mut unit) => {
                self.pace.place(&mut unit);
                self.queue.push_back(SourceItem::AccessUnit(unit));
            }
            other => self.queue.push_back(other),
        }
    }

    /// How much time the pictures that wait are worth.
    fn queued_ms(&self) -> i64 {
        let time = |item: &SourceItem| if let SourceItem::AccessUnit(unit) = item { Some(unit.pts_ns) } else { None };
        let (first, last) = (self.queue.iter().find_map(time), self.queue.iter().rev().find_map(time));
        first.zip(last).map_or(0, |(first, last)| (last - first) / 1_000_000)
    }
}

impl Source for HlsSource {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        self.advance().boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Some(demuxer) = self.demuxer {
                demuxer.close().await;
            }
        }
        .boxed()
    }
}

/// For those who try what strangers may send.
#[cfg(test)]
pub(crate) mod foreign {
    use super::*;

    pub(crate) fn playlist(bytes: &[u8]) {
        if let Ok(playlist::Playlist::Media(list)) = playlist::parse(&String::from_utf8_lossy(bytes)) {
            assert!(list.segments.len() <= bytes.len(), "more segments than bytes");
        }
    }

    /// A segment as the demuxer gets it, to its end.
    pub(crate) async fn segment(bytes: &[u8]) {
        let limits = SourceLimits { connect_timeout: Duration::from_secs(5), access_unit_bytes_max: 1 << 20 };
        let Ok(mut demuxer) = Demuxer::start(limits, Arc::new(crate::clock::SystemClock::new())) else { return };
        let _failed = demuxer.push(bytes::Bytes::copy_from_slice(bytes));
        demuxer.finish();
        while let Ok(Some(_)) = demuxer.next().await {}
        demuxer.close().await;
    }
}
