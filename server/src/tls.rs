//! HTTPS: with a certificate of the bureau's, or with an authority of this installation's own.
//!
//! Phones need a secure context for their camera, location and offline work. Where there is no certificate, the first start
//! makes an authority below `DATA/tls` (its key never leaves that folder) and each start makes a fresh certificate for this
//! machine's names and addresses, signed by it. A phone that trusts the authority once trusts every later certificate.

use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

/// Life of the authority, days.
const AUTHORITY_DAYS: i64 = 3_652;
/// Life of a certificate, days. Phones take at most 825 from an authority that a person installed.
const CERTIFICATE_DAYS: i64 = 820;

/// Why HTTPS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The certificate and the key do not go together, or one is not what it should be.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
}

impl From<rcgen::Error> for TlsError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// What a phone has to trust.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The certificate, PEM.
    pub pem: String,
    /// The certificate, DER: what phones install.
    pub der: Vec<u8>,
    /// SHA-256 of the certificate, in pairs: what people compare.
    pub fingerprint: String,
}

/// Speaks HTTPS with the bureau's certificate.
pub fn from_files(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| TlsError::File { path: path.to_owned(), cause: error.to_string() };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(certificate, &error))?;
    if chain.is_empty() {
        return Err(failed(certificate, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, &error))?;
    server(chain, key)
}

/// Speaks HTTPS with a certificate of this installation's own authority.
pub fn self_signed(data: &Path, names: &[String]) -> Result<(ServerConfig, Authority), TlsError> {
    let (issuer, authority) = open_authority(&data.join("tls"))?;
    let mut params = CertificateParams::new(own_names(names))?;
    set_validity(&mut params, CERTIFICATE_DAYS);
    params.distinguished_name.push(DnType::CommonName, "Bright Kitchen");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let chain = vec![certificate.der().clone(), CertificateDer::from(authority.der.clone())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| TlsError::Certificate(error.to_owned()))?;
    Ok((server(chain, key)?, authority))
}

fn server(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?)
}

/// Reads the authority, or makes it.
fn open_authority(folder: &Path) -> Result<(Issuer<'static, KeyPair>, Authority), TlsError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| TlsError::File { path: path.to_owned(), cause: error.to_string() };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let (key_path, certificate_path) = (folder.join("authority.key"), folder.join("authority.pem"));
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Bright Kitchen 明厨 local authority");
    if !certificate_path.exists() {
        set_validity(&mut params, AUTHORITY_DAYS);
        let key = KeyPair::generate()?;
        write_secret(&key_path, &key.serialize_pem()).map_err(|error| failed(&key_path, &error))?;
        // The certificate is written last: where it is there, the key is.
        std::fs::write(&certificate_path, params.self_signed(&key)?.pem()).map_err(|error| failed(&certificate_path, &error))?;
    }
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| failed(path, &error));
    let (key, pem) = (KeyPair::from_pem(&read(&key_path)?)?, read(&certificate_path)?);
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| failed(&certificate_path, &error))?.to_vec();
    let fingerprint = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    // Only name and key of the issuer go into what it signs, so that its parameters need not be read back.
    Ok((Issuer::new(params, key), Authority { pem, der, fingerprint }))
}

fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

/// Everything this machine is reached by.
fn own_names(more: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()));
    names.extend(lan_addresses().iter().map(IpAddr::to_string));
    names.extend(more.iter().cloned());
    names.sort();
    names.dedup();
    names
}

/// This machine's addresses that others on the network can reach; those of version 4 first.
pub fn lan_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let mut found: Vec<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let version_4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
            version_4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
        })
        .filter(|address| match address {
            IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
            IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Valid from yesterday, for clocks that are slow.
fn set_validity(params: &mut CertificateParams, days: i64) {
    let date = |from_now_days: i64| {
        let day = (Timestamp::now() + SignedDuration::from_hours(24 * from_now_days)).to_zoned_datetime(TimeZone::UTC).date();
        rcgen::date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = date(-1);
    params.not_after = date(days);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays_the_same_and_its_key_is_for_the_owner_only() {
        let data = tempfile::tempdir().unwrap();
        let (_, first) = self_signed(data.path(), &["kitchen.example".to_owned()]).unwrap();
        let (_, second) = self_signed(data.path(), &[]).unwrap();
        assert_eq!((&first.pem, first.fingerprint.len()), (&second.pem, 32 * 3 - 1));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(data.path().join("tls/authority.key")).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("x.pem");
        std::fs::write(&path, "nothing").unwrap();
        assert!(from_files(&path, &path).unwrap_err().to_string().contains("x.pem"));
    }
}
