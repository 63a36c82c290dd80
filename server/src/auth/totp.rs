//! Codes that change every thirty seconds (TOTP, RFC 6238), as every authenticator app makes them: HMAC-SHA-1, six digits.
//!
//! SHA-1 is no weakness here (RFC 4226, section B.2) and the only hash that all apps know.

use rand::RngCore as _;
use ring::hmac;

/// How long a code stands, s.
const STEP_S: i64 = 30;
/// Steps that a phone's clock may be off, either way.
const DRIFT_STEPS: i64 = 1;
const SECRET_BYTES: usize = 20;
const DIGITS: usize = 6;
/// As authenticator apps list it.
const ISSUER: &str = "Bright Kitchen";

/// What a person's app and the server share.
#[derive(Clone)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

impl TotpSecret {
    /// A new one.
    pub fn random() -> Self {
        let mut bytes = [0_u8; SECRET_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// As it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To be sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For typing: base32 (RFC 4648), without a pad.
    pub fn text(&self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let digits = self.0.chunks(5).flat_map(|five| {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            (0..8).rev().map(move |place| char::from(ALPHABET[usize::try_from(bits >> (5 * place) & 31).unwrap_or_default()]))
        });
        digits.collect()
    }

    /// What the QR code says. User names have no character that an address would have to escape.
    pub fn address(&self, username: &str) -> String {
        let issuer = ISSUER.replace(' ', "%20");
        format!("otpauth://totp/{issuer}:{username}?secret={}&issuer={issuer}", self.text())
    }

    /// The code of a step of 30 s since 1970.
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let from = usize::from(tag[tag.len() - 1] & 15);
        let number = tag[from..from + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        format!("{:0DIGITS$}", number % 1_000_000)
    }

    /// The code at a moment.
    pub fn code_at(&self, now_ms: i64) -> String {
        self.code(now_ms / 1_000 / STEP_S)
    }

    /// The step whose code this is, of those that may stand at a moment.
    pub fn step_of(&self, code: &str, now_ms: i64) -> Option<i64> {
        let now = now_ms / 1_000 / STEP_S;
        (now - DRIFT_STEPS..=now + DRIFT_STEPS).rev().find(|step| self.code(*step) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B: the last six of eight digits.
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(secret.code_at(second * 1_000), code);
        }
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            secret.address("wang"),
            "otpauth://totp/Bright%20Kitchen:wang?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bright%20Kitchen"
        );
    }

    #[test]
    fn a_clock_may_be_one_step_off() {
        let secret = TotpSecret::random();
        let (now_ms, step_ms) = (1_800_000_000_000, STEP_S * 1_000);
        for (off, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = secret.step_of(&secret.code_at(now_ms + off * step_ms), now_ms);
            assert_eq!(step, taken.then_some(now_ms / step_ms + off), "{off}");
        }
    }
}
