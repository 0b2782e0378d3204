//! relhook's own folder in the server's repository: `<git dir>/relhook/`, 0700; or 0750 where one group
//! of the machine may read the audit log in it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The setting of the repository that holds the number of the group that may read the audit log.
pub const AUDIT_GID: &str = "relhook.auditGid";

/// The folder, checked: it is ours alone, or one group may read the audit log in it.
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
    /// A group can read it that is not the one that may.
    #[error(
        "{path} can be read by the group {found}, and {}: `relhook init` puts that right",
        wanted.map_or_else(
            || format!("no group may (the setting {AUDIT_GID} is not there)"),
            |wanted| format!("only the group {wanted} may (the setting {AUDIT_GID})")
        )
    )]
    Group {
        /// The folder.
        path: PathBuf,
        /// The number of its group.
        found: u32,
        /// The number of the audit group, if there is one.
        wanted: Option<u32>,
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
    /// The folder of the repository at `git_dir`, for whoever writes in it.
    ///
    /// # Errors
    /// When it is not there, or others than this account and the audit group can enter it.
    pub fn open(git_dir: &Path) -> Result<Self, FolderError> {
        let (root, meta) = look(git_dir)?;
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(exposed(root, &meta));
        }
        checked(git_dir, root, &meta)
    }

    /// The same, for whoever only reads the audit log: the account itself, or a member of the audit
    /// group, whom the system lets in or not.
    ///
    /// # Errors
    /// As for [`Self::open`]; and where the folder is not of the account that has the repository.
    pub fn open_to_read(git_dir: &Path) -> Result<Self, FolderError> {
        let (root, meta) = look(git_dir)?;
        let repository = fs::metadata(git_dir).map_err(|source| FolderError::Io {
            path: git_dir.to_owned(),
            source,
        })?;
        if meta.uid() != repository.uid() {
            return Err(exposed(root, &meta));
        }
        checked(git_dir, root, &meta)
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

fn look(git_dir: &Path) -> Result<(PathBuf, fs::Metadata), FolderError> {
    let root = git_dir.join("relhook");
    match fs::symlink_metadata(&root) {
        Ok(meta) => Ok((root, meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(FolderError::Absent { path: root })
        }
        Err(source) => Err(FolderError::Io { path: root, source }),
    }
}

fn exposed(path: PathBuf, meta: &fs::Metadata) -> FolderError {
    let mode = meta.mode() & 0o7777;
    FolderError::Exposed { path, mode }
}

/// Only a folder that a group can enter has the settings read: a push to any other waits for less.
fn checked(git_dir: &Path, root: PathBuf, meta: &fs::Metadata) -> Result<Folder, FolderError> {
    match meta.mode() & 0o077 {
        0 if meta.is_dir() => Ok(Folder { root }),
        SHARED if meta.is_dir() => match audit_gid(git_dir)? {
            Some(gid) if gid == meta.gid() => Ok(Folder { root }),
            wanted => Err(FolderError::Group {
                path: root,
                found: meta.gid(),
                wanted,
            }),
        },
        _ => Err(exposed(root, meta)),
    }
}

/// The number of the group that may read the audit log, by the repository's own settings.
///
/// # Errors
/// When they cannot be read, or hold no number there.
pub fn audit_gid(git_dir: &Path) -> Result<Option<u32>, FolderError> {
    let path = git_dir.join("config");
    let failed = |error: git2::Error| FolderError::Io {
        path: path.clone(),
        source: io::Error::other(error.message().to_owned()),
    };
    let config = git2::Config::open(&path).map_err(failed)?;
    match config.get_i64(AUDIT_GID) {
        Ok(number) => u32::try_from(number)
            .map(Some)
            .map_err(|_| FolderError::Io {
                path: path.clone(),
                source: io::Error::other(format!("{AUDIT_GID} is no group's number")),
            }),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// What the mode of a folder says that a group may read: enter and list, and nothing for others.
const SHARED: u32 = 0o050;

/// The group that reads what is made in a folder: that of the folder, where it may enter it.
fn readers(folder: &Path) -> io::Result<Option<u32>> {
    let meta = fs::metadata(folder)?;
    Ok((meta.mode() & 0o077 == SHARED).then_some(meta.gid()))
}

/// A path without links, as [`fs::canonicalize`] gives it. Where a hook is started, the current folder is
/// the one that is asked for, and the system knows that without a look at each part of its path.
///
/// # Errors
/// When there is nothing at the path, or it cannot be looked at.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    if path == Path::new(".")
        && let Ok(current) = std::env::current_dir()
        && current.is_absolute()
    {
        return Ok(current);
    }
    fs::canonicalize(path)
}

/// Makes a subfolder where it is not there yet, for those who may enter the one that it is in.
///
/// # Errors
/// When the system says no.
pub fn shared_dir(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    match readers(parent)? {
        Some(gid) => share(path, gid, 0o750),
        None => Ok(()),
    }
}

/// Lets a group read a file or a folder. Its owner has to be in the group, or be root.
///
/// # Errors
/// When the system says no.
pub fn share(path: &Path, gid: u32, mode: u32) -> io::Result<()> {
    let meta = fs::metadata(path)?;
    if meta.gid() != gid {
        std::os::unix::fs::chown(path, None, Some(gid))?;
    }
    if meta.mode() & 0o7777 != mode || meta.gid() != gid {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Replaces a file as [`replace_file_lasting`] does, for those who may enter its folder.
///
/// # Errors
/// When the system says no; the old content then stands.
pub fn replace_shared(path: &Path, content: &[u8], lasting: Lasting) -> io::Result<()> {
    let parent = path
        .parent()
        .ok_or_else(|| io::Error::other("no parent folder"))?;
    let readers = readers(parent)?;
    replace(path, content, lasting, readers)
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
    replace(path, content, lasting, None)
}

fn replace(path: &Path, content: &[u8], lasting: Lasting, readers: Option<u32>) -> io::Result<()> {
    use std::io::Write;
    let parent = path
        .parent()
        .ok_or_else(|| io::Error::other("no parent folder"))?;
    let mut temp = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(parent)?;
    temp.write_all(content)?;
    if let Some(gid) = readers {
        share(temp.path(), gid, 0o640)?;
    }
    if lasting != Lasting::Kill {
        temp.as_file().sync_data()?;
    }
    match lasting {
        Lasting::Kill => take_place(&temp.into_temp_path(), path),
        Lasting::Whole => temp.persist(path).map(drop).map_err(|error| error.error),
        Lasting::PowerCut => {
            temp.persist(path).map_err(|error| error.error)?;
            sync_dir(parent)
        }
    }
}

/// Puts a file that need not survive a power cut in the place of another one, in one step. Both are
/// exchanged and the old one is removed: some file systems take a rename over a file for the wish to have the
/// new one on the disk, and let it wait until the disk is at leisure.
///
/// # Errors
/// When the system says no.
pub fn take_place(new: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => match fs::symlink_metadata(new)?.is_dir() {
            // As a rename would have it.
            true => {
                renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE)?;
                Err(io::ErrorKind::IsADirectory.into())
            }
            false => fs::remove_file(new),
        },
        // There is none yet, or the file system cannot.
        Err(_) => fs::rename(new, path),
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
