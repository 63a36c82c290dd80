//! Whom a camera's encrypted connection is trusted to end at.
//!
//! Hardly a camera has a certificate that an authority vouches for; most make one themselves. Such a one is taken only when
//! somebody chose to: the address ends with the certificate's fingerprint (`#certificate=` and its SHA-256), which "test this
//! camera" tells, or with `#certificate=any`, which encrypts without knowing for whom. The part behind `#` is never sent.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::fault::Faults;
use crate::camera::StateReason;
use crate::source::SourceError;

/// Whose certificates are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those that an authority of this system vouches for.
    Authorities,
    /// The one with this SHA-256, beside those.
    This([u8; 32]),
    /// Any.
    Any,
}

impl Trust {
    /// What an address asks for.
    ///
    /// # Errors
    /// [`StateReason::UntrustedCertificate`] for a choice that is not understood.
    pub(super) fn of(url: &Url) -> Result<Self, SourceError> {
        let unclear = || SourceError::new(StateReason::UntrustedCertificate, "behind # only certificate=SHA-256 or certificate=any");
        match url.fragment().filter(|_| matches!(url.scheme(), "rtsps" | "rtspsh")) {
            None | Some("") => Ok(Self::Authorities),
            Some("certificate=any") => Ok(Self::Any),
            Some(text) => {
                let digits = text.strip_prefix("certificate=").ok_or_else(unclear)?.replace(':', "");
                let mut fingerprint = [0; 32];
                hex::decode_to_slice(digits, &mut fingerprint).map_err(|_| unclear())?;
                Ok(Self::This(fingerprint))
            }
        }
    }

    fn takes(self, fingerprint: [u8; 32]) -> bool {
        match self {
            Self::Authorities => false,
            Self::This(wanted) => wanted == fingerprint,
            Self::Any => true,
        }
    }
}

/// Has `source` ask about certificates that no authority vouches for.
pub(super) fn check(source: &gst::Element, trust: Trust, faults: &Arc<Faults>) {
    let faults = Arc::clone(faults);
    source.connect("accept-certificate", false, move |values| {
        let certificate = values.get(2).and_then(|value| value.get::<glib::Object>().ok());
        let bytes = certificate.and_then(|certificate| certificate.property::<Option<glib::ByteArray>>("certificate"));
        let fingerprint: Option<[u8; 32]> = bytes.map(|bytes| Sha256::digest(&bytes[..]).into());
        let taken = fingerprint.is_some_and(|fingerprint| trust.takes(fingerprint));
        if !taken {
            let fingerprint = fingerprint.map(hex::encode).unwrap_or_default();
            let detail = format!("no authority vouches for the camera's certificate; its SHA-256 is {fingerprint}");
            faults.note(SourceError::new(StateReason::UntrustedCertificate, detail));
        }
        Some(taken.to_value())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_trusted_by_choice_only() {
        let of = |end: &str| Trust::of(&format!("rtsps://10.0.0.5/live{end}").parse().expect("a URL"));
        let digits = "ab".repeat(32);
        assert_eq!(of(""), Ok(Trust::Authorities));
        assert_eq!(of("#certificate=any"), Ok(Trust::Any));
        assert_eq!(of(&format!("#certificate={digits}")), Ok(Trust::This([0xab; 32])));
        assert_eq!(of(&format!("#certificate={}", ["AB"; 32].join(":"))), Ok(Trust::This([0xab; 32])), "as browsers write it");
        for bad in ["#any", "#certificate=", "#certificate=abab", "#certificate=none"] {
            assert_eq!(of(bad).map_err(|error| error.reason), Err(StateReason::UntrustedCertificate), "{bad}");
        }
        assert!(!Trust::Authorities.takes([1; 32]) && Trust::Any.takes([1; 32]));
        assert!(Trust::This([1; 32]).takes([1; 32]) && !Trust::This([1; 32]).takes([2; 32]));
    }
}
