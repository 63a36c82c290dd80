//! Signing in, refreshing and signing out.
//!
//! Access tokens live 15 minutes; refresh tokens 30 days and are spent once. Spending one again ends the login, except
//! within two minutes from the same device, which gets the same successor: a lost answer must not log an officer out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Keys, KeysError, SealError, Sealer, Streams, password};
use crate::store::journal::{Act, Actor};
use crate::store::{Db, StoreError, logins, users};

/// Life of an access token, s.
pub const ACCESS_TOKEN_S: i64 = 15 * 60;
/// Life of a refresh token, s.
pub const REFRESH_TOKEN_S: i64 = 30 * 24 * 3_600;
/// How long a spent refresh token gives its successor again to the same device, ms.
const GRACE_MS: i64 = 2 * 60 * 1_000;
/// Failures in a row before a name is locked.
const FAILURES_BEFORE_LOCK: i64 = 5;
/// First lock; doubles with each further failure, ms.
const LOCK_MS: i64 = 60_000;
/// Longest lock, ms.
const LOCK_MS_MAX: i64 = 15 * 60_000;
/// Failures are forgotten after this time, ms.
const FORGET_MS: i64 = 24 * 3_600_000;

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Wrong name or password, disabled user: all look alike.
    #[error("wrong user name or password")]
    Invalid,
    /// Too many failures.
    #[error("locked for {retry_after_s} s")]
    Locked {
        /// When it is worth trying again, s.
        retry_after_s: i64,
    },
    /// The refresh token is unknown, expired, spent or of a login that has ended.
    #[error("this login has ended")]
    Ended,
    /// The refresh token is of an account that was disabled.
    #[error("this account is disabled")]
    Disabled,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key file.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a client gets.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// EdDSA JWT, 15 minutes.
    pub access: String,
    /// Opaque, spent once.
    pub refresh: String,
    /// The user must change the password before anything else.
    pub must_change_password: bool,
}

/// The door.
#[derive(Debug, Clone)]
pub struct Logins {
    db: Db,
    keys: Keys,
    sealer: Sealer,
    streams: Streams,
}

impl Logins {
    /// Built once at start.
    pub fn new(db: Db, keys: Keys, sealer: Sealer, streams: Streams) -> Self {
        Self { db, keys, sealer, streams }
    }

    /// Checks a password and opens a login. Takes as long for an unknown user as for a wrong password.
    pub async fn sign_in(
        &self,
        username: &str,
        attempt: &str,
        device: Option<String>,
        origin: &Actor,
        now_ms: i64,
    ) -> Result<Tokens, LoginError> {
        let username = username.trim().to_lowercase();
        let (failures, user) = {
            let mut reader = self.db.read().await?;
            let conn = &mut reader.conn();
            (logins::failures(conn, &username).await?, users::credentials(conn, &username).await?)
        };
        if let Some(until) = failures.as_ref().and_then(|row| row.locked_until).filter(|until| *until > now_ms) {
            return Err(LoginError::Locked { retry_after_s: (until - now_ms + 999) / 1_000 });
        }
        let stored = user.as_ref().filter(|user| user.disabled_at.is_none()).map(|user| user.password_hash.clone());
        let attempt = attempt.to_owned();
        let right = password::in_turn(move || password::verify_password(&attempt, stored.as_deref())).await.unwrap_or(false);
        match user.filter(|_| right) {
            Some(user) => self.open(user, device, origin.clone(), now_ms).await,
            None => Err(self.note_failure(username, failures, origin.clone(), now_ms).await?),
        }
    }

    /// Whether this is the present password of somebody who is signed in. Wrong ones count as failed sign-ins of the name and
    /// lock it: a login that was left open is no place to guess from.
    ///
    /// # Errors
    /// `Locked` after too many failures, also of this one; the database.
    pub async fn is_own_password(
        &self,
        user: &users::Credentials,
        attempt: String,
        origin: &Actor,
        now_ms: i64,
    ) -> Result<bool, LoginError> {
        let failures = logins::failures(&mut self.db.read().await?.conn(), &user.username).await?;
        if let Some(until) = failures.as_ref().and_then(|row| row.locked_until).filter(|until| *until > now_ms) {
            return Err(LoginError::Locked { retry_after_s: (until - now_ms + 999) / 1_000 });
        }
        let stored = user.password_hash.clone();
        let right = password::in_turn(move || password::verify_password(&attempt, Some(&stored))).await.unwrap_or(false);
        if right {
            return Ok(true);
        }
        match self.note_failure(user.username.clone(), failures, origin.clone(), now_ms).await? {
            LoginError::Invalid => Ok(false),
            locked => Err(locked),
        }
    }

    async fn note_failure(
        &self,
        username: String,
        known: Option<logins::FailureRow>,
        origin: Actor,
        now_ms: i64,
    ) -> Result<LoginError, StoreError> {
        let counted = known.filter(|row| row.last_at > now_ms - FORGET_MS).map_or(0, |row| row.failed_count) + 1;
        let locked_until = (counted >= FAILURES_BEFORE_LOCK).then(|| {
            let doublings = u32::try_from(counted - FAILURES_BEFORE_LOCK).unwrap_or(0).min(8);
            now_ms + (LOCK_MS << doublings).min(LOCK_MS_MAX)
        });
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    logins::note_failure(tx, &username, counted, now_ms, locked_until).await?;
                    let detail = serde_json::json!({"username": username, "failures": counted, "locked": locked_until.is_some()});
                    tx.audit(now_ms, Act { actor: &origin, action: "login_failed", entity: None, path: "/", detail }).await
                })
            })
            .await?;
        Ok(match locked_until {
            Some(until) => LoginError::Locked { retry_after_s: (until - now_ms) / 1_000 },
            None => LoginError::Invalid,
        })
    }

    /// Opens a login for a user whose identity is certain (password, set-up, changed password).
    pub async fn open(&self, user: users::Credentials, device: Option<String>, origin: Actor, now_ms: i64) -> Result<Tokens, LoginError> {
        let user_id = user.user_id()?;
        let session = Uuid::now_v7();
        let (refresh, refresh_hash) = new_refresh_token();
        let access = self.keys.sign(user_id, session, now_ms / 1_000, now_ms / 1_000 + ACCESS_TOKEN_S)?;
        let actor = Actor { id: Some(user_id), name: user.display_name.clone(), ..origin };
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    logins::clear_failures(tx, &user.username).await?;
                    logins::open_session(tx, &session.to_string(), &user.id, device.as_deref(), now_ms).await?;
                    logins::insert_refresh_token(tx, &session.to_string(), &refresh_hash, now_ms, now_ms + REFRESH_TOKEN_S * 1_000).await?;
                    let entity = Some(("user", user.id.as_str()));
                    tx.audit(
                        now_ms,
                        Act { actor: &actor, action: "login", entity, path: "/", detail: serde_json::json!({"device": device}) },
                    )
                    .await
                })
            })
            .await?;
        Ok(Tokens { access, refresh, must_change_password: user.must_change_password })
    }

    /// Spends a refresh token.
    pub async fn refresh(&self, token: &str, device: Option<&str>, now_ms: i64) -> Result<Tokens, LoginError> {
        let hash = refresh_hash(token);
        let (next, next_hash) = new_refresh_token();
        let purpose = format!("refresh:{hash}");
        let sealed = self.sealer.seal(&purpose, next.as_bytes())?;
        let device = device.map(str::to_owned);
        let spent = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(row) = logins::refresh_token(tx, &hash).await? else { return Ok(None) };
                    let device_matches = row.device_id == device;
                    if row.disabled_at.is_some() {
                        return Ok(Some((row, None)));
                    }
                    if row.session_ended_at.is_some() || row.expires_at <= now_ms {
                        return Ok(None);
                    }
                    match row.used_at {
                        None => {
                            logins::spend_refresh_token(tx, &hash, now_ms, &sealed).await?;
                            logins::insert_refresh_token(tx, &row.session_id, &next_hash, now_ms, now_ms + REFRESH_TOKEN_S * 1_000).await?;
                            Ok(Some((row, None)))
                        }
                        Some(used_at) if device_matches && now_ms - used_at <= GRACE_MS => {
                            let successor = row.successor_sealed.clone();
                            Ok(Some((row, successor)))
                        }
                        Some(_) => {
                            // Spent twice: somebody else has a copy. The login ends for both.
                            logins::end_session(tx, &row.session_id, now_ms, "reuse").await?;
                            let actor = Actor { name: row.display_name.clone(), id: row.user_id.parse().ok(), ..Actor::default() };
                            let entity = Some(("user", row.user_id.as_str()));
                            tx.audit(
                                now_ms,
                                Act {
                                    actor: &actor,
                                    action: "refresh_reuse",
                                    entity,
                                    path: "/",
                                    detail: serde_json::json!({"session": row.session_id}),
                                },
                            )
                            .await?;
                            Ok(Some((row, Some(String::new()))))
                        }
                    }
                })
            })
            .await;
        let spent: Option<(logins::RefreshRow, Option<String>)> = spent.map_err(|error: StoreError| error)?;
        let (row, successor) = spent.ok_or(LoginError::Ended)?;
        // Whoever has the token is the person's own phone: it is told, so that what it keeps can be handed over.
        if row.disabled_at.is_some() {
            return Err(LoginError::Disabled);
        }
        let (user_id, session) = row.ids()?;
        let refresh = match successor {
            None => next,
            Some(sealed) if sealed.is_empty() => {
                self.streams.end_session(session);
                return Err(LoginError::Ended);
            }
            Some(sealed) => String::from_utf8(self.sealer.open_sealed(&purpose, &sealed)?).map_err(|_| SealError::Open)?,
        };
        let access = self.keys.sign(user_id, session, now_ms / 1_000, now_ms / 1_000 + ACCESS_TOKEN_S)?;
        Ok(Tokens { access, refresh, must_change_password: row.must_change_password })
    }

    /// Ends a login and the streams that are open under it.
    pub async fn sign_out(&self, session: Uuid, actor: Actor, now_ms: i64) -> Result<(), LoginError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    logins::end_session(tx, &session.to_string(), now_ms, "signed_out").await?;
                    tx.audit(now_ms, Act { actor: &actor, action: "logout", entity: None, path: "/", detail: serde_json::json!({}) }).await
                })
            })
            .await?;
        self.streams.end_session(session);
        Ok(())
    }
}

fn new_refresh_token() -> (String, String) {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = refresh_hash(&token);
    (token, hash)
}

/// Tokens are random: a plain hash is enough to make the stored value useless.
pub(crate) fn refresh_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
