//! What desks use.

mod organizations;
mod premises;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes of desks.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    organizations::configure(config);
    premises::configure(config);
}
