//! The words of a manifest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media::playback::statement::FragmentHash;
use mobile_api::moment::Moment;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Signer;

/// Names this form of manifest.
pub const FORMAT: &str = "bright-kitchen-evidence-1";

/// Names the manifest of a marked copy. A name of its own, so that no program that knows only recordings takes a copy for
/// one.
pub const FORMAT_MARKED: &str = "bright-kitchen-marked-copy-1";

/// Something with an id and the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// `null` for the system.
    pub id: Option<String>,
    /// As it was when the clip was made.
    pub name: String,
}

/// A time that was not recorded, or whose pictures are damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "start and end")]
pub struct Gap {
    pub start: Moment,
    pub end: Moment,
}

/// The file without its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatedFile {
    /// Its length.
    pub bytes: u64,
    /// hex
    pub sha256: String,
}

/// A fragment: what a camera sent from one key frame to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fragment {
    /// Arrival of its first frame.
    pub start: Moment,
    /// End of its last frame.
    pub end: Moment,
    /// `moof` and `mdat` pairs in it.
    pub chunks: usize,
    /// Of the bodies of its `mdat` boxes, one behind the other, as they were recorded; hex.
    pub sha256: String,
}

impl From<&FragmentHash> for Fragment {
    fn from(hash: &FragmentHash) -> Self {
        Self { start: Moment(hash.start_ms), end: Moment(hash.end_ms), chunks: hash.chunks, sha256: hex::encode(hash.sha256) }
    }
}

/// What is hidden in a copy for publication. The recording it was made from is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HiddenParts {
    /// The model that looked for faces; `null` where nobody looked for them. It may have missed some.
    pub faces: Option<String>,
    /// Pictures in which a face was hidden.
    pub pictures_with_faces: u64,
    /// What people marked.
    pub regions: Vec<HiddenRegion>,
}

/// A part of the picture, in thousandths of its width and height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HiddenRegion {
    /// From the left.
    pub left: u16,
    /// From the top.
    pub top: u16,
    /// Of the width.
    pub width: u16,
    /// Of the height.
    pub height: u16,
    /// Hidden from then on; `null`: from the beginning.
    pub from: Option<Moment>,
    /// Hidden up to then; `null`: up to the end.
    pub until: Option<Moment>,
}

impl From<&media::Hidden> for HiddenParts {
    fn from(hidden: &media::Hidden) -> Self {
        let regions = hidden.regions.iter().map(|region| HiddenRegion {
            left: region.left,
            top: region.top,
            width: region.width,
            height: region.height,
            from: region.from_ms.map(Moment),
            until: region.until_ms.map(Moment),
        });
        Self { faces: hidden.faces.then(|| media::FACE_MODEL.to_owned()), pictures_with_faces: 0, regions: regions.collect() }
    }
}

/// What makes a clip a marked copy: its pictures were decoded, given a mark each, and encoded anew. They are none that the
/// camera sent; those it was made from are named here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// What stands in every picture beside its running time.
    pub lines: Vec<String>,
    /// h264 or h265, of the recording.
    pub codec: String,
    /// Pixels, of the recording.
    pub width: u32,
    /// Pixels, of the recording.
    pub height: u32,
    /// Pictures in the recording.
    pub frames: u64,
    /// Only where parts of the pictures are hidden, for publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenParts>,
    /// The recorded fragments that it was made from, in order, with the hash of their sample data as it was recorded.
    pub originals: Vec<Fragment>,
}

/// The key that signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyFacts {
    /// Of the server's ring of keys.
    pub id: String,
    /// Always `Ed25519`.
    pub algorithm: String,
    /// base64 of the 32 bytes.
    pub public_key: String,
    /// SHA-256 of the 32 bytes, hex.
    pub fingerprint: String,
}

impl KeyFacts {
    pub(super) fn of(signer: &Signer) -> Self {
        let public_key = signer.public_key();
        Self {
            id: signer.id().to_owned(),
            algorithm: "Ed25519".to_owned(),
            public_key: STANDARD.encode(public_key),
            fingerprint: fingerprint(&public_key),
        }
    }
}

/// By which people and programs compare keys.
pub fn fingerprint(public_key: &[u8]) -> String {
    hex::encode(Sha256::digest(public_key))
}

/// What a clip says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// [`FORMAT`], or [`FORMAT_MARKED`] for a marked copy.
    pub format: String,
    /// Also in the audit log.
    pub export_id: Uuid,
    /// Which camera.
    pub camera: Named,
    /// Where it is.
    pub premises: Named,
    /// First instant that is really in it.
    pub start: Moment,
    /// End of its last frame.
    pub end: Moment,
    /// Times inside that were not recorded.
    pub gaps: Vec<Gap>,
    /// Times inside whose pictures follow a loss on the way from the camera, up to the next whole key frame: they are as they
    /// came. Absent in clips of older versions.
    #[serde(default)]
    pub damaged: Vec<Gap>,
    /// Playing time.
    pub duration_ms: u64,
    /// Pictures in it.
    pub frames: u64,
    /// h264 or h265
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// By the server's clock.
    pub exported_at: Moment,
    /// Who.
    pub exported_by: Named,
    /// Why, in the exporter's words.
    pub reason: String,
    /// The alert whose clip this is.
    pub alert_id: Option<String>,
    /// Everything before the document.
    pub file: StatedFile,
    /// In order. Of a recording: as it was recorded. Of a marked copy: the copy's own.
    pub fragments: Vec<Fragment>,
    /// Only in a marked copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<Marked>,
    /// The key that signed.
    pub key: KeyFacts,
}
