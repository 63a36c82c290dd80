//! Logins: sessions, refresh tokens, failed attempts, signing keys, and what a login may do.

use uuid::Uuid;

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// How long an expired refresh token is remembered, ms: an officer who was let go may bring what they gathered.
const LATE_MS: i64 = 180 * 24 * 3_600_000;

/// Failed sign-ins of a name.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of login_failures")]
pub struct FailureRow {
    pub failed_count: i64,
    pub last_at: i64,
    pub locked_until: Option<i64>,
}

/// Failures of a name that was tried, whether or not such a user exists.
pub async fn failures(conn: &mut Conn<'_>, username: &str) -> Result<Option<FailureRow>, StoreError> {
    fetch_optional!(conn, FailureRow, "SELECT failed_count, last_at, locked_until FROM login_failures WHERE username = $1", username)
}

/// Counts a failure.
pub async fn note_failure(tx: &mut Tx<'_>, username: &str, count: i64, at: i64, locked_until: Option<i64>) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO login_failures (username, failed_count, last_at, locked_until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (username) DO UPDATE SET failed_count = excluded.failed_count, last_at = excluded.last_at, locked_until = excluded.locked_until",
        username,
        count,
        at,
        locked_until,
    )?;
    Ok(())
}

/// Forgets failures after a success or when an administrator unlocks.
pub async fn clear_failures(tx: &mut Tx<'_>, username: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM login_failures WHERE username = $1", username)?;
    Ok(())
}

/// A login and its user.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of sessions and users")]
pub struct SessionRow {
    pub user_id: String,
    pub ended_at: Option<i64>,
    pub disabled_at: Option<i64>,
    pub display_name: String,
    pub must_change_password: bool,
    pub scope_version: i64,
    /// Since when a second factor is on; `None`: there is none.
    pub second_factor_at: Option<i64>,
}

/// The login with this id.
pub async fn session(conn: &mut Conn<'_>, id: &str) -> Result<Option<SessionRow>, StoreError> {
    fetch_optional!(
        conn,
        SessionRow,
        "SELECT s.user_id, s.ended_at, u.disabled_at, u.display_name, u.must_change_password, u.scope_version, f.confirmed_at AS second_factor_at \
         FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN second_factors f ON f.user_id = u.id WHERE s.id = $1",
        id,
    )
}

/// Permissions and the paths of the nodes they hold at. An open assignment opens its premises as to an officer.
pub async fn permissions(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT rp.permission, g.node_path FROM grants g JOIN role_permissions rp ON rp.role = g.role \
          WHERE g.user_id = $1 AND (g.valid_until IS NULL OR g.valid_until > $2) \
         UNION \
         SELECT rp.permission, p.path FROM assignment_officers ao JOIN work_items w ON w.id = ao.assignment_id AND w.open \
           JOIN premises p ON p.id = w.premises_id JOIN role_permissions rp ON rp.role = 'officer' \
          WHERE ao.user_id = $1",
        user_id,
        now_ms,
    )
}

/// The roles that somebody has now, each once.
pub async fn roles(conn: &mut Conn<'_>, user_id: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT role FROM grants WHERE user_id = $1 AND (valid_until IS NULL OR valid_until > $2) ORDER BY role",
        user_id,
        now_ms,
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// What signs in, as it is kept.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the columns of sessions")]
pub struct NewSession<'a> {
    pub device_id: Option<&'a str>,
    pub client: &'a str,
    pub agent: Option<&'a str>,
    pub ip: Option<&'a str>,
}

/// Begins a login.
pub async fn open_session(tx: &mut Tx<'_>, id: &str, user_id: &str, new: NewSession<'_>, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO sessions (id, user_id, device_id, client, agent, ip, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        id,
        user_id,
        new.device_id,
        new.client,
        new.agent,
        new.ip,
        at
    )?;
    execute!(tx, "UPDATE users SET last_login_at = $2 WHERE id = $1", user_id, at)?;
    Ok(())
}

/// Ends a login.
pub async fn end_session(tx: &mut Tx<'_>, id: &str, at: i64, reason: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL", id, at, reason)?;
    Ok(())
}

/// Ends all logins of a person, but for one; sign-ins that wait for a code too.
pub async fn end_sessions_of(tx: &mut Tx<'_>, user_id: &str, but: Option<&str>, at: i64, reason: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE user_id = $1 AND ended_at IS NULL AND id <> COALESCE($4, '')",
        user_id,
        at,
        reason,
        but,
    )?;
    super::second_factors::forget_challenges(tx, user_id).await
}

/// A refresh token with its login and user.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of refresh_tokens, sessions and users")]
pub struct RefreshRow {
    pub session_id: String,
    pub expires_at: i64,
    pub used_at: Option<i64>,
    pub successor_sealed: Option<String>,
    pub device_id: Option<String>,
    pub session_ended_at: Option<i64>,
    pub last_used_at: i64,
    pub user_id: String,
    pub display_name: String,
    pub disabled_at: Option<i64>,
    pub must_change_password: bool,
}

impl RefreshRow {
    /// User and session as ids.
    pub fn ids(&self) -> Result<(Uuid, Uuid), StoreError> {
        Ok((self.user_id.parse().map_err(StoreError::damaged)?, self.session_id.parse().map_err(StoreError::damaged)?))
    }
}

/// The refresh token with this hash.
pub async fn refresh_token(conn: &mut Conn<'_>, hash: &str) -> Result<Option<RefreshRow>, StoreError> {
    fetch_optional!(
        conn,
        RefreshRow,
        "SELECT r.session_id, r.expires_at, r.used_at, r.successor_sealed, s.device_id, s.ended_at AS session_ended_at, s.last_used_at, \
                u.id AS user_id, u.display_name, u.disabled_at, u.must_change_password \
         FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id WHERE r.token_hash = $1",
        hash,
    )
}

/// Adds a refresh token.
pub async fn insert_refresh_token(tx: &mut Tx<'_>, session_id: &str, hash: &str, at: i64, expires_at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO refresh_tokens (id, session_id, token_hash, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        Uuid::now_v7().to_string(),
        session_id,
        hash,
        at,
        expires_at,
    )?;
    Ok(())
}

/// Marks a refresh token as spent. Two who spend at once: PostgreSQL lets the second wait and find it spent.
pub async fn spend_refresh_token(tx: &mut Tx<'_>, hash: &str, at: i64, successor_sealed: &str) -> Result<(), StoreError> {
    let spent = execute!(
        tx,
        "UPDATE refresh_tokens SET used_at = $2, successor_sealed = $3 WHERE token_hash = $1 AND used_at IS NULL",
        hash,
        at,
        successor_sealed
    )?;
    if spent == 0 {
        return Err(StoreError::Unavailable("the token was spent at the same moment".to_owned()));
    }
    Ok(())
}

/// Deletes what can no longer be used: tokens that expired, answers kept for repeated requests.
pub async fn sweep(tx: &mut Tx<'_>, now_ms: i64) -> Result<(), StoreError> {
    // One that has expired still says whose a late inspection is.
    execute!(tx, "DELETE FROM refresh_tokens WHERE expires_at < $1", now_ms - LATE_MS)?;
    execute!(tx, "DELETE FROM login_challenges WHERE expires_at < $1", now_ms)?;
    execute!(tx, "DELETE FROM idempotency_keys WHERE created_at < $1", now_ms - 7 * 24 * 3_600_000)?;
    Ok(())
}

/// A signing key as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of signing_keys")]
pub struct SigningKeyRow {
    pub id: String,
    pub private_sealed: String,
    pub public_key: String,
    pub created_at: i64,
}

/// The newest keys, newest first; older ones can only have signed what has expired.
pub async fn signing_keys(conn: &mut Conn<'_>) -> Result<Vec<SigningKeyRow>, StoreError> {
    fetch_all!(
        conn,
        SigningKeyRow,
        "SELECT id, private_sealed, public_key, created_at FROM signing_keys WHERE retired_at IS NULL ORDER BY id DESC LIMIT 8"
    )
}

/// Adds a key.
pub async fn insert_signing_key(tx: &mut Tx<'_>, row: &SigningKeyRow) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO signing_keys (id, private_sealed, public_key, created_at) VALUES ($1, $2, $3, $4)",
        row.id.as_str(),
        row.private_sealed.as_str(),
        row.public_key.as_str(),
        row.created_at,
    )?;
    Ok(())
}

/// Keeps the hash of a one-time set-up link.
pub async fn insert_setup_link(tx: &mut Tx<'_>, hash: &str, at: i64, expires_at: i64) -> Result<(), StoreError> {
    execute!(tx, "INSERT INTO setup_links (token_hash, created_at, expires_at) VALUES ($1, $2, $3)", hash, at, expires_at)?;
    Ok(())
}

/// Spends a set-up link: whether it was good.
pub async fn spend_setup_link(tx: &mut Tx<'_>, hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let spent =
        execute!(tx, "UPDATE setup_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2", hash, now_ms)?;
    Ok(spent == 1)
}

/// What was answered to a request with this Idempotency-Key: request hash, status, body.
pub async fn idempotent_answer(conn: &mut Conn<'_>, user_id: &str, key: &str) -> Result<Option<(String, i64, String)>, StoreError> {
    fetch_optional!(
        conn,
        (String, i64, String),
        "SELECT request_hash, status, body FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        user_id,
        key
    )
}

/// Takes the key for a request whose answer is not known yet; `false` where it was answered before. The same request at the
/// same moment waits here until the first one is committed, or, where that failed, takes its place.
pub async fn claim_key(tx: &mut Tx<'_>, user_id: &str, key: &str, request_hash: &str, at: i64) -> Result<bool, StoreError> {
    let claimed = execute!(
        tx,
        "INSERT INTO idempotency_keys (user_id, key, request_hash, status, body, created_at) VALUES ($1, $2, $3, 0, '', $4) \
         ON CONFLICT (user_id, key) DO NOTHING",
        user_id,
        key,
        request_hash,
        at,
    )?;
    Ok(claimed == 1)
}

/// Keeps what was answered under a claimed key, in the transaction of the act.
pub async fn keep_answer(tx: &mut Tx<'_>, user_id: &str, key: &str, status: i64, body: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE idempotency_keys SET status = $3, body = $4 WHERE user_id = $1 AND key = $2", user_id, key, status, body)?;
    Ok(())
}
