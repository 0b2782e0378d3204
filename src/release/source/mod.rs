//! The accepted commit's files, read by object id from the repository's own store.
//!
//! Never a working tree, never `git archive`: attributes and filters of the tree can neither
//! drop a file nor change a byte of it, unless the policy says that two of them may.

mod attributes;
mod difference;
mod elsewhere;
mod links;
mod objects;
mod subst;
mod twins;
mod walk;

use super::error::ReleaseError;
use super::names::Surface;
use super::plan::{Listing, Origin, ReleaseFile};
use crate::object;
use crate::policy::Target;
use crate::types::{Oid, escape};
pub(in crate::release) use difference::Footing;
use elsewhere::Submodules;
use git2::{ErrorCode, ObjectType, Odb, Repository, RepositoryOpenFlags};
use objects::{META_LIMIT, folder, malformed, read};
use std::path::{Path, PathBuf};

/// The largest file, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024 * 1024;

/// What a commit says of itself. A claim, and shown as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Its author's name and address.
    pub author: String,
    /// The address alone.
    pub email: String,
    /// The first line of its message.
    pub subject: String,
}

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

    /// A setting of the repository: text, or nothing where it has none of this name.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<String>, ReleaseError> {
        let config = self.repository.config();
        match config.and_then(|mut config| config.snapshot()?.get_str(name).map(str::to_owned)) {
            Ok(text) => Ok(Some(text)),
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
        let parsed = object::Commit::parse(&raw).map_err(|error| malformed(&error))?;
        let from = folder(&odb, parsed.tree, target.from.as_deref())?;
        let submodules = Submodules::open(&target.contents.submodules)?;
        walk::listing(walk::Setting {
            odb: &odb,
            commit,
            root: parsed.tree,
            committed: parsed.committer.claimed_seconds,
            from,
            submodules: &submodules.odbs()?,
            target,
            surface,
        })
    }

    /// What a commit says of itself, escaped.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn words(&self, commit: Oid) -> Result<Words, ReleaseError> {
        let raw = read(&self.odb()?, commit, ObjectType::Commit, META_LIMIT)?;
        let commit = object::Commit::parse(&raw).map_err(|error| malformed(&error))?;
        let subject = commit.message.split(|byte| *byte == b'\n');
        let subject = subject
            .map(<[u8]>::trim_ascii)
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let author = [&commit.author.name[..], b" <", &commit.author.email, b">"].concat();
        Ok(Words {
            author: escape(author.trim_ascii()),
            email: escape(&commit.author.email),
            subject: escape(subject),
        })
    }

    /// A released file's whole content.
    ///
    /// # Errors
    /// When it cannot be read, or is not what the listing says.
    pub fn content(&self, file: &ReleaseFile) -> Result<Vec<u8>, ReleaseError> {
        match &file.origin {
            Origin::Blob => self.blob(file.blob, file.size),
            Origin::Submodule(repository) => Self::open(repository)?.blob(file.blob, file.size),
            Origin::Lfs(stored) => elsewhere::lfs_content(stored, file.size),
            Origin::Made(bytes) => Ok(bytes.to_vec()),
        }
    }

    /// A blob's whole content.
    fn blob(&self, blob: Oid, size: u64) -> Result<Vec<u8>, ReleaseError> {
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
