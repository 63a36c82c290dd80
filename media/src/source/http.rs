//! What an HTTP address of a camera is: a playlist (HLS) or single pictures (MJPEG). The answer says it.

use std::sync::Arc;

use super::address::AddressPolicy;
use super::digest::Login;
use super::fetch::Fetcher;
use super::{Source, SourceError, SourceLimits, gst, hls, mjpeg};
use crate::camera::{Secret, SourceSpec, StateReason};
use crate::clock::Clock;

/// Opens the address of `spec` and waits for its first picture.
///
/// # Errors
/// [`SourceError`] with the reason; in all within the limit for connecting.
pub(super) async fn open(
    spec: &SourceSpec,
    policy: &Arc<AddressPolicy>,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, SourceError> {
    let opening = async {
        crate::init().map_err(|error| SourceError::new(StateReason::Internal, error.to_string()))?;
        let login = gst::credentials(spec).map(|(username, password)| Login { username, password: Secret::new(password) });
        let fetcher = Fetcher::new(policy.clone(), limits.connect_timeout, &spec.url, login);
        let first = fetcher.ask(&spec.url, &Default::default()).await?;
        if first.content_type.starts_with("multipart/") {
            return mjpeg::open(first, limits, clock).await;
        }
        hls::open(fetcher, &spec.url, first, limits, clock).await
    };
    let in_time = tokio::time::timeout(limits.connect_timeout, opening).await;
    in_time.unwrap_or_else(|_| Err(SourceError::new(StateReason::Timeout, "no picture came in time")))
}
