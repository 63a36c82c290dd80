//! Answers of the door: the headers that every one has, and messages in the XML of OpenRosa, refusals too.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError as _};
use mobile_api::problem::ProblemType;

use super::submission::REQUEST_BYTES_MAX;
use crate::http::{Problem, REQUEST};
use crate::xlsform::escaped;

/// Faults that a refusal names.
const FAULTS_TOLD: usize = 5;

/// An answer with the door's headers; the date is set by the server itself.
pub(super) fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header(("x-openrosa-version", "1.0"))
        .insert_header(("x-openrosa-accept-content-length", REQUEST_BYTES_MAX))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    response
}

/// A message to whoever holds the phone.
pub(super) fn message(status: StatusCode, nature: &str, text: &str) -> HttpResponse {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"{nature}\">{}</message></OpenRosaResponse>",
        escaped(text)
    );
    answer(status).content_type("text/xml; charset=utf-8").body(body)
}

/// A refusal: what and why, in the status and in words.
pub(super) fn refused(problem: &Problem) -> HttpResponse {
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let mut words = problem.kind().title(english).to_owned();
    if let Some(detail) = problem.detail() {
        words = format!("{words}: {detail}");
    }
    let faults: Vec<String> =
        problem.errors().iter().take(FAULTS_TOLD).map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
    if !faults.is_empty() {
        words = format!("{words} ({})", faults.join("; "));
    }
    let mut response = message(problem.status_code(), "error", &words);
    if problem.kind() == ProblemType::Unauthenticated {
        let challenge = HeaderValue::from_static("Basic realm=\"Bright Kitchen\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(value) = problem.retry_after_s().and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Either answer.
pub(super) fn told(result: Result<HttpResponse, Problem>) -> HttpResponse {
    result.unwrap_or_else(|problem| refused(&problem))
}
