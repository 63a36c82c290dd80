//! The recorder's side of one analysis process: start it, ask it with a time limit, kill it when it does not answer.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::feed::KeyFrame;
use super::protocol::{self, Answer, LENGTHS_BYTES, ProtocolError, Request};

/// Time for starting: the dynamic linker and GStreamer's registry on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Time for a heart-beat.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// What shall be made of a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// A look for the diagnosis.
    pub(super) look: bool,
    /// A JPEG no wider than this.
    pub(super) still_width_max: Option<u32>,
}

/// Why a process gave no answer. After any of these it is gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    /// It could not be started.
    #[error("the analysis process cannot be started: {0}")]
    Start(std::io::Error),
    /// It ended, or its pipes broke.
    #[error("the analysis process ended: {0}")]
    Ended(std::io::Error),
    /// It did not answer in time.
    #[error("the analysis process did not answer within {} ms", .0.as_millis())]
    Hung(Duration),
    /// It did not keep to the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// A running analysis process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    next_id: u64,
}

/// `program work`, to be spoken to by its pipes and to take limits of memory upon itself ([`super::child::keep_to`]).
pub(crate) fn limited(program: &Path, work: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(work).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

impl Process {
    /// Starts `program analyse` and hands it its limits.
    ///
    /// # Errors
    /// [`ProcessError`] when it does not start or does not answer.
    pub(super) async fn start(program: &Path, memory_bytes: u64) -> Result<Self, ProcessError> {
        let mut child = limited(program, "analyse").spawn().map_err(ProcessError::Start)?;
        let missing = || ProcessError::Start(std::io::Error::other("no pipe to the process"));
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let mut process = Self { child, input, output, next_id: 0 };
        let id = process.number();
        process.ask(&Request::Begin { id, memory_bytes }, &[], START_LIMIT).await?;
        Ok(process)
    }

    /// Its process id while it runs.
    #[must_use]
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`ProcessError`] when it does not; it is to be dropped then.
    pub(super) async fn ping(&mut self) -> Result<(), ProcessError> {
        let id = self.number();
        self.ask(&Request::Ping { id }, &[], PING_LIMIT).await.map(|_| ())
    }

    /// Has a key frame decoded. A picture that cannot be decoded is an answer with an error in its head.
    ///
    /// # Errors
    /// [`ProcessError`] when the process fails; it is to be dropped then.
    pub(super) async fn decode(&mut self, key: &KeyFrame, wanted: Wanted, limit: Duration) -> Result<Answer, ProcessError> {
        let request = Request::Decode {
            id: self.number(),
            codec: key.codec,
            width: key.width,
            height: key.height,
            config_bytes: key.config.len(),
            look: wanted.look,
            still_width_max: wanted.still_width_max,
        };
        self.ask(&request, &[&key.config, &key.data], limit).await
    }

    /// Kills the process and waits until the kernel has taken it away.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::debug!(%error, "the analysis process was gone already");
        }
    }

    async fn ask(&mut self, request: &Request, body: &[&[u8]], limit: Duration) -> Result<Answer, ProcessError> {
        let message = protocol::message(request, body)?;
        let id = request.id();
        let conversation = async {
            self.input.write_all(&message).await.map_err(ProcessError::Ended)?;
            self.input.flush().await.map_err(ProcessError::Ended)?;
            let mut lengths = [0; LENGTHS_BYTES];
            self.output.read_exact(&mut lengths).await.map_err(ProcessError::Ended)?;
            let (head_bytes, body_bytes) = protocol::lengths(lengths)?;
            let mut answer = vec![0; head_bytes + body_bytes];
            self.output.read_exact(&mut answer).await.map_err(ProcessError::Ended)?;
            let (head, body) = answer.split_at(head_bytes);
            let answer = Answer::parse(head, body)?;
            if answer.head.id == id { Ok(answer) } else { Err(ProtocolError::Body.into()) }
        };
        tokio::time::timeout(limit, conversation).await.unwrap_or(Err(ProcessError::Hung(limit)))
    }

    fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
