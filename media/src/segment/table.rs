//! The last box of a closed file: where its fragments lie, so that opening a file is one read at its end.
//!
//! The table repeats in short what the fragment boxes say; a file without it is whole all the same and is scanned. It is small
//! because there are many: seven bytes a fragment, so that a camera's minute of two-second fragments is some 220 bytes.
//!
//! Layout, integers big-endian, behind the `uuid` box's 24 bytes: version u8 (2), three bytes zero, count u32; then as variable
//! length integers (seven bits a byte, the lowest first; signed ones as zigzag) the first fragment's offset, sequence, epoch and
//! signed wall_ms; then per fragment a byte of flags, the length of fragment box and chunks, signed the distance of its wall_ms
//! from the end of the fragment before, and signed how much longer it is than that. Flags: 1 sync, 2 discontinuity, 4 damaged; 8
//! that three signed integers follow: how far sequence, epoch and offset are from what the fragment before lets expect.
//! At the very end a [`Summary`] of 40 bytes, so that a start-up reads one small block
//! a file and not its table: end_ms i64, last sequence u64, fragments u32, epoch u32, codec u8, damaged u8, two bytes
//! zero, "BKsm", CRC-32 of the 32 bytes before u32, and the length of this box u32.
//!
//! Version 1, still read, has per fragment its offset u64 and its whole fragment box.

use super::boxes::{BoxHeader, be_u32, be_u64};
use super::fragment::{FragmentHeader, FragmentMark};
use super::reader::FragmentEntry;
use super::varint::{Reader, put, put_signed};
use crate::camera::Codec;

/// `uuid` type of the table box.
pub const TABLE_TYPE: [u8; 16] = *b"BrightKitchenTbl";
const VERSION: u8 = 2;
const VERSION_OF_BOXES: u8 = 1;
/// Length before the first entry.
const FIXED_LEN: usize = 24 + 4 + 4;
/// Length of the summary at the end.
pub const SUMMARY_LEN: usize = 40;
const SUMMARY_MAGIC: [u8; 4] = *b"BKsm";
/// More than this is no table of ours: an hour of one-second fragments with twenty chunks each was 1.2 MB in version 1.
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
            end_ms: entries.iter().map(|entry| entry.mark.end_ms()).max().unwrap_or(0),
            last_sequence: entries.last().map_or(0, |last| last.mark.sequence),
            fragments: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            epoch: entries.first().map_or(0, |first| first.mark.epoch),
            codec,
            damaged: entries.iter().any(|entry| entry.mark.damaged),
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

const FLAG_SYNC: u8 = 1;
const FLAG_DISCONTINUITY: u8 = 2;
const FLAG_DAMAGED: u8 = 4;
const FLAG_JUMP: u8 = 8;

/// What a fragment lets expect of the next one.
#[derive(Debug, Clone, Copy)]
struct Expected {
    offset: u64,
    sequence: u64,
    epoch: u32,
    wall_ms: i64,
    duration_ms: u32,
}

impl Expected {
    fn first(offset: u64, mark: &FragmentMark) -> Self {
        Self { offset, sequence: mark.sequence, epoch: mark.epoch, wall_ms: mark.wall_ms, duration_ms: 0 }
    }

    fn after(entry: &FragmentEntry) -> Self {
        let FragmentMark { sequence, epoch, duration_ms, .. } = entry.mark;
        Self { offset: entry.end_offset(), sequence: sequence.wrapping_add(1), epoch, wall_ms: entry.mark.end_ms(), duration_ms }
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
    if let Some(first) = entries.first() {
        let mut expected = Expected::first(first.offset, &first.mark);
        put(&mut out, expected.offset);
        put(&mut out, expected.sequence);
        put(&mut out, u64::from(expected.epoch));
        put_signed(&mut out, expected.wall_ms);
        for entry in entries {
            put_entry(&mut out, entry, expected);
            expected = Expected::after(entry);
        }
    }
    let table_len = u32::try_from(out.len() + SUMMARY_LEN).unwrap_or(u32::MAX);
    out.extend(Summary { table_len, ..Summary::of(entries, codec) }.encode());
    out[..4].copy_from_slice(&table_len.to_be_bytes());
    out
}

fn put_entry(out: &mut Vec<u8>, entry: &FragmentEntry, expected: Expected) {
    let mark = &entry.mark;
    let jump = entry.offset != expected.offset || mark.sequence != expected.sequence || mark.epoch != expected.epoch;
    let flags = [(mark.sync, FLAG_SYNC), (mark.discontinuity, FLAG_DISCONTINUITY), (mark.damaged, FLAG_DAMAGED), (jump, FLAG_JUMP)];
    out.push(flags.iter().map(|(set, flag)| if *set { *flag } else { 0 }).sum());
    put(out, entry.len);
    put_signed(out, mark.wall_ms.wrapping_sub(expected.wall_ms));
    put_signed(out, i64::from(mark.duration_ms) - i64::from(expected.duration_ms));
    if jump {
        put_signed(out, mark.sequence.wrapping_sub(expected.sequence).cast_signed());
        put_signed(out, i64::from(mark.epoch) - i64::from(expected.epoch));
        put_signed(out, entry.offset.wrapping_sub(expected.offset).cast_signed());
    }
}

fn take_entry(reader: &mut Reader<'_>, expected: Expected) -> Option<FragmentEntry> {
    let flags = reader.byte()?;
    let len = reader.take()?;
    let wall_ms = expected.wall_ms.wrapping_add(reader.take_signed()?);
    let duration_ms = u32::try_from(i64::from(expected.duration_ms).checked_add(reader.take_signed()?)?).ok()?;
    let (mut offset, mut sequence, mut epoch) = (expected.offset, expected.sequence, expected.epoch);
    if flags & FLAG_JUMP != 0 {
        sequence = sequence.wrapping_add(reader.take_signed()?.cast_unsigned());
        epoch = u32::try_from(i64::from(epoch).checked_add(reader.take_signed()?)?).ok()?;
        offset = offset.wrapping_add(reader.take_signed()?.cast_unsigned());
    }
    let (sync, discontinuity, damaged) = (flags & FLAG_SYNC != 0, flags & FLAG_DISCONTINUITY != 0, flags & FLAG_DAMAGED != 0);
    // A fragment that no file can hold is none.
    offset.checked_add(len)?;
    Some(FragmentEntry { offset, len, mark: FragmentMark { sequence, epoch, wall_ms, duration_ms, sync, discontinuity, damaged } })
}

/// Reads a whole table box; `None` when it is cut off, damaged or not ours.
#[must_use]
pub fn decode(data: &[u8]) -> Option<Vec<FragmentEntry>> {
    let header = BoxHeader::parse(data)?;
    if &header.box_type != b"uuid" || header.len != u64::try_from(data.len()).ok()? || data.get(8..24)? != TABLE_TYPE {
        return None;
    }
    let count = usize::try_from(be_u32(data, 28)?).ok()?;
    let body = data.get(FIXED_LEN..data.len().checked_sub(SUMMARY_LEN)?)?;
    match *data.get(24)? {
        VERSION => decode_short(count, body),
        VERSION_OF_BOXES => decode_boxes(count, body),
        _ => None,
    }
}

fn decode_short(count: usize, body: &[u8]) -> Option<Vec<FragmentEntry>> {
    let mut reader = Reader::new(body);
    // An entry is at least four bytes: never reserve for more than can be there.
    let mut entries = Vec::with_capacity(count.min(body.len() / 4));
    if count > 0 {
        let (offset, sequence) = (reader.take()?, reader.take()?);
        let epoch = u32::try_from(reader.take()?).ok()?;
        let mut expected = Expected { offset, sequence, epoch, wall_ms: reader.take_signed()?, duration_ms: 0 };
        for _ in 0..count {
            let entry = take_entry(&mut reader, expected)?;
            expected = Expected::after(&entry);
            entries.push(entry);
        }
    }
    reader.is_empty().then_some(entries)
}

fn decode_boxes(count: usize, body: &[u8]) -> Option<Vec<FragmentEntry>> {
    let mut at = 0;
    let mut entries = Vec::with_capacity(count.min(body.len() / 80));
    for _ in 0..count {
        let offset = be_u64(body, at)?;
        let header = FragmentHeader::decode(body.get(at + 8..)?)?;
        at += 8 + header.len();
        entries.push(FragmentEntry::of(offset, &header));
    }
    (at == body.len()).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::ChunkInfo;
    use proptest::prelude::*;
    use uuid::Uuid;

    /// Two seconds of a camera of 2 Mbit/s, the `n`-th of them: arrival jitters, sizes differ.
    fn header(n: u64) -> FragmentHeader {
        let jitter = i64::try_from(n * 37 % 41).unwrap_or(0) - 20;
        let wall_ms = 1_767_225_600_000 + i64::try_from(n).unwrap_or(0) * 2_000 + jitter;
        let len = 118_000 + u32::try_from(n * 7_919 % 20_000).unwrap_or(0);
        FragmentHeader {
            camera: Uuid::from_u128(7),
            sequence: 1_000_000 + n,
            epoch: 2,
            wall_ms,
            mono_ms: wall_ms - 1_767_000_000_000,
            duration_ms: 2_000,
            sync: true,
            discontinuity: n == 0,
            damaged: n == 3,
            checksum: 0xdead_beef,
            chunks: vec![ChunkInfo { len, duration_ms: 500, frames: 12 }; 4],
        }
    }

    fn entries(count: u64) -> Vec<FragmentEntry> {
        let mut offset = 800;
        let next = |n| {
            let entry = FragmentEntry::of(offset, &header(n));
            offset = entry.end_offset();
            entry
        };
        (0..count).map(next).collect()
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a measurement tells its figure")]
    fn ten_minutes_of_two_second_fragments_take_at_most_250_bytes_a_minute() {
        let all = entries(300);
        let table = encode(&all, Codec::H264);
        println!("{} B a camera-minute", table.len() / 10);
        assert!(table.len() <= 2_500, "{} bytes for ten minutes", table.len());
        assert_eq!(decode(&table), Some(all));
    }

    #[test]
    fn a_table_of_whole_boxes_is_still_read() {
        let all = entries(5);
        let mut out = vec![0; 4];
        out.extend(b"uuid");
        out.extend(TABLE_TYPE);
        out.extend([1, 0, 0, 0]);
        out.extend(5_u32.to_be_bytes());
        for (n, entry) in (0..).zip(&all) {
            out.extend(entry.offset.to_be_bytes());
            out.extend(header(n).encode());
        }
        let table_len = u32::try_from(out.len() + SUMMARY_LEN).unwrap_or(0);
        out.extend(Summary { table_len, ..Summary::of(&all, Codec::H264) }.encode());
        out[..4].copy_from_slice(&table_len.to_be_bytes());
        assert_eq!(decode(&out), Some(all));
    }

    prop_compose! {
        fn any_entry()(numbers in any::<(u64, u32, i64, u32)>(), place in (0..u64::MAX / 2, 0..u64::MAX / 2), flags in any::<(bool, bool, bool)>()) -> FragmentEntry {
            let ((sequence, epoch, wall_ms, duration_ms), (sync, discontinuity, damaged)) = (numbers, flags);
            FragmentEntry { offset: place.0, len: place.1, mark: FragmentMark { sequence, epoch, wall_ms, duration_ms, sync, discontinuity, damaged } }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(entries in prop::collection::vec(any_entry(), 0..12)) {
            prop_assert_eq!(decode(&encode(&entries, Codec::H265)), Some(entries));
        }

        #[test]
        fn noise_is_no_table_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200), count in 0u32..9, version in 0u8..4) {
            let _nothing_or_something = decode(&noise);
            let mut table = encode(&[], Codec::H264);
            table.splice(FIXED_LEN..FIXED_LEN, noise);
            let len = u32::try_from(table.len()).unwrap_or(0);
            table[..4].copy_from_slice(&len.to_be_bytes());
            table[24] = version;
            table[28..32].copy_from_slice(&count.to_be_bytes());
            let _nothing_or_something = decode(&table);
        }
    }
}
