//! HTTP authentication of devices: Basic and Digest (RFC 7616), answered once a challenge.
//!
//! Digest is taken where both are offered: it does not give the password to whoever listens.

use std::fmt::Write as _;

use base64::Engine as _;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::camera::Secret;

/// Who signs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Password that goes with it.
    pub password: Secret,
}

/// What a device asked for, kept for the requests that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The password itself, encoded.
    Basic,
    /// A hash of it.
    Digest(DigestChallenge),
}

/// The parameters of a Digest challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestChallenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    sha256: bool,
    /// Whether the device knows `qop=auth`; devices older than RFC 2617 do not.
    auth: bool,
}

impl Challenge {
    /// The best of what the `WWW-Authenticate` headers offer; `None` when nothing is known here.
    pub fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut best = None;
        for header in headers {
            let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
            if scheme.eq_ignore_ascii_case("basic") {
                best = best.or(Some(Self::Basic));
            } else if scheme.eq_ignore_ascii_case("digest")
                && let Some(digest) = DigestChallenge::parse(rest)
            {
                best = match best {
                    Some(Self::Digest(present)) if present.sha256 || !digest.sha256 => Some(Self::Digest(present)),
                    _ => Some(Self::Digest(digest)),
                };
            }
        }
        best
    }

    /// The value of `Authorization` for a request; `count` is how often the challenge was used, from 1.
    #[must_use]
    pub fn answer(&self, login: &Login, method: &str, path: &str, count: u32) -> String {
        match self {
            Self::Basic => {
                let plain = format!("{}:{}", login.username, login.password.expose());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain))
            }
            Self::Digest(digest) => digest.answer(login, method, path, count, &hex::encode(rand::random::<[u8; 8]>())),
        }
    }
}

impl DigestChallenge {
    fn parse(text: &str) -> Option<Self> {
        let fields = fields(text);
        let field = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        let algorithm = field("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let sha256 = algorithm.eq_ignore_ascii_case("SHA-256");
        if !sha256 && !algorithm.eq_ignore_ascii_case("MD5") {
            return None;
        }
        let qop = field("qop");
        let auth = qop.as_deref().is_some_and(|offers| offers.split(',').any(|offer| offer.trim().eq_ignore_ascii_case("auth")));
        if qop.is_some() && !auth {
            return None;
        }
        Some(Self { realm: field("realm")?, nonce: field("nonce")?, opaque: field("opaque"), sha256, auth })
    }

    fn answer(&self, login: &Login, method: &str, path: &str, count: u32, cnonce: &str) -> String {
        let hash = |text: String| if self.sha256 { hex::encode(Sha256::digest(text)) } else { hex::encode(Md5::digest(text)) };
        let who = hash(format!("{}:{}:{}", login.username, self.realm, login.password.expose()));
        let what = hash(format!("{method}:{path}"));
        let response = if self.auth {
            hash(format!("{who}:{}:{count:08x}:{cnonce}:auth:{what}", self.nonce))
        } else {
            hash(format!("{who}:{}:{what}", self.nonce))
        };
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut header = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{path}\", response=\"{response}\", algorithm={}",
            quoted(&login.username),
            quoted(&self.realm),
            quoted(&self.nonce),
            if self.sha256 { "SHA-256" } else { "MD5" },
        );
        // Writing to a string does not fail.
        if self.auth {
            let _written = write!(header, ", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            let _written = write!(header, ", opaque=\"{}\"", quoted(opaque));
        }
        header
    }
}

/// `name=value, name="quoted, value"`.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        let name: String = std::iter::from_fn(|| rest.next_if(|letter| *letter != '=')).collect();
        if rest.next().is_none() {
            return fields;
        }
        let mut value = String::new();
        if rest.next_if_eq(&'"').is_some() {
            while let Some(letter) = rest.next() {
                match letter {
                    '"' => break,
                    '\\' => value.extend(rest.next()),
                    _ => value.push(letter),
                }
            }
            while rest.next_if(|letter| *letter != ',').is_some() {}
        } else {
            value.extend(std::iter::from_fn(|| rest.next_if(|letter| *letter != ',')));
        }
        rest.next();
        fields.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login { username: "Mufasa".into(), password: Secret::new("Circle of Life") }
    }

    #[test]
    fn the_example_of_the_standard_is_answered_as_it_says() {
        // RFC 7616 section 3.9.1, both algorithms.
        let rest = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=ALG, \
                    nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in
            [("MD5", "8ca523f5e9506fed4657c9700eebdbec"), ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
        {
            let challenge = DigestChallenge::parse(&rest.replace("ALG", algorithm)).expect("a challenge");
            let header = challenge.answer(&login(), "GET", "/dir/index.html", 1, cnonce);
            assert!(header.contains(&format!("response=\"{response}\"")), "{header}");
            assert!(header.contains("nc=00000001") && header.contains("opaque=\"FQhe"), "{header}");
        }
    }

    #[test]
    fn the_strongest_offer_is_taken_and_nonsense_is_not() {
        let md5 = "Digest realm=\"a, b\", nonce=\"n\", qop=\"auth\"";
        let sha = "Digest realm=\"a\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
        let best = |offers: &[&str]| Challenge::best(offers.iter().copied());
        assert!(matches!(best(&["Basic realm=\"x\"", md5, sha]), Some(Challenge::Digest(digest)) if digest.sha256));
        assert!(matches!(best(&[sha, md5]), Some(Challenge::Digest(digest)) if digest.sha256));
        assert!(matches!(best(&[md5]), Some(Challenge::Digest(digest)) if digest.realm == "a, b"));
        assert_eq!(best(&["Basic realm=\"x\""]), Some(Challenge::Basic));
        for bad in ["", "Digest", "Digest realm=\"x", "Digest nonce=\"n\"", "Negotiate", "Digest realm=\"a\",nonce=\"n\",qop=\"auth-int\""]
        {
            assert_eq!(best(&[bad]), None, "{bad}");
        }
    }
}
