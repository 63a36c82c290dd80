//! What phones seal to the server: an officer's keys to their drafts, so that signing in on line opens drafts whose PIN is
//! forgotten, and a new phone goes on.
//!
//! ECDH on P-256 (every browser has it) with a fresh key of the phone's, HKDF-SHA-256, AES-256-GCM. The server's private key is
//! derived from the installation's key file: a copy of the database alone opens nothing. A box is bound to its owner, so
//! that one person's box under another's name does not open.
//!
//! A box is base64 of: the phone's point (65 bytes), nonce (12), sealed bytes with their tag.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey, ecdh::diffie_hellman};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

use super::{SealError, Sealer};

const POINT_BYTES: usize = 65;
const INFO: &[u8] = b"bright-kitchen drafts 1";
/// Longest box in base64: some 40 keys.
pub const BOX_BYTES_MAX: usize = 8_192;

/// The server's half.
#[derive(Clone)]
pub struct DraftBox(SecretKey);

impl std::fmt::Debug for DraftBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DraftBox")
    }
}

impl DraftBox {
    /// The same for the same key file.
    ///
    /// # Errors
    /// Only where no private key can be derived, which does not happen in practice.
    pub fn of(sealer: &Sealer) -> Result<Self, SealError> {
        // One number in 2^32 is no private key; the next one is.
        (0_u8..8).find_map(|try_number| SecretKey::from_slice(&sealer.mac("drafts", &[try_number])).ok()).map(Self).ok_or(SealError::Open)
    }

    fn point(&self) -> Vec<u8> {
        self.0.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// The public key as an uncompressed point, base64.
    pub fn public(&self) -> String {
        STANDARD.encode(self.point())
    }

    /// A short name of the public key.
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.point())[..8])
    }

    /// What `owner` sealed.
    ///
    /// # Errors
    /// [`SealError::Open`] for another owner's, another server's, or a damaged box.
    pub fn open(&self, owner: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let mut bytes = STANDARD.decode(sealed).map_err(|_| SealError::Open)?;
        if bytes.len() < POINT_BYTES + NONCE_LEN + AES_256_GCM.tag_len() {
            return Err(SealError::Open);
        }
        let theirs = PublicKey::from_sec1_bytes(&bytes[..POINT_BYTES]).map_err(|_| SealError::Open)?;
        let shared = diffie_hellman(self.0.to_nonzero_scalar(), theirs.as_affine());
        let salt = [&bytes[..POINT_BYTES], &self.point()].concat();
        let mut key = [0_u8; 32];
        shared.extract::<Sha256>(Some(&salt)).expand(INFO, &mut key).map_err(|_| SealError::Open)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::Open)?);
        let nonce = Nonce::try_assume_unique_for_key(&bytes[POINT_BYTES..POINT_BYTES + NONCE_LEN]).map_err(|_| SealError::Open)?;
        let opened =
            key.open_within(nonce, Aad::from(owner.as_bytes()), &mut bytes, POINT_BYTES + NONCE_LEN..).map_err(|_| SealError::Open)?;
        Ok(opened.to_vec())
    }

    /// As a phone seals: for tests and for showing how.
    ///
    /// # Errors
    /// [`SealError::Open`] where `secret` is no private key.
    pub fn seal(public: &str, owner: &str, ephemeral: &[u8; 32], nonce: [u8; NONCE_LEN], content: &[u8]) -> Result<String, SealError> {
        let secret = SecretKey::from_slice(ephemeral).map_err(|_| SealError::Open)?;
        let theirs = STANDARD.decode(public).map_err(|_| SealError::Open)?;
        let to = PublicKey::from_sec1_bytes(&theirs).map_err(|_| SealError::Open)?;
        let point = secret.public_key().to_encoded_point(false);
        let salt = [point.as_bytes(), &theirs].concat();
        let mut key = [0_u8; 32];
        let shared = diffie_hellman(secret.to_nonzero_scalar(), to.as_affine());
        shared.extract::<Sha256>(Some(&salt)).expand(INFO, &mut key).map_err(|_| SealError::Open)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::Open)?);
        let mut sealed = content.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner.as_bytes()), &mut sealed)
            .map_err(|_| SealError::Open)?;
        Ok(STANDARD.encode([point.as_bytes(), &nonce, &sealed].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_opens_for_its_owner_on_its_server_only() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ours = DraftBox::of(&Sealer::open(one.path()).unwrap()).unwrap();
        let other = DraftBox::of(&Sealer::open(two.path()).unwrap()).unwrap();
        let sealed = DraftBox::seal(&ours.public(), "officer", &[7; 32], [1; NONCE_LEN], b"keys").unwrap();
        assert_eq!(ours.open("officer", &sealed).unwrap(), b"keys");
        assert!(ours.open("another", &sealed).is_err() && other.open("officer", &sealed).is_err());
        let mut bent = STANDARD.decode(&sealed).unwrap();
        *bent.last_mut().unwrap() ^= 1;
        assert!(ours.open("officer", &STANDARD.encode(bent)).is_err());
        for bad in ["", "AAAA", "no base64", &STANDARD.encode([4_u8; 100])] {
            assert!(ours.open("officer", bad).is_err(), "{bad}");
        }
        assert_ne!(ours.id(), other.id());
    }
}
