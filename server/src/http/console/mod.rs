//! What desks use.

mod cameras;
mod organizations;
mod premises;

pub(crate) use cameras::purpose as camera_secret_purpose;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes of desks.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    cameras::configure(config);
    organizations::configure(config);
    premises::configure(config);
}
