//! RTSP 1.0 requests and answers (RFC 2326), as far as clients of cameras use them.

use std::fmt::Write as _;

/// A head or body longer than this is refused.
const REQUEST_LEN_MAX: usize = 16 << 10;

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Value of a header, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Path of the URL without scheme, host, query and slashes at its ends.
    pub(crate) fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        rest.split('?').next().unwrap_or_default().trim_matches('/')
    }
}

/// What the bytes that came so far begin with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Nothing whole yet.
    Partial,
    /// A request and the bytes it took.
    Request(Request, usize),
    /// Interleaved data of the client (its RTCP reports) and the bytes it took.
    Data(usize),
    /// Not RTSP, or too long.
    Invalid,
}

/// Reads what stands at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Incoming {
    if bytes.first() == Some(&b'$') {
        let Some(len) = bytes.get(2..4) else { return Incoming::Partial };
        let len = 4 + usize::from(u16::from_be_bytes([len[0], len[1]]));
        return if bytes.len() >= len { Incoming::Data(len) } else { Incoming::Partial };
    }
    let Some(head_len) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > REQUEST_LEN_MAX { Incoming::Invalid } else { Incoming::Partial };
    };
    let Ok(head) = std::str::from_utf8(&bytes[..head_len]) else { return Incoming::Invalid };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(url), Some("RTSP/1.0"), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Incoming::Invalid;
    };
    let headers: Option<Vec<(String, String)>> =
        lines.map(|line| line.split_once(':').map(|(key, value)| (key.trim().into(), value.trim().into()))).collect();
    let Some(headers) = headers else { return Incoming::Invalid };
    let request = Request { method: method.into(), url: url.into(), headers };
    let body_len = match request.header("Content-Length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(len)) if len <= REQUEST_LEN_MAX => len,
        Some(_) => return Incoming::Invalid,
    };
    let len = head_len + 4 + body_len;
    if bytes.len() < len { Incoming::Partial } else { Incoming::Request(request, len) }
}

/// An answer under construction.
pub(crate) struct Response {
    text: String,
    body: String,
}

impl Response {
    /// An answer to `request` with a status such as `200 OK`.
    pub(crate) fn new(request: &Request, status: &str) -> Self {
        let mut text = format!("RTSP/1.0 {status}\r\n");
        if let Some(number) = request.header("CSeq") {
            let _ = write!(text, "CSeq: {number}\r\n");
        }
        text.push_str("Server: Bright Kitchen virtual camera\r\n");
        Self { text, body: String::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn body(mut self, kind: &str, body: String) -> Self {
        self.body = body;
        let len = self.body.len().to_string();
        self.header("Content-Type", kind).header("Content-Length", &len)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        format!("{}\r\n{}", self.text, self.body).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_comes_apart() {
        let bytes = b"DESCRIBE rtsp://h:554/a/b/?x=1 RTSP/1.0\r\nCSeq: 2\r\ncontent-length: 3\r\n\r\nabcMORE";
        let Incoming::Request(request, len) = parse(bytes) else { panic!("whole") };
        assert_eq!((request.method.as_str(), request.path(), request.header("cseq")), ("DESCRIBE", "a/b", Some("2")));
        assert_eq!(&bytes[len..], b"MORE");
        assert_eq!(parse(&bytes[..len - 1]), Incoming::Partial);
    }

    #[test]
    fn interleaved_data_is_told_from_requests() {
        assert_eq!(parse(&[b'$', 1, 0, 2, 9]), Incoming::Partial);
        assert_eq!(parse(&[b'$', 1, 0, 2, 9, 9, 9]), Incoming::Data(6));
    }

    #[test]
    fn nonsense_and_endless_heads_are_invalid() {
        assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Incoming::Invalid);
        assert_eq!(parse(&vec![b'a'; REQUEST_LEN_MAX + 1]), Incoming::Invalid);
        assert_eq!(parse(b"PLAY a RTSP/1.0\r\nContent-Length: 99999999999\r\n\r\n"), Incoming::Invalid);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes);
        }
    }
}
