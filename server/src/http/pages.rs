//! The pages: the console at `/`, the phone at `/m/`, built by Vite and carried inside the binary.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

use super::Problem;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Assets;

/// The designer's window on the phone. It alone may stand in a frame, and only in one of our own pages; it asks the server
/// for nothing.
const PREVIEW: &str = "preview.html";
const PREVIEW_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// Every GET that is no API: a file, or the page whose own router knows the address.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/{path:(m|m/.*)}", web::get().to(phone)).route("/{path:.*}", web::get().to(console));
}

async fn phone(request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(&request, "m/index.html")
}

async fn console(request: HttpRequest) -> Result<HttpResponse, Problem> {
    serve(&request, "index.html")
}

fn serve(request: &HttpRequest, page: &str) -> Result<HttpResponse, Problem> {
    let path = request.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Err(Problem::not_found());
    }
    // A name with an ending is a file or nothing; anything else is an address inside the page.
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if is_file { path } else { page };
    let asset = Assets::get(name).ok_or_else(|| {
        let detail =
            if Assets::get(page).is_none() { "the pages are not built into this program: run `make setup`" } else { "no such file" };
        Problem::not_found().because(detail)
    })?;
    let etag = format!("\"{}\"", hex::encode(&asset.metadata.sha256_hash()[..16]));
    // Names under assets/ carry a hash of their content; all else is asked for again each time.
    let caching = if name.contains("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CACHE_CONTROL, caching))
            .finish());
    }
    let mut answer = HttpResponse::Ok();
    if name == PREVIEW {
        answer.insert_header((header::X_FRAME_OPTIONS, "SAMEORIGIN"));
        answer.insert_header((header::CONTENT_SECURITY_POLICY, PREVIEW_POLICY));
    }
    Ok(answer
        .insert_header((header::CONTENT_TYPE, content_type(name, asset.metadata.mimetype())))
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, caching))
        .body(asset.data.into_owned()))
}

fn content_type(name: &str, guessed: &str) -> String {
    match name.rsplit('.').next() {
        Some("webmanifest") => "application/manifest+json".to_owned(),
        Some("html" | "js" | "mjs" | "css" | "svg") => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_owned(),
    }
}
