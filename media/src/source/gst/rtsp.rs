//! RTSP in all ways but TCP: datagrams, a group of the network, TLS (`rtsps:`), and a tunnel through HTTP (`rtsph:`, or
//! `rtspsh:` with TLS), for cameras behind a gateway that lets nothing else through.

use std::net::IpAddr;
use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::certificate::{self, Trust};
use super::head::{Head, credentials};
use super::tail::make;
use crate::camera::{SourceSpec, StateReason, Transport};
use crate::source::address::{AddressPolicy, pinned};
use crate::source::dial::dial;
use crate::source::{SourceError, SourceLimits};

/// How long packets are waited for to put them in order, milliseconds.
const LATENCY_MS: u32 = 200;

/// A source that signs in at the address that was checked.
pub(super) async fn head(spec: &SourceSpec, policy: &AddressPolicy, limits: SourceLimits) -> Result<Head, SourceError> {
    let trust = Trust::of(&spec.url)?;
    let addresses = policy.resolve(&spec.url, limits.connect_timeout).await?;
    let connection = dial(&addresses, limits.connect_timeout).await?;
    let gone = |_| SourceError::new(StateReason::Closed, "the connection is gone");
    let (address, local) = (connection.peer_addr().map_err(gone)?, connection.local_addr().map_err(gone)?);
    drop(connection);
    let mut location = pinned(&spec.url, address)?;
    location.set_fragment(None);
    let location = location.to_string();
    let source = make("rtspsrc")?;
    source.set_property("location", &location);
    source.set_property_from_str("protocols", protocols(spec));
    source.set_property("latency", LATENCY_MS);
    source.set_property("tcp-timeout", micros(limits));
    source.set_property("timeout", micros(limits));
    source.set_property("udp-reconnect", false);
    // A tunnel's answer may name another address for the way back: nobody has checked that one.
    source.set_property("ignore-x-server-reply", true);
    // On a server with several networks, a group is joined where the camera is.
    if let Some(interface) = interface_of(local.ip()) {
        source.set_property("multicast-iface", interface);
    }
    if let Some((username, password)) = credentials(spec) {
        source.set_property("user-id", username);
        source.set_property("user-pw", password);
    }
    let head = Head::live(source.clone())?;
    certificate::check(&source, trust, &head.faults);
    only_video(&source, &head);
    only_there(&source, location, &head);
    Ok(head)
}

/// Encrypted and tunnelled streams come inside their connection: datagrams beside it would be neither.
fn protocols(spec: &SourceSpec) -> &'static str {
    match (spec.url.scheme(), spec.transport) {
        ("rtsp", Transport::Auto) => "udp+udp-mcast+tcp",
        ("rtsp", Transport::Udp) => "udp+udp-mcast",
        ("rtsp", Transport::Multicast) => "udp-mcast",
        _ => "tcp",
    }
}

/// Only video is set up: sound is never fetched, let alone recorded.
fn only_video(source: &gst::Element, head: &Head) {
    let faults = Arc::clone(&head.faults);
    source.connect("select-stream", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let described = caps.as_ref().and_then(|caps| caps.structure(0));
        let field = |name: &str| described.and_then(|structure| structure.get::<String>(name).ok()).unwrap_or_default();
        let video = field("media") == "video";
        faults.offered(video);
        // JPEG has a number of its own, beside which a description may leave its name out (RFC 3551).
        let named_by_number = described.and_then(|structure| structure.get::<i32>("payload").ok()) == Some(26);
        let encoding = if named_by_number { "JPEG".to_owned() } else { field("encoding-name") };
        if video && !["H264", "H265", "JPEG"].contains(&encoding.as_str()) {
            faults.note(SourceError::new(StateReason::UnsupportedCodec, format!("video in {encoding} is not recorded")));
        }
        Some(video.to_value())
    });
    let faults = Arc::clone(&head.faults);
    source.connect("no-more-pads", false, move |values| {
        let element = values.first().and_then(|value| value.get::<gst::Element>().ok());
        if element.is_some_and(|element| element.num_src_pads() == 0) {
            faults.note(SourceError::new(StateReason::NotVideo, "the camera offers no video"));
        }
        None
    });
}

/// The element follows redirections by itself, to addresses that nobody has checked: it changes its location then.
fn only_there(source: &gst::Element, location: String, head: &Head) {
    let faults = Arc::clone(&head.faults);
    source.connect("before-send", false, move |values| {
        let element = values.first().and_then(|value| value.get::<gst::Element>().ok());
        let now = element.and_then(|element| element.property::<Option<String>>("location"));
        let same = now.as_deref() == Some(location.as_str());
        if !same {
            faults.note(SourceError::new(StateReason::AddressNotAllowed, "the camera sends us to another address"));
        }
        Some(same.to_value())
    });
}

/// The network interface that has an address; `None` where the system does not say.
fn interface_of(ip: IpAddr) -> Option<String> {
    let found = nix::ifaddrs::getifaddrs().ok()?.find(|interface| {
        let address = interface.address.as_ref();
        let v4 = address.and_then(|address| address.as_sockaddr_in()).map(|address| IpAddr::V4(address.ip()));
        let v6 = address.and_then(|address| address.as_sockaddr_in6()).map(|address| IpAddr::V6(address.ip()));
        v4.or(v6) == Some(ip)
    });
    found.map(|interface| interface.interface_name)
}

fn micros(limits: SourceLimits) -> u64 {
    u64::try_from(limits.connect_timeout.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_or_tunnelled_never_comes_as_datagrams() {
        let protocols = |url: &str, transport| protocols(&SourceSpec { transport, ..SourceSpec::new(url.parse().expect("a URL")) });
        for scheme in ["rtsps", "rtsph", "rtspsh"] {
            for transport in [Transport::Auto, Transport::Tcp, Transport::Udp, Transport::Multicast] {
                assert_eq!(protocols(&format!("{scheme}://10.0.0.1/a"), transport), "tcp", "{scheme}");
            }
        }
        assert_eq!(protocols("rtsp://10.0.0.1/a", Transport::Multicast), "udp-mcast");
    }

    #[test]
    fn the_interface_of_an_address_is_found() {
        let loopback = interface_of(IpAddr::from([127, 0, 0, 1])).expect("every machine has it");
        assert!(loopback.starts_with("lo"), "{loopback}");
        assert_eq!(interface_of(IpAddr::from([192, 0, 2, 1])), None);
    }
}
