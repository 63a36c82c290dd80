//! The cursor of the synchronisation: opaque to the phone, bound to a user and the version of the user's scope.
//!
//! A cursor is text the phone hands back unread. The server's key signs it (the function passed in), so that a made-up one is
//! refused. A cursor of another user or of an earlier scope is not an error of the phone: it starts anew and keeps its drafts.

use crate::limits::CURSOR_BYTES_MAX;
use uuid::Uuid;

/// Letters of base64url, without padding.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// user (16), scope version (8), change (8), flags and key length (1 + 1).
const FIXED_BYTES: usize = 34;
/// Bytes of the signature that are kept.
const MAC_BYTES: usize = 16;

/// Where a phone stands in the flow of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Whose it is.
    pub user_id: Uuid,
    /// Version of the user's scope it was made under; another version means a full synchronisation.
    pub scope_version: i64,
    /// All changes up to and with this number have been sent (or, while `full` runs, the number to go on from afterwards).
    pub change: i64,
    /// A full synchronisation that has not ended: the place to go on, as the server's own key (at most 200 bytes).
    pub full: Option<String>,
}

/// Why a cursor is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not text that this server made: 400 `malformed`.
    #[error("not a cursor of this server")]
    Malformed,
    /// Another user's, or of another scope: 410 `gone`; the phone starts anew and keeps its drafts.
    #[error("the cursor belongs to another user or an earlier scope")]
    Gone,
}

impl Cursor {
    /// As text. `mac` signs with the server's key (HMAC-SHA-256; at least 16 bytes are kept).
    pub fn encode(&self, mac: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let full = self.full.as_deref().map(|key| &key.as_bytes()[..key.len().min(200)]);
        let mut body = Vec::with_capacity(FIXED_BYTES + MAC_BYTES);
        body.extend_from_slice(self.user_id.as_bytes());
        body.extend_from_slice(&self.scope_version.to_be_bytes());
        body.extend_from_slice(&self.change.to_be_bytes());
        body.push(u8::from(full.is_some()));
        let key = full.unwrap_or_default();
        body.push(u8::try_from(key.len()).unwrap_or(0));
        body.extend_from_slice(key);
        let tag = mac(&body);
        body.extend(tag.into_iter().chain(std::iter::repeat(0)).take(MAC_BYTES));
        to_base64url(&body)
    }

    /// From text, for this user under this version of the scope.
    ///
    /// # Errors
    /// [`CursorError`], which names the answer each gets.
    pub fn decode(text: &str, user_id: Uuid, scope_version: i64, mac: impl Fn(&[u8]) -> Vec<u8>) -> Result<Self, CursorError> {
        let bytes = from_base64url(text).ok_or(CursorError::Malformed)?;
        let body_bytes = bytes.len().checked_sub(MAC_BYTES).ok_or(CursorError::Malformed)?;
        let (body, tag) = bytes.split_at(body_bytes);
        let expected = mac(body);
        // All bytes are compared, so that the time taken says nothing about the place of a difference.
        let differing = expected.iter().take(MAC_BYTES).zip(tag).fold(0_u8, |all, (one, other)| all | (one ^ other));
        if expected.len() < MAC_BYTES || differing != 0 || body.len() < FIXED_BYTES {
            return Err(CursorError::Malformed);
        }
        let (fixed, key) = body.split_at(FIXED_BYTES);
        let number = |from: usize| {
            let mut eight = [0_u8; 8];
            eight.copy_from_slice(&fixed[from..from + 8]);
            i64::from_be_bytes(eight)
        };
        let key = std::str::from_utf8(key).map_err(|_| CursorError::Malformed)?;
        let cursor = Self {
            user_id: Uuid::from_slice(&fixed[..16]).map_err(|_| CursorError::Malformed)?,
            scope_version: number(16),
            change: number(24),
            full: (fixed[32] == 1).then(|| key.to_owned()),
        };
        if cursor.user_id != user_id || cursor.scope_version != scope_version {
            return Err(CursorError::Gone);
        }
        Ok(cursor)
    }
}

fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for three in bytes.chunks(3) {
        let packed = three.iter().fold(0_u32, |all, byte| (all << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for letter in 0..=three.len() {
            let index = (packed >> (18 - 6 * letter)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

fn from_base64url(text: &str) -> Option<Vec<u8>> {
    if text.len() > CURSOR_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for four in text.as_bytes().chunks(4) {
        let mut packed = 0_u32;
        for letter in four {
            let index = ALPHABET.iter().position(|known| known == letter)?;
            packed = (packed << 6) | u32::try_from(index).ok()?;
        }
        packed <<= 6 * (4 - four.len());
        let [_, rest @ ..] = packed.to_be_bytes();
        bytes.extend_from_slice(&rest[..four.len() - 1]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn mac(key: &'static str) -> impl Fn(&[u8]) -> Vec<u8> {
        move |body| Sha256::new().chain_update(key).chain_update(body).finalize().to_vec()
    }

    fn cursor(full: Option<&str>) -> Cursor {
        Cursor { user_id: Uuid::from_u128(7), scope_version: 3, change: 99, full: full.map(str::to_owned) }
    }

    #[test]
    fn comes_back_as_it_was() {
        for full in [None, Some(""), Some("a"), Some("premises/01900000-0000-7000-8000-000000000001")] {
            let text = cursor(full).encode(mac("k"));
            assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
            assert_eq!(Cursor::decode(&text, Uuid::from_u128(7), 3, mac("k")), Ok(cursor(full)));
        }
    }

    #[test]
    fn another_key_or_a_changed_letter_is_refused() {
        let text = cursor(None).encode(mac("k"));
        let decode = |text: &str, key| Cursor::decode(text, Uuid::from_u128(7), 3, mac(key));
        assert_eq!(decode(&text, "other"), Err(CursorError::Malformed));
        for index in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(decode(&changed, "k"), Err(CursorError::Malformed), "letter {index}");
        }
        for bad in ["", "A", "密", "AAAA", &"A".repeat(600)] {
            assert_eq!(decode(bad, "k"), Err(CursorError::Malformed), "{bad}");
        }
    }

    #[test]
    fn another_user_or_scope_starts_anew() {
        let text = cursor(None).encode(mac("k"));
        assert_eq!(Cursor::decode(&text, Uuid::from_u128(8), 3, mac("k")), Err(CursorError::Gone));
        assert_eq!(Cursor::decode(&text, Uuid::from_u128(7), 4, mac("k")), Err(CursorError::Gone));
    }
}
