//! Text messages by a gateway of the bureau's: one HTTP request each, as the gateway's manual has it.
//!
//! Gateways differ in everything but that, so the request is a template: its placeholders are filled with the number, the text and the
//! message's id, each written as the body's kind asks.

use mobile_api::field::Faults;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Failed, Refusal, of_request};
use crate::App;
use crate::domain::telling::Channel;
use crate::outward::{Policy, URL_CHARS_MAX};

/// Headers of one request.
pub const HEADERS_MAX: usize = 20;
const HEADER_CHARS_MAX: usize = 2_000;
const BODY_CHARS_MAX: usize = 4_000;
/// Characters of a text message: what gateways take as one long message.
const TEXT_CHARS_MAX: usize = 300;
/// Characters of an answer that are looked at for the word that means success.
const ANSWER_BYTES_MAX: usize = 20_000;

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SmsMethod {
    /// Everything is in the address.
    Get,
    /// With a body.
    Post,
}

/// How a body is written: what is filled in is escaped for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmsBody {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// The bureau's gateway of text messages, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsGateway {
    /// http or https; may hold placeholders.
    #[schema(example = "https://sms.example/send", min_length = 1, max_length = 500)]
    pub url: String,
    /// How it is sent.
    pub method: SmsMethod,
    /// How the body is written.
    pub content: SmsBody,
    /// With `{phone}`, `{text}` and `{id}`, and without quotation marks of its own round them in JSON: `{"to": {phone}}`.
    #[schema(example = "{\"to\": {phone}, \"content\": {text}, \"request_id\": {id}}", max_length = 4_000)]
    pub body: String,
    /// A word of the answer's text that means that the message was taken; `null`: any answer of 200 to 299.
    #[schema(max_length = 200)]
    pub accepted: Option<String>,
}

/// A header that a request carries. Its value is kept sealed and never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsHeader {
    /// Such as `Authorization`.
    #[schema(example = "Authorization", min_length = 1, max_length = 2_000)]
    pub name: String,
    /// As sent.
    #[schema(max_length = 2_000)]
    pub value: String,
}

impl SmsGateway {
    /// What is wrong with it.
    pub fn check(&self, faults: &mut Faults) {
        if self.url.chars().count() > URL_CHARS_MAX || Policy::parse(&filled(&self.url, SmsBody::Form, "1", "x", "x")).is_err() {
            faults.note_at("url", "format", "an http or https address without a user name");
        }
        faults.optional_text("body", Some(&self.body), BODY_CHARS_MAX);
        faults.optional_text("accepted", self.accepted.as_deref(), 200);
        let whole = format!("{}{}", self.url, self.body);
        for place in ["{phone}", "{text}"] {
            if !whole.contains(place) {
                faults.note_at("body", "required", format!("{place} stands in the address or the body"));
            }
        }
        let written = filled(&self.body, self.content, "1", "x", "x");
        if self.content == SmsBody::Json && !self.body.is_empty() && serde_json::from_str::<serde_json::Value>(&written).is_err() {
            faults.note_at("body", "format", "JSON, with placeholders that have no quotation marks round them");
        }
    }
}

/// What is wrong with headers.
pub fn check_headers(headers: &[SmsHeader], faults: &mut Faults) {
    faults.count("headers", headers.len(), HEADERS_MAX);
    faults.within("headers", |faults| {
        for (at, header) in headers.iter().enumerate().take(HEADERS_MAX) {
            let long = header.name.len() > HEADER_CHARS_MAX || header.value.len() > HEADER_CHARS_MAX;
            if long || header.name.parse::<HeaderName>().is_err() || HeaderValue::from_str(&header.value).is_err() {
                faults.note_at(at, "format", "a name and a value of a header");
            }
        }
    });
}

/// Sends one message by the bureau's gateway.
pub(crate) async fn send(app: &App, id: &str, phone: &str, text: &str) -> Result<(), Failed> {
    let kept = super::set_up::<SmsGateway>(app, Channel::Sms).await?;
    let (gateway, secret) = kept.ok_or_else(|| Failed::of(Refusal::NotSetUp, "no gateway is set up"))?;
    let headers: Vec<SmsHeader> = serde_json::from_slice(&secret).unwrap_or_default();
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let address = filled(&gateway.url, SmsBody::Form, phone, &text, id);
    let url = Policy::parse(&address).map_err(|error| Failed::of(Refusal::Address, error.to_string()))?;
    let client = app.webhook_policy.client(&url).await.map_err(|error| Failed::of(Refusal::Address, error.to_string()))?;
    let mut request = match gateway.method {
        SmsMethod::Get => client.get(url),
        SmsMethod::Post => {
            let kind = if gateway.content == SmsBody::Json { "application/json" } else { "application/x-www-form-urlencoded" };
            client.post(url).header("content-type", kind).body(filled(&gateway.body, gateway.content, phone, &text, id))
        }
    };
    for header in headers {
        request = request.header(header.name, header.value);
    }
    let response = request.send().await.map_err(|error| of_request(&error))?;
    let status = response.status();
    if !status.is_success() {
        let refusal = if [401, 403].contains(&status.as_u16()) { Refusal::SignIn } else { Refusal::Refused };
        return Err(Failed::of(refusal, format!("answered {}", status.as_u16())));
    }
    let Some(word) = gateway.accepted.filter(|word| !word.is_empty()) else { return Ok(()) };
    let answer = beginning(response).await?;
    if answer.contains(&word) { Ok(()) } else { Err(Failed::of(Refusal::Refused, format!("the answer does not say {word}"))) }
}

/// The beginning of an answer: a gateway that never ends must not fill the memory.
async fn beginning(mut response: reqwest::Response) -> Result<String, Failed> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| of_request(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A template with its placeholders filled, each once: what is filled in holds none of its own.
fn filled(template: &str, content: SmsBody, phone: &str, text: &str, id: &str) -> String {
    let written = |value: &str| match content {
        SmsBody::Json => serde_json::Value::from(value).to_string(),
        SmsBody::Form => url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
    };
    let mut out = String::with_capacity(template.len() + text.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let place = [("{phone}", phone), ("{text}", text), ("{id}", id)].into_iter().find(|(place, _)| rest.starts_with(place));
        match place {
            Some((place, value)) => {
                out.push_str(&written(value));
                rest = &rest[place.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_written_as_the_body_asks() {
        let json = filled(r#"{"to": [{phone}], "text": {text}, "n": {"id": {id}}}"#, SmsBody::Json, "138", "a\"b{phone}", "7");
        assert_eq!(json, r#"{"to": ["138"], "text": "a\"b{phone}", "n": {"id": "7"}}"#);
        assert_eq!(
            filled("to={phone}&text={text}", SmsBody::Form, "+86 138", "预警&x={id}", "7"),
            "to=%2B86+138&text=%E9%A2%84%E8%AD%A6%26x%3D%7Bid%7D"
        );
    }

    #[test]
    fn a_template_that_cannot_work_is_refused() {
        let gateway = |url: &str, body: &str| SmsGateway {
            url: url.to_owned(),
            method: SmsMethod::Post,
            content: SmsBody::Json,
            body: body.to_owned(),
            accepted: None,
        };
        let wrong = |gateway: SmsGateway| {
            let mut faults = Faults::new();
            gateway.check(&mut faults);
            faults.finish().err().unwrap_or_default().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
        };
        assert!(wrong(gateway("http://10.0.0.1/", r#"{"to": {phone}, "t": {text}}"#)).is_empty());
        assert_eq!(wrong(gateway("ftp://10.0.0.1/", r#"{"to": {phone}, "t": {text}}"#)), ["/url"]);
        assert_eq!(wrong(gateway("http://10.0.0.1/", r#"{"to": "{phone}", "t": {text}}"#)), ["/body"]);
        assert_eq!(wrong(gateway("http://10.0.0.1/", r#"{"to": {phone}}"#)), ["/body"]);
    }
}
