//! Requests that this program makes to the outside: where they may lead, and how long they may take.
//!
//! Whoever may add a webhook could otherwise make this server speak to anything it can reach. So the address is checked
//! after its name was resolved, at every try, and the connection goes to the very address that was checked; redirects are
//! not followed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use media::source::address::AddressPolicy;
use url::Url;

/// Longest time for resolving a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Characters of an address.
pub const URL_CHARS_MAX: usize = 500;

/// Why an address is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutwardError {
    /// Not an http or https URL that can be used.
    #[error("must be an http or https address without a user name")]
    Format,
    /// It lies where requests must not lead, or has no address now.
    #[error("{0}")]
    NotAllowed(String),
}

/// Where requests may lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    addresses: AddressPolicy,
    /// Longest time for one request, ms.
    pub timeout_ms: u64,
}

impl Default for Policy {
    /// Private networks and loopback.
    fn default() -> Self {
        Self::new(media::settings::default_networks(), Vec::new())
    }
}

impl Policy {
    /// Networks that requests may lead to, and this program's own ports, where they never lead.
    pub fn new(networks: Vec<ipnet::IpNet>, own_ports: Vec<u16>) -> Self {
        let config = media::EngineConfig { allowed_networks: networks, own_ports, ..media::EngineConfig::new(PathBuf::new()) };
        Self { addresses: AddressPolicy::new(&config), timeout_ms: 10_000 }
    }

    /// A URL that may be kept: well formed, http or https, no credentials in it. Where it leads is looked at when it is used.
    pub fn parse(text: &str) -> Result<Url, OutwardError> {
        let url: Url = text.trim().parse().map_err(|_| OutwardError::Format)?;
        let plain =
            matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty() && url.password().is_none();
        if plain && text.len() <= URL_CHARS_MAX { Ok(url) } else { Err(OutwardError::Format) }
    }

    /// The addresses it leads to now, all of them allowed.
    pub async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, OutwardError> {
        self.addresses.resolve(url, RESOLVE_TIMEOUT).await.map_err(|error| OutwardError::NotAllowed(error.detail))
    }

    /// A client that connects to what [`Self::resolve`] allows and to nothing else.
    pub async fn client(&self, url: &Url) -> Result<reqwest::Client, OutwardError> {
        let addresses = self.resolve(url).await?;
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_millis(self.timeout_ms))
            .resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses);
        builder.build().map_err(|error| OutwardError::NotAllowed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_kept() {
        assert!(Policy::parse("https://receiver.example/hook?x=1").is_ok());
        for bad in [
            "",
            "receiver.example",
            "ftp://x/",
            "file:///etc/passwd",
            "http://user:pass@x/",
            "http://",
            &format!("http://x/{}", "a".repeat(600)),
        ] {
            assert_eq!(Policy::parse(bad), Err(OutwardError::Format), "{bad}");
        }
    }

    #[tokio::test]
    async fn requests_do_not_lead_to_forbidden_places() {
        let policy = Policy::new(media::settings::default_networks(), vec![8080]);
        let leads = |text: &'static str| {
            let policy = policy.clone();
            async move { policy.resolve(&Policy::parse(text).expect("well formed")).await.is_ok() }
        };
        assert!(leads("http://127.0.0.1:9000/").await && leads("http://10.1.2.3/").await);
        for bad in [
            "http://127.0.0.1:8080/",
            "http://169.254.169.254/",
            "http://8.8.8.8/",
            "http://[::ffff:169.254.1.1]/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
        ] {
            assert!(!leads(bad).await, "{bad}");
        }
    }
}
