//! RTMP's chunks (Adobe, "RTMP 1.0", 5.3): messages cut in pieces that share a connection.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};

/// Chunk streams that one connection may use.
const STREAMS_MAX: usize = 64;
/// Size of a chunk until somebody says otherwise, bytes.
const CHUNK_BYTES: usize = 128;
/// Stands where a time does not fit.
const EXTENDED: u32 = 0xff_ffff;

/// Kinds of messages that matter here.
pub(crate) mod kind {
    pub(crate) const CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER: u8 = 4;
    pub(crate) const WINDOW_SIZE: u8 = 5;
    pub(crate) const PEER_BANDWIDTH: u8 = 6;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const COMMAND: u8 = 20;
}

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    /// Milliseconds, modulo 2³².
    pub(crate) timestamp: u32,
    pub(crate) payload: Bytes,
}

/// What is wrong with chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("a chunk continues what never began")]
    Unbegun,
    #[error("too many chunk streams")]
    TooMany,
    #[error("a message is too large")]
    TooLarge,
    #[error("an impossible size of chunks")]
    Size,
}

#[derive(Debug, Default, Clone)]
struct Header {
    timestamp: u32,
    delta: u32,
    extended: bool,
    len: usize,
    kind: u8,
    stream: u32,
}

#[derive(Debug, Default)]
struct Stream {
    header: Option<Header>,
    gathered: BytesMut,
}

/// Puts messages together from bytes as they come.
#[derive(Debug)]
pub(crate) struct Chunks {
    size: usize,
    message_bytes_max: usize,
    streams: BTreeMap<u32, Stream>,
}

impl Chunks {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self { size: CHUNK_BYTES, message_bytes_max, streams: BTreeMap::new() }
    }

    /// The next whole message; `None` when more bytes are needed. What was understood is taken from `incoming`.
    ///
    /// # Errors
    /// [`ChunkError`]; the connection is of no use then.
    pub(crate) fn next(&mut self, incoming: &mut BytesMut) -> Result<Option<Message>, ChunkError> {
        loop {
            let Some((number, header, begins, header_len)) = self.header(incoming)? else { return Ok(None) };
            let stream = self.streams.get(&number);
            let gathered = stream.map_or(0, |stream| if begins { 0 } else { stream.gathered.len() });
            let piece = (header.len - gathered.min(header.len)).min(self.size);
            if incoming.len() < header_len + piece {
                return Ok(None);
            }
            if stream.is_none() && self.streams.len() >= STREAMS_MAX {
                return Err(ChunkError::TooMany);
            }
            incoming.advance(header_len);
            let stream = self.streams.entry(number).or_default();
            if begins {
                stream.gathered.clear();
            }
            stream.gathered.extend_from_slice(&incoming.split_to(piece));
            let (kind, message_stream, timestamp, whole) =
                (header.kind, header.stream, header.timestamp, stream.gathered.len() >= header.len);
            stream.header = Some(header);
            if whole {
                let payload = stream.gathered.split().freeze();
                let message = Message { kind, stream: message_stream, timestamp, payload };
                if !self.obey(&message)? {
                    return Ok(Some(message));
                }
            }
        }
    }

    /// Messages about the chunks themselves are for nobody else.
    fn obey(&mut self, message: &Message) -> Result<bool, ChunkError> {
        let number = || message.payload.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        match message.kind {
            kind::CHUNK_SIZE => {
                let size = number().and_then(|size| usize::try_from(size).ok()).filter(|size| (1..=EXTENDED as usize).contains(size));
                self.size = size.ok_or(ChunkError::Size)?;
                Ok(true)
            }
            kind::ABORT => {
                if let Some(stream) = number().and_then(|number| self.streams.get_mut(&number)) {
                    stream.gathered.clear();
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The chunk stream, the header as it holds, whether a message begins, and the header's length.
    fn header(&self, bytes: &[u8]) -> Result<Option<(u32, Header, bool, usize)>, ChunkError> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let (number, mut at) = match first & 0x3f {
            0 => match bytes.get(1) {
                Some(low) => (64 + u32::from(*low), 2),
                None => return Ok(None),
            },
            1 => match bytes.get(1..3) {
                Some(low_high) => (64 + u32::from(low_high[0]) + 256 * u32::from(low_high[1]), 3),
                None => return Ok(None),
            },
            number => (u32::from(number), 1),
        };
        let form = first >> 6;
        let stream = self.streams.get(&number);
        let before = stream.and_then(|stream| stream.header.clone());
        let begins = form != 3 || stream.is_none_or(|stream| stream.gathered.is_empty());
        let mut header = match (form, before) {
            (0, before) => before.unwrap_or_default(),
            (_, Some(before)) => before,
            (_, None) => return Err(ChunkError::Unbegun),
        };
        let fields = [11, 7, 3, 0][usize::from(form)];
        let Some(own) = bytes.get(at..at + fields) else { return Ok(None) };
        at += fields;
        let three = |bytes: &[u8]| u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        let mut time = if form < 3 { three(own) } else { header.delta };
        header.extended = if form < 3 { time == EXTENDED } else { header.extended };
        if header.extended {
            let Some(long) = bytes.get(at..at + 4) else { return Ok(None) };
            time = u32::from_be_bytes([long[0], long[1], long[2], long[3]]);
            at += 4;
        }
        if form < 2 {
            header.len = usize::try_from(three(&own[3..])).unwrap_or(usize::MAX);
            header.kind = own[6];
        }
        if form == 0 {
            header.stream = u32::from_le_bytes([own[7], own[8], own[9], own[10]]);
            header.timestamp = time;
            header.delta = 0;
        } else if begins {
            // Behind a whole time, a chunk without any means the same time again, as encoders do it.
            if form < 3 {
                header.delta = time;
            }
            header.timestamp = header.timestamp.wrapping_add(header.delta);
        }
        if header.len > self.message_bytes_max {
            return Err(ChunkError::TooLarge);
        }
        Ok(Some((number, header, begins, at)))
    }
}

/// A message of ours, as chunks of the size that holds before anybody says otherwise.
pub(crate) fn write(out: &mut BytesMut, chunk_stream: u8, kind: u8, stream: u32, payload: &[u8]) {
    let len = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    out.extend_from_slice(&[chunk_stream, 0, 0, 0, len[1], len[2], len[3], kind]);
    out.extend_from_slice(&stream.to_le_bytes());
    for (place, piece) in payload.chunks(CHUNK_BYTES).enumerate() {
        if place > 0 {
            out.extend_from_slice(&[0xc0 | chunk_stream]);
        }
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], pieces: usize) -> Result<Vec<Message>, ChunkError> {
        let (mut chunks, mut incoming, mut messages) = (Chunks::new(1_000_000), BytesMut::new(), Vec::new());
        for piece in bytes.chunks(pieces.max(1)) {
            incoming.extend_from_slice(piece);
            while let Some(message) = chunks.next(&mut incoming)? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    #[test]
    fn messages_are_put_together_whatever_way_the_bytes_come() {
        let (long, short) = (vec![7; 1_000], vec![9; 5]);
        let mut bytes = BytesMut::new();
        write(&mut bytes, 4, kind::VIDEO, 1, &long);
        write(&mut bytes, 3, kind::COMMAND, 0, &short);
        for pieces in [1, 7, 128, 5_000] {
            let messages = all(&bytes, pieces).expect("whole");
            assert_eq!(messages.len(), 2);
            assert_eq!((messages[0].kind, messages[0].stream, &messages[0].payload[..]), (kind::VIDEO, 1, &long[..]));
            assert_eq!((messages[1].kind, &messages[1].payload[..]), (kind::COMMAND, &short[..]));
        }
    }

    #[test]
    fn times_are_whole_or_steps_and_may_be_long() {
        let one = |form: u8, time: u32, extended: Option<u32>| {
            let mut bytes = vec![form << 6 | 4];
            bytes.extend(&time.to_be_bytes()[1..]);
            if form < 2 {
                bytes.extend([0, 0, 1, kind::VIDEO]);
            }
            if form == 0 {
                bytes.extend([1, 0, 0, 0]);
            }
            bytes.extend(extended.map(u32::to_be_bytes).into_iter().flatten());
            bytes.push(0xaa);
            bytes
        };
        let bytes =
            [one(0, 1_000, None), one(1, 40, None), one(2, 40, None), vec![0xc4, 0xaa], one(0, EXTENDED, Some(20_000_000))].concat();
        let times: Vec<u32> = all(&bytes, 3).expect("whole").iter().map(|message| message.timestamp).collect();
        assert_eq!(times, [1_000, 1_040, 1_080, 1_120, 20_000_000]);
    }

    #[test]
    fn two_messages_may_be_interleaved_and_the_size_of_chunks_changed() {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 4, kind::CHUNK_SIZE, 0, 0, 0, 0, 0, 0, 0, 2];
        bytes.extend([4, 0, 0, 0, 0, 0, 3, kind::VIDEO, 1, 0, 0, 0, 1, 2]);
        bytes.extend([5, 0, 0, 0, 0, 0, 3, 8, 1, 0, 0, 0, 7, 8]);
        bytes.extend([0xc4, 3, 0xc5, 9]);
        let messages = all(&bytes, 1).expect("whole");
        assert_eq!(
            messages.iter().map(|message| (message.kind, message.payload.to_vec())).collect::<Vec<_>>(),
            [(kind::VIDEO, vec![1, 2, 3]), (8, vec![7, 8, 9])]
        );
    }

    #[test]
    fn what_is_too_large_or_never_began_is_refused() {
        assert_eq!(all(&[0xc4, 1], 9), Err(ChunkError::Unbegun));
        assert_eq!(all(&[4, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0], 99), Err(ChunkError::TooLarge));
        let many: Vec<u8> = (0..100).flat_map(|number| [0, number, 0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0xaa]).collect();
        assert_eq!(all(&many, 99), Err(ChunkError::TooMany));
        assert_eq!(all(&[2, 0, 0, 0, 0, 0, 4, kind::CHUNK_SIZE, 0, 0, 0, 0, 0, 0, 0, 0], 99), Err(ChunkError::Size));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hold_more_than_it_may(bytes in proptest::collection::vec(any::<u8>(), 0..600), pieces in 1..50_usize) {
            let _refused = all(&bytes, pieces);
        }
    }
}
