//! What is done with the files that a run before this one left: cut, closed, indexed.
//!
//! After `kill -9` a file may end in the middle of a fragment and has no table. It is cut at its last whole fragment and
//! closed; a file without a whole fragment is removed. Files that are not ours are left alone.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::SegmentError;
use super::disks::Disks;
use super::path::SegmentName;
use super::reader::{self, FragmentEntry, SegmentFile};
use super::table::{self, Summary};
use crate::camera::{CameraId, Codec};
use crate::event::SegmentInfo;

/// One file found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Which camera.
    pub camera: CameraId,
    /// The segment as it is now.
    pub segment: SegmentInfo,
    /// Sequence of its last fragment.
    pub last_sequence: u64,
    /// Bytes that were cut off; `None` when the file had been closed in order.
    pub cut_bytes: Option<u64>,
}

/// Everything found below a recordings folder.
#[derive(Debug, Default)]
pub struct Findings {
    /// Whole segments, in no order.
    pub segments: Vec<Recovered>,
    /// Files without a whole fragment, relative paths; removed when repairing.
    pub empty: Vec<String>,
    /// Files that could not be read and were left as they are: path and what is wrong.
    pub unreadable: Vec<(String, String)>,
    /// Files of a segment that was found on a disk before: a move that did not come to its end.
    pub twice: Vec<PathBuf>,
}

/// Looks at every segment file on all disks that are here, as [`scan`] does for one folder.
///
/// # Errors
/// [`SegmentError::Io`] when a folder cannot be listed.
pub fn scan_all(disks: &Disks, repair: bool) -> Result<Findings, SegmentError> {
    let mut all = Findings::default();
    let mut known: HashSet<Uuid> = HashSet::new();
    for disk in disks.here().filter(|disk| disks.folder(*disk).is_dir()) {
        let found = scan_disk(disks, disk, repair, &|_| false)?;
        for recovered in found.segments {
            if known.insert(recovered.segment.id) {
                all.segments.push(recovered);
            } else {
                all.twice.push(disks.folder(disk).join(&recovered.segment.path));
            }
        }
        all.empty.extend(found.empty);
        all.unreadable.extend(found.unreadable);
    }
    Ok(all)
}

/// Looks at every segment file of one disk but those that `skip` names.
///
/// # Errors
/// [`SegmentError::Io`] when a folder cannot be listed.
pub fn scan_disk(disks: &Disks, disk: usize, repair: bool, skip: &dyn Fn(&SegmentName) -> bool) -> Result<Findings, SegmentError> {
    let folder = disks.folder(disk);
    let mut findings = Findings::default();
    each_name(folder, &mut |name| {
        if !skip(&name) {
            look_at(folder, name, repair, &mut findings);
        }
    })?;
    for recovered in &mut findings.segments {
        recovered.segment.disk = disks.id(disk);
    }
    Ok(findings)
}

/// Gives the segment files below a folder by their names, one after the other.
///
/// # Errors
/// [`SegmentError::Io`] when a folder cannot be listed.
pub fn each_name(recordings: &Path, take: &mut dyn FnMut(SegmentName)) -> Result<(), SegmentError> {
    for camera_folder in folders(recordings)? {
        let Ok(camera) = camera_folder.0.parse::<Uuid>() else { continue };
        for day in folders(&camera_folder.1)? {
            for file in std::fs::read_dir(&day.1)? {
                let Ok(file_name) = file?.file_name().into_string() else { continue };
                if let Some(name) = SegmentName::parse(camera, &file_name) {
                    take(name);
                }
            }
        }
    }
    Ok(())
}

/// Looks at every segment file below `recordings`; `repair` cuts, closes and removes, else files are only looked at.
///
/// # Errors
/// [`SegmentError::Io`] when a folder cannot be listed. A single bad file is a finding, not an error.
pub fn scan(recordings: &Path, repair: bool) -> Result<Findings, SegmentError> {
    let mut findings = Findings::default();
    each_name(recordings, &mut |name| look_at(recordings, name, repair, &mut findings))?;
    Ok(findings)
}

fn folders(parent: &Path) -> Result<Vec<(String, std::path::PathBuf)>, SegmentError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

fn look_at(recordings: &Path, name: SegmentName, repair: bool, findings: &mut Findings) {
    match recover(recordings, name, repair) {
        Ok(Some(recovered)) => findings.segments.push(recovered),
        Ok(None) => findings.empty.push(name.relative()),
        Err(error) => {
            tracing::warn!(path = name.relative(), %error, "a recorded file cannot be read");
            findings.unreadable.push((name.relative(), error.to_string()));
        }
    }
}

/// Looks at one file and, with `repair`, makes it whole; `None` when it holds no whole fragment (and is removed).
///
/// # Errors
/// [`SegmentError::Io`].
pub fn recover(recordings: &Path, name: SegmentName, repair: bool) -> Result<Option<Recovered>, SegmentError> {
    let path = name.below(recordings);
    if let Some((summary, bytes)) = reader::summary(&path)? {
        return Ok(Some(closed(name, &summary, bytes)));
    }
    let opened = match SegmentFile::open(&path) {
        // A crash within the very first write leaves less than a header.
        Err(SegmentError::Damaged { .. }) => None,
        Err(SegmentError::Io(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
        Err(error) => return Err(error),
        Ok(mut opened) => {
            if !opened.closed {
                opened.verify_tail()?;
            }
            Some(opened).filter(|opened| !opened.fragments.is_empty())
        }
    };
    let Some(opened) = opened else {
        if repair {
            std::fs::remove_file(&path)?;
        }
        return Ok(None);
    };
    let len = std::fs::metadata(&path)?.len();
    let end = opened.fragments.last().map_or(0, FragmentEntry::end_offset);
    let (mut bytes, mut cut_bytes) = (len, None);
    if !opened.closed {
        cut_bytes = Some(len - end);
        bytes = if repair { close(&path, end, &opened)? } else { end };
    }
    Ok(Some(Recovered {
        camera: name.camera,
        last_sequence: opened.fragments.last().map_or(0, |last| last.mark.sequence),
        segment: SegmentInfo {
            id: name.id,
            disk: Uuid::nil(),
            path: name.relative(),
            start_ms: name.start_ms,
            end_ms: opened.fragments.iter().map(|entry| entry.mark.end_ms()).max().unwrap_or(name.start_ms),
            bytes,
            fragments: u32::try_from(opened.fragments.len()).unwrap_or(u32::MAX),
            codec: codec_of(&opened.init),
            epoch: opened.fragments.first().map_or(0, |first| first.mark.epoch),
            damaged: opened.fragments.iter().any(|entry| entry.mark.damaged),
        },
        cut_bytes,
    }))
}

/// A file that was closed in order, by its summary.
fn closed(name: SegmentName, summary: &Summary, bytes: u64) -> Recovered {
    Recovered {
        camera: name.camera,
        last_sequence: summary.last_sequence,
        segment: SegmentInfo {
            id: name.id,
            disk: Uuid::nil(),
            path: name.relative(),
            start_ms: name.start_ms,
            end_ms: summary.end_ms,
            bytes,
            fragments: summary.fragments,
            codec: summary.codec,
            epoch: summary.epoch,
            damaged: summary.damaged,
        },
        cut_bytes: None,
    }
}

/// Cuts the file at `end` and appends the table; gives the new length.
fn close(path: &Path, end: u64, opened: &SegmentFile) -> Result<u64, SegmentError> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    let table = table::encode(&opened.fragments, codec_of(&opened.init));
    file.write_all(&table)?;
    file.sync_data()?;
    Ok(end + u64::try_from(table.len()).unwrap_or(0))
}

/// The codec a file's header names. Only two are ever written.
fn codec_of(init: &[u8]) -> Codec {
    let has = |kind: &[u8; 4]| init.windows(4).any(|window| window == kind);
    if has(b"hvcC") { Codec::H265 } else { Codec::H264 }
}
