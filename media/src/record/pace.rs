//! Reading in step: cameras are looked at together ten times a second, not each time one of them has sent something.
//!
//! Nearly all that recording costs is threads that wake (design: two thirds of it in the kernel). A camera sends 25 pictures
//! a second, two hundred of them wake a thread every fifth of a millisecond. The kernel keeps what comes meanwhile, and a tenth
//! of a second is a fifth of the shortest part that anything is written or shown in.

use std::sync::LazyLock;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;

use crate::source::{Source, SourceError, SourceItem};

/// Between two looks at a source that keeps what comes meanwhile, milliseconds.
pub const PACE_MS: i64 = 100;
const PACE: Duration = Duration::from_millis(PACE_MS.unsigned_abs());

/// All cameras count from here, so that one waking serves all of them.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The next item of a source; dropping the future loses nothing.
///
/// # Errors
/// Those of the source.
pub async fn next_item(source: &mut dyn Source) -> Result<SourceItem, SourceError> {
    if !source.keeps_what_comes() {
        return source.next().await;
    }
    loop {
        // Asked without a waker: what comes later wakes nobody.
        if let Some(item) = source.next().now_or_never() {
            return item;
        }
        tokio::time::sleep_until(after(Instant::now())).await;
    }
}

/// The first common moment after `now`.
fn after(now: Instant) -> Instant {
    let began = *BEGAN;
    let passed = now.saturating_duration_since(began).as_nanos() / PACE.as_nanos();
    began + PACE * u32::try_from(passed + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_look_at_the_same_moments() {
        let one = after(*BEGAN + Duration::from_millis(301));
        assert_eq!(one, after(*BEGAN + Duration::from_millis(399)));
        assert_eq!(one - *BEGAN, Duration::from_millis(400));
        assert_eq!(after(one) - one, PACE, "a moment that has come is over");
    }
}
