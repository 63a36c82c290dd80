//! WS-Discovery: which ONVIF cameras there are on the local network. Only when somebody asks.
//!
//! A probe goes out once to the group address, over every interface whose own address is in the allowed networks, or to
//! one device by its address where routers do not carry groups. For a few seconds answers are taken, so many and so
//! large and no more. An answer is believed only about the address it came from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use url::Url;
use uuid::Uuid;

use super::xml::Element;
use crate::camera::StateReason;
use crate::source::SourceError;
use crate::source::address::AddressPolicy;

/// The group that devices listen in.
const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), 3_702);
/// The port that devices listen at.
pub const PORT: u16 = 3_702;
/// Longest time for answers.
pub const WAIT_MAX: Duration = Duration::from_secs(10);
/// Devices in one answer; a whole network of cameras has fewer.
const FOUND_MAX: usize = 500;
/// Packets that are looked at, whoever sends them.
const PACKETS_MAX: usize = 2_000;
const PACKET_BYTES_MAX: usize = 64 * 1_024;
const INTERFACES_MAX: usize = 16;

/// A device that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where its device service is.
    pub url: Url,
    /// Its address.
    pub ip: IpAddr,
    /// What it calls itself.
    pub name: Option<String>,
    /// Which model it says it is.
    pub hardware: Option<String>,
}

/// Asks and gathers answers for `wait`.
///
/// # Errors
/// [`StateReason::AddressNotAllowed`] for a device outside the allowed networks; [`StateReason::NoRoute`] without a network.
pub async fn discover(device: Option<SocketAddr>, wait: Duration, policy: &AddressPolicy) -> Result<Vec<Found>, SourceError> {
    let sockets = match device {
        Some(address) => {
            policy.check(address)?;
            let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
            let socket = UdpSocket::bind((any, 0)).await.map_err(|_| no_network())?;
            // Nobody else is heard.
            socket.connect(address).await.map_err(|_| no_network())?;
            socket.send(probe().as_bytes()).await.map_err(|_| no_network())?;
            vec![socket]
        }
        None => ask_group(policy).await?,
    };
    let deadline = Instant::now() + wait.min(WAIT_MAX);
    let listening = sockets.iter().map(|socket| gather(socket, deadline, policy, device.is_some()));
    let mut found = BTreeMap::new();
    for part in futures::future::join_all(listening).await {
        found.extend(part);
    }
    Ok(found.into_values().take(FOUND_MAX).collect())
}

fn no_network() -> SourceError {
    SourceError::new(StateReason::NoRoute, "there is no network to ask")
}

/// A socket for each interface in an allowed network, with the question sent.
async fn ask_group(policy: &AddressPolicy) -> Result<Vec<UdpSocket>, SourceError> {
    let interfaces = nix::ifaddrs::getifaddrs().map_err(|_| no_network())?;
    let addresses = interfaces.filter_map(|interface| interface.address?.as_sockaddr_in().map(|address| IpAddr::V4(address.ip())));
    let mut sockets = Vec::new();
    // The port is of no matter: it is the network that is looked at.
    for ip in addresses.filter(|ip| !ip.is_loopback() && policy.check((*ip, PORT).into()).is_ok()).take(INTERFACES_MAX) {
        let IpAddr::V4(v4) = ip else { continue };
        let Ok(socket) = UdpSocket::bind((ip, 0)).await else { continue };
        let options = socket2::SockRef::from(&socket);
        // One hop: cameras of this network only.
        if options.set_multicast_if_v4(&v4).and_then(|()| options.set_multicast_ttl_v4(1)).is_err() {
            continue;
        }
        if socket.send_to(probe().as_bytes(), GROUP).await.is_ok() {
            sockets.push(socket);
        }
    }
    if sockets.is_empty() { Err(no_network()) } else { Ok(sockets) }
}

async fn gather(socket: &UdpSocket, deadline: Instant, policy: &AddressPolicy, one: bool) -> BTreeMap<IpAddr, Found> {
    let mut found = BTreeMap::new();
    let mut packet = vec![0; PACKET_BYTES_MAX];
    for _ in 0..PACKETS_MAX {
        let Ok(received) = timeout_at(deadline, socket.recv_from(&mut packet)).await else { break };
        let Ok((len, from)) = received else { continue };
        if policy.check((from.ip(), 80).into()).is_err() && policy.check((from.ip(), PORT).into()).is_err() {
            continue;
        }
        if let Some(device) = read(&packet[..len], from.ip()) {
            found.insert(from.ip(), device);
        }
        if found.len() >= FOUND_MAX || (one && !found.is_empty()) {
            break;
        }
    }
    found
}

/// What a packet from `from` says, if it is an answer at all.
pub(super) fn read(packet: &[u8], from: IpAddr) -> Option<Found> {
    let root = Element::parse(packet).ok()?;
    let matched = root.at(&["Body", "ProbeMatches", "ProbeMatch"])?;
    let named: Vec<Url> = matched.text_at(&["XAddrs"])?.split_ascii_whitespace().filter_map(|text| text.parse().ok()).collect();
    let own = named.into_iter().find(|url| {
        matches!(url.scheme(), "http" | "https")
            && match url.host() {
                Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip) == from,
                Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip) == from,
                _ => false,
            }
    })?;
    let scopes = matched.text_at(&["Scopes"]).unwrap_or_default();
    let scope = |kind: &str| {
        let text = scopes.split_ascii_whitespace().find_map(|scope| scope.split_once(kind).map(|(_, value)| value))?;
        let plain = text.replace('+', " ");
        let plain: String = percent_decoded(&plain).chars().filter(|letter| !letter.is_control()).take(100).collect();
        (!plain.is_empty()).then_some(plain)
    };
    Some(Found { url: super::device_url(own.as_str()).ok()?, ip: from, name: scope("/name/"), hardware: scope("/hardware/") })
}

fn percent_decoded(text: &str) -> String {
    let url = Url::parse("x:/").ok().and_then(|base| base.join(&format!("?a={}", text.replace(['&', '#'], ""))).ok());
    url.and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned())).unwrap_or_default()
}

fn probe() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"{ADDRESSING}\" xmlns:d=\"{DISCOVERY}\" xmlns:n=\"{NETWORK}\"><s:Header><a:MessageID>uuid:{}</a:MessageID>\
         <a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To><a:Action>{DISCOVERY}/Probe</a:Action></s:Header>\
         <s:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>",
        Uuid::now_v7(),
    )
}

// Names of the standards; they are compared, never fetched.
const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const DISCOVERY: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
const NETWORK: &str = "http://www.onvif.org/ver10/network/wsdl";
