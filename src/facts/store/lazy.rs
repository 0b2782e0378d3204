//! What libgit2 is asked for is opened when it is first asked: in most hooks it never is.

use super::open::{folders, listed};
use crate::types::{Oid, hex};
use git2::{Odb, OdbLookupFlags, Repository, RepositoryOpenFlags};
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
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

/// The store without the push in progress: the repository's objects, and those that git itself
/// reads beside the quarantine. Were one left out, old commits would look new.
pub(super) struct Settled {
    folders: Vec<PathBuf>,
    opened: OnceCell<Odb<'static>>,
}

impl Settled {
    /// That of the repository whose objects are in `own`, and of the `others` that git lists.
    pub(super) fn new(own: &Path, others: Option<&OsStr>) -> Self {
        let others = listed(others).map(|path| OsStr::from_bytes(path).into());
        Self {
            folders: std::iter::once(own.to_owned()).chain(others).collect(),
            opened: OnceCell::new(),
        }
    }

    /// Whether it has an object: as a file of its own now, or in a pack when its packs were last
    /// looked at.
    pub(super) fn has(&self, id: Oid) -> Result<bool, String> {
        // Once it is open, libgit2 looks for the file as well, and a second look costs as much again.
        if self.opened.get().is_none() {
            let name = hex(id.as_bytes());
            let (folder, file) = name.split_at_checked(2).unwrap_or_default();
            let below = format!("{folder}/{file}");
            if self.folders.iter().any(|own| own.join(&below).exists()) {
                return Ok(true);
            }
        }
        let id = git2::Oid::from_bytes(id.as_bytes()).map_err(|error| error.to_string())?;
        Ok(self.opened()?.exists_ext(id, OdbLookupFlags::NO_REFRESH))
    }

    /// Looks at its packs anew, if they were looked at.
    pub(super) fn refresh(&self) -> Result<(), git2::Error> {
        self.opened.get().map_or(Ok(()), Odb::refresh)
    }

    fn opened(&self) -> Result<&Odb<'static>, String> {
        if self.opened.get().is_none() {
            as_wanted();
            let paths = self.folders.iter().map(|path| path.as_os_str().as_bytes());
            let _ = self.opened.set(folders(paths)?);
        }
        self.opened
            .get()
            .ok_or_else(|| "the objects were not opened".into())
    }
}

/// What is read is kept, checked and bounded here; libgit2 would do each a second time.
pub(super) fn as_wanted() {
    git2::opts::enable_caching(false);
    git2::opts::strict_hash_verification(false);
}
