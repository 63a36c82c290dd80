//! The last box of a closed file: where its fragments lie, so that opening a file is one read at its end.
//!
//! The table repeats what the fragment boxes say; a file without it is whole all the same and is scanned.
//! Layout, big-endian, behind the `uuid` box's 24 bytes: version u8, three bytes zero, count u32, then per fragment:
//! offset u64 and its fragment box without the box header; at the very end the length of this box u32, so that a
//! reader can find its start from the end of the file.

use super::boxes::{BoxHeader, be_u32, be_u64};
use super::fragment::FragmentHeader;
use super::reader::FragmentEntry;

/// `uuid` type of the table box.
pub const TABLE_TYPE: [u8; 16] = *b"BrightKitchenTbl";
const VERSION: u8 = 1;
/// Length before the first entry.
const FIXED_LEN: usize = 24 + 4 + 4;
/// Length of the trailing length.
pub const TRAILER_LEN: usize = 4;
/// More than this is no table of ours: an hour of one-second fragments with twenty chunks each is 1.2 MB.
pub const TABLE_LEN_MAX: u64 = 16 * 1024 * 1024;

/// The box for `entries`.
#[must_use]
pub fn encode(entries: &[FragmentEntry]) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(b"uuid");
    out.extend(TABLE_TYPE);
    out.extend([VERSION, 0, 0, 0]);
    out.extend(u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    for entry in entries {
        out.extend(entry.offset.to_be_bytes());
        out.extend(entry.header.encode());
    }
    let len = u32::try_from(out.len() + TRAILER_LEN).unwrap_or(u32::MAX).to_be_bytes();
    out.extend(len);
    out[..4].copy_from_slice(&len);
    out
}

/// Reads a whole table box; `None` when it is cut off, damaged or not ours.
#[must_use]
pub fn decode(data: &[u8]) -> Option<Vec<FragmentEntry>> {
    let header = BoxHeader::parse(data)?;
    if &header.box_type != b"uuid" || header.len != u64::try_from(data.len()).ok()? {
        return None;
    }
    if data.get(8..24)? != TABLE_TYPE || data.get(24)? != &VERSION {
        return None;
    }
    let count = usize::try_from(be_u32(data, 28)?).ok()?;
    let mut at = FIXED_LEN;
    // An entry is at least 80 bytes: never reserve for more than can be there.
    let mut entries = Vec::with_capacity(count.min(data.len() / 80));
    for _ in 0..count {
        let offset = be_u64(data, at)?;
        let header = FragmentHeader::decode(data.get(at + 8..)?)?;
        at += 8 + header.len();
        entries.push(FragmentEntry { offset, header });
    }
    (at + TRAILER_LEN == data.len()).then_some(entries)
}
