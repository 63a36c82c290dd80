//! What carries notices out of the program: mail, Web Push, text messages, robots of chat groups. Each goes where [`crate::outward`] allows and nowhere else.

pub mod mail;
pub mod push;
pub mod robot;
pub mod sms;

use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::App;
use crate::domain::telling::Channel;
use crate::store::{StoreError, notice_channels};

/// Why something did not go out, as a page says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing is set up.
    NotSetUp,
    /// The host is unknown, or lies where requests must not lead.
    Address,
    /// Nobody answers there.
    Connection,
    /// No answer in time.
    Timeout,
    /// No encrypted connection, or a certificate that is not trusted.
    Tls,
    /// User name or password are refused.
    SignIn,
    /// The receiver, the sender or the message is refused.
    Refused,
    /// The receiver is gone: no use trying again.
    Gone,
}

/// Why something did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failed {
    /// In a word.
    pub refusal: Refusal,
    /// In the other side's words where it said any.
    pub detail: String,
}

impl Failed {
    pub(crate) fn of(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self { refusal, detail: detail.into() }
    }
}

/// The purpose that a channel's secret is sealed for.
pub(crate) fn purpose(channel: Channel) -> String {
    format!("channel:{}", channel.as_str())
}

/// A channel as it is set up, with its secret as it was before it was sealed; `None` where it is not.
pub(crate) async fn set_up<T: DeserializeOwned>(app: &App, channel: Channel) -> Result<Option<(T, Vec<u8>)>, Failed> {
    let broken = |error: &dyn std::fmt::Display| Failed::of(Refusal::NotSetUp, error.to_string());
    let row = async { notice_channels::get(&mut app.db.read().await?.conn(), channel.as_str()).await }
        .await
        .map_err(|error: StoreError| broken(&error))?;
    let Some(row) = row else { return Ok(None) };
    let secret = row.secret_sealed.map(|sealed| app.sealer.open_sealed(&purpose(channel), &sealed)).transpose();
    let settings = serde_json::from_str(&row.settings).map_err(|error| broken(&error))?;
    Ok(Some((settings, secret.map_err(|error| broken(&error))?.unwrap_or_default())))
}

/// What a request that did not succeed says, without the address, which may hold a token.
pub(crate) fn of_request(error: &reqwest::Error) -> Failed {
    if error.is_timeout() {
        Failed::of(Refusal::Timeout, "no answer in time")
    } else if error.is_connect() {
        Failed::of(Refusal::Connection, "no connection")
    } else {
        Failed::of(Refusal::Connection, "the request failed")
    }
}
