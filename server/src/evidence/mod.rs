//! What an exported clip says of itself, signed, so that anybody can tell later whether it is still what was recorded.
//!
//! A clip ends with a document: the manifest (camera, premises, true start and end, interruptions inside, who exported it
//! and why, the hash of the file and of each fragment's sample data) and a signature over the manifest's canonical JSON
//! (RFC 8785). The document alone, kept beside a clip, proves as much. `bright-kitchen verify` needs no server.
//!
//! The manifest brings the public key along: that proves the clip unchanged. That it was this server that signed is proved
//! by the key's fingerprint, which has to come from elsewhere (`GET /api/v1/keys`, `/trust` of the bureau, paper).

mod manifest;
mod marked;
mod receipt;
mod verify;

pub use manifest::{FORMAT, FORMAT_MARKED, Fragment, Gap, HiddenParts, KeyFacts, Manifest, Marked, Named, StatedFile, fingerprint};
pub use marked::MarkedEvidence;
pub use receipt::{FORMAT_RECEIPT, Given, Hashed, Receipt};
pub use verify::{Finding, Verified, VerifyError, read_document, verify};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use futures::stream::BoxStream;
use media::playback::statement::{Hashes, boxed_len};
use media::playback::{Export, PlaybackError};
use mobile_api::moment::Moment;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::{Keys, Signer};

/// Why and for whom a clip is made.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// Camera.
    pub camera: Named,
    /// Where it is.
    pub premises: Named,
    /// Who; the system has no id.
    pub by: Named,
    /// In the exporter's words; empty where nothing was said.
    pub reason: String,
    /// The alert it belongs to.
    pub alert_id: Option<String>,
    /// ms UTC.
    pub at_ms: i64,
}

/// Manifest and signature, as they stand at the end of a clip and in a file beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`Manifest`] or [`Receipt`], kept as it was signed.
    pub manifest: Value,
    /// Ed25519 over the manifest's canonical JSON, base64.
    pub signature: String,
}

impl Document {
    fn sign(manifest: &impl Serialize, signer: &Signer) -> Self {
        // A manifest of texts and whole numbers can always be written.
        let manifest = serde_json::to_value(manifest).unwrap_or_default();
        let signature = STANDARD.encode(signer.sign(&canonical(&manifest)));
        Self { manifest, signature }
    }

    fn text(&self) -> Vec<u8> {
        canonical(self)
    }
}

/// Whether a document was signed by the key that it names, and says since what it said then.
fn fits(document: &Document, key: &KeyFacts) -> bool {
    let public = STANDARD.decode(&key.public_key).ok().and_then(|bytes| VerifyingKey::from_bytes(bytes.as_slice().try_into().ok()?).ok());
    let signature = STANDARD.decode(&document.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    public.zip(signature).is_some_and(|(public, signature)| {
        fingerprint(public.as_bytes()) == key.fingerprint && public.verify_strict(&canonical(&document.manifest), &signature).is_ok()
    })
}

/// What is signed: canonical JSON.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// An export with its manifest, to be sent.
#[derive(Debug)]
pub struct Evidence {
    export: Export,
    manifest: Manifest,
    signer: Signer,
    document_len: usize,
}

impl Evidence {
    /// Prepares the manifest. Hashes and signature are made while the file is read.
    pub fn new(export: Export, purpose: &Purpose, keys: &Keys) -> Self {
        let signer = keys.signer();
        let manifest = Manifest::of(Uuid::now_v7(), &export, purpose, &signer);
        // Hashes and signatures are always as long as those that are still missing.
        let document_len = Document::sign(&manifest, &signer).text().len();
        Self { export, manifest, signer, document_len }
    }

    /// Of this export; also in the audit log.
    pub fn id(&self) -> Uuid {
        self.manifest.export_id
    }

    /// The recording in it.
    pub fn export(&self) -> &Export {
        &self.export
    }

    /// Bytes of the whole file.
    pub fn len(&self) -> u64 {
        self.export.len() + boxed_len(self.document_len)
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The whole file, from its first byte to the end of its document.
    pub fn file(self) -> BoxStream<'static, Result<Bytes, PlaybackError>> {
        let Self { export, manifest, signer, document_len } = self;
        export.stated(document_len, move |hashes| Document::sign(&manifest.with(hashes), &signer).text())
    }
}

impl Manifest {
    fn of(export_id: Uuid, export: &Export, purpose: &Purpose, signer: &Signer) -> Self {
        let piece = export.piece();
        let manifest = Self {
            format: FORMAT.to_owned(),
            export_id,
            camera: purpose.camera.clone(),
            premises: purpose.premises.clone(),
            start: Moment(export.start_ms()),
            end: Moment(export.end_ms()),
            gaps: export.gaps().iter().map(|gap| Gap { start: Moment(gap.start_ms), end: Moment(gap.end_ms) }).collect(),
            damaged: export.damaged().iter().map(|span| Gap { start: Moment(span.start_ms), end: Moment(span.end_ms) }).collect(),
            duration_ms: export.duration_ms(),
            frames: export.frames(),
            codec: piece.codec.as_str().to_owned(),
            width: piece.width,
            height: piece.height,
            exported_at: Moment(purpose.at_ms),
            exported_by: purpose.by.clone(),
            reason: purpose.reason.clone(),
            alert_id: purpose.alert_id.clone(),
            file: StatedFile { bytes: 0, sha256: String::new() },
            fragments: Vec::new(),
            marked: None,
            key: KeyFacts::of(signer),
        };
        manifest.with(&export.not_hashed())
    }

    fn with(mut self, hashes: &Hashes) -> Self {
        self.file = StatedFile { bytes: hashes.bytes, sha256: hex::encode(hashes.file) };
        self.fragments = hashes.fragments.iter().map(Fragment::from).collect();
        self
    }
}
