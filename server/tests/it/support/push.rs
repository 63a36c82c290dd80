//! A push service, and the browser behind it that can read what comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;
use sha2::Sha256;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Pushed {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Pushed {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Checks who sent it (RFC 8292).
    pub fn is_signed_by(&self, key: &str, origin: &str) {
        let (token, given) = self.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(given, key);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public =
            ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(key).unwrap());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap()).unwrap();
        assert_eq!(claims["aud"], origin);
        assert!(claims["exp"].is_i64() && claims["sub"].is_string(), "{claims}");
    }
}

#[derive(Default)]
struct Kept {
    taken: Vec<Pushed>,
    answers: Vec<u16>,
}

/// The service and the browser's keys.
pub struct PushService {
    address: String,
    kept: Arc<Mutex<Kept>>,
    secret: SecretKey,
    auth: [u8; 16],
}

impl PushService {
    pub fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let shared = kept.clone();
        let server = HttpServer::new(move || {
            let kept = shared.clone();
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                let kept = kept.clone();
                async move {
                    let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
                        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
                    };
                    let mut kept = kept.lock().unwrap();
                    kept.taken.push(Pushed { headers: request.headers().iter().map(header).collect(), body: body.to_vec() });
                    HttpResponse::build(StatusCode::from_u16(kept.answers.pop().unwrap_or(201)).unwrap()).finish()
                }
            }))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { address, kept, secret: SecretKey::from_slice(&[7; 32]).unwrap(), auth: [3; 16] }
    }

    pub fn origin(&self) -> String {
        self.address.clone()
    }

    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/push/{name}", self.address)
    }

    pub fn p256dh(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret.public_key().to_encoded_point(false).as_bytes())
    }

    pub fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.auth)
    }

    pub fn taken(&self) -> Vec<Pushed> {
        self.kept.lock().unwrap().taken.clone()
    }

    /// The next message is answered so.
    pub fn answer(&self, status: u16) {
        self.kept.lock().unwrap().answers.push(status);
    }

    /// What the browser makes of it (RFC 8291).
    pub fn read(&self, pushed: &Pushed) -> Value {
        let (salt, rest) = pushed.body.split_at(16);
        let (sender, sealed) = rest[5..].split_at(usize::from(rest[4]));
        let theirs = PublicKey::from_sec1_bytes(sender).unwrap();
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), theirs.as_affine());
        let own = self.secret.public_key().to_encoded_point(false);
        let step = |key: &[u8], parts: &[&[u8]]| -> Vec<u8> {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        };
        let first = step(&self.auth, &[shared.raw_secret_bytes()]);
        let second = step(salt, &[&step(&first, &[b"WebPush: info\0", own.as_bytes(), sender, &[1]])]);
        let key = step(&second, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = step(&second, &[b"Content-Encoding: nonce\0", &[1]]);
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap());
        let mut sealed = sealed.to_vec();
        let opened = cipher.open_in_place(Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap(), Aad::empty(), &mut sealed).unwrap();
        serde_json::from_slice(opened.strip_suffix(&[2]).unwrap()).unwrap()
    }
}
