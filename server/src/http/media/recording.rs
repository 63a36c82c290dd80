//! `/cameras/{id}/recording…`: any stretch as one MP4 file, or as a playlist for a player that jumps about.

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, web};
use futures::TryStreamExt as _;
use media::playback::{Export, PlaybackError};
use media::{Codec, PlayedCopy};
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{camera, engine, export, hidden, note_view, stretch, transcode_problem};
use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Id, Problem, ProblemBody, range};

/// Longest file, ms.
pub(super) const FILE_MS_MAX: i64 = 2 * 3_600_000;
/// Longest stretch that is made anew to be watched, ms.
const H264_MS_MAX: i64 = 10 * 60_000;
/// Longest playlist, ms.
const PLAYLIST_MS_MAX: i64 = 24 * 3_600_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(one_file).service(playlist).service(header).service(fragment);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StretchArgs {
    /// RFC 3339
    #[param(example = "2026-11-23T06:00:00Z")]
    pub(super) start: String,
    /// RFC 3339
    #[param(example = "2026-11-23T06:01:00Z")]
    pub(super) end: String,
    /// 1: save it as a file that carries its signed manifest; needs `video.export` and is noted. Sent whole: no `Range`.
    pub(super) download: Option<u8>,
    /// Why it is exported, for the manifest and the audit log; at most 500 characters.
    #[param(max_length = 500, example = "案件 2026-117")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileArgs {
    /// RFC 3339
    #[param(example = "2026-11-23T06:00:00Z")]
    start: String,
    /// RFC 3339
    #[param(example = "2026-11-23T06:01:00Z")]
    end: String,
    /// 1: save it as a file that carries its signed manifest; needs `video.export` and is noted. Sent whole: no `Range`.
    download: Option<u8>,
    /// Why it is exported, for the manifest and the audit log; at most 500 characters.
    #[param(max_length = 500, example = "案件 2026-117")]
    reason: Option<String>,
    /// Save a copy with premises, camera, time and who exported it burnt into every picture: encoded anew in H.264, made
    /// while it is sent, with a manifest that says so and names the hashes of the original. Needs `video.export`, as
    /// `download` does. `transcode_limit` while as many are made as are allowed.
    watermark: Option<bool>,
    /// Save a copy for publication in which every face that is found is made unrecognisable. Best effort: people have to look
    /// at it before it is published. A copy as `watermark` makes it, without the name of who exported it; together with
    /// `watermark` that name stands there too. At most ten minutes. `unavailable` where no model that finds faces is installed.
    hide_faces: Option<bool>,
    /// Parts of the picture that are hidden in such a copy, with faces or without: `left,top,width,height` in thousandths of the
    /// picture, and if wanted `,from,until` (RFC 3339); several are separated by `;`, at most 12: `100,250,300,400;0,0,200,1000`.
    #[param(max_length = 1500)]
    hide: Option<String>,
    /// To watch in a browser that cannot play H.265: in H.264, at most 1280 x 720 and 12 pictures a second, made while it is
    /// sent, so without a length and without `Range`; at most ten minutes. What was recorded in H.264 is given as it is.
    /// Where codec or picture size change inside, it ends there. `transcode_limit` while as many cameras and recordings are
    /// transcoded to be watched as are allowed. Not together with `download`, `watermark`, `hide_faces` or `hide`.
    h264: Option<bool>,
}

/// A stretch as one MP4 file with its length known, `Range` served. It begins at the key frame at or before `start`:
/// `X-Recording-Start` and `X-Recording-End` say what it really covers. Interruptions are closed up and listed in
/// `X-Recording-Gaps`.
#[utoipa::path(tag = "video", params(("id" = String, Path), FileArgs),
    responses((status = 200, content_type = "video/mp4"), (status = 206, content_type = "video/mp4"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "the codec changes inside; `pieces` names what can be had"), (status = 416), (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "as many copies are made, or watched in H.264, as are allowed")))]
#[get("/cameras/{id}/recording.mp4")]
async fn one_file(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::VideoRecorded>,
    id: Id,
    args: Args<FileArgs>,
) -> Result<HttpResponse, Problem> {
    let FileArgs { start, end, download, reason, watermark, hide_faces, hide, h264 } = args.0;
    let hidden = hidden::parse(hide_faces == Some(true), hide.as_deref())?;
    let h264 = h264 == Some(true);
    if h264 && (watermark == Some(true) || hidden.is_some() || download.unwrap_or(0) != 0) {
        return Err(
            Problem::of(ProblemType::Malformed).because("h264 is to watch: not together with download, watermark, hide_faces or hide")
        );
    }
    let args = StretchArgs { start, end, download, reason };
    if watermark == Some(true) || hidden.is_some() {
        return export::marked_copy(&app, &caller, *id, &args, watermark == Some(true), hidden).await;
    }
    if args.download.unwrap_or(0) != 0 {
        return export::clip(&app, &caller, *id, &args).await;
    }
    let (start, end) = stretch(&args.start, &args.end, if h264 { H264_MS_MAX } else { FILE_MS_MAX })?;
    let row = camera(&app, &caller.scope(), *id).await?;
    let export = match engine(&app)?.export(*id, start, end).await {
        // Who watches goes on with what follows: up to where the stream changes.
        Err(PlaybackError::CodecChange { pieces }) if h264 => {
            let until = pieces.first().map_or(end, |first| first.end_ms);
            engine(&app)?.export(*id, start, until).await
        }
        export => export,
    };
    let export = export.map_err(playback_problem)?;
    let detail = json!({"start": Moment(export.start_ms()), "end": Moment(export.end_ms()), "bytes": export.len()});
    if h264 && export.piece().codec != Codec::H264 {
        let copy = engine(&app)?.h264_of(&export).await.map_err(transcode_problem)?;
        note_view(&app, &caller, &row, "view_recording", detail).await?;
        let mut response = HttpResponse::Ok();
        describe(&mut response, &export);
        return Ok(watched(&mut response, copy));
    }
    note_view(&app, &caller, &row, "view_recording", detail).await?;
    Ok(send(&request, &export))
}

/// Sends what is made for a browser that cannot play H.265.
pub(in crate::http) fn watched(response: &mut HttpResponseBuilder, copy: PlayedCopy) -> HttpResponse {
    response.content_type("video/mp4").insert_header(("cache-control", "private, no-store"));
    // Video is not made smaller by packing it, and what is packed waits to be whole.
    response.insert_header(("content-encoding", "identity"));
    response.streaming(copy.stream().map_err(broke_off))
}

/// Sends an export, or the part of it that is asked for.
fn send(request: &HttpRequest, export: &Export) -> HttpResponse {
    let (mut response, wanted) = match range::begin(request, export.len()) {
        Ok(begun) => begun,
        Err(nowhere) => return *nowhere,
    };
    describe(&mut response, export);
    let length = wanted.end - wanted.start;
    response.no_chunking(length).streaming(export.read(wanted).map_err(broke_off))
}

/// What a file of recorded video says in its headers.
pub(super) fn describe(response: &mut HttpResponseBuilder, export: &Export) {
    let gaps: Vec<String> = export.gaps().iter().take(50).map(|gap| format!("{}/{}", Moment(gap.start_ms), Moment(gap.end_ms))).collect();
    response
        .content_type("video/mp4")
        .insert_header(("cache-control", "private, no-store"))
        .insert_header(("x-recording-start", Moment(export.start_ms()).to_string()))
        .insert_header(("x-recording-end", Moment(export.end_ms()).to_string()))
        .insert_header(("x-recording-gaps", gaps.join(", ")));
}

pub(super) fn broke_off(error: PlaybackError) -> std::io::Error {
    tracing::error!(%error, "an export broke off");
    std::io::Error::other("the recording cannot be read")
}

/// A playlist (HLS) of what is recorded of a stretch, at most 24 hours.
#[utoipa::path(tag = "video", params(("id" = String, Path), StretchArgs),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/recording.m3u8")]
async fn playlist(
    app: web::Data<App>,
    caller: Caller<can::VideoRecorded>,
    id: Id,
    args: Args<StretchArgs>,
) -> Result<HttpResponse, Problem> {
    let (start, end) = stretch(&args.start, &args.end, PLAYLIST_MS_MAX)?;
    let row = camera(&app, &caller.scope(), *id).await?;
    let text = engine(&app)?.recorded_playlist(*id, start, end).await.map_err(playback_problem)?;
    note_view(&app, &caller, &row, "view_recording", json!({"start": Moment(start), "end": Moment(end)})).await?;
    Ok(HttpResponse::Ok().content_type("application/vnd.apple.mpegurl").insert_header(("cache-control", "no-store")).body(text))
}

/// The header of a recorded file that a playlist names.
#[utoipa::path(tag = "video", params(("id" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/recording/{segment}/init.mp4")]
async fn header(request: HttpRequest, app: web::Data<App>, caller: Caller<can::VideoRecorded>, id: Id) -> Result<HttpResponse, Problem> {
    let row = camera(&app, &caller.scope(), *id).await?;
    let bytes = engine(&app)?.recorded_init(*id, segment(&request)?).await.map_err(playback_problem)?;
    note_view(&app, &caller, &row, "view_recording", json!({"segment": segment(&request)?})).await?;
    Ok(kept(bytes))
}

/// A recorded fragment that a playlist names.
#[utoipa::path(tag = "video", params(("id" = String, Path), ("segment" = String, Path), ("number" = String, Path, description = "as the playlist names it")),
    responses((status = 200, content_type = "video/mp4"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/recording/{segment}/{number}.m4s")]
async fn fragment(request: HttpRequest, app: web::Data<App>, caller: Caller<can::VideoRecorded>, id: Id) -> Result<HttpResponse, Problem> {
    let number = request.match_info().get("number").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let row = camera(&app, &caller.scope(), *id).await?;
    let bytes = engine(&app)?.recorded_fragment(*id, segment(&request)?, number).await.map_err(playback_problem)?;
    note_view(&app, &caller, &row, "view_recording", json!({"segment": segment(&request)?, "number": number})).await?;
    Ok(kept(bytes))
}

fn segment(request: &HttpRequest) -> Result<Uuid, Problem> {
    request.match_info().get("segment").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
}

/// Stored fragments never change; only this person's browser may keep them.
fn kept(bytes: bytes::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("video/mp4").insert_header(("cache-control", "private, max-age=3600")).body(bytes)
}

pub(super) fn playback_problem(error: PlaybackError) -> Problem {
    match error {
        PlaybackError::Nothing => Problem::not_found().because("nothing is recorded of this time"),
        PlaybackError::TooLong { max_ms } => {
            Problem::of(ProblemType::Malformed).because(format!("at most {} minutes at once", max_ms / 60_000))
        }
        PlaybackError::Backwards => Problem::of(ProblemType::Malformed).because("start comes before end"),
        PlaybackError::CodecChange { pieces } => {
            let pieces: Vec<_> = pieces.iter().map(|piece| json!({"start": Moment(piece.start_ms), "end": Moment(piece.end_ms), "codec": piece.codec.as_str(), "width": piece.width, "height": piece.height})).collect();
            Problem::of(ProblemType::Conflict).because("codec or picture size change inside this time").with("pieces", pieces)
        }
        PlaybackError::Segment(error) => {
            tracing::error!(%error, "a recording cannot be read");
            Problem::of(ProblemType::Unavailable).because("the recording cannot be read")
        }
        PlaybackError::Transcode(why) => Problem::of(ProblemType::Unavailable).because(why),
        PlaybackError::Unfinished(error) => Problem::of(ProblemType::Unavailable).because(error.to_string()),
    }
}
