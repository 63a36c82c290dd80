//! The second factor of a sign-in (等保 2.0 asks administrators for two): a code of an authenticator app, or a recovery code.
//!
//! A right password of somebody who has one opens nothing; it gives a token for five minutes under which the code is shown. Wrong codes
//! count as wrong passwords do and lock the same name. Each code is taken once. The secret lies sealed in the database, recovery codes
//! only as keyed hashes: a copy of the database alone lets nobody in.

use rand::Rng as _;
use uuid::Uuid;

use super::login::{count_failure, locked, new_token, refresh_hash};
use super::{Device, LoginError, Logins, SealError, Sealer, Tokens, TotpSecret};
use crate::store::journal::{Act, Actor};
use crate::store::{StoreError, Tx, logins, second_factors, users};

/// How long a sign-in waits for its code, ms.
const CHALLENGE_MS: i64 = 5 * 60_000;
/// Recovery codes that are given at a time.
const RECOVERY_CODES: usize = 10;
/// Letters and digits of a recovery code, about 50 bits; without look-alikes.
const RECOVERY_CHARS: usize = 10;

/// A second factor that is being set up.
#[derive(Debug)]
pub struct Begun {
    /// For typing.
    pub secret: String,
    /// What the QR code says.
    pub address: String,
}

/// What a secret is sealed for.
pub fn secret_purpose(user_id: &str) -> String {
    format!("totp:{user_id}")
}

/// As a recovery code is kept. People type it with or without its dash, in any case.
pub fn recovery_hash(sealer: &Sealer, user_id: &str, code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    hex::encode(sealer.mac("recovery", format!("{user_id}:{code}").as_bytes()))
}

impl Logins {
    /// A token for the second step, where the person has a second factor.
    pub(super) async fn challenge(&self, user: &users::Credentials, now_ms: i64) -> Result<Option<String>, LoginError> {
        let factor = second_factors::get(&mut self.db.read().await?.conn(), &user.id).await?;
        if factor.is_none_or(|factor| factor.secret_sealed.is_none()) {
            return Ok(None);
        }
        let (token, hash) = new_token();
        let user_id = user.id.clone();
        let kept = self
            .db
            .write_apart(move |tx| Box::pin(async move { second_factors::challenge(tx, &hash, &user_id, now_ms + CHALLENGE_MS).await }));
        kept.await?;
        Ok(Some(token))
    }

    /// The second step: a code, or a recovery code.
    ///
    /// # Errors
    /// `Ended` where no sign-in waits under this token any more; `WrongCode`; `Locked`, whatever the code.
    pub async fn sign_in_code(
        &self,
        challenge: &str,
        code: &str,
        device: Device,
        origin: &Actor,
        now_ms: i64,
    ) -> Result<Tokens, LoginError> {
        let (hash, code, sealer, from) = (refresh_hash(challenge), code.to_owned(), self.sealer.clone(), origin.clone());
        let tried = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(user_id) = second_factors::challenged(tx, &hash, now_ms).await? else { return Ok(Err(LoginError::Ended)) };
                    let factor = second_factors::hold(tx, &user_id).await?;
                    let user = users::credentials_by_id(tx, &user_id).await?.filter(|user| user.disabled_at.is_none());
                    let (Some(user), Some(factor)) = (user, factor) else { return Ok(Err(LoginError::Ended)) };
                    if let Some(locked) = locked(logins::failures(tx, &user.username).await?.as_ref(), now_ms) {
                        return Ok(Err(locked));
                    }
                    match shown(tx, &sealer, &factor, &user_id, &code, now_ms).await? {
                        Some(factor) => {
                            second_factors::forget_challenges(tx, &user_id).await?;
                            Ok(Ok((user, factor)))
                        }
                        None => {
                            let locked = count_failure(tx, &user.username, "code", &from, now_ms).await?;
                            Ok(Err(locked.unwrap_or(LoginError::WrongCode)))
                        }
                    }
                })
            })
            .await;
        let tried: Result<Result<_, LoginError>, LoginError> = tried;
        let (user, factor) = tried??;
        self.open_by(user, device, Some(factor), origin.clone(), now_ms).await
    }

    /// Makes a secret that holds once its first code has come.
    pub async fn begin_second_factor(&self, user: &users::Credentials) -> Result<Begun, LoginError> {
        let secret = TotpSecret::random();
        let sealed = self.sealer.seal(&secret_purpose(&user.id), secret.as_bytes())?;
        let user_id = user.id.clone();
        self.db.write_apart(move |tx| Box::pin(async move { second_factors::begin(tx, &user_id, &sealed).await })).await?;
        Ok(Begun { secret: secret.text(), address: secret.address(&user.username) })
    }

    /// Turns the second factor on by the first code; gives recovery codes. `None` where the code is wrong.
    ///
    /// # Errors
    /// `Ended` where none was begun.
    pub async fn confirm_second_factor(
        &self,
        user: Uuid,
        code: &str,
        actor: Actor,
        now_ms: i64,
    ) -> Result<Option<Vec<String>>, LoginError> {
        let (codes, hashes) = self.recovery_codes(user);
        let (code, sealer) = (digits(code), self.sealer.clone());
        let confirmed: Result<Result<bool, LoginError>, LoginError> = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let user = user.to_string();
                    let pending = second_factors::hold(tx, &user).await?.and_then(|factor| factor.pending_sealed);
                    let Some(pending) = pending else { return Ok(Err(LoginError::Ended)) };
                    let Some(step) = opened(&sealer, &user, &pending)?.step_of(&code, now_ms) else { return Ok(Ok(false)) };
                    second_factors::confirm(tx, &user, step, now_ms).await?;
                    second_factors::put_recovery(tx, &user, &hashes).await?;
                    note(tx, &actor, "second_factor_on", &user, now_ms).await?;
                    Ok(Ok(true))
                })
            })
            .await;
        Ok(confirmed??.then_some(codes))
    }

    /// Makes new recovery codes in the place of those before; `None` where no second factor is on.
    pub async fn renew_recovery_codes(&self, user: Uuid, actor: Actor, now_ms: i64) -> Result<Option<Vec<String>>, LoginError> {
        let (codes, hashes) = self.recovery_codes(user);
        let made = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let user = user.to_string();
                    let on = second_factors::hold(tx, &user).await?.is_some_and(|factor| factor.secret_sealed.is_some());
                    if on {
                        second_factors::put_recovery(tx, &user, &hashes).await?;
                        note(tx, &actor, "recovery_codes", &user, now_ms).await?;
                    }
                    Ok::<_, StoreError>(on)
                })
            })
            .await?;
        Ok(made.then_some(codes))
    }

    /// Turns the second factor off.
    pub async fn end_second_factor(&self, user: Uuid, actor: Actor, now_ms: i64) -> Result<(), LoginError> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let user = user.to_string();
                    if second_factors::remove(tx, &user).await? {
                        note(tx, &actor, "second_factor_off", &user, now_ms).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
        Ok(())
    }

    /// New recovery codes and their hashes.
    fn recovery_codes(&self, user: Uuid) -> (Vec<String>, Vec<String>) {
        let user = user.to_string();
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        let hashes = codes.iter().map(|code| recovery_hash(&self.sealer, &user, code)).collect();
        (codes, hashes)
    }
}

/// Which factor this code is: `code` or `recovery`. It is spent by that.
async fn shown(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    factor: &second_factors::FactorRow,
    user_id: &str,
    code: &str,
    now_ms: i64,
) -> Result<Option<&'static str>, LoginError> {
    let Some(sealed) = &factor.secret_sealed else { return Ok(None) };
    if let Some(step) = opened(sealer, user_id, sealed)?.step_of(&digits(code), now_ms) {
        return Ok(second_factors::take_step(tx, user_id, step).await?.then_some("code"));
    }
    let spent = second_factors::spend_recovery(tx, user_id, &recovery_hash(sealer, user_id, code), now_ms).await?;
    Ok(spent.then_some("recovery"))
}

fn opened(sealer: &Sealer, user_id: &str, sealed: &str) -> Result<TotpSecret, LoginError> {
    let bytes = sealer.open_sealed(&secret_purpose(user_id), sealed)?;
    TotpSecret::from_bytes(&bytes).ok_or(LoginError::Seal(SealError::Open))
}

/// Apps show a code in two halves, and people type it so.
fn digits(code: &str) -> String {
    code.chars().filter(|character| !character.is_whitespace()).collect()
}

fn recovery_code() -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    let mut code: String = (0..RECOVERY_CHARS).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
    code.insert(RECOVERY_CHARS / 2, '-');
    code
}

async fn note(tx: &mut Tx<'_>, actor: &Actor, action: &'static str, user: &str, at: i64) -> Result<(), StoreError> {
    tx.audit(at, Act { actor, action, entity: Some(("user", user)), path: "/", detail: serde_json::json!({}) }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_read_as_people_type_them() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(folder.path()).unwrap();
        let code = recovery_code();
        assert_eq!(code.len(), RECOVERY_CHARS + 1);
        let kept = recovery_hash(&sealer, "one", &code);
        assert_eq!(kept, recovery_hash(&sealer, "one", &format!(" {} ", code.to_uppercase().replace('-', " "))));
        assert!(kept != recovery_hash(&sealer, "other", &code) && kept != recovery_hash(&sealer, "one", &recovery_code()));
    }
}
