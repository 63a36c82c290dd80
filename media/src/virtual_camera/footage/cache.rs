//! One file a loop: a line of JSON that lays out the frames, then their NAL units one after another.
//!
//! A file is written under another name and renamed, so a reader sees all of it or none. Whatever does not read well is
//! treated as absent and made again.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Footage, Frame, FrameRate, is_picture};
use crate::camera::Codec;

#[derive(Serialize, Deserialize)]
struct Head {
    codec: Codec,
    width: u32,
    height: u32,
    rate: FrameRate,
    frames: Vec<FrameHead>,
    /// SHA-256 of everything after the head, which tells a damaged file.
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct FrameHead {
    key: bool,
    presentation_delay: u32,
    nal_lens: Vec<usize>,
}

/// A head longer than this is no head.
const HEAD_LEN_MAX: usize = 4 << 20;

/// Digest of a picture's NAL units as [`Frame::picture_sha256`] describes.
pub(super) fn picture_sha256(codec: Codec, nals: &[Bytes]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for nal in nals.iter().filter(|nal| is_picture(codec, nal)) {
        hash.update((nal.len() as u32).to_be_bytes());
        hash.update(nal);
    }
    hash.finalize().into()
}

/// The loop in the file, or `None` when there is none that is whole.
pub(super) fn read(path: &Path) -> Option<Footage> {
    let file = Bytes::from(std::fs::read(path).ok()?);
    let head_len = file.iter().take(HEAD_LEN_MAX).position(|&byte| byte == b'\n')?;
    let head: Head = serde_json::from_slice(&file[..head_len]).ok()?;
    let body = file.slice(head_len + 1..);
    if hex::encode(Sha256::digest(&body)) != head.sha256 {
        tracing::warn!(path = %path.display(), "damaged footage in the cache is made again");
        return None;
    }
    let mut at = 0;
    let mut frames = Vec::with_capacity(head.frames.len());
    for frame in head.frames {
        let mut nals = Vec::with_capacity(frame.nal_lens.len());
        for len in frame.nal_lens {
            let end = at + len;
            if end > body.len() {
                return None;
            }
            nals.push(body.slice(at..end));
            at = end;
        }
        let picture_sha256 = picture_sha256(head.codec, &nals);
        frames.push(Frame { key: frame.key, presentation_delay: frame.presentation_delay, nals, picture_sha256 });
    }
    Some(Footage { codec: head.codec, width: head.width, height: head.height, rate: head.rate, frames })
}

/// Writes a loop, whole or not at all.
pub(super) fn write(path: &Path, footage: &Footage) -> std::io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut body = Vec::new();
    for nal in footage.frames.iter().flat_map(|frame| &frame.nals) {
        body.extend_from_slice(nal);
    }
    let head = Head {
        codec: footage.codec,
        width: footage.width,
        height: footage.height,
        rate: footage.rate,
        frames: footage
            .frames
            .iter()
            .map(|frame| FrameHead {
                key: frame.key,
                presentation_delay: frame.presentation_delay,
                nal_lens: frame.nals.iter().map(Bytes::len).collect(),
            })
            .collect(),
        sha256: hex::encode(Sha256::digest(&body)),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let result = (|| {
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&serde_json::to_vec(&head)?)?;
        file.write_all(b"\n")?;
        file.write_all(&body)?;
        std::fs::rename(&part, path)
    })();
    if result.is_err() {
        // What is left over is of no use; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&part);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footage() -> Footage {
        let nals = vec![Bytes::from_static(&[0x67, 1, 2]), Bytes::from_static(&[0x68, 3]), Bytes::from_static(&[0x65, 9, 9, 9])];
        let picture_sha256 = picture_sha256(Codec::H264, &nals);
        let frame = Frame { key: true, presentation_delay: 0, nals, picture_sha256 };
        Footage { codec: Codec::H264, width: 64, height: 48, rate: FrameRate::FULL, frames: vec![frame] }
    }

    #[test]
    fn a_loop_comes_back_as_it_was() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("deep/a.loop");
        write(&path, &footage()).expect("written");
        let back = read(&path).expect("whole");
        assert_eq!(back.frames[0].nals, footage().frames[0].nals);
        assert_eq!(back.frames[0].picture_sha256, footage().frames[0].picture_sha256);
        assert_eq!(back.parameter_sets().len(), 2);
        assert_eq!(std::fs::read_dir(path.parent().expect("parent")).expect("list").count(), 1, "nothing is left over");
    }

    #[test]
    fn a_damaged_file_counts_as_absent() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.loop");
        write(&path, &footage()).expect("written");
        let mut bytes = std::fs::read(&path).expect("read");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).expect("write");
        assert!(read(&path).is_none());
        std::fs::write(&path, &bytes[..last]).expect("write");
        assert!(read(&path).is_none());
        assert!(read(&folder.path().join("none")).is_none());
    }
}
