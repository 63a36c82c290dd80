//! A stretch of a recording, or a clip out of it, in H.264 for a browser that cannot play H.265: made while it is watched.
//!
//! It is a picture to look at and no evidence: smaller, with fewer pictures a second, and with nothing that says what it was
//! made from. Whoever watches one takes the place of a camera that is transcoded live.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::copy::keep;
use super::live::{NICE, WORK};
use super::process::{Feed, Limits, Made, Output, Process, ProcessError};
use super::{Shared, TranscodeError};
use crate::camera::Codec;
use crate::playback::header::{timescale, with_duration};
use crate::playback::{Export, PlaybackError};
use crate::segment::SegmentError;
use crate::segment::boxes::BoxHeader;
use crate::segment::sample::video_header;

/// One who pauses for longer than this, beyond twice the playing time, gives the place back.
const LASTS_MAX: Duration = Duration::from_secs(60);

/// A place among what is transcoded to be watched; given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Shared>);

impl Place {
    /// `None` where as many cameras and recordings are watched as are allowed.
    pub(super) fn take(shared: &Arc<Shared>) -> Result<Self, TranscodeError> {
        let max = shared.config.live_max;
        // Under the lock, so that no camera comes in between.
        let sessions = shared.sessions();
        if sessions.len() + shared.plays.load(Ordering::Relaxed) >= max {
            return Err(TranscodeError::Limit { max });
        }
        shared.plays.fetch_add(1, Ordering::Relaxed);
        drop(sessions);
        Ok(Self(shared.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.plays.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is watched. Dropping it ends its process.
#[derive(Debug)]
pub struct PlayedCopy {
    init: Bytes,
    output: Output,
    patience: Duration,
    broken_off: CancellationToken,
}

impl PlayedCopy {
    /// The whole file (fragmented MP4), as it is made.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes, PlaybackError>> {
        let Self { init, output, patience, broken_off } = self;
        let over = broken_off.drop_guard();
        stream::try_unfold((Some(init), output, over), move |(init, mut output, over)| async move {
            if let Some(init) = init {
                return Ok(Some((init, (None, output, over))));
            }
            match output.next(patience).await.map_err(|error| PlaybackError::Transcode(error.to_string()))? {
                Made::Chunk(_, data) => Ok(Some((data, (None, output, over)))),
                Made::Done => Ok(None),
                Made::Init(_) => Err(PlaybackError::Transcode("the pictures change their form".to_owned())),
            }
        })
        .boxed()
    }
}

type Pieces = BoxStream<'static, Result<Bytes, PlaybackError>>;

/// An export, from now on.
pub(super) async fn of_export(shared: &Arc<Shared>, export: &Export) -> Result<PlayedCopy, TranscodeError> {
    let mut pieces = export.read(0..export.len());
    let header = pieces.next().await.ok_or(PlaybackError::Nothing)??;
    begin(shared, header, pieces, export.start_ms(), export.duration_ms()).await
}

/// A file as an export gives it.
pub(super) async fn of_file(shared: &Arc<Shared>, file: &Bytes, start_ms: i64, duration_ms: u64) -> Result<PlayedCopy, TranscodeError> {
    let (header, fragments) =
        taken_apart(file).ok_or(SegmentError::Damaged { offset: 0, what: "no file of ours" }).map_err(PlaybackError::from)?;
    begin(shared, header, stream::iter(fragments.into_iter().map(Ok)).boxed(), start_ms, duration_ms).await
}

/// Header, and the fragments behind it: a `moof` with its `mdat` each. What else stands in the file is left out.
fn taken_apart(file: &Bytes) -> Option<(Bytes, Vec<Bytes>)> {
    let (mut at, mut header, mut moof, mut fragments) = (0, None, None, Vec::new());
    while at < file.len() {
        let found = BoxHeader::parse(&file[at..])?;
        let end = at.checked_add(usize::try_from(found.len).ok()?).filter(|end| *end <= file.len() && *end > at)?;
        match &found.box_type {
            b"moof" => {
                header.get_or_insert(file.slice(..at));
                moof = Some(at);
            }
            b"mdat" => fragments.push(file.slice(moof.take()?..end)),
            _ => {}
        }
        at = end;
    }
    Some((header?, fragments))
}

/// Codec of a file as an export gives it.
#[must_use]
pub fn codec_of_file(file: &Bytes) -> Option<Codec> {
    let (header, _) = taken_apart(file)?;
    Some(video_header(&header)?.codec)
}

async fn begin(shared: &Arc<Shared>, header: Bytes, media: Pieces, start_ms: i64, duration_ms: u64) -> Result<PlayedCopy, TranscodeError> {
    let unavailable = |error: ProcessError| TranscodeError::Unavailable(error.to_string());
    let Some(program) = shared.config.program.as_deref() else {
        return Err(TranscodeError::Unavailable("it is switched off".to_owned()));
    };
    let place = Place::take(shared)?;
    let limits = Limits { memory_bytes: shared.config.memory_bytes, nice: NICE };
    let mut process = Process::start(program, limits, WORK, &header).await.map_err(unavailable)?;
    shared.starts.fetch_add(1, Ordering::Relaxed);
    let (patience, broken_off) = (Duration::from_millis(shared.config.patience_ms), CancellationToken::new());
    let lasts_max = LASTS_MAX + Duration::from_millis(duration_ms) * 2;
    // The process lives in the task: who watches may go away at any time.
    let (feeding, over) = (feed_all(media, process.feed, start_ms), broken_off.clone().drop_guard());
    let kept = keep(process.child, feeding, place, lasts_max, broken_off.clone(), shared.supervisor.soft());
    shared.supervisor.once("played copy", kept);
    let Made::Init(init) = process.output.next(patience).await.map_err(unavailable)? else {
        return Err(TranscodeError::Unavailable("it gives no header".to_owned()));
    };
    over.disarm();
    let ticks = timescale(&init).map(|ticks| duration_ms * u64::from(ticks) / 1_000);
    let init = ticks.and_then(|ticks| with_duration(&init, ticks)).map_or(init, Bytes::from);
    Ok(PlayedCopy { init, output: process.output, patience, broken_off })
}

async fn feed_all(mut media: Pieces, mut feed: Feed, start_ms: i64) -> Result<(), TranscodeError> {
    while let Some(fragment) = media.next().await {
        feed.chunk(start_ms, &fragment?).await.map_err(|error| TranscodeError::Unavailable(error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
        [&len[..], kind, body].concat()
    }

    #[test]
    fn a_file_is_taken_apart_and_what_is_no_picture_is_left_out() {
        let header = [boxed(b"ftyp", b"a"), boxed(b"moov", b"bc"), boxed(b"sidx", b"d")].concat();
        let one = [boxed(b"moof", b"1"), boxed(b"mdat", b"22")].concat();
        let other = [boxed(b"moof", b"3"), boxed(b"mdat", b"4")].concat();
        let file = [&header[..], &one, &other, &boxed(b"uuid", b"statement")].concat();
        let (found, fragments) = taken_apart(&Bytes::from(file.clone())).expect("ours");
        assert_eq!((found, fragments), (Bytes::from(header), vec![Bytes::from(one), Bytes::from(other)]));
        assert!(taken_apart(&Bytes::from(file[..file.len() - 1].to_vec())).is_none(), "cut off");
        assert!(taken_apart(&Bytes::from(boxed(b"mdat", b"5"))).is_none(), "pictures of which nothing is known");
        assert!(codec_of_file(&Bytes::from_static(b"nothing")).is_none());
    }
}
