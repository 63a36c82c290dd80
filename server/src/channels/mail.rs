//! E-mail over SMTP.
//!
//! The host is resolved and checked like a webhook's, and the connection goes to the address that was checked; the certificate is
//! held against the name. A message keeps its `Message-ID` at every try.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{Failed, Refusal};
use crate::App;
use crate::domain::telling::Channel;

/// Longest time for one answer of a mail server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time for a whole conversation.
const SEND_TIMEOUT: Duration = Duration::from_secs(45);
/// Characters of an address.
pub const ADDRESS_CHARS_MAX: usize = 254;
const HOST_CHARS_MAX: usize = 253;
const NAME_CHARS_MAX: usize = 100;
const CERTIFICATE_CHARS_MAX: usize = 20_000;

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// From the first byte, usually port 465.
    Tls,
    /// Begun in clear and encrypted before anything is said, usually port 587.
    StartTls,
    /// Not at all: for a relay in the same house. No password is sent.
    None,
}

/// The bureau's mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// Name or address.
    #[schema(example = "mail.example", min_length = 1, max_length = 253)]
    pub host: String,
    /// Usually 465, 587 or 25.
    #[schema(example = 465, minimum = 1)]
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// `null`: nobody signs in.
    #[schema(max_length = 254)]
    pub username: Option<String>,
    /// Address that mails come from.
    #[schema(example = "alerts@mail.example", min_length = 3, max_length = 254)]
    pub sender: String,
    /// Name beside it.
    #[schema(max_length = 100)]
    pub sender_name: Option<String>,
    /// A certificate (PEM) that is trusted beside the public ones, for a server with one of the house's own.
    #[schema(max_length = 20_000)]
    pub certificate: Option<String>,
}

impl MailServer {
    /// What is wrong with it.
    pub fn check(&self, faults: &mut Faults) {
        faults.text("host", &self.host, HOST_CHARS_MAX);
        if self.port == 0 {
            faults.note_at("port", "out_of_range", "1 to 65535");
        }
        if self.url().is_none() {
            faults.note_at("host", "format", "the name or the address of a server");
        }
        faults.optional_text("username", self.username.as_deref(), ADDRESS_CHARS_MAX);
        faults.optional_text("sender_name", self.sender_name.as_deref(), NAME_CHARS_MAX);
        faults.optional_text("certificate", self.certificate.as_deref(), CERTIFICATE_CHARS_MAX);
        if address(&self.sender).is_none() {
            faults.note_at("sender", "format", "an e-mail address");
        }
        if self.certificate.as_ref().is_some_and(|pem| certificates(pem) == 0) {
            faults.note_at("certificate", "format", "a certificate as PEM");
        }
        if self.tls == MailTls::None && self.username.is_some() {
            faults.note_at("tls", "not_allowed", "a password is sent over an encrypted connection only");
        }
    }

    fn url(&self) -> Option<Url> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let url: Url = format!("smtp://{host}:{}/", self.port).parse().ok()?;
        (url.host().is_some() && url.path() == "/" && url.username().is_empty() && url.query().is_none()).then_some(url)
    }
}

/// How many certificates a PEM text holds.
fn certificates(pem: &str) -> usize {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::pem_slice_iter(pem.as_bytes()).filter(Result::is_ok).count()
}

/// An address that can be written to.
pub fn address(text: &str) -> Option<Address> {
    (text.len() <= ADDRESS_CHARS_MAX).then(|| text.parse().ok()).flatten()
}

/// A message to one person.
#[derive(Debug, Clone)]
pub struct Mail<'m> {
    /// What it is known by, the same at every try.
    pub id: &'m str,
    /// Whom to.
    pub to: &'m str,
    /// What it is about.
    pub subject: &'m str,
    /// What it says.
    pub text: &'m str,
}

/// Sends by the bureau's mail server.
pub(crate) async fn send(app: &App, mail: &Mail<'_>) -> Result<(), Failed> {
    let kept = super::set_up::<MailServer>(app, Channel::Mail).await?;
    let (server, secret) = kept.ok_or_else(|| Failed::of(Refusal::NotSetUp, "no mail server is set up"))?;
    send_by(app, &server, &String::from_utf8_lossy(&secret), mail).await
}

/// Sends by a mail server that may not be kept yet.
pub(crate) async fn send_by(app: &App, server: &MailServer, password: &str, mail: &Mail<'_>) -> Result<(), Failed> {
    let url = server.url().ok_or_else(|| Failed::of(Refusal::Address, "the host is no host"))?;
    let addresses = app.webhook_policy.resolve(&url).await.map_err(|error| Failed::of(Refusal::Address, error.to_string()))?;
    let found = addresses.first().ok_or_else(|| Failed::of(Refusal::Address, "the host is unknown"))?;
    let message = message(app, server, mail)?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(found.ip().to_string())
        .port(server.port)
        .hello_name(ClientId::Domain("bright-kitchen".to_owned()))
        .timeout(Some(ANSWER_TIMEOUT))
        .tls(encryption(server)?);
    if let Some(username) = &server.username {
        builder = builder.credentials(Credentials::new(username.clone(), password.to_owned()));
    }
    let sent = tokio::time::timeout(SEND_TIMEOUT, builder.build().send(message)).await;
    sent.map_err(|_| Failed::of(Refusal::Timeout, "the mail server takes too long"))?.map(|_| ()).map_err(|error| said(&error))
}

fn encryption(server: &MailServer) -> Result<Tls, Failed> {
    if server.tls == MailTls::None {
        return Ok(Tls::None);
    }
    let unfit = |error: lettre::transport::smtp::Error| Failed::of(Refusal::Tls, error.to_string());
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.certificate {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(unfit)?);
    }
    let parameters = parameters.build_rustls().map_err(unfit)?;
    Ok(if server.tls == MailTls::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
}

fn message(app: &App, server: &MailServer, mail: &Mail<'_>) -> Result<Message, Failed> {
    let unfit = |detail: &str| Failed::of(Refusal::Refused, detail);
    let sender = address(&server.sender).ok_or_else(|| unfit("the sender is no address"))?;
    let to = address(mail.to).ok_or_else(|| unfit("the receiver is no address"))?;
    let at = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(app.clock.wall_ms()).unwrap_or(0));
    Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, sender.domain())))
        .date(at)
        .from(Mailbox::new(server.sender_name.clone(), sender))
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.to_owned())
        .map_err(|error| unfit(&error.to_string()))
}

/// Whether what broke a connection off is a matter of certificates or encryption.
fn is_of_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| wrapped.is::<rustls::Error>()) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// What the conversation came to, in a word and in the server's words.
fn said(error: &lettre::transport::smtp::Error) -> Failed {
    let refusal = match error.status().map(u16::from) {
        Some(530 | 534 | 535 | 538 | 454) => Refusal::SignIn,
        Some(_) => Refusal::Refused,
        None if error.is_timeout() => Refusal::Timeout,
        None if error.is_tls() || is_of_tls(error) => Refusal::Tls,
        // The server offers no STARTTLS, or no way to sign in that is known.
        None if error.is_client() => Refusal::Tls,
        None => Refusal::Connection,
    };
    Failed::of(refusal, error.to_string())
}

/// What is kept of a code that went to an address: nothing that a copy of the database would tell.
pub fn code_hash(sealer: &crate::auth::Sealer, user_id: &str, address: &str, code: &str) -> String {
    hex::encode(sealer.mac("mail-code", format!("{user_id}\0{address}\0{code}").as_bytes()))
}
