//! Passwords: argon2id, a policy without folklore, and equal time for people who do not exist.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::Rng as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Fewest characters.
const LENGTH_MIN: usize = 10;
/// Most characters: longer ones only cost time.
const LENGTH_MAX: usize = 128;
/// The first that anybody tries.
const COMMON: &[&str] = &[
    "1234567890",
    "12345678910",
    "0123456789",
    "qwertyuiop",
    "password123",
    "password1234",
    "admin12345",
    "administrator",
    "mingchu123",
    "brightkitchen",
    "abcd123456",
    "a123456789",
    "1q2w3e4r5t",
];

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Not 10 to 128 characters.
    #[error("a password has 10 to 128 characters")]
    Length,
    /// On the list of the first ones tried, one character repeated, or the user's own name.
    #[error("this password is too easy to guess")]
    Guessable,
}

/// Checks a new password of `username`.
pub fn check_policy(username: &str, password: &str) -> Result<(), PasswordError> {
    let length = password.chars().count();
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return Err(PasswordError::Length);
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    if COMMON.contains(&lower.as_str())
        || lower.contains(&username.to_lowercase()) && length < username.len() + 6
        || lower.chars().all(|character| Some(character) == first)
    {
        return Err(PasswordError::Guessable);
    }
    Ok(())
}

/// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

/// Runs what hashes passwords, as many at a time as there are cores: each takes 19 MiB, and more at once would not be sooner. `None`
/// where it panicked.
pub async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));
    let _turn = TURNS.acquire().await.ok()?;
    spawn_blocking(work).await.ok()
}

/// Hashes a password; slow on purpose, so only within [`in_turn`].
pub fn hash_password(password: &str) -> String {
    let salt = SaltString::generate(&mut OsRng);
    // Only a salt or output of wrong length can fail, and neither comes from outside.
    hasher().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).unwrap_or_default()
}

/// Compares, within [`in_turn`]; with no stored hash it takes as long and says no.
pub fn verify_password(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash_password("nobody has this password"));
    let known = stored.is_some();
    let hash = stored.unwrap_or(&NOBODY);
    let matches = PasswordHash::new(hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok());
    known && matches
}

/// A password a person can read aloud: four groups of four without look-alikes, about 79 bits.
pub fn random_password() -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    (0..4)
        .map(|_| (0..4).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_refuses_what_is_guessed_first() {
        assert_eq!(check_policy("liming", "short"), Err(PasswordError::Length));
        assert_eq!(check_policy("liming", "1234567890"), Err(PasswordError::Guessable));
        assert_eq!(check_policy("liming", "aaaaaaaaaaaa"), Err(PasswordError::Guessable));
        assert_eq!(check_policy("administra", "Administra1"), Err(PasswordError::Guessable));
        assert_eq!(check_policy("liming", &random_password()), Ok(()));
        assert_eq!(check_policy("liming", "厨房要干净明亮每一天都好"), Ok(()));
    }

    #[test]
    fn only_the_right_password_of_a_known_user_passes() {
        let hash = hash_password("correct horse");
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify_password("correct horse", Some(&hash)));
        assert!(!verify_password("wrong horse", Some(&hash)));
        assert!(!verify_password("nobody has this password", None));
        assert!(!verify_password("x", Some("not a hash")));
    }
}
