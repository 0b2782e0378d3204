//! The accepted commit's files, read by object id from the repository's own store.
//!
//! Never a working tree, never `git archive`: attributes and filters of the tree can neither
//! drop a file nor change a byte of it.

use super::error::{Complaint, Fault, ReleaseError};
use super::names::{self, Surface};
use super::plan::{FileKind, Listing, ReleaseFile};
use crate::object::{self, TreeEntry, TreeEntryKind};
use crate::policy::{PathGlobs, Target};
use crate::types::{Oid, RepoPath};
use git2::{ErrorCode, ObjectType, Odb, Repository, RepositoryOpenFlags};
use std::path::{Path, PathBuf};

/// How many entries a tree may have in all.
const ENTRY_LIMIT: usize = 500_000;

/// How deep a tree may go.
const DEPTH_LIMIT: usize = 128;

/// The largest commit or tree object, in bytes.
const META_LIMIT: usize = 64 * 1024 * 1024;

/// The largest file, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024 * 1024;

/// How many complaints are kept.
const COMPLAINT_LIMIT: usize = 20;

/// How an LFS pointer begins.
const LFS_HEAD: &[u8] = b"version https://git-lfs.github.com/spec/";

/// LFS pointers are smaller than this, in bytes.
const LFS_LIMIT: u64 = 1024;

/// The repository's objects.
pub struct Source {
    repository: Repository,
}

impl Source {
    /// Opens the repository at exactly `git_dir`, whatever the environment says.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(git_dir: &Path) -> Result<Self, ReleaseError> {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        Repository::open_ext(git_dir, flags, &[] as &[&Path])
            .map(|repository| Self { repository })
            .map_err(|error| ReleaseError::Objects(error.message().to_owned()))
    }

    /// The folder that `core.hooksPath` names, where the repository's hooks are not its own.
    ///
    /// # Errors
    /// When the repository's settings cannot be read.
    pub fn hooks_elsewhere(&self) -> Result<Option<PathBuf>, ReleaseError> {
        let config = self.repository.config();
        match config.and_then(|config| config.get_path("core.hooksPath")) {
            Ok(path) => Ok(Some(path)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(ReleaseError::Objects(error.message().to_owned())),
        }
    }

    /// Everything that `target` is to hold of `commit`.
    ///
    /// # Errors
    /// When an object cannot be read or is malformed, when the target's `from` is no folder, and,
    /// all at once, when the tree holds what such a target cannot take.
    pub fn listing(
        &self,
        commit: Oid,
        target: &Target,
        surface: Surface,
    ) -> Result<Listing, ReleaseError> {
        let odb = self.odb()?;
        let raw = read(&odb, commit, ObjectType::Commit, META_LIMIT)?;
        let commit = object::Commit::parse(&raw).map_err(|error| objects(&error))?;
        let root = folder(&odb, commit.tree, target.from.as_deref())?;
        let prefix = RepoPath::new(target.from.clone().unwrap_or_default().into_bytes());
        let mut walk = Walk {
            odb: &odb,
            surface,
            exclude: &target.exclude,
            prefix,
            entries: 0,
            listing: Listing::default(),
            complaints: Vec::new(),
            more: 0,
        };
        walk.tree(root, &RepoPath::new(Vec::new()), 0)?;
        if walk.complaints.is_empty() {
            Ok(walk.listing)
        } else {
            Err(ReleaseError::Unreleasable(walk.complaints, walk.more))
        }
    }

    /// A file's whole content.
    ///
    /// # Errors
    /// When it cannot be read, or is not the blob of this size.
    pub fn blob(&self, blob: Oid, size: u64) -> Result<Vec<u8>, ReleaseError> {
        let limit = usize::try_from(size.min(FILE_LIMIT)).unwrap_or(usize::MAX);
        let bytes = read(&self.odb()?, blob, ObjectType::Blob, limit)?;
        if bytes.len() as u64 == size {
            Ok(bytes)
        } else {
            Err(ReleaseError::Objects(format!(
                "blob {blob} changed its size"
            )))
        }
    }

    fn odb(&self) -> Result<Odb<'_>, ReleaseError> {
        self.repository
            .odb()
            .map_err(|error| ReleaseError::Objects(error.message().to_owned()))
    }
}

/// One object of exactly this kind and at most this many bytes, whose content is what its id says:
/// libgit2's own check is a setting of the whole process, so it is not relied upon.
fn read(odb: &Odb<'_>, oid: Oid, kind: ObjectType, limit: usize) -> Result<Vec<u8>, ReleaseError> {
    let fail = |why: String| ReleaseError::Objects(format!("object {oid}: {why}"));
    let id = id(oid)?;
    let (size, found) = odb
        .read_header(id)
        .map_err(|error| fail(error.message().to_owned()))?;
    if found != kind {
        return Err(fail(format!("is a {found}, not a {kind}")));
    }
    if size > limit {
        return Err(fail(format!("is larger than {limit} bytes")));
    }
    let object = odb
        .read(id)
        .map_err(|error| fail(error.message().to_owned()))?;
    match git2::Oid::hash_object(kind, object.data()) {
        Ok(hash) if hash == id => Ok(object.data().to_vec()),
        Ok(hash) => Err(fail(format!("its content is that of {hash}"))),
        Err(error) => Err(fail(error.message().to_owned())),
    }
}

fn id(oid: Oid) -> Result<git2::Oid, ReleaseError> {
    git2::Oid::from_bytes(oid.as_bytes())
        .map_err(|error| ReleaseError::Objects(error.message().to_owned()))
}

fn objects(error: &impl std::fmt::Display) -> ReleaseError {
    ReleaseError::Objects(error.to_string())
}

fn tree(odb: &Odb<'_>, oid: Oid) -> Result<Vec<TreeEntry>, ReleaseError> {
    let raw = read(odb, oid, ObjectType::Tree, META_LIMIT)?;
    object::parse_tree(&raw).map_err(|error| ReleaseError::Objects(format!("tree {oid}: {error}")))
}

/// The tree of the folder `from` below `root`.
fn folder(odb: &Odb<'_>, root: Oid, from: Option<&str>) -> Result<Oid, ReleaseError> {
    let mut at = root;
    for name in from.into_iter().flat_map(|from| from.split('/')) {
        let entry = tree(odb, at)?
            .into_iter()
            .find(|entry| entry.name == name.as_bytes() && entry.kind == TreeEntryKind::Tree);
        at = entry
            .ok_or_else(|| ReleaseError::NoSuchFolder(from.unwrap_or_default().to_owned()))?
            .oid;
    }
    Ok(at)
}

/// A walk over the tree that gathers files and complaints.
struct Walk<'a> {
    odb: &'a Odb<'a>,
    surface: Surface,
    exclude: &'a PathGlobs,
    /// The released folder in the tree, as the globs name it.
    prefix: RepoPath,
    entries: usize,
    listing: Listing,
    complaints: Vec<Complaint>,
    more: usize,
}

impl Walk<'_> {
    fn tree(&mut self, oid: Oid, at: &RepoPath, depth: usize) -> Result<(), ReleaseError> {
        if depth > DEPTH_LIMIT {
            return Err(ReleaseError::Objects(format!(
                "the tree is deeper than {DEPTH_LIMIT} folders"
            )));
        }
        for entry in tree(self.odb, oid)? {
            self.entries += 1;
            if self.entries > ENTRY_LIMIT {
                return Err(ReleaseError::Objects(format!(
                    "the tree has more than {ENTRY_LIMIT} entries"
                )));
            }
            let path = at.join(&entry.name);
            let in_tree = self.prefix.join(path.as_bytes());
            if names::is_gits_own(path.as_bytes()) || self.exclude.is_match(in_tree.as_bytes()) {
                continue;
            }
            self.entry(&entry, path, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &TreeEntry,
        path: RepoPath,
        depth: usize,
    ) -> Result<(), ReleaseError> {
        if let Some(why) = names::fault(path.as_bytes(), self.surface) {
            self.complain(path, Fault::Name(why));
            return Ok(());
        }
        match entry.kind {
            TreeEntryKind::Tree => self.tree(entry.oid, &path, depth + 1)?,
            TreeEntryKind::Submodule => self.complain(path, Fault::Submodule),
            TreeEntryKind::File => self.file(entry.oid, path, FileKind::File)?,
            TreeEntryKind::Executable => self.file(entry.oid, path, FileKind::Executable)?,
            TreeEntryKind::Symlink => self.symlink(entry.oid, path)?,
        }
        Ok(())
    }

    fn file(&mut self, blob: Oid, path: RepoPath, kind: FileKind) -> Result<(), ReleaseError> {
        let size = self.size(blob)?;
        if size > FILE_LIMIT {
            self.complain(path, Fault::TooLarge);
        } else if size < LFS_LIMIT && self.content(blob)?.starts_with(LFS_HEAD) {
            self.complain(path, Fault::LfsPointer);
        } else {
            self.add(blob, path, kind, size);
        }
        Ok(())
    }

    fn symlink(&mut self, blob: Oid, path: RepoPath) -> Result<(), ReleaseError> {
        let size = self.size(blob)?;
        match self.surface {
            Surface::Ftp => self.complain(path, Fault::Symlink),
            Surface::Directory if size > LFS_LIMIT * 4 => {
                self.complain(path, Fault::LeavingSymlink("has an overlong target"));
            }
            Surface::Directory => match names::link_fault(path.as_bytes(), &self.content(blob)?) {
                Some(why) => self.complain(path, Fault::LeavingSymlink(why)),
                None => self.add(blob, path, FileKind::Symlink, size),
            },
        }
        Ok(())
    }

    fn size(&self, blob: Oid) -> Result<u64, ReleaseError> {
        let (size, kind) = self
            .odb
            .read_header(id(blob)?)
            .map_err(|error| ReleaseError::Objects(format!("blob {blob}: {}", error.message())))?;
        if kind == ObjectType::Blob {
            Ok(size as u64)
        } else {
            Err(ReleaseError::Objects(format!(
                "object {blob} is a {kind}, not a blob"
            )))
        }
    }

    /// A small file's content.
    fn content(&self, blob: Oid) -> Result<Vec<u8>, ReleaseError> {
        read(self.odb, blob, ObjectType::Blob, META_LIMIT)
    }

    fn add(&mut self, blob: Oid, path: RepoPath, kind: FileKind, size: u64) {
        let file = ReleaseFile {
            path: path.clone(),
            kind,
            blob,
            size,
        };
        self.listing.files.insert(path, file);
    }

    fn complain(&mut self, path: RepoPath, why: Fault) {
        if self.complaints.len() < COMPLAINT_LIMIT {
            self.complaints.push(Complaint { path, why });
        } else {
            self.more += 1;
        }
    }
}
