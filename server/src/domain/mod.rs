//! Types and state machines of the field. No I/O: neither web framework, nor database, nor media library.

pub mod address_pattern;
pub mod alert;
pub mod calendar;
pub mod camera;
pub mod draw;
pub mod figures;
pub mod forecast;
pub mod geo;
pub mod happened;
pub mod hold;
pub mod operator;
pub mod organization;
pub mod patrol;
pub mod permission;
pub mod person;
pub mod plan;
pub mod premises;
pub mod risk;
pub mod self_check;
pub mod settings;
pub mod spans;
pub mod statistics;
pub mod text;
pub mod words;
pub mod workflow;
