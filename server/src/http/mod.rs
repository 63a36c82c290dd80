//! The HTTP side: `auth`, `console/` (desks), `mobile/` (phones), `media/` (video), and what they share.

mod arrived;
pub mod auth;
mod chars;
pub mod console;
mod content;
mod contract;
mod days;
mod disclosure;
mod drawn_paper;
mod extract;
mod idempotency;
mod list;
mod login_watch;
mod media;
pub mod mobile;
mod openrosa;
mod pages;
mod problem;
pub mod range;
mod router;
mod running;
mod second_factor;
mod sessions;
mod setup;
pub mod trust;
mod viewed;

use actix_web::HttpRequest;

pub use chars::Chars;
pub(crate) use console::camera_secret_purpose;
pub(crate) use console::webhook_purpose;
pub use content::{Content, serve};
pub(crate) use days::{day, days, stretch};
pub use extract::{Args, Body, Id, JSON_LIMIT, moment_ms, page, parse_json, payload_problem};
pub use idempotency::{Answer, Repeatable};
pub use list::{Listed, listed};
pub use media::{Viewings, WallPictures};
pub use problem::{Problem, ProblemBody, REQUEST, RequestFacts, checked};
pub(crate) use router::CLIENT;
pub use router::{build, openapi};
pub use running::Metrics;

use crate::store::journal::Actor;

/// Where a request comes from, for the audit log.
pub fn origin(request: &HttpRequest) -> Actor {
    let ip = request.connection_info().realip_remote_addr().map(str::to_owned);
    let request_id = REQUEST.try_with(|facts| facts.request_id.clone()).ok();
    Actor { ip, request_id, ..Actor::default() }
}
