//! relhook's own folder in the server's repository: `<git dir>/relhook/`, 0700.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The folder, checked: it is ours alone.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// `relhook init` has not run here.
    #[error("{path} is not there: `relhook init` has not run in this repository")]
    Absent {
        /// The folder.
        path: PathBuf,
    },
    /// Others can read or write it, or it is somebody else's.
    #[error("{path} must be a directory of this account alone, mode 0700 (found mode {mode:04o})")]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Folder {
    /// The folder of the repository at `git_dir`.
    ///
    /// # Errors
    /// When it is not there, or not of this account alone.
    pub fn open(git_dir: &Path) -> Result<Self, FolderError> {
        let root = git_dir.join("relhook");
        let meta = match fs::symlink_metadata(&root) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FolderError::Absent { path: root });
            }
            Err(source) => return Err(FolderError::Io { path: root, source }),
        };
        let ours = meta.uid() == rustix::process::geteuid().as_raw();
        if !meta.is_dir() || meta.mode() & 0o077 != 0 || !ours {
            return Err(FolderError::Exposed {
                path: root,
                mode: meta.mode() & 0o7777,
            });
        }
        Ok(Self { root })
    }

    /// Makes the folder where it is not there yet, then opens it.
    ///
    /// # Errors
    /// When it cannot be made, or what is there is not of this account alone.
    pub fn create(git_dir: &Path) -> Result<Self, FolderError> {
        let root = git_dir.join("relhook");
        match fs::DirBuilder::new().mode(0o700).create(&root) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(FolderError::Io { path: root, source }),
        }
        Self::open(git_dir)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }
}

/// Makes a private subfolder where it is not there yet.
///
/// # Errors
/// When the system says no.
pub fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(path)
}

/// What a replaced file has to survive. A reader always sees the old content or the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// A killed process. After a power cut the file may hold anything.
    Kill,
    /// A power cut too, after which the old content may be back.
    Whole,
    /// A power cut: once the call has returned, the new content stays.
    PowerCut,
}

/// Replaces a file as a whole, so that the new content survives a power cut.
///
/// # Errors
/// When the system says no; the old content then stands.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_file_lasting(path, content, Lasting::PowerCut)
}

/// Replaces a file as a whole: temporary name, then rename, synced as far as `lasting` asks.
///
/// # Errors
/// When the system says no; the old content then stands.
pub fn replace_file_lasting(path: &Path, content: &[u8], lasting: Lasting) -> io::Result<()> {
    use std::io::Write;
    let parent = path
        .parent()
        .ok_or_else(|| io::Error::other("no parent folder"))?;
    let mut temp = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(parent)?;
    temp.write_all(content)?;
    if lasting != Lasting::Kill {
        temp.as_file().sync_data()?;
    }
    temp.persist(path).map_err(|error| error.error)?;
    match lasting {
        Lasting::Kill | Lasting::Whole => Ok(()),
        Lasting::PowerCut => sync_dir(parent),
    }
}

/// Sees to it that the folder's entries survive a power cut.
///
/// # Errors
/// When the system says no.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn h_13_a_folder_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Folder::open(dir.path()),
            Err(FolderError::Absent { .. })
        ));
        let folder = Folder::create(dir.path()).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(
            Folder::open(dir.path()),
            Err(FolderError::Exposed { mode: 0o770, .. })
        ));
    }
}
