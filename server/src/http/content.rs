//! Files out of the file store, whole or in part: what `<video>` and `<img>` ask for.

use actix_web::http::header::{self, ContentRangeSpec};
use actix_web::{HttpRequest, HttpResponse};

use super::Problem;
use crate::files::{Files, FilesError, PictureError};

/// A stored file to send. It never changes, because it is named by its content.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    /// Its name in the store.
    pub sha256: &'a str,
    /// Its media type.
    pub filetype: &'a str,
    /// Its length.
    pub bytes: u64,
    /// Offered for saving under this name; shown in the page otherwise.
    pub download: Option<&'a str>,
}

/// Answers with the file, or with the part that `Range` asks for.
pub async fn serve(request: &HttpRequest, files: &Files, content: &Content<'_>) -> Result<HttpResponse, Problem> {
    let tag = format!("\"{}\"", content.sha256);
    let matches = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.split(',').any(|one| one.trim() == tag || one.trim() == "*"))
    };
    if matches(header::IF_NONE_MATCH) == Some(true) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    // A range of something that has changed meanwhile would be a mixture: then all of it is sent.
    let wanted = if matches(header::IF_RANGE) == Some(false) { Wanted::Whole } else { wanted(request, content.bytes) };
    let (range, mut response) = match wanted {
        Wanted::Whole => (0..content.bytes, HttpResponse::Ok()),
        Wanted::Part(range) => {
            let mut response = HttpResponse::PartialContent();
            let spec = ContentRangeSpec::Bytes { range: Some((range.start, range.end - 1)), instance_length: Some(content.bytes) };
            response.insert_header(header::ContentRange(spec));
            (range, response)
        }
        Wanted::Nothing => {
            let spec = ContentRangeSpec::Bytes { range: None, instance_length: Some(content.bytes) };
            return Ok(HttpResponse::RangeNotSatisfiable().insert_header(header::ContentRange(spec)).finish());
        }
    };
    let length = range.end - range.start;
    let stream = files.read(content.sha256, range).await?;
    response.insert_header((header::CONTENT_TYPE, content.filetype));
    response.insert_header((header::ACCEPT_RANGES, "bytes"));
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::CACHE_CONTROL, "private, max-age=3600, immutable"));
    if let Some(name) = content.download {
        response.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    }
    // Compressed again it would have no length, and parts of it no place.
    response.insert_header((header::CONTENT_ENCODING, "identity"));
    Ok(response.no_chunking(length).streaming(stream))
}

enum Wanted {
    Whole,
    Part(std::ops::Range<u64>),
    Nothing,
}

/// One range of bytes; several, or other units, are answered with all of it, as RFC 9110 allows.
fn wanted(request: &HttpRequest, bytes: u64) -> Wanted {
    let Some(ranges) =
        request.headers().get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|value| value.trim().strip_prefix("bytes="))
    else {
        return Wanted::Whole;
    };
    let Some((from, to)) = ranges.split_once('-').filter(|_| !ranges.contains(',')) else { return Wanted::Whole };
    let (from, to) = (from.trim(), to.trim());
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(bytes),
        (Ok(from), Err(_)) if to.is_empty() => from..bytes,
        (Err(_), Ok(last)) if from.is_empty() => bytes.saturating_sub(last)..bytes,
        _ => return Wanted::Whole,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        use mobile_api::problem::ProblemType;
        match error {
            FilesError::NotFound(_) => Self::not_found(),
            FilesError::TooLarge { bytes_max } => Self::of(ProblemType::TooLarge).because(format!("at most {bytes_max} bytes")),
            FilesError::Cut(_) => Self::of(ProblemType::Malformed).because("the body was cut off"),
            FilesError::Picture(PictureError::UnknownType) => Self::of(ProblemType::UnsupportedMediaType)
                .because("not a JPEG, PNG or WebP picture, nor a video or a sound recording as announced"),
            FilesError::Picture(refused @ PictureError::TooManyPixels { .. }) => {
                Self::of(ProblemType::TooLarge).because(refused.to_string())
            }
            FilesError::Picture(PictureError::Damaged(_)) => Self::field("", "format", "the picture cannot be read"),
            FilesError::Full => {
                tracing::error!("no room for files on the disk");
                Self::of(ProblemType::StorageFull).with("retry_after_s", 60)
            }
            FilesError::Setting(_) | FilesError::Unavailable(_) => {
                tracing::error!(%error, "the file store is not available");
                Self::of(ProblemType::Unavailable).with("retry_after_s", 2)
            }
        }
    }
}
