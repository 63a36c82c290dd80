//! Follows a playlist: which segment is next, fetched within limits, again and again until the list ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::playlist::{self, File, MediaPlaylist, Playlist, Segment};
use crate::camera::StateReason;
use crate::clock::Clock;
use crate::source::SourceError;
use crate::source::fetch::{Answer, Fetcher};

/// Largest playlist, bytes.
const PLAYLIST_BYTES_MAX: usize = 1 << 20;
/// Largest segment, bytes: ten seconds at 25 Mbit/s.
const SEGMENT_BYTES_MAX: usize = 32 << 20;
/// Largest stream header, bytes.
const INIT_BYTES_MAX: usize = 1 << 20;
/// A live stream is joined this many segments before its end, as the standard asks.
const BEHIND: usize = 3;
/// Bounds of the pause between two looks at a playlist.
const RELOAD: std::ops::RangeInclusive<u64> = 250..=10_000;

/// A fetched segment.
#[derive(Debug)]
pub(super) struct Piece {
    /// Its bytes, behind those of its stream header where that is new.
    pub(super) data: Bytes,
    /// A new line of time begins, or a new header: nothing goes on from the piece before.
    pub(super) begins: bool,
    /// Segments before it were missed.
    pub(super) lost: bool,
}

/// Where following stands.
#[derive(Debug)]
pub(super) struct Feed {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    /// The media playlist's address.
    url: Url,
    list: Option<MediaPlaylist>,
    /// Number of the segment that comes next.
    next: Option<u64>,
    init: Option<File>,
    lost: bool,
    /// Longest segment, for those who plan how much to hold.
    pub(super) target_ms: u64,
}

impl Feed {
    /// Finds the media playlist behind `url`, which has given `first`.
    ///
    /// # Errors
    /// [`SourceError`] with the reason.
    pub(super) async fn open(fetcher: Fetcher, url: &Url, first: Answer, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        let mut feed = Self { fetcher, clock, url: url.clone(), list: None, next: None, init: None, lost: false, target_ms: 0 };
        let playlist = match read(first).await? {
            Playlist::Media(list) => list,
            Playlist::Master(variants) => {
                // The best one: it is the record.
                let best = variants.into_iter().max_by_key(|variant| variant.bandwidth);
                let best = best.ok_or_else(|| SourceError::new(StateReason::NotVideo, "the playlist offers nothing"))?;
                feed.url = beside(url, &best.uri)?;
                let url = feed.url.clone();
                let Playlist::Media(list) = feed.read(&url).await? else {
                    return Err(SourceError::new(StateReason::BadStream, "a playlist of playlists of playlists"));
                };
                list
            }
        };
        feed.take(playlist);
        Ok(feed)
    }

    async fn read(&self, url: &Url) -> Result<Playlist, SourceError> {
        read(self.fetcher.ask(url, &Default::default()).await?).await
    }

    fn take(&mut self, list: MediaPlaylist) {
        self.target_ms = list.target_ms;
        let len = list.segments.len() as u64;
        let join = if list.ended { list.sequence } else { list.sequence + len.saturating_sub(BEHIND as u64) };
        match self.next {
            None => self.next = Some(join),
            // Fallen out of the list, or the server began anew: on with what there is, and said so.
            Some(next) if next < list.sequence || next > list.sequence + len => {
                self.lost = true;
                self.init = None;
                self.next = Some(join);
            }
            Some(_) => {}
        }
        self.list = Some(list);
    }

    /// The next segment; `None` at the end of a list that is complete. Waits for it as long as the list goes on.
    ///
    /// # Errors
    /// [`SourceError`]; asking again tries again.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, SourceError> {
        loop {
            if let Some(segment) = self.upcoming() {
                let piece = self.fetch(&segment).await;
                // What the server no longer has is lost; the playlist says what comes after it.
                if matches!(&piece, Err(error) if error.reason == StateReason::NotFound) {
                    self.step();
                    self.lost = true;
                    self.list = None;
                    self.reload().await?;
                    continue;
                }
                let piece = piece?;
                self.step();
                return Ok(Some(piece));
            }
            if self.list.as_ref().is_some_and(|list| list.ended) {
                return Ok(None);
            }
            let pause = (self.target_ms / 2).clamp(*RELOAD.start(), *RELOAD.end());
            self.clock.sleep(Duration::from_millis(pause)).await;
            self.reload().await?;
        }
    }

    async fn reload(&mut self) -> Result<(), SourceError> {
        match self.read(&self.url).await? {
            Playlist::Media(list) => {
                self.take(list);
                Ok(())
            }
            Playlist::Master(_) => Err(SourceError::new(StateReason::BadStream, "the playlist became another kind")),
        }
    }

    fn upcoming(&self) -> Option<Segment> {
        let (list, next) = (self.list.as_ref()?, self.next?);
        let at = usize::try_from(next.checked_sub(list.sequence)?).ok()?;
        list.segments.get(at).cloned()
    }

    fn step(&mut self) {
        self.next = self.next.map(|next| next + 1);
    }

    async fn fetch(&mut self, segment: &Segment) -> Result<Piece, SourceError> {
        let header = match &segment.init {
            Some(init) if self.init.as_ref() != Some(init) => {
                Some(self.fetcher.get(&beside(&self.url, &init.uri)?, init.range, INIT_BYTES_MAX).await?)
            }
            _ => None,
        };
        let body = self.fetcher.get(&beside(&self.url, &segment.file.uri)?, segment.file.range, SEGMENT_BYTES_MAX).await?;
        self.init.clone_from(&segment.init);
        let lost = std::mem::take(&mut self.lost);
        let begins = segment.discontinuity || lost || header.is_some();
        let data = match header {
            Some(header) => Bytes::from([&header[..], &body[..]].concat()),
            None => body,
        };
        Ok(Piece { data, begins, lost })
    }
}

/// An address as a playlist writes it, beside the playlist's own.
fn beside(url: &Url, text: &str) -> Result<Url, SourceError> {
    let joined = url.join(text).map_err(|_| SourceError::new(StateReason::BadStream, "the playlist names an address that is none"))?;
    if !matches!(joined.scheme(), "http" | "https") {
        return Err(SourceError::new(StateReason::AddressNotAllowed, "the playlist names an address that is not http"));
    }
    Ok(joined)
}

async fn read(answer: Answer) -> Result<Playlist, SourceError> {
    let refused = |reason, words| Err(SourceError::new(reason, words));
    if answer.content_type.starts_with("image/") {
        return refused(StateReason::UnsupportedCodec, "a single picture: the camera's address of its stream is another one");
    }
    if ["text/html", "video/", "multipart/"].iter().any(|kind| answer.content_type.starts_with(kind)) {
        return refused(StateReason::NotVideo, "what answers is not an HLS playlist");
    }
    let body = answer.bytes(PLAYLIST_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|_| SourceError::new(StateReason::NotVideo, "what answers is not an HLS playlist"))?;
    playlist::parse(text)
}
