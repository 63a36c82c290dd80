//! What the end-to-end tests share: the real program on a folder of its own, a client that speaks to it as people do, and
//! the judgement of ffprobe and VLC on what it exports.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, missing_docs, reason = "a test says what went wrong by failing")]

mod client;
#[path = "../../server/tests/it/support/postgres.rs"]
pub mod postgres;
mod probe;
mod program;

pub use client::Client;
pub use probe::{Probed, decodes_cleanly, decodes_with_uneven_times, packets, plays_in_vlc, probe};
pub use program::{PASSWORD, Program};

use std::time::Duration;

/// Waits until `look` gives something, at most `limit`; then fails with `what`.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Says that a test cannot do what it is for on this machine. Where continuous integration runs (`CI=true`) that is a failure,
/// unless somebody has allowed it there (`BRIGHT_KITCHEN_TESTS_LEFT_OUT=allowed`): what is never run proves nothing.
pub fn left_out(what: &str) {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    assert!(!is("CI", "true") || is("BRIGHT_KITCHEN_TESTS_LEFT_OUT", "allowed"), "left out, which nobody has allowed: {what}");
    eprintln!("LEFT OUT: {what}");
}
