//! `POST /files`: a picture that is named by an act afterwards, such as the answer to an alert.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::problem::ProblemType;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::permission::Permission;
use crate::files::FILE_BYTES_MAX;
use crate::http::{Problem, ProblemBody};
use crate::store::files::{self, FileRow};

/// Pictures of a person that no act names yet, and their bytes.
const WAITING_MAX: i64 = 100;
const WAITING_BYTES_MAX: i64 = 300_000_000;
/// Types that a browser can show.
const FILETYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(upload);
}

/// A file that was stored.
#[derive(Debug, Serialize, ToSchema)]
struct StoredFile {
    /// To be named in `evidence_ids`.
    id: String,
    /// Of the content, hex.
    sha256: String,
    #[schema(example = "image/jpeg")]
    filetype: String,
    bytes: i64,
    /// pixels
    width: Option<i64>,
    /// pixels
    height: Option<i64>,
}

/// Stores a picture: JPEG, PNG or WebP, at most 12 MB and 40 megapixels. A person has at most 100 pictures (300 MB) that no act
/// names yet; one that nobody names within 7 days is thrown away.
#[utoipa::path(tag = "files",
    request_body(content((Vec<u8> = "image/png", example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPQ6w4HAAH7ARF0JhTpAAAAAElFTkSuQmCC"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp")), description = "The picture itself; the example is in base64."),
    responses((status = 201, body = StoredFile),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "too many pictures that no act names yet"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/files")]
async fn upload(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SignedIn>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let acts = [Permission::AlertsRectify, Permission::AlertsDecide, Permission::InspectionsConduct, Permission::OrdersAnswer];
    if !acts.into_iter().any(|permission| caller.access.may(permission)) {
        return Err(Problem::forbidden());
    }
    let told = header_text(&request, &header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !FILETYPES.contains(&told.as_str()) {
        return Err(Problem::of(ProblemType::UnsupportedMediaType).because(format!("one of {}", FILETYPES.join(", "))));
    }
    if header_text(&request, &header::CONTENT_LENGTH).parse::<u64>().is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        return Err(Problem::of(ProblemType::TooLarge).because(format!("at most {FILE_BYTES_MAX} bytes")));
    }
    let (count, bytes) = files::waiting(&mut app.db.read().await?.conn(), &caller.user_id.to_string()).await?;
    room(count, bytes)?;
    let spooled = app.files.spool(payload, FILE_BYTES_MAX).await?;
    let picture = app.files.look_at(spooled.path(), false).await?;
    app.files.put(&spooled).await?;
    let row = FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: spooled.sha256.clone(),
        filetype: picture.filetype.to_owned(),
        bytes: i64::try_from(spooled.bytes).unwrap_or(i64::MAX),
        width: picture.size.map(|size| i64::from(size.0)),
        height: picture.size.map(|size| i64::from(size.1)),
        user_id: Some(caller.user_id.to_string()),
        created_at: app.clock.wall_ms(),
    };
    let stored = StoredFile {
        id: row.id.clone(),
        sha256: row.sha256.clone(),
        filetype: row.filetype.clone(),
        bytes: row.bytes,
        width: row.width,
        height: row.height,
    };
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // Once more, and now it holds: several may have been on their way at once.
                let (count, bytes) = files::waiting(tx, row.user_id.as_deref().unwrap_or_default()).await?;
                room(count, bytes.saturating_add(row.bytes))?;
                files::insert_waiting(tx, &row).await.map_err(Problem::from)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(stored))
}

fn room(count: i64, bytes: i64) -> Result<(), Problem> {
    if count < WAITING_MAX && bytes <= WAITING_BYTES_MAX {
        return Ok(());
    }
    let megabytes = WAITING_BYTES_MAX / 1_000_000;
    Err(Problem::of(ProblemType::Conflict)
        .because(format!("at most {WAITING_MAX} pictures ({megabytes} MB) wait to be named by an act; name them first")))
}

fn header_text<'a>(request: &'a HttpRequest, name: &header::HeaderName) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
