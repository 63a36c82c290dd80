//! The second door for phones: what ODK Collect and its kin send, as inspections; no HTTP.
//!
//! A form ([`xml`]) is read by the template that it was made of ([`instance`]) into a header and a part as our own phone would
//! have sent them, so that everything behind is the same: hashes, the rule that judges, the audit log, the change log.

mod door;
pub mod instance;
pub mod xml;

pub use door::{Device, Door, Rendered};
