//! Footage: real pictures, encoded once, kept in files and in memory, and sent again and again.
//!
//! The source is a street scene that Debian packages (`opencv-doc`, `vtest.avi`). Each [`Scene`] is another crop, colour
//! and moment of it. Encoding takes seconds and sending takes next to nothing, so loops are encoded once, cached as
//! files and shared in memory by every camera and viewer.

mod cache;
mod encode;
mod overlay;
mod raster;
mod scene;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

pub use scene::{FrameRate, Light, Picture, Scene, View};

use crate::camera::Codec;
use scene::Recipe;

/// Where Debian's `opencv-doc` keeps the street scene.
pub const DEBIAN_SOURCE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// Why footage could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    /// The source file is not there.
    #[error("no footage source at {}: install Debian's opencv-doc, or name the file", .0.display())]
    NoSource(PathBuf),
    /// The source ends before the loop is full.
    #[error("the footage source has only {frames} pictures, too few for the scene")]
    SourceTooShort {
        /// Pictures that the source gave.
        frames: u64,
    },
    /// The scene asks for something that cannot be encoded.
    #[error("the scene cannot be encoded: {0}")]
    Scene(&'static str),
    /// GStreamer refused or failed.
    #[error("footage could not be encoded: {0}")]
    Encode(String),
    /// The cache folder cannot be used.
    #[error("the footage cache {}: {source}", .path.display())]
    Cache {
        /// File or folder.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// One access unit of a loop.
#[derive(Debug, Clone)]
pub struct Frame {
    /// A key frame (IDR), which starts a group of pictures.
    pub key: bool,
    /// Frames by which presentation lags behind sending; more than 0 only with B frames.
    pub presentation_delay: u32,
    /// NAL units without start codes, parameter sets included where the stream has them.
    pub nals: Vec<Bytes>,
    /// SHA-256 over the picture's NAL units (no parameter sets, no delimiters), each after its length in four bytes.
    pub picture_sha256: [u8; 32],
}

impl Frame {
    /// Bytes of all NAL units.
    pub fn len(&self) -> usize {
        self.nals.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing in it, which footage never has.
    pub fn is_empty(&self) -> bool {
        self.nals.is_empty()
    }
}

/// One loop of encoded pictures, starting with a key frame.
#[derive(Debug)]
pub struct Footage {
    /// Codec.
    pub codec: Codec,
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Frames a second.
    pub rate: FrameRate,
    /// Access units in sending order.
    pub frames: Vec<Frame>,
}

impl Footage {
    /// Parameter sets of the first key frame, in the order VPS, SPS, PPS (H.264 has no VPS).
    pub fn parameter_sets(&self) -> Vec<Bytes> {
        let first = self.frames.first().map(|frame| frame.nals.as_slice()).unwrap_or_default();
        first.iter().filter(|nal| is_parameter_set(self.codec, nal)).cloned().collect()
    }

    /// The first key frame at or after `index`, round the loop.
    pub fn key_frame_from(&self, index: usize) -> usize {
        let len = self.frames.len();
        (0..len).map(|step| (index + step) % len).find(|&at| self.frames[at].key).unwrap_or(0)
    }
}

/// Whether a NAL unit is a VPS, SPS or PPS.
pub fn is_parameter_set(codec: Codec, nal: &[u8]) -> bool {
    match (codec, nal.first()) {
        (Codec::H264, Some(head)) => matches!(head & 0x1f, 7 | 8),
        (Codec::H265, Some(head)) => matches!(head >> 1 & 0x3f, 32..=34),
        (_, None) => false,
    }
}

/// Whether a NAL unit carries part of a picture (a slice).
pub fn is_picture(codec: Codec, nal: &[u8]) -> bool {
    match (codec, nal.first()) {
        (Codec::H264, Some(head)) => matches!(head & 0x1f, 1..=5),
        (Codec::H265, Some(head)) => head >> 1 & 0x3f < 32,
        (_, None) => false,
    }
}

/// A loop in memory, or the place where it is being made.
type Slot = Arc<Mutex<Option<Arc<Footage>>>>;

/// Makes footage, or finds it in the cache. Clones share what is in memory.
#[derive(Clone)]
pub struct FootageLibrary {
    source: PathBuf,
    cache: PathBuf,
    loops: Arc<Mutex<HashMap<String, Slot>>>,
}

impl FootageLibrary {
    /// The library of this user: the film that `BRIGHT_KITCHEN_FOOTAGE` names, or one that set-up put into the cache
    /// folder, or Debian's; files in `bright-kitchen/footage` below the user's cache folder.
    pub fn standard() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).unwrap_or_else(std::env::temp_dir);
        let cache = caches.join("bright-kitchen").join("footage");
        let unpacked = cache.join("vtest.avi");
        let found = || if unpacked.exists() { unpacked.clone() } else { PathBuf::from(DEBIAN_SOURCE) };
        Self::new(&set("BRIGHT_KITCHEN_FOOTAGE").unwrap_or_else(found), &cache)
    }

    /// A library that reads `source` (a film of at least a minute) and keeps its files in the folder `cache`.
    pub fn new(source: &Path, cache: &Path) -> Self {
        Self { source: source.into(), cache: cache.into(), loops: Arc::default() }
    }

    /// Footage of a scene. Takes seconds of two cores the first time and milliseconds later. **Blocks.**
    pub fn get(&self, scene: &Scene, picture: Picture) -> Result<Arc<Footage>, FootageError> {
        let recipe = Recipe::new(scene, picture);
        encode::check(&recipe.scene)?;
        let source_bytes = std::fs::metadata(&self.source).map_err(|_| FootageError::NoSource(self.source.clone()))?.len();
        let name = recipe.fingerprint(source_bytes);
        let slot = Arc::clone(self.loops.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default());
        // Held while encoding, so that two callers do not encode the same loop.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(footage) = slot.as_ref() {
            return Ok(Arc::clone(footage));
        }
        let path = self.cache.join(format!("{name}.loop"));
        let footage = match cache::read(&path) {
            Some(footage) => footage,
            None => {
                let footage = encode::encode(&self.source, &recipe)?;
                cache::write(&path, &footage).map_err(|source| FootageError::Cache { path: path.clone(), source })?;
                footage
            }
        };
        let footage = Arc::new(footage);
        *slot = Some(Arc::clone(&footage));
        Ok(footage)
    }
}
