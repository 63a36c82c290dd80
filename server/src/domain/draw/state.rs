//! Where a draw stands.

use serde::{Deserialize, Serialize};

use crate::domain::premises::coded;

coded! {
    /// Where a draw stands.
    DrawState {
        /// Input frozen, commitment published.
        Committed = "committed",
        /// A result is there.
        Drawn = "drawn",
        /// There is none that keeps the rules, or none was found in time.
        Failed = "failed",
        /// Its assignments are made.
        Approved = "approved",
        /// Taken back.
        Withdrawn = "withdrawn",
    }
}
