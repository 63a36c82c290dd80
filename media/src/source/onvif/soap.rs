//! SOAP 1.2 with a WS-Security user name token, as ONVIF asks for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha1::{Digest as _, Sha1};
use url::Url;

use super::xml::{Element, escaped};
use crate::camera::StateReason;
use crate::source::SourceError;
use crate::source::digest::Login;
use crate::source::fetch::{Fetcher, Request};

/// Largest answer, bytes: 64 profiles of a recorder fit ten times.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const KIND: &str = "application/soap+xml; charset=utf-8";

/// Asks a service and gives the first element of the answer's body.
///
/// `token`: who signs in, and the device's time now, milliseconds UTC; some calls go without.
///
/// # Errors
/// The reasons of [`Fetcher::ask`]; [`StateReason::Unauthorized`] and [`StateReason::BadStream`] for the device's own faults.
pub(super) async fn call(fetcher: &Fetcher, url: &Url, body: &str, token: Option<(&Login, i64)>) -> Result<Element, SourceError> {
    let header = token.map(|(login, at_ms)| security(login, at_ms, rand::random())).unwrap_or_default();
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">\
         {header}<s:Body xmlns:tds=\"{}\" xmlns:trt=\"{}\" xmlns:tr2=\"{}\" xmlns:tt=\"{}\">{body}</s:Body></s:Envelope>",
        super::DEVICE,
        super::MEDIA,
        super::MEDIA2,
        super::SCHEMA,
    );
    let answer = fetcher.ask(url, &Request { body: Some((KIND, envelope.into())), range: None }).await?;
    let text = answer.bytes(ANSWER_BYTES_MAX).await?;
    let root = Element::parse(&text)?;
    let inside = root.child("Body").ok_or_else(|| SourceError::new(StateReason::BadStream, "what answers does not speak ONVIF"))?;
    match inside.child("Fault") {
        Some(fault) => Err(told(fault)),
        None => inside.first().cloned().ok_or_else(|| SourceError::new(StateReason::BadStream, "the device's answer is empty")),
    }
}

/// A password digest: the hash of a nonce, the time and the password, so that the password itself is not sent.
fn security(login: &Login, at_ms: i64, nonce: [u8; 16]) -> String {
    let created = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let digest = digest(&nonce, &created, login.password.expose());
    format!(
        "<s:Header><o:Security s:mustUnderstand=\"1\" xmlns:o=\"{WSSE}secext-1.0.xsd\" xmlns:u=\"{WSSE}utility-1.0.xsd\">\
         <o:UsernameToken><o:Username>{}</o:Username><o:Password Type=\"{TOKEN}#PasswordDigest\">{digest}</o:Password>\
         <o:Nonce EncodingType=\"{SECURITY}#Base64Binary\">{}</o:Nonce><u:Created>{created}</u:Created></o:UsernameToken></o:Security></s:Header>",
        escaped(&login.username),
        STANDARD.encode(nonce),
    )
}

fn digest(nonce: &[u8], created: &str, password: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(nonce).chain_update(created).chain_update(password).finalize())
}

// Names of the standards; they are compared, never fetched.
const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-";
const TOKEN: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0";

fn told(fault: &Element) -> SourceError {
    let words = fault.text_at(&["Reason", "Text"]).or_else(|| fault.text_at(&["faultstring"])).unwrap_or("no reason given");
    let codes = [&["Code", "Subcode", "Value"][..], &["Code", "Subcode", "Subcode", "Value"], &["faultcode"]];
    let code: String = codes.iter().filter_map(|path| fault.text_at(path)).collect::<Vec<_>>().join(" ");
    let all = format!("{code} {words}").to_ascii_lowercase();
    if ["notauthorized", "not authorized", "failedauthentication", "invalidsecurity", "authority failure"]
        .iter()
        .any(|word| all.contains(word))
    {
        return SourceError::new(StateReason::Unauthorized, "the device refuses the user name or password");
    }
    let words: String = words.chars().filter(|letter| !letter.is_control()).take(200).collect();
    SourceError::new(StateReason::BadStream, format!("the device answers: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standards_example() {
        // ONVIF Application Programmer's Guide, 6.1.1.3.
        let nonce = STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").expect("a nonce");
        assert_eq!(digest(&nonce, "2010-09-16T07:50:45Z", "userpassword"), "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_element() {
        let login = Login { username: "</o:Username><x/>".into(), password: crate::camera::Secret::new("p") };
        let header = security(&login, 0, [7; 16]);
        let document = header.replace("s:", "").replace("o:", "").replace("u:", "").replace("xmln=", "xmlns=");
        let parsed = Element::parse(document.as_bytes()).expect("still a document");
        assert_eq!(parsed.text_at(&["Security", "UsernameToken", "Username"]).map(str::len), Some("</Username><x/>".len()));
    }
}
