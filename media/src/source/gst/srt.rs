//! SRT: a camera or an encoder that is called, or one that calls.
//!
//! One that calls has a port of its own, among those set aside for that. Whoever reaches the port could show any picture, so
//! there is no waiting without a key: the passphrase that encrypts the stream or, for encoders that cannot encrypt, a stream
//! id that nobody else knows (`key=streamid` in the address). The key is the camera's password.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use url::Url;

use super::head::Head;
use super::tail::make;
use crate::camera::{Secret, SourceSpec, StateReason};
use crate::source::address::{AddressPolicy, pinned};
use crate::source::{SourceError, SourceLimits};

/// Lengths of a passphrase that the protocol takes, bytes.
pub(super) const PASSPHRASE_BYTES: std::ops::RangeInclusive<usize> = 10..=79;
/// Longest stream id that the protocol carries, bytes.
const STREAM_ID_BYTES_MAX: usize = 512;
/// How late a packet may come and still be taken, where the address says nothing, milliseconds.
const LATENCY_MS: i32 = 125;

/// A source that calls the camera.
pub(super) async fn called(spec: &SourceSpec, policy: &AddressPolicy, limits: SourceLimits) -> Result<Head, SourceError> {
    let addresses = policy.resolve(&spec.url, limits.connect_timeout).await?;
    let mut location = pinned(&spec.url, addresses[0])?;
    // Of what an address can ask for, only what cannot harm is passed on.
    location.set_query(Some("mode=caller"));
    location.set_path("");
    let source = element(location.as_str(), &spec.url)?;
    if let Some(stream_id) = asked(&spec.url, "streamid") {
        source.set_property("streamid", stream_id);
    }
    if let Some(passphrase) = secret(spec) {
        source.set_property("passphrase", passphrase);
    }
    Head::live(source)
}

/// A source that waits for the camera to call.
pub(super) fn listening(spec: &SourceSpec, policy: &AddressPolicy) -> Result<Head, SourceError> {
    let address = policy.listening(&spec.url)?;
    let source = element(&format!("srt://{address}?mode=listener"), &spec.url)?;
    let stream_id = match key(spec)? {
        Key::Passphrase(passphrase) => {
            source.set_property("passphrase", passphrase);
            asked(&spec.url, "streamid")
        }
        Key::StreamId(stream_id) => Some(stream_id),
    };
    source.set_property("authentication", true);
    source.connect("caller-connecting", false, move |values| {
        let named = values.get(2).and_then(|value| value.get::<Option<String>>().ok()).flatten().unwrap_or_default();
        Some(stream_id.as_ref().is_none_or(|wanted| same(wanted, &named)).to_value())
    });
    let call = Arc::new(Call::new(latency_ms(&spec.url)));
    let noted = Arc::clone(&call);
    source.connect("caller-added", false, move |_| {
        noted.came.send_replace(true);
        None
    });
    Ok(Head { call: Some(call), ..Head::live(source)? })
}

/// A call that is waited for.
#[derive(Debug)]
pub(super) struct Call {
    came: watch::Sender<bool>,
    /// By how much the first picture comes after the call, at least.
    latency: Duration,
}

impl Call {
    fn new(latency_ms: i32) -> Self {
        Self { came: watch::Sender::new(false), latency: Duration::from_millis(latency_ms.unsigned_abs().into()) }
    }

    /// Whether somebody has called.
    pub(super) fn has_come(&self) -> bool {
        *self.came.borrow()
    }

    /// What `picture` gives, where a call comes within `limit` and a picture as long after it.
    ///
    /// # Errors
    /// One of both took too long.
    pub(super) async fn then<T>(&self, limit: Duration, picture: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut came = self.came.subscribe();
        tokio::pin!(picture);
        tokio::select! {
            biased;
            given = &mut picture => return Ok(given),
            // The sender is ours, so it is still there.
            called = timeout(limit, async { came.wait_for(|came| *came).await.is_ok() }) => {
                let _by_somebody = called?;
            }
        }
        timeout(limit + self.latency, picture).await
    }
}

/// What a caller has to know.
#[derive(Debug, PartialEq)]
enum Key {
    Passphrase(String),
    StreamId(String),
}

fn key(spec: &SourceSpec) -> Result<Key, SourceError> {
    let lacking = |detail: &str| SourceError::new(StateReason::Unauthorized, detail);
    if asked(&spec.url, "key").as_deref() == Some("streamid") {
        let stream_id = spec.password.as_ref().map(|password| password.expose().to_owned());
        let long_enough = |id: &String| (*PASSPHRASE_BYTES.start()..=STREAM_ID_BYTES_MAX).contains(&id.len());
        let stream_id = stream_id.filter(long_enough);
        return stream_id.map(Key::StreamId).ok_or_else(|| lacking("a camera that calls needs a stream id of 10 characters or more"));
    }
    let passphrase = secret(spec).filter(|passphrase| PASSPHRASE_BYTES.contains(&passphrase.len()));
    passphrase.map(Key::Passphrase).ok_or_else(|| lacking("a camera that calls needs a passphrase of 10 to 79 characters"))
}

/// The passphrase: the camera's password, else the one in the address.
fn secret(spec: &SourceSpec) -> Option<String> {
    spec.password.as_ref().map(Secret::expose).map(str::to_owned).or_else(|| asked(&spec.url, "passphrase"))
}

fn element(uri: &str, url: &Url) -> Result<gst::Element, SourceError> {
    let source = make("srtsrc")?;
    source.set_property("uri", uri);
    source.set_property("auto-reconnect", false);
    source.set_property("latency", latency_ms(url));
    Ok(source)
}

fn latency_ms(url: &Url) -> i32 {
    asked(url, "latency").and_then(|latency| latency.parse().ok()).unwrap_or(LATENCY_MS).clamp(20, 8_000)
}

fn asked(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
}

/// Compares in a time that tells nothing about where they differ.
fn same(wanted: &str, named: &str) -> bool {
    Sha256::digest(wanted) == Sha256::digest(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(url: &str, password: Option<&str>) -> SourceSpec {
        SourceSpec { password: password.map(Secret::new), ..SourceSpec::new(url.parse().expect("a URL")) }
    }

    #[test]
    fn nobody_is_waited_for_without_a_key() {
        let plain = "srt://0.0.0.0:7001?mode=listener";
        let reason = |url: &str, password| key(&spec(url, password)).expect_err("no key").reason;
        let long = "x".repeat(80);
        for password in [None, Some("too short"), Some(long.as_str())] {
            assert_eq!(reason(plain, password), StateReason::Unauthorized, "{password:?}");
        }
        assert_eq!(reason("srt://0.0.0.0:7001?mode=listener&key=streamid", Some("short")), StateReason::Unauthorized);
        assert_eq!(reason("srt://0.0.0.0:7001?mode=listener&streamid=known-to-all", None), StateReason::Unauthorized);
        assert_eq!(key(&spec(plain, Some("ten-or-more"))), Ok(Key::Passphrase("ten-or-more".into())));
        let by_name = key(&spec("srt://0.0.0.0:7001?mode=listener&key=streamid", Some("ten-or-more")));
        assert_eq!(by_name, Ok(Key::StreamId("ten-or-more".into())));
    }

    #[test]
    fn the_password_goes_before_what_the_address_says() {
        let url = "srt://10.0.0.5:9000?passphrase=in-the-address";
        assert_eq!(secret(&spec(url, None)).as_deref(), Some("in-the-address"));
        assert_eq!(secret(&spec(url, Some("in-the-field"))).as_deref(), Some("in-the-field"));
        assert!(same("a", "a") && !same("a", "b") && !same("a", ""));
    }
}
