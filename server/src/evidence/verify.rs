//! Whether a clip is still what its manifest says. Needs the clip, and the document where the clip does not end with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{Read, Seek};

use media::playback::statement::{STATEMENT_LEN_MAX, Stated};

use super::{Document, FORMAT, FORMAT_MARKED, Fragment, Manifest, fits};

/// Why nothing can be said about a clip.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The clip cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// No document in it or beside it.
    #[error("it carries no manifest, and none was given (--manifest)")]
    NoManifest,
    /// A document that cannot be understood.
    #[error("its manifest cannot be read: {0}")]
    Unreadable(String),
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The manifest itself was changed, or another key signed it.
    Signature,
    /// The pictures of a fragment, counted from 1.
    Changed(usize, Fragment),
    /// A fragment that is not there any more.
    Missing(usize, Fragment),
    /// Chunks of video that the manifest does not know.
    Added(usize),
    /// The pictures are as they were; what stands around them (header, index, times) is not.
    Structure,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signature => f.write_str("the signature does not fit: the manifest was changed"),
            Self::Changed(number, at) => write!(f, "fragment {number} ({} to {}) was changed", at.start, at.end),
            Self::Missing(number, at) => write!(f, "fragment {number} ({} to {}) is missing", at.start, at.end),
            Self::Added(chunks) => write!(f, "{chunks} pieces of video are in it that were not exported"),
            Self::Structure => {
                f.write_str("the pictures are as they were exported, but the file around them (header, index, times) was changed")
            }
        }
    }
}

/// What came out.
#[derive(Debug)]
pub struct Verified {
    /// What the clip says of itself. To be believed only where nothing was found.
    pub manifest: Manifest,
    /// Everything that is not as it was; empty: unchanged.
    pub findings: Vec<Finding>,
}

/// Reads a document, from the end of a clip or from a file beside it.
pub fn read_document(text: &[u8]) -> Result<Document, VerifyError> {
    if text.len() > STATEMENT_LEN_MAX {
        return Err(VerifyError::Unreadable("it is too long".to_owned()));
    }
    serde_json::from_slice(text).map_err(|error| VerifyError::Unreadable(error.to_string()))
}

/// Compares a clip with the document in it, or with the one given.
pub fn verify(clip: &mut (impl Read + Seek), beside: Option<Document>) -> Result<Verified, VerifyError> {
    let stated = Stated::find(clip)?;
    let document = match (beside, &stated.statement) {
        (Some(document), _) => document,
        (None, Some(text)) => read_document(text)?,
        (None, None) => return Err(VerifyError::NoManifest),
    };
    let manifest: Manifest =
        serde_json::from_value(document.manifest.clone()).map_err(|error| VerifyError::Unreadable(error.to_string()))?;
    let known = if manifest.marked.is_some() { FORMAT_MARKED } else { FORMAT };
    if manifest.format != known {
        return Err(VerifyError::Unreadable(format!("its form is {:?}, where {known:?} was to be expected", manifest.format)));
    }
    let mut findings = Vec::new();
    if !fits(&document, &manifest.key) {
        findings.push(Finding::Signature);
    }
    let whole = stated.bytes == manifest.file.bytes && hex::encode(stated.hash_file(clip)?) == manifest.file.sha256;
    let fragments = fragments(&stated, clip, &manifest.fragments)?;
    if !whole && fragments.is_empty() {
        findings.push(Finding::Structure);
    }
    findings.extend(fragments);
    Ok(Verified { manifest, findings })
}

/// Fragments are compared in order; one that is not found where it should be is missing if a later one stands there.
fn fragments(stated: &Stated, clip: &mut (impl Read + Seek), promised: &[Fragment]) -> Result<Vec<Finding>, VerifyError> {
    let mut findings = Vec::new();
    let mut at = 0;
    let mut number = 0;
    while let Some(fragment) = promised.get(number) {
        let mut here = Here { at, hashes: HashMap::new() };
        if here.is(stated, clip, fragment)? {
            at = at.saturating_add(fragment.chunks);
            number += 1;
            continue;
        }
        let mut later = None;
        for (skipped, other) in promised.iter().enumerate().skip(number + 1) {
            if here.is(stated, clip, other)? {
                later = Some(skipped);
                break;
            }
        }
        match later {
            Some(later) => {
                findings.extend((number..later).map(|missing| Finding::Missing(missing + 1, promised[missing].clone())));
                number = later;
            }
            None if at >= stated.chunks() => {
                findings.push(Finding::Missing(number + 1, fragment.clone()));
                number += 1;
            }
            None => {
                findings.push(Finding::Changed(number + 1, fragment.clone()));
                at = at.saturating_add(fragment.chunks);
                number += 1;
            }
        }
    }
    if stated.chunks() > at {
        findings.push(Finding::Added(stated.chunks() - at));
    }
    Ok(findings)
}

/// What stands at one place of a clip, hashed once for each number of chunks.
struct Here {
    at: usize,
    hashes: HashMap<usize, Option<String>>,
}

impl Here {
    fn is(&mut self, stated: &Stated, clip: &mut (impl Read + Seek), fragment: &Fragment) -> Result<bool, VerifyError> {
        let hash = match self.hashes.entry(fragment.chunks) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(stated.hash_chunks(clip, self.at, fragment.chunks)?.map(hex::encode)),
        };
        Ok(hash.as_ref() == Some(&fragment.sha256))
    }
}
