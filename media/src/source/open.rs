//! Chooses who opens a source: retina for RTSP over TCP, GStreamer for everything else.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::address::{self, AddressPolicy};
use super::rtsp::{self, RtspSource};
use super::{Opener, Source, SourceError, SourceLimits, gst};
use crate::camera::{SourceSpec, StateReason, Transport};
use crate::clock::Clock;
use crate::settings::EngineConfig;

/// Opens real sources.
#[derive(Debug)]
pub struct SystemOpener {
    limits: SourceLimits,
    policy: Arc<AddressPolicy>,
    clock: Arc<dyn Clock>,
}

impl SystemOpener {
    /// An opener with the limits of `config`.
    #[must_use]
    pub fn new(config: &EngineConfig, clock: Arc<dyn Clock>) -> Self {
        let limits = SourceLimits {
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            access_unit_bytes_max: config.access_unit_bytes_max,
        };
        Self { limits, policy: Arc::new(AddressPolicy::new(config)), clock }
    }
}

impl Opener for SystemOpener {
    fn open(&self, spec: &SourceSpec) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> {
        let (spec, limits, policy, clock) = (spec.clone(), self.limits, self.policy.clone(), self.clock.clone());
        async move {
            match spec.url.scheme() {
                "rtsp" if spec.transport != Transport::Udp => {
                    let source = open_rtsp(&spec, limits, &policy, clock).await?;
                    Ok(Box::new(source) as Box<dyn Source>)
                }
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

/// Connects to the very address that was checked; of several, to the first that answers.
async fn open_rtsp(
    spec: &SourceSpec,
    limits: SourceLimits,
    policy: &AddressPolicy,
    clock: Arc<dyn Clock>,
) -> Result<RtspSource, SourceError> {
    let mut failed = SourceError::new(StateReason::NoRoute, "there is no way to the camera");
    for address in policy.resolve(&spec.url, limits.connect_timeout).await? {
        match rtsp::open(spec, address::pinned(&spec.url, address)?, limits, clock.clone()).await {
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
