//! The server's side of a connection that publishes, without any input or output of its own: bytes go in, events and answers
//! come out (Adobe, "RTMP 1.0", 5.2 and 7.2).

use bytes::{Buf as _, Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use super::amf::{Reader, Writer};
use super::chunks::{self, Chunks, kind};
use crate::camera::StateReason;
use crate::source::SourceError;

/// Bytes of each part of the handshake.
pub(super) const GREETING: usize = 1_536;
/// The only version there is.
pub(super) const VERSION: u8 = 3;
/// What is received before it is acknowledged, bytes.
const WINDOW: u32 = 2_500_000;
/// Commands before a stream is published; an encoder sends about five.
const COMMANDS_MAX: usize = 50;
/// The stream that every publisher is given.
const STREAM: u32 = 1;

/// What a publisher has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its key was right: pictures follow.
    Published,
    /// The body of an FLV video tag.
    Video {
        /// Milliseconds, modulo 2³².
        timestamp: u32,
        /// The tag's body.
        body: Bytes,
    },
    /// It says that it is done.
    Ended,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Greeting,
    Echo,
    Commands,
    Published,
}

/// One side of a connection, without any input or output of its own.
pub(crate) trait Peer: Send {
    /// Counts what has come, so that it is acknowledged in time.
    fn count(&mut self, bytes: usize, out: &mut BytesMut);

    /// What `incoming` means; `None` when more bytes are needed. Answers are added to `out`.
    ///
    /// # Errors
    /// [`StateReason::BadStream`] for what is no RTMP, and why the other side is of no use; `out` may say so then.
    fn next(&mut self, incoming: &mut BytesMut, out: &mut BytesMut) -> Result<Option<Event>, SourceError>;
}

/// What was received and acknowledged, bytes modulo 2³².
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    received: u32,
    told: u32,
}

impl Acknowledged {
    pub(super) fn count(&mut self, bytes: usize, out: &mut BytesMut) {
        self.received = self.received.wrapping_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.received.wrapping_sub(self.told) >= WINDOW / 2 {
            self.told = self.received;
            chunks::write(out, 2, kind::ACKNOWLEDGEMENT, 0, &self.received.to_be_bytes());
        }
    }
}

/// One publisher's connection.
#[derive(Debug)]
pub(crate) struct Session {
    stage: Stage,
    chunks: Chunks,
    key: [u8; 32],
    commands: usize,
    acknowledged: Acknowledged,
}

impl Session {
    /// A session for whoever names `key`.
    pub(crate) fn new(key: &str, message_bytes_max: usize) -> Self {
        let chunks = Chunks::new(message_bytes_max);
        let acknowledged = Acknowledged::default();
        Self { stage: Stage::Greeting, chunks, key: Sha256::digest(key).into(), commands: 0, acknowledged }
    }

    fn command(&mut self, payload: &[u8], out: &mut BytesMut) -> Result<Option<Event>, SourceError> {
        let damaged = || bad("a command that cannot be read");
        self.commands += 1;
        if self.stage == Stage::Commands && self.commands > COMMANDS_MAX {
            return Err(bad("commands without end"));
        }
        let mut reader = Reader::new(payload);
        let name = reader.string().ok_or_else(damaged)?;
        let number = reader.number().ok_or_else(damaged)?;
        match name {
            "connect" => {
                chunks::write(out, 2, kind::WINDOW_SIZE, 0, &WINDOW.to_be_bytes());
                let peer = [&WINDOW.to_be_bytes()[..], &[2]].concat();
                chunks::write(out, 2, kind::PEER_BANDWIDTH, 0, &peer);
                let about = [("fmsVer", "FMS/3,0,1,123")];
                let done = [("level", "status"), ("code", "NetConnection.Connect.Success"), ("description", "Connection succeeded.")];
                answer(out, 0, Writer::default().string("_result").number(number).object(&about).object(&done));
            }
            "createStream" => answer(out, 0, Writer::default().string("_result").number(number).null().number(STREAM.into())),
            "releaseStream" | "FCPublish" => answer(out, 0, Writer::default().string("_result").number(number).null().null()),
            "publish" => {
                reader.skip().ok_or_else(damaged)?;
                let named = reader.string().ok_or_else(damaged)?;
                return self.publish(named, out).map(Some);
            }
            "deleteStream" | "closeStream" | "FCUnpublish" if self.stage == Stage::Published => return Ok(Some(Event::Ended)),
            _ => {}
        }
        Ok(None)
    }

    fn publish(&mut self, named: &str, out: &mut BytesMut) -> Result<Event, SourceError> {
        // Some encoders add what their own servers want to know.
        let named = named.split('?').next().unwrap_or_default();
        // Hashes, so that the time this takes tells nothing about the key.
        if Sha256::digest(named)[..] != self.key {
            let refused = [("level", "error"), ("code", "NetStream.Publish.BadName"), ("description", "The stream key is not known.")];
            answer(out, STREAM, Writer::default().string("onStatus").number(0.0).null().object(&refused));
            return Err(SourceError::new(StateReason::Unauthorized, "an encoder named another stream key"));
        }
        let begun = [("level", "status"), ("code", "NetStream.Publish.Start"), ("description", "Publishing.")];
        answer(out, STREAM, Writer::default().string("onStatus").number(0.0).null().object(&begun));
        self.stage = Stage::Published;
        Ok(Event::Published)
    }
}

impl Peer for Session {
    fn count(&mut self, bytes: usize, out: &mut BytesMut) {
        if self.stage == Stage::Published {
            self.acknowledged.count(bytes, out);
        }
    }

    fn next(&mut self, incoming: &mut BytesMut, out: &mut BytesMut) -> Result<Option<Event>, SourceError> {
        loop {
            match self.stage {
                Stage::Greeting if incoming.len() > GREETING => {
                    if incoming[0] != VERSION {
                        return Err(bad("it does not speak RTMP"));
                    }
                    out.extend_from_slice(&[VERSION]);
                    out.extend_from_slice(&[0; GREETING]);
                    out.extend_from_slice(&incoming[1..=GREETING]);
                    incoming.advance(1 + GREETING);
                    self.stage = Stage::Echo;
                }
                Stage::Echo if incoming.len() >= GREETING => {
                    incoming.advance(GREETING);
                    self.stage = Stage::Commands;
                }
                Stage::Greeting | Stage::Echo => return Ok(None),
                Stage::Commands | Stage::Published => {
                    let message = self.chunks.next(incoming).map_err(|error| bad(&error.to_string()))?;
                    let Some(message) = message else { return Ok(None) };
                    let event = match message.kind {
                        kind::COMMAND => self.command(&message.payload, out)?,
                        // The same behind a byte that says which format follows.
                        kind::COMMAND_AMF3 => self.command(message.payload.get(1..).unwrap_or_default(), out)?,
                        kind::VIDEO if self.stage == Stage::Published && !message.payload.is_empty() => {
                            Some(Event::Video { timestamp: message.timestamp, body: message.payload })
                        }
                        _ => None,
                    };
                    if event.is_some() {
                        return Ok(event);
                    }
                }
            }
        }
    }
}

fn answer(out: &mut BytesMut, stream: u32, message: Writer) {
    chunks::write(out, 3, kind::COMMAND, stream, &message.into_bytes());
}

pub(super) fn bad(detail: &str) -> SourceError {
    SourceError::new(StateReason::BadStream, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "kitchen-7f3a9c";

    fn greeted(session: &mut Session) -> BytesMut {
        let mut incoming = BytesMut::from(&[vec![VERSION], vec![1; GREETING], vec![0; GREETING]].concat()[..]);
        let mut out = BytesMut::new();
        assert_eq!(session.next(&mut incoming, &mut out), Ok(None));
        assert_eq!(out.len(), 1 + 2 * GREETING);
        assert_eq!(out[1 + GREETING..], [1; GREETING], "its own greeting comes back");
        BytesMut::new()
    }

    fn command(incoming: &mut BytesMut, message: Writer) {
        chunks::write(incoming, 3, kind::COMMAND, 0, &message.into_bytes());
    }

    fn published(key: &str) -> (Result<Option<Event>, SourceError>, String, Session) {
        let mut session = Session::new(KEY, 100_000);
        let mut incoming = greeted(&mut session);
        command(&mut incoming, Writer::default().string("connect").number(1.0).object(&[("app", "live")]));
        command(&mut incoming, Writer::default().string("FCPublish").number(2.0).null().string(key));
        command(&mut incoming, Writer::default().string("createStream").number(3.0).null());
        command(&mut incoming, Writer::default().string("publish").number(4.0).null().string(key).string("live"));
        let mut out = BytesMut::new();
        let event = session.next(&mut incoming, &mut out);
        (event, String::from_utf8_lossy(&out).into_owned(), session)
    }

    #[test]
    fn who_names_the_key_publishes_and_nobody_else() {
        let (event, said, _) = published(KEY);
        assert_eq!(event, Ok(Some(Event::Published)));
        assert!(said.contains("NetConnection.Connect.Success") && said.contains("NetStream.Publish.Start"));
        assert_eq!(published(&format!("{KEY}?user=a")).0, Ok(Some(Event::Published)));
        for wrong in ["", "kitchen", "kitchen-7f3a9d"] {
            let (event, said, _) = published(wrong);
            assert_eq!(event.map_err(|error| error.reason), Err(StateReason::Unauthorized), "{wrong}");
            assert!(said.contains("NetStream.Publish.BadName") && !said.contains("Publish.Start"));
        }
    }

    #[test]
    fn pictures_are_given_after_that_and_acknowledged() {
        let (_, _, mut session) = published(KEY);
        let (mut incoming, mut out) = (BytesMut::new(), BytesMut::new());
        chunks::write(&mut incoming, 4, kind::VIDEO, STREAM, &[0x17, 1, 2]);
        let video = Event::Video { timestamp: 0, body: Bytes::from_static(&[0x17, 1, 2]) };
        assert_eq!(session.next(&mut incoming, &mut out), Ok(Some(video)));
        session.count(10, &mut out);
        assert!(out.is_empty());
        session.count(2_000_000, &mut out);
        assert_eq!(out[7], kind::ACKNOWLEDGEMENT);
        command(&mut incoming, Writer::default().string("deleteStream").number(5.0).null().number(1.0));
        assert_eq!(session.next(&mut incoming, &mut out), Ok(Some(Event::Ended)));
    }

    #[test]
    fn a_picture_before_the_key_is_passed_over_and_other_protocols_are_refused() {
        let mut session = Session::new(KEY, 100_000);
        let mut incoming = greeted(&mut session);
        let mut out = BytesMut::new();
        chunks::write(&mut incoming, 4, kind::VIDEO, STREAM, &[0x17, 1, 2]);
        assert_eq!(session.next(&mut incoming, &mut out), Ok(None));
        let mut http = BytesMut::from(&b"GET / HTTP/1.1\r\n".repeat(200)[..]);
        let refused = Session::new(KEY, 100_000).next(&mut http, &mut out);
        assert_eq!(refused.map_err(|error| error.reason), Err(StateReason::BadStream));
        session = Session::new(KEY, 100_000);
        let mut endless = greeted(&mut session);
        for number in 0..100 {
            command(&mut endless, Writer::default().string("_checkbw").number(number.into()).null());
        }
        assert!(session.next(&mut endless, &mut out).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut session = Session::new(KEY, 100_000);
            session.stage = Stage::Commands;
            let (mut incoming, mut out) = (BytesMut::from(&bytes[..]), BytesMut::new());
            while let Ok(Some(_)) = session.next(&mut incoming, &mut out) {}
        }
    }
}
