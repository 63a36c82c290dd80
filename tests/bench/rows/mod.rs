//! The rows of the table, grouped by the set-up they share.

pub(crate) mod alarms;
pub(crate) mod clip;
pub(crate) mod cost;
pub(crate) mod diagnosis;
pub(crate) mod index;
pub(crate) mod live;
pub(crate) mod scale;
