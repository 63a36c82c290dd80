//! How far the demo's past has been written, so that one that was interrupted goes on at the next start.
//!
//! A step that is not marked is done again from its beginning. So what it sends must be the same again: times are counted
//! from the first start, ids are made once and kept here, and so are the pictures that were taken for it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FILE: &str = "demo-history.json";
const PICTURES: &str = "demo-pictures";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Kept {
    /// When the district was planted, milliseconds UTC.
    began_ms: i64,
    /// Everything is done.
    finished: bool,
    /// Steps that are done.
    done: BTreeSet<String>,
    /// Ids by what they are of.
    ids: BTreeMap<String, Uuid>,
}

/// The mark.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    data: PathBuf,
    kept: Kept,
}

impl Progress {
    /// Begins a past that ends now; replaces what an earlier district left in the folder.
    pub(super) fn begin(data: &Path, now_ms: i64) -> std::io::Result<Self> {
        let progress = Self { data: data.to_owned(), kept: Kept { began_ms: now_ms, ..Kept::default() } };
        progress.forget_pictures()?;
        progress.write()?;
        Ok(progress)
    }

    /// The past of this folder, unless it is finished or was never begun.
    pub(super) fn unfinished(data: &Path) -> std::io::Result<Option<Self>> {
        let kept: Kept = match std::fs::read(data.join(FILE)) {
            Ok(json) => serde_json::from_slice(&json).map_err(std::io::Error::other)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((!kept.finished).then(|| Self { data: data.to_owned(), kept }))
    }

    /// When the past ends, milliseconds UTC.
    pub(super) fn began_ms(&self) -> i64 {
        self.kept.began_ms
    }

    pub(super) fn is_done(&self, step: &str) -> bool {
        self.kept.done.contains(step)
    }

    pub(super) fn done(&mut self, step: &str) -> std::io::Result<()> {
        self.kept.done.insert(step.to_owned());
        self.write()
    }

    /// The id of something, the same each time it is asked for.
    pub(super) fn id(&mut self, of: &str) -> std::io::Result<Uuid> {
        if let Some(id) = self.kept.ids.get(of) {
            return Ok(*id);
        }
        let id = Uuid::now_v7();
        self.kept.ids.insert(of.to_owned(), id);
        self.write()?;
        Ok(id)
    }

    /// A picture that was taken before.
    pub(super) fn picture(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.data.join(PICTURES).join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a picture until the past is finished.
    pub(super) fn keep_picture(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.data.join(PICTURES);
        std::fs::create_dir_all(&folder)?;
        replace(&folder.join(name), bytes)
    }

    pub(super) fn finish(mut self) -> std::io::Result<()> {
        self.kept = Kept { began_ms: self.kept.began_ms, finished: true, ..Kept::default() };
        self.write()?;
        self.forget_pictures()
    }

    fn forget_pictures(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.data.join(PICTURES)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self) -> std::io::Result<()> {
        replace(&self.data.join(FILE), &serde_json::to_vec(&self.kept).map_err(std::io::Error::other)?)
    }
}

/// Whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_goes_on_with_its_ids_times_and_pictures_until_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Progress::unfinished(folder.path()).unwrap().is_none(), "never begun");
        let mut first = Progress::begin(folder.path(), 7).unwrap();
        let id = first.id("inspection 0").unwrap();
        first.done("days").unwrap();
        first.keep_picture("a.jpg", b"picture").unwrap();

        let mut again = Progress::unfinished(folder.path()).unwrap().expect("begun and not finished");
        assert_eq!((again.began_ms(), again.id("inspection 0").unwrap()), (7, id));
        assert!(again.is_done("days") && !again.is_done("alert 0"));
        assert_eq!(again.picture("a.jpg").unwrap().as_deref(), Some(&b"picture"[..]));
        assert_eq!(again.picture("b.jpg").unwrap(), None);

        again.finish().unwrap();
        assert!(Progress::unfinished(folder.path()).unwrap().is_none());
        assert!(!folder.path().join(PICTURES).exists(), "pictures are in the store by then");
    }

    #[test]
    fn another_district_in_the_folder_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Progress::begin(folder.path(), 7).unwrap();
        first.done("days").unwrap();
        first.keep_picture("a.jpg", b"picture").unwrap();
        let second = Progress::begin(folder.path(), 8).unwrap();
        assert!(!second.is_done("days"));
        assert_eq!(second.picture("a.jpg").unwrap(), None);
    }
}
