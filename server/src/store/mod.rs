//! All SQL of the product, one file an aggregate.
//!
//! One text serves SQLite and PostgreSQL (see `migrations/README.md` for the rules that keep it portable). Functions that
//! read rows bound to premises take a [`crate::auth::Scope`], which only the authorisation module can make.

#[cfg(debug_assertions)]
pub(crate) mod census;
mod db;
mod error;
pub mod journal;
mod page;
pub(crate) mod sql;
mod writer;

pub mod alert_acts;
pub mod alert_figures;
pub mod alert_stills;
pub mod alerts;
pub mod amendments;
pub mod assignments;
pub mod audit_heads;
pub mod cameras;
pub mod checks;
pub mod closings;
pub mod counts;
pub mod deliveries;
pub mod disclosures;
pub mod documents;
pub mod drafts;
pub mod draws;
pub mod duty;
pub mod evidence;
pub mod figures;
pub mod files;
pub mod findings;
pub mod forecasts;
pub mod holds;
pub mod incidents;
pub mod inspections;
pub mod jobs;
pub mod lacks;
pub mod late;
pub mod lateness;
pub mod layouts;
pub mod logins;
pub mod nodes;
pub mod notice_channels;
pub mod notice_ways;
pub mod notices;
pub mod officers;
pub mod openrosa;
pub mod operators;
pub mod orders;
pub mod organizations;
pub mod overview;
pub mod paper_numbers;
pub mod patrols;
pub mod places;
pub mod plans;
pub mod premises;
pub mod rates;
pub mod recordings;
pub mod risk;
pub mod risk_facts;
pub mod role_requests;
pub mod roles;
pub mod rule_proposals;
pub mod saved_views;
mod search;
pub mod second_factors;
pub mod self_checks;
pub mod sessions;
pub mod settings;
pub mod statistics;
pub mod sync;
pub mod tallies;
pub mod template_drafts;
pub mod templates;
pub mod uploads;
pub mod users;
pub mod webhooks;
pub mod work;
pub mod work_clocks;

pub use db::{Conn, Db, EngineKind, PgMoment, Reader, Tx};
pub use error::StoreError;
pub use page::{COUNT_LIMIT, PAGE_DEFAULT, PAGE_LIMIT, Page};
