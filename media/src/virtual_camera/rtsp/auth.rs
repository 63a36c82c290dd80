//! Basic and Digest authentication as cameras ask for it (RFC 2617 without `qop`, which is what they use).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::message::Request;

const REALM: &str = "virtual camera";

/// How a virtual camera asks for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthScheme {
    /// The password itself, in base64.
    Basic,
    /// MD5 of name, password and a nonce.
    Digest,
}

/// The account of a virtual camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// How it asks.
    pub scheme: AuthScheme,
    /// User name.
    pub username: String,
    /// Password: this is a test camera, its password is no secret.
    pub password: String,
}

impl Account {
    /// Value of the `WWW-Authenticate` header.
    pub(crate) fn challenge(&self, nonce: &str) -> String {
        match self.scheme {
            AuthScheme::Basic => format!("Basic realm=\"{REALM}\""),
            AuthScheme::Digest => format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\""),
        }
    }

    /// Whether the request proves that its sender knows the password.
    pub(crate) fn admits(&self, request: &Request, nonce: &str) -> bool {
        let Some((scheme, value)) = request.header("Authorization").and_then(|header| header.split_once(' ')) else { return false };
        match self.scheme {
            AuthScheme::Basic => {
                let expected = BASE64_STANDARD.encode(format!("{}:{}", self.username, self.password));
                scheme.eq_ignore_ascii_case("basic") && value.trim() == expected
            }
            AuthScheme::Digest => scheme.eq_ignore_ascii_case("digest") && self.admits_digest(&request.method, value, nonce),
        }
    }

    fn admits_digest(&self, method: &str, value: &str, nonce: &str) -> bool {
        let field = |name: &str| {
            value.split(',').find_map(|part| {
                let (key, value) = part.split_once('=')?;
                (key.trim() == name).then(|| value.trim().trim_matches('"'))
            })
        };
        let (Some(username), Some(uri), Some(response)) = (field("username"), field("uri"), field("response")) else { return false };
        let secret = md5_hex(&format!("{}:{REALM}:{}", self.username, self.password));
        let expected = md5_hex(&format!("{secret}:{nonce}:{}", md5_hex(&format!("{method}:{uri}"))));
        username == self.username && field("nonce") == Some(nonce) && response == expected
    }
}

fn md5_hex(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

#[cfg(test)]
mod tests {
    use super::super::message::{Incoming, parse};
    use super::*;

    fn request(authorization: &str) -> Request {
        let text = format!("DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nAuthorization: {authorization}\r\n\r\n");
        match parse(text.as_bytes()) {
            Incoming::Request(request, _) => request,
            other => panic!("{other:?}"),
        }
    }

    fn account(scheme: AuthScheme) -> Account {
        Account { scheme, username: "admin".into(), password: "pa:ss".into() }
    }

    #[test]
    fn basic_admits_the_password_alone() {
        let good = BASE64_STANDARD.encode("admin:pa:ss");
        assert!(account(AuthScheme::Basic).admits(&request(&format!("Basic {good}")), "n"));
        assert!(!account(AuthScheme::Basic).admits(&request("Basic YWRtaW46d3Jvbmc="), "n"));
        assert!(!account(AuthScheme::Digest).admits(&request(&format!("Basic {good}")), "n"));
    }

    #[test]
    fn digest_admits_the_right_answer_to_this_nonce() {
        let secret = md5_hex("admin:virtual camera:pa:ss");
        let answer = md5_hex(&format!("{secret}:n1:{}", md5_hex("DESCRIBE:rtsp://h/a")));
        let header = |nonce: &str, answer: &str| {
            request(&format!(
                "Digest username=\"admin\", realm=\"virtual camera\", nonce=\"{nonce}\", uri=\"rtsp://h/a\", response=\"{answer}\""
            ))
        };
        let account = account(AuthScheme::Digest);
        assert!(account.admits(&header("n1", &answer), "n1"));
        assert!(!account.admits(&header("n1", &answer), "n2"), "an old nonce");
        assert!(!account.admits(&header("n1", "00"), "n1"));
    }
}
