//! What can be wrong with the log.

use super::Checkpoint;
use std::io;
use std::path::PathBuf;

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log is gone, or has never been begun by `relhook init`.
    #[error("{path}: the audit log is not there; only `relhook init` begins one")]
    Absent {
        /// The file.
        path: PathBuf,
    },
    /// There is a log already.
    #[error("{path}: there is an audit log already")]
    Begun {
        /// The file.
        path: PathBuf,
    },
    /// Something does not fit the format or its place in the tree.
    #[error("{path}, entry {seq}: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The sequence number where the log breaks; 0 where that is no single entry.
        seq: u64,
        /// How.
        why: String,
    },
    /// Two checkpoints that the log's key signed cannot be of one log.
    #[error(
        "the log has been forked or rewritten. It is now\n{ours}\nand was signed before as\n{theirs}"
    )]
    Forked {
        /// What the log is now.
        ours: Box<Checkpoint>,
        /// What was signed before.
        theirs: Box<Checkpoint>,
    },
    /// The log's key cannot be used.
    #[error("{path}: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// There is no such entry.
    #[error("there is no entry {seq}: the log has {size}")]
    NoEntry {
        /// The number that was asked for.
        seq: u64,
        /// How many entries there are.
        size: u64,
    },
    /// The log is of the format before this one.
    #[error("{path}: the log is of an earlier relhook; `relhook init` takes it over")]
    Old {
        /// The file.
        path: PathBuf,
    },
    /// The log ends before the entry that was last recorded.
    #[error("{path}: the log ends at entry {found}, but entry {recorded} was written")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The last entry that is there.
        found: u64,
        /// The last entry that the head names.
        recorded: u64,
    },
    /// Somebody can get at a part of the log who may not.
    #[error("{path}: {why}; `relhook init` puts that right", path = .0.path.display(), why = .0.why)]
    Exposed(super::Exposure),
    /// This account may read the log, and nothing else.
    #[error("{path}: this account may read the log, and not write it")]
    ReadOnly {
        /// The log's folder.
        path: PathBuf,
    },
    /// A piece of evidence is not there, or not what its hash says.
    #[error("the evidence {hash} is missing or altered")]
    Evidence {
        /// Its hash.
        hash: super::Hash,
    },
    /// An entry would be longer than a line may be.
    #[error("an audit entry of {size} bytes is longer than {limit}")]
    TooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl AuditError {
    /// For `map_err`: what the system said of `path`.
    pub(in crate::audit) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// For `map_err` on opening the log file at `path`: not there is its own error.
    pub(in crate::audit) fn opening(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Absent {
                path: path.to_owned(),
            },
            _ => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// For `map_err` on opening a tile: where it is not there, somebody took it away.
    pub(in crate::audit) fn missing(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Broken {
                path: path.to_owned(),
                seq: 0,
                why: "it is missing".into(),
            },
            _ => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// Whether somebody may have tampered, so that nothing may go on.
    #[must_use]
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Absent { .. }
            | Self::Broken { .. }
            | Self::Forked { .. }
            | Self::Key { .. }
            | Self::Truncated { .. }
            | Self::Evidence { .. } => true,
            Self::Io { .. }
            | Self::Begun { .. }
            | Self::NoEntry { .. }
            | Self::Old { .. }
            | Self::Exposed(_)
            | Self::ReadOnly { .. }
            | Self::TooLong { .. } => false,
        }
    }
}
