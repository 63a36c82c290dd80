//! The analysis process: reads key frames, answers with looks and stills, and may die without harm.
//!
//! It decodes bytes that come from cameras with libraries written in C, so it is a process of its own: niced, first in
//! line for the kernel's out-of-memory killer, with a limit on its data, without core dumps. It ends when its standard
//! input does, so it never outlives the recorder.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::decoder::DecoderPool;
use super::picture;
use super::protocol::{self, AnswerHead, LENGTHS_BYTES, ProtocolError, Request};
use crate::diagnosis::Look;

/// How much nicer than the recorder.
const NICE: i32 = 10;
/// The kernel kills this process before others of its size when memory runs out (-1000..=1000).
const OOM_SCORE: &str = "500";

/// Why the conversation ended before the other side closed it.
#[derive(Debug, thiserror::Error)]
enum ChildError {
    #[error("standard input or output: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// What `bright-kitchen analyse` runs: speaks the protocol on standard input and output until the input ends.
#[must_use]
pub fn analyse_main() -> ExitCode {
    if let Err(error) = gstreamer::init() {
        eprintln!("analysis: GStreamer: {error}");
        return ExitCode::FAILURE;
    }
    match converse(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("analysis: {error}");
            ExitCode::FAILURE
        }
    }
}

fn converse(input: &mut impl Read, output: &mut impl Write) -> Result<(), ChildError> {
    let mut decoders = DecoderPool::default();
    let mut lengths = [0; LENGTHS_BYTES];
    loop {
        match input.read_exact(&mut lengths) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let (head_bytes, body_bytes) = protocol::lengths(lengths)?;
        let mut message = vec![0; head_bytes + body_bytes];
        input.read_exact(&mut message)?;
        let (head, body) = message.split_at(head_bytes);
        let request: Request = protocol::head(head)?;
        let answer = answer(&request, body, &mut decoders);
        let look = answer.look.map(|look| look.to_bytes()).unwrap_or_default();
        let jpeg = answer.jpeg.unwrap_or_default();
        let head = AnswerHead {
            id: request.id(),
            error: answer.error,
            has_look: !look.is_empty(),
            jpeg_bytes: jpeg.len(),
            width: answer.size.0,
            height: answer.size.1,
        };
        output.write_all(&protocol::message(&head, &[&look, &jpeg])?)?;
        output.flush()?;
    }
}

#[derive(Default)]
struct Made {
    error: Option<String>,
    look: Option<Look>,
    jpeg: Option<Vec<u8>>,
    size: (u32, u32),
}

fn answer(request: &Request, body: &[u8], decoders: &mut DecoderPool) -> Made {
    let made = match *request {
        Request::Ping { .. } => Ok(Made::default()),
        Request::Begin { memory_bytes, .. } => {
            keep_to(memory_bytes, NICE);
            Ok(Made::default())
        }
        Request::Decode { codec, width, height, config_bytes, look, still_width_max, .. } => body
            .split_at_checked(config_bytes)
            .ok_or_else(|| "the configuration is longer than the message".to_owned())
            .and_then(|(config, data)| {
                let picture = decoders.decode(codec, (width, height), config, data).map_err(|error| error.to_string())?;
                let look = look.then(|| picture::look(&picture)).transpose().map_err(|error| error.to_string())?;
                let still = still_width_max.map(|width_max| picture::jpeg(&picture, width_max)).transpose();
                let (jpeg, size) = match still.map_err(|error| error.to_string())? {
                    Some((jpeg, width, height)) => (Some(jpeg), (width, height)),
                    None => (None, (picture.info.width(), picture.info.height())),
                };
                Ok(Made { error: None, look, jpeg, size })
            }),
    };
    made.unwrap_or_else(|mut error: String| {
        error.truncate(error.floor_char_boundary(protocol::HEAD_BYTES_MAX / 4));
        Made { error: Some(error), ..Made::default() }
    })
}

/// Takes the limits upon itself. Each is a kindness to the recorder, none is needed to work: a failure is only told.
pub(crate) fn keep_to(memory_bytes: u64, niceness: i32) {
    let limit = |resource, bytes| setrlimit(resource, Rlimit { current: Some(bytes), maximum: Some(bytes) });
    let taken = [
        ("memory", limit(Resource::Data, memory_bytes).map_err(io::Error::from)),
        ("core dumps", limit(Resource::Core, 0).map_err(io::Error::from)),
        ("niceness", nice(niceness).map(|_| ()).map_err(io::Error::from)),
        ("out-of-memory score", std::fs::write("/proc/self/oom_score_adj", OOM_SCORE)),
    ];
    for (what, result) in taken {
        if let Err(error) = result {
            eprintln!("no limit of {what}: {error}");
        }
    }
}
