//! What phones use: the day's work down, inspections and their evidence up.

pub(crate) mod assignments;
mod drafts;
mod files;
mod incidents;
pub mod inspections;
mod late;
mod papers;
mod places;
mod previous;
pub(crate) mod self_checks;
mod sync;
mod templates;
mod uploads;

pub(crate) use self::late::has_room as late_room;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes by which inspections and their files come.
pub(super) fn configure_sending(config: &mut ServiceConfig<'_>) {
    inspections::configure(config);
    uploads::configure(config);
}

/// Registers the other routes of phones.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    files::configure(config);
    templates::configure(config);
    assignments::configure(config);
    incidents::configure(config);
    self_checks::configure(config);
    sync::configure(config);
    drafts::configure(config);
    late::configure(config);
    papers::configure(config);
}
