//! What the engine and a transcoding process say to each other, framed as the analysis's conversation is: two lengths, a
//! JSON head, a body, each with a limit.
//!
//! One process serves one unbroken stretch of one camera: `Begin`, then chunks until the input ends; back come a header,
//! chunks, and `Done`. Neither side waits for an answer to what it says.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::hide::Hiding;
use crate::analyse::protocol::{LENGTHS_BYTES, ProtocolError, head, lengths, message};

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub(super) enum Work {
    /// A live stream that any browser plays.
    Live {
        /// Not wider than this, pixels.
        width_max: u32,
        /// Not higher than this, pixels.
        height_max: u32,
        /// Pictures a second at most.
        fps_max: u32,
    },
    /// A copy with words burnt into every picture, each at its own time.
    Mark {
        /// What stands there beside the running clock.
        lines: Vec<String>,
        /// Of the clock, seconds east of UTC.
        utc_offset_s: i32,
        /// Parts that are hidden before that.
        hiding: Option<Hiding>,
    },
}

/// What the engine says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Order {
    /// The first message; the body is the header (`ftyp`, `moov`) of the chunks.
    Begin {
        /// Memory for data, bytes.
        memory_bytes: u64,
        /// How much nicer than the recorder.
        nice: i32,
        /// What is to be made.
        work: Work,
    },
    /// One or more `moof` and `mdat` pairs in the body.
    Chunk {
        /// Arrival of the first picture, milliseconds UTC.
        wall_ms: i64,
    },
}

/// What the process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Told {
    /// The header of what follows is the body.
    Init,
    /// A chunk is the body.
    Chunk(ToldChunk),
    /// Everything that came in has gone out.
    Done,
    /// Why it goes no further.
    Failed {
        /// In words.
        why: String,
    },
}

/// What is known of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToldChunk {
    /// When its first picture arrived from the camera, milliseconds UTC.
    pub(super) wall_ms: i64,
    /// Duration, milliseconds.
    pub(super) duration_ms: u32,
    /// Pictures in it.
    pub(super) frames: u32,
    /// Whether it begins with a key frame.
    pub(super) independent: bool,
    /// Whether it is the first of a fragment.
    pub(super) begins: bool,
    /// Whether it is the last of its fragment.
    pub(super) ends: bool,
    /// Pictures so far in which a face was hidden.
    pub(super) with_faces: u32,
}

/// Reads a message; `None` where the other side has closed.
///
/// # Errors
/// What the pipe says, and a message that is none.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<(T, Bytes)>> {
    let mut frame = [0; LENGTHS_BYTES];
    match input.read_exact(&mut frame) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let (head_bytes, body_bytes) = lengths(frame).map_err(bad)?;
    let mut whole = vec![0; head_bytes + body_bytes];
    input.read_exact(&mut whole)?;
    let mut body = Bytes::from(whole);
    let said = body.split_to(head_bytes);
    Ok(Some((head(&said).map_err(bad)?, body)))
}

/// Writes a message.
///
/// # Errors
/// What the pipe says, and a message beyond the limits.
pub(super) fn write(output: &mut impl Write, said: &impl Serialize, body: &[u8]) -> io::Result<()> {
    output.write_all(&message(said, &[body]).map_err(bad)?)?;
    output.flush()
}

fn bad(error: ProtocolError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let work = Work::Mark { lines: vec!["东岸小学食堂 · 灶台".to_owned()], utc_offset_s: 28_800, hiding: None };
        let begin = Order::Begin { memory_bytes: 1, nice: 5, work };
        let mut pipe = Vec::new();
        write(&mut pipe, &begin, b"header").expect("short");
        write(&mut pipe, &Order::Chunk { wall_ms: -1 }, b"").expect("short");
        let mut from = pipe.as_slice();
        assert_eq!(read::<Order>(&mut from).expect("whole"), Some((begin, Bytes::from_static(b"header"))));
        assert_eq!(read::<Order>(&mut from).expect("whole"), Some((Order::Chunk { wall_ms: -1 }, Bytes::new())));
        assert_eq!(read::<Order>(&mut from).expect("closed"), None);
        assert!(read::<Order>(&mut &[0xff; 8][..]).is_err(), "longer than any message");
        let chunk = ToldChunk { wall_ms: 7, duration_ms: 500, frames: 6, independent: true, begins: true, ends: false, with_faces: 3 };
        let mut pipe = Vec::new();
        write(&mut pipe, &Told::Chunk(chunk), b"x").expect("short");
        assert_eq!(read::<Told>(&mut pipe.as_slice()).expect("whole"), Some((Told::Chunk(chunk), Bytes::from_static(b"x"))));
    }
}
