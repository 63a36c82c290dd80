//! Which addresses cameras may have.
//!
//! Whoever may add a camera could otherwise make this server speak to anything it can reach. So an address is checked
//! against the allowed networks **after** its name was resolved, on every connect, and the connection then goes to the
//! very address that was checked (a name that resolves differently a moment later changes nothing). Link-local,
//! multicast and unspecified addresses and this program's own ports are never allowed, whatever the settings say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use super::SourceError;
use crate::camera::StateReason;
use crate::settings::EngineConfig;

/// The rules for addresses of sources.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressPolicy {
    allowed_networks: Vec<IpNet>,
    own_ports: Vec<u16>,
    file_sources: Option<PathBuf>,
    listen_ports: Option<RangeInclusive<u16>>,
}

impl AddressPolicy {
    /// The rules of a configuration.
    #[must_use]
    pub fn new(config: &EngineConfig) -> Self {
        Self {
            allowed_networks: config.allowed_networks.clone(),
            own_ports: config.own_ports.clone(),
            file_sources: config.file_sources.clone(),
            listen_ports: config.listen_ports.clone(),
        }
    }

    /// Whether a connection may go there.
    ///
    /// # Errors
    /// [`StateReason::AddressNotAllowed`].
    pub fn check(&self, address: SocketAddr) -> Result<(), SourceError> {
        let ip = unmapped(address.ip());
        if let Some(kind) = forbidden_kind(ip) {
            return Err(denied(format!("{ip} is {kind} address")));
        }
        if !self.allowed_networks.iter().any(|network| network.contains(&ip)) {
            return Err(denied(format!("{ip} is not in the allowed networks")));
        }
        if self.own_ports.contains(&address.port()) && is_own(ip) {
            return Err(denied(format!("{address} is this program itself")));
        }
        Ok(())
    }

    /// Addresses of a URL's host that may be connected to, in the order the resolver gives them; never empty.
    ///
    /// # Errors
    /// [`StateReason::NoRoute`] for a name that is unknown, [`StateReason::Timeout`] when the resolver does not answer
    /// within `limit`, [`StateReason::AddressNotAllowed`] when no address of the name is allowed.
    pub async fn resolve(&self, url: &Url, limit: Duration) -> Result<Vec<SocketAddr>, SourceError> {
        let port = url.port().or_else(|| default_port(url.scheme())).ok_or_else(|| denied("the address has no port"))?;
        let addresses: Vec<SocketAddr> = match url.host() {
            None => return Err(denied("the address has no host")),
            Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
            Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
            Some(Host::Domain(name)) => {
                let looked_up = tokio::time::timeout(limit, tokio::net::lookup_host((name, port))).await;
                let looked_up = looked_up.map_err(|_| SourceError::new(StateReason::Timeout, "the name is not resolved in time"))?;
                looked_up.map_err(|_| SourceError::new(StateReason::NoRoute, "the host name is unknown"))?.collect()
            }
        };
        let mut refusal = SourceError::new(StateReason::NoRoute, "the host name is unknown");
        let mut allowed = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.check(address) {
                Ok(()) => allowed.push(address),
                Err(error) => refusal = error,
            }
        }
        if allowed.is_empty() { Err(refusal) } else { Ok(allowed) }
    }

    /// Where a camera that calls is waited for: an address of this machine (or all of them) and a port of those set aside.
    ///
    /// # Errors
    /// [`StateReason::AddressNotAllowed`], with the ports that there are.
    pub fn listening(&self, url: &Url) -> Result<SocketAddr, SourceError> {
        let ports = self.listen_ports.as_ref().ok_or_else(|| denied("waiting for cameras that call is switched off"))?;
        let (first, last) = (ports.start(), ports.end());
        let port = url.port().filter(|port| ports.contains(port));
        let port = port.ok_or_else(|| denied(format!("a camera that calls is waited for at a port from {first} to {last}")))?;
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::from(ip),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip),
            // To a scheme that is none of the web's, a name may be an address that nobody has parsed.
            Some(Host::Domain(name)) => name.parse().map_err(|_| denied("an address of this server, or 0.0.0.0 for all of them"))?,
            None => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        };
        if !ip.is_unspecified() && !is_own(ip) {
            return Err(denied(format!("{ip} is no address of this server")));
        }
        Ok((ip, port).into())
    }

    /// The file of a `file:` URL, when it lies below the folder for such sources.
    ///
    /// # Errors
    /// [`StateReason::AddressNotAllowed`] outside the folder or without one, [`StateReason::NotFound`] when there is no
    /// such file. Outside the folder nothing tells whether a file exists.
    pub fn file(&self, url: &Url) -> Result<PathBuf, SourceError> {
        let outside = || denied("files are allowed only below the folder for file sources");
        let root = self.file_sources.as_deref().ok_or_else(|| denied("file sources are switched off"))?;
        let wanted = url.to_file_path().map_err(|()| outside())?;
        let missing = || SourceError::new(StateReason::NotFound, "there is no such file");
        let root = root.canonicalize().map_err(|_| missing())?;
        let Ok(file) = wanted.canonicalize() else {
            return Err(if plainly_below(&wanted, &root, self.file_sources.as_deref()) { missing() } else { outside() });
        };
        if !file.starts_with(&root) {
            return Err(outside());
        }
        if file.is_file() { Ok(file) } else { Err(missing()) }
    }
}

/// The URL with its host replaced by an address that was checked, and without credentials.
///
/// # Errors
/// [`StateReason::AddressNotAllowed`] when the URL cannot carry a host.
pub fn pinned(url: &Url, address: SocketAddr) -> Result<Url, SourceError> {
    let mut url = url.clone();
    let unfit = || denied("the address cannot carry a host");
    url.set_ip_host(address.ip()).map_err(|()| unfit())?;
    url.set_port(Some(address.port())).map_err(|()| unfit())?;
    url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| unfit())?;
    Ok(url)
}

/// Port that a scheme stands for.
#[must_use]
pub fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "rtsp" => 554,
        "rtsps" => 322,
        "rtsph" => 80,
        "rtspsh" => 443,
        "rtmp" => 1935,
        "http" => 80,
        "https" | "rtmps" => 443,
        _ => return None,
    })
}

fn denied(detail: impl Into<String>) -> SourceError {
    SourceError::new(StateReason::AddressNotAllowed, detail)
}

/// The IPv4 address inside an IPv6 one that only wraps it.
fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
    }
}

/// Why an address is out of the question whatever the settings say.
fn forbidden_kind(ip: IpAddr) -> Option<&'static str> {
    let (multicast, unspecified, link_local, broadcast) = match ip {
        // All of 0.0.0.0/8 means "this host" to some systems.
        IpAddr::V4(v4) => (v4.is_multicast(), v4.octets()[0] == 0, v4.is_link_local(), v4 == Ipv4Addr::BROADCAST),
        IpAddr::V6(v6) => (v6.is_multicast(), v6.is_unspecified(), v6.is_unicast_link_local(), false),
    };
    match (multicast, unspecified, link_local, broadcast) {
        (true, ..) => Some("a multicast"),
        (_, true, ..) => Some("an unspecified"),
        (_, _, true, _) => Some("a link-local"),
        (.., true) => Some("a broadcast"),
        _ => None,
    }
}

/// Whether an address is one of this machine: only then can a socket be bound to it.
fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

/// Whether a path that does not exist is written as one below the folder, without a way out.
fn plainly_below(wanted: &Path, root: &Path, root_as_set: Option<&Path>) -> bool {
    let no_way_out = !wanted.components().any(|part| matches!(part, std::path::Component::ParentDir));
    no_way_out && (wanted.starts_with(root) || root_as_set.is_some_and(|root| wanted.starts_with(root)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(networks: &[&str], own_ports: &[u16]) -> AddressPolicy {
        let mut config = EngineConfig::new(PathBuf::new());
        config.allowed_networks = networks.iter().map(|network| network.parse().expect("a network")).collect();
        config.own_ports = own_ports.to_vec();
        AddressPolicy::new(&config)
    }

    fn default_policy() -> AddressPolicy {
        AddressPolicy::new(&EngineConfig::new(PathBuf::new()))
    }

    fn reason<T: std::fmt::Debug>(result: Result<T, SourceError>) -> StateReason {
        result.expect_err("refused").reason
    }

    #[test]
    fn private_networks_are_allowed_and_the_internet_is_not() {
        let policy = default_policy();
        for good in
            ["10.1.2.3:554", "172.31.0.1:554", "192.168.1.64:554", "127.0.0.1:8554", "[::1]:554", "[fd00::5]:554", "[::ffff:10.0.0.1]:554"]
        {
            assert!(policy.check(good.parse().expect("an address")).is_ok(), "{good}");
        }
        for bad in [
            "8.8.8.8:554",
            "172.32.0.1:554",
            "169.254.169.254:80",
            "[fe80::1]:554",
            "[2001:db8::1]:554",
            "0.0.0.0:554",
            "224.0.0.1:554",
            "[::ffff:169.254.169.254]:80",
            "[::]:80",
        ] {
            assert_eq!(reason(policy.check(bad.parse().expect("an address"))), StateReason::AddressNotAllowed, "{bad}");
        }
    }

    #[test]
    fn our_own_port_is_refused_on_every_address_of_this_machine() {
        let policy = policy(&["0.0.0.0/0"], &[8080]);
        assert!(policy.check("127.0.0.1:8081".parse().expect("an address")).is_ok());
        assert!(policy.check("127.0.0.1:8080".parse().expect("an address")).is_err());
        assert!(policy.check("127.9.9.9:8080".parse().expect("an address")).is_err());
        assert!(policy.check("10.255.255.254:8080".parse().expect("an address")).is_ok(), "another machine");
    }

    #[tokio::test]
    async fn what_a_name_resolves_to_is_checked() {
        let limit = Duration::from_secs(5);
        let localhost = Url::parse("rtsp://localhost/a").expect("a URL");
        assert!(default_policy().resolve(&localhost, limit).await.is_ok());
        assert_eq!(reason(policy(&["10.0.0.0/8"], &[]).resolve(&localhost, limit).await), StateReason::AddressNotAllowed);
        // Spellings that a resolver takes for an address.
        for odd in ["rtsp://0x7f.1/a", "rtsp://2130706433/a", "rtsp://[::ffff:127.0.0.1]/a"] {
            let url = Url::parse(odd).expect("a URL");
            assert!(policy(&["10.0.0.0/8"], &[]).resolve(&url, limit).await.is_err(), "{odd}");
        }
        let unknown = Url::parse("rtsp://no-such-host.invalid/a").expect("a URL");
        assert!(matches!(reason(default_policy().resolve(&unknown, limit).await), StateReason::NoRoute | StateReason::Timeout));
    }

    #[test]
    fn cameras_that_call_are_waited_for_at_the_ports_set_aside_only() {
        let mut config = EngineConfig::new(PathBuf::new());
        let url = |text: &str| Url::parse(text).expect("a URL");
        assert_eq!(reason(AddressPolicy::new(&config).listening(&url("srt://0.0.0.0:7001"))), StateReason::AddressNotAllowed);
        config.listen_ports = Some(7001..=7010);
        let policy = AddressPolicy::new(&config);
        for (good, address) in
            [("srt://0.0.0.0:7001", "0.0.0.0:7001"), ("srt://127.0.0.1:7010", "127.0.0.1:7010"), ("srt://[::]:7002", "[::]:7002")]
        {
            assert_eq!(policy.listening(&url(good)), Ok(address.parse().expect("an address")), "{good}");
        }
        for bad in ["srt://0.0.0.0:7011", "srt://0.0.0.0:22", "srt://0.0.0.0", "srt://192.0.2.1:7001", "srt://camera.local:7001"] {
            assert_eq!(reason(policy.listening(&url(bad))), StateReason::AddressNotAllowed, "{bad}");
        }
    }

    #[test]
    fn a_pinned_url_keeps_its_path_and_loses_its_credentials() {
        let url = Url::parse("rtsp://joe:hush@camera.local/live?channel=1").expect("a URL");
        let pinned = pinned(&url, "10.0.0.9:5540".parse().expect("an address")).expect("fits");
        assert_eq!(pinned.as_str(), "rtsp://10.0.0.9:5540/live?channel=1");
    }

    #[test]
    fn files_lie_below_the_folder_or_nowhere() {
        let folder = tempfile::tempdir().expect("folder");
        let (root, secret) = (folder.path().join("films"), folder.path().join("secret.mp4"));
        std::fs::create_dir(&root).expect("made");
        std::fs::write(root.join("a.mp4"), "x").expect("written");
        std::fs::write(&secret, "x").expect("written");
        std::os::unix::fs::symlink(&secret, root.join("link.mp4")).expect("linked");
        let mut config = EngineConfig::new(PathBuf::new());
        let url = |path: &Path| Url::from_file_path(path).expect("absolute");
        assert_eq!(reason(AddressPolicy::new(&config).file(&url(&secret))), StateReason::AddressNotAllowed);
        config.file_sources = Some(root.clone());
        let policy = AddressPolicy::new(&config);
        assert!(policy.file(&url(&root.join("a.mp4"))).is_ok());
        assert_eq!(reason(policy.file(&url(&root.join("b.mp4")))), StateReason::NotFound);
        assert_eq!(reason(policy.file(&url(&secret))), StateReason::AddressNotAllowed);
        assert_eq!(reason(policy.file(&url(&root.join("link.mp4")))), StateReason::AddressNotAllowed);
        assert_eq!(reason(policy.file(&url(&root))), StateReason::NotFound, "a folder is no film");
        let existing = Url::parse(&format!("file://{}/%2e%2e/secret.mp4", root.display())).expect("a URL");
        let missing = Url::parse(&format!("file://{}/%2e%2e/none.mp4", root.display())).expect("a URL");
        assert_eq!(reason(policy.file(&existing)), reason(policy.file(&missing)), "nothing outside is told");
    }

    proptest! {
        #[test]
        fn even_with_everything_allowed_some_addresses_never_are(ip: IpAddr, port: u16) {
            let open = policy(&["0.0.0.0/0", "::/0"], &[]);
            let plain = unmapped(ip);
            let never = match plain {
                IpAddr::V4(v4) => v4.is_multicast() || v4.is_link_local() || v4.octets()[0] == 0 || v4.is_broadcast(),
                IpAddr::V6(v6) => v6.is_multicast() || v6.is_unicast_link_local() || v6.is_unspecified(),
            };
            prop_assert_eq!(open.check((ip, port).into()).is_err(), never);
        }

        #[test]
        fn an_allowed_address_is_in_an_allowed_network(ip: IpAddr, port: u16) {
            let allowed = default_policy().check((ip, port).into()).is_ok();
            let inside = crate::settings::default_networks().iter().any(|network| network.contains(&unmapped(ip)));
            prop_assert!(!allowed || inside);
        }

        #[test]
        fn the_ipv4_inside_ipv6_is_judged_as_itself(ip: Ipv4Addr, port: u16) {
            let policy = default_policy();
            let mapped = IpAddr::V6(ip.to_ipv6_mapped());
            prop_assert_eq!(policy.check((ip, port).into()).is_ok(), policy.check((mapped, port).into()).is_ok());
        }

        #[test]
        fn no_file_url_leads_outside(path in "[a-z./%0-9]{0,40}") {
            let folder = tempfile::tempdir().expect("folder");
            let mut config = EngineConfig::new(PathBuf::new());
            config.file_sources = Some(folder.path().into());
            let policy = AddressPolicy::new(&config);
            for text in [format!("file:///{path}"), format!("file://{}/{path}", folder.path().display())] {
                if let Ok(url) = Url::parse(&text) {
                    prop_assert!(policy.file(&url).is_err(), "an empty folder has no file: {}", text);
                }
            }
        }
    }
}
