//! How the program is doing: `/healthz`, `/readyz`, `/metrics`, and `/system/health` for people.

mod health;
mod metrics;
mod process;

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Problem;
use crate::App;
use crate::auth::{Caller, can};

pub use metrics::Metrics;

/// What the API says about it.
pub(super) fn configure_api(config: &mut ServiceConfig<'_>) {
    health::configure(config);
}

/// What machines ask, beside the API.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(alive)).route("/readyz", web::get().to(ready)).route("/metrics", web::get().to(measured));
}

/// The program runs.
async fn alive() -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("text/plain; charset=utf-8").body("ok\n")
}

/// It can serve: the database answers.
async fn ready(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    crate::store::journal::head(&mut app.db.read().await?.conn()).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("text/plain; charset=utf-8").body("ready\n"))
}

/// Figures for Prometheus; for this machine, or for those who may see the system.
async fn measured(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Result<Caller<can::SystemRead>, Problem>,
) -> Result<HttpResponse, Problem> {
    // Behind a trusted proxy every peer is the proxy: then the header is there, and the token is needed.
    let direct = !request.headers().contains_key("x-forwarded-for") && !request.headers().contains_key("x-forwarded-proto");
    let local = direct && request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    if !local {
        caller?;
    }
    let text = metrics::text(&app).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}
