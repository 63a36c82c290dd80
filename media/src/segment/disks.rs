//! The disks that recordings lie on: one folder each, known by a mark in its root.
//!
//! A folder whose disk is not mounted looks like an empty folder, and a recorder that took it for one would fill the disk
//! below and call everything lost. So each root carries a file with the disk's id, and a list kept elsewhere says which
//! folder had which: a folder on the list without its mark is *away*. What lies there is neither deleted nor written to, and
//! recording goes on on the others.
//!
//! A disk goes away as soon as anybody sees its mark missing; it comes back only when retention has looked at its files,
//! so that nobody begins a file there while they are repaired.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use uuid::Uuid;

use super::SegmentError;
use super::holds::write_whole;
use crate::record::space::{DiskSpace, Space, SystemDisk};

/// Name of the mark in a disk's root; it holds the disk's id.
pub const MARK: &str = ".bright-kitchen-disk";
/// More folders than this are a mistake in the settings.
pub const DISKS_MAX: usize = 64;
/// Disks whose free share is this close to the best are as good: they take turns, percent.
const ALIKE_PERCENT: f64 = 1.0;

/// The disks could not be told apart.
#[derive(Debug, thiserror::Error)]
pub enum DisksError {
    /// None was named.
    #[error("no folder for recordings")]
    None,
    /// Too many were.
    #[error("more than {DISKS_MAX} folders for recordings")]
    TooMany,
    /// Two folders are one disk, or one is a copy of the other.
    #[error("{} and {} carry the same mark ({MARK}): one is the other, or a copy of it", .0.display(), .1.display())]
    Twice(PathBuf, PathBuf),
    /// A folder or the list cannot be read or written.
    #[error("{}: {cause}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// All disks, in the order of the settings.
#[derive(Debug)]
pub struct Disks {
    all: Vec<Disk>,
    space: Arc<dyn DiskSpace>,
    /// Whose turn it is among disks that are alike.
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    id: Uuid,
    /// Its mark is looked for; not where nobody keeps a list, as nothing could be missed then.
    marked: bool,
    /// It lies in the program's own folder: whoever removes it there means it, and it is made anew.
    own: bool,
    here: AtomicBool,
    /// Its recordings are being moved away: no new file is begun on it.
    leaving: AtomicBool,
    /// Files that are being begun on it and that the index does not know yet.
    beginning: AtomicUsize,
}

/// A file is being begun on a disk, until this is dropped.
#[derive(Debug)]
pub struct Beginning<'a>(&'a Disk);

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        self.0.beginning.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Disks {
    /// The disks of `folders`. A folder that is new to the list in the file `known` gets its mark; one that is on it and has
    /// none is away.
    ///
    /// # Errors
    /// [`DisksError`].
    pub fn open(folders: &[PathBuf], known: Option<&Path>, space: Arc<dyn DiskSpace>) -> Result<Self, DisksError> {
        match folders.len() {
            0 => return Err(DisksError::None),
            1..=DISKS_MAX => {}
            _ => return Err(DisksError::TooMany),
        }
        let list = known.map(read_known).transpose()?.unwrap_or_default();
        let mut all: Vec<Disk> = Vec::with_capacity(folders.len());
        for folder in folders {
            let failed = |cause| DisksError::Folder { folder: folder.clone(), cause };
            let (id, here) = match (read_mark(folder), list.get(folder)) {
                (Ok(Some(id)), _) => (id, true),
                // Whoever empties the data folder means it: what is missing in it is no disk that went away.
                (Ok(None), Some(_)) if is_own(known, folder) && !folder.exists() => (mark(folder).map_err(failed)?, true),
                (_, Some(id)) => (*id, false),
                (Ok(None), None) => (mark(folder).map_err(failed)?, true),
                (Err(cause), None) => return Err(failed(cause)),
            };
            if let Some(other) = all.iter().find(|disk| disk.id == id) {
                return Err(DisksError::Twice(other.folder.clone(), folder.clone()));
            }
            let (marked, own) = (known.is_some(), is_own(known, folder));
            all.push(Disk::new(folder, id, marked, own, here));
        }
        if let Some(file) = known {
            let list: BTreeMap<&PathBuf, Uuid> = all.iter().map(|disk| (&disk.folder, disk.id)).collect();
            let failed = |cause| DisksError::Folder { folder: file.to_owned(), cause };
            let text = serde_json::to_vec_pretty(&list).map_err(|error| failed(error.into()))?;
            write_whole(file, &text).map_err(|error| failed(io_of(error)))?;
        }
        Ok(Self { all, space, turn: AtomicUsize::new(0) })
    }

    /// The same without changing anything: a folder that nobody has marked yet has no files of ours.
    ///
    /// # Errors
    /// [`DisksError`].
    pub fn look_only(folders: &[PathBuf], known: Option<&Path>) -> Result<Self, DisksError> {
        let list = known.map(read_known).transpose()?.unwrap_or_default();
        let mut all = Vec::with_capacity(folders.len());
        for folder in folders {
            let found = read_mark(folder).ok().flatten();
            let own = is_own(known, folder);
            let away = found.is_none() && list.contains_key(folder) && (folder.exists() || !own);
            let id = found.or_else(|| list.get(folder).copied()).unwrap_or_default();
            all.push(Disk::new(folder, id, true, own, !away));
        }
        Ok(Self { all, space: Arc::new(SystemDisk), turn: AtomicUsize::new(0) })
    }

    /// One folder that is always here and carries no mark.
    #[must_use]
    pub fn one(folder: &Path, space: Arc<dyn DiskSpace>) -> Self {
        let disk = Disk::new(folder, Uuid::nil(), false, true, true);
        Self { all: vec![disk], space, turn: AtomicUsize::new(0) }
    }

    /// How many there are, away ones among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Never: there is always one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The numbers of those that are here.
    pub fn here(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.all.len()).filter(|disk| self.is_here(*disk))
    }

    /// Whether a disk is here.
    #[must_use]
    pub fn is_here(&self, disk: usize) -> bool {
        self.all.get(disk).is_some_and(|disk| disk.here.load(Ordering::Acquire))
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self, disk: usize) -> &Path {
        // Numbers come from here, and the list never changes.
        self.all.get(disk).or(self.all.first()).map_or(Path::new(""), |disk| &disk.folder)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self, disk: usize) -> Uuid {
        self.all.get(disk).map_or(Uuid::nil(), |disk| disk.id)
    }

    /// The number of an id; `None` for a disk that is not in the settings.
    #[must_use]
    pub fn number(&self, id: Uuid) -> Option<usize> {
        self.all.iter().position(|disk| disk.id == id)
    }

    /// The number of a folder as the settings name it, or as it is really called.
    #[must_use]
    pub fn number_of(&self, folder: &Path) -> Option<usize> {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let wanted = real(folder);
        self.all.iter().position(|disk| disk.folder == folder || real(&disk.folder) == wanted)
    }

    /// Whether its recordings are being moved away.
    #[must_use]
    pub fn is_leaving(&self, disk: usize) -> bool {
        self.all.get(disk).is_some_and(|disk| disk.leaving.load(Ordering::SeqCst))
    }

    /// A file is about to be begun on a disk; `None` where the disk is leaving and another one stays. Whoever empties a disk
    /// sees either this or its own order: the one that comes second knows of the first.
    #[must_use]
    pub fn begin_on(&self, disk: usize) -> Option<Beginning<'_>> {
        let wanted = self.all.get(disk)?;
        wanted.beginning.fetch_add(1, Ordering::SeqCst);
        let beginning = Beginning(wanted);
        let another_stays = || self.here().any(|other| !self.is_leaving(other));
        if self.is_leaving(disk) && another_stays() { None } else { Some(beginning) }
    }

    /// Whether a file is being begun on a disk that the index does not know yet. Once this is `false` for a disk that is
    /// leaving, no file comes that a list of its files made afterwards would not have.
    #[must_use]
    pub fn is_beginning_on(&self, disk: usize) -> bool {
        self.all.get(disk).is_some_and(|disk| disk.beginning.load(Ordering::SeqCst) > 0)
    }

    /// From now on no new file is begun on it, or they are again.
    pub fn set_leaving(&self, disk: usize, leaving: bool) {
        if let Some(disk) = self.all.get(disk) {
            disk.leaving.store(leaving, Ordering::SeqCst);
        }
    }

    /// The first that is here: where what belongs to no single file is kept.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.here().find(|disk| self.still_here(*disk)).map(|disk| self.folder(disk))
    }

    /// The space of a disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn space(&self, disk: usize) -> std::io::Result<Space> {
        self.space.space(self.folder(disk))
    }

    /// What all disks that are here have together, as far as the system says.
    #[must_use]
    pub fn space_of_all(&self) -> Space {
        let spaces = self.here().filter_map(|disk| self.space(disk).ok());
        spaces.fold(Space { free_bytes: 0, total_bytes: 0 }, |sum, space| Space {
            free_bytes: sum.free_bytes.saturating_add(space.free_bytes),
            total_bytes: sum.total_bytes.saturating_add(space.total_bytes),
        })
    }

    /// Where a new file is begun: the disk with the largest free share first, the others behind it for the case that it
    /// fails. Those that are as good as the first take turns.
    #[must_use]
    pub fn places(&self) -> Vec<usize> {
        let stays = |disk: &usize| !self.is_leaving(*disk);
        let mut here: Vec<usize> = self.here().filter(stays).collect();
        if here.is_empty() {
            // Losing a recording is worse than writing to a disk that shall go.
            here = self.here().collect();
        }
        if here.len() <= 1 {
            return here;
        }
        let mut shares: Vec<(usize, f64)> = here.into_iter().map(|disk| (disk, self.space(disk).map_or(0.0, free_percent))).collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        let best = shares.first().map_or(0.0, |(_, share)| *share);
        let alike = shares.iter().take_while(|(_, share)| best - share <= ALIKE_PERCENT).count().max(1);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % alike;
        if let Some(alike) = shares.get_mut(..alike) {
            alike.sort_by_key(|(disk, _)| *disk);
            alike.rotate_left(turn);
        }
        shares.into_iter().map(|(disk, _)| disk).collect()
    }

    /// Looks for the mark of every disk that is here; one without it is away from now on.
    pub fn look(&self) {
        for disk in 0..self.all.len() {
            self.still_here(disk);
        }
    }

    /// The same for one disk, before something is written to it: what is written beside a disk is written to the one below.
    pub fn still_here(&self, disk: usize) -> bool {
        let Some(disk) = self.all.get(disk).filter(|disk| disk.here.load(Ordering::Acquire)) else { return false };
        let here = !disk.marked || disk.carries_its_mark();
        if !here {
            disk.here.store(false, Ordering::Release);
        }
        here
    }

    /// Those that were away and carry their mark again. They stay away until [`Disks::take_back`].
    #[must_use]
    pub fn returned(&self) -> Vec<usize> {
        let away = (0..self.all.len()).filter(|disk| !self.is_here(*disk));
        away.filter(|disk| self.all.get(*disk).is_some_and(Disk::carries_its_mark)).collect()
    }

    /// A disk's files are known again: it is here.
    pub fn take_back(&self, disk: usize) {
        if let Some(disk) = self.all.get(disk) {
            disk.here.store(true, Ordering::Release);
        }
    }
}

impl Disk {
    fn new(folder: &Path, id: Uuid, marked: bool, own: bool, here: bool) -> Self {
        let (here, leaving, beginning) = (AtomicBool::new(here), AtomicBool::new(false), AtomicUsize::new(0));
        Self { folder: folder.to_owned(), id, marked, own, here, leaving, beginning }
    }

    fn carries_its_mark(&self) -> bool {
        match read_mark(&self.folder) {
            Ok(None) if self.own && !self.folder.exists() => write_mark(&self.folder, self.id).is_ok(),
            found => found.is_ok_and(|found| found == Some(self.id)),
        }
    }
}

/// The id in a folder's mark; `None` where there is no mark, or no folder.
fn read_mark(folder: &Path) -> std::io::Result<Option<Uuid>> {
    match std::fs::read_to_string(folder.join(MARK)) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| std::io::Error::other(format!("{MARK} holds no id"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Marks a folder, which is made where there is none, as a disk for recordings; gives its new id.
///
/// # Errors
/// What the system says.
pub fn mark(folder: &Path) -> std::io::Result<Uuid> {
    let id = Uuid::now_v7();
    write_mark(folder, id)?;
    Ok(id)
}

fn write_mark(folder: &Path, id: Uuid) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    write_whole(&folder.join(MARK), format!("{id}\n").as_bytes()).map_err(io_of)
}

/// Whether a folder lies beside the list, in the program's own folder.
fn is_own(known: Option<&Path>, folder: &Path) -> bool {
    known.and_then(Path::parent).is_some_and(|data| folder.starts_with(data))
}

fn read_known(file: &Path) -> Result<BTreeMap<PathBuf, Uuid>, DisksError> {
    let failed = |cause| DisksError::Folder { folder: file.to_owned(), cause };
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(failed(error)),
    }
}

fn io_of(error: SegmentError) -> std::io::Error {
    match error {
        SegmentError::Io(error) => error,
        other => std::io::Error::other(other.to_string()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a disk; nobody misses the last bits")]
fn free_percent(space: Space) -> f64 {
    space.free_bytes as f64 * 100.0 / (space.total_bytes.max(1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Disks of a hundred bytes with as much free as a test says.
    #[derive(Debug, Default)]
    struct Said(Mutex<BTreeMap<PathBuf, u64>>);

    impl DiskSpace for Said {
        fn space(&self, path: &Path) -> std::io::Result<Space> {
            let free_bytes = self.0.lock().expect("not poisoned").get(path).copied().unwrap_or(50);
            Ok(Space { free_bytes, total_bytes: 100 })
        }
    }

    struct House {
        _folder: tempfile::TempDir,
        folders: Vec<PathBuf>,
        known: PathBuf,
        said: Arc<Said>,
    }

    impl House {
        fn new(disks: usize) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let folders = (0..disks).map(|n| folder.path().join(format!("disk{n}"))).collect();
            std::fs::create_dir(folder.path().join("data")).expect("made");
            let known = folder.path().join("data").join("disks.json");
            Self { _folder: folder, folders, known, said: Arc::default() }
        }

        fn open(&self) -> Disks {
            Disks::open(&self.folders, Some(&self.known), self.said.clone()).expect("opened")
        }

        fn free(&self, disk: usize, free_bytes: u64) {
            self.said.0.lock().expect("not poisoned").insert(self.folders[disk].clone(), free_bytes);
        }
    }

    #[test]
    fn a_new_file_goes_where_the_largest_share_is_free_and_like_disks_take_turns() {
        let house = House::new(3);
        let disks = house.open();
        for (disk, free) in [(0, 20), (1, 60), (2, 40)] {
            house.free(disk, free);
        }
        assert_eq!((disks.places(), disks.places()), (vec![1, 2, 0], vec![1, 2, 0]));
        house.free(2, 60);
        let first: Vec<usize> = (0..4).map(|_| disks.places()[0]).collect();
        assert!(first.iter().filter(|disk| **disk == 1).count() == 2 && !first.contains(&0), "{first:?}");
        disks.set_leaving(1, true);
        assert_eq!(disks.places(), [2, 0]);
        disks.set_leaving(2, true);
        disks.set_leaving(0, true);
        assert_eq!(disks.places().len(), 3, "better there than nowhere");
    }

    #[test]
    fn a_disk_whose_mark_is_missing_is_away_and_keeps_its_id_over_a_restart() {
        let house = House::new(2);
        let ids = {
            let disks = house.open();
            (disks.id(0), disks.id(1))
        };
        let hidden = house.folders[1].join("hidden");
        std::fs::rename(house.folders[1].join(MARK), &hidden).expect("unmounted");
        let disks = house.open();
        assert_eq!((disks.id(0), disks.id(1)), ids);
        assert_eq!((disks.here().collect::<Vec<_>>(), disks.places()), (vec![0], vec![0]));
        assert!(disks.returned().is_empty() && !house.folders[1].join(MARK).exists(), "it is not marked anew");
        std::fs::rename(&hidden, house.folders[1].join(MARK)).expect("mounted");
        assert_eq!((disks.returned(), disks.is_here(1)), (vec![1], false), "its files come first");
        disks.take_back(1);
        assert!(disks.is_here(1));
        std::fs::write(house.folders[1].join(MARK), Uuid::now_v7().to_string()).expect("another disk");
        disks.look();
        assert!(!disks.is_here(1) && disks.is_here(0), "another disk at its place is not it");
    }

    #[test]
    fn the_programs_own_folder_is_made_anew_where_somebody_removed_it() {
        let house = House::new(1);
        let data = house.known.parent().expect("a folder");
        let own = data.join("recordings");
        let disks = Disks::open(std::slice::from_ref(&own), Some(&house.known), house.said.clone()).expect("opened");
        std::fs::remove_dir_all(&own).expect("removed");
        disks.look();
        assert!(disks.is_here(0) && own.join(MARK).exists());
        std::fs::remove_dir_all(&own).expect("removed");
        let again = Disks::open(std::slice::from_ref(&own), Some(&house.known), house.said.clone()).expect("opened");
        assert!(again.is_here(0));
        std::fs::remove_file(own.join(MARK)).expect("removed");
        again.look();
        assert!(!again.is_here(0), "a folder that is there and carries no mark is another one's");
    }

    #[test]
    fn two_folders_with_one_mark_are_refused_and_looking_changes_nothing() {
        let house = House::new(2);
        let seen = Disks::look_only(&house.folders, Some(&house.known)).expect("looked");
        assert!(seen.is_here(0) && !house.folders[0].exists(), "nothing was made");
        drop(house.open());
        std::fs::copy(house.folders[0].join(MARK), house.folders[1].join(MARK)).expect("copied");
        let refused = Disks::open(&house.folders, Some(&house.known), house.said.clone());
        assert!(matches!(refused, Err(DisksError::Twice(_, _))), "{refused:?}");
        assert!(matches!(Disks::open(&[], None, house.said.clone()), Err(DisksError::None)));
    }
}
