//! The public page of a premises, seen from the desk: its address, its code to hang, and until when a result must be public.

use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobile_api::Moment;
use rand::Rng as _;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::calendar::Calendar;
use crate::domain::permission::Permission;
use crate::domain::settings::{DISCLOSURE, Disclosure};
use crate::http::disclosure::switch;
use crate::http::trust::qr_svg;
use crate::http::{Body, Id, Problem, ProblemBody};
use crate::store::journal::Act;
use crate::store::{Conn, StoreError, disclosures, premises, settings};

/// Working days in which a result must be public (SAMR Order 49 of 2021).
const PUBLIC_WITHIN_DAYS: i64 = 20;
/// Random bytes of a word.
const WORD_BYTES: usize = 16;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read_switch).service(set_switch).service(read).service(open).service(code);
}

/// Whether premises have public pages.
#[utoipa::path(tag = "settings", responses((status = 200, body = Disclosure)))]
#[get("/settings/disclosure")]
async fn read_switch(app: web::Data<App>, _: Caller<can::DocumentsManage>) -> Result<web::Json<Disclosure>, Problem> {
    Ok(web::Json(switch(&mut app.db.read().await?.conn()).await?))
}

/// Switches public pages on or off. Only at the top of the tree.
#[utoipa::path(tag = "settings", request_body = Disclosure,
    responses((status = 200, body = Disclosure), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/disclosure")]
async fn set_switch(
    app: web::Data<App>,
    caller: Caller<can::DocumentsManage>,
    body: Body<Disclosure>,
) -> Result<web::Json<Disclosure>, Problem> {
    let (at, session, wanted) = (app.clock.wall_ms(), Session::clone(&caller), body.into_inner());
    if !session.access.scope(Permission::DocumentsManage).reaches_top() {
        return Err(Problem::not_found());
    }
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let value = serde_json::to_string(&wanted).map_err(StoreError::damaged)?;
                settings::put(tx, "system", "", DISCLOSURE, &value, "/", at).await?;
                let act = Act {
                    actor: &session.actor,
                    action: "setting_change",
                    entity: Some(("setting", DISCLOSURE)),
                    path: "/",
                    detail: json!(wanted),
                };
                tx.audit(at, act).await
            })
        })
        .await?;
    Ok(web::Json(wanted))
}

/// The public page of a premises.
#[derive(Debug, Serialize, ToSchema)]
struct PremisesDisclosure {
    /// The bureau has switched public pages on.
    enabled: bool,
    /// Address below this server; none until the page is opened.
    #[schema(example = "/p/2f8Zr0b1S5uQ2yqM8xw1Vg")]
    address: Option<String>,
    /// The newest complete inspection.
    inspection_id: Option<String>,
    /// When a notice about it was issued.
    notice_issued_at: Option<Moment>,
    /// Until when a notice must be issued: 20 working days.
    due_at: Option<Moment>,
    /// No notice, and less than a week is left, or none.
    warn: bool,
}

async fn view(conn: &mut Conn<'_>, premises_id: &str, now_ms: i64) -> Result<PremisesDisclosure, Problem> {
    let latest = disclosures::latest(conn, premises_id).await?;
    let due_ms = latest.as_ref().map(|(_, formed_ms, _)| Calendar::in_force().after_working_days(*formed_ms, PUBLIC_WITHIN_DAYS).at_ms);
    let issued_ms = latest.as_ref().and_then(|(_, _, issued_ms)| *issued_ms);
    let week_ms = 7 * 24 * 3_600_000;
    Ok(PremisesDisclosure {
        enabled: switch(conn).await?.enabled,
        address: disclosures::token_of(conn, premises_id).await?.map(|word| format!("/p/{word}")),
        inspection_id: latest.map(|(id, _, _)| id),
        notice_issued_at: issued_ms.map(Moment),
        due_at: due_ms.map(Moment),
        warn: issued_ms.is_none() && due_ms.is_some_and(|due_ms| due_ms - now_ms < week_ms),
    })
}

/// The public page of a premises, and until when its latest result must be public.
#[utoipa::path(tag = "premises", params(("id" = Uuid, Path)), responses((status = 200, body = PremisesDisclosure), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/disclosure")]
async fn read(app: web::Data<App>, caller: Caller<can::DocumentsRead>, id: Id) -> Result<web::Json<PremisesDisclosure>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(view(conn, &row.id, app.clock.wall_ms()).await?))
}

/// Opens the public page of a premises, or gives it another address: what was hung before leads nowhere then.
#[utoipa::path(tag = "premises", params(("id" = Uuid, Path)), responses((status = 200, body = PremisesDisclosure), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/premises/{id}/disclosure")]
async fn open(app: web::Data<App>, caller: Caller<can::DocumentsIssue>, id: Id) -> Result<web::Json<PremisesDisclosure>, Problem> {
    let (at, id, session) = (app.clock.wall_ms(), id.to_string(), Session::clone(&caller));
    let word = URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; WORD_BYTES]>());
    let opened = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::DocumentsIssue);
                let row = premises::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                disclosures::put(tx, &row.id, &word, at).await?;
                let act = Act {
                    actor: &session.actor,
                    action: "disclosure_open",
                    entity: Some(("premises", &row.id)),
                    path: &row.path,
                    detail: json!({}),
                };
                tx.audit(at, act).await?;
                view(tx, &row.id, at).await
            })
        })
        .await?;
    Ok(web::Json(opened))
}

/// The code to hang: leads to the public page.
#[utoipa::path(tag = "premises", params(("id" = Uuid, Path)), responses((status = 200, description = "the code", content_type = "image/svg+xml"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/disclosure/code.svg")]
async fn code(request: HttpRequest, app: web::Data<App>, caller: Caller<can::DocumentsRead>, id: Id) -> Result<HttpResponse, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let word = disclosures::token_of(conn, &row.id).await?.ok_or_else(Problem::not_found)?;
    let info = request.connection_info().clone();
    let svg = qr_svg(&format!("{}://{}/p/{word}", info.scheme(), info.host())).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").insert_header(("cache-control", "no-store")).body(svg))
}
