//! The server's side of a repository, opened once: its objects and refs, and what relhook keeps.

use crate::audit::AuditLog;
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::ledger::{Ledger, LedgerError, OpenPush};

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

    /// The same, and every push of which it is not known how it ended.
    ///
    /// # Errors
    /// As for [`Self::ledger`].
    pub fn ledger_with_pushes(&self) -> Result<(Ledger, Vec<OpenPush>), LedgerError> {
        Ledger::open_with_pushes(self.folder.path(), &self.log)
    }

    /// The same, where `process` moves refs: [`Ledger::open_for_move`].
    ///
    /// # Errors
    /// As for [`Self::ledger`].
    pub fn ledger_for_move(&self, process: Option<&str>) -> Result<Ledger, LedgerError> {
        Ledger::open_for_move(self.folder.path(), &self.log, process)
    }
}
