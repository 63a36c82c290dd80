//! What an alert shows: its clip, its still, and the evidence of those who answered it.

use ::media::{Codec, PlayedCopy, codec_of_file};
use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view::evidence_ids;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::http::{Args, Content, Id, Problem, ProblemBody, media, serve, viewed};
use crate::store::alert_stills;
use crate::store::alerts::{self, AlertRow, FileOf};
use crate::store::work;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(clip).service(still).service(still_then).service(evidence);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ClipArgs {
    /// For a browser that cannot play H.265: in H.264, at most 1280 x 720 and 12 pictures a second, made while it is sent, so
    /// without a length and without `Range`. A clip in H.264 is given as it is.
    h264: Option<bool>,
    /// 1: save it as a file.
    download: Option<u8>,
}

/// The longest clip that is made anew to be watched, bytes: half a minute of a camera of 16 Mbit/s.
const H264_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The clip, as MP4. Looking at it is noted in the audit log, whichever part is asked for.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Range" = Option<String>, Header), ClipArgs),
    responses((status = 200, content_type = "video/mp4", description = "all of it"), (status = 206, content_type = "video/mp4", description = "the range asked for"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "no such alert, or nothing was recorded"),
        (status = 416, description = "outside the clip"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "`h264`: as many cameras and recordings are transcoded to be watched as are allowed"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "not cut yet; `retry_after_s`")))]
#[get("/alerts/{id}/clip.mp4")]
async fn clip(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::AlertsWatch>,
    id: Id,
    args: Args<ClipArgs>,
) -> Result<HttpResponse, Problem> {
    let row = alert(&app, &caller, &id.to_string()).await?;
    if row.clip_state == "pending" {
        let left_ms = row.clip_end.unwrap_or_default() - app.clock.wall_ms();
        return Err(Problem::of(ProblemType::Unavailable)
            .because("the clip is still being recorded")
            .with("retry_after_s", (left_ms / 1_000 + 2).clamp(1, 60)));
    }
    let file = file_of(&app, row.clip_file_id.as_deref()).await?;
    noted(&app, &caller, &row, "view_clip").await?;
    if args.h264 == Some(true)
        && let Some(copy) = h264_of(&app, &row, &file).await?
    {
        return Ok(media::watched(&mut HttpResponse::Ok(), copy));
    }
    send(&request, &app, &file, args.download.filter(|download| *download == 1).map(|_| "clip.mp4")).await
}

/// The clip made anew in H.264; `None` where it is no H.265.
async fn h264_of(app: &App, row: &AlertRow, file: &FileOf) -> Result<Option<PlayedCopy>, Problem> {
    let bytes = app.files.read_all(&file.sha256, H264_BYTES_MAX).await?;
    if codec_of_file(&bytes) != Some(Codec::H265) {
        return Ok(None);
    }
    let (start_ms, end_ms) = (row.clip_start.unwrap_or_default(), row.clip_end.unwrap_or_default());
    let duration_ms = u64::try_from(end_ms.saturating_sub(start_ms)).unwrap_or(0);
    let copy = media::engine(app)?.h264_of_file(&bytes, start_ms, duration_ms).await.map_err(media::transcode_problem)?;
    Ok(Some(copy))
}

/// The picture that shows it, or the last one that was known.
#[utoipa::path(tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, content_type = "image/jpeg", description = "the picture"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts/{id}/still.jpg")]
async fn still(request: HttpRequest, app: web::Data<App>, caller: Caller<can::AlertsWatch>, id: Id) -> Result<HttpResponse, Problem> {
    let row = alert(&app, &caller, &id.to_string()).await?;
    let file = file_of(&app, row.still_file_id.as_deref()).await?;
    noted(&app, &caller, &row, "view_still").await?;
    send(&request, &app, &file, None).await
}

/// One of the pictures in `stills`: of when it was raised, or of what joined it.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("still_id" = String, Path)),
    responses((status = 200, content_type = "image/jpeg", description = "the picture"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts/{id}/stills/{still_id}")]
async fn still_then(request: HttpRequest, app: web::Data<App>, caller: Caller<can::AlertsWatch>, id: Id) -> Result<HttpResponse, Problem> {
    let row = alert(&app, &caller, &id.to_string()).await?;
    let wanted: Uuid = request.match_info().get("still_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let file_id = alert_stills::file_of(&mut app.db.read().await?.conn(), &row.id, &wanted.to_string()).await?;
    let file = file_of(&app, file_id.as_deref()).await?;
    noted(&app, &caller, &row, "view_still").await?;
    send(&request, &app, &file, None).await
}

/// A file that an act on this alert names.
#[utoipa::path(tag = "alerts", params(("id" = String, Path), ("file_id" = String, Path)),
    responses((status = 200, content_type = "image/*", description = "the file, of the type it has"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts/{id}/evidence/{file_id}")]
async fn evidence(request: HttpRequest, app: web::Data<App>, caller: Caller<can::AlertsWatch>, id: Id) -> Result<HttpResponse, Problem> {
    let row = alert(&app, &caller, &id.to_string()).await?;
    let wanted = request.match_info().get("file_id").unwrap_or_default().to_owned();
    let history = work::history(&mut app.db.read().await?.conn(), &row.id).await?;
    if !history.iter().any(|act| evidence_ids(act).contains(&wanted)) {
        return Err(Problem::not_found());
    }
    let file = file_of(&app, Some(&wanted)).await?;
    noted(&app, &caller, &row, "view_evidence").await?;
    send(&request, &app, &file, None).await
}

async fn alert(app: &App, caller: &Caller<can::AlertsWatch>, id: &str) -> Result<AlertRow, Problem> {
    alerts::get(&mut app.db.read().await?.conn(), &caller.scope(), id).await?.ok_or_else(Problem::not_found)
}

async fn file_of(app: &App, id: Option<&str>) -> Result<FileOf, Problem> {
    let id = id.ok_or_else(Problem::not_found)?;
    let files = alerts::evidence_files(&mut app.db.read().await?.conn(), &[id.to_owned()]).await?;
    files.into_iter().next().ok_or_else(Problem::not_found)
}

async fn send(request: &HttpRequest, app: &App, file: &FileOf, download: Option<&str>) -> Result<HttpResponse, Problem> {
    let content = Content { sha256: &file.sha256, filetype: &file.filetype, bytes: u64::try_from(file.bytes).unwrap_or(0), download };
    serve(request, &app.files, &content).await
}

async fn noted(app: &App, session: &Session, row: &AlertRow, action: &'static str) -> Result<(), Problem> {
    viewed::note(app, session, action, ("alert", &row.id), &row.premises_path, json!({"camera_id": row.camera_id})).await
}
