//! Signing in and out.
//!
//! Access tokens live 15 minutes; refresh tokens 30 days: [`super::refresh`]. Who has a second factor signs in in two steps:
//! [`super::second_factor`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Keys, KeysError, LastUsed, SealError, Sealer, Streams, password};
use crate::store::journal::{Act, Actor};
use crate::store::{Db, StoreError, Tx, logins, sessions, users};

/// Life of an access token, s.
pub const ACCESS_TOKEN_S: i64 = 15 * 60;
/// Life of a refresh token, s.
pub const REFRESH_TOKEN_S: i64 = 30 * 24 * 3_600;
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
    /// Neither a code that stands now nor a recovery code, or one that was used before.
    #[error("wrong code")]
    WrongCode,
    /// Too many failures.
    #[error("locked for {retry_after_s} s")]
    Locked {
        /// When it is worth trying again, s.
        retry_after_s: i64,
    },
    /// The refresh token is unknown, expired, spent or of a login that has ended.
    #[error("this login has ended")]
    Ended,
    /// Nothing was done under this login for longer than the bureau allows.
    #[error("this login did nothing for too long")]
    Idle,
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

/// What signs in: as it names itself, and as its browser does.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// Names an installation of a client.
    pub id: Option<String>,
    /// User-Agent.
    pub agent: Option<String>,
    /// The phones' app, which works without a network for days.
    pub is_phone: bool,
}

impl Device {
    pub(super) fn client(&self) -> &'static str {
        if self.is_phone { "phone" } else { "console" }
    }
}

/// What a right password leads to.
#[derive(Debug, Clone)]
pub enum SignedIn {
    /// In.
    In(Tokens),
    /// A code is wanted; the token says for which sign-in.
    Challenge(String),
}

/// The door.
#[derive(Debug, Clone)]
pub struct Logins {
    pub(super) db: Db,
    pub(super) keys: Keys,
    pub(super) sealer: Sealer,
    pub(super) streams: Streams,
    last_used: LastUsed,
}

impl Logins {
    /// Built once at start.
    pub fn new(db: Db, keys: Keys, sealer: Sealer, streams: Streams) -> Self {
        Self { db, keys, sealer, streams, last_used: LastUsed::default() }
    }

    /// When logins were last used.
    pub fn last_used(&self) -> &LastUsed {
        &self.last_used
    }

    /// Checks a password and opens a login, or asks for a code. Takes as long for an unknown user as for a wrong password.
    pub async fn sign_in(
        &self,
        username: &str,
        attempt: &str,
        device: Device,
        origin: &Actor,
        now_ms: i64,
    ) -> Result<SignedIn, LoginError> {
        let username = username.trim().to_lowercase();
        let (failures, user) = {
            let mut reader = self.db.read().await?;
            let conn = &mut reader.conn();
            (logins::failures(conn, &username).await?, users::credentials(conn, &username).await?)
        };
        if let Some(locked) = locked(failures.as_ref(), now_ms) {
            return Err(locked);
        }
        let stored = user.as_ref().filter(|user| user.disabled_at.is_none()).map(|user| user.password_hash.clone());
        let attempt = attempt.to_owned();
        let right = password::in_turn(move || password::verify_password(&attempt, stored.as_deref())).await.unwrap_or(false);
        match user.filter(|_| right) {
            Some(user) => match self.challenge(&user, now_ms).await? {
                Some(token) => Ok(SignedIn::Challenge(token)),
                None => Ok(SignedIn::In(self.open(user, device, origin.clone(), now_ms).await?)),
            },
            None => Err(self.note_failure(username, origin.clone(), now_ms).await?),
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
        if let Some(locked) = locked(failures.as_ref(), now_ms) {
            return Err(locked);
        }
        let stored = user.password_hash.clone();
        let right = password::in_turn(move || password::verify_password(&attempt, Some(&stored))).await.unwrap_or(false);
        if right {
            return Ok(true);
        }
        match self.note_failure(user.username.clone(), origin.clone(), now_ms).await? {
            LoginError::Invalid => Ok(false),
            locked => Err(locked),
        }
    }

    async fn note_failure(&self, username: String, origin: Actor, now_ms: i64) -> Result<LoginError, StoreError> {
        let locked =
            self.db.write(move |tx| Box::pin(async move { count_failure(tx, &username, "password", &origin, now_ms).await })).await?;
        Ok(locked.unwrap_or(LoginError::Invalid))
    }

    /// Opens a login for a user whose identity is certain (password, set-up, changed password).
    pub async fn open(&self, user: users::Credentials, device: Device, origin: Actor, now_ms: i64) -> Result<Tokens, LoginError> {
        self.open_by(user, device, None, origin, now_ms).await
    }

    /// The same; `factor` says which second factor was shown.
    pub(super) async fn open_by(
        &self,
        user: users::Credentials,
        device: Device,
        factor: Option<&'static str>,
        origin: Actor,
        now_ms: i64,
    ) -> Result<Tokens, LoginError> {
        let user_id = user.user_id()?;
        let session = Uuid::now_v7();
        let (refresh, refresh_hash) = new_token();
        let access = self.keys.sign(user_id, session, now_ms / 1_000, now_ms / 1_000 + ACCESS_TOKEN_S)?;
        let actor = Actor { id: Some(user_id), name: user.display_name.clone(), ..origin };
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    logins::clear_failures(tx, &user.username).await?;
                    let new = logins::NewSession {
                        device_id: device.id.as_deref(),
                        client: device.client(),
                        agent: device.agent.as_deref(),
                        ip: actor.ip.as_deref(),
                    };
                    logins::open_session(tx, &session.to_string(), &user.id, new, now_ms).await?;
                    logins::insert_refresh_token(tx, &session.to_string(), &refresh_hash, now_ms, now_ms + REFRESH_TOKEN_S * 1_000).await?;
                    let entity = Some(("user", user.id.as_str()));
                    let detail = serde_json::json!({"device": device.id, "second_factor": factor});
                    tx.audit(now_ms, Act { actor: &actor, action: "login", entity, path: "/", detail }).await
                })
            })
            .await?;
        Ok(Tokens { access, refresh, must_change_password: user.must_change_password })
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

    /// Ends another login of the same person, or this one, and its streams; `false` where they have none of this id that is open.
    pub async fn end_own(&self, user: Uuid, session: Uuid, actor: Actor, now_ms: i64) -> Result<bool, LoginError> {
        let ended = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (user, session) = (user.to_string(), session.to_string());
                    let ended = sessions::end_own(tx, &user, &session, now_ms, "signed_out").await?;
                    if ended {
                        let detail = serde_json::json!({"session": session});
                        let act = Act { actor: &actor, action: "session_end", entity: Some(("user", &user)), path: "/", detail };
                        tx.audit(now_ms, act).await?;
                    }
                    Ok::<_, StoreError>(ended)
                })
            })
            .await?;
        if ended {
            self.streams.end_session(session);
        }
        Ok(ended)
    }

    /// Ends all logins of a person but this one, and their streams.
    pub async fn end_others(&self, user: Uuid, but: Uuid, actor: Actor, now_ms: i64) -> Result<(), LoginError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let user = user.to_string();
                    logins::end_sessions_of(tx, &user, Some(&but.to_string()), now_ms, "signed_out").await?;
                    let detail = serde_json::json!({"but": but});
                    let act = Act { actor: &actor, action: "session_end", entity: Some(("user", &user)), path: "/", detail };
                    tx.audit(now_ms, act).await
                })
            })
            .await?;
        // Streams look whether it was theirs.
        self.streams.end_user(user);
        Ok(())
    }
}

/// The refusal of a name that is locked.
pub(super) fn locked(failures: Option<&logins::FailureRow>, now_ms: i64) -> Option<LoginError> {
    let until = failures.and_then(|row| row.locked_until).filter(|until| *until > now_ms)?;
    Some(LoginError::Locked { retry_after_s: (until - now_ms + 999) / 1_000 })
}

/// Counts a failure of a name, by what was wrong; the refusal, where that locks it.
pub(super) async fn count_failure(
    tx: &mut Tx<'_>,
    username: &str,
    wrong: &'static str,
    origin: &Actor,
    now_ms: i64,
) -> Result<Option<LoginError>, StoreError> {
    let known = logins::failures(tx, username).await?;
    let counted = known.filter(|row| row.last_at > now_ms - FORGET_MS).map_or(0, |row| row.failed_count) + 1;
    let locked_until = (counted >= FAILURES_BEFORE_LOCK).then(|| {
        let doublings = u32::try_from(counted - FAILURES_BEFORE_LOCK).unwrap_or(0).min(8);
        now_ms + (LOCK_MS << doublings).min(LOCK_MS_MAX)
    });
    logins::note_failure(tx, username, counted, now_ms, locked_until).await?;
    let detail = serde_json::json!({"username": username, "failures": counted, "locked": locked_until.is_some(), "wrong": wrong});
    tx.audit(now_ms, Act { actor: origin, action: "login_failed", entity: None, path: "/", detail }).await?;
    Ok(locked_until.map(|until| LoginError::Locked { retry_after_s: (until - now_ms) / 1_000 }))
}

/// A token and its hash.
pub(super) fn new_token() -> (String, String) {
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
