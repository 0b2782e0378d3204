//! A clone, with the server's policy and statements at hand.

use super::{ClientError, Git, Remote, View};
use crate::facts::{Current, Store};
use crate::policy::{Bundle, POLICY_REF, Policy};
use crate::signature::Keyring;
use crate::types::{Oid, RefName, Timestamp};
use crate::witness::{Accepted, CHECKPOINT_REF, Debts, Seen, accepted, debts, look};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Whether the server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is fetched from.
    Fetched,
    /// What was fetched last has to do.
    Offline,
}

/// What became of the policy since it was last looked at from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyNews {
    /// It is here for the first time, and trusted as it is.
    First,
    /// It is the same.
    Same,
    /// It changed, by commits on top of the one that was here.
    Changed {
        /// The commit that held it before.
        from: Oid,
    },
    /// It is another one, not a continuation: a server that is not what it was, or whose history
    /// was rewritten.
    Replaced {
        /// The commit that held it before.
        from: Oid,
    },
}

/// A clone, with the server's policy and statements at hand.
#[derive(Debug)]
pub struct Workspace {
    /// git, in the clone.
    pub git: Git,
    /// The server.
    pub remote: Remote,
    /// The clone's objects and the server's refs.
    pub store: Store,
    /// The commit of the policy in force.
    pub policy_id: Oid,
    /// The policy in force and its key files.
    pub bundle: Bundle,
    /// The policy's keys.
    pub keyring: Keyring,
    /// Whether the server was asked.
    pub freshness: Freshness,
    /// Whether the policy is new here.
    pub news: PolicyNews,
    /// The server's audit log, as it is now and follows from what was seen of it before; nothing
    /// where the server shows none.
    pub log: Option<Seen>,
    /// The emergencies that it shows, and what is owed for them.
    pub debts: Debts,
    /// Where it says that refs were let be, by the numbers of the log's entries.
    pub accepted: Accepted,
    /// The machine's clock.
    pub now: Timestamp,
}

impl Workspace {
    /// Opens the clone around `dir` and gets the server's policy and statements.
    ///
    /// # Errors
    /// When the clone cannot be used, the server cannot be asked, or it has no sound policy.
    pub fn open(
        dir: &Path,
        remote: Option<&std::ffi::OsStr>,
        freshness: Freshness,
    ) -> Result<Self, ClientError> {
        let git = Git::at(dir);
        let remote = match remote {
            Some(name) => Remote::named(name)?,
            None => Remote::usual(&git)?,
        };
        // git says which repository it works in, so that it and relhook never mean two.
        let git_dir = git.path(&["rev-parse", "--absolute-git-dir"])?;
        let store = Store::open(&git_dir)?.mirroring(remote.mirror());
        let before = policy_commit(&store)?;
        match freshness {
            Freshness::Fetched => remote.fetch(&git)?,
            Freshness::Offline => {}
        }
        let policy = store.policy().map_err(|source| ClientError::Policy {
            remote: remote.shown(),
            source,
        })?;
        let (policy_id, bundle) = policy.ok_or_else(|| ClientError::NoPolicy {
            remote: remote.shown(),
        })?;
        let news = news(&git, before, policy_id)?;
        let log = log(&store, &remote)?;
        let (debts, accepted) = shown_beside(&store)?;
        let home = own_folder(&store, "keyring")?.join(policy_id.to_string());
        let keyring = Keyring::build(&bundle.policy, &bundle.keys, &home)?;
        Ok(Self {
            git,
            remote,
            store,
            policy_id,
            bundle,
            keyring,
            freshness,
            news,
            log,
            debts,
            accepted,
            now: Timestamp::from_unix(jiff::Timestamp::now().as_second()),
        })
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.bundle.policy
    }

    /// What is needed to read what the server has.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            store: &self.store,
            policy: self.policy(),
            keyring: &self.keyring,
            now: self.now,
        }
    }

    /// The server's audit log as it was last seen, as a statement names it: what it was when its
    /// signer spoke.
    #[must_use]
    pub fn checkpoint(&self) -> Option<String> {
        let seen = &self.log.as_ref()?.checkpoint;
        Some(format!("{} {}", seen.size, seen.root_base64()))
    }

    /// What a ref is on the server.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn value(&self, refname: &RefName) -> Result<Option<Oid>, ClientError> {
        match self.store.current(refname)? {
            Current::Absent => Ok(None),
            Current::At(oid) => Ok(Some(oid)),
            Current::Symbolic { target } => Err(ClientError::Odd {
                what: "fetch".into(),
                said: target,
            }),
            Current::Unreadable { why } => Err(ClientError::Odd {
                what: "fetch".into(),
                said: why,
            }),
        }
    }
}

fn news(git: &Git, before: Option<Oid>, policy: Oid) -> Result<PolicyNews, ClientError> {
    let Some(from) = before else {
        return Ok(PolicyNews::First);
    };
    if from == policy {
        return Ok(PolicyNews::Same);
    }
    let (old, new) = (from.to_string(), policy.to_string());
    let continued = git.maybe(&["merge-base", "--is-ancestor", &old, &new])?;
    Ok(if continued.is_some() {
        PolicyNews::Changed { from }
    } else {
        PolicyNews::Replaced { from }
    })
}

fn policy_commit(store: &Store) -> Result<Option<Oid>, ClientError> {
    commit_at(store, POLICY_REF)
}

/// The server's audit log, looked at with what this clone saw of it before.
fn log(store: &Store, remote: &Remote) -> Result<Option<Seen>, ClientError> {
    let commit = commit_at(store, CHECKPOINT_REF)?;
    let memory = own_folder(store, "logs")?.join(remote.file_name());
    let repository = git2::Repository::open(store.git_dir());
    let repository = repository.map_err(|error| ClientError::Unusable {
        why: error.message().to_owned(),
    })?;
    Ok(look(&repository, commit, &memory)?)
}

/// What the server shows beside its log.
fn shown_beside(store: &Store) -> Result<(Debts, Accepted), ClientError> {
    let commit = commit_at(store, CHECKPOINT_REF)?;
    let repository = git2::Repository::open(store.git_dir());
    let (Some(commit), Ok(repository)) = (commit, repository) else {
        return Ok((Debts::new(), Accepted::new()));
    };
    let shown = (debts(&repository, commit), accepted(&repository, commit));
    Ok(shown)
}

pub(super) fn commit_at(store: &Store, name: &str) -> Result<Option<Oid>, ClientError> {
    let name = RefName::new(name.as_bytes()).map_err(|error| ClientError::Odd {
        what: "fetch".into(),
        said: error.shown,
    })?;
    match store.current(&name)? {
        Current::At(oid) => Ok(Some(oid)),
        Current::Absent | Current::Symbolic { .. } | Current::Unreadable { .. } => Ok(None),
    }
}

/// A folder of our own in the clone: not `relhook`, which marks a server.
fn own_folder(store: &Store, name: &str) -> Result<PathBuf, ClientError> {
    let root = store.common_dir().join("relhook-clone").join(name);
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&root);
    match made {
        Ok(()) => Ok(root),
        Err(source) => Err(ClientError::Folder { path: root, source }),
    }
}
