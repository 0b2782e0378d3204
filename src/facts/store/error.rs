//! Why a repository cannot be used.

use std::path::PathBuf;

/// Why a repository cannot be used. Each is a refusal on a server.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no repository.
    #[error("there is no Git repository at {path}")]
    NotARepository {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It belongs to another account, and nothing says that this is meant.
    #[error("the repository {path} belongs to another account than the one relhook runs as")]
    Owner {
        /// The repository.
        path: PathBuf,
    },
    /// A ref namespace is in force.
    #[error("GIT_NAMESPACE is set: relhook does not judge namespaced pushes")]
    Namespace,
    /// Another folder is to hold the refs.
    #[error("GIT_COMMON_DIR is set: relhook reads the refs of the repository itself")]
    CommonDir,
    /// Another folder is to hold the objects, and it is no push's quarantine.
    #[error("GIT_OBJECT_DIRECTORY is {path}: relhook reads the objects of the repository itself")]
    ObjectsElsewhere {
        /// The folder.
        path: PathBuf,
    },
    /// `info/grafts` rewrites history.
    #[error("{path} is not empty: it makes history look other than it is")]
    Grafts {
        /// The file.
        path: PathBuf,
    },
    /// History is cut off.
    #[error("{path} is not empty: the repository is shallow, so its history cannot be judged")]
    Shallow {
        /// The file.
        path: PathBuf,
    },
    /// The repository takes pushes that cut history off.
    #[error("receive.shallowUpdate is on: a push could cut history off")]
    ShallowUpdate,
    /// Refs are not kept as files.
    #[error("refs are stored as `{format}`; relhook reads `files` only")]
    RefStorage {
        /// The value of `extensions.refStorage`.
        format: String,
    },
    /// Object ids are not SHA-1.
    #[error("objects are named by `{format}`; relhook reads `sha1` only")]
    ObjectFormat {
        /// The value of `extensions.objectFormat`.
        format: String,
    },
    /// Objects may be missing and fetched when they are needed.
    #[error("the repository is a partial clone ({setting}): objects may be missing")]
    PartialClone {
        /// The setting that says so.
        setting: String,
    },
    /// Something else that libgit2 says no to.
    #[error("the repository {path} cannot be opened: {why}")]
    Unusable {
        /// The repository.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl StoreError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository { .. } => "run this inside a repository",
            Self::Owner { .. } => {
                "run it as the repository's owner, or list the path in safe.directory in that account's configuration"
            }
            Self::Namespace => "unset GIT_NAMESPACE in the server's environment",
            Self::CommonDir => "unset GIT_COMMON_DIR in the server's environment",
            Self::ObjectsElsewhere { .. } => {
                "unset GIT_OBJECT_DIRECTORY in the server's environment; objects/info/alternates \
                 can name objects that repositories share"
            }
            Self::Grafts { .. } => "remove the file",
            Self::Shallow { .. } => "run `git fetch --unshallow`",
            Self::ShallowUpdate => "run `git config --unset receive.shallowUpdate`",
            Self::RefStorage { .. } => "run `git refs migrate --ref-format=files`",
            Self::ObjectFormat { .. } => "use a repository made with `--object-format=sha1`",
            Self::PartialClone { .. } => "clone the repository again without `--filter`",
            Self::Unusable { .. } => "run `git fsck` in the repository",
        }
    }
}
