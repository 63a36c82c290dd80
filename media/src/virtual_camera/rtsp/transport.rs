//! How packets reach a viewer: interleaved in the RTSP connection, or as datagrams.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;

use crate::virtual_camera::rtp::Packets;

/// Tries to find a free pair of ports.
const TRIES: usize = 50;

/// Where a camera's group is: of those that a site gives out by itself (RFC 2365).
pub(crate) const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 42, 42);

/// Datagrams from a pair of ports to a viewer's pair, or to a group's.
pub(crate) struct Datagrams {
    data: UdpSocket,
    reports: UdpSocket,
    report_channel: u8,
}

impl Datagrams {
    /// Binds a pair of ports on `local` and aims at the viewer's.
    pub(crate) async fn open(local: IpAddr, viewer: IpAddr, ports: (u16, u16), report_channel: u8) -> std::io::Result<Self> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            match pair(local).await {
                Ok((data, reports)) => {
                    data.connect(SocketAddr::new(viewer, ports.0)).await?;
                    reports.connect(SocketAddr::new(viewer, ports.1)).await?;
                    return Ok(Self { data, reports, report_channel });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Binds a pair of ports on `local` and aims at two others of [`GROUP`], in `local`'s network only; gives those.
    pub(crate) async fn open_group(local: Ipv4Addr, report_channel: u8) -> std::io::Result<(Self, (u16, u16))> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        for _ in 0..TRIES {
            // Those that are sent to must be free where the viewer is, which may be here: they are held until both are known.
            match (pair(local.into()).await, pair(local.into()).await) {
                (Ok((data, reports)), Ok((first, second))) => {
                    let ports = (first.local_addr()?.port(), second.local_addr()?.port());
                    for (socket, port) in [(&data, ports.0), (&reports, ports.1)] {
                        socket2::SockRef::from(socket).set_multicast_if_v4(&local)?;
                        socket.connect((GROUP, port)).await?;
                    }
                    return Ok((Self { data, reports, report_channel }, ports));
                }
                (Err(error), _) | (_, Err(error)) => last = error,
            }
        }
        Err(last)
    }

    /// Ports that the packets come from.
    pub(crate) fn ports(&self) -> (u16, u16) {
        let port = |socket: &UdpSocket| socket.local_addr().map_or(0, |address| address.port());
        (port(&self.data), port(&self.reports))
    }

    /// Sends each packet. A viewer that does not listen is its own loss.
    pub(crate) async fn send(&self, packets: &Packets) {
        for (channel, packet) in packets.each() {
            let socket = if channel == self.report_channel { &self.reports } else { &self.data };
            if let Err(error) = socket.send(packet).await {
                tracing::trace!(%error, "a datagram was not sent");
            }
        }
    }
}

/// An even port and the one above it, as RTP likes them.
async fn pair(local: IpAddr) -> std::io::Result<(UdpSocket, UdpSocket)> {
    let data = UdpSocket::bind((local, 0)).await?;
    let port = data.local_addr()?.port();
    if port % 2 != 0 {
        return Err(std::io::ErrorKind::AddrInUse.into());
    }
    let reports = UdpSocket::bind((local, port + 1)).await?;
    Ok((data, reports))
}

/// What a viewer asks for in its `Transport` header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Interleaved, on this pair of channels.
    Tcp(u8, u8),
    /// Datagrams, to this pair of ports.
    Udp(u16, u16),
    /// Datagrams, to a group that the camera names.
    Multicast,
}

impl Wanted {
    /// The first wish in the header that is understood.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        header.split(',').find_map(|wish| {
            let tcp = wish.trim().to_ascii_uppercase().starts_with("RTP/AVP/TCP");
            let value = |name: &str| wish.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            if tcp {
                let (first, second) = pair_of(value("interleaved").unwrap_or("0-1"))?;
                return Some(Self::Tcp(u8::try_from(first).ok()?, u8::try_from(second).ok()?));
            }
            if wish.contains("multicast") {
                return Some(Self::Multicast);
            }
            let (first, second) = pair_of(value("client_port")?)?;
            Some(Self::Udp(first, second))
        })
    }
}

fn pair_of(text: &str) -> Option<(u16, u16)> {
    let (first, second) = text.split_once('-').unwrap_or((text, ""));
    let first: u16 = first.trim().parse().ok()?;
    let second = if second.is_empty() { first.checked_add(1)? } else { second.trim().parse().ok()? };
    Some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_understood() {
        assert_eq!(Wanted::parse("RTP/AVP/TCP;unicast;interleaved=2-3"), Some(Wanted::Tcp(2, 3)));
        assert_eq!(Wanted::parse("RTP/AVP;unicast;client_port=5000-5001;mode=play"), Some(Wanted::Udp(5000, 5001)));
        assert_eq!(Wanted::parse("RTP/AVP;multicast"), Some(Wanted::Multicast));
        assert_eq!(Wanted::parse("RTP/SAVP"), None);
        assert_eq!(Wanted::parse("RTP/AVP/TCP;interleaved=300-301"), None);
    }
}
