//! The ledger: what the audit log means for the next push, for quick look-up.
//!
//! For each protected ref, the last commit that was accepted and the moves that verdicts allow;
//! for each statement, when it was first seen. All of it can be rebuilt from the audit log.

mod refs;

use crate::audit::{AuditError, AuditLog, Event, PermitRecord, VerdictRecord};
use crate::facts::Memory;
use crate::folder::{Lasting, private_dir, replace_file, replace_file_lasting};
use crate::types::{Oid, RefName, Timestamp};
pub use refs::RefRecord;
use std::io;
use std::path::{Path, PathBuf};

/// The ledger of one repository.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
}

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
    /// A file does not hold what the ledger writes.
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
}

impl LedgerError {
    pub(in crate::ledger) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

impl Ledger {
    /// The ledger below relhook's folder, rebuilt from `log` where it was lost, and once after each
    /// start of the machine: its files are not synced, so a power cut may have taken some.
    ///
    /// # Errors
    /// When it can neither be read nor rebuilt.
    pub fn open(folder: &Path, log: &AuditLog) -> Result<Self, LedgerError> {
        let ledger = Self {
            dir: folder.join("ledger"),
        };
        let boot = boot_id();
        if !ledger.is_of(&boot)? {
            let _lock = ledger.lock()?;
            if !ledger.is_of(&boot)? {
                ledger.read_log_again(log, &boot)?;
            }
        }
        Ok(ledger)
    }

    /// Whether all of it was written since this start of the machine.
    fn is_of(&self, boot: &[u8]) -> Result<bool, LedgerError> {
        let mark = self.mark();
        match std::fs::read(&mark) {
            Ok(found) => Ok(!boot.is_empty() && found == boot),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(LedgerError::Io { path: mark, source }),
        }
    }

    /// Forgets everything and reads it again from the audit log, which is verified on the way.
    fn read_log_again(&self, log: &AuditLog, boot: &[u8]) -> Result<(), LedgerError> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LedgerError::Io {
                    path: self.dir.clone(),
                    source: error,
                });
            }
            _ => {}
        }
        private_dir(&self.dir).map_err(LedgerError::io(&self.dir))?;
        let mut failed = None;
        crate::audit::verify(log, |entry| {
            if failed.is_none() {
                failed = self.replay(entry.seq, entry.time, &entry.event).err();
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let mark = self.mark();
        replace_file(&mark, boot).map_err(LedgerError::io(&mark))
    }

    fn replay(&self, seq: u64, time: Timestamp, event: &Event) -> Result<(), LedgerError> {
        match event {
            Event::Pinned(pin) => self.pin(&self.name(&pin.ref_hex)?, pin.oid),
            Event::Verdict(verdict) => self.take_in(seq, time, verdict),
            Event::Begun { .. }
            | Event::Refused { .. }
            | Event::Release(_)
            | Event::Recovered { .. } => Ok(()),
        }
    }

    /// Takes in a recorded verdict: its permits, and what was first seen in it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn apply(
        &self,
        seq: u64,
        time: Timestamp,
        verdict: &VerdictRecord,
    ) -> Result<(), LedgerError> {
        let _lock = self.lock()?;
        self.take_in(seq, time, verdict)
    }

    fn take_in(
        &self,
        seq: u64,
        time: Timestamp,
        verdict: &VerdictRecord,
    ) -> Result<(), LedgerError> {
        if verdict.outcome != "accepted" {
            return Ok(());
        }
        for oid in &verdict.seen {
            self.see(*oid, time)?;
        }
        for permit in verdict
            .updates
            .iter()
            .filter_map(|update| update.permit.as_ref())
        {
            self.permit(permit, seq, time)?;
        }
        Ok(())
    }

    fn permit(&self, permit: &PermitRecord, seq: u64, time: Timestamp) -> Result<(), LedgerError> {
        let refname = self.name(&permit.ref_hex)?;
        let mut record = self.record(&refname)?;
        record.allow(permit, seq, time);
        self.write(&refname, &record)
    }

    fn name(&self, hex: &str) -> Result<RefName, LedgerError> {
        refs::name_from_hex(hex).map_err(|why| LedgerError::Broken {
            path: self.dir.clone(),
            why,
        })
    }

    /// Takes a ref's value as given: what it reaches is not judged.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn pin(&self, refname: &RefName, oid: Oid) -> Result<(), LedgerError> {
        let mut record = self.record(refname)?;
        record.pin(oid);
        self.write(refname, &record)
    }

    /// What is known of a ref.
    ///
    /// # Errors
    /// When its file cannot be read or is not what the ledger writes.
    pub fn record(&self, refname: &RefName) -> Result<RefRecord, LedgerError> {
        Ok(read_record(&self.ref_file(refname))?.unwrap_or_else(|| RefRecord::new(refname)))
    }

    /// Every protected ref that anything is known of, by name.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn refs(&self) -> Result<Vec<(RefName, RefRecord)>, LedgerError> {
        let dir = self.dir.join("refs");
        let files = match std::fs::read_dir(&dir) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(LedgerError::Io { path: dir, source }),
        };
        let mut refs = Vec::new();
        for file in files {
            let path = file.map_err(LedgerError::io(&dir))?.path();
            // What a killed writer left half written has another name.
            if path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
            {
                continue;
            }
            if let Some(record) = read_record(&path)? {
                refs.push((self.name(&record.ref_hex)?, record));
            }
        }
        refs.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(refs)
    }

    /// When a statement or approving commit was first seen here.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn seen(&self, oid: Oid) -> Result<Option<Timestamp>, LedgerError> {
        let path = self.seen_file(oid);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                text.trim_end()
                    .parse()
                    .map(Some)
                    .map_err(|error: crate::types::TimestampError| LedgerError::Broken {
                        path,
                        why: error.to_string(),
                    })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerError::Io { path, source }),
        }
    }

    /// Remembers when `oid` was first seen; an earlier time stands.
    fn see(&self, oid: Oid, time: Timestamp) -> Result<(), LedgerError> {
        if self.seen(oid)?.is_some() {
            return Ok(());
        }
        write_below(&self.seen_file(oid), format!("{time}\n").as_bytes())
    }

    fn write(&self, refname: &RefName, record: &RefRecord) -> Result<(), LedgerError> {
        let path = self.ref_file(refname);
        let bytes = serde_json::to_vec(record);
        let bytes = bytes.map_err(|error| LedgerError::Broken {
            path: path.clone(),
            why: error.to_string(),
        })?;
        write_below(&path, &bytes)
    }

    /// Held while records are read and written back: two pushes may be judged at once.
    fn lock(&self) -> Result<std::fs::File, LedgerError> {
        // Beside the folder, which is removed when the log is read again.
        let path = self.dir.with_extension("lock");
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(LedgerError::io(&path))?;
        file.lock().map_err(LedgerError::io(&path))?;
        Ok(file)
    }

    fn mark(&self) -> PathBuf {
        self.dir.join("complete")
    }

    fn ref_file(&self, refname: &RefName) -> PathBuf {
        let hash = crate::audit::Hash::of(refname.as_bytes());
        self.dir.join("refs").join(hash.as_str())
    }

    fn seen_file(&self, oid: Oid) -> PathBuf {
        let hex = oid.to_string();
        let fan = hex.get(..2).unwrap_or_default().to_owned();
        self.dir.join("seen").join(fan).join(hex)
    }
}

fn read_record(path: &Path) -> Result<Option<RefRecord>, LedgerError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(LedgerError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| LedgerError::Broken {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

/// What tells this start of the machine from others. Where the system does not say, nothing: then
/// the log is read again each time.
fn boot_id() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

fn write_below(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    if let Some(parent) = path.parent() {
        private_dir(parent).map_err(LedgerError::io(parent))?;
    }
    replace_file_lasting(path, bytes, Lasting::Kill).map_err(LedgerError::io(path))
}

impl Memory for Ledger {
    fn approved(&self, refname: &RefName, current: Option<Oid>) -> Result<Option<Oid>, String> {
        let record = self.record(refname).map_err(|error| error.to_string())?;
        Ok(current.filter(|oid| record.knows(*oid)).or(record.approved))
    }

    fn first_seen(&self, oid: Oid) -> Result<Option<Timestamp>, String> {
        self.seen(oid).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
