//! Looking at the release that stands in a directory. Nothing is followed: a link is looked at and
//! not through.

use crate::release::drift::{Difference, Expected, Look, Seen, drift};
use crate::release::{Content, FileKind, Listing, ReleaseError};
use crate::types::{RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How many entries are looked at.
const ENTRY_LIMIT: usize = 1_000_000;

/// How deep directories are looked into.
const DEPTH_LIMIT: usize = 256;

/// Everything below `root`, each file by its hash.
pub(in crate::release) fn walk(root: &Path) -> Result<Look, ReleaseError> {
    let mut look = Look::default();
    let top = RepoPath::new(Vec::new());
    folder(root, &top, 0, &mut look).map_err(ReleaseError::io(root))?;
    Ok(look)
}

fn folder(path: &Path, at: &RepoPath, depth: usize, look: &mut Look) -> io::Result<()> {
    if depth > DEPTH_LIMIT {
        return Err(io::Error::other("its directories are too deep"));
    }
    look.owned.insert(at.clone());
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = at.join(entry.file_name().as_bytes());
        if look.entries.len() >= ENTRY_LIMIT {
            return Err(io::Error::other("it has too many entries"));
        }
        let kind = entry.file_type()?;
        let seen = if kind.is_symlink() {
            link(&entry.path())?
        } else if kind.is_dir() {
            folder(&entry.path(), &name, depth + 1, look)?;
            Seen::Directory
        } else if kind.is_file() {
            look.compared.hash += 1;
            file(&entry.path())?
        } else {
            Seen::Other
        };
        look.entries.insert(name, seen);
    }
    Ok(())
}

/// What stands at `path`, itself and not what it leads to; a file by its hash. Nothing if nothing does.
///
/// # Errors
/// When it cannot be read.
pub(in crate::release) fn seen(path: &Path) -> Result<Option<Seen>, ReleaseError> {
    let read = || match fs::symlink_metadata(path)?.file_type() {
        kind if kind.is_symlink() => link(path),
        kind if kind.is_dir() => Ok(Seen::Directory),
        kind if kind.is_file() => file(path),
        _ => Ok(Seen::Other),
    };
    match read() {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReleaseError::io(path)(error)),
    }
}

/// What stands at `path`, in a few words of the comparison; nothing if nothing does.
pub(super) fn at(path: &Path) -> Option<Seen> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    Some(match kind {
        kind if kind.is_symlink() => link(path).unwrap_or(Seen::Other),
        kind if kind.is_dir() => Seen::Directory,
        _ => Seen::Other,
    })
}

fn link(path: &Path) -> io::Result<Seen> {
    let to = fs::read_link(path)?;
    let sha256 = hex(&Sha256::digest(to.as_os_str().as_bytes()));
    Ok(Seen::Link(Some(sha256)))
}

fn file(path: &Path) -> io::Result<Seen> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)?;
    let meta = file.metadata()?;
    Ok(Seen::File {
        size: Some(meta.len()),
        sha256: Some(sha256(&mut file)?),
        runs: Some(meta.mode() & 0o100 != 0),
    })
}

fn sha256(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

/// Whether what stands below `root` is exactly this, links and all; what differs if not.
pub(super) fn differs(
    root: &Path,
    expected: &Expected,
) -> Result<Option<Difference>, ReleaseError> {
    Ok(drift(expected, &walk(root)?).into_iter().next())
}

/// What a new release is to be.
pub(super) fn expected(listing: &Listing, contents: &BTreeMap<RepoPath, Content>) -> Expected {
    let mut expected = Expected::default();
    for file in listing.files.values() {
        let kind: FileKind = file.kind;
        let content = contents.get(&file.path).cloned();
        expected.files.insert(file.path.clone(), (kind, content));
    }
    expected
}
