//! The server's side of a repository, opened once: its objects and refs, and what relhook keeps.

use crate::audit::{AuditError, AuditLog, DebtRecord, Event, Mark, MovedRecord, read_on};
use crate::facts::{Current, Fault, Store};
use crate::folder::{Folder, FolderError};
use crate::ledger::{Ledger, LedgerError, OpenMove, OpenPush, due};
use crate::types::{Oid, Timestamp};
use std::fs::{File, OpenOptions};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;

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

    /// Writes to the log what became of the moves that verdicts allowed, where that can be known by now:
    /// an intent never stays without its outcome. Gives how many were told. Whoever is killed between the log
    /// and the ledger has told it: the next one finds that in the log.
    ///
    /// # Errors
    /// When the refs or the ledger cannot be read, or the log cannot be written.
    pub fn tell_moves(&self, now: Timestamp) -> Result<usize, TellError> {
        let _lock = self.telling()?;
        let mut told = Vec::new();
        for one in self.ledger()?.open_moves()? {
            let Some(at) = self.named(&one)? else {
                continue;
            };
            told.extend(one.outcome(at, now));
        }
        let Some(first) = told.iter().map(|one| one.sequence).min() else {
            return Ok(0);
        };
        let mut known: Vec<MovedRecord> = Vec::new();
        self.said_behind(first, |event| {
            if let Event::Moved(moved) = event {
                known.push(moved.clone());
            }
        })?;
        told.retain(|one| !known.iter().any(|known| is_of_one_move(known, one)));
        let events = told.iter().cloned().map(Event::Moved);
        self.log.append_all(events.map(|event| (now, event)))?;
        let new = told.len();
        told.extend(known);
        self.ledger()?.told(&told)?;
        Ok(new)
    }

    /// What the log says behind an entry. Where there is something to tell, little stands there: it is told
    /// a moment after it was allowed.
    fn said_behind(&self, seq: u64, mut each: impl FnMut(&Event)) -> Result<(), AuditError> {
        read_on(&self.log, Mark::behind(seq), |entry, _| {
            each(&entry.event);
            ControlFlow::Continue(())
        })
    }

    /// Writes to the log that the review of an emergency is due soon, or overdue, once for each. Gives
    /// whether any emergency is remembered: then there may be somebody to tell.
    ///
    /// # Errors
    /// When the ledger cannot be read, or the log cannot be written.
    pub fn tell_debts(&self, now: Timestamp) -> Result<bool, TellError> {
        let _lock = self.telling()?;
        let now = now.max(self.log.last()?.time);
        let refs = self.ledger()?.refs()?;
        let all = refs
            .iter()
            .flat_map(|(name, known)| known.emergencies().iter().map(move |debt| (name, debt)));
        let mut told: Vec<DebtRecord> = all
            .filter_map(|(name, debt)| due(name, debt, now))
            .collect();
        if let Some(first) = told.iter().map(|one| one.entry).min() {
            let mut known: Vec<DebtRecord> = Vec::new();
            self.said_behind(first, |event| {
                if let Event::Debt(debt) = event {
                    known.push(debt.clone());
                }
            })?;
            told.retain(|one| !known.contains(one));
            let events = told.iter().cloned().map(Event::Debt);
            self.log.append_all(events.map(|event| (now, event)))?;
            told.extend(known);
            self.ledger()?.told_of(&told)?;
        }
        Ok(refs
            .iter()
            .any(|(_, known)| !known.emergencies().is_empty()))
    }

    /// One at a time tells the log what became of things.
    fn telling(&self) -> Result<File, TellError> {
        let path = self.log.dir().join("moves.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&path).map_err(TellError::Lock)?;
        lock.lock().map_err(TellError::Lock)?;
        Ok(lock)
    }

    /// What the ref of a move names; nothing where that cannot be read.
    fn named(&self, one: &OpenMove) -> Result<Option<Option<Oid>>, Fault> {
        Ok(match self.store.current(&one.refname)? {
            Current::At(oid) => Some(Some(oid)),
            Current::Absent | Current::Symbolic { .. } => Some(None),
            Current::Unreadable { .. } => None,
        })
    }
}

/// Whether both are about one move: that of a ref, by an entry.
fn is_of_one_move(one: &MovedRecord, other: &MovedRecord) -> bool {
    (one.sequence, &one.ref_hex) == (other.sequence, &other.ref_hex)
}

/// Why it cannot be told what became of moves. Nothing is lost by it.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The refs cannot be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The log cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Nobody else can be kept from it meanwhile.
    #[error("moves.lock: {0}")]
    Lock(std::io::Error),
}
