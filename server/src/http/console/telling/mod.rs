//! How notices leave the console: what carries them, how each person is told, and how it went.

mod channels;
mod deliveries;
mod own;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::channels::{Failed, Refusal};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    own::configure(config);
    channels::configure(config);
    deliveries::configure(config);
}

/// Whether something that was sent at once was taken.
#[derive(Debug, Serialize, ToSchema)]
struct Sent {
    sent: bool,
    /// Why not.
    refusal: Option<Refusal>,
    /// In the other side's words, where it said any.
    detail: Option<String>,
}

impl From<Result<(), Failed>> for Sent {
    fn from(outcome: Result<(), Failed>) -> Self {
        match outcome {
            Ok(()) => Self { sent: true, refusal: None, detail: None },
            Err(failed) => Self { sent: false, refusal: Some(failed.refusal), detail: Some(failed.detail) },
        }
    }
}
