//! Secrets at rest: camera passwords, signing keys, webhook secrets.
//!
//! XChaCha20-Poly1305 with a key that lies in the data folder, outside the database: a copy of the database alone opens
//! nothing. Each secret is bound to what it belongs to, so that rows cannot be swapped.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

const KEY_FILE: &str = "secret.key";
const NONCE_BYTES: usize = 24;
/// Hex digits of a door's mark.
const DOOR_MARK_DIGITS: usize = 16;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made.
    #[error("the key file {0} cannot be used: {1}")]
    KeyFile(String, String),
    /// Not sealed with this key for this purpose, or damaged.
    #[error("a stored secret cannot be opened with this installation's key")]
    Open,
}

/// Seals and opens secrets.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    cipher: XChaCha20Poly1305,
    /// Derived from the same file, for what is only to be recognised again.
    mac: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the key in `data`, or makes one (mode 600) where there is none.
    pub fn open(data: &Path) -> Result<Self, SealError> {
        let path = data.join(KEY_FILE);
        let failed = |error: &dyn std::fmt::Display| SealError::KeyFile(path.display().to_string(), error.to_string());
        let key = match std::fs::read(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = vec![0_u8; 32];
                rand::rng().fill_bytes(&mut key);
                let mut file =
                    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|error| failed(&error))?;
                file.write_all(&key).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
                key
            }
            Err(error) => return Err(failed(&error)),
        };
        let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| failed(&"it does not hold 32 bytes"))?;
        let mac = Sha256::new().chain_update(b"bright-kitchen mac\0").chain_update(&key).finalize().into();
        Ok(Self(Arc::new(Keys { cipher, mac })))
    }

    /// Seals `secret` for `purpose` (for example `camera:ID`), as base64.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = self
            .0
            .cipher
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: secret, aad: purpose.as_bytes() })
            .map_err(|_| SealError::Open)?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// HMAC-SHA-256 for `purpose`: marks what is given away as ours (cursors).
    pub fn mac(&self, purpose: &str, body: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length.
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.0.mac) else { return Vec::new() };
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(body);
        mac.finalize().into_bytes().to_vec()
    }

    /// What the code at a premises' door carries beside its id: only a code of this installation has it.
    pub fn door_mark(&self, premises_id: &str) -> String {
        let mut mark = hex::encode(self.mac("door", premises_id.as_bytes()));
        mark.truncate(DOOR_MARK_DIGITS);
        mark
    }

    /// Opens what was sealed for the same purpose.
    pub fn open_sealed(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| SealError::Open)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(SealError::Open)?;
        self.0.cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: purpose.as_bytes() }).map_err(|_| SealError::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::Sealer;

    #[test]
    fn a_secret_opens_only_for_its_own_purpose_and_key() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealer = Sealer::open(one.path()).unwrap();
        let sealed = sealer.seal("camera:1", b"p@ss").unwrap();
        assert!(!sealed.contains("p@ss"));
        assert_eq!(Sealer::open(one.path()).unwrap().open_sealed("camera:1", &sealed).unwrap(), b"p@ss");
        assert!(sealer.open_sealed("camera:2", &sealed).is_err());
        assert!(Sealer::open(two.path()).unwrap().open_sealed("camera:1", &sealed).is_err());
        assert!(sealer.open_sealed("camera:1", "AAAA").is_err());
        assert_eq!(sealer.mac("sync", b"x"), Sealer::open(one.path()).unwrap().mac("sync", b"x"));
        assert!(
            sealer.mac("sync", b"x") != sealer.mac("other", b"x")
                && sealer.mac("sync", b"x") != Sealer::open(two.path()).unwrap().mac("sync", b"x")
        );
    }
}
