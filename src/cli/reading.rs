//! Reading the audit log through a command: as its account, or as a member of the audit group; and
//! where the policy says so, not without an entry that says who read what.

use super::{Answer, Exit, Failure, answer};
use crate::audit::{AuditError, AuditLog, Event, ReadRecord};
use crate::decide::Code;
use crate::facts::Store;
use crate::folder::{Folder, FolderError};
use crate::policy::Reading;
use std::path::Path;

/// A repository's log, opened to be read.
pub(in crate::cli) struct Reader {
    pub(in crate::cli) store: Store,
    pub(in crate::cli) log: AuditLog,
}

impl Reader {
    /// The log of the repository around `dir`.
    ///
    /// # Errors
    /// When there is none that this account may read.
    pub(in crate::cli) fn around(dir: &Path) -> anyhow::Result<Self> {
        let store = Store::open(dir)?;
        let folder = Folder::open_to_read(store.git_dir())?;
        let log = AuditLog::at(folder.path());
        Ok(Self { store, log })
    }

    /// The same on the server; nothing in a clone, which has no log.
    ///
    /// # Errors
    /// When there is one that this account may not read.
    pub(in crate::cli) fn on_server(dir: &Path) -> anyhow::Result<Option<Self>> {
        let store = Store::open(dir)?;
        match Folder::open_to_read(store.git_dir()) {
            Ok(folder) => {
                let log = AuditLog::at(folder.path());
                Ok(Some(Self { store, log }))
            }
            Err(FolderError::Absent { .. }) => Ok(None),
            Err(
                error @ (FolderError::Exposed { .. }
                | FolderError::Group { .. }
                | FolderError::Io { .. }),
            ) => Err(error.into()),
        }
    }

    /// Writes down that `command` reads every entry that there is.
    ///
    /// # Errors
    /// As those of [`record`].
    pub(in crate::cli) fn record_all(&self, command: &str) -> anyhow::Result<()> {
        let last = self.log.last().map_or(0, |last| last.seq);
        self.record(command, Some((1, last)))
    }

    /// As [`record`].
    ///
    /// # Errors
    /// As there.
    pub(in crate::cli) fn record(
        &self,
        command: &str,
        entries: Option<(u64, u64)>,
    ) -> anyhow::Result<()> {
        record(&self.store, &self.log, command, entries)
    }

    /// The same, then the answer.
    ///
    /// # Errors
    /// As there.
    pub(in crate::cli) fn recorded(
        &self,
        command: &str,
        entries: Option<(u64, u64)>,
        answer: Answer,
    ) -> anyhow::Result<Answer> {
        self.record(command, entries)?;
        Ok(answer)
    }
}

/// Whether what entries keep beside them may be shown, by a command that has more to say than that: it
/// asks once, when it has such a thing, and says the rest in any case. What is wrong with a full disk has
/// to be seen on it.
pub(in crate::cli) struct Disclosure {
    command: &'static str,
    asked: Option<Result<(), String>>,
}

impl Disclosure {
    /// Nothing of it was shown yet.
    pub(in crate::cli) fn by(command: &'static str) -> Self {
        Self {
            command,
            asked: None,
        }
    }

    /// Writes down, the first time, that it is shown: what other files keep of entries, so without their
    /// numbers.
    ///
    /// # Errors
    /// What to show instead.
    pub(in crate::cli) fn ask(&mut self, store: &Store, log: &AuditLog) -> Result<(), String> {
        let command = self.command;
        let ask = || match record(store, log, command, None) {
            Ok(()) => Ok(()),
            Err(error) => Err(format!("not shown: {}", answer::sentence(&error))),
        };
        self.asked.get_or_insert_with(ask).clone()
    }
}

/// Writes down that `command` read these entries, where the policy in force has it so. Nothing that was
/// read is shown before.
///
/// # Errors
/// When that cannot be told, or the entry cannot be written: then nothing may be shown.
pub(in crate::cli) fn record(
    store: &Store,
    log: &AuditLog,
    command: &str,
    entries: Option<(u64, u64)>,
) -> anyhow::Result<()> {
    let policy = store.policy().map_err(|error| unrecorded(&error))?;
    match policy.map(|(_, bundle)| bundle.policy.audit.reading) {
        Some(Reading::Logged) => {}
        Some(Reading::Free) | None => return Ok(()),
    }
    let (first, last) = entries.unwrap_or((0, 0));
    let event = Event::Read(ReadRecord {
        command: command.to_owned(),
        first,
        last,
        by: crate::setup::acting(),
    });
    match log.append(crate::hook::clock(), event) {
        Ok(_) => Ok(()),
        Err(error @ AuditError::ReadOnly { .. }) => Err(unrecorded(&format!(
            "{error}: read it as the repository's account, `sudo -u ACCOUNT relhook {command}`"
        ))),
        Err(error) if error.is_integrity() => Err(Failure {
            exit: Exit::Integrity,
            message: format!(
                "{}: {error}; what is read has to be recorded, and cannot be in such a log",
                Code::LOG_BROKEN
            ),
        }
        .into()),
        Err(error) => Err(unrecorded(&error)),
    }
}

fn unrecorded(why: &dyn std::fmt::Display) -> anyhow::Error {
    let code = Code::READ_UNRECORDED;
    Failure::refused(anyhow::anyhow!(
        "{code}: what is read has to be recorded, and cannot be: {why}"
    ))
}
