//! The seed: hash of the frozen input, a server value whose hash was published before, and the value a witness enters.
//!
//! Both hashes can be made by hand: `printf %s VALUE | sha256sum`, and of the canonical JSON of the three.

use mobile_api::canonical;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Characters of a witness's value.
pub const WITNESS_CHARS_MAX: usize = 200;

/// What is published before anybody knows the witness's value: SHA-256 of the server value as text, hex.
pub fn commitment(server_value: &str) -> String {
    hex::encode(Sha256::digest(server_value.as_bytes()))
}

/// The seed of a draw: SHA-256 of the canonical JSON of what it follows from.
pub fn seed(input_sha256: &str, server_value: &str, witness_value: &str) -> [u8; 32] {
    let parts = json!({"input_sha256": input_sha256, "server_value": server_value, "witness_value": witness_value});
    Sha256::digest(canonical::bytes(&parts)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_that_anybody_can_make_by_hand() {
        // printf %s value | sha256sum
        assert_eq!(commitment("value"), "cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619");
        // printf '{"input_sha256":"ab","server_value":"value","witness_value":"今天下雨"}' | sha256sum
        let by_hand = Sha256::digest("{\"input_sha256\":\"ab\",\"server_value\":\"value\",\"witness_value\":\"今天下雨\"}".as_bytes());
        assert_eq!(seed("ab", "value", "今天下雨"), <[u8; 32]>::from(by_hand));
    }

    #[test]
    fn each_part_makes_another_seed() {
        let first = seed("ab", "value", "one");
        assert!(first != seed("ac", "value", "one") && first != seed("ab", "valuf", "one") && first != seed("ab", "value", "two"));
    }
}
