//! Second factors: sealed secrets, recovery codes, and sign-ins that wait for a code.

use super::sql::{execute, fetch_optional};
use super::{Conn, StoreError, Tx};

/// A person's second factor, or one that is being set up.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of second_factors")]
pub struct FactorRow {
    pub secret_sealed: Option<String>,
    pub pending_sealed: Option<String>,
    pub confirmed_at: Option<i64>,
    pub last_step: i64,
}

/// Whatever there is of a person.
pub async fn get(conn: &mut Conn<'_>, user_id: &str) -> Result<Option<FactorRow>, StoreError> {
    fetch_optional!(
        conn,
        FactorRow,
        "SELECT secret_sealed, pending_sealed, confirmed_at, last_step FROM second_factors WHERE user_id = $1",
        user_id
    )
}

/// The same for whoever decides by it: others who do wait here until this is committed (PostgreSQL), so that no code is taken twice
/// and no guess goes uncounted.
pub async fn hold(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<FactorRow>, StoreError> {
    execute!(tx, "UPDATE second_factors SET last_step = last_step WHERE user_id = $1", user_id)?;
    get(tx, user_id).await
}

/// Keeps a secret whose first code has not come yet; one that is on stays so until then.
pub async fn begin(tx: &mut Tx<'_>, user_id: &str, pending_sealed: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO second_factors (user_id, pending_sealed, last_step) VALUES ($1, $2, 0) \
         ON CONFLICT (user_id) DO UPDATE SET pending_sealed = excluded.pending_sealed",
        user_id,
        pending_sealed,
    )?;
    Ok(())
}

/// The first code of the pending secret has come: it holds from now on.
pub async fn confirm(tx: &mut Tx<'_>, user_id: &str, step: i64, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE second_factors SET secret_sealed = pending_sealed, pending_sealed = NULL, confirmed_at = $3, last_step = $2 WHERE user_id = $1",
        user_id,
        step,
        at,
    )?;
    Ok(())
}

/// Takes the code of a step; `false` where that or a newer one was taken before.
pub async fn take_step(tx: &mut Tx<'_>, user_id: &str, step: i64) -> Result<bool, StoreError> {
    let taken = execute!(tx, "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2", user_id, step)?;
    Ok(taken == 1)
}

/// Takes a person's second factor away, with its recovery codes and the sign-ins that wait for it; whether there was anything.
pub async fn remove(tx: &mut Tx<'_>, user_id: &str) -> Result<bool, StoreError> {
    execute!(tx, "DELETE FROM login_challenges WHERE user_id = $1", user_id)?;
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user_id)?;
    Ok(execute!(tx, "DELETE FROM second_factors WHERE user_id = $1", user_id)? == 1)
}

/// Puts recovery codes in the place of those before.
pub async fn put_recovery(tx: &mut Tx<'_>, user_id: &str, hashes: &[String]) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM recovery_codes WHERE user_id = $1", user_id)?;
    for hash in hashes {
        execute!(tx, "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", user_id, hash.as_str())?;
    }
    Ok(())
}

/// Spends a recovery code; `false` where there is none such, or it was spent.
pub async fn spend_recovery(tx: &mut Tx<'_>, user_id: &str, hash: &str, at: i64) -> Result<bool, StoreError> {
    let spent = execute!(
        tx,
        "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user_id,
        hash,
        at
    )?;
    Ok(spent == 1)
}

/// Recovery codes that are not spent.
pub async fn recovery_left(conn: &mut Conn<'_>, user_id: &str) -> Result<i64, StoreError> {
    let row = fetch_optional!(conn, (i64,), "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL", user_id)?;
    Ok(row.map_or(0, |row| row.0))
}

/// Keeps a sign-in whose password was right.
pub async fn challenge(tx: &mut Tx<'_>, hash: &str, user_id: &str, expires_at: i64) -> Result<(), StoreError> {
    execute!(tx, "INSERT INTO login_challenges (token_hash, user_id, expires_at) VALUES ($1, $2, $3)", hash, user_id, expires_at)?;
    Ok(())
}

/// Whose sign-in waits under this token.
pub async fn challenged(conn: &mut Conn<'_>, hash: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
    let row =
        fetch_optional!(conn, (String,), "SELECT user_id FROM login_challenges WHERE token_hash = $1 AND expires_at > $2", hash, now_ms)?;
    Ok(row.map(|row| row.0))
}

/// Forgets the sign-ins of a person that wait: one was completed, or the password is another.
pub async fn forget_challenges(tx: &mut Tx<'_>, user_id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM login_challenges WHERE user_id = $1", user_id)?;
    Ok(())
}
