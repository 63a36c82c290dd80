//! A client that costs little: requests are bytes made beforehand, on connections that stay open. The program and its peers are
//! measured by the same one.

use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of an answer that are kept.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, token: Option<&str>, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", body.len());
    if let Some(token) = token {
        text.push_str(&format!("authorization: {token}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The same with a body of JSON.
pub(crate) fn json(method: &str, path: &str, token: Option<&str>, body: &serde_json::Value) -> Vec<u8> {
    request(method, path, token, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// From the last byte sent to the first received.
    pub(crate) first: Duration,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Fails where it is not what was hoped for.
    pub(crate) fn expect(self, what: &str) -> Self {
        assert!((200..300).contains(&self.status), "{what}: {} {}", self.status, String::from_utf8_lossy(&self.body));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection that stays open.
pub(crate) struct Line {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Line {
    pub(crate) async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, held: Vec::with_capacity(16 << 10) }
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Reply {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&mut self, request: &[u8]) -> Result<Reply, Error> {
        self.held.clear();
        self.stream.write_all(request).await?;
        let sent = Instant::now();
        let mut first = None;
        let end = loop {
            if let Some(at) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
            first.get_or_insert_with(|| sent.elapsed());
        };
        let head = String::from_utf8_lossy(&self.held[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut reply = Reply { status, head, body: Vec::new(), first: first.unwrap_or_default() };
        reply.body = if reply.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            self.chunks(end).await?
        } else {
            let length = reply.header("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
            while self.held.len() < end + length {
                self.more().await?;
            }
            self.held[end..end + length].to_vec()
        };
        Ok(reply)
    }

    async fn more(&mut self) -> Result<(), Error> {
        let room = self.held.len() < KEPT_BYTES_MAX;
        match self.stream.read_buf(&mut self.held).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ if room => Ok(()),
            _ => Err(Error::other("an answer without an end")),
        }
    }

    async fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = self.held[at..].windows(2).position(|two| two == b"\r\n") {
                    break at + end;
                }
                self.more().await?;
            };
            let length = usize::from_str_radix(String::from_utf8_lossy(&self.held[at..line]).trim(), 16).map_err(Error::other)?;
            while self.held.len() < line + 2 + length + 2 {
                self.more().await?;
            }
            body.extend_from_slice(&self.held[line + 2..line + 2 + length]);
            at = line + 2 + length + 2;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}
