//! Opens a recorded file: its header, where its fragments lie, and their bytes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;

use super::SegmentError;
use super::boxes::BoxHeader;
use super::fragment::{FragmentHeader, FragmentMark, HEADER_LEN_MAX};
use super::table::{self, SUMMARY_LEN, Summary, TABLE_LEN_MAX};

/// `ftyp` and `moov` are a few hundred bytes; more than this is damage.
const INIT_LEN_MAX: u64 = 1024 * 1024;

/// Fragments this much older than the last were synced: three of the usual intervals.
const VERIFIED_TAIL_MS: i64 = 30_000;

/// Most fragment boxes are shorter: 35 chunks.
const HEADER_LEN_USUAL: u64 = 512;

/// Where one fragment lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentEntry {
    /// First byte of the fragment box.
    pub offset: u64,
    /// Length of the box and its chunks, bytes.
    pub len: u64,
    /// What is known of it without reading it.
    pub mark: FragmentMark,
}

impl FragmentEntry {
    /// The entry of a fragment at `offset`.
    #[must_use]
    pub fn of(offset: u64, header: &FragmentHeader) -> Self {
        Self { offset, len: to_u64(header.len()).saturating_add(header.media_len()), mark: header.mark() }
    }

    /// First byte behind the fragment.
    #[must_use]
    pub fn end_offset(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// A recorded file, opened for reading. It may still be growing.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
    /// `ftyp` and `moov`.
    pub init: Bytes,
    /// All whole fragments, in order.
    pub fragments: Vec<FragmentEntry>,
    /// Whether the file ends with its table.
    pub closed: bool,
}

impl SegmentFile {
    /// Opens the file at `path`: by its table where it has one, else by walking its boxes.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when it cannot be read, [`SegmentError::Damaged`] when it does not begin as ours.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        let init = read_init(&mut file, len)?;
        if let Some(fragments) = read_table(&mut file, len) {
            return Ok(Self { file, init, fragments, closed: true });
        }
        let start = u64::try_from(init.len()).unwrap_or(u64::MAX);
        let fragments = walk(&mut file, start, len)?;
        Ok(Self { file, init, fragments, closed: false })
    }

    /// Reads the last fragments and drops them from the first whose bytes are not what was written. After power loss a
    /// file may have its length and not its data; what was synced, which is all but the last seconds, is not read again.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the file cannot be read.
    pub fn verify_tail(&mut self) -> Result<(), SegmentError> {
        let Some(last) = self.fragments.last() else { return Ok(()) };
        // Within a file no clock steps: a step begins another.
        let since_ms = last.mark.wall_ms.saturating_sub(VERIFIED_TAIL_MS);
        let tail = self.fragments.iter().position(|entry| entry.mark.wall_ms >= since_ms).unwrap_or(0);
        for n in tail..self.fragments.len() {
            let entry = self.fragments[n].clone();
            if crc32fast::hash(&self.media(&entry)?) != self.header(&entry)?.checksum {
                self.fragments.truncate(n);
                break;
            }
        }
        Ok(())
    }

    /// The box before a fragment: all that is known of it.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the file cannot be read, [`SegmentError::Damaged`] when another box stands there.
    pub fn header(&mut self, entry: &FragmentEntry) -> Result<FragmentHeader, SegmentError> {
        let start = self.read(entry.offset, entry.len.min(HEADER_LEN_USUAL))?;
        let found = match header_of(entry, &start) {
            None if entry.len > HEADER_LEN_USUAL => header_of(entry, &self.read(entry.offset, entry.len.min(to_u64(HEADER_LEN_MAX)))?),
            found => found,
        };
        found.ok_or_else(|| another_box(entry))
    }

    /// The chunks of a fragment: `moof` and `mdat`, once or more.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the file cannot be read as far as the entry says, [`SegmentError::Damaged`] when another box
    /// stands there.
    pub fn media(&mut self, entry: &FragmentEntry) -> Result<Bytes, SegmentError> {
        let whole = self.read(entry.offset, entry.len)?;
        let header = header_of(entry, &whole).ok_or_else(|| another_box(entry))?;
        Ok(whole.slice(header.len()..))
    }

    /// `len` bytes at `offset`.
    ///
    /// # Errors
    /// [`SegmentError::Io`] when the file is shorter.
    pub fn read(&mut self, offset: u64, len: u64) -> Result<Bytes, SegmentError> {
        self.file.seek(SeekFrom::Start(offset))?;
        read_exact(&mut self.file, len)
    }

    /// The last sync fragment that starts at or before `at_ms`, else the first sync fragment.
    #[must_use]
    pub fn sync_fragment_at(&self, at_ms: i64) -> Option<&FragmentEntry> {
        let mut sync = self.fragments.iter().filter(|entry| entry.mark.sync);
        let first = sync.next()?;
        Some(sync.take_while(|entry| entry.mark.wall_ms <= at_ms).last().unwrap_or(first))
    }
}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// The box at the start of `data`, if it is the one that an entry speaks of.
fn header_of(entry: &FragmentEntry, data: &[u8]) -> Option<FragmentHeader> {
    let header = FragmentHeader::decode(data)?;
    (FragmentEntry::of(entry.offset, &header) == *entry).then_some(header)
}

fn another_box(entry: &FragmentEntry) -> SegmentError {
    SegmentError::Damaged { offset: entry.offset, what: "a fragment box that the table does not know" }
}

fn read_exact(file: &mut File, len: u64) -> Result<Bytes, SegmentError> {
    let mut data = Vec::new();
    let read = file.take(len).read_to_end(&mut data)?;
    if u64::try_from(read).ok() != Some(len) {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(data.into())
}

fn box_at(file: &mut File, offset: u64, len: u64) -> Result<Option<BoxHeader>, SegmentError> {
    file.seek(SeekFrom::Start(offset))?;
    let left = len.saturating_sub(offset).min(u64::try_from(BoxHeader::LEN_MAX).unwrap_or(16));
    let start = read_exact(file, left)?;
    Ok(BoxHeader::parse(&start).filter(|found| found.len <= len - offset))
}

fn read_init(file: &mut File, len: u64) -> Result<Bytes, SegmentError> {
    let mut end = 0;
    for expected in [b"ftyp", b"moov"] {
        let found = box_at(file, end, len)?.filter(|found| &found.box_type == expected);
        let Some(found) = found else {
            return Err(SegmentError::Damaged { offset: end, what: "no ftyp and moov" });
        };
        end += found.len;
    }
    if end > INIT_LEN_MAX {
        return Err(SegmentError::Damaged { offset: 0, what: "ftyp and moov are too large" });
    }
    file.seek(SeekFrom::Start(0))?;
    read_exact(file, end)
}

/// The table, if the file ends with one that fits. Never an error: the boxes can be walked instead.
fn read_table(file: &mut File, len: u64) -> Option<Vec<FragmentEntry>> {
    let table_len = u64::from(summary_of(file, len)?.table_len);
    let table_at = len.checked_sub(table_len).filter(|_| table_len <= TABLE_LEN_MAX)?;
    file.seek(SeekFrom::Start(table_at)).ok()?;
    let fragments = table::decode(&read_exact(file, table_len).ok()?)?;
    // The table must continue where the last fragment ends, or it speaks of another file.
    (fragments.last().map(FragmentEntry::end_offset) == Some(table_at)).then_some(fragments)
}

fn summary_of(file: &mut File, len: u64) -> Option<Summary> {
    let summary_len = u64::try_from(SUMMARY_LEN).ok()?;
    file.seek(SeekFrom::Start(len.checked_sub(summary_len)?)).ok()?;
    Summary::decode(&read_exact(file, summary_len).ok()?)
}

/// The summary at the end of a closed file, and the file's length; `None` when it has none and must be opened.
///
/// # Errors
/// [`SegmentError::Io`] when the file cannot be opened.
pub fn summary(path: &Path) -> Result<Option<(Summary, u64)>, SegmentError> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    Ok(summary_of(&mut file, len).filter(|found| u64::from(found.table_len) < len).map(|found| (found, len)))
}

/// Walks whole fragments from `offset`; stops without error at the first thing that is none.
fn walk(file: &mut File, mut offset: u64, len: u64) -> Result<Vec<FragmentEntry>, SegmentError> {
    let mut fragments = Vec::new();
    let longest = u64::try_from(HEADER_LEN_MAX).unwrap_or(u64::MAX);
    loop {
        let Some(found) = box_at(file, offset, len)? else { return Ok(fragments) };
        if &found.box_type != b"uuid" || found.len > longest {
            return Ok(fragments);
        }
        file.seek(SeekFrom::Start(offset))?;
        let Some(header) = FragmentHeader::decode(&read_exact(file, found.len)?) else { return Ok(fragments) };
        let entry = FragmentEntry::of(offset, &header);
        if entry.end_offset() > len || !chunks_are_whole(file, offset, &header, len)? {
            return Ok(fragments);
        }
        offset = entry.end_offset();
        fragments.push(entry);
    }
}

/// Whether each chunk is a `moof` and an `mdat` of the lengths the fragment box promises: a file system that lost the
/// data of its last writes leaves zeros of the right length.
fn chunks_are_whole(file: &mut File, at: u64, header: &FragmentHeader, len: u64) -> Result<bool, SegmentError> {
    let mut offset = at + to_u64(header.len());
    for chunk in &header.chunks {
        let end = offset + u64::from(chunk.len);
        let Some(moof) = box_at(file, offset, len)?.filter(|found| &found.box_type == b"moof") else {
            return Ok(false);
        };
        let mdat = box_at(file, offset + moof.len, len)?.filter(|found| &found.box_type == b"mdat");
        if mdat.is_none_or(|mdat| offset + moof.len + mdat.len != end) {
            return Ok(false);
        }
        offset = end;
    }
    Ok(true)
}
