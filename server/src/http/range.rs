//! Byte ranges (RFC 9110, section 14): one range of one representation, which is what players and downloads ask for.

use std::ops::Range;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

/// What a request wants of `len` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    All,
    /// A part, within bounds and not empty.
    Part(Range<u64>),
    /// Nothing that is there.
    Nowhere,
}

/// Reads the `Range` header. Several ranges, other units and nonsense ask for everything, as the RFC allows.
pub fn wanted(request: &HttpRequest, len: u64) -> Wanted {
    let text = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    text.map_or(Wanted::All, |text| parse(text, len))
}

fn parse(text: &str, len: u64) -> Wanted {
    let Some(spec) = text.trim().strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Wanted::All };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::All };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim().is_empty(), last.trim().is_empty()) {
        (true, false) => number(last).map(|suffix| len.saturating_sub(suffix)..len),
        (false, true) => number(first).map(|first| first..len),
        (false, false) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(len)),
            _ => None,
        },
        (true, true) => None,
    };
    match range {
        None => Wanted::All,
        Some(range) if range.start >= range.end || range.start >= len => Wanted::Nowhere,
        Some(range) => Wanted::Part(range),
    }
}

/// Begins the answer: 200, 206 with `Content-Range`, or 416; and which bytes to send.
pub fn begin(request: &HttpRequest, len: u64) -> Result<(HttpResponseBuilder, Range<u64>), Box<HttpResponse>> {
    let (status, range) = match wanted(request, len) {
        Wanted::All => (StatusCode::OK, 0..len),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nowhere => {
            let response = HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE)
                .insert_header((header::CONTENT_RANGE, format!("bytes */{len}")))
                .finish();
            return Err(Box::new(response));
        }
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ACCEPT_RANGES, "bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        response.insert_header((header::CONTENT_RANGE, format!("bytes {}-{}/{len}", range.start, range.end - 1)));
    }
    Ok((response, range))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};

    #[test]
    fn one_range_is_cut_to_what_is_there() {
        assert_eq!(parse("bytes=0-499", 1_000), Wanted::Part(0..500));
        assert_eq!(parse("bytes=500-", 1_000), Wanted::Part(500..1_000));
        assert_eq!(parse("bytes=-200", 1_000), Wanted::Part(800..1_000));
        assert_eq!(parse("bytes=900-5000", 1_000), Wanted::Part(900..1_000));
        assert_eq!(parse("bytes=1000-", 1_000), Wanted::Nowhere);
        assert_eq!(parse("bytes=-0", 1_000), Wanted::Nowhere);
        for odd in ["bytes=0-1,5-6", "lines=1-2", "bytes=x-", "bytes=9-2", "bytes=-", ""] {
            assert_eq!(parse(odd, 1_000), Wanted::All, "{odd}");
        }
    }
}
