//! The first accounts, before anybody can sign in: from the command line, or by a one-time link.
//!
//! There is no default password. An account made here stands at the top of the tree and need not change its password: the
//! person who chose it is the one who uses it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::auth::{PasswordError, check_policy, hash_password};
use crate::domain::organization::Level;
use crate::domain::person::Username;
use crate::domain::text;
use crate::store::journal::{Act, Actor, Change, Entity};
use crate::store::users::NewUser;
use crate::store::{Db, StoreError, Tx, logins, organizations, role_requests, roles, second_factors, users};

/// Life of a set-up link, ms.
const SETUP_LINK_MS: i64 = 24 * 3_600_000;
/// Longest name of a person or an authority, characters.
const NAME_LIMIT: usize = 100;

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Not a user name.
    #[error("a user name has 2 to 64 letters, digits, or . _ - @, and begins with a letter or digit")]
    Username,
    /// Empty, too long, or with control characters.
    #[error("the display name has 1 to 100 characters on one line")]
    DisplayName,
    /// An authority's name: empty, too long, or with control characters.
    #[error("the name of an authority has 1 to 100 characters on one line")]
    AuthorityName,
    /// The policy refuses it.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The table of roles does not have it.
    #[error("there is no role \"{given}\"; there are: {known}")]
    Role {
        /// As given.
        given: String,
        /// Those there are.
        known: String,
    },
    /// Somebody has that name.
    #[error("there is already a user \"{0}\"")]
    Exists(String),
    /// There is nobody of that name.
    #[error("there is no user \"{0}\"")]
    Unknown(String),
    /// The set-up link is spent, too old or no such link, or somebody has an account already.
    #[error("this set-up link is not valid any more")]
    Link,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account to make at the top of the tree.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// To sign in with.
    pub username: Username,
    /// As people read it.
    pub display_name: String,
    /// argon2id.
    pub password_hash: String,
    /// Codes of roles.
    pub roles: Vec<String>,
    /// Name of the city, where a tree must be made.
    pub city: String,
    /// A district below it, where one is wanted with the new tree.
    pub district: Option<String>,
}

impl NewAccount {
    /// Checks names and password, and hashes it: slow on purpose, so not for an async thread.
    pub fn parse(username: &str, display_name: &str, password: &str, roles: Vec<String>) -> Result<Self, AccountError> {
        let username = Username::parse(username).ok_or(AccountError::Username)?;
        let display_name = text::line(display_name, NAME_LIMIT).map_err(|_| AccountError::DisplayName)?;
        check_policy(username.as_str(), password)?;
        let password_hash = hash_password(password);
        Ok(Self { username, display_name, password_hash, roles, city: "本市".to_owned(), district: None })
    }

    /// Names of the authorities that are made where there is no tree.
    pub fn at(mut self, city: Option<&str>, district: Option<&str>) -> Result<Self, AccountError> {
        let name = |text: &str| text::line(text, NAME_LIMIT).map_err(|_| AccountError::AuthorityName);
        if let Some(city) = city {
            self.city = name(city)?;
        }
        self.district = district.map(name).transpose()?;
        Ok(self)
    }
}

/// Makes an account, and the top of the tree where there is none. Roles are given at every top there is.
pub async fn create(db: &Db, account: NewAccount, actor: Actor, now_ms: i64) -> Result<Uuid, AccountError> {
    db.write(move |tx| Box::pin(async move { create_in(tx, &account, &actor, now_ms).await })).await
}

async fn create_in(tx: &mut Tx<'_>, account: &NewAccount, actor: &Actor, now_ms: i64) -> Result<Uuid, AccountError> {
    let known: Vec<String> = roles::list(tx).await?.into_iter().map(|role| role.code).collect();
    if let Some(given) = account.roles.iter().find(|role| !known.contains(role)) {
        return Err(AccountError::Role { given: given.clone(), known: known.join(", ") });
    }
    if users::credentials(tx, account.username.as_str()).await?.is_some() {
        return Err(AccountError::Exists(account.username.as_str().to_owned()));
    }
    let mut tops = organizations::tops(tx).await?;
    if tops.is_empty() {
        let top = organizations::insert(tx, &account.city, Level::City, None, now_ms).await?;
        if let Some(district) = &account.district {
            organizations::insert(tx, district, Level::District, Some((&top.0, &top.1)), now_ms).await?;
        }
        tops.push(top);
    }
    let id = Uuid::now_v7();
    let user = NewUser {
        id,
        username: account.username.as_str().to_owned(),
        display_name: account.display_name.clone(),
        phone: None,
        certificate_number: None,
        password_hash: account.password_hash.clone(),
        must_change_password: false,
    };
    users::insert(tx, &user, now_ms).await?;
    let id_text = id.to_string();
    for (node_id, node_path) in &tops {
        for role in &account.roles {
            users::grant(tx, &id_text, role, node_id, node_path, None).await?;
        }
        tx.changed(now_ms, Change::upsert(Entity::User, &id_text, node_path)).await?;
    }
    let detail = json!({"username": user.username, "roles": account.roles, "by": "first account"});
    tx.audit(now_ms, Act { actor, action: "create", entity: Some(("user", &id_text)), path: "/", detail }).await?;
    Ok(id)
}

/// Sets a password and ends the person's logins; unlocks the name. Turns the second factor off too, where `clear_second_factor`.
pub async fn reset_password(
    db: &Db,
    username: &str,
    password: &str,
    clear_second_factor: bool,
    actor: Actor,
    now_ms: i64,
) -> Result<(), AccountError> {
    let username = Username::parse(username).ok_or(AccountError::Username)?;
    check_policy(username.as_str(), password)?;
    let hash = hash_password(password);
    db.write(move |tx| {
        Box::pin(async move {
            let user =
                users::credentials(tx, username.as_str()).await?.ok_or_else(|| AccountError::Unknown(username.as_str().to_owned()))?;
            users::set_password(tx, &user.id, &hash, false, now_ms).await?;
            // Who has the server's shell is nobody who asks for roles.
            role_requests::password_chosen(tx, &user.id, None).await?;
            logins::clear_failures(tx, username.as_str()).await?;
            logins::end_sessions_of(tx, &user.id, None, now_ms, "password_changed").await?;
            tx.audit(
                now_ms,
                Act { actor: &actor, action: "password_reset", entity: Some(("user", &user.id)), path: "/", detail: json!({}) },
            )
            .await?;
            if clear_second_factor && second_factors::remove(tx, &user.id).await? {
                let entity = Some(("user", user.id.as_str()));
                tx.audit(now_ms, Act { actor: &actor, action: "second_factor_reset", entity, path: "/", detail: json!({}) }).await?;
            }
            Ok(())
        })
    })
    .await
}

/// A link that makes the first account: its token, good once, for 24 hours. `None` where somebody has an account.
pub async fn setup_token(db: &Db, now_ms: i64) -> Result<Option<String>, StoreError> {
    if users::any(&mut db.read().await?.conn()).await? {
        return Ok(None);
    }
    let mut bytes = [0_u8; 24];
    rand::rng().fill_bytes(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = token_hash(&token);
    db.write(move |tx| Box::pin(async move { logins::insert_setup_link(tx, &hash, now_ms, now_ms + SETUP_LINK_MS).await })).await?;
    Ok(Some(token))
}

/// Spends a set-up link for the first account.
pub async fn create_by_link(db: &Db, token: &str, account: NewAccount, actor: Actor, now_ms: i64) -> Result<Uuid, AccountError> {
    let hash = token_hash(token);
    db.write(move |tx| {
        Box::pin(async move {
            if users::any(tx).await? || !logins::spend_setup_link(tx, &hash, now_ms).await? {
                return Err(AccountError::Link);
            }
            create_in(tx, &account, &actor, now_ms).await
        })
    })
    .await
}

fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
