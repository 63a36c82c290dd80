//! Who comes in: a device by its random password, in basic authentication or as a word of the address.
//!
//! The password has 120 bits and is not chosen by anybody, so its SHA-256 is what is kept and looked up: there is nothing for
//! a slow hash to protect. It goes over TLS only, or stays on this machine; no digest is offered.

use std::sync::Arc;

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mobile_api::problem::ProblemType;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::App;
use crate::auth::{Access, Session};
use crate::domain::permission::Permission;
use crate::http::{Problem, origin};
use crate::openrosa::Device;
use crate::store::journal::Actor;
use crate::store::{StoreError, openrosa};

/// Why something comes too late, as quarantine names it.
const ENDED: &str = "account_ended";
const MAY_NOT: &str = "not_permitted";
/// Characters of a password, or of a header with it.
const SECRET_CHARS_MAX: usize = 400;

/// A device that was let in.
pub(super) struct Entered {
    pub(super) device: Arc<Device>,
    /// With where the request comes from.
    pub(super) session: Session,
    /// The address that the client knows the door by, without a slash at the end.
    pub(super) base: String,
    /// Where the change log stood when it was let in.
    pub(super) head: i64,
    /// Why it may leave forms for a supervisor and nothing else: the phone, the account or the permission has ended.
    pub(super) late: Option<&'static str>,
}

/// The hash under which a password is kept.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Lets a device in, or says why not.
pub(super) async fn enter(request: &HttpRequest, app: &App) -> Result<Entered, Problem> {
    let entered = admit(request, app).await?;
    match entered.late {
        None => Ok(entered),
        Some(MAY_NOT) => Err(Problem::forbidden().because("this officer may not conduct inspections now")),
        Some(_) => {
            Err(Problem::of(ProblemType::Unauthenticated).because("this phone or account has ended: finished forms can still be sent"))
        }
    }
}

/// As [`enter`]; one that was let go may still leave what was gathered before.
pub(super) async fn admit(request: &HttpRequest, app: &App) -> Result<Entered, Problem> {
    if !kept_secret(request) {
        return Err(Problem::forbidden().because("passwords go over HTTPS only"));
    }
    let word = request.match_info().get("word");
    let (login, secret) = match word {
        Some(word) => (None, word.to_owned()),
        None => basic(request).map(|(login, secret)| (Some(login), secret)).ok_or_else(|| Problem::of(ProblemType::Unauthenticated))?,
    };
    let now_ms = app.clock.wall_ms();
    let from = origin(request);
    let address = from.ip.clone().unwrap_or_else(|| "unknown".to_owned());
    app.openrosa.failures.look(&address, now_ms)?;
    let head = app.db.head();
    let found = if secret.len() <= SECRET_CHARS_MAX { find(app, &secret, now_ms, head).await? } else { None };
    let Some((device, ended)) = found.filter(|(device, _)| login.is_none_or(|login| login == device.login)) else {
        app.openrosa.failures.take(&address, now_ms)?;
        return Err(Problem::of(ProblemType::Unauthenticated).because("no device of this name and password is let in"));
    };
    let late = match ended {
        true => Some(ENDED),
        false => (!device.session.access.may(Permission::InspectionsConduct)).then_some(MAY_NOT),
    };
    let actor = Actor { ip: from.ip, request_id: from.request_id, ..device.session.actor.clone() };
    let session = Session { actor, ..device.session.clone() };
    let info = request.connection_info();
    let below = word.map(|word| format!("/key/{word}")).unwrap_or_default();
    let base = format!("{}://{}/openrosa{below}", info.scheme(), info.host());
    drop(info);
    Ok(Entered { device, session, base, head, late })
}

/// Whether nobody on the way can read the request: it came by TLS (to us, or to a trusted proxy), or never left this machine.
fn kept_secret(request: &HttpRequest) -> bool {
    let info = request.connection_info();
    let local = |text: &str| text.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    info.scheme() == "https" || info.realip_remote_addr().is_some_and(local)
}

fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ').filter(|_| value.len() <= SECRET_CHARS_MAX)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(login, secret)| (login.to_owned(), secret.to_owned()))
}

/// The device, and whether it or its officer's account has ended.
async fn find(app: &App, secret: &str, now_ms: i64, head: i64) -> Result<Option<(Arc<Device>, bool)>, Problem> {
    let sha256 = hash(secret);
    if let Some(device) = app.openrosa.known(&sha256, now_ms, head) {
        return Ok(Some((device, false)));
    }
    let found = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        match openrosa::by_secret(conn, &sha256).await? {
            Some(row) => {
                let access = Access::of_user(conn, &row.user_id, row.scope_version, now_ms).await?;
                Some((row, access))
            }
            None => None,
        }
    };
    let Some((row, access)) = found else { return Ok(None) };
    let user_id: Uuid = row.user_id.parse().map_err(StoreError::damaged)?;
    let session = Session {
        user_id,
        session_id: row.device_id.parse().map_err(StoreError::damaged)?,
        access,
        actor: Actor { id: Some(user_id), name: row.display_name.clone(), ..Actor::default() },
        must_change_password: false,
        // A device has a secret of its own, which an administrator handed out.
        must_set_up_second_factor: false,
    };
    let device = Arc::new(Device { id: row.device_id.clone(), login: row.login, session, officer_name: row.display_name });
    if row.ended {
        return Ok(Some((device, true)));
    }
    app.openrosa.know(&sha256, Arc::clone(&device), now_ms, head);
    if app.openrosa.seen.take(&row.device_id, now_ms).is_ok() {
        let id = row.device_id;
        app.db.write(move |tx| Box::pin(async move { openrosa::seen(tx, &id, now_ms).await })).await.map_err(|error: StoreError| error)?;
    }
    Ok(Some((device, false)))
}
