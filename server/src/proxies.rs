//! Whose word about the client is believed.
//!
//! Anybody can send `X-Forwarded-For`. Only what a proxy of the setting `trusted_proxies` says is kept, and of a chain only
//! the nearest address that is no such proxy; from everybody else these headers are dropped before any handler sees them.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// The proxies in front of us.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<Vec<IpNet>>);

impl TrustedProxies {
    /// Proxies in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(Arc::new(networks))
    }

    fn contains(&self, address: IpAddr) -> bool {
        // A socket for both families shows version 4 inside version 6.
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    fn clean(&self, headers: &mut HeaderMap, peer: Option<IpAddr>) {
        headers.remove(FORWARDED);
        if !peer.is_some_and(|peer| self.contains(peer)) {
            for name in [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST] {
                headers.remove(name);
            }
            return;
        }
        let chain: Vec<IpAddr> = headers
            .get_all(FORWARDED_FOR)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|text| text.trim().parse().unwrap_or(IpAddr::from([0, 0, 0, 0])))
            .collect();
        // What stands behind a word that is no address was not said by our proxy.
        let nearest = chain.into_iter().rev().take_while(|address| !address.is_unspecified()).find(|address| !self.contains(*address));
        headers.remove(FORWARDED_FOR);
        if let Some(value) = nearest.and_then(|address| HeaderValue::from_str(&address.to_string()).ok()) {
            headers.insert(FORWARDED_FOR, value);
        }
    }

    /// The outermost middleware.
    pub async fn believe(
        self,
        mut request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
        let peer = request.peer_addr().map(|peer| peer.ip());
        self.clean(request.headers_mut(), peer);
        next.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(peer: &str, sent: &[&str]) -> Option<String> {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        headers.insert(FORWARDED, HeaderValue::from_static("for=6.6.6.6"));
        proxies.clean(&mut headers, peer.parse().ok());
        assert!(!headers.contains_key(FORWARDED));
        headers.get(FORWARDED_FOR).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_own_client() {
        assert_eq!(cleaned("203.0.113.9", &["1.2.3.4"]), None);
        assert_eq!(cleaned("10.0.0.1", &["1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(cleaned("::ffff:10.0.0.1", &["1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(cleaned("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(cleaned("10.0.0.1", &["6.6.6.6", "1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(cleaned("10.0.0.1", &["1.2.3.4, unknown"]), None);
        assert_eq!(cleaned("10.0.0.1", &[]), None);
    }
}
