//! `/uploads`: tus 1.0 with creation, creation-with-upload, termination, checksum and expiration.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError as _, delete, head, options, patch, post, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mobile_api::field::Faults;
use mobile_api::inspection::EvidenceKind;
use mobile_api::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_FILETYPES};
use mobile_api::problem::ProblemType;
use tokio::sync::Semaphore;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::http::{Id, Problem, ProblemBody, checked};
use crate::store::uploads::{self, UploadRow};
use crate::store::{StoreError, evidence, inspections, self_checks};
use crate::uploads::{EXPIRES_MS, OPEN_MAX, UploadError, WHOLE_BYTES_MAX, fits, gathered, store_photo};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
const PIECE: &str = "application/offset+octet-stream";
/// Bytes of the metadata header.
const METADATA_BYTES_MAX: usize = 4_096;
/// Photos that may be in memory at once, of a megabyte at most.
static HELD: Semaphore = Semaphore::const_new(48);
/// How long the next one waits for its place; then, where many come slowly, it goes by way of a file.
const HELD_WAIT: Duration = Duration::from_secs(1);

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(describe).service(create).service(stand).service(append).service(terminate);
}

/// What this server can do of tus.
#[utoipa::path(tag = "uploads", security(()), responses((status = 204, description = "in the headers Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm")))]
#[options("/uploads")]
async fn describe() -> HttpResponse {
    answer(StatusCode::NO_CONTENT)
        .insert_header(("tus-version", VERSION))
        .insert_header(("tus-extension", EXTENSIONS))
        .insert_header(("tus-max-size", EVIDENCE_BYTES_MAX))
        .insert_header(("tus-checksum-algorithm", "sha256"))
        .finish()
}

/// Begins an upload of a piece of evidence, before or after the inspection that names it. What is here already is told by
/// an offset that equals the length; what was begun before goes on where it stands, and what comes with it is not read.
#[utoipa::path(tag = "uploads",
    params(("Tus-Resumable" = String, Header, example = "1.0.0"), ("Upload-Length" = u64, Header, description = "bytes, at most 25 MB", example = 69),
        ("Upload-Metadata" = String, Header, description = "inspection_id, evidence_id, sha256 (hex) and filetype, each in base64",
            example = "inspection_id MDE5MjhmNmUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDEw,evidence_id MDE5MjhmNmUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDEy,sha256 OGIyMDk4MDQwMTMzMTQ4NTc3MDBlNmNiNjAxZjYzZGU3MmUxMmIyNDgwYzI1Yzg2OTczYTBiZGY1M2ZkYzdkMA==,filetype aW1hZ2UvcG5n"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256 BASE64` of what comes with it")),
    request_body(content = Option<Vec<u8>>, content_type = "application/offset+octet-stream", description = "The first piece, or all of it; the example is in base64.", example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPQ6w4HAAH7ARF0JhTpAAAAAElFTkSuQmCC"),
    responses((status = 201, description = "Location, Upload-Offset, Upload-Expires"), (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "nothing of the caller\'s that this file could belong to"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"), (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/uploads")]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SignedIn>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    may_upload(&caller)?;
    if let Some(refused) = wrong_version(&request) {
        return Ok(refused);
    }
    let length = number(&request, "upload-length")?;
    if !fits(length) {
        return Err(Problem::of(ProblemType::TooLarge).because(format!("1 to {EVIDENCE_BYTES_MAX} bytes")));
    }
    let told = Metadata::parse(text(&request, "upload-metadata"))?;
    let now_ms = app.clock.wall_ms();
    let user_id = caller.user_id.to_string();
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let row = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        may_bring(conn, &caller, &told).await?;
        let known = evidence::get(conn, &told.evidence_id.to_string()).await?;
        if let Some(known) = &known
            && (known.sha256 != told.sha256 || known.inspection_id != told.inspection_id.to_string())
        {
            let problem = Problem::of(ProblemType::Conflict).because("this evidence stands for another file");
            return Err(problem
                .with("present", serde_json::json!({"sha256": known.sha256}))
                .with("offered", serde_json::json!({"sha256": told.sha256})));
        }
        let photo = known.as_ref().is_some_and(|known| known.kind.as_deref() == Some(evidence::kind_code(EvidenceKind::Photo)));
        let arrived = known.is_some_and(|known| known.file_id.is_some());
        let whole = photo && told.filetype == "image/jpeg" && length <= WHOLE_BYTES_MAX && text(&request, "content-type") == PIECE;
        match uploads::unfinished(conn, &user_id, &told.evidence_id.to_string(), &told.sha256, length, now_ms).await? {
            Some(row) if !arrived => row,
            _ => {
                drop(reader);
                let row = row_of(&user_id, &told, length, arrived, now_ms);
                if whole
                    && !arrived
                    && let Ok(Ok(_place)) = tokio::time::timeout(HELD_WAIT, HELD.acquire()).await
                {
                    let offset = take_whole(&app, &caller, &row, checksum(&request)?, payload).await?;
                    return Ok(created(&row, offset));
                }
                begin(&app, &row).await?;
                row
            }
        }
    };
    let mut offset = row.received;
    // creation-with-upload: the first piece comes with the creation.
    if text(&request, "content-type") == PIECE && offset == 0 && row.done_at.is_none() {
        offset = take_piece(&app, &caller, &row, 0, checksum(&request)?, payload).await?;
    }
    Ok(created(&row, offset))
}

fn created(row: &UploadRow, offset: i64) -> HttpResponse {
    answer(StatusCode::CREATED)
        .insert_header(("location", format!("/api/v1/uploads/{}", row.id)))
        .insert_header(("upload-offset", offset))
        .insert_header(("upload-expires", http_date(row.expires_at)))
        .finish()
}

fn row_of(user_id: &str, told: &Metadata, length: i64, arrived: bool, now_ms: i64) -> UploadRow {
    UploadRow {
        id: Uuid::now_v7().to_string(),
        user_id: user_id.to_owned(),
        inspection_id: told.inspection_id.to_string(),
        evidence_id: told.evidence_id.to_string(),
        sha256: told.sha256.clone(),
        filetype: told.filetype.clone(),
        length,
        received: if arrived { length } else { 0 },
        created_at: now_ms,
        expires_at: now_ms + EXPIRES_MS,
        done_at: arrived.then_some(now_ms),
    }
}

async fn begin(app: &App, row: &UploadRow) -> Result<(), Problem> {
    if uploads::count_open(&mut app.db.read().await?.conn(), &row.user_id).await? >= OPEN_MAX {
        let problem = Problem::of(ProblemType::RateLimited).because(format!("at most {OPEN_MAX} uploads at once"));
        return Err(problem.with("retry_after_s", 60));
    }
    let kept = row.clone();
    let begun = app.db.write_apart(move |tx| Box::pin(async move { uploads::insert(tx, &kept).await })).await;
    begun.map_err(|error: StoreError| Problem::from(error))
}

/// A small photo that comes with its creation, of evidence that a part calls a photo: whole, it is stored at once; where its connection
/// breaks, what came is kept like any piece.
async fn take_whole(app: &App, session: &Session, row: &UploadRow, told: Option<Vec<u8>>, payload: web::Payload) -> Result<i64, Problem> {
    let content = gathered(payload, usize::try_from(row.length).unwrap_or(0)).await?;
    let as_told = told.as_ref().is_none_or(|told| hex::encode(told) == row.sha256);
    if i64::try_from(content.len()) == Ok(row.length) && as_told {
        store_photo(app, session, row, content).await?;
        return Ok(row.length);
    }
    begin(app, row).await?;
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>(content)]);
    take_piece(app, session, row, 0, told, pieces).await
}

/// Who inspects, who answers the canteen's own papers, and who reports food poisoning.
fn may_upload(session: &Session) -> Result<(), Problem> {
    let acts = [Permission::InspectionsConduct, Permission::SelfChecksAnswer, Permission::SelfChecksSign, Permission::IncidentsReport];
    if acts.into_iter().any(|permission| session.access.may(permission)) { Ok(()) } else { Err(Problem::forbidden()) }
}

/// Evidence for an inspection that is here is brought by its officers, for a paper of the canteen's by those who answer it; for what
/// has not come yet, by anybody who brings evidence.
async fn may_bring(conn: &mut crate::store::Conn<'_>, session: &Session, told: &Metadata) -> Result<(), Problem> {
    let (user_id, id) = (session.user_id.to_string(), told.inspection_id.to_string());
    match inspections::is_own(conn, &user_id, &id).await? {
        Some(true) => return Ok(()),
        Some(false) => return Err(Problem::not_found().because("no such inspection of yours")),
        None => {}
    }
    let papers = [Permission::SelfChecksAnswer, Permission::SelfChecksSign].map(|permission| session.access.scope(permission));
    if self_checks::exists(conn, &id).await? {
        for scope in &papers {
            if self_checks::get(conn, scope, &id).await?.is_some() {
                return Ok(());
            }
        }
        return Err(Problem::not_found().because("no such paper of yours"));
    }
    Ok(())
}

/// How far an upload has come.
#[utoipa::path(tag = "uploads", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000030"), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 200, description = "Upload-Offset, Upload-Length, Upload-Expires"), (status = 412, description = "another version of tus"), (status = 404, description = "no such upload, or it has expired")))]
#[head("/uploads/{id}")]
async fn stand(request: HttpRequest, app: web::Data<App>, caller: Caller<can::SignedIn>, id: Id) -> Result<HttpResponse, Problem> {
    may_upload(&caller)?;
    if let Some(refused) = wrong_version(&request) {
        return Ok(refused);
    }
    let row = find(&app, &caller, *id).await?;
    Ok(answer(StatusCode::OK)
        .insert_header(("upload-offset", row.received))
        .insert_header(("upload-length", row.length))
        .insert_header(("upload-expires", http_date(row.expires_at)))
        .finish())
}

/// Adds a piece where the last one ended. The answer to the last piece comes when the whole file is checked and stored.
#[utoipa::path(tag = "uploads",
    params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000030"), ("Tus-Resumable" = String, Header, example = "1.0.0"), ("Upload-Offset" = u64, Header, description = "bytes that are here", example = 0),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256 BASE64` of this piece")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream", description = "The bytes; the example is in base64.", example = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPQ6w4HAAH7ARF0JhTpAAAAAElFTkSuQmCC"),
    responses((status = 204, description = "Upload-Offset, Upload-Expires"), (status = 412, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 460, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/uploads/{id}")]
async fn append(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SignedIn>,
    id: Id,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    may_upload(&caller)?;
    if let Some(refused) = wrong_version(&request) {
        return Ok(refused);
    }
    if text(&request, "content-type") != PIECE {
        return Err(Problem::of(ProblemType::UnsupportedMediaType).because(PIECE));
    }
    let offset = i64::try_from(number(&request, "upload-offset")?).unwrap_or(i64::MAX);
    let checksum = checksum(&request)?;
    let row = find(&app, &caller, *id).await?;
    let offset = take_piece(&app, &caller, &row, offset, checksum, payload).await?;
    Ok(answer(StatusCode::NO_CONTENT)
        .insert_header(("upload-offset", offset))
        .insert_header(("upload-expires", http_date(row.expires_at)))
        .finish())
}

/// Throws an upload away. A file that is whole stays: it is evidence.
#[utoipa::path(tag = "uploads", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000031"), ("Tus-Resumable" = String, Header, example = "1.0.0")),
    responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 412, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/uploads/{id}")]
async fn terminate(request: HttpRequest, app: web::Data<App>, caller: Caller<can::SignedIn>, id: Id) -> Result<HttpResponse, Problem> {
    may_upload(&caller)?;
    if let Some(refused) = wrong_version(&request) {
        return Ok(refused);
    }
    let row = find(&app, &caller, *id).await?;
    let writing = app.uploads.take(*id).await?;
    writing.discard(&app, &row).await?;
    Ok(answer(StatusCode::NO_CONTENT).finish())
}

async fn take_piece(
    app: &App,
    session: &Session,
    row: &UploadRow,
    offset: i64,
    checksum: Option<Vec<u8>>,
    payload: impl futures::Stream<Item = Result<bytes::Bytes, impl std::fmt::Debug>>,
) -> Result<i64, Problem> {
    let id: Uuid = row.id.parse().map_err(StoreError::damaged)?;
    let writing = app.uploads.take(id).await?;
    // Whoever wrote before has left it somewhere else, or gone with it.
    let row = find(app, session, id).await?;
    if offset != row.received {
        return Err(UploadError::Offset { offset: row.received }.into());
    }
    if row.done_at.is_some() {
        return Ok(row.length);
    }
    let received = writing.append(&row, payload, checksum).await?;
    if received == row.length {
        writing.finish(app, session, &row).await?;
    } else if received > row.received {
        let id = row.id.clone();
        app.db
            .write_apart(move |tx| Box::pin(async move { uploads::advance(tx, &id, received).await }))
            .await
            .map_err(|error: StoreError| Problem::from(error))?;
    }
    Ok(received)
}

/// The caller's own upload.
async fn find(app: &App, session: &Session, id: Uuid) -> Result<UploadRow, Problem> {
    let row = uploads::get(&mut app.db.read().await?.conn(), &session.user_id.to_string(), &id.to_string()).await?;
    row.filter(|row| row.expires_at > app.clock.wall_ms()).ok_or_else(Problem::not_found)
}

/// What the phone tells of a file.
struct Metadata {
    inspection_id: Uuid,
    evidence_id: Uuid,
    sha256: String,
    filetype: String,
}

impl Metadata {
    fn parse(header: &str) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        if header.len() > METADATA_BYTES_MAX {
            faults.note_at("Upload-Metadata", "too_long", format!("at most {METADATA_BYTES_MAX} bytes"));
            checked(faults)?;
            return Err(Problem::of(ProblemType::Malformed));
        }
        let find = |name: &str| {
            let pair = header.split(',').map(str::trim).find_map(|pair| pair.split_once(' ').filter(|(key, _)| *key == name));
            pair.and_then(|(_, value)| STANDARD.decode(value.trim()).ok()).and_then(|bytes| String::from_utf8(bytes).ok())
        };
        let mut id = |name: &str| {
            let value = find(name).and_then(|text| text.parse::<Uuid>().ok());
            if value.is_none() {
                faults.within("Upload-Metadata", |faults| faults.note_at(name, "format", "a UUID, in base64"));
            }
            value.unwrap_or_default()
        };
        let (inspection_id, evidence_id) = (id("inspection_id"), id("evidence_id"));
        let (sha256, filetype) = (find("sha256").unwrap_or_default(), find("filetype").unwrap_or_default());
        faults.within("Upload-Metadata", |faults| {
            faults.sha256("sha256", &sha256);
            if !EVIDENCE_FILETYPES.contains(&filetype.as_str()) {
                faults.note_at("filetype", "unknown", format!("one of {}, in base64", EVIDENCE_FILETYPES.join(", ")));
            }
        });
        checked(faults)?;
        Ok(Self { inspection_id, evidence_id, sha256, filetype })
    }
}

/// 412, where the phone speaks another version of tus.
fn wrong_version(request: &HttpRequest) -> Option<HttpResponse> {
    if text(request, "tus-resumable") == VERSION {
        return None;
    }
    let mut response = Problem::of(ProblemType::PreconditionFailed).because("the header Tus-Resumable must be 1.0.0").error_response();
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(HeaderName::from_static("tus-version"), HeaderValue::from_static(VERSION));
    Some(response)
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(("tus-resumable", VERSION)).insert_header(("cache-control", "no-store"));
    response
}

fn text<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default()
}

fn number(request: &HttpRequest, name: &str) -> Result<u64, Problem> {
    text(request, name)
        .parse()
        .map_err(|_| Problem::of(ProblemType::Malformed).because(format!("the header {name} must be a number of bytes")))
}

/// `Upload-Checksum: sha256 BASE64` of the piece.
fn checksum(request: &HttpRequest) -> Result<Option<Vec<u8>>, Problem> {
    let header = text(request, "upload-checksum");
    if header.is_empty() {
        return Ok(None);
    }
    let told =
        header.split_once(' ').filter(|(algorithm, _)| *algorithm == "sha256").and_then(|(_, value)| STANDARD.decode(value.trim()).ok());
    told.filter(|bytes| bytes.len() == 32)
        .map(Some)
        .ok_or_else(|| Problem::of(ProblemType::Malformed).because("Upload-Checksum is `sha256 BASE64`"))
}

fn http_date(at_ms: i64) -> String {
    let at = u64::try_from(at_ms / 1_000).unwrap_or(0);
    actix_web::http::header::HttpDate::from(std::time::UNIX_EPOCH + std::time::Duration::from_secs(at)).to_string()
}
