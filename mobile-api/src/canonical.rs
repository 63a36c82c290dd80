//! Canonical JSON (RFC 8785) and its SHA-256: two texts are the same if their canonical hashes are.
//!
//! The phone computes the same in TypeScript; `vectors/canonical.json` holds both to it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical bytes: members by UTF-16 order, numbers as ECMAScript writes them, no white space.
pub fn bytes(value: &Value) -> Vec<u8> {
    // A `Value` holds only finite numbers and text keys, so nothing in it can be refused.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// SHA-256 of the canonical bytes, 64 lower-case hex digits.
pub fn sha256_hex(value: &Value) -> String {
    hex::encode(Sha256::digest(bytes(value)))
}

/// Whether a text has the form of such a hash.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
