//! What the two processes say to each other over the child's standard input and output.
//!
//! A message is two lengths of four bytes (little-endian), a JSON head and a body of bytes. Both lengths have a limit,
//! checked before anything is read or reserved; a message beyond it ends the conversation, and with it the child. One
//! request is under way at a time and is answered with its own number.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::camera::Codec;
use crate::diagnosis::look::{LOOK_BYTES, Look};

/// Lengths in front of each message.
pub(crate) const LENGTHS_BYTES: usize = 8;
/// Longest head, bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 4 * 1024;
/// Longest body, bytes: the largest access unit with its parameter sets, or a JPEG.
pub(super) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What the recorder's side asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Request {
    /// The first message: keep to these limits.
    Begin {
        /// Number of the request.
        id: u64,
        /// Memory for data, bytes.
        memory_bytes: u64,
    },
    /// Are you there?
    Ping {
        /// Number of the request.
        id: u64,
    },
    /// Decode the key frame in the body: configuration, then access unit.
    Decode {
        /// Number of the request.
        id: u64,
        /// Codec of the key frame.
        codec: Codec,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes of configuration at the start of the body.
        config_bytes: usize,
        /// Measure it.
        look: bool,
        /// Make a JPEG no wider than this.
        still_width_max: Option<u32>,
    },
}

impl Request {
    /// Number of the request.
    #[must_use]
    pub(super) fn id(&self) -> u64 {
        match self {
            Self::Begin { id, .. } | Self::Ping { id } | Self::Decode { id, .. } => *id,
        }
    }
}

/// The head of an answer; the body holds the look, then the JPEG.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnswerHead {
    /// Number of the request.
    pub(super) id: u64,
    /// Why there is no picture.
    pub(super) error: Option<String>,
    /// A look stands in the body.
    pub(super) has_look: bool,
    /// Bytes of JPEG at the end of the body.
    pub(super) jpeg_bytes: usize,
    /// Width of the JPEG in pixels.
    pub(super) width: u32,
    /// Height of the JPEG in pixels.
    pub(super) height: u32,
}

/// An answer, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// What it says about itself.
    pub(super) head: AnswerHead,
    /// The measured picture, if asked for.
    pub(super) look: Option<Look>,
    /// The JPEG, if asked for.
    pub(super) jpeg: Option<Vec<u8>>,
}

/// The other side does not keep to the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// A length is beyond its limit.
    #[error("a message claims {head} bytes of head and {body} of body")]
    TooLong {
        /// Claimed length of the head, bytes.
        head: usize,
        /// Claimed length of the body, bytes.
        body: usize,
    },
    /// The head is not the JSON it should be.
    #[error("the head of a message cannot be read: {0}")]
    Head(String),
    /// The body does not hold what the head says.
    #[error("the body of a message does not fit its head")]
    Body,
}

/// A message as bytes.
///
/// # Errors
/// [`ProtocolError`] when it would be beyond the limits.
pub(crate) fn message(head: &impl Serialize, body: &[&[u8]]) -> Result<Vec<u8>, ProtocolError> {
    let head = serde_json::to_vec(head).map_err(|error| ProtocolError::Head(error.to_string()))?;
    let body_bytes = body.iter().map(|part| part.len()).sum();
    check(head.len(), body_bytes)?;
    let mut message = Vec::with_capacity(LENGTHS_BYTES + head.len() + body_bytes);
    for length in [head.len(), body_bytes] {
        // Both are far below 2^32: checked above.
        message.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    message.extend_from_slice(&head);
    body.iter().for_each(|part| message.extend_from_slice(part));
    Ok(message)
}

/// Lengths of head and body.
///
/// # Errors
/// [`ProtocolError::TooLong`] when one is beyond its limit.
pub(crate) fn lengths(bytes: [u8; LENGTHS_BYTES]) -> Result<(usize, usize), ProtocolError> {
    let [a, b, c, d, e, f, g, h] = bytes;
    let (head, body) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    check(head, body)?;
    Ok((head, body))
}

/// The head of a message.
///
/// # Errors
/// [`ProtocolError::Head`] when it is not the JSON it should be.
pub(crate) fn head<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProtocolError> {
    serde_json::from_slice(bytes).map_err(|error| ProtocolError::Head(error.to_string()))
}

impl Answer {
    /// Takes an answer apart.
    ///
    /// # Errors
    /// [`ProtocolError`] when head and body do not fit.
    pub(super) fn parse(head_bytes: &[u8], body: &[u8]) -> Result<Self, ProtocolError> {
        let head: AnswerHead = head(head_bytes)?;
        let look_bytes = if head.has_look { LOOK_BYTES } else { 0 };
        if look_bytes.checked_add(head.jpeg_bytes) != Some(body.len()) {
            return Err(ProtocolError::Body);
        }
        let (look, jpeg) = body.split_at(look_bytes);
        let look = if head.has_look { Some(Look::from_bytes(look).ok_or(ProtocolError::Body)?) } else { None };
        let jpeg = (!jpeg.is_empty()).then(|| jpeg.to_vec());
        Ok(Self { head, look, jpeg })
    }
}

fn check(head: usize, body: usize) -> Result<(), ProtocolError> {
    if head > HEAD_BYTES_MAX || body > BODY_BYTES_MAX {
        return Err(ProtocolError::TooLong { head, body });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_comes_back_as_it_was_sent() {
        let ask = Request::Decode {
            id: 7,
            codec: Codec::H265,
            width: 1920,
            height: 1080,
            config_bytes: 3,
            look: true,
            still_width_max: Some(640),
        };
        let bytes = message(&ask, &[b"abc", b"rest"]).expect("short");
        let (head_bytes, body_bytes) = lengths(*bytes.first_chunk().expect("lengths")).expect("within limits");
        let (head_part, body) = bytes[LENGTHS_BYTES..].split_at(head_bytes);
        assert_eq!(head::<Request>(head_part), Ok(ask));
        assert_eq!((body_bytes, body), (7, b"abcrest".as_slice()));
    }

    #[test]
    fn lengths_beyond_the_limit_are_refused_before_anything_is_read() {
        assert!(matches!(lengths([0xff; 8]), Err(ProtocolError::TooLong { .. })));
        assert!(message(&"x".repeat(HEAD_BYTES_MAX), &[]).is_err());
    }

    #[test]
    fn a_body_that_does_not_fit_its_head_is_refused() {
        let head = AnswerHead { id: 1, has_look: true, jpeg_bytes: usize::MAX, ..AnswerHead::default() };
        let bytes = serde_json::to_vec(&head).expect("JSON");
        assert_eq!(Answer::parse(&bytes, &[0; 100]), Err(ProtocolError::Body));
    }

    proptest! {
        #[test]
        fn no_answer_panics(head in proptest::collection::vec(any::<u8>(), 0..300), body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _either_way = Answer::parse(&head, &body);
        }
    }
}
