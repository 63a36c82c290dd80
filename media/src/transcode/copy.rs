//! A copy of a recording with a mark burnt into every picture: who took it from where, and the running time of the pictures.
//!
//! The copy is made while it is sent, so its length is not known before. Its pictures are none that a camera sent: what
//! goes with it are the hashes of both, of the fragments it was made from and of those it consists of, so that a statement
//! can say truly what it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::hide::{Hiding, Region};
use super::process::{Feed, Limits, Made, Output, Process, ProcessError};
use super::protocol::{ToldChunk, Work};
use super::{Shared, TranscodeError};
use crate::playback::header::{timescale, with_duration};
use crate::playback::statement::{FragmentHash, Hash, Hashes, boxed};
use crate::playback::{Export, PlaybackError};
use crate::segment::boxes::children;

/// A copy gives way to everything else here.
const NICE: i32 = 12;
/// A copy that is not finished by then is broken off, so that one who takes a byte a second does not keep others from
/// theirs: this, and four times its playing time.
const LASTS_MAX: Duration = Duration::from_secs(600);
/// Lines of a mark, beside its clock.
const LINES_MAX: usize = 3;
/// Characters of a line.
const LINE_CHARS_MAX: usize = 120;
/// Parts of the picture that one copy hides.
pub const REGIONS_MAX: usize = 12;
/// A copy in which faces are looked for takes longer: so many times its playing time.
const HIDING_LASTS: u32 = 40;

/// What stands in every picture, beside the time of that picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// At most three, of at most 120 characters; what is beyond is left out.
    pub lines: Vec<String>,
    /// Of the clock, seconds east of UTC.
    pub utc_offset_s: i32,
    /// What is hidden in the pictures; `None` leaves them as they are.
    pub hidden: Option<Hidden>,
}

/// What a copy hides, for publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Every face that is found.
    pub faces: bool,
    /// Parts of the picture, at most 12; what is beyond is left out.
    pub regions: Vec<Region>,
}

impl Mark {
    /// The lines as they will stand there.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        let plain = |line: &String| line.chars().filter(|letter| !letter.is_control()).take(LINE_CHARS_MAX).collect();
        self.lines.iter().take(LINES_MAX).map(plain).collect()
    }
}

/// What a copy hashes to, and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyHashes {
    /// Of the copy without its statement.
    pub copy: Hashes,
    /// Pictures in the copy.
    pub frames: u64,
    /// Pictures in which a face was hidden.
    pub with_faces: u64,
    /// Of the recorded fragments that it was made from.
    pub originals: Vec<FragmentHash>,
}

/// A copy under way. Dropping it ends its process.
#[derive(Debug)]
pub struct MarkedCopy {
    init: Bytes,
    output: Output,
    originals: oneshot::Receiver<Vec<FragmentHash>>,
    patience: Duration,
    /// Of its pictures, pixels.
    size: (u32, u32),
    broken_off: CancellationToken,
}

/// Starts the process of a copy and waits for its header: from then on only its pictures can fail.
pub(super) async fn begin(shared: &Arc<Shared>, export: Export, mark: Mark) -> Result<MarkedCopy, TranscodeError> {
    let unavailable = |error: ProcessError| TranscodeError::Unavailable(error.to_string());
    let Some(program) = shared.config.program.as_deref() else {
        return Err(TranscodeError::Unavailable("it is switched off".to_owned()));
    };
    let max = shared.config.copies_max;
    let permit = shared.copies.clone().try_acquire_owned().map_err(|_| TranscodeError::Limit { max })?;
    let work = Work::Mark { lines: mark.shown(), utc_offset_s: mark.utc_offset_s, hiding: hiding(shared, mark.hidden)? };
    let hides = matches!(&work, Work::Mark { hiding: Some(_), .. });
    let limits = Limits { memory_bytes: shared.config.memory_bytes, nice: NICE };
    let (header, _, _) = export.read_and_hash(0, Sha256::new()).await?;
    let mut process = Process::start(program, limits, work, &header).await.map_err(unavailable)?;
    shared.starts.fetch_add(1, Ordering::Relaxed);
    let (told, originals) = oneshot::channel();
    let (piece, duration_ms, broken_off) = (export.piece(), export.duration_ms(), CancellationToken::new());
    let feeding = feed_all(export, header.len() as u64, process.feed, told);
    let lasts_max = LASTS_MAX + Duration::from_millis(duration_ms) * if hides { HIDING_LASTS } else { 4 };
    // Looking for faces takes what it takes on a machine that has other things to do first; all of it has its limit above.
    let patience = if hides { lasts_max } else { Duration::from_millis(shared.config.patience_ms) };
    // The process lives in the task: who asked for the copy may go away at any time.
    let (child, over) = (process.child, broken_off.clone().drop_guard());
    shared.supervisor.once("marked copy", keep(child, feeding, permit, lasts_max, broken_off.clone(), shared.supervisor.soft()));
    let first = process.output.next(patience).await.map_err(unavailable)?;
    over.disarm();
    let Made::Init(init) = first else { return Err(TranscodeError::Unavailable("it gives no header".to_owned())) };
    let ticks = timescale(&init).map(|ticks| duration_ms * u64::from(ticks) / 1000);
    let init = ticks.and_then(|ticks| with_duration(&init, ticks)).map_or(init, Bytes::from);
    Ok(MarkedCopy { init, output: process.output, originals, patience, size: (piece.width, piece.height), broken_off })
}

fn hiding(shared: &Shared, hidden: Option<Hidden>) -> Result<Option<Hiding>, TranscodeError> {
    let Some(Hidden { faces, mut regions }) = hidden else { return Ok(None) };
    let missing =
        || TranscodeError::Unavailable("no model that finds faces is installed here; regions can be hidden all the same".to_owned());
    let face_model = if faces { Some(shared.config.face_model.clone().ok_or_else(missing)?) } else { None };
    regions.truncate(REGIONS_MAX);
    Ok(Some(Hiding { face_model, regions }))
}

/// Feeds the process and waits for its end; it is killed when it takes too long, nobody takes the copy, or the program stops.
pub(super) async fn keep<P>(
    mut child: tokio::process::Child,
    feeding: impl Future<Output = Result<(), TranscodeError>>,
    _permit: P,
    lasts_max: Duration,
    broken_off: CancellationToken,
    soft: CancellationToken,
) {
    let whole = async {
        if let Err(error) = feeding.await {
            tracing::warn!(%error, "a copy could not be fed");
        }
        child.wait().await
    };
    tokio::select! {
        ended = tokio::time::timeout(lasts_max, whole) => {
            if ended.is_err() {
                tracing::warn!(lasts_max_s = lasts_max.as_secs(), "a copy took too long and is broken off");
            }
        }
        () = broken_off.cancelled() => {}
        () = soft.cancelled() => {}
    }
}

async fn feed_all(export: Export, from: u64, mut feed: Feed, told: oneshot::Sender<Vec<FragmentHash>>) -> Result<(), TranscodeError> {
    let mut originals = export.not_hashed().fragments;
    let mut at = from;
    for original in &mut originals {
        // The file's own hash is none of a copy's business.
        let (media, sha256, _) = export.read_and_hash(at, Sha256::new()).await?;
        at += media.len() as u64;
        original.sha256 = sha256;
        feed.chunk(original.start_ms, &media).await.map_err(|error| TranscodeError::Unavailable(error.to_string()))?;
    }
    // Before the end is told: whoever reads the last of the copy finds them.
    told.send(originals).ok();
    Ok(())
}

/// The copy while it is sent.
struct Sending<F> {
    output: Output,
    originals: Option<oneshot::Receiver<Vec<FragmentHash>>>,
    patience: Duration,
    file: Sha256,
    hashes: Hashes,
    frames: u64,
    with_faces: u32,
    header: Option<Bytes>,
    fragment: Option<(FragmentHash, Sha256)>,
    statement: Option<F>,
    _broken_off: tokio_util::sync::DropGuard,
}

impl MarkedCopy {
    /// Width and height of its pictures.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The whole file, with the statement that is made when everything else has been sent.
    pub fn stated<F>(self, statement: F) -> BoxStream<'static, Result<Bytes, PlaybackError>>
    where
        F: FnOnce(&CopyHashes) -> Vec<u8> + Send + 'static,
    {
        let sending = Sending {
            output: self.output,
            originals: Some(self.originals),
            patience: self.patience,
            file: Sha256::new(),
            hashes: Hashes { bytes: 0, file: Hash::default(), fragments: Vec::new() },
            frames: 0,
            with_faces: 0,
            header: Some(self.init),
            fragment: None,
            statement: Some(statement),
            _broken_off: self.broken_off.drop_guard(),
        };
        stream::try_unfold(sending, |mut sending| async move { Ok(sending.next().await?.map(|bytes| (bytes, sending))) }).boxed()
    }
}

impl<F: FnOnce(&CopyHashes) -> Vec<u8>> Sending<F> {
    async fn next(&mut self) -> Result<Option<Bytes>, PlaybackError> {
        if let Some(header) = self.header.take() {
            return Ok(Some(self.hashed(header)));
        }
        let Some(statement) = self.statement.take() else { return Ok(None) };
        match self.output.next(self.patience).await.map_err(|error| PlaybackError::Transcode(error.to_string()))? {
            Made::Init(_) => Err(PlaybackError::Transcode("the pictures change their form".to_owned())),
            Made::Chunk(told, data) => {
                self.statement = Some(statement);
                self.add(told, &data);
                Ok(Some(self.hashed(data)))
            }
            Made::Done => {
                self.close_fragment();
                let missing = || PlaybackError::Transcode("not everything was read".to_owned());
                let originals = self.originals.take().ok_or_else(missing)?.await.map_err(|_| missing())?;
                self.hashes.file = self.file.clone().finalize().into();
                let hashes =
                    CopyHashes { copy: self.hashes.clone(), frames: self.frames, with_faces: u64::from(self.with_faces), originals };
                Ok(Some(Bytes::from(boxed(&statement(&hashes)))))
            }
        }
    }

    fn hashed(&mut self, bytes: Bytes) -> Bytes {
        self.file.update(&bytes);
        self.hashes.bytes += bytes.len() as u64;
        bytes
    }

    fn add(&mut self, told: ToldChunk, data: &Bytes) {
        if told.begins {
            self.close_fragment();
        }
        let fresh = || (FragmentHash { start_ms: told.wall_ms, end_ms: told.wall_ms, chunks: 0, sha256: Hash::default() }, Sha256::new());
        let (fragment, samples) = self.fragment.get_or_insert_with(fresh);
        for (_, body) in children(data).filter(|(box_type, _)| box_type == b"mdat") {
            samples.update(body);
        }
        fragment.chunks += 1;
        fragment.end_ms = told.wall_ms.saturating_add(i64::from(told.duration_ms));
        self.frames += u64::from(told.frames);
        self.with_faces = told.with_faces;
    }

    fn close_fragment(&mut self) {
        if let Some((mut fragment, samples)) = self.fragment.take() {
            fragment.sha256 = samples.finalize().into();
            self.hashes.fragments.push(fragment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_a_limit_and_no_line_breaks_of_its_own() {
        let mark =
            Mark { lines: vec!["a\nb".to_owned(), "字".repeat(500), "c".to_owned(), "d".to_owned()], utc_offset_s: 0, hidden: None };
        let shown = mark.shown();
        assert_eq!((shown.len(), shown[0].as_str(), shown[1].chars().count()), (LINES_MAX, "ab", LINE_CHARS_MAX));
    }
}
