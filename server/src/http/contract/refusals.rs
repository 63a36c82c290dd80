//! The refusals that a request may meet whatever the operation: who asks, what the address names, what the body is.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Adds what the handler has not named, and words where it has none.
pub(super) fn fill(path: &str, operation: &mut Operation) {
    let statuses = common(path, operation);
    let responses: &mut BTreeMap<String, RefOr<Response>> = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_string()).or_insert_with(|| RefOr::T(problem()));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let known = status.parse::<u16>().ok().and_then(|status| StatusCode::from_u16(status).ok());
            response.description = known.and_then(|status| status.canonical_reason()).unwrap_or("The checksum does not match").to_owned();
        }
    }
}

fn common(path: &str, operation: &Operation) -> Vec<u16> {
    // An address or a header that cannot be read; the database is away.
    let mut statuses = vec![400, 503];
    // `security: [{}]` says that nobody needs to sign in.
    if operation.security.is_none() {
        statuses.extend([401, 403]);
    }
    if path.contains('{') {
        statuses.push(404);
    }
    if operation.request_body.is_some() {
        statuses.extend([413, 415, 422]);
    }
    statuses
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().content("application/problem+json", content).build()
}
