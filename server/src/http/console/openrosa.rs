//! `/openrosa/devices`: the phones that come in by the second door, each as one officer. The password is shown once, with a
//! code that sets ODK Collect up.

use std::io::Write as _;

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::users::grants::manages_all;
use crate::App;
use crate::auth::{Access, Caller, can};
use crate::domain::permission::Permission;
use crate::http::openrosa::hash;
use crate::http::trust::qr_svg;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::{Act, Change, Entity};
use crate::store::openrosa::{self, DEVICES_MAX, DeviceRow, NewDevice};
use crate::store::users;

/// Characters of a device's name.
const NAME_CHARS_MAX: usize = 100;
/// Random bytes of a password: 120 bits.
const SECRET_BYTES: usize = 15;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(revoke);
}

/// A phone that comes in by OpenRosa.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenRosaDevice)]
struct Device {
    id: String,
    /// As whom it comes.
    user_id: String,
    user_name: String,
    /// As people call it.
    name: String,
    /// The user name of its basic authentication.
    #[schema(example = "d-7k2m9q4x")]
    login: String,
    created_at: Moment,
    /// It is let in no more.
    revoked_at: Option<Moment>,
    /// To the minute.
    last_seen_at: Option<Moment>,
}

impl From<DeviceRow> for Device {
    fn from(row: DeviceRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            user_name: row.user_name,
            name: row.name,
            login: row.login,
            created_at: Moment(row.created_at),
            revoked_at: row.revoked_at.map(Moment),
            last_seen_at: row.last_seen_at.map(Moment),
        }
    }
}

/// A device with what sets it up. Nothing of it is told again.
#[derive(Debug, Serialize, ToSchema)]
struct NewOpenRosaDevice {
    #[serde(flatten)]
    device: Device,
    /// Random; of basic authentication.
    password: String,
    /// What goes into "server URL".
    #[schema(example = "https://kitchen.example/openrosa")]
    url: String,
    /// The same door with the password in the address, for clients that know no passwords.
    #[schema(example = "https://kitchen.example/openrosa/key/…")]
    key_url: String,
    /// A QR code (SVG) that ODK Collect takes as its settings.
    settings_svg: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// As whom they come.
    user_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Devices of officers in the caller's part of the tree, the newest first, with those that were revoked.
#[utoipa::path(tag = "openrosa", params(ListArgs), responses((status = 200, body = Listed<Device>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/openrosa/devices")]
async fn list(app: web::Data<App>, caller: Caller<can::UsersManage>, args: Args<ListArgs>) -> Result<web::Json<Listed<Device>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let user_id = args.user_id.map(|id| id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = openrosa::devices(conn, &caller.scope(), user_id.clone(), &page).await?;
    let counted = openrosa::count_devices(conn, &caller.scope(), user_id).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Device::from).collect(), next, counted)))
}

/// A device to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenRosaDeviceInput, example = json!({"user_id": "01928f6e-0000-7000-8000-000000000003", "name": "所里的备用手机"}))]
struct Input {
    /// As whom it comes: an officer.
    user_id: Uuid,
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Adds a device for an officer. The password and the code are in this answer only.
#[utoipa::path(tag = "openrosa", request_body = Input, responses((status = 201, body = NewOpenRosaDevice),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/openrosa/devices")]
async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::UsersManage>,
    body: Body<Input>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("name", &body.name, NAME_CHARS_MAX);
    checked(faults)?;
    let (id, at, actor, scope) = (Uuid::now_v7(), app.clock.wall_ms(), caller.actor.clone(), caller.scope());
    let mut random = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut random);
    let password = URL_SAFE_NO_PAD.encode(random);
    let new = NewDevice {
        id: id.to_string(),
        user_id: body.user_id.to_string(),
        name: body.name.trim().to_owned(),
        login: format!("d-{}", &id.simple().to_string()[20..]),
        secret_sha256: hash(&password),
        path: scope.widest().ok_or_else(Problem::forbidden)?.to_owned(),
        created_by: caller.user_id.to_string(),
    };
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let user = users::get(tx, &scope, &new.user_id).await?.filter(|user| user.disabled_at.is_none());
                let user = user.ok_or_else(|| Problem::field("/user_id", "unknown", "no such person in your area"))?;
                // The password is as good as the person's own: who may not set that one may not make this one.
                if !manages_all(tx, &scope, &user.id).await? {
                    return Err(Problem::forbidden().because("this person also has a role outside your part of the tree"));
                }
                if !Access::of_user(tx, &user.id, 0, at).await?.may(Permission::InspectionsConduct) {
                    return Err(Problem::field("/user_id", "kind", "this person may not conduct inspections"));
                }
                if openrosa::open_devices(tx, &user.id).await? >= DEVICES_MAX {
                    return Err(Problem::of(ProblemType::Conflict).because(format!("a person has at most {DEVICES_MAX} devices")));
                }
                openrosa::insert_device(tx, &new, at).await?;
                let detail = json!({"user_id": new.user_id, "name": new.name, "login": new.login});
                let act = Act { actor: &actor, action: "create", entity: Some(("openrosa_device", &new.id)), path: &new.path, detail };
                tx.audit(at, act).await?;
                openrosa::device(tx, &scope, &new.id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    let info = request.connection_info();
    let url = format!("{}://{}/openrosa", info.scheme(), info.host());
    drop(info);
    let settings_svg = settings(&url, &row, &password).and_then(|text| qr_svg(&text)).ok_or_else(|| Problem::of(ProblemType::Internal))?;
    let key_url = format!("{url}/key/{password}");
    Ok(HttpResponse::Created().insert_header(("cache-control", "no-store")).json(NewOpenRosaDevice {
        device: row.into(),
        password,
        url,
        key_url,
        settings_svg,
    }))
}

/// What ODK Collect reads from a code: its settings as JSON, compressed, in base64.
fn settings(url: &str, row: &DeviceRow, password: &str) -> Option<String> {
    let settings = json!({
        "general": {"server_url": url, "username": row.login, "password": password, "form_update_mode": "match_exactly", "autosend": "wifi_and_cellular"},
        "admin": {},
        "project": {"name": format!("明厨 {}", row.user_name), "icon": "明", "color": "#0f766e"},
    });
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(settings.to_string().as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

/// Lets a device in no more. What it sent stays; it cannot be undone.
#[utoipa::path(tag = "openrosa", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/openrosa/devices/{id}")]
async fn revoke(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, id, at) = (caller.scope(), id.to_string(), app.clock.wall_ms());
    let (actor, by) = (caller.actor.clone(), caller.user_id.to_string());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = openrosa::device(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                if openrosa::revoke(tx, &id, &by, at).await? {
                    let detail = json!({"user_id": row.user_id, "name": row.name, "login": row.login});
                    let act = Act { actor: &actor, action: "delete", entity: Some(("openrosa_device", &id)), path: &row.path, detail };
                    tx.audit(at, act).await?;
                    // Other nodes hear of it by the change log.
                    tx.changed(at, Change::upsert(Entity::User, &row.user_id, &row.path)).await?;
                }
                Ok::<_, Problem>(())
            })
        })
        .await?;
    app.openrosa.forget();
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_code_says_what_collect_reads() {
        let row = DeviceRow {
            id: "i".to_owned(),
            user_id: "u".to_owned(),
            user_name: "陈立群".to_owned(),
            name: "n".to_owned(),
            login: "d-1".to_owned(),
            path: "/".to_owned(),
            created_at: 1,
            revoked_at: None,
            last_seen_at: None,
        };
        let text = settings("https://kitchen.example/openrosa", &row, "secret").unwrap();
        let mut unfolded = String::new();
        flate2::read::ZlibDecoder::new(STANDARD.decode(&text).unwrap().as_slice()).read_to_string(&mut unfolded).unwrap();
        let read: serde_json::Value = serde_json::from_str(&unfolded).unwrap();
        assert_eq!(read["general"]["server_url"], "https://kitchen.example/openrosa");
        assert_eq!((read["general"]["username"].as_str(), read["general"]["password"].as_str()), (Some("d-1"), Some("secret")));
        assert!(read["admin"].is_object() && qr_svg(&text).is_some());
    }
}
