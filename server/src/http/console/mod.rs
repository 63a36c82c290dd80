//! What desks use.

mod audit;
mod cameras;
mod alerts;
mod events;
mod notices;
pub(super) mod inspections;
mod operators;
mod organizations;
mod overview;
mod premises;
mod webhooks;

pub(crate) use webhooks::purpose as webhook_purpose;
mod users;

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
    audit::configure(config);
    operators::configure(config);
    organizations::configure(config);
    premises::configure(config);
    users::configure(config);
}
