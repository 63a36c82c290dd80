//! Moving recorded files from one disk to another while recording goes on.
//!
//! A file is copied under a name that is no segment's, made lasting, read again and compared by its SHA-256; then it gets
//! its name, the index says that it is there, and only then does the first go. Whatever breaks that off leaves one whole
//! file at least, and a move that begins anew finds what is left: the files of the disk are its list, no record of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::path::SegmentName;
use super::{SegmentError, SegmentIndex, recover};
use crate::camera::CameraId;
use crate::event::SegmentInfo;

/// Behind the name of a file that is still being copied.
const COPYING: &str = "moving";
/// Read at once, bytes.
const PIECE: usize = 1024 * 1024;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It lies on the other disk now.
    Done {
        /// Which camera.
        camera: CameraId,
        /// The segment as it is known now.
        segment: SegmentInfo,
    },
    /// It was there already, from a move that was broken off; the first is gone.
    Already {
        /// Its size.
        bytes: u64,
    },
    /// Somebody still writes it, or begins it just now: later.
    Open,
    /// Retention was quicker, or it is no file of the index.
    Gone,
}

/// A file could not be moved. It is where it was.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Reading or writing failed.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// What was read again is not what was written, or another file has its name.
    #[error("{}: the copy is not the file", .0.display())]
    Differs(PathBuf),
    /// The other disk is about to be low: it would delete what it gets.
    #[error("{} has no room for more", .0.display())]
    NoRoom(PathBuf),
    /// One of the disks is away.
    #[error("{} is away", .0.display())]
    Away(PathBuf),
    /// The folder cannot be listed.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

/// The files of a disk that are segments, the oldest first. Of a disk that is being emptied this is all there will be only
/// where [`super::Disks::is_beginning_on`] was `false` before.
///
/// # Errors
/// [`SegmentError::Io`] when a folder cannot be listed.
pub fn files_on(index: &SegmentIndex, disk: usize) -> Result<Vec<SegmentName>, SegmentError> {
    let mut names = Vec::new();
    recover::each_name(index.disks().folder(disk), &mut |name| names.push(name))?;
    names.sort_by_key(|name| (name.start_ms, name.id));
    Ok(names)
}

/// Moves one file of the disk `from` to the disk `to`, of which `keep_free` bytes must stay free. Blocks on the disks.
///
/// # Errors
/// [`MoveError`].
pub fn move_one(index: &SegmentIndex, name: SegmentName, from: usize, to: usize, keep_free: u64) -> Result<Moved, MoveError> {
    let disks = index.disks();
    for disk in [from, to] {
        if !disks.is_here(disk) {
            return Err(MoveError::Away(disks.folder(disk).to_owned()));
        }
    }
    let find = || index.find(name.camera, name.start_ms, name.id);
    let Some(known) = find() else {
        // A file is on its disk before it is in the index: making it lasting takes its time. It may have come there since.
        let comes = index.disks().is_beginning_on(from) || find().is_some();
        return Ok(if comes { Moved::Open } else { Moved::Gone });
    };
    if index.is_open(name.camera, &known) {
        return Ok(Moved::Open);
    }
    let (source, target) = (name.below(disks.folder(from)), name.below(disks.folder(to)));
    if known.disk != disks.id(from) {
        // The index already counts another copy: this one may only go when that one is the same.
        let counted = index.path_of(&known);
        let (this, bytes) = hash(&source)?;
        if hash(&counted)?.0 != this {
            return Err(MoveError::Differs(counted));
        }
        remove(&source)?;
        return Ok(Moved::Already { bytes });
    }
    let space = disks.space(to).map_err(|cause| MoveError::Io { path: disks.folder(to).to_owned(), cause })?;
    if space.free_bytes < keep_free.saturating_add(known.bytes) {
        return Err(MoveError::NoRoom(disks.folder(to).to_owned()));
    }
    if target.exists() {
        if !same(&source, &target)? {
            return Err(MoveError::Differs(target));
        }
    } else if !copy(&source, &target)? {
        return Ok(Moved::Gone);
    }
    if !index.relocate(name.camera, name.start_ms, name.id, to) {
        remove(&target)?;
        return Ok(Moved::Gone);
    }
    remove(&source)?;
    let segment = SegmentInfo { disk: disks.id(to), ..known };
    Ok(Moved::Done { camera: name.camera, segment })
}

/// Whether there was anything to copy.
fn copy(source: &Path, target: &Path) -> Result<bool, MoveError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |cause| MoveError::Io { path, cause }
    };
    let mut from = match File::open(source) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(at(source)(error)),
    };
    let folder = target.parent().unwrap_or(target);
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let beside = target.with_extension(COPYING);
    let copied = write_through(&mut from, &beside)
        .map_err(at(&beside))
        .and_then(|written| if hash(&beside)?.0 == written { Ok(()) } else { Err(MoveError::Differs(beside.clone())) });
    if let Err(error) = copied {
        // The error that matters is the first; what is left has a name that nobody reads.
        let _not_removed = std::fs::remove_file(&beside);
        return Err(error);
    }
    std::fs::rename(&beside, target).map_err(at(target))?;
    // The day's folder and the camera's: both may be new.
    for folder in target.ancestors().skip(1).take(3) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))?;
    }
    Ok(true)
}

/// Writes what `from` holds to a new file and through to the disk; gives its hash.
fn write_through(from: &mut File, to: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = File::create(to)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece)?;
        let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        file.write_all(read)?;
    }
    file.sync_all()?;
    // Read again from the disk and not from memory, as far as the system follows.
    let _kept_in_memory = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    Ok(hash.finalize().into())
}

/// Whether two files hold the same, by their SHA-256.
///
/// # Errors
/// [`MoveError::Io`].
pub fn same(one: &Path, other: &Path) -> Result<bool, MoveError> {
    Ok(hash(one)?.0 == hash(other)?.0)
}

fn hash(path: &Path) -> Result<([u8; 32], u64), MoveError> {
    let failed = |cause| MoveError::Io { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut file, &mut hash).map_err(failed)?;
    Ok((hash.finalize().into(), bytes))
}

fn remove(path: &Path) -> Result<(), MoveError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(MoveError::Io { path: path.to_owned(), cause }),
        _ => {}
    }
    // Fails while other files of the day or the camera are there, as it should.
    for folder in path.ancestors().skip(1).take(2) {
        let _not_empty = std::fs::remove_dir(folder);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::space::SystemDisk;
    use crate::segment::tests::{CAMERA, write_open};
    use crate::segment::{Disks, SegmentFile};
    use std::sync::Arc;

    struct House {
        _folder: tempfile::TempDir,
        index: SegmentIndex,
    }

    impl House {
        /// Three closed segments and an open one on the first of two disks.
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let folders = ["a", "b"].map(|name| folder.path().join(name));
            let disks = Disks::open(&folders, None, Arc::new(SystemDisk)).expect("opened");
            let index = SegmentIndex::over(Arc::new(disks), Vec::new()).expect("new");
            for n in 0..4 {
                let writer = write_open(&folders[0], CAMERA, n * 100_000, &[vec![5_000, 30], vec![70]]).on(index.disks().id(0));
                if n == 3 {
                    index.update(CAMERA, writer.info(), true);
                } else {
                    index.update(CAMERA, writer.close().expect("closed"), false);
                }
            }
            Self { _folder: folder, index }
        }

        fn names(&self, disk: usize) -> Vec<SegmentName> {
            files_on(&self.index, disk).expect("listed")
        }

        fn all(&self) -> Vec<Moved> {
            self.names(0).into_iter().map(|name| move_one(&self.index, name, 0, 1, 0).expect("moved")).collect()
        }
    }

    #[test]
    fn closed_files_move_with_their_index_and_the_open_one_stays() {
        let house = House::new();
        let before: Vec<Vec<u8>> =
            house.index.segments(CAMERA).iter().map(|info| std::fs::read(house.index.path_of(info)).expect("read")).collect();
        // Whoever found a file before it went still opens it.
        let found = house.index.segments(CAMERA)[0].clone();
        let moved = house.all();
        assert!(matches!(moved[..], [Moved::Done { .. }, Moved::Done { .. }, Moved::Done { .. }, Moved::Open]), "{moved:?}");
        assert_eq!((house.names(0).len(), house.names(1).len()), (1, 3));
        let after: Vec<Vec<u8>> =
            house.index.segments(CAMERA).iter().map(|info| std::fs::read(house.index.path_of(info)).expect("read")).collect();
        assert_eq!(after, before);
        assert_eq!(house.index.open(CAMERA, &found).expect("follows").fragments.len(), 2);
        let findings = recover::scan_all(house.index.disks(), false).expect("scanned");
        assert_eq!((findings.segments.len(), findings.twice.len()), (4, 0));
        let on_second = findings.segments.iter().filter(|found| found.segment.disk == house.index.disks().id(1)).count();
        assert_eq!(on_second, 3, "the files alone say where they are");
    }

    #[test]
    fn a_file_that_is_being_begun_is_no_strangers_and_none_begins_on_a_disk_that_is_leaving() {
        let house = House::new();
        let disks = house.index.disks();
        let beginning = disks.begin_on(0).expect("it stays");
        let writer = write_open(disks.folder(0), CAMERA, 900_000, &[vec![70]]).on(disks.id(0));
        let name = *house.names(0).last().expect("it is on the disk");
        disks.set_leaving(0, true);
        assert_eq!(move_one(&house.index, name, 0, 1, 0).expect("looked at"), Moved::Open, "not in the index yet");
        assert!(disks.is_beginning_on(0) && disks.begin_on(0).is_none() && disks.begin_on(1).is_some());
        house.index.update(CAMERA, writer.info(), true);
        drop(beginning);
        assert!(!disks.is_beginning_on(0) && !disks.is_beginning_on(1));
        assert_eq!(move_one(&house.index, name, 0, 1, 0).expect("looked at"), Moved::Open, "it is written");
        let closed = writer.close().expect("closed");
        house.index.forget(CAMERA, &closed);
        assert_eq!(move_one(&house.index, name, 0, 1, 0).expect("looked at"), Moved::Gone, "nobody's");
        disks.set_leaving(1, true);
        assert!(disks.begin_on(0).is_some(), "better there than nowhere");
    }

    #[test]
    fn a_move_that_was_broken_off_anywhere_is_taken_up() {
        let house = House::new();
        let names = house.names(0);
        let target = |n: usize| names[n].below(house.index.disks().folder(1));
        for n in [0, 1] {
            std::fs::create_dir_all(target(n).parent().expect("a day")).expect("made");
        }
        // Broken off in the middle of the copy; between the name and the index; between the index and the end of the first.
        std::fs::write(target(0).with_extension(COPYING), "half").expect("written");
        std::fs::copy(names[1].below(house.index.disks().folder(0)), target(1)).expect("copied");
        std::fs::copy(names[2].below(house.index.disks().folder(0)), target(2)).expect("copied");
        let twice = recover::scan_all(house.index.disks(), false).expect("scanned");
        assert_eq!((twice.segments.len(), twice.twice.len()), (4, 2), "each counts once");
        assert!(house.index.relocate(CAMERA, names[2].start_ms, names[2].id, 1));
        let moved = house.all();
        assert!(matches!(moved[..], [Moved::Done { .. }, Moved::Done { .. }, Moved::Already { .. }, Moved::Open]), "{moved:?}");
        assert_eq!((house.names(0).len(), house.names(1).len()), (1, 3));
        for info in &house.index.segments(CAMERA)[..3] {
            assert!(SegmentFile::open(&house.index.path_of(info)).expect("ours").closed);
        }
    }

    #[test]
    fn another_file_of_that_name_stops_the_move_and_nothing_is_lost() {
        let house = House::new();
        let name = house.names(0)[0];
        let target = name.below(house.index.disks().folder(1));
        std::fs::create_dir_all(target.parent().expect("a day")).expect("made");
        std::fs::write(&target, "somebody else's").expect("written");
        let refused = move_one(&house.index, name, 0, 1, 0);
        assert!(matches!(refused, Err(MoveError::Differs(_))), "{refused:?}");
        assert!(name.below(house.index.disks().folder(0)).exists());
        let refused = move_one(&house.index, house.names(0)[1], 0, 1, u64::MAX);
        assert!(matches!(refused, Err(MoveError::NoRoom(_))), "{refused:?}");
    }
}
