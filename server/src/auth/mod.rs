//! Who is calling, what they may do, and where: sign-in, tokens, permissions and the scope that every query is bound to.

mod boxes;
mod caller;
mod keys;
mod known;
mod last_used;
mod login;
mod password;
mod refresh;
mod scope;
mod seal;
mod second_factor;
mod streams;
mod totp;

pub use boxes::{BOX_BYTES_MAX, DraftBox};
pub use caller::{Access, COOKIE, Caller, GRANT_LIMIT, Needs, Session, can};
pub(crate) use caller::{Decision, token};
pub use keys::{Claims, Keys, KeysError, Signer};
pub use known::KnownLogins;
pub use last_used::LastUsed;
pub(crate) use login::refresh_hash;
pub use login::{ACCESS_TOKEN_S, Device, LoginError, Logins, REFRESH_TOKEN_S, SignedIn, Tokens};
pub use password::{PasswordError, check_policy, hash_password, in_turn, random_password, verify_password};
pub use scope::Scope;
pub use seal::{SealError, Sealer};
pub use second_factor::{Begun, recovery_hash, secret_purpose};
pub use streams::{Ended, StreamPlace, Streams};
pub use totp::TotpSecret;
