//! What all releases of a directory share: in each a symbolic link to the same place below
//! `shared/`, for what visitors bring and what the server itself writes.
//!
//! ```text
//! releases/8/uploads         -> ../../shared/uploads
//! releases/8/config/site.ini -> ../../../shared/config/site.ini
//! ```
//!
//! What is below `shared/` is never changed or removed. The links are no files of the release: no
//! manifest names them.

use crate::policy::{SharedKind, SharedPath};
use crate::release::drift::Expected;
use crate::release::error::{Complaint, Fault};
use crate::release::{Content, FileKind, Listing, ReleaseError, ancestors, tree};
use crate::types::{Oid, hex};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

/// The folder beside `releases/`.
const FOLDER: &str = "shared";

/// What a server may do with a file that was made for it: as every other file of a release.
const READABLE: u32 = 0o644;

/// Refuses a tree that has something at a shared path, below it, or as a file above it.
pub(super) fn check(listing: &Listing, shared: &[SharedPath]) -> Result<(), ReleaseError> {
    let clashes = |shared: &&SharedPath| {
        let path = &shared.path;
        let below = [path.as_bytes(), b"/"].concat();
        let mut files = listing.files.keys();
        files.any(|file| file == path || file.as_bytes().starts_with(&below))
            || ancestors(path)
                .iter()
                .any(|dir| listing.files.contains_key(dir))
    };
    let complaints: Vec<Complaint> = shared
        .iter()
        .filter(clashes)
        .map(|shared| Complaint {
            path: shared.path.clone(),
            why: Fault::Shared,
        })
        .collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(ReleaseError::Unreleasable(complaints, 0))
    }
}

/// Whether a release has the links.
pub(super) fn is_in(release: &Path, shared: &[SharedPath]) -> bool {
    shared.iter().all(|shared| {
        let link = fs::read_link(tree::below(release, &shared.path));
        link.is_ok_and(|link| link.as_os_str() == target(shared))
    })
}

/// Adds the links to what is to be in a release. They have no blob; the commit stands in its place,
/// which nothing reads.
pub(super) fn expect(expected: &mut Expected, shared: &[SharedPath], commit: &Oid) {
    for shared in shared {
        let to = target(shared);
        let content = Content {
            blob: *commit,
            size: to.len() as u64,
            sha256: hex(&Sha256::digest(to.as_bytes())),
        };
        let link = (FileKind::Symlink, Some(content));
        expected.files.insert(shared.path.clone(), link);
    }
}

/// Puts the links into a release that is being built below the directory `root`, and makes what
/// they point at where nothing is there.
pub(super) fn link(root: &Path, release: &Path, shared: &[SharedPath]) -> Result<(), ReleaseError> {
    for shared in shared {
        provide(&root.join(FOLDER), shared)?;
        for dir in ancestors(&shared.path) {
            make_dir(&tree::below(release, &dir))?;
        }
        let path = tree::below(release, &shared.path);
        symlink(target(shared), &path).map_err(ReleaseError::io(&path))?;
    }
    Ok(())
}

/// What the link says: up out of the release and down into the shared folder.
fn target(shared: &SharedPath) -> OsString {
    let mut text = b"../../".to_vec();
    for _ in ancestors(&shared.path) {
        text.extend_from_slice(b"../");
    }
    text.extend_from_slice(FOLDER.as_bytes());
    text.push(b'/');
    text.extend_from_slice(shared.path.as_bytes());
    OsString::from_vec(text)
}

/// Makes what is shared where nothing is there, whatever else is there may be used.
fn provide(folder: &Path, shared: &SharedPath) -> Result<(), ReleaseError> {
    make_dir(folder)?;
    for dir in ancestors(&shared.path) {
        make_dir(&tree::below(folder, &dir))?;
    }
    let path = folder.join(OsStr::from_bytes(shared.path.as_bytes()));
    match (fs::symlink_metadata(&path), shared.made_as) {
        (Ok(_), SharedKind::Folder | SharedKind::File) => Ok(()),
        (Err(_), SharedKind::Folder) => make_dir(&path),
        (Err(_), SharedKind::File) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(READABLE)
            .open(&path)
            .map(drop)
            .map_err(ReleaseError::io(&path)),
    }
}

/// A directory that may be there, and lets visitors in if it is new.
fn make_dir(path: &Path) -> Result<(), ReleaseError> {
    match fs::create_dir(path) {
        Ok(()) => tree::open_up(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(ReleaseError::io(path)(error)),
    }
}
