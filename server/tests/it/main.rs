//! Integration tests: the real application over real HTTP, on SQLite and on a throw-away PostgreSQL 15.
#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test says what went wrong by failing; support is shared by modules that come and go"
)]

mod support;

mod access;
mod agreement;
mod alert_figures;
mod alerts;
mod auth;
mod calendar;
mod cameras;
mod causes;
mod claims;
mod cli;
mod clips;
mod clocks;
mod contract;
mod disks;
mod documents;
mod duty;
mod events;
mod evidence;
mod figures_tried;
mod flapping;
mod forecasts;
mod holds;
mod inbox;
mod incidents;
mod index;
mod jobs;
mod keeping;
mod metrics;
mod office;
mod openrosa;
mod orders;
mod papers;
mod parents;
mod patrols;
mod people;
pub(crate) mod phone;
mod planning;
mod rates;
mod risk;
mod rule_proposals;
mod rules;
mod search;
mod second_factor;
mod self_checks;
mod settings;
mod settle;
mod statistics;
mod store;
mod telling;
mod templates;
mod transfer;
mod tree;
mod undo;
mod viewer;
mod wall;
mod webhooks;
