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
    /// What that means for the next push.
    pub ledger: Ledger,
}

impl Server {
    /// What relhook keeps beside this store.
    ///
    /// # Errors
    /// When its folder is not there or not of this account alone, or the ledger can neither be
    /// read nor rebuilt.
    pub fn beside<E>(store: Store) -> Result<Self, E>
    where
        E: From<FolderError> + From<LedgerError>,
    {
        let folder = Folder::open(store.git_dir())?;
        let log = AuditLog::at(folder.path());
        let ledger = Ledger::open(folder.path(), &log)?;
        Ok(Self {
            store,
            folder,
            log,
            ledger,
        })
    }
}
