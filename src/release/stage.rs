//! Files of the accepted commit in a private folder, for a program that brings them to a target.
//!
//! ```text
//! <relhook>/release/<target>/stage/   tree/   tree.json
//! ```
//!
//! `tree.json` is written when the tree is complete. A run that finds both, for the same release
//! and the same files, reads every file once and then uses them; anything else is begun anew.

use super::run::Job;
use super::{
    Content, FileKind, Held, Listing, MANIFEST_LIMIT, Manifest, ReleaseError, ReleaseFile, tree,
};
use crate::folder::private_dir;
use crate::release::desk::read_capped;
use crate::types::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The x bit of a file's owner.
const OWNERS_X: u32 = 0o100;

/// A folder that holds exactly these files.
#[derive(Debug)]
pub(in crate::release) struct Stage {
    home: PathBuf,
    /// The size and hash of each file.
    pub(in crate::release) contents: BTreeMap<RepoPath, Content>,
}

impl Stage {
    /// Writes `files` of the job's commit, or takes what a killed run left where that is the same
    /// and whole.
    ///
    /// # Errors
    /// When a file cannot be read from the repository or written.
    pub(in crate::release) fn of(
        job: &Job<'_>,
        files: &[ReleaseFile],
    ) -> Result<Self, ReleaseError> {
        let home = job.desk.file("stage");
        let files: BTreeMap<RepoPath, ReleaseFile> = files
            .iter()
            .map(|file| (file.path.clone(), file.clone()))
            .collect();
        let listing = Listing { files };
        if let Some(contents) = left_behind(job, &home, &listing)? {
            return Ok(Self { home, contents });
        }
        discard(&home)?;
        let root = home.join("tree");
        private_dir(&root).map_err(ReleaseError::io(&root))?;
        let contents = tree::write(&root, listing.files.values(), job.setting.git_dir, &|_| {})?;
        let record = home.join("tree.json");
        let bytes = job.record_of(&listing, &contents, &BTreeSet::new())?;
        fs::write(&record, bytes).map_err(ReleaseError::io(&record))?;
        Ok(Self { home, contents })
    }

    /// The folder with the files. What leads to it, and not the folder itself, keeps others out.
    pub(in crate::release) fn root(&self) -> PathBuf {
        self.home.join("tree")
    }

    /// The same, as programs name it that begin in the target's folder.
    pub(in crate::release) fn beside_desk(&self) -> &'static str {
        "stage/tree"
    }

    /// Removes it all.
    ///
    /// # Errors
    /// When the system says no.
    pub(in crate::release) fn end(self) -> Result<(), ReleaseError> {
        discard(&self.home)
    }
}

/// Removes what a killed run may have left.
///
/// # Errors
/// When the system says no.
pub(in crate::release) fn sweep(job: &Job<'_>) -> Result<(), ReleaseError> {
    discard(&job.desk.file("stage"))
}

fn discard(home: &Path) -> Result<(), ReleaseError> {
    // First the record, so that half a tree never has one.
    for gone in [
        fs::remove_file(home.join("tree.json")),
        fs::remove_dir_all(home),
    ] {
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ReleaseError::io(home)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is there, if it is of this release, has these files and no others, and each is whole.
fn left_behind(
    job: &Job<'_>,
    home: &Path,
    listing: &Listing,
) -> Result<Option<BTreeMap<RepoPath, Content>>, ReleaseError> {
    let record = home.join("tree.json");
    let bytes = read_capped(&record, MANIFEST_LIMIT).map_err(ReleaseError::io(&record))?;
    let Some(manifest) = bytes.and_then(|bytes| Manifest::read(&bytes, job.seal).ok()) else {
        return Ok(None);
    };
    if !job.of_same_release(&manifest) || manifest.kinds() != kinds(listing) {
        return Ok(None);
    }
    let Ok(recorded) = manifest.holding() else {
        return Ok(None);
    };
    let root = home.join("tree");
    let mut contents = BTreeMap::new();
    for file in listing.files.values() {
        let recorded = recorded.files.get(&file.path);
        match whole(&root, file).filter(|found| recorded == Some(&Held::Known(found.clone()))) {
            Some(content) => contents.insert(file.path.clone(), content),
            None => return Ok(None),
        };
    }
    let dirs: BTreeSet<RepoPath> = listing
        .files
        .keys()
        .flat_map(super::plan::ancestors)
        .collect();
    let found = count(&root).map_err(ReleaseError::io(&root))?;
    Ok((found == listing.files.len() + dirs.len()).then_some(contents))
}

fn kinds(listing: &Listing) -> Vec<(RepoPath, FileKind, crate::types::Oid)> {
    let files = listing.files.values();
    files
        .map(|file| (file.path.clone(), file.kind, file.blob))
        .collect()
}

/// What is there of a file, if it is of the right kind and size.
fn whole(root: &Path, file: &ReleaseFile) -> Option<Content> {
    let path = tree::below(root, &file.path);
    let meta = fs::symlink_metadata(&path).ok()?;
    let bytes = match file.kind {
        FileKind::Symlink => fs::read_link(&path).ok()?.as_os_str().as_bytes().to_vec(),
        FileKind::File | FileKind::Executable if meta.is_file() && meta.len() == file.size => {
            let runs = meta.permissions().mode() & OWNERS_X != 0;
            if runs != (file.kind == FileKind::Executable) || meta.nlink() != 1 {
                return None;
            }
            fs::read(&path).ok()?
        }
        FileKind::File | FileKind::Executable => return None,
    };
    Some(Content::of(file, &bytes))
}

/// How many entries there are below a folder.
fn count(dir: &Path) -> io::Result<usize> {
    let mut found = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        found += 1;
        if entry.file_type()?.is_dir() {
            found += count(&entry.path())?;
        }
    }
    Ok(found)
}
