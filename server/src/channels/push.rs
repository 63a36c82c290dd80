//! Web Push (RFC 8030): messages that wake a browser or the phone's application, encrypted for it alone (RFC 8291) and signed with
//! this installation's key (RFC 8292, VAPID).
//!
//! A subscription's address comes from a browser, that is from anybody who is signed in; so only hosts of push services that the
//! bureau lets in are spoken to, and over HTTPS but where such a host is this machine. Made of what is in the program already (`ring`,
//! `p256`, `hmac`) and checked against the standard's example: the crates for it bring OpenSSL or an HTTP client of their own.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use rand::RngCore as _;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use url::{Host, Url};
use uuid::Uuid;

use super::{Failed, Refusal, of_request, purpose};
use crate::App;
use crate::auth::{SealError, Sealer};
use crate::domain::telling::Channel;
use crate::outward::{OutwardError, Policy};
use crate::store::{Db, StoreError, notice_channels, notice_ways};

/// Bytes of a message before it is encrypted: push services take 4,096 of what is sent.
const PAYLOAD_BYTES_MAX: usize = 3_000;
const SALT_BYTES: usize = 16;
const AUTH_BYTES: usize = 16;
/// How long a push service keeps a message for a browser that is away, s.
const TTL_S: u32 = 24 * 3_600;
/// How long a signature is good, s: push services take up to a day.
const SIGNED_S: i64 = 12 * 3_600;
/// One record holds the whole message.
const RECORD_BYTES: u32 = 4_096;

/// Hosts of push services, and how they are reached.
#[derive(Debug, Clone)]
pub struct Services {
    hosts: Vec<String>,
    policy: Policy,
}

impl Services {
    /// Hosts by name, each with what is below it; never this program's own ports.
    pub fn new(hosts: Vec<String>, own_ports: Vec<u16>) -> Self {
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
        Self { hosts, policy: Policy::new(everywhere, own_ports) }
    }

    /// An address that a browser may be woken at.
    pub fn parse(&self, text: &str) -> Result<Url, OutwardError> {
        let url = Policy::parse(text)?;
        let host = url.host_str().unwrap_or_default();
        let known = self.hosts.iter().any(|known| host == known || host.strip_suffix(known.as_str()).is_some_and(|sub| sub.ends_with('.')));
        if !known {
            return Err(OutwardError::NotAllowed(format!("{host} is no push service that is let in")));
        }
        let own = matches!(url.host(), Some(Host::Ipv4(ip)) if IpAddr::from(ip).is_loopback());
        if url.scheme() == "https" || own {
            Ok(url)
        } else {
            Err(OutwardError::NotAllowed("push services are spoken to over HTTPS".to_owned()))
        }
    }
}

/// What is kept of the key beside the key itself.
#[derive(Debug, Serialize, Deserialize)]
struct PushSettings {
    /// As browsers want it: the uncompressed point, base64url.
    public_key: String,
}

/// Makes this installation's key where there is none yet.
pub async fn ensure_key(db: &Db, sealer: &Sealer, at: i64) -> Result<(), PushKeyError> {
    if notice_channels::get(&mut db.read().await?.conn(), Channel::Push.as_str()).await?.is_some() {
        return Ok(());
    }
    let secret = new_secret();
    let settings = json!({"public_key": URL_SAFE_NO_PAD.encode(point(&secret.public_key()))}).to_string();
    let sealed = sealer.seal(&purpose(Channel::Push), &secret.to_bytes())?;
    db.write(move |tx| {
        Box::pin(async move {
            // Somebody else may have made one meanwhile: subscriptions are bound to the first.
            if notice_channels::get(tx, Channel::Push.as_str()).await?.is_none() {
                notice_channels::put(tx, Channel::Push.as_str(), &settings, Some(&sealed), at).await?;
            }
            Ok::<_, StoreError>(())
        })
    })
    .await?;
    Ok(())
}

/// Why the key cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PushKeyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What browsers subscribe with.
pub(crate) async fn public_key(app: &App) -> Result<String, Failed> {
    let kept = super::set_up::<PushSettings>(app, Channel::Push).await?;
    kept.map(|(settings, _)| settings.public_key).ok_or_else(|| Failed::of(Refusal::NotSetUp, "there is no key"))
}

/// A browser's keys, where they are keys.
pub fn keys(p256dh: &str, auth: &str) -> Option<(PublicKey, Vec<u8>)> {
    let public = PublicKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(p256dh.trim_end_matches('=')).ok()?).ok()?;
    let auth = URL_SAFE_NO_PAD.decode(auth.trim_end_matches('=')).ok()?;
    (auth.len() == AUTH_BYTES).then_some((public, auth))
}

/// The purpose that a browser's secret is sealed for.
pub(crate) fn auth_purpose(subscription: &str) -> String {
    format!("push:{subscription}")
}

/// By what a browser proves that it has received a message: nobody else was told.
pub fn proof(sealer: &Sealer, message_id: &str) -> String {
    hex::encode(sealer.mac("push-proof", message_id.as_bytes()))
}

/// Wakes one browser.
pub(crate) async fn send(app: &App, message_id: &str, subscription: &str, urgent: bool, payload: &serde_json::Value) -> Result<(), Failed> {
    let read = async { notice_ways::subscription(&mut app.db.read().await?.conn(), subscription).await }.await;
    let row = read.map_err(|error: StoreError| Failed::of(Refusal::Connection, error.to_string()))?;
    let row = row.ok_or_else(|| Failed::of(Refusal::Gone, "the browser is signed out"))?;
    let opened = app.sealer.open_sealed(&auth_purpose(subscription), &row.auth_sealed);
    let auth = opened.map_err(|error| Failed::of(Refusal::Gone, error.to_string()))?;
    let keys = keys(&row.p256dh, &URL_SAFE_NO_PAD.encode(&auth));
    let (public, auth) = keys.ok_or_else(|| Failed::of(Refusal::Gone, "the browser's key is none"))?;
    let refused = |error: OutwardError| Failed::of(Refusal::Address, error.to_string());
    let url = app.push_services.parse(&row.endpoint).map_err(refused)?;
    let client = app.push_services.policy.client(&url).await.map_err(refused)?;
    let mut payload = payload.clone();
    if row.client == "phone" {
        payload["path"] = on_phone(payload["path"].as_str().unwrap_or_default()).into();
    }
    let bytes = payload.to_string().into_bytes();
    if bytes.len() > PAYLOAD_BYTES_MAX {
        return Err(Failed::of(Refusal::Gone, "the message is too long"));
    }
    let mut salt = [0_u8; SALT_BYTES];
    rand::rng().fill_bytes(&mut salt);
    let unfit = || Failed::of(Refusal::Gone, "the message cannot be encrypted");
    let body = encrypted(&bytes, &public, &auth, &new_secret(), salt).ok_or_else(unfit)?;
    let request = client
        .post(url.clone())
        .header("ttl", TTL_S)
        .header("urgency", if urgent { "high" } else { "normal" })
        // The same message at a second try takes the place of the first.
        .header("topic", message_id.parse::<Uuid>().map_or_else(|_| String::new(), |id| id.simple().to_string()))
        .header("content-encoding", "aes128gcm")
        .header("content-type", "application/octet-stream")
        .header("authorization", authorization(app, &url).await?)
        .body(body);
    let status = request.send().await.map_err(|error| of_request(&error))?.status().as_u16();
    match status {
        200..300 => Ok(()),
        404 | 410 => Err(Failed::of(Refusal::Gone, format!("answered {status}"))),
        _ => Err(Failed::of(Refusal::Refused, format!("answered {status}"))),
    }
}

/// Who sends, for this push service and half a day (RFC 8292).
async fn authorization(app: &App, url: &Url) -> Result<String, Failed> {
    let unfit = |detail: &str| Failed::of(Refusal::NotSetUp, detail);
    let kept = super::set_up::<PushSettings>(app, Channel::Push).await?;
    let (settings, secret) = kept.ok_or_else(|| unfit("there is no key"))?;
    let public = URL_SAFE_NO_PAD.decode(&settings.public_key).map_err(|_| unfit("the key is damaged"))?;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &secret, &public, &SystemRandom::new());
    let pair = pair.map_err(|_| unfit("the key is damaged"))?;
    let expires = app.clock.wall_ms() / 1_000 + SIGNED_S;
    let claims = json!({"aud": url.origin().ascii_serialization(), "exp": expires, "sub": contact(&app.url)});
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| unfit("nothing can be signed"))?;
    Ok(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), settings.public_key))
}

/// The phone's page of what a page of the console is about; its messages have the rest.
fn on_phone(path: &str) -> String {
    let is_there = ["/alerts/", "/orders/"].iter().any(|known| path.starts_with(known));
    if is_there { format!("/m{path}") } else { "/m/messages".to_owned() }
}

/// Where a push service finds who sends.
fn contact(url: &str) -> String {
    if url.starts_with("https://") { url.to_owned() } else { "mailto:administrator@localhost".to_owned() }
}

fn new_secret() -> SecretKey {
    loop {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        // All but a few numbers of so many bits are keys.
        if let Ok(secret) = SecretKey::from_slice(&bytes) {
            return secret;
        }
    }
}

/// As sent: the uncompressed point.
fn point(key: &PublicKey) -> Vec<u8> {
    key.to_encoded_point(false).as_bytes().to_vec()
}

/// HMAC-SHA-256: a step of HKDF.
fn step(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// The message for one browser, as RFC 8291 and RFC 8188 have it.
fn encrypted(message: &[u8], browser: &PublicKey, auth: &[u8], own: &SecretKey, salt: [u8; SALT_BYTES]) -> Option<Vec<u8>> {
    let (theirs, ours) = (point(browser), point(&own.public_key()));
    let shared = p256::ecdh::diffie_hellman(own.to_nonzero_scalar(), browser.as_affine());
    let first = step(auth, &[shared.raw_secret_bytes()])?;
    let input = step(&first, &[b"WebPush: info\0", &theirs, &ours, &[1]])?;
    let second = step(&salt, &[&input])?;
    let key = step(&second, &[b"Content-Encoding: aes128gcm\0", &[1]])?;
    let nonce = step(&second, &[b"Content-Encoding: nonce\0", &[1]])?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).ok()?);
    let mut sealed = [message, &[2]].concat();
    cipher.seal_in_place_append_tag(Nonce::try_assume_unique_for_key(&nonce[..12]).ok()?, Aad::empty(), &mut sealed).ok()?;
    let mut body = salt.to_vec();
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(u8::try_from(ours.len()).ok()?);
    body.extend_from_slice(&ours);
    body.extend_from_slice(&sealed);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn a_message_is_encrypted_as_the_standard_has_it() {
        let (browser, auth) =
            keys("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg")
                .unwrap();
        let own = SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let sent = encrypted(b"When I grow up, I want to be a watermelon", &browser, &auth, &own, salt).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(sent), expected);
    }

    #[test]
    fn only_push_services_that_are_let_in_are_spoken_to() {
        let services = Services::new(vec!["push.example".to_owned(), "127.0.0.1".to_owned()], vec![8080]);
        for (text, good) in [
            ("https://push.example/x", true),
            ("https://eu.push.example/x", true),
            ("http://127.0.0.1:9/x", true),
            ("http://push.example/x", false),
            ("https://evilpush.example/x", false),
            ("https://push.example.evil.test/x", false),
            ("https://10.0.0.1/x", false),
            ("https://user:x@push.example/x", false),
        ] {
            assert_eq!(services.parse(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(keys("", "").is_none() && keys("AAAA", "BTBZMqHH6r4Tts7J_aSIgg").is_none());
        assert!(keys("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "AAAA").is_none());
    }
}
