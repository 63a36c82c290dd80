//! `/cameras`: what people say of cameras, and how they are.

use actix_web::{HttpResponse, get, patch, post, web};
use media::{ProbeError, Secret, SourceSpec, Transport};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, Sealer, can};
use crate::domain::camera::{CameraTransport, SourceUrl, SourceUrlError, Zone};
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::Conn;
use crate::store::cameras::{self, CameraData, CameraFilter, CameraRow, CameraSort};
use crate::store::journal::Act;
use crate::store::premises;

const NAME_LIMIT: usize = 100;
const CREDENTIAL_LIMIT: usize = 200;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    // `test` before `{id}`: the first that matches answers.
    config.service(list).service(create).service(test).service(read).service(change);
}

/// A camera. Its password is never returned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Camera {
    id: String,
    name: String,
    premises_id: String,
    premises_name: String,
    organization_id: String,
    /// Never with user information.
    source_url: String,
    /// The smaller stream for the analysis and the wall.
    sub_source_url: Option<String>,
    username: Option<String>,
    has_password: bool,
    transport: String,
    zone: Option<String>,
    enabled: bool,
    /// disabled, connecting, recording, degraded or offline
    state: String,
    /// none, refused, no_route, timeout, unauthorized, not_found, stalled, not_video, unsupported_codec, bad_stream, no_key_frame, disk, address_not_allowed, untrusted_certificate, closed, disabled, internal
    state_reason: String,
    /// In plain words.
    state_detail: String,
    state_since: Moment,
    codec: Option<String>,
    /// Pixels.
    width: Option<i64>,
    height: Option<i64>,
    /// Frames a second.
    fps: Option<f64>,
    key_frame_interval_ms: Option<i64>,
    /// Bits a second.
    bit_rate: Option<i64>,
    last_picture_at: Option<Moment>,
    open_alerts: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<CameraRow> for Camera {
    fn from(row: CameraRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            organization_id: row.organization_id,
            source_url: row.source_url,
            sub_source_url: row.sub_source_url,
            username: row.username,
            has_password: row.password_sealed.is_some(),
            transport: row.transport,
            zone: row.zone,
            enabled: row.enabled,
            state: row.state,
            state_reason: row.state_reason,
            state_detail: row.state_detail,
            state_since: Moment(row.state_since),
            codec: row.codec,
            width: row.width,
            height: row.height,
            fps: row.fps,
            key_frame_interval_ms: row.key_frame_interval_ms,
            bit_rate: row.bit_rate,
            last_picture_at: row.last_picture_at.map(Moment),
            open_alerts: row.open_alerts,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    /// Part of the camera's or the premises' name, pinyin or initials.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    premises_id: Option<Uuid>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    #[param(inline)]
    state: Option<StateArg>,
    zone: Option<Zone>,
    /// name, -name or state_since (longest first)
    #[param(inline)]
    sort: Option<SortArg>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateArg {
    Disabled,
    Connecting,
    Recording,
    Degraded,
    Offline,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum SortArg {
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "state_since")]
    StateSince,
}

impl ListArgs {
    pub(super) fn filter(&self) -> CameraFilter {
        CameraFilter {
            text: self.q.clone().map(String::from),
            premises_id: self.premises_id.map(|id| id.to_string()),
            organization_id: self.organization_id.map(|id| id.to_string()),
            state: self.state.map(|state| format!("{state:?}").to_lowercase()),
            zone: self.zone.map(|zone| zone.as_str().to_owned()),
        }
    }
}

/// Cameras of the caller's part of the tree.
#[utoipa::path(tag = "cameras", params(ListArgs), responses((status = 200, body = Listed<Camera>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras")]
async fn list(app: web::Data<App>, caller: Caller<can::CamerasRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<Camera>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = args.filter();
    let sort = match args.sort {
        None | Some(SortArg::Name) => CameraSort::Name,
        Some(SortArg::NameDescending) => CameraSort::NameDescending,
        Some(SortArg::StateSince) => CameraSort::StateSince,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = cameras::list(conn, &caller.scope(), &filter, sort, &page).await?;
    let counted = cameras::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| cameras::sort_key(row, sort));
    Ok(web::Json(listed(rows.into_iter().map(Camera::from).collect(), next, counted)))
}

/// Reads a member that was sent: `null` clears, absence keeps.
fn sent<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A camera to add, or what to change of one. Members that are absent stay; `null` clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"name": "烹饪区 1", "premises_id": "01928f6e-0000-7000-8000-000000000001", "source_url": "rtsp://192.168.1.64/Streaming/Channels/101", "username": "admin", "password": "camera-password", "zone": "cooking"}))]
pub(super) struct CameraInput {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    premises_id: Option<String>,
    /// rtsp, rtsps, rtsph (RTSP through HTTP), rtspsh (the same with TLS), rtmp, srt, http(s) (HLS), file, test or v4l2. Credentials in
    /// it are moved to `username` and `password`, an SRT passphrase too. `srt://:7001?mode=listener` waits for a camera that calls, as
    /// `rtmp://:7002/live?mode=listener` does; its password is the passphrase, or the stream key. `#certificate=` and a SHA-256 (or `any`) behind rtsps trusts a certificate that no authority vouches for.
    #[schema(max_length = 2000)]
    source_url: Option<String>,
    /// A smaller stream of the same view, for the analysis and the wall; at the same host, with the same user name and password.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    sub_source_url: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 200)]
    username: Option<Option<String>>,
    /// Kept sealed, never returned.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 200)]
    password: Option<Option<String>>,
    transport: Option<CameraTransport>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Zone>)]
    zone: Option<Option<Zone>>,
    enabled: Option<bool>,
    /// Sound is never recorded: `true` is refused.
    audio: Option<bool>,
    /// The version that was read; only when changing.
    version: Option<i64>,
}

impl CameraInput {
    /// What is to be stored: this input over what there is. Looks the premises up in the caller's scope.
    pub(super) async fn over(
        self,
        conn: &mut Conn<'_>,
        scope: &Scope,
        sealer: &Sealer,
        id: String,
        present: Option<&CameraRow>,
    ) -> Result<CameraData, Problem> {
        let mut faults = Faults::new();
        let name = self.name.or_else(|| present.map(|row| row.name.clone())).unwrap_or_default();
        faults.text("name", &name, NAME_LIMIT);
        let premises_id = self.premises_id.or_else(|| present.map(|row| row.premises_id.clone()));
        let premises = match &premises_id {
            Some(id) => premises::get(conn, scope, id).await?,
            None => None,
        };
        if premises.is_none() {
            let code = if premises_id.is_some() { "unknown" } else { "required" };
            faults.note_at("premises_id", code, "the premises it belongs to");
        }
        let source = self.source_url.as_deref().map(|text| source_url(&mut faults, text));
        if source.is_none() && present.is_none() {
            faults.note_at("source_url", "required", "where its stream comes from");
        }
        let sub_source_url = match &self.sub_source_url {
            Some(text) => text.as_deref().map(str::trim).filter(|text| !text.is_empty()).and_then(|text| sub_source(&mut faults, text)),
            None => present.and_then(|row| row.sub_source_url.clone()),
        };
        let main = source.as_ref().map(|source| source.as_ref().map(|source| source.url.to_string()));
        let main = main.unwrap_or_else(|| present.map(|row| row.source_url.clone()));
        if let (Some(main), Some(sub)) = (&main, &sub_source_url)
            && !same_host(main, sub)
        {
            faults.note_at("sub_source_url", "other_host", "at the same host as source_url: the password is for that one");
        }
        for (field, text) in [("username", &self.username), ("password", &self.password)] {
            faults.optional_text(field, text.as_ref().and_then(Option::as_deref), CREDENTIAL_LIMIT);
        }
        if self.audio == Some(true) {
            faults.note_at("audio", "out_of_range", "sound is not recorded, video only: leave it out, or false");
        }
        let waits = main.as_deref().and_then(|main| SourceUrl::parse(main).ok()).is_some_and(|source| source.listens());
        if waits {
            let in_url = source.as_ref().and_then(|source| source.as_ref()?.password.as_deref());
            let stored = present.is_some_and(|row| row.password_sealed.is_some());
            key(&mut faults, self.password.as_ref().map_or(in_url, |sent| sent.as_deref()), stored && self.password.is_none());
        }
        checked(faults)?;
        let source = source.flatten();
        let given = |sent: Option<Option<String>>, in_url: Option<String>| {
            sent.map(|text| text.filter(|text| !text.is_empty())).or_else(|| in_url.map(Some))
        };
        let (in_url_name, in_url_password) =
            source.as_ref().map_or((None, None), |source| (source.username.clone(), source.password.clone()));
        let password_sealed = match given(self.password, in_url_password) {
            None => present.and_then(|row| row.password_sealed.clone()),
            Some(None) => None,
            Some(Some(password)) => Some(sealer.seal(&purpose(&id), password.as_bytes())?),
        };
        let premises = premises.ok_or_else(Problem::not_found)?;
        Ok(CameraData {
            id,
            premises_id: premises.id,
            path: premises.path,
            name: name.trim().to_owned(),
            sub_source_url,
            source_url: source
                .map(|source| source.url.to_string())
                .or_else(|| present.map(|row| row.source_url.clone()))
                .unwrap_or_default(),
            username: given(self.username, in_url_name).unwrap_or_else(|| present.and_then(|row| row.username.clone())),
            password_sealed,
            transport: self
                .transport
                .map(|transport| transport.as_str().to_owned())
                .or_else(|| present.map(|row| row.transport.clone()))
                .unwrap_or_else(|| "auto".to_owned()),
            zone: match self.zone {
                Some(zone) => zone.map(|zone| zone.as_str().to_owned()),
                None => present.and_then(|row| row.zone.clone()),
            },
            enabled: self.enabled.unwrap_or_else(|| present.is_none_or(|row| row.enabled)),
        })
    }
}

/// What a camera's password is sealed for.
pub(crate) fn purpose(camera_id: &str) -> String {
    format!("camera:{camera_id}")
}

/// Notes what is wrong with the key of a camera that calls: without one anybody could show any picture.
fn key(faults: &mut Faults, given: Option<&str>, stored: bool) {
    match given.filter(|key| !key.is_empty()) {
        Some(key) if SourceUrl::KEY_BYTES.contains(&key.len()) => {}
        None if stored => {}
        _ => faults.note_at("password", "length", "the key of a camera that calls: 10 to 79 characters"),
    }
}

fn same_host(main: &str, sub: &str) -> bool {
    let host = |text: &str| text.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    host(main) == host(sub)
}

/// The address of a sub-stream: as a camera's, but without credentials of its own.
fn sub_source(faults: &mut Faults, text: &str) -> Option<String> {
    match SourceUrl::parse(text) {
        Ok(source) if source.username.is_none() && source.password.is_none() => Some(source.url.into()),
        Ok(_) => {
            faults.note_at("sub_source_url", "credentials", "without user name and password: those of the camera are used");
            None
        }
        Err(SourceUrlError::Scheme) => {
            faults.note_at("sub_source_url", "scheme", format!("one of {}", SourceUrl::SCHEMES.join(", ")));
            None
        }
        Err(SourceUrlError::Format) => {
            faults.note_at("sub_source_url", "format", "an address such as rtsp://192.168.1.64/sub, at most 2,000 characters");
            None
        }
    }
}

fn source_url(faults: &mut Faults, text: &str) -> Option<SourceUrl> {
    match SourceUrl::parse(text) {
        Ok(source) => Some(source),
        Err(SourceUrlError::Scheme) => {
            faults.note_at("source_url", "scheme", format!("one of {}", SourceUrl::SCHEMES.join(", ")));
            None
        }
        Err(SourceUrlError::Format) => {
            faults.note_at("source_url", "format", "an address such as rtsp://192.168.1.64/stream, at most 2,000 characters");
            None
        }
    }
}

/// Adds a camera; recording begins at once unless it is not enabled.
#[utoipa::path(tag = "cameras", request_body = CameraInput,
    responses((status = 201, body = Camera), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras")]
async fn create(app: web::Data<App>, caller: Caller<can::CamerasManage>, body: Body<CameraInput>) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, sealer, body) =
        (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), app.sealer.clone(), body.into_inner());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let data = body.over(tx, &scope, &sealer, Uuid::now_v7().to_string(), None).await?;
                cameras::insert(tx, &data, at).await?;
                let detail = json!({"name": data.name, "source_url": data.source_url});
                tx.audit(at, Act { actor: &actor, action: "create", entity: Some(("camera", &data.id)), path: &data.path, detail }).await?;
                cameras::get(tx, &scope, &data.id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    app.cameras_changed.notify_one();
    Ok(HttpResponse::Created().json(Camera::from(row)))
}

/// One camera.
#[utoipa::path(tag = "cameras", params(("id" = String, Path)), responses((status = 200, body = Camera), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::CamerasRead>, id: Id) -> Result<web::Json<Camera>, Problem> {
    let row = cameras::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?;
    Ok(web::Json(row.ok_or_else(Problem::not_found)?.into()))
}

/// Changes a camera. A changed source, password or switch restarts it.
#[utoipa::path(tag = "cameras", params(("id" = String, Path)), request_body(content = CameraInput, example = json!({"name": "烹饪区 2", "version": 1})),
    responses((status = 200, body = Camera), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/cameras/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::CamerasManage>,
    id: Id,
    body: Body<CameraInput>,
) -> Result<web::Json<Camera>, Problem> {
    let (scope, actor, at, sealer, id, body) =
        (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), app.sealer.clone(), id.to_string(), body.into_inner());
    let version = body.version.ok_or_else(|| Problem::field("/version", "required", "the version that was read"))?;
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = cameras::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let data = body.over(tx, &scope, &sealer, id.clone(), Some(&row)).await?;
                if !cameras::update(tx, &data, version, at).await? {
                    return Err(Problem::stale(Camera::from(row)));
                }
                let detail = json!({"name": data.name, "source_url": data.source_url, "enabled": data.enabled, "password_changed": data.password_sealed != row.password_sealed});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("camera", &id)), path: &data.path, detail }).await?;
                cameras::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    app.cameras_changed.notify_one();
    Ok(web::Json(row.into()))
}

/// A source to look at: an address with credentials, or a camera that is stored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"source_url": "rtsp://127.0.0.1:1/none", "username": "admin", "password": "camera-password"}))]
struct TestRequest {
    #[schema(max_length = 2000)]
    source_url: Option<String>,
    #[schema(max_length = 200)]
    username: Option<String>,
    #[schema(max_length = 200)]
    password: Option<String>,
    transport: Option<CameraTransport>,
    /// Uses what is stored of this camera where the request itself says nothing.
    camera_id: Option<Uuid>,
}

/// What a source gave, or what is wrong with it.
#[derive(Debug, Default, Serialize, ToSchema)]
struct TestAnswer {
    ok: bool,
    /// no_route, refused, timeout, wrong_password, wrong_path, not_video, unsupported_codec, address_not_allowed, untrusted_certificate, bad_stream
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_frame_interval_ms: Option<u64>,
    /// A JPEG as a data: address.
    #[serde(skip_serializing_if = "Option::is_none")]
    still: Option<String>,
}

/// Connects to a source and says what it gives, or in plain words what is wrong. Takes up to 15 s, and 5 s more for its picture.
#[utoipa::path(tag = "cameras", request_body = TestRequest,
    responses((status = 200, body = TestAnswer), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/test")]
async fn test(app: web::Data<App>, caller: Caller<can::CamerasTest>, body: Body<TestRequest>) -> Result<web::Json<TestAnswer>, Problem> {
    let body = body.into_inner();
    let stored = match body.camera_id {
        Some(id) => {
            Some(cameras::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?)
        }
        None => None,
    };
    let mut faults = Faults::new();
    let address = body.source_url.as_deref().or_else(|| stored.as_ref().map(|row| row.source_url.as_str()));
    if address.is_none() {
        faults.note_at("source_url", "required", "an address, or the id of a camera");
    }
    faults.optional_text("username", body.username.as_deref(), CREDENTIAL_LIMIT);
    faults.optional_text("password", body.password.as_deref(), CREDENTIAL_LIMIT);
    let source = address.and_then(|text| source_url(&mut faults, text));
    checked(faults)?;
    let Some(source) = source else { return Err(Problem::not_found()) };
    let engine = app.engine.clone().ok_or_else(|| Problem::of(ProblemType::Unavailable).because("this node records no cameras"))?;
    // A stored password only ever goes to the address it was stored for.
    let same_address = stored.as_ref().is_some_and(|row| row.source_url == source.url.as_str());
    let stored_password = match stored.as_ref().filter(|_| same_address) {
        Some(row) => row.password_sealed.as_deref().map(|sealed| app.sealer.open_sealed(&purpose(&row.id), sealed)).transpose()?,
        None => None,
    };
    let spec = SourceSpec {
        username: body
            .username
            .or(source.username)
            .or_else(|| stored.as_ref().filter(|_| same_address).and_then(|row| row.username.clone())),
        password: body
            .password
            .or(source.password)
            .or_else(|| stored_password.and_then(|bytes| String::from_utf8(bytes).ok()))
            .map(Secret::new),
        transport: match body.transport {
            Some(CameraTransport::Tcp) => Transport::Tcp,
            Some(CameraTransport::Udp) => Transport::Udp,
            Some(CameraTransport::Multicast) => Transport::Multicast,
            _ => Transport::Auto,
        },
        url: source.url,
    };
    let (actor, at, address) = (caller.actor.clone(), app.clock.wall_ms(), spec.address());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                tx.audit(at, Act { actor: &actor, action: "camera_test", entity: None, path: "/", detail: json!({"source_url": address}) })
                    .await
            })
        })
        .await?;
    Ok(web::Json(match engine.probe(spec).await {
        Ok(report) => TestAnswer {
            ok: true,
            codec: Some(report.codec.as_str()),
            width: Some(report.width),
            height: Some(report.height),
            fps: Some(report.fps),
            key_frame_interval_ms: report.key_frame_interval_ms,
            still: report.still_jpeg.map(|jpeg| {
                use base64::Engine as _;
                format!("data:image/jpeg;base64,{}", base64::engine::general_purpose::STANDARD.encode(jpeg))
            }),
            ..TestAnswer::default()
        },
        Err(ProbeError { problem, detail }) => TestAnswer { problem: Some(problem), detail: Some(detail), ..TestAnswer::default() },
    }))
}
