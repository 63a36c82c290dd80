//! `/cameras/{id}/live/…`: Low-Latency HLS from the fragments in memory. The camera is pulled once, however many watch.

use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use media::playback::LiveError;
use media::playback::live::{Awaited, LiveName};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::viewer::Viewer;
use super::{engine, transcode_problem};
use crate::App;
use crate::http::{Args, Id, Problem, ProblemBody};

/// What playlists and pictures are, and how long a browser keeps them: what a name stands for never changes, and only this
/// person's browser may keep it.
pub(super) const PLAYLIST: &str = "application/vnd.apple.mpegurl";
pub(super) const VIDEO: &str = "video/mp4";
pub(super) const NOT_KEPT: &str = "no-store";
pub(super) const KEPT: &str = "private, max-age=60";

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(playlist).service(h264_playlist).service(file).service(h264_file);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PlaylistArgs {
    /// Wait until the playlist holds this segment.
    #[serde(rename = "_HLS_msn")]
    segment: Option<u64>,
    /// And this part of it.
    #[serde(rename = "_HLS_part")]
    part: Option<usize>,
}

/// The live playlist; with `_HLS_msn` and `_HLS_part` it answers when that part exists.
#[utoipa::path(tag = "video", params(("id" = String, Path), PlaylistArgs),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/live/index.m3u8")]
async fn playlist(app: web::Data<App>, _viewer: Viewer, id: Id, args: Args<PlaylistArgs>) -> Result<HttpResponse, Problem> {
    let awaited = args.segment.map(|segment| Awaited { segment, part: args.part });
    Ok(as_playlist(engine(&app)?.live_playlist(*id, awaited).await.map_err(live_problem)?))
}

/// The live playlist in H.264, for browsers that cannot play H.265: at most 1280 x 720 and 12 pictures a second,
/// transcoded while somebody asks for it, once however many do. What a camera sends in H.264 is given as it is.
/// `transcode_limit` while as many cameras are transcoded as are allowed.
#[utoipa::path(tag = "video", params(("id" = String, Path), PlaylistArgs),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "as many cameras are transcoded as are allowed"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/live/h264/index.m3u8")]
async fn h264_playlist(app: web::Data<App>, _viewer: Viewer, id: Id, args: Args<PlaylistArgs>) -> Result<HttpResponse, Problem> {
    let awaited = args.segment.map(|segment| Awaited { segment, part: args.part });
    Ok(as_playlist(engine(&app)?.live_h264_playlist(*id, awaited).await.map_err(transcode_problem)?))
}

fn as_playlist(text: Bytes) -> HttpResponse {
    // As it is: small, and to compress it for each viewer costs more than to send it.
    let as_it_is = ("content-encoding", "identity");
    let mut response = HttpResponse::Ok();
    response.content_type(PLAYLIST).insert_header(("cache-control", NOT_KEPT)).insert_header(as_it_is);
    response.body(text)
}

/// A header, a segment or a part that the playlist names.
#[utoipa::path(tag = "video", params(("id" = String, Path), ("name" = String, Path, description = "as the playlist names it")),
    responses((status = 200, content_type = "video/mp4"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/live/{name}")]
async fn file(request: HttpRequest, app: web::Data<App>, _viewer: Viewer, id: Id) -> Result<HttpResponse, Problem> {
    let name = request.match_info().get("name").and_then(LiveName::parse).ok_or_else(Problem::not_found)?;
    Ok(as_part(engine(&app)?.live_file(*id, name).await.map_err(live_problem)?))
}

/// A header, a segment or a part that the playlist in H.264 names.
#[utoipa::path(tag = "video", params(("id" = String, Path), ("name" = String, Path, description = "as the playlist names it")),
    responses((status = 200, content_type = "video/mp4"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/live/h264/{name}")]
async fn h264_file(request: HttpRequest, app: web::Data<App>, _viewer: Viewer, id: Id) -> Result<HttpResponse, Problem> {
    let name = request.match_info().get("name").and_then(LiveName::parse).ok_or_else(Problem::not_found)?;
    Ok(as_part(engine(&app)?.live_h264_file(*id, name).await.map_err(transcode_problem)?))
}

fn as_part(bytes: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(VIDEO).insert_header(("cache-control", KEPT)).body(bytes)
}

pub(super) fn live_problem(error: LiveError) -> Problem {
    match error {
        LiveError::NotLive => Problem::not_found().because("the camera sends no pictures now"),
        LiveError::Gone => Problem::not_found(),
        LiveError::TooFarAhead => Problem::of(ProblemType::Malformed).because("that part lies too far ahead"),
        LiveError::Late => Problem::of(ProblemType::Unavailable).because("the part did not come in time").with("retry_after_s", 1),
    }
}
