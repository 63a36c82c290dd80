//! Chooses who opens a source: retina for RTSP over TCP, clients of our own for HLS, MJPEG and RTMP, GStreamer for everything
//! else.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::address::{self, AddressPolicy};
use super::ceiling::Ceiling;
use super::rtsp::{self, RtspSource};
use super::{Opener, Source, SourceError, SourceLimits, gst, http, rtmp};
use crate::camera::{SourceSpec, StateReason, Transport};
use crate::clock::Clock;
use crate::settings::EngineConfig;

/// Opens real sources.
#[derive(Debug)]
pub struct SystemOpener {
    limits: SourceLimits,
    policy: Arc<AddressPolicy>,
    clock: Arc<dyn Clock>,
    ceiling: Arc<Ceiling>,
}

impl SystemOpener {
    /// An opener with the limits of `config`.
    #[must_use]
    pub fn new(config: &EngineConfig, clock: Arc<dyn Clock>) -> Self {
        let limits = SourceLimits {
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            access_unit_bytes_max: config.access_unit_bytes_max,
        };
        let ceiling = Arc::new(Ceiling::new(config.memory_bytes_max));
        Self { limits, policy: Arc::new(AddressPolicy::new(config)), clock, ceiling }
    }

    /// The ceiling that somebody has to look at now and then.
    #[must_use]
    pub fn ceiling(&self) -> Arc<Ceiling> {
        self.ceiling.clone()
    }
}

impl Opener for SystemOpener {
    fn open(&self, spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        let (spec, limits, policy, clock) = (spec.clone(), self.limits, self.policy.clone(), self.clock.clone());
        let ceiling = self.ceiling.clone();
        async move {
            match spec.url.scheme() {
                "rtsp" if matches!(spec.transport, Transport::Auto | Transport::Tcp) => {
                    let opened = open_rtsp(&spec, limits, &policy, clock.clone(), ceiling).await;
                    match opened {
                        Ok(source) => Ok(Box::new(source) as Box<dyn Source>),
                        Err(error) if may_be_taken_otherwise(&spec, &error) => {
                            gst::open(&spec, &policy, limits, clock).await.map_err(|_| error)
                        }
                        Err(error) => Err(error),
                    }
                }
                "rtmp" if spec.listens() => rtmp::listen(&spec, &policy, limits, clock).await,
                // Who signs in does so in one of several ways, which GStreamer knows.
                "rtmp" if spec.username.is_none() && spec.url.username().is_empty() => rtmp::open(&spec, &policy, limits, clock).await,
                "http" | "https" => http::open(&spec, &policy, limits, clock).await,
                scheme if gst::SCHEMES.contains(&scheme) => gst::open(&spec, &policy, limits, clock).await,
                scheme => {
                    let detail = format!("addresses that begin with {scheme}: are not supported");
                    Err(SourceError::new(StateReason::NotVideo, detail))
                }
            }
        }
        .boxed()
    }
}

/// Whether GStreamer shall try: the camera answers, but not so that the client understands it, or not over TCP, or in a codec
/// that the client does not take (JPEG).
fn may_be_taken_otherwise(spec: &SourceSpec, error: &SourceError) -> bool {
    let not_understood = matches!(error.reason, StateReason::BadStream | StateReason::NotVideo | StateReason::UnsupportedCodec);
    spec.transport == Transport::Auto && not_understood
}

/// Connects to the very address that was checked; of several, to the first that answers.
async fn open_rtsp(
    spec: &SourceSpec,
    limits: SourceLimits,
    policy: &AddressPolicy,
    clock: Arc<dyn Clock>,
    ceiling: Arc<Ceiling>,
) -> Result<RtspSource, SourceError> {
    let mut failed = SourceError::new(StateReason::NoRoute, "there is no way to the camera");
    for address in policy.resolve(&spec.url, limits.connect_timeout).await? {
        match rtsp::open(spec, address::pinned(&spec.url, address)?, limits, clock.clone(), ceiling.clone()).await {
            Ok(source) => return Ok(source),
            Err(error) => failed = error,
        }
        // Only an address that does not answer is a reason to try the next: a wrong password must not be tried twice.
        if !matches!(failed.reason, StateReason::Refused | StateReason::NoRoute | StateReason::Timeout) {
            break;
        }
    }
    Err(failed)
}
