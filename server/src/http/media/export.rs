//! Recorded video that leaves the system: with its signed manifest, who took it and why, noted in the audit log.

use actix_web::{HttpResponse, get, web};
use futures::TryStreamExt as _;
use media::playback::Export;
use media::playback::statement::STATEMENT_LEN_MAX;
use media::{Hidden, Mark};
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::recording::{FILE_MS_MAX, StretchArgs, broke_off, describe, playback_problem};
use super::{camera, engine, hidden, stretch, transcode_problem};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar;
use crate::domain::permission::Permission;
use crate::domain::text::line;
use crate::evidence::{Evidence, Manifest, MarkedEvidence, Named, Purpose};
use crate::http::{Args, Id, Problem, ProblemBody};
use crate::store::cameras::CameraRow;
use crate::store::journal::{Act, Actor};

/// Longest copy in which parts are hidden, ms: every picture is looked at.
const HIDDEN_MS_MAX: u64 = 10 * 60_000;
/// Characters of a reason.
const REASON_MAX: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(manifest);
}

/// What is to leave the system.
struct Taken {
    export: Export,
    row: CameraRow,
    actor: Actor,
    purpose: Purpose,
}

/// Looks whether it may leave, and finds it.
async fn take(app: &App, caller: &Caller<can::VideoRecorded>, id: Uuid, args: &StretchArgs) -> Result<Taken, Problem> {
    let (start, end) = stretch(&args.start, &args.end, FILE_MS_MAX)?;
    let reason = reason(args.reason.as_deref())?;
    let row = camera(app, &caller.scope(), id).await?;
    if !caller.access.may_at(Permission::VideoExport, &row.path) {
        return Err(Problem::forbidden());
    }
    let export = engine(app)?.export(id, start, end).await.map_err(playback_problem)?;
    let at_ms = app.clock.wall_ms();
    let actor = caller.actor.clone();
    let purpose = Purpose {
        camera: Named { id: Some(row.id.clone()), name: row.name.clone() },
        premises: Named { id: Some(row.premises_id.clone()), name: row.premises_name.clone() },
        by: Named { id: actor.id.map(|id| id.to_string()), name: actor.name.clone() },
        reason,
        alert_id: None,
        at_ms,
    };
    Ok(Taken { export, row, actor, purpose })
}

/// Notes an export in the audit log.
async fn note(app: &App, row: CameraRow, actor: Actor, at_ms: i64, detail: Value) -> Result<(), Problem> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                tx.audit(at_ms, Act { actor: &actor, action: "export", entity: Some(("camera", &row.id)), path: &row.path, detail }).await
            })
        })
        .await?;
    Ok(())
}

/// Notes the export and prepares its file.
async fn evidence(app: &App, caller: &Caller<can::VideoRecorded>, id: Uuid, args: &StretchArgs) -> Result<Evidence, Problem> {
    let Taken { export, row, actor, purpose } = take(app, caller, id, args).await?;
    let evidence = Evidence::new(export, &purpose, &app.keys);
    let detail = json!({"export_id": evidence.id(), "start": Moment(evidence.export().start_ms()), "end": Moment(evidence.export().end_ms()),
        "bytes": evidence.len(), "reason": purpose.reason});
    note(app, row, actor, purpose.at_ms, detail).await?;
    Ok(evidence)
}

fn reason(text: Option<&str>) -> Result<String, Problem> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(String::new()),
        Some(text) => line(text, REASON_MAX)
            .map_err(|_| Problem::of(ProblemType::Malformed).because("reason has at most 500 characters and no control characters")),
    }
}

/// The file itself, whole: its manifest is made while it is sent, so a part of it could not be had later.
pub(super) async fn clip(app: &App, caller: &Caller<can::VideoRecorded>, id: Uuid, args: &StretchArgs) -> Result<HttpResponse, Problem> {
    let evidence = evidence(app, caller, id, args).await?;
    let mut response = HttpResponse::Ok();
    describe(&mut response, evidence.export());
    let filename = format!("{id}-{}.mp4", evidence.export().start_ms());
    response
        .insert_header(("content-disposition", format!("attachment; filename=\"{filename}\"")))
        .insert_header(("x-export-id", evidence.id().to_string()));
    Ok(response.no_chunking(evidence.len()).streaming(evidence.file().map_err(broke_off)))
}

/// A copy with a mark in every picture: what of it is seen says from where it is, when each picture was taken and who took
/// it along. Made while it is sent, so its length is not known before.
pub(super) async fn marked_copy(
    app: &App,
    caller: &Caller<can::VideoRecorded>,
    id: Uuid,
    args: &StretchArgs,
    named: bool,
    hidden: Option<Hidden>,
) -> Result<HttpResponse, Problem> {
    let Taken { export, row, actor, purpose } = take(app, caller, id, args).await?;
    if hidden.is_some() && export.duration_ms() > HIDDEN_MS_MAX {
        return Err(Problem::of(ProblemType::Malformed).because(format!("at most {} minutes at once", HIDDEN_MS_MAX / 60_000)));
    }
    let export_id = Uuid::now_v7();
    let noted = hidden.as_ref().map(hidden::noted);
    let mark = mark(export_id, &purpose, named, hidden.clone());
    let lines = mark.shown();
    let copy = engine(app)?.mark(export.clone(), mark).await.map_err(transcode_problem)?;
    let detail = json!({"export_id": export_id, "start": Moment(export.start_ms()), "end": Moment(export.end_ms()),
        "marked": named, "hidden": &noted, "reason": purpose.reason});
    note(app, row, actor, purpose.at_ms, detail).await?;
    let evidence = MarkedEvidence::new(export_id, copy, &export, lines, &purpose, &app.keys).hiding(hidden.as_ref());
    let mut response = HttpResponse::Ok();
    describe(&mut response, &export);
    response
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{id}-{}-{}.mp4\"", export.start_ms(), if noted.is_some() { "hidden" } else { "marked" }),
        ))
        // Video is not made smaller by packing it, and what is packed waits to be whole.
        .insert_header(("content-encoding", "identity"))
        .insert_header(("x-export-id", export_id.to_string()));
    Ok(response.streaming(evidence.file().map_err(broke_off)))
}

fn mark(export_id: Uuid, purpose: &Purpose, named: bool, hidden: Option<Hidden>) -> Mark {
    let utc_offset_s = calendar::utc_offset_s(purpose.at_ms);
    let place = format!("{} · {}", purpose.premises.name, purpose.camera.name);
    let at = Moment(purpose.at_ms.saturating_add(i64::from(utc_offset_s) * 1000)).to_string();
    let at = at.get(..16).unwrap_or(&at).replace('T', " ");
    // The last digits: the first are the time, which is the same for whatever is exported in one minute.
    let number = export_id.simple().to_string();
    let number = number.get(number.len().saturating_sub(8)..).unwrap_or_default();
    let mut lines = vec![place];
    if hidden.is_some() {
        // What is published names nobody who need not be named.
        lines.push(format!("已作遮挡，非原始录像 · {number}"));
    }
    if named || hidden.is_none() {
        lines.push(format!("导出 {} {at} · {number}", purpose.by.name));
    }
    Mark { lines, utc_offset_s, hidden }
}

/// A signed manifest.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes crate::evidence::Document, which keeps the manifest as it was signed")]
struct SignedManifest {
    manifest: Manifest,
    /// Ed25519 over the manifest's canonical JSON (RFC 8785), base64.
    signature: String,
}

/// The signed manifest of a stretch without its video, for files that were exported without one. It names the file that
/// `recording.mp4` gives without `download`, byte for byte, and each fragment's sample data. Noted as an export.
#[utoipa::path(tag = "video", params(("id" = String, Path), StretchArgs),
    responses((status = 200, body = SignedManifest), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/recording.manifest.json")]
async fn manifest(
    app: web::Data<App>,
    caller: Caller<can::VideoRecorded>,
    id: Id,
    args: Args<StretchArgs>,
) -> Result<HttpResponse, Problem> {
    let evidence = evidence(&app, &caller, *id, &args).await?;
    let begins = evidence.export().len();
    let mut file = evidence.file();
    let (mut at, mut document) = (0, Vec::new());
    while let Some(bytes) = file.try_next().await.map_err(playback_problem)? {
        // The document is the last piece, and comes in one.
        if at >= begins && document.len() < STATEMENT_LEN_MAX {
            document.extend_from_slice(media::playback::statement::inside(&bytes));
        }
        at += bytes.len() as u64;
    }
    Ok(HttpResponse::Ok().content_type("application/json").insert_header(("cache-control", "private, no-store")).body(document))
}
