//! The repository: opened once, checked for everything that would make its history lie, and read
//! as raw objects and raw refs.

mod arrivals;
mod error;
mod lazy;
mod loose;
mod objects;
mod open;
mod packed;
mod packs;
mod past;
mod plain;
mod policy;
mod refs;
mod settled;

#[cfg(test)]
mod hook_tests;
#[cfg(test)]
mod tests;

use super::limits::Limits;
use super::maps::Set;
use crate::types::{Oid, RefName};
pub use error::StoreError;
use lazy::Repo;
use loose::Loose;
pub use objects::Header;
use packed::PackedRefs;
use packs::Packs;
pub use past::Past;
pub use policy::PolicyReadError;
use settled::Settled;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// A repository whose objects and refs can be read. It writes nothing.
pub struct Store {
    repo: Repo,
    /// In a push: the store without what the push brought.
    settled: Option<Settled>,
    /// In a push: objects that were found to be new with it. They are asked for again when what
    /// arrives is listed.
    new: RefCell<Set<Oid>>,
    /// In a push: the folder in which git keeps what the push brought until it is accepted.
    quarantine: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    packed: PackedRefs,
    packs: RefCell<Packs>,
    loose: RefCell<Loose>,
    /// Where a clone keeps another repository's refs.
    mirror: Option<Vec<u8>>,
    /// What stands in place of what the repository is now.
    past: Option<Past>,
    limits: Limits,
    warnings: Vec<String>,
}

impl Store {
    /// The repository's own folder, absolute.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The folder that holds refs and objects, absolute; differs from [`Self::git_dir`] in a
    /// linked worktree only.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The working folder, if there is one.
    #[must_use]
    pub fn work_dir(&self) -> Option<&Path> {
        self.repo.get().ok()?.workdir()
    }

    /// In a push that brings objects: the folder in which git keeps them until it is accepted.
    /// Once it is gone, they are in the store or nowhere.
    #[must_use]
    pub fn quarantine(&self) -> Option<&Path> {
        self.quarantine.as_deref()
    }

    /// What is unusual about the repository but no reason to refuse.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The bounds on what is read.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same store with other bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same store as a copy of another repository: what is asked of `refs/x` is answered with
    /// `<prefix>/x`.
    #[must_use]
    pub fn mirroring(mut self, prefix: &RefName) -> Self {
        self.mirror = Some([prefix.as_bytes(), b"/"].concat());
        self
    }

    /// The repository's settings (git's own order of files), for what is not history.
    ///
    /// # Errors
    /// When a configuration file cannot be read.
    pub fn config(&self) -> Result<git2::Config, git2::Error> {
        self.repo.get()?.config()
    }
}

#[cfg(test)]
impl Store {
    /// As in a push to the repository at `settled`, whose quarantine this one is.
    pub(super) fn with_settled(mut self, settled: &Path) -> Self {
        let settled = settled.join("objects");
        let packs = vec![self.common_dir.join("objects"), settled.clone()];
        self.packs = RefCell::new(Packs::new(packs));
        self.settled = Some(Settled::new(vec![settled]));
        self
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("git_dir", &self.git_dir)
            .finish_non_exhaustive()
    }
}
