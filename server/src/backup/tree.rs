//! Folders copied whole, each file synced.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::BackupError;

/// What was copied.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Copied {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl std::ops::AddAssign for Copied {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    |cause| BackupError::File { path, cause }
}

/// Makes a folder, for its owner only, or takes one that is empty.
pub(super) fn empty_folder(path: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
    let mut entries = std::fs::read_dir(path).map_err(failed(path))?;
    if entries.next().is_some() { Err(BackupError::NotEmpty(path.to_owned())) } else { Ok(()) }
}

/// Writes a file's content through to the disk.
pub(super) fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed(path))
}

/// Copies a file or a folder with everything below; one that is not there, or goes away meanwhile, is passed over, and so is
/// one that was copied before and did not grow.
pub(super) async fn copy(from: &Path, to: &Path) -> Result<Copied, BackupError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let done = tokio::task::spawn_blocking(move || copy_all(from, to)).await;
    done.map_err(|error| BackupError::Unusable(error.to_string()))?
}

fn copy_all(from: PathBuf, to: PathBuf) -> Result<Copied, BackupError> {
    let mut copied = Copied::default();
    let mut waiting = vec![(from, to)];
    while let Some((from, to)) = waiting.pop() {
        let found = match std::fs::symlink_metadata(&from) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(&from)(error)),
        };
        if found.is_dir() {
            std::fs::create_dir_all(&to).map_err(failed(&to))?;
            for entry in std::fs::read_dir(&from).map_err(failed(&from))? {
                let entry = entry.map_err(failed(&from))?;
                waiting.push((entry.path(), to.join(entry.file_name())));
            }
        } else if found.is_file() && std::fs::metadata(&to).map_or(true, |there| there.len() != found.len()) {
            match std::fs::copy(&from, &to) {
                Ok(bytes) => {
                    sync(&to)?;
                    copied += Copied { files: 1, bytes };
                }
                Err(error) if error.kind() == ErrorKind::NotFound => drop(std::fs::remove_file(&to)),
                Err(error) => return Err(failed(&from)(error)),
            }
        }
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_copied_whole_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("a/b")).unwrap();
        std::fs::write(from.join("a/b/c"), "12345").unwrap();
        std::fs::write(from.join("d"), "1").unwrap();
        let copied = copy(&from, &to).await.unwrap();
        assert_eq!((copied.files, copied.bytes, std::fs::read(to.join("a/b/c")).unwrap()), (2, 6, b"12345".to_vec()));
        std::fs::write(from.join("d"), "12").unwrap();
        let grown = copy(&from, &to).await.unwrap();
        assert_eq!((grown.files, grown.bytes, std::fs::read(to.join("d")).unwrap()), (1, 2, b"12".to_vec()), "only what grew");
        assert_eq!(copy(&from.join("none"), &to.join("none")).await.unwrap().files, 0);
        assert!(matches!(empty_folder(&to), Err(BackupError::NotEmpty(_))));
    }
}
