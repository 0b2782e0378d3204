//! Writing files of the accepted commit into a new directory: a release of `kind: dir`, or what
//! another program is to bring to its target.

use crate::folder::private_dir;
use crate::release::{Content, FileKind, ReleaseError, ReleaseFile, Source, ancestors};
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

/// Writes the files below `root`, a new directory of ours alone, and tells of each as its bytes
/// are written. Symbolic links come last, so that no file can be written through one.
pub(in crate::release) fn write<'a>(
    root: &Path,
    files: impl IntoIterator<Item = &'a ReleaseFile>,
    source: &Source,
    written: &mut dyn FnMut(usize),
) -> Result<BTreeMap<RepoPath, Content>, ReleaseError> {
    let mut contents = BTreeMap::new();
    let (links, files): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.kind == FileKind::Symlink);
    let all = || files.iter().chain(&links);
    let dirs: BTreeSet<RepoPath> = all().flat_map(|file| ancestors(&file.path)).collect();
    for dir in &dirs {
        let path = below(root, dir);
        fs::create_dir(&path).map_err(ReleaseError::io(&path))?;
    }
    for file in all() {
        let bytes = source.content(file)?;
        put(&below(root, &file.path), file, &bytes)?;
        written(bytes.len());
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
    Ok(contents)
}

/// Sees to it that what was written below `root` survives a power cut.
pub(in crate::release) fn sync(root: &Path) -> Result<(), ReleaseError> {
    let handle = File::open(root).map_err(ReleaseError::io(root))?;
    rustix::fs::syncfs(&handle).map_err(|error| ReleaseError::io(root)(error.into()))
}

/// A path's place below `root`.
pub(in crate::release) fn below(root: &Path, path: &RepoPath) -> PathBuf {
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
pub(in crate::release) fn open_up(path: &Path) -> Result<(), ReleaseError> {
    fs::set_permissions(path, Permissions::from_mode(OPEN)).map_err(ReleaseError::io(path))
}

/// A new directory of ours alone.
pub(in crate::release) fn new_dir(path: &Path) -> Result<(), ReleaseError> {
    private_dir(path).map_err(ReleaseError::io(path))
}
