//! Why an installation stops. Nothing was changed, unless the variant says otherwise.

use crate::audit::AuditError;
use crate::facts::StoreError;
use crate::folder::FolderError;
use crate::ledger::LedgerError;
use crate::setup::{OLDEST_GIT, SetupError};
use std::io;
use std::path::PathBuf;

/// Why a repository cannot be put under the rule.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The machine could not be asked.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// git is older than what relhook is tested with.
    #[error("git {version} is too old: relhook is tested with git {0}.{1} and newer", OLDEST_GIT.0, OLDEST_GIT.1)]
    OldGit {
        /// The version.
        version: String,
    },
    /// The repository has a work tree.
    #[error("{path} is not a bare repository: a server's repository has no work tree")]
    NotBare {
        /// The repository.
        path: PathBuf,
    },
    /// The repository cannot be read as it is.
    #[error("{error}; {hint}", error = .0, hint = .0.hint())]
    Unfit(#[from] StoreError),
    /// git would run hooks from elsewhere.
    #[error(
        "core.hooksPath is `{value}` ({scope}): git would not run the hooks in {hooks}; unset it there, or run `git config --unset-all core.hooksPath` if it is the repository's own"
    )]
    HooksElsewhere {
        /// The value, escaped.
        value: String,
        /// Where it is set.
        scope: String,
        /// The repository's hooks folder.
        hooks: PathBuf,
    },
    /// Another program's hook stands in the way.
    #[error(
        "{path} is another program's hook: relhook neither replaces nor chains it; move it away, or call it from the `update` hook, which relhook leaves alone"
    )]
    ForeignHook {
        /// The hook.
        path: PathBuf,
    },
    /// The hook of a server that runs the files of a folder beside it stands in the way.
    #[error(
        "{path} runs what is in {path}.d: `relhook init --layout gitea` puts relhook's hooks there"
    )]
    RunnersHook {
        /// The hook.
        path: PathBuf,
    },
    /// The hook that should run relhook's does not.
    #[error(
        "{path} does not run what is in {path}.d, so that relhook would never be asked: have Gitea or Forgejo write its hooks anew (`doctor check --run hooks --fix`), then run this again"
    )]
    NoRunner {
        /// The hook.
        path: PathBuf,
    },
    /// The hook that was written is not what is there now.
    #[error("{path} was written and is not what was written: is the disk full?")]
    HookNotKept {
        /// The hook.
        path: PathBuf,
    },
    /// No policy is in force and none was given.
    #[error("no policy is in force here: give one with `--policy policy.yaml --keys keys/`")]
    NoPolicy,
    /// A policy is in force, and another was given.
    #[error(
        "another policy is in force (commit {commit}) and stays: a policy is changed by a commit that is approved and pushed to {}",
        crate::policy::POLICY_REF
    )]
    PolicyInForce {
        /// Its commit, abbreviated.
        commit: String,
    },
    /// The policy does not lint, or its keys do not work.
    #[error("{complaint}")]
    BadPolicy {
        /// Every complaint, one line or more.
        complaint: String,
    },
    /// A key file has a name or kind that cannot be taken in.
    #[error("{path}: {why}")]
    BadKeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The policy that is in force cannot be read.
    #[error("the policy in force cannot be read: {why}")]
    Unreadable {
        /// Why.
        why: String,
    },
    /// The repository could not be read or written.
    #[error("the repository: {}", .0.message())]
    Store(#[from] git2::Error),
    /// The group that is to read the audit log cannot be used.
    #[error("the group `{name}` cannot read the audit log: {why}")]
    AuditGroup {
        /// Its name, escaped.
        name: String,
        /// Why not.
        why: String,
    },
    /// relhook's folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The audit log cannot be begun or written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl InstallError {
    /// Wraps what the system said about `path`.
    pub(in crate::install) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
