//! The last box of a closed file: where its fragments lie, so that opening a file is one read at its end.
//!
//! The table repeats what the fragment boxes say; a file without it is whole all the same and is scanned.
//! Layout, big-endian, behind the `uuid` box's 24 bytes: version u8, three bytes zero, count u32, then per fragment:
//! offset u64 and its fragment box; at the very end a [`Summary`] of 40 bytes, so that a start-up reads one small block
//! a file and not its table: end_ms i64, last sequence u64, fragments u32, epoch u32, codec u8, damaged u8, two bytes
//! zero, "BKsm", CRC-32 of the 32 bytes before u32, and the length of this box u32.

use super::boxes::{BoxHeader, be_u32, be_u64};
use super::fragment::FragmentHeader;
use super::reader::FragmentEntry;
use crate::camera::Codec;

/// `uuid` type of the table box.
pub const TABLE_TYPE: [u8; 16] = *b"BrightKitchenTbl";
const VERSION: u8 = 1;
/// Length before the first entry.
const FIXED_LEN: usize = 24 + 4 + 4;
/// Length of the summary at the end.
pub const SUMMARY_LEN: usize = 40;
const SUMMARY_MAGIC: [u8; 4] = *b"BKsm";
/// More than this is no table of ours: an hour of one-second fragments with twenty chunks each is 1.2 MB.
pub const TABLE_LEN_MAX: u64 = 16 * 1024 * 1024;

/// What the index needs to know of a closed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// End of the last picture, milliseconds UTC.
    pub end_ms: i64,
    /// Sequence of the last fragment.
    pub last_sequence: u64,
    /// Fragments in the file.
    pub fragments: u32,
    /// Clock epoch.
    pub epoch: u32,
    /// Codec.
    pub codec: Codec,
    /// Pictures in it follow a loss.
    pub damaged: bool,
    /// Length of the table box, which ends with this summary.
    pub table_len: u32,
}

impl Summary {
    /// Reads the last bytes of a file; `None` when they are no summary.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        if data.len() != SUMMARY_LEN || data.get(28..32)? != SUMMARY_MAGIC {
            return None;
        }
        if crc32fast::hash(data.get(..32)?) != be_u32(data, 32)? {
            return None;
        }
        Some(Self {
            end_ms: be_u64(data, 0)?.cast_signed(),
            last_sequence: be_u64(data, 8)?,
            fragments: be_u32(data, 16)?,
            epoch: be_u32(data, 20)?,
            codec: if *data.get(24)? == 1 { Codec::H265 } else { Codec::H264 },
            damaged: *data.get(25)? == 1,
            table_len: be_u32(data, 36)?,
        })
    }

    fn of(entries: &[FragmentEntry], codec: Codec) -> Self {
        Self {
            end_ms: entries.iter().map(|entry| entry.header.end_ms()).max().unwrap_or(0),
            last_sequence: entries.last().map_or(0, |last| last.header.sequence),
            fragments: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            epoch: entries.first().map_or(0, |first| first.header.epoch),
            codec,
            damaged: entries.iter().any(|entry| entry.header.damaged),
            table_len: 0,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SUMMARY_LEN);
        out.extend(self.end_ms.to_be_bytes());
        out.extend(self.last_sequence.to_be_bytes());
        out.extend(self.fragments.to_be_bytes());
        out.extend(self.epoch.to_be_bytes());
        out.extend([u8::from(self.codec == Codec::H265), u8::from(self.damaged), 0, 0]);
        out.extend(SUMMARY_MAGIC);
        out.extend(crc32fast::hash(&out).to_be_bytes());
        out.extend(self.table_len.to_be_bytes());
        out
    }
}

/// The box for `entries`.
#[must_use]
pub fn encode(entries: &[FragmentEntry], codec: Codec) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(b"uuid");
    out.extend(TABLE_TYPE);
    out.extend([VERSION, 0, 0, 0]);
    out.extend(u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    for entry in entries {
        out.extend(entry.offset.to_be_bytes());
        out.extend(entry.header.encode());
    }
    let table_len = u32::try_from(out.len() + SUMMARY_LEN).unwrap_or(u32::MAX);
    out.extend(Summary { table_len, ..Summary::of(entries, codec) }.encode());
    out[..4].copy_from_slice(&table_len.to_be_bytes());
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
    (at + SUMMARY_LEN == data.len()).then_some(entries)
}
