//! HTTP to devices, confined: every address is checked before it is asked, and the connection goes to the very address
//! that was checked; redirects are errors; head, body and time have limits.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RANGE, WWW_AUTHENTICATE};
use reqwest::{Client, Method, StatusCode};
use url::Url;

use super::SourceError;
use super::address::AddressPolicy;
use super::dial::reason_of;
use super::digest::{Challenge, Login};
use crate::camera::StateReason;

/// Hosts that one fetcher speaks to: a playlist's own, and where its segments lie.
const HOSTS_MAX: usize = 8;

/// A client for one device.
#[derive(Debug)]
pub struct Fetcher {
    policy: Arc<AddressPolicy>,
    /// For a name look-up, for a connection, and for each pause of the other side.
    timeout: Duration,
    login: Option<(Origin, Login)>,
    clients: Mutex<HashMap<Origin, Client>>,
    /// What the device asked for, and how often it was answered.
    challenge: Mutex<Option<(Challenge, u32)>>,
}

/// Scheme, host and port.
type Origin = (String, String, u16);

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// A body makes it a POST: its content type and bytes.
    pub body: Option<(&'static str, Bytes)>,
    /// First byte and number of bytes.
    pub range: Option<(u64, u64)>,
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Answer {
    response: reqwest::Response,
    /// Of the body, in small letters; may be empty.
    pub content_type: String,
    /// The HTTP status: 2xx, or 400 and 500 for a POST (SOAP puts its faults there).
    pub status: u16,
}

impl Fetcher {
    /// A client that gives `login` to the host of `home` only.
    #[must_use]
    pub fn new(policy: Arc<AddressPolicy>, timeout: Duration, home: &Url, login: Option<Login>) -> Self {
        let login = login.and_then(|login| Some((origin(home).ok()?, login)));
        Self { policy, timeout, login, clients: Mutex::default(), challenge: Mutex::default() }
    }

    /// Asks for a whole body of at most `bytes_max`.
    ///
    /// # Errors
    /// As [`Fetcher::ask`] and [`Answer::bytes`].
    pub async fn get(&self, url: &Url, range: Option<(u64, u64)>, bytes_max: usize) -> Result<Bytes, SourceError> {
        self.ask(url, &Request { range, body: None }).await?.bytes(bytes_max).await
    }

    /// Asks, and signs in where that is wanted and there is a login for this host: once, since devices lock accounts.
    ///
    /// # Errors
    /// [`StateReason::AddressNotAllowed`] for addresses and redirects, the reasons of connecting,
    /// [`StateReason::Unauthorized`], [`StateReason::NotFound`], [`StateReason::Closed`] for other refusals.
    pub async fn ask(&self, url: &Url, request: &Request) -> Result<Answer, SourceError> {
        let at = origin(url)?;
        let client = self.client(url, &at).await?;
        let login = self.login.as_ref().filter(|(home, _)| *home == at).map(|(_, login)| login);
        let known = self.authorization(login, url, request);
        let signed_in = known.is_some();
        let response = send(&client, url, request, known).await?;
        if response.status() != StatusCode::UNAUTHORIZED || login.is_none() {
            return answer(response, request);
        }
        // A challenge that was answered before may have grown old: a new one is answered once more.
        let offers = response.headers().get_all(WWW_AUTHENTICATE);
        let stale = offers.iter().filter_map(|offer| offer.to_str().ok()).any(|offer| offer.to_ascii_lowercase().contains("stale=true"));
        let challenge = Challenge::best(offers.iter().filter_map(|offer| offer.to_str().ok()));
        if challenge.is_none() || (signed_in && !stale) {
            return answer(response, request);
        }
        drop(response);
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = challenge.map(|challenge| (challenge, 0));
        let known = self.authorization(login, url, request);
        answer(send(&client, url, request, known).await?, request)
    }

    fn authorization(&self, login: Option<&Login>, url: &Url, request: &Request) -> Option<String> {
        let login = login?;
        let mut challenge = self.challenge.lock().unwrap_or_else(PoisonError::into_inner);
        let (challenge, count) = challenge.as_mut()?;
        *count += 1;
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Some(challenge.answer(login, method(request).as_str(), &path, *count))
    }

    /// A client whose connections go to the addresses that were checked, whatever the name resolves to later.
    async fn client(&self, url: &Url, at: &Origin) -> Result<Client, SourceError> {
        let known = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned();
        if let Some(client) = known {
            return Ok(client);
        }
        let addresses = self.policy.resolve(url, self.timeout).await?;
        let builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent(concat!("bright-kitchen/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout)
            .pool_max_idle_per_host(1)
            .resolve_to_addrs(&at.1, &addresses);
        let client = builder.build().map_err(|error| SourceError::new(StateReason::Internal, error.to_string()))?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= HOSTS_MAX {
            return Err(SourceError::new(StateReason::AddressNotAllowed, "the playlist names too many hosts"));
        }
        clients.insert(at.clone(), client.clone());
        Ok(client)
    }
}

impl Answer {
    /// The next bytes of a body that need not end; `None` at its end. Cancel-safe.
    ///
    /// # Errors
    /// How the connection failed.
    pub async fn next_part(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.response.chunk().await.map_err(|error| failed(&error))
    }

    /// The body, which may have `bytes_max` bytes.
    ///
    /// # Errors
    /// [`StateReason::BadStream`] for more, or how the connection failed.
    pub async fn bytes(mut self, bytes_max: usize) -> Result<Bytes, SourceError> {
        let too_large = || SourceError::new(StateReason::BadStream, format!("an answer of more than {bytes_max} bytes"));
        if self.response.content_length().is_some_and(|len| len > bytes_max as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(part) = self.response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + part.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        Ok(body.freeze())
    }
}

fn origin(url: &Url) -> Result<Origin, SourceError> {
    let denied = |detail: &str| SourceError::new(StateReason::AddressNotAllowed, detail);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(denied("only http and https addresses are asked"));
    }
    let host = url.host_str().ok_or_else(|| denied("the address has no host"))?;
    let port = url.port_or_known_default().ok_or_else(|| denied("the address has no port"))?;
    Ok((url.scheme().to_owned(), host.to_owned(), port))
}

fn method(request: &Request) -> Method {
    if request.body.is_some() { Method::POST } else { Method::GET }
}

async fn send(client: &Client, url: &Url, request: &Request, authorization: Option<String>) -> Result<reqwest::Response, SourceError> {
    let mut bare = url.clone();
    // Fails only for addresses that cannot carry credentials, which then have none.
    let _no_credentials = bare.set_password(None).and_then(|()| bare.set_username(""));
    let mut builder = client.request(method(request), bare);
    if let Some((kind, body)) = &request.body {
        builder = builder.header(CONTENT_TYPE, *kind).body(body.clone());
    }
    if let Some((first, len)) = request.range {
        builder = builder.header(RANGE, format!("bytes={first}-{}", first.saturating_add(len).saturating_sub(1)));
    }
    if let Some(authorization) = authorization {
        builder = builder.header(AUTHORIZATION, authorization);
    }
    builder.send().await.map_err(|error| failed(&error))
}

fn answer(response: reqwest::Response, request: &Request) -> Result<Answer, SourceError> {
    let status = response.status();
    let refusal = |reason, words: &str| Err(SourceError::new(reason, words));
    match status {
        StatusCode::PARTIAL_CONTENT if request.range.is_none() => return refusal(StateReason::BadStream, "a part that nobody asked for"),
        StatusCode::OK if request.range.is_some() => return refusal(StateReason::BadStream, "the server gives no byte ranges"),
        status if status.is_success() => {}
        // SOAP puts its faults into the body of these.
        StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR if request.body.is_some() => {}
        status if status.is_redirection() => return refusal(StateReason::AddressNotAllowed, "redirects are not followed"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return refusal(StateReason::Unauthorized, "the user name or password is refused");
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => return refusal(StateReason::NotFound, "there is nothing at this path"),
        status => return refusal(StateReason::Closed, &format!("the server answers {}", status.as_u16())),
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Answer { content_type: content_type.to_ascii_lowercase(), status: status.as_u16(), response })
}

/// What a failed exchange means; without the address, which may hold a token.
fn failed(error: &reqwest::Error) -> SourceError {
    if error.is_timeout() {
        return SourceError::new(StateReason::Timeout, "no answer in time");
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.get_ref().is_none()
        {
            return SourceError::new(reason_of(io.kind()), io.to_string());
        }
        cause = inner.source();
    }
    if error.is_connect() {
        return SourceError::new(StateReason::NoRoute, "no connection");
    }
    SourceError::new(StateReason::Closed, "the connection broke off, or what came is not HTTP")
}
