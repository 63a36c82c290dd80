//! What the document says of every operation alike: a name, an example of each parameter and body, and the refusals that any
//! request may meet. Handlers describe what is their own; this adds the rest in one place, so that none can forget it.

mod examples;
mod refusals;

use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

/// The document with all of it.
pub(super) fn completed(mut document: OpenApi) -> OpenApi {
    let schemas = document.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(name(method, path));
            examples::fill(path, operation, &schemas);
            refusals::fill(path, operation);
        }
    }
    document
}

/// The operations of a path, by method in small letters.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
        ("head", &mut item.head),
        ("options", &mut item.options),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A name of its own, made of method and path: functions called `list` are many.
fn name(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    format!("{method}{}", path.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_"))
}
