//! The server's side of a repository, opened once: its objects and refs, and what relhook keeps.

use crate::audit::AuditLog;
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::ledger::{Ledger, LedgerError};

/// A repository under the rule.
pub struct Server {
    /// Its objects and refs.
    pub store: Store,
    /// relhook's own folder in it.
    pub folder: Folder,
    /// What was decided and released.
    pub log: AuditLog,
}

impl Server {
    /// What relhook keeps beside this store.
    ///
    /// # Errors
    /// When its folder is not there or not of this account alone.
    pub fn beside(store: Store) -> Result<Self, FolderError> {
        let folder = Folder::open(store.git_dir())?;
        let log = AuditLog::at(folder.path());
        Ok(Self { store, folder, log })
    }

    /// What the log means for the next push. While it is open, nobody can make its file again: it
    /// is opened for each thing to be done, and not for long.
    ///
    /// # Errors
    /// When the ledger can neither be read nor rebuilt.
    pub fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ledger::open(self.folder.path(), &self.log)
    }
}
