//! Help in finding a camera's address: which cameras there are, what one says of itself, how makers' addresses look.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use actix_web::{get, post, web};
use media::source::onvif::discovery::{Found, PORT};
use media::source::onvif::{Device, Profile, Role, device_url};
use media::{ProbeError, Secret};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::address_pattern::{self, AddressPattern};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::cameras;
use crate::store::journal::Act;

const CREDENTIAL_LIMIT: usize = 200;
const ADDRESS_LIMIT: usize = 500;
/// How long answers are waited for unless said otherwise, s.
const WAIT_S: u64 = 3;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(address_patterns).service(discover).service(describe).service(health);
}

#[derive(Debug, Serialize, ToSchema)]
struct AddressPatterns {
    items: Vec<AddressPattern>,
}

/// How the addresses of common makers' cameras look; `{host}`, `{port}` and `{channel}` are to be replaced.
#[utoipa::path(tag = "cameras", responses((status = 200, body = AddressPatterns)))]
#[get("/cameras/address-patterns")]
async fn address_patterns(_caller: Caller<can::CamerasRead>) -> web::Json<AddressPatterns> {
    web::Json(AddressPatterns { items: address_pattern::all().to_vec() })
}

/// Whom to ask.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"address": "127.0.0.1:1", "wait_s": 1}))]
struct DiscoverRequest {
    /// One device, as an IP address with or without a port; without it the whole local network is asked.
    #[schema(max_length = 100)]
    address: Option<String>,
    /// How long answers are waited for, s.
    #[schema(minimum = 1, maximum = 10)]
    wait_s: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FoundDevices {
    items: Vec<FoundDevice>,
    /// Why nobody could be asked; absent where somebody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A device that answered.
#[derive(Debug, Serialize, ToSchema)]
struct FoundDevice {
    ip: String,
    /// For `POST /cameras/onvif`.
    address: String,
    name: Option<String>,
    hardware: Option<String>,
}

impl From<Found> for FoundDevice {
    fn from(found: Found) -> Self {
        Self { ip: found.ip.to_string(), address: found.url.to_string(), name: found.name, hardware: found.hardware }
    }
}

/// Asks the local network which ONVIF cameras there are (WS-Discovery). Only allowed networks are asked, and only now.
#[utoipa::path(tag = "cameras", request_body = DiscoverRequest,
    responses((status = 200, body = FoundDevices), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/discover")]
async fn discover(
    app: web::Data<App>,
    caller: Caller<can::CamerasManage>,
    body: Body<DiscoverRequest>,
) -> Result<web::Json<FoundDevices>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    let device = body.address.as_deref().map(str::trim).map(socket_address);
    if device == Some(None) {
        faults.note_at("address", "format", "an IP address such as 192.168.1.64");
    }
    let wait_s = body.wait_s.unwrap_or(WAIT_S);
    if !(1..=10).contains(&wait_s) {
        faults.note_at("wait_s", "range", "1 to 10 s");
    }
    checked(faults)?;
    let engine = app.engine.clone().ok_or_else(|| Problem::of(ProblemType::Unavailable).because("this node records no cameras"))?;
    note(&app, &caller.actor, "camera_discover", json!({"address": body.address})).await?;
    Ok(web::Json(match engine.discover(device.flatten(), Duration::from_secs(wait_s)).await {
        Ok(found) => FoundDevices { items: found.into_iter().map(FoundDevice::from).collect(), problem: None, detail: None },
        Err(error) => {
            let ProbeError { problem, detail } = error.into();
            FoundDevices { items: Vec::new(), problem: Some(problem), detail: Some(detail) }
        }
    }))
}

fn socket_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| (ip, PORT).into()))
}

/// A device to ask.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"address": "127.0.0.1:1", "username": "admin", "password": "camera-password"}))]
struct OnvifRequest {
    /// `192.168.1.64`, `192.168.1.64:8000` or the whole address of its device service.
    #[schema(min_length = 1, max_length = 500)]
    address: Option<String>,
    #[schema(max_length = 200)]
    username: Option<String>,
    #[schema(max_length = 200)]
    password: Option<String>,
}

/// What a device says of itself, or what is wrong.
#[derive(Debug, Default, Serialize, ToSchema)]
struct OnvifAnswer {
    ok: bool,
    /// no_route, refused, timeout, wrong_password, wrong_path, not_video, address_not_allowed, bad_stream
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    /// In plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    firmware: Option<String>,
    /// The device's clock minus the server's, ms.
    clock_offset_ms: Option<i64>,
    /// The largest picture first.
    profiles: Vec<OnvifProfile>,
    /// It has more profiles than are listed.
    more: bool,
}

/// One stream of a device.
#[derive(Debug, Serialize, ToSchema)]
struct OnvifProfile {
    token: String,
    name: String,
    /// h264, h265, jpeg or what the device says
    codec: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    /// Frames a second at most.
    fps: Option<f64>,
    /// Bits a second at most.
    bit_rate: Option<u64>,
    /// For a camera's `source_url`; without credentials.
    stream_url: Option<String>,
    snapshot_url: Option<String>,
    /// main (for the record), sub (for analysis and the wall) or null
    role: Option<&'static str>,
    /// Why there is no stream address, in words.
    problem: Option<String>,
}

impl From<Profile> for OnvifProfile {
    fn from(profile: Profile) -> Self {
        Self {
            token: profile.token,
            name: profile.name,
            codec: profile.codec,
            width: profile.width,
            height: profile.height,
            fps: profile.fps,
            bit_rate: profile.bit_rate,
            stream_url: profile.stream_url.map(String::from),
            snapshot_url: profile.snapshot_url.map(String::from),
            role: profile.role.map(|role| match role {
                Role::Main => "main",
                Role::Sub => "sub",
            }),
            problem: profile.problem,
        }
    }
}

/// Asks an ONVIF device for its streams, its clock and what it is. Takes up to 40 s; answers of a device that lead to
/// another host are not followed.
#[utoipa::path(tag = "cameras", request_body = OnvifRequest,
    responses((status = 200, body = OnvifAnswer), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/onvif")]
async fn describe(
    app: web::Data<App>,
    caller: Caller<can::CamerasManage>,
    body: Body<OnvifRequest>,
) -> Result<web::Json<OnvifAnswer>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    let address = body.address.unwrap_or_default();
    faults.text("address", &address, ADDRESS_LIMIT);
    faults.optional_text("username", body.username.as_deref(), CREDENTIAL_LIMIT);
    faults.optional_text("password", body.password.as_deref(), CREDENTIAL_LIMIT);
    let url = device_url(&address).ok();
    if url.is_none() && !address.is_empty() {
        faults.note_at("address", "format", "an address such as 192.168.1.64 or 192.168.1.64:8000");
    }
    checked(faults)?;
    let Some(url) = url else { return Err(Problem::not_found()) };
    let engine = app.engine.clone().ok_or_else(|| Problem::of(ProblemType::Unavailable).because("this node records no cameras"))?;
    note(&app, &caller.actor, "camera_describe", json!({"address": url.as_str()})).await?;
    let login = body.username.map(|username| (username, Secret::new(body.password.unwrap_or_default())));
    Ok(web::Json(match engine.describe_device(&url, login).await {
        Ok(Device { manufacturer, model, firmware, clock_offset_ms, profiles, more }) => OnvifAnswer {
            ok: true,
            manufacturer,
            model,
            firmware,
            clock_offset_ms,
            profiles: profiles.into_iter().map(OnvifProfile::from).collect(),
            more,
            ..OnvifAnswer::default()
        },
        Err(error) => {
            let ProbeError { problem, detail } = error.into();
            OnvifAnswer { problem: Some(problem), detail: Some(detail), ..OnvifAnswer::default() }
        }
    }))
}

/// How a camera's stream is now, as the recorder measures it.
#[derive(Debug, Default, Serialize, ToSchema)]
struct CameraHealth {
    /// Whether this node records the camera; the rest is null where it does not.
    known: bool,
    /// disabled, connecting, recording, degraded or offline
    state: Option<&'static str>,
    state_since: Option<Moment>,
    last_picture_at: Option<Moment>,
    /// Bits a second.
    bit_rate: Option<u64>,
    /// Frames a second.
    fps: Option<f64>,
    key_frame_interval_ms: Option<u64>,
    /// Connections made again since the program started or the camera was added.
    reconnects: Option<u64>,
    /// The same in the last hour.
    reconnects_last_hour: Option<u64>,
    /// Packets (RTSP) or pictures that were lost on the way since the program started or the camera was added.
    lost: Option<u64>,
    /// The same in the last hour.
    lost_last_hour: Option<u64>,
    /// How unevenly pictures arrive, ms.
    jitter_ms: Option<f64>,
    /// The camera's clock minus the server's, ms; null until the camera told its time.
    clock_offset_ms: Option<i64>,
    /// main, sub, or main_instead: the main stream because the sub-stream does not come
    analysis_stream: Option<&'static str>,
}

/// How a camera's stream is now: rates, losses, jitter, reconnects, clock.
#[utoipa::path(tag = "cameras", params(("id" = String, Path)), responses((status = 200, body = CameraHealth), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/health")]
async fn health(app: web::Data<App>, caller: Caller<can::CamerasRead>, id: Id) -> Result<web::Json<CameraHealth>, Problem> {
    let row = cameras::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let status = row.id.parse().ok().and_then(|camera| app.engine.as_ref()?.status(camera));
    let Some(status) = status else { return Ok(web::Json(CameraHealth::default())) };
    let stream = status.stream.as_ref();
    Ok(web::Json(CameraHealth {
        known: true,
        state: Some(status.state.as_str()),
        state_since: Some(Moment(status.since_ms)),
        last_picture_at: status.last_picture_ms.map(Moment),
        bit_rate: stream.map(|stream| stream.bit_rate),
        fps: stream.map(|stream| stream.fps),
        key_frame_interval_ms: stream.map(|stream| stream.key_frame_interval_ms),
        reconnects: Some(status.reconnects),
        reconnects_last_hour: Some(status.reconnects_last_hour),
        lost: Some(status.lost),
        lost_last_hour: Some(status.lost_last_hour),
        jitter_ms: Some((status.jitter_ms * 10.0).round() / 10.0),
        clock_offset_ms: status.clock_offset_ms,
        analysis_stream: Some(status.analysis_stream.as_str()),
    }))
}

/// Whoever has the server speak to devices leaves a trace.
async fn note(app: &App, actor: &crate::store::journal::Actor, action: &'static str, detail: serde_json::Value) -> Result<(), Problem> {
    let (actor, at) = (actor.clone(), app.clock.wall_ms());
    app.db
        .write(move |tx| Box::pin(async move { tx.audit(at, Act { actor: &actor, action, entity: None, path: "/", detail }).await }))
        .await?;
    Ok(())
}
