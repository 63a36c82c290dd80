//! `/drafts`: what keeps an officer's drafts from being lost with the phone. The phone encrypts; the server keeps copies it
//! cannot read by themselves, and the officer's keys in a box that it opens only for a login that has just begun.

use actix_web::{HttpResponse, delete, get, post, put, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::limits::CODE_BYTES_MAX;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{BOX_BYTES_MAX, Caller, DraftBox, can};
use crate::http::{Args, Body, Id, Problem, ProblemBody, checked};
use crate::store::StoreError;
use crate::store::drafts::{self, BackupRow, KeysRow};
use crate::store::journal::Act;

/// How old a login may be that opens keys: the password was typed just now.
const FRESH_MS: i64 = 10 * 60_000;
/// Bytes of one copy: a photo of 25 MB and what encryption adds.
const COPY_BYTES_MAX: u64 = 26 * 1024 * 1024;
/// Bytes of all copies of a user.
const USER_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// Copies of a user, drafts and files.
const USER_COPIES_MAX: i64 = 4_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(public_key).service(keep_keys).service(open_keys).service(list).service(keep).service(fetch).service(forget);
}

/// To whom keys are sealed.
#[derive(Debug, Serialize, ToSchema)]
struct PublicKey {
    /// Changes with the key.
    #[schema(example = "8f1c0a4de2b35a77")]
    id: String,
    /// P-256, an uncompressed point in base64.
    public_key: String,
    /// Hash of the box that is kept for the caller; `null` where none is.
    kept_sha256: Option<String>,
}

/// The server's public key, and whether the caller's keys are kept here.
#[utoipa::path(tag = "drafts", responses((status = 200, body = PublicKey)))]
#[get("/drafts/key")]
async fn public_key(app: web::Data<App>, caller: Caller<can::SignedIn>) -> Result<web::Json<PublicKey>, Problem> {
    let ours = DraftBox::of(&app.sealer)?;
    let kept = drafts::keys(&mut app.db.read().await?.conn(), &caller.user_id.to_string()).await?;
    Ok(web::Json(PublicKey { id: ours.id(), public_key: ours.public(), kept_sha256: kept.map(|row| row.sha256) }))
}

/// Keys to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sealed": "BGJveA=="}))]
struct KeepKeys {
    /// A box of the caller's keys: base64 of point, nonce and sealed bytes.
    #[schema(max_length = 8192)]
    sealed: String,
    /// Hash of the box that this one replaces.
    replaces: Option<String>,
}

/// Keeps the caller's keys, sealed. Another box than the one named is 409: two phones made keys, and both must be kept.
#[utoipa::path(tag = "drafts", request_body = KeepKeys, responses((status = 204), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/drafts/key")]
async fn keep_keys(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<KeepKeys>) -> Result<HttpResponse, Problem> {
    let KeepKeys { sealed, replaces } = body.into_inner();
    let mut faults = Faults::new();
    if sealed.is_empty() || sealed.len() > BOX_BYTES_MAX {
        faults.note_at("sealed", "length", format!("1 to {BOX_BYTES_MAX} bytes of base64"));
    }
    checked(faults)?;
    let user_id = caller.user_id.to_string();
    let row = KeysRow { sha256: hex::encode(Sha256::digest(sealed.as_bytes())), sealed };
    let (at, actor) = (app.clock.wall_ms(), caller.actor.clone());
    let same = row.sha256.clone();
    let kept = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let kept = drafts::keep_keys(tx, &user_id, &row, replaces.as_deref(), at).await?;
                if kept {
                    let entity = Some(("user", user_id.as_str()));
                    tx.audit(at, Act { actor: &actor, action: "draft_keys_keep", entity, path: "/", detail: json!({}) }).await?;
                }
                Ok::<_, StoreError>((kept, drafts::keys(tx, &user_id).await?))
            })
        })
        .await?;
    match kept {
        (true, _) => Ok(HttpResponse::NoContent().finish()),
        (false, Some(present)) if present.sha256 == same => Ok(HttpResponse::NoContent().finish()),
        (false, present) => Err(Problem::of(ProblemType::Conflict)
            .because("other keys are kept")
            .with("present", json!({"sha256": present.map(|row| row.sha256)}))),
    }
}

/// A box to be opened beside the one that is kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
struct OpenKeys {
    /// The phone's own box, where it has one.
    #[schema(max_length = 8192)]
    sealed: Option<String>,
}

/// What was in the boxes.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedKeys {
    /// Of the box that was sent, base64; `null` where none was, or where it does not open here.
    opened: Option<String>,
    /// Of the box that is kept, base64.
    kept: Option<String>,
    /// Hash of the box that is kept.
    kept_sha256: Option<String>,
}

/// Opens the caller's keys. Only in the first ten minutes of a login: whoever finds an open phone does not get them.
#[utoipa::path(tag = "drafts", request_body = OpenKeys, responses((status = 200, body = OpenedKeys),
    (status = 412, body = ProblemBody, content_type = "application/problem+json", description = "the login is older than ten minutes: sign in again"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/drafts/key/open")]
async fn open_keys(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<OpenKeys>) -> Result<web::Json<OpenedKeys>, Problem> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let sealed = body.into_inner().sealed;
    let mut faults = Faults::new();
    if sealed.as_ref().is_some_and(|sealed| sealed.len() > BOX_BYTES_MAX) {
        faults.note_at("sealed", "length", format!("at most {BOX_BYTES_MAX} bytes of base64"));
    }
    checked(faults)?;
    let (user_id, at) = (caller.user_id.to_string(), app.clock.wall_ms());
    let (began, kept) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (drafts::login_began(conn, &caller.session_id.to_string()).await?, drafts::keys(conn, &user_id).await?)
    };
    if began.is_none_or(|began| at - began > FRESH_MS) {
        return Err(
            Problem::of(ProblemType::PreconditionFailed).because("sign in again: keys are opened in the first ten minutes of a login")
        );
    }
    let ours = DraftBox::of(&app.sealer)?;
    let open = |sealed: &str| ours.open(&user_id, sealed).ok().map(|keys| STANDARD.encode(keys));
    let answer = OpenedKeys {
        opened: sealed.as_deref().and_then(open),
        kept: kept.as_ref().and_then(|row| open(&row.sealed)),
        kept_sha256: kept.map(|row| row.sha256),
    };
    if answer.opened.is_some() || answer.kept.is_some() {
        let actor = caller.actor.clone();
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    let entity = Some(("user", user_id.as_str()));
                    tx.audit(at, Act { actor: &actor, action: "draft_keys_open", entity, path: "/", detail: json!({}) }).await
                })
            })
            .await
            .map_err(|error: StoreError| Problem::from(error))?;
    }
    Ok(web::Json(answer))
}

/// An encrypted copy.
#[derive(Debug, Serialize, ToSchema)]
struct Backup {
    /// Of the draft, or of the file.
    id: Uuid,
    /// The draft it belongs to.
    draft_id: Uuid,
    #[schema(example = 7)]
    revision: i64,
    device_id: String,
    /// Of the encrypted content.
    sha256: String,
    bytes: i64,
    updated_at: Moment,
}

#[derive(Debug, Serialize, ToSchema)]
struct Backups {
    items: Vec<Backup>,
    /// Bytes of all together.
    bytes: i64,
    /// At most so many.
    bytes_max: i64,
}

fn shown(row: &BackupRow) -> Result<Backup, StoreError> {
    Ok(Backup {
        id: row.id.parse().map_err(StoreError::damaged)?,
        draft_id: row.draft_id.parse().map_err(StoreError::damaged)?,
        revision: row.revision,
        device_id: row.device_id.clone(),
        sha256: row.sha256.clone(),
        bytes: row.bytes,
        updated_at: Moment(row.updated_at),
    })
}

/// The caller's copies, each draft before its files.
#[utoipa::path(tag = "drafts", responses((status = 200, body = Backups)))]
#[get("/drafts")]
async fn list(app: web::Data<App>, caller: Caller<can::DraftsKeep>) -> Result<web::Json<Backups>, Problem> {
    let rows = drafts::backups(&mut app.db.read().await?.conn(), &caller.user_id.to_string(), USER_COPIES_MAX).await?;
    let items = rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(web::Json(Backups { items, bytes: rows.iter().map(|row| row.bytes).sum(), bytes_max: USER_BYTES_MAX }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeepArgs {
    /// The draft it belongs to; its own id where it is the draft.
    #[param(example = "01928f6e-0000-7000-8000-000000000035")]
    draft_id: Uuid,
    /// Counts up with each change; a higher one replaces.
    #[param(minimum = 1, example = 1)]
    revision: i64,
    #[param(max_length = 64, example = "phone-1")]
    device_id: String,
}

/// Keeps a copy. The newest wins by revision: an equal or lower one with other content is 409 with the one that is kept.
#[utoipa::path(tag = "drafts", params(("id" = Uuid, Path, description = "made on the phone", example = "01928f6e-0000-7000-8000-000000000035"), KeepArgs),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The encrypted draft or file; the example is in base64.", example = "c2VhbGVk"),
    responses((status = 200, body = Backup), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "the copy, or all copies of the caller, are too large")))]
#[put("/drafts/{id}")]
async fn keep(
    app: web::Data<App>,
    caller: Caller<can::DraftsKeep>,
    id: Id,
    args: Args<KeepArgs>,
    payload: web::Payload,
) -> Result<web::Json<Backup>, Problem> {
    if args.revision < 1 || args.device_id.is_empty() || args.device_id.len() > CODE_BYTES_MAX || args.device_id.contains('\0') {
        return Err(Problem::of(ProblemType::Malformed).because("revision from 1, device_id of 1 to 64 bytes"));
    }
    let (user_id, id) = (caller.user_id.to_string(), id.to_string());
    let spooled = app.files.spool(payload, COPY_BYTES_MAX).await?;
    let row = BackupRow {
        user_id: user_id.clone(),
        id: id.clone(),
        draft_id: args.draft_id.to_string(),
        revision: args.revision,
        device_id: args.device_id.clone(),
        sha256: spooled.sha256.clone(),
        bytes: i64::try_from(spooled.bytes).unwrap_or(i64::MAX),
        updated_at: app.clock.wall_ms(),
    };
    let before = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (count, bytes) = drafts::used(conn, &user_id, &id).await?;
        if count >= USER_COPIES_MAX || bytes.saturating_add(row.bytes) > USER_BYTES_MAX {
            return Err(Problem::of(ProblemType::TooLarge)
                .because(format!("at most {USER_COPIES_MAX} copies and {USER_BYTES_MAX} bytes a person"))
                .with("bytes", bytes)
                .with("bytes_max", USER_BYTES_MAX));
        }
        drafts::backup(conn, &user_id, &id).await?
    };
    if before.as_ref().is_some_and(|before| before.sha256 == row.sha256 && before.revision >= row.revision) {
        return Ok(web::Json(shown(&row)?));
    }
    app.drafts.put(&user_id, &id, &spooled).await.map_err(crate::files::FilesError::from)?;
    let kept = row.clone();
    let (won, present) = app
        .db
        .write(move |tx| {
            Box::pin(
                async move { Ok::<_, StoreError>((drafts::keep(tx, &kept).await?, drafts::backup(tx, &kept.user_id, &kept.id).await?)) },
            )
        })
        .await?;
    if !won {
        if present.as_ref().is_none_or(|present| present.sha256 != row.sha256) {
            app.drafts.remove(&user_id, &id, &row.sha256).await;
        }
        let present =
            present.map(|present| json!({"revision": present.revision, "sha256": present.sha256, "device_id": present.device_id}));
        return Err(Problem::of(ProblemType::Conflict).because("this revision or a higher one is kept").with("present", present));
    }
    if let Some(before) = before.filter(|before| before.sha256 != row.sha256) {
        app.drafts.remove(&user_id, &id, &before.sha256).await;
    }
    Ok(web::Json(shown(&row)?))
}

/// One copy, as it was encrypted.
#[utoipa::path(tag = "drafts", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000036")),
    responses((status = 200, description = "the encrypted content", content_type = "application/octet-stream"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/drafts/{id}")]
async fn fetch(app: web::Data<App>, caller: Caller<can::DraftsKeep>, id: Id) -> Result<HttpResponse, Problem> {
    let user_id = caller.user_id.to_string();
    let row = drafts::backup(&mut app.db.read().await?.conn(), &user_id, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let content = app.drafts.read(&user_id, &row.id, &row.sha256).await.map_err(|error| match error.kind() {
        // A newer one took its place at this moment: asking again finds it.
        std::io::ErrorKind::NotFound => Problem::of(ProblemType::Unavailable).because("replaced at this moment").with("retry_after_s", 1),
        _ => crate::files::FilesError::from(error).into(),
    })?;
    Ok(HttpResponse::Ok().content_type("application/octet-stream").insert_header(("cache-control", "no-store")).body(content))
}

/// Forgets a draft with its files, or one file: it was sent, or thrown away.
#[utoipa::path(tag = "drafts", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000036")), responses((status = 204, description = "gone, or never there")))]
#[delete("/drafts/{id}")]
async fn forget(app: web::Data<App>, caller: Caller<can::DraftsKeep>, id: Id) -> Result<HttpResponse, Problem> {
    let (user_id, id) = (caller.user_id.to_string(), id.to_string());
    let owner = user_id.clone();
    let gone = app.db.write(move |tx| Box::pin(async move { drafts::forget(tx, &owner, &id).await })).await;
    let gone: Vec<(String, String)> = gone.map_err(|error: StoreError| Problem::from(error))?;
    for (id, sha256) in &gone {
        app.drafts.remove(&user_id, id, sha256).await;
    }
    Ok(HttpResponse::NoContent().finish())
}
