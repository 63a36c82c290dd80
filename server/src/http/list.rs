//! The one shape of a list.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::COUNT_LIMIT;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// This page.
    pub items: Vec<T>,
    /// Cursor of the next page; `null` on the last.
    pub next: Option<String>,
    /// How many there are in all, up to 1,000.
    pub total: i64,
    /// There are more than `total`.
    pub total_capped: bool,
}

/// Puts a page together from rows, cursor and a count that stops at [`COUNT_LIMIT`].
pub fn listed<T>(items: Vec<T>, next: Option<String>, counted: i64) -> Listed<T> {
    let capped = counted >= COUNT_LIMIT;
    Listed { items, next, total: if capped { COUNT_LIMIT - 1 } else { counted }, total_capped: capped }
}
