//! The client's side: a stream that lies at a server is asked for and comes as it would from an encoder that pushes.
//!
//! GStreamer has a client too, but it knows no H.265, and drops what comes on another message stream than it asked on, as
//! from simple servers (ffmpeg's among them). It still takes streams with a user name, whose ways of signing in it knows.

use bytes::{Buf as _, BytesMut};

use super::amf::{Reader, Writer};
use super::chunks::{self, Chunks, kind};
use super::session::{Acknowledged, Event, GREETING, Peer, VERSION, bad};
use crate::camera::StateReason;
use crate::source::SourceError;

/// Numbers of our commands; answers bear them.
const CONNECT: f64 = 1.0;
const CREATE_STREAM: f64 = 2.0;
const PLAY: f64 = 3.0;
/// Events of the user: the server asks whether we are there, and we are.
const PING: [u8; 2] = [0, 6];
const PONG: [u8; 2] = [0, 7];

/// Our side of a connection that plays.
#[derive(Debug)]
pub(super) struct Pull {
    greeted: bool,
    chunks: Chunks,
    connect: Vec<u8>,
    name: String,
    acknowledged: Acknowledged,
}

impl Pull {
    /// Asks for the stream `name` of `application`; `address` is that of the application. `out` is what to say first.
    pub(super) fn new(address: &str, application: &str, name: &str, message_bytes_max: usize, out: &mut BytesMut) -> Self {
        out.extend_from_slice(&[VERSION]);
        out.extend_from_slice(&[0; GREETING]);
        let about = [("app", application), ("type", "nonprivate"), ("flashVer", "LNX 9,0,124,2"), ("tcUrl", address)];
        let connect = Writer::default().string("connect").number(CONNECT).object(&about).into_bytes();
        let (chunks, acknowledged) = (Chunks::new(message_bytes_max), Acknowledged::default());
        Self { greeted: false, chunks, connect, name: name.to_owned(), acknowledged }
    }

    fn command(&mut self, payload: &[u8], out: &mut BytesMut) -> Result<(), SourceError> {
        let damaged = || bad("a command that cannot be read");
        let mut reader = Reader::new(payload);
        let name = reader.string().ok_or_else(damaged)?;
        let number = reader.number().ok_or_else(damaged)?;
        let says = |code: &str| payload.windows(code.len()).any(|window| window == code.as_bytes());
        match name {
            "_error" if number == CONNECT => Err(SourceError::new(StateReason::Unauthorized, "the server does not let us in")),
            "_error" => Err(SourceError::new(StateReason::NotFound, "the server has no such stream")),
            "_result" if number == CONNECT => {
                command(out, 0, Writer::default().string("createStream").number(CREATE_STREAM).null());
                Ok(())
            }
            "_result" if number == CREATE_STREAM => {
                reader.skip().ok_or_else(damaged)?;
                let stream = reader.number().filter(|stream| (0.0..65_536.0).contains(stream)).ok_or_else(damaged)?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at")]
                command(out, stream as u32, Writer::default().string("play").number(PLAY).null().string(&self.name));
                Ok(())
            }
            "onStatus" if says("NetStream.Play.StreamNotFound") || says("NetStream.Play.Failed") => {
                Err(SourceError::new(StateReason::NotFound, "the server has no such stream"))
            }
            _ => Ok(()),
        }
    }
}

impl Peer for Pull {
    fn count(&mut self, bytes: usize, out: &mut BytesMut) {
        self.acknowledged.count(bytes, out);
    }

    fn next(&mut self, incoming: &mut BytesMut, out: &mut BytesMut) -> Result<Option<Event>, SourceError> {
        if !self.greeted {
            if incoming.first().is_some_and(|version| *version != VERSION) {
                return Err(bad("it does not speak RTMP"));
            }
            if incoming.len() < 1 + 2 * GREETING {
                return Ok(None);
            }
            out.extend_from_slice(&incoming[1..=GREETING]);
            incoming.advance(1 + 2 * GREETING);
            chunks::write(out, 3, kind::COMMAND, 0, &self.connect);
            self.greeted = true;
        }
        loop {
            let Some(message) = self.chunks.next(incoming).map_err(|error| bad(&error.to_string()))? else { return Ok(None) };
            match message.kind {
                kind::COMMAND => self.command(&message.payload, out)?,
                kind::COMMAND_AMF3 => self.command(message.payload.get(1..).unwrap_or_default(), out)?,
                kind::USER if message.payload.starts_with(&PING) => {
                    chunks::write(out, 2, kind::USER, 0, &[&PONG[..], message.payload.get(2..6).unwrap_or_default()].concat());
                }
                kind::VIDEO if !message.payload.is_empty() => {
                    return Ok(Some(Event::Video { timestamp: message.timestamp, body: message.payload }));
                }
                _ => {}
            }
        }
    }
}

fn command(out: &mut BytesMut, stream: u32, message: Writer) {
    chunks::write(out, 3, kind::COMMAND, stream, &message.into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pull: &mut Pull, message: Writer) -> (Result<Option<Event>, StateReason>, String) {
        let (mut incoming, mut out) = (BytesMut::new(), BytesMut::new());
        command(&mut incoming, 0, message);
        let event = pull.next(&mut incoming, &mut out).map_err(|error| error.reason);
        (event, String::from_utf8_lossy(&out).into_owned())
    }

    fn greeted() -> Pull {
        let mut out = BytesMut::new();
        let mut pull = Pull::new("rtmp://10.0.0.5:1935/live", "live", "kitchen", 100_000, &mut out);
        assert_eq!(out.len(), 1 + GREETING);
        let mut incoming = BytesMut::from(&[vec![VERSION], vec![1; GREETING], vec![0; GREETING]].concat()[..]);
        out.clear();
        assert_eq!(pull.next(&mut incoming, &mut out), Ok(None));
        assert!(out.starts_with(&[1; GREETING]) && String::from_utf8_lossy(&out).contains("rtmp://10.0.0.5:1935/live"));
        pull
    }

    #[test]
    fn a_stream_is_asked_for_step_by_step() {
        let mut pull = greeted();
        assert!(told(&mut pull, Writer::default().string("_result").number(1.0).null().null()).1.contains("createStream"));
        let (_, asked) = told(&mut pull, Writer::default().string("_result").number(2.0).null().number(7.0));
        assert!(asked.contains("play") && asked.contains("kitchen"));
        let (mut incoming, mut out) = (BytesMut::new(), BytesMut::new());
        chunks::write(&mut incoming, 2, kind::USER, 0, &[0, 6, 1, 2, 3, 4]);
        chunks::write(&mut incoming, 4, kind::VIDEO, 0, &[0x17, 1]);
        assert!(matches!(pull.next(&mut incoming, &mut out), Ok(Some(Event::Video { .. }))), "on whichever stream it comes");
        assert_eq!(out[12..], [0, 7, 1, 2, 3, 4]);
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |number: f64| told(&mut greeted(), Writer::default().string("_error").number(number).null()).0;
        assert_eq!(error(1.0), Err(StateReason::Unauthorized));
        assert_eq!(error(2.0), Err(StateReason::NotFound));
        let status = Writer::default().string("onStatus").number(0.0).null().object(&[("code", "NetStream.Play.StreamNotFound")]);
        assert_eq!(told(&mut greeted(), status).0, Err(StateReason::NotFound));
    }
}
