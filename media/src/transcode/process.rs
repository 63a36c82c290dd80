//! The engine's side of one transcoding process: what is fed and what comes back are two halves that wait for themselves.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::protocol::{Order, Told, ToldChunk, Work};
use crate::analyse::process::limited;
use crate::analyse::protocol::{LENGTHS_BYTES, ProtocolError, head, lengths, message};

/// Why a process is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    /// It could not be started.
    #[error("the transcoding process cannot be started: {0}")]
    Start(std::io::Error),
    /// It ended, or its pipes broke.
    #[error("the transcoding process ended: {0}")]
    Ended(std::io::Error),
    /// It does not take or give anything.
    #[error("the transcoding process gave nothing within {} ms", .0.as_millis())]
    Hung(Duration),
    /// It said so itself.
    #[error("{0}")]
    Failed(String),
    /// It did not keep to the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// What a process is started with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) memory_bytes: u64,
    pub(super) nice: i32,
}

/// A running process, in its parts. The child is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) feed: Feed,
    pub(super) output: Output,
}

impl Process {
    /// Starts `program transcode` and tells it what it is for.
    pub(super) async fn start(program: &Path, limits: Limits, work: Work, init: &[u8]) -> Result<Self, ProcessError> {
        let mut child = limited(program, "transcode").spawn().map_err(ProcessError::Start)?;
        let missing = || ProcessError::Start(std::io::Error::other("no pipe to the process"));
        let mut feed = Feed(child.stdin.take().ok_or_else(missing)?);
        let output = Output(child.stdout.take().ok_or_else(missing)?);
        let Limits { memory_bytes, nice } = limits;
        feed.say(&Order::Begin { memory_bytes, nice, work }, init).await?;
        Ok(Self { child, feed, output })
    }
}

/// What goes in. Dropping it says that nothing more comes.
#[derive(Debug)]
pub(super) struct Feed(ChildStdin);

impl Feed {
    /// Hands chunks over; waits while the process is behind.
    pub(super) async fn chunk(&mut self, wall_ms: i64, media: &[u8]) -> Result<(), ProcessError> {
        self.say(&Order::Chunk { wall_ms }, media).await
    }

    async fn say(&mut self, order: &Order, body: &[u8]) -> Result<(), ProcessError> {
        self.0.write_all(&message(order, &[body])?).await.map_err(ProcessError::Ended)
    }
}

/// What comes out.
#[derive(Debug)]
pub(super) struct Output(ChildStdout);

/// One thing that comes out.
#[derive(Debug)]
pub(super) enum Made {
    Init(Bytes),
    Chunk(ToldChunk, Bytes),
    Done,
}

impl Output {
    /// The next message, within `patience`.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Made, ProcessError> {
        let reading = async {
            let mut frame = [0; LENGTHS_BYTES];
            self.0.read_exact(&mut frame).await.map_err(ProcessError::Ended)?;
            let (head_bytes, body_bytes) = lengths(frame)?;
            let mut whole = vec![0; head_bytes + body_bytes];
            self.0.read_exact(&mut whole).await.map_err(ProcessError::Ended)?;
            let mut body = Bytes::from(whole);
            let said = body.split_to(head_bytes);
            match head::<Told>(&said)? {
                Told::Init => Ok(Made::Init(body)),
                Told::Chunk(chunk) => Ok(Made::Chunk(chunk, body)),
                Told::Done => Ok(Made::Done),
                Told::Failed { why } => Err(ProcessError::Failed(why)),
            }
        };
        tokio::time::timeout(patience, reading).await.unwrap_or(Err(ProcessError::Hung(patience)))
    }
}
