//! The repository that is looked over, and what every group needs of it.

use super::Words;
use crate::facts::{Store, StoreError};
use crate::policy::Bundle;
use crate::setup::{Account, Git, Settings, SetupError};
use crate::types::{Oid, escape};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why there is nothing to look over.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// There is no repository.
    #[error("there is no Git repository at {path}")]
    NotARepository {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Only its owner sees what git does for it.
    #[error("{path} belongs to {owner}: run this as that account, or as root")]
    NotYours {
        /// The repository.
        path: PathBuf,
        /// Its owner.
        owner: String,
    },
    /// The repository's account cannot run this program, so neither can it run the hooks.
    #[error("{account}, which pushes run as, cannot run {program}: {why}")]
    CannotRun {
        /// The account.
        account: String,
        /// This program.
        program: PathBuf,
        /// What the system said.
        why: String,
    },
    /// What root handed over is not what it writes.
    #[error("what was handed over cannot be read: {why}")]
    HandedOver {
        /// How.
        why: String,
    },
    /// git could not be asked.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// The account that owns a repository, which pushes to it run as.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Owner {
    /// Its number.
    pub(in crate::doctor) uid: u32,
    /// The number of its group.
    pub(in crate::doctor) gid: u32,
    /// What the machine knows of it.
    pub(in crate::doctor) account: Option<Account>,
}

impl Owner {
    fn of(uid: u32, gid: u32) -> Self {
        let account = Account::of(uid);
        let gid = account.as_ref().map_or(gid, |account| account.gid);
        Self { uid, gid, account }
    }

    /// Its name, or its number.
    pub(in crate::doctor) fn shown(&self) -> String {
        let name = self.account.as_ref().map(|account| account.name.clone());
        name.unwrap_or_else(|| format!("uid {}", self.uid))
    }
}

/// A repository, seen by its own account.
pub(in crate::doctor) struct Patient {
    /// Its folder, absolute, without symbolic links.
    pub(in crate::doctor) git_dir: PathBuf,
    /// Its account.
    pub(in crate::doctor) account: Owner,
    /// git in it.
    pub(in crate::doctor) git: Git,
    /// The settings that git would go by.
    pub(in crate::doctor) settings: Settings,
    /// What relhook's hooks would read, or why they could not.
    pub(in crate::doctor) store: Result<Store, StoreError>,
    /// The policy in force; nothing where there is none, or why it cannot be used.
    pub(in crate::doctor) policy: Result<Option<(Oid, Bundle)>, String>,
    /// This program.
    pub(in crate::doctor) program: PathBuf,
    /// How commands are written for it.
    pub(in crate::doctor) words: Words,
}

impl Patient {
    /// Takes in the repository at `dir`.
    ///
    /// # Errors
    /// When there is none, it is another account's, or git says nothing about it.
    pub(in crate::doctor) fn admit(dir: &Path, program: &Path) -> Result<Self, DoctorError> {
        let git_dir = find(dir)?;
        let account = owner(&git_dir)?;
        if account.uid != rustix::process::geteuid().as_raw() {
            return Err(DoctorError::NotYours {
                path: git_dir,
                owner: account.shown(),
            });
        }
        let git = Git::at(&git_dir);
        let settings = git.settings()?;
        let store = Store::open(&git_dir);
        let policy = match &store {
            Ok(store) => store.policy().map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Ok(Self {
            words: Words::new(&git_dir),
            program: program.to_owned(),
            git_dir,
            account,
            git,
            settings,
            store,
            policy,
        })
    }

    /// The policy in force, if it can be used.
    pub(in crate::doctor) fn bundle(&self) -> Option<&Bundle> {
        self.policy
            .as_ref()
            .ok()?
            .as_ref()
            .map(|(_, bundle)| bundle)
    }

    /// The repository's name, by its policy.
    pub(in crate::doctor) fn repository_name(&self) -> Option<String> {
        let name = &self.bundle()?.policy.repository;
        Some(escape(name.0.as_bytes()))
    }

    /// The folder of the hooks that the repository has.
    pub(in crate::doctor) fn hooks(&self) -> PathBuf {
        self.git_dir.join("hooks")
    }
}

/// The repository at `dir`, or the one whose work tree it is, or the nearest above it.
pub(in crate::doctor) fn find(dir: &Path) -> Result<PathBuf, DoctorError> {
    let none = || DoctorError::NotARepository {
        path: dir.to_owned(),
    };
    let start = std::fs::canonicalize(dir).map_err(|_| none())?;
    let is_repository = |path: &Path| path.join("HEAD").is_file() && path.join("objects").is_dir();
    let candidates = start
        .ancestors()
        .flat_map(|folder| [folder.to_owned(), folder.join(".git")]);
    candidates
        .into_iter()
        .find(|path| is_repository(path))
        .ok_or_else(none)
}

/// Whose it is.
pub(in crate::doctor) fn owner(git_dir: &Path) -> Result<Owner, DoctorError> {
    let meta = std::fs::metadata(git_dir).map_err(|_| DoctorError::NotARepository {
        path: git_dir.to_owned(),
    })?;
    Ok(Owner::of(meta.uid(), meta.gid()))
}
