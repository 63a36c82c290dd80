//! What desks use.

mod alert_figures;
mod alerts;
mod audit;
mod brought;
mod cameras;
pub(crate) mod closings;
mod devices;
mod disclosure;
mod documents;
pub(crate) mod door;
mod duty;
mod events;
mod incidents;
pub(super) mod inspections;
mod late;
mod notices;
mod openrosa;
mod operators;
mod orders;
mod organizations;
mod overview;
mod patrols;
mod planning;
mod premises;
pub(crate) mod rates;
mod risk;
mod rule_proposals;
mod self_checks;
pub(crate) mod settings;
mod statistics;
mod telling;
mod templates;
pub(crate) mod transfer;
mod users;
mod views;
mod webhooks;

pub(crate) use cameras::purpose as camera_secret_purpose;
pub(crate) use orders::on_phone as order_on_phone;
pub(crate) use self_checks::{Papers, due_at};
use utoipa_actix_web::service_config::ServiceConfig;
pub(crate) use webhooks::purpose as webhook_purpose;

/// Registers the routes of desks.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    alerts::configure(config);
    alert_figures::configure(config);
    audit::configure(config);
    // Before cameras: `/cameras/address-patterns` is no camera's id.
    devices::configure(config);
    cameras::configure(config);
    disclosure::configure(config);
    documents::configure(config);
    duty::configure(config);
    events::configure(config);
    incidents::configure(config);
    inspections::configure(config);
    late::configure(config);
    notices::configure(config);
    openrosa::configure(config);
    operators::configure(config);
    orders::configure(config);
    organizations::configure(config);
    patrols::configure(config);
    overview::configure(config);
    planning::configure(config);
    premises::configure(config);
    risk::configure(config);
    rule_proposals::configure(config);
    door::configure(config);
    self_checks::configure(config);
    settings::configure(config);
    rates::configure(config);
    closings::configure(config);
    statistics::configure(config);
    telling::configure(config);
    templates::configure(config);
    transfer::configure(config);
    users::configure(config);
    views::configure(config);
    webhooks::configure(config);
}
