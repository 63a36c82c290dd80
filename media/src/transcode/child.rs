//! The transcoding process: chunks of one stretch of a camera in, H.264 chunks out.
//!
//! It decodes bytes that come from cameras with libraries written in C, so it is a process of its own, with the limits of
//! the analysis process. It ends when its standard input does, after everything has gone out.
//!
//! Two threads: one reads and feeds the decoder, the other takes what the encoder gives, hands it to the muxer and writes.
//! Where the reader of our output is slow, that one waits in its write, the pipeline fills, and the first waits in its feed.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::pipeline::{Coded, Pipeline, PipelineError};
use super::protocol::{Order, Told, ToldChunk, Work, read, write};
use super::samples::samples;
use super::wall::Walls;
use crate::analyse::child::keep_to;
use crate::mux::{ChunkSink, Mux, MuxError};
use crate::playback::header::timescale;
use crate::record::batch::{Batcher, ChunkMark, Frame};
use crate::segment::sample::video_header;
use crate::settings::EngineConfig;
use crate::source::StreamParameters;

/// How long the muxer may take to give out what it has at the end.
const MUX_PATIENCE: Duration = Duration::from_secs(30);
/// Messages that wait to be written: more than the muxer has under way.
const MESSAGES_MAX: usize = 64;
/// Characters of a reason.
const WHY_MAX: usize = 500;
/// A part of a live stream, as of any other camera here, milliseconds.
const LIVE_CHUNK_MS: u64 = 500;
/// A part of a copy, milliseconds.
const COPY_CHUNK_MS: u64 = 2_000;

/// Why the process goes no further.
#[derive(Debug, thiserror::Error)]
enum ChildError {
    #[error("standard input or output: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Init(#[from] crate::InitError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Mux(#[from] MuxError),
    #[error("the conversation is not as it should be: {0}")]
    Order(&'static str),
    #[error("the output thread panicked")]
    Panicked,
}

/// What `bright-kitchen transcode` runs: speaks the protocol on standard input and output until the input ends.
#[must_use]
pub fn transcode_main() -> ExitCode {
    let Err(error) = converse(&mut io::stdin().lock()) else { return ExitCode::SUCCESS };
    eprintln!("transcode: {error}");
    tell(&error);
    ExitCode::FAILURE
}

fn tell(error: &ChildError) {
    let why = error.to_string().chars().take(WHY_MAX).collect();
    // Nobody may be there any more to hear it.
    write(&mut io::stdout().lock(), &Told::Failed { why }, &[]).ok();
}

fn converse(input: &mut impl Read) -> Result<(), ChildError> {
    let Some((first, init)) = read::<Order>(input)? else { return Ok(()) };
    let Order::Begin { memory_bytes, nice, work } = first else { return Err(ChildError::Order("it does not begin")) };
    keep_to(memory_bytes, nice);
    crate::init()?;
    let video = video_header(&init).ok_or(ChildError::Order("a header without video"))?;
    let ticks_per_second = timescale(&init).filter(|ticks| *ticks > 0).ok_or(ChildError::Order("a header without a time scale"))?;
    let walls = Arc::new(Mutex::new(Walls::default()));
    let pipeline = Pipeline::start(&work, &video, &walls)?;
    std::thread::scope(|threads| {
        let giving = threads.spawn(|| {
            // Whatever goes wrong here, the other thread must not wait for room for ever, nor the engine for a word of it.
            give(&pipeline, &walls, &work).inspect_err(|error| {
                pipeline.stop();
                tell(error);
            })
        });
        let taken = take(input, &pipeline, &walls, ticks_per_second);
        match taken {
            Ok(()) => pipeline.end(),
            Err(_) => pipeline.stop(),
        }
        // What the encoder or the pipe says is the cause where both complain.
        giving.join().unwrap_or(Err(ChildError::Panicked)).and(taken)
    })
}

/// Feeds what comes until the input ends.
fn take(input: &mut impl Read, pipeline: &Pipeline, walls: &Mutex<Walls>, ticks_per_second: u32) -> Result<(), ChildError> {
    let mut is_first = true;
    while let Some((order, media)) = read::<Order>(input)? {
        let Order::Chunk { wall_ms } = order else { return Err(ChildError::Order("it begins twice")) };
        let pictures = samples(&media).ok_or(ChildError::Order("a chunk that is not ours"))?;
        if let Some(earliest) = pictures.iter().map(|picture| picture.pts).min() {
            walls.lock().unwrap_or_else(PoisonError::into_inner).note(nanoseconds(earliest, ticks_per_second), wall_ms);
        }
        for picture in pictures {
            let (pts, dts) = (nanoseconds(picture.pts, ticks_per_second), nanoseconds(picture.dts, ticks_per_second));
            pipeline.push(picture.data, pts, dts, std::mem::take(&mut is_first))?;
        }
    }
    Ok(())
}

/// Rounded up, so that the muxer, which rounds down, finds the same tick again.
fn nanoseconds(ticks: u64, ticks_per_second: u32) -> u64 {
    let nanoseconds = (u128::from(ticks) * 1_000_000_000).div_ceil(u128::from(ticks_per_second));
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

/// Gives what comes out of the encoder until there is no more.
fn give(pipeline: &Pipeline, walls: &Mutex<Walls>, work: &Work) -> Result<(), ChildError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut made: Option<Output> = None;
    while let Some((coded, parameters)) = pipeline.next()? {
        let output = match &mut made {
            Some(output) => output,
            none => none.insert(Output::new(work, &parameters, coded.pts_ns, pipeline.with_faces())?),
        };
        let wall_ms = walls.lock().unwrap_or_else(PoisonError::into_inner).at(u64::try_from(coded.pts_ns).unwrap_or(0));
        runtime.block_on(output.take(coded, wall_ms))?;
        output.write_waiting()?;
    }
    if let Some(mut output) = made {
        runtime.block_on(output.finish())?;
        output.write_waiting()?;
    }
    Ok(write(&mut io::stdout().lock(), &Told::Done, &[])?)
}

/// The muxer behind the encoder.
struct Output {
    mux: Mux,
    batcher: Batcher,
    messages: Receiver<(Told, Bytes)>,
    /// Taken off every time: a live stream begins at zero, a copy keeps the times of what it copies.
    origin_ns: i64,
    last_ns: i64,
}

impl Output {
    fn new(work: &Work, parameters: &StreamParameters, first_ns: i64, with_faces: Arc<AtomicU32>) -> Result<Self, ChildError> {
        let (origin_ns, chunk_ms) = match work {
            Work::Live { .. } => (first_ns, LIVE_CHUNK_MS),
            Work::Mark { .. } => (0, COPY_CHUNK_MS),
        };
        let config = EngineConfig { chunk_ms, ..EngineConfig::new(PathBuf::new()) };
        let (to, messages) = sync_channel(MESSAGES_MAX);
        let mux = Mux::new(parameters, Messages { to, with_faces })?;
        Ok(Self { mux, batcher: Batcher::new(&config, 0), messages, origin_ns, last_ns: -1 })
    }

    async fn take(&mut self, coded: Coded, wall_ms: i64) -> Result<(), MuxError> {
        // Two pictures at one time, which no sane stream has, would not pass the muxer.
        let time_ns = (coded.pts_ns - self.origin_ns).max(self.last_ns + 1);
        self.last_ns = time_ns;
        let Coded { data, is_key, .. } = coded;
        let (discontinuity, damaged, mono_ms, epoch) = (false, false, 0, 0);
        let frame = Frame { data, pts_ns: time_ns, dts_ns: time_ns, is_key, damaged, wall_ms, mono_ms, discontinuity, epoch };
        self.mux.hand_over(self.batcher.push(frame)).await
    }

    async fn finish(&mut self) -> Result<(), MuxError> {
        let (steps, last) = self.batcher.finish();
        self.mux.hand_over(steps).await?;
        self.mux.finish(last, MUX_PATIENCE).await
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        let mut output = io::stdout().lock();
        self.messages.try_iter().try_for_each(|(told, body)| write(&mut output, &told, &body))
    }
}

/// Where the muxer puts its chunks: never a pipe, in which its thread could be stuck.
struct Messages {
    to: SyncSender<(Told, Bytes)>,
    with_faces: Arc<AtomicU32>,
}

impl Messages {
    fn give(&self, told: Told, body: Bytes) -> Result<(), String> {
        self.to.try_send((told, body)).map_err(|error| error.to_string())
    }
}

impl ChunkSink for Messages {
    fn init(&mut self, init: Bytes) -> Result<(), String> {
        self.give(Told::Init, init)
    }

    fn chunk(&mut self, mark: ChunkMark, data: Bytes) -> Result<(), String> {
        let chunk = ToldChunk {
            wall_ms: mark.wall_ms,
            duration_ms: mark.duration_ms,
            frames: mark.frames,
            independent: mark.independent,
            begins: mark.begins.is_some(),
            ends: mark.ends,
            with_faces: self.with_faces.load(Ordering::Relaxed),
        };
        self.give(Told::Chunk(chunk), data)
    }

    fn end(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_found_again_by_rounding_down_and_by_rounding() {
        for ticks in [0, 1, 2, 3_600, 3_754, 90_001, 12 * 3_600 * 90_000 + 7] {
            let ns = nanoseconds(ticks, 90_000);
            assert_eq!(ns * 9 / 100_000, ticks);
            assert_eq!((ns * 9 + 50_000) / 100_000, ticks);
        }
    }
}
