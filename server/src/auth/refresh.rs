//! Renewing a login. A refresh token is spent once. Spending one again ends the login, except within two minutes from the same device,
//! which gets the same successor: a lost answer must not log an officer out. A console that nobody touched for too long is not renewed.

use super::login::{ACCESS_TOKEN_S, REFRESH_TOKEN_S, new_token, refresh_hash};
use super::{Device, LoginError, Logins, SealError, Tokens};
use crate::store::journal::{Act, Actor};
use crate::store::{Conn, StoreError, Tx, logins, sessions, settings};

/// How long a spent refresh token gives its successor again to the same device, ms.
const GRACE_MS: i64 = 2 * 60 * 1_000;

impl Logins {
    /// Spends a refresh token. `idle_s` is how long the person at the console has done nothing, as it says itself: its pages ask by
    /// themselves all day.
    pub async fn refresh(&self, token: &str, device: Device, idle_s: i64, now_ms: i64) -> Result<Tokens, LoginError> {
        self.last_used().write(&self.db).await?;
        let hash = refresh_hash(token);
        let (next, next_hash) = new_token();
        let purpose = format!("refresh:{hash}");
        let sealed = self.sealer.seal(&purpose, next.as_bytes())?;
        let spent = self
            .db
            .write(move |tx| Box::pin(async move { spend(tx, &hash, (&next_hash, &sealed), &device, idle_s, now_ms).await }))
            .await?;
        let (row, spent) = spent.ok_or(LoginError::Ended)?;
        let (user_id, session) = row.ids()?;
        let refresh = match spent {
            // Whoever has the token is the person's own phone: it is told, so that what it keeps can be handed over.
            Spent::Disabled => return Err(LoginError::Disabled),
            Spent::Twice => {
                self.streams.end_session(session);
                return Err(LoginError::Ended);
            }
            Spent::Idle => {
                self.streams.end_session(session);
                return Err(LoginError::Idle);
            }
            Spent::Now => next,
            Spent::Before(sealed) => String::from_utf8(self.sealer.open_sealed(&purpose, &sealed)?).map_err(|_| SealError::Open)?,
        };
        let access = self.keys.sign(user_id, session, now_ms / 1_000, now_ms / 1_000 + ACCESS_TOKEN_S)?;
        Ok(Tokens { access, refresh, must_change_password: row.must_change_password })
    }
}

/// What became of a refresh token.
enum Spent {
    /// It was good.
    Now,
    /// It was good a moment ago, for the same device: its successor, sealed.
    Before(String),
    /// Somebody else has a copy. The login ends for both.
    Twice,
    /// Nothing was done for too long.
    Idle,
    /// The account is disabled.
    Disabled,
}

async fn spend(
    tx: &mut Tx<'_>,
    hash: &str,
    (next_hash, sealed): (&str, &str),
    device: &Device,
    idle_s: i64,
    now_ms: i64,
) -> Result<Option<(logins::RefreshRow, Spent)>, StoreError> {
    let Some(row) = logins::refresh_token(tx, hash).await? else { return Ok(None) };
    if row.disabled_at.is_some() {
        return Ok(Some((row, Spent::Disabled)));
    }
    if row.session_ended_at.is_some() || row.expires_at <= now_ms {
        return Ok(None);
    }
    let spent = match row.used_at {
        None if !device.is_phone && is_idle(tx, &row, idle_s, now_ms).await? => {
            let detail = serde_json::json!({"session": row.session_id, "reason": "idle"});
            end_for(tx, &row, "session_end", "idle", detail, now_ms).await?;
            Spent::Idle
        }
        None => {
            logins::spend_refresh_token(tx, hash, now_ms, sealed).await?;
            logins::insert_refresh_token(tx, &row.session_id, next_hash, now_ms, now_ms + REFRESH_TOKEN_S * 1_000).await?;
            sessions::renewed(tx, &row.session_id, now_ms, device.client()).await?;
            Spent::Now
        }
        Some(used_at) if row.device_id == device.id && now_ms - used_at <= GRACE_MS => match row.successor_sealed.clone() {
            Some(successor) => Spent::Before(successor),
            None => return Ok(None),
        },
        Some(_) => {
            end_for(tx, &row, "refresh_reuse", "reuse", serde_json::json!({"session": row.session_id}), now_ms).await?;
            Spent::Twice
        }
    };
    Ok(Some((row, spent)))
}

/// Ends the login of a refresh token for a reason of our own.
async fn end_for(
    tx: &mut Tx<'_>,
    row: &logins::RefreshRow,
    action: &'static str,
    reason: &str,
    detail: serde_json::Value,
    now_ms: i64,
) -> Result<(), StoreError> {
    logins::end_session(tx, &row.session_id, now_ms, reason).await?;
    let actor = Actor { name: row.display_name.clone(), id: row.user_id.parse().ok(), ..Actor::default() };
    tx.audit(now_ms, Act { actor: &actor, action, entity: Some(("user", row.user_id.as_str())), path: "/", detail }).await
}

/// Whether nothing was done for longer than the bureau allows.
async fn is_idle(conn: &mut Conn<'_>, row: &logins::RefreshRow, idle_s: i64, now_ms: i64) -> Result<bool, StoreError> {
    let asked = settings::sign_in(conn).await?;
    if asked.idle_minutes.is_none() {
        return Ok(false);
    }
    let idle_ms = (now_ms - row.last_used_at).max(idle_s.saturating_mul(1_000));
    Ok(asked.is_over(&logins::roles(conn, &row.user_id, now_ms).await?, idle_ms))
}
