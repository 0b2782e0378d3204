//! What libgit2 is asked for is opened when it is first asked: in most hooks it never is.

use git2::{Repository, RepositoryOpenFlags};
use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A repository, opened by libgit2 or not yet.
pub(super) struct Repo {
    path: PathBuf,
    flags: RepositoryOpenFlags,
    opened: OnceCell<Repository>,
}

impl Repo {
    /// The one at this path; it is not looked at yet.
    pub(super) fn at(path: &Path, flags: RepositoryOpenFlags) -> Self {
        Self {
            path: path.to_owned(),
            flags,
            opened: OnceCell::new(),
        }
    }

    /// The repository.
    pub(super) fn get(&self) -> Result<&Repository, git2::Error> {
        if self.opened.get().is_none() {
            as_wanted();
            let nowhere = std::iter::empty::<OsString>();
            let opened = Repository::open_ext(&self.path, self.flags, nowhere)?;
            let _ = self.opened.set(opened);
        }
        let gone = || git2::Error::from_str("the repository was not opened");
        self.opened.get().ok_or_else(gone)
    }
}

/// What is read is kept, checked and bounded here; libgit2 would do each a second time.
pub(super) fn as_wanted() {
    git2::opts::enable_caching(false);
    git2::opts::strict_hash_verification(false);
}
