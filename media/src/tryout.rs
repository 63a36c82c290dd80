//! "Test this camera": opens a source once, measures it, and answers in words that a canteen's electrician understands.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::analyse::{Analyser, KeyFrame};
use crate::camera::{Codec, SourceSpec, StateReason};
use crate::clock::Clock;
use crate::source::{Opener, SourceError, probe};

/// Width of the picture that is shown, pixels.
const STILL_WIDTH: u32 = 960;
/// Longest wait for the picture once the stream is measured.
const STILL_WAIT: Duration = Duration::from_secs(5);

/// What a source gives.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeReport {
    /// Codec of the video.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames a second, measured; 0 when too few came.
    pub fps: f64,
    /// Time between key frames, milliseconds; `None` when a second one did not come in time.
    pub key_frame_interval_ms: Option<u64>,
    /// The first picture; `None` when it could not be decoded.
    pub still_jpeg: Option<Vec<u8>>,
}

/// What is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {detail}")]
pub struct ProbeError {
    /// `no_route`, `refused`, `timeout`, `wrong_password`, `wrong_path`, `not_video`, `unsupported_codec`,
    /// `address_not_allowed`, `untrusted_certificate` or `bad_stream`.
    pub problem: &'static str,
    /// The same in words, without credentials.
    pub detail: String,
}

impl From<SourceError> for ProbeError {
    fn from(error: SourceError) -> Self {
        let problem = match error.reason {
            StateReason::Refused => "refused",
            StateReason::NoRoute => "no_route",
            StateReason::Timeout | StateReason::Stalled => "timeout",
            StateReason::Unauthorized => "wrong_password",
            StateReason::NotFound => "wrong_path",
            StateReason::NotVideo => "not_video",
            StateReason::UnsupportedCodec => "unsupported_codec",
            StateReason::AddressNotAllowed => "address_not_allowed",
            StateReason::UntrustedCertificate => "untrusted_certificate",
            _ => "bad_stream",
        };
        Self { problem, detail: error.detail }
    }
}

/// Opens and measures a source within `limit`, then decodes its first picture.
///
/// # Errors
/// [`ProbeError`].
pub(crate) async fn probe(
    opener: &dyn Opener,
    analyser: &Analyser,
    clock: &dyn Clock,
    spec: &SourceSpec,
    limit: Duration,
) -> Result<ProbeReport, ProbeError> {
    let deadline = Instant::now() + limit;
    let late = || ProbeError { problem: "timeout", detail: "the camera does not answer in time".to_owned() };
    let mut source = timeout_at(deadline, opener.open(spec)).await.map_err(|_| late())??;
    let measured = probe::measure(&mut *source, deadline).await;
    source.close().await;
    let probed = measured?;
    let key = KeyFrame {
        camera: Uuid::nil(),
        codec: probed.parameters.codec,
        config: probed.parameters.config.clone(),
        width: probed.parameters.width,
        height: probed.parameters.height,
        wall_ms: clock.wall_ms(),
        data: probed.key_frame.data,
    };
    let still = tokio::time::timeout(STILL_WAIT, analyser.decode_still(key, Some(STILL_WIDTH))).await;
    Ok(ProbeReport {
        codec: probed.parameters.codec,
        width: probed.parameters.width,
        height: probed.parameters.height,
        fps: probed.fps,
        key_frame_interval_ms: probed.key_frame_interval_ms,
        still_jpeg: still.ok().and_then(Result::ok).map(|still| still.jpeg),
    })
}
