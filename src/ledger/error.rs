//! Why the ledger cannot be used.

use crate::audit::AuditError;
use std::io;
use std::path::{Path, PathBuf};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be read or written.
    #[error("{path}: {source}")]
    Database {
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It has to be made again, and somebody has been using it for too long; or the other way
    /// round.
    #[error("{path}: another process has held this lock for a minute")]
    InUse {
        /// The lock's file.
        path: PathBuf,
    },
    /// It does not hold what the ledger writes.
    #[error("{path}: not what relhook wrote: {why}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// How.
        why: String,
    },
    /// The audit log could not be read, so the ledger could not be rebuilt.
    #[error("the ledger could not be rebuilt: {0}")]
    Audit(#[from] AuditError),
    /// What the log says could not be written into the new ledger.
    #[error("the ledger could not be rebuilt: {0}")]
    Rebuild(#[source] rusqlite::Error),
}

impl LedgerError {
    pub(in crate::ledger) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(in crate::ledger) fn database(path: &Path, source: rusqlite::Error) -> Self {
        Self::Database {
            path: path.to_owned(),
            source,
        }
    }
}
