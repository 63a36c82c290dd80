//! The pictures in a recorded file, read by a reader of our own: the engine's would share its mistakes.

use media::Codec;
use media::virtual_camera::footage::is_picture;
use sha2::{Digest, Sha256};

use crate::cameras::short;

/// Where a box lies: type, start of its body, end.
fn box_at(data: &[u8], at: usize) -> Option<([u8; 4], usize, usize)> {
    let head = data.get(at..at + 8)?;
    let len = u32::from_be_bytes(head[..4].try_into().unwrap());
    let kind = head[4..8].try_into().unwrap();
    let (body, len) = match len {
        1 => (at + 16, usize::try_from(u64::from_be_bytes(data.get(at + 8..at + 16)?.try_into().unwrap())).ok()?),
        0 => (at + 8, data.len() - at),
        len => (at + 8, len as usize),
    };
    let end = at.checked_add(len)?;
    (end <= data.len()).then_some((kind, body, end))
}

/// The first box of a type inside a range.
fn find(data: &[u8], mut at: usize, end: usize, wanted: &[u8; 4]) -> Option<(usize, usize)> {
    while at < end {
        let (kind, body, next) = box_at(&data[..end], at)?;
        if &kind == wanted {
            return Some((body, next));
        }
        at = next;
    }
    None
}

fn be32(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

/// Sizes of the samples of a `moof` whose body this is.
fn sample_sizes(moof: &[u8]) -> Vec<usize> {
    let (traf, traf_end) = find(moof, 0, moof.len(), b"traf").unwrap();
    let (tfhd, _) = find(moof, traf, traf_end, b"tfhd").unwrap();
    let tfhd_flags = be32(moof, tfhd) & 0x00ff_ffff;
    let skip = [(0x1, 8), (0x2, 4), (0x8, 4)].iter().map(|(flag, len)| if tfhd_flags & flag == 0 { 0 } else { *len }).sum::<usize>();
    let usual = if tfhd_flags & 0x10 == 0 { 0 } else { be32(moof, tfhd + 8 + skip) as usize };
    let mut sizes = Vec::new();
    let mut from = traf;
    while let Some((trun, end)) = find(moof, from, traf_end, b"trun") {
        let flags = be32(moof, trun) & 0x00ff_ffff;
        let count = be32(moof, trun + 4) as usize;
        let mut at = trun + 8 + 4 * [0x1, 0x4].iter().filter(|flag| flags & **flag != 0).count();
        for _ in 0..count {
            at += 4 * usize::from(flags & 0x100 != 0);
            sizes.push(if flags & 0x200 == 0 { usual } else { be32(moof, at) as usize });
            at += 4 * [0x200, 0x400, 0x800].iter().filter(|flag| flags & **flag != 0).count();
        }
        from = end;
    }
    sizes
}

/// Digest of a picture's slices as the virtual cameras make it, shortened.
fn digest(codec: Codec, mut sample: &[u8]) -> u64 {
    let mut hash = Sha256::new();
    while sample.len() >= 4 {
        let (nal, rest) = sample[4..].split_at(be32(sample, 0) as usize);
        if is_picture(codec, nal) {
            hash.update(&sample[..4]);
            hash.update(nal);
        }
        sample = rest;
    }
    short(&hash.finalize())
}

/// Reads as many whole `moof` and `mdat` pairs as there are; gives the pictures' digests and how many bytes were read.
pub(crate) fn pictures(codec: Codec, data: &[u8]) -> (Vec<u64>, usize) {
    let (mut digests, mut at) = (Vec::new(), 0);
    while let Some((kind, body, end)) = box_at(data, at) {
        if &kind == b"moof" {
            let Some((mdat, mut sample, mdat_end)) = box_at(data, end) else { break };
            assert_eq!(&mdat, b"mdat", "a moof is followed by its mdat");
            for size in sample_sizes(&data[body..end]) {
                digests.push(digest(codec, &data[sample..sample + size]));
                sample += size;
            }
            at = mdat_end;
        } else {
            at = end;
        }
    }
    (digests, at)
}
