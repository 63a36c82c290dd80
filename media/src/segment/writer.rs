//! Writes one segment: header and first fragment, then a fragment a write, then the table.
//!
//! A write that fails half-way is taken back, so that the file always ends with a whole fragment while we live.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use uuid::Uuid;

use super::SegmentError;
use super::fragment::FragmentHeader;
use super::path::SegmentName;
use super::reader::FragmentEntry;
use super::table;
use crate::camera::Codec;
use crate::event::SegmentInfo;

/// What the system keeps files in memory by, bytes; larger ones hold a multiple of it.
const PAGE: u64 = 4_096;

/// An open segment file.
#[derive(Debug)]
pub struct SegmentWriter {
    file: File,
    path: PathBuf,
    name: SegmentName,
    codec: Codec,
    epoch: u32,
    /// Nil until it is said where the folder is.
    disk: Uuid,
    damaged: bool,
    end_ms: i64,
    len: u64,
    /// Up to here the system need not keep it in memory any more.
    let_go: u64,
    fragments: Vec<FragmentEntry>,
}

impl SegmentWriter {
    /// Makes the file with `init` and its first fragment in one write, and syncs file and folders.
    ///
    /// # Errors
    /// [`SegmentError::Io`]; nothing is left behind then.
    pub fn create(
        recordings: &Path,
        name: SegmentName,
        codec: Codec,
        init: &[u8],
        header: FragmentHeader,
        chunks: &[Bytes],
    ) -> Result<Self, SegmentError> {
        let path = name.below(recordings);
        let folder = path.parent().unwrap_or(recordings);
        std::fs::create_dir_all(folder)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let (epoch, end_ms) = (header.epoch, header.end_ms());
        let (disk, damaged) = (Uuid::nil(), header.damaged);
        let mut writer = Self { file, path, name, codec, epoch, disk, damaged, end_ms, len: 0, let_go: 0, fragments: Vec::new() };
        if let Err(error) = writer.append(init, header, chunks).and_then(|()| writer.sync_with_folders()) {
            // The error that matters is the first; a file without a whole fragment is removed at the next start too.
            let _not_removed = std::fs::remove_file(&writer.path);
            return Err(error);
        }
        Ok(writer)
    }

    /// Says which disk the folder is.
    #[must_use]
    pub fn on(self, disk: Uuid) -> Self {
        Self { disk, ..self }
    }

    /// Which disk the file is on.
    #[must_use]
    pub fn disk(&self) -> Uuid {
        self.disk
    }

    /// Appends a fragment with one write.
    ///
    /// # Errors
    /// [`SegmentError::Io`]; the file is as it was before, and the writer can be used again.
    pub fn write(&mut self, header: FragmentHeader, chunks: &[Bytes]) -> Result<(), SegmentError> {
        self.append(&[], header, chunks)
    }

    /// Writes the data of all fragments so far to the disk, and lets go of the memory that the system kept it in: what was recorded is
    /// seldom read soon, the next fragment finds memory that is still warm, and what others read stays.
    ///
    /// # Errors
    /// [`SegmentError::Io`].
    pub fn sync(&mut self) -> Result<(), SegmentError> {
        self.file.sync_data()?;
        if let Some(len) = NonZeroU64::new(self.len.saturating_sub(self.let_go)) {
            // Whole pages only; the last one is still written to. A system that does not follow keeps it, and loses nothing.
            let _kept = rustix::fs::fadvise(&self.file, self.let_go, Some(len), rustix::fs::Advice::DontNeed);
            self.let_go = self.len / PAGE * PAGE;
        }
        Ok(())
    }

    /// Ends the file with its table and syncs it.
    ///
    /// # Errors
    /// [`SegmentError::Io`]; the file is whole without a table too.
    pub fn close(mut self) -> Result<SegmentInfo, SegmentError> {
        let table = table::encode(&self.fragments, self.codec);
        self.write_or_take_back(&[&table])?;
        self.sync()?;
        Ok(self.info())
    }

    /// Whether the file is still in its folder, with all that was written to it.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.nlink() > 0 && file.len() >= self.len)
    }

    /// The segment as it stands.
    #[must_use]
    pub fn info(&self) -> SegmentInfo {
        SegmentInfo {
            id: self.name.id,
            disk: self.disk,
            path: self.name.relative(),
            start_ms: self.name.start_ms,
            end_ms: self.end_ms,
            bytes: self.len,
            fragments: u32::try_from(self.fragments.len()).unwrap_or(u32::MAX),
            codec: self.codec,
            epoch: self.epoch,
            damaged: self.damaged,
        }
    }

    /// The fragments written so far.
    #[must_use]
    pub fn fragments(&self) -> &[FragmentEntry] {
        &self.fragments
    }

    fn append(&mut self, init: &[u8], header: FragmentHeader, chunks: &[Bytes]) -> Result<(), SegmentError> {
        let offset = self.len + u64::try_from(init.len()).unwrap_or(u64::MAX);
        let head = header.encode();
        let parts: Vec<&[u8]> = [init, &head].into_iter().chain(chunks.iter().map(AsRef::as_ref)).collect();
        self.write_or_take_back(&parts)?;
        self.end_ms = self.end_ms.max(header.end_ms());
        self.damaged |= header.damaged;
        self.fragments.push(FragmentEntry::of(offset, &header));
        Ok(())
    }

    fn write_or_take_back(&mut self, parts: &[&[u8]]) -> Result<(), SegmentError> {
        if let Err(error) = write_all_vectored(&mut self.file, parts) {
            // Recovery cuts the tail as well, should even this fail.
            let _not_cut = self.file.set_len(self.len);
            let _not_found = self.file.seek(SeekFrom::Start(self.len));
            return Err(error.into());
        }
        self.len += parts.iter().map(|part| u64::try_from(part.len()).unwrap_or(0)).sum::<u64>();
        Ok(())
    }

    fn sync_with_folders(&self) -> Result<(), SegmentError> {
        self.file.sync_data()?;
        let mut folder = self.path.parent();
        // The day's folder and the camera's: both may be new.
        for _ in 0..2 {
            if let Some(path) = folder {
                File::open(path)?.sync_all()?;
                folder = path.parent();
            }
        }
        Ok(())
    }
}

/// One `writev`, and more only when the system takes less than it was given.
fn write_all_vectored(file: &mut File, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
