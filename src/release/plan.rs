//! The plan: what is wanted against what is there, as steps in a safe order. Pure.

use crate::types::{Oid, RepoPath, hex};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What a released path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A file.
    File,
    /// A file whose owner, group and others may run it.
    Executable,
    /// A symbolic link; its blob holds the target.
    Symlink,
}

/// One file that a target is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Where, below the target's own directory.
    pub path: RepoPath,
    /// What it is.
    pub kind: FileKind,
    /// The blob in the tree: what tells its content from any other.
    pub blob: Oid,
    /// The content's size in bytes.
    pub size: u64,
    /// Where the content is.
    pub origin: Origin,
}

/// Where a released file's content is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// In the repository's own blob.
    #[default]
    Blob,
    /// In that blob of a submodule's repository, which is in this folder.
    Submodule(Arc<Path>),
    /// In a Git LFS store; the blob is the pointer.
    Lfs(Stored),
    /// Here: it was made of a blob of the tree, and `blob` is the id that it would have itself.
    Made(Arc<[u8]>),
}

/// A file of a Git LFS store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file.
    pub file: Arc<Path>,
    /// The content's SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// Everything that a target is to hold, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files; no path is an ancestor of another.
    pub files: BTreeMap<RepoPath, ReleaseFile>,
}

/// The content of a file on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The blob.
    pub blob: Oid,
    /// Its size in bytes.
    pub size: u64,
    /// The content's SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Content {
    /// What a file holds, whose bytes these are.
    #[must_use]
    pub fn of(file: &ReleaseFile, bytes: &[u8]) -> Self {
        Self {
            blob: file.blob,
            size: file.size,
            sha256: hex(&Sha256::digest(bytes)),
        }
    }
}

/// What is known of a file that relhook put on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It has this content.
    Known(Content),
    /// A run was interrupted while it changed: it has its old or its new content, or is gone.
    Uncertain,
}

/// Everything on a target that relhook put there. Nothing else is ever overwritten or removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The files.
    pub files: BTreeMap<RepoPath, Held>,
    /// The directories that relhook made.
    pub dirs: BTreeSet<RepoPath>,
}

/// The steps, in the order in which they are done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files of earlier releases that stand where a directory has to be: removed first.
    pub blocking_files: Vec<RepoPath>,
    /// Directories that the new files need, parents first. They may be there already.
    pub dirs: Vec<RepoPath>,
    /// Files to send, under temporary names.
    pub puts: Vec<ReleaseFile>,
    /// Files to rename on the target instead of sending them.
    pub moves: Vec<Move>,
    /// Files of earlier releases below directories that stand where a file has to be.
    pub blocking_contents: Vec<RepoPath>,
    /// Those directories, children first: removed before the renames.
    pub blocking_dirs: Vec<RepoPath>,
    /// Files of earlier releases that are no longer wanted: removed after the renames.
    pub deletes: Vec<RepoPath>,
    /// Directories that relhook made and that are no longer needed, children first: removed last,
    /// if they are empty.
    pub spare_dirs: Vec<RepoPath>,
    /// How many files are there already.
    pub unchanged: u64,
}

impl Plan {
    /// Whether nothing but the record has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves_files_alone() && self.spare_dirs.is_empty()
    }

    /// Whether no file has to change, though directories of ours may have to go.
    #[must_use]
    pub fn leaves_files_alone(&self) -> bool {
        self.puts.is_empty()
            && self.moves.is_empty()
            && self.blocking_files.is_empty()
            && self.blocking_contents.is_empty()
            && self.deletes.is_empty()
    }

    /// Every file that is to get a new content or a new place, with what it is to hold.
    pub fn arriving(&self) -> impl Iterator<Item = &ReleaseFile> {
        self.puts
            .iter()
            .chain(self.moves.iter().map(|step| &step.file))
    }

    /// Every file that is removed.
    pub fn removed(&self) -> impl Iterator<Item = &RepoPath> {
        self.blocking_files
            .iter()
            .chain(&self.blocking_contents)
            .chain(&self.deletes)
    }
}

/// The steps that bring a target from `held` to `wanted`.
#[must_use]
pub fn plan(wanted: &Listing, held: &Holding) -> Plan {
    let mut plan = Plan::default();
    for file in wanted.files.values() {
        match held.files.get(&file.path) {
            Some(Held::Known(content)) if content.blob == file.blob => plan.unchanged += 1,
            Some(Held::Known(_) | Held::Uncertain) | None => plan.puts.push(file.clone()),
        }
    }
    let needed: BTreeSet<RepoPath> = wanted.files.keys().flat_map(ancestors).collect();
    plan.dirs = plan
        .puts
        .iter()
        .flat_map(|file| ancestors(&file.path))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let gone = held
        .files
        .keys()
        .filter(|path| !wanted.files.contains_key(*path));
    let mut blocking_dirs = BTreeSet::new();
    for path in gone {
        let blocked: Vec<RepoPath> = ancestors(path)
            .into_iter()
            .skip_while(|dir| !wanted.files.contains_key(dir))
            .collect();
        if needed.contains(path) {
            plan.blocking_files.push(path.clone());
        } else if blocked.is_empty() {
            plan.deletes.push(path.clone());
        } else {
            plan.blocking_contents.push(path.clone());
            blocking_dirs.extend(blocked);
        }
    }
    // A directory of ours may be there without a file of ours: something else was in it when it was to
    // go.
    let arriving: BTreeSet<&RepoPath> = plan.puts.iter().map(|file| &file.path).collect();
    let blocks = |dir: &&RepoPath| {
        arriving.contains(dir) || ancestors(dir).iter().any(|above| arriving.contains(above))
    };
    blocking_dirs.extend(held.dirs.iter().filter(blocks).cloned());
    plan.spare_dirs = held
        .dirs
        .iter()
        .filter(|dir| !needed.contains(*dir) && !blocking_dirs.contains(*dir))
        .rev()
        .cloned()
        .collect();
    plan.blocking_dirs = blocking_dirs.into_iter().rev().collect();
    plan
}

/// The directories that a path lies in, outermost first.
#[must_use]
pub fn ancestors(path: &RepoPath) -> Vec<RepoPath> {
    let bytes = path.as_bytes();
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .filter_map(|(at, _)| bytes.get(..at))
        .map(|dir| RepoPath::new(dir.to_vec()))
        .collect()
}

/// Directories, grouped so that none lies in another of its group, those nearest to the root first.
#[must_use]
pub fn by_depth<'a>(dirs: impl IntoIterator<Item = &'a RepoPath>) -> Vec<Vec<&'a RepoPath>> {
    let mut groups: BTreeMap<usize, Vec<&RepoPath>> = BTreeMap::new();
    for dir in dirs {
        groups.entry(ancestors(dir).len()).or_default().push(dir);
    }
    groups.into_values().collect()
}

mod moves;
mod rank;

pub use moves::Move;
pub use rank::{Rank, rank};

#[cfg(test)]
mod tests;
