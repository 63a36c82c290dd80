//! Keys that sign access tokens and audit heads: Ed25519, made at first start, rotated by adding a newer one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use ed25519_dalek::{Signer as _, SigningKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SealError, Sealer};
use crate::store::{Db, StoreError, logins};

const ISSUER: &str = "bright-kitchen";

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sealed key cannot be opened with this data folder's key file.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored key is not a key.
    #[error("a stored signing key is damaged: {0}")]
    Damaged(String),
}

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// User.
    pub sub: Uuid,
    /// Session.
    pub sid: Uuid,
    /// Issued at, s UTC.
    pub iat: i64,
    /// Expires at, s UTC.
    pub exp: i64,
    /// Always `bright-kitchen`.
    pub iss: String,
}

struct Ring {
    kid: String,
    signing: SigningKey,
    encoding: EncodingKey,
    decoding: HashMap<String, DecodingKey>,
}

/// The ring of keys; the newest signs, all that are not long retired verify.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<Ring>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Reads the ring; makes the first key where there is none.
    pub async fn load(db: &Db, sealer: &Sealer, now_ms: i64) -> Result<Self, KeysError> {
        let mut rows = logins::signing_keys(&mut db.read().await?.conn()).await?;
        if rows.is_empty() {
            rows = vec![add_key(db, sealer, now_ms).await?];
        }
        Ok(Self(Arc::new(RwLock::new(ring(&rows, sealer)?))))
    }

    /// Makes a new key that signs from now on. Tokens of the old one are good until they expire.
    pub async fn rotate(&self, db: &Db, sealer: &Sealer, now_ms: i64) -> Result<String, KeysError> {
        let added = add_key(db, sealer, now_ms).await?;
        let rows = logins::signing_keys(&mut db.read().await?.conn()).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring(&rows, sealer)?;
        Ok(added.id)
    }

    /// Signs an access token.
    pub fn sign(&self, user: Uuid, session: Uuid, now_s: i64, expires_s: i64) -> Result<String, KeysError> {
        let ring = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(ring.kid.clone());
        let claims = Claims { sub: user, sid: session, iat: now_s, exp: expires_s, iss: ISSUER.to_owned() };
        jsonwebtoken::encode(&header, &claims, &ring.encoding).map_err(|error| KeysError::Damaged(error.to_string()))
    }

    /// The claims of a token that one of our keys signed and that has not expired at `now_s`.
    pub fn verify(&self, token: &str, now_s: i64) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok().filter(|header| header.alg == Algorithm::EdDSA)?.kid?;
        let ring = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        // The injected clock decides, not the machine's.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, ring.decoding.get(&kid)?, &validation).ok()?.claims;
        (claims.exp > now_s).then_some(claims)
    }

    /// The newest key, for something that is signed later.
    pub fn signer(&self) -> Signer {
        let ring = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Signer { kid: ring.kid.clone(), signing: ring.signing.clone() }
    }

    /// Signs a statement with the newest key: key id, signature as base64.
    pub fn sign_statement(&self, statement: &str) -> (String, String) {
        let ring = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (ring.kid.clone(), STANDARD.encode(ring.signing.sign(statement.as_bytes()).to_bytes()))
    }
}

/// One key, whatever happens to the ring meanwhile.
#[derive(Clone)]
pub struct Signer {
    kid: String,
    signing: SigningKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.kid).finish()
    }
}

impl Signer {
    /// In the ring.
    pub fn id(&self) -> &str {
        &self.kid
    }

    /// Ed25519.
    pub fn public_key(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Ed25519.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.signing.sign(bytes).to_bytes()
    }
}

async fn add_key(db: &Db, sealer: &Sealer, now_ms: i64) -> Result<logins::SigningKeyRow, KeysError> {
    let id = Uuid::now_v7().to_string();
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    let key = SigningKey::from_bytes(&seed);
    let pkcs8 = key.to_pkcs8_der().map_err(|error| KeysError::Damaged(error.to_string()))?;
    let row = logins::SigningKeyRow {
        private_sealed: sealer.seal(&format!("signing:{id}"), pkcs8.as_bytes())?,
        public_key: STANDARD.encode(key.verifying_key().to_bytes()),
        created_at: now_ms,
        id,
    };
    let stored = row.clone();
    db.write(move |tx| Box::pin(async move { logins::insert_signing_key(tx, &stored).await })).await?;
    Ok(row)
}

fn ring(rows: &[logins::SigningKeyRow], sealer: &Sealer) -> Result<Ring, KeysError> {
    let damaged = |error: &dyn std::fmt::Display| KeysError::Damaged(error.to_string());
    let newest = rows.first().ok_or_else(|| damaged(&"there is none"))?;
    let pkcs8 = sealer.open_sealed(&format!("signing:{}", newest.id), &newest.private_sealed)?;
    let signing = SigningKey::from_pkcs8_der(&pkcs8).map_err(|error| damaged(&error))?;
    let decoding = rows
        .iter()
        .map(|row| {
            let public = STANDARD.decode(&row.public_key).map_err(|error| damaged(&error))?;
            let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public)).map_err(|error| damaged(&error))?;
            Ok((row.id.clone(), key))
        })
        .collect::<Result<_, KeysError>>()?;
    Ok(Ring { kid: newest.id.clone(), encoding: EncodingKey::from_ed_der(&pkcs8), signing, decoding })
}
