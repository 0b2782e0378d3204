//! Writing a release into a new directory.

use crate::folder::private_dir;
use crate::release::progress::{Phase, Progress};
use crate::release::{Content, FileKind, Listing, ReleaseError, ReleaseFile, Source, ancestors};
use crate::types::{RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What visitors may do with directories and programs.
const OPEN: u32 = 0o755;

/// What visitors may do with files.
const READABLE: u32 = 0o644;

/// Writes every file below `root`, a new directory of ours alone, and syncs the file system.
/// Symbolic links come last, so that no file can be written through one.
pub(super) fn write(
    root: &Path,
    listing: &Listing,
    source: &Source,
    progress: &Progress,
) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
    progress.phase(Phase::Sending, listing.files.len());
    let mut contents = BTreeMap::new();
    let dirs: BTreeSet<RepoPath> = listing.files.keys().flat_map(ancestors).collect();
    for dir in &dirs {
        let path = below(root, dir);
        fs::create_dir(&path).map_err(ReleaseError::io(&path))?;
    }
    let (links, files): (Vec<_>, Vec<_>) = listing
        .files
        .values()
        .partition(|file| file.kind == FileKind::Symlink);
    for file in files.into_iter().chain(links) {
        let bytes = source.content(file)?;
        put(&below(root, &file.path), file, &bytes)?;
        progress.sent(bytes.len());
        progress.step();
        let content = Content {
            blob: file.blob,
            size: file.size,
            sha256: hex(&Sha256::digest(&bytes)),
        };
        contents.insert(file.path.clone(), content);
    }
    for dir in dirs.iter().rev() {
        open_up(&below(root, dir))?;
    }
    let handle = File::open(root).map_err(ReleaseError::io(root))?;
    rustix::fs::syncfs(&handle).map_err(|error| ReleaseError::io(root)(error.into()))?;
    Ok(contents)
}

fn below(root: &Path, path: &RepoPath) -> PathBuf {
    root.join(OsStr::from_bytes(path.as_bytes()))
}

fn put(path: &Path, file: &ReleaseFile, bytes: &[u8]) -> Result<(), ReleaseError> {
    let mode = match file.kind {
        FileKind::File => READABLE,
        FileKind::Executable => OPEN,
        FileKind::Symlink => {
            return symlink(OsStr::from_bytes(bytes), path).map_err(ReleaseError::io(path));
        }
    };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut handle| {
            handle.write_all(bytes)?;
            // Whatever the umask is.
            handle.set_permissions(Permissions::from_mode(mode))
        })
        .map_err(ReleaseError::io(path))
}

/// Lets visitors in.
pub(super) fn open_up(path: &Path) -> Result<(), ReleaseError> {
    fs::set_permissions(path, Permissions::from_mode(OPEN)).map_err(ReleaseError::io(path))
}

/// A new directory of ours alone.
pub(super) fn new_dir(path: &Path) -> Result<(), ReleaseError> {
    private_dir(path).map_err(ReleaseError::io(path))
}
