//! The contract phones speak: wire types, problem types, canonical hashing and the rule that judges an inspection.
//!
//! No web framework and no database here: the same rules run on the server and, from the same test vectors, on the phone.
//!
//! - [`canonical`]: RFC 8785 and SHA-256, the sameness of everything a phone sends; [`Verbatim`] keeps what was sent.
//! - [`template`]: checklist templates, checked with all errors at once; [`shipped`] holds those of the product.
//! - [`asked`]: which items and fields a template asks, by what has been answered.
//! - [`inspection`]: header, parts, submission; [`merge`] joins the parts' answers, [`complete`] says
//!   what is still lacking, [`judge`] judges them, [`signing`] says what the law asks for on site and is not there yet.
//! - [`paper`]: what the phone draws and has signed, drawn again by the server; [`words`] are those of papers.
//! - [`self_check`]: the canteen's own papers.
//! - [`incident`]: suspected food poisoning, reported in one action.
//! - [`sync`]: what comes down to the phone, with its opaque [`cursor`].
//! - [`version`]: which clients are understood.
//! - [`problem`]: the names of everything that can go wrong; [`limits`]: every limit, in one place.

pub mod asked;
pub mod assignment;
pub mod canonical;
pub mod complete;
pub mod cursor;
pub mod field;
pub mod incident;
pub mod inspection;
pub mod judge;
pub mod limits;
pub mod merge;
pub mod moment;
pub mod paper;
pub mod problem;
pub mod self_check;
pub mod shipped;
pub mod signing;
pub mod sync;
pub mod template;
pub mod verbatim;
pub mod version;
pub mod words;

pub use field::{Faults, FieldFault};
pub use moment::Moment;
pub use verbatim::Verbatim;
