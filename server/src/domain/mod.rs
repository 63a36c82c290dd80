//! Types and state machines of the field. No I/O: neither web framework, nor database, nor media library.

pub mod geo;
pub mod organization;
pub mod permission;
pub mod premises;
pub mod text;
