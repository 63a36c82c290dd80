//! A marked copy with its manifest, which says what it is: not the recording, but made from it.

use bytes::Bytes;
use futures::stream::BoxStream;
use media::playback::{Export, PlaybackError};
use media::{CopyHashes, MarkedCopy};
use uuid::Uuid;

use super::{Document, FORMAT_MARKED, Fragment, HiddenParts, Manifest, Marked, Purpose};
use crate::auth::{Keys, Signer};

/// A marked copy, to be sent.
#[derive(Debug)]
pub struct MarkedEvidence {
    copy: MarkedCopy,
    manifest: Manifest,
    signer: Signer,
}

impl MarkedEvidence {
    /// Prepares the manifest of a copy of `export` that bears `lines`.
    pub fn new(id: Uuid, copy: MarkedCopy, export: &Export, lines: Vec<String>, purpose: &Purpose, keys: &Keys) -> Self {
        let signer = keys.signer();
        let mut manifest = Manifest::of(id, export, purpose, &signer);
        let recorded = Marked {
            lines,
            codec: std::mem::replace(&mut manifest.codec, media::Codec::H264.as_str().to_owned()),
            width: manifest.width,
            height: manifest.height,
            frames: manifest.frames,
            hidden: None,
            originals: Vec::new(),
        };
        (manifest.width, manifest.height) = copy.size();
        manifest.format = FORMAT_MARKED.to_owned();
        manifest.marked = Some(recorded);
        Self { copy, manifest, signer }
    }

    /// The same, of a copy that hides parts of its pictures.
    pub fn hiding(mut self, hidden: Option<&media::Hidden>) -> Self {
        if let Some(marked) = &mut self.manifest.marked {
            marked.hidden = hidden.map(HiddenParts::from);
        }
        self
    }

    /// The whole file, from its first byte to the end of its document.
    pub fn file(self) -> BoxStream<'static, Result<Bytes, PlaybackError>> {
        let Self { copy, manifest, signer } = self;
        copy.stated(move |hashes| Document::sign(&manifest.of_copy(hashes), &signer).text())
    }
}

impl Manifest {
    /// With what is known of a copy when all of it has been made.
    fn of_copy(self, hashes: &CopyHashes) -> Self {
        let mut manifest = self.with(&hashes.copy);
        manifest.frames = hashes.frames;
        if let Some(marked) = &mut manifest.marked {
            if let Some(hidden) = &mut marked.hidden {
                hidden.pictures_with_faces = hashes.with_faces;
            }
            marked.originals = hashes.originals.iter().map(Fragment::from).collect();
        }
        manifest
    }
}
