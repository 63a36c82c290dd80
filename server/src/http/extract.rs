//! What a request carries, refused in one place: bodies, queries and paths that are not what the route takes.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures::future::LocalBoxFuture;
use mobile_api::field::FieldFault;
use mobile_api::problem::ProblemType;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Problem;
use crate::auth::Decision;
use crate::store::Page;

/// Largest JSON body, bytes. Parts of inspections are the largest.
pub const JSON_LIMIT: usize = 2 * 1024 * 1024;

/// A JSON body of exactly the shape `T`.
#[derive(Debug)]
pub struct Body<T> {
    /// The parsed body.
    pub value: T,
    /// As it came, for hashes and idempotency.
    pub raw: bytes::Bytes,
}

impl<T> Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Body<T> {
    /// The parsed body.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request.headers().get("content-type").and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        let bytes = web::Bytes::from_request(request, payload);
        let decision = Decision::of(request);
        Box::pin(async move {
            if let Some(decision) = decision {
                decision.made().await?;
            }
            let raw = bytes.await.map_err(|error| payload_problem(&error))?;
            if !is_json {
                return Err(Problem::of(ProblemType::UnsupportedMediaType).because("the body must be application/json"));
            }
            // A list would be taken for an object's fields in their order.
            if raw.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
                return Err(Problem::field("", "format", "the body must be an object"));
            }
            Ok(Self { value: parse_json(&raw)?, raw })
        })
    }
}

/// Actix' own refusals of a body, in our words.
pub fn payload_problem(error: &actix_web::Error) -> Problem {
    match error.as_response_error().status_code().as_u16() {
        413 => Problem::of(ProblemType::TooLarge),
        _ => Problem::of(ProblemType::Malformed).because("the body could not be read"),
    }
}

/// Parses JSON; a value of the wrong type is named by its pointer.
pub fn parse_json<T: DeserializeOwned>(raw: &[u8]) -> Result<T, Problem> {
    // PostgreSQL cannot hold NUL in text, so nobody may send it; in JSON it is always written \u0000.
    if contains_nul_escape(raw) {
        return Err(Problem::fields(nul_places(raw)));
    }
    // What is right is read without keeping account of where; only a refusal has to name its place.
    if let Ok(value) = serde_json::from_slice(raw) {
        return Ok(value);
    }
    let mut parser = serde_json::Deserializer::from_slice(raw);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let cause = error.inner();
        if cause.is_data() {
            Problem::fields(vec![FieldFault { pointer: pointer(error.path()), code: "format".to_owned(), detail: plain(cause) }])
        } else {
            Problem::of(ProblemType::Malformed).because(plain(cause))
        }
    })?;
    parser.end().map_err(|error| Problem::of(ProblemType::Malformed).because(plain(&error)))?;
    Ok(value)
}

/// Places that are named where a text holds NUL.
const NUL_PLACES_MAX: usize = 20;

/// Every text that holds NUL, by its pointer; the whole body where it is no JSON or a name holds it.
fn nul_places(raw: &[u8]) -> Vec<FieldFault> {
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(raw) {
        gather_nul(&value, &mut String::new(), &mut found);
    }
    if found.is_empty() {
        found.push(String::new());
    }
    let fault = |pointer| FieldFault { pointer, code: "format".to_owned(), detail: "text must not hold the character NUL".to_owned() };
    found.into_iter().map(fault).collect()
}

/// serde_json refuses what is nested deeper than 128, so this ends.
fn gather_nul(value: &serde_json::Value, at: &mut String, found: &mut Vec<String>) {
    use serde_json::Value;
    let mut below = |step: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&step.replace('~', "~0").replace('/', "~1"));
        gather_nul(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(index, one)| below(&index.to_string(), one)),
        Value::Object(members) => members.iter().filter(|(name, _)| !name.contains('\0')).for_each(|(name, one)| below(name, one)),
        Value::String(text) if text.contains('\0') && found.len() < NUL_PLACES_MAX => found.push(at.clone()),
        _ => {}
    }
}

fn contains_nul_escape(raw: &[u8]) -> bool {
    // A backslash that is itself escaped does not begin an escape.
    let mut escaped = false;
    for (at, byte) in raw.iter().enumerate() {
        if escaped {
            if raw[at..].starts_with(b"u0000") {
                return true;
            }
            escaped = false;
        } else {
            escaped = *byte == b'\\';
        }
    }
    false
}

/// serde's words without line and column, which mean nothing to a client.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The query string as exactly `T`.
#[derive(Debug)]
pub struct Args<T>(pub T);

impl<T> Deref for Args<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Args<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let args = web::Query::<T>::from_query(request.query_string())
            .map(|query| Self(query.into_inner()))
            .map_err(|error| Problem::of(ProblemType::Malformed).because(error.to_string().replace("Query deserialize error: ", "")));
        after_decision(request, args)
    }
}

/// What was read, once it is decided that the caller may ask at all.
fn after_decision<T: 'static>(request: &HttpRequest, read: Result<T, Problem>) -> LocalBoxFuture<'static, Result<T, Problem>> {
    let decision = Decision::of(request);
    Box::pin(async move {
        if let Some(decision) = decision {
            decision.made().await?;
        }
        read
    })
}

/// An id in the path. One that is no id names nothing.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub Uuid);

impl Deref for Id {
    type Target = Uuid;
    fn deref(&self) -> &Uuid {
        &self.0
    }
}

impl FromRequest for Id {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|text| text.parse().ok());
        after_decision(request, id.map(Self).ok_or_else(Problem::not_found))
    }
}

/// The page that `limit` and `cursor` ask for.
pub fn page(limit: Option<i64>, cursor: Option<&str>) -> Result<Page, Problem> {
    Page::parse(limit, cursor)
        .ok_or_else(|| Problem::of(ProblemType::Malformed).because("limit is 1 to 200; cursor is one that a list gave"))
}

/// An RFC 3339 time of the query, as ms UTC.
pub fn moment_ms(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    text.map(|text| text.parse::<mobile_api::moment::Moment>().map(|moment| moment.0))
        .transpose()
        .map_err(|_| Problem::of(ProblemType::Malformed).because(format!("{name} is a time such as 2026-11-23T06:05:00.000Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        items: Vec<i64>,
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_by_its_pointer() {
        let problem = parse_json::<Shape>(br#"{"items":[1,"x"]}"#).unwrap_err();
        assert_eq!(problem.kind(), ProblemType::Validation);
        let sent = serde_json::to_value(format!("{problem:?}")).unwrap();
        assert!(sent.as_str().unwrap().contains("/items/1"), "{sent}");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for bad in [&b"{"[..], b"", b"{\"items\":[]} x", b"\xff"] {
            assert_eq!(parse_json::<Shape>(bad).unwrap_err().kind(), ProblemType::Malformed, "{bad:?}");
        }
    }

    /// What serde would fill an object's fields from, in their order.
    #[actix_web::test]
    async fn a_list_is_no_object() {
        use actix_web::test::TestRequest;
        for (text, refused) in [(r#"{"items":[1]}"#, false), (" \n[[1]]", true)] {
            let (request, mut payload) =
                TestRequest::default().insert_header(actix_web::http::header::ContentType::json()).set_payload(text).to_http_parts();
            let got = Body::<Shape>::from_request(&request, &mut payload).await;
            assert_eq!(got.err().map(|problem| problem.kind()), refused.then_some(ProblemType::Validation), "{text}");
        }
    }

    #[test]
    fn nul_is_refused_however_it_is_written() {
        assert!(contains_nul_escape(br#"{"a":"\u0000"}"#));
        assert!(contains_nul_escape(br#""\\\u0000""#));
        assert!(!contains_nul_escape(br#""\\u0000""#));
    }
}
