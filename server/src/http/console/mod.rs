//! What desks use.

mod cameras;
mod alerts;
mod events;
mod notices;
pub(super) mod inspections;
mod organizations;
mod overview;
mod premises;
mod webhooks;

pub(crate) use webhooks::purpose as webhook_purpose;

pub(crate) use cameras::purpose as camera_secret_purpose;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes of desks.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    cameras::configure(config);
    alerts::configure(config);
    events::configure(config);
    notices::configure(config);
    overview::configure(config);
    webhooks::configure(config);
    inspections::configure(config);
    organizations::configure(config);
    premises::configure(config);
}
